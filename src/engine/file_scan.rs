//! Files of the server in FROM (`read_parquet`, `read_csv`, `read_json` and kin), by the table function `dg_file(n)`.
//!
//! They are opened by [`super::server_files`], as COPY's are, and read by an instance of DuckDB of its own that can open nothing else:
//! docs/decisions/server-files.md. Which columns there are is found out when the statement is analyzed. When it runs, each file is opened
//! anew and has to be the one that was found, unchanged.

use std::collections::HashMap;
use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant, SystemTime};

use arrow::array::{ArrayRef, AsArray, StringArray};
use duckdb::ffi;
use parking_lot::Mutex;
use tokio::runtime::{Handle, RuntimeFlavor};

use super::file_columns::{self, FileColumn};
use super::logical::check;
use super::native::{caught, drop_box, guarded};
use super::parquet::{MEMORY_LIMIT, confined, path, without_path};
use super::raw::{Chunk, Database, QueryResult, RawConnection, RawError, RawResult};
use super::read::Column;
use super::server_files::{Reach, ServerFiles, is_pattern};
use super::system::{TableFunction, output_columns, parameter, set_bind, set_init, set_output};
use super::unwind;
use super::write::{Span, Texts, write};
use crate::error::{Error, Result, SqlState};
use crate::types::Phys;

/// How long it may take to find out which columns there are, and how often is asked meanwhile whether the statement is to stop.
const LOOKING: Duration = Duration::from_secs(30);
const ASKING: Duration = Duration::from_millis(20);
/// The most columns, as of a table.
const MOST_COLUMNS: usize = 1600;
/// The most files that one function reads, and that `glob()` names.
pub const MOST_FILES: usize = 250;
const MOST_NAMES: usize = 10_000;
/// Bytes of a row, as far as joins are put in order by it.
const ROW: u64 = 64;

/// What a statement says of files.
#[derive(Debug, Clone, PartialEq)]
pub struct FileRequest {
    pub format: FileFormat,
    pub paths: Vec<String>,
    /// What DuckDB's function of that format is told.
    pub options: Vec<(&'static str, FileOption)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFormat {
    Parquet,
    Csv,
    Json,
    /// The names of the files alone, of one pattern.
    Names,
}

#[derive(Debug, Clone, PartialEq)]
pub enum FileOption {
    Bool(bool),
    Number(i64),
    Text(String),
    List(Vec<FileOption>),
    Struct(Vec<(String, FileOption)>),
}

/// What one role may open; kept, since it is asked for again when the statement runs.
#[derive(Debug, Clone)]
pub struct FileReach {
    pub everything: bool,
    pub directories: Arc<[PathBuf]>,
}

impl FileReach {
    fn of(&self) -> Reach<'_> {
        Reach { everything: self.everything, directories: &self.directories }
    }
}

/// The scans that statements have, by number.
#[derive(Debug)]
pub struct FileScans {
    next: AtomicU64,
    open: Mutex<HashMap<u64, Weak<FileScan>>>,
    files: ServerFiles,
}

/// Files that were found: what a statement reads.
#[derive(Debug)]
pub struct FileScan {
    pub number: u64,
    pub columns: Vec<FileColumn>,
    request: FileRequest,
    reach: FileReach,
    found: Vec<Identity>,
    scans: Weak<FileScans>,
}

/// A file as it was when it was found.
#[derive(Debug, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    bytes: u64,
    changed: Option<SystemTime>,
}

impl Identity {
    fn of(file: &File) -> std::io::Result<Self> {
        use std::os::unix::fs::MetadataExt as _;
        let found = file.metadata()?;
        Ok(Self { device: found.dev(), inode: found.ino(), bytes: found.len(), changed: found.modified().ok() })
    }
}

impl FileFormat {
    fn function(self) -> &'static str {
        match self {
            Self::Parquet => "read_parquet",
            Self::Csv => "read_csv",
            Self::Json => "read_json",
            Self::Names => "glob",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Parquet => "Parquet",
            Self::Csv => "CSV",
            Self::Json => "JSON",
            Self::Names => "names",
        }
    }
}

