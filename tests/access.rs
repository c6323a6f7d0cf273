//! Who gets in and what is told of it: the audit's file and view, host rules, client certificates, tokens, throttled passwords.

#[path = "access/audit_table.rs"]
mod audit_table;
#[path = "access/keys.rs"]
mod keys;
#[path = "access/logins.rs"]
mod logins;
#[path = "access/oauth.rs"]
mod oauth;
mod support;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConnection, StreamOwned};
use support::protocol::{Connection, Failure, fields, startup};
use support::server::{Options, Server};
use support::target::Target;

fn start(flags: &[&str], data: Option<&Path>) -> Server {
    let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
    Server::start(&Options { flags, data: data.map(Path::to_owned), ..Options::default() })
}

fn run(target: &Target, sql: &str) -> Vec<Vec<Option<String>>> {
    let mut connection = target.connect().unwrap_or_else(|e| panic!("{e}"));
    connection.query(sql).unwrap_or_else(|e| panic!("{sql}: {e}"))
}

fn as_role(server: &Server, user: &str, password: &str) -> Target {
    Target { user: user.into(), password: password.into(), ..server.target.clone() }
}

fn failed(target: &Target) -> String {
    match target.connect() {
        Ok(_) => "let in".into(),
        Err(failure) => failure.to_string(),
    }
}

#[test]
fn the_audit_is_kept_in_a_file_and_in_a_view_for_auditors() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, file) = (folder.path().join("a.duckdb"), folder.path().join("audit.jsonl"));
    let flags = ["--audit-file", file.to_str().expect("a path")];
    let mut server = start(&flags, Some(&data));
    run(
        &server.target,
        "create role kim login password 'pw'; create role auditor login password 'pw'; create table t (a int);
         grant select on pg_catalog.duckgate_audit to auditor",
    );
    let (kim, auditor) = (as_role(&server, "kim", "pw"), as_role(&server, "auditor", "pw"));
    assert_eq!(
        failed(&as_role(&server, "kim", "wrong")),
        "FATAL: password authentication failed for user \"kim\" (28P01)"
    );
    let mut session = kim.connect().unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(
        session.query("select a from t where a = 4711").map_err(|e| e.code().to_owned()).err().as_deref(),
        Some("42501")
    );
    let denied = session.query("select * from duckgate_audit").err().map(|e| e.to_string());
    assert_eq!(denied.as_deref(), Some("ERROR: permission denied for table duckgate_audit (42501)"));
    drop(session);
    let shown = "select event, outcome, sqlstate, user_name, command, statement, objects->0->>'name', tls, client_addr
         from duckgate_audit where user_name = 'kim' order by time";
    let expected = [
        ["login", "denied", "28P01", "kim", "NULL", "NULL", "NULL", "f", "127.0.0.1"],
        ["login", "ok", "NULL", "kim", "NULL", "NULL", "NULL", "f", "127.0.0.1"],
        ["statement", "denied", "42501", "kim", "SELECT", "select a from t where a = ?", "t", "f", "127.0.0.1"],
        [
            "statement",
            "denied",
            "42501",
            "kim",
            "SELECT",
            "select * from duckgate_audit",
            "duckgate_audit",
            "f",
            "127.0.0.1",
        ],
    ];
    let rows = run(&auditor, shown);
    let plain = |row: &Vec<Option<String>>| row.iter().map(|v| v.clone().unwrap_or("NULL".into())).collect::<Vec<_>>();
    let told: Vec<_> = rows.iter().map(plain).filter(|row| row[0] != "logout").collect();
    assert_eq!(told, expected.map(|row| row.map(str::to_owned).to_vec()));

    // What auditors may do outlives a restart, the file too; the view begins anew.
    assert!(server.terminate(Duration::from_secs(20)).is_some_and(|status| status.success()));
    let text = std::fs::read_to_string(&file).expect("the file");
    let lines: Vec<serde_json::Value> = text.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    assert!(lines.iter().any(|l| l["user"] == "kim" && l["sqlstate"] == "42501" && l["objects"][0]["name"] == "t"));
    assert!(lines.iter().any(|l| l["event"] == "login" && l["outcome"] == "denied" && l["user"] == "kim"));
    assert!(!text.contains("4711") && !text.contains("'pw'"), "a literal was kept");
    let server = start(&flags, Some(&data));
    let auditor = as_role(&server, "auditor", "pw");
    assert_eq!(
        run(&auditor, "select count(*) from duckgate_audit where user_name = 'kim'")[0][0].as_deref(),
        Some("0")
    );
    assert!(std::fs::read_to_string(&file).expect("the file").len() > text.len());
}

