//! The limits that sessions keep to, by name.

/// What one session, or all of them, may take. The config's limits of the same names fill it.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Sessions at once (53300 beyond).
    pub connections: usize,
    /// Of these, kept for superusers.
    pub superuser_connections: usize,
    /// Sessions at once of one role that has no CONNECTION LIMIT of its own.
    pub connections_per_role: usize,
    /// Prepared statements of a session (54000 beyond).
    pub statements: usize,
    /// Portals and cursors of a session (54000 beyond).
    pub portals: usize,
    /// Parameters of a statement; the protocol's own bound is 65535.
    pub parameters: usize,
    /// Statements in one simple query (54000 beyond).
    pub statements_per_query: usize,
    /// Longest row of COPY data, in bytes.
    pub copy_line: usize,
    /// Plans in the cache that all sessions share.
    pub cached_plans: usize,
    /// Bytes of rows that a session's WITH HOLD cursors may keep, in all.
    pub held_cursor_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1000,
            superuser_connections: 3,
            connections_per_role: 1000,
            statements: 4096,
            portals: 1024,
            parameters: 65_535,
            statements_per_query: 10_000,
            copy_line: 256 << 20,
            cached_plans: 2048,
            held_cursor_bytes: 256 << 20,
        }
    }
}

/// Statements longer than this, in bytes, are compiled anew each time: they would push many others out of the cache.
pub(super) const CACHED_TEXT_BYTES: usize = 64 << 10;
