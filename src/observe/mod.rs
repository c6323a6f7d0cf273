//! Log, metrics, audit; may be called from anywhere.

mod log;
mod metrics;

pub use log::{LogFormat, init};
pub use metrics::{Counter, METRICS, Metrics};
