//! OAUTHBEARER over the wire: the SASL exchange over TLS, with tokens that the test signs itself.

use std::io::{Read, Write};
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};

use super::support::protocol::{Failure, fields, frame, startup};
use super::support::server::{Server, skipped};
use super::{run, start, tls};

/// What the gateway sends next: its tag and body.
fn message(stream: &mut impl Read) -> (u8, Vec<u8>) {
    let mut head = [0; 5];
    stream.read_exact(&mut head).expect("a message");
    let mut body = vec![0; u32::from_be_bytes(head[1..].try_into().expect("four bytes")) as usize - 4];
    stream.read_exact(&mut body).expect("its body");
    (head[0], body)
}

fn initial_response(data: Option<&str>) -> Vec<u8> {
    let mut body = b"OAUTHBEARER\0".to_vec();
    match data {
        None => body.extend((-1i32).to_be_bytes()),
        Some(data) => {
            body.extend((data.len() as u32).to_be_bytes());
            body.extend(data.as_bytes());
        }
    }
    frame(b'p', &body)
}

/// How a login ends: "let in", or the error, and with it the status that was told before.
pub fn login(server: &Server, user: &str, auth: &str) -> (String, Option<Value>) {
    exchange(server, user, &format!("n,,\u{1}auth={auth}\u{1}\u{1}"), false)
}

fn exchange(server: &Server, user: &str, data: &str, asks_first: bool) -> (String, Option<Value>) {
    let mut stream = tls(&server.target, None);
    let parameters = [("user", user), ("database", server.target.database.as_str())];
    stream.write_all(&startup(0x0003_0000, &parameters)).expect("written");
    let (tag, body) = message(&mut stream);
    assert_eq!((tag, &body[..]), (b'R', &[&[0, 0, 0, 10][..], b"OAUTHBEARER\0\0"].concat()[..]));
    if asks_first {
        stream.write_all(&initial_response(None)).expect("written");
        assert_eq!(message(&mut stream), (b'R', vec![0, 0, 0, 11]));
        stream.write_all(&frame(b'p', data.as_bytes())).expect("written");
    } else {
        stream.write_all(&initial_response(Some(data))).expect("written");
    }
    let mut status = None;
    loop {
        match message(&mut stream) {
            (b'R', body) if body[..4] == [0, 0, 0, 11] => {
                status = Some(serde_json::from_slice(&body[4..]).expect("a status"));
                stream.write_all(&frame(b'p', b"\x01")).expect("written");
            }
            (b'E', body) => return (Failure::Server(fields(&body)).to_string(), status),
            (b'Z', _) => return ("let in".into(), status),
            (b'R', body) => assert_eq!(body, [0, 0, 0, 0], "no other message of authentication"),
            _ => {}
        }
    }
}

pub struct Signer(EcdsaKeyPair);

impl Signer {
    pub fn new() -> Self {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
        Self(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random).expect("a key"))
    }

    pub fn jwk(&self, id: &str) -> Value {
        let (x, y) = self.0.public_key().as_ref()[1..].split_at(32);
        json!({"kty": "EC", "crv": "P-256", "kid": id, "x": BASE64.encode(x), "y": BASE64.encode(y)})
    }

    pub fn token(&self, id: &str, claims: &Value) -> String {
        let text = unsigned(&json!({"alg": "ES256", "kid": id}), claims);
        let seal = self.0.sign(&SystemRandom::new(), text.as_bytes()).expect("signed");
        format!("Bearer {text}.{}", BASE64.encode(seal))
    }
}

fn unsigned(header: &Value, claims: &Value) -> String {
    format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()))
}

fn seconds() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs()
}

pub fn claims(user: &str) -> Value {
    let exp = seconds() + 600;
    json!({"iss": "https://id.example", "aud": "duckgate", "exp": exp, "sub": user, "scope": "openid db"})
}

fn serve(folder: &Path, keys: &[Value]) -> Server {
    std::fs::write(folder.join("keys.json"), json!({ "keys": keys }).to_string()).expect("written");
    std::fs::write(folder.join("ident.conf"), "staff /^(.*)@staff\\.example$ \\1\n").expect("written");
    let oauth = "oauth issuer=https://id.example audience=duckgate scope=\"openid db\" jwks=keys.json";
    let rules = format!(
        "host all duckgate all scram-sha-256\nhostssl all kim all {oauth}\nhostssl all all all {oauth} claim=email map=staff\n"
    );
    std::fs::write(folder.join("hba.conf"), rules).expect("written");
    let path = |name: &str| folder.join(name).to_str().expect("a path").to_owned();
    let server = start(&["--host-rules", &path("hba.conf"), "--ident-map", &path("ident.conf")], None);
    run(&server.target, "create role kim login; create role ann login; create role idle");
    server
}