impl FileOption {
    /// As a literal of DuckDB's.
    fn literal(&self) -> String {
        let listed = |parts: Vec<String>| parts.join(", ");
        match self {
            Self::Bool(value) => value.to_string(),
            Self::Number(value) => value.to_string(),
            Self::Text(text) => quoted(text),
            Self::List(items) => format!("[{}]", listed(items.iter().map(Self::literal).collect())),
            Self::Struct(fields) => {
                let field = |(name, value): &(String, Self)| format!("{}: {}", quoted(name), value.literal());
                format!("{{{}}}", listed(fields.iter().map(field).collect()))
            }
        }
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

impl FileScans {
    pub(super) fn new(files: ServerFiles) -> Arc<Self> {
        Arc::new(Self { next: AtomicU64::default(), open: Mutex::default(), files })
    }

    /// Opens the files and finds out which columns they have. `stopped` says whether the statement is to stop. Blocks.
    ///
    /// # Errors
    /// As [`ServerFiles::open`]; 22P04 for files that are not of the format.
    pub fn find(
        self: &Arc<Self>,
        mut request: FileRequest,
        reach: FileReach,
        stopped: &dyn Fn() -> Option<Error>,
    ) -> Result<Arc<FileScan>> {
        aside(|| {
            let (found, columns) = match request.format {
                FileFormat::Names => {
                    self.names(&request, &reach)?;
                    (Vec::new(), vec![file_columns::name_of_a_file()])
                }
                FileFormat::Parquet | FileFormat::Csv | FileFormat::Json => {
                    self.spell_out(&mut request, &reach)?;
                    let files = self.files_of(&request, &reach)?;
                    let found = files.iter().map(Identity::of).collect::<std::io::Result<_>>();
                    (found.map_err(Error::internal)?, look(&request, files, stopped)?)
                }
            };
            let number = self.next.fetch_add(1, Ordering::Relaxed) + 1;
            let scan = Arc::new(FileScan { number, columns, request, reach, found, scans: Arc::downgrade(self) });
            self.open.lock().insert(number, Arc::downgrade(&scan));
            Ok(scan)
        })
    }

    /// Puts the names that fit in the place of patterns.
    fn spell_out(&self, request: &mut FileRequest, reach: &FileReach) -> Result<()> {
        let mut paths = Vec::new();
        for path in std::mem::take(&mut request.paths) {
            if !is_pattern(&path) {
                paths.push(path);
                continue;
            }
            let found = self.files.matching(&path, reach.of(), MOST_FILES)?;
            if found.is_empty() {
                return Err(Error::new(SqlState::UNDEFINED_FILE, format!("no files fit the pattern \"{path}\"")));
            }
            paths.extend(found);
        }
        if paths.len() > MOST_FILES {
            let message = format!("a function in FROM reads {MOST_FILES} files at most");
            return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message));
        }
        request.paths = paths;
        Ok(())
    }

    /// What `glob()` gives.
    fn names(&self, request: &FileRequest, reach: &FileReach) -> Result<Vec<String>> {
        let found = request.paths.iter().map(|path| self.files.matching(path, reach.of(), MOST_NAMES));
        Ok(found.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
    }

    fn files_of(&self, request: &FileRequest, reach: &FileReach) -> Result<Vec<File>> {
        let open = |path: &String| self.files.open(path, reach.of());
        request.paths.iter().map(open).collect()
    }
}

impl FileScan {
    /// The files by their names, those that fit a pattern in the place of it.
    pub fn paths(&self) -> &[String] {
        &self.request.paths
    }
}

impl Drop for FileScan {
    fn drop(&mut self) {
        if let Some(scans) = self.scans.upgrade() {
            scans.open.lock().remove(&self.number);
        }
    }
}

/// Blocks this thread: the runtime gives its other tasks to another.
fn aside<T>(work: impl FnOnce() -> T) -> T {
    let threads = Handle::try_current().is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread);
    if threads { tokio::task::block_in_place(work) } else { work() }
}

/// An instance that can open these files and nothing else.
fn instance(files: &[File]) -> RawResult<RawConnection> {
    let settings = [("threads", "1".to_owned()), ("memory_limit", MEMORY_LIMIT.to_owned())];
    let database = Database::open(None, &settings)?;
    let raw = RawConnection::open(&database)?;
    raw.run("SET TimeZone = 'UTC'")?;
    raw.run(&confined(&files.iter().collect::<Vec<_>>()))?;
    Ok(raw)
}

