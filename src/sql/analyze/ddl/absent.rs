//! DROP of what the gateway has none of: that it does not exist, in PostgreSQL's words; what PostgreSQL itself brings along
//! is refused.

use sqlparser::ast::DataType;

use super::super::Analyzer;
use crate::error::{Error, Result, SqlState};
use crate::facts::{self, OPERATORS, PROCS, TYPES};
use crate::sql::parse::{Absent, DropAbsent};
use crate::tree::{Ddl, QualifiedName};
use crate::types::Oid;

/// What is said of an object: without IF EXISTS, and with it (without `, skipping`).
struct Missing {
    code: SqlState,
    error: String,
    notice: String,
}

impl Missing {
    fn of(text: String) -> Self {
        Self {
            code: SqlState::UNDEFINED_OBJECT,
            error: format!("{text} does not exist"),
            notice: format!("{text} does not exist"),
        }
    }
}

impl Analyzer<'_> {
    pub(super) fn drop_absent(&self, drop: &DropAbsent) -> Result<Ddl> {
        let mut notices = Vec::new();
        for object in &drop.objects {
            match self.absent(drop.kind, object) {
                Ok(missing) if drop.if_exists => notices.push(format!("{}, skipping", missing.notice)),
                Ok(missing) => return Err(Error::new(missing.code, missing.error)),
                // A type, schema or table in its name.
                Err(error) if drop.if_exists && is_missing(&error) => {
                    notices.push(format!("{}, skipping", error.report().message));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Ddl::Nothing { tag: format!("DROP {}", drop.kind), notices })
    }

    fn absent(&self, kind: &str, object: &Absent) -> Result<Missing> {
        match object {
            Absent::Named(name) => {
                self.schema_of(name)?;
                named(kind, name)
            }
            Absent::Aggregate(signature) => {
                self.schema_of(&signature.name)?;
                let types = signature.args.as_ref().map(|args| self.types(args)).transpose()?;
                let own = |p: &&facts::Proc| p.kind == b'a' && p.args == types.clone().unwrap_or_default();
                if PROCS.by_name(&signature.name.name).any(|p| own(&p)) {
                    return Err(required(&format!("function {}", signature.name.name)));
                }
                let name = written(&signature.name);
                let shown = |types: &Vec<Oid>| types.iter().map(|t| self.type_name(*t)).collect::<Vec<_>>().join(", ");
                let error = types.as_ref().map_or_else(|| "*".to_owned(), shown);
                let notice = signature.args.iter().flatten().map(|ty| self.grammar_name(ty));
                let notice = notice.collect::<Vec<_>>().join(", ");
                Ok(Missing {
                    code: SqlState::UNDEFINED_FUNCTION,
                    error: format!("aggregate {name}({error}) does not exist"),
                    notice: format!("aggregate {name}({notice}) does not exist"),
                })
            }
            Absent::Operator { text, left, right } => {
                let side = |ty: &Option<DataType>| ty.as_ref().map_or(Ok(0), |ty| self.data_type(ty).map(|t| t.oid));
                let (l, r) = (side(left)?, side(right)?);
                let name = text.rsplit_once('.').map_or(text.as_str(), |(_, name)| name);
                if OPERATORS.by_name(name).any(|o| (o.left, o.right) == (l, r)) {
                    return Err(required(&format!("operator {text}")));
                }
                let sides = if l == 0 { String::new() } else { format!("{} ", self.type_name(l)) };
                let error = format!("operator does not exist: {sides}{text} {}", self.type_name(r));
                let notice = format!("operator {text} does not exist");
                Ok(Missing { code: SqlState::UNDEFINED_FUNCTION, error, notice })
            }
            Absent::OfMethod { name, method } => {
                self.schema_of(name)?;
                let of = format!("access method \"{}\"", method.name);
                if facts::recorded("pg_am")
                    .is_some_and(|t| t.rows.iter().all(|r| t.get(r, "amname") != Some(&method.name)))
                {
                    return Ok(Missing::of(of));
                }
                let table =
                    if kind == "OPERATOR CLASS" { ("pg_opclass", "opcname") } else { ("pg_opfamily", "opfname") };
                if is_recorded(table, &name.name) {
                    return Err(required(&format!("{} {}", kind.to_lowercase(), name.name)));
                }
                let text = format!("{} \"{}\" does not exist for {of}", kind.to_lowercase(), written(name));
                Ok(Missing { code: SqlState::UNDEFINED_OBJECT, error: text.clone(), notice: text })
            }
            Absent::Cast { from, to } => {
                let (source, target) = (self.data_type(from)?.oid, self.data_type(to)?.oid);
                if facts::cast(source, target).is_some() {
                    return Err(required("this cast"));
                }
                let error = format!("cast from type {} to type {}", self.type_name(source), self.type_name(target));
                let notice = format!("cast from type {} to type {}", self.grammar_name(from), self.grammar_name(to));
                Ok(Missing { error: format!("{error} does not exist"), ..Missing::of(notice) })
            }
            Absent::OfTable { name, table } => {
                self.schema_of(table)?;
                let Some(found) = self.find_relation(table.namespace.as_deref(), &table.name)? else {
                    return Err(self.no_relation(table.namespace.as_deref(), &table.name, 0));
                };
                let what = format!("{} \"{}\"", kind.to_lowercase(), name.name);
                let rule = matches!(found.kind, crate::registry::RelationKind::View { .. }) && &*name.name == "_RETURN";
                if kind == "RULE" && rule {
                    return Err(required("the rule of a view"));
                }
                let of = if kind == "TRIGGER" { "table" } else { "relation" };
                let error = format!("{what} for {of} \"{}\" does not exist", found.name);
                Ok(Missing { error, ..Missing::of(format!("{what} for relation \"{}\"", found.name)) })
            }
            Absent::Transform { ty, language } => {
                let name = self.type_name(self.data_type(ty)?.oid);
                let of = format!("language \"{}\"", language.name);
                let error = format!("transform for type {name} {of} does not exist");
                Ok(Missing { error, ..Missing::of(format!("transform for type {} {of}", self.grammar_name(ty))) })
            }
        }
    }

    /// 3F000 for a schema that is not there.
    fn schema_of(&self, name: &QualifiedName) -> Result<()> {
        match &name.namespace {
            Some(namespace) if !self.ctx.snapshot.namespaces.contains_key(namespace) => {
                let message = format!("schema \"{namespace}\" does not exist");
                Err(Error::new(SqlState::INVALID_SCHEMA_NAME, message))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn types(&self, types: &[DataType]) -> Result<Vec<Oid>> {
        types.iter().map(|ty| self.data_type(ty).map(|t| t.oid)).collect()
    }

    /// A type by the name that the grammar gives it: `pg_catalog.int4` for `int`, else as it was written.
    pub(super) fn grammar_name(&self, ty: &DataType) -> String {
        let written = ty.to_string().to_ascii_lowercase();
        match self.data_type(ty).ok().and_then(|t| TYPES.by_oid(t.oid)) {
            Some(facts) if facts.name != written && !facts.is_array => format!("pg_catalog.{}", facts.name),
            _ => written,
        }
    }
}

/// Is there such a thing among what PostgreSQL brings along?
fn is_recorded((table, column): (&str, &str), name: &str) -> bool {
    facts::recorded(table).is_some_and(|t| t.rows.iter().any(|r| t.get(r, column) == Some(name)))
}

fn named(kind: &str, name: &QualifiedName) -> Result<Missing> {
    let word = match kind {
        "FOREIGN DATA WRAPPER" => "foreign-data wrapper".to_owned(),
        other => other.to_lowercase(),
    };
    let builtin = match kind {
        "ACCESS METHOD" => Some(("pg_am", "amname")),
        "COLLATION" => Some(("pg_collation", "collname")),
        "CONVERSION" => Some(("pg_conversion", "conname")),
        "LANGUAGE" => Some(("pg_language", "lanname")),
        "TABLESPACE" => Some(("pg_tablespace", "spcname")),
        "TEXT SEARCH CONFIGURATION" => Some(("pg_ts_config", "cfgname")),
        "TEXT SEARCH DICTIONARY" => Some(("pg_ts_dict", "dictname")),
        "TEXT SEARCH PARSER" => Some(("pg_ts_parser", "prsname")),
        "TEXT SEARCH TEMPLATE" => Some(("pg_ts_template", "tmplname")),
        _ => None,
    };
    if builtin.is_some_and(|table| is_recorded(table, &name.name)) || (kind == "LANGUAGE" && &*name.name == "plpgsql") {
        return Err(required(&format!("{word} {}", name.name)));
    }
    let missing = Missing::of(format!("{word} \"{}\"", written(name)));
    if kind == "COLLATION" {
        let error = format!("collation \"{}\" for encoding \"UTF8\" does not exist", written(name));
        return Ok(Missing { error, ..missing });
    }
    Ok(missing)
}

fn written(name: &QualifiedName) -> String {
    name.namespace.as_ref().map_or_else(|| name.name.to_string(), |n| format!("{n}.{}", name.name))
}

fn required(what: &str) -> Error {
    let message = format!("cannot drop {what} because it is required by the database system");
    Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message)
}

pub(super) fn is_missing(error: &Error) -> bool {
    [SqlState::UNDEFINED_OBJECT, SqlState::INVALID_SCHEMA_NAME, SqlState::UNDEFINED_TABLE].contains(&error.code())
}
