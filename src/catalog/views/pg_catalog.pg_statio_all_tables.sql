SELECT relid, schemaname, relname, 0::bigint AS heap_blks_read, 0::bigint AS heap_blks_hit,
       CASE WHEN idx_scan IS NOT NULL THEN 0::bigint END AS idx_blks_read,
       CASE WHEN idx_scan IS NOT NULL THEN 0::bigint END AS idx_blks_hit, NULL::bigint AS toast_blks_read, NULL::bigint AS toast_blks_hit,
       NULL::bigint AS tidx_blks_read, NULL::bigint AS tidx_blks_hit
FROM pg_catalog.pg_stat_all_tables
