//! Keys of tokens that are fetched: a provider of the test's own over HTTPS, which changes its keys, is slow, lies or is gone.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

use super::oauth::{Signer, claims, login};
use super::support::server::{Options, Server};
use super::{Authority, as_role, failed, run};

/// What a path is answered with: a status and headers, and a body; nothing if the connection is to be closed.
type Answers = dyn Fn(&str) -> Option<(String, String)> + Send + Sync;

struct Provider {
    port: u16,
    answers: Arc<Mutex<Arc<Answers>>>,
    asked: Arc<AtomicU32>,
}

impl Provider {
    fn start(authority: &Authority) -> Self {
        let params = rcgen::CertificateParams::new(vec!["localhost".into()]).expect("parameters");
        let key = rcgen::KeyPair::generate().expect("a key");
        let issuer = rcgen::Issuer::from_params(&authority.params, &authority.key);
        let certificate = params.signed_by(&key, &issuer).expect("signed").der().clone();
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
            .expect("a configuration");
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let none: Arc<Answers> = Arc::new(|_| None);
        let (answers, asked) = (Arc::new(Mutex::new(none)), Arc::new(AtomicU32::new(0)));
        let (own, count) = (answers.clone(), asked.clone());
        std::thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                count.fetch_add(1, Ordering::SeqCst);
                let (config, answers) = (config.clone(), own.clone());
                // One that gives up in between is the test's own doing.
                std::thread::spawn(move || answer(socket, config, &answers));
            }
        });
        Self { port, answers, asked }
    }

    fn answer(&self, with: impl Fn(&str) -> Option<(String, String)> + Send + Sync + 'static) {
        *self.answers.lock().expect("answers") = Arc::new(with);
    }

    fn has(&self, keys: &[Value]) {
        let set = json!({ "keys": keys }).to_string();
        self.answer(move |_| Some(ok(&set)));
    }

    fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.port)
    }

    fn asked(&self) -> u32 {
        self.asked.load(Ordering::SeqCst)
    }
}

fn answer(socket: TcpStream, config: Arc<ServerConfig>, answers: &Mutex<Arc<Answers>>) -> std::io::Result<()> {
    let mut tls = StreamOwned::new(ServerConnection::new(config).expect("a server"), socket);
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        tls.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default();
    let answers = answers.lock().expect("answers").clone();
    if let Some((status, body)) = answers(path) {
        write!(tls, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())?;
        tls.conn.send_close_notify();
        tls.flush()?;
    }
    Ok(())
}

fn ok(body: &str) -> (String, String) {
    ("200 OK\r\nContent-Type: application/json".into(), body.to_owned())
}

fn rule(user: &str, more: &str) -> String {
    let issuer = if more.contains("issuer=") { "" } else { "issuer=https://id.example " };
    format!("hostssl all {user} all oauth {issuer}audience=duckgate scope=\"openid db\" jwks_ca=ca.pem {more}\n")
}

/// A gateway with these rules beside the superuser's, roles for them, and the provider's authority to believe.
fn serve(folder: &std::path::Path, authority: &Authority, rules: &[String], users: &[&str], flags: &[&str]) -> Server {
    std::fs::write(folder.join("ca.pem"), authority.pem()).expect("written");
    let text = format!("host all duckgate all scram-sha-256\n{}", rules.concat());
    std::fs::write(folder.join("hba.conf"), text).expect("written");
    let path = folder.join("hba.conf").to_str().expect("a path").to_owned();
    let mut all = vec!["--host-rules".to_owned(), path, "--limit-jwks-pause".into(), "1s".into()];
    all.extend(flags.iter().map(|flag| (*flag).to_owned()));
    let environment = vec![("NO_PROXY".to_owned(), "localhost".to_owned())];
    let server = Server::start(&Options { flags: all, environment, ..Options::default() });
    users.iter().for_each(|user| drop(run(&server.target, &format!("create role {user} login"))));
    server
}

