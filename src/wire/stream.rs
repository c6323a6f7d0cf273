//! A client's socket with its two buffers: frames messages within limits, flushes with back-pressure.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout};

use super::message::{invalid_type, kind};
use crate::config::Limits;
use crate::error::{Error, SqlState};
use crate::observe::METRICS;

/// What bytes travel over: TCP, a Unix socket, TLS over either; memory in tests.
pub trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

/// What is read at least at a time.
const READ_CHUNK: usize = 8 << 10;
/// What is made room for at most at a time: memory grows as bytes arrive, not as lengths announce.
const READ_GROWTH: usize = 1 << 20;
/// What is read at a time of a client that sends faster than that, in messages of fewer bytes than an eighth of it: the beginning of a
/// longer one would have to be copied.
const READ_AHEAD: usize = 256 << 10;
/// A buffer that grew beyond this is given back once it is empty: an idle session costs little.
const KEPT_BUFFER: usize = 16 << 10;
/// PostgreSQL's bound on messages that carry no data of the user's (PQ_SMALL_MESSAGE_LIMIT).
const SMALL_MESSAGE: usize = 10_000;
/// PostgreSQL's bound on all others (PQ_LARGE_MESSAGE_LIMIT).
const LARGE_MESSAGE: usize = (1 << 30) - 1;
/// How long a statement may go on for a client that has ended what it sends: one that has only closed its half still
/// waits for the answer, one that is gone looks the same.
const HALF_CLOSED: Duration = Duration::from_secs(1);
/// How long a closing connection waits for the client to read the last error.
const LINGER: Duration = Duration::from_millis(500);

/// Why no message could be read.
#[derive(Debug)]
pub enum Lost {
    /// The client closed the connection, or it broke.
    Eof,
    /// The framing is broken in a way that PostgreSQL answers by closing; the text is for the log.
    Broken(&'static str),
    /// The session ends with this error.
    Fatal(Error),
}

/// Who talks decides how much is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    Stranger,
    Authenticated,
}

pub struct Stream {
    io: Box<dyn Io>,
    pub(super) input: BytesMut,
    /// What is to be written; appended to.
    pub output: Vec<u8>,
    /// How much of the output is written already.
    sent: usize,
    /// What is read next at a time: more after each time that all the room was filled.
    ahead: usize,
    limits: Arc<Limits>,
    /// When the client ended what it sends. It may still read: what it has asked for is answered.
    ended: Option<Instant>,
    /// The client is gone: writing has failed.
    lost: bool,
}

impl Stream {
    pub fn new(io: Box<dyn Io>, limits: Arc<Limits>) -> Self {
        Self { io, input: BytesMut::new(), output: Vec::new(), sent: 0, ahead: 0, limits, ended: None, lost: false }
    }

    /// Gives the socket up, for TLS to wrap it.
    pub fn into_parts(self) -> (Box<dyn Io>, BytesMut) {
        (self.io, self.input)
    }

    pub fn is_lost(&self) -> bool {
        self.lost
    }

    /// After how many bytes of output the socket is flushed.
    pub fn write_buffer(&self) -> usize {
        self.limits.write_buffer
    }

    /// Reads once; 0 is the end. Cancel-safe.
    async fn fill(&mut self, wanted: usize) -> usize {
        if self.lost || self.ended.is_some() {
            return 0;
        }
        self.input.reserve(wanted.clamp(READ_CHUNK, READ_GROWTH));
        match self.io.read_buf(&mut self.input).await {
            Ok(n) if n > 0 => {
                METRICS.bytes_received.add(n as u64);
                n
            }
            Ok(_) => {
                self.ended = Some(Instant::now());
                0
            }
            Err(_) => {
                self.lost = true;
                0
            }
        }
    }

    /// The first byte, without taking it.
    pub async fn peek(&mut self) -> Result<u8, Lost> {
        loop {
            if let Some(first) = self.input.first() {
                return Ok(*first);
            }
            if self.fill(0).await == 0 {
                return Err(Lost::Eof);
            }
        }
    }

    /// A packet of the start, which has no type byte; without its length word.
    pub async fn packet(&mut self) -> Result<Bytes, Lost> {
        loop {
            if let Some(head) = self.input.first_chunk::<4>() {
                let length = usize::try_from(i32::from_be_bytes(*head)).unwrap_or(0);
                // Four bytes of length, four of version.
                if !(8..=self.limits.startup_packet).contains(&length) {
                    return Err(Lost::Broken("invalid length of startup packet"));
                }
                if self.input.len() >= length {
                    self.input.advance(4);
                    return Ok(self.input.split_to(length - 4).freeze());
                }
            }
            if self.fill(0).await == 0 {
                return Err(if self.input.is_empty() { Lost::Eof } else { Lost::Broken("incomplete startup packet") });
            }
        }
    }

    /// The next message: its type and body. Cancel-safe: a message is taken when it is whole.
    pub async fn message(&mut self, trust: Trust) -> Result<(u8, Bytes), Lost> {
        loop {
            let missing = match self.frame(trust)? {
                Ok(message) => return Ok(message),
                Err(missing) => missing,
            };
            if self.input.is_empty() && self.input.capacity() > KEPT_BUFFER {
                self.input = BytesMut::new();
            }
            if self.output.is_empty() && self.output.capacity() > KEPT_BUFFER {
                self.output = Vec::new();
            }
            let wanted = match trust {
                Trust::Authenticated if missing < READ_AHEAD / 8 => missing.max(self.ahead),
                Trust::Authenticated | Trust::Stranger => missing,
            };
            if self.fill(wanted).await == 0 {
                return Err(Lost::Eof);
            }
            let full = self.input.len() == self.input.capacity() && missing < READ_AHEAD / 8;
            self.ahead = if full { (2 * self.ahead).clamp(READ_CHUNK, READ_AHEAD) } else { 0 };
        }
    }

