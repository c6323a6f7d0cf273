//! Bad input of every kind: a clear error or a closed socket, a line in the log, and harm to nobody else.

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use support::protocol::{Connection, Failure, cstring, frame, query, startup, untyped};
use support::server::{Options, Server};
use support::target::Target;
use support::tls::client_config;

const SSL_REQUEST: u32 = 80_877_103;
const GSSENC_REQUEST: u32 = 80_877_104;
const VERSION: u32 = 0x0003_0000;

/// Sends bytes on a fresh socket and reads until the server closes it (at most ten seconds).
fn answer(target: &Target, bytes: &[u8]) -> Vec<u8> {
    let mut socket = target.socket();
    socket.set_read_timeout(Some(Duration::from_secs(10))).expect("set");
    // The server may hang up before all has been sent.
    let _ = socket.write_all(bytes);
    read_to_close(&mut socket)
}

fn read_to_close(socket: &mut TcpStream) -> Vec<u8> {
    let mut out = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        match socket.read(&mut chunk) {
            Ok(0) => return out,
            Ok(n) => out.extend_from_slice(&chunk[..n]),
            Err(e) if e.kind() == std::io::ErrorKind::ConnectionReset => return out,
            Err(e) => panic!("the server keeps the connection: {e} after {out:?}"),
        }
    }
}

fn still_serves(server: &Server) {
    let mut connection = server.target.connect().unwrap_or_else(|e| panic!("nobody is let in any more: {e}"));
    assert_eq!(connection.query("SELECT 1").unwrap_or_else(|e| panic!("{e}")), [[Some("1".to_string())]]);
}

#[test]
fn encryption_by_gssapi_is_refused_and_the_session_goes_on() {
    let server = Server::shared();
    let mut connection = Connection::new(server.target.socket());
    connection.send(&untyped(GSSENC_REQUEST, b"")).expect("sent");
    assert_eq!(connection.read_byte().expect("a byte"), b'N');
    connection.login(&server.target, &[], VERSION, &mut Vec::new()).unwrap_or_else(|e| panic!("{e}"));
}

#[test]
fn garbage_instead_of_a_startup_message_closes_the_socket() {
    let server = Server::shared();
    for garbage in [
        &b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..],
        b"\x00\x00\x00\x00",
        b"\x00\x00\x00\x04\x00\x03\x00\x00",
        b"\xff\xff\xff\xff\x00\x03\x00\x00",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        &[0; 64],
    ] {
        let got = answer(&server.target, garbage);
        assert!(got.is_empty() || got[0] == b'E', "{garbage:?}: {got:?}");
    }
    still_serves(&server);
}

#[test]
fn a_startup_message_over_its_limit_is_not_even_read() {
    let server = Server::shared();
    let name = "x".repeat(20_000);
    let got = answer(&server.target, &startup(VERSION, &[("user", &name)]));
    assert!(got.is_empty() || got[0] == b'E', "{got:?}");
    still_serves(&server);
}

#[test]
fn a_large_message_before_authentication_is_refused() {
    let server = Server::shared();
    let mut bytes = startup(VERSION, &[("user", &server.target.user)]);
    bytes.push(b'p');
    bytes.extend(100_000_000u32.to_be_bytes());
    bytes.extend([b'x'; 100_000]);
    let got = answer(&server.target, &bytes);
    assert_eq!(got.first(), Some(&b'R'), "SASL was offered first: {got:?}");
    assert!(!got.windows(5).any(|w| w == b"R\0\0\0\x08"), "let in");
    still_serves(&server);
}

#[test]
fn what_comes_in_the_clear_behind_an_ssl_request_is_not_taken_for_encrypted() {
    let server = Server::shared();
    let mut bytes = untyped(SSL_REQUEST, b"");
    bytes.extend(startup(VERSION, &[("user", &server.target.user)]));
    let got = answer(&server.target, &bytes);
    // An error, and nothing of an authentication.
    assert_eq!(got.first(), Some(&b'E'), "the startup message was read as if it had come encrypted: {got:?}");
    still_serves(&server);
}

#[test]
fn garbage_instead_of_a_tls_handshake_closes_the_socket() {
    let server = Server::shared();
    let mut socket = server.target.socket();
    socket.set_read_timeout(Some(Duration::from_secs(10))).expect("set");
    socket.write_all(&untyped(SSL_REQUEST, b"")).expect("sent");
    let mut byte = [0];
    socket.read_exact(&mut byte).expect("an answer");
    assert_eq!(&byte, b"S");
    socket.write_all(&[0x42; 512]).expect("sent");
    read_to_close(&mut socket);
    still_serves(&server);
}

#[test]
fn direct_tls_needs_its_protocol_name() {
    let server = Server::shared();
    let with = tls_startup(&server.target, Some("postgresql"));
    assert_eq!(with.first(), Some(&b'R'), "direct TLS with ALPN asks for authentication: {with:?}");
    let without = tls_startup(&server.target, None);
    assert!(!without.contains(&b'R'), "direct TLS without ALPN must be refused");
    still_serves(&server);
}

