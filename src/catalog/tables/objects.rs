//! Namespaces, relations and what belongs to them.

use std::collections::HashSet;

use super::attributes::storage;
use super::*;
use crate::catalog::relations::is_system_view;
use crate::registry::partition::bound_text;
use crate::registry::{
    ConstraintKind, Index, PartitionBound, Relation, RelationKind, Strategy, UserType, UserTypeKind, builtin, opclass,
};
use crate::types::PgType;

/// OIDs of the catalogs that other catalogs point into.
pub(super) const CLASS_CATALOG: Oid = 1259;
pub(super) const PROC_CATALOG: Oid = 1255;
pub(super) const NAMESPACE_CATALOG: Oid = 2615;
pub(super) const TYPE_CATALOG: Oid = 1247;
pub(super) const CONSTRAINT_CATALOG: Oid = 2606;
const POLICY_CATALOG: Oid = 3256;
const STATISTICS_CATALOG: Oid = 3381;
const EXTENSION_CATALOG: Oid = 3079;
/// The namespace of the session's temporary tables.
pub(in crate::catalog) const TEMPORARY_NAMESPACE: Oid = 13_190;
/// pg_toast, in which nothing is.
const TOAST_NAMESPACE: Oid = 99;
/// Access methods.
const HEAP: Oid = 2;

pub(super) fn namespace_oid(ask: &Ask<'_>, name: &str) -> Oid {
    match name {
        "pg_catalog" => builtin::PG_CATALOG,
        crate::registry::bootstrap::TEMPORARY => TEMPORARY_NAMESPACE,
        _ => ask.snapshot.namespaces.get(name).map_or(0, |n| n.oid),
    }
}

/// Users' relations in the order of their OIDs, so that the catalog looks the same each time. The system's are recorded.
pub(super) fn relations<'a>(ask: &Ask<'a>) -> Vec<&'a Arc<Relation>> {
    let users =
        ask.snapshot.relations.values().filter(|r| !matches!(r.kind, RelationKind::System) && r.oid >= oid::FIRST_USER);
    let mut all: Vec<_> = users.collect();
    all.sort_by_key(|r| r.oid);
    all
}

pub(super) fn pg_namespace(ask: &Ask<'_>) -> Result<Rows> {
    let mut rows = Rows::new(&["oid", "nspname", "nspowner", "nspacl"]);
    let mut all: Vec<_> = ask.snapshot.namespaces.values().collect();
    all.sort_by_key(|n| n.oid);
    for n in all {
        rows.push([Value::Oid(n.oid), text(&n.name), Value::Oid(n.owner), acl(&n.acl, ask.snapshot)]);
    }
    let superuser = Value::Oid(builtin::SUPERUSER);
    rows.push([Value::Oid(TOAST_NAMESPACE), text("pg_toast"), superuser.clone(), Value::Null]);
    if ask.snapshot.has_temporary() {
        let name = crate::registry::bootstrap::TEMPORARY;
        rows.push([Value::Oid(TEMPORARY_NAMESPACE), text(name), superuser, Value::Null]);
    }
    Ok(rows)
}

/// `r` table, `p` partitioned table, `v` view, `m` materialized view, `S` sequence, `c` composite type.
pub(in crate::catalog) fn relkind(relation: &Relation) -> u8 {
    match relation.kind {
        RelationKind::Table if relation.is_partitioned() => b'p',
        RelationKind::Table => b'r',
        RelationKind::System if is_system_view(relation.oid) => b'v',
        RelationKind::System => b'r',
        RelationKind::View { .. } => b'v',
        RelationKind::MaterializedView { .. } => b'm',
        RelationKind::Sequence(_) => b'S',
        RelationKind::Composite => b'c',
    }
}

