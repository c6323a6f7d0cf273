//! A file of rows that grows at its end and shrinks at its beginning: a DuckDB of its own, with one table, beside the database.
//!
//! Nothing of it is known to the DuckDB that clients' statements reach, which can neither read nor write it: rows come in by
//! [`Ledger::append`] and out by [`Ledger::read`], nowhere else. What `append` has taken outlives a crash. Why a second instance:
//! docs/decisions/audit-table.md.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{Field, Schema};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use duckdb::ffi;
use parking_lot::Mutex;

use super::logical::{check, describe, logical_type};
use super::raw::{Appender, Chunk, Database, QueryResult, RawConnection, RawError, RawResult};
use super::read::{Column, array_of};
use super::write::{Span, Texts, write};
use crate::error::{Error, Result, SqlState};
use crate::types::Phys;

/// What the second instance may use: it holds the rows since its last checkpoint, and writes what is more to files beside its own.
const MEMORY: &str = "128MB";

/// The table, and the column by which its rows are counted.
const TABLE: &str = "records";
const NUMBER: &str = "number";

pub struct Ledger {
    path: PathBuf,
    columns: Vec<(String, Phys)>,
    state: Mutex<State>,
}

struct State {
    /// `None` after a failure, until it is opened again.
    open: Option<Open>,
    /// The number of the oldest row that is kept, and the one that the next row will have.
    first: i64,
    next: i64,
}

struct Open {
    writer: RawConnection,
    database: Arc<Database>,
}

/// Rows as they were when they began to be read.
pub struct LedgerRows {
    result: QueryResult,
    columns: Vec<Phys>,
    /// Its transaction is the snapshot that is read.
    _connection: RawConnection,
}

impl Ledger {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// It cannot be opened, or has something else in it.
    pub fn open(path: &Path, columns: Vec<(String, Phys)>) -> Result<Self> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|e| failed(path, e.to_string()))?;
        }
        let (open, (first, next)) = Open::at(path, &columns).map_err(|raw| failed(path, raw.0))?;
        let state = Mutex::new(State { open: Some(open), first, next });
        Ok(Self { path: path.to_owned(), columns, state })
    }

    /// How many rows are kept.
    pub fn rows(&self) -> u64 {
        let state = self.state.lock();
        (state.next - state.first).cast_unsigned()
    }

    /// Adds rows; they are on disk when this comes back. After a failure it is unknown whether they are: `number`, which it gave
    /// for the same rows before, says which they would be, and what is there already is not added twice. Blocks.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn append(&self, batch: &RecordBatch, number: &mut Option<i64>) -> Result<()> {
        let mut state = self.state.lock();
        let State { open, first, next } = &mut *state;
        let result = (|| {
            let open = match open {
                Some(open) => open,
                None => {
                    let (again, found) = Open::at(&self.path, &self.columns)?;
                    (*first, *next) = found;
                    open.insert(again)
                }
            };
            let begin = *number.get_or_insert(*next);
            let rows = batch.num_rows();
            // What came before a failure was written nevertheless, whole: it is one transaction.
            if begin + (rows as i64) > *next {
                open.append(batch, begin, &self.columns)?;
                *next = begin + rows as i64;
            }
            Ok(())
        })();
        if result.is_err() {
            // DuckDB may take no more after it could not write its log: it is to look at the file anew.
            *open = None;
        }
        result.map_err(|raw: RawError| failed(&self.path, raw.0))
    }

    /// Removes the oldest rows: all but so many, and those whose column of that number (a time) is before. Blocks.
    ///
    /// # Errors
    /// As [`Ledger::append`].
    pub fn trim(&self, rows: Option<u64>, before: Option<(usize, i64)>) -> Result<()> {
        let mut state = self.state.lock();
        let Some(open) = &state.open else { return Ok(()) };
        let least = rows.map_or(state.first, |rows| state.next.saturating_sub_unsigned(rows).max(state.first));
        let mut sql = format!("DELETE FROM {TABLE} WHERE {NUMBER} < {least}");
        if let Some((column, micros)) = before {
            let name = quoted(&self.columns[column].0);
            // Rows come in the order of their times, nearly: what is older than one that stays goes with the next trimming.
            sql.push_str(&format!(" OR epoch_us({name}) < {micros}"));
        }
        let done = open.writer.run(&sql).and_then(|()| open.bounds());
        match done {
            Ok((first, _)) => {
                state.first = first.unwrap_or(state.next);
                Ok(())
            }
            Err(raw) => {
                state.open = None;
                Err(failed(&self.path, raw.0))
            }
        }
    }

    /// Reads these columns of all rows, the oldest first.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read(&self, projection: &[usize]) -> Result<LedgerRows> {
        let state = self.state.lock();
        let broken = || failed(&self.path, "it could not be written, and is to be opened anew".into());
        let database = state.open.as_ref().ok_or_else(broken)?.database.clone();
        let columns: Vec<&(String, Phys)> = projection.iter().map(|i| &self.columns[*i]).collect();
        let mut names: Vec<String> = columns.iter().map(|(name, _)| quoted(name)).collect();
        if names.is_empty() {
            names.push(NUMBER.to_owned());
        }
        let sql = format!("SELECT {} FROM {TABLE} ORDER BY rowid", names.join(", "));
        let rows = (|| {
            let connection = RawConnection::open(&database)?;
            let result = connection.prepare(&sql)?.execute()?;
            Ok((connection, result))
        })();
        let (connection, mut result) = rows.map_err(|raw: RawError| failed(&self.path, raw.0))?;
        for (i, (_, phys)) in columns.iter().enumerate() {
            check(&result.column_type(i), phys)?;
        }
        let columns = columns.into_iter().map(|(_, phys)| phys.clone()).collect();
        Ok(LedgerRows { result, columns, _connection: connection })
    }

    /// Brings the file into its final form; what is appended later opens it anew. Blocks.
    pub fn close(&self) {
        let open = self.state.lock().open.take();
        if let Some(Err(error)) = open.map(|open| open.writer.run("CHECKPOINT")) {
            tracing::warn!(path = %self.path.display(), error = error.0, "no checkpoint: its log stays beside it");
        }
    }
}

