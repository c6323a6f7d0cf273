//! A client's text that is not UTF-8: messages are converted as they come in, rows as they go out. With UTF-8 nothing here
//! is called.

use bytes::{BufMut, Bytes};

use super::message::kind;
use crate::error::Result;
use crate::session::RowShape;
use crate::types::TypeLookup;
use crate::types::encoding::{self, Encoding};

/// The message with its names and texts in UTF-8. A Bind's values are left as they are: the session knows their types.
///
/// # Errors
/// 22021 or 22P05 for what is no text in this encoding.
pub fn message(kind: u8, body: Bytes, encoding: Encoding) -> Result<Bytes> {
    if !encoding.converts() {
        return Ok(body);
    }
    // How many bytes stand before the strings, and how many strings there are.
    let (before, strings) = match kind {
        kind::QUERY | kind::EXECUTE | kind::COPY_FAIL => (0, 1),
        kind::PARSE | kind::BIND => (0, 2),
        kind::DESCRIBE | kind::CLOSE => (1, 1),
        _ => return Ok(body),
    };
    let mut out = Vec::with_capacity(body.len() + body.len() / 2);
    let mut rest = &body[..];
    if rest.len() < before {
        return Ok(body);
    }
    out.put_slice(&rest[..before]);
    rest = &rest[before..];
    for _ in 0..strings {
        // Without its end the message is malformed, which whoever decodes it will say.
        let Some(end) = memchr::memchr(0, rest) else { break };
        out.put_slice(encoding.decode(&rest[..end])?.as_bytes());
        out.put_u8(0);
        rest = &rest[end + 1..];
    }
    out.put_slice(rest);
    Ok(out.into())
}

/// The DataRows from `start` on with their texts in this encoding.
///
/// # Errors
/// 22P05 for a character that the encoding does not have; the rows before it stand.
pub fn rows(
    out: &mut Vec<u8>,
    start: usize,
    shape: &RowShape,
    encoding: Encoding,
    types: &dyn TypeLookup,
) -> Result<()> {
    if out[start..].is_ascii() {
        return Ok(());
    }
    let written = out.split_off(start);
    let mut rest = &written[..];
    while let Some((head, after)) = rest.split_first_chunk::<7>() {
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
        let fields = &after[..length - 6];
        let at = out.len();
        out.put_slice(head);
        if let Err(error) = row(out, fields, shape, encoding, types) {
            out.truncate(at);
            return Err(error);
        }
        let length = u32::try_from(out.len() - at - 1).unwrap_or(u32::MAX);
        out[at + 1..at + 5].copy_from_slice(&length.to_be_bytes());
        rest = &after[fields.len()..];
    }
    Ok(())
}

fn row(out: &mut Vec<u8>, fields: &[u8], shape: &RowShape, to: Encoding, types: &dyn TypeLookup) -> Result<()> {
    let mut rest = fields;
    let formats = shape.formats.iter().chain(std::iter::repeat(&0));
    for (field, format) in shape.fields.iter().zip(formats) {
        let Some((length, after)) = rest.split_first_chunk::<4>() else { break };
        rest = after;
        let Ok(length) = usize::try_from(i32::from_be_bytes(*length)) else {
            out.put_i32(-1);
            continue;
        };
        let value;
        (value, rest) = rest.split_at(length);
        let recoded = match format {
            0 => to.encode(crate::types::binary::text(value)?)?,
            _ => encoding::binary(value, field.ty, types, &|utf8| {
                Ok(to.encode(crate::types::binary::text(utf8)?)?.into_owned())
            })?,
        };
        out.put_i32(i32::try_from(recoded.len()).unwrap_or(i32::MAX));
        out.put_slice(&recoded);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_messages_are_converted_and_nothing_else() {
        let latin1 = Encoding::by_name("latin1").unwrap();
        for (kind, given, wanted) in [
            (kind::QUERY, &b"\xe9\0"[..], "é\0".as_bytes()),
            (kind::COPY_FAIL, b"\xe9\0", "é\0".as_bytes()),
            (kind::PARSE, b"s\xe9\0\xe9\0\0\x01\0\0\0\xe9", b"s\xc3\xa9\0\xc3\xa9\0\0\x01\0\0\0\xe9"),
            (kind::DESCRIBE, b"S\xe9\0", b"S\xc3\xa9\0"),
            // What has no end is left to whoever decodes the message, and so are data.
            (kind::QUERY, b"\xe9", b"\xe9"),
            (kind::DESCRIBE, b"", b""),
            (kind::COPY_DATA, b"\xe9\0", b"\xe9\0"),
        ] {
            let done = message(kind, Bytes::copy_from_slice(given), latin1).unwrap();
            assert_eq!(done, wanted, "{} {given:?}", char::from(kind));
        }
    }
}
