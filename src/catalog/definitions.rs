//! Definitions as PostgreSQL writes them: pg_get_constraintdef, pg_get_indexdef, pg_get_viewdef and kin.

use super::functions::{Asker, ask};
use super::tables::domain_check_oid;
use crate::engine::Native;
use crate::engine::directory::Deparsed;
use crate::engine::vector::{Oid as OidArg, native3, native4};
use crate::error::{Error, Result, SqlState};
use crate::registry::expression::quote as quote_ident;
use crate::registry::{Constraint, ConstraintKind, FkAction, Index, Relation, RelationKind, UserTypeKind};
use crate::types::Oid;

pub(super) fn natives() -> Vec<Native> {
    vec![
        native3::<i64, OidArg, bool, str>("dg_pg_get_constraintdef", |s, oid, pretty| {
            Ok(constraint(&ask(s)?, oid, pretty))
        }),
        native3::<i64, OidArg, bool, str>("dg_pg_get_indexdef", |s, oid, pretty| Ok(index(&ask(s)?, oid, pretty))),
        native4::<i64, OidArg, i32, bool, str>("dg_pg_get_indexdef_column", |s, oid, n, pretty| {
            Ok(index_column(&ask(s)?, oid, n, pretty))
        }),
        native3::<i64, OidArg, bool, str>("dg_pg_get_viewdef", |s, oid, pretty| Ok(view(&ask(s)?, oid, pretty))),
        native3::<i64, str, bool, str>("dg_pg_get_viewdef_named", |s, name, pretty| {
            let asker = ask(s)?;
            let oid = crate::types::TypeLookup::object_named(&asker.seen, crate::types::oid::REGCLASS, name);
            let oid = oid
                .ok_or_else(|| Error::new(SqlState::UNDEFINED_TABLE, format!("relation \"{name}\" does not exist")))?;
            Ok(view(&asker, oid, pretty))
        }),
        native4::<i64, str, OidArg, bool, str>("dg_pg_get_expr", |s, text, relation, pretty| {
            Ok(Some(stored_expression(&ask(s)?, text, relation, pretty)))
        }),
        native3::<i64, OidArg, bool, str>("dg_pg_get_statisticsobjdef", |s, oid, whole| {
            Ok(statistics(&ask(s)?, oid, whole))
        }),
        native3::<i64, str, str, str>("dg_pg_get_serial_sequence", |s, table, column| {
            serial_sequence(&ask(s)?, table, column)
        }),
    ]
}

/// CREATE STATISTICS as PostgreSQL writes it, or its columns alone.
fn statistics(asker: &Asker, oid: Oid, whole: bool) -> Option<String> {
    let all = asker.snapshot.relations.values();
    let table = all.into_iter().find(|r| r.details.statistics.iter().any(|s| s.oid == oid))?;
    let table = asker.seen.relation(table.oid)?;
    let found = table.details.statistics.iter().find(|s| s.oid == oid)?;
    let columns = columns(table, &found.columns);
    if !whole {
        return Some(columns);
    }
    let kinds =
        [(found.kinds.ndistinct, "ndistinct"), (found.kinds.dependencies, "dependencies"), (found.kinds.mcv, "mcv")];
    let written: Vec<&str> = kinds.iter().filter(|(is, _)| *is).map(|(_, word)| *word).collect();
    let written = if written.len() == kinds.len() { String::new() } else { format!(" ({})", written.join(", ")) };
    let name = format!("{}.{}", quote_ident(&table.namespace), quote_ident(&found.name));
    Some(format!("CREATE STATISTICS {name}{written} ON {columns} FROM {}", asker.seen.relation_text(table)))
}

fn columns(relation: &Relation, nums: &[i16]) -> String {
    let names = nums.iter().map(|n| relation.column_by_num(*n).map_or_else(|| n.to_string(), |c| quote_ident(&c.name)));
    names.collect::<Vec<_>>().join(", ")
}

fn action(word: &str, action: FkAction) -> String {
    let what = match action {
        FkAction::NoAction => return String::new(),
        FkAction::Restrict => "RESTRICT",
        FkAction::Cascade => "CASCADE",
        FkAction::SetNull => "SET NULL",
        FkAction::SetDefault => "SET DEFAULT",
    };
    format!(" ON {word} {what}")
}

fn find_constraint(asker: &Asker, oid: Oid) -> Option<(&Relation, &Constraint)> {
    let table = asker.seen.relation(*asker.snapshot.objects().constraints.get(&oid)?)?;
    Some((&**table, table.constraints.iter().find(|c| c.oid == oid)?))
}

