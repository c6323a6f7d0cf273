SELECT current_database()::text AS udt_catalog, nc.nspname::text AS udt_schema, c.relname::text AS udt_name,
       a.attname::text AS attribute_name, a.attnum::integer AS ordinal_position, NULL::text AS attribute_default,
       CASE WHEN a.attnotnull OR (t.typtype = 'd' AND t.typnotnull) THEN 'NO' ELSE 'YES' END AS is_nullable,
       CASE WHEN t.typelem <> 0 AND t.typlen = -1 THEN 'ARRAY'
            WHEN nt.nspname = 'pg_catalog' THEN pg_catalog.format_type(a.atttypid, NULL)
            ELSE 'USER-DEFINED' END AS data_type,
       information_schema._pg_char_max_length(b.oid, CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END) AS character_maximum_length,
       information_schema._pg_char_octet_length(b.oid, CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END) AS character_octet_length,
       NULL::text AS character_set_catalog, NULL::text AS character_set_schema, NULL::text AS character_set_name,
       CASE WHEN a.attcollation NOT IN (0, 100) THEN current_database()::text END AS collation_catalog,
       CASE WHEN a.attcollation NOT IN (0, 100) THEN 'pg_catalog' END AS collation_schema,
       CASE a.attcollation WHEN 950 THEN 'C' WHEN 951 THEN 'POSIX' WHEN 12340 THEN 'ucs_basic' END AS collation_name,
       information_schema._pg_numeric_precision(b.oid, CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END) AS numeric_precision,
       information_schema._pg_numeric_precision_radix(b.oid, CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END) AS numeric_precision_radix,
       information_schema._pg_numeric_scale(b.oid, CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END) AS numeric_scale,
       information_schema._pg_datetime_precision(b.oid, CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END) AS datetime_precision,
       NULL::text AS interval_type, NULL::integer AS interval_precision,
       current_database()::text AS attribute_udt_catalog, nt.nspname::text AS attribute_udt_schema, t.typname::text AS attribute_udt_name,
       NULL::text AS scope_catalog, NULL::text AS scope_schema, NULL::text AS scope_name,
       NULL::integer AS maximum_cardinality, a.attnum::text AS dtd_identifier, 'NO' AS is_derived_reference_attribute
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
JOIN pg_catalog.pg_namespace nc ON nc.oid = c.relnamespace
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
JOIN pg_catalog.pg_namespace nt ON nt.oid = t.typnamespace
JOIN pg_catalog.pg_type b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind = 'c'
