//! CREATE, ALTER and DROP STATISTICS: changes of the table that they are about.

use std::sync::Arc;

use super::super::Analyzer;
use crate::error::{Error, Result, SqlState};
use crate::registry::{Name, Relation, RelationKind};
use crate::sql::parse::{AlteredStatistics, RawStatistics};
use crate::tree::{AlterTable, Ddl, ObjectKind, QualifiedName, StatisticsChange, Tuning};

/// PostgreSQL's STATS_MAX_DIMENSIONS.
const MAX_COLUMNS: usize = 8;

impl Analyzer<'_> {
    pub(super) fn statistics_ddl(&self, raw: &RawStatistics) -> Result<Ddl> {
        match raw {
            RawStatistics::Create { name, if_not_exists, kinds, columns, table } => {
                let (namespace, name) = self.new_name(name, false)?;
                let def = self.named_relation(table)?;
                let tag = "CREATE STATISTICS";
                if *if_not_exists && self.ctx.snapshot.statistics(&namespace, &name).is_some() {
                    let notice = format!("statistics object \"{name}\" already exists, skipping");
                    return Ok(Ddl::Nothing { tag: tag.into(), notices: vec![notice] });
                }
                if !self.ctx.snapshot.namespaces.contains_key(&namespace) {
                    let message = format!("schema \"{namespace}\" does not exist");
                    return Err(Error::new(SqlState::INVALID_SCHEMA_NAME, message));
                }
                let change = StatisticsChange::Create { kinds: *kinds, columns: columns_of(&def, columns)? };
                if namespace != def.namespace {
                    return Err(Error::unsupported("CREATE STATISTICS in another schema than its table's"));
                }
                Ok(change_of(&def, &name, change))
            }
            RawStatistics::Alter { name, if_exists, change } => {
                let Some((def, found)) = self.statistics_named(name)? else {
                    let notices = self.no_statistics(name, *if_exists)?;
                    return Ok(Ddl::Nothing { tag: "ALTER STATISTICS".into(), notices: vec![notices] });
                };
                let change = match change {
                    AlteredStatistics::Rename(to) => StatisticsChange::Rename { to: to.clone() },
                    AlteredStatistics::SetOwner(to) => StatisticsChange::SetOwner { to: self.role_name(to) },
                    AlteredStatistics::SetTarget(target) => StatisticsChange::SetTarget(*target),
                    AlteredStatistics::Comment(comment) => StatisticsChange::Comment(comment.clone()),
                    AlteredStatistics::SetNamespace(to) if *to == def.namespace => {
                        return Ok(Ddl::Nothing { tag: "ALTER STATISTICS".into(), notices: Vec::new() });
                    }
                    AlteredStatistics::SetNamespace(_) => {
                        return Err(Error::unsupported("a statistics object in another schema than its table's"));
                    }
                };
                Ok(change_of(&def, &found, change))
            }
            RawStatistics::Drop { names, if_exists } => {
                let (mut found, mut notices) = (Vec::new(), Vec::new());
                for name in names {
                    match self.statistics_named(name)? {
                        Some(known) => found.push(known),
                        None => notices.push(self.no_statistics(name, *if_exists)?),
                    }
                }
                let Some((def, _)) = found.first() else {
                    return Ok(Ddl::Nothing { tag: "DROP STATISTICS".into(), notices });
                };
                if !notices.is_empty() || found.iter().any(|(other, _)| other.oid != def.oid) {
                    return Err(Error::unsupported(
                        "DROP STATISTICS of objects of several tables, or some of which are missing",
                    )
                    .hint("Drop them one by one."));
                }
                let drop = |(_, name): &(Arc<Relation>, Name)| Tuning::Statistics(name.clone(), StatisticsChange::Drop);
                Ok(changes_of(def, found.iter().map(drop).collect()))
            }
        }
    }

    /// The notice with which one that is not there is passed over.
    fn no_statistics(&self, name: &QualifiedName, if_exists: bool) -> Result<String> {
        let shown = name.namespace.iter().chain([&name.name]).map(|part| &**part).collect::<Vec<_>>().join(".");
        let missing = format!("statistics object \"{shown}\" does not exist");
        match if_exists {
            true => Ok(format!("{missing}, skipping")),
            false => Err(Error::new(SqlState::UNDEFINED_OBJECT, missing)),
        }
    }

    fn statistics_named(&self, name: &QualifiedName) -> Result<Option<(Arc<Relation>, Name)>> {
        let snapshot = &self.ctx.snapshot;
        if let Some(namespace) = &name.namespace {
            self.may_look_into(Some(namespace))?;
            return Ok(snapshot.statistics(namespace, &name.name).map(|def| (Arc::clone(def), name.name.clone())));
        }
        let found = self.search_path().find_map(|namespace| snapshot.statistics(namespace, &name.name));
        Ok(found.map(|def| (Arc::clone(def), name.name.clone())))
    }
}

fn change_of(def: &Relation, name: &Name, change: StatisticsChange) -> Ddl {
    changes_of(def, vec![Tuning::Statistics(name.clone(), change)])
}

fn changes_of(def: &Relation, changes: Vec<Tuning>) -> Ddl {
    let kind = match def.kind {
        RelationKind::MaterializedView { .. } => ObjectKind::MaterializedView,
        _ => ObjectKind::Table,
    };
    Ddl::AlterTable {
        kind,
        namespace: def.namespace.clone(),
        name: def.name.clone(),
        actions: vec![AlterTable::Tune(changes)],
        if_exists: false,
        only: false,
    }
}

/// The columns by number, each once.
fn columns_of(def: &Relation, names: &[Name]) -> Result<Vec<i16>> {
    let what = match def.kind {
        RelationKind::Table | RelationKind::MaterializedView { .. } => None,
        RelationKind::View { .. } => Some("views"),
        RelationKind::Sequence(_) => Some("sequences"),
        RelationKind::Composite => Some("composite types"),
        RelationKind::System => {
            let message = format!("permission denied: \"{}\" is a system catalog", def.name);
            return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message));
        }
    };
    if let Some(what) = what {
        let message = format!("cannot define statistics for relation \"{}\"", def.name);
        return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message)
            .detail(format!("This operation is not supported for {what}.")));
    }
    let mut columns = Vec::with_capacity(names.len());
    for name in names {
        let Some(column) = def.column(name) else {
            let message = format!("column \"{name}\" does not exist");
            return Err(Error::new(SqlState::UNDEFINED_COLUMN, message));
        };
        columns.push(column.num);
    }
    if columns.len() > MAX_COLUMNS {
        let message = format!("cannot have more than {MAX_COLUMNS} columns in statistics");
        return Err(Error::new(SqlState::TOO_MANY_COLUMNS, message));
    }
    if columns.len() < 2 {
        let message = "extended statistics require at least 2 columns";
        return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message));
    }
    columns.sort_unstable();
    let all = columns.len();
    columns.dedup();
    if columns.len() < all {
        let message = "duplicate column name in statistics definition";
        return Err(Error::new(SqlState::DUPLICATE_COLUMN, message));
    }
    Ok(columns)
}
