//! CREATE TABLE, CREATE TABLE AS, CREATE SCHEMA and ALTER SCHEMA.

use super::physical;
use super::pipeline;
use super::planner::{Planner, no_namespace};
use crate::error::{Error, Result, SqlState};
use crate::policy::Permit;
use crate::registry::{
    Acl, ConstraintKind, Name, Namespace, Relation, RelationKind, Sequence, Statistics, build, names,
};
use crate::tree::{Ddl, LikeTable, NewColumn, NewTable, OnCommit, Query};
use crate::types::{Oid, PgType, oid};

/// What CREATE TABLE AS has beside a name.
pub struct AsQuery<'a> {
    pub unlogged: bool,
    pub options: &'a [String],
    pub columns: &'a [Name],
    pub query: &'a Query,
    pub with_data: bool,
    pub on_commit: OnCommit,
    /// Of a materialized view.
    pub definition: Option<&'a str>,
}

impl Planner<'_> {
    pub fn create_table(&mut self, draft: &NewTable, if_not_exists: bool, like: &[LikeTable]) -> Result<()> {
        self.tag("CREATE TABLE");
        if !self.name_is_free(&draft.namespace, &draft.name, draft.temporary, if_not_exists)? {
            return Ok(());
        }
        self.type_is_free(&draft.namespace, &draft.name)?;
        let mut built = build::table(&self.after, draft, self.cx.role, &self.managed())?;
        if built.table.is_partition() && draft.on_commit != OnCommit::PreserveRows {
            return Err(Error::unsupported("ON COMMIT of a partition").hint("Say it of the partitioned table."));
        }
        self.note_on_commit(built.table.oid, draft.on_commit);
        self.tell_of_implicit_objects(&built);
        self.place_in_tree(&mut built.table)?;
        self.add_table(built.table, built.sequences)?;
        self.like_statistics(draft, like);
        for index in like.iter().flat_map(|like| &like.indexes) {
            self.create_index((&draft.namespace, &draft.name), None, index, (false, false))?;
        }
        self.tag("CREATE TABLE");
        Ok(())
    }

    /// Statistics objects as LIKE takes them over, each under a name of its own (ChooseExtendedStatisticName).
    fn like_statistics(&mut self, draft: &NewTable, like: &[LikeTable]) {
        for (kinds, columns) in like.iter().flat_map(|like| &like.statistics) {
            let Some(table) = self.after.relation(&draft.namespace, &draft.name).cloned() else { return };
            let names = columns.iter().filter_map(|num| table.column_by_num(*num)).map(|c| &*c.name);
            let names = names.collect::<Vec<_>>().join("_");
            let taken = |name: &str| self.after.statistics(&table.namespace, name).is_some();
            let name = names::choose(&table.name, Some(&names), "stat", taken);
            let oid = self.after.counters.allocate_oid();
            let mut new = (*table).clone();
            let (kinds, columns) = (*kinds, columns.clone());
            new.details.statistics.push(Statistics { oid, name, kinds, columns, target: -1, comment: None });
            self.put_relation(new);
        }
    }

    fn tell_of_implicit_objects(&mut self, built: &build::Built) {
        let table = &built.table;
        for sequence in &built.sequences {
            let RelationKind::Sequence(Sequence { owned_by: Some((_, column)), .. }) = &sequence.kind else { continue };
            if let Some(column) = table.column_by_num(*column) {
                self.debug(format!(
                    "CREATE TABLE will create implicit sequence \"{}\" for serial column \"{}.{}\"",
                    sequence.name, table.name, column.name
                ));
            }
        }
        for constraint in &table.constraints {
            let kind = match constraint.kind {
                ConstraintKind::PrimaryKey { .. } => "PRIMARY KEY",
                ConstraintKind::Unique { .. } => "UNIQUE",
                ConstraintKind::Exclusion { .. } => "EXCLUDE",
                ConstraintKind::ForeignKey { .. } | ConstraintKind::Check { .. } => continue,
            };
            self.debug(format!(
                "CREATE TABLE / {kind} will create implicit index \"{}\" for table \"{}\"",
                constraint.name, table.name
            ));
        }
    }

    fn note_on_commit(&mut self, table: Oid, on_commit: OnCommit) {
        if on_commit != OnCommit::PreserveRows {
            self.plan.on_commit.push((table, on_commit));
        }
    }

    /// A table that has been built: its sequences, its CREATE TABLE, its objects.
    pub fn add_table(&mut self, table: Relation, sequences: Vec<Relation>) -> Result<()> {
        for sequence in sequences {
            self.put_sequence(sequence, None);
        }
        self.excludable(&table)?;
        // A partition's rows are in its root's table.
        let sql = physical::create_table(&table, &self.after)?;
        if !table.is_partition() {
            self.command(sql);
        }
        self.put_relation(table);
        Ok(())
    }

    pub fn create_table_as(
        &mut self,
        key: (Name, Name),
        temporary: bool,
        source: AsQuery<'_>,
        if_not_exists: bool,
        permit: &Permit<Ddl>,
    ) -> Result<()> {
        let AsQuery { unlogged, options, columns, query, with_data, on_commit, definition } = source;
        let tag = if definition.is_some() { "CREATE MATERIALIZED VIEW" } else { "CREATE TABLE AS" };
        self.tag(if with_data { "SELECT" } else { tag });
        if !self.name_is_free(&key.0, &key.1, temporary, if_not_exists)? {
            self.tag(tag);
            return Ok(());
        }
        self.type_is_free(&key.0, &key.1)?;
        if columns.len() > query.columns.len() {
            return Err(Error::syntax("too many column names were specified"));
        }
        let named = |i: usize| columns.get(i).cloned().unwrap_or_else(|| query.columns[i].name.clone());
        let columns = (0..query.columns.len())
            .map(|i| {
                let ty = stored_type(query.columns[i].ty)?;
                let collation = self.collation_of(query.columns[i].origin);
                Ok(NewColumn { collation, ..new_column(named(i), ty) })
            })
            .collect::<Result<Vec<_>>>()?;
        let draft = NewTable {
            namespace: key.0,
            name: key.1,
            temporary,
            unlogged,
            columns,
            constraints: Vec::new(),
            on_commit,
            partitioning: Default::default(),
            options: options.to_vec(),
        };
        let mut built = build::table(&self.after, &draft, self.cx.role, &self.managed())?;
        if let Some(definition) = definition {
            built.table.kind = super::materialized::kind(definition, with_data);
        }
        self.note_on_commit(built.table.oid, on_commit);
        let table = std::sync::Arc::new(built.table.clone());
        self.add_table(built.table, built.sequences)?;
        if with_data {
            let plan = pipeline::insert_query(self.cx, &self.after, &table, permit)?;
            self.plan.steps.push(super::Step::Plan(plan));
            self.plan.counts_rows = true;
        }
        Ok(())
    }

    /// The collation of a table's column, which goes with it.
    fn collation_of(&self, (table, num): (Oid, i16)) -> Oid {
        let column = self.after.relation_by_oid(table).and_then(|r| r.column_by_num(num));
        column.map_or(0, |c| c.collation)
    }

    pub fn create_namespace(&mut self, name: &Name, if_not_exists: bool, owner: Option<&Name>) -> Result<()> {
        self.tag("CREATE SCHEMA");
        if name.starts_with("pg_") {
            return Err(Error::new(SqlState::RESERVED_NAME, format!("unacceptable schema name \"{name}\""))
                .detail("The prefix \"pg_\" is reserved for system schemas."));
        }
        let owner = match owner {
            Some(owner) => self.role(owner)?.oid,
            None => self.cx.role,
        };
        if self.after.namespaces.contains_key(name) {
            if if_not_exists {
                self.exists(SqlState::DUPLICATE_SCHEMA, &format!("schema \"{name}\" already exists"));
                return Ok(());
            }
            return Err(Error::new(SqlState::DUPLICATE_SCHEMA, format!("schema \"{name}\" already exists")));
        }
        let mut namespace = Namespace {
            oid: self.after.counters.allocate_oid(),
            name: name.clone(),
            owner,
            acl: Acl::default(),
            comment: None,
            managed: self.managed(),
        };
        namespace.acl = self.namespace_default_acl(&namespace);
        self.add_namespace(namespace);
        Ok(())
    }

    pub fn add_namespace(&mut self, namespace: Namespace) {
        self.put_namespace(namespace);
    }

    pub fn alter_namespace(&mut self, name: &Name, rename: Option<&Name>, owner: Option<&Name>) -> Result<()> {
        self.tag("ALTER SCHEMA");
        let Some(namespace) = self.after.namespaces.get(name).cloned() else { return Err(no_namespace(name)) };
        let new_owner = owner.map(|owner| self.role(owner)).transpose()?.map(|owner| owner.oid);
        if rename.is_none() && new_owner == Some(namespace.owner) {
            // Nothing changes, whosever it is: dumps say so of `public`.
            return Ok(());
        }
        self.may_change(&namespace.managed, "schema", name)?;
        let mut namespace = (*namespace).clone();
        if let Some(owner) = new_owner {
            namespace.acl = super::grant::change_owner(&namespace.acl, namespace.owner, owner);
            namespace.owner = owner;
            self.put_namespace(namespace);
        }
        if let Some(to) = rename {
            if self.after.relations.keys().any(|(n, _)| n == name) || self.after.types.keys().any(|(n, _)| n == name) {
                return Err(Error::unsupported(format!("renaming schema \"{name}\", which has objects in it"))
                    .hint("Create the new schema and move the data with CREATE TABLE AS."));
            }
            return self.rename_empty_namespace(name, to);
        }
        Ok(())
    }

    fn rename_empty_namespace(&mut self, name: &Name, to: &Name) -> Result<()> {
        if self.after.namespaces.contains_key(to) {
            return Err(Error::new(SqlState::DUPLICATE_SCHEMA, format!("schema \"{to}\" already exists")));
        }
        let Some(old) = self.after.namespaces.get(name).cloned() else { return Err(no_namespace(name)) };
        self.put_namespace(Namespace { name: to.clone(), ..(*old).clone() });
        Ok(())
    }
}

fn new_column(name: Name, ty: PgType) -> NewColumn {
    NewColumn {
        name,
        ty,
        collation: 0,
        not_null: false,
        default: None,
        generated: None,
        sequence: None,
        sequence_options: None,
    }
}

/// The type that a query's column has in a table: an unknown literal is text there.
fn stored_type(ty: PgType) -> Result<PgType> {
    match ty.oid {
        oid::UNKNOWN => Ok(PgType::new(oid::TEXT)),
        oid::RECORD => Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, "column has pseudo-type record")),
        _ => Ok(ty),
    }
}
