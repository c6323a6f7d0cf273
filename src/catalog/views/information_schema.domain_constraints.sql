SELECT current_database()::text AS constraint_catalog, kn.nspname::text AS constraint_schema,
       k.conname::text AS constraint_name, current_database()::text AS domain_catalog, n.nspname::text AS domain_schema,
       t.typname::text AS domain_name, CASE WHEN k.condeferrable THEN 'YES' ELSE 'NO' END AS is_deferrable,
       CASE WHEN k.condeferred THEN 'YES' ELSE 'NO' END AS initially_deferred
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_namespace kn ON kn.oid = k.connamespace
JOIN pg_catalog.pg_type t ON t.oid = k.contypid
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
