//! A client that only counts: it reads frames from a plain socket and decodes nothing, so that the server is measured.

use std::io::{Read, Write};
use std::net::TcpStream;
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

/// A prepared point query, again and again on each of `clients` connections.
pub fn points(target: &Target, sql: &str, keys: i32, clients: usize, seconds: Duration) -> Latencies {
    let threads: Vec<_> = (0..clients)
        .map(|n| {
            let (target, sql) = (target.clone(), sql.to_string());
            std::thread::spawn(move || point_client(&target, &sql, keys, n as i32, seconds))
        })
        .collect();
    Latencies::of(threads.into_iter().flat_map(|t| t.join().expect("a client")).collect(), seconds)
}

fn point_client(target: &Target, sql: &str, keys: i32, n: i32, seconds: Duration) -> Vec<Duration> {
    let mut session = Session::open(target);
    let prepare = [frame(b'P', &[cstring("p"), cstring(sql), vec![0, 0]].concat()), frame(b'S', b"")].concat();
    session.socket.write_all(&prepare).expect("sent");
    session.until(b'Z');
    let mut latencies = Vec::with_capacity(1 << 16);
    let mut key = n * 7919;
    let end = Instant::now() + seconds;
    while Instant::now() < end {
        key = (key + 104_729) % keys;
        // Portal "", statement "p", one binary parameter of four bytes, binary results.
        let mut bind = vec![0, b'p', 0, 0, 1, 0, 1, 0, 1, 0, 0, 0, 4];
        bind.extend((key + 1).to_be_bytes());
        bind.extend([0, 1, 0, 1]);
        let bytes = [frame(b'B', &bind), frame(b'E', &[0, 0, 0, 0, 0]), frame(b'S', b"")].concat();
        let begin = Instant::now();
        session.socket.write_all(&bytes).expect("sent");
        assert_eq!(session.until(b'Z'), 1, "key {}", key + 1);
        latencies.push(begin.elapsed());
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
