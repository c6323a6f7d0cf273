//! How memory_limit is shared: DuckDB sees neither the gateway's own memory nor what its allocator keeps, so it is told of a part, and
//! each call of a native function has a budget of bytes.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::{Error, Result, SqlState};

pub use super::interrupts::tick;

/// PostgreSQL's limit for one value, in bytes.
const MAX_VALUE: usize = 0x3fff_ffff;
/// The part of memory_limit that one call may take, as a divisor: several run at once, and their results are copied.
const SHARE: u64 = 8;

/// The part that DuckDB is not told of, as a divisor, and the most that it is: for buffers of loads and results, and for what DuckDB's
/// allocator keeps beyond what it has been asked for.
const BESIDE: u64 = 3;
const MOST_BESIDE: u64 = 256 << 20;

/// DuckDB's own memory_limit, of the whole one.
pub(super) fn of_duckdb(memory_limit: u64) -> u64 {
    memory_limit - (memory_limit / BESIDE).min(MOST_BESIDE)
}

/// For each call of a native function, in bytes; set when the database is opened.
static CALL: AtomicUsize = AtomicUsize::new(MAX_VALUE);

thread_local! {
    /// What is left for the call that runs on this thread.
    static LEFT: Cell<usize> = const { Cell::new(MAX_VALUE) };
}

/// What sessions may have beside DuckDB's memory, all together, of each kind: as a divisor of memory_limit, and the least that it is.
const SESSIONS_SHARE: u64 = 2;
const LEAST_FOR_SESSIONS: usize = 64 << 20;

/// Of one kind: what sessions may have and what they have, in bytes.
struct Account {
    most: AtomicUsize,
    taken: AtomicUsize,
}

impl Account {
    const fn new() -> Self {
        Self { most: AtomicUsize::new(usize::MAX), taken: AtomicUsize::new(0) }
    }

    fn open(&self, memory_limit: u64) {
        let share = usize::try_from(memory_limit / SESSIONS_SHARE).unwrap_or(usize::MAX);
        self.most.store(share.max(LEAST_FOR_SESSIONS), Ordering::Relaxed);
    }

    /// Gives the most that there may be, if this is more.
    fn take(&self, bytes: usize) -> std::result::Result<(), usize> {
        let most = self.most.load(Ordering::Relaxed);
        let fits = |taken: usize| taken.checked_add(bytes).filter(|taken| *taken <= most);
        self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).map(drop).map_err(|_| most)
    }

    fn give_back(&self, bytes: usize) {
        self.taken.fetch_sub(bytes, Ordering::Relaxed);
    }
}

static TEXTS: Account = Account::new();
static ROWS: Account = Account::new();

/// Sets the budgets by DuckDB's memory_limit.
pub(super) fn open(memory_limit: u64) {
    let share = usize::try_from(memory_limit / SHARE).unwrap_or(MAX_VALUE);
    CALL.store(share.clamp(1 << 20, MAX_VALUE), Ordering::Relaxed);
    TEXTS.open(memory_limit);
    ROWS.open(memory_limit);
}

/// What the trees of one text take, given back when it goes.
#[derive(Debug, Default)]
pub struct TextMemory(AtomicUsize);

impl TextMemory {
    /// Takes more.
    ///
    /// # Errors
    /// 53200: all texts together would take more than their share.
    pub fn take(&self, bytes: usize) -> Result<()> {
        TEXTS.take(bytes).map_err(|most| {
            Error::new(SqlState::OUT_OF_MEMORY, "out of memory")
                .detail(format!(
                    "Texts of statements may take {} MB together while they are compiled, and as long as they are prepared.",
                    most >> 20
                ))
                .hint("Send shorter statements (rows by COPY, lists as one array parameter), or raise memory_limit.")
        })?;
        self.0.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }

    /// Has it taken any?
    pub fn is_counted(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

impl Drop for TextMemory {
    fn drop(&mut self) {
        TEXTS.give_back(*self.0.get_mut());
    }
}

/// What rows take that a session keeps (of a cursor, a loop, a function), given back when they go.
#[derive(Debug, Default)]
pub struct RowMemory(usize);

impl RowMemory {
    /// Takes more.
    ///
    /// # Errors
    /// 53200: the rows that all sessions keep would take more than their share.
    pub fn take(&mut self, bytes: usize) -> Result<()> {
        ROWS.take(bytes).map_err(|most| {
            Error::new(SqlState::OUT_OF_MEMORY, "out of memory")
                .detail(format!(
                    "Rows that cursors (WITH HOLD, SCROLL), loops and functions keep may take {} MB together.",
                    most >> 20
                ))
                .hint("Read them as they come, CLOSE cursors that are no longer read, or raise memory_limit.")
        })?;
        self.0 += bytes;
        Ok(())
    }

    pub fn bytes(&self) -> usize {
        self.0
    }
}

impl Drop for RowMemory {
    fn drop(&mut self) {
        ROWS.give_back(self.0);
    }
}

/// A call begins: over one vector of rows.
pub(super) fn begin() {
    LEFT.set(CALL.load(Ordering::Relaxed));
}

/// A function is about to make so many bytes that its input has not.
///
/// # Errors
/// 57014 if the statement is to stop, 54000 if no value may be so large, 53200 if this is more than one call may make.
pub fn spend(bytes: usize) -> Result<()> {
    super::interrupts::tick()?;
    if bytes > MAX_VALUE {
        return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "requested length too large"));
    }
    let left = LEFT.get().checked_sub(bytes).ok_or_else(|| {
        Error::new(SqlState::OUT_OF_MEMORY, "out of memory")
            .detail("The texts that one function makes at a time are too large.")
            .hint("Ask for shorter ones, or raise memory_limit.")
    })?;
    LEFT.set(left);
    Ok(())
}

/// What is taken for a while and given back when this goes.
pub struct Lent(usize);

impl Drop for Lent {
    fn drop(&mut self) {
        LEFT.set(LEFT.get().saturating_add(self.0));
    }
}

/// As [`spend`], for what is needed only until the value is made.
///
/// # Errors
/// As [`spend`].
pub fn lend(bytes: usize) -> Result<Lent> {
    spend(bytes)?;
    Ok(Lent(bytes))
}
