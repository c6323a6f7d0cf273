//! pg_depend and pg_rewrite: what belongs to what, and the rules that views are.

use super::attributes::attrdef_oid;
use super::constraints::domain_check_oid;
use super::objects::{
    CLASS_CATALOG, CONSTRAINT_CATALOG, NAMESPACE_CATALOG, PROC_CATALOG, TYPE_CATALOG, namespace_oid, relations,
};
use super::*;
use crate::catalog::NOBODY;
use crate::facts;
use crate::registry::depend::{Keeper, Named, Reference};
use crate::registry::extension::Extension;
use crate::registry::{Acl, ConstraintKind, Function, Relation, RelationKind, UserType, UserTypeKind, builtin};

const ATTRDEF_CATALOG: Oid = 2604;
const REWRITE_CATALOG: Oid = 2618;
const EXTENSION_CATALOG: Oid = 3079;
const POLICY_CATALOG: Oid = 3256;
const AUTHID_CATALOG: Oid = 1260;

/// A view's rule has no OID of its own here; one that is derived stays the same across restarts.
pub(in crate::catalog) fn rule_oid(view: Oid) -> Oid {
    view ^ 0x2000_0000
}

pub(super) fn pg_rewrite(ask: &Ask<'_>) -> Result<Rows> {
    let mut rows = Rows::new(&["oid", "rulename", "ev_class", "ev_type", "ev_enabled", "is_instead", "ev_qual"]);
    for r in relations(ask).into_iter().filter(|r| r.kind.definition().is_some()) {
        rows.about[0] = r.oid;
        rows.push([
            Value::Oid(rule_oid(r.oid)),
            text("_RETURN"),
            Value::Oid(r.oid),
            char_(b'1'),
            char_(b'O'),
            Value::Bool(true),
            text("<>"),
        ]);
    }
    Ok(rows)
}

/// An object of a catalog, and a column of it (0: all of it).
type Object = (Oid, Oid, i32);

fn push(rows: &mut Rows, object: Object, on: Object, kind: u8) {
    rows.push([
        Value::Oid(object.0),
        Value::Oid(object.1),
        Value::Int4(object.2),
        Value::Oid(on.0),
        Value::Oid(on.1),
        Value::Int4(on.2),
        char_(kind),
    ]);
}

pub(super) fn pg_depend(ask: &Ask<'_>) -> Result<Rows> {
    let mut rows = Rows::new(&["classid", "objid", "objsubid", "refclassid", "refobjid", "refobjsubid", "deptype"]);
    for r in relations(ask) {
        rows.about = [r.oid, 0];
        relation(ask, r, &mut rows);
    }
    rows.about = [0, 0];
    ask.snapshot.extensions.values().for_each(|e| members(ask, e, &mut rows));
    ask.snapshot.types.values().for_each(|t| user_type(ask, t, &mut rows));
    let mut functions: Vec<_> = ask.snapshot.functions.values().collect();
    functions.sort_by_key(|f| f.oid);
    functions.into_iter().for_each(|f| function(ask, f, &mut rows));
    ask.view.references(ask.snapshot).iter().for_each(|r| reference(ask, r, &mut rows));
    Ok(rows)
}

fn relation(ask: &Ask<'_>, r: &Relation, rows: &mut Rows) {
    let whole = (CLASS_CATALOG, r.oid, 0);
    let namespace = (NAMESPACE_CATALOG, namespace_oid(ask, &r.namespace), 0);
    if matches!(r.kind, RelationKind::Composite) {
        // It is there for its type.
        push(rows, (TYPE_CATALOG, r.row_type, 0), namespace, b'n');
        push(rows, whole, (TYPE_CATALOG, r.row_type, 0), b'i');
    } else {
        push(rows, whole, namespace, b'n');
        if r.row_type != 0 {
            push(rows, (TYPE_CATALOG, r.row_type, 0), whole, b'i');
        }
    }
    if r.row_array_type != 0 {
        push(rows, (TYPE_CATALOG, r.row_array_type, 0), (TYPE_CATALOG, r.row_type, 0), b'i');
    }
    columns(ask, r, rows);
    constraints(ask, r, rows);
    for policy in &r.rules.policies {
        push(rows, (POLICY_CATALOG, policy.oid, 0), whole, b'a');
    }
    for part in r.partitioning.key.iter().flat_map(|key| &key.parts).filter(|part| part.column != 0) {
        push(rows, (CLASS_CATALOG, r.oid, i32::from(part.column)), whole, b'i');
    }
    if let Some(parent) = r.partition_parent() {
        rows.about = [r.oid, parent];
        push(rows, whole, (CLASS_CATALOG, parent, 0), b'a');
        inherited(ask, r, parent, rows);
        rows.about = [r.oid, 0];
    }
    match &r.kind {
        RelationKind::Sequence(sequence) => {
            if let Some((table, column)) = sequence.owned_by {
                let owner = ask.snapshot.relation_by_oid(table).and_then(|t| t.column_by_num(column));
                let kind = if owner.is_some_and(|c| c.identity.is_some()) { b'i' } else { b'a' };
                rows.about = [r.oid, table];
                push(rows, whole, (CLASS_CATALOG, table, i32::from(column)), kind);
            }
        }
        RelationKind::View { .. } | RelationKind::MaterializedView { .. } => {
            let rule = (REWRITE_CATALOG, rule_oid(r.oid), 0);
            push(rows, rule, whole, b'i');
            push(rows, rule, whole, b'n');
        }
        RelationKind::Table | RelationKind::Composite | RelationKind::System => {}
    }
}

