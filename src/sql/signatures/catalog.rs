//! Functions over the catalogs: names, definitions, privileges, statistics.

use std::borrow::Cow;

use super::How::{self, *};
use super::{Line, signature};
use crate::facts::{self, Proc};
use crate::types::oid;

/// How many bytes a table takes, about, in pages of 8 kB; a view takes none. NULL for what is not there; rows that the role may
/// not count are none.
const TABLE_SIZE: &str = "CASE dg_pg_relation_is_table({session}, {0}) WHEN FALSE THEN 0::BIGINT \
    WHEN TRUE THEN CASE WHEN dg_pg_counts({session}, {0}) THEN coalesce((SELECT max(((estimated_size * column_count * 8 + 8191) \
    // 8192) * 8192) FROM duckdb_tables() WHERE table_name = 'r' || {0}), 0)::BIGINT ELSE 0::BIGINT END END";
/// The same of one fork: all is in the main one.
const FORK_SIZE: &str = "CASE dg_pg_relation_is_table({session}, {0}) WHEN FALSE THEN 0::BIGINT \
    WHEN TRUE THEN CASE WHEN {1} = 'main' AND dg_pg_counts({session}, {0}) THEN coalesce((SELECT max(((estimated_size * \
    column_count * 8 + 8191) // 8192) * 8192) FROM duckdb_tables() WHERE table_name = 'r' || {0}), 0)::BIGINT \
    ELSE 0::BIGINT END END";
/// What DuckDB's file takes; nothing in memory.
const DATABASE_SIZE: &str = "CASE WHEN {0} IS NOT NULL THEN coalesce((SELECT sum(block_size * total_blocks) \
    FROM pragma_database_size()), 0)::BIGINT END";

/// A number without a sign, as one with it that sorts alike.
macro_rules! unsigned {
    ($operator:literal) => {
        concat!("(xor({0}, '-9223372036854775808'::BIGINT) ", $operator, " xor({1}, '-9223372036854775808'::BIGINT))")
    };
}

/// All is in pg_default.
const TABLESPACE_SIZE: &str = "CASE WHEN {0}::VARCHAR IN ('1663', 'pg_default') THEN coalesce((SELECT sum(block_size * total_blocks) \
    FROM pragma_database_size()), 0)::BIGINT WHEN {0}::VARCHAR IN ('1664', 'pg_global') THEN 0::BIGINT END";

