//! CREATE, ALTER, DROP and COMMENT of functions. DuckDB knows nothing of them: analysis puts their bodies in place.

use std::sync::Arc;

use super::depends::Object;
use super::planner::{Planner, no_namespace};
use crate::error::{Error, Result, SqlState};
use crate::registry::bootstrap::TEMPORARY;
use crate::registry::{Change, Function, Name};
use crate::tree::{AlterFunction, DropBehavior, FunctionDdl, FunctionFlags, NewFunction, RoutineKind};
use crate::types::{Oid, oid};

impl Planner<'_> {
    pub fn function(&mut self, ddl: &FunctionDdl) -> Result<()> {
        match ddl {
            FunctionDdl::Create(new) => self.create_function(new),
            FunctionDdl::Alter { kind, function, change } => self.alter_function(*kind, *function, change),
            FunctionDdl::Drop { kind, functions, missing, behavior } => {
                self.tag(&format!("DROP {}", kind.word().to_uppercase()));
                for notice in missing {
                    self.notice(notice.clone());
                }
                let functions = functions.iter().map(|oid| self.function_of(*oid)).collect::<Result<Vec<_>>>()?;
                self.drop_functions(&functions, *behavior)
            }
            FunctionDdl::Comment { function, comment } => {
                self.tag("COMMENT");
                let mut function = (*self.function_of(*function)?).clone();
                function.comment = comment.clone().filter(|c| !c.is_empty());
                self.put_function(function);
                Ok(())
            }
        }
    }

    fn put_function(&mut self, function: Function) {
        self.change(Change::PutFunction(Arc::new(function)));
    }

    pub fn function_of(&self, oid: Oid) -> Result<Arc<Function>> {
        let found = self.after.function_by_oid(oid).cloned();
        found.ok_or_else(|| Error::new(SqlState::UNDEFINED_FUNCTION, format!("function with OID {oid} does not exist")))
    }

    /// `f(integer, text)`.
    pub fn signature(&self, function: &Function) -> String {
        let types =
            function.args.iter().map(|ty| crate::types::name::format_type(crate::types::PgType::new(*ty), &self.after));
        format!("{}({})", function.name, types.collect::<Vec<_>>().join(","))
    }

    fn create_function(&mut self, new: &NewFunction) -> Result<()> {
        let NewFunction { function, or_replace } = new;
        self.tag(if function.procedure { "CREATE PROCEDURE" } else { "CREATE FUNCTION" });
        let (namespace, name) = (&function.namespace, &function.name);
        if function.is_temporary() && !function.is_run() {
            return Err(Error::unsupported("a temporary function").hint("Write it in PL/pgSQL."));
        }
        if !function.is_temporary() && !self.after.namespaces.contains_key(namespace) {
            return Err(no_namespace(namespace));
        }
        if matches!(&**namespace, "pg_catalog" | "information_schema") {
            let message = format!("permission denied to create \"{namespace}.{name}\"");
            return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message)
                .detail("System catalog modifications are currently disallowed."));
        }
        let (mut made, before) = (function.clone(), self.after.clone());
        match self.after.function(namespace, name, &function.args).cloned() {
            None => {
                made.oid = self.after.counters.allocate_oid();
                made.acl = self.function_default_acl(&made);
            }
            Some(_) if !or_replace => {
                let message = format!("function \"{name}\" already exists with same argument types");
                return Err(Error::new(SqlState::DUPLICATE_FUNCTION, message));
            }
            Some(old) => {
                self.replaceable(&old, function)?;
                (made.oid, made.owner) = (old.oid, old.owner);
                (made.acl, made.comment) = (old.acl.clone(), old.comment.clone());
            }
        }
        let made = Arc::new(made);
        self.change(Change::PutFunction(Arc::clone(&made)));
        if made.is_temporary() {
            // It is called by its schema's name alone.
            return Ok(());
        }
        self.takes_nobodys_place(&before, &made)
    }

    /// What CREATE OR REPLACE must leave as it is (ProcedureCreate).
    fn replaceable(&self, old: &Function, new: &Function) -> Result<()> {
        let drop = format!("Use DROP {} {} first.", old.word().to_uppercase(), self.signature(old));
        let refused = |message: String| Error::new(SqlState::INVALID_FUNCTION_DEFINITION, message);
        if old.procedure != new.procedure {
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, "cannot change routine kind").detail(format!(
                "\"{}\" is a {}.",
                old.name,
                old.word()
            )));
        }
        if (old.result, old.returns_set) != (new.result, new.returns_set) {
            let what = if old.procedure {
                "whether a procedure has output parameters"
            } else {
                "return type of existing function"
            };
            return Err(refused(format!("cannot change {what}")).hint(drop));
        }
        let columns = |f: &Function| f.outputs().map(|p| (p.name.clone(), p.ty)).collect::<Vec<_>>();
        if old.result == oid::RECORD && columns(old) != columns(new) {
            return Err(refused("cannot change return type of existing function".to_owned())
                .detail("Row type defined by OUT parameters is different.")
                .hint(drop));
        }
        for (before, after) in old.inputs().zip(new.inputs()) {
            if !before.name.is_empty() && before.name != after.name {
                let message = format!("cannot change name of input parameter \"{}\"", before.name);
                return Err(refused(message).hint(drop));
            }
        }
        if new.defaults() < old.defaults() {
            let message = "cannot remove parameter defaults from existing function";
            return Err(refused(message.to_owned()).hint(drop));
        }
        Ok(())
    }

    fn alter_function(&mut self, kind: RoutineKind, oid: Oid, change: &AlterFunction) -> Result<()> {
        self.tag(&format!("ALTER {}", kind.word().to_uppercase()));
        let old = self.function_of(oid)?;
        let mut new = (*old).clone();
        match change {
            AlterFunction::Flags(flags) => {
                set_flags(&mut new, flags)?;
                self.put_function(new);
            }
            AlterFunction::SetOwner { to } => {
                let owner = self.role(to)?.oid;
                new.acl = super::grant::change_owner(&old.acl, old.owner, owner);
                new.owner = owner;
                self.put_function(new);
            }
            AlterFunction::Rename { to } => {
                new.name = to.clone();
                self.moved(&old, new)?;
            }
            AlterFunction::SetNamespace { to } => {
                if old.is_temporary() || to.starts_with(TEMPORARY) {
                    return Err(super::composite::moves_temporary());
                }
                if !self.after.namespaces.contains_key(to) {
                    return Err(no_namespace(to));
                }
                new.namespace = to.clone();
                self.moved(&old, new)?;
            }
        }
        Ok(())
    }

    fn moved(&mut self, old: &Function, new: Function) -> Result<()> {
        if (&old.namespace, &old.name) == (&new.namespace, &new.name) {
            return Ok(());
        }
        if self.after.function(&new.namespace, &new.name, &new.args).is_some() {
            let (signature, schema) = (self.signature(&new), &new.namespace);
            let message = format!("function {signature} already exists in schema \"{schema}\"");
            return Err(Error::new(SqlState::DUPLICATE_FUNCTION, message));
        }
        let before = self.after.clone();
        let new = Arc::new(new);
        self.change(Change::PutFunction(Arc::clone(&new)));
        self.follow(&before, &[old.oid], &old.name)?;
        self.takes_nobodys_place(&before, &new)
    }

    /// Drops these functions together, and with CASCADE what uses them.
    pub fn drop_functions(&mut self, functions: &[Arc<Function>], behavior: DropBehavior) -> Result<()> {
        let asked: Vec<Object> = functions.iter().map(|f| Object::Function(f.oid)).collect();
        self.drop_together(&asked, behavior)
    }

    /// The functions of a namespace.
    pub fn functions_in(&self, namespace: &Name) -> Vec<Arc<Function>> {
        let mut found: Vec<_> = self.after.functions.values().filter(|f| f.namespace == *namespace).cloned().collect();
        found.sort_by_key(|f| f.oid);
        found
    }

    /// The functions with one of these types in their signature.
    pub fn functions_with(&self, types: &[Oid]) -> Vec<Arc<Function>> {
        let has = |f: &&Arc<Function>| {
            f.parameters.iter().map(|p| p.ty).chain([f.result]).any(|ty| ty != 0 && types.contains(&ty))
        };
        let mut found: Vec<_> = self.after.functions.values().filter(has).cloned().collect();
        found.sort_by_key(|f| f.oid);
        found
    }
}

fn set_flags(function: &mut Function, flags: &FunctionFlags) -> Result<()> {
    let FunctionFlags { volatility, strict, definer, leakproof, parallel, cost, rows, settings } = flags;
    if function.procedure && (volatility.is_some() || strict.is_some() || cost.is_some()) {
        return Err(Error::new(SqlState::INVALID_FUNCTION_DEFINITION, "invalid attribute in procedure definition"));
    }
    if rows.is_some() && !function.returns_set {
        let message = "ROWS is not applicable when function does not return a set";
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
    }
    crate::sql::analyze::set_settings(function, settings)?;
    function.volatility = volatility.unwrap_or(function.volatility);
    function.strict = strict.unwrap_or(function.strict);
    function.definer = definer.unwrap_or(function.definer);
    function.leakproof = leakproof.unwrap_or(function.leakproof);
    function.parallel = parallel.unwrap_or(function.parallel);
    function.cost = cost.unwrap_or(function.cost);
    function.rows = rows.unwrap_or(function.rows);
    Ok(())
}
