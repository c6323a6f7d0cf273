//! THE type table: one row for each PostgreSQL type that the gateway carries. A type without a row is an error.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Fields, TimeUnit};

use super::lookup::{TypeLookup, UserTypeInfoKind};
use super::{MAX_DECIMAL_PRECISION, Oid, PgType, Phys, oid};
use crate::error::{Error, Result};
use crate::facts::TYPES;

/// Which input, output, receive and send functions a type has. Several types share one where PostgreSQL's functions
/// differ in name only.
#[derive(Debug, Clone, PartialEq)]
pub enum Codec {
    Bool,
    Bytea,
    /// Text that is well-formed.
    Xml,
    /// `"char"`: one byte
    CharByte,
    /// `name`: text cut to 63 bytes
    Name,
    Int2,
    Int4,
    Int8,
    /// `oid`, `xid`, `cid`: unsigned 32 bits
    Oid,
    /// `xid8`: unsigned 64 bits
    Xid8,
    /// `regclass` and kin: an OID that is read and written as a name
    Reg(Oid),
    /// `tid`: `(block,offset)`
    Tid,
    Inet,
    Cidr,
    MacAddr,
    MacAddr8,
    /// A point, box, path …
    Geometry(Oid),
    Hstore,
    TsVector,
    TsQuery,
    PgLsn,
    /// `pg_snapshot`, `txid_snapshot`
    Snapshot,
    /// A range or multirange: which type it is says the table of [`super::coded::range`].
    Range(Oid),
    Float4,
    Float8,
    Numeric,
    /// text, xml, refcursor, unknown, cstring …: any text
    Text,
    Varchar,
    Bpchar,
    Json,
    Jsonb,
    JsonPath,
    /// `bit(n)`: exactly n bits
    Bit,
    /// `bit varying(n)`
    VarBit,
    Date,
    Time,
    TimeTz,
    Timestamp,
    TimestampTz,
    Interval,
    Uuid,
    Void,
    Record,
    Int2Vector,
    OidVector,
    /// An array of this element type.
    Array(Oid),
    Enum(Arc<[Arc<str>]>),
}

/// One row of the table.
#[derive(Debug)]
pub struct Entry {
    pub oid: Oid,
    /// The name in schema files and in SQL.
    pub name: &'static str,
    pub codec: Codec,
    /// What carries it inside DuckDB when no modifier says more; `None` if only a declaration can tell (record).
    pub phys: Option<Phys>,
}

const fn row(oid: Oid, name: &'static str, codec: Codec, phys: Phys) -> Entry {
    Entry { oid, name, codec, phys: Some(phys) }
}

