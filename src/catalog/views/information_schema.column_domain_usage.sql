SELECT domain_catalog, domain_schema, domain_name, table_catalog, table_schema, table_name, column_name
FROM information_schema.columns WHERE domain_name IS NOT NULL
