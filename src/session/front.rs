//! What a front end (wire today, Flight next) does for a session: takes results and notices, gives COPY data.

use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use futures::future::BoxFuture;

use crate::error::{Report, Result};
use crate::tree::Field;
use crate::types::Phys;

/// How a result's columns look and are to be sent.
#[derive(Debug, Clone)]
pub struct RowShape {
    pub fields: Vec<Field>,
    /// The physical type of each column in the batches.
    pub phys: Vec<Phys>,
    /// Format code of each column: 0 text, 1 binary.
    pub formats: Vec<i16>,
}

/// What the client sends during COPY FROM STDIN.
#[derive(Debug)]
pub enum CopyInput {
    Data(Bytes),
    Done,
    /// CopyFail, with the client's message.
    Fail(String),
}

/// A front end, as the session sees it. Everything is buffered by the front end and flushed when it sees fit; methods
/// that return futures apply back-pressure. An error from any of them means that the client is gone.
pub trait Front: Send {
    /// RowDescription (simple query, and FETCH): sent before the first batch.
    fn row_description(&mut self, shape: &RowShape) -> Result<()>;
    /// DataRows for rows `from..to` of a batch.
    fn rows<'a>(
        &'a mut self,
        shape: &'a RowShape,
        settings: &'a crate::types::OutputSettings,
        batch: &'a RecordBatch,
        from: usize,
        to: usize,
    ) -> BoxFuture<'a, Result<()>>;
    /// CommandComplete with its tag.
    fn complete(&mut self, tag: &str);
    /// EmptyQueryResponse.
    fn empty(&mut self);
    /// PortalSuspended.
    fn suspended(&mut self);
    /// NoticeResponse.
    fn notice(&mut self, report: &Report);
    /// ParameterStatus.
    fn parameter_status(&mut self, name: &str, value: &str);
    /// NotificationResponse.
    fn notification(&mut self, pid: i32, channel: &str, payload: &str);
    /// CopyInResponse: overall format (0 text, 1 binary) and number of columns.
    fn copy_in<'a>(&'a mut self, binary: bool, columns: usize) -> BoxFuture<'a, Result<()>>;
    /// The next piece of COPY data.
    fn copy_read(&mut self) -> BoxFuture<'_, Result<CopyInput>>;
    /// CopyOutResponse.
    fn copy_out(&mut self, binary: bool, columns: usize);
    /// One CopyData message.
    fn copy_write(&mut self, data: Bytes) -> BoxFuture<'_, Result<()>>;
    /// CopyDone.
    fn copy_out_done(&mut self);
    /// Completes when the client has gone away, and not before; safe to drop and call again.
    fn gone(&mut self) -> BoxFuture<'_, ()>;
}
