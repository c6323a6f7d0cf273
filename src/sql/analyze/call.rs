//! Function calls (ParseFuncOrColumn, func_get_detail): which function a name and arguments mean; aggregates and
//! window functions; what a session knows.

use std::sync::LazyLock;

use sqlparser::ast::{self, FunctionArg, FunctionArgExpr, FunctionArguments};

use super::coerce::Pathway;
use super::resolve::{Candidate, Choice};
use super::{Analyzer, CastContext, Expr, ExprKind};
use crate::error::{Error, Result, SqlState};
use crate::facts::{PROCS, Proc};
use crate::registry::Name;
use crate::sql::parse::fold;
use crate::tree::{Aggregate, Call, SortKey, Window};
use crate::types::{Oid, PgType, Value, oid};

/// One candidate, its parameters expanded to the number of arguments given.
struct Form {
    func: &'static Proc,
    args: Vec<Oid>,
    /// How many trailing arguments are collected into the variadic array; None if it is not called so.
    variadic: Option<usize>,
    /// For named notation: which argument each parameter takes, None for its default.
    order: Option<Vec<Option<usize>>>,
}

#[derive(Clone, Copy)]
struct FormRef<'f>(&'f Form);

impl Candidate for FormRef<'_> {
    fn args(&self) -> &[Oid] {
        &self.0.args
    }
}

/// The arguments of a call, analyzed.
#[derive(Default)]
struct Arguments {
    exprs: Vec<Expr>,
    /// Names of the last ones.
    names: Vec<Name>,
    variadic: bool,
}

enum Resolved {
    Function(Form),
    /// A type's name used as a function: a cast.
    Cast(Oid),
}