pub(super) fn pg_class(ask: &Ask<'_>) -> Result<Rows> {
    let mut rows = Rows::new(&[
        "oid",
        "relname",
        "relnamespace",
        "reltype",
        "relowner",
        "relam",
        "relfilenode",
        "relpages",
        "reltuples",
        "relhasindex",
        "relisshared",
        "relpersistence",
        "relkind",
        "relnatts",
        "relchecks",
        "relhasrules",
        "relhastriggers",
        "relrowsecurity",
        "relforcerowsecurity",
        "relispopulated",
        "relreplident",
        "relminmxid",
        "relacl",
        "relhassubclass",
        "relispartition",
        "relpartbound",
        "reloptions",
    ]);
    let referenced = referenced(ask);
    let objects = ask.snapshot.objects();
    for r in relations(ask) {
        rows.about[0] = r.oid;
        let kind = relkind(r);
        let stored = r.kind.is_stored() && !r.is_partitioned();
        let persistence = match (r.temporary, r.details.unlogged) {
            (true, _) => b't',
            (false, true) => b'u',
            (false, false) => b'p',
        };
        let checks = r.constraints.iter().filter(|c| matches!(c.kind, ConstraintKind::Check { .. })).count();
        let foreign = r.constraints.iter().any(|c| matches!(c.kind, ConstraintKind::ForeignKey { .. }));
        let namespace = Value::Oid(namespace_oid(ask, &r.namespace));
        rows.push([
            Value::Oid(r.oid),
            text(&r.name),
            namespace.clone(),
            Value::Oid(r.row_type),
            Value::Oid(r.owner),
            Value::Oid(if stored { HEAP } else { 0 }),
            Value::Oid(if matches!(kind, b'v' | b'p' | b'c') { 0 } else { r.oid }),
            Value::Int4(i32::from(kind == b'S')),
            // Nobody has counted; a sequence is one row.
            Value::Float4(match kind {
                b'S' => 1.0,
                _ => -1.0,
            }),
            Value::Bool(!r.indexes.is_empty()),
            Value::Bool(false),
            char_(persistence),
            char_(kind),
            Value::Int2(r.columns.len() as i16),
            Value::Int2(checks as i16),
            Value::Bool(matches!(kind, b'v' | b'm')),
            Value::Bool(foreign || referenced.contains(&r.oid)),
            Value::Bool(r.rules.enabled),
            Value::Bool(r.rules.forced),
            Value::Bool(!matches!(r.kind, RelationKind::MaterializedView { populated: false, .. })),
            char_(if stored || kind == b'p' { b'd' } else { b'n' }),
            Value::Oid(Oid::from(stored)),
            // What is granted on a composite type is the type's.
            if kind == b'c' { Value::Null } else { acl(&r.acl, ask.snapshot) },
            Value::Bool(objects.partitions.contains_key(&r.oid)),
            Value::Bool(r.is_partition()),
            opt_text(bound_of(ask, r)),
            if r.kind.is_stored() { options_of(&r.details.options) } else { view_options(r) },
        ]);
        for index in &r.indexes {
            rows.push([
                Value::Oid(index.oid),
                text(&index.name),
                namespace.clone(),
                Value::Oid(0),
                Value::Oid(r.owner),
                Value::Oid(opclass::access_method(&index.method)),
                Value::Oid(index.oid),
                Value::Int4(1),
                Value::Float4(0.0),
                Value::Bool(false),
                Value::Bool(false),
                char_(persistence),
                char_(if kind == b'p' { b'I' } else { b'i' }),
                Value::Int2((index.keys.len() + index.included.len()) as i16),
                Value::Int2(0),
                Value::Bool(false),
                Value::Bool(false),
                Value::Bool(false),
                Value::Bool(false),
                Value::Bool(true),
                char_(b'n'),
                Value::Oid(0),
                Value::Null,
                Value::Bool(ask.snapshot.partitions(r.oid).iter().any(|p| has_below(p, index))),
                Value::Bool(index.parent.is_some()),
                Value::Null,
                options_of(&index.options),
            ]);
        }
    }
    Ok(rows)
}

/// Has a partition an index that comes from this one?
fn has_below(partition: &Relation, index: &Index) -> bool {
    partition.indexes.iter().any(|i| i.parent == Some(index.oid))
}

/// `FOR VALUES …` of a partition.
fn bound_of(ask: &Ask<'_>, partition: &Relation) -> Option<String> {
    let of = partition.partitioning.of.as_ref()?;
    let key = ask.snapshot.relation_by_oid(of.parent)?.partitioning.key.as_ref()?;
    Some(bound_text(&of.bound, key))
}

/// Partitions and their indexes, under those of their parents.
pub(super) fn pg_inherits(ask: &Ask<'_>) -> Result<Rows> {
    let mut rows = Rows::new(&["inhrelid", "inhparent", "inhseqno", "inhdetachpending"]);
    for r in relations(ask) {
        rows.about = [r.oid, r.partition_parent().unwrap_or_default()];
        let own = r.partition_parent().map(|parent| (r.oid, parent));
        let indexes = r.indexes.iter().filter_map(|i| Some((i.oid, i.parent?)));
        for (child, parent) in own.into_iter().chain(indexes) {
            rows.push([Value::Oid(child), Value::Oid(parent), Value::Int4(1), Value::Bool(false)]);
        }
    }
    Ok(rows)
}