/// `read_csv(['/proc/self/fd/7'], header = true)`
fn source(request: &FileRequest, files: &[File]) -> String {
    let paths: Vec<String> = files.iter().map(|file| quoted(&path(file))).collect();
    let mut call = format!("{}([{}]", request.format.function(), paths.join(", "));
    for (name, value) in &request.options {
        call.push_str(&format!(", {name} = {}", value.literal()));
    }
    call.push(')');
    call
}

/// Which columns the files have. A thread of its own looks: this one asks whether it is to go on.
fn look(request: &FileRequest, files: Vec<File>, stopped: &dyn Fn() -> Option<Error>) -> Result<Vec<FileColumn>> {
    let told = |raw: RawError| failed(request, &raw);
    let raw = Arc::new(instance(&files).map_err(told)?);
    let sql = format!("SELECT * FROM {} LIMIT 0", source(request, &files));
    let (sender, receiver) = channel();
    let begun = Instant::now();
    let looking = Arc::clone(&raw);
    let spawned = std::thread::Builder::new().name("duckgate-look".into()).spawn(move || {
        let columns = caught(|| {
            let mut result = looking.prepare(&sql)?.execute()?;
            let count = result.column_count();
            Ok((0..count.min(MOST_COLUMNS + 1)).map(|i| (result.column_name(i), result.column_type(i))).collect())
        });
        // Who is gone need not know.
        let _ = sender.send(columns);
        drop(files);
    });
    spawned.map_err(Error::internal)?;
    let mut over = None;
    let columns: Vec<_> = loop {
        match receiver.recv_timeout(ASKING) {
            Ok(columns) => match over {
                Some(error) => return Err(error),
                None => break columns?.map_err(told)?,
            },
            Err(RecvTimeoutError::Disconnected) => return Err(Error::internal("who looks at a file is gone")),
            Err(RecvTimeoutError::Timeout) => {}
        }
        if over.is_none() {
            let late = || Error::new(SqlState::QUERY_CANCELED, "it takes too long to find out what is in the file");
            over = stopped().or_else(|| (begun.elapsed() > LOOKING).then(late));
        }
        if over.is_some() {
            raw.interrupt();
        }
    };
    if columns.len() > MOST_COLUMNS {
        let message = format!("a file in FROM can have at most {MOST_COLUMNS} columns");
        return Err(Error::new(SqlState::TOO_MANY_COLUMNS, message));
    }
    columns.into_iter().map(|(name, ty)| file_columns::column(name, &ty)).collect()
}

/// What DuckDB says of the files; of their names it knows only numbers.
fn failed(request: &FileRequest, raw: &RawError) -> Error {
    let named: Vec<String> = request.paths.iter().take(1).map(|path| format!("\"{path}\"")).collect();
    let and_more = if request.paths.len() > 1 { " and others" } else { "" };
    let text = &raw.0;
    let mut failed = if text.contains("Out of Memory") {
        Error::new(SqlState::OUT_OF_MEMORY, "out of memory")
            .detail(format!("A file in FROM is read with {MEMORY_LIMIT} at most."))
    } else if text.starts_with("INTERRUPT") {
        Error::new(SqlState::QUERY_CANCELED, "canceling statement due to user request")
    } else {
        let message = format!("could not read {}{and_more} as {}", named.join(""), request.format.word());
        // What it would have one do has nothing to do with what stands in the statement.
        let advice = |line: &str| ["LINE ", "Possible ", "It is possible "].iter().any(|start| line.starts_with(start));
        let lines = text.lines().map(str::trim).take_while(|line| !advice(line)).take(5);
        let lines: Vec<String> = lines.filter(|line| !line.is_empty()).map(without_path).collect();
        Error::new(SqlState::BAD_COPY_FILE_FORMAT, message).detail(lines.join("\n"))
    };
    failed.report_mut().internal = Some(text.clone());
    failed
}

/// Registers `dg_file`.
pub(super) fn register(raw: &RawConnection, scans: &Arc<FileScans>) -> Result<()> {
    TableFunction {
        name: "dg_file",
        parameters: &[ffi::DUCKDB_TYPE_DUCKDB_TYPE_BIGINT],
        projection: true,
        bind,
        init,
        local: None,
        function: scan,
    }
    .register(raw, Box::new(Arc::clone(scans)))
}

