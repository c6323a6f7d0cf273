//! Batches kept to be read again and again: in memory first, then, where that is allowed, in a file.

use std::fs::File;
use std::io::{BufReader, BufWriter, Seek};
use std::path::PathBuf;

use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;

use super::aside::{arrow_error, disk_error, temporary_file};
use super::batch_bytes;
use crate::error::{Error, Result};

/// What one COPY has brought.
pub struct Spool {
    memory: Vec<RecordBatch>,
    bytes: usize,
    most: usize,
    directory: PathBuf,
    spill: Spill,
    spilled: usize,
}

enum Spill {
    None,
    Writing(Box<StreamWriter<BufWriter<File>>>),
    Written(File),
}

impl Spool {
    /// Keeps up to `most` bytes in memory.
    pub(super) fn new(directory: Option<PathBuf>, most: usize) -> Self {
        let directory = directory.unwrap_or_else(std::env::temp_dir);
        Self { memory: Vec::new(), bytes: 0, most, directory, spill: Spill::None, spilled: 0 }
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Bytes in the file, as they were in memory.
    pub fn spilled(&self) -> usize {
        self.spilled
    }

    /// True if there is room in memory.
    pub fn has_room(&self, batch: &RecordBatch) -> bool {
        matches!(self.spill, Spill::None) && self.bytes + batch_bytes(batch) <= self.most
    }

    /// Keeps a batch. Blocks if it goes to the file.
    pub fn push(&mut self, batch: RecordBatch) -> Result<()> {
        let size = batch_bytes(&batch);
        if self.has_room(&batch) {
            self.bytes += size;
            self.memory.push(batch);
            return Ok(());
        }
        if matches!(self.spill, Spill::None) {
            let file = temporary_file(&self.directory).map_err(|e| disk_error(&e))?;
            let writer = StreamWriter::try_new(BufWriter::new(file), &batch.schema()).map_err(arrow_error)?;
            self.spill = Spill::Writing(Box::new(writer));
        }
        self.spilled += size;
        match &mut self.spill {
            Spill::Writing(writer) => writer.write(&batch).map_err(arrow_error),
            Spill::None | Spill::Written(_) => Err(Error::internal("a spool that is complete grows no more")),
        }
    }

    /// All of it, from the start. Nothing can be added any more.
    pub fn read(&mut self) -> Result<impl Iterator<Item = Result<RecordBatch>> + Send + 'static> {
        if let Spill::Writing(writer) = &mut self.spill {
            writer.finish().map_err(arrow_error)?;
        }
        self.spill = match std::mem::replace(&mut self.spill, Spill::None) {
            Spill::Writing(writer) => {
                let buffered = writer.into_inner().map_err(arrow_error)?;
                Spill::Written(buffered.into_inner().map_err(|e| disk_error(e.error()))?)
            }
            other => other,
        };
        let file = match &self.spill {
            Spill::Written(file) => {
                let mut file = file.try_clone().map_err(|e| disk_error(&e))?;
                file.rewind().map_err(|e| disk_error(&e))?;
                Some(StreamReader::try_new(BufReader::new(file), None).map_err(arrow_error)?)
            }
            Spill::None | Spill::Writing(_) => None,
        };
        let memory = self.memory.clone().into_iter().map(Ok);
        Ok(memory.chain(file.into_iter().flatten().map(|batch| batch.map_err(arrow_error))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, Int64Array};
    use std::sync::Arc;

    #[test]
    fn what_does_not_fit_in_memory_is_read_from_the_file_as_often_as_wanted() {
        let batch = |from: i64| {
            let values: ArrayRef = Arc::new(Int64Array::from_iter_values(from..from + 1000));
            RecordBatch::try_from_iter([("c0", values)]).unwrap()
        };
        let mut spool = Spool::new(None, 20_000);
        for i in 0..5 {
            spool.push(batch(i * 1000)).unwrap();
        }
        assert!(spool.bytes() > 0 && spool.spilled() > 0);
        for _ in 0..2 {
            let read: Vec<RecordBatch> = spool.read().unwrap().collect::<Result<_>>().unwrap();
            assert_eq!(read, (0..5).map(|i| batch(i * 1000)).collect::<Vec<_>>());
        }
        assert!(spool.push(batch(0)).is_err());
    }
}
