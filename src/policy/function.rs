//! Who may make, change and drop functions, and grant on them.

use super::check::must_use_namespace;
use super::ddl::{Who, privilege};
use crate::error::Result;
use crate::registry::{Function, Privileges};
use crate::tree::{AlterFunction, FunctionDdl, NewFunction};

/// Checks one command. What does not exist is planning's affair.
pub fn check(who: &Who<'_>, ddl: &FunctionDdl) -> Result<()> {
    match ddl {
        FunctionDdl::Create(new) => {
            let NewFunction { function, or_replace } = &**new;
            who.must_create_in(&function.namespace, false)?;
            who.may_use_types(function.parameters.iter().map(|p| p.ty).chain([function.result]))?;
            let old = who.snapshot().function(&function.namespace, &function.name, &function.args);
            if let (true, Some(old)) = (*or_replace, old) {
                must_own(who, old)?;
            }
            leakproof(who, function.leakproof)
        }
        FunctionDdl::Alter { kind: _, function, change } => {
            let Some(function) = who.snapshot().function_by_oid(*function) else { return Ok(()) };
            must_own(who, function)?;
            match change {
                AlterFunction::Flags(flags) => leakproof(who, flags.leakproof == Some(true)),
                AlterFunction::Rename { to: _ } => {
                    must_use_namespace(who.snapshot(), who.role(), &function.namespace, Privileges::CREATE)
                }
                AlterFunction::SetNamespace { to } => who.must_create_in(to, false),
                AlterFunction::SetOwner { to } => {
                    who.must_become(Some(to))?;
                    if !who.is_superuser()
                        && let Some(owner) = who.snapshot().role(to)
                    {
                        must_use_namespace(who.snapshot(), owner.oid, &function.namespace, Privileges::CREATE)?;
                    }
                    Ok(())
                }
            }
        }
        FunctionDdl::Drop { kind: _, functions, missing: _, behavior: _ } => {
            for function in functions.iter().filter_map(|oid| who.snapshot().function_by_oid(*oid)) {
                // The owner of the namespace may drop what others made in it.
                let space = who.snapshot().namespaces.get(&function.namespace);
                if !space.is_some_and(|n| who.owns(n.owner)) {
                    must_own(who, function)?;
                }
            }
            Ok(())
        }
        FunctionDdl::Comment { function, comment: _ } => match who.snapshot().function_by_oid(*function) {
            Some(function) => must_own(who, function),
            None => Ok(()),
        },
    }
}

fn must_own(who: &Who<'_>, function: &Function) -> Result<()> {
    if who.snapshot().function_now(function.oid).is_some_and(|now| who.owns(now.owner)) {
        return Ok(());
    }
    Err(privilege(format!("must be owner of {} {}", function.word(), function.name)))
}

fn leakproof(who: &Who<'_>, wanted: bool) -> Result<()> {
    if wanted && !who.is_superuser() {
        return Err(privilege("only superuser can define a leakproof function"));
    }
    Ok(())
}
