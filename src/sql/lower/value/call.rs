//! Calls of functions and operators, by their entry in `sql::signatures`.
//!
//! `7 / 2` → `(CASE WHEN 2 = 0 THEN error(…) ELSE (7 // 2) END)`; numeric arithmetic and comparison are this module's own.

use crate::error::{Error, Result};
use crate::facts::Proc;
use crate::sql::lower::Lowerer;
use crate::sql::lower::ir::{self, Node, Piece, Scalar, Template, Variable, template};
use crate::sql::signatures::{self, How};
use crate::tree::{Call, Expr, ExprKind, SessionValue};
use crate::types::{self, Oid, PgType, Phys, Value, oid};

impl Lowerer<'_> {
    pub(crate) fn call(&mut self, call: &Call, ty: PgType) -> Result<Scalar> {
        if let Some(value) = self.call_on_tree(call, ty)? {
            return Ok(value);
        }
        if let ("enum_first" | "enum_last" | "enum_range", Some(arg)) = (call.func.name, call.args.first()) {
            self.labels_are_safe(call.func.name, arg.ty)?;
        }
        if call.func.name.contains("json")
            && let Some(value) = self.json_call(call, ty)?
        {
            return Ok(value);
        }
        let args = self.exprs(&call.args)?;
        if super::compare::comparison(call.func).is_some()
            && let [left, right] = args.as_slice()
        {
            return self.compare_or_apply(call, left.clone(), right.clone(), ty);
        }
        self.apply(call.func, args, &call.args, ty)
    }

    fn compare_or_apply(&mut self, call: &Call, left: Scalar, right: Scalar, ty: PgType) -> Result<Scalar> {
        match call.func.args.first() {
            Some(
                &(oid::NUMERIC
                | oid::ANYENUM
                | oid::ANYARRAY
                | oid::ANYRANGE
                | oid::ANYMULTIRANGE
                | oid::RECORD
                | oid::DATE
                | oid::TIMESTAMP
                | oid::TIMESTAMPTZ),
            ) => self.compare(call.func, left, right),
            _ => {
                let (left, right) = super::compare::beside(left, right);
                self.apply(call.func, vec![left, right], &call.args, ty)
            }
        }
    }

    /// Calls that look at their arguments' trees.
    fn call_on_tree(&mut self, call: &Call, ty: PgType) -> Result<Option<Scalar>> {
        if call.variadic {
            return self.variadic_any(call).map(Some);
        }
        Ok(match (call.func.name, call.args.as_slice()) {
            ("num_nulls" | "num_nonnulls", args) => {
                let test = match call.func.name {
                    "num_nulls" => "} IS NULL)::INTEGER",
                    _ => "} IS NOT NULL)::INTEGER",
                };
                let mut pieces = Vec::new();
                for i in 0..args.len() {
                    pieces.extend([
                        Piece::Word(if i > 0 { " + ({" } else { "(({" }),
                        Piece::from(i),
                        Piece::Word(test),
                    ]);
                }
                pieces.push(Piece::Char(')'));
                let args = self.exprs(args)?;
                Some(Scalar::template(Template::of(&pieces), args, Phys::Int4))
            }
            ("octet_length", [arg]) if call.func.args.first() == Some(&oid::BPCHAR) => {
                let value = super::blanks::padded(self.expr(arg)?);
                Some(Scalar::template("strlen({0})::INTEGER", vec![value], Phys::Int4))
            }
            ("quote_literal" | "quote_nullable", [arg]) => {
                let value = self.expr(arg)?;
                let text = self.cast_to_text(value, arg.ty)?;
                let quoted = Scalar::call("dg_quote_literal", vec![text], Phys::Text);
                Some(match call.func.name {
                    "quote_literal" => quoted,
                    _ => Scalar::template("coalesce({0}, 'NULL')", vec![quoted], Phys::Text),
                })
            }
            ("extract" | "date_part", [field, from]) => self.extract(call.func, field, from, ty)?,
            ("satisfies_hash_partition", [parent, modulus, remainder, keys @ ..]) => {
                Some(self.hash_partition(parent, (modulus, remainder), keys)?)
            }
            ("_pg_truetypid", [column, of]) => {
                let [kind, base, own] = self.fields_of([(of, "typtype"), (of, "typbasetype"), (column, "atttypid")])?;
                Some(Scalar::template("CASE WHEN {0} = 'd' THEN {1} ELSE {2} END", vec![kind, base, own], Phys::Oid))
            }
            ("_pg_truetypmod", [column, of]) => {
                let [kind, base, own] = self.fields_of([(of, "typtype"), (of, "typtypmod"), (column, "atttypmod")])?;
                Some(Scalar::template("CASE WHEN {0} = 'd' THEN {1} ELSE {2} END", vec![kind, base, own], Phys::Int4))
            }
            ("hstore", [row]) if call.func.args == [oid::RECORD] => Some(self.hstore_of_row(row)?),
            ("pg_typeof", [arg]) => Some(self.type_of(arg)?),
            ("array_to_string", [array, rest @ ..]) => self.array_to_string(array, rest)?,
            ("date_pl_interval" | "date_mi_interval", [date, interval]) => {
                super::datetime::fold_date(call.func.name, date, interval).map(|v| self.constant(&v, ty)).transpose()?
            }
            _ => None,
        })
    }

    /// A VARIADIC "any" function whose arguments come in one array.
    fn variadic_any(&mut self, call: &Call) -> Result<Scalar> {
        let refused = || Err(Error::unsupported(format!("a VARIADIC array for {}", call.func.name)));
        let [first @ .., array] = call.args.as_slice() else { return refused() };
        let value = super::shaped::items_of(self.expr(array)?);
        let Some(element) = self.element_type(types::base_type(array.ty, &*self.cx.snapshot)) else { return refused() };
        if call.func.name.starts_with("num_") {
            let text = if call.func.name == "num_nulls" { "(len({0}) - list_count({0}))" } else { "list_count({0})" };
            return Ok(Scalar::template(text, vec![value], Phys::Int8).cast(Phys::Int4));
        }
        let Phys::List(inner) = value.phys.clone() else { return refused() };
        if call.func.name.contains("_build_") {
            return self.json_of_array(call.func, value, element);
        }
        let name = self.variable();
        let text = self.output(Scalar::new(Node::Variable(name), *inner), element)?;
        let template = template!["list_transform({0}, lambda ", name, ": {1})"];
        let texts = Scalar::template(template, vec![value, text], Phys::List(Box::new(Phys::Text)));
        let first = first.first().map(|f| self.expr(f)).transpose()?;
        Ok(match (call.func.name, first) {
            ("concat", None) => {
                Scalar::call("dg_array_to_string", vec![texts, Scalar::text("''", Phys::Text)], Phys::Text)
            }
            ("concat_ws", Some(separator)) => Scalar::call("dg_array_to_string", vec![texts, separator], Phys::Text),
            ("format", Some(template)) => {
                let texts = Scalar::template("coalesce({0}, [])", vec![texts], Phys::List(Box::new(Phys::Text)));
                Scalar::call("dg_format_list", vec![template, texts], Phys::Text)
            }
            _ => return refused(),
        })
    }

    /// pg_typeof(): known before anything runs; the argument is evaluated all the same, as it may fail.
    fn type_of(&mut self, arg: &Expr) -> Result<Scalar> {
        let ty = Scalar::number(arg.ty.oid, Phys::Void).cast(Phys::Oid);
        if matches!(arg.kind, ExprKind::Const(_) | ExprKind::Param(_) | ExprKind::Column { .. }) {
            return Ok(ty);
        }
        let value = self.expr(arg)?;
        Ok(Scalar::template("CASE WHEN {0} IS NULL THEN {1} ELSE {1} END", vec![value, ty], Phys::Oid))
    }

    /// array_to_string() of elements whose text is more than a cast; the others have a template.
    fn array_to_string(&mut self, array: &Expr, rest: &[Expr]) -> Result<Option<Scalar>> {
        let given = self.expr(array)?;
        let shaped = super::shaped::is_shaped(&given.phys);
        let value = super::shaped::items_of(given);
        let (Phys::List(element), Some(ty)) = (value.phys.clone(), self.element_type(array.ty)) else {
            return Ok(None);
        };
        if *element == Phys::Text && !shaped {
            return Ok(None);
        }
        let variable = self.variable();
        let text = self.output(Scalar::new(Node::Variable(variable), *element), ty)?;
        let template = template!["list_transform({0}, lambda ", variable, ": {1})"];
        let texts = Scalar::template(template, vec![value, text], Phys::List(Box::new(Phys::Text)));
        let mut args = vec![texts];
        args.extend(self.exprs(rest)?);
        Ok(Some(Scalar::call("dg_array_to_string", args, Phys::Text)))
    }

    /// A lambda's variable that no other has.
    pub(crate) fn variable(&mut self) -> Variable {
        self.made += 1;
        Variable(self.made)
    }

    /// The entry of a function over lowered arguments. `trees` are their expressions where there are such.
    pub(crate) fn apply(
        &mut self,
        func: &'static Proc,
        mut args: Vec<Scalar>,
        trees: &[Expr],
        ty: PgType,
    ) -> Result<Scalar> {
        let Some(entry) = signatures::entry(func) else {
            return Err(Error::unsupported(format!("function {}", signatures::signature(func))));
        };
        self.once |= signatures::once(func);
        // It numbers the items from 1, whatever their subscripts are.
        let numbers = func.name == "_pg_expandarray";
        if numbers {
            args = args.into_iter().map(super::shaped::items_of).collect();
        }
        for ((arg, declared), tree) in args.iter_mut().zip(&func.args).zip(trees).filter(|_| !numbers) {
            if matches!(*declared, oid::ANYARRAY | oid::ANYCOMPATIBLEARRAY) && super::shaped::is_vector(tree.ty) {
                *arg = self.from_zero(arg.clone())?;
            }
        }
        if !matches!(entry.how, How::Special) && args.iter().any(|a| super::shaped::is_shaped(&a.phys)) {
            if let Some(value) = self.shaped_function(func, &args)? {
                return Ok(value);
            }
            args = self.plain_arguments(func, args)?;
        }
        let mut how = match drawn(func) {
            Some(native) if self.taped || matches!(entry.how, How::SessionNative(_)) => How::SessionNative(native),
            _ => entry.how,
        };
        self.depends.elusive |= func.volatility == b'v' && drawn(func).is_none() && !matches!(how, How::Special);
        let args = super::blanks::seen_by(func, args, trees);
        loop {
            match how {
                How::When(test, template, otherwise) => {
                    how = if test(trees) { How::Template(template) } else { *otherwise };
                }
                How::Template(template) if template.contains("{session}") => {
                    let (mut args, phys) = self.arguments(func, args, ty)?;
                    let text = Template::with_session(template, args.len());
                    args.push(self.session_id());
                    return Ok(self.mark(func, Scalar::template(text, args, phys)));
                }
                How::Template(template) => {
                    let (args, phys) = self.arguments(func, args, ty)?;
                    let value = self.template(template, args, phys)?;
                    return Ok(self.mark(func, value));
                }
                How::Native(name) => {
                    let (args, phys) = self.arguments(func, args, ty)?;
                    return Ok(self.mark(func, Scalar::call(name, args, phys)));
                }
                How::SessionNative(name) => {
                    let (mut args, phys) = self.arguments(func, args, ty)?;
                    args.insert(0, self.session_id());
                    return Ok(self.mark(func, Scalar::call(name, args, phys)));
                }
                How::Special => return self.special(func, args, trees, ty),
                How::Refused(reason) => {
                    let what = format!("function {}", signatures::signature(func));
                    return Err(Error::unsupported(what).hint(reason));
                }
                How::Aggregate(_) => return Err(Error::internal(format!("lower: {} is an aggregate", func.name))),
            }
        }
    }

    /// Arguments in the form that entries take: numerics as text, lists of one type; and the result's type.
    fn arguments(&mut self, func: &Proc, args: Vec<Scalar>, ty: PgType) -> Result<(Vec<Scalar>, Phys)> {
        let polymorphic = func.args.iter().any(|a| is_polymorphic(*a)) && is_polymorphic(func.result);
        let mut phys = match self.phys(PgType::new(ty.oid)) {
            // What carries an array of records is known by its items only.
            Err(_) if polymorphic => Phys::Void,
            phys => phys?,
        };
        if polymorphic {
            // The result is of the type that the arguments are of.
            let (met, common) = self.polymorphic(func, args)?;
            self.refuse_keyed(func, common.as_ref())?;
            if let Some(result) = common.and_then(|c| polymorphic_result(func.result, c)) {
                phys = result;
            }
            return Ok((met, phys));
        }
        let args = args
            .into_iter()
            .map(|arg| match arg.phys {
                Phys::Decimal { .. } => self.to_text(arg),
                Phys::Char(_) | Phys::Padded if super::blanks::sees_blanks(func) => arg,
                Phys::Char(_) | Phys::Padded => super::blanks::trimmed(arg),
                _ => arg,
            })
            .collect();
        Ok((args, phys))
    }

    /// Functions that compare elements cannot do so where DuckDB compares by a key.
    fn refuse_keyed(&self, func: &Proc, element: Option<&Phys>) -> Result<()> {
        let compares =
            matches!(func.name, "arraycontains" | "arraycontained" | "arrayoverlap" | "array_larger" | "array_smaller");
        // Times with zones are equal where all of them is.
        let equal = element == Some(&Phys::TimeTz) && !matches!(func.name, "array_larger" | "array_smaller");
        match element {
            Some(element) if compares && element.needs_key() && !equal => {
                Err(Error::unsupported(format!("function {} of numeric without precision", func.name))
                    .hint("Cast the elements to numeric with precision and scale."))
            }
            _ => Ok(()),
        }
    }

    /// Brings the arguments of a polymorphic function to one element type, which is given back.
    fn polymorphic(&mut self, func: &Proc, args: Vec<Scalar>) -> Result<(Vec<Scalar>, Option<Phys>)> {
        let element = |declared: u32, phys: &Phys| match (declared, phys) {
            (oid::ANYARRAY | oid::ANYCOMPATIBLEARRAY, Phys::List(element)) => Some((**element).clone()),
            (d, phys) if is_polymorphic(d) && *phys != Phys::Void => Some(phys.clone()),
            _ => None,
        };
        let samples: Vec<Scalar> = args
            .iter()
            .zip(&func.args)
            .filter_map(|(arg, declared)| element(*declared, &arg.phys))
            .map(Scalar::null)
            .collect();
        let (_, common) = self.meet(samples, false)?;
        if common == Phys::Void {
            return Ok((args, None));
        }
        let declared = func.args.iter().copied().chain(std::iter::repeat(0));
        let met = args
            .into_iter()
            .zip(declared)
            .map(|(arg, declared)| match declared {
                oid::ANYARRAY | oid::ANYCOMPATIBLEARRAY => self.coerce(arg, &Phys::List(Box::new(common.clone()))),
                d if is_polymorphic(d) => self.coerce(arg, &common),
                _ => Ok(arg),
            })
            .collect::<Result<_>>()?;
        Ok((met, Some(common)))
    }

    /// A template; an argument that it mentions twice and that is dear is computed once.
    fn template(&mut self, template: &'static str, args: Vec<Scalar>, phys: Phys) -> Result<Scalar> {
        let repeated = |i: usize| template.matches(&format!("{{{i}}}")).count() > 1 && super::expr::is_dear(&args[i]);
        let Some(i) = (0..args.len()).find(|i| repeated(*i)) else {
            return Ok(Scalar::template(template, args, phys));
        };
        let asks = |i: usize| ir::walk::has(&args[i], &ir::walk::is_query);
        if (0..args.len()).any(|other| other != i && asks(other)) {
            // Queries may not stand inside a lambda: they are bound beside it.
            let together = (0..args.len()).filter(|i| repeated(*i) || asks(*i)).collect();
            return Ok(self.template_of_fields(template, args, together, phys));
        }
        let mut args = args;
        let dear = std::mem::replace(&mut args[i], Scalar::null(Phys::Void));
        self.bind_once(dear, |this, bound| {
            args[i] = bound;
            this.template(template, args, phys)
        })
    }

    /// A template of which some arguments are computed once, all at the same time.
    fn template_of_fields(
        &mut self,
        template: &'static str,
        mut args: Vec<Scalar>,
        together: Vec<usize>,
        phys: Phys,
    ) -> Scalar {
        let row = self.variable();
        let mut fields = Vec::with_capacity(together.len());
        for (at, i) in together.into_iter().enumerate() {
            let arg = std::mem::replace(&mut args[i], Scalar::null(Phys::Void));
            let arg = self.settle(arg);
            args[i] = crate::sql::lower::steer::once::field(row, at, arg.phys.clone());
            fields.push(arg);
        }
        ir::bound(row, crate::sql::lower::steer::once::fields_of(fields), Scalar::template(template, args, phys))
    }

    /// Functions that lowering knows by name.
    fn special(&mut self, func: &'static Proc, mut args: Vec<Scalar>, trees: &[Expr], ty: PgType) -> Result<Scalar> {
        if (func.result == oid::NUMERIC || func.args.first() == Some(&oid::NUMERIC))
            && let Some(value) = self.numeric_function(func, &mut args)?
        {
            return Ok(value);
        }
        if let Some(value) = self.range_function(func, &args, ty)? {
            return Ok(value);
        }
        self.writes |= matches!(func.name, "nextval" | "setval")
            && !matches!(trees, [Expr { kind: ExprKind::Const(Value::Oid(of)), .. }, ..] if self.is_own_sequence(*of));
        if let Some(value) = self.session_function(func, &mut args, ty)? {
            return Ok(value);
        }
        if let Some(value) = self.array_function(func, &args)? {
            return Ok(value);
        }
        if let Some(value) = self.text_function(func, &args, trees)? {
            return Ok(value);
        }
        if let Some(value) = self.datetime_function(func, &args, trees, ty)? {
            return Ok(value);
        }
        Err(Error::unsupported(format!("function {}", signatures::signature(func))))
    }

    fn numeric_function(&mut self, func: &'static Proc, args: &mut Vec<Scalar>) -> Result<Option<Scalar>> {
        if let Some(op) = super::compare::comparison(func) {
            let mut pair = std::mem::take(args).into_iter();
            return Ok(match (pair.next(), pair.next()) {
                (Some(left), Some(right)) => Some(self.numeric_compare(op, left, right)),
                _ => None,
            });
        }
        let given = std::mem::take(args);
        Ok(Some(match (func.name, given.as_slice()) {
            ("numeric_add", [a, b]) => self.numeric_arithmetic('+', a.clone(), b.clone()),
            ("numeric_sub", [a, b]) => self.numeric_arithmetic('-', a.clone(), b.clone()),
            ("numeric_mul", [a, b]) => self.numeric_arithmetic('*', a.clone(), b.clone()),
            ("numeric_div", _) => self.numeric_native("dg_numeric_div", given),
            ("numeric_mod" | "mod", _) => self.numeric_native("dg_numeric_mod", given),
            ("numeric_uminus", [a]) => self.numeric_negate(a.clone()),
            ("numeric_uplus", [a]) => a.clone(),
            ("numeric_abs" | "abs", [a]) => self.numeric_abs(a.clone()),
            (_, [a]) => match self.numeric_conversion(func, a.clone())? {
                Some(value) => value,
                None => {
                    *args = given;
                    return Ok(None);
                }
            },
            _ => {
                *args = given;
                return Ok(None);
            }
        }))
    }

    /// What the session answers: values bound at execution, sequences.
    fn session_function(&mut self, func: &Proc, args: &mut Vec<Scalar>, ty: PgType) -> Result<Option<Scalar>> {
        let value = match func.name {
            "now" | "transaction_timestamp" => SessionValue::TransactionTimestamp,
            "statement_timestamp" => SessionValue::StatementTimestamp,
            "current_user" => SessionValue::CurrentUser,
            "session_user" => SessionValue::SessionUser,
            "current_database" => SessionValue::CurrentDatabase,
            "current_schema" => SessionValue::CurrentSchema,
            "pg_backend_pid" => SessionValue::BackendPid,
            "version" => SessionValue::ServerVersion,
            "inet_client_port" => SessionValue::ClientPort,
            "inet_server_port" => SessionValue::ServerPort,
            "inet_client_addr" => SessionValue::ClientAddr,
            "inet_server_addr" => SessionValue::ServerAddr,
            "pg_postmaster_start_time" => SessionValue::PostmasterStartTime,
            "pg_conf_load_time" => SessionValue::ConfLoadTime,
            "current_schemas" => {
                let phys = self.phys(ty)?;
                let plain = self.session(SessionValue::CurrentSchemas, phys.clone());
                let implicit = self.session(SessionValue::CurrentSchemasImplicit, phys.clone());
                let text = "CASE {0} WHEN TRUE THEN {1} WHEN FALSE THEN {2} END";
                let Some(flag) = args.pop() else { return Ok(None) };
                return Ok(Some(Scalar::template(text, vec![flag, implicit, plain], phys)));
            }
            "getdatabaseencoding" => return Ok(Some(Scalar::literal("UTF8", Phys::Text))),
            "nextval" | "currval" | "setval" | "lastval" | "pg_sequence_last_value" => {
                let mut all = vec![self.session_id()];
                all.append(args);
                // A sequence that is known now is a NextValue, which policy has judged; this one judges by itself.
                let name = if func.name == "nextval" { "nextval_asked" } else { func.name };
                let value = Scalar::template(template!["dg_", name, "({*})"], all, Phys::Int8);
                return Ok(Some(self.volatile(value)));
            }
            _ => return Ok(None),
        };
        let phys = self.phys(ty)?;
        Ok(Some(self.session(value, phys)))
    }

    /// A temporary sequence counts for its session alone, in a read-only transaction, too.
    pub(crate) fn is_own_sequence(&self, of: Oid) -> bool {
        self.cx.snapshot.relation_by_oid(of).is_some_and(|sequence| sequence.temporary)
    }

    fn mark(&mut self, func: &Proc, value: Scalar) -> Scalar {
        if draws(func) { self.volatile(value) } else { value }
    }

    /// The cast to text, where that is another than the output function: `true`, no blanks, an address with its mask.
    fn cast_to_text(&mut self, value: Scalar, from: PgType) -> Result<Scalar> {
        match types::base_type(from, &*self.cx.snapshot).oid {
            oid::BOOL => Ok(value.cast(Phys::Text)),
            oid::BPCHAR => Ok(super::blanks::trimmed(value)),
            oid::INET | oid::CIDR => Ok(Scalar::call("dg_inet_show", vec![value], Phys::Text)),
            _ => self.output(value, from),
        }
    }

    /// Text functions over any type.
    fn text_function(&mut self, func: &Proc, args: &[Scalar], trees: &[Expr]) -> Result<Option<Scalar>> {
        let mut texts = Vec::with_capacity(args.len());
        for (arg, tree) in args.iter().zip(trees) {
            let base = types::base_type(tree.ty, &*self.cx.snapshot);
            // `||` casts to text; the others write the value.
            let casts = func.name.starts_with("text") || func.name.starts_with("any");
            texts.push(match casts {
                true => self.cast_to_text(arg.clone(), base)?,
                false => self.output(arg.clone(), base)?,
            });
        }
        Ok(match (func.name, texts.as_slice()) {
            ("textanycat" | "anytextcat", [_, _]) => Some(Scalar::template("({0} || {1})", texts, Phys::Text)),
            ("concat", _) => Some(Scalar::template("concat({*})", texts, Phys::Text)),
            ("concat_ws", _) => Some(Scalar::template("concat_ws({*})", texts, Phys::Text)),
            ("format", _) => Some(Scalar::template("dg_format({*})", texts, Phys::Text)),
            _ => None,
        })
    }
}

