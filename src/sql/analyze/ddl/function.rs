//! CREATE, ALTER, DROP, GRANT and COMMENT of functions (interpret_function_parameter_list, LookupFuncWithArgs).

use std::sync::Arc;

use super::super::{Analyzer, body, kept};
use crate::error::{Error, Result, SqlState};
use crate::facts::{PROCS, TYPES};
use crate::registry::bootstrap::TEMPORARY;
use crate::registry::{Acl, Function, FunctionBody, Language, Name, Parameter, ParameterMode, Privileges, polymorphic};
use crate::sql::parse::{self, RawBody, RawCreate, RawFunction, RawSignature, RawTarget, RawType};
use crate::tree::{
    AlterFunction, Ddl, FunctionDdl, GrantChange, GrantTarget, GrantedPrivilege, NewFunction, RoutineKind,
};
use crate::types::{Oid, PgType, oid};

fn definition(message: impl Into<String>) -> Error {
    Error::new(SqlState::INVALID_FUNCTION_DEFINITION, message)
}

/// What a name with a signature comes to.
enum Looked {
    Found(Arc<Function>),
    /// One of PostgreSQL's own.
    Builtin,
    Missing(Error),
}

impl Analyzer<'_> {
    pub(super) fn function_ddl(&mut self, raw: &RawFunction) -> Result<Ddl> {
        Ok(match raw {
            RawFunction::Create(create) => Ddl::Function(FunctionDdl::Create(Box::new(self.create_function(create)?))),
            RawFunction::Alter { kind, signature, change } => {
                let function = self.function_named(*kind, signature)?.oid;
                let change = match change {
                    AlterFunction::SetOwner { to } => AlterFunction::SetOwner { to: self.role_name(to) },
                    other => other.clone(),
                };
                Ddl::Function(FunctionDdl::Alter { kind: *kind, function, change })
            }
            RawFunction::Comment { kind, signature, comment } => {
                let function = self.function_named(*kind, signature)?.oid;
                Ddl::Function(FunctionDdl::Comment { function, comment: comment.clone() })
            }
            RawFunction::Drop { kind, signatures, if_exists, behavior } => {
                let (mut functions, mut missing) = (Vec::new(), Vec::new());
                for signature in signatures {
                    match self.look_up(*kind, signature) {
                        Ok(Looked::Found(function)) => functions.push(function.oid),
                        Ok(Looked::Builtin) => {
                            let message = format!(
                                "cannot drop function {} because it is required by the database system",
                                self.signature_text(signature)
                            );
                            return Err(Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message));
                        }
                        Ok(Looked::Missing(_)) if *if_exists => missing.push(self.skipped(*kind, signature)),
                        Ok(Looked::Missing(error)) => return Err(error),
                        // A type or a schema that is not there.
                        Err(error) if *if_exists && super::absent::is_missing(&error) => {
                            missing.push(format!("{}, skipping", error.report().message));
                        }
                        Err(error) => return Err(error),
                    }
                }
                Ddl::Function(FunctionDdl::Drop { kind: *kind, functions, missing, behavior: *behavior })
            }
            RawFunction::Grant { revoke, option, on, grantees, cascade, granted_by } => {
                self.granted_by(granted_by.as_ref())?;
                let on = match on {
                    RawTarget::These { kind, signatures } => {
                        let found = signatures.iter().map(|s| self.function_named(*kind, s).map(|f| f.oid));
                        GrantTarget::Functions(found.collect::<Result<_>>()?)
                    }
                    RawTarget::AllIn { kind, namespaces } => {
                        GrantTarget::AllFunctionsIn { kind: *kind, namespaces: namespaces.clone() }
                    }
                };
                let option = *option || self.parsed.extras.grant_option_for;
                Ddl::Grant(GrantChange {
                    revoke: *revoke,
                    grant_option_only: *revoke && option,
                    with_grant_option: !*revoke && option,
                    privileges: vec![GrantedPrivilege { privileges: Privileges::EXECUTE, columns: Vec::new() }],
                    on,
                    grantees: grantees.iter().map(|g| g.as_ref().map(|name| self.role_name(name))).collect(),
                    cascade: *cascade,
                })
            }
        })
    }

    /// The function that a command names.
    fn function_named(&self, kind: RoutineKind, signature: &RawSignature) -> Result<Arc<Function>> {
        match self.look_up(kind, signature)? {
            Looked::Found(function) => Ok(function),
            Looked::Builtin => Err(Error::unsupported(format!(
                "a change of PostgreSQL's own function {}",
                self.signature_text(signature)
            ))),
            Looked::Missing(error) => Err(error),
        }
    }

    /// LookupFuncWithArgs: along the search path, by exact types.
    fn look_up(&self, kind: RoutineKind, signature: &RawSignature) -> Result<Looked> {
        let name = &signature.name;
        self.may_look_into(name.namespace.as_deref())?;
        if let Some(namespace) = &name.namespace
            && &**namespace != TEMPORARY
            && !self.ctx.snapshot.namespaces.contains_key(namespace)
        {
            let message = format!("schema \"{namespace}\" does not exist");
            return Err(Error::new(SqlState::INVALID_SCHEMA_NAME, message));
        }
        let args = match &signature.args {
            Some(args) => Some(args.iter().map(|ty| self.data_type(ty).map(|t| t.oid)).collect::<Result<Vec<_>>>()?),
            None => None,
        };
        let namespaces: Vec<&str> = match &name.namespace {
            Some(one) => vec![one],
            None => self.search_path().collect(),
        };
        let shown = self.signature_text(signature);
        let mut found: Vec<Looked> = Vec::new();
        for namespace in namespaces {
            if namespace == "pg_catalog" {
                let own = PROCS.by_name(&name.name).filter(|p| args.as_ref().is_none_or(|args| p.args == *args));
                found.extend(own.map(|_| Looked::Builtin));
            }
            let named = self.ctx.snapshot.functions_named(namespace, &name.name);
            found.extend(
                named
                    .filter(|f| args.as_ref().is_none_or(|args| f.args == *args))
                    .map(|f| Looked::Found(Arc::clone(f))),
            );
            if args.is_some() && !found.is_empty() {
                found.truncate(1);
                break;
            }
        }
        if found.len() > 1 {
            let message = format!("{} name \"{}\" is not unique", kind.word(), self.written_name(signature));
            return Err(Error::new(SqlState::AMBIGUOUS_FUNCTION, message)
                .hint(format!("Specify the argument list to select the {} unambiguously.", kind.word())));
        }
        let Some(found) = found.pop() else {
            let message = match &args {
                Some(_) => format!("{} {shown} does not exist", kind.word()),
                None => format!("could not find a {} named \"{}\"", kind.word(), self.written_name(signature)),
            };
            return Ok(Looked::Missing(Error::new(SqlState::UNDEFINED_FUNCTION, message)));
        };
        if let Looked::Found(function) = &found
            && !kind.covers(function.procedure)
        {
            let message = format!("{shown} is not a {}", kind.word());
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
        }
        Ok(found)
    }

    fn written_name(&self, signature: &RawSignature) -> String {
        let name = &signature.name;
        name.namespace.as_ref().map_or_else(|| name.name.to_string(), |n| format!("{n}.{}", name.name))
    }

    fn signature_text(&self, signature: &RawSignature) -> String {
        let Some(args) = &signature.args else { return self.written_name(signature) };
        let types = args.iter().map(|ty| self.data_type(ty).map_or_else(|_| ty.to_string(), |t| self.type_name(t.oid)));
        format!("{}({})", self.written_name(signature), types.collect::<Vec<_>>().join(", "))
    }

    /// IF EXISTS of what is not there: types by the names that the grammar gives them.
    fn skipped(&self, kind: RoutineKind, signature: &RawSignature) -> String {
        let types = signature.args.iter().flatten().map(|ty| self.grammar_name(ty));
        let types = types.collect::<Vec<_>>().join(", ");
        format!("{} {}({types}) does not exist, skipping", kind.word(), self.written_name(signature))
    }

    fn create_function(&mut self, raw: &RawCreate) -> Result<NewFunction> {
        let (namespace, name) = self.new_name(&raw.name, false)?;
        let language = language(raw)?;
        let parameters = self.parameters(raw)?;
        let args: Vec<Oid> = parameters.iter().filter(|p| p.mode.is_input()).map(|p| p.ty).collect();
        let variadic = match parameters.iter().find(|p| p.mode == ParameterMode::Variadic) {
            None => 0,
            Some(last) => self.variadic_element(last.ty)?,
        };
        if raw.procedure && parameters.iter().any(|p| p.mode == ParameterMode::Out) {
            return Err(Error::unsupported("an OUT parameter of a procedure").hint("Make it INOUT."));
        }
        let (result, returns_set) = self.result(raw, &parameters)?;
        if (language, result) == (Language::Plpgsql, oid::TRIGGER) {
            return Err(Error::unsupported("a trigger function")
                .hint("There are no triggers: constraints, defaults and generated columns may do."));
        }
        check_types(language, raw.procedure, &args, result, |ty| self.type_name(ty))?;
        let outputs = parameters.iter().filter(|p| !p.mode.is_input() || p.mode == ParameterMode::InOut);
        for output in outputs {
            can_be_told(&args, output.ty, |ty| self.type_name(ty))?;
        }
        let flags = &raw.flags;
        if flags.rows.is_some() && !returns_set {
            let message = "ROWS is not applicable when function does not return a set";
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        }
        let mut function = Function {
            oid: 0,
            namespace,
            name,
            owner: self.ctx.role,
            procedure: raw.procedure,
            parameters,
            args,
            variadic,
            result,
            returns_set,
            volatility: flags.volatility.unwrap_or(b'v'),
            strict: flags.strict.unwrap_or(false),
            definer: flags.definer.unwrap_or(false),
            leakproof: flags.leakproof.unwrap_or(false),
            parallel: flags.parallel.unwrap_or(b'u'),
            cost: flags.cost.unwrap_or(100.0),
            rows: flags.rows.unwrap_or(if returns_set { 1000.0 } else { 0.0 }),
            body: self.written_body(raw, language)?,
            settings: Vec::new(),
            acl: Acl::default(),
            comment: None,
        };
        set_settings(&mut function, &flags.settings)?;
        match language {
            Language::Sql => self.keep_body(&mut function)?,
            Language::Plpgsql => self.check_block(&function, raw.source_at)?,
        }
        Ok(NewFunction { function, or_replace: raw.or_replace })
    }

    /// The body as it was written, along the session's search path.
    fn written_body(&self, raw: &RawCreate, language: Language) -> Result<FunctionBody> {
        // What somebody puts into a temporary schema is not meant.
        let path = self.ctx.search_path.iter().filter(|n| !n.starts_with("pg_temp")).cloned().collect();
        let (source, statements, expression) = match (&raw.source, &raw.body) {
            (Some(_), Some(_)) => return Err(definition("duplicate function body specified")),
            (None, None) => return Err(definition("no function body specified")),
            (Some(source), None) if language == Language::Plpgsql => (Some(source.clone()), Vec::new(), false),
            (None, Some(_)) if language == Language::Plpgsql => {
                return Err(definition("inline SQL function body only valid for language SQL"));
            }
            (Some(source), None) => {
                let parsed = parse::parse(source).map_err(|mut e| {
                    e.report_mut().position = None;
                    e
                })?;
                let statements = parsed.iter().map(|p| p.text.to_string()).collect();
                (Some(source.clone()), statements, false)
            }
            (None, Some(RawBody::Return(text))) => (None, vec![format!("SELECT {text}")], true),
            (None, Some(RawBody::Atomic(statements))) => (None, statements.clone(), false),
        };
        Ok(FunctionBody { language, source, statements, search_path: path, expression })
    }

    /// The body in PL/pgSQL is read: what its SQL names is found when it is run (plpgsql_validator).
    fn check_block(&self, function: &Function, source_at: Option<u32>) -> Result<()> {
        let unnamed = function.result == oid::RECORD && function.outputs().next().is_none();
        if unnamed {
            return Err(Error::unsupported("a function in PL/pgSQL that returns record without OUT parameters")
                .hint("Name its columns: RETURNS TABLE (…), or OUT parameters."));
        }
        if !self.ctx.check_bodies {
            return Ok(());
        }
        let source = function.body.source.as_deref().unwrap_or_default();
        parse::plpgsql::parse_function(source, function).map(drop).map_err(|mut error| {
            let position = &mut error.report_mut().position;
            *position = position.zip(source_at).map(|(at, before)| at + before);
            error
        })
    }

    /// Analyzes the body, and writes it so that its names mean the same for everybody.
    fn keep_body(&mut self, function: &mut Function) -> Result<()> {
        if function.body.statements.is_empty() {
            if function.result != oid::VOID {
                return Err(self.no_final_statement(function));
            }
            // Nothing is done, and nothing given.
            function.body.statements = vec!["SELECT 1".to_owned()];
        }
        if function.procedure {
            return Err(Error::unsupported("CREATE PROCEDURE").hint("Use a function of one SELECT."));
        }
        // With the types of a call only.
        if function.is_polymorphic() {
            if function.is_bound() {
                let message = "SQL function with unquoted function body cannot have polymorphic arguments";
                return Err(definition(message));
            }
            if !self.ctx.check_bodies {
                function.body.search_path = Vec::new();
            }
            return Ok(());
        }
        let [text] = function.body.statements.as_slice() else {
            return Err(Error::unsupported(format!("function {} of several statements", function.name))
                .hint("One SELECT is what a function may consist of."));
        };
        let made = self.final_query(function, text)?;
        if !made {
            return Err(Error::unsupported(format!("function {} that changes something", function.name))
                .hint("One SELECT is what a function may consist of."));
        }
        match body::keep(function, self.ctx) {
            Ok(kept) => {
                function.body.statements = vec![kept];
                function.body.search_path = kept::PATH.map(Name::from).to_vec();
                Ok(())
            }
            // Dumps say so: what it names comes later, or is found along the path of whoever calls it.
            Err(error)
                if !self.ctx.check_bodies
                    && !function.is_bound()
                    && error.code() != SqlState::FEATURE_NOT_SUPPORTED =>
            {
                function.body.search_path = Vec::new();
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Is the last statement a query? 42P13 if it gives nothing and something is to be given.
    fn final_query(&self, function: &Function, text: &str) -> Result<bool> {
        let parsed = parse::parse(text)?;
        let last = parsed.last().map(|p| Arc::clone(&p.body));
        let Some(parse::Body::Statement(statement)) = last.as_deref() else {
            if function.result != oid::VOID {
                return Err(self.no_final_statement(function));
            }
            return Ok(false);
        };
        use sqlparser::ast::Statement as S;
        let returning = match &**statement {
            S::Query(_) => return Ok(true),
            S::Insert(insert) => insert.returning.is_some(),
            S::Update(update) => update.returning.is_some(),
            S::Delete(delete) => delete.returning.is_some(),
            _ => false,
        };
        if !returning && function.result != oid::VOID {
            return Err(self.no_final_statement(function));
        }
        Ok(false)
    }

    fn no_final_statement(&self, function: &Function) -> Error {
        let shown = self.type_name(function.result);
        definition(format!("return type mismatch in function declared to return {shown}"))
            .detail("Function's final statement must be SELECT or INSERT/UPDATE/DELETE RETURNING.")
    }

    fn raw_type(&self, ty: &RawType) -> Result<Oid> {
        match ty {
            RawType::Type(ty) => self.data_type(ty).map(|t| t.oid),
            RawType::OfColumn(table, column) => {
                let Some(found) = self.find_relation(table.namespace.as_deref(), &table.name)? else {
                    return Err(self.no_relation(table.namespace.as_deref(), &table.name, table.pos));
                };
                let Some(found) = found.column(column) else {
                    let message = format!("column \"{column}\" of relation \"{}\" does not exist", table.name);
                    return Err(Error::new(SqlState::UNDEFINED_COLUMN, message).at(table.pos));
                };
                Ok(found.ty.oid)
            }
        }
    }

    fn parameters(&mut self, raw: &RawCreate) -> Result<Vec<Parameter>> {
        let mut out: Vec<Parameter> = Vec::with_capacity(raw.parameters.len());
        let (mut variadic, mut defaulted) = (false, false);
        for p in &raw.parameters {
            let ty = self.raw_type(&p.ty)?;
            if p.mode.is_input() && variadic {
                return Err(definition("VARIADIC parameter must be the last input parameter"));
            }
            variadic |= p.mode == ParameterMode::Variadic;
            let name = p.name.clone().unwrap_or_else(|| "".into());
            // An input and an output may share a name, two of a kind may not.
            let clash = |other: &&Parameter| {
                let (a, b) = (p.mode, other.mode);
                let apart = (a == ParameterMode::In || a == ParameterMode::Variadic) && !b.is_input()
                    || (b == ParameterMode::In || b == ParameterMode::Variadic) && !a.is_input();
                other.name == name && (!apart || a == ParameterMode::Table || b == ParameterMode::Table)
            };
            if !name.is_empty() && out.iter().find(clash).is_some() {
                return Err(definition(format!("parameter name \"{name}\" used more than once")));
            }
            let default = match &p.default {
                None => {
                    if p.mode.is_input() && defaulted {
                        let message = "input parameters after one with a default value must also have defaults";
                        return Err(definition(message));
                    }
                    None
                }
                Some(_) if !p.mode.is_input() => {
                    return Err(definition("only input parameters can have default values"));
                }
                Some(text) => {
                    defaulted = true;
                    Some(super::super::stored::parameter_default(text, (&name, PgType::new(ty)), self.ctx)?)
                }
            };
            out.push(Parameter { name, mode: p.mode, ty, default });
        }
        Ok(out)
    }

    fn variadic_element(&self, ty: Oid) -> Result<Oid> {
        match ty {
            oid::ANYARRAY => Ok(oid::ANYELEMENT),
            oid::ANYCOMPATIBLEARRAY => Ok(oid::ANYCOMPATIBLE),
            oid::ANY => Ok(oid::ANY),
            other => match self.type_facts(other).element {
                0 => Err(definition("VARIADIC parameter must be an array")),
                element => Ok(element),
            },
        }
    }

    /// The result's type, and whether there is a set of it.
    fn result(&self, raw: &RawCreate, parameters: &[Parameter]) -> Result<(Oid, bool)> {
        let outputs: Vec<&Parameter> = parameters.iter().filter(|p| p.mode.is_output()).collect();
        let of_outputs = match outputs.as_slice() {
            [] => None,
            [one] if !raw.procedure => Some(one.ty),
            _ => Some(oid::RECORD),
        };
        if raw.procedure {
            return Ok((of_outputs.unwrap_or(oid::VOID), false));
        }
        if raw.table {
            return Ok((of_outputs.unwrap_or(oid::RECORD), true));
        }
        match (&raw.returns, of_outputs) {
            (Some((set, ty)), of_outputs) => {
                let ty = self.raw_type(ty)?;
                match of_outputs {
                    Some(wanted) if wanted != ty => {
                        let shown = self.type_name(wanted);
                        let message = format!("function result type must be {shown} because of OUT parameters");
                        Err(definition(message))
                    }
                    _ => Ok((ty, *set)),
                }
            }
            (None, Some(ty)) => Ok((ty, false)),
            (None, None) => Err(definition("function result type must be specified")),
        }
    }
}

/// SET and RESET of a function.
///
/// # Errors
/// 0A000 for one in SQL, whose body has no time of its own in which they would hold.
pub fn set_settings(function: &mut Function, changes: &[(Name, Option<String>)]) -> Result<()> {
    if !changes.is_empty() && !function.is_run() {
        return Err(Error::unsupported("SET of a function in SQL")
            .hint("A function's body is bound when it is made; its names need no search_path."));
    }
    for (name, value) in changes {
        let is_it = |known: &Name| known.eq_ignore_ascii_case(name);
        match value {
            None if &**name == "all" => function.settings.clear(),
            None => function.settings.retain(|(known, _)| !is_it(known)),
            Some(_) if is_it(&"role".into()) || is_it(&"session_authorization".into()) => {
                return Err(Error::unsupported(format!("SET {name} of a function"))
                    .hint("SECURITY DEFINER gives it its owner's rights."));
            }
            Some(value) => match function.settings.iter_mut().find(|(known, _)| is_it(known)) {
                Some((_, old)) => old.clone_from(value),
                None => function.settings.push((name.clone(), value.clone())),
            },
        }
    }
    Ok(())
}

/// The language must be SQL or PL/pgSQL: others exist, or do not.
fn language(raw: &RawCreate) -> Result<Language> {
    let what = if raw.procedure { "procedure" } else { "function" };
    let language = match (&raw.language, &raw.body) {
        (Some(language), _) => &**language,
        (None, Some(_)) => "sql",
        (None, None) => return Err(definition("no language specified")),
    };
    match language {
        "sql" => Ok(Language::Sql),
        "plpgsql" => Ok(Language::Plpgsql),
        "c" | "internal" => Err(Error::unsupported(format!("a {what} in language {language}"))
            .hint("Write it in SQL, as one SELECT, or in PL/pgSQL.")),
        other => {
            let message = format!("language \"{other}\" does not exist");
            let error = Error::new(SqlState::UNDEFINED_OBJECT, message);
            let known = ["plperl", "plperlu", "plpython3u", "pltcl", "pltclu"].contains(&other);
            Err(if known { error.hint("Use CREATE EXTENSION to load the language into the database.") } else { error })
        }
    }
}

/// Which pseudo-types there may be.
fn check_types(
    language: Language,
    procedure: bool,
    args: &[Oid],
    result: Oid,
    shown: impl Fn(Oid) -> String,
) -> Result<()> {
    let language = match language {
        Language::Sql => "SQL",
        Language::Plpgsql => "PL/pgSQL",
    };
    let pseudo = |ty: Oid| TYPES.by_oid(ty).is_some_and(|t| t.kind == b'p');
    if let Some(ty) = args.iter().find(|ty| pseudo(**ty) && !polymorphic(**ty)) {
        return Err(definition(format!("{language} functions cannot have arguments of type {}", shown(*ty))));
    }
    let given = matches!(result, oid::VOID | oid::RECORD) || polymorphic(result);
    if pseudo(result) && !given && !procedure {
        return Err(definition(format!("{language} functions cannot return type {}", shown(result))));
    }
    can_be_told(args, result, shown)
}

/// check_valid_polymorphic_signature: of what type the result is follows from the inputs.
fn can_be_told(args: &[Oid], result: Oid, shown: impl Fn(Oid) -> String) -> Result<()> {
    if !polymorphic(result) {
        return Ok(());
    }
    let name = shown(result);
    let compatible = name.starts_with("anycompatible");
    let ranges = |name: &str| name.ends_with("range");
    let fits = |ty: &Oid| {
        let input = shown(*ty);
        polymorphic(*ty) && input.starts_with("anycompatible") == compatible && (!ranges(&name) || ranges(&input))
    };
    if args.iter().any(fits) {
        return Ok(());
    }
    let all = match (compatible, ranges(&name)) {
        (true, true) => "anycompatiblerange or anycompatiblemultirange",
        (false, true) => "anyrange or anymultirange",
        (true, false) => {
            "anycompatible, anycompatiblearray, anycompatiblenonarray, anycompatiblerange, or anycompatiblemultirange"
        }
        (false, false) => "anyelement, anyarray, anynonarray, anyenum, anyrange, or anymultirange",
    };
    Err(definition("cannot determine result data type")
        .detail(format!("A result of type {name} requires at least one input of type {all}.")))
}
