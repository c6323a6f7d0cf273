//! Conversion is PostgreSQL's; the tables themselves are recorded, these are their uses.

use super::*;

#[test]
fn names_are_compared_as_postgresql_does() {
    for (given, name) in [
        ("utf-8", "UTF8"),
        ("Unicode", "UTF8"),
        ("latin1", "LATIN1"),
        ("ISO_8859-1", "LATIN1"),
        ("iso-8859-15", "LATIN9"),
        ("windows-1252", "WIN1252"),
        ("Windows949", "UHC"),
        ("Shift_JIS", "SJIS"),
        ("koi8", "KOI8R"),
        ("sql_ascii", "SQL_ASCII"),
    ] {
        assert_eq!(Encoding::by_name(given).map(Encoding::name), Some(name), "{given}");
    }
    assert_eq!(Encoding::by_name("utf16"), None);
    assert_eq!(Encoding::by_name(""), None);
}

#[test]
fn texts_go_there_and_back() {
    for (name, text, bytes) in [
        ("LATIN1", "é\u{85}a", &b"\xe9\x85a"[..]),
        ("LATIN9", "€", b"\xa4"),
        ("WIN1252", "€", b"\x80"),
        ("KOI8R", "Привет", b"\xf0\xd2\xc9\xd7\xc5\xd4"),
        ("EUC_JP", "日本語ｱ", b"\xc6\xfc\xcb\xdc\xb8\xec\x8e\xb1"),
        ("SJIS", "表ｱ\\", b"\x95\x5c\xb1\x5c"),
        ("BIG5", "功能", b"\xa5\x5c\xaf\xe0"),
        ("GBK", "中文", b"\xd6\xd0\xce\xc4"),
        ("EUC_CN", "中文", b"\xd6\xd0\xce\xc4"),
        ("EUC_KR", "한글", b"\xc7\xd1\xb1\xdb"),
        ("UHC", "똠", b"\x8c\x63"),
    ] {
        let encoding = Encoding::by_name(name).unwrap();
        assert_eq!(&*encoding.encode(text).unwrap(), bytes, "{name}");
        assert_eq!(encoding.decode(bytes).unwrap(), text, "{name}");
        // Cut anywhere, what is whole is text.
        for cut in 0..bytes.len() {
            let whole = encoding.whole(&bytes[..cut]);
            assert!(whole <= cut && cut - whole < 3);
            assert!(text.starts_with(&*encoding.decode(&bytes[..whole]).unwrap()), "{name} {cut}");
        }
    }
}

#[test]
fn what_cannot_be_converted_is_an_error_in_postgresqls_words() {
    let decode = |name: &str, bytes: &[u8]| Encoding::by_name(name).unwrap().decode(bytes).unwrap_err();
    let encode = |name: &str, text: &str| Encoding::by_name(name).unwrap().encode(text).unwrap_err();
    for (error, code, message) in [
        (decode("EUC_JP", b"\xc6a"), "22021", "invalid byte sequence for encoding \"EUC_JP\": 0xc6 0x61"),
        (decode("SJIS", b"a\x81"), "22021", "invalid byte sequence for encoding \"SJIS\": 0x81"),
        (decode("LATIN1", b"a\0"), "22021", "invalid byte sequence for encoding \"LATIN1\": 0x00"),
        (
            decode("WIN1252", b"\x81"),
            "22P05",
            "character with byte sequence 0x81 in encoding \"WIN1252\" has no equivalent in encoding \"UTF8\"",
        ),
        (
            encode("LATIN1", "a€"),
            "22P05",
            "character with byte sequence 0xe2 0x82 0xac in encoding \"UTF8\" has no equivalent in encoding \"LATIN1\"",
        ),
        (encode("GB18030", "€"), "0A000", "conversion between GB18030 and UTF8 is not supported"),
    ] {
        assert_eq!((error.code().as_str(), &*error.report().message), (code, message));
    }
    assert_eq!(&*Encoding::by_name("LATIN1").unwrap().encode_lossy("a€é"), b"a?\xe9");
}

#[test]
fn arrays_are_converted_inside() {
    let latin1 = Encoding::by_name("LATIN1").unwrap();
    let text = |utf8: &[u8]| Ok(latin1.encode(std::str::from_utf8(utf8).unwrap())?.into_owned());
    let array = |items: [&[u8]; 2]| {
        let mut out = [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 25, 0, 0, 0, 3, 0, 0, 0, 1].to_vec();
        for item in items {
            out.extend((item.len() as u32).to_be_bytes());
            out.extend(item);
        }
        out.extend([0xff; 4]);
        out
    };
    let ty = crate::types::PgType::new(crate::types::oid::TEXT_ARRAY);
    let none = crate::types::lookup::BuiltinTypes;
    let utf8 = array(["é".as_bytes(), b"b"]);
    assert_eq!(*binary(&utf8, ty, &none, &text).unwrap(), array([b"\xe9", b"b"]));
    for cut in 0..utf8.len() - 4 {
        // A wrong length is an error or is left for the decoder of arrays, never a panic.
        let _ = binary(&utf8[..cut], ty, &none, &text);
    }
}
