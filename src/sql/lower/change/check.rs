//! CHECK constraints and domains: what DuckDB's tables do not hold is checked on what is written.
//!
//! `CHECK (a > 0)` → the first value written becomes `CASE WHEN NOT (a > 0) THEN CAST(error('DG␁23514…') AS …) ELSE value END`:
//! a projection, so that only rows that are really written can fail.

use std::sync::Arc;

use crate::engine::error::encode;
use crate::error::{Error, Result, SqlState};
use crate::policy;
use crate::registry::{self, ConstraintKind, UserTypeKind};
use crate::sql::analyze::{self, Stored};
use crate::sql::compile;

use crate::sql::lower::Lowerer;
use crate::sql::lower::ir::{Node, Scalar};
use crate::sql::lower::value::raise::{VALUE, raise, raise_told, told};
use crate::tree::{RelColumn, RelId, Relation};
use crate::types::{Oid, PgType, Phys};

/// A test that must not be true, and the error if it is.
pub(crate) type Guard = (Scalar, Error);

/// A new row as the details of errors show it: what stands before its columns, and their texts.
pub(crate) struct RowText {
    before: String,
    columns: Vec<Scalar>,
}

impl RowText {
    /// An error's text with the row's in it.
    fn of(&self, told: Scalar) -> Scalar {
        let place = Scalar::literal(VALUE.to_string(), Phys::Text);
        let before = Scalar::literal(self.before.clone(), Phys::Text);
        let args = [told, place, before].into_iter().chain(self.columns.iter().cloned());
        Scalar::call("dg_told", args.collect(), Phys::Text)
    }
}

/// Puts guards in front of the first value. `row` is the text of the whole row, for the detail of a broken CHECK or NOT NULL.
///
/// DuckDB makes a place for the values of each part of an expression whenever it runs the statement, whether it computes the part or
/// not. So the row's text is there once, and where there are several guards, they are asked once more for which of them it was.
pub(crate) fn guard_first(values: &mut [Scalar], guards: Vec<Guard>, row: Option<&RowText>) {
    let Some(first) = values.first_mut() else { return };
    if guards.is_empty() {
        return;
    }
    let phys = first.phys.clone();
    let row = row.filter(|_| guards.iter().any(|(_, error)| shows_row(error)));
    let weights = guards.iter().map(|(test, _)| test.weight());
    let (weight, volatile) = weights.fold((0, false), |(all, any), (one, volatile)| (all + one, any || volatile));
    let whens = match row {
        Some(row) if guards.len() > 1 && !volatile && weight <= guards.len() * row.columns.len() * TEXT_WEIGHT => {
            let told = told_first(guards, true);
            vec![(told.clone().is_not_null(), raise_told(row.of(told), &phys))]
        }
        _ => {
            let raised = |error: Error| match row {
                Some(row) if shows_row(&error) => raise_told(row.of(told(&of_row(error))), &phys),
                _ => raise(&error, &phys),
            };
            guards.into_iter().map(|(test, error)| (test, raised(error))).collect()
        }
    };
    let value = std::mem::replace(first, Scalar::bool(true));
    *first = Scalar::new(Node::Case { whens, otherwise: Some(Box::new(value)) }, phys);
}

/// What [`guard_first`] would raise, as a text; NULL if nothing.
pub(crate) fn first_broken(guards: Vec<Guard>, row: Option<&RowText>) -> Scalar {
    let told = told_first(guards, row.is_some());
    match row {
        Some(row) => row.of(told),
        None => told,
    }
}

/// The text of the first broken guard's error, with a place for the row's if that `shows`; NULL if none is broken.
fn told_first(guards: Vec<Guard>, shows: bool) -> Scalar {
    let of = |error: Error| match shows && shows_row(&error) {
        true => told(&of_row(error)),
        // No name has such a place.
        false => Scalar::literal(encode(&error).replace(VALUE, " "), Phys::Text),
    };
    let whens: Vec<_> = guards.into_iter().map(|(test, error)| (test, of(error))).collect();
    match whens.is_empty() {
        true => Scalar::null(Phys::Text),
        false => Scalar::new(Node::Case { whens, otherwise: None }, Phys::Text),
    }
}

fn shows_row(error: &Error) -> bool {
    matches!(error.code(), SqlState::CHECK_VIOLATION | SqlState::NOT_NULL_VIOLATION)
}

fn of_row(error: Error) -> Error {
    error.detail(format!("Failing row contains {VALUE}."))
}

