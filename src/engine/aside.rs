//! Where a result waits that its connection could not keep open: in memory first, then in a file.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufReader, BufWriter, Seek};
use std::path::{Path, PathBuf};

use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;

use crate::error::{Error, Result, SqlState};

/// What one result may hold in memory while it waits.
const MEMORY: usize = 8 * 1024 * 1024;

/// Batches in the order in which they came.
pub(super) struct Aside {
    memory: VecDeque<RecordBatch>,
    bytes: usize,
    directory: PathBuf,
    spill: Spill,
}

enum Spill {
    None,
    Writing(StreamWriter<BufWriter<File>>),
    Reading(StreamReader<BufReader<File>>),
}

impl Aside {
    /// `directory` takes the file, if one is needed.
    pub fn new(directory: Option<&Path>) -> Self {
        let directory = directory.map_or_else(std::env::temp_dir, Path::to_owned);
        Self { memory: VecDeque::new(), bytes: 0, directory, spill: Spill::None }
    }

    pub fn push(&mut self, batch: RecordBatch) -> Result<()> {
        let size = batch.get_array_memory_size();
        if matches!(self.spill, Spill::None) && self.bytes + size <= MEMORY {
            self.bytes += size;
            self.memory.push_back(batch);
            return Ok(());
        }
        if matches!(self.spill, Spill::None) {
            let file = temporary_file(&self.directory).map_err(|e| disk_error(&e))?;
            let writer = StreamWriter::try_new(BufWriter::new(file), &batch.schema()).map_err(arrow_error)?;
            self.spill = Spill::Writing(writer);
        }
        match &mut self.spill {
            Spill::Writing(writer) => writer.write(&batch).map_err(arrow_error),
            Spill::None | Spill::Reading(_) => Err(Error::internal("a result that is being read grows no more")),
        }
    }

    /// The next batch; `None` at the end.
    pub fn next(&mut self) -> Result<Option<RecordBatch>> {
        if let Some(batch) = self.memory.pop_front() {
            return Ok(Some(batch));
        }
        if let Spill::Writing(_) = &self.spill {
            let Spill::Writing(mut writer) = std::mem::replace(&mut self.spill, Spill::None) else {
                return Ok(None);
            };
            writer.finish().map_err(arrow_error)?;
            let mut file = writer.into_inner().map_err(arrow_error)?.into_inner().map_err(|e| disk_error(e.error()))?;
            file.rewind().map_err(|e| disk_error(&e))?;
            self.spill = Spill::Reading(StreamReader::try_new(BufReader::new(file), None).map_err(arrow_error)?);
        }
        match &mut self.spill {
            Spill::Reading(reader) => reader.next().transpose().map_err(arrow_error),
            Spill::None | Spill::Writing(_) => Ok(None),
        }
    }
}

/// A file without a name: it is gone when it is closed, also when the process is killed.
pub(super) fn temporary_file(directory: &Path) -> std::io::Result<File> {
    std::fs::create_dir_all(directory)?;
    let path = directory.join(format!("duckgate-{}.spill", uuid::Uuid::new_v4().simple()));
    let file = File::options().read(true).write(true).create_new(true).open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}

pub(super) fn disk_error(error: &std::io::Error) -> Error {
    let code = if error.kind() == std::io::ErrorKind::StorageFull { SqlState::DISK_FULL } else { SqlState::IO_ERROR };
    Error::new(code, format!("could not write to temporary file: {error}"))
}

pub(super) fn arrow_error(error: arrow::error::ArrowError) -> Error {
    match error {
        arrow::error::ArrowError::IoError(_, error) => disk_error(&error),
        other => Error::internal(other),
    }
}
