//! Parquet files, read and written by DuckDB in an instance of its own that can see nothing but the one file:
//! `docs/decisions/copy-parquet.md`.
//!
//! The file has no name: it is gone when it is closed, also when the process is killed. The instance opens it by its number
//! among the process's open files.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::StructArray;
use arrow::datatypes::SchemaRef;
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use duckdb::ffi;
use parking_lot::Mutex;
use tokio::sync::mpsc;

use super::aside::{arrow_error, disk_error, temporary_file};
use super::native::{caught, drop_box, guarded};
use super::raw::{Database, RawConnection, RawError};
use super::system::{TableFunction, output_columns, set_bind, set_output};
use super::unwind;
use super::write::{Span, Texts, write};
use crate::error::{Error, Result, SqlState};
use crate::types::Phys;

/// Batches or pieces that wait for who takes them.
const AHEAD: usize = 4;
/// Bytes of the file that are handed on at once.
const PIECE: usize = 128 << 10;
/// Bytes of the Arrow stream that are handed on at once, about.
const STREAM_PIECE: usize = 1 << 20;
/// DuckDB's memory for one file: its readers and writers hold a row group.
pub(super) const MEMORY_LIMIT: &str = "256MB";

/// Where Parquet files go while they are made or read.
#[derive(Debug, Clone)]
pub struct Parquet {
    directory: PathBuf,
    /// The most bytes of a file.
    limit: u64,
}

/// A file that is being sent.
pub struct ParquetUpload {
    file: File,
    bytes: u64,
    limit: u64,
}

/// A file that is being made of batches.
pub struct ParquetDownload {
    batches: mpsc::Sender<RecordBatch>,
    done: tokio::task::JoinHandle<Result<File>>,
    /// The file that grows meanwhile.
    seen: File,
    limit: u64,
}

impl Parquet {
    pub(super) fn new(directory: Option<PathBuf>, limit: u64) -> Self {
        Self { directory: directory.unwrap_or_else(std::env::temp_dir), limit }
    }

    pub fn upload(&self) -> Result<ParquetUpload> {
        supported()?;
        let file = temporary_file(&self.directory).map_err(|e| disk_error(&e))?;
        Ok(ParquetUpload { file, bytes: 0, limit: self.limit })
    }

    /// A file of the server, as [`ParquetUpload::read`] gives what a client has sent.
    pub fn read(&self, file: File) -> Result<mpsc::Receiver<Result<Bytes>>> {
        supported()?;
        Ok(ParquetUpload { file, bytes: 0, limit: self.limit }.read())
    }

    /// Begins a file of batches with that schema, whose columns are carried so.
    pub fn download(&self, schema: &SchemaRef, carriers: Vec<Phys>) -> Result<ParquetDownload> {
        supported()?;
        let file = temporary_file(&self.directory).map_err(|e| disk_error(&e))?;
        let (batches, receiver) = mpsc::channel(AHEAD);
        let names: Vec<&String> = schema.fields().iter().map(|field| field.name()).collect();
        // To DuckDB they are the same in upper and lower case; it would call the second one something else.
        let twice = |(i, name): (usize, &&String)| names[..i].iter().any(|n| n.to_lowercase() == name.to_lowercase());
        if let Some((_, name)) = names.iter().enumerate().find(|(i, name)| twice((*i, name))) {
            let message = format!("column \"{name}\" would be in the Parquet file more than once");
            return Err(Error::new(SqlState::DUPLICATE_COLUMN, message).hint(
                "Names of columns in a Parquet file are the same in upper and lower case. Use AS to give another.",
            ));
        }
        let columns = names.into_iter().cloned().zip(carriers).collect();
        let seen = file.try_clone().map_err(|e| disk_error(&e))?;
        let done = tokio::task::spawn_blocking(move || {
            write_file(&file, columns, receiver)?;
            Ok(file)
        });
        Ok(ParquetDownload { batches, done, seen, limit: self.limit })
    }
}

impl ParquetUpload {
    /// A piece of the file. 54000 if it gets too long, 53100 if the disk is full.
    pub async fn add(&mut self, data: Bytes) -> Result<()> {
        self.bytes += data.len() as u64;
        check(self.bytes, self.limit)?;
        let mut file = self.file.try_clone().map_err(|e| disk_error(&e))?;
        let written = tokio::task::spawn_blocking(move || file.write_all(&data));
        written.await.map_err(Error::internal)?.map_err(|e| disk_error(&e))
    }

    /// The file is complete: its rows, as the bytes of an Arrow IPC stream, piece by piece. An empty piece is the end.
    pub fn read(self) -> mpsc::Receiver<Result<Bytes>> {
        let (sender, receiver) = mpsc::channel(AHEAD);
        tokio::task::spawn_blocking(move || {
            if let Err(error) = read(&self.file, &sender) {
                // Who is gone need not know.
                let _ = sender.blocking_send(Err(error));
            }
        });
        receiver
    }
}

