//! pg_constraint, and pg_trigger, whose only rows are those by which PostgreSQL enforces foreign keys.

use super::objects::{namespace_oid, relations};
use super::*;
use crate::registry::{Constraint, ConstraintKind, FkAction, Index, Name, Relation, UserType, UserTypeKind};

fn action(action: FkAction) -> u8 {
    match action {
        FkAction::NoAction => b'a',
        FkAction::Restrict => b'r',
        FkAction::Cascade => b'c',
        FkAction::SetNull => b'n',
        FkAction::SetDefault => b'd',
    }
}

fn index_of(r: &Relation, name: &str) -> Oid {
    r.indexes.iter().find(|i: &&Index| i.of_constraint && *i.name == *name).map_or(0, |i| i.oid)
}

/// The index behind the key that a foreign key points to.
fn referenced_index(target: Option<&Arc<Relation>>, columns: &[i16]) -> Oid {
    target.and_then(|target| target.referenced_index(columns)).map_or(0, |index| index.oid)
}

/// The OID of a domain's constraint.
pub(in crate::catalog) fn domain_check_oid(domain: Oid, n: usize) -> Oid {
    domain ^ (0x0800_0000 | ((n as u32 + 1) << 19))
}

/// The constraints of a domain: their OIDs and names.
pub(in crate::catalog) fn domain_checks(ty: &UserType) -> Vec<(Oid, &Name)> {
    match &ty.kind {
        UserTypeKind::Domain { checks, .. } => {
            checks.iter().enumerate().map(|(n, (name, _))| (domain_check_oid(ty.oid, n), name)).collect()
        }
        UserTypeKind::Enum { .. } | UserTypeKind::Range { .. } | UserTypeKind::Multirange { .. } => Vec::new(),
    }
}

fn push_domain_check(rows: &mut Rows, oid: Oid, name: &str, namespace: Oid, domain: Oid, expression: &str) {
    rows.push([
        Value::Oid(oid),
        text(name),
        Value::Oid(namespace),
        char_(b'c'),
        Value::Bool(false),
        Value::Bool(false),
        Value::Bool(true),
        Value::Oid(0),
        Value::Oid(domain),
        Value::Oid(0),
        Value::Oid(0),
        char_(b' '),
        char_(b' '),
        char_(b' '),
        Value::Bool(true),
        Value::Int4(0),
        Value::Oid(0),
        Value::Bool(false),
        Value::Null,
        Value::Null,
        Value::Null,
        Value::Null,
        text(expression),
    ]);
}

/// A foreign key tells of two tables.
fn about(r: &Relation, c: &Constraint) -> [Oid; 2] {
    match &c.kind {
        ConstraintKind::ForeignKey { target, .. } => [r.oid, *target],
        ConstraintKind::PrimaryKey { .. }
        | ConstraintKind::Unique { .. }
        | ConstraintKind::Check { .. }
        | ConstraintKind::Exclusion { .. } => [r.oid, 0],
    }
}

pub(super) fn pg_constraint(ask: &Ask<'_>) -> Result<Rows> {
    let mut rows = Rows::new(&[
        "oid",
        "conname",
        "connamespace",
        "contype",
        "condeferrable",
        "condeferred",
        "convalidated",
        "conrelid",
        "contypid",
        "conindid",
        "confrelid",
        "confupdtype",
        "confdeltype",
        "confmatchtype",
        "conislocal",
        "coninhcount",
        "conparentid",
        "connoinherit",
        "conkey",
        "confkey",
        "confdelsetcols",
        "conexclop",
        "conbin",
    ]);
    for r in relations(ask) {
        for c in &r.constraints {
            rows.about = about(r, c);
            let keys: Vec<i16>;
            let (kind, key, index, target, target_key, actions, expression) = match &c.kind {
                ConstraintKind::PrimaryKey { columns } => {
                    (b'p', columns, index_of(r, &c.name), 0, None, (b' ', b' '), None)
                }
                ConstraintKind::Unique { columns, .. } => {
                    (b'u', columns, index_of(r, &c.name), 0, None, (b' ', b' '), None)
                }
                ConstraintKind::ForeignKey { columns, target, target_columns, on_delete, on_update, match_full: _ } => {
                    (
                        b'f',
                        columns,
                        referenced_index(ask.snapshot.relation_by_oid(*target), target_columns),
                        *target,
                        Some(target_columns),
                        (action(*on_update), action(*on_delete)),
                        None,
                    )
                }
                ConstraintKind::Exclusion { .. } => {
                    let index = r.indexes.iter().find(|i| i.of_constraint && i.name == c.name);
                    keys = index.iter().flat_map(|i| &i.keys).map(|key| key.column).collect();
                    (b'x', &keys, index.map_or(0, |i| i.oid), 0, None, (b' ', b' '), None)
                }
                ConstraintKind::Check { expression, columns } => {
                    (b'c', columns, 0, 0, None, (b' ', b' '), Some(expression))
                }
            };
            rows.push([
                Value::Oid(c.oid),
                text(&c.name),
                Value::Oid(namespace_oid(ask, &r.namespace)),
                char_(kind),
                Value::Bool(c.deferrable),
                Value::Bool(c.initially_deferred),
                Value::Bool(c.validated),
                Value::Oid(r.oid),
                Value::Oid(0),
                Value::Oid(index),
                Value::Oid(target),
                char_(actions.0),
                char_(actions.1),
                char_(match &c.kind {
                    ConstraintKind::ForeignKey { match_full: true, .. } => b'f',
                    ConstraintKind::ForeignKey { .. } => b's',
                    _ => b' ',
                }),
                Value::Bool(c.parent.is_none()),
                Value::Int4(i32::from(c.parent.is_some())),
                // A CHECK has no parent there: it is merged by name.
                Value::Oid(c.parent.filter(|_| kind != b'c').unwrap_or(0)),
                Value::Bool(match kind {
                    b'c' => c.no_inherit,
                    // What a partition has from above is inherited further.
                    _ if c.parent.is_some() => false,
                    b'f' => !r.is_partitioned(),
                    _ => true,
                }),
                if key.is_empty() { Value::Null } else { int2s(key.iter().copied()) },
                target_key.map_or(Value::Null, |k| int2s(k.iter().copied())),
                if c.delete_sets.is_empty() { Value::Null } else { int2s(c.delete_sets.iter().copied()) },
                match &c.kind {
                    ConstraintKind::Exclusion { operators, .. } => oids(operators.iter().copied()),
                    _ => Value::Null,
                },
                opt_text(expression),
            ]);
        }
    }
    rows.about = [0, 0];
    for t in ask.snapshot.types.values() {
        if let UserTypeKind::Domain { checks, .. } = &t.kind {
            for (i, (name, expression)) in checks.iter().enumerate() {
                // Domains' constraints have no OID of their own here; one that is derived stays the same across restarts.
                let oid = domain_check_oid(t.oid, i);
                push_domain_check(&mut rows, oid, name, namespace_oid(ask, &t.namespace), t.oid, expression);
            }
        }
    }
    Ok(rows)
}

