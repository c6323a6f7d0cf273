//! CREATE INDEX.

use sqlparser::ast;

use super::super::Analyzer;
use super::super::check::walk;
use super::super::stored::{Stored, new_expression, without_position};
use crate::error::{Error, Result, SqlState};
use crate::registry::build::SYSTEM_COLUMNS;
use crate::registry::storage_options::{self, Holder};
use crate::registry::{Index, IndexKey, Name, opclass};
use crate::sql::parse;
use crate::tree::{Ddl, Expr, ExprKind, RelColumn};
use crate::types::{Oid, oid};

impl Analyzer<'_> {
    pub(super) fn create_index(&mut self, create: &ast::CreateIndex) -> Result<Ddl> {
        let ast::CreateIndex {
            name,
            table_name,
            using,
            columns,
            unique,
            // Nobody waits for an index here: it is there at once.
            concurrently: _,
            if_not_exists,
            include,
            nulls_distinct,
            with,
            predicate,
            index_options: _,
            alter_options,
        } = create;
        if !alter_options.is_empty() {
            return Err(Error::syntax("syntax error in CREATE INDEX"));
        }
        let method = using.as_ref().map_or_else(|| "btree".to_owned(), |m| m.to_string().to_lowercase());
        if method == "bloom" && self.ctx.snapshot.extensions.contains_key("bloom") {
            return Err(Error::unsupported("access method \"bloom\"").hint("Use btree or hash."));
        }
        if !matches!(method.as_str(), "btree" | "hash" | "gin" | "gist" | "brin" | "spgist") {
            let message = format!("access method \"{method}\" does not exist");
            return Err(Error::new(SqlState::UNDEFINED_OBJECT, message));
        }
        let table = self.qualified(table_name)?;
        let Some(relation) = self.find_relation(table.namespace.as_deref(), &table.name)? else {
            return Err(self.no_relation(table.namespace.as_deref(), &table.name, table.pos));
        };
        if relation.is_partitioned() && self.parsed.extras.outside_block.is_some() {
            let message = format!("cannot create index on partitioned table \"{}\" concurrently", relation.name);
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        let scope: Vec<RelColumn> =
            relation.columns.iter().map(|c| RelColumn { name: c.name.clone(), ty: c.ty, attnum: c.num }).collect();
        let mut keys = Vec::new();
        let mut reads = Vec::new();
        for column in columns {
            keys.push(self.index_key((&relation, &method), &scope, column, &mut reads)?);
        }
        let included = include.iter().map(|ident| column_of(&relation, &parse::fold(ident)));
        let included = included.collect::<Result<Vec<_>>>()?;
        let mut kept_predicate = None;
        if let Some(predicate) = predicate {
            let text = parse::printed(predicate);
            let (expr, kept) = new_expression(&text, Stored::IndexPredicate, &relation.name, &scope, None, self.ctx)
                .map_err(of_index)?;
            if expr.ty.oid != oid::BOOL {
                let message =
                    format!("argument of WHERE must be type boolean, not type {}", self.type_name(expr.ty.oid));
                return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
            }
            note_reads(&expr, &scope, &mut reads)?;
            kept_predicate = Some(kept);
        }
        let name = name.as_ref().map(|n| self.single(n)).transpose()?;
        let given = with.iter().map(index_option).collect::<Result<Vec<_>>>()?;
        let mut options = Vec::new();
        storage_options::set(&mut options, Holder::Index(&method), &given)?;
        let index = Index {
            oid: 0,
            name: name.clone().unwrap_or_else(|| "".into()),
            unique: *unique,
            keys,
            predicate: kept_predicate,
            nulls_not_distinct: *unique && *nulls_distinct == Some(false),
            reads,
            method: method.into(),
            included,
            of_constraint: false,
            comment: None,
            parent: None,
            options,
        };
        let (namespace, table) = (relation.namespace.clone(), relation.name.clone());
        let only = self.parsed.extras.index_only;
        Ok(Ddl::CreateIndex { namespace, name, table, index, if_not_exists: *if_not_exists, only })
    }

    fn index_key(
        &self,
        (relation, method): (&crate::registry::Relation, &str),
        scope: &[RelColumn],
        column: &ast::IndexColumn,
        reads: &mut Vec<i16>,
    ) -> Result<IndexKey> {
        let descending = column.column.options.asc == Some(false);
        let nulls_first = column.column.options.nulls_first.unwrap_or(descending);
        let mut expr = &column.column.expr;
        while let ast::Expr::Nested(inner) = expr {
            expr = inner;
        }
        if let ast::Expr::Identifier(ident) = expr {
            let name = parse::fold(ident);
            let num = column_of(relation, &name)?;
            let ty = relation.column_by_num(num).map_or(oid::TEXT, |c| c.ty.oid);
            let opclass = self.opclass(column, method, ty)?;
            return Ok(IndexKey { descending, nulls_first, opclass, ..IndexKey::of_column(num) });
        }
        let text = parse::printed(expr);
        let name = self.figure(expr).map(|(name, _)| name);
        let (expr, kept) =
            new_expression(&text, Stored::IndexExpression, &relation.name, scope, None, self.ctx).map_err(of_index)?;
        if expr.ty.oid == oid::RECORD {
            let message = "column \"row\" has pseudo-type record";
            return Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message));
        }
        note_reads(&expr, scope, reads)?;
        let opclass = self.opclass(column, method, expr.ty.oid)?;
        Ok(IndexKey { column: 0, expression: Some(kept), name, descending, nulls_first, opclass })
    }

    /// The operator class that is named for a column, unless the type has it by default.
    fn opclass(&self, column: &ast::IndexColumn, method: &str, ty: crate::types::Oid) -> Result<Option<Name>> {
        let Some(name) = &column.operator_class else { return Ok(None) };
        let (_, name, _) = self.name_parts(name)?;
        let found = opclass::named(method, &name, (ty, &self.type_name(ty)), &self.ctx.snapshot)?;
        let default = opclass::default_of(method, ty, &self.ctx.snapshot);
        Ok(default.is_none_or(|default| default.oid != found.oid).then(|| found.name.into()))
    }
}

