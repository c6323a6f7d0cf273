//! Partition trees: what PARTITION BY and FOR VALUES have said, and bounds as conditions over a row. The rows of a whole tree are in the table of
//! its root (docs/decisions/partitions.md).

use std::cmp::Ordering;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::expression::quote;
use super::{Column, Constraint, ConstraintKind, Relation, Snapshot, UserTypeKind};
use crate::types::name::format_type;
use crate::types::numeric::Numeric;
use crate::types::{self, Oid, OutputSettings, PgType, Value, oid};

/// A table's place in a partition tree; none of it for any other.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Partitioning {
    /// What PARTITION BY has said: the table has partitions, and no rows of its own.
    #[serde(default)]
    pub key: Option<Arc<PartitionKey>>,
    /// Of what it is a partition.
    #[serde(default)]
    pub of: Option<Arc<PartitionOf>>,
    /// In a stored form ([`Snapshot::stored_form`]): the OID of the relation that it stands for.
    #[serde(skip)]
    pub stands_for: Option<Oid>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionKey {
    pub strategy: Strategy,
    pub parts: Vec<KeyPart>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Strategy {
    List,
    Range,
    Hash,
}

/// A column of a partition key (by number), or an expression in PostgreSQL's dialect (number 0).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPart {
    pub column: i16,
    pub expression: Option<String>,
    pub ty: PgType,
    /// COLLATE and operator class as they were written, for who prints the key.
    #[serde(default)]
    pub collation: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionOf {
    pub parent: Oid,
    pub bound: PartitionBound,
}

/// FOR VALUES …: values are in the text form of their key's type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PartitionBound {
    Default,
    /// `None` is NULL.
    List(Vec<Option<String>>),
    Range {
        from: Vec<Edge>,
        to: Vec<Edge>,
    },
    Hash {
        modulus: i32,
        remainder: i32,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Edge {
    MinValue,
    Value(String),
    MaxValue,
}

impl Strategy {
    pub const fn word(self) -> &'static str {
        match self {
            Self::List => "LIST",
            Self::Range => "RANGE",
            Self::Hash => "HASH",
        }
    }
}

/// The native that says whether a row is in a HASH partition.
pub const HASH_FUNCTION: &str = "satisfies_hash_partition";

impl Relation {
    pub fn is_partitioned(&self) -> bool {
        self.partitioning.key.is_some()
    }

    pub fn is_partition(&self) -> bool {
        self.partitioning.of.is_some()
    }

    /// The table whose partition it is.
    pub fn partition_parent(&self) -> Option<Oid> {
        self.partitioning.of.as_ref().map(|of| of.parent)
    }

    /// The OID by which the schema knows it, if it is a stored form.
    pub fn named_oid(&self) -> Oid {
        self.partitioning.stands_for.unwrap_or(self.oid)
    }
}

impl PartitionKey {
    /// Its columns; those of expressions are not among them.
    pub fn columns(&self) -> impl Iterator<Item = i16> {
        self.parts.iter().map(|part| part.column).filter(|column| *column != 0)
    }
}

impl Snapshot {
    /// The partitions of a table, in the order of their OIDs.
    pub fn partitions(&self, parent: Oid) -> Vec<&Arc<Relation>> {
        let objects = self.objects();
        let children = objects.partitions.get(&parent).map(Vec::as_slice).unwrap_or_default();
        children.iter().filter_map(|child| self.relation_by_oid(*child)).collect()
    }

    /// All below a table, each before its own partitions.
    pub fn partition_descendants(&self, top: Oid) -> Vec<&Arc<Relation>> {
        let mut all = Vec::new();
        for child in self.partitions(top) {
            all.push(child);
            all.extend(self.partition_descendants(child.oid));
        }
        all
    }

    /// The table in whose rows a relation's are: its tree's root, or itself.
    pub fn partition_root<'a>(&'a self, relation: &'a Arc<Relation>) -> &'a Arc<Relation> {
        let mut root = relation;
        while let Some(parent) = root.partition_parent().and_then(|parent| self.relation_by_oid(parent)) {
            root = parent;
        }
        root
    }

    /// A partition as lowering sees it: its own columns in its own order, with the root's OID and the root's numbers, and with
    /// the root's keys by its own names for them. `None` if it is none, or does not fit its root.
    pub fn stored_form(&self, relation: &Arc<Relation>) -> Option<Arc<Relation>> {
        relation.partition_parent()?;
        let root = self.partition_root(relation);
        if root.oid == relation.oid {
            return None;
        }
        let number = |num: i16| root.column(&relation.column_by_num(num)?.name).map(|c| c.num);
        let columns = relation.columns.iter().map(|c| Some(Column { num: number(c.num)?, ..c.clone() }));
        let columns = columns.collect::<Option<Vec<_>>>()?;
        let renumbered = |constraint: &Constraint| {
            let mut constraint = constraint.clone();
            match &mut constraint.kind {
                ConstraintKind::PrimaryKey { columns }
                | ConstraintKind::Unique { columns, .. }
                | ConstraintKind::ForeignKey { columns, .. }
                | ConstraintKind::Check { columns, .. }
                | ConstraintKind::Exclusion { columns, .. } => {
                    for column in columns {
                        *column = number(*column)?;
                    }
                }
            }
            Some(constraint)
        };
        // Keys and foreign keys are the root's own: the session looks them up by their OIDs.
        let checks = relation.constraints.iter().filter(|c| !matches!(c.kind, ConstraintKind::ForeignKey { .. }));
        let mut constraints = checks.map(renumbered).collect::<Option<Vec<_>>>()?;
        let foreign = root.constraints.iter().filter(|c| matches!(c.kind, ConstraintKind::ForeignKey { .. }));
        constraints.extend(foreign.cloned());
        let mut partitioning = relation.partitioning.clone();
        partitioning.stands_for = Some(relation.oid);
        Some(Arc::new(Relation {
            oid: root.oid,
            columns,
            constraints,
            indexes: root.indexes.clone(),
            storage: root.storage,
            temporary: root.temporary,
            partitioning,
            ..(**relation).clone()
        }))
    }

    /// The condition under which a row is in a partition of its parent, over the columns' names; `None` if it always is.
    pub fn bound_condition(&self, partition: &Relation) -> Option<String> {
        let of = partition.partitioning.of.as_ref()?;
        let parent = self.relation_by_oid(of.parent)?;
        let key = parent.partitioning.key.as_ref()?;
        match &of.bound {
            PartitionBound::Default => {
                let others = self.partitions(of.parent).into_iter().filter(|p| p.oid != partition.named_oid());
                let others: Vec<_> = others.filter_map(|p| self.bound_condition(p)).collect();
                if others.is_empty() { None } else { Some(format!("NOT ({})", others.join(" OR "))) }
            }
            bound => Some(self.condition(parent, key, bound)),
        }
    }

    /// A bound that is not DEFAULT as a condition over the parent's columns.
    pub fn condition(&self, parent: &Relation, key: &PartitionKey, bound: &PartitionBound) -> String {
        let names: Vec<String> = key.parts.iter().map(|part| part_text(parent, part)).collect();
        let literal =
            |at: usize, text: &str| typed(text, key.parts.get(at).map_or(PgType::new(oid::TEXT), |p| p.ty), self);
        match bound {
            PartitionBound::Default => "true".to_owned(),
            PartitionBound::List(values) => {
                let name = names.first().map_or("NULL", String::as_str);
                let listed: Vec<String> = values.iter().flatten().map(|text| literal(0, text)).collect();
                let has_null = values.iter().any(Option::is_none);
                match (listed.is_empty(), has_null) {
                    (true, _) => format!("({name} IS NULL)"),
                    (false, true) => format!("({name} IS NULL OR {name} IN ({}))", listed.join(", ")),
                    (false, false) => format!("({name} IS NOT NULL AND {name} IN ({}))", listed.join(", ")),
                }
            }
            PartitionBound::Range { from, to } => {
                let mut parts: Vec<String> = names.iter().map(|name| format!("{name} IS NOT NULL")).collect();
                parts.extend(edge(&names, from, true, &literal));
                parts.extend(edge(&names, to, false, &literal));
                format!("({})", parts.join(" AND "))
            }
            PartitionBound::Hash { modulus, remainder } => {
                format!("{HASH_FUNCTION}('{}'::oid, {modulus}, {remainder}, {})", parent.oid, names.join(", "))
            }
        }
    }

    /// The condition under which a row is in a relation, for rows that are in `top` above it; `None` if all are.
    pub fn condition_below(&self, relation: &Relation, top: Option<Oid>) -> Option<String> {
        let mut parts = Vec::new();
        let mut at = relation.named_oid();
        while Some(at) != top {
            let Some(partition) = self.relation_by_oid(at) else { break };
            let Some(parent) = partition.partition_parent() else { break };
            parts.extend(self.bound_condition(partition));
            at = parent;
        }
        parts.reverse();
        if parts.is_empty() { None } else { Some(parts.join(" AND ")) }
    }

    /// The condition under which some direct partition of a table takes a row; `None` if one always does.
    pub fn routed_condition(&self, table: Oid) -> Option<String> {
        let partitions = self.partitions(table);
        let conditions = partitions.iter().map(|p| self.bound_condition(p));
        let is_default =
            |p: &&Arc<Relation>| p.partitioning.of.as_ref().is_some_and(|of| of.bound == PartitionBound::Default);
        if partitions.iter().any(is_default) {
            return None;
        }
        let conditions: Vec<String> = conditions.flatten().collect();
        Some(if conditions.is_empty() { "false".to_owned() } else { format!("({})", conditions.join(" OR ")) })
    }

    /// The columns (by name) that the keys of a tree read from `top` on; `None` if that is not known, as with expressions.
    pub fn partition_key_columns(&self, top: &Relation) -> Option<Vec<super::Name>> {
        let mut names = Vec::new();
        let below = self.partition_descendants(top.named_oid());
        let mut above = Vec::new();
        let mut at = top.partition_parent();
        while let Some(parent) = at.and_then(|parent| self.relation_by_oid(parent)) {
            above.push(parent);
            at = parent.partition_parent();
        }
        let all = std::iter::once(top).chain(below.into_iter().chain(above).map(|r| &**r));
        for table in all {
            let Some(key) = &table.partitioning.key else { continue };
            for part in &key.parts {
                names.push(table.column_by_num(part.column)?.name.clone());
            }
        }
        Some(names)
    }
}

/// A key's part in PostgreSQL's SQL.
pub fn part_text(table: &Relation, part: &KeyPart) -> String {
    match (&part.expression, table.column_by_num(part.column)) {
        (Some(expression), _) => format!("({expression})"),
        (None, Some(column)) => quote(&column.name),
        (None, None) => "NULL".to_owned(),
    }
}

/// A constant of a key's type.
pub fn typed(text: &str, ty: PgType, snapshot: &Snapshot) -> String {
    // Without a length: `character` alone would have one.
    let name = match ty.oid {
        oid::BPCHAR => "bpchar".to_owned(),
        other => format_type(PgType::new(other), snapshot),
    };
    format!("'{}'::{name}", text.replace('\'', "''"))
}

/// One side of a range, compared part by part; `None` if everything is inside.
fn edge(names: &[String], edges: &[Edge], lower: bool, literal: &dyn Fn(usize, &str) -> String) -> Option<String> {
    let mut condition: Option<String> = if lower { None } else { Some("false".to_owned()) };
    for (at, (name, edge)) in names.iter().zip(edges).enumerate().rev() {
        condition = match (edge, lower) {
            (Edge::MinValue, true) | (Edge::MaxValue, false) => None,
            (Edge::MinValue, false) | (Edge::MaxValue, true) => Some("false".to_owned()),
            (Edge::Value(text), _) => {
                let value = literal(at, text);
                let (strict, loose) = if lower { (">", ">=") } else { ("<", "<=") };
                Some(match condition.as_deref() {
                    None => format!("{name} {loose} {value}"),
                    Some("false") => format!("{name} {strict} {value}"),
                    Some(rest) => format!("({name} {strict} {value} OR {name} = {value} AND {rest})"),
                })
            }
        };
    }
    condition
}

/// A value of a bound as it is compared.
pub fn value(text: &str, ty: PgType, snapshot: &Snapshot) -> crate::error::Result<Value> {
    types::text::parse(text, PgType::new(ty.oid), &OutputSettings::default(), snapshot)
}

/// Two values of one type in the order of its B-tree operator class; `None` where the gateway has not that order.
pub fn compare(a: &Value, b: &Value, ty: PgType, snapshot: &Snapshot) -> Option<Ordering> {
    let float = |a: f64, b: f64| match (a.is_nan(), b.is_nan()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
    };
    Some(match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Int2(a), Value::Int2(b)) => a.cmp(b),
        (Value::Int4(a), Value::Int4(b)) => a.cmp(b),
        (Value::Int8(a), Value::Int8(b)) => a.cmp(b),
        (Value::Oid(a), Value::Oid(b)) => a.cmp(b),
        (Value::Float4(a), Value::Float4(b)) => float(f64::from(*a), f64::from(*b)),
        (Value::Float8(a), Value::Float8(b)) => float(*a, *b),
        (Value::Numeric(a), Value::Numeric(b)) => Numeric::parse(a).ok()?.compare(&Numeric::parse(b).ok()?),
        (Value::Text(a), Value::Text(b)) => match ty.oid {
            oid::TEXT | oid::VARCHAR | oid::NAME => a.as_bytes().cmp(b.as_bytes()),
            oid::BPCHAR => a.trim_end_matches(' ').as_bytes().cmp(b.trim_end_matches(' ').as_bytes()),
            other => match snapshot.user_type_by_oid(other).map(|t| &t.kind) {
                Some(UserTypeKind::Enum { labels }) => {
                    let place = |label: &str| labels.iter().position(|l| &**l == label);
                    place(a)?.cmp(&place(b)?)
                }
                Some(UserTypeKind::Domain { .. } | UserTypeKind::Range { .. } | UserTypeKind::Multirange { .. })
                | None => {
                    return None;
                }
            },
        },
        (Value::Bytea(a), Value::Bytea(b)) => a.cmp(b),
        (Value::Date(a), Value::Date(b)) => a.cmp(b),
        (Value::Time(a), Value::Time(b)) => a.cmp(b),
        (Value::Timestamp(a), Value::Timestamp(b)) | (Value::TimestampTz(a), Value::TimestampTz(b)) => a.cmp(b),
        (Value::Uuid(a), Value::Uuid(b)) => a.cmp(b),
        _ => return None,
    })
}

