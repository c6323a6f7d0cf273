//! Expressions: columns, constructors, and where parentheses stand.

use super::Printer;
use super::constant::Label;
use crate::error::{Error, Result};
use crate::registry::expression::quote;
use crate::sql::analyze::same;
use crate::tree::{CallForm, CastHow, Expr, ExprKind, RelId, Subscript};
use crate::types::{Value, oid};

impl Printer<'_> {
    /// `implicit`: casts that nobody wrote are shown.
    pub(super) fn expr(&mut self, e: &Expr, implicit: bool) -> Result<()> {
        stacker::maybe_grow(256 << 10, 2 << 20, || self.expr_inner(e, implicit))
    }

    /// At the top of a list, where a whole row must not become its columns.
    pub(super) fn top(&mut self, e: &Expr, implicit: bool) -> Result<()> {
        match &e.kind {
            ExprKind::Column { .. } | ExprKind::WholeRow(_) => self.variable(e, true).map(drop),
            _ => self.expr(e, implicit),
        }
    }

    /// An operand of `parent`, in parentheses if terse text needs them.
    pub(super) fn operand(&mut self, e: &Expr, implicit: bool, parent: &Expr) -> Result<()> {
        let parens = self.style.terse && !simple(e, parent);
        self.push(if parens { "(" } else { "" });
        self.expr(e, implicit)?;
        self.push(if parens { ")" } else { "" });
        Ok(())
    }

    fn expr_inner(&mut self, e: &Expr, implicit: bool) -> Result<()> {
        // What USING merges is written by its name.
        if !matches!(e.kind, ExprKind::Column { .. })
            && let Some(name) = self.merged(e)
        {
            self.name(&name);
            return Ok(());
        }
        match &e.kind {
            ExprKind::Const(value) => self.constant(value, e.ty, Label::Needed),
            ExprKind::Param(n) => self.push(&format!("${}", n + 1)),
            ExprKind::Column { .. } | ExprKind::WholeRow(_) => return self.variable(e, false).map(drop),
            ExprKind::Call(call) | ExprKind::SetReturning(call) => return self.invocation(e, call),
            ExprKind::Routine(routine) => return self.routine(routine),
            ExprKind::Aggregate(aggregate) => return self.aggregate(aggregate),
            ExprKind::Window(window) => return self.window(window),
            ExprKind::Cast { arg, how, explicit } => return self.cast(e, arg, how, *explicit, implicit),
            ExprKind::And(_)
            | ExprKind::Or(_)
            | ExprKind::Not(_)
            | ExprKind::IsNull { .. }
            | ExprKind::IsBool { .. }
            | ExprKind::Distinct { .. }
            | ExprKind::NullIf { .. }
            | ExprKind::Case { .. }
            | ExprKind::Coalesce(_)
            | ExprKind::MinMax { .. }
            | ExprKind::AnyAll { .. }
            | ExprKind::RowCompare { .. } => return self.condition(e),
            ExprKind::Exists(_)
            | ExprKind::ScalarSubquery(_)
            | ExprKind::ArraySubquery(_)
            | ExprKind::AnyAllSubquery { .. } => return self.sublink(e),
            ExprKind::Array { items, nested: _ } => {
                self.push("ARRAY[");
                self.list(items, |p, item| p.expr(item, true))?;
                self.push("]");
                if items.is_empty() {
                    self.label(e.ty);
                }
            }
            ExprKind::Row(items) => {
                self.row(items)?;
                if e.ty.oid != oid::RECORD {
                    self.label(e.ty);
                }
            }
            ExprKind::Subscript { array, indices } => return self.subscript(array, indices, implicit),
            ExprKind::Put { .. } => return Err(Error::unsupported("printing an assignment to a part of a column")),
            ExprKind::Field { row, field } => return self.field(row, *field),
            ExprKind::Session(_, written) => self.push(written),
            ExprKind::NextValue(sequence) => {
                self.push("nextval(");
                self.constant(&Value::Oid(*sequence), crate::types::PgType::new(oid::REGCLASS), Label::Needed);
                self.push(")");
            }
            ExprKind::Default => self.push("DEFAULT"),
            ExprKind::Collate { arg, collation } => {
                self.open();
                self.operand(arg, implicit, e)?;
                self.push(" COLLATE ");
                self.push(&quote(crate::facts::collation_name(*collation).unwrap_or_default()));
                self.close();
            }
            ExprKind::Grouping(indexes) => {
                let groups = self.levels.last().map(|l| l.groups.clone()).unwrap_or_default();
                self.push("GROUPING(");
                self.list(indexes, |p, i| match groups.get(usize::from(*i)) {
                    Some(expr) => p.expr(expr, true),
                    None => Err(Error::internal("GROUPING() of what is not grouped by")),
                })?;
                self.push(")");
            }
            ExprKind::Extended { name, args: _ } => return Err(Error::unsupported(format!("printing {name}"))),
        }
        Ok(())
    }

    /// A column or a whole row; gives the name that a target list's entry has by itself.
    pub(super) fn variable(&mut self, e: &Expr, top: bool) -> Result<Option<String>> {
        let (rel, column): (RelId, Option<u16>) = match e.kind {
            ExprKind::Column { rel, column } => (rel, Some(column)),
            ExprKind::WholeRow(rel) => (rel, None),
            _ => return Err(Error::internal("no variable")),
        };
        let joined = self.levels.iter().rev().flat_map(|l| &l.join_columns);
        if let Some(found) = joined.into_iter().find(|j| j.join.is_some() && same(&j.value, e)) {
            let (join, name) = (found.join.clone().unwrap_or_default(), found.column.clone());
            self.name(&join);
            self.push(".");
            self.name(&name);
            return Ok(Some(name));
        }
        let Some((level, called)) = self.find(rel) else {
            return Err(Error::internal("a column of no relation"));
        };
        let raw = level.raw;
        let (relation, name) = match column {
            Some(column) => (called.name.clone(), called.columns.get(usize::from(column)).cloned()),
            None => (called.name.clone(), None),
        };
        match &name {
            Some(name) if raw => {
                // Inside of a subquery.
                if self.prefix && !relation.is_empty() {
                    self.name(&relation);
                    self.push(".");
                }
                self.push(name);
            }
            Some(name) => {
                if self.prefix {
                    self.name(&relation);
                    self.push(".");
                }
                self.name(name);
            }
            None if column.is_some() => return Err(Error::internal("a column without a name")),
            None => {
                if !relation.is_empty() {
                    self.name(&relation);
                    self.push(".");
                }
                self.push("*");
                if top {
                    let ty = match e.ty.oid {
                        oid::RECORD => "record".to_owned(),
                        _ => self.type_name(e.ty),
                    };
                    self.push("::");
                    self.push(&ty);
                }
            }
        }
        Ok(name)
    }

    /// The name of a column that USING merges, if it has no simpler one.
    pub(super) fn merged(&self, e: &Expr) -> Option<String> {
        let mut all = self.levels.iter().rev().flat_map(|l| &l.join_columns);
        all.find(|j| j.join.is_none() && same(&j.value, e)).map(|j| j.column.clone())
    }

    fn subscript(&mut self, array: &Expr, indices: &[Subscript], implicit: bool) -> Result<()> {
        let parens = !matches!(array.kind, ExprKind::Column { .. } | ExprKind::Field { .. });
        self.push(if parens { "(" } else { "" });
        self.expr(array, implicit)?;
        self.push(if parens { ")" } else { "" });
        for index in indices {
            self.push("[");
            match index {
                Subscript::Index(index) => self.expr(index, false)?,
                Subscript::Slice(low, high) => {
                    if let Some(low) = low {
                        self.expr(low, false)?;
                    }
                    self.push(":");
                    if let Some(high) = high {
                        self.expr(high, false)?;
                    }
                }
            }
            self.push("]");
        }
        Ok(())
    }

    fn field(&mut self, row: &Expr, field: u16) -> Result<()> {
        // `(t).a` is the column itself.
        if let ExprKind::WholeRow(rel) = row.kind
            && let Some((_, called)) = self.find(rel)
            && let Some(name) = called.columns.get(usize::from(field)).cloned()
        {
            let relation = called.name.clone();
            self.name(&relation);
            self.push(".");
            self.name(&name);
            return Ok(());
        }
        let name = self.field_name(row, field).ok_or_else(|| Error::unsupported("printing a field of a record"))?;
        // A domain's value has the fields of what is below.
        let row = match &row.kind {
            ExprKind::Cast { arg, how: CastHow::Relabel, explicit: false } => arg,
            _ => row,
        };
        let parens = !matches!(row.kind, ExprKind::Subscript { .. } | ExprKind::Field { .. });
        self.push(if parens { "(" } else { "" });
        self.expr(row, true)?;
        self.push(if parens { ")" } else { "" });
        self.push(".");
        self.name(&name);
        Ok(())
    }

    pub(super) fn row(&mut self, items: &[Expr]) -> Result<()> {
        self.push("ROW(");
        self.list(items, |p, item| p.top(item, true))?;
        self.push(")");
        Ok(())
    }

    fn field_name(&self, row: &Expr, field: u16) -> Option<String> {
        let field = usize::from(field);
        if let Some(table) = self.seen.snapshot.objects().row_types.get(&row.ty.oid) {
            let table = self.seen.snapshot.relation_by_oid(*table)?;
            return table.columns.get(field).map(|c| c.name.to_string());
        }
        match &row.kind {
            ExprKind::Call(call) | ExprKind::SetReturning(call) => {
                call.func.out_args.get(field).map(|(name, _)| (*name).to_owned())
            }
            ExprKind::Routine(r) if r.row => r.body.columns.get(field).map(|c| c.name.to_string()),
            ExprKind::Row(_) => Some(format!("f{}", field + 1)),
            _ => None,
        }
    }
}

