//! `duckgate demo`: TPC-H data made here, loaded through the gateway's own load path, and served.

use std::path::PathBuf;

use super::Outcome;
use crate::config::Raw;
use crate::error::Error;

pub fn run(_config: Option<PathBuf>, _raw: Raw, _scale: f64) -> Outcome {
    Err(Error::unsupported("demo").into())
}
