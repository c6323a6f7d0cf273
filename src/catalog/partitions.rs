//! Functions over partition trees: pg_get_partkeydef, pg_get_partition_constraintdef, pg_partition_tree, _ancestors and _root.

use std::sync::Arc;

use super::functions::{Asker, ask};
use crate::engine::Native;
use crate::engine::directory::Deparsed;
use crate::engine::vector::{Oid as OidArg, native_values, native2};
use crate::error::Error;
use crate::registry::partition::{edge_text, key_columns_text, part_text, typed};
use crate::registry::{Edge, PartitionBound, PartitionKey, Relation, Snapshot};
use crate::types::{ArrayValue, Oid, PgType, Phys, Value, oid};

pub(super) fn natives() -> Vec<Native> {
    vec![
        native2::<i64, OidArg, str>("dg_pg_get_partkeydef", |s, oid| {
            let asker = ask(s)?;
            let found = asker.seen.relation(oid);
            Ok(found.and_then(|r| key_definition(&asker, r)))
        }),
        native2::<i64, OidArg, str>("dg_pg_get_partition_constraintdef", |s, oid| {
            let asker = ask(s)?;
            let found = asker.seen.relation(oid);
            Ok(found.and_then(|r| constraint_definition(&asker, r)))
        }),
        native2::<i64, OidArg, OidArg>("dg_pg_partition_root", |s, oid| {
            let asker = ask(s)?;
            Ok(ancestors(&asker.snapshot, oid).last().copied())
        }),
        listed("dg_pg_partition_ancestors", Phys::Oid, oid::REGCLASS, |snapshot, top| {
            ancestors(snapshot, top).into_iter().map(Value::Oid).collect()
        }),
        listed(
            "dg_pg_partition_tree",
            Phys::Row(vec![Phys::Oid, Phys::Oid, Phys::Bool, Phys::Int4].into()),
            oid::RECORD,
            |snapshot, top| {
                let mut rows = Vec::new();
                tree(snapshot, top, 0, &mut rows);
                rows
            },
        ),
    ]
}

/// A function of session and relation that gives a set.
fn listed(
    name: &'static str,
    item: Phys,
    element: Oid,
    items: impl Fn(&Snapshot, Oid) -> Vec<Value> + Send + Sync + 'static,
) -> Native {
    native_values(name, vec![Phys::Int8, Phys::Oid], Phys::List(Box::new(item)), move |args| {
        let [Value::Int8(session), Value::Oid(relation)] = args else {
            return Err(Error::internal("a catalog function's arguments"));
        };
        let items = items(&ask(*session)?.snapshot, *relation);
        let dims = if items.is_empty() { Vec::new() } else { vec![(items.len() as i32, 1)] };
        Ok(Value::Array(ArrayValue { element, dims, items }))
    })
}

/// A relation or index, the parent it comes from, and whether it has partitions.
struct Member {
    parent: Option<Oid>,
    partitioned: bool,
}

fn member(snapshot: &Snapshot, oid: Oid) -> Option<Member> {
    if let Some(r) = snapshot.relation_by_oid(oid) {
        let there = r.is_partition() || r.is_partitioned();
        return there.then(|| Member { parent: r.partition_parent(), partitioned: r.is_partitioned() });
    }
    let table = snapshot.relation_by_oid(*snapshot.objects().indexes.get(&oid)?)?;
    let index = table.indexes.iter().find(|i| i.oid == oid)?;
    let there = table.is_partition() && index.parent.is_some() || table.is_partitioned();
    there.then(|| Member { parent: index.parent, partitioned: table.is_partitioned() })
}

/// It and what is above it, the root last; none if it is in no tree.
fn ancestors(snapshot: &Snapshot, oid: Oid) -> Vec<Oid> {
    let mut found = Vec::new();
    let mut at = Some(oid);
    while let Some((oid, member)) = at.and_then(|oid| Some((oid, member(snapshot, oid)?))) {
        found.push(oid);
        at = member.parent;
    }
    found
}

