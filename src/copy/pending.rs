//! The part of a row that has come, until the rest comes.

use crate::error::Result;

/// Bytes that are looked at to find the end of a row that has begun.
const STEP: usize = 4 << 10;

#[derive(Default)]
pub(super) struct Pending(Vec<u8>);

impl Pending {
    /// Hands what was left and `data` to `read`, which takes whole rows off the front and says how many bytes they were. Of `data`
    /// no more is copied than the row that has begun may need.
    pub fn feed(&mut self, mut data: &[u8], mut read: impl FnMut(&[u8]) -> Result<usize>) -> Result<()> {
        while !self.0.is_empty() && !data.is_empty() {
            let (begun, more) = (self.0.len(), data.len().min(self.0.len().max(STEP)));
            self.0.extend_from_slice(&data[..more]);
            let used = read(&self.0)?;
            if used >= begun {
                self.0.clear();
                data = &data[used - begun..];
            } else {
                self.0.drain(..used);
                data = &data[more..];
            }
        }
        if !data.is_empty() {
            let used = read(data)?;
            self.0.extend_from_slice(&data[used..]);
        }
        Ok(())
    }

    /// Its length in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows that say their length in their first byte.
    fn rows(read: &mut Vec<Vec<u8>>, data: &[u8]) -> usize {
        let mut at = 0;
        while let Some(length) = data.get(at).map(|n| 1 + usize::from(*n) * 100)
            && at + length <= data.len()
        {
            read.push(data[at..at + length].to_vec());
            at += length;
        }
        at
    }

    #[test]
    fn rows_come_whole_whatever_the_pieces_are() {
        let all: Vec<Vec<u8>> = (0..400u32)
            .map(|i| {
                let length = (i * 7 % 90) as u8;
                std::iter::once(length).chain((0..usize::from(length) * 100).map(|b| (b as u32 ^ i) as u8)).collect()
            })
            .collect();
        let data = all.concat();
        for piece in [1, 7, 4095, 4096, 4097, 65_536, data.len()] {
            let (mut pending, mut read) = (Pending::default(), Vec::new());
            for piece in data.chunks(piece) {
                pending.feed(piece, |data| Ok(rows(&mut read, data))).unwrap();
            }
            assert!(pending.len() == 0 && read == all, "pieces of {piece}");
        }
    }
}
