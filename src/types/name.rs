//! Type names: as SQL writes them, to a type; and back, as `format_type` prints them.

use super::lookup::{TypeLookup, UserTypeInfoKind};
use super::table::{self, element_type};
use super::{Oid, PgType, oid};
use crate::error::{Error, Result, SqlState};
use crate::facts::TYPES;

/// A type name as it was written: keywords already turned into the name in pg_type (`integer` → `int4`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TypeName {
    pub namespace: Option<String>,
    pub name: String,
    /// What stood in parentheses; for `interval`, see [`TypeName::interval_fields`].
    pub modifiers: Vec<i64>,
    /// The mask of an interval's fields (`interval year to month`), if written.
    pub interval_fields: Option<i32>,
    /// True for `[]`, `[3]`, `[][]` and `ARRAY`: PostgreSQL makes no difference.
    pub array: bool,
}

/// The interval fields of a typmod, as PostgreSQL numbers them.
pub mod interval_mask {
    pub const MONTH: i32 = 1 << 1;
    pub const YEAR: i32 = 1 << 2;
    pub const DAY: i32 = 1 << 3;
    pub const HOUR: i32 = 1 << 10;
    pub const MINUTE: i32 = 1 << 11;
    pub const SECOND: i32 = 1 << 12;
    pub const FULL: i32 = 0x7fff;
    /// The precision that means "as much as there is".
    pub const FULL_PRECISION: i32 = 0xffff;

    /// Every mask that SQL can write, with its text.
    pub const ALL: [(i32, &str); 13] = [
        (YEAR, "year"),
        (MONTH, "month"),
        (DAY, "day"),
        (HOUR, "hour"),
        (MINUTE, "minute"),
        (SECOND, "second"),
        (YEAR | MONTH, "year to month"),
        (DAY | HOUR, "day to hour"),
        (DAY | HOUR | MINUTE, "day to minute"),
        (DAY | HOUR | MINUTE | SECOND, "day to second"),
        (HOUR | MINUTE, "hour to minute"),
        (HOUR | MINUTE | SECOND, "hour to second"),
        (MINUTE | SECOND, "minute to second"),
    ];
}

/// Reads a whole type name. Fails with 42601 as PostgreSQL's parser does.
pub fn parse(text: &str) -> Result<TypeName> {
    let tokens = tokenize(text)?;
    let mut p = Parser { tokens: &tokens, at: 0, text };
    let name = p.type_name()?;
    if p.at < tokens.len() {
        return Err(p.unexpected());
    }
    Ok(name)
}

/// Parses and resolves in one step.
pub fn parse_type(text: &str, types: &dyn TypeLookup) -> Result<PgType> {
    resolve(&parse(text)?, types)
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    /// A word, folded to lower case unless quoted.
    Word(String, bool),
    Number(i64),
    Symbol(char),
}

fn tokenize(text: &str) -> Result<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(&c) = chars.peek() {
        if c.is_ascii_whitespace() {
            chars.next();
        } else if c == '"' {
            chars.next();
            let mut word = String::new();
            loop {
                match chars.next() {
                    Some('"') if chars.peek() == Some(&'"') => {
                        chars.next();
                        word.push('"');
                    }
                    Some('"') => break,
                    Some(c) => word.push(c),
                    None => return Err(Error::syntax(format!("unterminated quoted identifier at or near \"{text}\""))),
                }
            }
            if word.is_empty() {
                return Err(Error::syntax("zero-length delimited identifier at or near \"\"\"\""));
            }
            tokens.push(Token::Word(word, true));
        } else if c.is_ascii_digit() {
            let mut n: i64 = 0;
            while let Some(d) = chars.peek().and_then(|c| c.to_digit(10)) {
                n = n.saturating_mul(10).saturating_add(i64::from(d));
                chars.next();
            }
            tokens.push(Token::Number(n));
        } else if c.is_alphabetic() || c == '_' || !c.is_ascii() {
            let mut word = String::new();
            while let Some(&c) = chars.peek() {
                if !(c.is_alphanumeric() || c == '_' || c == '$' || !c.is_ascii()) {
                    break;
                }
                word.push(c.to_ascii_lowercase());
                chars.next();
            }
            tokens.push(Token::Word(word, false));
        } else {
            chars.next();
            tokens.push(Token::Symbol(c));
        }
    }
    Ok(tokens)
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    text: &'a str,
}