pub(super) fn pg_partitioned_table(ask: &Ask<'_>) -> Result<Rows> {
    let mut rows = Rows::new(&[
        "partrelid",
        "partstrat",
        "partnatts",
        "partdefid",
        "partattrs",
        "partclass",
        "partcollation",
        "partexprs",
    ]);
    for r in relations(ask) {
        let Some(key) = &r.partitioning.key else { continue };
        rows.about[0] = r.oid;
        let is_default =
            |p: &&&Arc<Relation>| p.partitioning.of.as_ref().is_some_and(|of| of.bound == PartitionBound::Default);
        let partitions = ask.snapshot.partitions(r.oid);
        let default = partitions.iter().find(is_default).map_or(0, |p| p.oid);
        let expressions: Vec<&str> = key.parts.iter().filter_map(|part| part.expression.as_deref()).collect();
        rows.push([
            Value::Oid(r.oid),
            char_(match key.strategy {
                Strategy::List => b'l',
                Strategy::Range => b'r',
                Strategy::Hash => b'h',
            }),
            Value::Int2(key.parts.len() as i16),
            Value::Oid(default),
            int2s(key.parts.iter().map(|part| part.column)),
            oids(key.parts.iter().map(|part| opclass_of(ask, "btree", None, part.ty.oid))),
            oids(key.parts.iter().map(|part| storage(ask, part.ty).collation)),
            if expressions.is_empty() { Value::Null } else { text(expressions.join(", ")) },
        ]);
    }
    Ok(rows)
}

/// The tables that foreign keys point to.
fn referenced(ask: &Ask<'_>) -> HashSet<Oid> {
    let constraints = relations(ask).into_iter().flat_map(|r| &r.constraints);
    constraints
        .filter_map(|c| match &c.kind {
            ConstraintKind::ForeignKey { target, .. } => Some(*target),
            ConstraintKind::PrimaryKey { .. }
            | ConstraintKind::Unique { .. }
            | ConstraintKind::Check { .. }
            | ConstraintKind::Exclusion { .. } => None,
        })
        .collect()
}

/// The operator class of an index's column: the one that was named, or the type's.
fn opclass_of(ask: &Ask<'_>, method: &str, named: Option<&str>, ty: Oid) -> Oid {
    let found = match named {
        Some(name) => opclass::kept(method, name),
        None => opclass::default_of(method, ty, ask.snapshot),
    };
    found.map_or(0, |found| found.oid)
}

/// An index that a partition has none for yet (ON ONLY) is not valid: has every partition, and every one of theirs, an index that comes from this one?
fn is_whole(ask: &Ask<'_>, table: &Relation, index: &Index) -> bool {
    ask.snapshot.partitions(table.oid).iter().all(|partition| {
        let below = partition.indexes.iter().find(|i| i.parent == Some(index.oid));
        below.is_some_and(|below| is_whole(ask, partition, below))
    })
}

pub(super) fn pg_index(ask: &Ask<'_>) -> Result<Rows> {
    let mut rows = Rows::new(&[
        "indexrelid",
        "indrelid",
        "indnatts",
        "indnkeyatts",
        "indisunique",
        "indnullsnotdistinct",
        "indisprimary",
        "indisexclusion",
        "indimmediate",
        "indisclustered",
        "indisvalid",
        "indcheckxmin",
        "indisready",
        "indislive",
        "indisreplident",
        "indkey",
        "indcollation",
        "indclass",
        "indoption",
        "indexprs",
        "indpred",
    ]);
    for r in relations(ask) {
        rows.about[0] = r.oid;
        for index in &r.indexes {
            let primary = r.primary_key().is_some_and(|c| c.name == index.name && index.of_constraint);
            let deferrable = index.of_constraint && r.constraints.iter().any(|c| c.name == index.name && c.deferrable);
            let type_of = |num: i16| r.column_by_num(num).map_or(PgType::new(oid::TEXT), |c| c.ty);
            let collation_of = |num: i16| {
                let own = r.column_by_num(num).map_or(0, |c| c.collation);
                if own == 0 { storage(ask, type_of(num)).collation } else { own }
            };
            let expressions: Vec<&str> = index.keys.iter().filter_map(|k| k.expression.as_deref()).collect();
            rows.push([
                Value::Oid(index.oid),
                Value::Oid(r.oid),
                Value::Int2((index.keys.len() + index.included.len()) as i16),
                Value::Int2(index.keys.len() as i16),
                Value::Bool(index.unique),
                Value::Bool(index.nulls_not_distinct),
                Value::Bool(primary),
                Value::Bool(index.of_constraint && !index.unique),
                Value::Bool(!deferrable),
                Value::Bool(r.details.clustered == Some(index.oid)),
                Value::Bool(is_whole(ask, r, index)),
                Value::Bool(false),
                Value::Bool(true),
                Value::Bool(true),
                Value::Bool(false),
                int2s(index.keys.iter().map(|k| k.column).chain(index.included.iter().copied())),
                oids(index.keys.iter().map(|k| collation_of(k.column))),
                oids(
                    index
                        .keys
                        .iter()
                        .map(|k| opclass_of(ask, &index.method, k.opclass.as_deref(), type_of(k.column).oid)),
                ),
                int2s(index.keys.iter().map(|k| i16::from(k.descending) | (i16::from(k.nulls_first) << 1))),
                if expressions.is_empty() { Value::Null } else { text(expressions.join(", ")) },
                opt_text(index.predicate.as_ref()),
            ]);
        }
    }
    Ok(rows)
}