impl Lowerer<'_> {
    /// The guards of a table's CHECK constraints over a new row.
    pub(crate) fn check_guards(
        &mut self,
        def: &Arc<registry::Relation>,
        target: &Relation,
        value_of: &dyn Fn(u16) -> Option<Scalar>,
    ) -> Result<Vec<Guard>> {
        self.check_guards_on(def, target, value_of, None)
    }

    /// As [`Self::check_guards`]; with `touched`, only of those that read one of these columns, or that rows may break already.
    pub(crate) fn check_guards_on(
        &mut self,
        def: &Arc<registry::Relation>,
        target: &Relation,
        value_of: &dyn Fn(u16) -> Option<Scalar>,
        touched: Option<&[u16]>,
    ) -> Result<Vec<Guard>> {
        let only = touched;
        let touched: Option<Vec<i16>> = touched.map(|touched| {
            touched.iter().filter_map(|i| target.columns.get(usize::from(*i))).map(|c| c.attnum).collect()
        });
        // A row that meets a constraint goes on meeting it while its columns stay; of one that is NOT VALID that is not known.
        let is_touched = |c: &registry::Constraint| match (&c.kind, &touched) {
            (ConstraintKind::Check { columns, .. }, Some(touched)) => {
                !c.validated || columns.iter().any(|num| touched.contains(num))
            }
            _ => true,
        };
        let mut checks: Vec<(&registry::Name, &str, &[i16])> = def
            .constraints
            .iter()
            .filter(|c| is_touched(c))
            .filter_map(|c| match &c.kind {
                ConstraintKind::Check { expression, columns } => {
                    Some((&c.name, expression.as_str(), columns.as_slice()))
                }
                ConstraintKind::PrimaryKey { .. }
                | ConstraintKind::Unique { .. }
                | ConstraintKind::ForeignKey { .. }
                | ConstraintKind::Exclusion { .. } => None,
            })
            .collect();
        // PostgreSQL checks them in the order of their names.
        checks.sort();
        let mut guards = Vec::with_capacity(checks.len());
        for (name, text, _) in checks {
            let values: Vec<Option<Scalar>> = (0..target.columns.len()).map(|i| value_of(i as u16)).collect();
            let holds = self.check_expression(text, &def.name, &target.columns, values)?;
            let message = format!("new row for relation \"{}\" violates check constraint \"{name}\"", def.name);
            let error =
                Error::new(SqlState::CHECK_VIOLATION, message).table(&*def.namespace, &*def.name).constraint(&**name);
            guards.push((Scalar::template("(NOT {0})", vec![holds], Phys::Bool), error));
        }
        guards.extend(self.partition_guards(def, target, value_of, only)?);
        Ok(guards)
    }

    /// The guards of NOT NULL columns over a new row, but those of which `never` knows better.
    pub(crate) fn not_null_guards(
        def: &Arc<registry::Relation>,
        target: &Relation,
        value_of: &dyn Fn(u16) -> Option<Scalar>,
        never: &dyn Fn(u16) -> bool,
    ) -> Vec<Guard> {
        let mut guards = Vec::new();
        for (index, column) in target.columns.iter().enumerate() {
            let index = index as u16;
            if column.attnum <= 0 || never(index) || def.column_by_num(column.attnum).is_none_or(|c| !c.not_null) {
                continue;
            }
            let message = format!(
                "null value in column \"{}\" of relation \"{}\" violates not-null constraint",
                column.name, def.name
            );
            let error = Error::new(SqlState::NOT_NULL_VIOLATION, message)
                .table(&*def.namespace, &*def.name)
                .column(&*column.name);
            let test = value_of(index).map_or_else(|| Scalar::bool(true), Scalar::is_null);
            guards.push((test, error));
        }
        // DuckDB holds them anyhow: these are here for the detail, which must not cost wide tables their speed.
        if guards.len() * target.columns.len() > MAX_NOT_NULL {
            guards.clear();
        }
        guards
    }

    /// A new row as PostgreSQL's details show it (ExecBuildSlotValueDescription): `(1, x, null)`, or `(a, b) = (1, x)` with
    /// what the role gave itself (`written`) or may read, if it may not read all. None if that is nothing, if a column's
    /// type has no text here, or if there are too many columns to repeat them for each of so many constraints.
    pub(crate) fn row_text(
        &mut self,
        def: &registry::Relation,
        target: &Relation,
        value_of: &dyn Fn(u16) -> Option<Scalar>,
        written: &[u16],
        guards: usize,
    ) -> Option<RowText> {
        let (snapshot, role) = (self.cx.snapshot.clone(), self.cx.reader());
        if !snapshot.shows_values(role, def) {
            return None;
        }
        let select = registry::Privileges::SELECT;
        let all = snapshot.relation_privileges(role, def).contains(select);
        let may = |index: u16, column: &RelColumn| {
            let readable = || {
                let column = def.column_by_num(column.attnum);
                column.is_some_and(|c| snapshot.column_privileges(role, def, c).contains(select))
            };
            // What is written on another's behalf is nothing that who is told has given.
            let given = self.cx.told.is_none() && written.contains(&index);
            column.attnum > 0 && (all || given || readable())
        };
        let columns = target.columns.iter().enumerate().map(|(i, c)| (i as u16, c));
        let columns: Vec<(u16, &RelColumn)> = columns.filter(|(index, c)| may(*index, c)).collect();
        if columns.is_empty() || columns.len() * guards > MAX_SHOWN {
            return None;
        }
        let mut shown = Vec::with_capacity(columns.len());
        for (index, column) in &columns {
            shown.push(match value_of(*index) {
                Some(value) => self.output(value, column.ty).ok()?,
                None => Scalar::null(Phys::Text),
            });
        }
        let names: Vec<&str> = columns.iter().map(|(_, c)| &*c.name).collect();
        let before = if all { "(".to_owned() } else { format!("({}) = (", names.join(", ")) };
        Some(RowText { before, columns: shown })
    }

    /// An expression in PostgreSQL's text over `columns`, for which `values` stand.
    pub(crate) fn check_expression(
        &mut self,
        text: &str,
        alias: &str,
        columns: &[RelColumn],
        values: Vec<Option<Scalar>>,
    ) -> Result<Scalar> {
        self.stored_expression((text, Stored::Check), alias, columns, values)
    }

    pub(crate) fn stored_expression(
        &mut self,
        (text, kind): (&str, Stored),
        alias: &str,
        columns: &[RelColumn],
        values: Vec<Option<Scalar>>,
    ) -> Result<Scalar> {
        self.made += 1;
        let rel = RelId(CHECK_RELATIONS + self.made);
        let e = analyze::expression(text, kind, (alias, rel), columns, self.cx)?;
        let permit = policy::check_expression(e, &compile::authority(self.cx))?;
        if values.iter().flatten().any(|v| v.weight().1) {
            return Err(Error::unsupported("a volatile value for a column with a CHECK constraint"));
        }
        self.substitutes.insert(rel, values);
        let value = self.left_out(|this| this.expr(permit.get()));
        self.substitutes.remove(&rel);
        value
    }

    /// To a domain, its NOT NULL and checks apply; from it, the value is of the base type already.
    pub(crate) fn domain(&mut self, value: Scalar, domain: Oid, _from: PgType, ty: PgType) -> Result<Scalar> {
        let known = self.cx.snapshot.user_type_by_oid(domain).cloned();
        let Some(known) = known.filter(|t| matches!(t.kind, UserTypeKind::Domain { .. })) else {
            return Err(Error::internal(format!("lower: type {domain} is no domain")));
        };
        let Conditions { not_null, checks } = Conditions::of(&self.cx.snapshot, domain);
        if ty.oid != domain || (!not_null && checks.is_empty()) {
            return Ok(value);
        }
        let (namespace, name) = (known.namespace.clone(), known.name.clone());
        let of_domain = |mut error: Error| {
            error.report_mut().schema = Some(namespace.to_string());
            error.report_mut().data_type = Some(name.to_string());
            error
        };
        let shown = crate::types::name::format_type(PgType::new(domain), &self.cx.seen());
        let value = self.settle(value);
        self.bind_once(value, |this, value| {
            let mut guards: Vec<Guard> = Vec::new();
            if not_null {
                let error =
                    Error::new(SqlState::NOT_NULL_VIOLATION, format!("domain {shown} does not allow null values"));
                guards.push((value.clone().is_null(), of_domain(error)));
            }
            for (base, check, text) in &checks {
                let column = RelColumn { name: "value".into(), ty: *base, attnum: 0 };
                let columns = std::slice::from_ref(&column);
                let holds = this.check_expression(text, "value", columns, vec![Some(value.clone())])?;
                let message = format!("value for domain {shown} violates check constraint \"{check}\"");
                let error = of_domain(Error::new(SqlState::CHECK_VIOLATION, message).constraint(&**check));
                guards.push((Scalar::template("(NOT {0})", vec![holds], Phys::Bool), error));
            }
            let mut values = [value];
            guard_first(&mut values, guards, None);
            let [value] = values;
            Ok(value)
        })
    }
}

