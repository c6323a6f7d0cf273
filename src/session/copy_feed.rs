//! The way of COPY's data: what the client sends, decoded into batches, into the feed of an insert that runs meanwhile.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, BooleanArray};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use bytes::Bytes;
use tokio::sync::mpsc;

use super::copy_progress::CopyProgress;
use super::copy_rejects::Rejects;
use super::front::{CopyInput, Front};
use super::interrupt::Interrupt;
use super::quota::exceeded;
use crate::copy::{DecodedBatch, Decoder, Ready, Room};
use crate::engine::{CancelReason, FeedWriter, Spool, batch_bytes};
use crate::error::{Error, Report, Result, Severity, SqlState};

/// A client that is silent for so long has the rows that it has sent written: it is to hear of what is wrong with them
/// before it has sent all the others.
const PATIENCE: Duration = Duration::from_millis(50);

/// Where the data come from.
pub(super) enum Source {
    Client,
    /// A file of the server, or one that the client has sent, as it is read; an empty piece is its end.
    File(mpsc::Receiver<Result<Bytes>>),
}

impl Source {
    /// What comes next. Safe to drop and call again.
    pub async fn next(
        &mut self,
        front: &mut dyn Front,
        room: Option<Room<'_>>,
        interrupt: &Interrupt,
        deadline: Option<Instant>,
    ) -> Result<CopyInput> {
        let pieces = match self {
            Self::Client => return input(front, room, interrupt, deadline).await,
            Self::File(pieces) => pieces,
        };
        tokio::select! {
            biased;
            error = interrupt.cancelled() => Err(error),
            () = timeout(deadline) => Err(CancelReason::StatementTimeout.error()),
            () = front.gone() => Err(CancelReason::ClientGone.error()),
            piece = pieces.recv() => match piece.transpose()? {
                Some(piece) if piece.is_empty() => Ok(CopyInput::Done),
                Some(piece) => Ok(CopyInput::Data(piece)),
                // Its reader has not come to its end: what has come is not the whole file.
                None => Err(Error::internal("the reader of a file broke off")),
            },
        }
    }

    fn is_client(&self) -> bool {
        matches!(self, Self::Client)
    }
}

/// The way of COPY's data.
pub(super) struct Feed<'a> {
    pub decoder: Decoder,
    /// The columns, by their places, of which the feed has a flag behind the others: true where the default is taken.
    pub flagged: &'a [usize],
    pub writer: Box<dyn FeedWriter>,
    pub kept: Option<&'a mut Kept>,
    pub rejects: Option<&'a mut Rejects>,
    pub progress: &'a CopyProgress,
    /// Bytes that have come.
    pub received: &'a mut u64,
    pub rows: Rows,
}

impl Feed<'_> {
    /// The statement fails: with this, if nothing is wrong with what was sent before.
    fn fail(self, error: Error) -> Fed {
        self.writer.fail(error);
        Fed { rows: self.decoder.rows(), skipped: self.decoder.skipped() }
    }
}

/// Rows of a load, and how many there may be.
pub(super) struct Rows {
    pub most: Option<u64>,
    pub so_far: u64,
}