fn tree(snapshot: &Snapshot, oid: Oid, level: i32, rows: &mut Vec<Value>) {
    let Some(found) = member(snapshot, oid) else { return };
    let regclass = |oid: Option<Oid>| (PgType::new(oid::REGCLASS), oid.map_or(Value::Null, Value::Oid));
    rows.push(Value::Row(vec![
        regclass(Some(oid)),
        regclass(found.parent),
        (PgType::new(oid::BOOL), Value::Bool(!found.partitioned)),
        (PgType::new(oid::INT4), Value::Int4(level)),
    ]));
    let children: Vec<Oid> = match snapshot.relation_by_oid(oid) {
        Some(_) => snapshot.partitions(oid).into_iter().map(|r| r.oid).collect(),
        None => {
            let objects = snapshot.objects();
            let table = objects.indexes.get(&oid).copied().unwrap_or_default();
            let below = snapshot.partitions(table).into_iter().flat_map(|r| &r.indexes);
            below.filter(|i| i.parent == Some(oid)).map(|i| i.oid).collect()
        }
    };
    for child in children {
        tree(snapshot, child, level + 1, rows);
    }
}

fn printed(asker: &Asker, text: &str, relation: Oid) -> String {
    match asker.view.deparsed(Deparsed::Expression { text, relation }, false) {
        Some(printed) if printed.call => printed.text.to_string(),
        Some(printed) => format!("({})", printed.text),
        None => format!("({text})"),
    }
}

fn key_definition(asker: &Asker, table: &Relation) -> Option<String> {
    let key = table.partitioning.key.as_ref()?;
    let columns = key_columns_text(table, key, |text| printed(asker, text, table.oid));
    Some(format!("{} ({columns})", key.strategy.word()))
}

/// The constraint that a bound is (get_qual_from_partbound), with those above it.
fn constraint_definition(asker: &Asker, partition: &Relation) -> Option<String> {
    let mut parts = Vec::new();
    let mut at: Option<Arc<Relation>> = asker.snapshot.relation_by_oid(partition.oid).cloned();
    while let Some(relation) = at {
        let Some(of) = relation.partitioning.of.clone() else { break };
        let parent = asker.snapshot.relation_by_oid(of.parent)?.clone();
        let key = parent.partitioning.key.clone()?;
        let own = match &of.bound {
            PartitionBound::Default => {
                let siblings = asker.snapshot.partitions(of.parent);
                let bounds = siblings.iter().filter(|s| s.oid != relation.oid);
                let bounds = bounds.filter_map(|s| s.partitioning.of.as_ref());
                let others: Vec<&PartitionBound> = bounds.map(|of| &of.bound).collect();
                default_texts(asker, &parent, &key, &others)
            }
            bound => texts(asker, &parent, &key, bound),
        };
        parts.splice(0..0, own);
        at = Some(parent);
    }
    match parts.as_slice() {
        [] => None,
        [one] => Some(one.clone()),
        many => Some(format!("({})", many.join(" AND "))),
    }
}

fn names(asker: &Asker, parent: &Relation, key: &PartitionKey) -> Vec<String> {
    let name = |part: &crate::registry::KeyPart| match &part.expression {
        Some(text) => printed(asker, text, parent.oid),
        None => part_text(parent, part),
    };
    key.parts.iter().map(name).collect()
}

fn constant(text: &str, ty: PgType, snapshot: &Snapshot) -> String {
    match ty.oid {
        oid::INT4 if !text.starts_with('-') => edge_text(&Edge::Value(text.to_owned()), ty),
        oid::BOOL => edge_text(&Edge::Value(text.to_owned()), ty),
        _ => typed(text, ty, snapshot),
    }
}