#[test]
fn tokens_name_roles_and_bad_ones_are_told_nothing_but_where_to_go() {
    let folder = tempfile::tempdir().expect("a folder");
    let signer = Signer::new();
    let server = serve(folder.path(), &[signer.jwk("one")]);
    let let_in = ("let in".to_owned(), None);
    assert_eq!(login(&server, "kim", &signer.token("one", &claims("kim"))), let_in);
    let data = format!("n,,\u{1}auth={}\u{1}\u{1}", signer.token("one", &claims("kim")));
    assert_eq!(exchange(&server, "kim", &data, true), let_in);

    let status = json!({
        "status": "invalid_token",
        "openid-configuration": "https://id.example/.well-known/openid-configuration",
        "scope": "openid db",
    });
    let refused = |user: &str, auth: &str, why: &str| {
        let told = format!("FATAL: OAuth bearer authentication failed for user \"{user}\" (28000)");
        assert_eq!(login(&server, user, auth), (told, Some(status.clone())), "{why}");
    };
    let with = |name: &str, value: Value| {
        let mut claims = claims("kim");
        claims[name] = value;
        signer.token("one", &claims)
    };
    refused("kim", "", "the client asks where to have a token from");
    refused("kim", "Basic a2ltOnB3", "another scheme");
    refused("kim", "Bearer rubbish", "no token");
    refused("kim", &with("exp", json!(seconds() - 120)), "expired");
    refused("kim", &with("nbf", json!(seconds() + 120)), "not yet in force");
    refused("kim", &with("aud", json!("other")), "another audience");
    refused("kim", &with("iss", json!("https://evil.example")), "another issuer");
    refused("kim", &with("scope", json!("openid")), "a scope is missing");
    refused("kim", &with("sub", json!("ann")), "another user");
    refused("kim", &with("sub", Value::Null), "nobody");
    refused("kim", &signer.token("two", &claims("kim")), "an unknown key");
    refused("kim", &Signer::new().token("one", &claims("kim")), "another's key");
    let good = signer.token("one", &claims("kim"));
    let parts: Vec<&str> = good.split('.').collect();
    let other = BASE64.encode(claims("duckgate").to_string());
    refused("kim", &format!("{}.{other}.{}", parts[0], parts[2]), "tampered");
    refused("kim", &format!("Bearer {}.", unsigned(&json!({"alg": "none"}), &claims("kim"))), "unsigned");
    let text = unsigned(&json!({"alg": "HS256", "kid": "one"}), &claims("kim"));
    let secret = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, signer.jwk("one").to_string().as_bytes());
    let seal = BASE64.encode(ring::hmac::sign(&secret, text.as_bytes()));
    refused("kim", &format!("Bearer {text}.{seal}"), "the public key as a secret");

    // By the map, and by another claim; a role that does not exist is told from others only to whom its name belongs.
    let named = |email: &str| {
        let mut claims = claims("somebody");
        claims["email"] = json!(email);
        signer.token("one", &claims)
    };
    assert_eq!(login(&server, "ann", &named("ann@staff.example")), let_in);
    refused("ann", &named("kim@staff.example"), "mapped to another role");
    refused("ann", &named("ann@evil.example"), "not in the map");
    refused("nobody", &named("ann@staff.example"), "no such role");
    let (told, status) = login(&server, "idle", &named("idle@staff.example"));
    assert_eq!((told.as_str(), status), ("FATAL: role \"idle\" is not permitted to log in (28000)", None));

    // What is no exchange at all.
    let (told, _) = exchange(&server, "kim", &good, false);
    assert_eq!(told, "FATAL: malformed OAUTHBEARER message (08P01)");
}

/// RSA, as most issuers have it: openssl makes the key and signs.
#[test]
fn tokens_signed_with_rsa_are_verified() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("a path").to_owned();
    let openssl = |arguments: &[&str]| {
        let output = Command::new("openssl").args(arguments).output().ok()?;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Some(output.stdout)
    };
    let key = path("key.pem");
    let made = openssl(&["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", &key]);
    if made.is_none() {
        return skipped("tokens signed with RSA", "openssl is not installed");
    }
    let modulus = openssl(&["rsa", "-in", &key, "-noout", "-modulus"]).expect("openssl");
    let modulus = String::from_utf8(modulus).expect("text");
    let digits = modulus.trim().strip_prefix("Modulus=").expect("a modulus").as_bytes();
    let digit = |b: u8| char::from(b).to_digit(16).expect("a digit") as u8;
    let n: Vec<u8> = digits.chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect();
    let jwk = json!({"kty": "RSA", "kid": "r", "n": BASE64.encode(&n), "e": "AQAB"});
    let server = serve(folder.path(), &[jwk]);
    let pss = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"];
    for (name, digest, options) in [
        ("RS256", "-sha256", &[][..]),
        ("RS512", "-sha512", &[]),
        ("PS256", "-sha256", &pss),
        ("PS384", "-sha384", &pss),
    ] {
        let text = unsigned(&json!({"alg": name, "kid": "r"}), &claims("kim"));
        std::fs::write(path("text"), &text).expect("written");
        let seal =
            openssl(&[&["dgst", digest, "-sign", &key][..], options, &[&path("text")]].concat()).expect("openssl");
        assert_eq!(login(&server, "kim", &format!("Bearer {text}.{}", BASE64.encode(&seal))).0, "let in", "{name}");
        let told = login(&server, "kim", &format!("Bearer {text}.{}", BASE64.encode(&n[..256]))).0;
        assert!(told.contains("28000"), "{name}: {told}");
    }
}
