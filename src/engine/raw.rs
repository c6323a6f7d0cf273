//! DuckDB's C API as owned handles: each is freed once, each call's errors come back as text.

use duckdb::ffi;
use parking_lot::Mutex;
use std::ffi::{CStr, CString, c_char};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::interrupts::{Flag, Interrupts};
use super::patience::{Patience, Stopwatch};

/// DuckDB's own error text, beginning with its kind ("Conversion Error: …").
#[derive(Debug, Clone)]
pub(super) struct RawError(pub String);

pub(super) type RawResult<T> = Result<T, RawError>;

/// A text for C. DuckDB's strings end at a NUL, and PostgreSQL's texts contain none.
fn c_string(text: &str) -> RawResult<CString> {
    CString::new(text).map_err(|_| RawError("Invalid Input Error: text contains a NUL character".into()))
}

/// A copy of DuckDB's text; the empty string for NULL.
///
/// # Safety
/// `text` is NULL or points to a NUL-terminated string.
pub(super) unsafe fn text_of(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: by this function's contract.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// An open database file, closed when the last user is gone.
pub(super) struct Database {
    handle: ffi::duckdb_database,
    /// The flags of its connections.
    pub interrupts: Arc<Interrupts>,
}

// SAFETY: a duckdb_database is a shared pointer to an instance that is thread-safe by DuckDB's own contract.
unsafe impl Send for Database {}
// SAFETY: as above; the calls on a shared handle, duckdb_connect and those on its tasks, may run concurrently.
unsafe impl Sync for Database {}

impl Database {
    /// Opens (or creates) the database with these settings. `None` is an in-memory database.
    pub fn open(path: Option<&Path>, settings: &[(&str, String)]) -> RawResult<Arc<Self>> {
        let path = match path {
            Some(path) => Some(c_string(&path.to_string_lossy())?),
            None => None,
        };
        let mut config: ffi::duckdb_config = std::ptr::null_mut();
        // SAFETY: out pointer to a local; freed below in every case.
        if unsafe { ffi::duckdb_create_config(&mut config) } != ffi::duckdb_state_DuckDBSuccess {
            return Err(RawError("Out of Memory Error: no configuration".into()));
        }
        let opened = Self::open_with(path.as_deref(), config, settings);
        // SAFETY: made above, freed once.
        unsafe { ffi::duckdb_destroy_config(&mut config) };
        opened
    }

    fn open_with(path: Option<&CStr>, config: ffi::duckdb_config, settings: &[(&str, String)]) -> RawResult<Arc<Self>> {
        for (name, value) in settings {
            let (c_name, c_value) = (c_string(name)?, c_string(value)?);
            // SAFETY: a live config and two NUL-terminated strings that outlive the call.
            let state = unsafe { ffi::duckdb_set_config(config, c_name.as_ptr(), c_value.as_ptr()) };
            if state != ffi::duckdb_state_DuckDBSuccess {
                return Err(RawError(format!("Invalid Configuration Error: {name} cannot be {value:?}")));
            }
        }
        let mut handle: ffi::duckdb_database = std::ptr::null_mut();
        let mut message: *mut c_char = std::ptr::null_mut();
        let path = path.map_or(std::ptr::null(), CStr::as_ptr);
        // SAFETY: path is NULL (in memory) or a NUL-terminated string; out pointers to locals.
        let state = unsafe { ffi::duckdb_open_ext(path, &mut handle, config, &mut message) };
        if state == ffi::duckdb_state_DuckDBSuccess {
            return Ok(Arc::new(Self { handle, interrupts: Arc::default() }));
        }
        // SAFETY: on failure DuckDB sets a NUL-terminated message that is ours to free.
        let text = unsafe { text_of(message) };
        // SAFETY: allocated by DuckDB, freed once; NULL is allowed.
        unsafe { ffi::duckdb_free(message.cast()) };
        Err(RawError(text))
    }

    /// Works on one of DuckDB's tasks; waits a few milliseconds for one, if there is none.
    pub fn execute_task(&self) {
        // SAFETY: a live database; any thread may work on its tasks.
        unsafe { ffi::duckdb_execute_tasks(self.handle, 1) };
    }

    /// Gives back what DuckDB's allocator keeps for this thread: its worker threads do that when they leave, and this one
    /// leaves before it has begun.
    pub fn give_back_memory(&self) {
        // SAFETY: a live database, which outlives the state; nobody else has the state, which is destroyed once.
        unsafe {
            let state = ffi::duckdb_create_task_state(self.handle);
            ffi::duckdb_finish_execution(state);
            ffi::duckdb_execute_tasks_state(state);
            ffi::duckdb_destroy_task_state(state);
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // SAFETY: opened by us, closed once; connections hold their own reference.
        unsafe { ffi::duckdb_close(&mut self.handle) };
    }
}

/// A connection. Calls are made by one thread at a time (its owner holds a lock), but for [`Self::interrupt`].
pub(super) struct RawConnection {
    handle: ffi::duckdb_connection,
    database: Arc<Database>,
    /// DuckDB's number for it.
    number: u64,
    interrupted: Flag,
    /// A transaction begins or ends, which an interrupt would have look as if it did not.
    turning: Mutex<bool>,
    /// What begins and ends transactions, prepared when it is first needed: to parse and plan it anew each time takes longer than
    /// many a transaction's statement.
    begin: OnceLock<Prepared>,
    commit: OnceLock<Prepared>,
    rollback: OnceLock<Prepared>,
}

// SAFETY: a connection may move between threads; DuckDB locks its context in every call.
unsafe impl Send for RawConnection {}
// SAFETY: every call takes the context's lock, and interrupt and execution_is_finished only touch atomics.
unsafe impl Sync for RawConnection {}

impl RawConnection {
    pub fn open(database: &Arc<Database>) -> RawResult<Self> {
        let mut handle: ffi::duckdb_connection = std::ptr::null_mut();
        // SAFETY: a live database and an out pointer to a local.
        if unsafe { ffi::duckdb_connect(database.handle, &mut handle) } != ffi::duckdb_state_DuckDBSuccess {
            return Err(RawError("Connection Error: cannot connect to the database".into()));
        }
        let mut context: ffi::duckdb_client_context = std::ptr::null_mut();
        // SAFETY: a live connection and an out pointer; the context is asked once and destroyed.
        let number = unsafe {
            ffi::duckdb_connection_get_client_context(handle, &mut context);
            let number = ffi::duckdb_client_context_get_connection_id(context);
            ffi::duckdb_destroy_client_context(&mut context);
            number
        };
        let interrupted = database.interrupts.add(number);
        let (begin, commit, rollback) = Default::default();
        let turning = Mutex::new(false);
        Ok(Self { handle, database: Arc::clone(database), number, interrupted, turning, begin, commit, rollback })
    }

    pub fn handle(&self) -> ffi::duckdb_connection {
        self.handle
    }

    pub fn interrupts(&self) -> &Arc<Interrupts> {
        &self.database.interrupts
    }

    /// A statement begins: what was asked of the one before is forgotten.
    pub fn begin(&self) {
        self.interrupted.store(false, Ordering::Relaxed);
    }

    /// Asks what runs here to stop, DuckDB and the natives that it calls. Has no effect on what is begun later, nor on BEGIN, COMMIT
    /// and ROLLBACK: DuckDB would carry them out and then say that it was interrupted.
    pub fn interrupt(&self) {
        let turning = self.turning.lock();
        if *turning {
            return;
        }
        self.interrupted.store(true, Ordering::Relaxed);
        // SAFETY: the handle lives as long as self; the call sets a flag and is allowed from any thread.
        unsafe { ffi::duckdb_interrupt(self.handle) };
    }

    /// True once the running query has produced all of its rows (some may wait to be fetched).
    pub fn execution_is_finished(&self) -> bool {
        // SAFETY: the handle lives as long as self.
        unsafe { ffi::duckdb_execution_is_finished(self.handle) }
    }

    /// Runs statements of our own (SET …) for their effect.
    pub fn run(&self, sql: &str) -> RawResult<()> {
        let sql = c_string(sql)?;
        // SAFETY: all-zero is what DuckDB expects of an out result.
        let mut result: ffi::duckdb_result = unsafe { std::mem::zeroed() };
        // SAFETY: a live connection, a NUL-terminated string, an out pointer to a local.
        let state = unsafe { ffi::duckdb_query(self.handle, sql.as_ptr(), &mut result) };
        let mut result = QueryResult(result);
        if state == ffi::duckdb_state_DuckDBSuccess { Ok(()) } else { Err(result.error()) }
    }

    /// BEGIN, of a transaction that may write.
    pub fn begin_transaction(&self) -> RawResult<()> {
        self.turn(&self.begin, "BEGIN TRANSACTION")
    }

    /// COMMIT. It waits for the disk, in a task that a helper may have taken: not by [`Self::run`], which would ask without
    /// a pause whether it is done.
    pub fn commit(&self) -> RawResult<()> {
        self.turn(&self.commit, "COMMIT")
    }

    pub fn roll_back(&self) -> RawResult<()> {
        self.turn(&self.rollback, "ROLLBACK")
    }

    /// BEGIN, of a transaction that only reads.
    pub fn begin_read_only(&self) -> RawResult<()> {
        self.uninterrupted(|| self.run("BEGIN TRANSACTION READ ONLY"))
    }

    /// Begins or ends a transaction.
    fn turn(&self, known: &OnceLock<Prepared>, sql: &str) -> RawResult<()> {
        self.uninterrupted(|| self.run_again(known, sql))
    }

    fn uninterrupted(&self, turn: impl FnOnce() -> RawResult<()>) -> RawResult<()> {
        *self.turning.lock() = true;
        let turned = turn();
        *self.turning.lock() = false;
        turned
    }

    fn run_again(&self, known: &OnceLock<Prepared>, sql: &str) -> RawResult<()> {
        let prepared = match known.get() {
            Some(prepared) => prepared,
            None => {
                let prepared = self.prepare(sql)?;
                known.get_or_init(|| prepared)
            }
        };
        prepared.execute().map(drop)
    }

    pub fn prepare(&self, sql: &str) -> RawResult<Prepared> {
        let sql = c_string(sql)?;
        let mut handle: ffi::duckdb_prepared_statement = std::ptr::null_mut();
        // SAFETY: a live connection, a NUL-terminated string, an out pointer to a local.
        let state = unsafe { ffi::duckdb_prepare(self.handle, sql.as_ptr(), &mut handle) };
        let prepared = Prepared(handle);
        if state == ffi::duckdb_state_DuckDBSuccess {
            return Ok(prepared);
        }
        // SAFETY: a failed statement holds its error text until it is destroyed.
        Err(RawError(unsafe { text_of(ffi::duckdb_prepare_error(handle)) }))
    }
}

impl Drop for RawConnection {
    fn drop(&mut self) {
        self.database.interrupts.remove(self.number);
        // SAFETY: opened by us, closed once. An open transaction is rolled back.
        unsafe { ffi::duckdb_disconnect(&mut self.handle) };
    }
}

/// A prepared statement.
pub(super) struct Prepared(ffi::duckdb_prepared_statement);

// SAFETY: it owns its data and may move between threads; its owner uses it from one thread at a time.
unsafe impl Send for Prepared {}

impl Prepared {
    pub fn parameter_count(&self) -> usize {
        // SAFETY: a live statement.
        unsafe { ffi::duckdb_nparams(self.0) as usize }
    }

    pub fn statement_type(&self) -> ffi::duckdb_statement_type {
        // SAFETY: a live statement.
        unsafe { ffi::duckdb_prepared_statement_type(self.0) }
    }

    /// Binds parameter `index` (from 1).
    pub fn bind(&self, index: usize, value: &OwnedValue) -> RawResult<()> {
        // SAFETY: a live statement and a live value, which DuckDB copies.
        let state = unsafe { ffi::duckdb_bind_value(self.0, index as u64, value.0) };
        if state == ffi::duckdb_state_DuckDBSuccess {
            return Ok(());
        }
        // SAFETY: the statement holds its error text.
        Err(RawError(unsafe { text_of(ffi::duckdb_prepare_error(self.0)) }))
    }

    /// Runs it until the first rows are there (or the end, if it gives no stream).
    pub fn execute(&self) -> RawResult<QueryResult> {
        self.pend()?.finish()
    }

    /// As [`Self::execute`]; `late` is called once it has taken longer than `planning` to plan, or
    /// longer than `alone` to run.
    pub fn execute_alone_for(
        &self,
        planning: Patience,
        alone: Patience,
        late: impl FnOnce(),
    ) -> RawResult<QueryResult> {
        let begun = Stopwatch::start();
        let pending = self.pend()?;
        if begun.is_past(planning) || !pending.run_for(alone)? {
            late();
        }
        pending.finish()
    }

    /// Plans it.
    pub fn pend(&self) -> RawResult<Pending> {
        let mut pending = Pending(std::ptr::null_mut());
        // SAFETY: a live statement whose parameters are bound, and an out pointer.
        let state = unsafe { ffi::duckdb_pending_prepared_streaming(self.0, &mut pending.0) };
        if state == ffi::duckdb_state_DuckDBSuccess { Ok(pending) } else { Err(pending.error()) }
    }
}

impl Drop for Prepared {
    fn drop(&mut self) {
        // SAFETY: made by duckdb_prepare, destroyed once.
        unsafe { ffi::duckdb_destroy_prepare(&mut self.0) };
    }
}

/// How often a thread whose statement is in others' hands gives way before it sleeps, and for how long it then does.
const GIVES_WAY: u32 = 64;
const PAUSE: Duration = Duration::from_micros(20);

/// A statement that is planned and runs as it is asked to.
pub(super) struct Pending(ffi::duckdb_pending_result);

// SAFETY: it owns its data, keeps its connection's context alive, and is used by one thread at a time.
unsafe impl Send for Pending {}

impl Pending {
    fn error(&self) -> RawError {
        // SAFETY: a pending result holds its error text; NULL is answered by NULL.
        RawError(unsafe { text_of(ffi::duckdb_pending_error(self.0)) })
    }

    /// Carries out tasks for so long; true if the result is ready by then.
    pub fn run_for(&self, patience: Patience) -> RawResult<bool> {
        let begun = Stopwatch::start();
        loop {
            // SAFETY: a live pending result.
            let state = unsafe { ffi::duckdb_pending_execute_task(self.0) };
            match state {
                ffi::duckdb_pending_state_DUCKDB_PENDING_RESULT_READY => return Ok(true),
                ffi::duckdb_pending_state_DUCKDB_PENDING_RESULT_NOT_READY if !begun.is_past(patience) => {}
                // A helper, called for another statement, has its task in hand.
                ffi::duckdb_pending_state_DUCKDB_PENDING_NO_TASKS_AVAILABLE if !begun.is_past(patience) => {
                    std::thread::yield_now();
                }
                ffi::duckdb_pending_state_DUCKDB_PENDING_ERROR => return Err(self.error()),
                // Its time is up.
                _ => return Ok(false),
            }
        }
    }

    /// Works until the result is ready. While others have all its tasks in hand this thread gives way: DuckDB's own loop
    /// (in duckdb_execute_pending) asks without a pause.
    fn work_off(&self) -> RawResult<()> {
        let mut idle = 0;
        loop {
            // SAFETY: a live pending result.
            match unsafe { ffi::duckdb_pending_execute_task(self.0) } {
                ffi::duckdb_pending_state_DUCKDB_PENDING_RESULT_READY => return Ok(()),
                ffi::duckdb_pending_state_DUCKDB_PENDING_ERROR => return Err(self.error()),
                ffi::duckdb_pending_state_DUCKDB_PENDING_NO_TASKS_AVAILABLE => {
                    idle += 1;
                    if idle < GIVES_WAY { std::thread::yield_now() } else { std::thread::sleep(PAUSE) }
                }
                _ => idle = 0,
            }
        }
    }

    /// Waits for the result.
    pub fn finish(self) -> RawResult<QueryResult> {
        self.work_off()?;
        // SAFETY: all-zero is what DuckDB expects of an out result.
        let mut result: ffi::duckdb_result = unsafe { std::mem::zeroed() };
        // SAFETY: a live pending result and an out pointer to a local.
        let state = unsafe { ffi::duckdb_execute_pending(self.0, &mut result) };
        let mut result = QueryResult(result);
        if state == ffi::duckdb_state_DuckDBSuccess { Ok(result) } else { Err(result.error()) }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        // SAFETY: made by duckdb_pending_prepared_streaming, destroyed once; NULL is allowed.
        unsafe { ffi::duckdb_destroy_pending(&mut self.0) };
    }
}

/// A result, streamed where DuckDB streams.
pub(super) struct QueryResult(ffi::duckdb_result);

// SAFETY: it owns its data, keeps its connection's context alive, and is used by one thread at a time.
unsafe impl Send for QueryResult {}

impl QueryResult {
    /// The error that it carries; an empty text if DuckDB gives none.
    pub fn error(&mut self) -> RawError {
        // SAFETY: a live result; the text lives as long as it.
        RawError(unsafe { text_of(ffi::duckdb_result_error(&mut self.0)) })
    }

    pub fn rows_changed(&mut self) -> u64 {
        // SAFETY: a live result.
        unsafe { ffi::duckdb_rows_changed(&mut self.0) }
    }

    pub fn column_count(&mut self) -> usize {
        // SAFETY: a live result.
        unsafe { ffi::duckdb_column_count(&mut self.0) as usize }
    }

    pub fn column_type(&mut self, column: usize) -> LogicalType {
        // SAFETY: a live result; an index out of range gives NULL, which LogicalType allows.
        LogicalType(unsafe { ffi::duckdb_column_logical_type(&mut self.0, column as u64) })
    }

    pub fn column_name(&mut self, column: usize) -> String {
        // SAFETY: a live result; the text lives as long as it, and is NULL for an index out of range.
        unsafe { text_of(ffi::duckdb_column_name(&mut self.0, column as u64)) }
    }

    /// The next chunk, with rows in it; `None` at the end.
    pub fn fetch(&mut self) -> RawResult<Option<Chunk>> {
        // SAFETY: a live result, passed by value as the API has it; DuckDB does not take ownership.
        let chunk = unsafe { ffi::duckdb_fetch_chunk(self.0) };
        if !chunk.is_null() {
            let chunk = Chunk(chunk);
            if chunk.rows() > 0 {
                return Ok(Some(chunk));
            }
        }
        let error = self.error();
        if error.0.is_empty() { Ok(None) } else { Err(error) }
    }
}

impl Drop for QueryResult {
    fn drop(&mut self) {
        // SAFETY: filled by DuckDB, destroyed once.
        unsafe { ffi::duckdb_destroy_result(&mut self.0) };
    }
}

/// A chunk of rows that we own.
pub(super) struct Chunk(ffi::duckdb_data_chunk);

impl Chunk {
    /// # Safety
    /// The chunk is live, and the caller's to give.
    pub unsafe fn of(handle: ffi::duckdb_data_chunk) -> Self {
        Self(handle)
    }

    pub fn handle(&self) -> ffi::duckdb_data_chunk {
        self.0
    }

    pub fn rows(&self) -> usize {
        // SAFETY: a live chunk.
        unsafe { ffi::duckdb_data_chunk_get_size(self.0) as usize }
    }

    pub fn vector(&self, column: usize) -> ffi::duckdb_vector {
        // SAFETY: a live chunk; the vector lives as long as it.
        unsafe { ffi::duckdb_data_chunk_get_vector(self.0, column as u64) }
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        // SAFETY: given to us by DuckDB, destroyed once.
        unsafe { ffi::duckdb_destroy_data_chunk(&mut self.0) };
    }
}

/// Chunks on their way into a table, whose columns they have.
pub(super) struct Appender<'a> {
    handle: ffi::duckdb_appender,
    _connection: &'a RawConnection,
}

impl<'a> Appender<'a> {
    pub fn of(connection: &'a RawConnection, table: &str) -> RawResult<Self> {
        let table = c_string(table)?;
        let mut handle: ffi::duckdb_appender = std::ptr::null_mut();
        // SAFETY: a live connection, NULL for the default schema, a NUL-terminated string, an out pointer to a local.
        let state =
            unsafe { ffi::duckdb_appender_create(connection.handle, std::ptr::null(), table.as_ptr(), &mut handle) };
        let appender = Self { handle, _connection: connection };
        appender.done(state)?;
        Ok(appender)
    }

    pub fn append(&self, chunk: &Chunk) -> RawResult<()> {
        // SAFETY: a live appender and a live chunk, which DuckDB copies.
        self.done(unsafe { ffi::duckdb_append_data_chunk(self.handle, chunk.0) })
    }

    /// Writes what was appended, into the connection's transaction.
    pub fn close(self) -> RawResult<()> {
        // SAFETY: a live appender; it is destroyed afterwards in any case.
        self.done(unsafe { ffi::duckdb_appender_close(self.handle) })
    }

    fn done(&self, state: ffi::duckdb_state) -> RawResult<()> {
        if state == ffi::duckdb_state_DuckDBSuccess {
            return Ok(());
        }
        // SAFETY: an appender, even one that was not made, holds its error text.
        Err(RawError(unsafe { text_of(ffi::duckdb_appender_error(self.handle)) }))
    }
}

impl Drop for Appender<'_> {
    fn drop(&mut self) {
        // SAFETY: made by us, destroyed once; what is not written yet is of no interest any more.
        unsafe { ffi::duckdb_appender_destroy(&mut self.handle) };
    }
}

/// A type of DuckDB's.
pub(super) struct LogicalType(pub ffi::duckdb_logical_type);

// SAFETY: an owned copy of a type description; only read after it is made.
unsafe impl Send for LogicalType {}
// SAFETY: as above.
unsafe impl Sync for LogicalType {}

impl LogicalType {
    pub fn id(&self) -> ffi::duckdb_type {
        if self.0.is_null() {
            return ffi::DUCKDB_TYPE_DUCKDB_TYPE_INVALID;
        }
        // SAFETY: a live type.
        unsafe { ffi::duckdb_get_type_id(self.0) }
    }
}

impl Drop for LogicalType {
    fn drop(&mut self) {
        // SAFETY: ours, destroyed once; NULL is allowed.
        unsafe { ffi::duckdb_destroy_logical_type(&mut self.0) };
    }
}

/// A value of DuckDB's.
pub(super) struct OwnedValue(pub ffi::duckdb_value);

impl Drop for OwnedValue {
    fn drop(&mut self) {
        // SAFETY: ours, destroyed once; NULL is allowed.
        unsafe { ffi::duckdb_destroy_value(&mut self.0) };
    }
}
