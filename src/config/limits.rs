//! Every limit, by name, in one place.

use std::time::Duration;

use super::units::{Bytes, Span};

macro_rules! limits {
    ($($(#[doc = $doc:literal])+ $key:ident: $ty:ty, $raw:ty = $default:expr, $long:literal, $env:literal;)*) => {
        /// Bounds on what one client, or all of them, may take.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct Limits { $($(#[doc = $doc])+ pub $key: $ty,)* }

        /// The limits as they are written: in `[limits]`, as `--limit-…`, in `DUCKGATE_LIMIT_…`.
        #[derive(Debug, Clone, Default, PartialEq, clap::Args, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct RawLimits {
            $($(#[doc = $doc])+
            #[arg(long = $long, env = $env, value_name = stringify!($raw), hide_short_help = true, global = true, hide_env_values = true)]
            #[serde(skip_serializing_if = "Option::is_none")]
            pub $key: Option<$raw>,)*
        }

        impl RawLimits {
            /// What holds where nothing is said.
            pub fn defaults() -> Self {
                Self { $($key: Some($default),)* }
            }

            /// These, and `other`'s where nothing is said here.
            pub fn or(self, other: Self) -> Self {
                Self { $($key: self.$key.or(other.$key),)* }
            }

            pub(super) fn resolve(self) -> Limits {
                let RawLimits { $($key,)* } = self;
                Limits { $($key: $key.unwrap_or($default).into(),)* }
            }
        }
    };
}

limits! {
    /// Largest startup packet.
    startup_packet: usize, Bytes = Bytes(10_000), "limit-startup-packet", "DUCKGATE_LIMIT_STARTUP_PACKET";
    /// Largest message during authentication.
    auth_message: usize, Bytes = Bytes(64 << 10), "limit-auth-message", "DUCKGATE_LIMIT_AUTH_MESSAGE";
    /// Largest message of an authenticated client.
    message: usize, Bytes = Bytes((1 << 30) - 1), "limit-message", "DUCKGATE_LIMIT_MESSAGE";
    /// Sessions at once.
    connections: usize, usize = 1000, "limit-connections", "DUCKGATE_LIMIT_CONNECTIONS";
    /// Of these, kept for superusers.
    superuser_connections: usize, usize = 3, "limit-superuser-connections", "DUCKGATE_LIMIT_SUPERUSER_CONNECTIONS";
    /// Sessions at once of one role that has no CONNECTION LIMIT of its own.
    connections_per_role: usize, usize = 1000, "limit-connections-per-role", "DUCKGATE_LIMIT_CONNECTIONS_PER_ROLE";
    /// Sockets that have not yet authenticated.
    handshakes: usize, usize = 256, "limit-handshakes", "DUCKGATE_LIMIT_HANDSHAKES";
    /// From accept to the end of authentication.
    startup_time: Duration, Span = Span::seconds(60), "limit-startup-time", "DUCKGATE_LIMIT_STARTUP_TIME";
    /// How long a write to a client may make no progress.
    write_time: Duration, Span = Span::seconds(300), "limit-write-time", "DUCKGATE_LIMIT_WRITE_TIME";
    /// Prepared statements of one session.
    statements: usize, usize = 5_000, "limit-statements", "DUCKGATE_LIMIT_STATEMENTS";
    /// Portals and cursors of one session.
    portals: usize, usize = 1_000, "limit-portals", "DUCKGATE_LIMIT_PORTALS";
    /// Parameters of one statement (the protocol has no room for more than 65535).
    parameters: usize, usize = 65_535, "limit-parameters", "DUCKGATE_LIMIT_PARAMETERS";
    /// Relations in one statement, those of views and WITH queries counted wherever these are read: planning a join of many takes memory that no other limit bounds.
    relations: usize, usize = 300, "limit-relations", "DUCKGATE_LIMIT_RELATIONS";
    /// SQL text in one message.
    statement_text: usize, Bytes = Bytes(64 << 20), "limit-statement-text", "DUCKGATE_LIMIT_STATEMENT_TEXT";
    /// Statements in one simple query.
    statements_per_query: usize, usize = 100_000, "limit-statements-per-query", "DUCKGATE_LIMIT_STATEMENTS_PER_QUERY";
    /// Longest line (row) of COPY data, and largest batch of Arrow.
    copy_line: usize, Bytes = Bytes(256 << 20), "limit-copy-line", "DUCKGATE_LIMIT_COPY_LINE";
    /// Read ahead of a client that pipelines while a statement runs.
    read_ahead: usize, Bytes = Bytes(64 << 10), "limit-read-ahead", "DUCKGATE_LIMIT_READ_AHEAD";
    /// Written before the socket is flushed.
    write_buffer: usize, Bytes = Bytes(256 << 10), "limit-write-buffer", "DUCKGATE_LIMIT_WRITE_BUFFER";
    /// Rows that a WITH HOLD or SCROLL cursor keeps; all of them together, with those of loops and functions, half of `memory_limit`.
    held_cursor_bytes: usize, Bytes = Bytes(256 << 20), "limit-held-cursor-bytes", "DUCKGATE_LIMIT_HELD_CURSOR_BYTES";
    /// Savepoints of one transaction.
    savepoints: usize, usize = 10_000, "limit-savepoints", "DUCKGATE_LIMIT_SAVEPOINTS";
    /// Longest file of the server that COPY writes, and longest Parquet file that it takes or makes; that is kept in temp_directory meanwhile.
    copy_file_bytes: usize, Bytes = Bytes(16 << 30), "limit-copy-file-bytes", "DUCKGATE_LIMIT_COPY_FILE_BYTES";
    /// What one transaction keeps in memory of its statements, to do them again when it goes back to a savepoint.
    journal_bytes: usize, Bytes = Bytes(64 << 20), "limit-journal-bytes", "DUCKGATE_LIMIT_JOURNAL_BYTES";
    /// What one transaction keeps on disk of the data of COPY FROM after its first savepoint.
    journal_spill_bytes: usize, Bytes = Bytes(4 << 30), "limit-journal-spill-bytes", "DUCKGATE_LIMIT_JOURNAL_SPILL_BYTES";
    /// Notifications that one transaction sends.
    notifications: usize, Bytes = Bytes(8 << 20), "limit-notifications", "DUCKGATE_LIMIT_NOTIFICATIONS";
    /// Notifications that wait for one session to take them; who sends more than it has room for fails.
    notification_queue: usize, Bytes = Bytes(64 << 20), "limit-notification-queue", "DUCKGATE_LIMIT_NOTIFICATION_QUEUE";
    /// Channels that one session listens to.
    channels: usize, usize = 1_000, "limit-channels", "DUCKGATE_LIMIT_CHANNELS";
    /// Advisory locks that one session holds or waits for.
    advisory_locks: usize, usize = 10_000, "limit-advisory-locks", "DUCKGATE_LIMIT_ADVISORY_LOCKS";
    /// Rows that one session locks one by one (FOR UPDATE, and UPDATE and DELETE by primary key).
    row_locks: usize, usize = 100_000, "limit-row-locks", "DUCKGATE_LIMIT_ROW_LOCKS";
    /// Sessions that wait for an advisory lock inside a statement that keeps a thread meanwhile.
    lock_waiters: usize, usize = 16, "limit-lock-waiters", "DUCKGATE_LIMIT_LOCK_WAITERS";
    /// Wrong passwords that an address may send for one role before its further attempts have to wait; twenty times as many for all its roles.
    password_failures: usize, usize = 5, "limit-password-failures", "DUCKGATE_LIMIT_PASSWORD_FAILURES";
    /// The longest pause between such attempts.
    password_pause: Duration, Span = Span::seconds(1), "limit-password-pause", "DUCKGATE_LIMIT_PASSWORD_PAUSE";
    /// How long a fetch of the keys for tokens may take.
    jwks_time: Duration, Span = Span::seconds(5), "limit-jwks-time", "DUCKGATE_LIMIT_JWKS_TIME";
    /// Largest answer of such a fetch.
    jwks_bytes: usize, Bytes = Bytes(256 << 10), "limit-jwks-bytes", "DUCKGATE_LIMIT_JWKS_BYTES";
    /// The shortest time between two fetches that tokens with unknown keys lead to.
    jwks_pause: Duration, Span = Span::seconds(10), "limit-jwks-pause", "DUCKGATE_LIMIT_JWKS_PAUSE";
    /// How long fetched keys hold while no others can be fetched.
    jwks_keep: Duration, Span = Span::seconds(86_400), "limit-jwks-keep", "DUCKGATE_LIMIT_JWKS_KEEP";
    /// Records of the audit that wait to be written.
    audit_queue: usize, usize = 10_000, "limit-audit-queue", "DUCKGATE_LIMIT_AUDIT_QUEUE";
    /// Records of the audit that are kept in memory, for pg_catalog.duckgate_audit, where audit_table is not set; 0 keeps none.
    audit_records: usize, usize = 10_000, "limit-audit-records", "DUCKGATE_LIMIT_AUDIT_RECORDS";
    /// Plans in the shared cache; it also ends where their texts have a megabyte.
    cached_plans: usize, usize = 10_000, "limit-cached-plans", "DUCKGATE_LIMIT_CACHED_PLANS";
}

impl Default for Limits {
    fn default() -> Self {
        RawLimits::defaults().resolve()
    }
}
