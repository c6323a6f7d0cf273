//! Commands with a query or names in them: DECLARE, PREPARE, EXECUTE, EXPLAIN, LOCK.

use std::sync::Arc;

use sqlparser::ast;

use super::scope::{Clause, Scope};
use super::{Analyzer, CastContext, Expr};
use crate::error::{Error, Result, SqlState};
use crate::registry::{Name, Relation as TableDef, RelationKind};
use crate::sql::Context;
use crate::sql::parse::{self, Body, ExplainOptions, LockItem, Parsed};
use crate::tree::{CursorOptions, Explain, LockMode, QualifiedName, Statement, Utility};
use crate::types::PgType;

/// EXECUTE's arguments, coerced to the prepared statement's parameter types (EvaluateParams).
pub fn execute_arguments(parsed: &Parsed, ctx: &Context, params: &[PgType]) -> Result<Vec<Expr>> {
    let Body::Execute { name, args } = &*parsed.body else {
        return Err(Error::internal("not an EXECUTE"));
    };
    let mut a = Analyzer::new(ctx, parsed);
    if args.len() != params.len() {
        let message = format!("wrong number of parameters for prepared statement \"{name}\"");
        let detail = format!("Expected {} parameters but got {}.", params.len(), args.len());
        return Err(Error::syntax(message).detail(detail));
    }
    let mut out = Vec::with_capacity(args.len());
    for (i, (arg, ty)) in args.iter().zip(params).enumerate() {
        let expr = a.in_clause(Clause::Execute, |a| a.expr(arg))?;
        let (from, pos) = (expr.ty.oid, expr.pos);
        let Some(expr) = a.coerce_to(expr, *ty, CastContext::Assignment, false)? else {
            let message = format!(
                "parameter ${} of type {} cannot be coerced to the expected type {}",
                i + 1,
                a.type_name(from),
                a.type_name(ty.oid)
            );
            return Err(Error::new(SqlState::DATATYPE_MISMATCH, message)
                .hint("You will need to rewrite or cast the expression.")
                .at(pos));
        };
        out.push(expr);
    }
    Ok(out)
}

impl Analyzer<'_> {
    pub(super) fn utility(utility: Utility) -> Result<Statement> {
        Ok(Statement::Utility(Box::new(utility)))
    }

    pub(crate) fn declare(&mut self, name: &Name, options: CursorOptions, query: &ast::Statement) -> Result<Statement> {
        let statement = self.statement(query)?;
        if !matches!(statement, Statement::Query(_)) {
            return Err(Error::new(SqlState::INVALID_CURSOR_DEFINITION, "DECLARE CURSOR must specify a SELECT"));
        }
        Self::utility(Utility::Declare { name: Arc::clone(name), options, query: Box::new(statement) })
    }

    pub(crate) fn prepare(
        &mut self,
        name: &Name,
        types: &[ast::DataType],
        body: &Arc<str>,
        offset: u32,
    ) -> Result<Statement> {
        let types = types.iter().map(|t| self.data_type(t)).collect::<Result<Vec<_>>>()?;
        Self::utility(Utility::Prepare { name: Arc::clone(name), types, body: Arc::clone(body), offset })
    }

    pub(crate) fn execute(&mut self, name: &Name, args: &[ast::Expr]) -> Result<Statement> {
        self.scopes.push(Scope::default());
        let args = args
            .iter()
            .map(|arg| {
                let expr = self.in_clause(Clause::Execute, |a| a.expr(arg))?;
                self.resolve_unknown(expr)
            })
            .collect::<Result<Vec<_>>>();
        self.scopes.pop();
        Self::utility(Utility::Execute { name: Arc::clone(name), args: args? })
    }

    pub(crate) fn explain(&mut self, options: ExplainOptions, body: &parse::Body) -> Result<Statement> {
        let statement = explainable(self.body(body)?, options.analyze)?;
        let ExplainOptions { analyze, verbose, costs, format, measured: _ } = options;
        Ok(Statement::Explain(Box::new(Explain { statement, analyze, verbose, costs, format })))
    }

    pub(super) fn named_relation(&self, name: &QualifiedName) -> Result<Arc<TableDef>> {
        self.find_relation(name.namespace.as_deref(), &name.name)?.ok_or_else(|| {
            // These commands tell no position.
            self.no_relation(name.namespace.as_deref(), &name.name, 0)
        })
    }

    pub(crate) fn lock(&mut self, items: &[LockItem], mode: LockMode, nowait: bool) -> Result<Statement> {
        let mut tables = Vec::with_capacity(items.len());
        let mut below = Vec::new();
        for item in items {
            let def = self.named_relation(&item.name)?;
            if !matches!(def.kind, RelationKind::Table | RelationKind::View { .. } | RelationKind::System) {
                let message = format!("cannot lock relation \"{}\"", def.name);
                let kinds = crate::policy::kind_word(&def);
                return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message)
                    .detail(format!("This operation is not supported for {kinds}s.")));
            }
            if matches!(def.kind, RelationKind::View { .. }) {
                return Err(Error::unsupported("LOCK TABLE of a view").hint("Lock the tables that it reads."));
            }
            if !item.only {
                below.extend(self.ctx.snapshot.partition_descendants(def.oid).into_iter().cloned());
            }
            tables.push(def);
        }
        Self::utility(Utility::Lock { tables, below, mode, nowait })
    }
}

/// What the plan of a statement is: for a cursor and CREATE TABLE AS, its query's.
fn explainable(statement: Statement, analyze: bool) -> Result<Statement> {
    let refused =
        |what: &str| Err(Error::unsupported(format!("EXPLAIN {what}")).hint("Explain the query or the change itself."));
    match statement {
        Statement::Query(_) | Statement::Insert(_) | Statement::Update(_) | Statement::Delete(_) => Ok(statement),
        Statement::Utility(utility) => match *utility {
            Utility::Declare { query, .. } => explainable(*query, analyze),
            Utility::Execute { .. } => refused("EXECUTE"),
            _ => refused("of this statement"),
        },
        Statement::Ddl(ddl) => match *ddl {
            crate::tree::Ddl::CreateTableAs { query, .. } if !analyze => Ok(Statement::Query(query)),
            crate::tree::Ddl::CreateTableAs { .. } => refused("ANALYZE CREATE TABLE AS"),
            _ => refused("of this statement"),
        },
        Statement::Merge(_) => refused("of MERGE"),
        Statement::Copy(_) | Statement::Explain(_) => refused("of this statement"),
    }
}
