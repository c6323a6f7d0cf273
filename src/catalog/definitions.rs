//! Definitions as PostgreSQL writes them: pg_get_constraintdef, pg_get_indexdef, pg_get_viewdef and kin.

use super::functions::{Asker, ask};
use crate::engine::Native;
use crate::engine::vector::{Oid as OidArg, native2, native3};
use crate::error::{Error, Result, SqlState};
use crate::registry::expression::quote as quote_ident;
use crate::registry::{Constraint, ConstraintKind, FkAction, Index, Relation, RelationKind};
use crate::types::Oid;

pub(super) fn natives() -> Vec<Native> {
    vec![
        native2::<i64, OidArg, str>("dg_pg_get_constraintdef", |s, oid| Ok(constraint(&ask(s)?, oid))),
        native2::<i64, OidArg, str>("dg_pg_get_indexdef", |s, oid| Ok(index(&ask(s)?, oid))),
        native3::<i64, OidArg, i32, str>("dg_pg_get_indexdef_column", |s, oid, n| Ok(index_column(&ask(s)?, oid, n))),
        native2::<i64, OidArg, str>("dg_pg_get_viewdef", |s, oid| Ok(view(&ask(s)?, oid))),
        native3::<i64, str, str, str>("dg_pg_get_serial_sequence", |s, table, column| {
            serial_sequence(&ask(s)?, table, column)
        }),
    ]
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

fn constraint(asker: &Asker, oid: Oid) -> Option<String> {
    if let Some(definition) = crate::facts::system_definition(oid) {
        return Some(definition.to_owned());
    }
    let (relation, constraint) = find_constraint(asker, oid)?;
    let mut text = match &constraint.kind {
        ConstraintKind::PrimaryKey { columns: key } => format!("PRIMARY KEY ({})", columns(relation, key)),
        ConstraintKind::Unique { columns: key, nulls_not_distinct } => {
            let nulls = if *nulls_not_distinct { "NULLS NOT DISTINCT " } else { "" };
            format!("UNIQUE {nulls}({})", columns(relation, key))
        }
        ConstraintKind::ForeignKey { columns: key, target, target_columns, on_delete, on_update } => {
            let target = asker.seen.relation(*target)?;
            format!(
                "FOREIGN KEY ({}) REFERENCES {}({}){}{}",
                columns(relation, key),
                asker.seen.relation_text(target),
                columns(target, target_columns),
                action("UPDATE", *on_update),
                action("DELETE", *on_delete),
            )
        }
        ConstraintKind::Check { expression, .. } => format!("CHECK (({expression}))"),
    };
    if constraint.deferrable {
        text.push_str(" DEFERRABLE");
        if constraint.initially_deferred {
            text.push_str(" INITIALLY DEFERRED");
        }
    }
    Some(text)
}

fn find_index(asker: &Asker, oid: Oid) -> Option<(&Relation, &Index)> {
    let table = asker.seen.relation(*asker.snapshot.objects().indexes.get(&oid)?)?;
    Some((&**table, table.indexes.iter().find(|i| i.oid == oid)?))
}

fn key_text(relation: &Relation, index: &Index, n: usize) -> Option<String> {
    let key = index.keys.get(n)?;
    Some(match &key.expression {
        Some(expression) => format!("({expression})"),
        None => columns(relation, &[key.column]),
    })
}

fn index(asker: &Asker, oid: Oid) -> Option<String> {
    if let Some(definition) = crate::facts::system_definition(oid) {
        return Some(definition.to_owned());
    }
    let (relation, index) = find_index(asker, oid)?;
    let keys = (0..index.keys.len()).filter_map(|n| {
        let key = &index.keys[n];
        let mut text = key_text(relation, index, n)?;
        if key.descending {
            text.push_str(" DESC");
        }
        // Only what differs from the default of the direction is written.
        if key.nulls_first != key.descending {
            text.push_str(if key.nulls_first { " NULLS FIRST" } else { " NULLS LAST" });
        }
        Some(text)
    });
    let unique = if index.unique { "UNIQUE " } else { "" };
    let predicate = index.predicate.as_ref().map(|p| format!(" WHERE ({p})")).unwrap_or_default();
    Some(format!(
        "CREATE {unique}INDEX {} ON {}.{} USING {} ({}){predicate}",
        quote_ident(&index.name),
        quote_ident(&relation.namespace),
        quote_ident(&relation.name),
        index.method,
        keys.collect::<Vec<_>>().join(", "),
    ))
}

/// pg_get_indexdef(index, n, …): the whole definition for 0, else the n-th key.
fn index_column(asker: &Asker, oid: Oid, n: i32) -> Option<String> {
    if n == 0 {
        return index(asker, oid);
    }
    let (relation, found) = find_index(asker, oid)?;
    key_text(relation, found, usize::try_from(n - 1).ok()?)
}

fn view(asker: &Asker, oid: Oid) -> Option<String> {
    match &asker.seen.relation(oid)?.kind {
        RelationKind::View { definition, .. } => Some(format!("{};", definition.trim().trim_end_matches(';'))),
        RelationKind::Table | RelationKind::Sequence(_) | RelationKind::System => None,
    }
}

fn serial_sequence(asker: &Asker, table: &str, column: &str) -> Result<Option<String>> {
    let missing = || Error::new(SqlState::UNDEFINED_TABLE, format!("relation \"{table}\" does not exist"));
    let oid =
        crate::types::TypeLookup::object_named(&asker.seen, crate::types::oid::REGCLASS, table).ok_or_else(missing)?;
    let relation = asker.seen.relation(oid).ok_or_else(missing)?;
    let column = relation.column(column).ok_or_else(|| {
        Error::new(
            SqlState::UNDEFINED_COLUMN,
            format!("column \"{column}\" of relation \"{}\" does not exist", relation.name),
        )
    })?;
    let owned = asker.snapshot.objects().owned_sequences.get(&(relation.oid, column.num)).copied();
    let owned = owned.and_then(|s| asker.seen.relation(s));
    Ok(owned.map(|s| format!("{}.{}", quote_ident(&s.namespace), quote_ident(&s.name))))
}
