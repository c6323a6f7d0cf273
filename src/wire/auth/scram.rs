//! SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, 7677), the server's side, purely.
//!
//! Two steps, each a value: [`first`] reads the client's first message and gives [`Challenge`], whose
//! [`Challenge::verify`] checks the proof. A user that does not exist, or has no password, goes through the same steps
//! with a made-up verifier and fails at the end, as in PostgreSQL: neither answers nor time tell the two apart.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::{digest, hmac};

use crate::error::{Error, Result, SqlState};
use crate::registry::verifier::Verifier;

pub const PLAIN: &str = "SCRAM-SHA-256";
pub const PLUS: &str = "SCRAM-SHA-256-PLUS";

const KEY: usize = 32;
/// RFC 5802 leaves it open; PostgreSQL's has 18 random bytes.
const NONCE: usize = 18;

/// What to check a proof against.
pub struct Secret {
    pub verifier: Verifier,
    /// True if no proof is good: the verifier is made up.
    pub doomed: bool,
}

/// How the connection can be bound to its channel.
#[derive(Debug, Clone, Copy)]
pub enum Channel<'a> {
    /// No TLS: -PLUS is not offered.
    Open,
    /// TLS, with the hash of the server's certificate (tls-server-end-point).
    Tls { end_point: &'a [u8] },
}

/// What was sent to the client, waiting for its proof.
pub struct Challenge {
    secret: Secret,
    /// `c=` must be this, in base64.
    binding: String,
    nonce: String,
    client_first_bare: String,
    server_first: String,
}

fn malformed(detail: impl Into<String>) -> Error {
    Error::fatal(SqlState::PROTOCOL_VIOLATION, "malformed SCRAM message").detail(detail)
}

fn refused(message: &str, detail: &str) -> Error {
    Error::fatal(SqlState::INVALID_AUTHORIZATION_SPECIFICATION, message).detail(detail)
}

/// Random text for a nonce.
///
/// # Errors
/// The system gives no random bytes.
pub fn nonce() -> Result<String> {
    let mut bytes = [0; NONCE];
    super::random(&mut bytes)?;
    Ok(BASE64.encode(bytes))
}

/// Reads client-first-message and gives the challenge with server-first-message.
///
/// # Errors
/// FATAL 08P01 for a malformed message, 28000 where channel binding does not fit, 0A000 for extensions.
pub fn first(message: &str, mechanism: &str, channel: Channel<'_>, nonce: &str, secret: Secret) -> Result<Challenge> {
    let (flag, rest) = message.split_once(',').ok_or_else(|| malformed("Comma expected, but found end of string."))?;
    let header = binding(flag, mechanism, channel)?;
    let (authzid, bare) = rest.split_once(',').ok_or_else(|| malformed("Comma expected, but found end of string."))?;
    if !authzid.is_empty() {
        return Err(Error::unsupported("SASL authorization identity").into_fatal());
    }
    if bare.starts_with("m=") {
        return Err(Error::unsupported("a mandatory SCRAM extension").into_fatal());
    }
    let mut parts = bare.split(',');
    // The user's name comes from the startup packet, as in PostgreSQL.
    attribute(parts.next(), 'n')?;
    let client_nonce = attribute(parts.next(), 'r')?;
    if client_nonce.is_empty() || !client_nonce.bytes().all(|b| (0x21..=0x7e).contains(&b)) {
        return Err(malformed("Non-printable characters in SCRAM nonce."));
    }
    let nonce = format!("{client_nonce}{nonce}");
    let salt = BASE64.encode(&secret.verifier.salt);
    let server_first = format!("r={nonce},s={salt},i={}", secret.verifier.iterations);
    Ok(Challenge { secret, binding: BASE64.encode(header), nonce, client_first_bare: bare.to_owned(), server_first })
}

