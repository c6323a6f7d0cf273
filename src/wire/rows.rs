//! Record batches to DataRow messages.

use arrow::record_batch::RecordBatch;
use bytes::BytesMut;

use crate::error::{Error, Result};
use crate::session::RowShape;
use crate::types::{OutputSettings, TypeLookup};

/// Rows that are encoded before the buffer's size is looked at.
const PIECE: usize = 256;

/// Encodes rows; keeps what it has prepared for a shape while the same shape comes again.
#[derive(Default)]
pub struct Rows {}

impl Rows {
    pub fn piece(&self) -> usize {
        PIECE
    }

    pub fn encode(
        &mut self,
        _shape: &RowShape,
        _settings: &OutputSettings,
        _types: &dyn TypeLookup,
        _batch: &RecordBatch,
        _from: usize,
        _to: usize,
        _out: &mut BytesMut,
    ) -> Result<()> {
        Err(Error::unsupported("a result with rows"))
    }
}
