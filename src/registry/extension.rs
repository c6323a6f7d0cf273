//! Extensions: those whose names applications ask for, and what of each works.

use serde::{Deserialize, Serialize};

use super::Name;
use crate::types::Oid;

/// An extension that a database has.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Extension {
    pub oid: Oid,
    pub name: Name,
    pub owner: Oid,
    /// Where its functions are called.
    pub namespace: Name,
    pub comment: Option<String>,
}

/// An extension that a database can have.
#[derive(Debug)]
pub struct Available {
    pub name: &'static str,
    /// PostgreSQL 15's.
    pub version: &'static str,
    pub comment: &'static str,
    /// Types that it would bring, and that are refused.
    pub types: &'static [&'static str],
    /// Functions that it would bring, and that are refused.
    pub functions: &'static [&'static str],
}

/// What CREATE EXTENSION takes; any other name of PostgreSQL's is refused.
pub const AVAILABLE: &[Available] = &[
    Available {
        name: "citext",
        version: "1.6",
        comment: "data type for case-insensitive character strings",
        types: &["citext", "_citext"],
        functions: &[],
    },
    Available {
        name: "hstore",
        version: "1.8",
        comment: "data type for storing sets of (key, value) pairs",
        types: &["hstore", "_hstore"],
        functions: &["hstore", "akeys", "avals", "skeys", "svals", "hstore_to_json", "hstore_to_jsonb"],
    },
    Available {
        name: "pgcrypto",
        version: "1.3",
        comment: "cryptographic functions",
        types: &[],
        functions: &[
            "armor",
            "crypt",
            "dearmor",
            "decrypt",
            "decrypt_iv",
            "digest",
            "encrypt",
            "encrypt_iv",
            "gen_random_bytes",
            "gen_salt",
            "hmac",
            "pgp_pub_decrypt",
            "pgp_pub_encrypt",
            "pgp_sym_decrypt",
            "pgp_sym_encrypt",
        ],
    },
    Available {
        name: "uuid-ossp",
        version: "1.1",
        comment: "generate universally unique identifiers (UUIDs)",
        types: &[],
        functions: &["uuid_generate_v1", "uuid_generate_v1mc", "uuid_generate_v3", "uuid_generate_v5"],
    },
];

/// plpgsql's, as PostgreSQL 15's initdb gives it.
pub const PLPGSQL_OID: Oid = 13_559;

/// What every database of PostgreSQL's has.
pub const PLPGSQL: Available =
    Available { name: "plpgsql", version: "1.0", comment: "PL/pgSQL procedural language", types: &[], functions: &[] };

/// The other extensions that come with PostgreSQL 15.
pub const ELSEWHERE: &[&str] = &[
    "adminpack",
    "amcheck",
    "autoinc",
    "bloom",
    "btree_gin",
    "btree_gist",
    "cube",
    "dblink",
    "dict_int",
    "dict_xsyn",
    "earthdistance",
    "file_fdw",
    "fuzzystrmatch",
    "insert_username",
    "intagg",
    "intarray",
    "isn",
    "lo",
    "ltree",
    "moddatetime",
    "old_snapshot",
    "pageinspect",
    "pg_buffercache",
    "pg_freespacemap",
    "pg_prewarm",
    "pg_stat_statements",
    "pg_surgery",
    "pg_trgm",
    "pg_visibility",
    "pg_walinspect",
    "pgrowlocks",
    "pgstattuple",
    "postgis",
    "postgres_fdw",
    "refint",
    "seg",
    "sslinfo",
    "tablefunc",
    "tcn",
    "tsm_system_rows",
    "tsm_system_time",
    "unaccent",
    "vector",
    "xml2",
];

impl Available {
    pub fn named(name: &str) -> Option<&'static Self> {
        AVAILABLE.iter().find(|a| a.name == name)
    }
}

impl Extension {
    /// What it is; extensions that are kept are among those.
    pub fn available(&self) -> Option<&'static Available> {
        Available::named(&self.name)
    }
}
