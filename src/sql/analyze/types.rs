//! Types: what is known about one, and the type that a name in the text means (parse_type).

use sqlparser::ast::{
    self, ArrayElemTypeDef, CharacterLength, DataType, ExactNumberInfo, IntervalFields, TimezoneInfo,
};

use super::Analyzer;
use crate::error::{Error, Result, SqlState};
use crate::facts::{self, TYPES};
use crate::registry::UserTypeKind;
use crate::sql::parse::fold;
use crate::types::shaped::MAX_DIMENSIONS;
use crate::types::{Oid, PgType, oid};

/// What the rules of coercion and resolution ask about a type.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TypeFacts {
    pub category: u8,
    pub preferred: bool,
    /// `b` base, `e` enum, `d` domain, `c` composite, `p` pseudo, `r` range.
    pub kind: u8,
    /// The element type of a true array; 0 otherwise.
    pub element: Oid,
    /// The type of an array of this; 0 if none.
    pub array: Oid,
}

const UNKNOWN_FACTS: TypeFacts = TypeFacts { category: b'X', preferred: false, kind: b'b', element: 0, array: 0 };

/// Interval field masks, as in PostgreSQL's interval typmods.
const MONTH: i32 = 1 << 1;
const YEAR: i32 = 1 << 2;
const DAY: i32 = 1 << 3;
const HOUR: i32 = 1 << 10;
const MINUTE: i32 = 1 << 11;
const SECOND: i32 = 1 << 12;
const FULL_RANGE: i32 = 0x7fff;
const FULL_PRECISION: i32 = 0xffff;