impl Open {
    /// Opens the file; gives the numbers of the oldest row and of the next.
    fn at(path: &Path, columns: &[(String, Phys)]) -> RawResult<(Self, (i64, i64))> {
        let settings = [
            ("memory_limit", MEMORY.to_owned()),
            ("threads", "1".into()),
            ("enable_external_access", "false".into()),
            ("autoinstall_known_extensions", "false".into()),
            ("autoload_known_extensions", "false".into()),
            ("allow_persistent_secrets", "false".into()),
            ("duckdb_api", "duckgate".into()),
        ];
        let database = Database::open(Some(path), &settings)?;
        let writer = RawConnection::open(&database)?;
        let mut definition = format!("CREATE TABLE IF NOT EXISTS {TABLE} ({NUMBER} BIGINT NOT NULL");
        for (name, phys) in columns {
            let ty = logical_type(phys).map_err(|e| RawError(e.to_string()))?;
            definition.push_str(&format!(", {} {}", quoted(name), describe(&ty)));
        }
        definition.push(')');
        let open = Self { writer, database };
        if open.number(&format!("SELECT count(*) FROM duckdb_tables() WHERE table_name <> '{TABLE}'"))? != Some(0) {
            return Err(RawError("it is a database of something else".into()));
        }
        open.writer.run(&definition)?;
        let (first, last) = open.bounds()?;
        let bounds = (first.unwrap_or(1), last.map_or(1, |last| last + 1));
        Ok((open, bounds))
    }

    fn bounds(&self) -> RawResult<(Option<i64>, Option<i64>)> {
        let ask = |what: &str| self.number(&format!("SELECT {what}({NUMBER}) FROM {TABLE}"));
        Ok((ask("min")?, ask("max")?))
    }

