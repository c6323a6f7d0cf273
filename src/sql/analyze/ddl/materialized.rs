//! CREATE and REFRESH MATERIALIZED VIEW.

use sqlparser::ast;

use super::super::{Analyzer, kept};
use crate::error::{Error, Result, SqlState};
use crate::registry::storage_options::Holder;
use crate::sql::parse;
use crate::tree::{Ddl, OnCommit, QualifiedName};

impl Analyzer<'_> {
    /// `CREATE MATERIALIZED VIEW v AS …`: CREATE TABLE AS with a query that is kept.
    pub(super) fn create_materialized(&mut self, create: &ast::CreateView) -> Result<Ddl> {
        let ast::CreateView { or_alter, or_replace, name, columns, query, temporary, if_not_exists, options, .. } =
            create;
        if *or_alter || *or_replace || *temporary {
            return Err(Error::syntax("syntax error at or near \"materialized\""));
        }
        if self.parsed.extras.unlogged {
            let message = "materialized views cannot be unlogged";
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        let (namespace, name) = self.new_name(&self.qualified(name)?, false)?;
        let columns: Vec<_> = columns.iter().map(|c| parse::fold(&c.name)).collect();
        let written = parse::printed(&**query);
        let query = self.stored_query(query, &columns)?;
        if !self.finish_params()?.is_empty() {
            let message = "materialized views may not be defined using bound parameters";
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        let definition = kept::new_query(&query, &written, &self.parsed.extras, self.ctx)?;
        if self.reads_temporary(&definition)? {
            let message = "materialized views must not use temporary tables or views";
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        Ok(Ddl::CreateTableAs {
            namespace,
            name,
            temporary: false,
            columns,
            query: Box::new(query),
            if_not_exists: *if_not_exists,
            with_data: !self.parsed.extras.with_no_data,
            on_commit: OnCommit::PreserveRows,
            unlogged: false,
            options: super::table::storage_parameters(options, Holder::Table)?,
            definition: Some(definition),
        })
    }

    /// Does a query that is kept read what belongs to this session alone (isQueryUsingTempRelation)?
    pub(super) fn reads_temporary(&self, definition: &str) -> Result<bool> {
        let is_temporary = |place: &kept::Place| {
            let relation = place.object().and_then(|oid| self.ctx.snapshot.relation_by_oid(oid));
            relation.is_some_and(|r| r.temporary)
        };
        Ok(kept::query_places(definition, self.ctx)?.iter().any(is_temporary))
    }

    pub(super) fn refresh(&self, name: &QualifiedName, concurrently: bool, with_data: bool) -> Result<Ddl> {
        let Some(view) = self.find_relation(name.namespace.as_deref(), &name.name)? else {
            // PostgreSQL gives no position here.
            return Err(self.no_relation(name.namespace.as_deref(), &name.name, 0));
        };
        Ok(Ddl::Refresh { view, concurrently, with_data })
    }
}
