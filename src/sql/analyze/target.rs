//! Target lists: expressions with names, and the expansion of `*` (parse_target).

use std::sync::Arc;

use sqlparser::ast::{self, SelectItem, Spanned};
use sqlparser::tokenizer::Span;

use super::record::{nested, record_of};
use super::scope::{Clause, at};
use super::{Analyzer, Expr, ExprKind};
use crate::error::{Error, Result, SqlState};
use crate::facts::TYPES;
use crate::registry::Name;
use crate::sql::parse::fold;
use crate::tree::Field;
use crate::types::Oid;

/// PostgreSQL's limit (MaxTupleAttributeNumber).
const MAX_TARGETS: usize = 1664;

/// One entry of a target list.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub name: Name,
    pub expr: Expr,
}

impl Analyzer<'_> {
    /// transformTargetList.
    pub(crate) fn targets(&mut self, items: &[SelectItem], clause: Clause) -> Result<Vec<Target>> {
        self.in_clause(clause, |a| {
            let mut out = Vec::with_capacity(items.len());
            for item in items {
                a.target(item, &mut out)?;
                if out.len() > MAX_TARGETS {
                    let message = format!("target lists can have at most {MAX_TARGETS} entries");
                    return Err(Error::new(SqlState::TOO_MANY_COLUMNS, message));
                }
            }
            Ok(out)
        })
    }

    fn target(&mut self, item: &SelectItem, out: &mut Vec<Target>) -> Result<()> {
        match item {
            // SELECT without targets.
            SelectItem::UnnamedExpr(ast::Expr::Identifier(i)) if i.value == crate::sql::parse::rewrite::NOTHING => {
                Ok(())
            }
            SelectItem::UnnamedExpr(ast::Expr::Wildcard(token)) => self.star(token.0.span, out),
            SelectItem::UnnamedExpr(expr) => {
                // `(row).*` comes as a field access that ends in a star.
                if let ast::Expr::QualifiedWildcard(name, token) = expr {
                    return self.qualified_star(name, token.0.span, out);
                }
                if let Some(row) = starred(expr) {
                    return self.row_star(&row, out);
                }
                let name = self.column_name(expr);
                out.push(Target { name, expr: self.expr(expr)? });
                Ok(())
            }
            SelectItem::ExprWithAlias { expr, alias } => {
                if alias.quote_style == Some('\'') {
                    let message = format!("syntax error at or near \"'{}'\"", alias.value);
                    return Err(Error::syntax(message).at(self.pos(alias.span)));
                }
                out.push(Target { name: fold(alias), expr: self.expr(expr)? });
                Ok(())
            }
            SelectItem::Wildcard(options) => {
                plain_star(options)?;
                self.star(options.wildcard_token.0.span, out)
            }
            SelectItem::QualifiedWildcard(kind, options) => {
                plain_star(options)?;
                match kind {
                    ast::SelectItemQualifiedWildcardKind::ObjectName(name) => {
                        let star = options.wildcard_token.0.span;
                        self.qualified_star(name, star, out)
                    }
                    ast::SelectItemQualifiedWildcardKind::Expr(expr) => self.row_star(expr, out),
                }
            }
            SelectItem::ExprWithAliases { .. } => Err(Error::unsupported("several aliases of one expression")),
        }
    }

    /// `*`: all visible columns of this level.
    fn star(&mut self, span: Span, out: &mut Vec<Target>) -> Result<()> {
        let pos = self.pos(span);
        let visible = |i: &&super::scope::NsItem| i.cols_visible && !i.lateral_only;
        if let Some(scope) = self.scopes.last() {
            self.note_star(span, scope.items.iter().filter(visible));
        }
        let scope = self.scope();
        let mut any = false;
        for item in scope.items.iter().filter(visible) {
            any = true;
            for column in item.columns.iter().filter(|c| !c.hidden) {
                out.push(Target { name: Arc::clone(&column.name), expr: at(column.expr.clone(), pos) });
            }
        }
        if !any {
            return Err(Error::syntax("SELECT * with no tables specified is not valid").at(pos));
        }
        Ok(())
    }

    /// `t.*`.
    pub(crate) fn qualified_star(&mut self, name: &ast::ObjectName, star: Span, out: &mut Vec<Target>) -> Result<()> {
        let (namespace, relation, pos) = self.name_parts(name)?;
        let Some(item) = self.find_item(namespace.as_deref(), &relation, pos)? else {
            if namespace.is_none() {
                let fields = self.record_fields(&relation, pos)?;
                if !fields.is_empty() {
                    out.extend(fields.into_iter().map(|(name, expr)| Target { name, expr }));
                    return Ok(());
                }
            }
            return Err(self.missing_relation(namespace.as_deref(), &relation, pos));
        };
        let whole = Span::new(name.span().start, star.end);
        self.note_star(whole, std::iter::once(item));
        let columns: Vec<Target> = item
            .columns
            .iter()
            .filter(|c| !c.hidden)
            .map(|c| Target { name: Arc::clone(&c.name), expr: at(c.expr.clone(), pos) })
            .collect();
        out.extend(columns);
        Ok(())
    }

    /// `(expression).*` of a composite value (ExpandRowReference).
    pub(crate) fn row_star(&mut self, expr: &ast::Expr, out: &mut Vec<Target>) -> Result<()> {
        let row = self.expr(expr)?;
        let pos = row.pos;
        if let ExprKind::WholeRow(rel) = row.kind {
            let item = self.scopes.iter().rev().flat_map(|s| &s.items).find(|i| i.rel == Some(rel));
            let columns: Vec<Target> = item
                .iter()
                .flat_map(|i| i.columns.iter().filter(|c| !c.hidden))
                .map(|c| Target { name: Arc::clone(&c.name), expr: at(c.expr.clone(), pos) })
                .collect();
            out.extend(columns);
            return Ok(());
        }
        let row = self.below_domain(row);
        let fields = self.row_fields(&row);
        if fields.is_empty() {
            let message = format!("type {} is not composite", self.type_name(row.ty.oid));
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message).at(pos));
        }
        for (i, (name, ty)) in fields.into_iter().enumerate() {
            let kind = ExprKind::Field { row: Box::new(row.clone()), field: i as u16 };
            out.push(Target { name, expr: Expr { kind, ty, pos } });
        }
        Ok(())
    }

    /// A value of a domain over a composite type as one of that type, which has fields.
    pub(crate) fn below_domain(&self, row: Expr) -> Expr {
        let base = self.base_oid(row.ty.oid);
        if base == row.ty.oid || self.type_facts(base).kind != b'c' {
            return row;
        }
        super::coerce::cast(row, crate::types::PgType::new(base), crate::tree::CastHow::Relabel, false)
    }

    /// The fields of a composite value, as far as they are known: a table's row type, or a function's OUT parameters.
    pub(crate) fn row_fields(&self, row: &Expr) -> Vec<(Name, crate::types::PgType)> {
        if let Some(relation) = self.row_type_relation(row.ty.oid) {
            return relation.columns.iter().map(|c| (Arc::clone(&c.name), c.ty)).collect();
        }
        match &row.kind {
            ExprKind::Call(c) | ExprKind::SetReturning(c) if c.func.out_args.len() > 1 => {
                let actual: Vec<Oid> = c.args.iter().map(|a| a.ty.oid).collect();
                c.func
                    .out_args
                    .iter()
                    .map(|(name, ty)| {
                        let ty = self.enforce_generic(&actual, &c.func.args, *ty).map_or(*ty, |(_, r)| r);
                        ((*name).into(), crate::types::PgType::new(ty))
                    })
                    .collect()
            }
            ExprKind::Routine(r) if r.row => r.body.columns.iter().map(|c| (Arc::clone(&c.name), c.ty)).collect(),
            ExprKind::Row(items) => {
                items.iter().enumerate().map(|(i, e)| (format!("f{}", i + 1).into(), e.ty)).collect()
            }
            ExprKind::Column { .. } | ExprKind::WholeRow(_) if row.ty.oid == crate::types::oid::RECORD => {
                let row = record_of(row, self);
                row.iter().flat_map(|row| row.0.iter()).map(|f| (Arc::clone(&f.name), f.ty)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The result columns of a target list.
    pub(crate) fn fields(&self, targets: &[Target]) -> Vec<Field> {
        targets
            .iter()
            .map(|t| Field {
                name: Arc::clone(&t.name),
                ty: t.expr.ty,
                origin: self.origin(&t.expr),
                row: nested(&t.expr, self),
            })
            .collect()
    }

    /// The table column that an expression is, if it is just that.
    pub(crate) fn origin(&self, expr: &Expr) -> (Oid, i16) {
        match &expr.kind {
            ExprKind::Column { rel, column } => {
                self.origins.get(rel).and_then(|o| o.get(usize::from(*column))).copied().unwrap_or((0, 0))
            }
            _ => (0, 0),
        }
    }

    /// FigureColname: what an expression without AS is called.
    pub(crate) fn column_name(&self, expr: &ast::Expr) -> Name {
        self.figure(expr).map_or_else(|| "?column?".into(), |(name, _)| name)
    }

    /// The name, and how good it is: 2 for a real name, 1 for a cast's or CASE's.
    pub(crate) fn figure(&self, expr: &ast::Expr) -> Option<(Name, u8)> {
        use ast::Expr as E;
        let good = |name: &str| Some((Name::from(name), 2));
        match expr {
            E::Identifier(ident) => Some((fold(ident), 2)),
            E::CompoundIdentifier(idents) => idents.last().map(|i| (fold(i), 2)),
            E::CompoundFieldAccess { root, access_chain } => {
                let field = access_chain.iter().rev().find_map(|a| match a {
                    ast::AccessExpr::Dot(E::Identifier(i)) => Some((fold(i), 2)),
                    _ => None,
                });
                field.or_else(|| self.figure(root))
            }
            E::Nested(inner) | E::Collate { expr: inner, .. } => self.figure(inner),
            E::Function(f) => Some((super::types::last_name(&f.name), 2)),
            E::Cast { expr, data_type, .. } => {
                self.figure(expr).filter(|(_, strength)| *strength > 1).or_else(|| self.type_figure(data_type))
            }
            E::TypedString(typed) => self.type_figure(&typed.data_type),
            E::Value(value) if matches!(value.value, ast::Value::NationalStringLiteral(_)) => {
                Some(("bpchar".into(), 1))
            }
            E::Interval(_) => Some(("interval".into(), 1)),
            E::Case { else_result, .. } => else_result
                .as_ref()
                .and_then(|e| self.figure(e))
                .filter(|(_, strength)| *strength > 1)
                .or(Some(("case".into(), 1))),
            E::Array(_) => good("array"),
            E::Exists { negated: false, .. } => good("exists"),
            E::Subquery(query) => self.figure_query(query),
            E::Extract { .. } => good("extract"),
            E::Substring { shorthand, .. } => good(if *shorthand { "substr" } else { "substring" }),
            E::Position { .. } => good("position"),
            E::Overlay { .. } => good("overlay"),
            E::Trim { trim_where, .. } => good(match trim_where {
                Some(ast::TrimWhereField::Leading) => "ltrim",
                Some(ast::TrimWhereField::Trailing) => "rtrim",
                _ => "btrim",
            }),
            E::Ceil { .. } => good("ceil"),
            E::BinaryOp { op: ast::BinaryOperator::Overlaps, .. } => good("overlaps"),
            E::Floor { .. } => good("floor"),
            E::AtTimeZone { .. } => good("timezone"),
            E::Tuple(_) => good("row"),
            E::QualifiedWildcard(name, _) => name.0.last().and_then(|p| p.as_ident()).map(|i| (fold(i), 2)),
            E::IsNormalized { negated: false, .. } => good("is_normalized"),
            _ => None,
        }
    }

    fn type_figure(&self, ty: &ast::DataType) -> Option<(Name, u8)> {
        let ty = self.data_type(ty).ok()?;
        let element = self.type_facts(ty.oid).element;
        let named = if element != 0 { element } else { ty.oid };
        let name = match TYPES.by_oid(named) {
            Some(t) => t.name.into(),
            None => match self.ctx.snapshot.user_type_by_oid(named) {
                Some(user) => Arc::clone(&user.name),
                None => self.type_name(named).into(),
            },
        };
        Some((name, 1))
    }

    fn figure_query(&self, query: &ast::Query) -> Option<(Name, u8)> {
        self.figure_body(&query.body)
    }

    /// The first column's name; a set operation's are those of its leftmost query.
    fn figure_body(&self, body: &ast::SetExpr) -> Option<(Name, u8)> {
        match body {
            ast::SetExpr::Select(select) => match select.projection.first()? {
                SelectItem::UnnamedExpr(expr) => self.figure(expr),
                SelectItem::ExprWithAlias { alias, .. } => Some((fold(alias), 2)),
                _ => None,
            },
            ast::SetExpr::Query(inner) => self.figure_query(inner),
            ast::SetExpr::Values(_) => Some(("column1".into(), 2)),
            ast::SetExpr::SetOperation { left, .. } => self.figure_body(left),
            _ => None,
        }
    }
}

/// DuckDB's `* EXCLUDE …` and kin are refused for now.
fn plain_star(options: &ast::WildcardAdditionalOptions) -> Result<()> {
    let plain = options.opt_ilike.is_none()
        && options.opt_exclude.is_none()
        && options.opt_except.is_none()
        && options.opt_replace.is_none()
        && options.opt_rename.is_none();
    if plain { Ok(()) } else { Err(Error::unsupported("a star with options")) }
}

/// The position of an AST node's start, for callers that only have the node.
pub(crate) fn start(a: &Analyzer<'_>, node: &impl Spanned) -> u32 {
    a.pos(node.span())
}

/// The row of `(row).*`.
pub(crate) fn starred(expr: &ast::Expr) -> Option<ast::Expr> {
    let ast::Expr::CompoundFieldAccess { root, access_chain } = expr else { return None };
    let (last, chain) = access_chain.split_last()?;
    let star =
        matches!(last, ast::AccessExpr::Dot(ast::Expr::Identifier(i)) if i.value == crate::sql::parse::rewrite::STAR);
    star.then(|| match chain {
        [] => (**root).clone(),
        chain => ast::Expr::CompoundFieldAccess { root: root.clone(), access_chain: chain.to_vec() },
    })
}
