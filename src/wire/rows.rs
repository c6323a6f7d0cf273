//! Record batches to DataRow messages.

use arrow::record_batch::RecordBatch;

use crate::error::Result;
use crate::session::RowShape;
use crate::types::rows::{ColumnShape, RowEncoder};
use crate::types::{OutputSettings, TypeLookup};

/// Rows that are encoded before the buffer's size is looked at, as long as nothing is known of their width.
const FIRST_PIECE: usize = 16;
const LARGEST_PIECE: usize = 2048;

/// Encodes rows; keeps the encoder of a shape while the same shape comes again.
pub struct Rows {
    kept: Option<Kept>,
    piece: usize,
    /// The size of a piece that is aimed at, in bytes.
    target: usize,
}

struct Kept {
    columns: Vec<ColumnShape>,
    settings: OutputSettings,
    encoder: RowEncoder,
}

impl Rows {
    /// `target`: about how many bytes a piece should have.
    pub fn new(target: usize) -> Self {
        Self { kept: None, piece: FIRST_PIECE, target }
    }

    /// How many rows to encode next.
    pub fn piece(&self) -> usize {
        self.piece
    }

    /// Appends the DataRows of rows `from..to`.
    ///
    /// # Errors
    /// A value that has no text or binary form.
    pub fn encode(
        &mut self,
        shape: &RowShape,
        settings: &OutputSettings,
        types: &dyn TypeLookup,
        batch: &RecordBatch,
        from: usize,
        to: usize,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let kept = match self.kept.take() {
            Some(kept) if kept.fits(shape, settings) => kept,
            Some(_) | None => {
                self.piece = FIRST_PIECE;
                Kept::new(shape, settings, types)?
            }
        };
        let kept = self.kept.insert(kept);
        let before = out.len();
        kept.encoder.encode_with(batch, from, to, types, out)?;
        let width = (out.len() - before) / (to - from).max(1);
        self.piece = (self.target / width.max(1)).clamp(1, LARGEST_PIECE);
        Ok(())
    }
}

impl Kept {
    fn new(shape: &RowShape, settings: &OutputSettings, types: &dyn TypeLookup) -> Result<Self> {
        let columns: Vec<_> = columns(shape)
            .map(|(field, phys, format)| ColumnShape {
                ty: field.ty,
                phys: phys.clone(),
                format,
                row: field.row.clone(),
            })
            .collect();
        let encoder = RowEncoder::new(columns.iter().cloned(), settings.clone(), types)?;
        Ok(Self { columns, settings: settings.clone(), encoder })
    }

    fn fits(&self, shape: &RowShape, settings: &OutputSettings) -> bool {
        self.columns.len() == shape.fields.len()
            && self.settings == *settings
            && self.columns.iter().zip(columns(shape)).all(|(kept, (field, phys, format))| {
                kept.ty == field.ty && kept.phys == *phys && kept.format == format && kept.row == field.row
            })
    }
}

fn columns(shape: &RowShape) -> impl Iterator<Item = (&crate::tree::Field, &crate::types::Phys, i16)> {
    let formats = shape.formats.iter().copied().chain(std::iter::repeat(0));
    shape.fields.iter().zip(&shape.phys).zip(formats).map(|((field, phys), format)| (field, phys, format))
}