/// What `c=` has to carry: the gs2 header, and the channel's data with -PLUS.
fn binding(flag: &str, mechanism: &str, channel: Channel<'_>) -> Result<Vec<u8>> {
    let mut header = format!("{flag},,").into_bytes();
    match (flag, channel) {
        ("n", _) if mechanism == PLUS => Err(malformed(
            "The client selected SCRAM-SHA-256-PLUS, but the SCRAM message does not include channel binding data.",
        )),
        ("n", _) | ("y", Channel::Open) => Ok(header),
        ("y", Channel::Tls { .. }) if mechanism == PLUS => Err(malformed(
            "The client selected SCRAM-SHA-256-PLUS, but the SCRAM message does not include channel binding data.",
        )),
        // The client would have bound the channel had it seen our offer: somebody took the offer away.
        ("y", Channel::Tls { .. }) => Err(refused(
            "SCRAM channel binding negotiation error",
            "The client supports SCRAM channel binding but thinks the server does not.  However, this server does support channel binding.",
        )),
        (flag, channel) => {
            let Some(kind) = flag.strip_prefix("p=") else {
                let detail = format!("Unexpected channel-binding flag \"{}\".", flag.chars().next().unwrap_or(' '));
                return Err(malformed(detail));
            };
            let (PLUS, Channel::Tls { end_point }) = (mechanism, channel) else {
                return Err(malformed(
                    "The client selected SCRAM-SHA-256 without channel binding, but the SCRAM message includes channel binding data.",
                ));
            };
            if kind != "tls-server-end-point" {
                let message = format!("unsupported SCRAM channel-binding type \"{kind}\"");
                return Err(Error::fatal(SqlState::PROTOCOL_VIOLATION, message));
            }
            header.extend_from_slice(end_point);
            Ok(header)
        }
    }
}

fn attribute(part: Option<&str>, name: char) -> Result<&str> {
    let part = part.ok_or_else(|| malformed(format!("Expected attribute \"{name}\" but found end of string.")))?;
    part.strip_prefix(name)
        .and_then(|rest| rest.strip_prefix('='))
        .ok_or_else(|| malformed(format!("Attribute expected, but found something else than \"{name}\".")))
}

/// What came of a proof.
pub enum Proof {
    /// server-final-message.
    Good(String),
    Bad,
}

impl Challenge {
    pub fn message(&self) -> &str {
        &self.server_first
    }

    /// Checks client-final-message.
    ///
    /// # Errors
    /// FATAL 08P01 or 28000 for a message that is malformed or bound to another channel; a wrong proof is no error.
    pub fn verify(&self, message: &str) -> Result<Proof> {
        let (without_proof, proof) =
            message.rsplit_once(",p=").ok_or_else(|| malformed("Expected attribute \"p\" but found end of string."))?;
        let mut parts = without_proof.split(',');
        let binding = attribute(parts.next(), 'c')?;
        let nonce = attribute(parts.next(), 'r')?;
        if !same(binding.as_bytes(), self.binding.as_bytes()) {
            return Err(refused("SCRAM channel binding check failed", "The channel data is not this connection's."));
        }
        if !same(nonce.as_bytes(), self.nonce.as_bytes()) {
            return Err(
                Error::fatal(SqlState::PROTOCOL_VIOLATION, "invalid SCRAM response").detail("Nonce does not match.")
            );
        }
        let proof = BASE64.decode(proof).ok().and_then(|bytes| <[u8; KEY]>::try_from(bytes).ok());
        let proof = proof.ok_or_else(|| malformed("Malformed proof in client-final-message."))?;

        let signed = format!("{},{},{without_proof}", self.client_first_bare, self.server_first);
        let Secret { verifier, doomed } = &self.secret;
        let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &verifier.stored_key), signed.as_bytes());
        let mut client_key = proof;
        client_key.iter_mut().zip(signature.as_ref()).for_each(|(a, b)| *a ^= b);
        let stored = digest::digest(&digest::SHA256, &client_key);
        let answer = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &verifier.server_key), signed.as_bytes());
        // `&`, not `&&`: the comparison is made in every case.
        if same(stored.as_ref(), &verifier.stored_key) & !*doomed {
            Ok(Proof::Good(format!("v={}", BASE64.encode(answer))))
        } else {
            Ok(Proof::Bad)
        }
    }
}

