SELECT e.name, e.default_version AS version, e.installed_version IS NOT NULL AS installed, true AS superuser, true AS trusted,
       e.name <> 'plpgsql' AS relocatable, CASE WHEN e.name = 'plpgsql' THEN 'pg_catalog'::name END AS schema, NULL::name[] AS requires,
       e.comment
FROM pg_catalog.pg_available_extensions e
