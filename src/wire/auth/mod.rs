//! Who is it? What the host rules ask for: SCRAM over the wire, against the verifiers that the registry keeps, a certificate, or a token.

pub mod hosts;
mod jwt;
pub mod keys;
pub mod method;
pub mod oauth;
pub mod scram;
pub mod throttle;
mod words;

use std::num::NonZeroU32;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use ring::hmac;
use ring::rand::SecureRandom as _;

use self::jwt::Fault;
use self::keys::Providers;
use self::oauth::{Asked, Bearer};
use self::scram::{Channel, Proof, Secret};
use super::message::{decode_sasl_initial, encode, sasl_text};
use super::stream::{Lost, Stream, Trust};
use crate::error::{Error, Result, SqlState};
use crate::observe::METRICS;
use crate::registry::Role;
use crate::registry::verifier::Verifier;

/// PostgreSQL's scram_iterations and salt length: what a made-up verifier must look like.
const ITERATIONS: NonZeroU32 = match NonZeroU32::new(4096) {
    Some(n) => n,
    None => NonZeroU32::MIN,
};
const SALT: usize = 16;

/// Fills a buffer with random bytes of the system.
///
/// # Errors
/// The system gives none.
pub fn random(bytes: &mut [u8]) -> Result<()> {
    ring::rand::SystemRandom::new().fill(bytes).map_err(|_| Error::internal("the system gives no random bytes"))
}

/// Makes up verifiers for users that have none: always the same salt for the same name, as a real user has.
pub struct Mock {
    key: hmac::Key,
    /// A verifier that is nobody's, to be read as a user's own is.
    text: String,
}

impl Mock {
    /// `secret` is something that stays the same from one start to the next and that nobody knows: made-up salts do, too.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn new(secret: Option<&str>) -> Result<Self> {
        let mut key = [0; 32];
        random(&mut key)?;
        let salt = base64::engine::general_purpose::STANDARD.encode(&key[..SALT]);
        if let Some(secret) = secret {
            key.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, secret.as_bytes()).as_ref());
        }
        let none = base64::engine::general_purpose::STANDARD.encode([0; 32]);
        let text = format!("SCRAM-SHA-256${ITERATIONS}:{salt}${none}:{none}");
        Ok(Self { key: hmac::Key::new(hmac::HMAC_SHA256, &key), text })
    }

    fn verifier(&self, user: &str) -> Verifier {
        let salt = hmac::sign(&self.key, user.as_bytes());
        Verifier {
            iterations: ITERATIONS,
            salt: salt.as_ref()[..SALT].to_vec(),
            stored_key: [0; 32],
            server_key: [0; 32],
        }
    }

    /// What to check a user's proof against. Unknown users, roles without a password and passwords that have expired
    /// are told apart in the log only.
    pub fn secret(&self, user: &str, role: Option<&Role>, now: i64) -> (Secret, Option<&'static str>) {
        let mock = self.verifier(user);
        let kept = role.and_then(|role| role.verifier.as_deref());
        // It takes the same time to read, whosever it is.
        let read = Verifier::parse(kept.unwrap_or(&self.text)).filter(|_| kept.is_some());
        let (verifier, problem) = match role {
            None => (None, Some("the role does not exist")),
            Some(role) => match read {
                None => (None, Some("the role has no password")),
                Some(verifier) if role.valid_until.is_some_and(|until| until < now) => {
                    (Some(verifier), Some("the password has expired"))
                }
                Some(verifier) => (Some(verifier), None),
            },
        };
        (Secret { verifier: verifier.unwrap_or(mock), doomed: problem.is_some() }, problem)
    }
}

