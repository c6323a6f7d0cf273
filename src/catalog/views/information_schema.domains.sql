SELECT current_database()::text AS domain_catalog, n.nspname::text AS domain_schema, t.typname::text AS domain_name,
       CASE WHEN b.typelem <> 0 AND b.typlen = -1 THEN 'ARRAY'
            WHEN bn.nspname = 'pg_catalog' THEN pg_catalog.format_type(b.oid, NULL)
            ELSE 'USER-DEFINED' END AS data_type,
       information_schema._pg_char_max_length(b.oid, t.typtypmod) AS character_maximum_length,
       information_schema._pg_char_octet_length(b.oid, t.typtypmod) AS character_octet_length,
       NULL::text AS character_set_catalog, NULL::text AS character_set_schema, NULL::text AS character_set_name,
       CASE WHEN t.typcollation NOT IN (0, 100) THEN current_database()::text END AS collation_catalog,
       CASE WHEN t.typcollation NOT IN (0, 100) THEN 'pg_catalog' END AS collation_schema,
       (SELECT k.collname FROM pg_catalog.pg_collation k WHERE k.oid = t.typcollation AND k.oid <> 100)::text AS collation_name,
       information_schema._pg_numeric_precision(b.oid, t.typtypmod) AS numeric_precision,
       information_schema._pg_numeric_precision_radix(b.oid, t.typtypmod) AS numeric_precision_radix,
       information_schema._pg_numeric_scale(b.oid, t.typtypmod) AS numeric_scale,
       information_schema._pg_datetime_precision(b.oid, t.typtypmod) AS datetime_precision,
       NULL::text AS interval_type, NULL::integer AS interval_precision, t.typdefault AS domain_default,
       current_database()::text AS udt_catalog, bn.nspname::text AS udt_schema, b.typname::text AS udt_name,
       NULL::text AS scope_catalog, NULL::text AS scope_schema, NULL::text AS scope_name,
       NULL::integer AS maximum_cardinality, '1'::text AS dtd_identifier
FROM pg_catalog.pg_type t
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
JOIN pg_catalog.pg_type b ON b.oid = t.typbasetype
JOIN pg_catalog.pg_namespace bn ON bn.oid = b.typnamespace
WHERE t.typtype = 'd'
  AND (pg_catalog.pg_has_role(t.typowner, 'USAGE') OR pg_catalog.has_type_privilege(t.oid, 'USAGE'))
