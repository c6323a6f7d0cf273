SELECT current_database()::text AS table_catalog, n.nspname::text AS table_schema, c.relname::text AS table_name,
       a.attname::text AS column_name, current_database()::text AS constraint_catalog,
       kn.nspname::text AS constraint_schema, k.conname::text AS constraint_name
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_namespace kn ON kn.oid = k.connamespace
JOIN pg_catalog.pg_class c ON c.oid = CASE WHEN k.contype = 'f' THEN k.confrelid ELSE k.conrelid END
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
     AND a.attnum = ANY (CASE WHEN k.contype = 'f' THEN k.confkey ELSE k.conkey END)
WHERE pg_catalog.pg_has_role(c.relowner, 'USAGE')