pub(super) const ENTRIES: &[Line] = &[
    ("pg_show_all_settings()", SessionNative("dg_pg_show_all_settings")),
    ("oidvectoreq(oidvector,oidvector)", Template("({0} = {1})")),
    ("oidvectorne(oidvector,oidvector)", Template("({0} <> {1})")),
    // Nothing wraps around here: what is asked is how far that is.
    ("age(xid)", Template("CASE WHEN {0} < 3 THEN 2147483647 ELSE greatest(txid_current() + 3 - {0}, 0)::INTEGER END")),
    ("mxid_age(xid)", Template("CASE WHEN {0} = 0 THEN 2147483647 ELSE 0 END")),
    ("pg_get_userbyid(oid)", SessionNative("dg_pg_get_userbyid")),
    ("format_type(oid,int4)", SessionNative("dg_format_type")),
    (
        "oidvectortypes(oidvector)",
        Template(
            "coalesce(array_to_string(list_transform({0}, lambda x: dg_format_type({session}, x, NULL::INTEGER)), ', '), '')",
        ),
    ),
    ("_pg_truetypid(record,record)", Special),
    ("_pg_truetypmod(record,record)", Special),
    ("obj_description(oid,name)", SessionNative("dg_obj_description")),
    ("obj_description(oid)", Template("dg_obj_description({session}, {0}, '')")),
    ("shobj_description(oid,name)", SessionNative("dg_obj_description")),
    ("col_description(oid,int4)", SessionNative("dg_col_description")),
    ("pg_describe_object(oid,oid,int4)", SessionNative("dg_pg_describe_object")),
    ("pg_table_is_visible(oid)", SessionNative("dg_pg_table_is_visible")),
    ("pg_type_is_visible(oid)", SessionNative("dg_pg_type_is_visible")),
    ("pg_function_is_visible(oid)", SessionNative("dg_pg_function_is_visible")),
    ("pg_operator_is_visible(oid)", SessionNative("dg_always_visible")),
    ("pg_opclass_is_visible(oid)", SessionNative("dg_always_visible")),
    ("pg_opfamily_is_visible(oid)", SessionNative("dg_always_visible")),
    ("pg_collation_is_visible(oid)", SessionNative("dg_always_visible")),
    ("pg_conversion_is_visible(oid)", SessionNative("dg_always_visible")),
    ("pg_ts_config_is_visible(oid)", SessionNative("dg_always_visible")),
    ("pg_ts_dict_is_visible(oid)", SessionNative("dg_always_visible")),
    ("pg_ts_parser_is_visible(oid)", SessionNative("dg_always_visible")),
    ("pg_ts_template_is_visible(oid)", SessionNative("dg_always_visible")),
    ("pg_statistics_obj_is_visible(oid)", SessionNative("dg_always_visible")),
    // text_regclass: a number is a name here.
    (
        "regclass(text)",
        Template(
            "dg_in_regclass({session}, CASE WHEN regexp_full_match({0}, '[0-9]+|-') THEN '\"' || {0} || '\"' ELSE {0} END)",
        ),
    ),
    ("to_regclass(text)", Template("dg_to_reg({session}, 'regclass', {0})")),
    ("to_regtype(text)", Template("dg_to_reg({session}, 'regtype', {0})")),
    ("to_regproc(text)", Template("dg_to_reg({session}, 'regproc', {0})")),
    ("to_regprocedure(text)", Template("dg_to_reg({session}, 'regprocedure', {0})")),
    ("to_regoper(text)", Template("dg_to_reg({session}, 'regoper', {0})")),
    ("to_regoperator(text)", Template("dg_to_reg({session}, 'regoperator', {0})")),
    ("to_regnamespace(text)", Template("dg_to_reg({session}, 'regnamespace', {0})")),
    ("to_regrole(text)", Template("dg_to_reg({session}, 'regrole', {0})")),
    ("to_regcollation(text)", Template("dg_to_reg({session}, 'regcollation', {0})")),
    ("pg_get_function_result(oid)", SessionNative("dg_pg_get_function_result")),
    ("pg_get_function_arguments(oid)", SessionNative("dg_pg_get_function_arguments")),
    ("pg_get_function_identity_arguments(oid)", SessionNative("dg_pg_get_function_identity_arguments")),
    ("pg_get_function_arg_default(oid,int4)", SessionNative("dg_pg_get_function_arg_default")),
    ("pg_get_functiondef(oid)", SessionNative("dg_pg_get_functiondef")),
    ("pg_get_function_sqlbody(oid)", SessionNative("dg_pg_get_function_sqlbody")),
    ("satisfies_hash_partition(oid,int4,int4,any)", Special),
    ("pg_get_partkeydef(oid)", SessionNative("dg_pg_get_partkeydef")),
    ("pg_get_partition_constraintdef(oid)", SessionNative("dg_pg_get_partition_constraintdef")),
    ("pg_partition_ancestors(regclass)", SessionNative("dg_pg_partition_ancestors")),
    ("pg_partition_root(regclass)", SessionNative("dg_pg_partition_root")),
    ("pg_partition_tree(regclass)", SessionNative("dg_pg_partition_tree")),
    // Nothing inherits otherwise, or has triggers, rules, statistics of expressions or foreign servers' options.
    ("pg_get_triggerdef(oid)", Template("NULL::VARCHAR")),
    ("pg_get_triggerdef(oid,bool)", Template("NULL::VARCHAR")),
    ("pg_get_ruledef(oid)", Template("NULL::VARCHAR")),
    ("pg_get_ruledef(oid,bool)", Template("NULL::VARCHAR")),
    ("pg_get_statisticsobjdef(oid)", Template("dg_pg_get_statisticsobjdef({session}, {0}, true)")),
    ("pg_get_statisticsobjdef_columns(oid)", Template("dg_pg_get_statisticsobjdef({session}, {0}, false)")),
    ("pg_get_statisticsobjdef_expressions(oid)", Template("NULL::VARCHAR[]")),
    ("pg_get_replica_identity_index(regclass)", Template("NULL::UINTEGER")),
    (
        "pg_options_to_table(_text)",
        Template(
            "list_transform({0}, lambda x: struct_pack(f1 := split_part(x, '=', 1), \
             f2 := CASE WHEN contains(x, '=') THEN substr(x, strpos(x, '=') + 1) END))",
        ),
    ),
    ("pg_get_keywords()", Template("dg_pg_get_keywords({session})")),
    ("pg_available_extensions()", Template("dg_pg_available_extensions({session})")),
    ("pg_relation_is_publishable(regclass)", SessionNative("dg_pg_relation_is_publishable")),
    ("pg_relation_is_updatable(regclass,bool)", Template("dg_pg_relation_is_updatable({session}, {0})")),
    (
        "pg_column_is_updatable(regclass,int2,bool)",
        Template("dg_pg_column_is_updatable({session}, {0}, CAST({1} AS INTEGER))"),
    ),
    ("row_security_active(oid)", SessionNative("dg_row_security_active")),
    ("pg_encoding_to_char(int4)", Native("dg_pg_encoding_to_char")),
    ("pg_char_to_encoding(name)", Native("dg_pg_char_to_encoding")),
    ("pg_encoding_max_length(int4)", Native("dg_pg_encoding_max_length")),
    ("pg_size_bytes(text)", Native("dg_pg_size_bytes")),
    ("pg_size_pretty(int8)", Native("dg_pg_size_pretty")),
    ("pg_size_pretty(numeric)", Native("dg_pg_size_pretty_numeric")),
    // Files are shared by all tables: a table's part is estimated by its rows, as they would fill PostgreSQL's pages.
    ("pg_relation_size(regclass)", Template(TABLE_SIZE)),
    ("pg_relation_size(regclass,text)", Template(FORK_SIZE)),
    ("pg_table_size(regclass)", Template(TABLE_SIZE)),
    ("pg_total_relation_size(regclass)", Template(TABLE_SIZE)),
    (
        "pg_indexes_size(regclass)",
        Template("CASE WHEN dg_pg_relation_is_table({session}, {0}) IS NOT NULL THEN 0::BIGINT END"),
    ),
    ("pg_database_size(oid)", Template(DATABASE_SIZE)),
    ("pg_database_size(name)", Template(DATABASE_SIZE)),
    ("pg_tablespace_size(oid)", Template(TABLESPACE_SIZE)),
    ("pg_tablespace_size(name)", Template(TABLESPACE_SIZE)),
    ("pg_tablespace_location(oid)", Template("CASE WHEN {0} IS NOT NULL THEN '' END")),
    ("pg_relation_filenode(regclass)", Template("CASE WHEN {0} >= 16384 THEN {0} END")),
    ("pg_relation_filepath(regclass)", Template("NULL::VARCHAR")),
    ("pg_my_temp_schema()", Template("dg_pg_my_temp_schema({session})")),
    ("pg_is_other_temp_schema(oid)", Template("FALSE")),
    ("pg_collation_actual_version(oid)", Template("NULL::VARCHAR")),
    ("pg_database_collation_actual_version(oid)", Template("NULL::VARCHAR")),
    ("pg_jit_available()", Template("FALSE")),
    ("pg_trigger_depth()", Template("0")),
    ("pg_blocking_pids(int4)", Template("CAST(dg_blocking_pids({session}, {0}) AS INTEGER[])")),
    ("pg_safe_snapshot_blocking_pids(int4)", Template("CASE WHEN {0} IS NOT NULL THEN []::INTEGER[] END")),
    ("pg_last_xact_replay_timestamp()", Template("NULL::TIMESTAMPTZ")),
    // Row counts tell of rows that a filter hides.
    (
        "pg_stat_get_live_tuples(oid)",
        Template(
            "CASE WHEN dg_pg_counts({session}, {0}) THEN coalesce((SELECT max(estimated_size) FROM duckdb_tables() \
             WHERE table_name = 'r' || {0}), 0)::BIGINT ELSE 0 END",
        ),
    ),
    ("txid_current()", Template("(txid_current() + 3)::BIGINT")),
    ("txid_current_if_assigned()", Template("(txid_current() + 3)::BIGINT")),
    ("pg_current_xact_id()", Template("(txid_current() + 3)::BIGINT")),
    ("pg_current_xact_id_if_assigned()", Template("(txid_current() + 3)::BIGINT")),
    ("xid(xid8)", Template("({0} & 4294967295)::UINTEGER")),
    ("xid8eq(xid8,xid8)", Template("({0} = {1})")),
    ("xid8ne(xid8,xid8)", Template("({0} <> {1})")),
    ("xid8lt(xid8,xid8)", Template(unsigned!("<"))),
    ("xid8le(xid8,xid8)", Template(unsigned!("<="))),
    ("xid8gt(xid8,xid8)", Template(unsigned!(">"))),
    ("xid8ge(xid8,xid8)", Template(unsigned!(">="))),
    ("acldefault(char,oid)", SessionNative("dg_acldefault")),
    ("aclexplode(_aclitem)", SessionNative("dg_aclexplode")),
    ("makeaclitem(oid,oid,text,bool)", SessionNative("dg_makeaclitem")),
    ("aclcontains(_aclitem,aclitem)", SessionNative("dg_aclcontains")),
    ("aclitemeq(aclitem,aclitem)", Template("({0} = {1})")),
    ("_pg_expandarray(anyarray)", Template("list_transform({0}, lambda x, i: struct_pack(f1 := x, f2 := i::INTEGER))")),
    (
        "_pg_char_max_length(oid,int4)",
        Template(
            "CASE WHEN {1} = -1 THEN NULL WHEN {0} IN (1042, 1043) THEN {1} - 4 WHEN {0} IN (1560, 1562) THEN {1} END",
        ),
    ),
    (
        "_pg_char_octet_length(oid,int4)",
        Template(
            "CASE WHEN {0} NOT IN (25, 1042, 1043) THEN NULL WHEN {1} = -1 OR {0} = 25 THEN 1073741824 \
             ELSE least(({1} - 4)::BIGINT * 4, 2147483647)::INTEGER END",
        ),
    ),
    (
        "_pg_numeric_precision(oid,int4)",
        Template(
            "CASE {0} WHEN 21 THEN 16 WHEN 23 THEN 32 WHEN 20 THEN 64 WHEN 700 THEN 24 WHEN 701 THEN 53 \
             WHEN 1700 THEN CASE WHEN {1} <> -1 THEN (({1} - 4) >> 16) & 65535 END END",
        ),
    ),
    (
        "_pg_numeric_precision_radix(oid,int4)",
        Template("CASE WHEN {0} IN (20, 21, 23, 700, 701) THEN 2 WHEN {0} = 1700 THEN 10 END"),
    ),
    (
        "_pg_numeric_scale(oid,int4)",
        Template("CASE WHEN {0} IN (20, 21, 23) THEN 0 WHEN {0} = 1700 AND {1} <> -1 THEN ({1} - 4) & 65535 END"),
    ),
    (
        "_pg_datetime_precision(oid,int4)",
        Template(
            "CASE WHEN {0} = 1082 THEN 0 WHEN {0} IN (1083, 1114, 1184, 1266) THEN CASE WHEN {1} < 0 THEN 6 ELSE {1} END \
             WHEN {0} = 1186 THEN CASE WHEN {1} < 0 OR ({1} & 65535) = 65535 THEN 6 ELSE {1} & 65535 END END",
        ),
    ),
];

