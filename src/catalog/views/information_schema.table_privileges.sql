SELECT g.rolname::text AS grantor, coalesce(r.rolname::text, 'PUBLIC') AS grantee, current_database()::text AS table_catalog,
       n.nspname::text AS table_schema, c.relname::text AS table_name, x.privilege_type,
       CASE WHEN x.is_grantable OR pg_catalog.pg_has_role(x.grantee, c.relowner, 'USAGE') THEN 'YES' ELSE 'NO' END AS is_grantable,
       CASE WHEN x.privilege_type = 'SELECT' THEN 'YES' ELSE 'NO' END AS with_hierarchy
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL pg_catalog.aclexplode(coalesce(c.relacl, pg_catalog.acldefault('r', c.relowner))) x
JOIN pg_catalog.pg_authid g ON g.oid = x.grantor
LEFT JOIN pg_catalog.pg_authid r ON r.oid = x.grantee
WHERE c.relkind IN ('r', 'v', 'f', 'p') AND (x.grantee = 0 OR r.oid IS NOT NULL)
  AND x.privilege_type IN ('INSERT', 'SELECT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER')
  AND (x.grantee = 0 OR pg_catalog.pg_has_role(x.grantee, 'USAGE') OR pg_catalog.pg_has_role(x.grantor, 'USAGE'))
