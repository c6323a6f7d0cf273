SELECT NULL::text AS character_set_catalog, NULL::text AS character_set_schema, 'UTF8'::text AS character_set_name,
       'UCS'::text AS character_repertoire, 'UTF8'::text AS form_of_use,
       current_database()::text AS default_collate_catalog, 'pg_catalog'::text AS default_collate_schema,
       'ucs_basic'::text AS default_collate_name
