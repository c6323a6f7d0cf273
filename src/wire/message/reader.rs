//! Reads a message's body from front to end; the counterpart of PostgreSQL's pq_getmsg functions.

use bytes::Bytes;

use crate::error::{Error, Result, SqlState};

/// What is left of a message.
pub struct Reader<'a> {
    body: &'a Bytes,
    at: usize,
}

fn violation(message: &str) -> Error {
    Error::new(SqlState::PROTOCOL_VIOLATION, message)
}

impl<'a> Reader<'a> {
    pub fn new(body: &'a Bytes) -> Self {
        Self { body, at: 0 }
    }

    fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let end = self.at.checked_add(n).filter(|end| *end <= self.body.len());
        let end = end.ok_or_else(|| violation("insufficient data left in message"))?;
        let taken = &self.body[self.at..end];
        self.at = end;
        Ok(taken)
    }

    pub fn u8(&mut self) -> Result<u8> {
        // PostgreSQL says it differently for a single byte.
        self.take(1).map(|b| b[0]).map_err(|_| violation("no data left in message"))
    }

    pub fn i16(&mut self) -> Result<i16> {
        Ok(i16::from_be_bytes(self.array()?))
    }

    pub fn u16(&mut self) -> Result<u16> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    pub fn i32(&mut self) -> Result<i32> {
        Ok(i32::from_be_bytes(self.array()?))
    }

    pub fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    /// `n` bytes, sharing the message's memory.
    pub fn bytes(&mut self, n: usize) -> Result<Bytes> {
        let from = self.at;
        self.take(n)?;
        Ok(self.body.slice(from..self.at))
    }

    /// Everything that is left.
    pub fn rest(&mut self) -> Bytes {
        let rest = self.body.slice(self.at..);
        self.at = self.body.len();
        rest
    }

    /// Text up to a zero byte.
    pub fn string(&mut self) -> Result<&'a str> {
        let rest = &self.body[self.at..];
        let end = memchr::memchr(0, rest).ok_or_else(|| violation("invalid string in message"))?;
        self.at += end + 1;
        utf8(&rest[..end])
    }

    /// How many elements of at least `size` bytes can still come: bounds what is allocated for a count.
    pub fn room(&self, size: usize) -> usize {
        (self.body.len() - self.at) / size.max(1)
    }

    pub fn is_empty(&self) -> bool {
        self.at == self.body.len()
    }

    pub fn end(&self) -> Result<()> {
        if self.is_empty() { Ok(()) } else { Err(violation("invalid message format")) }
    }
}

/// Text from a client, or PostgreSQL's error for what is not UTF-8.
pub fn utf8(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|e| {
        let bad = &bytes[e.valid_up_to()..];
        // As many bytes as the first one announces, as PostgreSQL shows them.
        let announced = match bad.first() {
            Some(0xc0..=0xdf) => 2,
            Some(0xe0..=0xef) => 3,
            Some(0xf0..=0xf7) => 4,
            _ => 1,
        };
        let shown: Vec<String> = bad.iter().take(announced).map(|b| format!("0x{b:02x}")).collect();
        let message = format!("invalid byte sequence for encoding \"UTF8\": {}", shown.join(" "));
        Error::new(SqlState::CHARACTER_NOT_IN_REPERTOIRE, message)
    })
}
