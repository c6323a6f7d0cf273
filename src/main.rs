//! The command line; src/cli has its verbs.

// It takes the place of malloc, for DuckDB's library too (docs/performance.md says what that gains). Rust asks malloc for what
// it needs, as everywhere: mimalloc's own functions for Rust are those for aligned memory, which do more.
#[cfg(target_os = "linux")]
use mimalloc as _;

fn main() -> std::process::ExitCode {
    duckgate::cli::main()
}
