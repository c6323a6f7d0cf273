#!/usr/bin/env bash
# Writes src/facts/extension_*.tsv from a running PostgreSQL 15 with its contrib modules (libpq's environment variables say
# which; a database that has none of these extensions, and that is left as it was). The rows are as those of record-facts.sh,
# with the extension's name behind them.
#
# An extension's objects have other OIDs in each database of PostgreSQL's. Here they are the same in all: numbers from those
# that PostgreSQL keeps for initdb and has not given away, from the one that the list says on. They are shown as an
# extension's own, and nobody knows them beforehand. Of those that are only for indexes the operator classes alone are kept.
set -euo pipefail
cd "$(dirname "$0")/../src/facts"
extensions=(hstore:15000 citext:15250 ltree:15500 pg_trgm:15750 fuzzystrmatch:15850 unaccent:15880 btree_gin:15900 btree_gist:15970 intarray:16040)
classes_alone="{btree_gin,btree_gist,intarray}"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
{
  echo 'BEGIN;'
  for name in "${extensions[@]}"; do echo "CREATE EXTENSION ${name%:*} WITH SCHEMA public;"; done
  cat <<'SQL'
-- The objects, and those that belong to them.
CREATE TEMP TABLE member AS
  SELECT extname, (:'starts'::int[])[array_position(:'names'::name[], extname)] AS start, classid, objid
    FROM pg_depend JOIN pg_extension e ON e.oid = refobjid
   WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e' AND extname = ANY (:'names'::name[]);
INSERT INTO member SELECT extname, start, classid, typarray FROM member JOIN pg_type t ON t.oid = objid WHERE classid = 'pg_type'::regclass AND typarray <> 0;
INSERT INTO member SELECT extname, start, 'pg_amop'::regclass, a.oid FROM member JOIN pg_amop a ON amopfamily = objid WHERE classid = 'pg_opfamily'::regclass;
INSERT INTO member SELECT extname, start, 'pg_amproc'::regclass, a.oid FROM member JOIN pg_amproc a ON amprocfamily = objid WHERE classid = 'pg_opfamily'::regclass;
DELETE FROM member WHERE extname = ANY (:'classes_alone'::name[]) AND classid NOT IN ('pg_opclass'::regclass, 'pg_opfamily'::regclass);
CREATE TEMP TABLE number AS
  SELECT *, (start + row_number() OVER (PARTITION BY start ORDER BY array_position('{pg_type,pg_proc,pg_operator,pg_cast,pg_opfamily,pg_opclass,pg_amop,pg_amproc}'::regclass[], classid::regclass), objid) - 1)::oid AS own FROM member;
CREATE FUNCTION pg_temp.own(oid) RETURNS oid LANGUAGE sql AS 'SELECT coalesce((SELECT own FROM number WHERE objid = $1), CASE WHEN $1 < 16384 THEN $1 ELSE 0::oid END)';
CREATE FUNCTION pg_temp.own(oidvector) RETURNS text LANGUAGE sql AS $$SELECT coalesce(string_agg(pg_temp.own(o)::text, ' ' ORDER BY n), '') FROM unnest($1::oid[]) WITH ORDINALITY u(o, n)$$;
CREATE FUNCTION pg_temp.own(oid[]) RETURNS text LANGUAGE sql STRICT AS $$SELECT array_agg(pg_temp.own(o) ORDER BY n)::text FROM unnest($1) WITH ORDINALITY u(o, n)$$;
SELECT format($f$\copy (SELECT %s, %sextname AS extension FROM %s c JOIN number ON objid = c.%s AND classid = %L::regclass ORDER BY number.own) TO %s/extension_%s.tsv WITH (FORMAT text, HEADER)$f$,
  (SELECT string_agg(CASE
      WHEN atttypid = 'regproc'::regtype THEN format('pg_temp.own(%1$I::oid) AS %1$I', attname)
      WHEN atttypid IN ('oid'::regtype, 'oidvector'::regtype, 'oid[]'::regtype) THEN format('pg_temp.own(%1$I) AS %1$I', attname)
      WHEN attname = 'prosqlbody' THEN 'pg_get_function_sqlbody(oid) AS prosqlbody'
      WHEN atttypid = 'pg_node_tree'::regtype THEN format('pg_get_expr(%1$I, 0) AS %1$I', attname)
      WHEN attname = 'probin' THEN 'probin'
      ELSE quote_ident(attname) END, ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = class AND attnum > 0),
  CASE class::text WHEN 'pg_type' THEN 'format_type(c.oid, NULL) AS sql_name, ' ELSE '' END,
  class, CASE class::text WHEN 'pg_aggregate' THEN 'aggfnoid' ELSE 'oid' END,
  CASE class::text WHEN 'pg_aggregate' THEN 'pg_proc' ELSE class::text END,
  :'out', substr(class::text, 4))
  FROM unnest('{pg_type,pg_proc,pg_aggregate,pg_operator,pg_cast,pg_opfamily,pg_opclass,pg_amop,pg_amproc}'::regclass[]) class
\gexec
SQL
} >"$out/sql"
sed -i 's/^\\gexec$/\\g (tuples_only=on format=unaligned) '"${out//\//\\/}"'\/copies\n\\i '"${out//\//\\/}"'\/copies\nROLLBACK;/' "$out/sql"
names="{$(IFS=,; echo "${extensions[*]%:*}")}"
starts="{$(IFS=,; echo "${extensions[*]#*:}")}"
psql -X -q -v ON_ERROR_STOP=1 -v names="$names" -v starts="$starts" -v classes_alone="$classes_alone" -v out="$out" -f "$out/sql"
mv "$out"/extension_*.tsv .
# What unaccent() makes of each character, by its number.
psql -X -q -v ON_ERROR_STOP=1 <<SQL
BEGIN;
CREATE EXTENSION unaccent;
\copy (SELECT i AS code, unaccent(chr(i)) AS plain FROM generate_series(1, 1114111) i WHERE i NOT BETWEEN 55296 AND 57343 AND unaccent(chr(i)) <> chr(i) ORDER BY i) TO unaccent.tsv WITH (FORMAT text, HEADER)
ROLLBACK;
SQL