fn user_type(ask: &Ask<'_>, t: &UserType, rows: &mut Rows) {
    let whole = (TYPE_CATALOG, t.oid, 0);
    push(rows, whole, (NAMESPACE_CATALOG, namespace_oid(ask, &t.namespace), 0), b'n');
    push(rows, (TYPE_CATALOG, t.array_oid, 0), whole, b'i');
    match &t.kind {
        UserTypeKind::Domain { base, checks, .. } => {
            on_type(ask, whole, base.oid, rows);
            for n in 0..checks.len() {
                push(rows, (CONSTRAINT_CATALOG, domain_check_oid(t.oid, n), 0), whole, b'a');
            }
        }
        UserTypeKind::Range { subtype, .. } => on_type(ask, whole, *subtype, rows),
        UserTypeKind::Multirange { range } => push(rows, whole, (TYPE_CATALOG, *range, 0), b'i'),
        UserTypeKind::Enum { .. } => {}
    }
}

fn function(ask: &Ask<'_>, f: &Function, rows: &mut Rows) {
    let whole = (PROC_CATALOG, f.oid, 0);
    push(rows, whole, (NAMESPACE_CATALOG, namespace_oid(ask, &f.namespace), 0), b'n');
    let mut types: Vec<Oid> = f.parameters.iter().map(|p| p.ty).chain([f.result]).collect();
    types.sort_unstable();
    types.dedup();
    types.into_iter().for_each(|ty| on_type(ask, whole, ty, rows));
}

/// Something has this type. Those that come with the server are pinned: nothing is said to depend on them.
fn on_type(ask: &Ask<'_>, object: Object, ty: Oid, rows: &mut Rows) {
    let brought = || facts::TYPES.by_oid(ty).is_some_and(|t| t.extension.is_some());
    if ty < oid::FIRST_USER && !brought() {
        return;
    }
    let before = rows.about;
    if let Some(relation) = ask.snapshot.objects().row_types.get(&ty) {
        rows.about[1] = *relation;
    }
    push(rows, object, (TYPE_CATALOG, ty, 0), b'n');
    rows.about = before;
}

/// What a policy names is told to those only who see all: it is part of what the policy says.
fn reference(ask: &Ask<'_>, reference: &Reference, rows: &mut Rows) {
    let Reference { keeper, relation, named } = reference;
    let (object, hidden) = match *keeper {
        Keeper::View(view) => ((REWRITE_CATALOG, rule_oid(view), 0), 0),
        Keeper::Default(table, column) => ((ATTRDEF_CATALOG, attrdef_oid(table, column), 0), 0),
        Keeper::Check(constraint) => ((CONSTRAINT_CATALOG, constraint, 0), 0),
        Keeper::Index(index) => ((CLASS_CATALOG, index, 0), 0),
        Keeper::Policy(policy) => ((POLICY_CATALOG, policy, 0), NOBODY),
        Keeper::PartitionKey(table) => ((CLASS_CATALOG, table, 0), 0),
        Keeper::DomainDefault(domain) => ((TYPE_CATALOG, domain, 0), 0),
        Keeper::DomainCheck(domain, n) => ((CONSTRAINT_CATALOG, domain_check_oid(domain, n), 0), 0),
        Keeper::Function(function) => ((PROC_CATALOG, function, 0), 0),
    };
    for named in named {
        let (on, of) = match *named {
            Named::Relation(oid) => {
                let table = ask.snapshot.objects().indexes.get(&oid).copied();
                ((CLASS_CATALOG, oid, 0), table.unwrap_or(oid))
            }
            Named::Column(oid, num) => ((CLASS_CATALOG, oid, i32::from(num)), oid),
            Named::Function(oid) => ((PROC_CATALOG, oid, 0), 0),
            Named::Type(oid) => {
                let relation = ask.snapshot.objects().row_types.get(&oid).copied();
                ((TYPE_CATALOG, oid, 0), relation.unwrap_or(0))
            }
        };
        // What comes with the server is pinned.
        if of >= oid::FIRST_USER || of == 0 {
            rows.about = if hidden == NOBODY { [NOBODY, 0] } else { [*relation, of] };
            push(rows, object, on, b'n');
        }
    }
    rows.about = [0, 0];
}