/// The table. DuckDB's and Arrow's types follow from the physical type ([`Phys::duckdb`], [`Phys::arrow`]), the codecs
/// from the codec class; arrays follow from their elements.
static ENTRIES: [Entry; 85] = [
    row(oid::INT2, "smallint", Codec::Int2, Phys::Int2),
    row(oid::INT4, "integer", Codec::Int4, Phys::Int4),
    row(oid::INT8, "bigint", Codec::Int8, Phys::Int8),
    row(oid::FLOAT4, "real", Codec::Float4, Phys::Float4),
    row(oid::FLOAT8, "double precision", Codec::Float8, Phys::Float8),
    row(oid::NUMERIC, "numeric", Codec::Numeric, Phys::Numeric),
    row(oid::BOOL, "boolean", Codec::Bool, Phys::Bool),
    row(oid::TEXT, "text", Codec::Text, Phys::Text),
    row(oid::VARCHAR, "character varying", Codec::Varchar, Phys::Text),
    row(oid::BPCHAR, "character", Codec::Bpchar, Phys::Padded),
    row(oid::CHAR, "\"char\"", Codec::CharByte, Phys::Text),
    row(oid::NAME, "name", Codec::Name, Phys::Text),
    row(oid::BYTEA, "bytea", Codec::Bytea, Phys::Bytea),
    row(oid::DATE, "date", Codec::Date, Phys::Date),
    row(oid::TIME, "time without time zone", Codec::Time, Phys::Time),
    row(oid::TIMETZ, "time with time zone", Codec::TimeTz, Phys::TimeTz),
    row(oid::TIMESTAMP, "timestamp without time zone", Codec::Timestamp, Phys::Timestamp),
    row(oid::TIMESTAMPTZ, "timestamp with time zone", Codec::TimestampTz, Phys::TimestampTz),
    row(oid::INTERVAL, "interval", Codec::Interval, Phys::Interval),
    row(oid::UUID, "uuid", Codec::Uuid, Phys::Uuid),
    row(oid::JSON, "json", Codec::Json, Phys::Text),
    row(oid::JSONB, "jsonb", Codec::Jsonb, Phys::Jsonb),
    row(oid::BIT, "bit", Codec::Bit, Phys::Text),
    row(oid::VARBIT, "bit varying", Codec::VarBit, Phys::Text),
    row(oid::JSONPATH, "jsonpath", Codec::JsonPath, Phys::Text),
    row(oid::XML, "xml", Codec::Xml, Phys::Text),
    row(oid::OID, "oid", Codec::Oid, Phys::Oid),
    row(oid::XID, "xid", Codec::Oid, Phys::Oid),
    row(oid::CID, "cid", Codec::Oid, Phys::Oid),
    row(oid::XID8, "xid8", Codec::Xid8, Phys::Int8),
    row(oid::TID, "tid", Codec::Tid, Phys::Text),
    row(oid::REGPROC, "regproc", Codec::Reg(oid::REGPROC), Phys::Oid),
    row(oid::REGPROCEDURE, "regprocedure", Codec::Reg(oid::REGPROCEDURE), Phys::Oid),
    row(oid::REGOPER, "regoper", Codec::Reg(oid::REGOPER), Phys::Oid),
    row(oid::REGOPERATOR, "regoperator", Codec::Reg(oid::REGOPERATOR), Phys::Oid),
    row(oid::REGCLASS, "regclass", Codec::Reg(oid::REGCLASS), Phys::Oid),
    row(oid::REGTYPE, "regtype", Codec::Reg(oid::REGTYPE), Phys::Oid),
    row(oid::REGCONFIG, "regconfig", Codec::Reg(oid::REGCONFIG), Phys::Oid),
    row(oid::REGNAMESPACE, "regnamespace", Codec::Reg(oid::REGNAMESPACE), Phys::Oid),
    row(oid::REGROLE, "regrole", Codec::Reg(oid::REGROLE), Phys::Oid),
    row(oid::REGCOLLATION, "regcollation", Codec::Reg(oid::REGCOLLATION), Phys::Oid),
    row(oid::PG_NODE_TREE, "pg_node_tree", Codec::Text, Phys::Text),
    row(oid::ACLITEM, "aclitem", Codec::Text, Phys::Text),
    row(oid::REFCURSOR, "refcursor", Codec::Text, Phys::Text),
    row(oid::UNKNOWN, "unknown", Codec::Text, Phys::Text),
    row(oid::CSTRING, "cstring", Codec::Text, Phys::Text),
    // Only in system tables (pg_attribute.attmissingval), where it is always NULL here.
    row(oid::ANYARRAY, "anyarray", Codec::Text, Phys::Text),
    row(oid::VOID, "void", Codec::Void, Phys::Text),
    row(oid::INET, "inet", Codec::Inet, Phys::Coded(oid::INET)),
    row(oid::CIDR, "cidr", Codec::Cidr, Phys::Coded(oid::CIDR)),
    row(oid::MACADDR, "macaddr", Codec::MacAddr, Phys::Coded(oid::MACADDR)),
    row(oid::MACADDR8, "macaddr8", Codec::MacAddr8, Phys::Coded(oid::MACADDR8)),
    row(oid::POINT, "point", Codec::Geometry(oid::POINT), Phys::Coded(oid::POINT)),
    row(oid::LSEG, "lseg", Codec::Geometry(oid::LSEG), Phys::Coded(oid::LSEG)),
    row(oid::PATH, "path", Codec::Geometry(oid::PATH), Phys::Coded(oid::PATH)),
    row(oid::BOX, "box", Codec::Geometry(oid::BOX), Phys::Coded(oid::BOX)),
    row(oid::POLYGON, "polygon", Codec::Geometry(oid::POLYGON), Phys::Coded(oid::POLYGON)),
    row(oid::LINE, "line", Codec::Geometry(oid::LINE), Phys::Coded(oid::LINE)),
    row(oid::CIRCLE, "circle", Codec::Geometry(oid::CIRCLE), Phys::Coded(oid::CIRCLE)),
    row(oid::INT4RANGE, "int4range", Codec::Range(oid::INT4RANGE), Phys::Coded(oid::INT4RANGE)),
    row(oid::INT8RANGE, "int8range", Codec::Range(oid::INT8RANGE), Phys::Coded(oid::INT8RANGE)),
    row(oid::NUMRANGE, "numrange", Codec::Range(oid::NUMRANGE), Phys::Coded(oid::NUMRANGE)),
    row(oid::DATERANGE, "daterange", Codec::Range(oid::DATERANGE), Phys::Coded(oid::DATERANGE)),
    row(oid::TSRANGE, "tsrange", Codec::Range(oid::TSRANGE), Phys::Coded(oid::TSRANGE)),
    row(oid::TSTZRANGE, "tstzrange", Codec::Range(oid::TSTZRANGE), Phys::Coded(oid::TSTZRANGE)),
    row(oid::INT4MULTIRANGE, "int4multirange", Codec::Range(oid::INT4MULTIRANGE), Phys::Coded(oid::INT4MULTIRANGE)),
    row(oid::INT8MULTIRANGE, "int8multirange", Codec::Range(oid::INT8MULTIRANGE), Phys::Coded(oid::INT8MULTIRANGE)),
    row(oid::NUMMULTIRANGE, "nummultirange", Codec::Range(oid::NUMMULTIRANGE), Phys::Coded(oid::NUMMULTIRANGE)),
    row(oid::DATEMULTIRANGE, "datemultirange", Codec::Range(oid::DATEMULTIRANGE), Phys::Coded(oid::DATEMULTIRANGE)),
    row(oid::TSMULTIRANGE, "tsmultirange", Codec::Range(oid::TSMULTIRANGE), Phys::Coded(oid::TSMULTIRANGE)),
    row(oid::TSTZMULTIRANGE, "tstzmultirange", Codec::Range(oid::TSTZMULTIRANGE), Phys::Coded(oid::TSTZMULTIRANGE)),
    row(oid::PG_LSN, "pg_lsn", Codec::PgLsn, Phys::Coded(oid::PG_LSN)),
    row(oid::TSVECTOR, "tsvector", Codec::TsVector, Phys::Coded(oid::TSVECTOR)),
    row(oid::TSQUERY, "tsquery", Codec::TsQuery, Phys::Coded(oid::TSQUERY)),
    row(oid::REGDICTIONARY, "regdictionary", Codec::Reg(oid::REGDICTIONARY), Phys::Oid),
    row(oid::PG_SNAPSHOT, "pg_snapshot", Codec::Snapshot, Phys::Text),
    row(oid::TXID_SNAPSHOT, "txid_snapshot", Codec::Snapshot, Phys::Text),
    // Extensions': known where these are.
    row(oid::CITEXT, "citext", Codec::Text, Phys::Citext),
    row(oid::HSTORE, "hstore", Codec::Hstore, Phys::Coded(oid::HSTORE)),
    // Only in system tables too: no column of a user's has one of these.
    Entry { oid: oid::PG_NDISTINCT, name: "pg_ndistinct", codec: Codec::Text, phys: None },
    Entry { oid: oid::PG_DEPENDENCIES, name: "pg_dependencies", codec: Codec::Text, phys: None },
    Entry { oid: oid::PG_MCV_LIST, name: "pg_mcv_list", codec: Codec::Text, phys: None },
    Entry { oid: oid::INT2VECTOR, name: "int2vector", codec: Codec::Int2Vector, phys: None },
    Entry { oid: oid::OIDVECTOR, name: "oidvector", codec: Codec::OidVector, phys: None },
    Entry { oid: oid::RECORD, name: "record", codec: Codec::Record, phys: None },
];