/// A trigger that enforces a foreign key, on one of its two tables.
struct ForeignKeyTrigger {
    /// pg_proc's OID of what it calls.
    function: Oid,
    /// tgtype: 5 for insert, 9 for delete, 17 for update; all of them after, for each row.
    when: i16,
}

/// RI_FKey_check_ins and RI_FKey_check_upd.
const CHECKING: [ForeignKeyTrigger; 2] =
    [ForeignKeyTrigger { function: 1644, when: 5 }, ForeignKeyTrigger { function: 1645, when: 17 }];

/// RI_FKey_…_del and RI_FKey_…_upd, by what the key says of its target's changes.
fn acting(on_delete: FkAction, on_update: FkAction) -> [ForeignKeyTrigger; 2] {
    let delete = match on_delete {
        FkAction::Cascade => 1646,
        FkAction::Restrict => 1648,
        FkAction::SetNull => 1650,
        FkAction::SetDefault => 1652,
        FkAction::NoAction => 1654,
    };
    let update = match on_update {
        FkAction::Cascade => 1647,
        FkAction::Restrict => 1649,
        FkAction::SetNull => 1651,
        FkAction::SetDefault => 1653,
        FkAction::NoAction => 1655,
    };
    [ForeignKeyTrigger { function: delete, when: 9 }, ForeignKeyTrigger { function: update, when: 17 }]
}

/// The triggers by which PostgreSQL would enforce foreign keys. Here they stand for that only: nobody calls them.
pub(super) fn pg_trigger(ask: &Ask<'_>) -> Result<Rows> {
    let mut rows = Rows::new(&[
        "oid",
        "tgrelid",
        "tgname",
        "tgfoid",
        "tgtype",
        "tgenabled",
        "tgisinternal",
        "tgconstrrelid",
        "tgconstrindid",
        "tgconstraint",
        "tgdeferrable",
        "tginitdeferred",
        "tgattr",
        "tgargs",
    ]);
    for r in relations(ask) {
        for c in &r.constraints {
            let ConstraintKind::ForeignKey { target, target_columns, on_delete, on_update, .. } = &c.kind else {
                continue;
            };
            rows.about = about(r, c);
            let index = referenced_index(ask.snapshot.relation_by_oid(*target), target_columns);
            let of_target = acting(*on_delete, *on_update).map(|t| (*target, r.oid, "a", t));
            let own = CHECKING.map(|t| (r.oid, *target, "c", t));
            for (i, (on, other, side, trigger)) in of_target.into_iter().chain(own).enumerate() {
                // Four OIDs from the constraint's, the same after a restart.
                let oid = c.oid ^ (0x1000_0000 | ((i as u32 + 1) << 20));
                // What is done of the target's changes is done at once, but for NO ACTION.
                let waits = side == "c" || matches!(trigger.function, 1654 | 1655);
                rows.push([
                    Value::Oid(oid),
                    Value::Oid(on),
                    text(format!("RI_ConstraintTrigger_{side}_{oid}")),
                    Value::Oid(trigger.function),
                    Value::Int2(trigger.when),
                    char_(b'O'),
                    Value::Bool(true),
                    Value::Oid(other),
                    Value::Oid(index),
                    Value::Oid(c.oid),
                    Value::Bool(c.deferrable && waits),
                    Value::Bool(c.initially_deferred && waits),
                    int2s([]),
                    Value::Bytea(Arc::from(&b""[..])),
                ]);
            }
        }
    }
    Ok(rows)
}
