//! Joins: ON, USING, NATURAL, and the columns that USING merges (transformFromClauseItem's JoinExpr).

use std::sync::Arc;

use sqlparser::ast::{self, JoinConstraint, JoinOperator};

use super::from::{Item, set_lateral};
use super::scope::{Clause, NsColumn, NsItem, at};
use super::{Analyzer, Expr, ExprKind};
use crate::error::{Error, Result, SqlState};
use crate::registry::Name;
use crate::sql::parse::{fold, rewrite};
use crate::tree::{FromItem, Join, JoinAlias, JoinKind, MergedColumn};
use crate::types::{PgType, oid};

impl Analyzer<'_> {
    pub(crate) fn join(&mut self, left: Item, join: &ast::Join) -> Result<Item> {
        let (kind, constraint) = kind(&join.join_operator)?;
        let (left, mut left_names) = left;
        // The right side may refer to the left one if it is LATERAL.
        let level = self.scopes.len() - 1;
        let before = self.scopes[level].items.len();
        set_lateral(&mut left_names, true, matches!(kind, JoinKind::Inner | JoinKind::Left | JoinKind::Cross));
        self.scopes[level].items.extend(left_names.iter().cloned());
        let right = self.table_factor(&join.relation);
        self.scopes[level].items.truncate(before);
        let (right, mut right_names) = right?;
        set_lateral(&mut left_names, false, true);
        set_lateral(&mut right_names, false, true);
        self.check_conflicts(&left_names, &right_names)?;

        let using = match constraint {
            JoinConstraint::Natural => shared_columns(&left_names, &right_names),
            JoinConstraint::Using(names) => names
                .iter()
                .filter(|n| using_alias(n).is_none())
                .map(|n| {
                    let ident = n.0.last().and_then(|p| p.as_ident());
                    ident.map(|i| (fold(i), self.pos(i.span))).ok_or_else(|| Error::syntax("syntax error"))
                })
                .collect::<Result<Vec<_>>>()?,
            JoinConstraint::On(_) | JoinConstraint::None => Vec::new(),
        };
        let mut merged = Vec::with_capacity(using.len());
        let mut sides = Vec::with_capacity(using.len());
        let mut conditions = Vec::with_capacity(using.len());
        for (i, (name, pos)) in using.iter().enumerate() {
            if using[..i].iter().any(|(n, _)| n == name) {
                let message = format!("column name \"{name}\" appears more than once in USING clause");
                return Err(Error::new(SqlState::DUPLICATE_COLUMN, message).at(*pos));
            }
            let l = using_column(&left_names, name, "left", *pos)?;
            let r = using_column(&right_names, name, "right", *pos)?;
            conditions.push(self.operator("=", Some(l.clone()), r.clone(), *pos)?);
            let value = self.merge(kind, l.clone(), r.clone())?;
            sides.push(MergedColumn { name: Arc::clone(name), left: l, right: r, value: value.clone() });
            merged.push(NsColumn { name: Arc::clone(name), expr: value, hidden: false });
        }
        let on = match constraint {
            JoinConstraint::On(on) => Some(self.join_condition(on, &left_names, &right_names)?),
            _ => match conditions.len() {
                0 => None,
                1 => conditions.pop(),
                _ => Some(Expr { kind: ExprKind::And(conditions), ty: PgType::new(oid::BOOL), pos: 0 }),
            },
        };
        let mut merged_alias = None;
        let mut namespace = combine(left_names, right_names, merged.clone());
        if let JoinConstraint::Using(names) = constraint
            && let Some(alias) = names.last().and_then(using_alias)
        {
            merged_alias = Some(alias.into());
            let item = merged_item(alias, merged);
            self.check_conflicts(&namespace, std::slice::from_ref(&item))?;
            namespace.push(item);
        }
        if matches!(kind, JoinKind::Left | JoinKind::Full) {
            note_relations(&right, &mut self.nullable);
        }
        if matches!(kind, JoinKind::Right | JoinKind::Full) {
            note_relations(&left, &mut self.nullable);
        }
        let lateral = matches!(&right, FromItem::Relation(r) if r.lateral);
        let kind = if kind == JoinKind::Inner && on.is_none() { JoinKind::Cross } else { kind };
        let join = Join { kind, left, right, on, lateral, merged: sides, merged_alias, alias: None };
        Ok((FromItem::Join(Box::new(join)), namespace))
    }

    /// ON sees both sides and nothing else of this level.
    fn join_condition(&mut self, on: &ast::Expr, left: &[NsItem], right: &[NsItem]) -> Result<Expr> {
        let both: Vec<NsItem> = left.iter().chain(right).cloned().collect();
        let saved = std::mem::replace(&mut self.scope().items, both);
        let condition = self.in_clause(Clause::JoinOn, |a| {
            let on = a.expr(on)?;
            a.coerce_boolean(on, "JOIN/ON")
        });
        self.scope().items = saved;
        condition
    }

    /// buildMergedJoinVar: the value of a column that USING merges.
    fn merge(&mut self, kind: JoinKind, left: Expr, right: Expr) -> Result<Expr> {
        let ty = self.common_type_of_exprs(&[left.clone(), right.clone()], "JOIN/USING")?;
        let plain_left = left.ty.oid == ty.oid;
        let left = self.coerce_common(left, ty, "JOIN/USING")?;
        let right = self.coerce_common(right, ty, "JOIN/USING")?;
        Ok(match kind {
            JoinKind::Inner | JoinKind::Cross if plain_left => left,
            JoinKind::Inner | JoinKind::Cross => right,
            JoinKind::Left => left,
            JoinKind::Right => right,
            JoinKind::Full => Expr { kind: ExprKind::Coalesce(vec![left, right]), ty, pos: 0 },
        })
    }

    /// `(a JOIN b …) AS alias`: only the join's own columns are to be seen, under the alias.
    pub(crate) fn alias_join(
        &mut self,
        mut item: FromItem,
        namespace: Vec<NsItem>,
        alias: &ast::TableAlias,
    ) -> Result<Item> {
        let mut columns: Vec<NsColumn> = namespace
            .iter()
            .filter(|i| i.cols_visible)
            .flat_map(|i| i.columns.iter().filter(|c| !c.hidden).cloned())
            .collect();
        if alias.columns.len() > columns.len() {
            let message = format!(
                "join expression \"{}\" has {} columns available but {} columns specified",
                fold(&alias.name),
                columns.len(),
                alias.columns.len()
            );
            return Err(Error::new(SqlState::INVALID_COLUMN_REFERENCE, message).at(self.pos(alias.name.span)));
        }
        for (column, name) in columns.iter_mut().zip(&alias.columns) {
            column.name = fold(&name.name);
        }
        if let FromItem::Join(join) = &mut item {
            join.alias = Some(JoinAlias {
                name: fold(&alias.name),
                columns: columns.iter().map(|c| (Arc::clone(&c.name), c.expr.clone())).collect(),
                named: alias.columns.len() as u16,
            });
        }
        let ns = NsItem {
            alias: fold(&alias.name),
            namespace: None,
            rel: None,
            row_type: oid::RECORD,
            columns: columns.into(),
            rel_visible: true,
            cols_visible: true,
            lateral_only: false,
            lateral_ok: true,
        };
        Ok((item, vec![ns]))
    }
}

