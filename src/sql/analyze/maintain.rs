//! VACUUM, ANALYZE, REINDEX and CLUSTER: what they name must be there.

use std::sync::Arc;

use super::Analyzer;
use crate::error::{Error, Result, SqlState};
use crate::registry::{Constraint, ConstraintKind, Relation as TableDef, RelationKind};
use crate::sql::parse::{Maintained, Reindex, Reindexed, known_tablespace};
use crate::tree::{MaintainCommand, QualifiedName, Statement, Utility};

impl Analyzer<'_> {
    pub(crate) fn maintain(&mut self, maintained: &Maintained) -> Result<Statement> {
        let Maintained { command, tables: named, using } = maintained;
        let mut tables = Vec::with_capacity(named.len());
        for (name, columns) in named {
            let table = self.named_relation(name)?;
            for (at, column) in columns.iter().enumerate() {
                let (code, what) = if table.column(column).is_none() {
                    (SqlState::UNDEFINED_COLUMN, "does not exist")
                } else if columns[..at].contains(column) {
                    (SqlState::DUPLICATE_COLUMN, "appears more than once")
                } else {
                    continue;
                };
                let message = format!("column \"{column}\" of relation \"{}\" {what}", table.name);
                return Err(Error::new(code, message));
            }
            tables.push(table);
        }
        if let (Some(index), Some(table)) = (using, tables.first())
            && !table.indexes.iter().any(|i| i.name == *index)
        {
            let message = format!("index \"{index}\" for table \"{}\" does not exist", table.name);
            return Err(Error::new(SqlState::UNDEFINED_OBJECT, message));
        }
        let outside_block = (*command == MaintainCommand::Vacuum).then_some("VACUUM");
        Self::utility(Utility::Maintain { command: *command, tables, outside_block })
    }

    /// REINDEX: there is nothing to rebuild, but what it names must be there, and be the role's own.
    pub(crate) fn reindex(&mut self, reindex: &Reindex) -> Result<Statement> {
        let Reindex { what, concurrently, tablespace } = reindex;
        let snapshot = Arc::clone(&self.ctx.snapshot);
        let (tables, mut outside_block) = match what {
            Reindexed::Index(name) | Reindexed::Table(name) if *concurrently && is_of_catalog(name) => {
                let message = "cannot reindex system catalogs concurrently";
                return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
            }
            Reindexed::Index(name) => {
                let table = self.reindexed_table(name)?;
                let excludes =
                    |c: &Constraint| matches!(c.kind, ConstraintKind::Exclusion { .. }) && *c.name == *name.name;
                if *concurrently && table.constraints.iter().any(excludes) {
                    let message = "concurrent index creation for exclusion constraints is not supported";
                    return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
                }
                let partitioned = table.is_partitioned().then_some("REINDEX INDEX");
                (vec![table], partitioned)
            }
            Reindexed::Table(name) => {
                let (namespace, index) = self.existing(name)?;
                if snapshot.index(&namespace, &index).is_some() {
                    let message = format!("\"{index}\" is not a table or materialized view");
                    return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
                }
                let def = self.named_relation(name)?;
                if !def.kind.is_stored() && !matches!(def.kind, RelationKind::System) {
                    let message = format!("\"{}\" is not a table or materialized view", def.name);
                    return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
                }
                let partitioned = def.is_partitioned().then_some("REINDEX TABLE");
                (vec![def], partitioned)
            }
            Reindexed::Namespace(name) => {
                let Some(namespace) = snapshot.namespaces.get(&name.name) else {
                    let message = format!("schema \"{}\" does not exist", name.name);
                    return Err(Error::new(SqlState::INVALID_SCHEMA_NAME, message));
                };
                if !snapshot.has_rights_of(self.ctx.role, namespace.owner) {
                    let message = format!("must be owner of schema {}", name.name);
                    return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message));
                }
                (Vec::new(), Some("REINDEX SCHEMA"))
            }
            Reindexed::Database(name) => {
                if name.as_ref().is_some_and(|n| n.name != snapshot.database) {
                    let message = "can only reindex the currently open database";
                    return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
                }
                (Vec::new(), Some("REINDEX DATABASE"))
            }
        };
        if let Some(tablespace) = tablespace {
            known_tablespace(tablespace)?;
        }
        if *concurrently {
            if tables.iter().any(|t| matches!(t.kind, RelationKind::System)) {
                let message = "cannot reindex system catalogs concurrently";
                return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
            }
            outside_block = outside_block.or(Some("REINDEX CONCURRENTLY"));
        }
        Self::utility(Utility::Maintain { command: MaintainCommand::Reindex, tables, outside_block })
    }

    /// The table of an index.
    fn reindexed_table(&self, name: &QualifiedName) -> Result<Arc<TableDef>> {
        if let Some(def) = self.find_relation(name.namespace.as_deref(), &name.name)? {
            let message = format!("\"{}\" is not an index", def.name);
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
        }
        let (namespace, index) = self.existing(name)?;
        match self.ctx.snapshot.index(&namespace, &index) {
            Some((table, _)) => Ok(Arc::clone(table)),
            None => Err(self.no_relation(name.namespace.as_deref(), &name.name, 0)),
        }
    }
}

/// An index of the catalog's, or what would keep its long values.
fn is_of_catalog(name: &QualifiedName) -> bool {
    let namespace = name.namespace.as_deref().unwrap_or("pg_catalog");
    namespace == "pg_toast" || crate::facts::system_index_named(namespace, &name.name).is_some()
}