impl Analyzer<'_> {
    pub(crate) fn type_facts(&self, ty: Oid) -> TypeFacts {
        if let Some(t) = TYPES.by_oid(ty) {
            let element = if t.is_array { t.element } else { 0 };
            return TypeFacts { category: t.category, preferred: t.preferred, kind: t.kind, element, array: t.array };
        }
        if let Some(user) = self.ctx.snapshot.user_type_by_oid(ty) {
            if user.array_oid == ty {
                return TypeFacts { category: b'A', preferred: false, kind: b'b', element: user.oid, array: 0 };
            }
            return match &user.kind {
                UserTypeKind::Enum { .. } => {
                    TypeFacts { category: b'E', preferred: false, kind: b'e', element: 0, array: user.array_oid }
                }
                UserTypeKind::Range { .. } | UserTypeKind::Multirange { .. } => {
                    let kind = if matches!(user.kind, UserTypeKind::Range { .. }) { b'r' } else { b'm' };
                    TypeFacts { category: b'R', preferred: false, kind, element: 0, array: user.array_oid }
                }
                UserTypeKind::Domain { base, .. } => {
                    let base = self.type_facts(base.oid);
                    TypeFacts { kind: b'd', array: user.array_oid, element: 0, ..base }
                }
            };
        }
        if let Some(relation) = self.row_type_relation(ty) {
            if relation.row_array_type == ty {
                return TypeFacts {
                    category: b'A',
                    preferred: false,
                    kind: b'b',
                    element: relation.row_type,
                    array: 0,
                };
            }
            return TypeFacts {
                category: b'C',
                preferred: false,
                kind: b'c',
                element: 0,
                array: relation.row_array_type,
            };
        }
        UNKNOWN_FACTS
    }

    /// The relation whose row type, or array of row type, this is.
    pub(crate) fn row_type_relation(&self, ty: Oid) -> Option<&std::sync::Arc<crate::registry::Relation>> {
        if ty < oid::FIRST_USER {
            return None;
        }
        self.ctx.snapshot.relation_by_oid(*self.ctx.snapshot.objects().row_types.get(&ty)?)
    }

    /// The type under a domain, with the domain's modifier (getBaseTypeAndTypmod).
    pub(crate) fn base_type(&self, ty: PgType) -> PgType {
        match self.ctx.snapshot.user_type_by_oid(ty.oid) {
            Some(user) if user.oid == ty.oid => match &user.kind {
                UserTypeKind::Domain { base, .. } => self.base_type(*base),
                UserTypeKind::Enum { .. } | UserTypeKind::Range { .. } | UserTypeKind::Multirange { .. } => ty,
            },
            _ => ty,
        }
    }

    pub(crate) fn base_oid(&self, ty: Oid) -> Oid {
        self.base_type(PgType::new(ty)).oid
    }

    pub(crate) fn is_domain(&self, ty: Oid) -> bool {
        self.base_oid(ty) != ty
    }

    /// The name that messages show (format_type_be).
    /// A type's name with its modifier (format_type_with_typemod).
    pub(crate) fn type_name_with(&self, ty: PgType) -> String {
        if ty.typmod < 0 { self.type_name(ty.oid) } else { crate::types::name::format_type(ty, &*self.ctx.snapshot) }
    }

    pub(crate) fn type_name(&self, ty: Oid) -> String {
        if let Some(t) = TYPES.by_oid(ty) {
            let of = t.extension.and_then(|e| self.ctx.snapshot.extension_namespace(e));
            return match of.filter(|namespace| !self.search_path().any(|n| n == &***namespace)) {
                Some(namespace) => format!("{namespace}.{}", t.sql_name),
                None => t.sql_name.to_owned(),
            };
        }
        let user = self.ctx.snapshot.user_type_by_oid(ty);
        let (namespace, name, array) = match (user, self.row_type_relation(ty)) {
            (Some(user), _) => (&user.namespace, &user.name, user.array_oid == ty),
            (None, Some(relation)) => (&relation.namespace, &relation.name, relation.row_array_type == ty),
            (None, None) => return "???".to_owned(),
        };
        let visible = self.search_path().any(|n| n == &**namespace);
        let shown = if visible { name.to_string() } else { format!("{namespace}.{name}") };
        if array { format!("{shown}[]") } else { shown }
    }

    /// The type that a type name in the text means (typenameType), with its modifier.
    pub(crate) fn data_type(&self, ty: &DataType) -> Result<PgType> {
        let simple = |oid: Oid| Ok(PgType::new(oid));
        match ty {
            DataType::Bool | DataType::Boolean => simple(oid::BOOL),
            DataType::SmallInt(None) | DataType::Int2(None) => simple(oid::INT2),
            DataType::Int(None) | DataType::Integer(None) | DataType::Int4(None) => simple(oid::INT4),
            DataType::BigInt(None) | DataType::Int8(None) => simple(oid::INT8),
            DataType::Real | DataType::Float4 => simple(oid::FLOAT4),
            DataType::Float8 | DataType::DoublePrecision => simple(oid::FLOAT8),
            DataType::Float(info) => float(info),
            DataType::Numeric(info) | DataType::Decimal(info) | DataType::Dec(info) => numeric(info),
            DataType::Varchar(length) | DataType::CharacterVarying(length) | DataType::CharVarying(length) => {
                char_type(oid::VARCHAR, length, None)
            }
            DataType::Char(length) | DataType::Character(length) => char_type(oid::BPCHAR, length, Some(1)),
            DataType::Text => simple(oid::TEXT),
            DataType::Bytea => simple(oid::BYTEA),
            DataType::Uuid => simple(oid::UUID),
            DataType::JSON => simple(oid::JSON),
            DataType::JSONB => simple(oid::JSONB),
            DataType::Regclass => simple(oid::REGCLASS),
            DataType::Date => simple(oid::DATE),
            DataType::Time(precision, zone) => datetime(oid::TIME, oid::TIMETZ, precision, zone),
            DataType::Timestamp(precision, zone) => datetime(oid::TIMESTAMP, oid::TIMESTAMPTZ, precision, zone),
            DataType::Interval { fields, precision } => {
                Ok(PgType::with(oid::INTERVAL, interval_typmod(fields.as_ref(), *precision)))
            }
            DataType::Bit(length) => Ok(PgType::with(oid::BIT, length.unwrap_or(1) as i32)),
            DataType::BitVarying(length) | DataType::VarBit(length) => {
                Ok(PgType::with(oid::VARBIT, length.map_or(-1, |l| l as i32)))
            }
            DataType::Array(ArrayElemTypeDef::SquareBracket(element, _) | ArrayElemTypeDef::Parenthesis(element)) => {
                self.array_type(element)
            }
            // A keyword, which the parser does not know.
            DataType::Custom(name, modifiers) if is_nchar(name) => match modifiers.as_slice() {
                [] => char_type(oid::BPCHAR, &None, Some(1)),
                modifiers => self.named_type(&ast::ObjectName::from(vec![ast::Ident::new("bpchar")]), modifiers),
            },
            DataType::Custom(name, modifiers) => self.named_type(name, modifiers),
            DataType::TsVector => simple(oid::TSVECTOR),
            DataType::TsQuery => simple(oid::TSQUERY),
            DataType::Trigger => simple(oid::TRIGGER),
            other => {
                // A word that sqlparser takes for another system's type: to PostgreSQL it is just a name.
                let text = other.to_string();
                let name = text.split(['(', ' ']).next().unwrap_or_default().to_ascii_lowercase();
                self.named_type(&ast::ObjectName::from(vec![ast::Ident::new(name)]), &[])
            }
        }
    }

    /// The type of a constant that is written behind it: without a length, `bit` and `char` have no limit there
    /// (ConstBit, ConstCharacter), where they have one of 1 otherwise.
    pub(crate) fn constant_type(&self, ty: &DataType) -> Result<PgType> {
        let found = self.data_type(ty)?;
        let unlimited = match ty {
            DataType::Bit(None) | DataType::Char(None) | DataType::Character(None) => true,
            DataType::Custom(name, modifiers) => modifiers.is_empty() && is_nchar(name),
            _ => false,
        };
        Ok(if unlimited { PgType::new(found.oid) } else { found })
    }

    /// The type that a column is declared with: it remembers how many dimensions were written.
    pub(crate) fn column_type(&self, ty: &DataType) -> Result<PgType> {
        let mut dimensions = 0u8;
        let mut inner = ty;
        while let DataType::Array(
            ArrayElemTypeDef::SquareBracket(element, _) | ArrayElemTypeDef::Parenthesis(element),
        ) = inner
        {
            dimensions = dimensions.saturating_add(1);
            inner = element;
        }
        // PostgreSQL keeps any number; more than six are of no use.
        let dimensions = if dimensions > 1 { dimensions.min(MAX_DIMENSIONS as u8) } else { 0 };
        if let DataType::Custom(name, _) = inner
            && let Ok((Some(namespace), folded, pos)) = self.name_parts(name)
            && standard_domain(Some(&namespace), &folded).is_some()
        {
            return Err(Error::unsupported(format!("a column of type {namespace}.{folded}")).at(pos));
        }
        Ok(self.data_type(ty)?.with_dimensions(dimensions))
    }

    fn array_type(&self, element: &DataType) -> Result<PgType> {
        let element = self.data_type(element)?;
        if matches!(element.oid, oid::INT2VECTOR | oid::OIDVECTOR) {
            return self.array_of(element.oid).map(PgType::new);
        }
        // An array of arrays is an array of more dimensions.
        if self.type_facts(element.oid).element != 0 {
            return Ok(element);
        }
        let array = self.type_facts(element.oid).array;
        if array == 0 {
            let message = format!("could not find array type for data type {}", self.type_name(element.oid));
            return Err(Error::new(SqlState::UNDEFINED_OBJECT, message));
        }
        Ok(PgType::with(array, element.typmod))
    }

    fn named_type(&self, name: &ast::ObjectName, modifiers: &[String]) -> Result<PgType> {
        let (namespace, folded, pos) = self.name_parts(name)?;
        self.may_look_into(namespace.as_deref()).map_err(|e| e.at(pos))?;
        let Some(found) = self.find_type(namespace.as_deref(), &folded) else {
            if let Some(base) = standard_domain(namespace.as_deref(), &folded) {
                return Ok(base);
            }
            if let Some(error) = self.refused_type(namespace.as_deref(), &folded) {
                return Err(error.at(pos));
            }
            self.namespace_is_there(namespace.as_deref()).map_err(|e| e.at(pos))?;
            let shown = namespace.map_or_else(|| folded.to_string(), |n| format!("{n}.{folded}"));
            return Err(Error::new(SqlState::UNDEFINED_OBJECT, format!("type \"{shown}\" does not exist")).at(pos));
        };
        if let Some(error) = self.refused_type(namespace.as_deref(), &folded)
            && TYPES.by_oid(found).is_some_and(|t| t.extension.is_some())
        {
            return Err(error.at(pos));
        }
        self.note_type(name, found);
        if modifiers.is_empty() {
            return Ok(PgType::new(found));
        }
        self.with_modifiers(found, modifiers).map_err(|e| e.at(pos))
    }

    /// A type by its pg_type name: built in, or a user's by search path (LookupTypeName).
    pub(crate) fn find_type(&self, namespace: Option<&str>, name: &str) -> Option<Oid> {
        let snapshot = &self.ctx.snapshot;
        let in_namespace = |namespace: &str| {
            if namespace == "pg_catalog" {
                return TYPES.by_name(name).next().map(|t| t.oid);
            }
            snapshot.type_named(namespace, name, |_| true)
        };
        match namespace {
            Some(namespace) => in_namespace(namespace),
            None => self.search_path().find_map(in_namespace),
        }
    }

    /// `name(modifiers)` for a type that has its own spelling in the grammar but was written as a name.
    fn with_modifiers(&self, ty: Oid, modifiers: &[String]) -> Result<PgType> {
        let numbers: Vec<i64> = modifiers.iter().filter_map(|m| m.trim().parse().ok()).collect();
        let typmod = match (ty, numbers.as_slice()) {
            (oid::VARCHAR | oid::BPCHAR, [n]) => return checked_length(ty, *n),
            (oid::NUMERIC, [p]) => return checked_numeric(*p, 0),
            (oid::NUMERIC, [p, s]) => return checked_numeric(*p, *s),
            (oid::TIMESTAMP | oid::TIMESTAMPTZ | oid::TIME | oid::TIMETZ, [p]) => (*p).clamp(0, 6) as i32,
            (oid::INTERVAL, [p]) => interval_typmod(None, Some((*p).max(0) as u64)),
            (oid::BIT | oid::VARBIT, [n]) => *n as i32,
            _ => {
                let message = format!("type modifier is not allowed for type \"{}\"", self.type_name(ty));
                return Err(Error::syntax(message));
            }
        };
        Ok(PgType::with(ty, typmod))
    }

    /// FuncNameAsType: the type that a function's name could be meant as.
    pub(crate) fn function_name_as_type(&self, namespace: Option<&str>, name: &str) -> Option<Oid> {
        let found = self.find_type(namespace, name)?;
        (self.type_facts(found).kind != b'p' && self.type_facts(found).kind != b'c').then_some(found)
    }
}

