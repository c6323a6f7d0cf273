//! Functions in FROM, and set-returning functions in the target list: every one is a list that is unnested.
//!
//! `FROM unnest(a) WITH ORDINALITY` → `LATERAL (SELECT unnest(a) AS c0, unnest(generate_series(1, len(a))) AS c1)`,
//! `generate_series(1, n)` → `unnest(generate_series(1, n, 1))`

use crate::error::{Error, Result, SqlState};
use crate::sql::lower::Lowerer;
use crate::sql::lower::ir::{self, Alias, From, Node, Piece, Scalar, Select, Template, template};
use crate::sql::lower::value::array::plain_query;
use crate::sql::lower::value::numeric::decimal;
use crate::sql::lower::value::shaped::is_vector;
use crate::sql::signatures;
use crate::tree::{Call, Expr, ExprKind, Relation};
use crate::types::{PgType, Phys, oid, text};

impl Lowerer<'_> {
    /// A set-returning function in a target list.
    pub(crate) fn set_returning(&mut self, call: &Call, ty: PgType) -> Result<Scalar> {
        let list = self.series(call, ty)?;
        unnest(list)
    }

    pub(crate) fn function_relation(
        &mut self,
        relation: &Relation,
        calls: &[Expr],
        ordinality: bool,
        alias: Alias,
    ) -> Result<From> {
        if let ([call], false) = (calls, ordinality)
            && let Some(from) = self.plain_series(relation, call, alias)?
        {
            return Ok(from);
        }
        if let [call @ Expr { kind: ExprKind::Routine(r), .. }] = calls {
            return self.routine_rows(relation, call, r, ordinality, alias);
        }
        if let [call] = calls
            && let Some(rows) = self.rows_of(relation, call, ordinality)?
        {
            let Phys::List(element) = &rows.phys else { return Err(Error::internal("lower: no list of rows")) };
            let Phys::Row(fields) = &**element else { return Err(Error::internal("lower: no list of rows")) };
            self.enter(relation, alias, fields.to_vec());
            let inner = self.make();
            let query = crate::sql::lower::value::json::rows_query(rows, inner)?;
            return Ok(From::Query { query: Box::new(query), alias, lateral: true });
        }
        let mut targets = Vec::new();
        let mut lengths = Vec::new();
        for e in calls {
            let list = match &e.kind {
                ExprKind::SetReturning(call) => self.series(call, e.ty)?,
                ExprKind::Routine(r) if r.function.returns_set => self.routine_list(r)?,
                // A plain function gives one row.
                _ => {
                    let value = self.expr(e)?;
                    let value = self.settle(value);
                    let phys = Phys::List(Box::new(value.phys.clone()));
                    Scalar::template("[{0}]", vec![value], phys)
                }
            };
            lengths.push(Scalar::template("coalesce(len({0}), 0)", vec![list.clone()], Phys::Int8));
            targets.push(unnest(list)?);
        }
        if ordinality {
            let rows = Scalar::template("unnest(generate_series(1, greatest({*})))", lengths, Phys::Int8);
            targets.push(rows);
        }
        if targets.len() != relation.columns.len() {
            return Err(Error::unsupported("a function with several result columns in FROM"));
        }
        let columns: Vec<Phys> = targets.iter().map(|t| t.phys.clone()).collect();
        self.enter(relation, alias, columns.clone());
        let query = plain_query(Select { targets, ..Select::default() }, columns);
        Ok(From::Query { query: Box::new(query), alias, lateral: true })
    }

    /// A function that gives rows of several columns, as the list of them; `None` for any other.
    fn rows_of(&mut self, relation: &Relation, e: &Expr, ordinality: bool) -> Result<Option<Scalar>> {
        let (ExprKind::SetReturning(call) | ExprKind::Call(call)) = &e.kind else { return Ok(None) };
        let shape = self.shape_of(relation);
        let rows = if let Some(rows) = self.json_records(call, e.ty, &shape)? {
            rows
        } else if let Some(value) = self.json_call(call, e.ty)?.filter(|v| structured(&v.phys)) {
            match value.phys {
                Phys::List(_) => value,
                _ => {
                    let phys = Phys::List(Box::new(value.phys.clone()));
                    Scalar::template("[{0}]", vec![value], phys)
                }
            }
        } else if call.func.out_args.len() > 1 && call.func.returns_set {
            self.out_rows(call)?
        } else if matches!(e.kind, ExprKind::SetReturning(_))
            && text::record::composite_fields(e.ty, &*self.cx.snapshot).is_some()
        {
            self.series(call, e.ty)?
        } else {
            return Ok(None);
        };
        if !ordinality {
            return Ok(Some(rows));
        }
        // Each row with its number.
        self.bind_once(rows, |_, rows| {
            let Phys::List(element) = &rows.phys else { return Err(Error::internal("lower: no list of rows")) };
            let Phys::Row(fields) = &**element else { return Err(Error::internal("lower: no list of rows")) };
            let mut pieces = vec![Piece::Word("list_transform({0}, lambda x, i: struct_pack(")];
            for i in 1..=fields.len() {
                let words = ["f", " := struct_extract(x, 'f", "'), "].map(Piece::Word);
                pieces.extend([words[0], Piece::from(i), words[1], Piece::from(i), words[2]]);
            }
            pieces.extend([Piece::Word("f"), Piece::from(fields.len() + 1), Piece::Word(" := i))")]);
            let text = Template::of(&pieces);
            let fields: Vec<Phys> = fields.iter().cloned().chain([Phys::Int8]).collect();
            let phys = Phys::List(Box::new(Phys::Row(fields.into())));
            Ok(Scalar::template(text, vec![rows], phys))
        })
        .map(Some)
    }

    /// A set-returning function's rows with its OUT arguments as their fields.
    fn out_rows(&mut self, call: &Call) -> Result<Scalar> {
        let args = self.exprs(&call.args)?;
        let element = args.iter().find_map(|a| match &a.phys {
            Phys::List(element) => Some((**element).clone()),
            _ => None,
        });
        let list = self.apply(call.func, args, &call.args, PgType::new(oid::VOID))?;
        let field = |ty: u32| match (ty, &element) {
            (oid::ANYELEMENT, Some(element)) => Ok(element.clone()),
            _ => self.phys(PgType::new(ty)),
        };
        let fields = call.func.out_args.iter().map(|(_, ty)| field(*ty)).collect::<Result<Vec<_>>>()?;
        Ok(Scalar { phys: Phys::List(Box::new(Phys::Row(fields.into()))), ..list })
    }

    /// generate_series over integer constants: DuckDB's table function, which makes no list.
    fn plain_series(&mut self, relation: &Relation, e: &Expr, alias: Alias) -> Result<Option<From>> {
        let ExprKind::SetReturning(call) = &e.kind else { return Ok(None) };
        let constant = call.args.iter().all(|a| {
            crate::sql::lower::value::constant::const_int(a).is_some() || matches!(a.kind, ExprKind::Param(_))
        });
        if call.func.name != "generate_series" || !matches!(e.ty.oid, oid::INT4 | oid::INT8) || !constant {
            return Ok(None);
        }
        let args = self.series_args(call)?;
        if args.iter().any(Scalar::is_null_literal) {
            return Ok(None);
        }
        let phys = self.phys(e.ty)?;
        let inner = self.make();
        let columns = vec![ir::output_name(0)];
        let from = From::Function { text: "generate_series({*})".into(), args, alias: inner, columns };
        let value = Scalar::column(inner, ir::output_name(0), Phys::Int8).cast(phys.clone());
        let select = Select { targets: vec![value], from: vec![from], ..Select::default() };
        self.enter(relation, alias, vec![phys.clone()]);
        Ok(Some(From::Query { query: Box::new(plain_query(select, vec![phys])), alias, lateral: false }))
    }

    /// The rows of a set-returning function as a list.
    fn series(&mut self, call: &Call, ty: PgType) -> Result<Scalar> {
        match (call.func.name, ty.oid) {
            ("generate_series", oid::INT4 | oid::INT8) => {
                let phys = self.phys(ty)?;
                let args = self.series_args(call)?;
                let list = Scalar::template("generate_series({*})", args, Phys::List(Box::new(Phys::Int8)));
                Ok(list.cast(Phys::List(Box::new(phys))))
            }
            ("generate_series", oid::TIMESTAMP | oid::TIMESTAMPTZ) => {
                let phys = self.phys(ty)?;
                let mut args = self.exprs(&call.args)?;
                args.truncate(3);
                let error = crate::sql::lower::value::raise::raise_message(
                    SqlState::INVALID_PARAMETER_VALUE,
                    "step size cannot equal zero",
                    &Phys::Interval,
                );
                // DuckDB makes a list, which has an end.
                let endless = Error::unsupported("generate_series to infinity");
                let endless = crate::sql::lower::value::raise::raise(&endless, &Phys::Interval);
                args[2] = Scalar::template(
                    "CASE WHEN {0} = INTERVAL '0' SECOND THEN {1} WHEN isinf({2}) OR isinf({3}) THEN {4} ELSE {0} END",
                    vec![args[2].clone(), error, args[0].clone(), args[1].clone(), endless],
                    Phys::Interval,
                );
                Ok(Scalar::template("generate_series({*})", args, Phys::List(Box::new(phys))))
            }
            ("generate_series", oid::NUMERIC) => self.numeric_series(call),
            // That of a tsvector gives rows of its own.
            ("unnest", _) if call.func.out_args.is_empty() => {
                let list = self.exprs(&call.args)?.into_iter().next();
                if let Some(set) = list.clone().filter(|set| matches!(set.phys, Phys::Coded(_))) {
                    return self.multirange_members(set, ty);
                }
                list.map(crate::sql::lower::value::shaped::items_of)
                    .ok_or_else(|| Error::internal("lower: unnest of nothing"))
            }
            ("generate_subscripts", _) => {
                let mut args = self.exprs(&call.args)?;
                if call.args.first().is_some_and(|array| is_vector(array.ty)) {
                    args[0] = self.from_zero(args[0].clone())?;
                }
                if let [array, n, reverse @ ..] = args.as_slice()
                    && crate::sql::lower::value::shaped::is_shaped(&array.phys)
                {
                    return self.shaped_subscripts(array.clone(), n.clone(), reverse.first().cloned());
                }
                let text = match args.len() {
                    3 => {
                        "CASE WHEN {1} = 1 AND {2} THEN generate_series(len({0}), 1, -1) \
                         WHEN {1} = 1 AND NOT {2} THEN generate_series(1, len({0})) END"
                    }
                    _ => "CASE WHEN {1} = 1 THEN generate_series(1, len({0})) END",
                };
                let list = Scalar::template(text, args, Phys::List(Box::new(Phys::Int8)));
                Ok(list.cast(Phys::List(Box::new(Phys::Int4))))
            }
            _ => {
                if let Some(rows) = self.json_call(call, ty)? {
                    return Ok(rows);
                }
                if call.func.out_args.len() > 1 && signatures::entry(call.func).is_some() {
                    return self.out_rows(call);
                }
                if call.func.out_args.len() > 1 || ty.oid == oid::RECORD {
                    let what = format!("set-returning function {}", signatures::signature(call.func));
                    return Err(Error::unsupported(what));
                }
                let args = self.exprs(&call.args)?;
                let list = self.apply(call.func, args, &call.args, ty)?;
                let phys = self.phys(ty)?;
                Ok(Scalar { phys: Phys::List(Box::new(phys)), ..list })
            }
        }
    }

    /// `generate_series(1.5, 3, 0.5)` → over tenths as integers, each turned back. The first value has the start's display
    /// scale and the others the step's too, so the start's must be the greater.
    fn numeric_series(&mut self, call: &Call) -> Result<Scalar> {
        let unknown = || Error::unsupported(format!("function {}", signatures::signature(call.func)));
        let mut args = self.exprs(&call.args)?;
        if args.len() < 3 {
            args.push(Scalar::literal("1", Phys::Text).cast(Phys::Decimal { precision: 1, scale: 0 }));
        }
        let scales: Option<Vec<u8>> = args
            .iter()
            .map(|a| decimal(&a.phys).filter(|(p, _)| a.dscale.is_none() && *p <= 18).map(|(_, s)| s))
            .collect();
        let [start, stop, step] = scales.ok_or_else(unknown)?[..] else { return Err(unknown()) };
        let scale = start.max(stop);
        if step > start || scale > start || scale > 9 {
            return Err(unknown());
        }
        let units: Vec<Scalar> = args
            .into_iter()
            .map(|a| {
                let value = a.cast(Phys::Decimal { precision: 37, scale });
                let power = Scalar::literal(format!("1{}", "0".repeat(usize::from(scale))), Phys::Text);
                let power = power.cast(Phys::Decimal { precision: scale + 1, scale: 0 });
                Scalar::template("({0} * {1})", vec![value, power], Phys::Void).cast(Phys::Int8)
            })
            .collect();
        let error = crate::sql::lower::value::raise::raise_message(
            SqlState::INVALID_PARAMETER_VALUE,
            "step size cannot equal zero",
            &Phys::Int8,
        );
        let mut units = units;
        units[2] =
            Scalar::template("CASE WHEN {0} = 0 THEN {1} ELSE {0} END", vec![units[2].clone(), error], Phys::Int8);
        let element = Phys::Decimal { precision: 19 + scale, scale };
        let unit = if scale == 0 { "1".to_owned() } else { format!("0.{}1", "0".repeat(usize::from(scale) - 1)) };
        let unit = Scalar::literal(unit, Phys::Text).cast(Phys::Decimal { precision: scale + 1, scale });
        let series = Scalar::template("generate_series({*})", units, Phys::List(Box::new(Phys::Int8)));
        let variable = self.variable();
        let item = Scalar::new(Node::Variable(variable), Phys::Int8).cast(Phys::Decimal { precision: 19, scale: 0 });
        let value = Scalar::template("({0} * {1})", vec![item, unit], Phys::Void).cast(element.clone());
        let text = template!["list_transform({0}, lambda ", variable, ": {1})"];
        Ok(Scalar::template(text, vec![series, value], Phys::List(Box::new(element))))
    }

    /// generate_series' integer arguments as BIGINT, with a step that is not zero.
    fn series_args(&mut self, call: &Call) -> Result<Vec<Scalar>> {
        let mut args: Vec<Scalar> = self.exprs(&call.args)?.into_iter().map(|a| a.cast(Phys::Int8)).collect();
        match args.get(2) {
            None => args.push(Scalar::int4(1).cast(Phys::Int8)),
            Some(_) if crate::sql::lower::value::constant::const_int(&call.args[2]) == Some(0) => {
                return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, "step size cannot equal zero"));
            }
            Some(_) if crate::sql::lower::value::constant::const_int(&call.args[2]).is_some() => {}
            Some(step) => {
                let error = crate::sql::lower::value::raise::raise_message(
                    SqlState::INVALID_PARAMETER_VALUE,
                    "step size cannot equal zero",
                    &Phys::Int8,
                );
                let text = "CASE WHEN {0} = 0 THEN {1} ELSE {0} END";
                args[2] = Scalar::template(text, vec![step.clone(), error], Phys::Int8);
            }
        }
        Ok(args)
    }
}

fn structured(phys: &Phys) -> bool {
    match phys {
        Phys::Row(_) => true,
        Phys::List(element) => matches!(**element, Phys::Row(_)),
        _ => false,
    }
}

fn unnest(list: Scalar) -> Result<Scalar> {
    let Phys::List(element) = list.phys.clone() else {
        return Err(Error::internal("lower: a set that is no list"));
    };
    Ok(Scalar::template("unnest({0})", vec![list], *element))
}