#[test]
fn host_rules_say_who_comes_from_where_and_are_reloaded() {
    let folder = tempfile::tempdir().expect("a folder");
    let rules = folder.path().join("hba.conf");
    std::fs::write(&rules, "host all duckgate 127.0.0.0/8 scram-sha-256\n").expect("written");
    let server = start(&["--host-rules", rules.to_str().expect("a path")], None);
    run(&server.target, "create role kim login password 'pw'; create role staff; grant staff to kim");
    let (kim, nobody) = (as_role(&server, "kim", "wrong"), as_role(&server, "nobody", "pw"));
    let none = |user: &str| {
        format!(
            "FATAL: no pg_hba.conf entry for host \"127.0.0.1\", user \"{user}\", database \"duckgate\", no encryption (28000)"
        )
    };
    assert_eq!((failed(&kim), failed(&nobody)), (none("kim"), none("nobody")));
    let reload = |text: &str, until: &dyn Fn() -> bool| {
        std::fs::write(&rules, text).expect("written");
        // SAFETY: kill takes any pid; this one is our own child.
        unsafe { libc::kill(server.pid() as i32, libc::SIGHUP) };
        let deadline = Instant::now() + Duration::from_secs(10);
        while !until() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(until(), "not reloaded: {text}");
    };
    let base = "host all duckgate all scram-sha-256\n";
    reload(&format!("{base}host all +staff 127.0.0.1/32 trust\n"), &|| failed(&kim) == "let in");
    assert_eq!(failed(&nobody), none("nobody"));
    reload(&format!("{base}host all kim all reject\nhost all all all scram-sha-256"), &|| {
        failed(&kim).starts_with("FATAL: pg_hba.conf rejects connection for host \"127.0.0.1\", user \"kim\"")
    });
    assert_eq!(failed(&nobody), "FATAL: password authentication failed for user \"nobody\" (28P01)");
    let shown = "select line_number, type, database, user_name, address, netmask, auth_method, options, error from pg_hba_file_rules where line_number > 1";
    let row = |values: [&str; 9]| values.map(|v| (v != "-").then(|| v.to_owned())).to_vec();
    assert_eq!(
        run(&server.target, shown),
        [
            row(["2", "host", "{all}", "{kim}", "all", "-", "reject", "-", "-"]),
            row(["3", "host", "{all}", "{all}", "all", "-", "scram-sha-256", "-", "-"]),
        ]
    );
    // A file that cannot be read leaves what was in force.
    std::fs::write(&rules, "host all all all trust\n").expect("written");
    // SAFETY: as above.
    unsafe { libc::kill(server.pid() as i32, libc::SIGHUP) };
    std::thread::sleep(Duration::from_millis(500));
    assert!(failed(&kim).contains("rejects connection"));
    let errors = run(&server.target, "select type, error from pg_hba_file_rules");
    let fault = "trust is for local and for loopback addresses (127.0.0.0/8, ::1/128) only";
    assert_eq!(errors, [vec![None, Some(fault.to_owned())]]);
}

/// A certificate authority of the test's own, and who it vouches for.
struct Authority {
    key: rcgen::KeyPair,
    params: rcgen::CertificateParams,
}