/// Names that are given at once: a vector has room for more.
const AT_ONCE: usize = 1024;

/// How far a scan has come.
struct Scan {
    /// The columns that are read, with what carries them; `None` where DuckDB only counts rows.
    columns: Vec<Option<Phys>>,
    request: FileRequest,
    rows: Rows,
}

enum Rows {
    Read { result: QueryResult, _connection: RawConnection, _files: Vec<File> },
    Names(std::vec::IntoIter<String>),
}

impl Scan {
    fn begin(scan: &FileScan, wanted: &[usize]) -> Result<Self> {
        let scans = scan.scans.upgrade().ok_or_else(|| Error::internal("no scans of files"))?;
        if scan.request.format == FileFormat::Names {
            let names = scans.names(&scan.request, &scan.reach)?;
            let columns = wanted.iter().map(|i| scan.columns.get(*i).map(|column| column.phys.clone())).collect();
            return Ok(Self { columns, request: scan.request.clone(), rows: Rows::Names(names.into_iter()) });
        }
        let files = scans.files_of(&scan.request, &scan.reach)?;
        for ((file, found), path) in files.iter().zip(&scan.found).zip(&scan.request.paths) {
            if Identity::of(file).map_err(Error::internal)? != *found {
                let message = format!("file \"{path}\" has changed since the statement was planned");
                let error = Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message);
                return Err(error.hint("Run the statement again."));
            }
        }
        let columns: Vec<Option<&FileColumn>> = wanted.iter().map(|i| scan.columns.get(*i)).collect();
        let read: Vec<&FileColumn> = columns.iter().copied().flatten().collect();
        let mut values: Vec<String> =
            wanted.iter().filter_map(|i| scan.columns.get(*i).map(|column| column.value(&format!("f.c{i}")))).collect();
        if values.is_empty() {
            values.push("true".into());
        }
        let names: Vec<String> = (0..scan.columns.len()).map(|i| format!("c{i}")).collect();
        let sql =
            format!("SELECT {} FROM {} AS f({})", values.join(", "), source(&scan.request, &files), names.join(", "));
        let begun = (|| {
            let connection = instance(&files)?;
            let result = connection.prepare(&sql)?.execute()?;
            Ok((connection, result))
        })();
        let (connection, mut result) = begun.map_err(|raw| failed(&scan.request, &raw))?;
        for (i, column) in read.iter().enumerate() {
            check(&result.column_type(i), &column.phys)?;
        }
        let columns = columns.into_iter().map(|column| column.map(|column| column.phys.clone())).collect();
        let rows = Rows::Read { result, _connection: connection, _files: files };
        Ok(Self { columns, request: scan.request.clone(), rows })
    }

    /// The next rows: how many, and their columns.
    fn next(&mut self) -> Result<(usize, Vec<ArrayRef>)> {
        let result = match &mut self.rows {
            Rows::Read { result, .. } => result,
            Rows::Names(names) => {
                let names: Vec<String> = names.take(AT_ONCE).collect();
                let array: ArrayRef = Arc::new(StringArray::from_iter_values(&names));
                return Ok((names.len(), self.columns.iter().flatten().map(|_| Arc::clone(&array)).collect()));
            }
        };
        let chunk: Option<Chunk> = result.fetch().map_err(|raw| failed(&self.request, &raw))?;
        let Some(chunk) = chunk else { return Ok((0, Vec::new())) };
        let rows = chunk.rows();
        let mut arrays = Vec::with_capacity(self.columns.len());
        for (i, phys) in self.columns.iter().flatten().enumerate() {
            let mut column = Column::new(phys);
            // SAFETY: a live chunk of the result whose types were checked; DuckDB flattens what it hands out.
            unsafe { column.append(chunk.vector(i), rows)? };
            let array = column.finish()?;
            without_nul(&array)?;
            arrays.push(array);
        }
        Ok((rows, arrays))
    }
}