pub(super) fn pg_sequence(ask: &Ask<'_>) -> Result<Rows> {
    let mut rows =
        Rows::new(&["seqrelid", "seqtypid", "seqstart", "seqincrement", "seqmax", "seqmin", "seqcache", "seqcycle"]);
    for r in relations(ask) {
        rows.about[0] = r.oid;
        if let RelationKind::Sequence(s) = &r.kind {
            rows.push([
                Value::Oid(r.oid),
                Value::Oid(s.ty),
                Value::Int8(s.start),
                Value::Int8(s.increment),
                Value::Int8(s.max),
                Value::Int8(s.min),
                Value::Int8(s.cache),
                Value::Bool(s.cycle),
            ]);
        }
    }
    Ok(rows)
}

pub(super) fn pg_description(ask: &Ask<'_>) -> Result<Rows> {
    let mut rows = Rows::new(&["objoid", "classoid", "objsubid", "description"]);
    let mut push = |about: Oid, object: Oid, catalog: Oid, sub: i32, comment: &Option<String>| {
        if let Some(comment) = comment {
            rows.about[0] = about;
            rows.push([Value::Oid(object), Value::Oid(catalog), Value::Int4(sub), text(comment)]);
        }
    };
    for n in ask.snapshot.namespaces.values().filter(|n| n.oid >= oid::FIRST_USER) {
        push(0, n.oid, NAMESPACE_CATALOG, 0, &n.comment);
    }
    for t in ask.snapshot.types.values() {
        push(0, t.oid, TYPE_CATALOG, 0, &t.comment);
        for (check, comment) in domain_check_comments(t) {
            push(0, check, CONSTRAINT_CATALOG, 0, &Some(comment.to_owned()));
        }
    }
    for f in ask.snapshot.functions.values() {
        push(0, f.oid, PROC_CATALOG, 0, &f.comment);
    }
    for e in ask.snapshot.extensions.values() {
        push(0, e.oid, EXTENSION_CATALOG, 0, &e.comment);
    }
    let plpgsql = Some(crate::registry::extension::PLPGSQL.comment.to_owned());
    push(0, crate::registry::extension::PLPGSQL_OID, EXTENSION_CATALOG, 0, &plpgsql);
    for r in relations(ask) {
        match r.kind {
            RelationKind::Composite => push(r.oid, r.row_type, TYPE_CATALOG, 0, &r.comment),
            _ => push(r.oid, r.oid, CLASS_CATALOG, 0, &r.comment),
        }
        for c in &r.columns {
            push(r.oid, r.oid, CLASS_CATALOG, i32::from(c.num), &c.comment);
        }
        for c in &r.constraints {
            push(r.oid, c.oid, CONSTRAINT_CATALOG, 0, &c.comment);
        }
        for i in &r.indexes {
            push(r.oid, i.oid, CLASS_CATALOG, 0, &i.comment);
        }
        for s in &r.details.statistics {
            push(r.oid, s.oid, STATISTICS_CATALOG, 0, &s.comment);
        }
        for p in &r.rules.policies {
            push(r.oid, p.oid, POLICY_CATALOG, 0, &p.comment);
        }
    }
    Ok(rows)
}

/// What is said of a domain's constraints, by their OIDs.
pub(in crate::catalog) fn domain_check_comments(ty: &UserType) -> Vec<(Oid, &str)> {
    let UserTypeKind::Domain { checks, .. } = &ty.kind else { return Vec::new() };
    let oid = |name: &str| {
        let at = checks.iter().position(|(check, _)| &**check == name)?;
        Some(super::domain_check_oid(ty.oid, at))
    };
    ty.constraint_comments.iter().filter_map(|(name, comment)| Some((oid(name)?, comment.as_str()))).collect()
}

/// pg_class.reloptions of what has rows.
fn options_of(options: &[String]) -> Value {
    match options {
        [] => Value::Null,
        options => array(oid::TEXT, options.iter().map(text).collect()),
    }
}

/// pg_class.reloptions of views.
fn view_options(relation: &Relation) -> Value {
    let invoker = relation.rules.invoker.then(|| text("security_invoker=true"));
    let barrier = relation.rules.barrier.then(|| text("security_barrier=true"));
    let check = relation.rules.check_option.map(|option| text(format!("check_option={}", option.word())));
    let all: Vec<Value> = barrier.into_iter().chain(invoker).chain(check).collect();
    if all.is_empty() { Value::Null } else { array(oid::TEXT, all) }
}