fn float(info: &ExactNumberInfo) -> Result<PgType> {
    match info {
        ExactNumberInfo::None => Ok(PgType::new(oid::FLOAT8)),
        ExactNumberInfo::Precision(0) => {
            Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, "precision for type float must be at least 1 bit"))
        }
        ExactNumberInfo::Precision(p) if *p <= 24 => Ok(PgType::new(oid::FLOAT4)),
        ExactNumberInfo::Precision(p) if *p <= 53 => Ok(PgType::new(oid::FLOAT8)),
        _ => Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, "precision for type float must be less than 54 bits")),
    }
}

fn numeric(info: &ExactNumberInfo) -> Result<PgType> {
    match info {
        ExactNumberInfo::None => Ok(PgType::new(oid::NUMERIC)),
        ExactNumberInfo::Precision(p) => checked_numeric(*p as i64, 0),
        ExactNumberInfo::PrecisionAndScale(p, s) => checked_numeric(*p as i64, *s),
    }
}

fn checked_numeric(p: i64, s: i64) -> Result<PgType> {
    if !(1..=1000).contains(&p) {
        let message = format!("NUMERIC precision {p} must be between 1 and 1000");
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
    }
    if !(-1000..=1000).contains(&s) {
        let message = format!("NUMERIC scale {s} must be between -1000 and 1000");
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
    }
    Ok(PgType::numeric(p as u16, s as i16))
}

