//! Buffers that COPY data are read into and that are used again: a fresh one costs the kernel's work for each of its pages.

use std::sync::{Arc, Weak};

use bytes::Bytes;
use parking_lot::Mutex;

/// Bytes that are kept, at most.
const MOST: usize = 32 << 20;

/// Where data may be put as they come: behind what is there already, and so many bytes at most.
pub struct Room<'a> {
    pub out: &'a mut Vec<u8>,
    pub most: usize,
}

impl Room<'_> {
    /// Puts the front of `data` there; gives the rest.
    pub fn put<'d>(&mut self, data: &'d [u8]) -> &'d [u8] {
        let (now, later) = data.split_at(self.most.min(data.len()));
        self.out.extend_from_slice(now);
        self.most -= now.len();
        later
    }
}

/// Buffers that nobody needs at the moment.
#[derive(Default)]
pub(super) struct Spare(Mutex<Vec<Vec<u8>>>);

impl Spare {
    /// An empty one with room for so many bytes.
    pub fn take(&self, room: usize) -> Vec<u8> {
        let fits = |kept: &Vec<u8>| (room..=room.saturating_mul(4)).contains(&kept.capacity());
        let mut kept = self.0.lock();
        match kept.iter().rposition(fits) {
            Some(at) => kept.swap_remove(at),
            None => {
                // What does not fit any more goes.
                drop(kept.pop());
                drop(kept);
                Vec::with_capacity(room)
            }
        }
    }

    /// The data as they are, to be read by whoever wants to; their buffer comes back when nobody does any more.
    pub fn lend(self: &Arc<Self>, data: Vec<u8>) -> Bytes {
        Bytes::from_owner(Lent { data, home: Arc::downgrade(self) })
    }

    fn keep(&self, mut data: Vec<u8>) {
        data.clear();
        let mut kept = self.0.lock();
        if kept.iter().map(Vec::capacity).sum::<usize>() + data.capacity() <= MOST {
            kept.push(data);
        }
    }
}

struct Lent {
    data: Vec<u8>,
    home: Weak<Spare>,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.data
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(home) = self.home.upgrade() {
            home.keep(std::mem::take(&mut self.data));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_comes_back_when_nobody_reads_it() {
        let spare = Arc::new(Spare::default());
        let mut data = spare.take(1000);
        data.extend_from_slice(b"abc");
        let place = data.as_ptr();
        let lent = spare.lend(data);
        let other = lent.slice(1..);
        drop(lent);
        assert_eq!(&other[..], b"bc");
        let fresh = spare.take(1000);
        assert_ne!(fresh.as_ptr(), place);
        drop(other);
        let again = spare.take(900);
        assert!(again.is_empty() && again.as_ptr() == place);
        // Nor is one kept that is too large, or more than there may be.
        spare.keep(Vec::with_capacity(100_000));
        assert!(spare.take(1000).capacity() < 100_000);
        spare.keep(Vec::with_capacity(MOST + 1));
        assert!(spare.0.lock().is_empty());
    }
}
