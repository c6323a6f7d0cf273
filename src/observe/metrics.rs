//! What is counted, all in one place.

use std::sync::atomic::{AtomicU64, Ordering};

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    pub fn increment(&self) {
        self.add(1);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

macro_rules! metrics {
    ($($(#[doc = $doc:literal])+ $name:ident;)*) => {
        /// The counters of this process.
        #[derive(Debug)]
        pub struct Metrics { $($(#[doc = $doc])+ pub $name: Counter,)* }

        impl Metrics {
            const fn new() -> Self {
                Self { $($name: Counter(AtomicU64::new(0)),)* }
            }

            /// Name, description and value of each.
            pub fn list(&self) -> Vec<(&'static str, &'static str, u64)> {
                vec![$((stringify!($name), concat!($($doc),+), self.$name.get()),)*]
            }
        }
    };
}

metrics! {
    /// Sockets that were accepted.
    connections_accepted;
    /// Connections that were refused before they had a session.
    connections_refused;
    /// Passwords that were wrong, and users that do not exist.
    authentication_failures;
    /// Fetches of the keys that tokens are signed with.
    jwks_fetches;
    /// Of these, those that failed.
    jwks_failures;
    /// Cancel requests.
    cancel_requests;
    /// Errors that clients were told of.
    errors;
    /// Errors that were the gateway's own fault (XX000).
    internal_errors;
    /// Records of the audit.
    audit_records;
    /// Records of the audit that were dropped because its sink had no room or failed.
    audit_dropped;
    /// Times that the audit could not be written.
    audit_failures;
    /// Bytes read from clients.
    bytes_received;
    /// Bytes written to clients.
    bytes_sent;
}

pub static METRICS: Metrics = Metrics::new();
