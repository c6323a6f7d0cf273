SELECT current_database()::text AS constraint_catalog, n.nspname::text AS constraint_schema,
       k.conname::text AS constraint_name, substr(pg_catalog.pg_get_constraintdef(k.oid), 7) AS check_clause
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_namespace n ON n.oid = k.connamespace
LEFT JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
LEFT JOIN pg_catalog.pg_type t ON t.oid = k.contypid
WHERE k.contype = 'c' AND pg_catalog.pg_has_role(coalesce(c.relowner, t.typowner), 'USAGE')
UNION ALL
SELECT current_database()::text, n.nspname::text, n.oid::text || '_' || c.oid::text || '_' || a.attnum::text || '_not_null',
       a.attname::text || ' IS NOT NULL'
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attnotnull AND c.relkind IN ('r', 'p')
  AND pg_catalog.pg_has_role(c.relowner, 'USAGE')
