//! Which function a call means (FuncnameGetCandidates, func_get_detail), and its arguments made fit.

use sqlparser::ast;

use std::sync::Arc;

use super::coerce::Pathway;
use super::resolve::{Candidate, Choice};
use super::{Analyzer, CastContext, Expr, ExprKind};
use crate::error::{Error, Result, SqlState};
use crate::facts::{PROCS, Proc};
use crate::registry::{Function, Name};
use crate::sql::Dialect;
use crate::types::{Oid, PgType, oid};

/// What a call may mean: PostgreSQL's own functions, and those of users.
#[derive(Debug, Clone)]
pub(crate) enum Callee {
    Builtin(&'static Proc),
    User(Arc<Function>),
}

impl Callee {
    pub fn args(&self) -> &[Oid] {
        match self {
            Self::Builtin(func) => &func.args,
            Self::User(function) => &function.args,
        }
    }

    /// The element type of a variadic last argument; 0 if not variadic.
    fn variadic(&self) -> Oid {
        match self {
            Self::Builtin(func) => func.variadic,
            Self::User(function) => function.variadic,
        }
    }

    fn defaults(&self) -> usize {
        match self {
            Self::Builtin(func) => func.defaults,
            Self::User(function) => function.defaults(),
        }
    }

    fn result(&self) -> Oid {
        match self {
            Self::Builtin(func) => func.result,
            Self::User(function) => function.result,
        }
    }

