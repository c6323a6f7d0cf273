//! The extensions pg_trgm, fuzzystrmatch and unaccent.

use super::{How::*, Line};

pub(super) const ENTRIES: &[Line] = &[
    ("show_trgm(text)", Native("dg_show_trgm")),
    ("similarity(text,text)", Native("dg_similarity")),
    ("similarity_dist(text,text)", Template("(1::FLOAT - dg_similarity({0}, {1}))")),
    ("word_similarity(text,text)", Native("dg_word_similarity")),
    ("word_similarity_dist_op(text,text)", Template("(1::FLOAT - dg_word_similarity({0}, {1}))")),
    ("word_similarity_dist_commutator_op(text,text)", Template("(1::FLOAT - dg_word_similarity({1}, {0}))")),
    ("strict_word_similarity(text,text)", Native("dg_strict_word_similarity")),
    ("strict_word_similarity_dist_op(text,text)", Template("(1::FLOAT - dg_strict_word_similarity({0}, {1}))")),
    (
        "strict_word_similarity_dist_commutator_op(text,text)",
        Template("(1::FLOAT - dg_strict_word_similarity({1}, {0}))"),
    ),
    ("similarity_op(text,text)", SessionNative("dg_similar")),
    ("word_similarity_op(text,text)", SessionNative("dg_word_similar")),
    ("word_similarity_commutator_op(text,text)", Template("dg_word_similar({session}, {1}, {0})")),
    ("strict_word_similarity_op(text,text)", SessionNative("dg_strict_word_similar")),
    ("strict_word_similarity_commutator_op(text,text)", Template("dg_strict_word_similar({session}, {1}, {0})")),
    ("show_limit()", SessionNative("dg_show_limit")),
    ("set_limit(float4)", SessionNative("dg_set_limit")),
    ("levenshtein(text,text)", Native("dg_levenshtein")),
    ("levenshtein(text,text,int4,int4,int4)", Native("dg_levenshtein_costs")),
    ("levenshtein_less_equal(text,text,int4)", Native("dg_levenshtein_up_to")),
    ("levenshtein_less_equal(text,text,int4,int4,int4,int4)", Native("dg_levenshtein_costs_up_to")),
    ("soundex(text)", Native("dg_soundex")),
    ("text_soundex(text)", Native("dg_soundex")),
    ("difference(text,text)", Native("dg_difference")),
    ("metaphone(text,int4)", Native("dg_metaphone")),
    ("dmetaphone(text)", Native("dg_dmetaphone")),
    ("dmetaphone_alt(text)", Native("dg_dmetaphone_alt")),
    ("unaccent(text)", Native("dg_unaccent")),
    ("unaccent(regdictionary,text)", Refused("use unaccent(text)")),
];
