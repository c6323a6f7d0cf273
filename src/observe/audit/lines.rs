//! Records as lines of JSON, to files that rotate and to standard output.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::queue::{Pace, Writer};
use super::{Record, Sink};

/// Nobody waits for others: a line is written at once.
pub(super) const PACE: Pace = Pace { batch: 1024, linger: Duration::ZERO };

/// The places where lines go.
pub(super) struct Lines(Vec<Output>);

impl Lines {
    pub fn open(sinks: &[Sink]) -> io::Result<Self> {
        sinks.iter().map(Output::open).collect::<io::Result<_>>().map(Self)
    }
}

impl Writer for Lines {
    fn take(&mut self, batch: &[Arc<Record>]) {
        let mut text = String::new();
        for record in batch {
            text.push_str(&super::json::line(record));
            text.push('\n');
        }
        self.0.iter_mut().for_each(|output| output.pending = text.as_bytes().to_vec());
    }

    fn write(&mut self) -> Result<(), String> {
        // All are tried, whatever becomes of the first.
        let failed: Vec<io::Error> = self.0.iter_mut().filter_map(|output| output.write().err()).collect();
        failed.first().map_or(Ok(()), |error| Err(error.to_string()))
    }

    fn give_up(&mut self) {
        self.0.iter_mut().for_each(|output| output.pending.clear());
    }

    fn reopen(&mut self) {
        self.0.iter_mut().for_each(Output::reopen);
    }
}

/// One place where lines go.
struct Output {
    to: Option<Kept>,
    /// What is still to be written of the batch.
    pending: Vec<u8>,
}

/// A file, and what becomes of it.
struct Kept {
    path: PathBuf,
    rotate: u64,
    keep: usize,
    file: Option<File>,
    size: u64,
}

impl Output {
    fn open(sink: &Sink) -> io::Result<Self> {
        let to = match sink {
            Sink::Stdout => None,
            Sink::File { path, rotate, keep } => {
                let mut kept = Kept { path: path.clone(), rotate: *rotate, keep: *keep, file: None, size: 0 };
                kept.open().map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", path.display())))?;
                Some(kept)
            }
        };
        Ok(Self { to, pending: Vec::new() })
    }

    fn reopen(&mut self) {
        if let Some(kept) = &mut self.to {
            kept.file = None;
        }
    }

    /// Writes what is pending. What was written before a failure is not written again.
    fn write(&mut self) -> io::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let Some(kept) = &mut self.to else {
            let mut out = io::stdout().lock();
            write_some(&mut out, &mut self.pending)?;
            return out.flush();
        };
        if kept.size > 0 && kept.size + self.pending.len() as u64 > kept.rotate {
            kept.put_aside()?;
        }
        kept.open()?;
        let Some(file) = &mut kept.file else { return Ok(()) };
        let before = self.pending.len();
        let done = write_some(file, &mut self.pending);
        kept.size += (before - self.pending.len()) as u64;
        done
    }
}

fn write_some(out: &mut impl io::Write, pending: &mut Vec<u8>) -> io::Result<()> {
    while !pending.is_empty() {
        match out.write(pending) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => drop(pending.drain(..n)),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

impl Kept {
    fn open(&mut self) -> io::Result<()> {
        if self.file.is_some() {
            return Ok(());
        }
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        // It tells who did what: for its owner only.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&self.path)?;
        self.size = file.metadata()?.len();
        self.file = Some(file);
        Ok(())
    }

    /// `x` becomes `x.1`, that `x.2`, and so on; what is beyond those to be kept goes.
    fn put_aside(&mut self) -> io::Result<()> {
        self.file = None;
        if self.keep == 0 {
            std::fs::remove_file(&self.path)?;
        }
        for n in (1..=self.keep).rev() {
            let from = if n == 1 { self.path.clone() } else { numbered(&self.path, n - 1) };
            match std::fs::rename(&from, numbered(&self.path, n)) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
                Ok(()) | Err(_) => {}
            }
        }
        self.size = 0;
        Ok(())
    }
}

fn numbered(path: &Path, n: usize) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{n}"));
    name.into()
}
