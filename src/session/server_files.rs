//! COPY's files of the server, opened for the role at hand; and where COPY TO's data go, which is one of them or the client.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;

use super::front::Front;
use super::interrupt::Interrupt;
use super::session::Session;
use crate::copy::Part;
use crate::engine::{NewFile, Reach};
use crate::error::{Error, Result};
use crate::policy;

/// What the session may open: everything that the operator has named, or folders inside of that.
struct Rights {
    everything: bool,
    directories: Arc<[PathBuf]>,
}

impl Rights {
    fn reach(&self) -> Reach<'_> {
        Reach { everything: self.everything, directories: &self.directories }
    }
}

impl Session {
    fn file_rights(&mut self, write: bool) -> Rights {
        let everything = policy::opens_everything(&self.snapshot(), self.role(), write);
        let state = self.shared.state.lock();
        let acting = state.settings.acting();
        let directories = if write { &acting.write_directories } else { &acting.read_directories };
        Rights { everything, directories: Arc::clone(directories) }
    }

    /// Opens a file of the server to be read.
    pub(super) async fn open_server_file(&mut self, path: &str) -> Result<File> {
        let (rights, engine, path) = (self.file_rights(false), Arc::clone(self.gateway.engine()), path.to_owned());
        let opened = tokio::task::spawn_blocking(move || engine.server_files().open(&path, rights.reach()));
        opened.await.map_err(Error::internal)?
    }

    /// Begins a file of the server.
    pub(super) async fn create_server_file(&mut self, path: &str) -> Result<NewFile> {
        let (rights, engine, path) = (self.file_rights(true), Arc::clone(self.gateway.engine()), path.to_owned());
        let limit = self.gateway.limits().copy_file_bytes as u64;
        let made = tokio::task::spawn_blocking(move || engine.server_files().create(&path, rights.reach(), limit));
        made.await.map_err(Error::internal)?
    }
}

/// Where COPY TO's data go.
pub(super) struct Target<'a> {
    pub front: &'a mut dyn Front,
    file: Option<NewFile>,
}

impl<'a> Target<'a> {
    pub fn new(front: &'a mut dyn Front, file: Option<NewFile>) -> Self {
        Self { front, file }
    }

    /// What comes, as the client is told it.
    pub fn begin(&mut self, binary: bool, columns: usize) {
        if self.file.is_none() {
            self.front.copy_out(binary, columns);
        }
    }

    /// Bytes that have gone there.
    pub fn sent(&self) -> u64 {
        self.file.as_ref().map_or_else(|| self.front.sent(), NewFile::bytes)
    }

    /// Sends what was encoded, cut where the messages end.
    pub async fn write(&mut self, out: &mut Vec<u8>, ends: &[usize], interrupt: &Interrupt) -> Result<()> {
        tokio::select! {
            biased;
            done = Self::put(&mut self.file, self.front, out, ends) => done?,
            error = interrupt.terminated() => return Err(error),
        }
        out.clear();
        interrupt.check()
    }

    /// As [`Self::write`], of a format whose stream is not cut by rows.
    pub async fn write_part(&mut self, mut part: Part, interrupt: &Interrupt) -> Result<()> {
        let (length, ends) = (part.head.len(), part.ends());
        self.write(&mut part.head, &[length], interrupt).await?;
        self.write(&mut part.body, &ends, interrupt).await
    }

    async fn put(file: &mut Option<NewFile>, front: &mut dyn Front, out: &[u8], ends: &[usize]) -> Result<()> {
        match file {
            Some(file) => file.add(Bytes::copy_from_slice(out)).await,
            None => front.copy_write(out, ends).await,
        }
    }

    /// All has been sent.
    pub fn finish(self) -> Result<()> {
        match self.file {
            Some(file) => file.finish(),
            None => {
                self.front.copy_out_done();
                Ok(())
            }
        }
    }
}
