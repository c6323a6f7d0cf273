//! Tokens that are good, and every way in which one may not be; keys are made when the tests run.

use base64::Engine as _;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, KeyPair as _,
};
use serde_json::json;

use super::*;

const NOW: f64 = 1_800_000_000.0;

enum Signer {
    Ec(EcdsaKeyPair, &'static str, &'static str),
    Ed(Ed25519KeyPair),
}

impl Signer {
    fn ec(algorithm: &'static EcdsaSigningAlgorithm, name: &'static str, curve: &'static str) -> Self {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("a key");
        Self::Ec(EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).expect("a key"), name, curve)
    }

    fn p256() -> Self {
        Self::ec(&ECDSA_P256_SHA256_FIXED_SIGNING, "ES256", "P-256")
    }

    fn ed() -> Self {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("a key");
        Self::Ed(Ed25519KeyPair::from_pkcs8(document.as_ref()).expect("a key"))
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Self::Ec(_, name, _) => name,
            Self::Ed(_) => "EdDSA",
        }
    }

    fn jwk(&self, id: &str) -> Value {
        match self {
            Self::Ec(key, _, curve) => {
                let point = &key.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                json!({"kty": "EC", "crv": curve, "kid": id, "use": "sig", "x": BASE64.encode(x), "y": BASE64.encode(y)})
            }
            Self::Ed(key) => {
                json!({"kty": "OKP", "crv": "Ed25519", "kid": id, "x": BASE64.encode(key.public_key().as_ref())})
            }
        }
    }

    fn sign(&self, text: &str) -> Vec<u8> {
        match self {
            Self::Ec(key, ..) => key.sign(&SystemRandom::new(), text.as_bytes()).expect("signed").as_ref().to_vec(),
            Self::Ed(key) => key.sign(text.as_bytes()).as_ref().to_vec(),
        }
    }

    fn token(&self, header: &Value, claims: &Value) -> String {
        let text = format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()));
        let seal = BASE64.encode(self.sign(&text));
        format!("{text}.{seal}")
    }
}

fn set(keys: &[Value]) -> KeySet {
    KeySet::parse(&json!({ "keys": keys }).to_string()).expect("keys")
}

fn claims() -> Value {
    json!({"iss": "https://id.example", "aud": ["x", "duckgate"], "exp": NOW + 300.0, "sub": "kim", "scope": "openid db"})
}

fn judged(keys: &KeySet, token: &str) -> Result<(), Fault> {
    keys.open(token).and_then(|claims| claims.hold("https://id.example", "duckgate", NOW))
}

#[test]
fn signatures_of_every_curve_are_verified_and_any_change_is_seen() {
    let signers = [Signer::p256(), Signer::ec(&ECDSA_P384_SHA384_FIXED_SIGNING, "ES384", "P-384"), Signer::ed()];
    let keys = set(&signers.iter().enumerate().map(|(at, s)| s.jwk(&at.to_string())).collect::<Vec<_>>());
    for (at, signer) in signers.iter().enumerate() {
        let token = signer.token(&json!({"alg": signer.algorithm(), "kid": at.to_string(), "typ": "JWT"}), &claims());
        assert_eq!(judged(&keys, &token), Ok(()));
        let parts: Vec<&str> = token.split('.').collect();
        let other = BASE64.encode(claims().to_string().replace("kim", "ann"));
        assert_eq!(judged(&keys, &format!("{}.{other}.{}", parts[0], parts[2])), Err("its signature is not good"));
        let mut seal = BASE64.decode(parts[2]).expect("base64");
        seal[7] ^= 1;
        let tampered = format!("{}.{}.{}", parts[0], parts[1], BASE64.encode(&seal));
        assert_eq!(judged(&keys, &tampered), Err("its signature is not good"));
        assert_eq!(judged(&keys, &format!("{}.{}.", parts[0], parts[1])), Err("its signature is not good"));
        // Another's key under this name.
        let stranger =
            signers[(at + 1) % 3].token(&json!({"alg": signer.algorithm(), "kid": at.to_string()}), &claims());
        assert_eq!(judged(&keys, &stranger), Err("its signature is not good"));
    }
}

