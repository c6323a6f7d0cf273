//! Expressions: one arm a kind; what takes more than a few lines is in a file of its own.

use crate::error::{Error, Result, SqlState};
use crate::sql::lower::ir::{self, Node, Scalar};
use crate::sql::lower::{Lowerer, Means};
use crate::tree::{BoolTest, Expr, ExprKind, RelId, SessionValue};
use crate::types::{PgType, Phys, oid};

impl Lowerer<'_> {
    pub(crate) fn expr(&mut self, e: &Expr) -> Result<Scalar> {
        if let Some(key) = self.key_below(e) {
            return Ok(self.ungroup(key));
        }
        crate::sql::heed::step()?;
        // Expressions are as deep as a client writes them.
        let value = stacker::maybe_grow(256 << 10, 1 << 20, || self.expr_kind(e));
        let value = value.map_err(|error| error.at(e.pos))?;
        let mut value = self.held(e, value);
        name_text(e.ty, &mut value);
        Ok(self.ungroup(value))
    }

    fn expr_kind(&mut self, e: &Expr) -> Result<Scalar> {
        match &e.kind {
            ExprKind::Const(value) => self.constant(value, e.ty),
            // Only NULL can be given: nothing reads the text or the bytes of an anonymous row.
            ExprKind::Param(_) if e.ty.oid == oid::RECORD => Ok(Scalar::null(Phys::Void)),
            ExprKind::Param(n) => {
                let phys = match self.phys(e.ty)? {
                    Phys::List(element) if self.cx.shaped.contains(n) => Phys::shaped(*element),
                    phys => phys,
                };
                Ok(self.param(crate::sql::ParamSource::Client(*n), phys))
            }
            ExprKind::Column { rel, column } => self.column(*rel, *column, e.ty),
            ExprKind::Call(call) => {
                self.note_doomed(e);
                self.call(call, e.ty)
            }
            ExprKind::Aggregate(aggregate) => self.aggregate(aggregate, e.ty),
            ExprKind::Window(window) => self.window(window, e.ty),
            // PostgreSQL plans a function's queries when it is called.
            ExprKind::Routine(r) if r.function.returns_set => self.left_out(|this| this.routine_set(r)),
            ExprKind::Routine(r) => self.left_out(|this| this.routine(r, e.ty)),
            ExprKind::SetReturning(call) => self.set_returning(call, e.ty),
            ExprKind::Cast { arg, how, explicit } => {
                self.note_doomed(e);
                self.cast(arg, how, *explicit, e.ty)
            }
            ExprKind::And(parts) => self.junction(parts, true),
            ExprKind::Or(parts) => self.junction(parts, false),
            ExprKind::Not(arg) => Ok(Scalar::template("(NOT {0})", vec![self.expr(arg)?], Phys::Bool)),
            ExprKind::IsNull { arg, not, whole } => self.null_test(arg, *not, *whole),
            ExprKind::IsBool { arg, test, not } => {
                let arg = self.expr(arg)?;
                Ok(Scalar::template(bool_test(*test, *not), vec![arg], Phys::Bool))
            }
            ExprKind::Distinct { eq, left, right, not } => self.distinct_from(eq, left, right, *not),
            ExprKind::NullIf { eq, left, right } => self.null_if(eq, left, right),
            ExprKind::Case { simple, whens, otherwise } => match self.drawn_operand(*simple, whens)? {
                Some(whens) => self.case(&whens, otherwise.as_deref()),
                None => self.case(whens, otherwise.as_deref()),
            },
            ExprKind::Coalesce(args) => self.coalesce(args),
            ExprKind::MinMax { greatest, args } => self.min_max(*greatest, args, e.ty),
            ExprKind::AnyAll { op, all, left, array } => self.any_all_array(op, *all, left, array),
            ExprKind::Exists(query) => {
                let query = self.left_out(|this| this.inner_query(query))?;
                Ok(Scalar::new(Node::Exists(Box::new(query)), Phys::Bool))
            }
            ExprKind::ScalarSubquery(query) => self.scalar_subquery(query),
            ExprKind::ArraySubquery(query) => self.array_subquery(query),
            ExprKind::AnyAllSubquery { of, op_name, ops, left, casts, query } => {
                self.any_all_subquery(*of, op_name, ops, left, casts, query)
            }
            ExprKind::Array { items, nested } => self.array(items, *nested, e.ty),
            ExprKind::Row(fields) => {
                let mut values = self.exprs(fields)?;
                if e.ty.oid != oid::RECORD {
                    for (value, field) in values.iter_mut().zip(fields).filter(|(value, _)| value.phys == Phys::Void) {
                        *value = Scalar::null(self.phys(field.ty)?);
                    }
                }
                self.row_of(values)
            }
            ExprKind::RowCompare { op_name, ops, left, right } => self.row_compare(op_name, ops, left, right),
            ExprKind::Subscript { array, indices } => self.subscript(array, indices),
            ExprKind::Field { row, field } => self.field(row, *field, e.ty),
            ExprKind::Put { whole, place, value } => self.put(whole, place, value, e.ty),
            ExprKind::WholeRow(rel) => self.whole_row(*rel),
            ExprKind::Session(value, _) => self.session_value(*value, e.ty),
            ExprKind::NextValue(sequence) => {
                self.writes |= !self.is_own_sequence(*sequence);
                let args = vec![self.session_id(), Scalar::number(*sequence, Phys::Void).cast(Phys::Oid)];
                Ok(self.volatile(Scalar::call("dg_nextval", args, Phys::Int8)))
            }
            ExprKind::Default => Err(Error::internal("lower: DEFAULT after analysis")),
            // Only collations equal to C pass analysis, and DuckDB compares bytes.
            ExprKind::Collate { arg, .. } => self.expr(arg),
            ExprKind::Grouping(indexes) => self.grouping_call(indexes),
            ExprKind::Extended { name, .. } => Err(Error::unsupported(format!("{name} of DuckDB's dialect"))),
        }
    }

    pub(crate) fn exprs(&mut self, list: &[Expr]) -> Result<Vec<Scalar>> {
        list.iter().map(|e| self.expr(e)).collect()
    }

    fn column(&mut self, rel: RelId, column: u16, ty: PgType) -> Result<Scalar> {
        if let Some(values) = self.substitutes.get(&rel) {
            return match values.get(usize::from(column)).cloned().flatten() {
                Some(value) => {
                    let value = self.as_guarded(rel, value);
                    Ok(self.of_own_level(rel, value))
                }
                None => Ok(Scalar::null(self.phys(ty)?)),
            };
        }
        let known = self.rels.get(&rel).ok_or_else(|| Error::internal(format!("lower: unknown relation {rel:?}")))?;
        let (means, phys) = known
            .columns
            .get(usize::from(column))
            .ok_or_else(|| Error::internal(format!("lower: relation {rel:?} has no column {column}")))?;
        match means {
            Means::Column(name) => Ok(self.as_guarded(rel, Scalar::column(known.alias, name.clone(), phys.clone()))),
            Means::Oid(oid) => Ok(Scalar::number(*oid, Phys::Void).cast(phys.clone())),
            Means::Routed(def) => {
                let (def, phys) = (def.clone(), phys.clone());
                let columns = known.columns.iter().map(|(means, phys)| match means {
                    Means::Column(name) => Some(Scalar::column(known.alias, name.clone(), phys.clone())),
                    Means::Oid(_) | Means::Routed(_) | Means::Nothing => None,
                });
                let columns = columns.collect();
                let value = self.routed_oid(&def, columns, &phys)?;
                self.present_or_null(rel, value)
            }
            Means::Nothing => Err(Error::unsupported("this system column")),
        }
    }

    fn null_test(&mut self, arg: &Expr, not: bool, whole: bool) -> Result<Scalar> {
        let value = self.expr(arg)?;
        // A row is null if every field is, and not null if no field is.
        if let (Phys::Row(fields), false) = (&value.phys, whole) {
            let tests = fields.iter().enumerate().map(|(i, phys)| {
                let field = super::row::field_of(value.clone(), i, phys.clone());
                if not { field.is_not_null() } else { field.is_null() }
            });
            return Ok(Scalar::and(tests.collect()).unwrap_or_else(|| Scalar::bool(true)));
        }
        Ok(if not { value.is_not_null() } else { value.is_null() })
    }

    fn case(&mut self, whens: &[(Expr, Expr)], otherwise: Option<&Expr>) -> Result<Scalar> {
        let (whens, otherwise) = super::fold::reachable(whens, otherwise);
        if whens.is_empty()
            && let Some(otherwise) = otherwise
        {
            return self.expr(otherwise);
        }
        let tests = whens.iter().map(|(test, _)| self.expr(test)).collect::<Result<Vec<_>>>()?;
        let mut values = Vec::with_capacity(whens.len() + 1);
        let mut known: Vec<(Scalar, bool)> = Vec::new();
        for ((_, then), test) in whens.iter().zip(&tests) {
            known.push((test.clone(), true));
            values.push(self.only_where(&known, then)?);
            if let Some((_, holds)) = known.last_mut() {
                *holds = false;
            }
        }
        if let Some(otherwise) = otherwise {
            values.push(self.only_where(&known, otherwise)?);
        }
        let (mut values, phys) = self.meet(values, true)?;
        let differs = self.scales_differ(&values);
        let scales: Vec<Scalar> = values.iter().map(|v| self.dscale_of(v)).collect();
        let build = |mut values: Vec<Scalar>, phys: Phys| {
            let otherwise = otherwise.and_then(|_| values.pop()).map(Box::new);
            let whens = tests.iter().cloned().zip(values).collect();
            Scalar::new(Node::Case { whens, otherwise }, phys)
        };
        let dscale = differs.then(|| Box::new(build(scales, Phys::Int4)));
        if differs {
            for value in &mut values {
                *value = Scalar { dscale: None, ..value.clone() }.cast(phys.clone());
            }
        }
        Ok(Scalar { dscale, ..build(values, phys) })
    }

    /// AND and OR. What does something (`nextval('s')`) is done only if what stands before it does not decide.
    fn junction(&mut self, parts: &[Expr], and: bool) -> Result<Scalar> {
        let node =
            |values: Vec<Scalar>| Scalar::new(if and { Node::And(values) } else { Node::Or(values) }, Phys::Bool);
        if let Some(value) = self.rows_in_list(parts, and)? {
            return Ok(value);
        }
        let last = parts.iter().rposition(super::routine::acts).unwrap_or(0);
        let mut values = Vec::with_capacity(parts.len());
        let mut known: Vec<(Scalar, bool)> = Vec::new();
        let queries = parts.iter().any(crate::sql::lower::steer::arms::has_query);
        let mut decided = false;
        for part in parts {
            let value = match decided {
                true => self.left_out(|this| this.only_where(&known, part))?,
                false => self.only_where(&known, part)?,
            };
            decided |= super::fold::decides(part, and);
            if queries {
                let open = if and { "({0} IS DISTINCT FROM FALSE)" } else { "({0} IS DISTINCT FROM TRUE)" };
                known.push((Scalar::template(open, vec![value.clone()], Phys::Bool), true));
            }
            values.push(value);
        }
        if last == 0 {
            return Ok(node(Self::in_order(parts, values, and)));
        }
        let rest = values.split_off(last);
        let mut joined = if rest.len() > 1 { node(rest) } else { rest.into_iter().next().unwrap_or(Scalar::bool(and)) };
        for value in values.into_iter().rev() {
            let decided = if and { "({0} IS NOT DISTINCT FROM FALSE)" } else { "({0} IS NOT DISTINCT FROM TRUE)" };
            joined = self.bind_once(value, |_, value| {
                let test = Scalar::template(decided, vec![value.clone()], Phys::Bool);
                Ok(Scalar::when(test, Scalar::bool(!and), node(vec![value, joined])))
            })?;
        }
        Ok(joined)
    }

    /// The tests of a simple CASE over a volatile operand, which is drawn once: over a relation of it. `None` of any other.
    fn drawn_operand(&mut self, simple: bool, whens: &[(Expr, Expr)]) -> Result<Option<Vec<(Expr, Expr)>>> {
        let operand = match whens {
            [(test, _), ..] if simple && super::routine::is_volatile(test) => operand_of(test),
            _ => return Ok(None),
        };
        let unknown = || {
            Error::unsupported("a volatile operand of this CASE")
                .hint("Compute it in a subquery in FROM, and use its column.")
        };
        let operand = operand.ok_or_else(unknown)?;
        if !super::routine::is_volatile(operand) {
            return Ok(None);
        }
        let value = self.expr(operand)?;
        self.made += 1;
        let rel = RelId(OPERANDS + self.made);
        self.substitutes.insert(rel, vec![Some(value)]);
        let mut whens = whens.to_vec();
        for (test, _) in &mut whens {
            let operand = operand_mut(test).ok_or_else(unknown)?;
            operand.kind = ExprKind::Column { rel, column: 0 };
        }
        Ok(Some(whens))
    }

    fn coalesce(&mut self, args: &[Expr]) -> Result<Scalar> {
        let mut values = Vec::with_capacity(args.len());
        let mut known: Vec<(Scalar, bool)> = Vec::new();
        let mut decided = false;
        for arg in args {
            let value = match decided {
                true => self.left_out(|this| this.only_where(&known, arg))?,
                false => self.only_where(&known, arg)?,
            };
            decided |= matches!(&arg.kind, ExprKind::Const(value) if !value.is_null());
            known.push((value.clone().is_null(), true));
            values.push(value);
        }
        let (values, phys) = self.meet(values, true)?;
        if !self.scales_differ(&values) {
            return Ok(Scalar::template("coalesce({*})", self.lazily(values), phys));
        }
        let whens = values.iter().map(|v| (v.clone().is_not_null(), self.dscale_of(v))).collect();
        let dscale = Some(Box::new(Scalar::new(Node::Case { whens, otherwise: None }, Phys::Int4)));
        let values = values.into_iter().map(|v| Scalar { dscale: None, ..v }.cast(phys.clone())).collect();
        Ok(Scalar { dscale, ..Scalar::template("coalesce({*})", self.lazily(values), phys) })
    }

    /// True if these are decimals that `meet` left with scales of their own.
    pub(crate) fn scales_differ(&self, values: &[Scalar]) -> bool {
        let mut scales = values.iter().filter_map(|v| super::numeric::decimal(&v.phys)).map(|(_, s)| s);
        let first = scales.next();
        values.iter().any(|v| v.dscale.is_some()) || scales.any(|s| Some(s) != first)
    }

    fn scalar_subquery(&mut self, query: &crate::tree::Query) -> Result<Scalar> {
        let query = self.inner_query(query)?;
        let phys = query.columns.first().cloned().unwrap_or(Phys::Void);
        Ok(Scalar::new(Node::Subquery(Box::new(query)), phys))
    }

    fn session_value(&mut self, value: SessionValue, ty: PgType) -> Result<Scalar> {
        let phys = self.phys(ty)?;
        if phys == Phys::Void {
            return Err(Error::new(SqlState::INTERNAL_ERROR, "a session value without a type"));
        }
        Ok(self.session(value, phys))
    }

    /// Marks a value that differs each time it is computed: [`crate::sql::lower::steer::once`] sees to it that its copies are one.
    pub(crate) fn volatile(&mut self, mut value: Scalar) -> Scalar {
        if let Node::Template { draw, .. } = &mut value.node {
            self.made += 1;
            *draw = self.made;
        }
        value
    }

    /// Computes `arg` once where `body` mentions it more than once and repeating it would cost something.
    pub(crate) fn bind_once(
        &mut self,
        arg: Scalar,
        body: impl FnOnce(&mut Self, Scalar) -> Result<Scalar>,
    ) -> Result<Scalar> {
        if is_dear(&arg) { self.bind(arg, body) } else { body(self, arg) }
    }

    /// Computes `arg` once, whatever `body` does with it.
    pub(crate) fn bind(
        &mut self,
        arg: Scalar,
        body: impl FnOnce(&mut Self, Scalar) -> Result<Scalar>,
    ) -> Result<Scalar> {
        let variable = self.variable();
        let arg = self.settle(arg);
        let inner = body(self, Scalar::new(Node::Variable(variable), arg.phys.clone()))?;
        Ok(ir::bound(variable, arg, self.settle(inner)))
    }
}