impl Parser<'_> {
    fn unexpected(&self) -> Error {
        match self.tokens.get(self.at) {
            None => Error::syntax("syntax error at end of input"),
            Some(Token::Word(w, _)) => Error::syntax(format!("syntax error at or near \"{w}\"")),
            Some(Token::Number(n)) => Error::syntax(format!("syntax error at or near \"{n}\"")),
            Some(Token::Symbol(c)) => Error::syntax(format!("syntax error at or near \"{c}\"")),
        }
        .detail(format!("in type name \"{}\"", self.text))
    }

    /// Takes the next token if it is this unquoted word.
    fn word(&mut self, word: &str) -> bool {
        let hit = matches!(self.tokens.get(self.at), Some(Token::Word(w, false)) if w == word);
        self.at += usize::from(hit);
        hit
    }

    fn symbol(&mut self, symbol: char) -> bool {
        let hit = self.tokens.get(self.at) == Some(&Token::Symbol(symbol));
        self.at += usize::from(hit);
        hit
    }

    fn expect(&mut self, symbol: char) -> Result<()> {
        if self.symbol(symbol) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn modifiers(&mut self) -> Result<Vec<i64>> {
        let mut out = Vec::new();
        if !self.symbol('(') {
            return Ok(out);
        }
        loop {
            let negative = self.symbol('-');
            match self.tokens.get(self.at) {
                Some(Token::Number(n)) => out.push(if negative { -n } else { *n }),
                _ => return Err(self.unexpected()),
            }
            self.at += 1;
            if self.symbol(')') {
                return Ok(out);
            }
            self.expect(',')?;
        }
    }

    fn type_name(&mut self) -> Result<TypeName> {
        let mut name = self.scalar()?;
        if self.word("array") {
            name.array = true;
            if self.symbol('[') {
                if !matches!(self.tokens.get(self.at), Some(Token::Number(_))) {
                    return Err(self.unexpected());
                }
                self.at += 1;
                self.expect(']')?;
            }
            return Ok(name);
        }
        while self.symbol('[') {
            name.array = true;
            if matches!(self.tokens.get(self.at), Some(Token::Number(_))) {
                self.at += 1;
            }
            self.expect(']')?;
        }
        Ok(name)
    }

    fn scalar(&mut self) -> Result<TypeName> {
        let Some(Token::Word(first, quoted)) = self.tokens.get(self.at).cloned() else {
            return Err(self.unexpected());
        };
        self.at += 1;
        let simple = |name: &str| TypeName { name: name.into(), ..TypeName::default() };
        if quoted || self.tokens.get(self.at) == Some(&Token::Symbol('.')) {
            return self.generic(first);
        }
        match first.as_str() {
            "int" | "integer" => Ok(simple("int4")),
            "smallint" => Ok(simple("int2")),
            "bigint" => Ok(simple("int8")),
            "real" => Ok(simple("float4")),
            "boolean" => Ok(simple("bool")),
            "double" if self.word("precision") => Ok(simple("float8")),
            "float" => {
                let bits = self.modifiers()?;
                match bits.as_slice() {
                    [] => Ok(simple("float8")),
                    [n] if *n < 1 => Err(Error::new(
                        SqlState::INVALID_PARAMETER_VALUE,
                        "precision for type float must be at least 1 bit",
                    )),
                    [n] if *n <= 24 => Ok(simple("float4")),
                    [n] if *n <= 53 => Ok(simple("float8")),
                    [_] => Err(Error::new(
                        SqlState::INVALID_PARAMETER_VALUE,
                        "precision for type float must be less than 54 bits",
                    )),
                    _ => Err(self.unexpected()),
                }
            }
            "dec" | "decimal" | "numeric" => {
                Ok(TypeName { name: "numeric".into(), modifiers: self.modifiers()?, ..TypeName::default() })
            }
            "national" => {
                if !self.word("character") && !self.word("char") {
                    return Err(self.unexpected());
                }
                self.character()
            }
            "character" | "char" | "nchar" => self.character(),
            "varchar" => Ok(TypeName { name: first, modifiers: self.modifiers()?, ..TypeName::default() }),
            "bit" => {
                let name = if self.word("varying") { "varbit" } else { "bit" };
                let mut modifiers = self.modifiers()?;
                if modifiers.is_empty() && name == "bit" {
                    modifiers.push(1);
                }
                Ok(TypeName { name: name.into(), modifiers, ..TypeName::default() })
            }
            "time" | "timestamp" => {
                let modifiers = self.modifiers()?;
                let zoned = if self.word("with") {
                    true
                } else if self.word("without") {
                    false
                } else {
                    return Ok(TypeName { name: first, modifiers, ..TypeName::default() });
                };
                if !(self.word("time") && self.word("zone")) {
                    return Err(self.unexpected());
                }
                let name = if zoned { format!("{first}tz") } else { first };
                Ok(TypeName { name, modifiers, ..TypeName::default() })
            }
            "interval" => self.interval(),
            _ => self.generic(first),
        }
    }

    fn character(&mut self) -> Result<TypeName> {
        let name = if self.word("varying") { "varchar" } else { "bpchar" };
        let mut modifiers = self.modifiers()?;
        if modifiers.is_empty() && name == "bpchar" {
            modifiers.push(1);
        }
        Ok(TypeName { name: name.into(), modifiers, ..TypeName::default() })
    }

    fn interval(&mut self) -> Result<TypeName> {
        let mut name = TypeName { name: "interval".into(), modifiers: self.modifiers()?, ..TypeName::default() };
        if !name.modifiers.is_empty() {
            return Ok(name);
        }
        let fields = ["year", "month", "day", "hour", "minute", "second"];
        let Some(from) = fields.iter().find(|f| self.word(f)) else { return Ok(name) };
        let mut text = (*from).to_owned();
        if self.word("to") {
            let Some(to) = fields.iter().find(|f| self.word(f)) else { return Err(self.unexpected()) };
            text = format!("{from} to {to}");
        }
        let Some((mask, _)) = interval_mask::ALL.iter().find(|(_, t)| *t == text) else {
            return Err(self.unexpected());
        };
        name.interval_fields = Some(*mask);
        if mask & interval_mask::SECOND != 0 {
            name.modifiers = self.modifiers()?;
        }
        Ok(name)
    }

    fn generic(&mut self, first: String) -> Result<TypeName> {
        let mut parts = vec![first];
        while self.symbol('.') {
            let Some(Token::Word(w, _)) = self.tokens.get(self.at) else { return Err(self.unexpected()) };
            parts.push(w.clone());
            self.at += 1;
        }
        let name = parts.pop().unwrap_or_default();
        // A database name before the namespace says nothing new; whether it is ours is checked by nobody here.
        let namespace = parts.pop();
        Ok(TypeName { namespace, name, modifiers: self.modifiers()?, ..TypeName::default() })
    }
}