static BY_OID: LazyLock<crate::facts::Map<Oid, &'static Entry>> =
    LazyLock::new(|| ENTRIES.iter().map(|e| (e.oid, e)).collect());

/// The table's row for a built-in scalar type.
pub fn entry(oid: Oid) -> Option<&'static Entry> {
    BY_OID.get(&oid).copied()
}

/// Every scalar type that the gateway carries.
pub fn entries() -> impl Iterator<Item = &'static Entry> {
    ENTRIES.iter()
}

/// The element type of a true array type, built-in or of a user's type; `None` for anything else
/// (`int2vector` and `oidvector` are not arrays to those who ask this).
pub fn element_type(array: Oid, types: &dyn TypeLookup) -> Option<Oid> {
    if let Some(t) = TYPES.by_oid(array) {
        return (t.is_array && array != oid::INT2VECTOR && array != oid::OIDVECTOR).then_some(t.element);
    }
    match types.user_type(array)?.kind {
        UserTypeInfoKind::Array { element } => Some(element),
        UserTypeInfoKind::Enum { .. }
        | UserTypeInfoKind::Domain { .. }
        | UserTypeInfoKind::Range { .. }
        | UserTypeInfoKind::Composite { .. } => None,
    }
}

/// The type of an array of `element`; `None` if there is none.
pub fn array_type(element: Oid, types: &dyn TypeLookup) -> Option<Oid> {
    let array = match TYPES.by_oid(element) {
        Some(t) => t.array,
        None => types.user_type(element)?.array,
    };
    (array != 0).then_some(array)
}