/// The first bytes that are answered to a startup message inside direct TLS.
fn tls_startup(target: &Target, alpn: Option<&str>) -> Vec<u8> {
    let socket = target.socket();
    socket.set_read_timeout(Some(Duration::from_secs(10))).expect("set");
    let name = rustls::pki_types::ServerName::try_from("localhost").expect("a name");
    let session = rustls::ClientConnection::new(Arc::new(client_config(alpn)), name).expect("a client");
    let mut stream = rustls::StreamOwned::new(session, socket);
    let mut chunk = vec![0; 64];
    let read = stream
        .write_all(&startup(VERSION, &[("user", &target.user), ("database", &target.database)]))
        .and_then(|()| stream.flush())
        .and_then(|()| stream.read(&mut chunk));
    chunk.truncate(read.unwrap_or(0));
    chunk
}

#[test]
fn half_open_connections_are_closed_in_time_and_keep_nobody_out() {
    let flags = vec!["--limit-startup-time=2s".to_string()];
    let server = Server::start(&Options { flags, ..Options::default() });
    let mut silent: Vec<_> = (0..50).map(|_| server.target.socket()).collect();
    for (n, socket) in silent.iter_mut().enumerate() {
        let _ = socket.write_all(&[0, 0, 0, 50, 0, 3][..n % 7]);
    }
    still_serves(&server);
    let begin = Instant::now();
    for socket in &mut silent {
        socket.set_read_timeout(Some(Duration::from_secs(10))).expect("set");
        read_to_close(socket);
    }
    assert!(begin.elapsed() < Duration::from_secs(8), "closed after {:?}", begin.elapsed());
}

#[test]
fn wrong_passwords_and_databases_are_told_and_logged() {
    let mut server = Server::start(&Options::default());
    let refused = |target: Target| match target.connect() {
        Err(Failure::Server(fields)) => fields,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("let in"),
    };
    let code = |fields: &[(char, String)]| fields.iter().find(|(k, _)| *k == 'C').map(|(_, v)| v.clone());
    let wrong = refused(Target { password: "wrong".into(), ..server.target.clone() });
    assert_eq!(code(&wrong).as_deref(), Some("28P01"));
    let unknown = refused(Target { user: "nobody_here".into(), ..server.target.clone() });
    assert_eq!(code(&unknown).as_deref(), Some("28P01"), "an unknown role is not told from a wrong password");
    let database = refused(Target { database: "no_such_database".into(), ..server.target.clone() });
    assert_eq!(code(&database).as_deref(), Some("3D000"));
    still_serves(&server);
    let log = server.log();
    assert!(log.contains("nobody_here") && log.contains("no_such_database"), "not in the log:\n{log}");
    assert!(!log.contains("correct horse") && !log.contains("wrong\""), "a password is in the log");
}

#[test]
fn a_session_cut_off_after_any_byte_harms_nobody() {
    let server = Server::shared();
    let mut bytes = startup(VERSION, &[("user", &server.target.user), ("database", &server.target.database)]);
    bytes.extend(frame(b'p', b"SCRAM-SHA-256\0\0\0\0\x08n,,n=,r="));
    for cut in 0..bytes.len() {
        let mut socket = server.target.socket();
        let _ = socket.write_all(&bytes[..cut]);
    }
    still_serves(&server);
}

#[test]
fn random_messages_of_an_authenticated_client_end_in_errors_or_a_closed_socket() {
    let server = Server::shared();
    let mut state = 0x2545_F491_4F6C_DD1Du64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for _ in 0..300 {
        let mut connection = server.target.connect().unwrap_or_else(|e| panic!("{e}"));
        connection.timeout = Duration::from_secs(10);
        let tag = b"QPBDECSHXdcfFp"[(random() % 14) as usize];
        let body: Vec<u8> = (0..random() % 40).map(|_| (random() % 256) as u8).collect();
        let _ = connection.send(&frame(tag, &body));
        let _ = connection.send(&frame(b'S', b""));
        let _ = connection.send(&frame(b'X', b""));
        loop {
            match connection.read() {
                Ok(_) => {}
                Err(Failure::Closed) => break,
                Err(e) => panic!("message {:?} with {body:?}: {e}", char::from(tag)),
            }
        }
    }
    still_serves(&server);
}

#[test]
fn a_client_that_does_not_read_keeps_neither_memory_nor_others() {
    let server = Server::start(&Options::default());
    let before = server.memory();
    let mut greedy = server.target.connect().unwrap_or_else(|e| panic!("{e}"));
    greedy
        .send(&query("SELECT n, repeat('x', 1000) FROM generate_series(1, 5000000) AS n"))
        .unwrap_or_else(|e| panic!("{e}"));
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(3) {
        still_serves(&server);
        std::thread::sleep(Duration::from_millis(100));
    }
    let grown = server.memory().saturating_sub(before);
    assert!(grown < 300 << 20, "{} MB for a result of 5 GB that nobody reads", grown >> 20);
    drop(greedy);
    still_serves(&server);
}

