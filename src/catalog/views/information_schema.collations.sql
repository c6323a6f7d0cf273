SELECT current_database()::text AS collation_catalog, n.nspname::text AS collation_schema, c.collname::text AS collation_name,
       'NO PAD'::text AS pad_attribute
FROM pg_catalog.pg_collation c JOIN pg_catalog.pg_namespace n ON c.collnamespace = n.oid
WHERE c.collencoding IN (-1, 6) AND c.collprovider <> 'd'