fn constraint(asker: &Asker, oid: Oid, pretty: bool) -> Option<String> {
    if let Some(definition) = crate::facts::system_definition(oid) {
        return Some(definition.to_owned());
    }
    let Some((relation, constraint)) = find_constraint(asker, oid) else { return domain_check(asker, oid, pretty) };
    let mut text = match &constraint.kind {
        ConstraintKind::PrimaryKey { columns: key } => {
            format!("PRIMARY KEY ({}){}", columns(relation, key), including(relation, constraint))
        }
        ConstraintKind::Unique { columns: key, nulls_not_distinct } => {
            let nulls = if *nulls_not_distinct { "NULLS NOT DISTINCT " } else { "" };
            format!("UNIQUE {nulls}({}){}", columns(relation, key), including(relation, constraint))
        }
        ConstraintKind::ForeignKey { columns: key, target, target_columns, on_delete, on_update, match_full } => {
            let target = asker.seen.relation(*target)?;
            let sets = match constraint.delete_sets.as_slice() {
                [] => String::new(),
                some => format!(" ({})", columns(relation, some)),
            };
            format!(
                "FOREIGN KEY ({}) REFERENCES {}({}){}{}{}{sets}",
                columns(relation, key),
                asker.seen.relation_text(target),
                columns(target, target_columns),
                if *match_full { " MATCH FULL" } else { "" },
                action("UPDATE", *on_update),
                action("DELETE", *on_delete),
            )
        }
        ConstraintKind::Exclusion { operators, .. } => exclusion(asker, relation, constraint, operators, pretty)?,
        ConstraintKind::Check { expression, .. } => {
            let heirs = if constraint.no_inherit { " NO INHERIT" } else { "" };
            format!("CHECK ({}){heirs}", printed(asker, expression, relation.oid, pretty).0)
        }
    };
    if constraint.deferrable {
        text.push_str(" DEFERRABLE");
        if constraint.initially_deferred {
            text.push_str(" INITIALLY DEFERRED");
        }
    }
    if !constraint.validated {
        text.push_str(" NOT VALID");
    }
    Some(text)
}

/// ` INCLUDE (b)` of a key.
fn including(relation: &Relation, constraint: &Constraint) -> String {
    match relation.indexes.iter().find(|i| i.of_constraint && i.name == constraint.name) {
        Some(index) if !index.included.is_empty() => format!(" INCLUDE ({})", columns(relation, &index.included)),
        _ => String::new(),
    }
}

/// `EXCLUDE USING gist (room WITH =, during WITH &&) WHERE ((NOT cancelled))`
fn exclusion(
    asker: &Asker,
    relation: &Relation,
    constraint: &Constraint,
    operators: &[Oid],
    pretty: bool,
) -> Option<String> {
    let index = relation.indexes.iter().find(|i| i.of_constraint && i.name == constraint.name)?;
    let element = |(n, operator): (usize, &Oid)| {
        let opclass = index.keys.get(n)?.opclass.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
        let operator = crate::facts::OPERATORS.by_oid(*operator)?.name;
        Some(format!("{}{opclass} WITH {operator}", key_text(asker, relation, index, n, pretty)?))
    };
    let elements = operators.iter().enumerate().map(element).collect::<Option<Vec<_>>>()?.join(", ");
    let predicate = index.predicate.as_ref();
    let predicate = predicate.map(|p| format!(" WHERE ({})", printed(asker, p, relation.oid, pretty).0));
    Some(format!("EXCLUDE USING {} ({elements}){}", index.method, predicate.unwrap_or_default()))
}

/// A domain's CHECK. Its expression names no relation.
fn domain_check(asker: &Asker, oid: Oid, pretty: bool) -> Option<String> {
    let expression = asker.snapshot.types.values().find_map(|ty| match &ty.kind {
        UserTypeKind::Domain { checks, .. } => {
            let at = (0..checks.len()).find(|n| domain_check_oid(ty.oid, *n) == oid)?;
            checks.get(at).map(|(_, expression)| expression)
        }
        UserTypeKind::Enum { .. } | UserTypeKind::Range { .. } | UserTypeKind::Multirange { .. } => None,
    })?;
    Some(format!("CHECK ({})", printed(asker, expression, 0, pretty).0))
}

pub(super) fn find_index(asker: &Asker, oid: Oid) -> Option<(&Relation, &Index)> {
    let table = asker.seen.relation(*asker.snapshot.objects().indexes.get(&oid)?)?;
    Some((&**table, table.indexes.iter().find(|i| i.oid == oid)?))
}

/// An expression that the relation keeps, and whether it is printed as a call. What cannot be printed is shown as it is kept.
fn printed(asker: &Asker, text: &str, relation: Oid, pretty: bool) -> (String, bool) {
    match asker.view.deparsed(Deparsed::Expression { text, relation }, pretty) {
        Some(printed) => (printed.text.to_string(), printed.call),
        None => (format!("({text})"), false),
    }
}

/// pg_get_expr.
fn stored_expression(asker: &Asker, text: &str, relation: Oid, pretty: bool) -> String {
    match asker.view.deparsed(Deparsed::Expression { text, relation }, pretty) {
        Some(printed) => printed.text.to_string(),
        None => text.to_owned(),
    }
}

fn key_text(asker: &Asker, relation: &Relation, index: &Index, n: usize, pretty: bool) -> Option<String> {
    let Some(key) = index.keys.get(n) else {
        return index.included.get(n - index.keys.len()).map(|column| columns(relation, &[*column]));
    };
    Some(match &key.expression {
        Some(expression) => match printed(asker, expression, relation.oid, pretty) {
            (text, true) => text,
            (text, false) => format!("({text})"),
        },
        None => columns(relation, &[key.column]),
    })
}

