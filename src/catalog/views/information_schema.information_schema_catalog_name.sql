SELECT current_database()::text AS catalog_name
