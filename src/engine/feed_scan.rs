//! The table function `duckgate_feed(n)`: DuckDB's threads take a feed's batches, and decode its blocks.

use std::cell::RefCell;
use std::ffi::CString;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::record_batch::RecordBatch;
use duckdb::ffi;
use parking_lot::Mutex;

use super::feed::{Beginning, Feed, Feeds, Piece, Threads};
use super::native::{caught, drop_box, guarded};
use super::raw::RawConnection;
use super::system::{TableFunction, output_columns, parameter, set_bind, set_init, set_output};
use super::unwind;
use super::write::{Span, Texts, write};
use super::{Block, Vectors};
use crate::error::{Error, Result};

/// More than DuckDB has: it takes as many as there are.
const MOST_THREADS: u64 = 1024;

thread_local! {
    /// The feed that the statement reads which this thread has just prepared. Binding happens inside that call.
    static BOUND: RefCell<Option<Arc<Feed>>> = const { RefCell::new(None) };
}

/// Takes the feed that the last prepared statement reads, if it reads one.
pub(super) fn bound() -> Option<Arc<Feed>> {
    BOUND.take()
}

/// Registers `duckgate_feed`.
pub(super) fn register(raw: &RawConnection, feeds: &Arc<Feeds>) -> Result<()> {
    TableFunction {
        name: "duckgate_feed",
        parameters: &[ffi::DUCKDB_TYPE_DUCKDB_TYPE_BIGINT],
        projection: false,
        bind,
        init,
        local: Some(local),
        function: scan,
    }
    .register(raw, Box::new(Arc::clone(feeds)))
}

unsafe extern "C" fn bind(info: ffi::duckdb_bind_info) {
    let failed = guarded(|| {
        // SAFETY: a live handle, whose extra info is what register() gave.
        let feeds = unsafe { &*ffi::duckdb_bind_get_extra_info(info).cast::<Arc<Feeds>>() };
        // SAFETY: a live handle; the first parameter is a BIGINT.
        let number = parameter(info, 0, |value| unsafe { ffi::duckdb_get_int64(value) });
        let feed = feeds.bind(number as u64).ok_or_else(|| Error::internal(format!("no feed {number}")))?;
        output_columns(info, &feed.columns)?;
        BOUND.set(Some(Arc::clone(&feed)));
        // SAFETY: a live handle; the box is given to DuckDB with its destructor.
        unsafe {
            ffi::duckdb_bind_set_bind_data(info, Box::into_raw(Box::new(feed)).cast(), Some(drop_box::<Arc<Feed>>));
        }
        Ok(())
    });
    set_bind(info, failed);
}

/// How far one of a scan's threads has come.
#[derive(Default)]
struct Local {
    next: Option<Next>,
    /// What the last chunk's texts are in: DuckDB is done with them when it asks for the next.
    held: Vec<Held>,
}

/// What a thread is reading, and how far.
enum Next {
    Batch(RecordBatch, usize),
    Block(u64, Arc<dyn Block>, usize),
}

/// What is only to live on.
enum Held {
    Batch { _of: RecordBatch },
    Block { _of: Arc<dyn Block> },
    Arrays { _of: Vec<ArrayRef> },
}

unsafe extern "C" fn init(info: ffi::duckdb_init_info) {
    let failed: Option<CString> = guarded(|| {
        // SAFETY: a live handle, whose bind data is what bind() gave.
        let feed = unsafe { &*ffi::duckdb_init_get_bind_data(info).cast::<Arc<Feed>>() };
        let beginning = feed.begin()?;
        let threads = match beginning.threads {
            Threads::Several => MOST_THREADS,
            Threads::One => 1,
        };
        let scan = Box::new(beginning);
        // SAFETY: a live handle; the box is given to DuckDB with its destructor.
        unsafe {
            ffi::duckdb_init_set_max_threads(info, threads);
            ffi::duckdb_init_set_init_data(info, Box::into_raw(scan).cast(), Some(drop_box::<Beginning>));
        }
        Ok(())
    });
    set_init(info, failed);
}

unsafe extern "C" fn local(info: ffi::duckdb_init_info) {
    let local = Box::new(Mutex::new(Local::default()));
    // SAFETY: a live handle; the box is given to DuckDB with its destructor.
    unsafe { ffi::duckdb_init_set_init_data(info, Box::into_raw(local).cast(), Some(drop_box::<Mutex<Local>>)) };
}

