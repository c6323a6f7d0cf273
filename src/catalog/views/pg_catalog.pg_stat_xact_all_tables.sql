SELECT relid, schemaname, relname, seq_scan, seq_tup_read, idx_scan, idx_tup_fetch, n_tup_ins, n_tup_upd, n_tup_del,
       n_tup_hot_upd
FROM pg_catalog.pg_stat_all_tables