/// What is under casts that nobody wrote.
pub(super) fn implicit_arg(e: &Expr) -> &Expr {
    match &e.kind {
        ExprKind::Cast { arg, explicit: false, .. } => implicit_arg(arg),
        _ => e,
    }
}

/// Is it printed as a call (looks_like_function)?
pub(super) fn is_call(e: &Expr) -> bool {
    match &e.kind {
        ExprKind::Call(call) | ExprKind::SetReturning(call) => call.operator.is_none(),
        ExprKind::Aggregate(_) | ExprKind::Window(_) | ExprKind::NextValue(_) | ExprKind::Routine(_) => true,
        ExprKind::Session(_, written) => written.ends_with(')'),
        _ => false,
    }
}

fn is_operator(e: &Expr) -> Option<&crate::tree::Call> {
    match &e.kind {
        ExprKind::Call(call) if call.operator.is_some() => Some(call),
        _ => None,
    }
}

/// A row comparison by = or <> is AND or OR of its columns' comparisons.
pub(super) fn row_logic(e: &Expr) -> Option<bool> {
    match &e.kind {
        ExprKind::And(_) => Some(true),
        ExprKind::Or(_) => Some(false),
        ExprKind::RowCompare { op_name, left, .. } if left.len() > 1 && &**op_name == "=" => Some(true),
        ExprKind::RowCompare { op_name, left, .. } if left.len() > 1 && &**op_name == "<>" => Some(false),
        _ => None,
    }
}

