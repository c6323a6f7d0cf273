SELECT n.nspname AS schemaname, c.relname AS matviewname, a.rolname AS matviewowner, NULL::name AS tablespace,
       c.relhasindex AS hasindexes, c.relispopulated AS ispopulated, pg_catalog.pg_get_viewdef(c.oid) AS definition
FROM pg_catalog.pg_class c
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_authid a ON a.oid = c.relowner
WHERE c.relkind = 'm'
