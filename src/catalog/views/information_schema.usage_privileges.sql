SELECT g.rolname::text AS grantor, coalesce(r.rolname::text, 'PUBLIC') AS grantee, current_database()::text AS object_catalog,
       n.nspname::text AS object_schema, o.name AS object_name, o.kind AS object_type, 'USAGE'::text AS privilege_type,
       CASE WHEN x.is_grantable OR pg_catalog.pg_has_role(x.grantee, o.owner, 'USAGE') THEN 'YES' ELSE 'NO' END AS is_grantable
FROM (SELECT c.relnamespace AS namespace, c.relname::text AS name, 'SEQUENCE'::text AS kind, c.relowner AS owner,
             coalesce(c.relacl, pg_catalog.acldefault('r', c.relowner)) AS acl
      FROM pg_catalog.pg_class c WHERE c.relkind = 'S'
      UNION ALL
      SELECT t.typnamespace, t.typname::text, 'DOMAIN', t.typowner,
             coalesce(t.typacl, pg_catalog.acldefault('T', t.typowner))
      FROM pg_catalog.pg_type t WHERE t.typtype = 'd') o
JOIN pg_catalog.pg_namespace n ON n.oid = o.namespace
CROSS JOIN LATERAL pg_catalog.aclexplode(o.acl) x
JOIN pg_catalog.pg_authid g ON g.oid = x.grantor
LEFT JOIN pg_catalog.pg_authid r ON r.oid = x.grantee
WHERE x.privilege_type = 'USAGE' AND (x.grantee = 0 OR r.oid IS NOT NULL)
  AND (x.grantee = 0 OR pg_catalog.pg_has_role(x.grantee, 'USAGE') OR pg_catalog.pg_has_role(x.grantor, 'USAGE'))
