//! What the registry keeps as text, as PostgreSQL prints it: views' queries, defaults, checks, generated columns, index keys.

use super::{Style, expression, looks_like_function, query};
use crate::error::{Error, Result};
use crate::registry::expression::quote;
use crate::registry::seen::Seen;
use crate::registry::{ConstraintKind, Index, Name, Relation, RelationKind, UserTypeKind};
use crate::sql::Context;
use crate::sql::analyze::{self, Stored, kept};
use crate::tree::{Expr, ExprKind, RelColumn, RelId};
use crate::types::{Oid, PgType};

/// A view's query with a semicolon at its end.
///
/// # Errors
/// It cannot be analyzed, or has what cannot be printed.
pub fn view(view: &Relation, cx: &Context, seen: &Seen, style: Style) -> Result<String> {
    let Some((definition, search_path)) = view.kind.definition() else { return Err(Error::internal("no view")) };
    let tree = kept::stored_query(definition, search_path, cx)?;
    let names: Vec<_> = view.columns.iter().map(|c| c.name.clone()).collect();
    query(&tree, &names, seen, style).map(|text| format!("{text};"))
}

/// An expression that `relation`, or the function with that OID, keeps (0: a domain's check; a system table: a domain's default),
/// and whether it is printed as a call.
///
/// # Errors
/// As [`view`].
pub fn kept_expression(text: &str, relation: Oid, cx: &Context, seen: &Seen, style: Style) -> Result<(String, bool)> {
    let rel = RelId(0);
    if let Some(function) = cx.snapshot.function_by_oid(relation) {
        let parameter = function.parameters.iter().find(|p| p.default.as_deref() == Some(text));
        let parameter = parameter.ok_or_else(|| Error::internal("the function keeps no such expression"))?;
        let target = (&*parameter.name, PgType::new(parameter.ty));
        let tree = analyze::assigned_expression(text, Stored::Default, ("", rel), &[], target, cx)?;
        return Ok((expression(&tree, ("", rel), &[], seen, style)?, looks_like_function(&tree)));
    }
    let users = |relation: &&std::sync::Arc<Relation>| !matches!(relation.kind, RelationKind::System);
    let Some(table) = cx.snapshot.relation_by_oid(relation).filter(users) else {
        if let Some((name, base)) = domain_with_default(text, cx) {
            let tree = analyze::assigned_expression(text, Stored::Default, ("", rel), &[], (&name, base), cx)?;
            return Ok((expression(&tree, ("", rel), &[], seen, style)?, looks_like_function(&tree)));
        }
        let tree = analyze::expression(text, Stored::Check, ("", rel), &domain_value(text, cx)?, cx)?;
        return Ok((expression(&tree, ("", rel), &["VALUE".to_owned()], seen, style)?, looks_like_function(&tree)));
    };
    let tree = analyzed(text, table, cx)?;
    let columns: Vec<String> = table.columns.iter().map(|c| quote(&c.name)).collect();
    // An index's key has its collation outside, as pg_get_indexdef prints it.
    if let ExprKind::Collate { arg, collation } = &tree.kind
        && table.indexes.iter().any(|i| i.keys.iter().any(|k| k.expression.as_deref() == Some(text)))
        && let Some(name) = crate::facts::collation_name(*collation)
    {
        let key = expression(arg, (&table.name, rel), &columns, seen, style)?;
        let alone = looks_like_function(arg) || matches!(arg.kind, ExprKind::Column { .. });
        let key = if alone { key } else { format!("({key})") };
        return Ok((format!("{key} COLLATE {}", quote(name)), true));
    }
    Ok((expression(&tree, (&table.name, rel), &columns, seen, style)?, looks_like_function(&tree)))
}

fn analyzed(text: &str, table: &Relation, cx: &Context) -> Result<Expr> {
    let at = (&*table.name, RelId(0));
    let scope: Vec<RelColumn> =
        table.columns.iter().map(|c| RelColumn { name: c.name.clone(), ty: c.ty, attnum: c.num }).collect();
    for column in &table.columns {
        let target = (&*column.name, column.ty);
        if column.default.as_deref() == Some(text) {
            return analyze::assigned_expression(text, Stored::Default, at, &[], target, cx);
        }
        if column.generated.as_deref() == Some(text) {
            return analyze::assigned_expression(text, Stored::Generated, at, &scope, target, cx);
        }
    }
    let check = |kind: &ConstraintKind| matches!(kind, ConstraintKind::Check { expression, .. } if expression == text);
    let in_index = |index: &Index| {
        let keys = index.keys.iter().filter_map(|k| k.expression.as_deref());
        keys.chain(index.predicate.as_deref()).any(|kept| kept == text)
    };
    let kind = if table.constraints.iter().any(|c| check(&c.kind)) {
        Stored::Check
    } else if table.indexes.iter().any(in_index) {
        Stored::IndexExpression
    } else if table.rules.policies.iter().any(|p| p.using.iter().chain(&p.check).any(|kept| kept == text)) {
        Stored::Policy
    } else if in_key(table, text) {
        Stored::PartitionKey
    } else {
        // Only what is kept is read with the rights of who kept it.
        return Err(Error::internal("the table keeps no such expression"));
    };
    analyze::expression(text, kind, at, &scope, cx)
}

fn in_key(table: &Relation, text: &str) -> bool {
    let parts = table.partitioning.key.iter().flat_map(|key| &key.parts);
    parts.filter_map(|part| part.expression.as_deref()).any(|kept| kept == text)
}

/// The domain that has this default, and its base type.
fn domain_with_default(text: &str, cx: &Context) -> Option<(Name, PgType)> {
    cx.snapshot.types.values().find_map(|ty| match &ty.kind {
        UserTypeKind::Domain { base, default, .. } if default.as_deref() == Some(text) => {
            Some((ty.name.clone(), *base))
        }
        UserTypeKind::Domain { .. }
        | UserTypeKind::Enum { .. }
        | UserTypeKind::Range { .. }
        | UserTypeKind::Multirange { .. } => None,
    })
}

/// VALUE, with the type of the domain that has this check.
fn domain_value(text: &str, cx: &Context) -> Result<Vec<RelColumn>> {
    let base = |kind: &UserTypeKind| match kind {
        UserTypeKind::Domain { base, checks, .. } => checks.iter().any(|(_, check)| check == text).then_some(*base),
        UserTypeKind::Enum { .. } | UserTypeKind::Range { .. } | UserTypeKind::Multirange { .. } => None,
    };
    let ty: Option<PgType> = cx.snapshot.types.values().find_map(|t| base(&t.kind));
    let ty = ty.ok_or_else(|| Error::internal("an expression of nothing"))?;
    Ok(vec![RelColumn { name: "value".into(), ty, attnum: 1 }])
}
