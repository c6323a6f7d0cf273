SELECT rolname AS usename, pg_authid.oid AS usesysid, rolcreatedb AS usecreatedb, rolsuper AS usesuper, rolreplication AS userepl,
       rolbypassrls AS usebypassrls, rolpassword AS passwd, rolvaliduntil AS valuntil, s.setconfig AS useconfig
FROM pg_catalog.pg_authid LEFT JOIN pg_catalog.pg_db_role_setting s ON pg_authid.oid = s.setrole AND s.setdatabase = 0
WHERE rolcanlogin