/// The type that a name means. 42704 if there is none, 22023 for modifiers that the type does not take.
pub fn resolve(name: &TypeName, types: &dyn TypeLookup) -> Result<PgType> {
    let oid = lookup_name(name, types).ok_or_else(|| {
        let written = match &name.namespace {
            Some(ns) => format!("{ns}.{}", name.name),
            None => name.name.clone(),
        };
        let suffix = if name.array { "[]" } else { "" };
        Error::new(SqlState::UNDEFINED_OBJECT, format!("type \"{written}{suffix}\" does not exist"))
    })?;
    // A modifier on the name of an array type (`_varchar(3)`) is its elements'.
    let element = element_type(oid, types).unwrap_or(oid);
    let typmod = typmod_in(element, name)?;
    if !name.array || element != oid {
        return Ok(PgType::with(oid, typmod));
    }
    let array = table::array_type(oid, types)
        .ok_or_else(|| Error::new(SqlState::UNDEFINED_OBJECT, format!("type \"{}[]\" does not exist", name.name)))?;
    Ok(PgType::with(array, typmod))
}

fn lookup_name(name: &TypeName, types: &dyn TypeLookup) -> Option<Oid> {
    let builtin = || TYPES.by_name(&name.name).next().map(|t| t.oid);
    match name.namespace.as_deref() {
        Some("pg_catalog") => builtin(),
        Some(namespace) => types.user_type_named(Some(namespace), &name.name),
        // pg_catalog is searched first unless search_path says otherwise, as in PostgreSQL.
        None => builtin().or_else(|| types.user_type_named(None, &name.name)),
    }
}