/// The type under a domain (through domains over domains); any other type as it is.
pub fn base_type(mut ty: PgType, types: &dyn TypeLookup) -> PgType {
    // A chain of domains is finite by construction; the bound guards against a damaged registry.
    for _ in 0..64 {
        if ty.oid < oid::FIRST_USER {
            return ty;
        }
        match types.user_type(ty.oid).map(|t| t.kind) {
            Some(UserTypeInfoKind::Domain { base }) => ty = base,
            Some(
                UserTypeInfoKind::Enum { .. }
                | UserTypeInfoKind::Range { .. }
                | UserTypeInfoKind::Array { .. }
                | UserTypeInfoKind::Composite { .. },
            )
            | None => return ty,
        }
    }
    ty
}

/// The codec class of a type, with the modifier that its functions heed (a domain's comes from its base).
pub fn codec(ty: PgType, types: &dyn TypeLookup) -> Result<(Codec, i32)> {
    let ty = base_type(ty, types);
    if let Some(entry) = entry(ty.oid) {
        return Ok((entry.codec.clone(), ty.typmod));
    }
    if let Some(element) = element_type(ty.oid, types) {
        return Ok((Codec::Array(element), ty.typmod));
    }
    match types.user_type(ty.oid).map(|t| t.kind) {
        Some(UserTypeInfoKind::Enum { labels }) => Ok((Codec::Enum(labels), -1)),
        Some(UserTypeInfoKind::Composite { .. }) => Ok((Codec::Record, -1)),
        Some(UserTypeInfoKind::Range { .. }) => Ok((Codec::Range(ty.oid), -1)),
        Some(UserTypeInfoKind::Domain { .. } | UserTypeInfoKind::Array { .. }) | None => Err(no_codec(ty, types)),
    }
}