impl Analyzer<'_> {
    /// A call of a built-in function on analyzed arguments, by name.
    pub(crate) fn call_by_name(&mut self, name: &str, args: Vec<Expr>, pos: u32) -> Result<Expr> {
        let arguments = Arguments { exprs: args, names: Vec::new(), variadic: false };
        let form = match self.resolve_function(Some("pg_catalog"), name, &arguments, pos)? {
            Resolved::Function(form) => form,
            Resolved::Cast(_) => return Err(Error::internal(format!("{name} is no function"))),
        };
        self.plain_call(form, arguments.exprs, pos)
    }

    /// As [`Analyzer::call_by_name`], for a function that was written without its namespace.
    pub(crate) fn call_unqualified(&mut self, name: &str, args: Vec<Expr>, pos: u32) -> Result<Expr> {
        let arguments = Arguments { exprs: args, names: Vec::new(), variadic: false };
        match self.resolve_function(None, name, &arguments, pos)? {
            Resolved::Function(form) => self.plain_call(form, arguments.exprs, pos),
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
        if let Some(value) = self.session_function(namespace.as_deref(), &name, list, pos)? {
            return Ok(value);
        }
        self.call_of_list(f, namespace, &name, list, pos)
    }

    /// Names that the grammar treats by themselves.
    fn special_function(&mut self, name: &str, list: &ast::FunctionArgumentList, pos: u32) -> Result<Option<Expr>> {
        if !matches!(name, "coalesce" | "greatest" | "least" | "nullif" | "row" | "grouping") {
            return Ok(None);
        }
        let mut args = Vec::with_capacity(list.args.len());
        for arg in &list.args {
            args.push(super::from::plain_arg(arg)?);
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
                FunctionArgExpr::Expr(ast::Expr::Named { expr, name: marker }) if marker.value == "variadic" => {
                    out.variadic = true;
                    self.expr(expr)?
                }
                FunctionArgExpr::Expr(expr) => self.expr(expr)?,
                FunctionArgExpr::QualifiedWildcard(relation) => {
                    // `count(t.*)` takes the whole row.
                    let (namespace, relation, pos) = self.name_parts(relation)?;
                    let Some(item) = self.find_item(namespace.as_deref(), &relation, pos)? else {
                        return Err(self.missing_relation(namespace.as_deref(), &relation, pos));
                    };
                    let Some(rel) = item.rel else { return Err(Error::unsupported("a join's whole row")) };
                    Expr { kind: ExprKind::WholeRow(rel), ty: PgType::new(item.row_type), pos }
                }
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
        let mut within = self.aggregate_order(&f.within_group)?;
        if !within.is_empty() {
            arguments.exprs.extend(within.iter().map(|k| k.expr.clone()));
        }
        let form = match self.resolve_function(namespace.as_deref(), name, &arguments, pos)? {
            Resolved::Cast(target) => {
                let arg = arguments.exprs.pop().ok_or_else(|| Error::internal("a cast without an argument"))?;
                return self.explicit_cast(arg, PgType::new(target), pos);
            }
            Resolved::Function(form) => form,
        };
        let func = form.func;
        let plain = func.kind == b'f';
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
            return self.plain_call(form, arguments.exprs, pos);
        }
        if !details.star && arguments.exprs.is_empty() && func.kind == b'a' && func.agg_kind == b'n' {
            let message = format!("{name}(*) must be used to call a parameterless aggregate function");
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message).at(pos));
        }
        if f.null_treatment.is_some() {
            return Err(Error::syntax("syntax error at or near \"NULLS\"").at(pos));
        }
        let (args, result) = self.coerce_arguments(form, arguments.exprs, pos)?;
        let filter = match &f.filter {
            Some(filter) => Some(self.condition(filter, super::scope::Clause::Filter, "FILTER")?),
            None => None,
        };
        if let Some(over) = &f.over {
            return self.window_call(func, args, result, filter, over, &details, pos);
        }
        if func.kind == b'w' {
            let message = format!("window function {name} requires an OVER clause");
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message).at(pos));
        }
        let direct = ordered_set_split(func, args, &mut within)
            .map_err(|m| Error::new(SqlState::WRONG_OBJECT_TYPE, format!("{m} {name}")).at(pos))?;
        let order_by = if within.is_empty() { details.order_by } else { within };
        if details.distinct {
            self.check_distinct_aggregate(func, &direct, &order_by)?;
        }
        let all: Vec<Expr> = direct.iter().cloned().chain(order_by.iter().map(|k| k.expr.clone())).collect();
        self.admit_aggregate(&all, pos)?;
        let aggregate =
            Aggregate { func, args: direct, distinct: details.distinct, order_by, filter, star: details.star };
        Ok(Expr { kind: ExprKind::Aggregate(Box::new(aggregate)), ty: PgType::new(result), pos })
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
        let window = Window { func, args, star: details.star, filter, spec };
        Ok(Expr { kind: ExprKind::Window(Box::new(window)), ty: PgType::new(result), pos })
    }

    fn plain_call(&mut self, form: Form, args: Vec<Expr>, pos: u32) -> Result<Expr> {
        let func = form.func;
        if func.kind == b'p' {
            let message = format!("{} is a procedure", func.name);
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message)
                .hint("To call a procedure, use CALL.")
                .at(pos));
        }
        let (args, result) = self.coerce_arguments(form, args, pos)?;
        // nextval of a sequence that is known now.
        if func.name == "nextval"
            && let [Expr { kind: ExprKind::Const(Value::Oid(sequence)), .. }] = args.as_slice()
        {
            return Ok(Expr { kind: ExprKind::NextValue(*sequence), ty: PgType::new(result), pos });
        }
        let call = Box::new(Call { func, args, operator: None });
        if func.returns_set {
            if let Some(clause) = self.scope().clause.refuses_sets() {
                let message = format!("set-returning functions are not allowed in {clause}");
                return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).at(pos));
            }
            self.sets = (self.sets.0 + 1, pos);
            return Ok(Expr { kind: ExprKind::SetReturning(call), ty: PgType::new(result), pos });
        }
        Ok(Expr { kind: ExprKind::Call(call), ty: PgType::new(result), pos })
    }

    /// Arguments coerced to the parameters, defaults filled in, variadic ones collected; and the result type.
    fn coerce_arguments(&mut self, form: Form, args: Vec<Expr>, pos: u32) -> Result<(Vec<Expr>, Oid)> {
        let func = form.func;
        let mut args = match &form.order {
            None => args,
            Some(order) => {
                let mut given: Vec<Option<Expr>> = args.into_iter().map(Some).collect();
                let mut placed = Vec::with_capacity(order.len());
                for (parameter, from) in order.iter().enumerate() {
                    placed.push(match from.and_then(|i| given.get_mut(i)).and_then(Option::take) {
                        Some(arg) => arg,
                        None => self.default_argument(func, parameter)?,
                    });
                }
                placed
            }
        };
        for parameter in args.len()..form.args.len() {
            args.push(self.default_argument(func, parameter)?);
        }
        let actual: Vec<Oid> = args.iter().map(|a| a.ty.oid).collect();
        let (declared, result) = self.enforce_generic(&actual, &form.args, func.result)?;
        let mut out = Vec::with_capacity(args.len());
        for (arg, ty) in args.into_iter().zip(&declared) {
            // "any" takes a literal as it is; it reaches the function as text.
            out.push(match *ty {
                oid::ANY if func.name == "pg_typeof" => arg,
                oid::ANY if arg.ty.oid == oid::UNKNOWN && !matches!(arg.kind, ExprKind::Param(_)) => {
                    self.resolve_unknown(arg)?
                }
                ty => self.coerce_type(arg, PgType::new(ty), CastContext::Implicit, false)?,
            });
        }
        if let Some(count) = form.variadic
            && func.variadic != oid::ANY
        {
            let items = out.split_off(out.len() - count);
            let element = declared.last().copied().unwrap_or(oid::TEXT);
            let nested = self.type_facts(element).element != 0;
            let ty = PgType::new(self.array_of(element)?);
            let array_pos = items.first().map_or(pos, |i| i.pos);
            out.push(Expr { kind: ExprKind::Array { items, nested }, ty, pos: array_pos });
        }
        Ok((out, result))
    }

    /// The default of a parameter, from the recorded text.
    fn default_argument(&mut self, func: &'static Proc, parameter: usize) -> Result<Expr> {
        let column = crate::facts::PROC_ROWS.columns.iter().position(|c| *c == "proargdefaults");
        let text = column.and_then(|c| func.row[c]).unwrap_or_default();
        let (list, _) = crate::sql::parse::parse_expression(&format!("({text})"))?;
        let items = match &list {
            ast::Expr::Tuple(items) => items.as_slice(),
            ast::Expr::Nested(item) => std::slice::from_ref(&**item),
            _ => return Err(Error::internal(format!("defaults of {} are not a list", func.name))),
        };
        let first = func.args.len() - items.len().min(func.args.len());
        let item = parameter.checked_sub(first).and_then(|i| items.get(i));
        let item = item.ok_or_else(|| Error::internal(format!("{} has no default for {parameter}", func.name)))?;
        let mut expr = self.expr(item)?;
        expr.pos = 0;
        Ok(expr)
    }

    /// func_get_detail.
    fn resolve_function(
        &self,
        namespace: Option<&str>,
        name: &str,
        arguments: &Arguments,
        pos: u32,
    ) -> Result<Resolved> {
        let inputs: Vec<Oid> = arguments.exprs.iter().map(|e| e.ty.oid).collect();
        let forms = match namespace {
            None | Some("pg_catalog") => forms(name, inputs.len(), arguments),
            Some("information_schema") if name == EXPAND_ARRAY.name && inputs.len() == 1 => {
                vec![plain_form(&EXPAND_ARRAY)]
            }
            Some(_) => Vec::new(),
        };
        if let Some(exact) = forms.iter().position(|f| f.args[..inputs.len()] == inputs[..] && f.order.is_none()) {
            return Ok(Resolved::Function(take(forms, exact)));
        }
        if let ([source], true) = (inputs.as_slice(), arguments.names.is_empty())
            && let Some(target) = self.function_name_as_type(namespace, name)
            && self.is_function_style_cast(*source, target)
        {
            return Ok(Resolved::Cast(target));
        }
        let refs: Vec<FormRef<'_>> = forms.iter().map(FormRef).collect();
        let choice = match self.choose(&inputs, &refs) {
            Choice::One(form) => forms.iter().position(|f| std::ptr::eq(f, form.0)),
            Choice::None => return Err(self.function_error(namespace, name, arguments, false).at(pos)),
            Choice::Ambiguous => None,
        };
        match choice {
            Some(at) => Ok(Resolved::Function(take(forms, at))),
            None => Err(self.function_error(namespace, name, arguments, true).at(pos)),
        }
    }

    fn is_function_style_cast(&self, source: Oid, target: Oid) -> bool {
        if source == oid::UNKNOWN {
            return true;
        }
        match self.pathway(target, source, CastContext::Explicit) {
            Some(Pathway::Relabel) => true,
            Some(Pathway::InOut) => {
                let composite = source == oid::RECORD || self.type_facts(source).kind == b'c';
                !(composite && self.type_facts(target).category == b'S')
            }
            Some(Pathway::Function(_) | Pathway::ArrayElements) | None => false,
        }
    }

    fn function_error(&self, namespace: Option<&str>, name: &str, arguments: &Arguments, ambiguous: bool) -> Error {
        let positional = arguments.exprs.len() - arguments.names.len();
        let shown: Vec<String> = arguments
            .exprs
            .iter()
            .enumerate()
            .map(|(i, e)| match i.checked_sub(positional).and_then(|n| arguments.names.get(n)) {
                Some(name) => format!("{name} => {}", self.type_name(e.ty.oid)),
                None => self.type_name(e.ty.oid),
            })
            .collect();
        let qualified = namespace.map_or_else(|| name.to_owned(), |n| format!("{n}.{name}"));
        let signature = format!("{qualified}({})", shown.join(", "));
        if ambiguous {
            return Error::new(SqlState::AMBIGUOUS_FUNCTION, format!("function {signature} is not unique"))
                .hint("Could not choose a best candidate function. You might need to add explicit type casts.");
        }
        Error::new(SqlState::UNDEFINED_FUNCTION, format!("function {signature} does not exist"))
            .hint("No function matches the given name and argument types. You might need to add explicit type casts.")
    }
}

