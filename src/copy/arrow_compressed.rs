//! Compressed batches of Arrow: the same message without compression, before Arrow's reader sees it.
//!
//! Each buffer of a body is compressed by itself and begins with its length. What they come to is bounded before one of them is
//! read, and each gives what it has said or is an error. The description is kept as it came but for where the buffers are.

use std::io::Read;
use std::sync::Arc;

use arrow::buffer::{Buffer, MutableBuffer};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::ipc::{self, CompressionType};

use ruzstd::decoding::{FrameDecoder, StreamingDecoder};

use super::arrow::bad;
use crate::error::{Error, Result, SqlState};

/// Bytes that are read at once.
const PIECE: usize = 64 << 10;
/// Where Arrow's buffers begin.
const ALIGNMENT: usize = 64;
/// The longest window of zstd's ordinary levels.
const WINDOW: u64 = 8 << 20;
/// A buffer's length before compression; -1 says that it is not compressed.
const PREFIX: usize = 8;

/// A part of the body: where it is, and how long it is without compression.
struct Part<'a> {
    data: &'a [u8],
    /// `None`: it is not compressed.
    length: Option<usize>,
}

/// Buffers of a batch's views together, where it has some.
const VIEWED: usize = 4096;

/// How many buffers a batch of this schema may have, but for those of views.
pub(super) fn most_buffers(schema: &Schema) -> usize {
    schema.fields().iter().map(|field| 3 * arrays(field.data_type())).sum()
}

/// The arrays that one of the type is made of, a dictionary's values with it.
fn arrays(ty: &DataType) -> usize {
    use DataType::{
        Dictionary, FixedSizeList, LargeList, LargeListView, List, ListView, Map, RunEndEncoded, Struct, Union,
    };
    let of = |field: &Arc<Field>| arrays(field.data_type());
    1 + match ty {
        List(field) | LargeList(field) | ListView(field) | LargeListView(field) | FixedSizeList(field, _) => of(field),
        Map(field, _) => of(field),
        Struct(fields) => fields.iter().map(of).sum(),
        Union(fields, _) => fields.iter().map(|(_, field)| of(field)).sum(),
        RunEndEncoded(ends, values) => of(ends) + of(values),
        Dictionary(_, values) => arrays(values),
        _ => 0,
    }
}

/// The description and the body of a message without compression; `None` if it has none. 54000 if it would be longer than `most`.
///
/// `buffers` is what [`most_buffers`] says of the schema: each buffer costs a decoder, however little is in it.
pub(super) fn expand(header: &Buffer, body: &Buffer, buffers: usize, most: usize) -> Result<Option<(Buffer, Buffer)>> {
    let message = ipc::root_as_message(header).map_err(bad)?;
    let dictionary = message.header_as_dictionary_batch();
    let Some(batch) = message.header_as_record_batch().or_else(|| dictionary.and_then(|d| d.data())) else {
        return Ok(None);
    };
    let Some(compression) = batch.compression() else { return Ok(None) };
    let viewed = if batch.variadicBufferCounts().is_some() { VIEWED } else { 0 };
    let most_buffers = buffers + viewed;
    let Some(buffers) = batch.buffers() else { return Err(bad("a batch without buffers")) };
    if buffers.len() > most_buffers {
        return Err(bad("a batch has more buffers than its schema"));
    }
    let parts = buffers.iter().map(|buffer| part(buffer, body)).collect::<Result<Vec<_>>>()?;
    // What is sent once is not to be read many times.
    if parts.iter().map(|part| part.data.len()).fold(0, usize::saturating_add) > body.len() {
        return Err(bad("buffers that lie in each other"));
    }
    let bytes = parts.iter().map(|part| part.length.unwrap_or(part.data.len()).next_multiple_of(ALIGNMENT));
    let bytes = bytes.fold(0, usize::saturating_add);
    if bytes > most {
        let message = format!("a batch of COPY data has {bytes} bytes without compression, the limit is {most}");
        return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message)
            .hint("Write smaller batches, or raise limits.copy_line."));
    }
    let mut plain = MutableBuffer::new(0);
    let mut piece = vec![0; PIECE];
    let mut places = Vec::with_capacity(parts.len() * 16);
    for part in parts {
        let from = plain.len();
        match part.length {
            None => plain.extend_from_slice(part.data),
            Some(length) => inflate(compression.codec(), part.data, length, &mut piece, &mut plain)?,
        }
        places.extend((from as i64).to_le_bytes());
        places.extend(((plain.len() - from) as i64).to_le_bytes());
        plain.resize(plain.len().next_multiple_of(ALIGNMENT), 0);
    }
    // Both stand in the description itself: the places of the buffers, and that there is a compression.
    let place_of = |inner: &[u8]| (inner.as_ptr() as usize).checked_sub(header.as_ptr() as usize);
    let (listed, table) = (buffers.bytes(), batch._tab.vtable());
    let fields = table.as_bytes();
    let compressed = usize::from(ipc::RecordBatch::VT_COMPRESSION);
    let (Some(list), Some(table)) = (place_of(listed), place_of(fields)) else { return Err(bad("a lost description")) };
    if listed.len() != places.len() || fields.len() < compressed + 2 {
        return Err(bad("a description that contradicts itself"));
    }
    let mut description = header.to_vec();
    description[list..list + places.len()].copy_from_slice(&places);
    description[table + compressed..table + compressed + 2].fill(0);
    Ok(Some((Buffer::from_vec(description), plain.into())))
}

fn part<'a>(buffer: &ipc::Buffer, body: &'a Buffer) -> Result<Part<'a>> {
    let outside = || bad("a buffer outside its body");
    let from = usize::try_from(buffer.offset()).map_err(|_| outside())?;
    let length = usize::try_from(buffer.length()).map_err(|_| outside())?;
    let data = body.get(from..from.saturating_add(length)).ok_or_else(outside)?;
    if data.is_empty() {
        return Ok(Part { data, length: None });
    }
    let Some((prefix, data)) = data.split_first_chunk::<PREFIX>() else {
        return Err(bad("a buffer without its length"));
    };
    match i64::from_le_bytes(*prefix) {
        -1 => Ok(Part { data, length: None }),
        length => {
            let length = usize::try_from(length).map_err(|_| bad("a buffer of negative length"))?;
            Ok(Part { data, length: Some(length) })
        }
    }
}

/// Appends what the data come to, by way of `piece`.
fn inflate(
    codec: CompressionType,
    data: &[u8],
    length: usize,
    piece: &mut [u8],
    out: &mut MutableBuffer,
) -> Result<()> {
    let from = out.len();
    let mut reader: Box<dyn Read + '_> = match codec {
        CompressionType::LZ4_FRAME => Box::new(lz4_flex::frame::FrameDecoder::new(data)),
        CompressionType::ZSTD => {
            let mut decoder = FrameDecoder::new();
            // It makes room for a window at once. A short text's is as long as the text.
            decoder.set_max_window_size(WINDOW.max(length as u64));
            Box::new(StreamingDecoder::new_with_decoder(data, decoder).map_err(bad)?)
        }
        other => return Err(Error::unsupported(format!("COPY of Arrow batches compressed by {other:?}"))),
    };
    loop {
        let read = reader.read(piece).map_err(bad)?;
        if out.len() - from + read > length || (read == 0 && out.len() - from < length) {
            return Err(bad("a buffer has another length than it says"));
        }
        if read == 0 {
            return Ok(());
        }
        out.extend_from_slice(&piece[..read]);
    }
}
