//! Byte strings.

use super::{How::*, Line};

pub(super) const ENTRIES: &[Line] = &[
    ("octet_length(bytea)", Template("octet_length({0})::INTEGER")),
    ("length(bytea)", Template("octet_length({0})::INTEGER")),
    ("byteacat(bytea,bytea)", Template("({0} || {1})")),
    ("encode(bytea,text)", Native("dg_encode")),
    ("decode(text,text)", Native("dg_decode")),
    ("md5(bytea)", Template("md5({0})")),
    ("sha224(bytea)", Native("dg_sha224")),
    ("sha256(bytea)", Native("dg_sha256")),
    ("sha384(bytea)", Native("dg_sha384")),
    ("sha512(bytea)", Native("dg_sha512")),
    ("convert_to(text,name)", Native("dg_convert_to")),
    ("convert_from(bytea,name)", Native("dg_convert_from")),
    ("substring(bytea,int4,int4)", Native("dg_bytea_substr3")),
    ("substr(bytea,int4,int4)", Native("dg_bytea_substr3")),
    ("substring(bytea,int4)", Native("dg_bytea_substr2")),
    ("substr(bytea,int4)", Native("dg_bytea_substr2")),
    ("bytealike(bytea,bytea)", Refused("LIKE on bytea is not supported")),
];