/// Which objects keep a role: it owns them, is granted something on them, or a policy is for it. Roles that come with the server
/// are pinned.
pub(super) fn pg_shdepend(ask: &Ask<'_>) -> Result<Rows> {
    let mut rows = Rows::new(&["dbid", "classid", "objid", "objsubid", "refclassid", "refobjid", "deptype"]);
    let push = |rows: &mut Rows, (catalog, object): (Oid, Oid), role: Oid, kind: u8| {
        if role >= oid::FIRST_USER {
            rows.push([
                Value::Oid(builtin::DATABASE),
                Value::Oid(catalog),
                Value::Oid(object),
                Value::Int4(0),
                Value::Oid(AUTHID_CATALOG),
                Value::Oid(role),
                char_(kind),
            ]);
        }
    };
    let owned = |rows: &mut Rows, object: (Oid, Oid), owner: Oid, acl: &Acl| {
        push(rows, object, owner, b'o');
        let mut grantees: Vec<Oid> = acl.0.iter().map(|grant| grant.grantee).filter(|role| *role != owner).collect();
        grantees.sort_unstable();
        grantees.dedup();
        grantees.into_iter().for_each(|role| push(rows, object, role, b'a'));
    };
    for r in relations(ask) {
        rows.about = [r.oid, 0];
        let none = Acl::default();
        let granted = if matches!(r.kind, RelationKind::Composite) { &none } else { &r.acl };
        owned(&mut rows, (CLASS_CATALOG, r.oid), r.owner, granted);
        for policy in &r.rules.policies {
            policy.roles.iter().for_each(|role| push(&mut rows, (POLICY_CATALOG, policy.oid), *role, b'r'));
        }
    }
    rows.about = [0, 0];
    let mut namespaces: Vec<_> = ask.snapshot.namespaces.values().collect();
    namespaces.sort_by_key(|namespace| namespace.oid);
    for namespace in namespaces {
        owned(&mut rows, (NAMESPACE_CATALOG, namespace.oid), namespace.owner, &namespace.acl);
    }
    let types = ask.snapshot.types.values().map(|ty| ((TYPE_CATALOG, ty.oid), ty.owner, &ty.acl));
    let functions = ask.snapshot.functions.values();
    let functions = functions.map(|function| ((PROC_CATALOG, function.oid), function.owner, &function.acl));
    let mut others: Vec<_> = types.chain(functions).collect();
    others.sort_unstable_by_key(|(object, ..)| *object);
    others.into_iter().for_each(|(object, owner, acl)| owned(&mut rows, object, owner, acl));
    Ok(rows)
}

/// What an extension brings belongs to it, an array type to its elements'.
fn members(ask: &Ask<'_>, extension: &Extension, rows: &mut Rows) {
    let whole = (EXTENSION_CATALOG, extension.oid, 0);
    push(rows, whole, (NAMESPACE_CATALOG, namespace_oid(ask, &extension.namespace), 0), b'n');
    for (name, catalog) in facts::EXTENSION_TABLES.into_iter().filter(|(_, catalog)| *catalog != 0) {
        let Some(table) = facts::of_extensions(name) else { continue };
        let own = table.rows.iter().filter(|row| table.get(row, "extension") == Some(&*extension.name));
        for row in own {
            let oid: Oid = table.get(row, "oid").and_then(|oid| oid.parse().ok()).unwrap_or(0);
            match facts::TYPES.by_oid(oid).filter(|t| t.is_array && catalog == TYPE_CATALOG) {
                Some(array) => push(rows, (catalog, oid, 0), (catalog, array.element, 0), b'i'),
                None => push(rows, (catalog, oid, 0), whole, b'e'),
            }
        }
    }
}

