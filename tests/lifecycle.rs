//! How sessions and the gateway begin and end: protocol 3.2 with its long cancel keys, and SIGTERM while statements run.

mod support;

use std::time::{Duration, Instant};

use support::protocol::{Connection, Failure, Message, fields, query, untyped};
use support::server::{Options, Server};
use support::target::Target;

const CANCEL_REQUEST: u32 = 80_877_102;

fn open(target: &Target, minor: u32) -> (Connection, Vec<Message>) {
    let mut connection = Connection::new(target.socket());
    let mut log = Vec::new();
    connection.login(target, &[], 3 << 16 | minor, &mut log).unwrap_or_else(|e| panic!("{e}"));
    (connection, log)
}

/// The message of the ErrorResponse that comes next, RowDescription aside.
fn error(connection: &mut Connection) -> (String, String) {
    loop {
        let message = connection.read().unwrap_or_else(|e| panic!("{e}"));
        match message.tag {
            b'T' => {}
            b'E' => {
                let fields = fields(&message.body);
                let field = |key| fields.iter().find(|(k, _)| *k == key).map(|(_, v)| v.clone()).unwrap_or_default();
                return (field('C'), field('M'));
            }
            other => panic!("{} instead of an error", char::from(other)),
        }
    }
}

#[test]
fn protocol_3_2_gives_long_cancel_keys_and_takes_them() {
    let server = Server::shared();
    let (old, log) = open(&server.target, 0);
    assert_eq!(old.secret.len(), 4);
    assert!(log.iter().all(|m| m.tag != b'v'), "3.0 needs no negotiation");
    let (mut new, log) = open(&server.target, 2);
    assert_eq!(new.secret.len(), 32);
    assert!(log.iter().all(|m| m.tag != b'v'), "3.2 is spoken");
    new.send(&query("SELECT pg_sleep(20)")).unwrap_or_else(|e| panic!("{e}"));
    std::thread::sleep(Duration::from_millis(200));
    let cancel = |secret: &[u8]| {
        let rest = [&new.pid.to_be_bytes()[..], secret].concat();
        let mut canceller = Connection::new(server.target.socket());
        canceller.send(&untyped(CANCEL_REQUEST, &rest)).unwrap_or_else(|e| panic!("{e}"));
        assert!(matches!(canceller.read_byte(), Err(Failure::Closed)), "a cancel request is not answered");
    };
    // A key that only begins like the right one is none.
    cancel(&new.secret[..4]);
    let mut longer = new.secret.clone();
    longer.push(0);
    cancel(&longer);
    std::thread::sleep(Duration::from_millis(200));
    let began = Instant::now();
    cancel(&new.secret.clone());
    assert_eq!(error(&mut new), ("57014".into(), "canceling statement due to user request".into()));
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_version_between_ours_is_negotiated_down() {
    let server = Server::shared();
    let (connection, log) = open(&server.target, 1);
    // 3.1 was never given out: a server that knows 3.2 answers with what it speaks below.
    let negotiated = log.iter().find(|m| m.tag == b'v').map(|m| m.body[..4].to_vec());
    assert!(negotiated.is_none_or(|version| version[3] <= 1), "{log:?}");
    assert_eq!(connection.secret.len(), 4);
}

#[test]
fn sigterm_lets_statements_end_then_ends_sessions_and_keeps_what_was_committed() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("term.duckdb");
    let flags = vec!["--shutdown-grace".to_owned(), "1500ms".to_owned()];
    let options = Options { data: Some(data.clone()), flags, ..Options::default() };
    let mut server = Server::start(&options);
    let target = server.target.clone();
    let connect = || target.connect().unwrap_or_else(|e| panic!("{e}"));
    let (mut short, mut long, mut block, mut idle) = (connect(), connect(), connect(), connect());
    idle.query("CREATE TABLE kept (a int4 PRIMARY KEY); INSERT INTO kept SELECT generate_series(1, 1000)")
        .expect("set up");
    block.query("BEGIN; INSERT INTO kept VALUES (-1)").expect("a block");
    short.send(&query("INSERT INTO kept SELECT 2000 FROM pg_sleep(0.5)")).expect("sent");
    long.send(&query("SELECT pg_sleep(60)")).expect("sent");
    std::thread::sleep(Duration::from_millis(200));
    let began = Instant::now();
    let ended = std::thread::spawn(move || server.terminate(Duration::from_secs(20)));

    let gone = ("57P01".to_owned(), "terminating connection due to administrator command".to_owned());
    assert_eq!(error(&mut idle), gone);
    assert_eq!(error(&mut block), gone);
    assert!(began.elapsed() < Duration::from_millis(1400), "who runs nothing does not wait: {:?}", began.elapsed());
    let done = short.read().expect("an answer");
    assert_eq!(done.tag, b'C', "what ends within the grace period ends well: {done:?}");
    assert_eq!(error(&mut long), gone);
    assert!(began.elapsed() >= Duration::from_millis(1400), "{:?}", began.elapsed());
    assert!(target.try_connect().is_err(), "new clients are let in");
    let status = ended.join().expect("no panic").expect("it ends");
    assert!(status.success(), "{status}");

    let log = folder.path().join("term.duckdb.wal");
    assert!(std::fs::metadata(&log).is_ok_and(|m| m.len() == 0) || !log.exists(), "not checkpointed");
    let server = Server::start(&options);
    let rows = server.target.connect().expect("it starts again").query("SELECT count(*), min(a), max(a) FROM kept");
    assert_eq!(
        format!("{:?}", rows.expect("rows")),
        format!("{:?}", vec![vec![Some("1001".to_owned()), Some("1".into()), Some("2000".into())]])
    );
}

