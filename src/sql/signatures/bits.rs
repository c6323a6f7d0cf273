//! Bit strings, which are carried as text of zeros and ones.

use super::{How::*, Line};

/// The text compares as the bits do: a string is less than those that it begins.
const CMP: &str = super::CMP;

pub(super) const ENTRIES: &[Line] = &[
    ("biteq(bit,bit)", Template("({0} = {1})")),
    ("bitne(bit,bit)", Template("({0} <> {1})")),
    ("bitlt(bit,bit)", Template("({0} < {1})")),
    ("bitle(bit,bit)", Template("({0} <= {1})")),
    ("bitgt(bit,bit)", Template("({0} > {1})")),
    ("bitge(bit,bit)", Template("({0} >= {1})")),
    ("bitcmp(bit,bit)", Template(CMP)),
    ("varbiteq(varbit,varbit)", Template("({0} = {1})")),
    ("varbitne(varbit,varbit)", Template("({0} <> {1})")),
    ("varbitlt(varbit,varbit)", Template("({0} < {1})")),
    ("varbitle(varbit,varbit)", Template("({0} <= {1})")),
    ("varbitgt(varbit,varbit)", Template("({0} > {1})")),
    ("varbitge(varbit,varbit)", Template("({0} >= {1})")),
    ("varbitcmp(varbit,varbit)", Template(CMP)),
    ("bitcat(varbit,varbit)", Template("({0} || {1})")),
    ("length(bit)", Template("length({0})::INTEGER")),
    ("bit_length(bit)", Template("length({0})::INTEGER")),
    ("octet_length(bit)", Template("((length({0}) + 7) // 8)::INTEGER")),
    ("bit_count(bit)", Template("length(replace({0}, '0', ''))::BIGINT")),
    ("position(bit,bit)", Template("CASE WHEN {0} = '' THEN 0 ELSE strpos({0}, {1})::INTEGER END")),
    ("bitnot(bit)", Template("translate({0}, '01', '10')")),
    ("bitand(bit,bit)", Native("dg_bitand")),
    ("bitor(bit,bit)", Native("dg_bitor")),
    ("bitxor(bit,bit)", Native("dg_bitxor")),
    ("bit_and(bit)", Native("dg_bits_and")),
    ("bit_or(bit)", Native("dg_bits_or")),
    ("bit_xor(bit)", Native("dg_bits_xor")),
    ("bitshiftleft(bit,int4)", Native("dg_bitshiftleft")),
    (
        "bitshiftright(bit,int4)",
        Template("dg_bitshiftleft({0}, CASE WHEN {1} = -2147483648 THEN 2147483647 ELSE -{1} END)"),
    ),
    ("substring(bit,int4,int4)", Native("dg_substr3")),
    ("substring(bit,int4)", Native("dg_substr2")),
    ("overlay(bit,bit,int4,int4)", Native("dg_overlay4")),
    ("overlay(bit,bit,int4)", Native("dg_overlay3")),
    ("get_bit(bit,int4)", Native("dg_bit_get")),
    ("set_bit(bit,int4,int4)", Native("dg_bit_set")),
    ("bit(int4,int4)", Template("dg_int_to_bit({0}::BIGINT, {1}, 32)")),
    ("bit(int8,int4)", Template("dg_int_to_bit({0}, {1}, 64)")),
    ("int4(bit)", Native("dg_bit_to_int4")),
    ("int8(bit)", Native("dg_bit_to_int8")),
    ("bit(bit,int4,bool)", Native("dg_bit_length")),
    ("varbit(varbit,int4,bool)", Native("dg_varbit_length")),
];