    /// Takes a message if it is there; otherwise says how many bytes are missing.
    fn frame(&mut self, trust: Trust) -> Result<Result<(u8, Bytes), usize>, Lost> {
        let Some(message) = self.input.first().copied() else { return Ok(Err(5)) };
        let limit = self.limit(message, trust)?;
        let Some(head) = self.input.get(1..5) else { return Ok(Err(5 - self.input.len())) };
        let mut length = [0; 4];
        length.copy_from_slice(head);
        let length = match usize::try_from(i32::from_be_bytes(length)) {
            Ok(length) if length >= 4 => length,
            _ => return Err(Lost::Broken("invalid message length")),
        };
        if length > limit {
            return Err(too_long(length, limit));
        }
        if self.input.len() < 1 + length {
            return Ok(Err(1 + length - self.input.len()));
        }
        self.input.advance(5);
        Ok(Ok((message, self.input.split_to(length - 4).freeze())))
    }

    /// The longest that a message of this type may be.
    fn limit(&self, message: u8, trust: Trust) -> Result<usize, Lost> {
        if trust == Trust::Stranger {
            return match message {
                kind::PASSWORD => Ok(self.limits.auth_message),
                _ => {
                    let message = format!("expected SASL response, got message type {message}");
                    Err(Lost::Fatal(Error::fatal(SqlState::PROTOCOL_VIOLATION, message)))
                }
            };
        }
        match message {
            kind::QUERY | kind::PARSE | kind::BIND | kind::FUNCTION_CALL | kind::COPY_DATA => Ok(self.limits.message),
            kind::CLOSE
            | kind::COPY_DONE
            | kind::COPY_FAIL
            | kind::DESCRIBE
            | kind::EXECUTE
            | kind::FLUSH
            | kind::SYNC
            | kind::TERMINATE => Ok(SMALL_MESSAGE),
            other => Err(Lost::Fatal(invalid_type(other))),
        }
    }

    /// Writes everything out. Cancel-safe; `Err` if the client is gone, or takes nothing for too long.
    pub async fn flush(&mut self) -> io::Result<()> {
        while self.sent < self.output.len() {
            self.checked_lost()?;
            let written = timeout(self.limits.write_time, self.io.write(&self.output[self.sent..])).await;
            let written = written.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
            match written {
                Ok(n) if n > 0 => {
                    self.sent += n;
                    METRICS.bytes_sent.add(n as u64);
                }
                Ok(_) | Err(_) => self.lost = true,
            }
        }
        self.checked_lost()?;
        self.sent = 0;
        self.output.clear();
        if self.output.capacity() > 4 * self.limits.write_buffer.max(KEPT_BUFFER) {
            self.output = Vec::new();
        }
        // TLS keeps bytes of its own.
        let flushed = timeout(self.limits.write_time, self.io.flush()).await;
        if !matches!(flushed, Ok(Ok(()))) {
            self.lost = true;
        }
        self.checked_lost()
    }

    fn checked_lost(&self) -> io::Result<()> {
        if self.lost { Err(io::ErrorKind::ConnectionAborted.into()) } else { Ok(()) }
    }

    /// Flushes if there is enough to make it worth a system call.
    pub async fn flush_if_full(&mut self) -> io::Result<()> {
        if self.output.len() - self.sent >= self.limits.write_buffer { self.flush().await } else { Ok(()) }
    }

    /// Completes when the client has gone away. What it sends in the meantime is kept, up to a limit: beyond it the
    /// client is evidently there, and is no longer watched.
    pub async fn gone(&mut self) {
        while !self.lost {
            if let Some(since) = self.ended {
                return tokio::time::sleep_until(since + HALF_CLOSED).await;
            }
            if self.input.len() >= self.limits.read_ahead {
                std::future::pending::<()>().await;
            }
            self.fill(0).await;
        }
    }

    /// Ends the connection so that the client can still read what was written: a socket that is closed with unread
    /// input is reset, and a reset takes the last error with it.
    pub async fn close(mut self) {
        if self.flush().await.is_err() {
            return;
        }
        let farewell = async {
            if self.io.shutdown().await.is_err() {
                return;
            }
            let mut sink = [0; 1024];
            while matches!(self.io.read(&mut sink).await, Ok(n) if n > 0) {}
        };
        // Whether the client was quick enough changes nothing any more.
        let _ = timeout(LINGER, farewell).await;
    }
}

/// Beyond the protocol's own bounds PostgreSQL just closes; within them, the client learns which limit it met.
fn too_long(length: usize, limit: usize) -> Lost {
    if limit == SMALL_MESSAGE || length > LARGE_MESSAGE {
        return Lost::Broken("invalid message length");
    }
    let error = Error::fatal(SqlState::PROGRAM_LIMIT_EXCEEDED, "message is too long")
        .detail(format!("The limit is {limit} bytes."))
        .hint("limits.message (before authentication limits.auth_message) sets it.");
    Lost::Fatal(error)
}
