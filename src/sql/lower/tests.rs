//! Lowering and rendering against a real DuckDB.
