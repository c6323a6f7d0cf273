SELECT current_database()::text AS catalog_name, n.nspname::text AS schema_name, a.rolname::text AS schema_owner,
       NULL::text AS default_character_set_catalog, NULL::text AS default_character_set_schema,
       NULL::text AS default_character_set_name, NULL::text AS sql_path
FROM pg_catalog.pg_namespace n
JOIN pg_catalog.pg_authid a ON a.oid = n.nspowner
WHERE pg_catalog.pg_has_role(n.nspowner, 'USAGE') OR pg_catalog.has_schema_privilege(n.oid, 'CREATE, USAGE')
