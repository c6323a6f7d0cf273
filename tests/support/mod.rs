//! What the integration tests share: a server to talk to, and a protocol client of our own.

// Each test binary uses a part of this.
#![allow(dead_code)]

pub mod protocol;
pub mod server;
pub mod target;
pub mod tls;
pub mod tpch;
pub mod transcript;