impl Authority {
    fn new() -> Self {
        let mut params = rcgen::CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign, rcgen::KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(rcgen::DnType::CommonName, "the test's authority");
        Self { key: rcgen::KeyPair::generate().expect("a key"), params }
    }

    fn pem(&self) -> String {
        self.params.self_signed(&self.key).expect("signed").pem()
    }

    /// A list (PEM) of the numbers of certificates that are revoked, until then.
    fn revoked(&self, numbers: &[u64], until: std::time::SystemTime) -> String {
        let then = until - Duration::from_secs(3 * 86_400);
        let revoked = |number: &u64| rcgen::RevokedCertParams {
            serial_number: rcgen::SerialNumber::from(*number),
            revocation_time: then.into(),
            reason_code: None,
            invalidity_date: None,
        };
        let params = rcgen::CertificateRevocationListParams {
            this_update: then.into(),
            next_update: until.into(),
            crl_number: rcgen::SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: numbers.iter().map(revoked).collect(),
            key_identifier_method: rcgen::KeyIdMethod::Sha256,
        };
        let issuer = rcgen::Issuer::from_params(&self.params, &self.key);
        params.signed_by(&issuer).expect("signed").pem().expect("PEM")
    }

    fn certify(&self, name: &str) -> Certified {
        self.certify_under(name, None)
    }

    fn certify_under(&self, name: &str, number: Option<u64>) -> Certified {
        let mut params = rcgen::CertificateParams::new(Vec::new()).expect("parameters");
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.serial_number = number.map(rcgen::SerialNumber::from);
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
        let key = rcgen::KeyPair::generate().expect("a key");
        let issuer = rcgen::Issuer::from_params(&self.params, &self.key);
        let certificate = params.signed_by(&key, &issuer).expect("signed");
        (certificate.der().clone(), PrivateKeyDer::Pkcs8(key.serialize_der().into()))
    }
}

type Certified = (CertificateDer<'static>, PrivateKeyDer<'static>);

/// A TLS connection, by SSLRequest, that nothing was sent over yet.
fn tls(target: &Target, certificate: Option<Certified>) -> StreamOwned<ClientConnection, TcpStream> {
    let mut socket = TcpStream::connect((target.host.as_str(), target.port)).expect("connects");
    socket.set_read_timeout(Some(Duration::from_secs(20))).expect("timeout");
    socket.write_all(&[0, 0, 0, 8, 4, 210, 22, 47]).expect("written");
    let mut answer = [0];
    socket.read_exact(&mut answer).expect("an answer");
    assert_eq!(&answer, b"S");
    let config = support::tls::client_config_with(None, certificate);
    let name = ServerName::try_from("localhost").expect("a name");
    StreamOwned::new(ClientConnection::new(Arc::new(config), name).expect("a client"), socket)
}

/// What becomes of a login over TLS with that certificate, up to the first message after the startup.
fn with_certificate(target: &Target, certificate: Option<Certified>) -> String {
    let mut tls = tls(target, certificate);
    let parameters = [("user", target.user.as_str()), ("database", target.database.as_str())];
    let mut read = || -> std::io::Result<String> {
        tls.write_all(&startup(0x0003_0000, &parameters))?;
        let mut head = [0; 5];
        tls.read_exact(&mut head)?;
        let mut body = vec![0; u32::from_be_bytes(head[1..].try_into().expect("four bytes")) as usize - 4];
        tls.read_exact(&mut body)?;
        Ok(match head[0] {
            b'R' if body[..4] == [0, 0, 0, 0] => "let in".into(),
            b'R' => "asked for a password".into(),
            _ => Failure::Server(fields(&body)).to_string(),
        })
    };
    read().unwrap_or_else(|_| "the handshake fails".into())
}

