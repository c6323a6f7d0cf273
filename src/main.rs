//! The command line; src/cli has its verbs.

/// It also takes the place of malloc, for DuckDB's library too (docs/performance.md says what that gains).
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    duckgate::cli::main()
}