/// Is it better not to repeat it?
pub(crate) fn is_dear(value: &Scalar) -> bool {
    !value.is_cheap() && value.weight().0 >= 12
}

/// Relation ids from here on stand for the operands of CASE.
const OPERANDS: u32 = (1 << 29) + (1 << 28);

/// The operand of a simple CASE in one of its tests, without the casts that the operator asks for.
fn operand_of(test: &Expr) -> Option<&Expr> {
    let mut operand = match &test.kind {
        ExprKind::Call(call) => call.args.first()?,
        ExprKind::Cast { arg, .. } => return operand_of(arg),
        _ => return None,
    };
    while let ExprKind::Cast { arg, .. } = &operand.kind {
        operand = arg;
    }
    Some(operand)
}

fn operand_mut(test: &mut Expr) -> Option<&mut Expr> {
    let mut operand = match &mut test.kind {
        ExprKind::Call(call) => call.args.first_mut()?,
        ExprKind::Cast { arg, .. } => return operand_mut(arg),
        _ => return None,
    };
    while matches!(operand.kind, ExprKind::Cast { .. }) {
        let ExprKind::Cast { arg, .. } = &mut operand.kind else { return None };
        operand = arg;
    }
    Some(operand)
}

fn bool_test(test: BoolTest, not: bool) -> &'static str {
    match (test, not) {
        (BoolTest::True, false) => "({0} IS NOT DISTINCT FROM TRUE)",
        (BoolTest::True, true) => "({0} IS DISTINCT FROM TRUE)",
        (BoolTest::False, false) => "({0} IS NOT DISTINCT FROM FALSE)",
        (BoolTest::False, true) => "({0} IS DISTINCT FROM FALSE)",
        (BoolTest::Unknown, false) => "({0} IS NULL)",
        (BoolTest::Unknown, true) => "({0} IS NOT NULL)",
    }
}

/// What functions give is text to them: of type jsonb or citext it compares by its key.
fn name_text(ty: PgType, value: &mut Scalar) {
    let own = match ty.oid {
        oid::JSONB | oid::JSONB_ARRAY => Phys::Jsonb,
        oid::CITEXT | oid::CITEXT_ARRAY => Phys::Citext,
        _ => return,
    };
    match &value.phys {
        Phys::Text => value.phys = own,
        Phys::List(element) if **element == Phys::Text => value.phys = Phys::List(Box::new(own)),
        _ => {}
    }
}
