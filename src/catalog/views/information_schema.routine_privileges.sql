SELECT g.rolname::text AS grantor, coalesce(r.rolname::text, 'PUBLIC') AS grantee, current_database()::text AS specific_catalog,
       n.nspname::text AS specific_schema, p.proname::text || '_' || p.oid::text AS specific_name,
       current_database()::text AS routine_catalog, n.nspname::text AS routine_schema, p.proname::text AS routine_name,
       'EXECUTE'::text AS privilege_type,
       CASE WHEN x.is_grantable OR pg_catalog.pg_has_role(x.grantee, p.proowner, 'USAGE') THEN 'YES' ELSE 'NO' END AS is_grantable
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
CROSS JOIN LATERAL pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) x
JOIN pg_catalog.pg_authid g ON g.oid = x.grantor
LEFT JOIN pg_catalog.pg_authid r ON r.oid = x.grantee
WHERE x.privilege_type = 'EXECUTE' AND (x.grantee = 0 OR r.oid IS NOT NULL)
  AND (x.grantee = 0 OR pg_catalog.pg_has_role(x.grantee, 'USAGE') OR pg_catalog.pg_has_role(x.grantor, 'USAGE'))
