//! OAUTHBEARER (RFC 7628), the server's side, purely: what a client's message says, and whether its token is good for a role.

use super::jwt::{Fault, KeySet};
use super::keys::{Keys, discovery};
use crate::error::{Error, Result, SqlState};

pub const MECHANISM: &str = "OAUTHBEARER";

/// Separates and ends the message's pairs.
const SEPARATOR: char = '\u{1}';

/// Whose tokens a host rule takes, and for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer {
    /// Its URL, as the tokens' `iss` has it.
    pub issuer: String,
    /// Who the tokens have to be for: `aud`.
    pub audience: String,
    /// What has to have been granted.
    pub scopes: Vec<String>,
    /// The claim that names the user.
    pub claim: String,
    /// The map of such names to roles; without one they are the same.
    pub map: Option<String>,
    pub keys: Keys,
}

/// What the client's message says.
#[derive(Debug, PartialEq, Eq)]
pub enum Asked<'a> {
    Token(&'a str),
    /// An empty `auth`: where would a token have to come from?
    Discovery,
    /// Not a bearer token.
    Other,
}

fn malformed(detail: impl Into<String>) -> Error {
    Error::fatal(SqlState::PROTOCOL_VIOLATION, "malformed OAUTHBEARER message").detail(detail)
}

/// Reads the client's response: a GS2 header and pairs, each ended by a separator, and one more at the end.
///
/// # Errors
/// FATAL 08P01 for what is malformed, 0A000 for an authorization identity.
pub fn read(message: &str) -> Result<Asked<'_>> {
    let (binding, rest) =
        message.split_once(',').ok_or_else(|| malformed("Comma expected, but found end of string."))?;
    match binding {
        "n" | "y" => {}
        _ if binding.starts_with('p') => {
            let detail = "The server does not support channel binding for OAuth, but the client message includes channel binding data.";
            return Err(malformed(detail));
        }
        _ => {
            let flag = binding.chars().next().unwrap_or(',');
            return Err(malformed(format!("Unexpected channel-binding flag \"{}\".", flag.escape_default())));
        }
    }
    let (identity, pairs) =
        rest.split_once(',').ok_or_else(|| malformed("Comma expected, but found end of string."))?;
    if !identity.is_empty() {
        return Err(Error::unsupported("SASL authorization identity").into_fatal());
    }
    let pairs = pairs.strip_prefix(SEPARATOR).ok_or_else(|| malformed("Key-value separator expected."))?;
    let mut rest = pairs;
    let mut auth = None;
    loop {
        let (pair, after) =
            rest.split_once(SEPARATOR).ok_or_else(|| malformed("Message did not contain a final terminator."))?;
        rest = after;
        if pair.is_empty() {
            break;
        }
        let (key, value) = pair.split_once('=').ok_or_else(|| malformed("Message contains a key without a value."))?;
        if key.is_empty() || !key.bytes().all(|b| b.is_ascii_alphabetic()) {
            return Err(malformed("Message contains an invalid key name."));
        }
        let printable = |b: u8| (0x20..=0x7e).contains(&b) || matches!(b, b'\t' | b'\r' | b'\n');
        if !value.bytes().all(printable) {
            return Err(malformed("Message contains an invalid value."));
        }
        // Other keys are to be ignored (RFC 7628, 3.1).
        if key == "auth" && auth.replace(value).is_some() {
            return Err(malformed("Message contains multiple auth values."));
        }
    }
    if !rest.is_empty() {
        return Err(malformed("Message contains additional data after the final terminator."));
    }
    match auth {
        None => Err(malformed("Message does not contain an auth value.")),
        Some("") => Ok(Asked::Discovery),
        Some(value) => Ok(bearer(value).map_or(Asked::Other, Asked::Token)),
    }
}

/// `Bearer TOKEN`; what a token is made of stands in RFC 6750.
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim_start_matches(' ');
    let fit = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~' | b'+' | b'/');
    let body = token.trim_end_matches('=');
    (scheme.eq_ignore_ascii_case("bearer") && !body.is_empty() && body.bytes().all(fit)).then_some(token)
}

