//! Protocol messages and bytes, purely: no socket and no runtime here.
//!
//! Lengths and counts from the wire are never trusted for an allocation: a decoder reads what is there, and what is not
//! there is an error in PostgreSQL's words. docs/decisions/wire-messages.md says why this is not pgwire's codec.

pub mod encode;
mod frontend;
mod reader;
mod startup;

pub use frontend::invalid_type;
pub use frontend::{BindTail, Frontend, Target, decode};
pub use startup::{Packet, Parameters, Version, decode_packet, decode_sasl_initial, sasl_text};

/// Type bytes of the frontend's messages.
pub mod kind {
    pub const BIND: u8 = b'B';
    pub const CLOSE: u8 = b'C';
    pub const COPY_DATA: u8 = b'd';
    pub const COPY_DONE: u8 = b'c';
    pub const COPY_FAIL: u8 = b'f';
    pub const DESCRIBE: u8 = b'D';
    pub const EXECUTE: u8 = b'E';
    pub const FLUSH: u8 = b'H';
    pub const FUNCTION_CALL: u8 = b'F';
    pub const PARSE: u8 = b'P';
    /// PasswordMessage, SASLInitialResponse, SASLResponse, GSSResponse: told apart by what was asked.
    pub const PASSWORD: u8 = b'p';
    pub const QUERY: u8 = b'Q';
    pub const SYNC: u8 = b'S';
    pub const TERMINATE: u8 = b'X';
}

#[cfg(test)]
mod tests;
