//! Tests of the codec: what is read back, and what is refused.

use bytes::{BufMut, Bytes};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::*;
use crate::error::SqlState;
use crate::types::encoding::Encoding;

fn body(parts: &[&[u8]]) -> Bytes {
    parts.concat().into()
}

fn error(message: u8, body: &Bytes) -> (SqlState, String) {
    let error = decode(message, body).map(|_| ()).expect_err("malformed");
    (error.code(), error.report().message.clone())
}

#[test]
fn bind_is_read_whole() {
    let bytes = body(&[b"p\0s\0", &[0, 1, 0, 1], &[0, 2], &[0, 0, 0, 2], b"hi", &[0xff; 4], &[0, 1, 0, 1]]);
    let Ok(Frontend::Bind { portal: "p", statement: "s", param_formats, count: 2, tail: Ok(tail) }) =
        decode(kind::BIND, &bytes)
    else {
        panic!("bind")
    };
    assert_eq!(param_formats, [1]);
    assert_eq!(tail.values, [Some(Bytes::from("hi")), None]);
    assert_eq!(tail.result_formats, [1]);
}

#[test]
fn malformed_bodies_get_postgresql_words() {
    let violation = SqlState::PROTOCOL_VIOLATION;
    for (message, bytes, expected) in [
        (kind::QUERY, b"SELECT 1".as_slice(), "invalid string in message"),
        (kind::QUERY, b"SELECT 1\0x", "invalid message format"),
        (kind::PARSE, b"\0SELECT 1\0", "insufficient data left in message"),
        (kind::EXECUTE, b"\0\0\0", "insufficient data left in message"),
        (kind::DESCRIBE, b"X\0", "invalid DESCRIBE message subtype 88"),
        (kind::CLOSE, b"", "no data left in message"),
        (kind::SYNC, b"\0", "invalid message format"),
        (b'y', b"", "invalid frontend message type 121"),
    ] {
        assert_eq!(error(message, &Bytes::from(bytes)), (violation, expected.to_owned()));
    }
    let (code, text) = error(kind::QUERY, &Bytes::from(b"'\xc3('\0".as_slice()));
    assert_eq!(code, SqlState::CHARACTER_NOT_IN_REPERTOIRE);
    assert_eq!(text, "invalid byte sequence for encoding \"UTF8\": 0xc3 0x28");
}

#[test]
fn counts_are_not_believed() {
    // 65535 types announced, none there: nothing is allocated for them.
    let bytes = body(&[b"\0\0", &[0xff, 0xff]]);
    assert_eq!(error(kind::PARSE, &bytes).1, "insufficient data left in message");
    let bytes = body(&[b"\0\0", &[0, 0], &[0xff, 0xff], &[0x7f, 0xff, 0xff, 0xff]]);
    let Ok(Frontend::Bind { tail: Err(error), .. }) = decode(kind::BIND, &bytes) else { panic!("bind") };
    assert_eq!(error.report().context.as_deref(), Some("unnamed portal parameter $1"));
}

#[test]
fn startup_parameters_are_sorted_out() {
    let bytes = Bytes::from("user\0me\0database\0d\0_pq_.x\x001\0application_name\0a\0\0");
    let parameters = Parameters::decode(&bytes).expect("parameters");
    assert_eq!((parameters.user.as_str(), parameters.database.as_deref()), ("me", Some("d")));
    assert_eq!(parameters.unknown_options, ["_pq_.x"]);
    assert_eq!(parameters.settings, [("application_name".to_owned(), "a".to_owned())]);
    for (text, code) in [
        ("user\0a", SqlState::PROTOCOL_VIOLATION),
        ("user\0a\0\0x", SqlState::PROTOCOL_VIOLATION),
        ("\0", SqlState::INVALID_AUTHORIZATION_SPECIFICATION),
    ] {
        let error = Parameters::decode(&Bytes::from(text)).expect_err(text);
        assert!(error.is_fatal());
        assert_eq!(error.code(), code, "{text:?}");
    }
}

