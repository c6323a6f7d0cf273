SELECT n.nspname AS schemaname, c.relname AS tablename, a.rolname AS tableowner, NULL::name AS tablespace,
       c.relhasindex AS hasindexes, c.relhasrules AS hasrules, c.relhastriggers AS hastriggers,
       c.relrowsecurity AS rowsecurity
FROM pg_catalog.pg_class c
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_authid a ON a.oid = c.relowner
WHERE c.relkind IN ('r', 'p')
