//! Duckgate: a PostgreSQL-wire-compatible SQL gateway over embedded DuckDB.
//!
//! The modules in layer order; each may use those below it, never those above (tests/architecture.rs checks).

/// The command line's verbs.
pub mod cli;

/// The gateway put together.
pub mod server;

/// PostgreSQL's wire protocol.
pub mod wire;

/// Sessions: settings, transactions, statements, portals, cursors.
pub mod session;

/// The compiler from PostgreSQL's SQL to DuckDB's.
pub mod sql;

/// COPY's formats.
pub mod copy;

/// pg_catalog and information_schema.
pub mod catalog;

/// DuckDB: pool, streams, cancel, native functions.
pub mod engine;

/// Access rules and permits.
pub mod policy;

/// The typed, resolved statement.
pub mod tree;

/// The schema: files, snapshots, changes.
pub mod registry;

/// Text search: words, vectors and queries.
pub mod search;

/// The type table, values and codecs.
pub mod types;

/// PostgreSQL's built-in catalog as data.
pub mod facts;

/// Configuration and limits.
pub mod config;

/// Errors and SQLSTATEs.
pub mod error;

/// Log, metrics, audit; may be called from anywhere.
pub mod observe;