#[test]
fn client_certificates_are_roles() {
    let folder = tempfile::tempdir().expect("a folder");
    let (ca, stranger) = (Authority::new(), Authority::new());
    let path = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.to_str().expect("a path").to_owned()
    };
    let rules = path(
        "hba.conf",
        "host all duckgate all scram-sha-256\nhostssl all bob all scram-sha-256 clientcert=verify-full\n\
         hostssl all ann all scram-sha-256 clientcert=verify-ca\nhostssl all all all cert map=m\n",
    );
    let (map, ca_file) = (path("ident.conf", "m kim kim\nm /^(.*)@here$ \\1\n"), path("ca.pem", &ca.pem()));
    let server = start(&["--host-rules", &rules, "--ident-map", &map, "--tls-client-ca", &ca_file], None);
    run(
        &server.target,
        "create role kim login; create role bob login password 'pw'; create role ann login password 'pw'",
    );
    let come = |user: &str, certificate| with_certificate(&as_role(&server, user, ""), certificate);
    assert_eq!(come("kim", Some(ca.certify("kim"))), "let in");
    assert_eq!(come("kim", Some(ca.certify("kim@here"))), "let in");
    let not = |user: &str| format!("FATAL: certificate authentication failed for user \"{user}\" (28000)");
    assert_eq!(come("kim", Some(ca.certify("bob"))), not("kim"));
    assert_eq!(come("nobody", Some(ca.certify("kim"))), not("nobody"));
    assert_eq!(come("kim", None), "FATAL: connection requires a valid client certificate (28000)");
    // Somebody else's word counts for nothing.
    assert_eq!(come("kim", Some(stranger.certify("kim"))), "the handshake fails");
    assert_eq!(come("bob", Some(ca.certify("bob"))), "asked for a password");
    assert_eq!(come("bob", Some(ca.certify("kim"))), not("bob"));
    assert_eq!(come("ann", Some(ca.certify("kim"))), "asked for a password");
    assert_eq!(come("ann", None), "FATAL: connection requires a valid client certificate (28000)");
    assert_eq!(come("duckgate", None), "asked for a password");
    assert!(failed(&as_role(&server, "kim", "")).starts_with("FATAL: no pg_hba.conf entry for host"));
}