/// isSimpleNode: needs no parentheses under that parent in terse text.
fn simple(e: &Expr, parent: &Expr) -> bool {
    match &e.kind {
        ExprKind::Const(_)
        | ExprKind::Param(_)
        | ExprKind::Column { .. }
        | ExprKind::WholeRow(_)
        | ExprKind::Default
        | ExprKind::Subscript { .. }
        | ExprKind::Put { .. }
        | ExprKind::Array { .. }
        | ExprKind::Row(_)
        | ExprKind::Coalesce(_)
        | ExprKind::MinMax { .. }
        | ExprKind::NullIf { .. }
        | ExprKind::Aggregate(_)
        | ExprKind::Window(_)
        | ExprKind::Routine(_)
        | ExprKind::SetReturning(_)
        | ExprKind::Session(_, _)
        | ExprKind::NextValue(_)
        | ExprKind::Grouping(_)
        | ExprKind::Extended { .. }
        | ExprKind::Case { .. } => true,
        ExprKind::Field { .. } => !matches!(parent.kind, ExprKind::Field { .. }),
        ExprKind::Cast { how: CastHow::Function(_) | CastHow::Typmod, .. } => true,
        ExprKind::Cast { arg, .. } => simple(arg, e),
        ExprKind::Call(call) if call.operator.is_none() => true,
        ExprKind::Call(call) => match is_operator(parent) {
            Some(outer) => binds_tighter(call, outer, e),
            None => encloses(parent),
        },
        ExprKind::Exists(_)
        | ExprKind::ScalarSubquery(_)
        | ExprKind::ArraySubquery(_)
        | ExprKind::AnyAllSubquery { .. }
        | ExprKind::IsNull { .. }
        | ExprKind::IsBool { .. }
        | ExprKind::Distinct { .. } => encloses(parent) || is_logic(parent),
        ExprKind::And(_) | ExprKind::Or(_) | ExprKind::Not(_) | ExprKind::RowCompare { .. } => {
            let inner = match &e.kind {
                ExprKind::Not(_) => Some(true),
                _ => row_logic(e),
            };
            match (inner, is_logic(parent)) {
                (Some(conjunction), true) => match row_logic(parent) {
                    Some(true) => conjunction,
                    Some(false) => true,
                    // Under NOT everything needs them.
                    None => false,
                },
                (Some(_), false) => encloses(parent),
                (None, _) => false,
            }
        }
        ExprKind::AnyAll { .. } | ExprKind::Collate { .. } => false,
    }
}