/// The conditions of a bound, as PostgreSQL prints them.
fn texts(asker: &Asker, parent: &Relation, key: &PartitionKey, bound: &PartitionBound) -> Vec<String> {
    let names = names(asker, parent, key);
    let literal = |at: usize, text: &str| {
        constant(text, key.parts.get(at).map_or(PgType::new(oid::TEXT), |p| p.ty), &asker.snapshot)
    };
    match bound {
        PartitionBound::Default => Vec::new(),
        PartitionBound::List(values) => {
            let name = names.first().map_or("", String::as_str);
            let listed: Vec<String> = values.iter().flatten().map(|text| literal(0, text)).collect();
            let any = match listed.as_slice() {
                [] => return vec![format!("({name} IS NULL)")],
                [one] => format!("({name} = {one})"),
                many => format!("({name} = ANY (ARRAY[{}]))", many.join(", ")),
            };
            match values.iter().any(Option::is_none) {
                true => vec![format!("(({name} IS NULL) OR {any})")],
                false => vec![format!("({name} IS NOT NULL)"), any],
            }
        }
        PartitionBound::Range { from, to } => {
            let mut parts: Vec<String> = names.iter().map(|name| format!("({name} IS NOT NULL)")).collect();
            let same = from.iter().zip(to).take_while(|(a, b)| a == b && matches!(a, Edge::Value(_))).count();
            for (at, edge) in from.iter().take(same).enumerate() {
                if let Edge::Value(text) = edge {
                    parts.push(format!("({} = {})", names[at], literal(at, text)));
                }
            }
            parts.extend(side(&names, from, same, true, &literal));
            parts.extend(side(&names, to, same, false, &literal));
            parts
        }
        PartitionBound::Hash { modulus, remainder } => vec![format!(
            "satisfies_hash_partition('{}'::oid, {modulus}, {remainder}, {})",
            parent.oid,
            names.join(", ")
        )],
    }
}

/// One side of a range, as an OR of prefixes.
fn side(
    names: &[String],
    edges: &[Edge],
    from: usize,
    lower: bool,
    literal: &dyn Fn(usize, &str) -> String,
) -> Option<String> {
    let values: Vec<(usize, &str)> = edges
        .iter()
        .enumerate()
        .skip(from)
        .map_while(|(at, edge)| match edge {
            Edge::Value(text) => Some((at, text.as_str())),
            Edge::MinValue | Edge::MaxValue => None,
        })
        .collect();
    let open =
        matches!((edges.get(from + values.len()), lower), (Some(Edge::MinValue), true) | (Some(Edge::MaxValue), false));
    let mut arms = Vec::new();
    for n in 0..values.len() {
        let last = n + 1 == values.len();
        let mut parts: Vec<String> =
            values[..n].iter().map(|(at, text)| format!("({} = {})", names[*at], literal(*at, text))).collect();
        let op = match (lower, last && (lower || open)) {
            (true, true) if open || from + values.len() == edges.len() => ">=",
            (true, _) => ">",
            (false, true) => "<=",
            (false, _) => "<",
        };
        let (at, text) = values[n];
        parts.push(format!("({} {op} {})", names[at], literal(at, text)));
        arms.push(if parts.len() == 1 { parts.remove(0) } else { format!("({})", parts.join(" AND ")) });
    }
    match arms.len() {
        0 => None,
        1 => arms.pop(),
        _ => Some(format!("({})", arms.join(" OR "))),
    }
}

fn default_texts(asker: &Asker, parent: &Relation, key: &PartitionKey, others: &[&PartitionBound]) -> Vec<String> {
    if others.is_empty() {
        return Vec::new();
    }
    let all: Vec<Option<String>> = others
        .iter()
        .filter_map(|bound| match bound {
            PartitionBound::List(values) => Some(values.clone()),
            _ => None,
        })
        .flatten()
        .collect();
    if !all.is_empty() {
        let listed = texts(asker, parent, key, &PartitionBound::List(all));
        let inside = if listed.len() == 1 { listed[0].clone() } else { format!("({})", listed.join(" AND ")) };
        return vec![format!("(NOT {inside})")];
    }
    let arms: Vec<String> = others
        .iter()
        .map(|bound| {
            let parts = texts(asker, parent, key, bound);
            if parts.len() == 1 { parts[0].clone() } else { format!("({})", parts.join(" AND ")) }
        })
        .collect();
    let inside = if arms.len() == 1 { arms[0].clone() } else { format!("({})", arms.join(" OR ")) };
    vec![format!("(NOT {inside})")]
}
