//! PARTITION BY, PARTITION OF, ATTACH PARTITION (transformPartitionSpec, ComputePartitionAttrs, transformPartitionBound): keys and bounds over their
//! table's columns.

use std::sync::Arc;

use sqlparser::ast;

use super::super::Analyzer;
use super::super::stored::{self, Stored, assigned_expression, new_expression, rel_columns, without_position};
use crate::error::{Error, Result, SqlState};
use crate::registry::build::SYSTEM_COLUMNS;
use crate::registry::partition::{self, part_text};
use crate::registry::{Edge, KeyPart, PartitionBound, PartitionKey, PartitionOf, Relation, Strategy};
use crate::sql::parse::{self, RawAction, RawBound, RawChange, RawKey, RawOf, RawPart};
use crate::tree::{
    AlterTable, CastHow, Ddl, Expr, ExprKind, NewColumn, NewTable, ObjectKind, QualifiedName, RelColumn, RelId,
};
use crate::types::coded::is_orderless;
use crate::types::{OutputSettings, PgType, Value, oid};

/// As PostgreSQL's PARTITION_MAX_KEYS.
const MAX_PARTS: usize = 32;

impl Analyzer<'_> {
    /// PARTITION BY of a new table whose columns are known.
    pub(super) fn partitioned_by(&self, table: &mut NewTable) -> Result<()> {
        if let Some(raw) = &self.parsed.extras.partition.by {
            table.partitioning.key = Some(Arc::new(self.partition_key(raw, table)?));
        }
        Ok(())
    }

    fn partition_key(&self, raw: &RawKey, table: &NewTable) -> Result<PartitionKey> {
        let strategy = match &*raw.strategy {
            "list" => Strategy::List,
            "range" => Strategy::Range,
            "hash" => Strategy::Hash,
            other => {
                let message = format!("unrecognized partitioning strategy \"{other}\"");
                return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message).at(raw.pos));
            }
        };
        if strategy == Strategy::List && raw.parts.len() != 1 {
            let message = "cannot use \"list\" partition strategy with more than one column";
            return Err(definition(message));
        }
        if raw.parts.len() > MAX_PARTS {
            let message = format!("cannot partition using more than {MAX_PARTS} columns");
            return Err(Error::new(SqlState::TOO_MANY_COLUMNS, message));
        }
        let parts = raw.parts.iter().enumerate();
        let parts = parts.map(|(at, part)| self.key_part(at, part, table, strategy)).collect::<Result<_>>()?;
        Ok(PartitionKey { strategy, parts })
    }

    fn key_part(&self, at: usize, raw: &RawPart, table: &NewTable, strategy: Strategy) -> Result<KeyPart> {
        let mut inner = &raw.expr;
        while let ast::Expr::Nested(nested) = inner {
            inner = nested;
        }
        let mut part = match inner {
            ast::Expr::Identifier(ident) => self.key_column(&parse::fold(ident), raw, table)?,
            _ if raw.expression => self.key_expression(at, inner, table)?,
            _ => return Err(Error::syntax("syntax error in PARTITION BY").at(raw.pos)),
        };
        if let Some(collation) = &raw.collation {
            if !matches!(&*collation.name, "C" | "POSIX" | "default" | "ucs_basic") {
                return Err(Error::unsupported(format!("collation \"{}\"", collation.name))
                    .hint("Text is compared byte by byte, as by collation \"C\"."));
            }
            if !is_text(part.ty) {
                let message = format!("collations are not supported by type {}", self.type_name(part.ty.oid));
                return Err(Error::new(SqlState::DATATYPE_MISMATCH, message).at(raw.pos));
            }
            part.collation = Some(collation.name.to_string()).filter(|name| name != "default");
        }
        self.ordered(&part, raw, strategy)?;
        // Bounds are values of the type below a domain.
        let base = crate::types::base_type(part.ty, &*self.ctx.snapshot);
        if base.oid != part.ty.oid {
            part.ty = PgType::new(base.oid);
        }
        Ok(part)
    }

    fn key_column(&self, name: &str, raw: &RawPart, table: &NewTable) -> Result<KeyPart> {
        if SYSTEM_COLUMNS.contains(&name) {
            return Err(definition(format!("cannot use system column \"{name}\" in partition key")).at(raw.pos));
        }
        let Some(at) = table.columns.iter().position(|c| &*c.name == name) else {
            let message = format!("column \"{name}\" named in partition key does not exist");
            return Err(Error::new(SqlState::UNDEFINED_COLUMN, message).at(raw.pos));
        };
        let column = &table.columns[at];
        if column.generated.is_some() {
            return Err(definition("cannot use generated column in partition key")
                .detail(format!("Column \"{name}\" is a generated column."))
                .at(raw.pos));
        }
        let number = i16::try_from(at + 1).unwrap_or(i16::MAX);
        Ok(KeyPart { column: number, expression: None, ty: column.ty, collation: None })
    }

    fn key_expression(&self, at: usize, expr: &ast::Expr, table: &NewTable) -> Result<KeyPart> {
        let pseudo = |name: &str| {
            let message = format!("partition key column {} has pseudo-type {name}", at + 1);
            Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message))
        };
        if matches!(expr, ast::Expr::Value(v) if matches!(v.value, ast::Value::SingleQuotedString(_) | ast::Value::Null))
        {
            return pseudo("unknown");
        }
        let scope = rel_columns(&table.columns);
        let (made, kept) =
            new_expression(&parse::printed(expr), Stored::PartitionKey, &table.name, &scope, None, self.ctx)
                .map_err(without_position)?;
        let mut columns = Vec::new();
        super::super::check::walk(&made, 0, &mut |e, _| {
            match &e.kind {
                ExprKind::Column { rel: RelId(0), column } => columns.push(usize::from(*column)),
                ExprKind::WholeRow(_) => {
                    return Err(Error::unsupported("a whole row in a partition key"));
                }
                _ => {}
            }
            Ok(true)
        })?;
        let generated = columns.iter().filter_map(|at| table.columns.get(*at)).find(|c| c.generated.is_some());
        if let Some(column) = generated {
            return Err(definition("cannot use generated column in partition key")
                .detail(format!("Column \"{}\" is a generated column.", column.name)));
        }
        if made.ty.oid == oid::RECORD {
            return pseudo("record");
        }
        if columns.is_empty() {
            return Err(definition("cannot use constant expression as partition key"));
        }
        Ok(KeyPart { column: 0, expression: Some(kept), ty: PgType::new(made.ty.oid), collation: None })
    }

    /// Is there an order (or hash) of the key's type, and is it the one that is asked for?
    fn ordered(&self, part: &KeyPart, raw: &RawPart, strategy: Strategy) -> Result<()> {
        let base = crate::types::base_type(part.ty, &*self.ctx.snapshot);
        let name = self.type_name(part.ty.oid);
        let method = if strategy == Strategy::Hash { "hash" } else { "btree" };
        if is_orderless(base.oid) {
            let message = format!("data type {name} has no default operator class for access method \"{method}\"");
            let hint = format!(
                "You must specify a {method} operator class or define a default {method} operator class for the data type."
            );
            return Err(Error::new(SqlState::UNDEFINED_OBJECT, message).hint(hint));
        }
        if let Some(opclass) = &raw.opclass {
            let (class, of) = (opclass_of(base.oid), &*opclass.name);
            if class != Some(of) && !super::index::is_coercible_to(of, base.oid) {
                let known = KEY_TYPES.iter().any(|(_, class)| *class == of);
                let message = match known {
                    true => format!("operator class \"{of}\" does not accept data type {name}"),
                    false => format!("operator class \"{of}\" does not exist for access method \"{method}\""),
                };
                let code = if known { SqlState::DATATYPE_MISMATCH } else { SqlState::UNDEFINED_OBJECT };
                return Err(Error::new(code, message));
            }
        }
        let is_enum = self
            .ctx
            .snapshot
            .user_type_by_oid(base.oid)
            .is_some_and(|t| t.oid == base.oid && matches!(t.kind, crate::registry::UserTypeKind::Enum { .. }));
        let hashed =
            !matches!(base.oid, oid::NUMERIC | oid::FLOAT4 | oid::FLOAT8 | oid::TIME | oid::BYTEA | oid::BPCHAR);
        let known = opclass_of(base.oid).is_some() && (strategy != Strategy::Hash || hashed);
        if !(known || is_enum && strategy != Strategy::Hash) {
            return Err(Error::unsupported(format!("a {} partition key of type {name}", strategy.word()))
                .hint("Use a number, a text, a date or a timestamp."));
        }
        Ok(())
    }

    /// CREATE TABLE … PARTITION OF: the parent's columns, what is said of them, and constraints of its own.
    pub(super) fn create_partition(
        &mut self,
        create: &ast::CreateTable,
        of: &RawOf,
        mut table: NewTable,
    ) -> Result<Ddl> {
        if let Some(parent) = self.find_relation(of.parent.namespace.as_deref(), &of.parent.name)?
            && parent.temporary
            && !table.temporary
            && parent.is_partitioned()
        {
            let name = &parent.name;
            let message = format!("cannot create a permanent relation as partition of temporary relation \"{name}\"");
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
        }
        let (parent, bound) = self.parent_and_bound(&of.parent, &of.bound, false)?;
        let mut own: Vec<Option<NewColumn>> = vec![None; parent.columns.len()];
        for definition in &create.columns {
            let name = parse::fold(&definition.name);
            let Some(at) = parent.columns.iter().position(|c| c.name == name) else {
                let message = format!("column \"{name}\" does not exist");
                return Err(Error::new(SqlState::UNDEFINED_COLUMN, message));
            };
            if own[at].is_some() {
                let message = format!("column \"{name}\" specified more than once");
                return Err(Error::new(SqlState::DUPLICATE_COLUMN, message));
            }
            let (column, constraints) = self.column_as(definition, Some(parent.columns[at].ty))?;
            if column.generated.is_some() {
                return Err(Error::new(
                    SqlState::FEATURE_NOT_SUPPORTED,
                    "generated columns are not supported on partitions",
                ));
            }
            if column.sequence.is_some() {
                let message = "identity columns are not supported on partitions";
                return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
            }
            own[at] = Some(column);
            table.constraints.extend(constraints);
        }
        for constraint in &create.constraints {
            table.constraints.push(self.table_constraint(constraint)?);
        }
        let plain = |c: &crate::registry::Column| NewColumn {
            name: c.name.clone(),
            ty: c.ty,
            collation: c.collation,
            not_null: false,
            default: None,
            generated: None,
            sequence: None,
            sequence_options: None,
        };
        table.columns = own.into_iter().zip(&parent.columns).map(|(own, c)| own.unwrap_or_else(|| plain(c))).collect();
        stored::check_table(&mut table, self.ctx)?;
        // What comes from the parent is kept text already.
        for (column, inherited) in table.columns.iter_mut().zip(&parent.columns) {
            column.not_null |= inherited.not_null;
            column.collation = inherited.collation;
            column.generated.clone_from(&inherited.generated);
            if inherited.generated.is_some() && column.default.is_some() {
                let message =
                    format!("column \"{}\" inherits from generated column but specifies default", column.name);
                return Err(Error::new(SqlState::INVALID_COLUMN_DEFINITION, message));
            }
            if column.default.is_none() {
                column.default.clone_from(&inherited.default);
            }
        }
        self.partitioned_by(&mut table)?;
        table.partitioning.of = Some(Arc::new(PartitionOf { parent: parent.oid, bound }));
        Ok(Ddl::CreateTable { table, if_not_exists: create.if_not_exists, like: Vec::new() })
    }

    pub(super) fn partition_action(&mut self, action: &RawAction) -> Result<Ddl> {
        let RawAction { table, if_exists, partition, what } = action;
        let concurrently = match what {
            RawChange::Attach(bound) => return self.attach_partition(table, *if_exists, partition, bound),
            RawChange::Detach { concurrently } => *concurrently,
        };
        let (namespace, name) = self.existing(table)?;
        let action = AlterTable::DetachPartition { partition: self.existing(partition)?, concurrently };
        let (kind, if_exists) = (ObjectKind::Table, *if_exists);
        Ok(Ddl::AlterTable { kind, namespace, name, actions: vec![action], if_exists, only: false })
    }

    fn attach_partition(
        &mut self,
        table: &QualifiedName,
        if_exists: bool,
        partition: &QualifiedName,
        bound: &RawBound,
    ) -> Result<Ddl> {
        let (namespace, name) = self.existing(table)?;
        let bound = match self.find_relation(table.namespace.as_deref(), &table.name)? {
            // Planning says that there is no such table, and policy that it is another's, before what is wrong with it.
            None if if_exists => PartitionBound::Default,
            Some(found) if !self.ctx.snapshot.has_rights_of(self.ctx.role, found.owner) => PartitionBound::Default,
            Some(_) | None => self.parent_and_bound(table, bound, true)?.1,
        };
        let action = AlterTable::AttachPartition { partition: self.existing(partition)?, bound };
        let kind = ObjectKind::Table;
        Ok(Ddl::AlterTable { kind, namespace, name, actions: vec![action], if_exists, only: false })
    }

    fn parent_and_bound(
        &mut self,
        parent: &QualifiedName,
        bound: &RawBound,
        attach: bool,
    ) -> Result<(Arc<Relation>, PartitionBound)> {
        let pos = if attach { 0 } else { parent.pos };
        let Some(found) = self.find_relation(parent.namespace.as_deref(), &parent.name)? else {
            return Err(self.no_relation(parent.namespace.as_deref(), &parent.name, pos));
        };
        let Some(key) = found.partitioning.key.clone() else {
            return Err(match attach {
                true if matches!(found.kind, crate::registry::RelationKind::Table) => {
                    definition(format!("table \"{}\" is not partitioned", found.name))
                }
                true => {
                    let message =
                        format!("ALTER action ATTACH PARTITION cannot be performed on relation \"{}\"", found.name);
                    Error::new(SqlState::WRONG_OBJECT_TYPE, message)
                }
                false => definition(format!("\"{}\" is not partitioned", found.name)).at(pos),
            });
        };
        let bound = self.partition_bound(&found, &key, bound)?;
        Ok((found, bound))
    }

    fn partition_bound(&mut self, parent: &Relation, key: &PartitionKey, raw: &RawBound) -> Result<PartitionBound> {
        let invalid = |message: &str| Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message));
        match (raw, key.strategy) {
            (RawBound::Default, Strategy::Hash) => invalid("a hash-partitioned table may not have a default partition"),
            (RawBound::Default, Strategy::List | Strategy::Range) => Ok(PartitionBound::Default),
            (RawBound::Hash { modulus, remainder }, Strategy::Hash) => {
                if *modulus <= 0 {
                    return invalid("modulus for hash partition must be an integer value greater than zero");
                }
                if *remainder < 0 {
                    return invalid(
                        "remainder for hash partition must be an integer value greater than or equal to zero",
                    );
                }
                if remainder >= modulus {
                    return invalid("remainder for hash partition must be less than modulus");
                }
                Ok(PartitionBound::Hash { modulus: *modulus, remainder: *remainder })
            }
            (RawBound::List(values), Strategy::List) => {
                let mut listed: Vec<Option<String>> = Vec::new();
                for value in values {
                    let value = self.bound_value(parent, key, 0, value)?;
                    if !self.is_listed(&listed, &value, key.parts[0].ty)? {
                        listed.push(value);
                    }
                }
                Ok(PartitionBound::List(listed))
            }
            (RawBound::Range { from, to }, Strategy::Range) => {
                if from.len() != key.parts.len() {
                    return invalid("FROM must specify exactly one value per partitioning column");
                }
                if to.len() != key.parts.len() {
                    return invalid("TO must specify exactly one value per partitioning column");
                }
                Ok(PartitionBound::Range { from: self.edges(parent, key, from)?, to: self.edges(parent, key, to)? })
            }
            (_, Strategy::Hash) => invalid("invalid bound specification for a hash partition"),
            (_, Strategy::List) => invalid("invalid bound specification for a list partition"),
            (_, Strategy::Range) => invalid("invalid bound specification for a range partition"),
        }
    }

    fn is_listed(&self, listed: &[Option<String>], value: &Option<String>, ty: PgType) -> Result<bool> {
        let snapshot = &self.ctx.snapshot;
        for known in listed {
            let same = match (known, value) {
                (Some(a), Some(b)) => {
                    let (a, b) = (partition::value(a, ty, snapshot)?, partition::value(b, ty, snapshot)?);
                    partition::compare(&a, &b, ty, snapshot) == Some(std::cmp::Ordering::Equal)
                }
                (None, None) => true,
                _ => false,
            };
            if same {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn edges(&mut self, parent: &Relation, key: &PartitionKey, raw: &[ast::Expr]) -> Result<Vec<Edge>> {
        let mut edges: Vec<Edge> = Vec::new();
        for (at, expr) in raw.iter().enumerate() {
            let word = match expr {
                ast::Expr::Identifier(ident) if ident.quote_style.is_none() => parse::fold(ident),
                _ => "".into(),
            };
            let edge = match &*word {
                "minvalue" => Edge::MinValue,
                "maxvalue" => Edge::MaxValue,
                _ => match self.bound_value(parent, key, at, expr)? {
                    Some(text) => Edge::Value(text),
                    None => {
                        return Err(definition("cannot specify NULL in range bound"));
                    }
                },
            };
            let wanted = match edges.last() {
                Some(Edge::MinValue) if edge != Edge::MinValue => "MINVALUE",
                Some(Edge::MaxValue) if edge != Edge::MaxValue => "MAXVALUE",
                _ => {
                    edges.push(edge);
                    continue;
                }
            };
            let message = format!("every bound following {wanted} must also be {wanted}");
            return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
        }
        Ok(edges)
    }

    /// A value of a bound in the text form of its key's type; `None` is NULL.
    fn bound_value(
        &mut self,
        parent: &Relation,
        key: &PartitionKey,
        at: usize,
        raw: &ast::Expr,
    ) -> Result<Option<String>> {
        let part = &key.parts[at];
        let name = match part.expression {
            Some(_) => part_text(parent, part),
            None => parent.column_by_num(part.column).map_or_else(String::new, |c| c.name.to_string()),
        };
        let scope: [RelColumn; 0] = [];
        let ty = PgType::new(part.ty.oid);
        let made = assigned_expression(
            &parse::printed(raw),
            Stored::PartitionBound,
            ("", RelId(0)),
            &scope,
            (&name, ty),
            self.ctx,
        );
        let made = made.map_err(|error| {
            let column = matches!(error.code(), SqlState::UNDEFINED_COLUMN | SqlState::UNDEFINED_TABLE);
            if column {
                let message = "cannot use column reference in partition bound expression";
                return Error::new(SqlState::FEATURE_NOT_SUPPORTED, message);
            }
            if error.code() == SqlState::DATATYPE_MISMATCH && error.report().message.contains("is of type") {
                let message =
                    format!("specified value cannot be cast to type {} for column \"{name}\"", self.type_name(ty.oid));
                return Error::new(SqlState::DATATYPE_MISMATCH, message);
            }
            without_position(error)
        })?;
        let Some(value) = constant(&made) else {
            return Err(Error::unsupported("a partition bound that has to be computed")
                .hint("Write the value as a constant of the key's type."));
        };
        let snapshot = &self.ctx.snapshot;
        let settings = OutputSettings::default();
        let text = match value {
            Constant::Null => return Ok(None),
            Constant::Value(value, ty) => crate::types::text::format(&value, ty, &settings, &**snapshot),
        };
        // As the key's type has it: 1 of a numeric key, 2020-01-01 00:00:00 of a timestamp's.
        let parsed = crate::types::text::parse(&text, part.ty, &settings, &**snapshot).map_err(|_| {
            Error::unsupported("a partition bound of another type than its key's")
                .hint("Write it as a constant of that type.")
        })?;
        Ok(Some(crate::types::text::format(&parsed, ty, &settings, &**snapshot)))
    }
}

enum Constant {
    Null,
    Value(Value, PgType),
}

/// The value of a constant, with casts around it and a sign before it.
fn constant(expr: &Expr) -> Option<Constant> {
    match &expr.kind {
        ExprKind::Const(Value::Null) => Some(Constant::Null),
        ExprKind::Const(value) => Some(Constant::Value(value.clone(), expr.ty)),
        ExprKind::Cast { arg, how: CastHow::Relabel | CastHow::InOut | CastHow::Function(_), explicit: _ } => {
            // Such a cast would look at the session's time zone.
            let moves = expr.ty.oid == oid::TIMESTAMPTZ || arg.ty.oid == oid::TIMESTAMPTZ;
            if moves && expr.ty.oid != arg.ty.oid { None } else { constant(arg) }
        }
        ExprKind::Collate { arg, .. } => constant(arg),
        ExprKind::Call(call) if call.func.name.ends_with("um") || call.func.name == "numeric_uminus" => {
            let [arg] = call.args.as_slice() else { return None };
            match constant(arg)? {
                Constant::Null => Some(Constant::Null),
                Constant::Value(value, ty) => Some(Constant::Value(negative(value)?, ty)),
            }
        }
        _ => None,
    }
}

fn negative(value: Value) -> Option<Value> {
    Some(match value {
        Value::Int2(n) => Value::Int2(n.checked_neg()?),
        Value::Int4(n) => Value::Int4(n.checked_neg()?),
        Value::Int8(n) => Value::Int8(n.checked_neg()?),
        Value::Float4(n) => Value::Float4(-n),
        Value::Float8(n) => Value::Float8(-n),
        Value::Numeric(text) => match text.strip_prefix('-') {
            Some(rest) => Value::Numeric(rest.into()),
            None => Value::Numeric(format!("-{text}").into()),
        },
        _ => return None,
    })
}

/// The types of keys that the gateway orders as PostgreSQL does, with their default operator classes.
const KEY_TYPES: &[(crate::types::Oid, &str)] = &[
    (oid::BOOL, "bool_ops"),
    (oid::INT2, "int2_ops"),
    (oid::INT4, "int4_ops"),
    (oid::INT8, "int8_ops"),
    (oid::OID, "oid_ops"),
    (oid::FLOAT4, "float4_ops"),
    (oid::FLOAT8, "float8_ops"),
    (oid::NUMERIC, "numeric_ops"),
    (oid::TEXT, "text_ops"),
    (oid::VARCHAR, "text_ops"),
    (oid::BPCHAR, "bpchar_ops"),
    (oid::NAME, "name_ops"),
    (oid::BYTEA, "bytea_ops"),
    (oid::DATE, "date_ops"),
    (oid::TIME, "time_ops"),
    (oid::TIMESTAMP, "timestamp_ops"),
    (oid::TIMESTAMPTZ, "timestamptz_ops"),
    (oid::UUID, "uuid_ops"),
];

fn opclass_of(ty: crate::types::Oid) -> Option<&'static str> {
    KEY_TYPES.iter().find(|(known, _)| *known == ty).map(|(_, class)| *class)
}

fn is_text(ty: PgType) -> bool {
    matches!(ty.oid, oid::TEXT | oid::VARCHAR | oid::BPCHAR | oid::NAME)
}

fn definition(message: impl Into<String>) -> Error {
    Error::new(SqlState::INVALID_OBJECT_DEFINITION, message.into())
}

/// A partitioned table's CHECKs are its partitions', too.
pub(super) fn check_without_heirs(table: &str) -> Error {
    let message = format!("cannot add NO INHERIT constraint to partitioned table \"{table}\"");
    Error::new(SqlState::INVALID_TABLE_DEFINITION, message)
}
