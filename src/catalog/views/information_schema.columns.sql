SELECT current_database()::text AS table_catalog, n.nspname::text AS table_schema, c.relname::text AS table_name,
       a.attname::text AS column_name, a.attnum::integer AS ordinal_position,
       CASE WHEN a.attgenerated = '' THEN pg_catalog.pg_get_expr(d.adbin, d.adrelid) END AS column_default,
       CASE WHEN a.attnotnull OR (t.typtype = 'd' AND t.typnotnull) THEN 'NO' ELSE 'YES' END AS is_nullable,
       CASE WHEN b.typelem <> 0 AND b.typlen = -1 THEN 'ARRAY'
            WHEN bn.nspname = 'pg_catalog' THEN pg_catalog.format_type(b.oid, NULL)
            ELSE 'USER-DEFINED' END AS data_type,
       information_schema._pg_char_max_length(b.oid, m.typmod) AS character_maximum_length,
       information_schema._pg_char_octet_length(b.oid, m.typmod) AS character_octet_length,
       information_schema._pg_numeric_precision(b.oid, m.typmod) AS numeric_precision,
       information_schema._pg_numeric_precision_radix(b.oid, m.typmod) AS numeric_precision_radix,
       information_schema._pg_numeric_scale(b.oid, m.typmod) AS numeric_scale,
       information_schema._pg_datetime_precision(b.oid, m.typmod) AS datetime_precision,
       NULL::text AS interval_type, NULL::integer AS interval_precision, NULL::text AS character_set_catalog,
       NULL::text AS character_set_schema, NULL::text AS character_set_name,
       CASE WHEN a.attcollation NOT IN (0, 100) THEN current_database()::text END AS collation_catalog,
       CASE WHEN a.attcollation NOT IN (0, 100) THEN 'pg_catalog' END AS collation_schema,
       (SELECT k.collname FROM pg_catalog.pg_collation k WHERE k.oid = a.attcollation AND k.oid <> 100)::text AS collation_name,
       CASE WHEN t.typtype = 'd' THEN current_database()::text END AS domain_catalog,
       CASE WHEN t.typtype = 'd' THEN tn.nspname::text END AS domain_schema,
       CASE WHEN t.typtype = 'd' THEN t.typname::text END AS domain_name, current_database()::text AS udt_catalog,
       bn.nspname::text AS udt_schema, b.typname::text AS udt_name, NULL::text AS scope_catalog,
       NULL::text AS scope_schema, NULL::text AS scope_name, NULL::integer AS maximum_cardinality,
       a.attnum::text AS dtd_identifier, 'NO'::text AS is_self_referencing,
       CASE WHEN a.attidentity IN ('a', 'd') THEN 'YES' ELSE 'NO' END AS is_identity,
       CASE a.attidentity WHEN 'a' THEN 'ALWAYS' WHEN 'd' THEN 'BY DEFAULT' END AS identity_generation,
       s.seqstart::text AS identity_start, s.seqincrement::text AS identity_increment, s.seqmax::text AS identity_maximum,
       s.seqmin::text AS identity_minimum, CASE WHEN s.seqcycle THEN 'YES' ELSE 'NO' END AS identity_cycle,
       CASE WHEN a.attgenerated = '' THEN 'NEVER' ELSE 'ALWAYS' END AS is_generated,
       CASE WHEN a.attgenerated <> '' THEN pg_catalog.pg_get_expr(d.adbin, d.adrelid) END AS generation_expression,
       CASE WHEN c.relkind IN ('r', 'p')
                 OR c.relkind = 'v' AND pg_catalog.pg_column_is_updatable(c.oid, a.attnum, false) THEN 'YES' ELSE 'NO' END AS is_updatable
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_class c ON a.attrelid = c.oid
JOIN pg_catalog.pg_namespace n ON c.relnamespace = n.oid
JOIN pg_catalog.pg_type t ON a.atttypid = t.oid
JOIN pg_catalog.pg_namespace tn ON t.typnamespace = tn.oid
JOIN pg_catalog.pg_type b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
JOIN pg_catalog.pg_namespace bn ON b.typnamespace = bn.oid
CROSS JOIN LATERAL (SELECT CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END AS typmod) m
LEFT JOIN pg_catalog.pg_attrdef d ON a.attrelid = d.adrelid AND a.attnum = d.adnum
LEFT JOIN (SELECT p.refobjid, p.refobjsubid, q.* FROM pg_catalog.pg_depend p JOIN pg_catalog.pg_sequence q ON q.seqrelid = p.objid
           WHERE p.classid = 1259 AND p.refclassid = 1259 AND p.deptype = 'i') s
       ON s.refobjid = a.attrelid AND s.refobjsubid = a.attnum
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'v', 'f', 'p')
  AND (pg_catalog.pg_has_role(c.relowner, 'USAGE')
       OR pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT, INSERT, UPDATE, REFERENCES'))
