//! Unique keys that DuckDB has no index for, and EXCLUDE constraints: after each statement, what it wrote is held against them.
//!
//! As foreign keys ([`super::keys`]): a statement leaves a duty, the check is a question about the transaction's rows, what is
//! deferred waits for COMMIT, and the keys are told to the log in which two transactions that write the same one meet.

use std::collections::HashSet;
use std::sync::Arc;

use super::constraint::may_read;
use super::key_log::Keys;
use super::keys::{Duty, TOLD, hashes, meets, row};
use super::session::Session;
use crate::error::Result;
use crate::registry::Relation;
use crate::sql::KeyChange;
use crate::sql::ddl::unique::{UniqueKey, Written};
use crate::types::{self, Oid, Value};

/// The keys of one table, made for a version of the schema.
pub type Known = (u64, Arc<[Arc<UniqueKey>]>);

impl Session {
    /// The unique keys of a table that the session checks.
    fn unique_keys(&mut self, table: Oid) -> Result<Arc<[Arc<UniqueKey>]>> {
        let snapshot = self.snapshot();
        if let Some((version, keys)) = self.uniques.get(&table)
            && *version == snapshot.version
        {
            return Ok(keys.clone());
        }
        let Some(relation) = snapshot.relation_by_oid(table).cloned() else { return Ok(Arc::new([])) };
        if relation.checked_keys(&*snapshot).next().is_none() {
            return Ok(Arc::new([]));
        }
        let environment = self.environment()?;
        let cx = crate::sql::Context { snapshot: snapshot.clone(), ..environment.context.clone() };
        let keys = relation.checked_keys(&*snapshot).map(|key| UniqueKey::new(&cx, &relation, &key).map(Arc::new));
        let keys: Arc<[Arc<UniqueKey>]> = keys.collect::<Result<Vec<_>>>()?.into();
        self.uniques.retain(|_, (version, _)| *version == snapshot.version);
        self.uniques.insert(table, (snapshot.version, keys.clone()));
        Ok(keys)
    }

    /// At the end of a statement that has written rows of a table.
    pub(super) async fn settle_uniques(&mut self, duty: &Duty) -> Result<()> {
        for key in self.unique_keys(duty.what.table.oid)?.iter() {
            let written = match &duty.what.change {
                KeyChange::Appended { sets } if meets(sets, &key.columns) => Written::All,
                KeyChange::Appended { .. } => Written::Since(duty.since),
                KeyChange::Kept(kept) => {
                    if kept.deleted || key.columns.iter().all(|column| kept.new(*column).is_none()) {
                        continue;
                    }
                    Written::Kept(kept.table)
                }
            };
            self.settle_unique(key, written).await?;
        }
        Ok(())
    }

    async fn settle_unique(&mut self, key: &UniqueKey, written: Written) -> Result<()> {
        let mut told = HashSet::new();
        let mut rows = 0;
        for batch in self.ask(&key.written(written, TOLD + 1), Vec::new()).await? {
            rows += batch.num_rows();
            told.extend(hashes(&batch, 0)?);
        }
        if rows == 0 {
            return Ok(());
        }
        let comparable = rows <= TOLD && key.is_told();
        let late = key.constraint.as_ref().is_some_and(|constraint| self.is_late_constraint(constraint));
        if let Some(active) = self.transaction.active_mut() {
            active.footprint.claims(key.oid, if comparable { Keys::Some(told) } else { Keys::All });
            if late {
                active.late.entry(key.oid).or_default().all = true;
                return Ok(());
            }
        }
        self.find_duplicate(key, written).await
    }

    async fn find_duplicate(&mut self, key: &UniqueKey, written: Written) -> Result<()> {
        match self.duplicate(key, written).await? {
            Some(values) => Err(key.violated(self.shown_unique(key, &values))),
            None => Ok(()),
        }
    }

    async fn duplicate(&mut self, key: &UniqueKey, written: Written) -> Result<Option<Vec<Value>>> {
        let types = key.found_types();
        let found = self.ask(&key.duplicate(written), Vec::new()).await?;
        Ok(found.first().map(|batch| row(batch, 0, 0, &types)))
    }

    /// What was put off of a constraint; nothing if it is none of these, or gone.
    pub(super) async fn check_late_unique(&mut self, constraint: Oid) -> Result<()> {
        let snapshot = self.snapshot();
        let has = |table: &&Arc<Relation>| table.constraints.iter().any(|c| c.oid == constraint);
        let Some(table) = snapshot.relations.values().find(has).map(|table| table.oid) else { return Ok(()) };
        let keys = self.unique_keys(table)?;
        match keys.iter().find(|key| key.oid == constraint) {
            Some(key) => self.find_duplicate(key, Written::Anything).await,
            None => Ok(()),
        }
    }

    /// CREATE UNIQUE INDEX, ADD CONSTRAINT: the rows that are there.
    pub(super) async fn check_existing_unique(&mut self, key: &UniqueKey) -> Result<()> {
        if let Some(active) = self.transaction.active_mut() {
            active.checked.push((key.relation.oid, key.relation.oid));
        }
        match self.duplicate(key, Written::All).await? {
            Some(values) => Err(key.not_unique(self.shown_unique(key, &values))),
            None => Ok(()),
        }
    }

    /// `(lower(email))=(x)`, and the key that an exclusion has met, if the role may read what they are made from.
    fn shown_unique(&mut self, key: &UniqueKey, values: &[Value]) -> Option<Vec<String>> {
        let (snapshot, role) = (self.snapshot(), self.role());
        if !may_read((&snapshot, role), &key.relation, &key.columns) {
            return None;
        }
        let settings = self.output_settings();
        let names: Vec<&str> = key.parts.iter().map(|part| part.shown.as_str()).collect();
        let shown = |values: &[Value]| {
            let shown = values.iter().zip(&key.parts);
            let shown = shown.map(|(value, part)| match value {
                Value::Null => "null".to_owned(),
                value => types::text::format(value, part.ty, &settings, snapshot.as_ref()),
            });
            let shown: Vec<String> = shown.collect();
            format!("({})=({})", names.join(", "), shown.join(", "))
        };
        Some(values.chunks(key.parts.len()).map(shown).collect())
    }
}
