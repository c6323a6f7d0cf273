//! pg_catalog and information_schema, answered from the registry. (Its parts are joined when the types' arrays land.)