/// PostgreSQL's texts have no zero bytes, DuckDB's may.
fn without_nul(array: &ArrayRef) -> Result<()> {
    if let Some(texts) = array.as_string_opt::<i32>() {
        let offsets = texts.value_offsets();
        let (from, to) = (offsets[0] as usize, offsets[offsets.len() - 1] as usize);
        if texts.value_data()[from..to].contains(&0) {
            let message = "invalid byte sequence for encoding \"UTF8\": 0x00";
            return Err(Error::new(SqlState::CHARACTER_NOT_IN_REPERTOIRE, message));
        }
    }
    match array.as_list_opt::<i32>() {
        Some(list) => without_nul(list.values()),
        None => Ok(()),
    }
}

unsafe extern "C" fn bind(info: ffi::duckdb_bind_info) {
    let failed = guarded(|| {
        // SAFETY: a live handle, whose extra info is what register() gave.
        let scans = unsafe { &*ffi::duckdb_bind_get_extra_info(info).cast::<Arc<FileScans>>() };
        // SAFETY: a live handle; the first parameter is a BIGINT.
        let number = parameter(info, 0, |value| unsafe { ffi::duckdb_get_int64(value) }).cast_unsigned();
        let found = scans.open.lock().get(&number).and_then(Weak::upgrade);
        let found = found.ok_or_else(|| Error::internal(format!("no scan {number} of a file")))?;
        let columns: Vec<(String, Phys)> =
            found.columns.iter().enumerate().map(|(i, column)| (format!("c{i}"), column.phys.clone())).collect();
        output_columns(info, &columns)?;
        let rows = found.found.iter().map(|file| file.bytes).sum::<u64>() / ROW + 1;
        // SAFETY: a live handle; the box is given to DuckDB with its destructor.
        unsafe {
            ffi::duckdb_bind_set_cardinality(info, rows, false);
            ffi::duckdb_bind_set_bind_data(
                info,
                Box::into_raw(Box::new(found)).cast(),
                Some(drop_box::<Arc<FileScan>>),
            );
        }
        Ok(())
    });
    set_bind(info, failed);
}

unsafe extern "C" fn init(info: ffi::duckdb_init_info) {
    let failed = guarded(|| {
        // SAFETY: a live handle, whose bind data is what bind() gave.
        let bound = unsafe { &*ffi::duckdb_init_get_bind_data(info).cast::<Arc<FileScan>>() };
        // SAFETY: a live handle, and indexes in range.
        let wanted: Vec<usize> = unsafe {
            let count = ffi::duckdb_init_get_column_count(info);
            (0..count).map(|i| ffi::duckdb_init_get_column_index(info, i) as usize).collect()
        };
        let scan = Box::new(Mutex::new(Scan::begin(bound, &wanted)?));
        // SAFETY: a live handle; the box is given to DuckDB with its destructor.
        unsafe {
            ffi::duckdb_init_set_max_threads(info, 1);
            ffi::duckdb_init_set_init_data(info, Box::into_raw(scan).cast(), Some(drop_box::<Mutex<Scan>>));
        }
        Ok(())
    });
    set_init(info, failed);
}

unsafe extern "C-unwind" fn scan(info: ffi::duckdb_function_info, output: ffi::duckdb_data_chunk) {
    let failed = unwind::guarded_then(
        || {
            // SAFETY: a live handle, whose init data is what init() gave.
            let scan = unsafe { &*ffi::duckdb_function_get_init_data(info).cast::<Mutex<Scan>>() };
            let mut scan = scan.lock();
            let next = scan.next()?;
            Ok((scan, next))
        },
        |(scan, (rows, arrays))| {
            let mut arrays = arrays.iter();
            for (i, phys) in scan.columns.iter().enumerate() {
                let (Some(phys), Some(array)) = (phys, if phys.is_some() { arrays.next() } else { None }) else {
                    continue;
                };
                let span = Span { from: 0, at: 0, rows, texts: Texts::Copied };
                // SAFETY: a live chunk with the wanted columns, each of its type and with room for a vector's rows: a chunk has no more.
                unsafe { write(ffi::duckdb_data_chunk_get_vector(output, i as u64), array, span, phys)? };
            }
            // SAFETY: a live chunk with that many rows written.
            unsafe { ffi::duckdb_data_chunk_set_size(output, rows as u64) };
            Ok(())
        },
    );
    set_output(info, output, failed);
}