fn kind(operator: &JoinOperator) -> Result<(JoinKind, &JoinConstraint)> {
    Ok(match operator {
        JoinOperator::Join(c) | JoinOperator::Inner(c) => (JoinKind::Inner, c),
        JoinOperator::Left(c) | JoinOperator::LeftOuter(c) => (JoinKind::Left, c),
        JoinOperator::Right(c) | JoinOperator::RightOuter(c) => (JoinKind::Right, c),
        JoinOperator::FullOuter(c) => (JoinKind::Full, c),
        JoinOperator::CrossJoin(c) => (JoinKind::Cross, c),
        _ => return Err(Error::unsupported("this kind of join")),
    })
}

/// The alias of `USING (…) AS alias`, which the parser appends to the columns.
fn using_alias(name: &ast::ObjectName) -> Option<&str> {
    name.0.last().and_then(|p| p.as_ident()).and_then(|i| i.value.strip_prefix(rewrite::MARK))
}

/// What `USING (…) AS alias` puts into the namespace: the merged columns, by that name only.
fn merged_item(alias: &str, columns: Vec<NsColumn>) -> NsItem {
    NsItem {
        alias: alias.into(),
        namespace: None,
        rel: None,
        row_type: oid::RECORD,
        columns: columns.into(),
        rel_visible: true,
        cols_visible: false,
        lateral_only: false,
        lateral_ok: true,
    }
}

