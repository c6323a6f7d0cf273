//! `duckgate check | plan | apply`: schema files against themselves and against the database.

use super::Outcome;
use crate::config::Config;
use crate::error::Error;

pub fn check(_config: &Config) -> Outcome {
    Err(Error::unsupported("check").into())
}

pub fn plan(_config: &Config) -> Outcome {
    Err(Error::unsupported("plan").into())
}

pub fn apply(_config: &Config, _allow_destructive: bool) -> Outcome {
    Err(Error::unsupported("apply").into())
}
