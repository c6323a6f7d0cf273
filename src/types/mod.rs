//! THE type table: PostgreSQL type ↔ schema-file name ↔ DuckDB type ↔ Arrow type; values; text and binary codecs.
//!
//! Nothing else in the code lists types. A PostgreSQL type is an OID and a modifier ([`PgType`]); what carries it
//! inside DuckDB is its physical type ([`Phys`]). Several PostgreSQL types share one physical type (text, varchar,
//! json …), and `numeric` has two: `DECIMAL(p,s)` where the declaration fits one, decimal text in `VARCHAR` otherwise.

use std::sync::Arc;

pub use crate::facts::Oid;

/// OIDs of the built-in types that the code names.
pub mod oid {
    use super::Oid;
    macro_rules! oids { ($($name:ident = $value:literal;)*) => { $(pub const $name: Oid = $value;)* } }
    oids! {
        BOOL = 16; BYTEA = 17; CHAR = 18; NAME = 19; INT8 = 20; INT2 = 21; INT2VECTOR = 22; INT4 = 23;
        REGPROC = 24; TEXT = 25; OID = 26; TID = 27; XID = 28; CID = 29; OIDVECTOR = 30;
        JSON = 114; XML = 142; PG_NODE_TREE = 194; FLOAT4 = 700; FLOAT8 = 701; UNKNOWN = 705; MONEY = 790;
        POINT = 600; LSEG = 601; PATH = 602; BOX = 603; POLYGON = 604; LINE = 628; CIRCLE = 718;
        INET = 869; CIDR = 650; MACADDR = 829; MACADDR8 = 774;
        INT4RANGE = 3904; NUMRANGE = 3906; TSRANGE = 3908; TSTZRANGE = 3910; DATERANGE = 3912; INT8RANGE = 3926;
        INT4MULTIRANGE = 4451; NUMMULTIRANGE = 4532; TSMULTIRANGE = 4533; TSTZMULTIRANGE = 4534; DATEMULTIRANGE = 4535;
        INT8MULTIRANGE = 4536; ACLITEM = 1033; BPCHAR = 1042; VARCHAR = 1043; DATE = 1082; TIME = 1083;
        TIMESTAMP = 1114; TIMESTAMPTZ = 1184; INTERVAL = 1186; TIMETZ = 1266; BIT = 1560; VARBIT = 1562;
        NUMERIC = 1700; REFCURSOR = 1790; REGPROCEDURE = 2202; REGOPER = 2203; REGOPERATOR = 2204;
        REGCLASS = 2205; REGTYPE = 2206; RECORD = 2249; CSTRING = 2275; ANY = 2276; ANYARRAY = 2277; VOID = 2278;
        TRIGGER = 2279; INTERNAL = 2281; ANYELEMENT = 2283; RECORD_ARRAY = 2287; ANYNONARRAY = 2776; UUID = 2950;
        ANYENUM = 3500; REGCONFIG = 3734; JSONB = 3802; ANYRANGE = 3831; JSONPATH = 4072; REGNAMESPACE = 4089;
        REGROLE = 4096; REGCOLLATION = 4191; ANYMULTIRANGE = 4537; ANYCOMPATIBLEMULTIRANGE = 4538;
        XID8 = 5069; PG_LSN = 3220; PG_SNAPSHOT = 5038; PG_NDISTINCT = 3361; PG_DEPENDENCIES = 3402; PG_MCV_LIST = 5017;
        REGDICTIONARY = 3769; TSVECTOR = 3614; TSQUERY = 3615; TXID_SNAPSHOT = 2970; BIT_ARRAY = 1561; ANYCOMPATIBLE = 5077; ANYCOMPATIBLEARRAY = 5078; ANYCOMPATIBLENONARRAY = 5079; ANYCOMPATIBLERANGE = 5080;
        BOOL_ARRAY = 1000; BYTEA_ARRAY = 1001; CHAR_ARRAY = 1002; NAME_ARRAY = 1003; INT2_ARRAY = 1005;
        INT4_ARRAY = 1007; TEXT_ARRAY = 1009; BPCHAR_ARRAY = 1014; VARCHAR_ARRAY = 1015; INT8_ARRAY = 1016;
        FLOAT4_ARRAY = 1021; FLOAT8_ARRAY = 1022; OID_ARRAY = 1028; DATE_ARRAY = 1182; TIMESTAMPTZ_ARRAY = 1185;
        HSTORE = 15000; HSTORE_ARRAY = 15001; CITEXT = 15250; CITEXT_ARRAY = 15251;
        DEFAULT_COLLATION = 100; C_COLLATION = 950; POSIX_COLLATION = 951; UCS_BASIC_COLLATION = 12340;
        NUMERIC_ARRAY = 1231; JSON_ARRAY = 199; JSONB_ARRAY = 3807; UUID_ARRAY = 2951;
    }
    /// OIDs from here on are given to objects that users define.
    pub const FIRST_USER: Oid = 16384;
}

/// A PostgreSQL type with its modifier (-1: none), as in pg_attribute.
#[derive(Debug, Clone, Copy, Eq, serde::Serialize, serde::Deserialize)]
pub struct PgType {
    pub oid: Oid,
    pub typmod: i32,
    /// The pairs of brackets that a column of an array type was declared with, if they are several. Such a column takes
    /// arrays of any shape ([`Phys::Shaped`]). It is no part of the type: types are equal whatever it is.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub ndims: u8,
}