/// What a login with a token of that key comes to; a refusal is the same whatever its reason.
fn comes(server: &Server, user: &str, signer: &Signer, id: &str) -> bool {
    match login(server, user, &signer.token(id, &claims(user))) {
        (told, None) if told == "let in" => true,
        (told, Some(status)) => {
            assert_eq!(told, format!("FATAL: OAuth bearer authentication failed for user \"{user}\" (28000)"));
            assert_eq!((&status["status"], status.as_object().map_or(0, |s| s.len())), (&json!("invalid_token"), 3));
            false
        }
        other => panic!("{other:?}"),
    }
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn keys_that_a_provider_changes_are_fetched_and_not_more_often_than_allowed() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::new();
    let provider = Provider::start(&authority);
    let (one, two) = (Signer::new(), Signer::new());
    provider.has(&[one.jwk("one")]);
    let rules = [rule("kim", &format!("jwks={}", provider.url("/keys")))];
    let mut server = serve(folder.path(), &authority, &rules, &["kim"], &[]);
    assert!(comes(&server, "kim", &one, "one"));
    assert!(!comes(&server, "kim", &two, "one"), "another's signature");
    assert_eq!(provider.asked(), 1, "who names a key that is there leads to no fetch");

    // A new key: whoever names it first, after the pause, brings it. The old one is gone with that.
    provider.has(&[two.jwk("two"), json!({"kty": "RSA", "n": "AQAB", "e": "AQAB"})]);
    assert!(comes(&server, "kim", &one, "one"), "what was fetched is fresh");
    std::thread::sleep(Duration::from_millis(1100));
    assert!(comes(&server, "kim", &two, "two"));
    assert!(!comes(&server, "kim", &one, "one"));

    // A storm of unknown keys from several sides: one fetch in a pause, whoever asks.
    let (began, before) = (Instant::now(), provider.asked());
    std::thread::scope(|scope| {
        for side in 0..4 {
            let (server, one) = (&server, &one);
            scope.spawn(move || (0..25).for_each(|n| assert!(!comes(server, "kim", one, &format!("{side}/{n}")))));
        }
    });
    let (most, asked) = (began.elapsed().as_secs() as u32 + 1, provider.asked() - before);
    assert!(asked <= most, "{asked} fetches for 100 tokens in {:?}", began.elapsed());
    assert!(comes(&server, "kim", &two, "two"));

    // SIGHUP fetches anew whatever the pause.
    provider.has(&[one.jwk("one")]);
    // SAFETY: kill takes any pid; this one is our own child.
    unsafe { libc::kill(server.pid() as i32, libc::SIGHUP) };
    until("SIGHUP fetches", || !comes(&server, "kim", &two, "two"));
    assert!(comes(&server, "kim", &one, "one"));
    let log = server.log();
    assert!(log.contains("a key for tokens was left out") && log.contains("key 2: an RSA key of fewer than"), "{log}");
}

#[test]
fn keys_hold_for_a_while_when_their_provider_is_gone() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::new();
    let provider = Provider::start(&authority);
    let one = Signer::new();
    let rules = [rule("kim", &format!("jwks={}", provider.url("/keys")))];
    // It is down when the gateway starts: that keeps nobody else out.
    let mut server = serve(folder.path(), &authority, &rules, &["kim"], &["--limit-jwks-keep", "4s"]);
    assert!(!comes(&server, "kim", &one, "one"));
    provider.has(&[one.jwk("one")]);
    until("the provider is there again", || comes(&server, "kim", &one, "one"));
    let fetched = Instant::now();
    provider.answer(|_| None);
    std::thread::sleep(Duration::from_millis(1100));
    assert!(!comes(&server, "kim", &one, "two"), "a fetch that fails");
    while fetched.elapsed() < Duration::from_secs(3) {
        assert!(comes(&server, "kim", &one, "one"), "they hold");
    }
    until("they hold for so long only", || !comes(&server, "kim", &one, "one"));
    provider.has(&[one.jwk("one")]);
    until("the provider is there again", || comes(&server, "kim", &one, "one"));
    let log = server.log();
    for told in
        ["no token is accepted", "those before hold for that many seconds more", "the keys for tokens were fetched"]
    {
        assert!(log.contains(told), "{told}: {log}");
    }
}

