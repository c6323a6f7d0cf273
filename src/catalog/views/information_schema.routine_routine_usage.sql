SELECT DISTINCT current_database()::text AS specific_catalog, np.nspname::text AS specific_schema,
       (p.proname::text || '_' || p.oid::text) AS specific_name, current_database()::text AS routine_catalog,
       np1.nspname::text AS routine_schema, (p1.proname::text || '_' || p1.oid::text) AS routine_name
FROM pg_catalog.pg_depend d
JOIN pg_catalog.pg_proc p ON p.oid = d.objid
JOIN pg_catalog.pg_namespace np ON np.oid = p.pronamespace
JOIN pg_catalog.pg_proc p1 ON p1.oid = d.refobjid
JOIN pg_catalog.pg_namespace np1 ON np1.oid = p1.pronamespace
WHERE d.classid = 1255 AND d.refclassid = 1255 AND p.prokind IN ('f', 'p') AND p1.prokind IN ('f', 'p')
  AND pg_catalog.pg_has_role(p1.proowner, 'USAGE')
