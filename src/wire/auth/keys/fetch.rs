//! One fetch of keys over HTTPS, bounded in time and size.
//!
//! The client is ureq: it blocks (a thread of its own is what we want here), brings no runtime and no second TLS, and DuckDB's
//! build has it in the lock file anyway. http is refused, on loopback too: who can answer there could hand out keys.

use std::time::{Duration, Instant};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::Value;
use ureq::http::{HeaderMap, Uri};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use super::super::jwt::KeySet;
use super::{At, Bounds, Source};

/// Redirects that are followed; all of them to https.
const REDIRECTS: u32 = 3;
/// How long an answer is fresh that does not say so, and between what bounds it may say so: a key that its issuer has withdrawn
/// is gone after an hour at most.
const FRESH: Duration = Duration::from_secs(600);
const LEAST_FRESH: Duration = Duration::from_secs(60);
const MOST_FRESH: Duration = Duration::from_secs(3600);

/// What was fetched.
pub struct Answer {
    pub keys: KeySet,
    /// What was left out of it, and why.
    pub left_out: Vec<String>,
    pub fresh: Duration,
}

/// Is it a URL that keys may come from?
///
/// # Errors
/// It is not https, or none at all.
pub fn url(text: &str) -> Result<(), String> {
    match text.parse::<Uri>() {
        Ok(uri) if uri.scheme_str() == Some("https") && uri.host().is_some_and(|host| !host.is_empty()) => Ok(()),
        Ok(_) => Err("an https URL is expected".into()),
        Err(problem) => Err(format!("an https URL is expected: {problem}")),
    }
}

/// The certificates of a PEM file.
///
/// # Errors
/// There is none in it.
pub fn authorities(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let found = CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<Vec<_>, _>>();
    match found {
        Ok(found) if found.is_empty() => Err("there is no certificate in it".into()),
        Ok(found) => Ok(found),
        Err(problem) => Err(problem.to_string()),
    }
}

/// Fetches the source's keys.
///
/// # Errors
/// Why there are none, for the log.
pub fn fetch(source: &Source, bounds: &Bounds) -> Result<Answer, String> {
    let until = Instant::now() + bounds.time;
    let roots = match &source.authorities {
        Some(pem) => authorities(pem)?,
        None => platform()?,
    };
    let roots: Vec<_> = roots.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let tls = TlsConfig::builder().root_certs(RootCerts::from(roots)).unversioned_rustls_crypto_provider(provider);
    let agent = ureq::Agent::config_builder()
        .https_only(true)
        .max_redirects(REDIRECTS)
        .max_idle_connections(0)
        .user_agent("duckgate")
        .accept("application/json, application/jwk-set+json")
        .tls_config(tls.build())
        .build()
        .new_agent();
    let get = |url: &str| get(&agent, url, bounds.bytes, until).map_err(|problem| format!("{url}: {problem}"));
    let (text, headers) = match &source.at {
        At::Set(url) => get(url)?,
        At::Issuer(issuer) => {
            let document = discovery(issuer);
            let (text, _) = get(&document)?;
            get(&named(&text, issuer).map_err(|problem| format!("{document}: {problem}"))?)?
        }
    };
    let (keys, left_out) = KeySet::received(&text)?;
    Ok(Answer { keys, left_out, fresh: fresh(&headers) })
}

/// Those that this machine believes (`SSL_CERT_FILE` and `SSL_CERT_DIR` as OpenSSL has them).
fn platform() -> Result<Vec<CertificateDer<'static>>, String> {
    let found = rustls_native_certs::load_native_certs();
    if !found.certs.is_empty() {
        return Ok(found.certs);
    }
    let problem = found.errors.first().map_or_else(String::new, |problem| format!(" ({problem})"));
    Err(format!("this machine has no certificates of authorities{problem}: name a file of them by jwks_ca="))
}

fn get(agent: &ureq::Agent, url: &str, bytes: u64, until: Instant) -> Result<(String, HeaderMap), String> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err("no time was left".into());
    }
    let request = agent.get(url).config().timeout_global(Some(left)).build();
    let response = request.call().map_err(|problem| problem.to_string())?;
    let (head, body) = response.into_parts();
    let body = body.into_with_config().limit(bytes).read_to_vec().map_err(|problem| problem.to_string())?;
    let text = String::from_utf8(body).map_err(|_| "its answer is not text")?;
    Ok((text, head.headers))
}

