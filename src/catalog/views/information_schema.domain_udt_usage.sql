SELECT udt_catalog, udt_schema, udt_name, domain_catalog, domain_schema, domain_name FROM information_schema.domains
