//! Function calls (ParseFuncOrColumn): plain ones, aggregates, window functions.

use std::sync::Arc;

use sqlparser::ast::{self, FunctionArg, FunctionArgExpr, FunctionArguments};

use super::candidate::{Arguments, Callee, Form, Resolved};
use super::{Analyzer, Expr, ExprKind};
use crate::error::{Error, Result, SqlState};
use crate::facts::{PROCS, Proc};
use crate::registry::Name;
use crate::sql::parse::fold;
use crate::tree::{Aggregate, Call, CallForm, SortKey, Window};
use crate::types::{Oid, PgType, Value, oid};

impl Analyzer<'_> {
    /// A call of a built-in function on analyzed arguments, by name.
    pub(crate) fn call_by_name(&mut self, name: &str, args: Vec<Expr>, pos: u32) -> Result<Expr> {
        self.call_in("pg_catalog", name, args, pos)
    }

    /// A function of that namespace.
    pub(crate) fn call_in(&mut self, namespace: &str, name: &str, args: Vec<Expr>, pos: u32) -> Result<Expr> {
        let arguments = Arguments { exprs: args, names: Vec::new(), variadic: false };
        let form = match self.resolve_function(Some(namespace), name, &arguments, pos)? {
            Resolved::Function(form) => form,
            Resolved::Cast(_) => return Err(Error::internal(format!("{name} is no function"))),
        };
        self.plain_call(form, arguments.exprs, arguments.variadic, pos)
    }

    /// As [`Analyzer::call_by_name`], for what is written in the SQL standard's syntax.
    pub(crate) fn call_syntax(&mut self, name: &str, args: Vec<Expr>, pos: u32) -> Result<Expr> {
        let mut expr = self.call_by_name(name, args, pos)?;
        if let ExprKind::Call(call) = &mut expr.kind {
            call.form = CallForm::Syntax;
        }
        Ok(expr)
    }

    /// As [`Analyzer::call_by_name`], for a function that was written without its namespace.
    pub(crate) fn call_unqualified(&mut self, name: &str, args: Vec<Expr>, pos: u32) -> Result<Expr> {
        let arguments = Arguments { exprs: args, names: Vec::new(), variadic: false };
        match self.resolve_function(None, name, &arguments, pos)? {
            Resolved::Function(form) => self.plain_call(form, arguments.exprs, arguments.variadic, pos),
            Resolved::Cast(_) => Err(Error::internal(format!("{name} is no function"))),
        }
    }

    /// Refuses set-returning functions that were met since `before`.
    pub(crate) fn refuse_sets(&self, before: (usize, u32), message: &str) -> Result<()> {
        if self.sets.0 == before.0 {
            return Ok(());
        }
        Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message)
            .hint("You might be able to move the set-returning function into a LATERAL FROM item.")
            .at(self.sets.1))
    }

    /// A function in FROM; may return a set.
    pub(crate) fn function_in_from(&mut self, name: &ast::ObjectName, args: &[FunctionArg]) -> Result<Expr> {
        let function = ast::Function {
            name: name.clone(),
            uses_odbc_syntax: false,
            parameters: FunctionArguments::None,
            args: FunctionArguments::List(ast::FunctionArgumentList {
                duplicate_treatment: None,
                args: args.to_vec(),
                clauses: vec![],
            }),
            filter: None,
            null_treatment: None,
            over: None,
            within_group: vec![],
        };
        self.function(&function)
    }

    /// Any call as it is written.
    pub(crate) fn function(&mut self, f: &ast::Function) -> Result<Expr> {
        let pos = self.pos_of(&f.name);
        if f.uses_odbc_syntax || !matches!(f.parameters, FunctionArguments::None) {
            return Err(Error::unsupported("this call syntax").at(pos));
        }
        let (namespace, name, _) = self.name_parts(&f.name)?;
        let bare =
            namespace.is_none() && f.name.0.last().and_then(|p| p.as_ident()).is_some_and(|i| i.quote_style.is_none());
        let list = match &f.args {
            FunctionArguments::None if bare => return self.value_function(&name, pos),
            FunctionArguments::None => return Err(Error::syntax("syntax error").at(pos)),
            FunctionArguments::Subquery(query) if bare && &*name == "array" => return self.array_subquery(query, pos),
            FunctionArguments::Subquery(query) => {
                // `f((SELECT …))` loses its inner parentheses: a single scalar subquery.
                let arg = self.scalar_subquery(query)?;
                let arguments = Arguments { exprs: vec![arg], names: vec![], variadic: false };
                return self.resolve_and_call(f, namespace, &name, arguments, None, pos);
            }
            FunctionArguments::List(list) => list,
        };
        if bare && let Some(expr) = self.special_function(&name, list, pos)? {
            return Ok(expr);
        }
        if let (true, "normalize", [text, form]) = (bare, &*name, list.args.as_slice()) {
            let text = self.expr(super::from::plain_arg(text)?)?;
            let exprs = vec![text, self.normal_form(super::from::plain_arg(form)?)?];
            let given = Arguments { exprs, names: vec![], variadic: false };
            return self.resolve_and_call(f, None, &name, given, None, pos);
        }
        if let Some(value) = self.session_function(namespace.as_deref(), &name, list, pos)? {
            return Ok(value);
        }
        if list.args.is_empty()
            && let Some(value) = self.extension_function(namespace.as_deref(), &name, pos)?
        {
            return Ok(value);
        }
        let refused = self.refused_function(namespace.as_deref(), &name);
        let projects = namespace.is_none() && is_plain(f, list);
        let missing = |error: &Error| error.code() == SqlState::UNDEFINED_FUNCTION;
        match (self.call_of_list(f, namespace, &name, list, pos), refused) {
            (Err(error), Some(refused)) if missing(&error) => Err(refused.at(pos)),
            (Err(error), None) if projects && missing(&error) => {
                self.projection(&name, list)?.map_or(Err(error), |mut column| {
                    column.pos = pos;
                    Ok(column)
                })
            }
            (result, _) => result,
        }
    }

    /// `column(t)`, which is `t.column` (ParseComplexProjection). `None` if it is no column of a row.
    fn projection(&mut self, name: &Name, list: &ast::FunctionArgumentList) -> Result<Option<Expr>> {
        let [arg] = list.args.as_slice() else { return Ok(None) };
        let row = self.expr(super::from::plain_arg(arg)?)?;
        let base = self.base_oid(row.ty.oid);
        if base != oid::RECORD && self.row_type_relation(base).is_none() {
            return Ok(None);
        }
        self.field_named(row, name)
    }

    /// The word for a normal form, where `normalize` has it.
    fn normal_form(&self, form: &ast::Expr) -> Result<Expr> {
        let word = match form {
            ast::Expr::Identifier(ident) if ident.quote_style.is_none() => ident.value.to_ascii_uppercase(),
            _ => String::new(),
        };
        let pos = self.pos_of(form);
        match word.as_str() {
            "NFC" | "NFD" | "NFKC" | "NFKD" => Ok(super::expr::unknown_text(&word, pos)),
            _ => Err(Error::syntax(format!("syntax error at or near \"{form}\"")).at(pos)),
        }
    }

    /// Names that the grammar treats by themselves.
    fn special_function(&mut self, name: &str, list: &ast::FunctionArgumentList, pos: u32) -> Result<Option<Expr>> {
        if !matches!(name, "coalesce" | "greatest" | "least" | "nullif" | "row" | "grouping") {
            return Ok(None);
        }
        let mut args = Vec::with_capacity(list.args.len());
        let wildcards: Vec<ast::Expr> = list.args.iter().filter_map(wildcard).collect();
        let mut stars = wildcards.iter();
        for arg in &list.args {
            args.push(match wildcard(arg).and_then(|_| stars.next()) {
                Some(star) if name == "row" => star,
                _ => super::from::plain_arg(arg)?,
            });
        }
        Ok(Some(match (name, args.as_slice()) {
            ("coalesce" | "greatest" | "least", [_, ..]) => self.min_max_coalesce(name, &args, pos)?,
            ("nullif", [left, right]) => self.null_if(left, right, pos)?,
            ("row", _) => {
                let items: Vec<ast::Expr> = args.into_iter().cloned().collect();
                self.row(&items, pos)?
            }
            ("grouping", [_, ..]) => {
                let items: Vec<ast::Expr> = args.into_iter().cloned().collect();
                self.grouping_function(&items, pos)?
            }
            _ => return Err(Error::syntax("syntax error at or near \")\"").at(pos)),
        }))
    }

    fn call_of_list(
        &mut self,
        f: &ast::Function,
        namespace: Option<Name>,
        name: &Name,
        list: &ast::FunctionArgumentList,
        pos: u32,
    ) -> Result<Expr> {
        let mut order_by: &[ast::OrderByExpr] = &[];
        for clause in &list.clauses {
            match clause {
                ast::FunctionArgumentClause::OrderBy(items) => order_by = items,
                _ => return Err(Error::unsupported("this clause in a function call").at(pos)),
            }
        }
        let distinct = matches!(list.duplicate_treatment, Some(ast::DuplicateTreatment::Distinct));
        let star = matches!(list.args.as_slice(), [FunctionArg::Unnamed(FunctionArgExpr::Wildcard)]);
        let aggregate = PROCS.by_name(name).any(|p| p.kind == b'a');
        let inside = aggregate && f.over.is_none();
        // Inside an aggregate's arguments another aggregate may not stand.
        let before = self.scope().in_aggregate;
        if inside {
            if before {
                return Err(Error::new(SqlState::GROUPING_ERROR, "aggregate function calls cannot be nested").at(pos));
            }
            self.scope().in_aggregate = true;
        }
        let sets = self.sets;
        let arguments = if star { Ok(Arguments::default()) } else { self.arguments(&list.args) };
        let keys = match arguments {
            Ok(arguments) => self.aggregate_order(order_by).map(|keys| (arguments, keys)),
            Err(e) => Err(e),
        };
        self.scope().in_aggregate = before;
        let (arguments, order_by) = keys?;
        if f.over.is_some() {
            self.refuse_sets(sets, "window function calls cannot contain set-returning function calls")?;
        } else if aggregate {
            self.refuse_sets(sets, "aggregate function calls cannot contain set-returning function calls")?;
        }
        let details = Details { order_by, distinct, star };
        self.resolve_and_call(f, namespace, name, arguments, Some(details), pos)
    }

    fn arguments(&mut self, args: &[FunctionArg]) -> Result<Arguments> {
        let mut out = Arguments::default();
        for arg in args {
            let (name, arg) = match arg {
                FunctionArg::Unnamed(arg) => (None, arg),
                FunctionArg::Named { name, arg, .. } => (Some(fold(name)), arg),
                FunctionArg::ExprNamed { name: ast::Expr::Identifier(name), arg, .. } => (Some(fold(name)), arg),
                FunctionArg::ExprNamed { name, .. } => {
                    return Err(Error::syntax("syntax error").at(self.pos_of(name)));
                }
            };
            let expr = match arg {
                FunctionArgExpr::Expr(arg @ ast::Expr::Named { expr, .. }) if is_variadic(arg) => {
                    out.variadic = true;
                    self.expr(expr)?
                }
                FunctionArgExpr::Expr(expr) => self.expr(expr)?,
                FunctionArgExpr::QualifiedWildcard(relation) => self.starred_relation(relation)?,
                _ => return Err(Error::syntax("syntax error at or near \"*\"")),
            };
            match name {
                Some(name) => out.names.push(name),
                None if !out.names.is_empty() => {
                    let message = "positional argument cannot follow named argument";
                    return Err(Error::syntax(message).at(expr.pos));
                }
                None => {}
            }
            out.exprs.push(expr);
        }
        Ok(out)
    }

    fn resolve_and_call(
        &mut self,
        f: &ast::Function,
        namespace: Option<Name>,
        name: &Name,
        mut arguments: Arguments,
        details: Option<Details>,
        pos: u32,
    ) -> Result<Expr> {
        let details = details.unwrap_or_default();
        // As in ParseFuncOrColumn, for JDBC's output parameters: a parameter of type void is no argument.
        if f.within_group.is_empty() && arguments.names.is_empty() {
            arguments.exprs.retain(|arg| !(matches!(arg.kind, ExprKind::Param(_)) && arg.ty.oid == oid::VOID));
        }
        let mut within = self.aggregate_order(&f.within_group)?;
        if !within.is_empty() {
            arguments.exprs.extend(within.iter().map(|k| k.expr.clone()));
        }
        if let Some(made) = self.range_constructor(namespace.as_deref(), name, &arguments, pos)? {
            self.note_type(&f.name, made.ty.oid);
            return Ok(made);
        }
        let form = match self.resolve_function(namespace.as_deref(), name, &arguments, pos)? {
            Resolved::Cast(target) => {
                self.note_type(&f.name, target);
                let arg = arguments.exprs.pop().ok_or_else(|| Error::internal("a cast without an argument"))?;
                return self.explicit_cast(arg, PgType::new(target), pos);
            }
            Resolved::Function(form) => form,
        };
        match &form.func {
            Callee::User(function) => self.note_function(&f.name, function.oid),
            Callee::Builtin(func) if func.extension.is_some() => self.note_function(&f.name, func.oid),
            Callee::Builtin(_) => {}
        }
        let plain = matches!(&form.func, Callee::User(_) | Callee::Builtin(Proc { kind: b'f', .. }));
        let refuse = |what: &str| {
            let shown = if what == "(*)" { format!("{name}(*)") } else { what.to_owned() };
            let message = format!("{shown} specified, but {name} is not an aggregate function");
            Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message).at(pos))
        };
        if plain {
            if details.star {
                return refuse("(*)");
            }
            if details.distinct {
                return refuse("DISTINCT");
            }
            if !within.is_empty() {
                return refuse("WITHIN GROUP");
            }
            if !details.order_by.is_empty() {
                return refuse("ORDER BY");
            }
            if f.filter.is_some() {
                return refuse("FILTER");
            }
            if f.over.is_some() {
                let message = format!("OVER specified, but {name} is not a window function nor an aggregate function");
                return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message).at(pos));
            }
            return self.plain_call(form, arguments.exprs, arguments.variadic, pos);
        }
        let func = self.own_function(&form)?;
        if !details.star && arguments.exprs.is_empty() && func.kind == b'a' && func.agg_kind == b'n' {
            let message = format!("{name}(*) must be used to call a parameterless aggregate function");
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message).at(pos));
        }
        if f.null_treatment.is_some() {
            return Err(Error::syntax("syntax error at or near \"NULLS\"").at(pos));
        }
        // Hypothetical arguments take their types from the sort columns, not from "any".
        let written = if func.agg_kind == b'h' { arguments.exprs.clone() } else { Vec::new() };
        let (args, result) = self.coerce_arguments(form, arguments.exprs, pos)?;
        let filter = match &f.filter {
            Some(filter) => {
                let level = self.aggregate_level(&args);
                let before = self.scope().filtered.replace(level);
                let filter = self.condition(filter, super::scope::Clause::Filter, "FILTER");
                self.scope().filtered = before;
                Some(filter?)
            }
            None => None,
        };
        if let Some(over) = &f.over {
            return self.window_call(func, args, result, filter, over, &details, pos);
        }
        if func.kind == b'w' {
            let message = format!("window function {name} requires an OVER clause");
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message).at(pos));
        }
        if f.filter.is_none() && !within.is_empty() && !details.order_by.is_empty() {
            return Err(Error::syntax("cannot use multiple ORDER BY clauses with WITHIN GROUP").at(pos));
        }
        let mut direct = ordered_set_split(func, args, &mut within)
            .map_err(|m| Error::new(SqlState::WRONG_OBJECT_TYPE, format!("{m} {name}")).at(pos))?;
        if func.agg_kind == b'h' {
            let given = written.len().saturating_sub(within.len());
            direct = written.into_iter().take(given).collect();
            self.unify_hypothetical(name, &mut direct, &mut within, pos)?;
        }
        let order_by = if within.is_empty() { details.order_by } else { within };
        if details.distinct {
            self.check_distinct_aggregate(func, &direct, &order_by)?;
        }
        // The level of an ordered-set aggregate is that of what it sorts.
        let plain = func.agg_kind == b'n';
        let counted = direct.iter().filter(|_| plain).chain(order_by.iter().map(|k| &k.expr)).chain(&filter);
        let all: Vec<Expr> = counted.cloned().collect();
        let aside: &[Expr] = if plain { &[] } else { &direct };
        self.admit_aggregate(&all, aside, pos)?;
        let ty = PgType::new(result);
        let aggregate =
            Aggregate { func, args: direct, distinct: details.distinct, order_by, filter, star: details.star };
        Ok(Expr { kind: ExprKind::Aggregate(Box::new(aggregate)), ty, pos })
    }

    /// Each direct argument of a hypothetical-set aggregate has its sort column's type (unify_hypothetical_args).
    fn unify_hypothetical(&mut self, name: &str, direct: &mut [Expr], within: &mut [SortKey], pos: u32) -> Result<()> {
        if direct.len() != within.len() {
            let types: Vec<String> =
                direct.iter().chain(within.iter().map(|k| &k.expr)).map(|e| self.type_name(e.ty.oid)).collect();
            let hint = format!(
                "To use the hypothetical-set aggregate {name}, the number of hypothetical direct arguments (here {}) must match the number of ordering columns (here {}).",
                direct.len(),
                within.len()
            );
            let message = format!("function {name}({}) does not exist", types.join(", "));
            return Err(Error::new(SqlState::UNDEFINED_FUNCTION, message).hint(hint).at(pos));
        }
        for (argument, key) in direct.iter_mut().zip(within) {
            let (mut both, _) = self.unify(vec![argument.clone(), key.expr.clone()], "WITHIN GROUP")?;
            if let (Some(sorted), Some(asked)) = (both.pop(), both.pop()) {
                (*argument, key.expr) = (asked, sorted);
            }
        }
        Ok(())
    }

    /// The function of PostgreSQL's that a call means.
    fn own_function(&self, form: &Form) -> Result<&'static Proc> {
        match &form.func {
            Callee::Builtin(func) => Ok(func),
            Callee::User(_) => Err(Error::internal("an aggregate of the user's")),
        }
    }

    fn window_call(
        &mut self,
        func: &'static Proc,
        args: Vec<Expr>,
        result: Oid,
        filter: Option<Expr>,
        over: &ast::WindowType,
        details: &Details,
        pos: u32,
    ) -> Result<Expr> {
        let windowing = |message: &str| Err(Error::new(SqlState::WINDOWING_ERROR, message).at(pos));
        let scope = self.scope();
        if scope.in_aggregate {
            let message = "aggregate function calls cannot contain window function calls";
            return Err(Error::new(SqlState::GROUPING_ERROR, message).at(pos));
        }
        if let Some(clause) = scope.clause.refuses_windows() {
            return windowing(&format!("window functions are not allowed in {clause}"));
        }
        let mut nested = false;
        for arg in &args {
            super::check::walk(arg, 0, &mut |e, depth| {
                nested |= depth == 0 && matches!(e.kind, ExprKind::Window(_));
                Ok(!nested)
            })?;
        }
        if nested {
            return windowing("window function calls cannot be nested");
        }
        let unsupported = |message: &str| Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).at(pos));
        if details.distinct {
            return unsupported("DISTINCT is not implemented for window functions");
        }
        if !details.order_by.is_empty() {
            return unsupported("aggregate ORDER BY is not implemented for window functions");
        }
        if filter.is_some() && func.kind == b'w' {
            return unsupported("FILTER is not implemented for non-aggregate window functions");
        }
        let spec = self.over(over)?;
        self.scope().has_windows = true;
        let ty = PgType::new(result);
        let window = Window { func, args, star: details.star, filter, spec };
        Ok(Expr { kind: ExprKind::Window(Box::new(window)), ty, pos })
    }

    fn plain_call(&mut self, form: Form, args: Vec<Expr>, variadic: bool, pos: u32) -> Result<Expr> {
        let func = match &form.func {
            Callee::Builtin(func) => *func,
            Callee::User(function) => return self.user_call(&Arc::clone(function), form, args, variadic, pos),
        };
        let variadic = variadic && func.variadic == crate::types::oid::ANY;
        if let (true, Some(array)) = (variadic, args.last())
            && self.type_facts(array.ty.oid).element == 0
        {
            let message = "VARIADIC argument must be an array";
            return Err(Error::new(SqlState::DATATYPE_MISMATCH, message).at(array.pos));
        }
        if func.kind == b'p' {
            let message = format!("{} is a procedure", func.name);
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message)
                .hint("To call a procedure, use CALL.")
                .at(pos));
        }
        let written = written_form(&form, args.len());
        let (args, result) = self.coerce_arguments(form, args, pos)?;
        // nextval of a sequence that is known now.
        if func.name == "nextval"
            && let [Expr { kind: ExprKind::Const(Value::Oid(sequence)), .. }] = args.as_slice()
        {
            return Ok(Expr { kind: ExprKind::NextValue(*sequence), ty: PgType::new(result), pos });
        }
        let call = Box::new(Call { func, args, operator: None, variadic, form: written });
        if func.returns_set {
            if let Some(clause) = self.scope().clause.refuses_sets() {
                let message = format!("set-returning functions are not allowed in {clause}");
                return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).at(pos));
            }
            if call.args.iter().any(makes_rows) {
                return Err(Error::unsupported("a set-returning function in the arguments of another").at(pos));
            }
            self.sets = (self.sets.0 + 1, pos);
            return Ok(Expr { kind: ExprKind::SetReturning(call), ty: PgType::new(result), pos });
        }
        Ok(Expr { kind: ExprKind::Call(call), ty: PgType::new(result), pos })
    }
}