#[test]
fn revoked_certificates_are_turned_away_also_by_a_list_that_comes_later() {
    let folder = tempfile::tempdir().expect("a folder");
    let ca = Authority::new();
    let path = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.to_str().expect("a path").to_owned()
    };
    let rules = path("hba.conf", "host all duckgate all scram-sha-256\nhostssl all all all cert\n");
    let (day, now) = (Duration::from_secs(86_400), std::time::SystemTime::now());
    let (list, ca_file) = (path("ca.crl", &ca.revoked(&[1], now + day)), path("ca.pem", &ca.pem()));
    let flags = ["--host-rules", &rules, "--tls-client-ca", &ca_file, "--tls-client-crl", &list];
    let server = start(&flags, None);
    run(&server.target, "create role kim login");
    let come = |number| with_certificate(&as_role(&server, "kim", ""), Some(ca.certify_under("kim", Some(number))));
    assert_eq!((come(1).as_str(), come(2).as_str()), ("the handshake fails", "let in"));
    let reload = |text: &str, expected: (&str, &str)| {
        path("ca.crl", text);
        // SAFETY: kill takes any pid; this one is our own child.
        unsafe { libc::kill(server.pid() as i32, libc::SIGHUP) };
        let deadline = Instant::now() + Duration::from_secs(10);
        while (come(1).as_str(), come(2).as_str()) != expected {
            assert!(Instant::now() < deadline, "not reloaded: {expected:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    reload(&ca.revoked(&[2], now + day), ("let in", "the handshake fails"));
    // A list that is over vouches for nobody, nor does another authority's; what is no list leaves what was in force.
    reload(&ca.revoked(&[2], now - day), ("the handshake fails", "the handshake fails"));
    reload(&ca.revoked(&[1], now + day), ("the handshake fails", "let in"));
    reload(&Authority::new().revoked(&[1], now + day), ("the handshake fails", "the handshake fails"));
    reload(&ca.revoked(&[2], now + day), ("let in", "the handshake fails"));
    path("ca.crl", "no list");
    // SAFETY: as above.
    unsafe { libc::kill(server.pid() as i32, libc::SIGHUP) };
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!((come(1).as_str(), come(2).as_str()), ("let in", "the handshake fails"));
}

/// `DUCKGATE_GUESSES` is how many wrong passwords are sent.
#[test]
fn wrong_passwords_of_one_address_are_slowed_and_others_log_in_unhindered() {
    let wanted: u32 = std::env::var("DUCKGATE_GUESSES").ok().and_then(|n| n.parse().ok()).unwrap_or(1000);
    let server = start(&["--tls", "off"], None);
    run(&server.target, "create role kim login password 'pw'; create role victim login password 'pw'");
    let victim = as_role(&server, "victim", "wrong");
    let (sent, looked_at, turned_away) = (AtomicU32::new(0), AtomicU32::new(0), AtomicU32::new(0));
    let began = Instant::now();
    let mut slowest = Duration::ZERO;
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                while sent.fetch_add(1, Ordering::Relaxed) < wanted {
                    match victim.connect().map_err(|e| e.code().to_owned()).err().as_deref() {
                        Some("28P01") => looked_at.fetch_add(1, Ordering::Relaxed),
                        Some("28000") => turned_away.fetch_add(1, Ordering::Relaxed),
                        other => panic!("{other:?}"),
                    };
                }
            });
        }
        let kim = as_role(&server, "kim", "pw");
        while sent.load(Ordering::Relaxed) < wanted {
            let began = Instant::now();
            kim.connect().unwrap_or_else(|e| panic!("{e}"));
            slowest = slowest.max(began.elapsed());
        }
    });
    let (time, looked_at, turned_away) = (began.elapsed(), looked_at.into_inner(), turned_away.into_inner());
    println!(
        "{wanted} wrong passwords in {time:?}: {looked_at} looked at, {turned_away} turned away; others within {slowest:?}"
    );
    // The sixteen that came at once, five that wait for their turn, and one a second.
    let most = 16 + 8 + 2 * time.as_secs() as u32;
    assert!(looked_at <= most, "{looked_at} of {wanted} were looked at in {time:?}");
    assert!(slowest < Duration::from_secs(2), "another role's login took {slowest:?}");
}

#[test]
fn a_role_that_does_not_exist_takes_the_same_time_as_a_wrong_password() {
    let server = start(&["--tls", "off", "--limit-password-failures", "1000000"], None);
    run(&server.target, "create role kim login password 'pw'");
    let timed = |user: &str| {
        let target = as_role(&server, user, "wrong");
        let began = Instant::now();
        assert!(failed(&target).contains("28P01"));
        began.elapsed()
    };
    // Interleaved, so that whatever else the machine does hits both.
    let pairs: Vec<_> = (0..200).map(|_| (timed("kim"), timed("nobody"))).collect();
    let median = |mut times: Vec<Duration>| {
        times.sort();
        times[times.len() / 2]
    };
    let (known, unknown) = pairs.into_iter().unzip::<_, _, Vec<_>, Vec<_>>();
    let (known, unknown) = (median(known), median(unknown));
    println!("wrong password: {known:?}, no such role: {unknown:?}");
    let (less, more) = (known.min(unknown), known.max(unknown));
    assert!(more - less < less / 5, "wrong password: {known:?}, no such role: {unknown:?}");
    let mut connection = Connection::new(server.target.socket());
    connection.login(&server.target, &[], 0x0003_0000, &mut Vec::new()).unwrap_or_else(|e| panic!("{e}"));
}

/// Rows in no order, or the SQLSTATE.
fn answer(connection: &mut Connection, sql: &str) -> Result<Vec<String>, String> {
    let rows = connection.query(sql).map_err(|e| e.code().to_owned())?;
    let mut rows: Vec<String> = rows.iter().map(|row| format!("{row:?}")).collect();
    rows.sort();
    Ok(rows)
}