/// Defaults, and columns of users' types.
fn columns(ask: &Ask<'_>, r: &Relation, rows: &mut Rows) {
    for c in &r.columns {
        let column = (CLASS_CATALOG, r.oid, i32::from(c.num));
        on_type(ask, column, c.ty.oid, rows);
        if c.default.is_some() || c.generated.is_some() {
            let kind = if c.generated.is_some() { b'i' } else { b'a' };
            push(rows, (ATTRDEF_CATALOG, attrdef_oid(r.oid, c.num), 0), column, kind);
        }
    }
}

/// The keys and indexes of a partition on those that they come from, and on the partition.
fn inherited(ask: &Ask<'_>, r: &Relation, parent: Oid, rows: &mut Rows) {
    let Some(parent) = ask.snapshot.relation_by_oid(parent) else { return };
    let whole = (CLASS_CATALOG, r.oid, 0);
    for own in r.constraints.iter().filter(|c| !matches!(c.kind, ConstraintKind::Check { .. })) {
        if let Some(above) = own.parent.filter(|above| parent.constraints.iter().any(|c| c.oid == *above)) {
            push(rows, (CONSTRAINT_CATALOG, own.oid, 0), (CONSTRAINT_CATALOG, above, 0), b'P');
            push(rows, (CONSTRAINT_CATALOG, own.oid, 0), whole, b'S');
        }
    }
    for own in &r.indexes {
        if let Some(above) = own.parent.filter(|above| parent.indexes.iter().any(|i| i.oid == *above)) {
            push(rows, (CLASS_CATALOG, own.oid, 0), (CLASS_CATALOG, above, 0), b'P');
            push(rows, (CLASS_CATALOG, own.oid, 0), whole, b'S');
        }
    }
}

/// Constraints on their columns, keys' indexes on their constraints, other indexes on their columns.
fn constraints(ask: &Ask<'_>, r: &Relation, rows: &mut Rows) {
    for c in &r.constraints {
        let constraint = (CONSTRAINT_CATALOG, c.oid, 0);
        let (ConstraintKind::PrimaryKey { columns }
        | ConstraintKind::Unique { columns, .. }
        | ConstraintKind::ForeignKey { columns, .. }
        | ConstraintKind::Check { columns, .. }
        | ConstraintKind::Exclusion { columns, .. }) = &c.kind;
        let computed = match &c.kind {
            ConstraintKind::Exclusion { .. } => r.indexes.iter().find(|i| i.of_constraint && i.name == c.name),
            _ => None,
        };
        for num in columns {
            let reads = computed.is_some_and(|index| index.reads.contains(num));
            push(rows, constraint, (CLASS_CATALOG, r.oid, i32::from(*num)), if reads { b'n' } else { b'a' });
            // Its expression reads them, too.
            if matches!(c.kind, ConstraintKind::Check { .. }) {
                push(rows, constraint, (CLASS_CATALOG, r.oid, i32::from(*num)), b'n');
            }
        }
        if let ConstraintKind::ForeignKey { target, target_columns, .. } = &c.kind {
            let before = rows.about;
            rows.about = [r.oid, *target];
            for num in target_columns.iter().filter(|_| ask.snapshot.relation_by_oid(*target).is_some()) {
                push(rows, constraint, (CLASS_CATALOG, *target, i32::from(*num)), b'n');
            }
            let index = ask.snapshot.relation_by_oid(*target).and_then(|t| t.referenced_index(target_columns));
            if let Some(index) = index {
                push(rows, constraint, (CLASS_CATALOG, index.oid, 0), b'n');
            }
            rows.about = before;
        }
    }
    for index in &r.indexes {
        let whole = (CLASS_CATALOG, index.oid, 0);
        match r.constraints.iter().find(|c| index.of_constraint && c.name == index.name) {
            Some(c) => push(rows, whole, (CONSTRAINT_CATALOG, c.oid, 0), b'i'),
            None => {
                // Each column once, and the table where there is none; what expressions and WHERE read beside (index_create).
                let columns = index.keys.iter().map(|key| key.column).filter(|column| *column != 0);
                let mut columns: Vec<i16> = columns.chain(index.included.iter().copied()).collect();
                columns.sort_unstable();
                columns.dedup();
                if columns.is_empty() {
                    push(rows, whole, (CLASS_CATALOG, r.oid, 0), b'a');
                }
                for column in columns.iter().chain(&index.reads) {
                    push(rows, whole, (CLASS_CATALOG, r.oid, i32::from(*column)), b'a');
                }
            }
        }
    }
}
