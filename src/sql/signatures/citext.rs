//! The extension citext: text that compares by its lower-case letters.

use super::{How::*, Line};

/// The flags of a regular expression's function with letters of both cases alike, unless `c` says otherwise.
macro_rules! flags {
    ($before:literal, $flags:literal, $after:literal) => {
        concat!(
            $before,
            "CASE WHEN strpos(",
            $flags,
            ", 'c') = 0 THEN ",
            $flags,
            " || 'i' ELSE ",
            $flags,
            " END",
            $after
        )
    };
}

pub(super) const ENTRIES: &[Line] = &[
    ("citext(bpchar)", Template("{0}")),
    ("citext(bool)", Template("CASE {0} WHEN TRUE THEN 'true' WHEN FALSE THEN 'false' END")),
    ("citext(inet)", Native("dg_inet_show")),
    ("citext_eq(citext,citext)", Template("(lower({0}) = lower({1}))")),
    ("citext_ne(citext,citext)", Template("(lower({0}) <> lower({1}))")),
    ("citext_lt(citext,citext)", Template("(lower({0}) < lower({1}))")),
    ("citext_le(citext,citext)", Template("(lower({0}) <= lower({1}))")),
    ("citext_gt(citext,citext)", Template("(lower({0}) > lower({1}))")),
    ("citext_ge(citext,citext)", Template("(lower({0}) >= lower({1}))")),
    (
        "citext_cmp(citext,citext)",
        Template(
            "CASE WHEN lower({0}) < lower({1}) THEN -1 WHEN lower({0}) = lower({1}) THEN 0 \
             WHEN lower({0}) > lower({1}) THEN 1 END",
        ),
    ),
    ("citext_pattern_lt(citext,citext)", Template("(lower({0}) < lower({1}))")),
    ("citext_pattern_le(citext,citext)", Template("(lower({0}) <= lower({1}))")),
    ("citext_pattern_gt(citext,citext)", Template("(lower({0}) > lower({1}))")),
    ("citext_pattern_ge(citext,citext)", Template("(lower({0}) >= lower({1}))")),
    ("citext_smaller(citext,citext)", Template("CASE WHEN lower({0}) < lower({1}) THEN {0} ELSE {1} END")),
    ("citext_larger(citext,citext)", Template("CASE WHEN lower({0}) > lower({1}) THEN {0} ELSE {1} END")),
    ("texticlike(citext,citext)", Template("dg_like(lower({0}), lower({1}))")),
    ("texticnlike(citext,citext)", Template("(NOT dg_like(lower({0}), lower({1})))")),
    ("texticlike(citext,text)", Template("dg_like(lower({0}), lower({1}))")),
    ("texticnlike(citext,text)", Template("(NOT dg_like(lower({0}), lower({1})))")),
    ("texticregexeq(citext,citext)", Native("dg_regex_i")),
    ("texticregexne(citext,citext)", Template("(NOT dg_regex_i({0}, {1}))")),
    ("texticregexeq(citext,text)", Native("dg_regex_i")),
    ("texticregexne(citext,text)", Template("(NOT dg_regex_i({0}, {1}))")),
    ("regexp_match(citext,citext)", Template("dg_regexp_match({0}, {1}, 'i')")),
    ("regexp_match(citext,citext,text)", Template(flags!("dg_regexp_match({0}, {1}, ", "{2}", ")"))),
    ("regexp_matches(citext,citext)", Template("dg_regexp_matches({0}, {1}, 'i')")),
    ("regexp_matches(citext,citext,text)", Template(flags!("dg_regexp_matches({0}, {1}, ", "{2}", ")"))),
    ("regexp_replace(citext,citext,text)", Template("dg_regexp_replace({0}, {1}, {2}, 'i')")),
    ("regexp_replace(citext,citext,text,text)", Template(flags!("dg_regexp_replace({0}, {1}, {2}, ", "{3}", ")"))),
    ("regexp_split_to_array(citext,citext)", Template("dg_regexp_split_to_array({0}, {1}, 'i')")),
    ("regexp_split_to_array(citext,citext,text)", Template(flags!("dg_regexp_split_to_array({0}, {1}, ", "{2}", ")"))),
    ("regexp_split_to_table(citext,citext)", Template("dg_regexp_split_to_table({0}, {1}, 'i')")),
    ("regexp_split_to_table(citext,citext,text)", Template(flags!("dg_regexp_split_to_table({0}, {1}, ", "{2}", ")"))),
    ("strpos(citext,citext)", Template("strpos(lower({0}), lower({1}))::INTEGER")),
    (
        "replace(citext,citext,citext)",
        Template("dg_regexp_replace({0}, dg_regexp_replace({1}, '([^a-zA-Z_0-9])', '\\\\\\1', 'g'), {2}, 'gi')"),
    ),
    (
        "split_part(citext,citext,int4)",
        Template(
            "list_extract(dg_regexp_split_to_array({0}, dg_regexp_replace({1}, '([^a-zA-Z_0-9])', '\\\\\\1', 'g'), 'i'), {2})",
        ),
    ),
    ("translate(citext,citext,text)", Template("dg_translate(dg_translate({0}, lower({1}), {2}), upper({1}), {2})")),
    ("min(citext)", Aggregate("min")),
    ("max(citext)", Aggregate("max")),
];
