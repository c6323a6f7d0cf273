SELECT current_database()::text AS user_defined_type_catalog, n.nspname::text AS user_defined_type_schema,
       c.relname::text AS user_defined_type_name, 'STRUCTURED' AS user_defined_type_category, 'YES' AS is_instantiable,
       NULL::text AS is_final, NULL::text AS ordering_form, NULL::text AS ordering_category,
       NULL::text AS ordering_routine_catalog, NULL::text AS ordering_routine_schema, NULL::text AS ordering_routine_name,
       NULL::text AS reference_type, NULL::text AS data_type, NULL::integer AS character_maximum_length,
       NULL::integer AS character_octet_length, NULL::text AS character_set_catalog, NULL::text AS character_set_schema,
       NULL::text AS character_set_name, NULL::text AS collation_catalog, NULL::text AS collation_schema,
       NULL::text AS collation_name, NULL::integer AS numeric_precision, NULL::integer AS numeric_precision_radix,
       NULL::integer AS numeric_scale, NULL::integer AS datetime_precision, NULL::text AS interval_type,
       NULL::integer AS interval_precision, NULL::text AS source_dtd_identifier, NULL::text AS ref_dtd_identifier
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'c'
