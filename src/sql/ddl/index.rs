//! CREATE INDEX. A unique index is DuckDB's own; any other is kept in the schema and nowhere else: DuckDB's zone maps and
//! hash joins do its work, and its ART indexes would only slow loads and forbid ALTER TABLE.

use super::alter::{duplicates, word};
use super::physical::{self, column_list, table_name};
use super::planner::Planner;
use crate::error::{Error, Result, SqlState};
use crate::registry::{Index, Name, Relation, build};

impl Planner<'_> {
    pub fn create_index(
        &mut self,
        (namespace, table): (&Name, &Name),
        name: Option<&Name>,
        index: &Index,
        if_not_exists: bool,
    ) -> Result<()> {
        self.tag("CREATE INDEX");
        let relation = self.relation(namespace, table)?;
        if !relation.kind.is_stored() {
            let message = format!("cannot create index on relation \"{table}\"");
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message)
                .detail(format!("This operation is not supported for {}s.", word(&relation))));
        }
        self.may_change(&relation.managed, word(&relation), table)?;
        let mut relation = (*relation).clone();
        if let Some(name) = name
            && !self.name_is_free(namespace, name, relation.temporary, if_not_exists)?
        {
            return Ok(());
        }
        let mut index = index.clone();
        index.oid = self.after.counters.allocate_oid();
        index.name = match name {
            Some(name) => name.clone(),
            None => build::index_name(&self.after, &relation, &index),
        };
        self.add_index(&mut relation, index)?;
        self.put_relation(relation);
        Ok(())
    }

    /// Puts the index into the relation, and into DuckDB if it is unique.
    pub fn add_index(&mut self, relation: &mut Relation, index: Index) -> Result<()> {
        if index.unique {
            let columns = plain_columns(&index)?;
            physical::key_types(relation, &columns, &self.after)?;
            let message = format!("could not create unique index \"{}\"", index.name);
            let error = Error::new(SqlState::UNIQUE_VIOLATION, message)
                .table(&*relation.namespace, &*relation.name)
                .constraint(&*index.name);
            let sql = duplicates(relation, &columns)?;
            self.verify_sql(sql, error);
            let sql = create_native(relation, &index)?;
            self.command(sql);
        }
        relation.indexes.push(index);
        Ok(())
    }
}

/// The columns of a unique index; it has nothing else.
fn plain_columns(index: &Index) -> Result<Vec<i16>> {
    if index.predicate.is_some() {
        return Err(Error::unsupported("a partial unique index")
            .hint("A unique index covers the whole table; leave WHERE out, or leave UNIQUE out."));
    }
    if index.keys.iter().any(|k| k.expression.is_some()) {
        return Err(Error::unsupported("a unique index over an expression")
            .hint("Store the expression in a column and make that unique."));
    }
    Ok(index.keys.iter().map(|k| k.column).collect())
}

/// Its name inside DuckDB: PostgreSQL's name may change, this one need not.
fn native_name(index: &Index) -> String {
    format!("dg_index_{}", index.oid)
}

pub fn create_native(relation: &Relation, index: &Index) -> Result<String> {
    let columns = column_list(relation, &plain_columns(index)?)?;
    Ok(format!("CREATE UNIQUE INDEX {} ON {} ({columns})", native_name(index), table_name(relation)))
}

pub fn drop_native(relation: &Relation, index: &Index) -> String {
    let schema = if relation.temporary { "temp.main." } else { "" };
    format!("DROP INDEX {schema}{}", native_name(index))
}