#[test]
fn the_key_says_which_algorithm_is_good_and_never_the_token() {
    let signer = Signer::p256();
    let jwk = signer.jwk("a");
    let keys = set(std::slice::from_ref(&jwk));
    let body = BASE64.encode(claims().to_string());
    for algorithm in ["none", "None", "NONE", ""] {
        let head = BASE64.encode(json!({"alg": algorithm, "kid": "a"}).to_string());
        assert_eq!(judged(&keys, &format!("{head}.{body}.")), Err("its algorithm is not accepted"), "{algorithm}");
    }
    // The public key as an HMAC's secret, in every form in which somebody may hold it.
    let secrets = [jwk.to_string().into_bytes(), BASE64.decode(jwk["x"].as_str().expect("x")).expect("base64")];
    for secret in secrets {
        for (name, kind) in
            [("HS256", ring::hmac::HMAC_SHA256), ("HS384", ring::hmac::HMAC_SHA384), ("HS512", ring::hmac::HMAC_SHA512)]
        {
            let text = format!("{}.{body}", BASE64.encode(json!({"alg": name, "kid": "a"}).to_string()));
            let seal = ring::hmac::sign(&ring::hmac::Key::new(kind, &secret), text.as_bytes());
            assert_eq!(judged(&keys, &format!("{text}.{}", BASE64.encode(seal))), Err("its algorithm is not accepted"));
        }
    }
    for other in ["RS256", "PS256", "ES384", "EdDSA"] {
        let token = signer.token(&json!({"alg": other, "kid": "a"}), &claims());
        assert_eq!(judged(&keys, &token), Err("no key of the set fits it"), "{other}");
    }
    let token = |header: Value| judged(&keys, &signer.token(&header, &claims()));
    assert_eq!(token(json!({"alg": "ES256", "kid": "b"})), Err("no key of the set fits it"));
    assert_eq!(token(json!({"alg": "ES256", "kid": 1})), Err("the name of its key is no text"));
    assert_eq!(token(json!({"kid": "a"})), Err("its header names no algorithm"));
    assert_eq!(token(json!({"alg": ["ES256"], "kid": "a"})), Err("its header names no algorithm"));
    assert_eq!(token(json!({"alg": "ES256", "kid": "a", "crit": ["b64"]})), Err("its header has critical extensions"));
    assert_eq!(token(json!({"alg": "ES256", "kid": "a", "typ": "logout+jwt"})), Err("it is a token of another type"));
    assert_eq!(token(json!({"alg": "ES256", "kid": "a", "typ": "at+jwt"})), Ok(()));
    // Without a name there must be no choice; a key of the token's own (jwk, jku, x5u) is never looked at.
    assert_eq!(token(json!({"alg": "ES256"})), Ok(()));
    let two = set(&[jwk, Signer::p256().jwk("b")]);
    let unnamed = signer.token(&json!({"alg": "ES256"}), &claims());
    assert_eq!(judged(&two, &unnamed), Err("it does not say which key signed it"));
    let stranger = Signer::p256();
    let own = stranger.token(&json!({"alg": "ES256", "kid": "a", "jwk": stranger.jwk("a")}), &claims());
    assert_eq!(judged(&keys, &own), Err("its signature is not good"));
}