/// What the values of a domain must be, the conditions of the domains under it included.
struct Conditions {
    not_null: bool,
    /// The type of VALUE, the constraint's name and its expression, in the order in which PostgreSQL asks them: the innermost
    /// domain's first, those of one domain by their names.
    checks: Vec<(PgType, registry::Name, String)>,
}

impl Conditions {
    fn of(snapshot: &registry::Snapshot, domain: Oid) -> Self {
        match snapshot.user_type_by_oid(domain).filter(|t| t.oid == domain).map(|t| &t.kind) {
            Some(UserTypeKind::Domain { base, collation: _, not_null, default: _, checks }) => {
                let mut all = Self::of(snapshot, base.oid);
                all.not_null |= not_null;
                let mut own: Vec<_> = checks.iter().map(|(name, text)| (*base, name.clone(), text.clone())).collect();
                own.sort_by(|a, b| a.1.cmp(&b.1));
                all.checks.extend(own);
                all
            }
            Some(UserTypeKind::Enum { .. } | UserTypeKind::Range { .. } | UserTypeKind::Multirange { .. }) | None => {
                Self { not_null: false, checks: Vec::new() }
            }
        }
    }
}

/// How many texts of columns a statement may have for its errors' details.
const MAX_SHOWN: usize = 256;

/// As [`MAX_SHOWN`], for columns that are NOT NULL.
const MAX_NOT_NULL: usize = 64;

/// How much a guard may weigh for each column's text that it spares.
const TEXT_WEIGHT: usize = 3;

/// Relation ids from here on stand for rows that are checked.
const CHECK_RELATIONS: u32 = 1 << 30;
