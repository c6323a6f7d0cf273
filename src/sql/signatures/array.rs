//! Arrays of one dimension (DuckDB lists) and enums.

use super::{How::*, Line};

pub(super) const ENTRIES: &[Line] = &[
    ("array_eq(anyarray,anyarray)", Template("({0} = {1})")),
    ("array_ne(anyarray,anyarray)", Template("({0} <> {1})")),
    ("array_lt(anyarray,anyarray)", Template("({0} < {1})")),
    ("array_le(anyarray,anyarray)", Template("({0} <= {1})")),
    ("array_gt(anyarray,anyarray)", Template("({0} > {1})")),
    ("array_ge(anyarray,anyarray)", Template("({0} >= {1})")),
    ("array_append(anycompatiblearray,anycompatible)", Template("list_append(coalesce({0}, []), {1})")),
    ("array_prepend(anycompatible,anycompatiblearray)", Template("list_prepend({0}, coalesce({1}, []))")),
    (
        "array_cat(anycompatiblearray,anycompatiblearray)",
        Template("CASE WHEN {0} IS NULL THEN {1} WHEN {1} IS NULL THEN {0} ELSE list_concat({0}, {1}) END"),
    ),
    ("array_length(anyarray,int4)", Template("CASE WHEN {1} = 1 AND len({0}) > 0 THEN len({0})::INTEGER END")),
    ("array_upper(anyarray,int4)", Template("CASE WHEN {1} = 1 AND len({0}) > 0 THEN len({0})::INTEGER END")),
    ("array_lower(anyarray,int4)", Template("CASE WHEN {1} = 1 AND len({0}) > 0 THEN 1::INTEGER END")),
    ("array_ndims(anyarray)", Template("CASE WHEN len({0}) > 0 THEN 1::INTEGER END")),
    ("cardinality(anyarray)", Template("len({0})::INTEGER")),
    (
        "arraycontains(anyarray,anyarray)",
        Template(
            "CASE WHEN {0} IS NOT NULL AND {1} IS NOT NULL THEN \
             list_has_all({0}, {1}) AND NOT list_contains(list_transform({1}, lambda x: x IS NULL), true) END",
        ),
    ),
    (
        "arraycontained(anyarray,anyarray)",
        Template(
            "CASE WHEN {0} IS NOT NULL AND {1} IS NOT NULL THEN \
             list_has_all({1}, {0}) AND NOT list_contains(list_transform({0}, lambda x: x IS NULL), true) END",
        ),
    ),
    ("arrayoverlap(anyarray,anyarray)", Template("list_has_any({0}, {1})")),
    // lower/array_search.rs
    ("array_position(anycompatiblearray,anycompatible)", Special),
    ("array_position(anycompatiblearray,anycompatible,int4)", Special),
    ("array_positions(anycompatiblearray,anycompatible)", Special),
    ("array_remove(anycompatiblearray,anycompatible)", Special),
    ("array_replace(anycompatiblearray,anycompatible,anycompatible)", Special),
    ("array_dims(anyarray)", Special),
    ("array_fill(anyelement,_int4)", Special),
    ("array_fill(anyelement,_int4,_int4)", Special),
    ("trim_array(anyarray,int4)", Special),
    ("width_bucket(anycompatible,anycompatiblearray)", Special),
    ("array_larger(anyarray,anyarray)", Template("CASE WHEN {0} < {1} THEN {1} WHEN {0} >= {1} THEN {0} END")),
    ("array_smaller(anyarray,anyarray)", Template("CASE WHEN {0} > {1} THEN {1} WHEN {0} <= {1} THEN {0} END")),
    ("enum_larger(anyenum,anyenum)", Template("CASE WHEN {0} < {1} THEN {1} WHEN {0} >= {1} THEN {0} END")),
    ("enum_smaller(anyenum,anyenum)", Template("CASE WHEN {0} > {1} THEN {1} WHEN {0} <= {1} THEN {0} END")),
    ("enum_first(anyenum)", Special),
    ("enum_last(anyenum)", Special),
    ("enum_range(anyenum)", Special),
    ("enum_range(anyenum,anyenum)", Special),
    ("generate_subscripts(anyarray,int4,bool)", Special),
    ("generate_series(numeric,numeric)", Special),
    ("generate_series(numeric,numeric,numeric)", Special),
    ("unnest(anyarray)", Special),
    ("generate_subscripts(anyarray,int4)", Special),
    ("generate_series(int4,int4)", Special),
    ("generate_series(int4,int4,int4)", Special),
    ("generate_series(int8,int8)", Special),
    ("generate_series(int8,int8,int8)", Special),
    ("generate_series(timestamp,timestamp,interval)", Special),
    ("generate_series(timestamptz,timestamptz,interval)", Special),
    ("enum_eq(anyenum,anyenum)", Template("({0} = {1})")),
    ("enum_ne(anyenum,anyenum)", Template("({0} <> {1})")),
    ("enum_lt(anyenum,anyenum)", Template("({0} < {1})")),
    ("enum_le(anyenum,anyenum)", Template("({0} <= {1})")),
    ("enum_gt(anyenum,anyenum)", Template("({0} > {1})")),
    ("enum_ge(anyenum,anyenum)", Template("({0} >= {1})")),
];