/// The type's typmodin function.
fn typmod_in(ty: Oid, name: &TypeName) -> Result<i32> {
    let bad = |message: String| Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
    let mods = name.modifiers.as_slice();
    if ty == oid::INTERVAL {
        return interval_typmod(name);
    }
    if mods.is_empty() {
        return Ok(-1);
    }
    match ty {
        oid::VARCHAR | oid::BPCHAR | oid::BIT | oid::VARBIT => {
            let (word, limit, header) = match ty {
                oid::VARCHAR => ("varchar", 10_485_760, 4),
                oid::BPCHAR => ("char", 10_485_760, 4),
                oid::BIT => ("bit", 83_886_080, 0),
                _ => ("varbit", 83_886_080, 0),
            };
            match mods {
                [n] if *n < 1 => bad(format!("length for type {word} must be at least 1")),
                [n] if *n > limit => bad(format!("length for type {word} cannot exceed {limit}")),
                [n] => Ok(*n as i32 + header),
                _ => bad("invalid type modifier".into()),
            }
        }
        oid::NUMERIC => {
            let (p, s) = match mods {
                [p] => (*p, 0),
                [p, s] => (*p, *s),
                _ => return bad("invalid NUMERIC type modifier".into()),
            };
            if !(1..=1000).contains(&p) {
                return bad(format!("NUMERIC precision {p} must be between 1 and 1000"));
            }
            if !(-1000..=1000).contains(&s) {
                return bad(format!("NUMERIC scale {s} must be between -1000 and 1000"));
            }
            Ok(PgType::numeric(p as u16, s as i16).typmod)
        }
        oid::TIME | oid::TIMETZ | oid::TIMESTAMP | oid::TIMESTAMPTZ => {
            let word = if matches!(ty, oid::TIME | oid::TIMETZ) { "TIME" } else { "TIMESTAMP" };
            let zone = if matches!(ty, oid::TIMETZ | oid::TIMESTAMPTZ) { " WITH TIME ZONE" } else { "" };
            match mods {
                [n] if *n < 0 => bad(format!("{word}({n}){zone} precision must not be negative")),
                // PostgreSQL warns and takes 6.
                [n] => Ok((*n).min(6) as i32),
                _ => bad("invalid type modifier".into()),
            }
        }
        _ => Err(Error::syntax(format!("type modifier is not allowed for type \"{}\"", name.name))),
    }
}

fn interval_typmod(name: &TypeName) -> Result<i32> {
    let precision = match name.modifiers.as_slice() {
        [] if name.interval_fields.is_none() => return Ok(-1),
        [] => interval_mask::FULL_PRECISION,
        [n] if *n < 0 => {
            return Err(Error::new(
                SqlState::INVALID_PARAMETER_VALUE,
                format!("INTERVAL({n}) precision must not be negative"),
            ));
        }
        [n] => (*n).min(6) as i32,
        _ => return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, "invalid INTERVAL type modifier")),
    };
    Ok((name.interval_fields.unwrap_or(interval_mask::FULL) << 16) | precision)
}

/// What `format_type(oid, typmod)` prints: `character varying(10)`, `timestamp(3) without time zone[]`.
pub fn format_type(ty: PgType, types: &dyn TypeLookup) -> String {
    if ty.oid == 0 {
        return "-".into();
    }
    if let Some(element) = element_type(ty.oid, types) {
        return format!("{}[]", format_type(PgType::with(element, ty.typmod), types));
    }
    let m = ty.typmod;
    match ty.oid {
        // Without a modifier the SQL names would mean char(1) and bit(1).
        oid::BPCHAR if m < 0 => "bpchar".into(),
        oid::BIT if m < 0 => "\"bit\"".into(),
        oid::BPCHAR => format!("character({})", m - 4),
        oid::VARCHAR if m >= 0 => format!("character varying({})", m - 4),
        oid::BIT => format!("bit({m})"),
        oid::VARBIT if m >= 0 => format!("bit varying({m})"),
        oid::NUMERIC => match ty.numeric_precision() {
            Some((p, s)) => format!("numeric({p},{s})"),
            None => "numeric".into(),
        },
        oid::TIME if m >= 0 => format!("time({m}) without time zone"),
        oid::TIMETZ if m >= 0 => format!("time({m}) with time zone"),
        oid::TIMESTAMP if m >= 0 => format!("timestamp({m}) without time zone"),
        oid::TIMESTAMPTZ if m >= 0 => format!("timestamp({m}) with time zone"),
        oid::INTERVAL if m >= 0 => {
            let mut out = String::from("interval");
            let mask = (m >> 16) & interval_mask::FULL;
            if let Some((_, text)) = interval_mask::ALL.iter().find(|(bits, _)| *bits == mask) {
                out.push(' ');
                out.push_str(text);
            }
            let precision = m & 0xffff;
            if precision != interval_mask::FULL_PRECISION {
                out.push_str(&format!("({precision})"));
            }
            out
        }
        _ => match TYPES.by_oid(ty.oid) {
            Some(t) => qualified(t, types),
            None => match types.user_type(ty.oid) {
                Some(t) => t.name,
                None => crate::facts::system_row_type(ty.oid).unwrap_or("???").into(),
            },
        },
    }
}