/// Is there a function that returns a set in the expression (and not in a query inside it)?
pub(super) fn makes_rows(expr: &Expr) -> bool {
    let mut found = false;
    let _ = super::check::walk(expr, 0, &mut |e, depth| {
        found |= depth == 0
            && match &e.kind {
                ExprKind::SetReturning(_) => true,
                ExprKind::Routine(routine) => routine.function.returns_set,
                _ => false,
            };
        Ok(!found)
    });
    found
}

/// How a call with so many arguments is written.
pub(super) fn written_form(form: &Form, given: usize) -> CallForm {
    match &form.order {
        None if form.variadic.is_none() && given < form.args.len() => CallForm::Given(given as u16),
        None => CallForm::Plain,
        Some(order) => {
            let parameter = |argument| order.iter().position(|from| *from == Some(argument)).map(|p| p as u16);
            let written: Box<[u16]> = (0..given).filter_map(parameter).collect();
            CallForm::Named { written, positional: form.positional as u16 }
        }
    }
}

/// What may stand in an aggregate's parentheses besides arguments.
#[derive(Default)]
struct Details {
    order_by: Vec<SortKey>,
    distinct: bool,
    star: bool,
}

/// For an ordered-set aggregate, takes the sorted arguments (already coerced) back out of the list.
fn ordered_set_split(
    func: &Proc,
    mut args: Vec<Expr>,
    within: &mut [SortKey],
) -> std::result::Result<Vec<Expr>, &'static str> {
    match (func.agg_kind, within.is_empty()) {
        (b'o' | b'h', true) => Err("WITHIN GROUP is required for ordered-set aggregate"),
        (b'o' | b'h', false) => {
            let sorted = args.split_off(args.len().saturating_sub(within.len()));
            for (key, arg) in within.iter_mut().zip(sorted) {
                key.expr = arg;
            }
            Ok(args)
        }
        (_, false) => Err("WITHIN GROUP cannot be used with the aggregate"),
        (_, true) => Ok(args),
    }
}

