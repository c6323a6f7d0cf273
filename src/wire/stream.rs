//! A client's socket with its two buffers: frames messages within limits, flushes with back-pressure.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout};

use super::message::{invalid_type, kind};
use crate::config::Limits;
use crate::copy::Room;
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

/// What comes during COPY.
pub enum Copied {
    /// So many bytes of data were put into the room that there was.
    Placed(usize),
    /// Of a message of data whose beginning was placed.
    Rest(Bytes),
    /// Any other message, or one of data for which there is no room.
    Message(u8, Bytes),
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
    /// Bytes of a message of COPY data that are still to come, or in the input: what came before them was placed.
    rest: usize,
    limits: Arc<Limits>,
    /// When the client ended what it sends. It may still read: what it has asked for is answered.
    ended: Option<Instant>,
    /// The client is gone: writing has failed.
    lost: bool,
}

impl Stream {
    pub fn new(io: Box<dyn Io>, limits: Arc<Limits>) -> Self {
        Self {
            io,
            input: BytesMut::new(),
            output: Vec::new(),
            sent: 0,
            ahead: 0,
            rest: 0,
            limits,
            ended: None,
            lost: false,
        }
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
        // COPY has ended in the middle of a message.
        while self.rest > 0 {
            let skipped = self.rest.min(self.input.len());
            self.input.advance(skipped);
            self.rest -= skipped;
            if self.rest > 0 && self.fill(0).await == 0 {
                return Err(Lost::Eof);
            }
        }
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
            match trust {
                Trust::Authenticated => self.fill_ahead(missing).await?,
                Trust::Stranger if self.fill(missing).await == 0 => return Err(Lost::Eof),
                Trust::Stranger => {}
            }
        }
    }

    /// Reads what is missing, and more where a client sends many small messages.
    async fn fill_ahead(&mut self, missing: usize) -> Result<(), Lost> {
        let small = missing < READ_AHEAD / 8;
        if self.fill(if small { missing.max(self.ahead) } else { missing }).await == 0 {
            return Err(Lost::Eof);
        }
        let full = small && self.input.len() == self.input.capacity();
        self.ahead = if full { (2 * self.ahead).clamp(READ_CHUNK, READ_AHEAD) } else { 0 };
        Ok(())
    }

    /// What comes next during COPY. Data go into the room: of a long message straight from the socket, of short ones as many as
    /// have come. Cancel-safe.
    pub async fn copy_data(&mut self, room: Option<&mut Room<'_>>) -> Result<Copied, Lost> {
        let Some(room) = room else {
            if self.rest == 0 {
                let (message, body) = self.message(Trust::Authenticated).await?;
                return Ok(Copied::Message(message, body));
            }
            if self.input.is_empty() {
                self.fill_ahead(self.rest).await?;
            }
            let data = self.input.split_to(self.rest.min(self.input.len())).freeze();
            self.rest -= data.len();
            return Ok(Copied::Rest(data));
        };
        loop {
            let placed = self.place(room)?;
            if placed > 0 {
                return Ok(Copied::Placed(placed));
            }
            let wanted = self.rest.min(room.most);
            if wanted >= READ_AHEAD / 8 {
                return self.read_into(room, wanted).await.map(Copied::Placed);
            }
            if self.rest == 0 && self.input.first().is_some_and(|first| *first != kind::COPY_DATA) {
                let (message, body) = self.message(Trust::Authenticated).await?;
                return Ok(Copied::Message(message, body));
            }
            self.fill_ahead(1).await?;
        }
    }

    /// Puts what has come of messages of data into the room.
    fn place(&mut self, room: &mut Room<'_>) -> Result<usize, Lost> {
        let before = room.most;
        while room.most > 0 {
            if self.rest == 0 {
                let [kind::COPY_DATA, a, b, c, d, ..] = self.input[..] else { break };
                let length = self.checked_length(kind::COPY_DATA, [a, b, c, d], Trust::Authenticated)?;
                self.input.advance(5);
                self.rest = length - 4;
                if self.rest >= READ_AHEAD / 8 {
                    self.ahead = 0;
                }
            }
            let now = self.rest.min(room.most).min(self.input.len());
            room.put(&self.input[..now]);
            self.input.advance(now);
            self.rest -= now;
            if self.rest > 0 {
                break;
            }
        }
        Ok(before - room.most)
    }

    /// Reads of a long message straight into the room.
    async fn read_into(&mut self, room: &mut Room<'_>, wanted: usize) -> Result<usize, Lost> {
        if self.lost || self.ended.is_some() {
            return Err(Lost::Eof);
        }
        match self.io.read_buf(&mut (&mut *room.out).limit(wanted)).await {
            Ok(n) if n > 0 => {
                METRICS.bytes_received.add(n as u64);
                self.rest -= n;
                room.most -= n;
                Ok(n)
            }
            Ok(_) => {
                self.ended = Some(Instant::now());
                Err(Lost::Eof)
            }
            Err(_) => {
                self.lost = true;
                Err(Lost::Eof)
            }
        }
    }

    /// Takes a message if it is there; otherwise says how many bytes are missing.
    fn frame(&mut self, trust: Trust) -> Result<Result<(u8, Bytes), usize>, Lost> {
        let Some(message) = self.input.first().copied() else { return Ok(Err(5)) };
        self.limit(message, trust)?;
        let Some(head) = self.input.get(1..).and_then(<[u8]>::first_chunk::<4>) else {
            return Ok(Err(5 - self.input.len()));
        };
        let length = self.checked_length(message, *head, trust)?;
        if self.input.len() < 1 + length {
            return Ok(Err(1 + length - self.input.len()));
        }
        self.input.advance(5);
        Ok(Ok((message, self.input.split_to(length - 4).freeze())))
    }

    /// The length that a message says it has, its own four bytes with it.
    fn checked_length(&self, message: u8, length: [u8; 4], trust: Trust) -> Result<usize, Lost> {
        let limit = self.limit(message, trust)?;
        match usize::try_from(i32::from_be_bytes(length)) {
            Ok(length) if length > limit => Err(too_long(length, limit)),
            Ok(length) if length >= 4 => Ok(length),
            _ => Err(Lost::Broken("invalid message length")),
        }
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

    /// Forgets the output's last message if it was not written to its end: who wrote it panicked.
    pub fn drop_unfinished(&mut self) {
        let mut whole = 0;
        while let Some(Ok(length)) = self.output.get(whole + 1..whole + 5).map(<[u8; 4]>::try_from) {
            let length = u32::from_be_bytes(length) as usize;
            if length < 4 || self.output.len() - whole - 1 < length {
                break;
            }
            whole += 1 + length;
        }
        self.output.truncate(whole.max(self.sent));
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

    /// Flushes, with a message's body behind the output that is not copied there. Dropped on the way, it leaves the rest of
    /// the message as output.
    pub async fn flush_with(&mut self, body: &[u8]) -> io::Result<()> {
        let mut rest = Rest { stream: self, body };
        while !rest.body.is_empty() {
            let Rest { stream, body } = &mut rest;
            stream.checked_lost()?;
            let output = stream.output.len() - stream.sent;
            let both = [io::IoSlice::new(&stream.output[stream.sent..]), io::IoSlice::new(body)];
            let written = timeout(stream.limits.write_time, stream.io.write_vectored(&both)).await;
            let written = written.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
            match written {
                Ok(n) if n > 0 => {
                    stream.sent += n.min(output);
                    *body = &body[n.saturating_sub(output)..];
                    METRICS.bytes_sent.add(n as u64);
                }
                Ok(_) | Err(_) => stream.lost = true,
            }
        }
        drop(rest);
        self.flush().await
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

/// What is not written yet of a message whose head is in the output.
struct Rest<'a, 'b> {
    stream: &'a mut Stream,
    body: &'b [u8],
}

impl Drop for Rest<'_, '_> {
    fn drop(&mut self) {
        if !self.stream.lost {
            self.stream.output.extend_from_slice(self.body);
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Messages of COPY data of many lengths.
    fn messages() -> (Vec<u8>, Vec<u8>) {
        let (mut wire, mut data) = (Vec::new(), Vec::new());
        for (i, length) in [0, 1, 5, 40_000, 3, 8191, 8192, 300_000, 0, 70_000, 2].into_iter().enumerate() {
            let body: Vec<u8> = (0..length).map(|at| (at * 31 + i) as u8).collect();
            wire.push(kind::COPY_DATA);
            wire.extend((length as u32 + 4).to_be_bytes());
            wire.extend(&body);
            data.extend(body);
        }
        wire.extend(b"c\0\0\0\x04");
        (wire, data)
    }

    #[tokio::test]
    async fn data_of_copy_come_into_whatever_room_there_is() {
        let (wire, data) = messages();
        for (pipe, most) in [(1 << 20, 1 << 20), (1 << 20, 50_000), (700, 1 << 20), (100_000, 33), (7, 4096)] {
            let (mut client, server) = tokio::io::duplex(pipe);
            let sent = wire.clone();
            let sender = tokio::spawn(async move {
                client.write_all(&sent).await.expect("sent");
                client
            });
            let mut stream = Stream::new(Box::new(server), Arc::default());
            let mut out = Vec::new();
            // Now and then without room.
            for turn in 1.. {
                let mut room = Room { out: &mut out, most };
                match stream.copy_data((turn % 5 > 0).then_some(&mut room)).await {
                    Ok(Copied::Placed(bytes)) => assert!(bytes > 0 && bytes <= most, "{pipe} {most}"),
                    Ok(Copied::Rest(rest)) => out.extend_from_slice(&rest),
                    Ok(Copied::Message(kind::COPY_DATA, body)) => out.extend_from_slice(&body),
                    Ok(Copied::Message(kind::COPY_DONE, _)) => break,
                    _ => panic!("{pipe} {most}: another message"),
                }
            }
            assert!(out == data, "{pipe} {most}");
            sender.await.expect("sent");
        }
    }

    #[test]
    fn a_message_that_was_not_written_to_its_end_is_forgotten() {
        let whole = [b"Z\0\0\0\x05I".as_slice(), b"C\0\0\0\x04"].concat();
        for rest in [b"".as_slice(), b"D", b"D\0\0\0", b"D\0\0\0\0\0\x01", b"D\0\0\0\x06\0"] {
            let (_, server) = tokio::io::duplex(1);
            let mut stream = Stream::new(Box::new(server), Arc::default());
            stream.output = [whole.as_slice(), rest].concat();
            stream.drop_unfinished();
            assert_eq!(stream.output, whole, "{rest:?}");
        }
    }

    #[tokio::test]
    async fn a_long_message_goes_from_where_it_lies_and_is_whole_even_if_its_writing_is_given_up() {
        let body: Vec<u8> = (0..100_000).map(|at| at as u8).collect();
        let head = [b"Z\0\0\0\x05Id".as_slice(), &100_004_u32.to_be_bytes()].concat();
        for (pipe, read_first) in [(1 << 20, 0), (10, 0), (10, 5), (10, 50), (50_000, 20_000), (50_000, 90_000)] {
            let (mut client, server) = tokio::io::duplex(pipe);
            let mut stream = Stream::new(Box::new(server), Arc::default());
            stream.output = head.clone();
            let mut got = vec![0; read_first];
            tokio::select! {
                biased;
                written = stream.flush_with(&body) => written.expect("written"),
                read = client.read_exact(&mut got) => assert_eq!(read.expect("read"), read_first),
            }
            stream.output.extend(b"C\0\0\0\x04");
            let sender = tokio::spawn(async move { stream.flush().await });
            client.read_to_end(&mut got).await.expect("read");
            sender.await.expect("ended").expect("sent");
            assert!(got == [head.as_slice(), &body, b"C\0\0\0\x04"].concat(), "{pipe} {read_first}");
        }
    }

    #[tokio::test]
    async fn the_rest_of_a_message_is_skipped_when_copy_is_over() {
        let (wire, _) = messages();
        for pipe in [1 << 20, 500] {
            let (mut client, server) = tokio::io::duplex(pipe);
            let sent = wire.clone();
            let sender = tokio::spawn(async move { client.write_all(&sent).await.map(|()| client) });
            let mut stream = Stream::new(Box::new(server), Arc::default());
            let mut out = Vec::new();
            while out.len() < 45_000 {
                let mut room = Room { most: 45_000 - out.len(), out: &mut out };
                assert!(matches!(stream.copy_data(Some(&mut room)).await, Ok(Copied::Placed(_))));
            }
            let mut rest = Vec::new();
            while rest.last() != Some(&(kind::COPY_DONE, 0)) {
                let Ok((kind, body)) = stream.message(Trust::Authenticated).await else { panic!("{pipe}: lost") };
                rest.push((kind, body.len()));
            }
            let data = [8192, 300_000, 0, 70_000, 2].map(|length| (kind::COPY_DATA, length));
            assert_eq!(rest, [&data[..], &[(kind::COPY_DONE, 0)]].concat(), "{pipe}");
            sender.await.expect("no panic").expect("sent");
        }
    }
}
