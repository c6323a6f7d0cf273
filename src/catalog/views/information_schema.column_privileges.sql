SELECT g.rolname::text AS grantor, coalesce(r.rolname::text, 'PUBLIC') AS grantee, current_database()::text AS table_catalog,
       n.nspname::text AS table_schema, c.relname::text AS table_name, a.attname::text AS column_name, x.privilege_type,
       CASE WHEN x.is_grantable OR pg_catalog.pg_has_role(x.grantee, c.relowner, 'USAGE') THEN 'YES' ELSE 'NO' END AS is_grantable
FROM (SELECT DISTINCT e.oid, e.attnum, e.grantor, e.grantee, e.privilege_type, e.is_grantable
      FROM (SELECT t.oid, b.attnum, y.grantor, y.grantee, y.privilege_type, y.is_grantable
            FROM pg_catalog.pg_class t JOIN pg_catalog.pg_attribute b ON b.attrelid = t.oid
            CROSS JOIN LATERAL pg_catalog.aclexplode(coalesce(t.relacl, pg_catalog.acldefault('r', t.relowner))) y
            WHERE t.relkind IN ('r', 'v', 'f', 'p') AND b.attnum > 0 AND NOT b.attisdropped
            UNION ALL
            SELECT t.oid, b.attnum, y.grantor, y.grantee, y.privilege_type, y.is_grantable
            FROM pg_catalog.pg_class t JOIN pg_catalog.pg_attribute b ON b.attrelid = t.oid
            CROSS JOIN LATERAL pg_catalog.aclexplode(b.attacl) y
            WHERE t.relkind IN ('r', 'v', 'f', 'p') AND b.attnum > 0 AND NOT b.attisdropped) e) x
JOIN pg_catalog.pg_class c ON c.oid = x.oid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = x.oid AND a.attnum = x.attnum
JOIN pg_catalog.pg_authid g ON g.oid = x.grantor
LEFT JOIN pg_catalog.pg_authid r ON r.oid = x.grantee
WHERE x.privilege_type IN ('INSERT', 'SELECT', 'UPDATE', 'REFERENCES') AND (x.grantee = 0 OR r.oid IS NOT NULL)
  AND (x.grantee = 0 OR pg_catalog.pg_has_role(x.grantee, 'USAGE') OR pg_catalog.pg_has_role(x.grantor, 'USAGE'))
