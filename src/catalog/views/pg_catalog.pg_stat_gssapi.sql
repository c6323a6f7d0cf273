SELECT s.pid, s.gss_auth AS gss_authenticated, s.gss_princ AS principal, s.gss_enc AS encrypted
FROM pg_catalog.pg_stat_get_activity(NULL::integer) s
WHERE s.client_port IS NOT NULL
