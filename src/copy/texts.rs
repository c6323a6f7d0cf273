//! A column of texts that is being decoded: bytes one after the other, looked at when a batch is full and not value by value.

use std::sync::Arc;

use arrow::array::{ArrayRef, NullBufferBuilder, StringArray};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};

use crate::error::{Error, Result, SqlState};
use crate::types::binary;

/// Bytes that the texts of a batch may have together.
const MOST: usize = i32::MAX as usize;

pub(super) struct Texts {
    ends: Vec<i32>,
    data: Vec<u8>,
    nulls: NullBufferBuilder,
}

impl Texts {
    pub fn new() -> Self {
        Self { ends: vec![0], data: Vec::new(), nulls: NullBufferBuilder::new(0) }
    }

    pub fn push_null(&mut self) {
        self.nulls.append_null();
        self.ends.push(self.data.len() as i32);
    }

    /// The bytes need not be a text: [`Self::unsound`] finds those that are none.
    pub fn push(&mut self, text: &[u8]) -> Result<()> {
        if text.len() > MOST - self.data.len() {
            return Err(too_many());
        }
        self.data.extend_from_slice(text);
        self.nulls.append_non_null();
        self.ends.push(self.data.len() as i32);
        Ok(())
    }

    /// A text with blanks behind it.
    pub fn push_padded(&mut self, text: &[u8], blanks: usize) -> Result<()> {
        self.push(text)?;
        if blanks > MOST - self.data.len() {
            return Err(too_many());
        }
        self.data.resize(self.data.len() + blanks, b' ');
        if let Some(end) = self.ends.last_mut() {
            *end = self.data.len() as i32;
        }
        Ok(())
    }

    /// The first of them that is not UTF-8 or has a zero byte.
    pub fn unsound(&self) -> Option<(usize, Error)> {
        if self.data.is_ascii() && memchr::memchr(0, &self.data).is_none() {
            return None;
        }
        let text = |ends: &[i32]| &self.data[ends[0] as usize..ends[1] as usize];
        self.ends.windows(2).enumerate().find_map(|(row, ends)| Some((row, binary::text(text(ends)).err()?)))
    }

    /// The texts so far; begins anew.
    pub fn finish(&mut self) -> Result<ArrayRef> {
        let (rows, bytes) = (self.ends.len(), self.data.len());
        let ends = std::mem::replace(&mut self.ends, Vec::with_capacity(rows));
        self.ends.push(0);
        let data = std::mem::replace(&mut self.data, Vec::with_capacity(bytes + bytes / 8));
        let offsets = OffsetBuffer::new(ScalarBuffer::from(ends));
        let array =
            StringArray::try_new(offsets, Buffer::from_vec(data), self.nulls.finish()).map_err(Error::internal)?;
        Ok(Arc::new(array))
    }
}

pub(super) fn too_many() -> Error {
    let message = format!("a batch of COPY data has more than {MOST} bytes in one column");
    Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message)
}

/// The text without the blanks at its end.
pub(super) fn without_blanks(text: &[u8]) -> &[u8] {
    const BLANKS: [u8; 8] = [b' '; 8];
    let mut rest = text;
    while let Some((before, last)) = rest.split_last_chunk::<8>()
        && *last == BLANKS
    {
        rest = before;
    }
    let mut length = rest.len();
    while length > 0 && rest[length - 1] == b' ' {
        length -= 1;
    }
    &rest[..length]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_text_that_is_none_is_found() {
        for (texts, wrong) in [
            (vec![&b"abc"[..], b"", "\u{e9}".as_bytes()], None),
            (vec![b"abc", b"a\0c", b"\xff"], Some(1)),
            // Two halves of a character are not one.
            (vec![b"ab\xc3", b"\xa9b"], Some(0)),
            (vec![b"ab", b"\xa9b"], Some(1)),
        ] {
            let mut column = Texts::new();
            texts.iter().for_each(|text| column.push(text).unwrap());
            column.push_null();
            assert_eq!(column.unsound().map(|(row, _)| row), wrong, "{texts:?}");
            assert_eq!(column.finish().is_ok(), !texts.iter().any(|t| std::str::from_utf8(t).is_err()));
        }
    }

    #[test]
    fn blanks_at_the_end_go() {
        for n in 0..40 {
            let text = format!(" a b{}", " ".repeat(n));
            assert_eq!(without_blanks(text.as_bytes()), b" a b");
        }
        assert_eq!(without_blanks(&[b' '; 17]), b"");
    }
}