fn no_codec(ty: PgType, types: &dyn TypeLookup) -> Error {
    Error::unsupported(format!("type {}", super::name::format_type(ty, types)))
        .hint("The gateway does not carry values of this type.")
}

/// What carries values of this type inside DuckDB; `None` if the gateway does not carry them
/// (or, for `record`, if only the expression tells its fields).
pub fn phys(ty: PgType, types: &dyn TypeLookup) -> Option<Phys> {
    let ty = base_type(ty, types);
    match ty.oid {
        oid::NUMERIC => return Some(numeric_phys(ty)),
        oid::BPCHAR => return Some(ty.char_length().map_or(Phys::Padded, Phys::Char)),
        oid::INT2VECTOR => return Some(Phys::List(Box::new(Phys::Int2))),
        oid::OIDVECTOR => return Some(Phys::List(Box::new(Phys::Oid))),
        _ => {}
    }
    if let Some(entry) = entry(ty.oid) {
        return entry.phys.clone();
    }
    if let Some(element) = element_type(ty.oid, types) {
        // The modifier of an array type is its elements'.
        let element = phys(PgType::with(element, ty.typmod), types)?;
        return Some(if ty.is_shaped() { Phys::shaped(element) } else { Phys::List(Box::new(element)) });
    }
    match types.user_type(ty.oid)?.kind {
        UserTypeInfoKind::Enum { labels } => Some(Phys::Enum(labels)),
        UserTypeInfoKind::Range { .. } => Some(Phys::Coded(ty.oid)),
        UserTypeInfoKind::Composite { fields } => {
            Some(Phys::Row(fields.iter().map(|(_, ty)| phys(*ty, types)).collect::<Option<_>>()?))
        }
        UserTypeInfoKind::Domain { .. } | UserTypeInfoKind::Array { .. } => None,
    }
}

fn numeric_phys(ty: PgType) -> Phys {
    match ty.numeric_precision() {
        Some((p, s)) if p <= u16::from(MAX_DECIMAL_PRECISION) && s >= 0 && s as u16 <= p => {
            Phys::Decimal { precision: p as u8, scale: s as u8 }
        }
        _ => Phys::Numeric,
    }
}

impl Phys {
    /// True if DuckDB would take what is carried so for equal where PostgreSQL does not, or for different where it does.
    pub fn needs_key_to_equal(&self) -> bool {
        match self {
            // Only their order is another.
            Self::TimeTz => false,
            Self::List(element) => element.needs_key_to_equal(),
            Self::Shaped(fields) | Self::Row(fields) => fields.iter().any(Self::needs_key_to_equal),
            _ => self.needs_key(),
        }
    }

    /// True if DuckDB would compare what is carried so otherwise than PostgreSQL the value: by a part of it, then.
    pub fn needs_key(&self) -> bool {
        match self {
            Self::Numeric | Self::Padded | Self::Interval | Self::Jsonb | Self::Citext | Self::TimeTz => true,
            Self::Coded(ty) => super::coded::needs_key(*ty),
            Self::List(element) => element.needs_key(),
            Self::Shaped(fields) | Self::Row(fields) => fields.iter().any(Self::needs_key),
            Self::Bool
            | Self::Int2
            | Self::Int4
            | Self::Int8
            | Self::Oid
            | Self::Float4
            | Self::Float8
            | Self::Decimal { .. }
            | Self::Text
            | Self::Char(_)
            | Self::Bytea
            | Self::Date
            | Self::Time
            | Self::Timestamp
            | Self::TimestampTz
            | Self::Uuid
            | Self::Enum(_)
            | Self::Void => false,
        }
    }

