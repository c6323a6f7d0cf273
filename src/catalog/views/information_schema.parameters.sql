SELECT current_database()::text AS specific_catalog, n.nspname::text AS specific_schema,
       p.proname::text || '_' || p.oid::text AS specific_name, x.n::integer AS ordinal_position,
       CASE p.proargmodes[x.n] WHEN 'o' THEN 'OUT' WHEN 'b' THEN 'INOUT' WHEN 't' THEN 'OUT' ELSE 'IN' END AS parameter_mode,
       'NO'::text AS is_result, 'NO'::text AS as_locator, nullif(p.proargnames[x.n], '') AS parameter_name,
       CASE WHEN t.typelem <> 0 AND t.typlen = -1 THEN 'ARRAY'
            WHEN tn.nspname = 'pg_catalog' THEN pg_catalog.format_type(t.oid, NULL) ELSE 'USER-DEFINED' END AS data_type,
       NULL::integer AS character_maximum_length, NULL::integer AS character_octet_length,
       NULL::text AS character_set_catalog, NULL::text AS character_set_schema, NULL::text AS character_set_name,
       NULL::text AS collation_catalog, NULL::text AS collation_schema, NULL::text AS collation_name,
       NULL::integer AS numeric_precision, NULL::integer AS numeric_precision_radix, NULL::integer AS numeric_scale,
       NULL::integer AS datetime_precision, NULL::text AS interval_type, NULL::integer AS interval_precision,
       current_database()::text AS udt_catalog, tn.nspname::text AS udt_schema, t.typname::text AS udt_name,
       NULL::text AS scope_catalog, NULL::text AS scope_schema, NULL::text AS scope_name,
       NULL::integer AS maximum_cardinality, x.n::text AS dtd_identifier,
       CASE WHEN pg_catalog.pg_has_role(p.proowner, 'USAGE')
            THEN pg_catalog.pg_get_function_arg_default(p.oid, x.n::integer) END AS parameter_default
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
CROSS JOIN LATERAL unnest(coalesce(p.proallargtypes, p.proargtypes::oid[])) WITH ORDINALITY AS x(type, n)
JOIN pg_catalog.pg_type t ON t.oid = x.type
JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace
WHERE pg_catalog.pg_has_role(p.proowner, 'USAGE') OR pg_catalog.has_function_privilege(p.oid, 'EXECUTE')