/// Where an issuer's document is.
pub fn discovery(issuer: &str) -> String {
    format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'))
}

/// The URL of the key set in an issuer's document. It has to be this issuer's (section 4.3): tokens name it.
fn named(document: &str, issuer: &str) -> Result<String, String> {
    let document: Value = serde_json::from_str(document).map_err(|problem| format!("no JSON: {problem}"))?;
    let text = |name: &str| document.get(name).and_then(Value::as_str);
    match text("issuer") {
        Some(told) if told == issuer => {}
        Some(told) => return Err(format!("it is of the issuer {told}")),
        None => return Err("it names no issuer".into()),
    }
    let set = text("jwks_uri").ok_or("it names no jwks_uri")?;
    url(set).map_err(|problem| format!("jwks_uri {set}: {problem}"))?;
    Ok(set.to_owned())
}

/// How long the answer may be used without asking again.
fn fresh(headers: &HeaderMap) -> Duration {
    let words = headers.get_all("cache-control").iter().filter_map(|value| value.to_str().ok());
    let mut age = None;
    for word in words.flat_map(|value| value.split(',')) {
        let word = word.trim().to_ascii_lowercase();
        match word.split_once('=') {
            None if matches!(word.as_str(), "no-cache" | "no-store") => age = Some(0),
            Some(("max-age", seconds)) => age = age.or(seconds.trim_matches('"').parse().ok()),
            None | Some(_) => {}
        }
    }
    let spent = headers.get("age").and_then(|value| value.to_str().ok()?.trim().parse().ok()).unwrap_or(0);
    let fresh = age.map_or(FRESH, |seconds: u64| Duration::from_secs(seconds.saturating_sub(spent)));
    fresh.clamp(LEAST_FRESH, MOST_FRESH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn freshness_is_what_the_answer_says_within_bounds() {
        let of = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.append(*name, value.parse().expect("a value"));
            }
            fresh(&headers).as_secs()
        };
        assert_eq!(of(&[]), 600);
        assert_eq!(of(&[("cache-control", "public, Max-Age=900, must-revalidate")]), 900);
        assert_eq!(of(&[("cache-control", "public"), ("cache-control", "max-age=\"120\"")]), 120);
        assert_eq!(of(&[("cache-control", "max-age=900"), ("age", "300")]), 600);
        assert_eq!(of(&[("cache-control", "max-age=15")]), 60);
        assert_eq!(of(&[("cache-control", "max-age=99999999")]), 3600);
        assert_eq!(of(&[("cache-control", "max-age=-1")]), 600);
        assert_eq!(of(&[("cache-control", "no-cache, max-age=900")]), 60);
        assert_eq!(of(&[("cache-control", "max-age=900, no-store")]), 60);
    }

    #[test]
    fn only_https_urls_are_taken() {
        assert_eq!(url("https://id.example/keys?a=1"), Ok(()));
        assert_eq!(url("https://[::1]:8443/keys"), Ok(()));
        for other in
            ["http://id.example/keys", "http://127.0.0.1/keys", "https:///keys", "file:///etc/x", "/keys", "x y"]
        {
            assert!(url(other).is_err(), "{other}");
        }
    }

    #[test]
    fn an_issuers_document_is_its_own() {
        let document = r#"{"issuer": "https://id.example", "jwks_uri": "https://keys.example/set"}"#;
        assert_eq!(named(document, "https://id.example").as_deref(), Ok("https://keys.example/set"));
        assert_eq!(discovery("https://id.example/a/"), "https://id.example/a/.well-known/openid-configuration");
        for (document, issuer) in [
            (document, "https://id.example/"),
            (document, "https://other.example"),
            ("[]", "https://id.example"),
            ("<html>", "https://id.example"),
            (r#"{"issuer": "https://id.example"}"#, "https://id.example"),
            (r#"{"issuer": "https://id.example", "jwks_uri": "http://id.example/set"}"#, "https://id.example"),
        ] {
            assert!(named(document, issuer).is_err(), "{document} {issuer}");
        }
    }
}