    /// The names of its input parameters, empty where there is none.
    fn input_names(&self) -> Vec<&str> {
        match self {
            Self::Builtin(func) => {
                let columns = crate::facts::PROC_ROWS.columns;
                let field = |name: &str| columns.iter().position(|c| *c == name).and_then(|i| func.row[i]);
                let modes = crate::facts::items(field("proargmodes"));
                let input = |i: usize| matches!(modes.get(i), None | Some(&("i" | "b" | "v")));
                func.names.iter().enumerate().filter(|(i, _)| input(*i)).map(|(_, n)| *n).collect()
            }
            Self::User(function) => function.inputs().map(|p| &*p.name).collect(),
        }
    }
}

/// One candidate, its parameters expanded to the number of arguments given.
pub(crate) struct Form {
    pub func: Callee,
    pub args: Vec<Oid>,
    /// How many trailing arguments are collected into the variadic array; None if it is not called so.
    pub variadic: Option<usize>,
    /// For named notation: which argument each parameter takes, None for its default.
    pub order: Option<Vec<Option<usize>>>,
    /// How many arguments stand before those with names.
    pub positional: usize,
    /// Another one of its namespace takes the same types and leaves others out: which is meant cannot be told.
    pub ambiguous: bool,
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
pub(crate) struct Arguments {
    pub exprs: Vec<Expr>,
    /// Names of the last ones.
    pub names: Vec<Name>,
    pub variadic: bool,
}

pub(crate) enum Resolved {
    Function(Form),
    /// A type's name used as a function: a cast.
    Cast(Oid),
}

impl Analyzer<'_> {
    /// Arguments coerced to the parameters, defaults filled in, variadic ones collected; and the result type.
    pub(crate) fn coerce_arguments(&mut self, form: Form, args: Vec<Expr>, pos: u32) -> Result<(Vec<Expr>, Oid)> {
        super::collation::agree(&args)?;
        let func = &form.func;
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
        let parameters = if form.order.is_some() { func.args() } else { &form.args };
        for parameter in args.len()..parameters.len() {
            args.push(self.default_argument(func, parameter)?);
        }
        let actual: Vec<Oid> = args.iter().map(|a| a.ty.oid).collect();
        let (declared, result) = self.enforce_generic(&actual, parameters, func.result())?;
        if let Callee::Builtin(func) = func {
            self.check_elements(func.name, &declared)?;
        }
        let pg_typeof = matches!(func, Callee::Builtin(func) if func.name == "pg_typeof");
        let mut out = Vec::with_capacity(args.len());
        for (arg, ty) in args.into_iter().zip(&declared) {
            // "any" takes a literal as it is; it reaches the function as text.
            out.push(match *ty {
                oid::ANY if pg_typeof => arg,
                oid::ANY if arg.ty.oid == oid::UNKNOWN && !matches!(arg.kind, ExprKind::Param(_)) => {
                    self.resolve_unknown(arg)?
                }
                ty => self.coerce_type(arg, PgType::new(ty), CastContext::Implicit, false)?,
            });
        }
        if let Some(count) = form.variadic
            && func.variadic() != oid::ANY
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
    fn default_argument(&mut self, func: &Callee, parameter: usize) -> Result<Expr> {
        let func = match func {
            Callee::Builtin(func) => func,
            Callee::User(function) => return self.kept_default(function, parameter),
        };
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
    pub(crate) fn resolve_function(
        &self,
        namespace: Option<&str>,
        name: &str,
        arguments: &Arguments,
        pos: u32,
    ) -> Result<Resolved> {
        let inputs: Vec<Oid> = arguments.exprs.iter().map(|e| e.ty.oid).collect();
        if namespace.is_none()
            && let Some(exact) = self.exact_builtin(name, &inputs, arguments)
        {
            return Ok(Resolved::Function(plain_form(Callee::Builtin(exact))));
        }
        let forms = match namespace {
            None => self.forms_along_path(name, inputs.len(), arguments),
            Some("pg_catalog") => forms(builtin(name), inputs.len(), arguments),
            Some("duckgate") if let Some((_, same)) = OWN.iter().find(|(own, _)| *own == name) => {
                forms(builtin(same), inputs.len(), arguments)
            }
            Some("information_schema") => {
                forms(builtin(&format!("information_schema.{name}")), inputs.len(), arguments)
            }
            Some(namespace) => {
                self.may_look_into(Some(namespace)).map_err(|e| e.at(pos))?;
                forms(self.user_functions(namespace, name), inputs.len(), arguments)
            }
        };
        if let Some(exact) = forms.iter().position(|f| f.args[..inputs.len()] == inputs[..] && f.order.is_none()) {
            return match forms[exact].ambiguous {
                true => Err(self.function_error(namespace, name, arguments, true).at(pos)),
                false => Ok(Resolved::Function(take(forms, exact))),
            };
        }
        let refs: Vec<FormRef<'_>> = forms.iter().map(FormRef).collect();
        let choice = self.choose(&inputs, &refs);
        // A function that a kept text calls stays one when a type gets its name.
        let stays = |ty: Oid| ty >= oid::FIRST_USER && self.is_settled() && matches!(choice, Choice::One(_));
        if let ([source], true) = (inputs.as_slice(), arguments.names.is_empty())
            && let Some(target) = self.function_name_as_type(namespace, name).filter(|ty| !stays(*ty))
            && self.is_function_style_cast(*source, target)
        {
            return Ok(Resolved::Cast(target));
        }
        let choice = match choice {
            Choice::One(form) => forms.iter().position(|f| std::ptr::eq(f, form.0)),
            Choice::None => return Err(self.function_error(namespace, name, arguments, false).at(pos)),
            Choice::Ambiguous => None,
        };
        match choice {
            Some(at) if !forms[at].ambiguous => Ok(Resolved::Function(take(forms, at))),
            Some(_) | None => Err(self.function_error(namespace, name, arguments, true).at(pos)),
        }
    }

    /// The function of PostgreSQL's that takes just these types, where it is the first along the path: what most calls mean, found
    /// without a look at its namesakes.
    fn exact_builtin(&self, name: &str, inputs: &[Oid], arguments: &Arguments) -> Option<&'static Proc> {
        let first = || self.search_path().find(|n| !n.starts_with("pg_temp")) == Some("pg_catalog");
        if arguments.variadic || !arguments.names.is_empty() || !first() {
            return None;
        }
        let begins = |proc_: &&Proc| proc_.variadic != 0 || proc_.args.get(..inputs.len()) == Some(inputs);
        let mut found = PROCS.by_name(name).filter(begins);
        // One that takes more, by its defaults, would be as good.
        found.next().filter(|proc_| proc_.variadic == 0 && proc_.args.len() == inputs.len() && found.next().is_none())
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
        if let Err(error) = self.namespace_is_there(namespace) {
            return error;
        }
        if namespace.is_none() && self.ctx.dialect == Dialect::Extended && FILE_READERS.contains(&name) {
            return Error::unsupported(format!("function {name}()")).hint(
                "read_csv(), read_json(), read_parquet(), their kin and glob() stand in FROM; COPY … FROM 'file' loads a file of the server.",
            );
        }
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

/// DuckDB's functions that read files, which it does not do here.
const FILE_READERS: &[&str] = &[
    "glob",
    "parquet_metadata",
    "parquet_scan",
    "parquet_schema",
    "read_blob",
    "read_csv",
    "read_csv_auto",
    "read_json",
    "read_json_auto",
    "read_json_objects",
    "read_ndjson",
    "read_parquet",
    "read_text",
    "sniff_csv",
];

/// The gateway's own functions, in a namespace of their own, and the functions of PostgreSQL's that they are.
const OWN: &[(&str, &str)] = &[("reload", "pg_reload_conf")];

fn take(mut forms: Vec<Form>, at: usize) -> Form {
    forms.swap_remove(at)
}

pub(super) fn builtin(name: &str) -> impl Iterator<Item = Callee> {
    PROCS.by_name(name).map(Callee::Builtin)
}

/// FuncnameGetCandidates: the functions of that name that could take so many arguments.
pub(super) fn forms(functions: impl Iterator<Item = Callee>, count: usize, arguments: &Arguments) -> Vec<Form> {
    let mut out: Vec<Form> = Vec::new();
    for func in functions {
        let (args, variadic) = (func.args().len(), func.variadic());
        let form = if !arguments.names.is_empty() {
            named_form(func, count, &arguments.names)
        } else if args == count && (arguments.variadic || variadic == 0) {
            (!arguments.variadic || variadic != 0).then(|| plain_form(func))
        } else if variadic != 0 && !arguments.variadic && count >= args {
            variadic_form(func, count)
        } else if count < args && count + func.defaults() >= args {
            Some(plain_form(func))
        } else {
            None
        };
        out.extend(form);
    }
    // Of two that take the same types, the one that is not variadic wins; nothing else tells them apart.
    let mut kept: Vec<Form> = Vec::with_capacity(out.len());
    for form in out {
        match kept.iter().position(|k| k.args[..count.min(k.args.len())] == form.args[..count.min(form.args.len())]) {
            Some(at) if form.variadic.is_none() && kept[at].variadic.is_some() => kept[at] = form,
            Some(at) if form.variadic.is_some() == kept[at].variadic.is_some() => kept[at].ambiguous = true,
            Some(_) => {}
            None => kept.push(form),
        }
    }
    kept
}

fn plain_form(func: Callee) -> Form {
    Form { args: func.args().to_vec(), func, variadic: None, order: None, positional: 0, ambiguous: false }
}

fn variadic_form(func: Callee, count: usize) -> Option<Form> {
    let fixed = func.args().len() - 1;
    let extra = count.checked_sub(fixed).filter(|n| *n > 0)?;
    let mut args = func.args()[..fixed].to_vec();
    args.extend(std::iter::repeat_n(func.variadic(), extra));
    Some(Form { func, args, variadic: Some(extra), order: None, positional: 0, ambiguous: false })
}

/// Named notation (MatchNamedCall).
fn named_form(func: Callee, count: usize, names: &[Name]) -> Option<Form> {
    let positional = count - names.len();
    if positional > func.args().len() || func.variadic() != 0 {
        return None;
    }
    let inputs = func.input_names();
    let mut order: Vec<Option<usize>> = (0..func.args().len()).map(|i| (i < positional).then_some(i)).collect();
    for (i, name) in names.iter().enumerate() {
        let at = inputs.iter().position(|n| **n == **name)?;
        let slot = order.get_mut(at)?;
        if slot.is_some() {
            return None;
        }
        *slot = Some(positional + i);
    }
    let required = func.args().len() - func.defaults();
    if order[..required].iter().any(Option::is_none) {
        return None;
    }
    // As the call has them, for the choice among candidates; what is not given comes last.
    let given = (0..count).filter_map(|k| order.iter().position(|from| *from == Some(k)));
    let left_out = (0..order.len()).filter(|p| order[*p].is_none());
    let args = given.chain(left_out).map(|p| func.args()[p]).collect();
    Some(Form { func, args, variadic: None, order: Some(order), positional, ambiguous: false })
}
