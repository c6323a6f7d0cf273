SELECT c.oid AS relid, n.nspname AS schemaname, c.relname, 0::bigint AS blks_read, 0::bigint AS blks_hit
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'S'
