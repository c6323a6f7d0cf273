//! Log, metrics, audit.
