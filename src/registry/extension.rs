//! Extensions: those whose names applications ask for, and what of each works.

use serde::{Deserialize, Serialize};

use super::{Name, Snapshot};
use crate::facts;
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
        types: &[],
        functions: &[],
    },
    Available {
        name: "hstore",
        version: "1.8",
        comment: "data type for storing sets of (key, value) pairs",
        types: &[],
        functions: &[],
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

impl Snapshot {
    /// The extensions whose objects stand in a namespace.
    pub fn extensions_in<'a>(&'a self, namespace: &'a str) -> impl Iterator<Item = &'a Extension> {
        self.extensions.values().map(|e| &**e).filter(move |e| *e.namespace == *namespace)
    }

    /// A type that an extension brings, in the namespace of that.
    pub fn extension_type(&self, namespace: &str, name: &str) -> Option<Oid> {
        let of = |e: &Extension| facts::TYPES.by_name(&e.key(name)).next().map(|t| t.oid);
        self.extensions_in(namespace).find_map(of)
    }

    /// Where an extension's objects are; `None` if the database has not got it.
    pub fn extension_namespace(&self, name: &str) -> Option<&Name> {
        self.extensions.get(name).map(|e| &e.namespace)
    }
}

impl Extension {
    /// By which [`facts`] know something that it brings.
    pub fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.name)
    }

    /// The OIDs of its types, arrays of them among them.
    pub fn types(&self) -> Vec<Oid> {
        let own = facts::TYPES.all.iter().filter(|t| t.extension == Some(&*self.name));
        own.map(|t| t.oid).collect()
    }

    /// What it is; extensions that are kept are among those.
    pub fn available(&self) -> Option<&'static Available> {
        Available::named(&self.name)
    }
}
