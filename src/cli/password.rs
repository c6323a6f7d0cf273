//! `duckgate role password NAME`: the verifier of a password, for a schema file.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use super::{Failure, Outcome};
use crate::registry::verifier::Verifier;

pub fn run(name: &str) -> Outcome {
    let password = read(&format!("Password for role {name}: "))?;
    if password.is_empty() {
        return Err(Failure::Text("an empty password is no password".into()));
    }
    if std::io::stdin().is_terminal() && read("Again: ")? != password {
        return Err(Failure::Text("the passwords differ".into()));
    }
    println!("{}", Verifier::new(&password)?);
    Ok(())
}

/// A line from standard input; from a terminal, without showing it.
fn read(prompt: &str) -> Result<String, Failure> {
    let stdin = std::io::stdin();
    let hidden = if stdin.is_terminal() {
        eprint!("{prompt}");
        std::io::stderr().flush()?;
        Some(Hidden::new()?)
    } else {
        None
    };
    let mut line = String::new();
    stdin.lock().read_line(&mut line)?;
    if hidden.is_some() {
        eprintln!();
    }
    Ok(line.trim_end_matches(['\n', '\r']).to_owned())
}

/// The terminal does not echo while this lives.
struct Hidden(libc::termios);

impl Hidden {
    fn new() -> std::io::Result<Self> {
        // SAFETY: termios is plain data, for which all zeros is a value.
        let mut settings: libc::termios = unsafe { std::mem::zeroed() };
        // SAFETY: the descriptor is standard input's, the pointer is to a live termios.
        if unsafe { libc::tcgetattr(libc::STDIN_FILENO, &raw mut settings) } != 0 {
            return Err(std::io::Error::last_os_error());
        }
        let before = settings;
        settings.c_lflag &= !libc::ECHO;
        // SAFETY: as above.
        if unsafe { libc::tcsetattr(libc::STDIN_FILENO, libc::TCSANOW, &raw const settings) } != 0 {
            return Err(std::io::Error::last_os_error());
        }
        Ok(Self(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // SAFETY: as above. If it fails there is nothing left to do.
        unsafe { libc::tcsetattr(libc::STDIN_FILENO, libc::TCSANOW, &raw const self.0) };
    }
}
