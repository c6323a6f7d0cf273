//! COPY's decoders over any bytes: `cargo +nightly fuzz run copy fuzz/corpus/copy -- -rss_limit_mb=512 -timeout=10`.
//!
//! The first byte chooses format and options, the second the size of the pieces.

#![no_main]

#[path = "../decoders.rs"]
mod decoders;

libfuzzer_sys::fuzz_target!(|data: &[u8]| decoders::run(data));