impl ParquetDownload {
    pub async fn add(&mut self, batch: RecordBatch) -> Result<()> {
        check(self.seen.metadata().map_err(|e| disk_error(&e))?.len(), self.limit)?;
        if self.batches.send(batch).await.is_ok() {
            return Ok(());
        }
        // Who writes has ended: with an error.
        match (&mut self.done).await.map_err(Error::internal)? {
            Err(error) => Err(error),
            Ok(_) => Err(Error::internal("a Parquet file ended before its rows")),
        }
    }

    /// There are no more rows: the file, piece by piece. An empty piece is the end.
    pub async fn finish(self) -> Result<mpsc::Receiver<Result<Bytes>>> {
        drop(self.batches);
        let mut file = self.done.await.map_err(Error::internal)??;
        let (sender, receiver) = mpsc::channel(AHEAD);
        tokio::task::spawn_blocking(move || {
            let mut rewound = file.rewind();
            loop {
                let mut piece = vec![0; PIECE];
                let read = rewound.and_then(|()| file.read(&mut piece));
                rewound = Ok(());
                let piece = match read {
                    Ok(0) => return end(&sender),
                    Ok(length) => {
                        piece.truncate(length);
                        Ok(Bytes::from(piece))
                    }
                    Err(error) => Err(disk_error(&error)),
                };
                let failed = piece.is_err();
                if sender.blocking_send(piece).is_err() || failed {
                    return;
                }
            }
        });
        Ok(receiver)
    }
}

/// The file is opened by its number.
fn supported() -> Result<()> {
    if cfg!(target_os = "linux") { Ok(()) } else { Err(Error::unsupported("COPY in Parquet on this platform")) }
}

fn check(bytes: u64, limit: u64) -> Result<()> {
    if bytes <= limit {
        return Ok(());
    }
    let message = format!("a Parquet file of COPY has more than {limit} bytes");
    Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message)
        .hint("Make several smaller files, or raise limits.copy_file_bytes."))
}

/// How the instance calls the file.
pub(super) fn path(file: &File) -> String {
    format!("/proc/self/fd/{}", file.as_raw_fd())
}

/// What leaves an instance with the files and nothing else, and takes the settings out of anybody's hands.
pub(super) fn confined(files: &[&File]) -> String {
    let paths: Vec<String> = files.iter().map(|file| format!("'{}'", path(file))).collect();
    format!(
        "SET autoinstall_known_extensions = false; SET autoload_known_extensions = false; SET temp_directory = ''; \
         SET allowed_paths = [{}]; SET enable_external_access = false; SET lock_configuration = true",
        paths.join(", ")
    )
}

/// What DuckDB says of a file: its text may name nothing but the file, which has no name.
fn failed(text: &str) -> Error {
    let shown = text.lines().next().unwrap_or_default().trim_end_matches(['.', ' ']);
    let mut failed = if text.contains("No space left") {
        Error::new(SqlState::DISK_FULL, "could not write to temporary file: no space left on device")
    } else if text.contains("Out of Memory") {
        Error::new(SqlState::OUT_OF_MEMORY, "out of memory").hint("Write smaller row groups.")
    } else {
        Error::new(SqlState::BAD_COPY_FILE_FORMAT, "invalid Parquet file").detail(without_path(shown))
    };
    failed.report_mut().internal = Some(text.to_owned());
    failed
}

/// `… file '/proc/self/fd/12' …` → `… file …`.
pub(super) fn without_path(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().filter(|word| !word.contains("/proc/self/fd/")).collect();
    words.join(" ")
}

/// Reads the file's rows and sends them as an Arrow IPC stream.
fn read(file: &File, sender: &mpsc::Sender<Result<Bytes>>) -> Result<()> {
    let fail = |error: duckdb::Error| failed(&error.to_string());
    let connection = duckdb::Connection::open_in_memory().map_err(fail)?;
    let settings =
        format!("SET threads = 1; SET memory_limit = '{MEMORY_LIMIT}'; SET TimeZone = 'UTC'; {}", confined(&[file]));
    connection.execute_batch(&settings).map_err(fail)?;
    let sql = format!("SELECT * FROM read_parquet('{}', hive_partitioning = false)", path(file));
    let mut statement = connection.prepare(&sql).map_err(fail)?;
    let schema = statement.stream_arrow([]).map_err(fail)?.get_schema();
    let mut writer = StreamWriter::try_new(Vec::new(), &schema).map_err(arrow_error)?;
    // Not by the iterator, which panics on an error.
    while let Some(array) = statement.step().map_err(fail)? {
        let batch: RecordBatch = StructArray::into(array);
        writer.write(&batch).map_err(arrow_error)?;
        if writer.get_ref().len() >= STREAM_PIECE && !send(&mut writer, sender) {
            return Ok(());
        }
    }
    writer.finish().map_err(arrow_error)?;
    if send(&mut writer, sender) {
        end(sender);
    }
    Ok(())
}