/// A value as PostgreSQL prints it in a bound: numbers and truth values without quotes.
pub fn value_text(text: &str, ty: PgType) -> String {
    match ty.oid {
        oid::INT2 | oid::INT4 | oid::INT8 | oid::OID | oid::FLOAT4 | oid::FLOAT8 | oid::NUMERIC
            if !text.is_empty() && text.bytes().all(|b| b"0123456789+-eE.".contains(&b)) =>
        {
            if text.starts_with('-') {
                format!("'{text}'")
            } else {
                text.to_owned()
            }
        }
        oid::BOOL => if text.starts_with('t') { "true" } else { "false" }.to_owned(),
        _ => format!("'{}'", text.replace('\'', "''")),
    }
}

pub fn edge_text(edge: &Edge, ty: PgType) -> String {
    match edge {
        Edge::MinValue => "MINVALUE".to_owned(),
        Edge::MaxValue => "MAXVALUE".to_owned(),
        Edge::Value(text) => value_text(text, ty),
    }
}

/// `FOR VALUES FROM (1) TO (10)`
pub fn bound_text(bound: &PartitionBound, key: &PartitionKey) -> String {
    let edges = |edges: &[Edge]| {
        let texts = edges.iter().zip(&key.parts).map(|(edge, part)| edge_text(edge, part.ty));
        texts.collect::<Vec<_>>().join(", ")
    };
    match bound {
        PartitionBound::Default => "DEFAULT".to_owned(),
        PartitionBound::List(values) => {
            let ty = key.parts.first().map_or(PgType::new(oid::TEXT), |part| part.ty);
            let text = |value: &Option<String>| value.as_ref().map_or("NULL".to_owned(), |text| value_text(text, ty));
            format!("FOR VALUES IN ({})", values.iter().map(text).collect::<Vec<_>>().join(", "))
        }
        PartitionBound::Range { from, to } => format!("FOR VALUES FROM ({}) TO ({})", edges(from), edges(to)),
        PartitionBound::Hash { modulus, remainder } => {
            format!("FOR VALUES WITH (modulus {modulus}, remainder {remainder})")
        }
    }
}

/// The parts of a key in PostgreSQL's SQL: `a, lower(b)`. `printed` prints an expression that is kept.
pub fn key_columns_text(table: &Relation, key: &PartitionKey, printed: impl Fn(&str) -> String) -> String {
    let parts = key.parts.iter().map(|part| {
        let text = match &part.expression {
            Some(text) => printed(text),
            None => part_text(table, part),
        };
        part.collation.as_ref().map_or(text.clone(), |c| format!("{text} COLLATE {}", quote(c)))
    });
    parts.collect::<Vec<_>>().join(", ")
}