#[test]
fn answers_that_are_too_long_too_slow_or_not_the_providers_are_no_keys() {
    let folder = tempfile::tempdir().expect("a folder");
    let (authority, stranger) = (Authority::new(), Authority::new());
    let (provider, impostor) = (Provider::start(&authority), Provider::start(&stranger));
    let one = Signer::new();
    let set = json!({ "keys": [one.jwk("one")] }).to_string();
    impostor.has(&[one.jwk("one")]);
    let (here, there) = (provider.url("/keys"), impostor.url("/keys"));
    let plain = format!("http://localhost:{}/keys", provider.port);
    let document = json!({"issuer": provider.url("/own"), "jwks_uri": provider.url("/keys")}).to_string();
    let lie = json!({"issuer": "https://id.example", "jwks_uri": provider.url("/keys")}).to_string();
    let redirected = here.clone();
    provider.answer(move |path| {
        let to = |url: &str| Some((format!("302 Found\r\nLocation: {url}"), String::new()));
        match path {
            "/keys" => Some(ok(&set)),
            "/long" => Some(ok(&format!("{set}{}", " ".repeat(300 << 10)))),
            "/slow" => {
                std::thread::sleep(Duration::from_secs(4));
                Some(ok(&set))
            }
            "/away" => to(&redirected),
            "/open" => to(&plain),
            "/round" => to("/round"),
            "/busy" => Some(("503 Busy".into(), set.clone())),
            "/page" => Some(ok("<html>")),
            "/own/.well-known/openid-configuration" => Some(ok(&document)),
            "/lie/.well-known/openid-configuration" => Some(ok(&lie)),
            _ => None,
        }
    });
    let cases = [
        ("keys", ""),
        ("away", ""),
        ("long", "the response body is larger than request limit"),
        ("slow", "timeout"),
        ("open", "configured for https only"),
        ("round", "too many redirects"),
        ("busy", "http status: 503"),
        ("page", "no JSON"),
        ("impostor", "invalid peer certificate"),
        ("lie", "it is of the issuer https://id.example"),
    ];
    let rules = cases.map(|(user, _)| match user {
        "impostor" => rule(user, &format!("jwks={there}")),
        "lie" => rule(user, &format!("issuer={}", provider.url("/lie"))),
        _ => rule(user, &format!("jwks={}", provider.url(&format!("/{user}")))),
    });
    let users = [cases.map(|(user, _)| user).as_slice(), &["own"]].concat();
    let rules = [rules.as_slice(), &[rule("own", &format!("issuer={}", provider.url("/own")))]].concat();
    let mut server = serve(folder.path(), &authority, &rules, &users, &["--limit-jwks-time", "2s"]);
    // A provider that is slow delays those who wait for its keys, and nobody else.
    std::thread::scope(|scope| {
        let slow = scope.spawn(|| {
            let began = Instant::now();
            let mut waited = Duration::ZERO;
            while waited < Duration::from_millis(500) && began.elapsed() < Duration::from_secs(20) {
                let before = Instant::now();
                assert!(!comes(&server, "slow", &one, "one"));
                waited = before.elapsed();
            }
            waited
        });
        while !slow.is_finished() {
            let began = Instant::now();
            assert_eq!(failed(&as_role(&server, "duckgate", "correct horse")), "let in");
            assert!(comes(&server, "keys", &one, "one"));
            assert!(began.elapsed() < Duration::from_secs(1), "others waited {:?}", began.elapsed());
        }
        let waited = slow.join().expect("a thread");
        assert!((Duration::from_millis(500)..Duration::from_secs(4)).contains(&waited), "{waited:?}");
    });
    for (user, problem) in cases {
        assert_eq!(comes(&server, user, &one, "one"), problem.is_empty(), "{user}");
    }
    // By the issuer's document; its tokens name it.
    let mut claims = claims("own");
    claims["iss"] = json!(provider.url("/own"));
    assert_eq!(login(&server, "own", &one.token("one", &claims)).0, "let in");
    let log = server.log();
    for (user, problem) in cases {
        let told = |line: &str| line.contains(user) && line.contains(problem);
        assert!(problem.is_empty() || user == "impostor" || log.lines().any(told), "{user}: {problem}:\n{log}");
    }
    assert!(log.contains("invalid peer certificate"), "{log}");
}