/// Equality in constant time (of the contents; lengths are no secret).
fn same(a: &[u8], b: &[u8]) -> bool {
    crate::registry::verifier::same(a, b)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7677's example, up to the nonce, which is the server's to choose.
    const CLIENT_FIRST: &str = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
    const SERVER_NONCE: &str = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    const CLIENT_FINAL: &str = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                                p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";

    fn secret(doomed: bool) -> Secret {
        let salt = BASE64.decode("W22ZaJ0SNY7soEsUEjb6gQ==").expect("salt");
        let iterations = std::num::NonZeroU32::new(4096).expect("iterations");
        Secret { verifier: Verifier::with_salt("pencil", &salt, iterations).expect("verifier"), doomed }
    }

    #[test]
    fn the_exchange_of_rfc_7677_succeeds() {
        let challenge = first(CLIENT_FIRST, PLAIN, Channel::Open, SERVER_NONCE, secret(false)).expect("challenge");
        assert_eq!(
            challenge.message(),
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
        );
        match challenge.verify(CLIENT_FINAL).expect("proof") {
            Proof::Good(last) => assert_eq!(last, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="),
            Proof::Bad => panic!("the proof is good"),
        }
    }

    #[test]
    fn a_doomed_secret_fails_even_with_the_right_proof() {
        let challenge = first(CLIENT_FIRST, PLAIN, Channel::Open, SERVER_NONCE, secret(true)).expect("challenge");
        assert!(matches!(challenge.verify(CLIENT_FINAL), Ok(Proof::Bad)));
    }

    #[test]
    fn another_nonce_or_binding_is_refused() {
        let challenge = first(CLIENT_FIRST, PLAIN, Channel::Open, "other", secret(false)).expect("challenge");
        assert_eq!(challenge.verify(CLIENT_FINAL).err().map(|e| e.code()), Some(SqlState::PROTOCOL_VIOLATION));
        let bound = CLIENT_FINAL.replace("c=biws", "c=eSws");
        assert!(challenge.verify(&bound).is_err());
    }

    #[test]
    fn channel_binding_follows_mechanism_and_channel() {
        let tls = Channel::Tls { end_point: b"hash" };
        let run = |flag: &str, mechanism, channel| {
            first(&format!("{flag},,n=,r=abc"), mechanism, channel, "x", secret(false))
                .map(|_| ())
                .map_err(|e| e.code())
        };
        assert_eq!(run("n", PLAIN, tls), Ok(()));
        assert_eq!(run("y", PLAIN, Channel::Open), Ok(()));
        assert_eq!(run("p=tls-server-end-point", PLUS, tls), Ok(()));
        assert_eq!(run("y", PLAIN, tls), Err(SqlState::INVALID_AUTHORIZATION_SPECIFICATION));
        assert_eq!(run("n", PLUS, tls), Err(SqlState::PROTOCOL_VIOLATION));
        assert_eq!(run("p=tls-unique", PLUS, tls), Err(SqlState::PROTOCOL_VIOLATION));
        assert_eq!(run("p=tls-server-end-point", PLAIN, tls), Err(SqlState::PROTOCOL_VIOLATION));
    }

    #[test]
    fn garbage_is_malformed_and_never_panics() {
        for text in ["", ",", "n", "n,", "n,,", "n,,n=", "n,,n=,r=", "n,,r=,n=", "n,a=x,n=,r=a", "n,,m=x,n=,r=a", "é,,"]
        {
            assert!(first(text, PLAIN, Channel::Open, "x", secret(false)).is_err(), "{text:?}");
        }
        let challenge = first("n,,n=,r=a", PLAIN, Channel::Open, "x", secret(false)).expect("challenge");
        for text in ["", ",p=", "c=biws,r=ax,p=", "c=biws,r=ax,p=AAAA", "r=ax,c=biws,p=AAAA", "c=biws,p=x,r=ax"] {
            assert!(challenge.verify(text).is_err(), "{text:?}");
        }
    }
}
