SELECT DISTINCT current_database()::text AS specific_catalog, np.nspname::text AS specific_schema,
       (p.proname::text || '_' || p.oid::text) AS specific_name, current_database()::text AS routine_catalog,
       np.nspname::text AS routine_schema, p.proname::text AS routine_name,
       current_database()::text AS table_catalog, nt.nspname::text AS table_schema, t.relname::text AS table_name
FROM pg_catalog.pg_depend d
JOIN pg_catalog.pg_proc p ON p.oid = d.objid
JOIN pg_catalog.pg_namespace np ON np.oid = p.pronamespace
JOIN pg_catalog.pg_class t ON t.oid = d.refobjid
JOIN pg_catalog.pg_namespace nt ON nt.oid = t.relnamespace
WHERE d.classid = 1255 AND d.refclassid = 1259 AND t.relkind IN ('r', 'v', 'f', 'p')
  AND pg_catalog.pg_has_role(t.relowner, 'USAGE')
