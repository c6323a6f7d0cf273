#!/usr/bin/env bash
# Writes src/facts/*.tsv from a running PostgreSQL 15 (libpq's environment variables say which; a database without objects
# of users, as template1 is). The files are PostgreSQL's own built-in catalog rows, in COPY text format with a header line.
set -euo pipefail
cd "$(dirname "$0")/../src/facts"
dump() { # dump FILE QUERY
  psql -X -q -v ON_ERROR_STOP=1 -c "COPY ($2) TO STDOUT WITH (FORMAT text, HEADER)" >"$1.tsv"
}
# A whole catalog, every column under its own name: functions as OIDs (pg_type's as names), expressions as their text,
# rules' queries left out. MORE are further columns.
catalog() { # catalog TABLE CONDITION [MORE]
  local columns
  columns=$(psql -X -A -t -q -c "SELECT string_agg(CASE
      WHEN attname = 'prosqlbody' THEN 'pg_get_function_sqlbody(oid) AS prosqlbody'
      WHEN attrelid = 'pg_rewrite'::regclass AND atttypid = 'pg_node_tree'::regtype THEN format('NULL AS %I', attname)
      WHEN atttypid = 'pg_node_tree'::regtype THEN format('pg_get_expr(%1\$I, 0) AS %1\$I', attname)
      WHEN attrelid = 'pg_type'::regclass AND atttypid = 'regproc'::regtype THEN format('%1\$I::text AS %1\$I', attname)
      WHEN atttypid = 'regproc'::regtype THEN format('%1\$I::oid AS %1\$I', attname)
      ELSE quote_ident(attname) END, ', ' ORDER BY attnum)
    FROM pg_attribute WHERE attrelid = '$1'::regclass AND attnum > 0")
  dump "${1#pg_}" "SELECT $columns${3:+, $3} FROM $1 WHERE $2 ORDER BY 1, 2, 3"
}
builtin="oid < 16384"
catalog pg_type "$builtin" "format_type(oid, NULL) AS sql_name"
# plpgsql and its handlers are an extension that the gateway has not.
catalog pg_proc "$builtin AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')"
catalog pg_language "$builtin AND lanname <> 'plpgsql'"
catalog pg_aggregate "aggfnoid::oid < 16384"
catalog pg_operator "$builtin"
catalog pg_cast "$builtin"
catalog pg_range "true"
catalog pg_am "$builtin"
catalog pg_amop "$builtin"
catalog pg_amproc "$builtin"
catalog pg_opclass "$builtin"
catalog pg_opfamily "$builtin"
catalog pg_tablespace "$builtin"
# The others depend on what the machine that initdb ran on has installed.
catalog pg_collation "$builtin AND (collname IN ('default', 'C', 'POSIX', 'ucs_basic') OR collprovider = 'i')"
catalog pg_class "$builtin AND relnamespace <> 'pg_toast'::regnamespace AND reltoastrelid >= 0"
catalog pg_attribute "attrelid < 16384 AND (SELECT relnamespace FROM pg_class c WHERE c.oid = attrelid) <> 'pg_toast'::regnamespace"
catalog pg_index "indexrelid < 16384 AND (SELECT relnamespace FROM pg_class c WHERE c.oid = indexrelid) <> 'pg_toast'::regnamespace" "pg_get_indexdef(indexrelid) AS definition"
catalog pg_constraint "$builtin" "pg_get_constraintdef(oid) AS definition"
catalog pg_rewrite "$builtin"
catalog pg_init_privs "objoid < 16384"
catalog pg_description "objoid < 16384 AND classoid <> 'pg_extension'::regclass AND (classoid <> 'pg_collation'::regclass OR objoid IN (100, 950, 951)) AND (classoid <> 'pg_language'::regclass OR objoid < 15)"
catalog pg_ts_config "$builtin"
catalog pg_ts_config_map "mapcfg < 16384"
catalog pg_ts_dict "$builtin"
catalog pg_ts_parser "$builtin"
catalog pg_ts_template "$builtin"
catalog pg_conversion "$builtin"
dump keyword "SELECT word, catcode, barelabel, catdesc, baredesc FROM pg_get_keywords() ORDER BY word"
dump setting "SELECT name, unit, category, short_desc, extra_desc, context, vartype, min_val, max_val, array_to_string(enumvals, ',') AS enumvals, boot_val FROM pg_settings ORDER BY lower(name)"
dump system_relation "SELECT c.oid, n.nspname, c.relname, c.relkind, c.reltype::oid AS reltype, obj_description(c.oid, 'pg_class') AS description FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname IN ('pg_catalog', 'information_schema') AND c.relkind IN ('r', 'v') ORDER BY n.nspname DESC, c.relname"
dump system_column "SELECT n.nspname, c.relname, a.attnum, a.attname, t.oid AS atttypid, a.atttypmod, a.attnotnull FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_type d ON d.oid = a.atttypid JOIN pg_type t ON t.oid = CASE WHEN d.typtype = 'd' THEN d.typbasetype ELSE d.oid END WHERE n.nspname IN ('pg_catalog', 'information_schema') AND c.relkind IN ('r', 'v') AND a.attnum > 0 AND NOT a.attisdropped ORDER BY n.nspname DESC, c.relname, a.attnum"
dump namespace "SELECT oid, nspname FROM pg_namespace WHERE oid < 16384 ORDER BY oid"
for name in sql_features sql_implementation_info sql_parts sql_sizing; do dump "$name" "SELECT * FROM information_schema.$name ORDER BY 1, 2, 3"; done
dump timezone_abbrev "SELECT abbrev, utc_offset, is_dst FROM pg_timezone_abbrevs ORDER BY abbrev"
dump timezone "SELECT name, abbrev, utc_offset, is_dst FROM pg_timezone_names WHERE name !~ '^(posix|right)' ORDER BY name"
# The names of errors that PL/pgSQL knows, from the server's own list.
dump condition "SELECT f[2] AS name, f[1] AS code FROM pg_config, regexp_split_to_table(pg_read_file(setting || '/errcodes.txt'), '\n') line, regexp_match(line, '^(\w{5})\s+[EWS]\s+\S+\s+(\S+)\s*\$') f WHERE pg_config.name = 'SHAREDIR' AND f IS NOT NULL ORDER BY f[2] COLLATE \"C\", f[1]"
dump token_type "SELECT tokid, alias, description FROM ts_token_type('default') ORDER BY tokid"
# Of each dictionary, from the files beside the server.
dump stop_word "SELECT dictname, word FROM pg_ts_dict, substring(dictinitoption, 'stopwords = ''(.*)''') AS file, pg_config,
  regexp_split_to_table(pg_read_file(setting || '/tsearch_data/' || file || '.stop'), '\n') AS line, rtrim(line) AS word
  WHERE pg_config.name = 'SHAREDIR' AND word <> '' ORDER BY dictname, word COLLATE \"C\""
# What the parser takes for a letter (a) or for a sign that belongs to the letters around it (s) beyond ASCII.
dump letter "SELECT kind, min(i) AS first, max(i) AS last
  FROM (SELECT i, kind, i - row_number() OVER (PARTITION BY kind ORDER BY i) AS run
          FROM generate_series(128, 1114111) AS i,
               LATERAL (SELECT CASE WHEN i BETWEEN 55296 AND 57343 THEN NULL
                   WHEN (SELECT count(*) FROM ts_parse('default', chr(i)) WHERE tokid = 2) = 1 THEN 'a'
                   WHEN (SELECT count(*) FROM ts_parse('default', 'a' || chr(i))) = 1 THEN 's' END) AS k (kind)
         WHERE kind IS NOT NULL) AS c
 GROUP BY kind, run ORDER BY first"
