#!/usr/bin/env bash
# Writes src/facts/*.tsv from a running PostgreSQL 15 (libpq's environment variables say which).
# The files are PostgreSQL's own built-in catalog rows (OID below 16384), in COPY text format with a header line.
set -euo pipefail
cd "$(dirname "$0")/../src/facts"
dump() { # dump FILE QUERY
  psql -X -q -v ON_ERROR_STOP=1 -c "COPY ($2) TO STDOUT WITH (FORMAT text, HEADER)" >"$1.tsv"
}
dump type "SELECT oid, typname, typlen, typbyval, typtype, typcategory, typispreferred, typdelim, typrelid::oid AS typrelid, typsubscript::text, typelem, typarray, typinput::text, typoutput::text, typreceive::text, typsend::text, typmodin::text, typmodout::text, typalign, typstorage, typbasetype, typtypmod, typcollation, format_type(oid, NULL) AS sql_name FROM pg_type WHERE oid < 16384 AND typrelid = 0 AND NOT EXISTS (SELECT FROM pg_type e WHERE e.oid = pg_type.typelem AND e.typrelid <> 0) ORDER BY oid"
dump proc "SELECT oid, proname, prokind, proretset, proisstrict, provolatile, proparallel, proleakproof, pronargs, pronargdefaults, provariadic, prorettype::oid AS prorettype, array_to_string(proargtypes::oid[], ' ') AS proargtypes, array_to_string(proallargtypes::oid[], ' ') AS proallargtypes, array_to_string(proargmodes, ' ') AS proargmodes, array_to_string(proargnames, ' ', '-') AS proargnames, pg_get_expr(proargdefaults, 0) AS proargdefaults, prosrc, (SELECT lanname FROM pg_language l WHERE l.oid = prolang) AS lang FROM pg_proc WHERE oid < 16384 AND pronamespace = 'pg_catalog'::regnamespace ORDER BY oid"
dump aggregate "SELECT aggfnoid::oid AS aggfnoid, aggkind, aggnumdirectargs FROM pg_aggregate WHERE aggfnoid::oid < 16384 ORDER BY 1"
dump operator "SELECT oid, oprname, oprkind, oprcanmerge, oprcanhash, oprleft::oid AS oprleft, oprright::oid AS oprright, oprresult::oid AS oprresult, oprcom::oid AS oprcom, oprnegate::oid AS oprnegate, oprcode::oid AS oprcode FROM pg_operator WHERE oid < 16384 ORDER BY oid"
dump cast "SELECT oid, castsource::oid AS castsource, casttarget::oid AS casttarget, castfunc::oid AS castfunc, castcontext, castmethod FROM pg_cast WHERE oid < 16384 ORDER BY oid"
dump range "SELECT rngtypid::oid AS rngtypid, rngsubtype::oid AS rngsubtype, rngmultitypid::oid AS rngmultitypid FROM pg_range ORDER BY 1"
dump collation "SELECT oid, collname, collprovider, collisdeterministic, collencoding, collcollate, collctype FROM pg_collation WHERE oid < 16384 AND collname IN ('default','C','POSIX','ucs_basic') ORDER BY oid"
dump keyword "SELECT word, catcode, barelabel, catdesc, baredesc FROM pg_get_keywords() ORDER BY word"
dump setting "SELECT name, unit, category, short_desc, extra_desc, context, vartype, min_val, max_val, array_to_string(enumvals, ',') AS enumvals, boot_val FROM pg_settings ORDER BY lower(name)"
dump opclass "SELECT o.oid, opcmethod::oid AS opcmethod, opcname, opcfamily::oid AS opcfamily, opcintype::oid AS opcintype, opcdefault, opckeytype::oid AS opckeytype FROM pg_opclass o WHERE opcmethod IN (403, 405) ORDER BY 1"
dump system_relation "SELECT c.oid, n.nspname, c.relname, c.relkind, c.reltype::oid AS reltype, obj_description(c.oid, 'pg_class') AS description FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname IN ('pg_catalog', 'information_schema') AND c.relkind IN ('r', 'v') ORDER BY n.nspname DESC, c.relname"
dump system_column "SELECT n.nspname, c.relname, a.attnum, a.attname, t.oid AS atttypid, a.atttypmod, a.attnotnull FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_type d ON d.oid = a.atttypid JOIN pg_type t ON t.oid = CASE WHEN d.typtype = 'd' THEN d.typbasetype ELSE d.oid END WHERE n.nspname IN ('pg_catalog', 'information_schema') AND c.relkind IN ('r', 'v') AND a.attnum > 0 AND NOT a.attisdropped ORDER BY n.nspname DESC, c.relname, a.attnum"
dump description "SELECT d.objoid, d.classoid::regclass::text AS classoid, d.objsubid, d.description FROM pg_description d WHERE d.classoid IN ('pg_proc'::regclass, 'pg_type'::regclass, 'pg_operator'::regclass, 'pg_namespace'::regclass) ORDER BY 2, 1, 3"
dump namespace "SELECT oid, nspname FROM pg_namespace WHERE oid < 16384 ORDER BY oid"
dump am "SELECT oid, amname, amhandler::text, amtype FROM pg_am ORDER BY oid"
dump language "SELECT oid, lanname, lanispl, lanpltrusted FROM pg_language WHERE oid < 16384 ORDER BY oid"