/// Says that all has been sent: without it the channel was closed by an accident.
fn end(sender: &mpsc::Sender<Result<Bytes>>) {
    // Who is gone need not know.
    let _ = sender.blocking_send(Ok(Bytes::new()));
}

/// False if nobody takes it any more.
fn send(writer: &mut StreamWriter<Vec<u8>>, sender: &mpsc::Sender<Result<Bytes>>) -> bool {
    let piece = std::mem::take(writer.get_mut());
    sender.blocking_send(Ok(Bytes::from(piece))).is_ok()
}

/// Writes the batches as they come.
fn write_file(file: &File, columns: Vec<(String, Phys)>, batches: mpsc::Receiver<RecordBatch>) -> Result<()> {
    let fail = |raw: RawError| failed(&raw.0);
    let settings = [("threads", "1".to_owned()), ("memory_limit", MEMORY_LIMIT.to_owned())];
    let database = Database::open(None, &settings).map_err(fail)?;
    let raw = RawConnection::open(&database).map_err(fail)?;
    let source = Arc::new(Source { columns, reading: Mutex::new(Reading { batches, batch: None, row: 0 }) });
    TableFunction { name: "batches", parameters: &[], projection: false, bind, init, local: None, function: scan }
        .register(&raw, Box::new(source))?;
    raw.run(&confined(&[file])).map_err(fail)?;
    let path = path(file);
    let sql =
        format!("COPY (SELECT * FROM batches()) TO '{path}' (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false)");
    raw.run(&sql).map_err(fail)
}

/// What the table function `batches()` gives.
struct Source {
    columns: Vec<(String, Phys)>,
    reading: Mutex<Reading>,
}

struct Reading {
    batches: mpsc::Receiver<RecordBatch>,
    batch: Option<RecordBatch>,
    /// How far the batch is read.
    row: usize,
}

unsafe extern "C" fn bind(info: ffi::duckdb_bind_info) {
    let failed = guarded(|| {
        // SAFETY: a live handle, whose extra info is what register() gave.
        let source = unsafe { &*ffi::duckdb_bind_get_extra_info(info).cast::<Arc<Source>>() };
        output_columns(info, &source.columns)?;
        let bound = Box::new(Arc::clone(source));
        // SAFETY: a live handle; the box is given to DuckDB with its destructor.
        unsafe { ffi::duckdb_bind_set_bind_data(info, Box::into_raw(bound).cast(), Some(drop_box::<Arc<Source>>)) };
        Ok(())
    });
    set_bind(info, failed);
}

unsafe extern "C" fn init(info: ffi::duckdb_init_info) {
    // SAFETY: a live handle.
    unsafe { ffi::duckdb_init_set_max_threads(info, 1) };
}

unsafe extern "C-unwind" fn scan(info: ffi::duckdb_function_info, output: ffi::duckdb_data_chunk) {
    let failed = unwind::guarded_then(
        || Ok(()),
        |()| {
            // SAFETY: a live handle, whose data is what bind() gave.
            let source = unsafe { &*ffi::duckdb_function_get_bind_data(info).cast::<Arc<Source>>() };
            // SAFETY: no arguments.
            let room = unsafe { ffi::duckdb_vector_size() } as usize;
            let mut reading = source.reading.lock();
            let mut batch = reading.batch.take().filter(|batch| reading.row < batch.num_rows());
            while batch.as_ref().is_none_or(|batch| batch.num_rows() == 0) {
                reading.row = 0;
                batch = caught(|| reading.batches.blocking_recv())?;
                if batch.is_none() {
                    break;
                }
            }
            let mut rows = 0;
            if let Some(batch) = batch {
                rows = (batch.num_rows() - reading.row).min(room);
                for (i, (_, phys)) in source.columns.iter().enumerate() {
                    let span = Span { from: reading.row, at: 0, rows, texts: Texts::Copied };
                    // SAFETY: a live chunk with the source's columns, each of its type and with room for a vector's rows.
                    unsafe { write(ffi::duckdb_data_chunk_get_vector(output, i as u64), batch.column(i), span, phys)? };
                }
                reading.row += rows;
                reading.batch = Some(batch);
            }
            // SAFETY: a live chunk with that many rows written.
            unsafe { ffi::duckdb_data_chunk_set_size(output, rows as u64) };
            Ok(())
        },
    );
    set_output(info, output, failed);
}
