//! What a role's statement comes to: `duckgate explain-access`, for the owner of the data.

use std::fmt::Write as _;
use std::sync::Arc;

use super::schemas;
use crate::error::{Error, Result, SqlState};
use crate::policy::Applied;
use crate::registry::Snapshot;
use crate::sql::{self, CompiledBody, Context, Plan};

/// The rules that hold for each statement of the text, and what would run; nothing is executed.
///
/// # Errors
/// There is no such role, or the text is no SQL. That a statement is refused is an answer.
pub fn explain(snapshot: &Arc<Snapshot>, role: &str, text: &str) -> Result<String> {
    let known = snapshot
        .role(role)
        .ok_or_else(|| Error::new(SqlState::UNDEFINED_OBJECT, format!("role \"{role}\" does not exist")))?;
    let cx = Context { role: known.oid, ..schemas::context(Arc::clone(snapshot)) };
    let mut out = String::new();
    for parsed in sql::parse(text)? {
        let _ = writeln!(out, "{}", parsed.text);
        match sql::compile(&parsed, &cx, &[]) {
            Err(error) => {
                let report = error.report();
                let _ = writeln!(out, "  refused: {} ({})", report.message, report.code);
            }
            Ok(compiled) => match &compiled.body {
                CompiledBody::Plan(plan)
                | CompiledBody::CopyIn { plan, .. }
                | CompiledBody::CopyOut { plan, .. }
                | CompiledBody::Explain { plan, .. }
                | CompiledBody::CreateTableAs { query: plan, .. } => tell(&mut out, plan, snapshot),
                CompiledBody::Ddl(_) | CompiledBody::Utility(_) => {
                    let _ = writeln!(out, "  allowed");
                }
            },
        }
    }
    Ok(out)
}

fn tell(out: &mut String, plan: &Plan, snapshot: &Snapshot) {
    let rules = plan.permit.rules();
    let _ = writeln!(out, "  allowed; {}", if rules.is_empty() { "no rule hides anything" } else { "under rules:" });
    for Applied { table, role, filtered: _, policies, masked } in rules {
        let role = snapshot.role_by_oid(*role).map_or("", |r| &r.name);
        let _ = writeln!(out, "  {}.{}, read by {role}", table.namespace, table.name);
        let mut kinds = table.rules.policies.iter().filter(|p| policies.contains(&p.name)).peekable();
        if table.rules.enabled && kinds.peek().is_none() {
            let _ = writeln!(out, "    no policy is for {role}: no row");
        }
        for policy in kinds {
            let restrictive = if policy.permissive { "" } else { " (restrictive)" };
            let _ = write!(out, "    policy {}{restrictive}", policy.name);
            for (word, text) in [("using", &policy.using), ("with check", &policy.check)] {
                if let Some(text) = text {
                    let _ = write!(out, ", {word} ({text})");
                }
            }
            out.push('\n');
        }
        for mask in snapshot.masks(snapshot.role(role).map_or(0, |r| r.oid), table) {
            let column = table.column_by_num(mask.column).filter(|c| masked.contains(&c.name));
            if let Some(column) = column {
                let _ = writeln!(out, "    {} is read as {}", column.name, mask.expression);
            }
        }
    }
    for step in plan.before.iter().chain(std::iter::once(plan)) {
        let _ = writeln!(out, "  runs: {}", step.permit.get().sql);
    }
}