/// The columns that NATURAL JOIN joins by.
fn shared_columns(left: &[NsItem], right: &[NsItem]) -> Vec<(Name, u32)> {
    let names = |items: &[NsItem]| -> Vec<Name> {
        items
            .iter()
            .filter(|i| i.cols_visible)
            .flat_map(|i| i.columns.iter().filter(|c| !c.hidden).map(|c| Arc::clone(&c.name)))
            .collect()
    };
    let right = names(right);
    names(left).into_iter().filter(|n| right.contains(n)).map(|n| (n, 0)).collect()
}

fn using_column(items: &[NsItem], name: &str, side: &str, pos: u32) -> Result<Expr> {
    let mut found = items
        .iter()
        .filter(|i| i.cols_visible)
        .flat_map(|i| i.columns.iter().filter(|c| !c.hidden && &*c.name == name));
    match (found.next(), found.next()) {
        (Some(column), None) => Ok(at(column.expr.clone(), pos)),
        (None, _) => {
            let message = format!("column \"{name}\" specified in USING clause does not exist in {side} table");
            Err(Error::new(SqlState::UNDEFINED_COLUMN, message))
        }
        (Some(_), Some(_)) => {
            let message = format!("common column name \"{name}\" appears more than once in {side} table");
            Err(Error::new(SqlState::AMBIGUOUS_COLUMN, message))
        }
    }
}

/// The namespace of a join without an alias: both sides by name, and (if columns were merged) an item without a name
/// that holds the join's columns in order: merged ones first.
fn combine(mut left: Vec<NsItem>, mut right: Vec<NsItem>, merged: Vec<NsColumn>) -> Vec<NsItem> {
    if merged.is_empty() {
        left.append(&mut right);
        return left;
    }
    let is_merged = |c: &NsColumn| merged.iter().any(|m| m.name == c.name);
    let mut columns = merged.clone();
    for item in left.iter().chain(&right).filter(|i| i.cols_visible) {
        columns.extend(item.columns.iter().filter(|c| !is_merged(c)).cloned());
    }
    let mut items: Vec<NsItem> = left
        .into_iter()
        .chain(right)
        .filter(|i| i.rel_visible)
        .map(|mut i| {
            i.cols_visible = false;
            i
        })
        .collect();
    items.push(NsItem {
        alias: "unnamed_join".into(),
        namespace: None,
        rel: None,
        row_type: oid::RECORD,
        columns: columns.into(),
        rel_visible: false,
        cols_visible: true,
        lateral_only: false,
        lateral_ok: true,
    });
    items
}

/// The relations of a FROM item.
fn note_relations(item: &FromItem, found: &mut std::collections::HashSet<crate::tree::RelId>) {
    match item {
        FromItem::Relation(relation) => {
            found.insert(relation.id);
        }
        FromItem::Join(join) => {
            note_relations(&join.left, found);
            note_relations(&join.right, found);
        }
    }
}
