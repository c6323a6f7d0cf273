SELECT current_database()::text AS constraint_catalog, n.nspname::text AS constraint_schema,
       k.conname::text AS constraint_name, current_database()::text AS table_catalog, n.nspname::text AS table_schema,
       c.relname::text AS table_name,
       CASE k.contype WHEN 'c' THEN 'CHECK' WHEN 'f' THEN 'FOREIGN KEY' WHEN 'p' THEN 'PRIMARY KEY'
            WHEN 'u' THEN 'UNIQUE' END AS constraint_type,
       CASE WHEN k.condeferrable THEN 'YES' ELSE 'NO' END AS is_deferrable,
       CASE WHEN k.condeferred THEN 'YES' ELSE 'NO' END AS initially_deferred, 'YES'::text AS enforced,
       NULL::text AS nulls_distinct
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
