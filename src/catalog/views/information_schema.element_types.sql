SELECT current_database()::text AS object_catalog, n.nspname::text AS object_schema, c.relname::text AS object_name,
       'TABLE'::text AS object_type, a.attnum::text AS collection_type_identifier,
       CASE WHEN en.nspname = 'pg_catalog' THEN pg_catalog.format_type(e.oid, NULL) ELSE 'USER-DEFINED' END AS data_type,
       NULL::integer AS character_maximum_length, NULL::integer AS character_octet_length,
       NULL::text AS character_set_catalog, NULL::text AS character_set_schema, NULL::text AS character_set_name,
       CASE WHEN a.attcollation NOT IN (0, 100) THEN current_database()::text END AS collation_catalog,
       CASE WHEN a.attcollation NOT IN (0, 100) THEN 'pg_catalog' END AS collation_schema,
       CASE a.attcollation WHEN 950 THEN 'C' WHEN 951 THEN 'POSIX' WHEN 12340 THEN 'ucs_basic' END AS collation_name,
       NULL::integer AS numeric_precision, NULL::integer AS numeric_precision_radix, NULL::integer AS numeric_scale,
       NULL::integer AS datetime_precision, NULL::text AS interval_type, NULL::integer AS interval_precision,
       NULL::text AS domain_default, current_database()::text AS udt_catalog, en.nspname::text AS udt_schema,
       e.typname::text AS udt_name, NULL::text AS scope_catalog, NULL::text AS scope_schema, NULL::text AS scope_name,
       NULL::integer AS maximum_cardinality, 'a' || a.attnum::text AS dtd_identifier
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
JOIN pg_catalog.pg_type e ON e.oid = t.typelem
JOIN pg_catalog.pg_namespace en ON en.oid = e.typnamespace
WHERE t.typelem <> 0 AND t.typlen = -1 AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'v', 'f', 'p')
  AND pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT, INSERT, UPDATE, REFERENCES')
