//! pg_policy.

use super::objects::relations;
use super::*;

/// What a policy says is told to those who may change it. PostgreSQL shows it to everybody; a rule that is known is a rule
/// that can be worked around.
pub(super) fn pg_policy(ask: &Ask<'_>) -> Result<Rows> {
    let mut rows =
        Rows::new(&["oid", "polname", "polrelid", "polcmd", "polpermissive", "polroles", "polqual", "polwithcheck"]);
    let role = ask.view.role();
    for r in relations(ask) {
        rows.about[0] = r.oid;
        let own = ask.snapshot.has_rights_of(role, r.owner);
        let shown = |expression: &Option<String>| opt_text(expression.as_ref().filter(|_| own));
        for p in &r.rules.policies {
            rows.push([
                Value::Oid(p.oid),
                text(&p.name),
                Value::Oid(r.oid),
                char_(p.command.code()),
                Value::Bool(p.permissive),
                oids(p.roles.iter().copied()),
                shown(&p.using),
                shown(&p.check),
            ]);
        }
    }
    Ok(rows)
}
