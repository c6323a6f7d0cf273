//! A block's rows in vectors of DuckDB's that belong to no statement: what the threads that load do, to be tested, fuzzed and measured.

use arrow::array::ArrayRef;
use duckdb::ffi;

use super::logical::logical_type;
use super::raw::Chunk;
use super::read::array_of;
use super::{Block, Vectors};
use crate::error::Result;
use crate::types::Phys;

/// Writes all rows of a block, and gives `see` each column's next rows as they then are, if it wants them.
///
/// # Errors
/// As [`Block::write`].
pub fn write_alone(
    block: &dyn Block,
    columns: &[Phys],
    mut see: Option<&mut dyn FnMut(usize, ArrayRef)>,
) -> Result<()> {
    let types = columns.iter().map(logical_type).collect::<Result<Vec<_>>>()?;
    let mut handles: Vec<_> = types.iter().map(|ty| ty.0).collect();
    let named: Vec<(String, Phys)> = columns.iter().map(|phys| (String::new(), phys.clone())).collect();
    // SAFETY: that many live types; the chunk is ours.
    let chunk = unsafe { Chunk::of(ffi::duckdb_create_data_chunk(handles.as_mut_ptr(), handles.len() as u64)) };
    // SAFETY: no arguments.
    let room = unsafe { ffi::duckdb_vector_size() } as usize;
    let mut row = 0;
    while row < block.rows() {
        let rows = room.min(block.rows() - row);
        // SAFETY: a live chunk of these columns with room for so many rows, which is read before the block goes.
        let _arrays = unsafe {
            ffi::duckdb_data_chunk_reset(chunk.handle());
            let mut vectors = Vectors::of(chunk.handle(), &named, 0, rows);
            block.write(&mut row, &mut vectors)?;
            vectors.settle()?
        };
        let Some(see) = see.as_mut() else { continue };
        for (i, phys) in columns.iter().enumerate() {
            // SAFETY: a live, flat vector of that type with so many rows.
            see(i, unsafe { array_of(chunk.vector(i), rows, phys)? });
        }
    }
    Ok(())
}
