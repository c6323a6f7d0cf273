SELECT m.rolname::text AS grantee, r.rolname::text AS role_name,
       CASE WHEN a.admin_option THEN 'YES' ELSE 'NO' END AS is_grantable
FROM pg_catalog.pg_auth_members a
JOIN pg_catalog.pg_authid m ON a.member = m.oid
JOIN pg_catalog.pg_authid r ON a.roleid = r.oid
WHERE pg_catalog.pg_has_role(m.oid, 'USAGE')