// serde hands out a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(n: &u8) -> bool {
    *n == 0
}

impl PartialEq for PgType {
    fn eq(&self, other: &Self) -> bool {
        (self.oid, self.typmod) == (other.oid, other.typmod)
    }
}

impl std::hash::Hash for PgType {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (self.oid, self.typmod).hash(state);
    }
}

impl PgType {
    pub const fn new(oid: Oid) -> Self {
        Self { oid, typmod: -1, ndims: 0 }
    }

    pub const fn with(oid: Oid, typmod: i32) -> Self {
        Self { oid, typmod, ndims: 0 }
    }

    /// The same type, declared with that many pairs of brackets.
    pub const fn with_dimensions(self, ndims: u8) -> Self {
        Self { ndims, ..self }
    }

    /// True for a column that takes arrays of any shape.
    pub const fn is_shaped(self) -> bool {
        self.ndims > 1
    }

    /// `numeric(p,s)` as (precision, scale), if this is a numeric with a modifier.
    pub fn numeric_precision(self) -> Option<(u16, i16)> {
        if self.oid != oid::NUMERIC || self.typmod < 4 {
            return None;
        }
        let packed = self.typmod - 4;
        // Eleven bits of signed scale, as PostgreSQL 15 packs it.
        let scale = ((packed & 0x7ff) ^ 1024) - 1024;
        Some((((packed >> 16) & 0xffff) as u16, scale as i16))
    }

    pub const fn numeric(precision: u16, scale: i16) -> Self {
        Self::with(oid::NUMERIC, (((precision as i32) << 16) | (scale as i32 & 0x7ff)) + 4)
    }

    /// The declared length of `varchar(n)` or `char(n)`, in characters.
    pub fn char_length(self) -> Option<u32> {
        (matches!(self.oid, oid::VARCHAR | oid::BPCHAR) && self.typmod >= 4).then(|| self.typmod as u32 - 4)
    }
}

/// The widest DECIMAL that DuckDB has.
pub const MAX_DECIMAL_PRECISION: u8 = 38;

/// How a value is carried inside DuckDB and in record batches.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Phys {
    /// BOOLEAN
    Bool,
    /// SMALLINT
    Int2,
    /// INTEGER
    Int4,
    /// BIGINT
    Int8,
    /// UINTEGER: `oid` and its kin (regclass …)
    Oid,
    /// FLOAT
    Float4,
    /// DOUBLE
    Float8,
    /// DECIMAL(p,s): `numeric` whose precision and scale are known
    Decimal { precision: u8, scale: u8 },
    /// VARCHAR with decimal text as PostgreSQL prints it: every other `numeric`
    Numeric,
    /// VARCHAR: text, varchar, name, "char", json, jsonb …
    Text,
    /// VARCHAR without its trailing blanks: `char(n)`, which has them when it is seen as text
    Char(u32),
    /// VARCHAR with its trailing blanks, which do not count where it is compared: `bpchar` of no known length
    Padded,
    /// VARCHAR of what `jsonb` prints: equal values may print apart (1 and 1.0), so that it has a key
    Jsonb,
    /// VARCHAR of an extension's text, which compares by its lower-case letters
    Citext,
    /// BLOB
    Bytea,
    /// BLOB whose bytes sort as the values of this type do ([`coded`])
    Coded(Oid),
    /// DATE
    Date,
    /// TIME (microseconds)
    Time,
    /// TIME WITH TIME ZONE
    TimeTz,
    /// TIMESTAMP (microseconds)
    Timestamp,
    /// TIMESTAMP WITH TIME ZONE
    TimestampTz,
    /// INTERVAL (months, days, microseconds)
    Interval,
    /// UUID
    Uuid,
    /// ENUM with these labels in this order; carried in batches as a dictionary or as text
    Enum(Arc<[Arc<str>]>),
    /// LIST
    List(Box<Phys>),
    /// STRUCT of a list of items and a list of integers, f1 and f2: an array of any shape ([`shaped`])
    Shaped(Arc<[Phys]>),
    /// STRUCT with fields named f1, f2 …: a row value
    Row(Arc<[Phys]>),
    /// The type of a bare NULL
    Void,
}

/// The fields of an anonymous row: what carries a field does not always tell its type, and never its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowTypes(pub Arc<[RowField]>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowField {
    pub name: Arc<str>,
    pub ty: PgType,
    /// For a field that is an anonymous row itself, or an array of such.
    pub row: Option<RowTypes>,
}

impl RowTypes {
    /// Fields none of which is an anonymous row.
    pub fn of(fields: impl IntoIterator<Item = (Arc<str>, PgType)>) -> Self {
        Self(fields.into_iter().map(|(name, ty)| RowField { name, ty, row: None }).collect())
    }
}

mod value;
pub use value::{ArrayValue, Value};

mod settings;
pub use settings::{ByteaOutput, DateOrder, DateStyle, IntervalStyle, OutputSettings};

pub mod lookup;
pub use lookup::{BuiltinTypes, TypeLookup, UserTypeInfo, UserTypeInfoKind};

pub mod table;
pub use table::{Codec, base_type, codec, phys};

pub mod name;

pub mod arrow;
pub mod binary;
pub mod coded;
pub mod datetime;
pub mod encoding;
pub mod numeric;
pub mod rows;
pub mod shaped;
pub mod text;