/// Lines that follow from what a family's functions are called.
pub(super) fn families() -> Vec<(Cow<'static, str>, How)> {
    let line = |f: &'static Proc| {
        let key = signature(f);
        let own = ENTRIES.iter().any(|(own, _)| *own == key);
        (!own).then_some(())?;
        Some((key.into(), privilege(f).or_else(|| statistic(f))?))
    };
    facts::PROCS.all.iter().filter_map(line).collect()
}

/// has_…_privilege(): for the current role or another one, by OIDs or names.
fn privilege(f: &'static Proc) -> Option<How> {
    let kind = match f.name {
        "pg_has_role" => "role",
        name => name.strip_prefix("has_")?.strip_suffix("_privilege")?,
    };
    let mut column = "0".to_owned();
    let objects = if kind == "column" { 2 } else { 1 };
    let for_role = f.args.len() > objects + 1;
    let by_name = |at: usize| matches!(f.args[at], oid::NAME | oid::TEXT);
    let role = match for_role {
        true if by_name(0) => "dg_privilege_role({session}, {0})",
        true => "{0}",
        false => "dg_privilege_self({session})",
    };
    let at = usize::from(for_role);
    let object = match by_name(at) {
        true => format!("dg_privilege_object({{session}}, '{kind}', {{{at}}})"),
        false => format!("{{{at}}}"),
    };
    if kind == "column" {
        let n = at + 1;
        column = match by_name(n) {
            true => format!("dg_privilege_column({{session}}, {object}, {{{n}}})"),
            false => format!("{{{n}}}::INTEGER"),
        };
    }
    let words = at + objects;
    let text = format!("dg_has_privilege({{session}}, '{kind}', {role}, {object}, {column}, {{{words}}})");
    // Made once, for the process' life.
    Some(Template(text.leak()))
}

/// pg_stat_get_…(): nothing is counted.
fn statistic(f: &'static Proc) -> Option<How> {
    let counted = f.name.strip_prefix("pg_stat_get_")?;
    let of_one = f.args.as_slice() == [oid::OID] || f.args.is_empty();
    if f.returns_set || !of_one || counted.starts_with("backend") {
        return None;
    }
    match f.result {
        oid::INT8 => Some(Template("0::BIGINT")),
        oid::INT4 => Some(Template("0")),
        oid::FLOAT8 => Some(Template("0::DOUBLE")),
        oid::TIMESTAMPTZ => Some(Template("NULL::TIMESTAMPTZ")),
        _ => None,
    }
}