/// A built-in type's name, or an extension's with the namespace where that must be told.
fn qualified(ty: &crate::facts::Type, types: &dyn TypeLookup) -> String {
    match ty.extension.and_then(|extension| types.extension_qualifier(extension)) {
        Some(namespace) => format!("{namespace}.{}", ty.sql_name),
        None => ty.sql_name.into(),
    }
}

/// The short name of a type in messages of its input function (`invalid input syntax for type integer`), and of casts.
pub fn sql_name(oid: Oid, types: &dyn TypeLookup) -> String {
    match TYPES.by_oid(oid) {
        Some(t) => qualified(t, types),
        None => types.user_type(oid).map_or_else(|| "???".into(), |t| t.name),
    }
}

/// The labels of an enum type, if it is one.
pub fn enum_labels(oid: Oid, types: &dyn TypeLookup) -> Option<std::sync::Arc<[std::sync::Arc<str>]>> {
    match types.user_type(oid)?.kind {
        UserTypeInfoKind::Enum { labels } => Some(labels),
        UserTypeInfoKind::Domain { .. }
        | UserTypeInfoKind::Range { .. }
        | UserTypeInfoKind::Array { .. }
        | UserTypeInfoKind::Composite { .. } => None,
    }
}

/// An identifier as PostgreSQL would print it: in quotes if it must be.
pub fn quote(name: &str) -> String {
    let plain =
        name.chars().enumerate().all(|(i, c)| c == '_' || c.is_ascii_lowercase() || (i > 0 && c.is_ascii_digit()))
            && !name.is_empty();
    let reserved = crate::facts::KEYWORDS.get(name).is_some_and(|k| k.category != b'U');
    if plain && !reserved { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

#[cfg(test)]
mod tests {
    use super::super::BuiltinTypes;
    use super::*;

    #[test]
    fn names_resolve_and_print_as_postgresql_prints_them() {
        let cases = [
            ("int", "integer"),
            ("integer[]", "integer[]"),
            ("int array[3]", "integer[]"),
            ("char", "character(1)"),
            ("CHAR(5)", "character(5)"),
            ("\"char\"", "\"char\""),
            ("bpchar", "bpchar"),
            ("varchar", "character varying"),
            ("national character varying(3)", "character varying(3)"),
            ("bit", "bit(1)"),
            ("bit varying(3)[]", "bit varying(3)[]"),
            ("dec(5)", "numeric(5,0)"),
            ("numeric(5,-2)[][3]", "numeric(5,-2)[]"),
            ("float(10)", "real"),
            ("float", "double precision"),
            ("double precision", "double precision"),
            ("timestamp(9)", "timestamp(6) without time zone"),
            ("timestamp(3) with time zone", "timestamp(3) with time zone"),
            ("timestamptz", "timestamp with time zone"),
            ("time(2) with time zone", "time(2) with time zone"),
            ("interval", "interval"),
            ("interval(4)", "interval(4)"),
            ("interval year to month", "interval year to month"),
            ("interval day to second(2)", "interval day to second(2)"),
            ("pg_catalog.int4", "integer"),
            ("_varchar(3)", "character varying(3)[]"),
            ("oidvector", "oidvector"),
            ("regclass", "regclass"),
            ("int4range", "int4range"),
        ];
        for (written, printed) in cases {
            let ty = parse_type(written, &BuiltinTypes).unwrap_or_else(|e| panic!("{written}: {e}"));
            assert_eq!(format_type(ty, &BuiltinTypes), printed, "{written}");
        }
    }

    #[test]
    fn bad_names_fail_with_postgresqls_codes() {
        for (written, code) in [
            ("foo", "42704"),
            ("int4(3)", "42601"),
            ("varchar(0)", "22023"),
            ("numeric(0)", "22023"),
            ("numeric(5,2000)", "22023"),
            ("int int", "42601"),
            ("float(54)", "22023"),
            ("interval year to day", "42601"),
            ("", "42601"),
        ] {
            let error = parse_type(written, &BuiltinTypes).expect_err(written);
            assert_eq!(error.code().as_str(), code, "{written}: {error}");
        }
    }
}
