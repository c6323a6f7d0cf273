//! INHERITS: what PostgreSQL refuses too, in its own words (MergeAttributes); the rest is refused as a whole.

use sqlparser::ast;

use super::super::Analyzer;
use crate::error::{Error, Result, SqlState};
use crate::registry::RelationKind;
use crate::tree::Ddl;

impl Analyzer<'_> {
    pub(super) fn refuse_inheritance(&self, parents: &[ast::ObjectName], temporary: bool) -> Result<Ddl> {
        let mut met = Vec::with_capacity(parents.len());
        for parent in parents {
            let name = self.qualified(parent)?;
            let Some(relation) = self.find_relation(name.namespace.as_deref(), &name.name)? else {
                return Err(self.no_relation(name.namespace.as_deref(), &name.name, 0));
            };
            let wrong = |message: String| Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
            let called = &relation.name;
            if met.contains(&relation.oid) {
                let message = format!("relation \"{called}\" would be inherited from more than once");
                return Err(Error::new(SqlState::DUPLICATE_TABLE, message));
            }
            met.push(relation.oid);
            if relation.is_partitioned() {
                return wrong(format!("cannot inherit from partitioned table \"{called}\""));
            }
            if relation.partitioning.of.is_some() {
                return wrong(format!("cannot inherit from partition \"{called}\""));
            }
            if !matches!(relation.kind, RelationKind::Table) {
                return wrong(format!("inherited relation \"{called}\" is not a table or foreign table"));
            }
            if relation.temporary && !temporary {
                return wrong(format!("cannot inherit from temporary relation \"{called}\""));
            }
        }
        Err(Error::unsupported("table inheritance")
            .hint("A view over UNION ALL reads several tables as one; so does a partitioned table."))
    }
}
