//! How a host rule lets somebody in: its method and the options behind it, as they are written.

use std::sync::Arc;

use super::hosts::Kind;
use super::jwt::KeySet;
use super::keys::{self, At, Keys, Source};
use super::oauth::Bearer;
use super::words::{self, Word};

/// What a client has to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Method {
    /// A password; with `certificate` a client certificate beside it.
    Scram {
        certificate: Option<Certificate>,
    },
    /// A client certificate whose name is the role's, or is mapped to it.
    Cert {
        map: Option<String>,
    },
    /// A token that says who it is.
    OAuth(Arc<Bearer>),
    /// Nothing. Only for Unix sockets and loopback addresses.
    Trust,
    Reject,
}

/// `clientcert=…`: any good certificate, or one in the role's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Certificate {
    VerifyCa,
    VerifyFull,
}

/// What a rule's method may need to know of the rest of it, and of other files.
pub(super) struct Around<'a> {
    pub kind: Kind,
    /// Are all its addresses the machine's own?
    pub loopback: bool,
    pub maps: &'a words::Map,
    /// Reads a file that an option names.
    pub read: &'a dyn Fn(&str) -> Result<String, String>,
}

/// Splits `name=value`.
pub(super) fn option(word: &Word) -> Result<(&str, &str), String> {
    word.text.split_once('=').ok_or_else(|| format!("\"{}\" is no option: name=value is expected", word.text))
}

/// # Errors
/// The method or one of its options is not known, or not for such a rule.
pub(super) fn method(name: &str, options: &[(&str, &str)], around: &Around<'_>) -> Result<Method, String> {
    if name == "oauth" {
        return oauth(options, around).map(|bearer| Method::OAuth(Arc::new(bearer)));
    }
    let (mut certificate, mut map) = (None, None);
    for (option, value) in options {
        match (*option, *value) {
            ("clientcert", "verify-ca") => certificate = Some(Certificate::VerifyCa),
            ("clientcert", "verify-full") => certificate = Some(Certificate::VerifyFull),
            ("clientcert", other) => return Err(format!("clientcert={other}: verify-ca or verify-full is expected")),
            ("clientname", "CN") => {}
            ("map", name) => map = Some(known(name, around)?),
            (other, _) => return Err(format!("the option {other} is not supported")),
        }
    }
    let only_tls = |what: &str| match around.kind {
        Kind::HostSsl => Ok(()),
        Kind::Local | Kind::Host | Kind::HostNoSsl => Err(format!("{what} is for hostssl only")),
    };
    if certificate.is_some() {
        only_tls("clientcert")?;
    }
    if map.is_some() && name != "cert" {
        return Err("map is for cert and oauth only".into());
    }
    match name {
        "scram-sha-256" => Ok(Method::Scram { certificate }),
        "cert" => only_tls("cert").map(|()| Method::Cert { map }),
        "reject" => Ok(Method::Reject),
        "trust" if certificate.is_some() => Err("clientcert with trust is not supported: write cert".into()),
        "trust" if around.kind == Kind::Local || around.loopback => Ok(Method::Trust),
        "trust" => Err("trust is for local and for loopback addresses (127.0.0.0/8, ::1/128) only".into()),
        "md5" | "password" => Err(format!("{name} is not offered: write scram-sha-256")),
        other => Err(format!("the method {other} is not one of scram-sha-256, cert, oauth, reject, trust")),
    }
}

fn known(map: &str, around: &Around<'_>) -> Result<String, String> {
    if around.maps.has(map) { Ok(map.to_owned()) } else { Err(format!("map={map}: the ident map has no such map")) }
}

/// `oauth`: `issuer`, `scope` and `map` as in PostgreSQL 18; `audience`, `jwks` and `claim` are what its validators have settings for.
fn oauth(options: &[(&str, &str)], around: &Around<'_>) -> Result<Bearer, String> {
    match around.kind {
        Kind::HostSsl | Kind::Local => {}
        // Who reads a token has it.
        Kind::Host | Kind::HostNoSsl => return Err("oauth is for hostssl and local only".into()),
    }
    let (mut issuer, mut audience, mut scope, mut claim, mut map) = (None, None, None, None, None);
    let (mut jwks, mut jwks_ca) = (None, None);
    for (option, value) in options {
        let place = match *option {
            "issuer" => &mut issuer,
            "audience" => &mut audience,
            "scope" => &mut scope,
            "claim" => &mut claim,
            "map" => &mut map,
            "jwks" => &mut jwks,
            "jwks_ca" => &mut jwks_ca,
            other => return Err(format!("the option {other} is not supported with oauth")),
        };
        // Blanks are no scope: none would be asked for.
        if value.trim().is_empty() {
            return Err(format!("{option} is empty"));
        }
        if place.replace(*value).is_some() {
            return Err(format!("{option} stands twice"));
        }
    }
    let needed = |name: &str, value: Option<&str>| {
        value.map(str::to_owned).ok_or_else(|| format!("oauth needs {name}=… beside it"))
    };
    let issuer = needed("issuer", issuer)?;
    if !issuer.starts_with("https://") {
        return Err(format!("issuer={issuer}: an https URL is expected"));
    }
    let keys = keys(&issuer, jwks, jwks_ca, around)?;
    Ok(Bearer {
        issuer,
        audience: needed("audience", audience)?,
        scopes: needed("scope", scope)?.split_whitespace().map(str::to_owned).collect(),
        claim: claim.unwrap_or("sub").to_owned(),
        map: map.map(|name| known(name, around)).transpose()?,
        keys,
    })
}

/// `jwks` is a file, the URL of a set, or left out: then the issuer tells where its set is. `jwks_ca` is whom to believe that.
fn keys(issuer: &str, jwks: Option<&str>, jwks_ca: Option<&str>, around: &Around<'_>) -> Result<Keys, String> {
    let at = match jwks {
        Some(file) if !file.contains("://") => {
            if jwks_ca.is_some() {
                return Err("jwks_ca is for keys that are fetched, and jwks names a file".into());
            }
            let set = KeySet::parse(&(around.read)(file)?).map_err(|problem| format!("jwks={file}: {problem}"))?;
            return Ok(Keys::Kept(Arc::new(set)));
        }
        Some(url) => keys::url(url).map(|()| At::Set(url.to_owned())).map_err(|e| format!("jwks={url}: {e}"))?,
        // Its document could not name it: what tokens have to name is then the document.
        None if issuer.contains("/.well-known/") => return Err("oauth needs jwks=… beside such an issuer".into()),
        None => {
            keys::url(issuer).map(|()| At::Issuer(issuer.to_owned())).map_err(|e| format!("issuer={issuer}: {e}"))?
        }
    };
    let authorities = match jwks_ca {
        None => None,
        Some(file) => {
            let pem = (around.read)(file)?;
            keys::authorities(&pem).map_err(|problem| format!("jwks_ca={file}: {problem}"))?;
            Some(pem.into())
        }
    };
    Ok(Keys::Fetched(Source { at, authorities }))
}