#[test]
fn a_second_signal_hurries_and_those_that_rotate_logs_end_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("hurry.duckdb");
    let flags = vec!["--shutdown-grace".to_owned(), "100s".to_owned()];
    for last in [libc::SIGINT, libc::SIGQUIT] {
        let options = Options { data: Some(data.clone()), flags: flags.clone(), ..Options::default() };
        let mut server = Server::start(&options);
        let mut long = server.target.connect().unwrap_or_else(|e| panic!("{e}"));
        // SAFETY: kill takes any pid; this one is our own child, not yet waited for.
        let kill = |server: &Server, signal| unsafe { libc::kill(server.pid() as i32, signal) };
        kill(&server, libc::SIGUSR1);
        kill(&server, libc::SIGUSR2);
        long.query("CREATE TABLE IF NOT EXISTS kept (a int); INSERT INTO kept VALUES (1)").expect("it goes on");
        long.send(&query("SELECT pg_sleep(100)")).expect("sent");
        std::thread::sleep(Duration::from_millis(300));
        kill(&server, libc::SIGTERM);
        std::thread::sleep(Duration::from_millis(500));
        kill(&server, last);
        let gone = ("57P01".to_owned(), "terminating connection due to administrator command".to_owned());
        assert_eq!(error(&mut long), gone);
        let status = server.terminate(Duration::from_secs(30)).expect("it ends");
        assert!(status.success(), "{status}");
    }
}

#[test]
fn a_statement_that_heeds_nothing_holds_up_no_end_and_nothing_is_lost() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("deaf.duckdb");
    let flags = ["--interrupt-grace", "200ms", "--shutdown-grace", "100ms"].map(str::to_owned).to_vec();
    let options = Options { data: Some(data), flags, ..Options::default() };
    let mut server = Server::start(&options);
    let mut session = server.target.connect().unwrap_or_else(|e| panic!("{e}"));
    session.query("CREATE TABLE kept (a int); INSERT INTO kept SELECT generate_series(1, 1000)").expect("kept");
    let mut deaf = server.target.connect().unwrap_or_else(|e| panic!("{e}"));
    // One call of one function, which takes minutes and looks at nothing. Its argument is made before, and that can be interrupted.
    deaf.send(&query("SELECT length(regexp_replace(repeat('ab', 30000000), '(a|b)', '\\1\\1', 'g'))")).expect("sent");
    std::thread::sleep(Duration::from_secs(2));
    session.query("INSERT INTO kept VALUES (2000)").expect("others go on");
    let began = Instant::now();
    let status = server.terminate(Duration::from_secs(30)).expect("it ends");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!(status.code(), Some(1), "who supervises it is to know that it did not end well");
    assert_eq!(error(&mut deaf).0, "57P01");
    let log = server.log();
    assert!(log.contains("statements heed no interrupt"), "it was not deaf: {log}");
    let server = Server::start(&options);
    let rows = server.target.connect().expect("it starts again").query("SELECT count(*), max(a) FROM kept");
    assert_eq!(
        format!("{:?}", rows.expect("rows")),
        format!("{:?}", vec![vec![Some("1001".to_owned()), Some("2000".into())]])
    );
}

#[test]
fn what_the_gateway_makes_is_its_own_alone_but_for_the_socket() {
    use std::os::unix::fs::{FileTypeExt, PermissionsExt};
    let folder = tempfile::tempdir().expect("a folder");
    let (data, socket) = (folder.path().join("new/own.duckdb"), folder.path().join("socket"));
    let flags = vec![format!("--listen=unix:{}", socket.display())];
    let server = Server::start(&Options { data: Some(data.clone()), flags, ..Options::default() });
    let mut session = server.target.connect().unwrap_or_else(|e| panic!("{e}"));
    session.query("CREATE TABLE own (a int)").unwrap_or_else(|e| panic!("{e}"));
    let mut seen = 0;
    for entry in std::fs::read_dir(data.parent().expect("a folder")).expect("the folder").flatten() {
        let mode = entry.metadata().expect("a file").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{:?} has the mode {mode:o}", entry.path());
        seen += 1;
    }
    assert!(seen >= 3, "the database, its key and more are in the folder");
    let socket = std::fs::metadata(socket).expect("the socket");
    assert!(socket.file_type().is_socket() && socket.permissions().mode() & 0o777 == 0o777);
}