    /// Whether DuckDB can hold a unique index over it which is one by PostgreSQL's equality, too.
    pub fn is_indexable(&self) -> bool {
        let whole = !matches!(self, Self::TimeTz | Self::List(_) | Self::Shaped(_) | Self::Row(_) | Self::Void);
        whole && !self.needs_key()
    }

    /// The type in DuckDB's SQL.
    pub fn duckdb(&self) -> Cow<'static, str> {
        match self {
            Self::Bool => "BOOLEAN".into(),
            Self::Int2 => "SMALLINT".into(),
            Self::Int4 => "INTEGER".into(),
            Self::Int8 => "BIGINT".into(),
            Self::Oid => "UINTEGER".into(),
            Self::Float4 => "FLOAT".into(),
            Self::Float8 => "DOUBLE".into(),
            Self::Decimal { precision, scale } => format!("DECIMAL({precision},{scale})").into(),
            Self::Numeric | Self::Text | Self::Char(_) | Self::Padded | Self::Jsonb | Self::Citext => "VARCHAR".into(),
            Self::Bytea | Self::Coded(_) => "BLOB".into(),
            Self::Date => "DATE".into(),
            Self::Time => "TIME".into(),
            Self::TimeTz => "TIME WITH TIME ZONE".into(),
            Self::Timestamp => "TIMESTAMP".into(),
            Self::TimestampTz => "TIMESTAMP WITH TIME ZONE".into(),
            Self::Interval => "INTERVAL".into(),
            Self::Uuid => "UUID".into(),
            Self::Enum(labels) => {
                let labels: Vec<String> = labels.iter().map(|l| format!("'{}'", l.replace('\'', "''"))).collect();
                format!("ENUM({})", labels.join(", ")).into()
            }
            Self::List(element) => format!("{}[]", element.duckdb()).into(),
            // DuckDB has no STRUCT without fields: this one's is never looked at.
            Self::Row(fields) if fields.is_empty() => "STRUCT(f1 BOOLEAN)".into(),
            Self::Shaped(fields) | Self::Row(fields) => {
                let fields: Vec<String> =
                    fields.iter().enumerate().map(|(i, f)| format!("f{} {}", i + 1, f.duckdb())).collect();
                format!("STRUCT({})", fields.join(", ")).into()
            }
            // DuckDB's own type of NULL takes the type of whatever it meets; a column of it comes out as INTEGER.
            Self::Void => "\"NULL\"".into(),
        }
    }

    /// The Arrow type in record batches, in both directions. Enums may also come as Utf8, and the zone in a timestamptz's
    /// type says nothing: readers downcast, they do not compare types.
    pub fn arrow(&self) -> DataType {
        match self {
            Self::Bool => DataType::Boolean,
            Self::Int2 => DataType::Int16,
            Self::Int4 => DataType::Int32,
            Self::Int8 => DataType::Int64,
            Self::Oid => DataType::UInt32,
            Self::Float4 => DataType::Float32,
            Self::Float8 => DataType::Float64,
            Self::Decimal { precision, scale } => DataType::Decimal128(*precision, *scale as i8),
            Self::Numeric | Self::Text | Self::Char(_) | Self::Padded | Self::Jsonb | Self::Citext => DataType::Utf8,
            Self::Bytea | Self::Coded(_) => DataType::Binary,
            Self::Date => DataType::Date32,
            Self::Time => DataType::Time64(TimeUnit::Microsecond),
            // DuckDB's packed bits; its own conversion to Arrow would lose the offset.
            Self::TimeTz => DataType::Int64,
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
            Self::TimestampTz => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            // Arrow's own intervals count nanoseconds, which reach 292 years.
            Self::Interval => DataType::Decimal128(38, 0),
            Self::Uuid => DataType::Utf8,
            Self::Enum(labels) => {
                // DuckDB's own choice of key width.
                let key = match labels.len() {
                    0..=255 => DataType::UInt8,
                    256..=65535 => DataType::UInt16,
                    _ => DataType::UInt32,
                };
                DataType::Dictionary(Box::new(key), Box::new(DataType::Utf8))
            }
            Self::List(element) => DataType::List(Arc::new(Field::new("l", element.arrow(), true))),
            Self::Shaped(fields) | Self::Row(fields) => DataType::Struct(
                fields
                    .iter()
                    .enumerate()
                    .map(|(i, f)| Field::new(format!("f{}", i + 1), f.arrow(), true))
                    .collect::<Fields>(),
            ),
            Self::Void => DataType::Null,
        }
    }

    /// The PostgreSQL type that this carries when nothing else says which: for fields of anonymous row values.
    pub fn default_type(&self) -> PgType {
        match self {
            Self::Decimal { precision, scale } => PgType::numeric(u16::from(*precision), i16::from(*scale)),
            Self::Bool => PgType::new(oid::BOOL),
            Self::Int2 => PgType::new(oid::INT2),
            Self::Int4 => PgType::new(oid::INT4),
            Self::Int8 => PgType::new(oid::INT8),
            Self::Oid => PgType::new(oid::OID),
            Self::Float4 => PgType::new(oid::FLOAT4),
            Self::Float8 => PgType::new(oid::FLOAT8),
            Self::Numeric => PgType::new(oid::NUMERIC),
            Self::Text | Self::Enum(_) | Self::Void => PgType::new(oid::TEXT),
            Self::Char(length) => PgType::with(oid::BPCHAR, *length as i32 + 4),
            Self::Padded => PgType::new(oid::BPCHAR),
            Self::Jsonb => PgType::new(oid::JSONB),
            Self::Citext => PgType::new(oid::CITEXT),
            Self::Bytea => PgType::new(oid::BYTEA),
            Self::Coded(ty) => PgType::new(*ty),
            Self::Date => PgType::new(oid::DATE),
            Self::Time => PgType::new(oid::TIME),
            Self::TimeTz => PgType::new(oid::TIMETZ),
            Self::Timestamp => PgType::new(oid::TIMESTAMP),
            Self::TimestampTz => PgType::new(oid::TIMESTAMPTZ),
            Self::Interval => PgType::new(oid::INTERVAL),
            Self::Uuid => PgType::new(oid::UUID),
            Self::Row(_) => PgType::new(oid::RECORD),
            Self::Shaped(fields) => fields.first().map_or(PgType::new(oid::TEXT_ARRAY), Self::default_type),
            Self::List(element) => {
                let mut element = &**element;
                while let Self::List(inner) = element {
                    element = inner;
                }
                let ty = element.default_type();
                let array = TYPES.by_oid(ty.oid).map_or(oid::TEXT_ARRAY, |t| t.array);
                PgType::with(array, ty.typmod)
            }
        }
    }
}

/// DuckDB's packing of `TIME WITH TIME ZONE`: microseconds above, 57599 minus the seconds east of UTC in the low 24 bits.
pub mod timetz_bits {
    const MAX_OFFSET: i64 = 16 * 3600 - 1;

    pub fn pack(micros: i64, east: i32) -> i64 {
        (micros << 24) | (MAX_OFFSET - i64::from(east))
    }

    /// (microseconds, seconds east of UTC)
    pub fn unpack(bits: i64) -> (i64, i32) {
        (bits >> 24, (MAX_OFFSET - (bits & 0xff_ffff)) as i32)
    }
}

/// Intervals in 128 bits, for batches: months above days above microseconds.
pub mod interval_bits {
    pub fn pack(months: i32, days: i32, micros: i64) -> i128 {
        (i128::from(months) << 96) | (i128::from(days as u32) << 64) | i128::from(micros as u64)
    }

    /// (months, days, microseconds)
    pub fn unpack(bits: i128) -> (i32, i32, i64) {
        ((bits >> 96) as i32, (bits >> 64) as i32, bits as i64)
    }
}
