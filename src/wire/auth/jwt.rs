//! Signed tokens (JWT, RFC 7519, in JWS's compact form) against a set of public keys (JWKS, RFC 7517), purely.
//!
//! The key says which algorithms are good with it, never the token: so neither "none" nor a public key that is taken for an
//! HMAC's secret gets anywhere. Symmetric keys are not taken at all. What RFC 8725 recommends is followed. ring, which TLS
//! needs anyway, verifies; a crate for tokens would bring a second library of cryptography for what is left.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ring::signature::{self, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey};
use serde_json::{Map, Value};

/// How far the clocks of the gateway and of who signs may be apart, in seconds.
const LEEWAY: f64 = 60.0;
/// Keys of one set: one that an issuer rotates has a handful.
const MOST_KEYS: usize = 100;

/// What a token was not accepted for; told in the log only.
pub type Fault = &'static str;

/// The public keys of who signs tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySet(Vec<Key>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    id: Option<String>,
    /// The only algorithm that it is for, if it says so.
    algorithm: Option<Algorithm>,
    public: Public,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Public {
    /// Modulus and exponent, big-endian.
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// Points, uncompressed.
    P256(Vec<u8>),
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    EdDsa,
}

impl Algorithm {
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "RS256" => Self::Rs256,
            "RS384" => Self::Rs384,
            "RS512" => Self::Rs512,
            "PS256" => Self::Ps256,
            "PS384" => Self::Ps384,
            "PS512" => Self::Ps512,
            "ES256" => Self::Es256,
            "ES384" => Self::Es384,
            "EdDSA" => Self::EdDsa,
            _ => return None,
        })
    }
}

impl KeySet {
    /// Reads a set (`{"keys": […]}`). Keys that are not for signatures, or of a kind that is not known, are left out, as RFC 7517 says.
    ///
    /// # Errors
    /// It is no such set, or no key of it can be used.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (keys, faults) = Self::read(text)?;
        match faults.into_iter().next() {
            Some(fault) => Err(fault),
            None => Self::of(keys),
        }
    }

    /// The same of a set that others have written and may change: keys that are not in order are left out, too, and told.
    ///
    /// # Errors
    /// As [`KeySet::parse`].
    pub fn received(text: &str) -> Result<(Self, Vec<String>), String> {
        let (keys, faults) = Self::read(text)?;
        Ok((Self::of(keys)?, faults))
    }

    /// Its keys, and what is wrong with those that are not in order.
    fn read(text: &str) -> Result<(Vec<Key>, Vec<String>), String> {
        let set: Value = serde_json::from_str(text).map_err(|e| format!("no JSON: {e}"))?;
        let keys = set.get("keys").and_then(Value::as_array).ok_or("no set of keys: {\"keys\": […]} is expected")?;
        if keys.len() > MOST_KEYS {
            return Err(format!("more than {MOST_KEYS} keys"));
        }
        let (mut usable, mut faults) = (Vec::new(), Vec::new());
        for (at, key) in keys.iter().enumerate() {
            match Key::read(key) {
                Ok(key) => usable.extend(key),
                Err(problem) => faults.push(format!("key {}: {problem}", at + 1)),
            }
        }
        Ok((usable, faults))
    }

    fn of(keys: Vec<Key>) -> Result<Self, String> {
        match keys.is_empty() {
            true => Err("no key for RSA, ECDSA (P-256, P-384) or Ed25519 signatures in it".into()),
            false => Ok(Self(keys)),
        }
    }

    /// Does the token name a key that is not among these?
    pub fn lacks_key_of(&self, token: &str) -> bool {
        let header = token.split_once('.').and_then(|(head, _)| object(head));
        let id = header.as_ref().and_then(|header| header.get("kid")).and_then(Value::as_str);
        id.is_some_and(|id| self.0.iter().all(|key| key.id.as_deref() != Some(id)))
    }

    /// The claims of a token that one of these keys has signed. What they say is not judged yet.
    ///
    /// # Errors
    /// It is no such token.
    pub fn open(&self, token: &str) -> Result<Claims, Fault> {
        let mut parts = token.split('.');
        let (Some(head), Some(body), Some(seal), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err("it is no signed token of three parts");
        };
        let header = object(head).ok_or("its header is not understood")?;
        let algorithm = match header.get("alg").and_then(Value::as_str).map(Algorithm::parse) {
            None => return Err("its header names no algorithm"),
            Some(None) => return Err("its algorithm is not accepted"),
            Some(Some(algorithm)) => algorithm,
        };
        // An extension that has to be understood (RFC 7515): none is.
        if header.contains_key("crit") {
            return Err("its header has critical extensions");
        }
        // Tokens of other purposes (logout, security events …) say so.
        match header.get("typ") {
            None => {}
            Some(Value::String(kind)) if is_access_token(kind) => {}
            Some(_) => return Err("it is a token of another type"),
        }
        let id = match header.get("kid") {
            None => None,
            Some(Value::String(id)) => Some(id.as_str()),
            Some(_) => return Err("the name of its key is no text"),
        };
        let mut fitting = self.0.iter().filter(|key| key.fits(id, algorithm));
        let key = fitting.next().ok_or("no key of the set fits it")?;
        if id.is_none() && fitting.next().is_some() {
            return Err("it does not say which key signed it");
        }
        let seal = BASE64.decode(seal).map_err(|_| "its signature is not understood")?;
        let signed = &token.as_bytes()[..head.len() + 1 + body.len()];
        if !key.public.verifies(algorithm, signed, &seal) {
            return Err("its signature is not good");
        }
        object(body).map(Claims).ok_or("its claims are not understood")
    }
}