/// An option of WITH, and its value.
fn index_option(option: &ast::Expr) -> Result<(Name, Option<String>)> {
    match option {
        ast::Expr::BinaryOp { left, op: ast::BinaryOperator::Eq, right } => match &**left {
            ast::Expr::Identifier(name) => Ok((parse::fold(name), Some(super::table::option_value(right)))),
            _ => Err(Error::syntax("syntax error in WITH")),
        },
        ast::Expr::Identifier(name) => Ok((parse::fold(name), None)),
        _ => Err(Error::syntax("syntax error in WITH")),
    }
}

fn column_of(relation: &crate::registry::Relation, name: &str) -> Result<i16> {
    match relation.column(name) {
        Some(found) => Ok(found.num),
        None if SYSTEM_COLUMNS.contains(&name) => Err(on_system_columns()),
        None => {
            let message = format!("column \"{name}\" does not exist");
            Err(Error::new(SqlState::UNDEFINED_COLUMN, message))
        }
    }
}

fn on_system_columns() -> Error {
    Error::new(SqlState::FEATURE_NOT_SUPPORTED, "index creation on system columns is not supported")
}

/// What an expression of an index says of a system column is that there can be none.
fn of_index(error: Error) -> Error {
    let names = |column: &&str| error.report().message == format!("column \"{column}\" does not exist");
    if error.code() == SqlState::UNDEFINED_COLUMN && SYSTEM_COLUMNS.iter().any(names) {
        return on_system_columns();
    }
    without_position(error)
}

/// The columns that an expression over a row reads.
fn note_reads(expr: &Expr, scope: &[RelColumn], reads: &mut Vec<i16>) -> Result<()> {
    walk(expr, 0, &mut |e, _| {
        match &e.kind {
            ExprKind::Column { rel: _, column } => reads.extend(scope.get(usize::from(*column)).map(|c| c.attnum)),
            ExprKind::WholeRow(_) => reads.extend(scope.iter().map(|c| c.attnum)),
            _ => {}
        }
        Ok(true)
    })?;
    reads.sort_unstable();
    reads.dedup();
    Ok(())
}

/// Does an operator class order a type that is another's inside (IsBinaryCoercible)?
pub(super) fn is_coercible_to(opclass: &str, ty: Oid) -> bool {
    matches!(
        (opclass, ty),
        ("varchar_ops", oid::VARCHAR | oid::TEXT) | ("oid_ops", oid::INT4) | ("text_ops", oid::VARCHAR)
    )
}
