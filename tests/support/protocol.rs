//! A client for PostgreSQL's protocol on a bare socket: it sends what a test says, also what no driver would.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use postgres_protocol::authentication::sasl::{ChannelBinding, ScramSha256};

use super::target::Target;

/// One backend message: its type byte and what follows the length.
#[derive(Debug, Clone)]
pub struct Message {
    pub tag: u8,
    pub body: Vec<u8>,
}

/// What can go wrong while a test waits for the server.
#[derive(Debug)]
pub enum Failure {
    /// The server closed the connection.
    Closed,
    Timeout,
    /// An ErrorResponse, as (field, text) pairs.
    Server(Vec<(char, String)>),
    Io(io::Error),
}

impl Failure {
    pub fn code(&self) -> &str {
        match self {
            Self::Server(fields) => fields.iter().find(|(k, _)| *k == 'C').map_or("", |(_, v)| v),
            _ => "",
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Server(fields) => {
                let get = |key| fields.iter().find(|(k, _)| *k == key).map_or("", |(_, v)| v.as_str());
                write!(f, "{}: {} ({})", get('S'), get('M'), get('C'))
            }
            other => write!(f, "{other:?}"),
        }
    }
}

/// The text rows of one statement.
pub type TextRows = Vec<Vec<Option<String>>>;

pub struct Connection {
    stream: TcpStream,
    pending: Vec<u8>,
    /// From BackendKeyData; the secret is longer than four bytes in protocol 3.2.
    pub pid: u32,
    pub secret: Vec<u8>,
    pub timeout: Duration,
}

impl Connection {
    pub fn new(stream: TcpStream) -> Self {
        Self { stream, pending: Vec::new(), pid: 0, secret: Vec::new(), timeout: Duration::from_secs(20) }
    }

    /// Connects, authenticates and waits until the session is ready.
    pub fn open(target: &Target, options: &[(&str, &str)]) -> Result<Self, Failure> {
        let mut connection = Self::new(target.socket());
        let mut log = Vec::new();
        connection.login(target, options, 0x0003_0000, &mut log)?;
        Ok(connection)
    }

    /// Startup message to ReadyForQuery; every message that came is in `log`, also when it fails.
    pub fn login(
        &mut self,
        target: &Target,
        options: &[(&str, &str)],
        version: u32,
        log: &mut Vec<Message>,
    ) -> Result<(), Failure> {
        let mut parameters = vec![("user", target.user.as_str()), ("database", target.database.as_str())];
        parameters.extend_from_slice(options);
        self.send(&startup(version, &parameters))?;
        let mut scram: Option<ScramSha256> = None;
        loop {
            let message = self.read()?;
            log.push(message.clone());
            match message.tag {
                b'R' => self.authenticate(&message.body, &target.password, &mut scram)?,
                b'K' => {
                    self.pid = u32::from_be_bytes(message.body[..4].try_into().expect("four bytes"));
                    self.secret = message.body[4..].to_vec();
                }
                b'E' => return Err(Failure::Server(fields(&message.body))),
                b'Z' => return Ok(()),
                _ => {}
            }
        }
    }

    fn authenticate(&mut self, body: &[u8], password: &str, scram: &mut Option<ScramSha256>) -> Result<(), Failure> {
        match u32::from_be_bytes(body[..4].try_into().expect("four bytes")) {
            10 => {
                let client = scram.insert(ScramSha256::new(password.as_bytes(), ChannelBinding::unsupported()));
                let mut reply = b"SCRAM-SHA-256\0".to_vec();
                reply.extend((client.message().len() as u32).to_be_bytes());
                reply.extend(client.message());
                self.send(&frame(b'p', &reply))
            }
            11 => {
                let client = scram.as_mut().expect("SASL began");
                client.update(&body[4..]).map_err(Failure::Io)?;
                let reply = client.message().to_vec();
                self.send(&frame(b'p', &reply))
            }
            12 => scram.as_mut().expect("SASL began").finish(&body[4..]).map_err(Failure::Io),
            _ => Ok(()),
        }
    }