#[test]
fn requests_before_startup_are_told_apart() {
    let packet = |code: u32, rest: &[u8]| {
        let mut bytes = Vec::new();
        bytes.put_u32(code);
        bytes.put_slice(rest);
        decode_packet(&Bytes::from(bytes))
    };
    assert_eq!(packet(80877103, &[]).ok(), Some(Packet::Ssl));
    assert_eq!(packet(80877104, &[]).ok(), Some(Packet::GssEncryption));
    let cancel = Packet::Cancel { pid: 7, secret: Bytes::from_static(&[1; 32]) };
    assert_eq!(packet(80877102, &[&[0, 0, 0, 7][..], &[1; 32]].concat()).ok(), Some(cancel));
    assert!(packet(80877102, &[0, 0, 0, 7]).is_err());
    assert!(matches!(packet(3 << 16 | 2, &[]), Ok(Packet::Startup { version: Version::V3_2, .. })));
}

/// Random bodies, random prefixes of good ones, and good ones with a byte changed: an answer or an error, never a panic.
#[test]
fn no_bytes_make_the_decoders_panic() {
    let good: [(u8, Bytes); 6] = [
        (kind::QUERY, Bytes::from("SELECT 1\0")),
        (kind::PARSE, body(&[b"s\0SELECT $1\0", &[0, 1, 0, 0, 0, 23]])),
        (kind::BIND, body(&[b"p\0s\0", &[0, 1, 0, 1], &[0, 1], &[0, 0, 0, 2], b"hi", &[0, 1, 0, 1]])),
        (kind::DESCRIBE, Bytes::from("Sname\0")),
        (kind::EXECUTE, body(&[b"p\0", &[0, 0, 0, 9]])),
        (kind::COPY_FAIL, Bytes::from("because\0")),
    ];
    let mut random = StdRng::seed_from_u64(3);
    for round in 0..20_000 {
        let (message, bytes) = &good[round % good.len()];
        let mut bytes = bytes.to_vec();
        match round % 3 {
            0 => bytes.truncate(random.random_range(0..=bytes.len())),
            1 => {
                let at = random.random_range(0..bytes.len());
                bytes[at] = random.random();
            }
            _ => bytes = (0..random.random_range(0..64)).map(|_| random.random()).collect(),
        }
        let bytes = Bytes::from(bytes);
        let message = if round % 7 == 0 { random.random() } else { *message };
        let _ = decode(message, &bytes);
        let _ = decode_packet(&bytes);
        let _ = Parameters::decode(&bytes);
        let _ = decode_sasl_initial(&bytes);
    }
}

#[test]
fn reports_carry_their_fields_in_order() {
    let line = line!() + 1;
    let error = crate::error::Error::new(SqlState::UNIQUE_VIOLATION, "m\0x").detail("d").at(3).table("s", "t");
    let mut out = Vec::new();
    encode::report(&mut out, error.constraint("c").report(), Encoding::UTF8);
    let fields = "SERROR\0VERROR\0C23505\0Mmx\0Dd\0P3\0ss\0tt\0nc\0";
    let fields = format!("{fields}Fwire/message/tests.rs\0L{line}\0Rtests\0\0");
    let mut expected = b"E".to_vec();
    expected.extend((fields.len() as u32 + 4).to_be_bytes());
    expected.extend(fields.as_bytes());
    assert_eq!(&out[..], expected);
}

#[test]
fn row_descriptions_are_laid_out_as_the_protocol_says() {
    let column = encode::Column { name: "a", table: 1, number: 2, ty: 23, size: 4, typmod: -1, format: 1 };
    let mut out = Vec::new();
    encode::row_description(&mut out, [column].into_iter(), Encoding::UTF8);
    assert_eq!(
        &out[..],
        [&b"T\0\0\0\x1a\0\x01a\0"[..], &[0, 0, 0, 1, 0, 2, 0, 0, 0, 23, 0, 4, 255, 255, 255, 255, 0, 1]].concat()
    );
}
