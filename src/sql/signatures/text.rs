//! Text: concatenation, cutting, padding, searching, patterns, quoting.

use super::{How::*, Line, const_int, const_text};
use crate::tree::Expr;

/// Start and length that DuckDB's substring understands as PostgreSQL's does.
fn plain_substring(args: &[Expr]) -> bool {
    const_int(args, 1).is_some_and(|start| start >= 1)
        && (args.len() < 3 || const_int(args, 2).is_some_and(|len| len >= 0))
}

/// What is sought is short: DuckDB compares it at each place anew.
fn short_sought(args: &[Expr]) -> bool {
    const_text(args, 1).is_some_and(|sought| sought.len() <= 64)
}

/// A constant LIKE pattern without PostgreSQL's default escape character that DuckDB matches in linear time: it looks for
/// several parts one after the other if there is no `_`, and otherwise tries all places for each (as ILIKE always does).
fn plain_pattern(args: &[Expr]) -> bool {
    const_text(args, 1).is_some_and(|p| !p.contains('\\') && (!p.contains('_') || parts(p) <= 1))
}

fn plain_ilike_pattern(args: &[Expr]) -> bool {
    const_text(args, 1).is_some_and(|p| !p.contains('\\') && parts(p) <= 1)
}

/// How many `%` of a pattern have something behind them.
fn parts(pattern: &str) -> usize {
    pattern.trim_end_matches('%').split('%').skip(1).filter(|part| !part.is_empty()).count()
}

/// character(n) is kept without its padding: a pattern that does not look at it.
pub(in crate::sql) fn padding_is_no_matter(args: &[Expr]) -> bool {
    const_text(args, 1)
        .is_some_and(|p| !p.contains('\\') && p.ends_with('%') && !p.trim_end_matches('%').ends_with([' ', '_', '%']))
}

/// An array whose elements DuckDB writes as PostgreSQL does.
fn plain_elements(args: &[Expr]) -> bool {
    use crate::types::{oid, table::element_type};
    let element = args.first().and_then(|a| element_type(a.ty.oid, &crate::types::BuiltinTypes));
    matches!(
        element,
        Some(
            oid::TEXT
                | oid::VARCHAR
                | oid::NAME
                | oid::CHAR
                | oid::ACLITEM
                | oid::INT2
                | oid::INT4
                | oid::INT8
                | oid::OID
                | oid::UUID
                | oid::DATE
        )
    )
}

