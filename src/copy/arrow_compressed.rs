//! Compressed batches of Arrow: the same message without compression, before Arrow's reader sees it.
//!
//! Each buffer of a body is compressed by itself and begins with its length. What they come to is bounded before one of them is
//! read, and each gives what it has said or is an error. The description is kept as it came but for where the buffers are.

use std::io::Read;

use arrow::buffer::{Buffer, MutableBuffer};
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

/// The description and the body of a message without compression; `None` if it has none. 54000 if it would be longer than `most`.
pub(super) fn expand(header: &Buffer, body: &Buffer, most: usize) -> Result<Option<(Buffer, Buffer)>> {
    let message = ipc::root_as_message(header).map_err(bad)?;
    let dictionary = message.header_as_dictionary_batch();
    let Some(batch) = message.header_as_record_batch().or_else(|| dictionary.and_then(|d| d.data())) else {
        return Ok(None);
    };
    let Some(compression) = batch.compression() else { return Ok(None) };
    let Some(buffers) = batch.buffers() else { return Err(bad("a batch without buffers")) };
    let parts = buffers.iter().map(|buffer| part(buffer, body)).collect::<Result<Vec<_>>>()?;
    let bytes = parts.iter().map(|part| part.length.unwrap_or(part.data.len()).next_multiple_of(ALIGNMENT));
    let bytes = bytes.fold(0, usize::saturating_add);
    if bytes > most {
        let message = format!("a batch of COPY data has {bytes} bytes without compression, the limit is {most}");
        return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message)
            .hint("Write smaller batches, or raise limits.copy_line."));
    }
    let mut plain = MutableBuffer::new(0);
    let mut places = Vec::with_capacity(parts.len() * 16);
    for part in parts {
        let from = plain.len();
        match part.length {
            None => plain.extend_from_slice(part.data),
            Some(length) => inflate(compression.codec(), part.data, length, &mut plain)?,
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

/// Appends what the data come to.
fn inflate(codec: CompressionType, data: &[u8], length: usize, out: &mut MutableBuffer) -> Result<()> {
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
    let mut piece = vec![0; PIECE];
    loop {
        let read = reader.read(&mut piece).map_err(bad)?;
        if out.len() - from + read > length || (read == 0 && out.len() - from < length) {
            return Err(bad("a buffer has another length than it says"));
        }
        if read == 0 {
            return Ok(());
        }
        out.extend_from_slice(&piece[..read]);
    }
}
