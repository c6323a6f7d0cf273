//! Names in expressions, and reaching into values: columns, whole rows, fields, subscripts.

use sqlparser::ast::{self, AccessExpr};

use super::{Analyzer, CastContext, Expr, ExprKind, RelId};
use crate::error::{Error, Result, SqlState};
use crate::sql::parse::fold;
use crate::tree::Subscript;
use crate::types::{Oid, PgType, Value, oid};

impl Analyzer<'_> {
    /// An unqualified name: a column, or a whole row of a relation.
    pub(crate) fn identifier(&mut self, ident: &ast::Ident) -> Result<Expr> {
        let name = fold(ident);
        let pos = self.pos(ident.span);
        if ident.quote_style.is_none() && &*name == "default" {
            return Err(Error::syntax("DEFAULT is not allowed in this context").at(pos));
        }
        if let Some(column) = self.find_column(&name, pos)? {
            self.is_no_variable(None, &name, pos)?;
            return Ok(column);
        }
        if let Some(row) = self.whole_row(None, &name, pos)? {
            return Ok(row);
        }
        if let Some(parameter) = self.named_parameter(None, &name, pos) {
            return Ok(parameter);
        }
        if let Some(variable) = self.variable(None, &name, pos) {
            return variable;
        }
        if let Some(record) = self.record_variable(&name, pos)? {
            return Ok(record);
        }
        // System columns need no qualification.
        for item in self.scopes.iter().rev().flat_map(|s| &s.items).filter(|i| i.cols_visible) {
            if let Some(column) = self.system_column(item, &name, pos)? {
                return Ok(column);
            }
        }
        if self.scopes.iter().any(|s| s.items.iter().any(|i| i.rel.is_some_and(|r| self.rel_tables.contains_key(&r)))) {
            Self::refuse_system_column(&name, pos)?;
        }
        self.refuse_kept_system_column(&name, pos)?;
        Err(self.missing_column(None, &name, pos))
    }

    fn whole_row(&mut self, namespace: Option<&str>, name: &str, pos: u32) -> Result<Option<Expr>> {
        let Some(item) = self.find_item(namespace, name, pos)? else { return Ok(None) };
        let Some(rel) = item.rel else {
            // The view that a statement writes to.
            let target = self.scopes.iter().any(|s| s.view.as_ref().is_some_and(|v| v.is(item)));
            return if target {
                Err(Error::unsupported("the whole row of a view that is written to").at(pos))
            } else {
                Ok(None)
            };
        };
        // A function with one plain result stands for its value, not for a row.
        if item.row_type == oid::RECORD && item.columns.len() == 1 && self.function_rels.contains(&rel) {
            return Ok(Some(super::scope::at(item.columns[0].expr.clone(), pos)));
        }
        self.row_of(rel, item.row_type, pos).map(Some)
    }

    /// A relation's whole row, of this type; 0 if it has none (a sequence).
    pub(crate) fn row_of(&self, rel: RelId, row_type: Oid, pos: u32) -> Result<Expr> {
        if row_type == 0 {
            let name = self.rel_tables.get(&rel).map_or("", |def| &def.name);
            let message = format!("relation \"{name}\" does not have a composite type");
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
        }
        Ok(Expr { kind: ExprKind::WholeRow(rel), ty: PgType::new(row_type), pos })
    }

    /// `t.a`, `n.t.a`, `db.n.t.a`.
    pub(crate) fn dotted(&mut self, idents: &[ast::Ident]) -> Result<Expr> {
        let pos = idents.first().map_or(0, |i| self.pos(i.span));
        let folded: Vec<_> = idents.iter().map(fold).collect();
        let (namespace, relation, column) = match folded.as_slice() {
            [relation, column] => (None, relation, column),
            [namespace, relation, column] => (Some(namespace), relation, column),
            [database, namespace, relation, column] => {
                if *database != self.ctx.snapshot.database {
                    let message = format!("cross-database references are not implemented: {}", folded.join("."));
                    return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).at(pos));
                }
                (Some(namespace), relation, column)
            }
            _ => {
                let message = format!("improper qualified name (too many dotted names): {}", folded.join("."));
                return Err(Error::syntax(message).at(pos));
            }
        };
        let namespace = namespace.map(|n| &**n);
        let Some(item) = self.find_item(namespace, relation, pos)? else {
            // `function.parameter`, or `parameter.field`.
            if namespace.is_none() {
                if let Some(parameter) = self.named_parameter(Some(relation), column, pos) {
                    return Ok(parameter);
                }
                if let Some(variable) = self.variable(Some(relation), column, pos) {
                    return variable;
                }
                if let (Some(row), [_, field]) = (self.named_parameter(None, relation, pos), idents) {
                    return self.field(row, field);
                }
            }
            return Err(self.missing_relation(namespace, relation, pos));
        };
        if let Some(found) = item.columns.iter().find(|c| c.name == *column) {
            if item.columns.iter().filter(|c| c.name == *column).count() > 1 {
                let message = format!("column reference \"{column}\" is ambiguous");
                return Err(Error::new(SqlState::AMBIGUOUS_COLUMN, message).at(pos));
            }
            return Ok(super::scope::at(found.expr.clone(), pos));
        }
        if let Some(column) = self.system_column(item, column, pos)? {
            return Ok(column);
        }
        // `t.f` is `f(t)`, too.
        if let (Some(rel), row_type) = (item.rel, item.row_type)
            && self.is_function_of(column, row_type)
        {
            let row = self.row_of(rel, row_type, pos)?;
            return self.call_unqualified(column, vec![row], pos);
        }
        if item.rel.is_some_and(|r| self.rel_tables.contains_key(&r)) {
            Self::refuse_system_column(column, pos)?;
        }
        self.refuse_kept_system_column(column, pos)?;
        Err(self.missing_column(Some(relation), column, pos))
    }

    /// `root.field[…]…`.
    pub(crate) fn access(&mut self, root: &ast::Expr, chain: &[AccessExpr]) -> Result<Expr> {
        let pos = self.pos_of(root);
        // Leading names are a column reference: `t.a[1]`.
        let mut idents = Vec::new();
        let mut rest = chain;
        if let ast::Expr::Identifier(ident) = root {
            idents.push(ident.clone());
            while let [AccessExpr::Dot(ast::Expr::Identifier(next)), more @ ..] = rest {
                idents.push(next.clone());
                rest = more;
            }
        }
        let constant = |v: &ast::ValueWithSpan| !matches!(v.value, ast::Value::Placeholder(_));
        let built = matches!(root, ast::Expr::Array(_)) && matches!(chain.first(), Some(AccessExpr::Subscript(_)));
        if built || matches!(root, ast::Expr::Value(value) if constant(value)) {
            // A constant and ARRAY[…] take subscripts in parentheses only.
            let at = self.pos_after(root, "[");
            return Err(Error::syntax("syntax error at or near \"[\"").at(at));
        }
        let mut value = match idents.len() {
            0 => self.expr(root)?,
            1 => self.identifier(&idents[0])?,
            _ => self.dotted(&idents)?,
        };
        while let Some(next) = rest.first() {
            match next {
                AccessExpr::Dot(ast::Expr::Identifier(field)) => {
                    value = self.field(value, field)?;
                    rest = &rest[1..];
                }
                AccessExpr::Dot(_) => return Err(Error::unsupported("this field access").at(pos)),
                AccessExpr::Subscript(_) => {
                    let count = rest.iter().take_while(|a| matches!(a, AccessExpr::Subscript(_))).count();
                    value = self.subscripts(value, &rest[..count])?;
                    rest = &rest[count..];
                }
            }
        }
        Ok(value)
    }

    fn item_of(&self, rel: crate::tree::RelId) -> Option<&super::scope::NsItem> {
        self.scopes.iter().rev().flat_map(|s| &s.items).find(|i| i.rel == Some(rel))
    }

    /// A column of a row; `None` if it has none of that name.
    pub(crate) fn field_named(&mut self, row: Expr, name: &str) -> Result<Option<Expr>> {
        let pos = row.pos;
        if let ExprKind::WholeRow(rel) = row.kind
            && let Some(item) = self.item_of(rel)
        {
            let column = item.columns.iter().find(|c| *c.name == *name);
            return Ok(column.map(|column| super::scope::at(column.expr.clone(), pos)));
        }
        let row = self.below_domain(row);
        let fields = self.row_fields(&row);
        Ok(fields.iter().position(|(n, _)| **n == *name).map(|i| {
            let kind = ExprKind::Field { row: Box::new(row), field: i as u16 };
            Expr { kind, ty: fields[i].1, pos }
        }))
    }

    fn field(&mut self, row: Expr, field: &ast::Ident) -> Result<Expr> {
        let name = fold(field);
        if *name == *crate::sql::parse::rewrite::STAR {
            // Where it is not a list of values, it is the row.
            return Ok(row);
        }
        if let Some(found) = self.field_named(row.clone(), &name)? {
            return Ok(found);
        }
        // `(row).f` is `f(row)`, too.
        if self.is_function_of(&name, row.ty.oid) {
            let pos = row.pos;
            return self.call_unqualified(&name, vec![row], pos);
        }
        if let ExprKind::WholeRow(rel) = row.kind
            && let Some(item) = self.item_of(rel)
        {
            return Err(self.missing_column(Some(&item.alias), &name, row.pos));
        }
        let named = row.ty.oid;
        let row = self.below_domain(row);
        let fields = self.row_fields(&row);
        let message = if fields.is_empty() {
            if row.ty.oid == oid::RECORD {
                format!("could not identify column \"{name}\" in record data type")
            } else {
                let shown = self.type_name(row.ty.oid);
                let message = format!("column notation .{name} applied to type {shown}, which is not a composite type");
                return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message).at(row.pos));
            }
        } else {
            format!("column \"{name}\" not found in data type {}", self.type_name(named))
        };
        Err(Error::new(SqlState::UNDEFINED_COLUMN, message).at(row.pos))
    }

    /// transformContainerSubscripts.
    pub(crate) fn subscripts(&mut self, array: Expr, chain: &[AccessExpr]) -> Result<Expr> {
        let pos = array.pos;
        if array.ty.oid == oid::JSONB {
            return self.jsonb_subscripts(array, chain);
        }
        let base = self.base_type(array.ty);
        if base.oid == oid::HSTORE {
            let key = self.hstore_subscript(chain)?;
            let namespace = self.ctx.snapshot.extension_namespace("hstore").cloned();
            let namespace = namespace.ok_or_else(|| Error::internal("an hstore without its extension"))?;
            return self.call_in(&namespace, "fetchval", vec![array, key], pos);
        }
        let element = match self.type_facts(base.oid).element {
            0 => match base.oid {
                oid::INT2VECTOR => oid::INT2,
                oid::OIDVECTOR => oid::OID,
                oid::NAME => oid::CHAR,
                oid::POINT | oid::LSEG | oid::BOX | oid::LINE => {
                    let what = format!("a subscript of type {}", self.type_name(array.ty.oid));
                    return Err(Error::unsupported(what).at(pos));
                }
                _ => {
                    let shown = self.type_name(array.ty.oid);
                    let message = format!("cannot subscript type {shown} because it does not support subscripting");
                    return Err(Error::new(SqlState::DATATYPE_MISMATCH, message).at(pos));
                }
            },
            element => element,
        };
        let mut indices = Vec::with_capacity(chain.len());
        let mut slice = false;
        for access in chain {
            let AccessExpr::Subscript(subscript) = access else { continue };
            indices.push(match subscript {
                ast::Subscript::Index { index } => Subscript::Index(self.subscript_index(index)?),
                ast::Subscript::Slice { lower_bound, upper_bound, stride } => {
                    if stride.is_some() {
                        return Err(Error::syntax("syntax error").at(pos));
                    }
                    slice = true;
                    let lower = lower_bound.as_ref().map(|e| self.subscript_index(e)).transpose()?;
                    let upper = upper_bound.as_ref().map(|e| self.subscript_index(e)).transpose()?;
                    Subscript::Slice(lower, upper)
                }
            });
        }
        if slice {
            // One slice makes all of them slices: `a[2]` reads as `a[1:2]`.
            for index in &mut indices {
                if let Subscript::Index(upper) = index {
                    let one =
                        Expr { kind: ExprKind::Const(Value::Int4(1)), ty: PgType::new(oid::INT4), pos: upper.pos };
                    *index = Subscript::Slice(Some(one), Some(upper.clone()));
                }
            }
        }
        let ty = match (slice, base.oid) {
            // transformContainerType: a slice of these is an array.
            (true, oid::INT2VECTOR | oid::OIDVECTOR) => PgType::new(self.type_facts(element).array),
            (true, _) => base,
            (false, _) => PgType::with(element, array.ty.typmod),
        };
        Ok(Expr { kind: ExprKind::Subscript { array: Box::new(array), indices }, ty, pos })
    }

    fn subscript_index(&mut self, index: &ast::Expr) -> Result<Expr> {
        let index = self.expr(index)?;
        let pos = index.pos;
        self.coerce_to(index, PgType::new(oid::INT4), CastContext::Assignment, false)?
            .ok_or_else(|| Error::new(SqlState::DATATYPE_MISMATCH, "array subscript must have type integer").at(pos))
    }

    /// `h['key']`: one, and a text (hstore_subscript_transform).
    pub(crate) fn hstore_subscript(&mut self, chain: &[AccessExpr]) -> Result<Expr> {
        let [AccessExpr::Subscript(ast::Subscript::Index { index })] = chain else {
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, "hstore allows only one subscript"));
        };
        let index = self.expr(index)?;
        let pos = index.pos;
        self.coerce_to(index, PgType::new(oid::TEXT), CastContext::Assignment, false)?
            .ok_or_else(|| Error::new(SqlState::DATATYPE_MISMATCH, "hstore subscript must have type text").at(pos))
    }

    /// `j['key']`, `j[1]`: the same as `->`.
    fn jsonb_subscripts(&mut self, mut value: Expr, chain: &[AccessExpr]) -> Result<Expr> {
        for access in chain {
            let pos = value.pos;
            let index = self.jsonb_subscript(access, pos)?;
            // As one step of a path: `->` of a number would find a scalar in itself.
            let index = self.coerce_type(index, PgType::new(oid::TEXT), CastContext::Explicit, true)?;
            value = self.call_by_name("jsonb_extract_path", vec![value, index], pos)?;
        }
        Ok(value)
    }

    /// One of them: an integer or a text (jsonb_subscript_transform).
    pub(crate) fn jsonb_subscript(&mut self, access: &AccessExpr, pos: u32) -> Result<Expr> {
        let AccessExpr::Subscript(ast::Subscript::Index { index }) = access else {
            let message = "jsonb subscript does not support slices";
            return Err(Error::new(SqlState::DATATYPE_MISMATCH, message).at(pos));
        };
        let index = self.expr(index)?;
        let wanted = if index.ty.oid == oid::INT4 { oid::INT4 } else { oid::TEXT };
        let (from, pos) = (index.ty.oid, index.pos);
        self.coerce_to(index, PgType::new(wanted), CastContext::Implicit, false)?.ok_or_else(|| {
            let message = format!("subscript type {} is not supported", self.type_name(from));
            Error::new(SqlState::DATATYPE_MISMATCH, message)
                .hint("jsonb subscript must be coercible to either integer or text.")
                .at(pos)
        })
    }
}