/// After an error's status the client has to send one separator, and nothing else.
///
/// # Errors
/// FATAL 08P01.
pub fn read_acknowledgement(message: &str) -> Result<()> {
    let mut chars = message.chars();
    match (chars.next(), chars.next()) {
        (Some(SEPARATOR), None) => Ok(()),
        _ => Err(malformed("Client did not send a kvsep response.")),
    }
}

impl Bearer {
    /// Who the token is: the name that its claim gives, if one of these keys has signed it and it is good now (seconds since 1970).
    ///
    /// # Errors
    /// It is not.
    pub fn named(&self, keys: &KeySet, token: &str, now: f64) -> Result<String, Fault> {
        let claims = keys.open(token)?;
        claims.hold(&self.issuer, &self.audience, now)?;
        if !self.scopes.iter().all(|scope| claims.has_scope(scope)) {
            return Err("it was not given the scope");
        }
        claims.name(&self.claim).map(str::to_owned).ok_or("it names nobody")
    }

    /// The status that a client is told when its token is absent or no good: the same in all cases, and where one can be had.
    pub fn status(&self) -> String {
        let discovery =
            if self.issuer.contains("/.well-known/") { self.issuer.clone() } else { discovery(&self.issuer) };
        serde_json::json!({
            "status": "invalid_token",
            "openid-configuration": discovery,
            "scope": self.scopes.join(" "),
        })
        .to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_7628_is_read() {
        let message = "n,,\u{1}host=server.example.com\u{1}port=143\u{1}auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\u{1}\u{1}";
        assert_eq!(read(message).expect("read"), Asked::Token("vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="));
        assert_eq!(read("y,,\u{1}auth=bearer   a.b-c\u{1}\u{1}").expect("read"), Asked::Token("a.b-c"));
        assert_eq!(read("n,,\u{1}auth=\u{1}\u{1}").expect("read"), Asked::Discovery);
        for other in ["Basic abc", "Bearer", "Bearer ", "Bearer =", "Bearer a b", "Bearer a=b", "Bearer a,b"] {
            assert_eq!(read(&format!("n,,\u{1}auth={other}\u{1}\u{1}")).expect(other), Asked::Other, "{other}");
        }
    }

    #[test]
    fn garbage_is_malformed_and_never_panics() {
        for (text, detail) in [
            ("", "Comma expected"),
            ("n", "Comma expected"),
            ("n,", "Comma expected"),
            ("n,,", "Key-value separator expected."),
            ("n,,auth=Bearer a\u{1}\u{1}", "Key-value separator expected."),
            ("n,,\u{1}", "Message did not contain a final terminator."),
            ("n,,\u{1}\u{1}", "Message does not contain an auth value."),
            ("n,,\u{1}auth=Bearer a", "Message did not contain a final terminator."),
            ("n,,\u{1}auth=Bearer a\u{1}", "Message did not contain a final terminator."),
            ("n,,\u{1}auth=Bearer a\u{1}\u{1}x", "Message contains additional data"),
            ("n,,\u{1}auth=Bearer a\u{1}auth=Bearer b\u{1}\u{1}", "Message contains multiple auth values."),
            ("n,,\u{1}auth\u{1}\u{1}", "Message contains a key without a value."),
            ("n,,\u{1}=x\u{1}\u{1}", "Message contains an invalid key name."),
            ("n,,\u{1}a1=x\u{1}\u{1}", "Message contains an invalid key name."),
            ("n,,\u{1}auth=é\u{1}\u{1}", "Message contains an invalid value."),
            ("p=tls-server-end-point,,\u{1}auth=Bearer a\u{1}\u{1}", "The server does not support channel binding"),
            ("é,,\u{1}auth=Bearer a\u{1}\u{1}", "Unexpected channel-binding flag"),
        ] {
            let error = read(text).expect_err(text);
            let told = error.report().detail.clone().unwrap_or_default();
            assert!(told.starts_with(detail), "{text:?}: {told}");
            assert_eq!(error.code(), SqlState::PROTOCOL_VIOLATION);
        }
        assert_eq!(
            read("n,a=kim,\u{1}auth=Bearer a\u{1}\u{1}").expect_err("a").code(),
            SqlState::FEATURE_NOT_SUPPORTED
        );
        assert!(read_acknowledgement("\u{1}").is_ok());
        assert!(read_acknowledgement("").is_err() && read_acknowledgement("\u{1}\u{1}").is_err());
    }
}
