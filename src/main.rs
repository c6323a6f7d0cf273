//! The command line; src/cli has its verbs.

fn main() -> std::process::ExitCode {
    duckgate::cli::main()
}