impl Rows {
    fn more(&mut self, rows: usize) -> Result<()> {
        self.so_far += rows as u64;
        match self.most {
            Some(most) if self.so_far > most => {
                Err(exceeded(format!("the load has more than {most} rows"), "duckgate.max_load_rows"))
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// What the data were.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Fed {
    pub rows: u64,
    pub skipped: u64,
}

/// COPY's data for the journal. Before the first savepoint only what has room in memory: a load is not to be slower for
/// a savepoint that nobody names.
pub(super) struct Kept {
    /// `None`: there was too much, or the disk failed.
    pub spool: Option<Spool>,
    /// Bytes that may go to disk.
    pub spill: usize,
}

impl Kept {
    async fn push(&mut self, batch: &RecordBatch) {
        let Some(mut spool) = self.spool.take() else { return };
        let batch = batch.clone();
        if spool.has_room(&batch) {
            self.spool = spool.push(batch).is_ok().then_some(spool);
            return;
        }
        if spool.spilled() + batch_bytes(&batch) > self.spill {
            return;
        }
        let pushed = tokio::task::spawn_blocking(move || spool.push(batch).map(|()| spool)).await;
        self.spool = pushed.ok().and_then(Result::ok);
    }
}

/// Moves what the client sends into the feed, until the client is done. What is wrong with the data fails the statement that reads
/// the feed, where rows before it may not be decoded yet.
pub(super) async fn pump(
    front: &mut dyn Front,
    mut source: Source,
    mut feed: Feed<'_>,
    interrupt: &Interrupt,
    deadline: Option<Instant>,
    least: Severity,
) -> Result<Fed> {
    loop {
        let before = feed.decoder.rows();
        let next = source.next(front, feed.decoder.room(), interrupt, deadline);
        let received = match tokio::time::timeout(PATIENCE, next).await {
            Ok(received) => received,
            Err(_) => {
                feed.decoder.flush()?;
                if let Drained::Wrong(error) = drain(&mut feed).await? {
                    return Ok(feed.fail(error));
                }
                feed.writer.hurry();
                source.next(front, feed.decoder.room(), interrupt, deadline).await
            }
        };
        let (bytes, done) = match received? {
            CopyInput::Data(data) => {
                let fed = feed.decoder.feed(&data);
                notify(&mut feed.decoder, front, least);
                fed?;
                if source.is_client() {
                    *feed.received += data.len() as u64;
                }
                (data.len(), false)
            }
            CopyInput::Placed(bytes) => {
                feed.decoder.placed()?;
                *feed.received += bytes as u64;
                (bytes, false)
            }
            CopyInput::Done => {
                let finished = feed.decoder.finish();
                notify(&mut feed.decoder, front, least);
                finished?;
                (0, true)
            }
            CopyInput::Fail(message) => return Err(copy_failed(&message)),
        };
        if let Some(rejects) = feed.rejects.as_deref_mut() {
            rejects.add(feed.decoder.rejected()).await?;
        }
        if let Drained::Wrong(error) = drain(&mut feed).await? {
            return Ok(feed.fail(error));
        }
        feed.progress.advance(bytes, feed.decoder.rows() - before);
        if done {
            feed.writer.finish();
            return Ok(Fed { rows: feed.decoder.rows(), skipped: feed.decoder.skipped() });
        }
    }
}

/// Says which rows were skipped, if that is wanted.
fn notify(decoder: &mut Decoder, front: &mut dyn Front, least: Severity) {
    for message in decoder.notices() {
        if Severity::Notice >= least {
            front.notice(&Report::notice(message));
        }
    }
}

/// No room was given.
pub(super) fn placed_nowhere() -> Error {
    Error::internal("COPY data were put into no room")
}

pub(super) fn copy_failed(message: &str) -> Error {
    Error::new(SqlState::QUERY_CANCELED, format!("COPY from stdin failed: {message}"))
}

/// Ends when the statement's time is over.
async fn timeout(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}

/// What the client sends next.
pub(super) async fn input(
    front: &mut dyn Front,
    room: Option<Room<'_>>,
    interrupt: &Interrupt,
    deadline: Option<Instant>,
) -> Result<CopyInput> {
    tokio::select! {
        biased;
        error = interrupt.cancelled() => Err(error),
        () = timeout(deadline) => Err(CancelReason::StatementTimeout.error()),
        input = front.copy_read(room) => input,
    }
}

/// What became of the rows that were ready.
enum Drained {
    Sent,
    /// What comes after them is wrong, and they may be.
    Wrong(Error),
}

async fn drain(feed: &mut Feed<'_>) -> Result<Drained> {
    // Where the data are kept they are wanted as batches.
    let decodes = feed.kept.as_ref().is_some_and(|kept| kept.spool.is_some()) || !feed.decoder.leaves_undecoded();
    loop {
        let ready =
            if decodes { feed.decoder.take().map(|batch| batch.map(Ready::Batch)) } else { feed.decoder.take_ready() };
        match ready {
            Ok(None) => return Ok(Drained::Sent),
            Ok(Some(Ready::Batch(decoded))) => {
                let batch = with_flags(decoded, feed.flagged)?;
                feed.rows.more(batch.num_rows())?;
                if let Some(kept) = feed.kept.as_deref_mut() {
                    kept.push(&batch).await;
                }
                feed.writer.send(batch).await?;
            }
            Ok(Some(Ready::Block(block))) => {
                feed.rows.more(block.rows())?;
                feed.writer.send_block(block).await?;
            }
            Err(error) if feed.decoder.leaves_undecoded() => return Ok(Drained::Wrong(error)),
            Err(error) => return Err(error),
        }
    }
}

/// A batch as the insert's feed has it: which of its rows take a default stands in columns of its own.
pub(super) fn with_flags(decoded: DecodedBatch, flagged: &[usize]) -> Result<RecordBatch> {
    let DecodedBatch { batch, mut defaults } = decoded;
    if flagged.is_empty() {
        return Ok(batch);
    }
    let rows = batch.num_rows();
    let mut fields = batch.schema().fields().to_vec();
    let mut columns = batch.columns().to_vec();
    for place in flagged {
        let flags = defaults.get_mut(*place).and_then(Option::take).unwrap_or_else(|| BooleanBuffer::new_unset(rows));
        fields.push(Arc::new(Field::new("", DataType::Boolean, true)));
        columns.push(Arc::new(BooleanArray::new(flags, None)) as ArrayRef);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options).map_err(Error::internal)
}