/// The one function of information_schema that clients call (pgjdbc, for keys): an array's elements with their numbers.
static EXPAND_ARRAY: LazyLock<Proc> = LazyLock::new(|| Proc {
    oid: 13_254,
    name: "_pg_expandarray",
    kind: b'f',
    returns_set: true,
    strict: true,
    volatility: b'i',
    leakproof: false,
    args: vec![oid::ANYARRAY],
    defaults: 0,
    variadic: 0,
    result: oid::RECORD,
    out_args: vec![("x", oid::ANYELEMENT), ("n", oid::INT4)],
    agg_kind: 0,
    agg_direct_args: 0,
    row: &[],
});

/// What may stand in an aggregate's parentheses besides arguments.
#[derive(Default)]
struct Details {
    order_by: Vec<SortKey>,
    distinct: bool,
    star: bool,
}

fn take(mut forms: Vec<Form>, at: usize) -> Form {
    forms.swap_remove(at)
}

/// FuncnameGetCandidates: the functions of that name that could take so many arguments.
fn forms(name: &str, count: usize, arguments: &Arguments) -> Vec<Form> {
    let mut out: Vec<Form> = Vec::new();
    for func in PROCS.by_name(name) {
        let form = if !arguments.names.is_empty() {
            named_form(func, count, &arguments.names)
        } else if func.args.len() == count && (arguments.variadic || func.variadic == 0) {
            (!arguments.variadic || func.variadic != 0).then(|| plain_form(func))
        } else if func.variadic != 0 && !arguments.variadic && count + 1 >= func.args.len() {
            variadic_form(func, count)
        } else if count < func.args.len() && count + func.defaults >= func.args.len() && func.variadic == 0 {
            Some(plain_form(func))
        } else {
            None
        };
        out.extend(form);
    }
    // Of two that take the same types, the one that is not variadic and needs no defaults wins.
    let key = |f: &Form| (f.variadic.is_some(), f.func.args.len() != count);
    let mut kept: Vec<Form> = Vec::with_capacity(out.len());
    for form in out {
        match kept.iter().position(|k| k.args[..count.min(k.args.len())] == form.args[..count.min(form.args.len())]) {
            Some(at) if key(&form) < key(&kept[at]) => kept[at] = form,
            Some(_) => {}
            None => kept.push(form),
        }
    }
    kept
}