    pub fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.stream.write_all(bytes).map_err(|e| match e.kind() {
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => Failure::Closed,
            _ => Failure::Io(e),
        })
    }

    /// The next message, waiting at most `timeout`.
    pub fn read(&mut self) -> Result<Message, Failure> {
        let deadline = Instant::now() + self.timeout;
        loop {
            if self.pending.len() >= 5 {
                let length = u32::from_be_bytes(self.pending[1..5].try_into().expect("four bytes")) as usize;
                if self.pending.len() > length {
                    let rest = self.pending.split_off(length + 1);
                    let message = std::mem::replace(&mut self.pending, rest);
                    return Ok(Message { tag: message[0], body: message[5..].to_vec() });
                }
            }
            self.fill(deadline)?;
        }
    }

    /// One byte outside any message, such as the answer to SSLRequest.
    pub fn read_byte(&mut self) -> Result<u8, Failure> {
        let deadline = Instant::now() + self.timeout;
        while self.pending.is_empty() {
            self.fill(deadline)?;
        }
        Ok(self.pending.remove(0))
    }

    fn fill(&mut self, deadline: Instant) -> Result<(), Failure> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Failure::Timeout);
        }
        self.stream.set_read_timeout(Some(left)).map_err(Failure::Io)?;
        let mut chunk = [0u8; 64 * 1024];
        match self.stream.read(&mut chunk) {
            Ok(0) => Err(Failure::Closed),
            Ok(n) => {
                self.pending.extend_from_slice(&chunk[..n]);
                Ok(())
            }
            Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => Err(Failure::Timeout),
            Err(e) if e.kind() == io::ErrorKind::ConnectionReset => Err(Failure::Closed),
            Err(e) => Err(Failure::Io(e)),
        }
    }

    /// A simple query to its end: the rows of all its statements, or its error.
    pub fn query(&mut self, sql: &str) -> Result<TextRows, Failure> {
        self.send(&query(sql))?;
        let mut rows = Vec::new();
        let mut error = None;
        loop {
            let message = self.read()?;
            match message.tag {
                b'D' => rows.push(data_row(&message.body).into_iter().map(text).collect()),
                b'E' => error = Some(Failure::Server(fields(&message.body))),
                b'Z' => return error.map_or(Ok(rows), Err),
                _ => {}
            }
        }
    }

    /// `COPY … FROM STDIN` with its data; gives the command tag.
    pub fn copy_in(&mut self, sql: &str, data: impl Iterator<Item = Vec<u8>>) -> Result<String, Failure> {
        self.send(&query(sql))?;
        loop {
            let message = self.read()?;
            match message.tag {
                b'G' => break,
                b'E' => {
                    let error = Failure::Server(fields(&message.body));
                    self.read()?;
                    return Err(error);
                }
                _ => {}
            }
        }
        for chunk in data {
            self.send(&frame(b'd', &chunk))?;
        }
        self.send(&frame(b'c', b""))?;
        let (mut tag, mut error) = (String::new(), None);
        loop {
            let message = self.read()?;
            match message.tag {
                b'C' => tag = cstr(&message.body).0,
                b'E' => error = Some(Failure::Server(fields(&message.body))),
                b'Z' => return error.map_or(Ok(tag), Err),
                _ => {}
            }
        }
    }

    /// The socket, for a reader of its own; whatever was read ahead must have been consumed.
    pub fn into_socket(self) -> TcpStream {
        assert!(self.pending.is_empty(), "bytes were read ahead");
        let _ = self.stream.set_read_timeout(None);
        self.stream
    }

    /// Closes the sending side, as a client that has no more to say.
    pub fn shutdown_write(&self) {
        let _ = self.stream.shutdown(std::net::Shutdown::Write);
    }
}

fn text(value: Option<Vec<u8>>) -> Option<String> {
    value.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// A message with its type and length.
pub fn frame(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    out.extend((body.len() as u32 + 4).to_be_bytes());
    out.extend(body);
    out
}

/// A message without a type: length, code, rest.
pub fn untyped(code: u32, rest: &[u8]) -> Vec<u8> {
    let mut out = (rest.len() as u32 + 8).to_be_bytes().to_vec();
    out.extend(code.to_be_bytes());
    out.extend(rest);
    out
}

pub fn startup(version: u32, parameters: &[(&str, &str)]) -> Vec<u8> {
    let mut rest = Vec::new();
    for (name, value) in parameters {
        rest.extend(name.as_bytes());
        rest.push(0);
        rest.extend(value.as_bytes());
        rest.push(0);
    }
    rest.push(0);
    untyped(version, &rest)
}

pub fn query(sql: &str) -> Vec<u8> {
    frame(b'Q', &cstring(sql))
}

pub fn cstring(s: &str) -> Vec<u8> {
    [s.as_bytes(), &[0]].concat()
}

/// The text up to the zero byte, and what follows it.
pub fn cstr(bytes: &[u8]) -> (String, &[u8]) {
    let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    (String::from_utf8_lossy(&bytes[..end]).into_owned(), bytes.get(end + 1..).unwrap_or(&[]))
}

/// The fields of an ErrorResponse or NoticeResponse.
pub fn fields(mut body: &[u8]) -> Vec<(char, String)> {
    let mut out = Vec::new();
    while let Some((&key, rest)) = body.split_first() {
        if key == 0 {
            break;
        }
        let (value, rest) = cstr(rest);
        out.push((char::from(key), value));
        body = rest;
    }
    out
}

pub fn data_row(body: &[u8]) -> Vec<Option<Vec<u8>>> {
    let mut reader = Reader(body);
    (0..reader.i16())
        .map(|_| {
            let length = reader.i32();
            usize::try_from(length).ok().map(|n| reader.take(n).to_vec())
        })
        .collect()
}

/// Reads network-order numbers; zeroes past the end, so that a short message shows as such and does not panic.
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    pub fn take(&mut self, n: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(n.min(self.0.len()));
        self.0 = rest;
        taken
    }

    pub fn i16(&mut self) -> i16 {
        self.take(2).try_into().map_or(0, i16::from_be_bytes)
    }

    pub fn i32(&mut self) -> i32 {
        self.take(4).try_into().map_or(0, i32::from_be_bytes)
    }

    pub fn string(&mut self) -> String {
        let (s, rest) = cstr(self.0);
        self.0 = rest;
        s
    }
}
