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
        name: "bloom",
        version: "1.0",
        comment: "bloom access method - signature file based index",
        types: &[],
        functions: &[],
    },
    Available {
        name: "btree_gin",
        version: "1.3",
        comment: "support for indexing common datatypes in GIN",
        types: &[],
        functions: &[],
    },
    Available {
        name: "btree_gist",
        version: "1.7",
        comment: "support for indexing common datatypes in GiST",
        types: &[],
        functions: &[
            "cash_dist",
            "date_dist",
            "float4_dist",
            "float8_dist",
            "int2_dist",
            "int4_dist",
            "int8_dist",
            "interval_dist",
            "oid_dist",
            "time_dist",
            "ts_dist",
            "tstz_dist",
        ],
    },
    Available {
        name: "citext",
        version: "1.6",
        comment: "data type for case-insensitive character strings",
        types: &[],
        functions: &[],
    },
    Available {
        name: "cube",
        version: "1.5",
        comment: "data type for multidimensional cubes",
        types: &["cube"],
        functions: &[],
    },
    Available {
        name: "fuzzystrmatch",
        version: "1.1",
        comment: "determine similarities and distance between strings",
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
        name: "intarray",
        version: "1.5",
        comment: "functions, operators, and index support for 1-D arrays of integers",
        types: &["query_int"],
        functions: &["icount", "idx", "intset", "sort", "sort_asc", "sort_desc", "subarray", "uniq"],
    },
    Available { name: "lo", version: "1.1", comment: "Large Object maintenance", types: &["lo"], functions: &[] },
    Available {
        name: "ltree",
        version: "1.2",
        comment: "data type for hierarchical tree-like structures",
        types: &["ltree", "lquery", "ltxtquery"],
        functions: &[],
    },
    Available {
        name: "pg_stat_statements",
        version: "1.10",
        comment: "track planning and execution statistics of all SQL statements executed",
        types: &[],
        functions: &["pg_stat_statements", "pg_stat_statements_info", "pg_stat_statements_reset"],
    },
    Available {
        name: "pg_trgm",
        version: "1.6",
        comment: "text similarity measurement and index searching based on trigrams",
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
        name: "tablefunc",
        version: "1.0",
        comment: "functions that manipulate whole tables, including crosstab",
        types: &[],
        functions: &["connectby", "crosstab", "crosstab2", "crosstab3", "crosstab4", "normal_rand"],
    },
    Available {
        name: "unaccent",
        version: "1.1",
        comment: "text search dictionary that removes accents",
        types: &[],
        functions: &[],
    },
    Available {
        name: "uuid-ossp",
        version: "1.1",
        comment: "generate universally unique identifiers (UUIDs)",
        types: &[],
        functions: &["uuid_generate_v1", "uuid_generate_v1mc", "uuid_generate_v3", "uuid_generate_v5"],
    },
    Available {
        name: "xml2",
        version: "1.1",
        comment: "XPath querying and XSLT",
        types: &[],
        functions: &[
            "xml_encode_special_chars",
            "xml_valid",
            "xpath_bool",
            "xpath_list",
            "xpath_nodeset",
            "xpath_number",
            "xpath_string",
            "xpath_table",
            "xslt_process",
        ],
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
    "dblink",
    "dict_int",
    "dict_xsyn",
    "earthdistance",
    "file_fdw",
    "insert_username",
    "intagg",
    "isn",
    "moddatetime",
    "old_snapshot",
    "pageinspect",
    "pg_buffercache",
    "pg_freespacemap",
    "pg_prewarm",
    "pg_surgery",
    "pg_visibility",
    "pg_walinspect",
    "pgrowlocks",
    "pgstattuple",
    "postgis",
    "postgres_fdw",
    "refint",
    "seg",
    "sslinfo",
    "tcn",
    "tsm_system_rows",
    "tsm_system_time",
    "vector",
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