fn char_type(ty: Oid, length: &Option<CharacterLength>, default: Option<i64>) -> Result<PgType> {
    match length {
        Some(CharacterLength::IntegerLength { length, .. }) => checked_length(ty, *length as i64),
        Some(CharacterLength::Max) => Err(Error::syntax("syntax error at or near \"max\"")),
        None => default.map_or(Ok(PgType::new(ty)), |n| checked_length(ty, n)),
    }
}

fn checked_length(ty: Oid, n: i64) -> Result<PgType> {
    let name = if ty == oid::BPCHAR { "char" } else { "varchar" };
    if n < 1 {
        let message = format!("length for type {name} must be at least 1");
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
    }
    if n > 10_485_760 {
        let message = format!("length for type {name} cannot exceed 10485760");
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
    }
    Ok(PgType::with(ty, n as i32 + 4))
}

fn datetime(plain: Oid, with_zone: Oid, precision: &Option<u64>, zone: &TimezoneInfo) -> Result<PgType> {
    let ty = match zone {
        TimezoneInfo::None | TimezoneInfo::WithoutTimeZone => plain,
        TimezoneInfo::WithTimeZone | TimezoneInfo::Tz => with_zone,
    };
    // PostgreSQL warns about more than six digits and uses six.
    Ok(PgType::with(ty, precision.map_or(-1, |p| p.min(6) as i32)))
}

