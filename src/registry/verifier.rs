//! SCRAM-SHA-256 verifiers in PostgreSQL's form: what is kept of a password, and what authentication checks against.

use std::num::NonZeroU32;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::rand::SecureRandom as _;
use ring::{digest, hmac, pbkdf2};

use crate::error::{Error, Result, SqlState};

/// PostgreSQL's scram_iterations.
pub const ITERATIONS: NonZeroU32 = NonZeroU32::new(4096).unwrap();
const SALT_LENGTH: usize = 16;
const KEY_LENGTH: usize = 32;
/// No password is longer; bounds the work of hashing.
pub const MAX_PASSWORD: usize = 1024;

/// A parsed verifier. Comparing keys is left to `ring::constant_time`.
#[derive(Clone)]
pub struct Verifier {
    pub iterations: NonZeroU32,
    pub salt: Vec<u8>,
    pub stored_key: [u8; KEY_LENGTH],
    pub server_key: [u8; KEY_LENGTH],
}

impl Verifier {
    /// Makes a verifier for a password, with a fresh salt.
    pub fn new(password: &str) -> Result<Self> {
        let mut salt = [0u8; SALT_LENGTH];
        ring::rand::SystemRandom::new()
            .fill(&mut salt)
            .map_err(|_| Error::internal("the system gives no random bytes"))?;
        Self::with_salt(password, &salt, ITERATIONS)
    }

    /// Makes the verifier that a password has with this salt.
    pub fn with_salt(password: &str, salt: &[u8], iterations: NonZeroU32) -> Result<Self> {
        if password.len() > MAX_PASSWORD {
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, "password is too long"));
        }
        let prepared = prepare(password);
        let mut salted = [0u8; KEY_LENGTH];
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, iterations, salt, prepared.as_bytes(), &mut salted);
        let key = hmac::Key::new(hmac::HMAC_SHA256, &salted);
        let client_key = hmac::sign(&key, b"Client Key");
        let server_key = hmac::sign(&key, b"Server Key");
        let stored_key = digest::digest(&digest::SHA256, client_key.as_ref());
        Ok(Self {
            iterations,
            salt: salt.to_vec(),
            stored_key: key_bytes(stored_key.as_ref())?,
            server_key: key_bytes(server_key.as_ref())?,
        })
    }

    /// Reads `SCRAM-SHA-256$iterations:salt$stored:server`; `None` if the text is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("SCRAM-SHA-256$")?;
        let (parameters, keys) = rest.split_once('$')?;
        let (iterations, salt) = parameters.split_once(':')?;
        let (stored, server) = keys.split_once(':')?;
        Some(Self {
            iterations: iterations.parse().ok()?,
            salt: BASE64.decode(salt).ok()?,
            stored_key: BASE64.decode(stored).ok()?.try_into().ok()?,
            server_key: BASE64.decode(server).ok()?.try_into().ok()?,
        })
    }

    /// Is this the password? (For passwords that arrive in the clear; SCRAM itself proves it without.)
    pub fn accepts(&self, password: &str) -> bool {
        Self::with_salt(password, &self.salt, self.iterations)
            .is_ok_and(|other| same(&other.stored_key, &self.stored_key))
    }
}

impl std::fmt::Display for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let b = |bytes: &[u8]| BASE64.encode(bytes);
        let (iterations, salt) = (self.iterations, b(&self.salt));
        write!(f, "SCRAM-SHA-256${iterations}:{salt}${}:{}", b(&self.stored_key), b(&self.server_key))
    }
}

impl std::fmt::Debug for Verifier {
    /// Keys do not belong in logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Verifier(…)")
    }
}

/// What PASSWORD takes: a ready SCRAM verifier stays as it is, a plain password becomes one. `None`: no password
/// (PostgreSQL's NOTICE for an empty string is the caller's).
pub fn from_password(password: &str) -> Result<Option<String>> {
    if password.is_empty() {
        return Ok(None);
    }
    if Verifier::parse(password).is_some() {
        return Ok(Some(password.to_owned()));
    }
    if is_md5(password) {
        return Err(Error::unsupported("an MD5-encrypted password")
            .hint("Give the password in the clear or as a SCRAM-SHA-256 verifier."));
    }
    Verifier::new(password).map(|v| Some(v.to_string()))
}

fn is_md5(text: &str) -> bool {
    text.len() == 35 && text.strip_prefix("md5").is_some_and(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn key_bytes(bytes: &[u8]) -> Result<[u8; KEY_LENGTH]> {
    bytes.try_into().map_err(|_| Error::internal("a SHA-256 key of another length"))
}

/// SASLprep where it applies; as PostgreSQL does, a password that it rejects is taken as its raw bytes.
fn prepare(password: &str) -> std::borrow::Cow<'_, str> {
    stringprep::saslprep(password).unwrap_or(std::borrow::Cow::Borrowed(password))
}

/// Equality in constant time.
pub fn same(a: &[u8], b: &[u8]) -> bool {
    // XOR-fold: no early exit depends on the contents.
    a.len() == b.len() && a.iter().zip(b).fold(0u8, |acc, (x, y)| acc | (x ^ y)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verifier_accepts_its_password_and_no_other() {
        let verifier = Verifier::new("pencil").unwrap();
        assert!(verifier.accepts("pencil") && !verifier.accepts("Pencil"));
        let again = Verifier::parse(&verifier.to_string()).unwrap();
        assert!(again.accepts("pencil"));
    }

    #[test]
    fn a_verifier_that_postgresql_made_is_read() {
        // SELECT rolpassword FROM pg_authid after CREATE ROLE x PASSWORD 'secret', with the salt of RFC 7677's example.
        let salt = BASE64.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let verifier = Verifier::with_salt("pencil", &salt, ITERATIONS).unwrap();
        // The server signature of RFC 7677's exchange proves the server key; its stored key is checked through it.
        let key = hmac::Key::new(hmac::HMAC_SHA256, &verifier.server_key);
        let message = "n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                       s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let signature = BASE64.encode(hmac::sign(&key, message.as_bytes()));
        assert_eq!(signature, "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    }

    #[test]
    fn ready_verifiers_stay_and_md5_is_refused() {
        let ready = Verifier::new("x").unwrap().to_string();
        assert_eq!(from_password(&ready).unwrap(), Some(ready));
        assert!(from_password("md5d41d8cd98f00b204e9800998ecf8427e").is_err());
        assert_eq!(from_password("").unwrap(), None);
    }
}