/// True if a function's value differs each time it is computed, or computing it does something. PostgreSQL calls some volatile
/// only because others may change meanwhile what they look at: sizes, partitions' trees, locks, files.
pub(crate) fn draws(func: &Proc) -> bool {
    const LOOK: [&str; 16] = [
        "current_query",
        "pg_blocking_pids",
        "pg_database_size",
        "pg_hba_file_rules",
        "pg_ident_file_mappings",
        "pg_indexes_size",
        "pg_is_in_recovery",
        "pg_lock_status",
        "pg_partition_ancestors",
        "pg_partition_tree",
        "pg_prepared_xact",
        "pg_relation_size",
        "pg_sequence_last_value",
        "pg_table_size",
        "pg_tablespace_size",
        "pg_total_relation_size",
    ];
    func.volatility == b'v' && LOOK.binary_search(&func.name).is_err()
}

/// The native through which a volatile function draws, where it can be made to draw the same again.
pub(crate) fn drawn(func: &Proc) -> Option<&'static str> {
    match (func.name, func.args.as_slice()) {
        ("random", []) => Some("dg_random"),
        ("gen_random_uuid", []) => Some("dg_gen_random_uuid"),
        ("clock_timestamp", []) => Some("dg_clock_timestamp"),
        _ => None,
    }
}

pub(crate) fn is_polymorphic(declared: u32) -> bool {
    matches!(
        declared,
        oid::ANYELEMENT
            | oid::ANYARRAY
            | oid::ANYNONARRAY
            | oid::ANYENUM
            | oid::ANYCOMPATIBLE
            | oid::ANYCOMPATIBLEARRAY
            | oid::ANYCOMPATIBLENONARRAY
    )
}

fn polymorphic_result(declared: u32, element: Phys) -> Option<Phys> {
    match declared {
        oid::ANYARRAY | oid::ANYCOMPATIBLEARRAY => Some(Phys::List(Box::new(element))),
        oid::ANYELEMENT | oid::ANYNONARRAY | oid::ANYENUM | oid::ANYCOMPATIBLE | oid::ANYCOMPATIBLENONARRAY => {
            Some(element)
        }
        _ => None,
    }
}