fn is_access_token(kind: &str) -> bool {
    let kind = kind.to_ascii_lowercase();
    matches!(kind.strip_prefix("application/").unwrap_or(&kind), "jwt" | "at+jwt")
}

fn object(part: &str) -> Option<Map<String, Value>> {
    match serde_json::from_slice(&BASE64.decode(part).ok()?).ok()? {
        Value::Object(object) => Some(object),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => None,
    }
}

impl Key {
    /// `None` if it is for something else.
    fn read(key: &Value) -> Result<Option<Self>, String> {
        let text = |name: &str| key.get(name).and_then(Value::as_str);
        let bytes = |name: &str| -> Result<Vec<u8>, String> {
            let text = text(name).ok_or_else(|| format!("\"{name}\" is missing"))?;
            BASE64.decode(text).map_err(|e| format!("\"{name}\": {e}"))
        };
        if text("use").is_some_and(|purpose| purpose != "sig") {
            return Ok(None);
        }
        if let Some(purposes) = key.get("key_ops").and_then(Value::as_array)
            && !purposes.iter().any(|purpose| purpose == "verify")
        {
            return Ok(None);
        }
        let algorithm = match text("alg").map(Algorithm::parse) {
            None => None,
            Some(None) => return Ok(None),
            known => known.flatten(),
        };
        let public = match (text("kty"), text("crv")) {
            (Some("RSA"), _) => Public::Rsa { n: magnitude(bytes("n")?), e: magnitude(bytes("e")?) },
            (Some("EC"), Some("P-256")) => Public::P256(point(bytes("x")?, bytes("y")?, 32)?),
            (Some("EC"), Some("P-384")) => Public::P384(point(bytes("x")?, bytes("y")?, 48)?),
            (Some("OKP"), Some("Ed25519")) => Public::Ed25519(bytes("x")?),
            (None, _) => return Err("\"kty\" is missing".into()),
            (Some(_), _) => return Ok(None),
        };
        if let Public::Rsa { n, .. } = &public
            && n.len() < 256
        {
            return Err("an RSA key of fewer than 2048 bits".into());
        }
        Ok(Some(Self { id: text("kid").map(str::to_owned), algorithm, public }))
    }

    fn fits(&self, id: Option<&str>, algorithm: Algorithm) -> bool {
        id.is_none_or(|id| self.id.as_deref() == Some(id))
            && self.algorithm.is_none_or(|only| only == algorithm)
            && self.public.is_for(algorithm)
    }
}

/// Without the zeroes in front, which some write and ring refuses.
fn magnitude(bytes: Vec<u8>) -> Vec<u8> {
    let zeroes = bytes.iter().take_while(|b| **b == 0).count();
    bytes[zeroes..].to_vec()
}

fn point(x: Vec<u8>, y: Vec<u8>, size: usize) -> Result<Vec<u8>, String> {
    if x.len() != size || y.len() != size {
        return Err(format!("\"x\" and \"y\" have {size} bytes on this curve"));
    }
    Ok([&[4], x.as_slice(), y.as_slice()].concat())
}

