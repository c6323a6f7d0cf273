SELECT n.nspname AS schemaname, c.relname AS viewname, a.rolname AS viewowner,
       pg_catalog.pg_get_viewdef(c.oid) AS definition
FROM pg_catalog.pg_class c
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_authid a ON a.oid = c.relowner
WHERE c.relkind = 'v'