fn plain_form(func: &'static Proc) -> Form {
    Form { func, args: func.args.clone(), variadic: None, order: None }
}

fn variadic_form(func: &'static Proc, count: usize) -> Option<Form> {
    let fixed = func.args.len() - 1;
    let extra = count.checked_sub(fixed).filter(|n| *n > 0)?;
    let mut args = func.args[..fixed].to_vec();
    args.extend(std::iter::repeat_n(func.variadic, extra));
    Some(Form { func, args, variadic: Some(extra), order: None })
}

/// Named notation (MatchNamedCall).
fn named_form(func: &'static Proc, count: usize, names: &[Name]) -> Option<Form> {
    let positional = count - names.len();
    if positional > func.args.len() || func.variadic != 0 {
        return None;
    }
    let columns = crate::facts::PROC_ROWS.columns;
    let field = |name: &str| columns.iter().position(|c| *c == name).and_then(|i| func.row[i]);
    let all: Vec<&str> = field("proargnames")?.split(' ').collect();
    let modes: Vec<&str> = field("proargmodes").map(|m| m.split_whitespace().collect()).unwrap_or_default();
    let inputs: Vec<&str> = all
        .iter()
        .enumerate()
        .filter(|(i, _)| matches!(modes.get(*i), None | Some(&("i" | "b" | "v"))))
        .map(|(_, n)| *n)
        .collect();
    let mut order: Vec<Option<usize>> = (0..func.args.len()).map(|i| (i < positional).then_some(i)).collect();
    for (i, name) in names.iter().enumerate() {
        let at = inputs.iter().position(|n| **n == **name)?;
        let slot = order.get_mut(at)?;
        if slot.is_some() {
            return None;
        }
        *slot = Some(positional + i);
    }
    let required = func.args.len() - func.defaults;
    if order[..required].iter().any(Option::is_none) {
        return None;
    }
    Some(Form { func, args: func.args.clone(), variadic: None, order: Some(order) })
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