/// Statements that scripts/random-rules.py made, through rules and masks and over tables that hold only what the role may see.
#[test]
fn random_statements_answer_as_over_what_the_role_may_see() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules/random");
    let schemas = tempfile::tempdir().expect("a folder");
    std::fs::copy(folder.join("ruled.toml"), schemas.path().join("ruled.toml")).expect("copied");
    let server = Server::start(&Options { schemas: Some(schemas.path().to_owned()), ..Options::default() });
    run(&server.target, &std::fs::read_to_string(folder.join("made.sql")).expect("a file"));
    let mut sides = ["ruled", "plain"].map(|schema| {
        let mut side = server.target.connect().unwrap_or_else(|e| panic!("{e}"));
        let become_reader = format!("set session authorization rr_reader; set search_path = {schema}");
        side.query(&become_reader).unwrap_or_else(|e| panic!("{e}"));
        side
    });
    let statements = std::fs::read_to_string(folder.join("statements.sql")).expect("a file");
    let mut different = Vec::new();
    for sql in statements.lines() {
        let [ruled, plain] = sides.each_mut().map(|side| {
            side.query("begin").unwrap_or_else(|e| panic!("{e}"));
            let answer = answer(side, sql);
            side.query("rollback").unwrap_or_else(|e| panic!("{e}"));
            answer
        });
        if ruled != plain {
            different.push(format!("{sql}\n  {ruled:?}\n  {plain:?}"));
        }
    }
    assert!(
        different.is_empty(),
        "{} of {} differ\n{}",
        different.len(),
        statements.lines().count(),
        different.join("\n")
    );
}

/// Statements that scripts/random-compare.py made, with PostgreSQL's answers: tests/random/recorded.txt. A line with `!` makes
/// what they are about; the rows below a statement are in no order.
#[test]
fn random_statements_answer_as_postgresql_does() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/random/recorded.txt");
    let text = std::fs::read_to_string(path).expect("a file");
    let server = Server::start(&Options::default());
    let mut connection = server.target.connect().unwrap_or_else(|e| panic!("{e}"));
    for setting in ["timezone = 'America/Los_Angeles'", "client_min_messages = error", "extra_float_digits = 1"] {
        connection.query(&format!("set {setting}")).unwrap_or_else(|e| panic!("{e}"));
    }
    let (mut setup, mut cases): (Vec<String>, Vec<(String, Vec<String>)>) = Default::default();
    for line in text.lines() {
        if let Some(sql) = line.strip_prefix("! ") {
            setup.push(sql.to_owned());
        } else if let Some(sql) = line.strip_prefix("# ") {
            cases.push((sql.to_owned(), Vec::new()));
        } else if let Some((_, rows)) = cases.last_mut()
            && (line.starts_with('[') || line.starts_with("ERROR "))
        {
            rows.push(line.to_owned());
        } else if let Some(sql) = cases.last_mut().map(|(sql, _)| sql).or(setup.last_mut()) {
            // A text of several lines.
            sql.push('\n');
            sql.push_str(line);
        }
    }
    for sql in &setup {
        connection.query(sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
    }
    let mut different = Vec::new();
    for (sql, mut expected) in cases.iter().cloned() {
        let mut got = match connection.query(&sql) {
            Ok(rows) => rows.iter().map(|row| serde_json::to_string(row).expect("JSON")).collect(),
            Err(error) => vec![format!("ERROR {}", error.code())],
        };
        // Python's JSON has blanks.
        for rows in [&mut expected, &mut got] {
            for row in rows.iter_mut().filter(|row| row.starts_with('[')) {
                *row = serde_json::from_str::<serde_json::Value>(row).expect("JSON").to_string();
            }
            rows.sort();
        }
        if got != expected {
            different.push(format!("{sql}\n  expected {expected:?}\n  got      {got:?}"));
        }
    }
    assert!(different.is_empty(), "{} of {} differ\n{}", different.len(), cases.len(), different.join("\n"));
}