pub(super) const ENTRIES: &[Line] = &[
    ("length(text)", Template("length({0})::INTEGER")),
    ("length(bpchar)", Template("length({0})::INTEGER")),
    ("char_length(text)", Template("length({0})::INTEGER")),
    ("char_length(bpchar)", Template("length({0})::INTEGER")),
    ("character_length(text)", Template("length({0})::INTEGER")),
    ("character_length(bpchar)", Template("length({0})::INTEGER")),
    ("textlen(text)", Template("length({0})::INTEGER")),
    ("octet_length(text)", Template("strlen({0})::INTEGER")),
    ("bit_length(text)", Template("(strlen({0}) * 8)::INTEGER")),
    ("textcat(text,text)", Template("({0} || {1})")),
    ("textanycat(text,anynonarray)", Special),
    ("anytextcat(anynonarray,text)", Special),
    ("lower(text)", Template("lower({0})")),
    // PostgreSQL leaves the one letter whose capital is younger than its tables.
    (
        "upper(text)",
        // No text has chr(0).
        Template("replace(upper(replace({0}, 'ß', chr(0))), chr(0), 'ß')"),
    ),
    ("initcap(text)", Native("dg_initcap")),
    ("normalize(text,text)", Native("dg_normalize")),
    ("is_normalized(text,text)", Native("dg_is_normalized")),
    ("substr(text,int4,int4)", When(plain_substring, "substring({0}, {1}, {2})", &Native("dg_substr3"))),
    ("substring(text,int4,int4)", When(plain_substring, "substring({0}, {1}, {2})", &Native("dg_substr3"))),
    ("substr(text,int4)", When(plain_substring, "substring({0}, {1})", &Native("dg_substr2"))),
    ("substring(text,int4)", When(plain_substring, "substring({0}, {1})", &Native("dg_substr2"))),
    ("substring(text,text)", Native("dg_regexp_substring")),
    ("left(text,int4)", Template("left({0}, {1}::BIGINT)")),
    (
        "right(text,int4)",
        // PostgreSQL negates the number, which the least one does not survive.
        Template("CASE WHEN {1} = -2147483648 THEN {0} ELSE right({0}, {1}::BIGINT) END"),
    ),
    ("lpad(text,int4,text)", Native("dg_lpad")),
    ("lpad(text,int4)", Template("dg_lpad({0}, {1}, ' ')")),
    ("rpad(text,int4,text)", Native("dg_rpad")),
    ("rpad(text,int4)", Template("dg_rpad({0}, {1}, ' ')")),
    ("repeat(text,int4)", Native("dg_repeat")),
    ("replace(text,text,text)", Native("dg_replace")),
    ("translate(text,text,text)", Native("dg_translate")),
    ("reverse(text)", Native("dg_reverse")),
    ("strpos(text,text)", When(short_sought, "strpos({0}, {1})::INTEGER", &Native("dg_strpos"))),
    ("position(text,text)", When(short_sought, "strpos({0}, {1})::INTEGER", &Native("dg_strpos"))),
    ("split_part(text,text,int4)", Native("dg_split_part")),
    ("ascii(text)", Template("ascii({0})")),
    ("chr(int4)", Native("dg_chr")),
    ("btrim(text)", Template("trim({0}, ' ')")),
    ("btrim(text,text)", Template("trim({0}, {1})")),
    ("ltrim(text)", Template("ltrim({0}, ' ')")),
    ("ltrim(text,text)", Template("ltrim({0}, {1})")),
    ("rtrim(text)", Template("rtrim({0}, ' ')")),
    ("rtrim(text,text)", Template("rtrim({0}, {1})")),
    ("md5(text)", Template("md5({0})")),
    ("starts_with(text,text)", Template("starts_with({0}, {1})")),
    ("to_hex(int4)", Native("dg_to_hex_int4")),
    ("to_hex(int8)", Native("dg_to_hex_int8")),
    ("quote_ident(text)", Native("dg_quote_ident")),
    ("quote_literal(text)", Native("dg_quote_literal")),
    ("quote_nullable(text)", Template("coalesce(dg_quote_literal({0}), 'NULL')")),
    ("overlay(text,text,int4,int4)", Native("dg_overlay4")),
    ("overlay(text,text,int4)", Native("dg_overlay3")),
    ("concat(any)", Special),
    ("concat_ws(text,any)", Special),
    ("format(text,any)", Special),
    ("format(text)", Special),
    ("textlike(text,text)", When(plain_pattern, "({0} LIKE {1})", &Native("dg_like"))),
    ("textnlike(text,text)", When(plain_pattern, "({0} NOT LIKE {1})", &Template("(NOT dg_like({0}, {1}))"))),
    (
        "texticlike(text,text)",
        When(plain_ilike_pattern, "({0} ILIKE {1})", &Template("dg_like(lower({0}), lower({1}))")),
    ),
    (
        "texticnlike(text,text)",
        When(plain_ilike_pattern, "({0} NOT ILIKE {1})", &Template("(NOT dg_like(lower({0}), lower({1})))")),
    ),
    ("xml(text)", Template("dg_in_xml({session}, {0})")),
    ("textregexeq(text,text)", Native("dg_regex")),
    ("textregexne(text,text)", Template("(NOT dg_regex({0}, {1}))")),
    ("texticregexeq(text,text)", Native("dg_regex_i")),
    ("texticregexne(text,text)", Template("(NOT dg_regex_i({0}, {1}))")),
    ("namelike(name,text)", When(plain_pattern, "({0} LIKE {1})", &Native("dg_like"))),
    ("namenlike(name,text)", When(plain_pattern, "({0} NOT LIKE {1})", &Template("(NOT dg_like({0}, {1}))"))),
    (
        "nameiclike(name,text)",
        When(plain_ilike_pattern, "({0} ILIKE {1})", &Template("dg_like(lower({0}), lower({1}))")),
    ),
    (
        "nameicnlike(name,text)",
        When(plain_ilike_pattern, "({0} NOT ILIKE {1})", &Template("(NOT dg_like(lower({0}), lower({1})))")),
    ),
    ("nameregexeq(name,text)", Native("dg_regex")),
    ("nameregexne(name,text)", Template("(NOT dg_regex({0}, {1}))")),
    ("nameicregexeq(name,text)", Native("dg_regex_i")),
    ("nameicregexne(name,text)", Template("(NOT dg_regex_i({0}, {1}))")),
    ("bpcharlike(bpchar,text)", When(plain_pattern, "({0} LIKE {1})", &Native("dg_like"))),
    ("bpcharnlike(bpchar,text)", When(plain_pattern, "({0} NOT LIKE {1})", &Template("(NOT dg_like({0}, {1}))"))),
    (
        "bpchariclike(bpchar,text)",
        When(plain_ilike_pattern, "({0} ILIKE {1})", &Template("dg_like(lower({0}), lower({1}))")),
    ),
    (
        "bpcharicnlike(bpchar,text)",
        When(plain_ilike_pattern, "({0} NOT ILIKE {1})", &Template("(NOT dg_like(lower({0}), lower({1})))")),
    ),
    ("bpcharregexeq(bpchar,text)", Native("dg_regex")),
    ("bpcharregexne(bpchar,text)", Template("(NOT dg_regex({0}, {1}))")),
    ("bpcharicregexeq(bpchar,text)", Native("dg_regex_i")),
    ("bpcharicregexne(bpchar,text)", Template("(NOT dg_regex_i({0}, {1}))")),
    ("like_escape(text,text)", Native("dg_like_escape")),
    ("like(text,text)", When(plain_pattern, "({0} LIKE {1})", &Native("dg_like"))),
    ("similar_to_escape(text)", Template("dg_similar_to_escape({0}, '\\')")),
    ("similar_to_escape(text,text)", Native("dg_similar_to_escape")),
    ("regexp_replace(text,text,text)", Template("dg_regexp_replace({0}, {1}, {2}, '')")),
    ("regexp_replace(text,text,text,text)", Native("dg_regexp_replace")),
    ("regexp_replace(text,text,text,int4)", Template("dg_regexp_replace_at({0}, {1}, {2}, {3}, 1, '')")),
    ("regexp_replace(text,text,text,int4,int4)", Template("dg_regexp_replace_at({0}, {1}, {2}, {3}, {4}, '')")),
    ("regexp_replace(text,text,text,int4,int4,text)", Native("dg_regexp_replace_at")),
    ("regexp_like(text,text)", Native("dg_regex")),
    ("regexp_like(text,text,text)", Native("dg_regexp_like")),
    ("regexp_count(text,text)", Template("dg_regexp_count({0}, {1}, 1, '')")),
    ("regexp_count(text,text,int4)", Template("dg_regexp_count({0}, {1}, {2}, '')")),
    ("regexp_count(text,text,int4,text)", Native("dg_regexp_count")),
    ("regexp_instr(text,text)", Template("dg_regexp_instr({0}, {1}, 1, 1, 0, '', 0)")),
    ("regexp_instr(text,text,int4)", Template("dg_regexp_instr({0}, {1}, {2}, 1, 0, '', 0)")),
    ("regexp_instr(text,text,int4,int4)", Template("dg_regexp_instr({0}, {1}, {2}, {3}, 0, '', 0)")),
    ("regexp_instr(text,text,int4,int4,int4)", Template("dg_regexp_instr({0}, {1}, {2}, {3}, {4}, '', 0)")),
    ("regexp_instr(text,text,int4,int4,int4,text)", Template("dg_regexp_instr({0}, {1}, {2}, {3}, {4}, {5}, 0)")),
    ("regexp_instr(text,text,int4,int4,int4,text,int4)", Native("dg_regexp_instr")),
    ("regexp_substr(text,text)", Template("dg_regexp_substr({0}, {1}, 1, 1, '', 0)")),
    ("regexp_substr(text,text,int4)", Template("dg_regexp_substr({0}, {1}, {2}, 1, '', 0)")),
    ("regexp_substr(text,text,int4,int4)", Template("dg_regexp_substr({0}, {1}, {2}, {3}, '', 0)")),
    ("regexp_substr(text,text,int4,int4,text)", Template("dg_regexp_substr({0}, {1}, {2}, {3}, {4}, 0)")),
    ("regexp_substr(text,text,int4,int4,text,int4)", Native("dg_regexp_substr")),
    ("regexp_matches(text,text)", Template("dg_regexp_matches({0}, {1}, '')")),
    ("regexp_matches(text,text,text)", Native("dg_regexp_matches")),
    ("regexp_split_to_table(text,text)", Template("dg_regexp_split_to_table({0}, {1}, '')")),
    ("regexp_split_to_table(text,text,text)", Native("dg_regexp_split_to_table")),
    ("regexp_split_to_array(text,text,text)", Native("dg_regexp_split_to_array")),
    ("substring(text,text,text)", Native("dg_similar_substring")),
    ("similar_escape(text,text)", Template("dg_similar_to_escape({0}, coalesce({1}, '\\'))")),
    ("string_to_array(text,text,text)", Native("dg_string_to_array")),
    ("string_to_table(text,text)", Native("dg_string_to_array")),
    ("string_to_table(text,text,text)", Native("dg_string_to_array")),
    ("to_char(timestamp,text)", Native("dg_to_char_timestamp")),
    ("to_char(timestamptz,text)", SessionNative("dg_to_char_timestamptz")),
    ("to_char(interval,text)", Native("dg_to_char_interval")),
    ("to_char(numeric,text)", Native("dg_to_char_numeric")),
    ("to_char(int4,text)", Template("dg_to_char_int8({0}::BIGINT, {1})")),
    ("to_char(int8,text)", Native("dg_to_char_int8")),
    ("to_char(float4,text)", Native("dg_to_char_float4")),
    ("to_char(float8,text)", Native("dg_to_char_float8")),
    ("to_number(text,text)", Native("dg_to_number")),
    ("to_date(text,text)", Native("dg_to_date")),
    ("to_timestamp(text,text)", SessionNative("dg_to_timestamp_text")),
    ("octet_length(bpchar)", Special),
    ("parse_ident(text,bool)", Native("dg_parse_ident")),
    ("unistr(text)", Native("dg_unistr")),
    ("quote_literal(anyelement)", Special),
    ("quote_nullable(anyelement)", Special),
    ("notlike(text,text)", Template("(NOT dg_like({0}, {1}))")),
    ("like(name,text)", Native("dg_like")),
    ("notlike(name,text)", Template("(NOT dg_like({0}, {1}))")),
    ("num_nulls(any)", Special),
    ("num_nonnulls(any)", Special),
    ("char(text)", Native("dg_char")),
    ("char(int4)", Native("dg_int4_to_char")),
    ("int4(char)", Native("dg_char_to_int4")),
    (
        "bpchar_larger(bpchar,bpchar)",
        Template(
            "CASE WHEN rtrim({0}, ' ') < rtrim({1}, ' ') THEN {1} WHEN rtrim({0}, ' ') >= rtrim({1}, ' ') THEN {0} END",
        ),
    ),
    (
        "bpchar_smaller(bpchar,bpchar)",
        Template(
            "CASE WHEN rtrim({0}, ' ') > rtrim({1}, ' ') THEN {1} WHEN rtrim({0}, ' ') <= rtrim({1}, ' ') THEN {0} END",
        ),
    ),
    ("regexp_match(text,text)", Template("dg_regexp_match({0}, {1}, '')")),
    ("regexp_match(text,text,text)", Native("dg_regexp_match")),
    ("regexp_split_to_array(text,text)", Template("dg_regexp_split_to_array({0}, {1}, '')")),
    ("string_to_array(text,text)", Native("dg_string_to_array")),
    (
        "array_to_string(anyarray,text)",
        When(
            plain_elements,
            "dg_array_to_string({0}::VARCHAR[], {1})",
            &Refused("array_to_string of this element type"),
        ),
    ),
    (
        "array_to_string(anyarray,text,text)",
        When(
            plain_elements,
            "dg_array_to_string({0}::VARCHAR[], {1}, {2})",
            &Refused("array_to_string of this element type"),
        ),
    ),
    ("text(bpchar)", Template("{0}")),
    ("text(name)", Template("{0}")),
    ("text(char)", Template("{0}")),
    ("text(bool)", Template("{0}::VARCHAR")),
    ("name(text)", Native("dg_name")),
    ("name(bpchar)", Native("dg_name")),
    ("name(varchar)", Native("dg_name")),
    ("bpchar(name)", Template("{0}")),
    ("varchar(name)", Template("{0}")),
    ("bpchar(char)", Native("dg_char_to_bpchar")),
    ("bpchar(bpchar,int4,bool)", Special),
    ("varchar(varchar,int4,bool)", Special),
    ("textin(cstring)", Special),
    ("text_pattern_lt(text,text)", Template("({0} < {1})")),
    ("text_pattern_le(text,text)", Template("({0} <= {1})")),
    ("text_pattern_gt(text,text)", Template("({0} > {1})")),
    ("text_pattern_ge(text,text)", Template("({0} >= {1})")),
    ("bpchar_pattern_lt(bpchar,bpchar)", Template("({0} < {1})")),
    ("bpchar_pattern_le(bpchar,bpchar)", Template("({0} <= {1})")),
    ("bpchar_pattern_gt(bpchar,bpchar)", Template("({0} > {1})")),
    ("bpchar_pattern_ge(bpchar,bpchar)", Template("({0} >= {1})")),
    ("text_larger(text,text)", Template("CASE WHEN {0} < {1} THEN {1} WHEN {0} >= {1} THEN {0} END")),
    ("text_smaller(text,text)", Template("CASE WHEN {0} > {1} THEN {1} WHEN {0} <= {1} THEN {0} END")),
    ("gen_random_uuid()", Template("gen_random_uuid()")),
];
