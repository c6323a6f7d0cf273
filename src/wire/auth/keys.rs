//! Where the keys of those who sign tokens come from: a file beside the rules, or the issuer's own address.
//!
//! What comes from an address is fetched by a thread of its own ([`provider`]), never by who logs in. [`Providers`] has one for
//! each address that the rules name; it outlives a reload of the rules, and so do the keys that it has.

mod fetch;
mod provider;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use self::provider::Provider;
use super::jwt::{Fault, KeySet};
use crate::config::Limits;

pub use fetch::{authorities, discovery, url};

/// The keys that a rule believes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keys {
    /// A file's, as it was when the rules were read.
    Kept(Arc<KeySet>),
    Fetched(Source),
}

/// From where keys are fetched.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Source {
    pub at: At,
    /// The certificates (PEM) that it is believed by; those of the machine without them.
    pub authorities: Option<Arc<str>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum At {
    /// The key set's own URL.
    Set(String),
    /// This issuer's discovery document names it (OpenID Connect Discovery 1.0).
    Issuer(String),
}

/// What a fetch may take, and how its answer counts.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// All of it, with the issuer's document where there is one.
    pub time: Duration,
    /// Of one answer.
    pub bytes: u64,
    /// Between two fetches that tokens ask for.
    pub pause: Duration,
    /// How long an answer holds while no other is to be had.
    pub keep: Duration,
}

impl From<&Limits> for Bounds {
    fn from(limits: &Limits) -> Self {
        let Limits { jwks_time, jwks_bytes, jwks_pause, jwks_keep, .. } = limits;
        Self { time: *jwks_time, bytes: *jwks_bytes as u64, pause: *jwks_pause, keep: *jwks_keep }
    }
}

/// The keys of all sources that the rules in force name.
pub struct Providers {
    bounds: Bounds,
    running: Mutex<HashMap<Source, Arc<Provider>>>,
}

impl Providers {
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, running: Mutex::default() }
    }

    /// Fetches from these sources from now on and no others; what is known of them stays, and is asked for anew.
    pub fn keep<'a>(&self, sources: impl Iterator<Item = &'a Source>) {
        let mut running = self.running.lock();
        let mut before = std::mem::take(&mut *running);
        for source in sources {
            if running.contains_key(source) {
                continue;
            }
            let provider = match before.remove(source) {
                Some(known) => {
                    known.renew();
                    known
                }
                None => Provider::start(source.clone(), self.bounds.clone()),
            };
            running.insert(source.clone(), provider);
        }
    }

    /// The keys to judge a token by. For one that names a key which nobody knows it waits for a fetch, if one is due.
    ///
    /// # Errors
    /// There are none.
    pub async fn keys(&self, keys: &Keys, token: &str) -> Result<Arc<KeySet>, Fault> {
        let source = match keys {
            Keys::Kept(keys) => return Ok(keys.clone()),
            Keys::Fetched(source) => source,
        };
        let provider = self.running.lock().get(source).cloned();
        match provider {
            Some(provider) => provider.keys(token).await,
            None => Err("the rule that asked for it is not in force any more"),
        }
    }
}
