SELECT collation_catalog, collation_schema, collation_name, NULL::text AS character_set_catalog,
       NULL::text AS character_set_schema, 'UTF8'::text AS character_set_name
FROM information_schema.collations
