//! A client that only counts: it reads frames from a plain socket and decodes nothing, so that the server is measured.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use crate::measure::{Latencies, Read as Reading};
use crate::support::protocol::{Connection, cstring, frame, query};
use crate::support::target::Target;

struct Session {
    socket: TcpStream,
    buffer: Vec<u8>,
    from: usize,
    to: usize,
}

impl Session {
    fn open(target: &Target) -> Self {
        // Authenticated by the tests' client; then its socket is read here, where nothing is kept.
        let connection = Connection::open(target, &[]).unwrap_or_else(|e| panic!("{e}"));
        Self { socket: connection.into_socket(), buffer: vec![0; 1 << 20], from: 0, to: 0 }
    }

    /// The next message's type; its body is skipped unless it is an error.
    fn message(&mut self) -> u8 {
        self.want(5);
        let tag = self.buffer[self.from];
        let length =
            u32::from_be_bytes(self.buffer[self.from + 1..self.from + 5].try_into().expect("four")) as usize + 1;
        self.want(length);
        if tag == b'E' {
            panic!("{}", String::from_utf8_lossy(&self.buffer[self.from + 5..self.from + length]));
        }
        self.from += length;
        tag
    }

    fn want(&mut self, n: usize) {
        if self.to - self.from >= n {
            return;
        }
        self.buffer.copy_within(self.from..self.to, 0);
        (self.from, self.to) = (0, self.to - self.from);
        if n > self.buffer.len() {
            self.buffer.resize(n * 2, 0);
        }
        while self.to < n {
            let read = self.socket.read(&mut self.buffer[self.to..]).expect("read");
            assert!(read > 0, "the server closed the connection");
            self.to += read;
        }
    }

    fn until(&mut self, last: u8) -> u64 {
        let mut rows = 0;
        loop {
            match self.message() {
                b'D' => rows += 1,
                tag if tag == last => return rows,
                _ => {}
            }
        }
    }
}

/// A whole result: binary through the unnamed portal, or text by a simple query.
pub fn read_all(target: &Target, sql: &str, binary: bool) -> Reading {
    let mut session = Session::open(target);
    let bytes = if binary {
        [
            frame(b'P', &[cstring(""), cstring(sql), vec![0, 0]].concat()),
            // No parameters; one result format for all: binary.
            frame(b'B', &[0, 0, 0, 0, 0, 0, 0, 1, 0, 1]),
            frame(b'E', &[0, 0, 0, 0, 0]),
            frame(b'S', b""),
        ]
        .concat()
    } else {
        query(sql)
    };
    let begin = Instant::now();
    session.socket.write_all(&bytes).expect("sent");
    let mut first = None;
    let mut rows = 0u64;
    loop {
        match session.message() {
            b'D' => {
                rows += 1;
                first.get_or_insert_with(|| begin.elapsed());
            }
            b'Z' => break,
            _ => {}
        }
    }
    let total = begin.elapsed();
    Reading { first: first.unwrap_or(total), total, rows }
}

/// What the clients of a load do.
#[derive(Clone)]
pub struct Load {
    /// By the key, `$1`.
    pub sql: String,
    pub keys: i32,
    pub clients: usize,
    /// Every tenth statement is this one, by the key too.
    pub update: Option<String>,
}

/// Prepared point queries, again and again on each of the connections. The latencies are the queries'.
pub fn points(target: &Target, load: &Load, seconds: Duration) -> Latencies {
    let threads: Vec<_> = (0..load.clients)
        .map(|n| {
            let (target, load) = (target.clone(), load.clone());
            std::thread::spawn(move || point_client(&target, &load, n as i32, seconds))
        })
        .collect();
    Latencies::of(threads.into_iter().flat_map(|t| t.join().expect("a client")).collect(), seconds)
}

fn point_client(target: &Target, load: &Load, n: i32, seconds: Duration) -> Vec<Duration> {
    let mut session = Session::open(target);
    for (name, sql) in [("p", Some(&load.sql)), ("u", load.update.as_ref())] {
        let Some(sql) = sql else { continue };
        let prepare = [frame(b'P', &[cstring(name), cstring(sql), vec![0, 0]].concat()), frame(b'S', b"")].concat();
        session.socket.write_all(&prepare).expect("sent");
        session.until(b'Z');
    }
    let mut latencies = Vec::with_capacity(1 << 16);
    let (mut key, mut count) = (n * 7919, n);
    let end = Instant::now() + seconds;
    while Instant::now() < end {
        key = (key + 104_729) % load.keys;
        count += 1;
        let update = load.update.is_some() && count % 10 == 0;
        // Portal "", statement "p" or "u", one binary parameter of four bytes, binary results.
        let mut bind = vec![0, if update { b'u' } else { b'p' }, 0, 0, 1, 0, 1, 0, 1, 0, 0, 0, 4];
        bind.extend((key + 1).to_be_bytes());
        bind.extend([0, 1, 0, 1]);
        let bytes = [frame(b'B', &bind), frame(b'E', &[0, 0, 0, 0, 0]), frame(b'S', b"")].concat();
        let begin = Instant::now();
        session.socket.write_all(&bytes).expect("sent");
        assert_eq!(session.until(b'Z'), u64::from(!update), "key {}", key + 1);
        if !update {
            latencies.push(begin.elapsed());
        }
    }
    latencies
}

/// The median time of Sync and its answer.
pub fn round_trip(target: &Target) -> Duration {
    let mut session = Session::open(target);
    let sync = frame(b'S', b"");
    let mut times: Vec<_> = (0..2000)
        .map(|_| {
            let begin = Instant::now();
            session.socket.write_all(&sync).expect("sent");
            session.until(b'Z');
            begin.elapsed()
        })
        .collect();
    times.sort();
    times[times.len() / 2]
}

/// The median time that the loopback takes to carry a question and its answer between two threads of this process, of
/// which one is at work on the answer for `work`. While it is, the other sleeps: that it has to be woken is a part of it.
pub fn loopback(work: Duration) -> Duration {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let address = listener.local_addr().expect("an address");
    let server = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().expect("a client");
        socket.set_nodelay(true).expect("an option");
        let mut question = [0; 41];
        while socket.read_exact(&mut question).is_ok() {
            let begin = Instant::now();
            while begin.elapsed() < work {}
            socket.write_all(&[0; 70]).expect("sent");
        }
    });
    let mut socket = TcpStream::connect(address).expect("the server");
    socket.set_nodelay(true).expect("an option");
    let mut times: Vec<_> = (0..2000)
        .map(|_| {
            let begin = Instant::now();
            socket.write_all(&[0; 41]).expect("sent");
            socket.read_exact(&mut [0; 70]).expect("an answer");
            begin.elapsed().saturating_sub(work)
        })
        .collect();
    drop(socket);
    server.join().expect("the server");
    times.sort();
    times[times.len() / 2]
}