impl Public {
    fn is_for(&self, algorithm: Algorithm) -> bool {
        use Algorithm::{EdDsa, Es256, Es384, Ps256, Ps384, Ps512, Rs256, Rs384, Rs512};
        match self {
            Self::Rsa { .. } => matches!(algorithm, Rs256 | Rs384 | Rs512 | Ps256 | Ps384 | Ps512),
            Self::P256(_) => algorithm == Es256,
            Self::P384(_) => algorithm == Es384,
            Self::Ed25519(_) => algorithm == EdDsa,
        }
    }

    fn verifies(&self, algorithm: Algorithm, signed: &[u8], seal: &[u8]) -> bool {
        if !self.is_for(algorithm) {
            return false;
        }
        match self {
            Self::Rsa { n, e } => rsa(algorithm)
                .is_some_and(|parameters| RsaPublicKeyComponents { n, e }.verify(parameters, signed, seal).is_ok()),
            Self::P256(point) => {
                UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point).verify(signed, seal).is_ok()
            }
            Self::P384(point) => {
                UnparsedPublicKey::new(&signature::ECDSA_P384_SHA384_FIXED, point).verify(signed, seal).is_ok()
            }
            Self::Ed25519(key) => UnparsedPublicKey::new(&signature::ED25519, key).verify(signed, seal).is_ok(),
        }
    }
}

fn rsa(algorithm: Algorithm) -> Option<&'static RsaParameters> {
    Some(match algorithm {
        Algorithm::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
        Algorithm::Rs384 => &signature::RSA_PKCS1_2048_8192_SHA384,
        Algorithm::Rs512 => &signature::RSA_PKCS1_2048_8192_SHA512,
        Algorithm::Ps256 => &signature::RSA_PSS_2048_8192_SHA256,
        Algorithm::Ps384 => &signature::RSA_PSS_2048_8192_SHA384,
        Algorithm::Ps512 => &signature::RSA_PSS_2048_8192_SHA512,
        Algorithm::Es256 | Algorithm::Es384 | Algorithm::EdDsa => return None,
    })
}

/// What a token says. A claim of another type than it has to have is a fault, never as if it were absent.
#[derive(Debug, Clone)]
pub struct Claims(Map<String, Value>);

impl Claims {
    /// Is it from that issuer, for this audience, and in force at this time (seconds since 1970)?
    ///
    /// # Errors
    /// Not so, or it says nothing of it.
    pub fn hold(&self, issuer: &str, audience: &str, now: f64) -> Result<(), Fault> {
        if self.0.get("iss").and_then(Value::as_str) != Some(issuer) {
            return Err("it is another issuer's");
        }
        let for_us = match self.0.get("aud") {
            Some(Value::String(one)) => one == audience,
            Some(Value::Array(list)) => list.iter().any(|one| one == audience),
            None | Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) => false,
        };
        if !for_us {
            return Err("it is for another audience");
        }
        let expires = self.time("exp")?.ok_or("it never expires")?;
        if expires + LEEWAY <= now {
            return Err("it has expired");
        }
        if self.time("nbf")?.is_some_and(|from| from - LEEWAY > now) {
            return Err("it is not in force yet");
        }
        if self.time("iat")?.is_some_and(|made| made - LEEWAY > now) {
            return Err("it was issued in the future");
        }
        Ok(())
    }

    fn time(&self, name: &str) -> Result<Option<f64>, Fault> {
        match self.0.get(name) {
            None => Ok(None),
            Some(value) => value.as_f64().filter(|t| t.is_finite()).map(Some).ok_or("one of its times is no number"),
        }
    }

    /// Was this scope given? RFC 8693's `scope` (words), or `scp` (words or a list), which some issuers write.
    pub fn has_scope(&self, scope: &str) -> bool {
        let within = |claim: Option<&Value>| match claim {
            Some(Value::String(words)) => words.split(' ').any(|word| word == scope),
            Some(Value::Array(list)) => list.iter().any(|word| word == scope),
            None | Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) => false,
        };
        within(self.0.get("scope")) || within(self.0.get("scp"))
    }

    /// A claim that names somebody; `None` if it is absent, empty or no text.
    pub fn name(&self, claim: &str) -> Option<&str> {
        self.0.get(claim).and_then(Value::as_str).filter(|name| !name.is_empty())
    }
}

#[cfg(test)]
mod tests;
