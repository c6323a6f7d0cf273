//! Log, metrics, audit; may be called from anywhere.

pub mod audit;
mod log;
mod metrics;

pub use log::{LogFormat, init, log_panics};
pub use metrics::{Counter, METRICS, Metrics};
