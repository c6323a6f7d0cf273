SELECT current_database()::text AS constraint_catalog, n.nspname::text AS constraint_schema,
       k.conname::text AS constraint_name, current_database()::text AS table_catalog, n.nspname::text AS table_schema,
       c.relname::text AS table_name, a.attname::text AS column_name, u.n::integer AS ordinal_position,
       CASE WHEN k.contype = 'f' THEN u.n::integer END AS position_in_unique_constraint
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL unnest(k.conkey) WITH ORDINALITY AS u(num, n)
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = u.num
WHERE k.contype IN ('p', 'u', 'f')
  AND (pg_catalog.pg_has_role(c.relowner, 'USAGE')
       OR pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT, INSERT, UPDATE, REFERENCES'))