#[test]
fn claims_that_are_absent_or_of_another_type_are_faults() {
    let signer = Signer::p256();
    let keys = set(&[signer.jwk("a")]);
    let with = |change: &dyn Fn(&mut Value)| {
        let mut claims = claims();
        change(&mut claims);
        judged(&keys, &signer.token(&json!({"alg": "ES256", "kid": "a"}), &claims))
    };
    let put = |name: &'static str, value: Value| with(&move |claims: &mut Value| claims[name] = value.clone());
    let without = |name: &'static str| {
        with(&move |claims: &mut Value| {
            claims.as_object_mut().expect("claims").remove(name);
        })
    };
    assert_eq!(put("exp", json!(NOW - 59.0)), Ok(()));
    assert_eq!(put("exp", json!(NOW - 61.0)), Err("it has expired"));
    assert_eq!(put("exp", json!((NOW + 300.0).to_string())), Err("one of its times is no number"));
    assert_eq!(put("exp", Value::Null), Err("one of its times is no number"));
    assert_eq!(without("exp"), Err("it never expires"));
    assert_eq!(put("nbf", json!(NOW + 59.0)), Ok(()));
    assert_eq!(put("nbf", json!(NOW + 61.0)), Err("it is not in force yet"));
    assert_eq!(put("nbf", json!("0")), Err("one of its times is no number"));
    assert_eq!(put("iat", json!(NOW + 3600.0)), Err("it was issued in the future"));
    for issuer in [json!("https://id.example/"), json!(["https://id.example"]), Value::Null] {
        assert_eq!(put("iss", issuer), Err("it is another issuer's"));
    }
    for audience in [json!("other"), json!([]), json!({"duckgate": 1}), json!("duckgate2"), Value::Null] {
        assert_eq!(put("aud", audience), Err("it is for another audience"));
    }
    assert_eq!((put("aud", json!("duckgate")), without("aud")), (Ok(()), Err("it is for another audience")));
    let opened = keys.open(&signer.token(&json!({"alg": "ES256"}), &claims())).expect("opened");
    assert!(opened.has_scope("db") && !opened.has_scope("d") && !opened.has_scope("admin"));
    assert_eq!((opened.name("sub"), opened.name("email"), opened.name("aud")), (Some("kim"), None, None));
    let listed = signer.token(&json!({"alg": "ES256"}), &json!({"scp": ["db"], "sub": ""}));
    let listed = keys.open(&listed).expect("opened");
    assert!(listed.has_scope("db") && listed.name("sub").is_none());
}

#[test]
fn the_tokens_of_rfc_7515_hold_and_garbage_never_panics() {
    // Appendices A.2 (RSA) and A.3 (ECDSA).
    let n = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_\
        YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uD\
        Zlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
    let body = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let rsa_seal = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQ\
        jbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqt\
        FZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
    let ec_seal = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    let keys = set(&[
        json!({"kty": "RSA", "n": n, "e": "AQAB"}),
        json!({"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
               "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}),
        json!({"kty": "oct", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMko"}),
        json!({"kty": "RSA", "use": "enc", "n": n, "e": "AQAB"}),
    ]);
    let rsa = format!("eyJhbGciOiJSUzI1NiJ9.{body}.{rsa_seal}");
    let opened = keys.open(&rsa).expect("opened");
    assert_eq!((opened.name("iss"), opened.time("exp")), (Some("joe"), Ok(Some(1_300_819_380.0))));
    assert!(keys.open(&format!("eyJhbGciOiJFUzI1NiJ9.{body}.{ec_seal}")).is_ok());
    // The same signature under the name of another scheme.
    let pss = BASE64.encode(r#"{"alg":"PS256"}"#);
    assert_eq!(keys.open(&format!("{pss}.{body}.{rsa_seal}")).err(), Some("its signature is not good"));
    for cut in 0..rsa.len() {
        assert!(keys.open(&rsa[..cut]).is_err());
    }
    for garbage in ["", ".", "..", "...", "a.b.c", "e30.e30.e30", "bnVsbA.bnVsbA.", "é.é.é", &format!("{rsa}.x")] {
        assert!(keys.open(garbage).is_err(), "{garbage}");
    }
}

#[test]
fn sets_of_keys_that_are_no_good_are_told() {
    for (text, problem) in [
        ("", "no JSON"),
        ("[]", "no set of keys"),
        (r#"{"keys": []}"#, "no key for RSA"),
        (r#"{"keys": [{"kty": "oct", "k": "AAAA"}]}"#, "no key for RSA"),
        (r#"{"keys": [{"x": "AAAA"}]}"#, "key 1: \"kty\" is missing"),
        (r#"{"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]}"#, "key 1: an RSA key of fewer than 2048 bits"),
        (r#"{"keys": [{"kty": "RSA", "n": "A=", "e": "AQAB"}]}"#, "key 1: \"n\": "),
        (
            r#"{"keys": [{"kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA"}]}"#,
            "key 1: \"x\" and \"y\" have 32 bytes",
        ),
    ] {
        let error = KeySet::parse(text).expect_err(text);
        assert!(error.starts_with(problem), "{text}: {error}");
    }
}