/// `t.*` as an argument.
fn wildcard(arg: &ast::FunctionArg) -> Option<ast::Expr> {
    match arg {
        FunctionArg::Unnamed(FunctionArgExpr::QualifiedWildcard(name)) => {
            Some(ast::Expr::QualifiedWildcard(name.clone(), ast::helpers::attached_token::AttachedToken::empty()))
        }
        _ => None,
    }
}

impl Analyzer<'_> {
    /// `t.*` where it is one value: `count(t.*)`, `(t.*)::x`.
    pub(crate) fn starred_relation(&mut self, relation: &ast::ObjectName) -> Result<Expr> {
        let (namespace, relation, pos) = self.name_parts(relation)?;
        let Some(item) = self.find_item(namespace.as_deref(), &relation, pos)? else {
            return Err(self.missing_relation(namespace.as_deref(), &relation, pos));
        };
        let Some(rel) = item.rel else { return Err(Error::unsupported("a join's whole row")) };
        self.row_of(rel, item.row_type, pos)
    }
}

/// A call of one argument and nothing else, which may be a column's name with its row.
fn is_plain(f: &ast::Function, list: &ast::FunctionArgumentList) -> bool {
    let plain = f.over.is_none() && f.filter.is_none() && f.within_group.is_empty() && f.null_treatment.is_none();
    let one = match list.args.as_slice() {
        [FunctionArg::Unnamed(FunctionArgExpr::Expr(arg))] => !is_variadic(arg),
        _ => false,
    };
    plain && one && list.clauses.is_empty() && list.duplicate_treatment.is_none()
}

/// Whether an argument was written `VARIADIC array`, which the parser marks so.
fn is_variadic(arg: &ast::Expr) -> bool {
    matches!(arg, ast::Expr::Named { name, .. } if name.value == "variadic")
}