#[test]
fn a_deeply_nested_statement_is_an_error_and_no_crash() {
    let server = Server::shared();
    let mut connection = server.target.connect().unwrap_or_else(|e| panic!("{e}"));
    connection.timeout = Duration::from_secs(60);
    for sql in [
        format!("SELECT {}1{}", "(".repeat(20_000), ")".repeat(20_000)),
        format!("SELECT {}1", "- ".repeat(50_000)),
        format!("SELECT 1{}", " + 1".repeat(20_000)),
        format!("SELECT 1 WHERE {}true", "NOT ".repeat(20_000)),
    ] {
        match connection.query(&sql) {
            Ok(_) => {}
            Err(e) => assert!(matches!(e.code(), "54001" | "42601" | "54000"), "{e}"),
        }
    }
    assert!(connection.query("SELECT 1").is_ok());
    still_serves(&server);
}

#[test]
fn names_and_texts_of_any_length_are_held_to_their_limits() {
    let server = Server::shared();
    let mut connection = server.target.connect().unwrap_or_else(|e| panic!("{e}"));
    connection.timeout = Duration::from_secs(60);
    let long = "x".repeat(5_000_000);
    let rows = connection.query(&format!("SELECT length('{long}')")).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(rows, [[Some("5000000".to_string())]]);
    let statement = [cstring(&long), cstring("SELECT 1"), vec![0, 0]].concat();
    connection.send(&[frame(b'P', &statement), frame(b'S', b"")].concat()).unwrap_or_else(|e| panic!("{e}"));
    assert!(matches!(connection.read().map(|m| m.tag), Ok(b'1' | b'E')));
    still_serves(&server);
}

/// Runs the binary and gives whether it succeeded, and all that it wrote.
fn duckgate(arguments: &[&str], folder: &std::path::Path) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_duckgate"))
        .args(arguments)
        .current_dir(folder)
        .env("DUCKGATE_PASSWORD", "x")
        .output()
        .expect("the binary runs");
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn a_malformed_schema_file_is_told_with_file_and_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let schemas = folder.path().join("schemas");
    std::fs::create_dir(&schemas).expect("made");
    std::fs::write(schemas.join("broken.toml"), "[[table]]\nname = \"t\"\nname = oops\n").expect("written");
    let (fine, said) = duckgate(&["check", "--schemas", "schemas"], folder.path());
    assert!(!fine && said.contains("broken.toml:3"), "{said}");
    let (fine, said) =
        duckgate(&["serve", "--schemas", "schemas", "--data", ":memory:", "--listen", "127.0.0.1:0"], folder.path());
    assert!(!fine && said.contains("broken.toml"), "serve does not start on a broken file: {said}");
}

#[test]
fn what_cursors_keep_is_bounded_for_all_of_them_together() {
    let server = Server::start(&Options { flags: vec!["--memory-limit=200MB".into()], ..Options::default() });
    let connect = || server.target.connect().unwrap_or_else(|e| panic!("{e}"));
    let (mut one, mut other) = (connect(), connect());
    // Between 25 and 50 MB each, of the 100 that there are.
    let declare = |name: &str, how: &str| {
        format!(
            "DECLARE {name} {how} FOR SELECT n, repeat('x', 1000) || n FROM generate_series(1, 25000) n; MOVE FORWARD ALL IN {name}"
        )
    };
    let hold = |name: &str| {
        format!(
            "BEGIN; DECLARE {name} CURSOR WITH HOLD FOR SELECT n, repeat('x', 1000) || n FROM generate_series(1, 25000) n; COMMIT"
        )
    };
    one.query(&hold("a")).unwrap_or_else(|e| panic!("{e}"));
    let code = |failure: Result<_, Failure>| match failure {
        Err(Failure::Server(fields)) => fields.into_iter().find(|(k, _)| *k == 'C').map(|(_, v)| v),
        _ => None,
    };
    let more = (0..4).find_map(|n| code(other.query(&hold(&format!("b{n}")))));
    assert_eq!(more.as_deref(), Some("53200"));
    other.query("BEGIN").unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(code(other.query(&declare("d", "SCROLL CURSOR"))).as_deref(), Some("53200"));
    other.query("ROLLBACK").unwrap_or_else(|e| panic!("{e}"));
    let gather = "DO $$ DECLARE r record; BEGIN FOR r IN SELECT n, repeat('x', 1000) FROM generate_series(1, 25000) n LOOP NULL; END LOOP; END $$";
    assert_eq!(code(other.query(gather)).as_deref(), Some("53200"));
    // What is given up is there for others, also by the end of a session.
    drop(one);
    let again = Instant::now();
    while code(other.query(&hold("c"))).is_some() {
        assert!(again.elapsed() < Duration::from_secs(10), "the memory of a session that has ended is not given back");
    }
    other.query("CLOSE ALL").unwrap_or_else(|e| panic!("{e}"));
    other.query(gather).unwrap_or_else(|e| panic!("{e}"));
}
