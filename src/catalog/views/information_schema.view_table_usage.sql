SELECT DISTINCT current_database()::text AS view_catalog, vn.nspname::text AS view_schema, v.relname::text AS view_name,
       current_database()::text AS table_catalog, n.nspname::text AS table_schema, c.relname::text AS table_name
FROM pg_catalog.pg_depend d
JOIN pg_catalog.pg_rewrite w ON w.oid = d.objid
JOIN pg_catalog.pg_class v ON v.oid = w.ev_class
JOIN pg_catalog.pg_namespace vn ON vn.oid = v.relnamespace
JOIN pg_catalog.pg_class c ON c.oid = d.refobjid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE d.classid = 2618 AND d.refclassid = 1259 AND d.deptype = 'n' AND c.oid <> v.oid AND v.relkind = 'v'
  AND c.relkind IN ('r', 'v', 'f', 'p') AND pg_catalog.pg_has_role(c.relowner, 'USAGE')