unsafe extern "C-unwind" fn scan(info: ffi::duckdb_function_info, output: ffi::duckdb_data_chunk) {
    let failed = unwind::guarded_then(
        || Ok(()),
        |()| {
            // SAFETY: live handles, whose data is what bind(), init() and local() gave.
            let (feed, scan, local) = unsafe {
                (
                    &*ffi::duckdb_function_get_bind_data(info).cast::<Arc<Feed>>(),
                    &*ffi::duckdb_function_get_init_data(info).cast::<Beginning>(),
                    &*ffi::duckdb_function_get_local_init_data(info).cast::<Mutex<Local>>(),
                )
            };
            let mut local = local.lock();
            local.held.clear();
            // SAFETY: no arguments.
            let room = unsafe { ffi::duckdb_vector_size() } as usize;
            let mut filled = 0;
            while scan.live && filled < room {
                let next = match local.next.take() {
                    Some(next) => next,
                    None => match caught(|| feed.pull(filled == 0))? {
                        Some(Piece::Batch(batch)) => Next::Batch(batch, 0),
                        Some(Piece::Block(number, block)) => Next::Block(number, block, 0),
                        None => break,
                    },
                };
                // SAFETY: a live chunk with the feed's columns and room for `room` rows; what the rows are in is held until DuckDB
                // asks for the next chunk.
                filled += unsafe {
                    match next {
                        Next::Batch(batch, row) => take_batch(feed, &mut local, output, (batch, row), filled..room)?,
                        Next::Block(number, block, row) => {
                            take_block(feed, &mut local, output, (number, block, row), filled..room)?
                        }
                    }
                };
            }
            // SAFETY: a live chunk with that many rows written.
            unsafe { ffi::duckdb_data_chunk_set_size(output, filled as u64) };
            Ok(())
        },
    );
    set_output(info, output, failed);
}

/// Writes rows of a batch to those places of the chunk; gives how many.
///
/// # Safety
/// The chunk is live, with the feed's columns and those places. `local.held` outlives its use.
unsafe fn take_batch(
    feed: &Feed,
    local: &mut Local,
    output: ffi::duckdb_data_chunk,
    (batch, row): (RecordBatch, usize),
    room: std::ops::Range<usize>,
) -> Result<usize> {
    let rows = (batch.num_rows() - row).min(room.len());
    for (i, (_, phys)) in feed.columns.iter().enumerate() {
        // SAFETY: a live chunk with the feed's columns.
        let vector = unsafe { ffi::duckdb_data_chunk_get_vector(output, i as u64) };
        let span = Span { from: row, at: room.start, rows, texts: Texts::Lent };
        // SAFETY: the vector has the column's type and room for the rows; the batch is kept as the contract says.
        unsafe { write(vector, batch.column(i), span, phys)? };
    }
    if row + rows == batch.num_rows() {
        local.held.push(Held::Batch { _of: batch });
    } else {
        local.next = Some(Next::Batch(batch, row + rows));
    }
    Ok(rows)
}

/// The same with rows that are to be decoded.
///
/// # Safety
/// As [`take_batch`].
unsafe fn take_block(
    feed: &Feed,
    local: &mut Local,
    output: ffi::duckdb_data_chunk,
    (number, block, mut row): (u64, Arc<dyn Block>, usize),
    room: std::ops::Range<usize>,
) -> Result<usize> {
    let rows = (block.rows() - row).min(room.len());
    // SAFETY: by this function's contract; the block is kept for as long as the chunk is used.
    let mut vectors = unsafe { Vectors::of(output, &feed.columns, room.start, rows) };
    caught(|| block.write(&mut row, &mut vectors).map_err(|error| feed.wrong(number, error))).flatten()?;
    // SAFETY: as above, and all rows are written.
    let arrays = unsafe { vectors.settle()? };
    if !arrays.is_empty() {
        local.held.push(Held::Arrays { _of: arrays });
    }
    if row == block.rows() {
        feed.done(number);
        local.held.push(Held::Block { _of: block });
    } else {
        local.next = Some(Next::Block(number, block, row));
    }
    Ok(rows)
}