fn interval_typmod(fields: Option<&IntervalFields>, precision: Option<u64>) -> i32 {
    let range = match fields {
        None => FULL_RANGE,
        Some(IntervalFields::Year) => YEAR,
        Some(IntervalFields::Month) => MONTH,
        Some(IntervalFields::Day) => DAY,
        Some(IntervalFields::Hour) => HOUR,
        Some(IntervalFields::Minute) => MINUTE,
        Some(IntervalFields::Second) => SECOND,
        Some(IntervalFields::YearToMonth) => YEAR | MONTH,
        Some(IntervalFields::DayToHour) => DAY | HOUR,
        Some(IntervalFields::DayToMinute) => DAY | HOUR | MINUTE,
        Some(IntervalFields::DayToSecond) => DAY | HOUR | MINUTE | SECOND,
        Some(IntervalFields::HourToMinute) => HOUR | MINUTE,
        Some(IntervalFields::HourToSecond) => HOUR | MINUTE | SECOND,
        Some(IntervalFields::MinuteToSecond) => MINUTE | SECOND,
    };
    match (fields, precision) {
        (None, None) => -1,
        (_, precision) => (range << 16) | precision.map_or(FULL_PRECISION, |p| p.min(6) as i32),
    }
}

/// The interval typmod for `interval '…' FIELD`.
pub(crate) fn interval_fields(first: &ast::DateTimeField, last: Option<&ast::DateTimeField>) -> Option<i32> {
    use ast::DateTimeField as F;
    let fields = match (first, last) {
        (F::Year | F::Years, None) => IntervalFields::Year,
        (F::Month | F::Months, None) => IntervalFields::Month,
        (F::Day | F::Days, None) => IntervalFields::Day,
        (F::Hour | F::Hours, None) => IntervalFields::Hour,
        (F::Minute | F::Minutes, None) => IntervalFields::Minute,
        (F::Second | F::Seconds, None) => IntervalFields::Second,
        (F::Year, Some(F::Month)) => IntervalFields::YearToMonth,
        (F::Day, Some(F::Hour)) => IntervalFields::DayToHour,
        (F::Day, Some(F::Minute)) => IntervalFields::DayToMinute,
        (F::Day, Some(F::Second)) => IntervalFields::DayToSecond,
        (F::Hour, Some(F::Minute)) => IntervalFields::HourToMinute,
        (F::Hour, Some(F::Second)) => IntervalFields::HourToSecond,
        (F::Minute, Some(F::Second)) => IntervalFields::MinuteToSecond,
        _ => return None,
    };
    Some(interval_typmod(Some(&fields), None))
}

/// The last part of a name, folded.
pub(crate) fn last_name(name: &ast::ObjectName) -> std::sync::Arc<str> {
    name.0.last().and_then(|p| p.as_ident()).map_or_else(|| "".into(), fold)
}

/// The built-in function with this OID; the recorded facts have every one that a catalog row names.
pub(crate) fn proc(oid: Oid) -> Result<&'static facts::Proc> {
    facts::PROCS.by_oid(oid).ok_or_else(|| Error::internal(format!("no function {oid} in the recorded facts")))
}

/// What the domains of information_schema that have no CHECK are over: a cast to one gives what a cast to this gives.
fn standard_domain(namespace: Option<&str>, name: &str) -> Option<PgType> {
    match (namespace?, name) {
        ("information_schema", "sql_identifier") => Some(PgType::new(oid::NAME)),
        ("information_schema", "character_data") => Some(PgType::new(oid::VARCHAR)),
        _ => None,
    }
}

/// NCHAR is CHARACTER.
fn is_nchar(name: &ast::ObjectName) -> bool {
    let [ast::ObjectNamePart::Identifier(word)] = name.0.as_slice() else { return false };
    word.quote_style.is_none() && word.value.eq_ignore_ascii_case("nchar")
}
