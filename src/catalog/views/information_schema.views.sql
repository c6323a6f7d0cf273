SELECT current_database()::text AS table_catalog, n.nspname::text AS table_schema, c.relname::text AS table_name,
       pg_catalog.pg_get_viewdef(c.oid) AS view_definition, 'NONE'::text AS check_option, 'NO'::text AS is_updatable,
       'NO'::text AS is_insertable_into, 'NO'::text AS is_trigger_updatable, 'NO'::text AS is_trigger_deletable,
       'NO'::text AS is_trigger_insertable_into
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'v' AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