    /// The one bigint that a query gives; `None` if it is NULL.
    fn number(&self, sql: &str) -> RawResult<Option<i64>> {
        let mut result = self.writer.prepare(sql)?.execute()?;
        let Some(chunk) = result.fetch()? else { return Ok(None) };
        // SAFETY: a live, flat vector of BIGINTs with a row in it: so the callers' queries are.
        let numbers = unsafe { array_of(chunk.vector(0), 1, &Phys::Int8) }.map_err(|e| RawError(e.to_string()))?;
        let numbers = arrow::array::AsArray::as_primitive_opt::<arrow::datatypes::Int64Type>(&numbers);
        Ok(numbers.and_then(|numbers| numbers.iter().next().flatten()))
    }

    /// All of the batch in one transaction.
    fn append(&self, batch: &RecordBatch, begin: i64, columns: &[(String, Phys)]) -> RawResult<()> {
        let told = |e: Error| RawError(e.to_string());
        let phys: Vec<&Phys> = std::iter::once(&Phys::Int8).chain(columns.iter().map(|(_, phys)| phys)).collect();
        let types = phys.iter().map(|phys| logical_type(phys)).collect::<Result<Vec<_>>>().map_err(told)?;
        let mut handles: Vec<_> = types.iter().map(|ty| ty.0).collect();
        // SAFETY: that many live types; the chunk is ours.
        let chunk = unsafe { Chunk::of(ffi::duckdb_create_data_chunk(handles.as_mut_ptr(), handles.len() as u64)) };
        // SAFETY: no arguments.
        let room = unsafe { ffi::duckdb_vector_size() } as usize;
        let end = begin + batch.num_rows() as i64;
        let numbers: ArrayRef = Arc::new(arrow::array::Int64Array::from_iter_values(begin..end));
        self.writer.begin_transaction()?;
        let appender = Appender::of(&self.writer, TABLE)?;
        let mut from = 0;
        while from < batch.num_rows() {
            let rows = room.min(batch.num_rows() - from);
            let span = Span { from, at: 0, rows, texts: Texts::Lent };
            // SAFETY: a live chunk of these columns with room for so many rows; the appender copies it while the batch is there.
            unsafe {
                ffi::duckdb_data_chunk_reset(chunk.handle());
                for (i, array) in std::iter::once(&numbers).chain(batch.columns()).enumerate() {
                    write(chunk.vector(i), array, span, phys[i]).map_err(told)?;
                }
                ffi::duckdb_data_chunk_set_size(chunk.handle(), rows as u64);
            }
            appender.append(&chunk)?;
            from += rows;
        }
        appender.close()?;
        self.writer.commit()
    }
}

impl Iterator for LedgerRows {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Result<RecordBatch>> {
        let chunk = match self.result.fetch() {
            Ok(chunk) => chunk?,
            Err(raw) => return Some(Err(Error::new(SqlState::IO_ERROR, "could not read the ledger").detail(raw.0))),
        };
        Some(self.batch(&chunk))
    }
}

impl LedgerRows {
    fn batch(&self, chunk: &Chunk) -> Result<RecordBatch> {
        let rows = chunk.rows();
        let mut arrays = Vec::with_capacity(self.columns.len());
        for (i, phys) in self.columns.iter().enumerate() {
            let mut column = Column::new(phys);
            // SAFETY: a live chunk of the result whose types were checked; DuckDB flattens what it hands out.
            unsafe { column.append(chunk.vector(i), rows)? };
            arrays.push(column.finish()?);
        }
        let fields: Vec<_> = self.columns.iter().map(|phys| Field::new("", phys.arrow(), true)).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options).map_err(Error::internal)
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn failed(path: &Path, problem: String) -> Error {
    let code = if problem.contains("No space left") { SqlState::DISK_FULL } else { SqlState::IO_ERROR };
    let first = problem.lines().next().unwrap_or_default().to_owned();
    Error::new(code, format!("{}: {first}", path.display()))
}