fn is_logic(parent: &Expr) -> bool {
    matches!(parent.kind, ExprKind::Not(_)) || row_logic(parent).is_some()
}

/// Parents whose own syntax keeps what is in them apart.
fn encloses(parent: &Expr) -> bool {
    match &parent.kind {
        // `a AT TIME ZONE b` is an operator to its grammar.
        ExprKind::Call(call) | ExprKind::SetReturning(call) => call.operator.is_none() && call.form != CallForm::Syntax,
        ExprKind::Subscript { .. }
        | ExprKind::Array { .. }
        | ExprKind::Row(_)
        | ExprKind::Coalesce(_)
        | ExprKind::MinMax { .. }
        | ExprKind::NullIf { .. }
        | ExprKind::Aggregate(_)
        | ExprKind::Window(_)
        | ExprKind::Routine(_)
        | ExprKind::Case { .. } => true,
        _ => is_logic(parent),
    }
}

/// Of the arithmetic operators PostgreSQL knows which bind tighter.
fn binds_tighter(inner: &crate::tree::Call, outer: &crate::tree::Call, e: &Expr) -> bool {
    let rank = |call: &crate::tree::Call| match (super::call::operator_name(call), call.args.len()) {
        (Some("+" | "-"), 2) => Some(1),
        (Some("*" | "/" | "%"), 2) => Some(2),
        _ => None,
    };
    match (rank(inner), rank(outer)) {
        (Some(inner), Some(outer_rank)) if inner == outer_rank => {
            // (a - b) - c, not a - (b - c).
            outer.args.first().is_some_and(|first| std::ptr::eq(first, e))
        }
        (Some(inner), Some(outer)) => inner > outer,
        _ => false,
    }
}