/// Runs the exchange. On success AuthenticationSASLFinal and AuthenticationOk are in the output.
///
/// # Errors
/// The error to send, FATAL, or that the client went away.
pub async fn scram(
    stream: &mut Stream,
    user: &str,
    channel: Channel<'_>,
    secret: Secret,
    problem: Option<&str>,
) -> Result<(), Lost> {
    let mechanisms: &[&str] = match channel {
        Channel::Open => &[scram::PLAIN],
        Channel::Tls { .. } => &[scram::PLUS, scram::PLAIN],
    };
    let (mechanism, data) = initial(stream, mechanisms).await?;
    let nonce = scram::nonce().map_err(Lost::Fatal)?;
    let challenge = sasl_text(&data)
        .and_then(|text| scram::first(text, &mechanism, channel, &nonce, secret))
        .map_err(Lost::Fatal)?;
    encode::authentication(&mut stream.output, encode::Authentication::SaslContinue(challenge.message()));
    let last = answer(stream).await?;
    match sasl_text(&last).and_then(|text| challenge.verify(text)).map_err(Lost::Fatal)? {
        Proof::Good(message) => {
            encode::authentication(&mut stream.output, encode::Authentication::SaslFinal(&message));
            encode::authentication(&mut stream.output, encode::Authentication::Ok);
            Ok(())
        }
        Proof::Bad => {
            METRICS.authentication_failures.increment();
            tracing::warn!(user, reason = problem.unwrap_or("wrong password"), "password authentication failed");
            let message = format!("password authentication failed for user \"{user}\"");
            Err(Lost::Fatal(Error::fatal(SqlState::INVALID_PASSWORD, message)))
        }
    }
}

/// Offers mechanisms; gives the one that the client takes, and its first message.
async fn initial(stream: &mut Stream, mechanisms: &[&str]) -> Result<(String, bytes::Bytes), Lost> {
    encode::authentication(&mut stream.output, encode::Authentication::Sasl(mechanisms));
    let (mechanism, data) = decode_sasl_initial(&answer(stream).await?).map_err(Lost::Fatal)?;
    if !mechanisms.contains(&mechanism.as_str()) {
        let message = "client selected an invalid SASL authentication mechanism";
        return Err(Lost::Fatal(Error::fatal(SqlState::PROTOCOL_VIOLATION, message)));
    }
    let data = match data {
        Some(data) => data,
        // No initial response: an empty challenge asks for it.
        None => {
            encode::authentication(&mut stream.output, encode::Authentication::SaslContinue(""));
            answer(stream).await?
        }
    };
    Ok((mechanism, data))
}

/// Asks for a token; `is_role` says whether who it names may be the role. On success AuthenticationOk is in the output.
/// Why a token is not accepted is told in the log only, and never the token.
///
/// # Errors
/// The error to send, FATAL, or that the client went away.
pub async fn oauth(
    stream: &mut Stream,
    user: &str,
    bearer: &Bearer,
    providers: &Providers,
    is_role: impl Fn(&str) -> bool,
) -> Result<(), Lost> {
    let (_, data) = initial(stream, &[oauth::MECHANISM]).await?;
    let asked = sasl_text(&data).and_then(oauth::read).map_err(Lost::Fatal)?;
    let reason = match asked {
        Asked::Token(token) => match judged(bearer, providers, token).await {
            Ok(name) if is_role(&name) => {
                encode::authentication(&mut stream.output, encode::Authentication::Ok);
                return Ok(());
            }
            Ok(name) => {
                tracing::warn!(user, name, "the token names somebody who may not be this role");
                None
            }
            Err(fault) => Some(fault),
        },
        Asked::Discovery => Some("the client asked where to have a token from"),
        Asked::Other => Some("it is no bearer token"),
    };
    if let Some(reason) = reason {
        tracing::warn!(user, reason, "the token was not accepted");
    }
    if asked != Asked::Discovery {
        METRICS.authentication_failures.increment();
    }
    encode::authentication(&mut stream.output, encode::Authentication::SaslContinue(&bearer.status()));
    sasl_text(&answer(stream).await?).and_then(oauth::read_acknowledgement).map_err(Lost::Fatal)?;
    let message = format!("OAuth bearer authentication failed for user \"{user}\"");
    Err(Lost::Fatal(Error::fatal(SqlState::INVALID_AUTHORIZATION_SPECIFICATION, message)))
}

/// Who the token is.
async fn judged(bearer: &Bearer, providers: &Providers, token: &str) -> Result<String, Fault> {
    let keys = providers.keys(&bearer.keys, token).await?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |t| t.as_secs_f64());
    bearer.named(&keys, token, now)
}

async fn answer(stream: &mut Stream) -> Result<bytes::Bytes, Lost> {
    stream.flush().await.map_err(|_| Lost::Eof)?;
    let (_, body) = stream.message(Trust::Stranger).await?;
    Ok(body)
}
