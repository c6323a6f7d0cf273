SELECT s.pid, s.ssl, s.sslversion AS version, s.sslcipher AS cipher, s.sslbits AS bits, s.ssl_client_dn AS client_dn,
       s.ssl_client_serial AS client_serial, s.ssl_issuer_dn AS issuer_dn
FROM pg_catalog.pg_stat_get_activity(NULL::integer) s
WHERE s.client_port IS NOT NULL