fn index(asker: &Asker, oid: Oid, pretty: bool) -> Option<String> {
    if let Some(definition) = crate::facts::system_definition(oid) {
        return Some(definition.to_owned());
    }
    let (relation, index) = find_index(asker, oid)?;
    let keys = (0..index.keys.len()).filter_map(|n| {
        let key = &index.keys[n];
        let mut text = key_text(asker, relation, index, n, pretty)?;
        if let Some(opclass) = &key.opclass {
            text = format!("{text} {opclass}");
        }
        if key.descending {
            text.push_str(" DESC");
        }
        // Only what differs from the default of the direction is written.
        if key.nulls_first != key.descending {
            text.push_str(if key.nulls_first { " NULLS FIRST" } else { " NULLS LAST" });
        }
        Some(text)
    });
    let included = match index.included.as_slice() {
        [] => String::new(),
        included => format!(" INCLUDE ({})", columns(relation, included)),
    };
    let unique = if index.unique { "UNIQUE " } else { "" };
    let nulls = if index.nulls_not_distinct { " NULLS NOT DISTINCT" } else { "" };
    let predicate = index.predicate.as_ref().map(|p| format!(" WHERE {}", printed(asker, p, relation.oid, pretty).0));
    let predicate = predicate.unwrap_or_default();
    let only = if relation.is_partitioned() { "ONLY " } else { "" };
    let option = |option: &String| match option.split_once('=') {
        // As get_reloptions() quotes: a value that could be a name stands as it is.
        Some((name, value)) if quote_ident(value) == value => format!("{name}={value}"),
        Some((name, value)) => format!("{name}='{}'", value.replace('\'', "''")),
        None => option.clone(),
    };
    let options: Vec<String> = index.options.iter().map(option).collect();
    let options = if options.is_empty() { String::new() } else { format!(" WITH ({})", options.join(", ")) };
    // Only pretty text leaves a namespace out.
    let table = asker.seen.written(&relation.namespace, &relation.name, pretty && asker.seen.finds(relation));
    Some(format!(
        "CREATE {unique}INDEX {} ON {only}{table} USING {} ({}){included}{nulls}{options}{predicate}",
        quote_ident(&index.name),
        index.method,
        keys.collect::<Vec<_>>().join(", "),
    ))
}

/// The columns of one of the system's own indexes.
pub(super) fn system_keys(oid: Oid) -> Option<impl Iterator<Item = &'static str>> {
    let definition = crate::facts::system_definition(oid).filter(|text| text.starts_with("CREATE "))?;
    let (_, keys) = definition.split_once(" (")?;
    Some(keys.split_once(')').map_or(keys, |(keys, _)| keys).split(", "))
}

/// pg_get_indexdef(index, n, …): the whole definition for 0, else the n-th key.
fn index_column(asker: &Asker, oid: Oid, n: i32, pretty: bool) -> Option<String> {
    if n == 0 {
        return index(asker, oid, pretty);
    }
    if let Some(mut keys) = system_keys(oid) {
        return keys.nth(usize::try_from(n - 1).ok()?).map(str::to_owned);
    }
    let (relation, found) = find_index(asker, oid)?;
    key_text(asker, relation, found, usize::try_from(n - 1).ok()?, pretty)
}

fn view(asker: &Asker, oid: Oid, pretty: bool) -> Option<String> {
    match &asker.seen.relation(oid)?.kind {
        RelationKind::View { definition, .. } | RelationKind::MaterializedView { definition, .. } => {
            match asker.view.deparsed(Deparsed::View(oid), pretty) {
                Some(printed) => Some(printed.text.to_string()),
                None => Some(format!("{};", definition.trim().trim_end_matches(';'))),
            }
        }
        RelationKind::Table | RelationKind::Sequence(_) | RelationKind::Composite | RelationKind::System => None,
    }
}

fn serial_sequence(asker: &Asker, table: &str, column: &str) -> Result<Option<String>> {
    let (kind, seen) = (crate::types::oid::REGCLASS, &asker.seen);
    let missing = || Error::new(SqlState::UNDEFINED_TABLE, format!("relation \"{table}\" does not exist"));
    let why = || crate::types::text::reg::parse(table, kind, seen).err().unwrap_or_else(missing);
    let oid = crate::types::TypeLookup::object_named(seen, kind, table).ok_or_else(why)?;
    let relation = asker.seen.named(oid).ok_or_else(missing)?;
    let column = relation.column(column).ok_or_else(|| {
        Error::new(
            SqlState::UNDEFINED_COLUMN,
            format!("column \"{column}\" of relation \"{}\" does not exist", relation.name),
        )
    })?;
    let owned = asker.snapshot.objects().owned_sequences.get(&(relation.oid, column.num)).copied();
    let owned = owned.and_then(|s| asker.seen.named(s));
    Ok(owned.map(|s| format!("{}.{}", quote_ident(&s.namespace), quote_ident(&s.name))))
}
