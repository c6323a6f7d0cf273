//! What CREATE SCHEMA makes besides the schema: statements, each compiled and asked for by itself, in the schema as it is by then, in the
//! name of the schema's owner, with the new schema in front of the search path (CreateSchemaCommand).

use std::sync::Arc;

use super::DdlPlan;
use crate::error::{Error, Result, SqlState};
use crate::registry::{Name, Snapshot};
use crate::sql::compile::compile;
use crate::sql::{CompiledBody, Context, parse};
use crate::tree::SchemaElement;

/// Adds what the elements take to the plan that makes the schema, after which there is `after`.
///
/// # Errors
/// 42P15 if an element names another schema; an element's own.
pub fn add(plan: &mut DdlPlan, after: Snapshot, name: &Name, elements: &[SchemaElement], cx: &Context) -> Result<()> {
    let owner = after.namespaces.get(name).map_or(cx.role, |namespace| namespace.owner);
    let mut path: Vec<Name> = cx.search_path.to_vec();
    // The implicit ones stay in front.
    let implicit = |name: &Name| name.starts_with("pg_temp") || &**name == "pg_catalog";
    let at = path.iter().position(|searched| !implicit(searched)).unwrap_or(path.len());
    path.insert(at, name.clone());
    let mut cx = Context {
        snapshot: Arc::new(after),
        role: owner,
        search_path: path.into(),
        creation_namespace: Some(name.clone()),
        ..cx.clone()
    };
    for element in elements {
        if let Some(other) = element.namespace.as_ref().filter(|other| *other != name) {
            let message = format!("CREATE specifies a schema ({other}) different from the one being created ({name})");
            return Err(Error::new(SqlState::INVALID_SCHEMA_DEFINITION, message));
        }
        let part = one(element, &cx).map_err(|error| element.place(error))?;
        cx.snapshot = Arc::new(cx.snapshot.apply(&part.changes));
        let DdlPlan { changes, steps, forgotten, notices, tag: _, counts_rows: _, on_commit, emptied, moved, accesses } =
            part;
        plan.changes.extend(changes);
        plan.steps.extend(steps);
        plan.forgotten.extend(forgotten);
        plan.notices.extend(notices);
        plan.on_commit.extend(on_commit);
        plan.emptied.extend(emptied);
        plan.moved.extend(moved);
        plan.accesses.extend(accesses);
    }
    Ok(())
}

fn one(element: &SchemaElement, cx: &Context) -> Result<DdlPlan> {
    let parsed = parse::parse(&element.text)?;
    let [parsed] = parsed.as_slice() else { return Err(Error::internal("an element is not one statement")) };
    let compiled = compile(parsed, cx, &[])?;
    let CompiledBody::Ddl(permit) = &compiled.body else { return Err(Error::internal("an element changes no schema")) };
    let mut plan = super::plan(permit, cx)?;
    plan.accesses.push(Arc::clone(&compiled.access));
    Ok(plan)
}
