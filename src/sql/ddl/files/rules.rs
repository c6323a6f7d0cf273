//! Row rules and masks: the files are the whole truth about those of their tables.

use super::{Work, at};
use crate::error::{Error, Result, SqlState};
use crate::registry::files::{FileTable, Place};
use crate::registry::privileges::PUBLIC;
use crate::registry::{Mask, Name, Policy, Relation, Rules};
use crate::types::Oid;

impl Work<'_> {
    pub(super) fn rules(&mut self) -> Result<()> {
        let schema = self.schema;
        for file in &schema.tables {
            let Some(found) = self.existing(file) else { continue };
            let wanted = self.wanted_rules(file, &found).map_err(|e| at(&file.place, e))?;
            if wanted == found.rules {
                continue;
            }
            self.tell_rules(file, &found, &wanted);
            self.planner.put_relation(Relation { rules: wanted, ..(*found).clone() });
        }
        Ok(())
    }

    fn wanted_rules(&self, file: &FileTable, found: &Relation) -> Result<Rules> {
        let mut policies = Vec::with_capacity(file.rules.len());
        for rule in &file.rules {
            let known = found.rules.policies.iter().find(|p| p.name == rule.name);
            policies.push(Policy {
                oid: known.map_or_else(|| self.planner.after.counters.allocate_oid(), |p| p.oid),
                name: rule.name.clone(),
                permissive: rule.permissive,
                command: rule.command,
                roles: self.roles(&rule.to)?,
                using: rule.using.clone(),
                check: rule.check.clone(),
                comment: known.and_then(|p| p.comment.clone()),
            });
        }
        let mut masks = Vec::with_capacity(file.masks.len());
        for mask in &file.masks {
            let column = found.column(&mask.column).ok_or_else(|| {
                let message = format!("column \"{}\" of relation \"{}\" does not exist", mask.column, found.name);
                Error::new(SqlState::UNDEFINED_COLUMN, message)
            })?;
            let expression = mask.expression.clone();
            masks.push(Mask { column: column.num, roles: self.roles(&mask.to)?, expression });
        }
        Ok(Rules {
            enabled: !policies.is_empty(),
            forced: file.force_row_rules,
            policies,
            masks,
            invoker: false,
            barrier: false,
            check_option: None,
            over: None,
        })
    }

    fn roles(&self, names: &[Option<Name>]) -> Result<Vec<Oid>> {
        if names.contains(&None) {
            return Ok(vec![PUBLIC]);
        }
        names.iter().flatten().map(|name| self.planner.role(name).map(|r| r.oid)).collect()
    }

    fn tell_rules(&mut self, file: &FileTable, found: &Relation, wanted: &Rules) {
        let table = format!("{}.{}", file.namespace, file.name);
        let is = &found.rules;
        for policy in is.policies.iter().filter(|p| !wanted.policies.iter().any(|w| w.name == p.name)) {
            self.does(&file.place, format!("drop policy {} on {table}", policy.name));
        }
        for policy in &wanted.policies {
            let place = file.rules.iter().find(|r| r.name == policy.name).map(|r| file.place.at(r.at));
            let place: Place = place.unwrap_or_else(|| file.place.clone());
            match is.policies.iter().find(|p| p.name == policy.name) {
                None => self.does(&place, format!("create policy {} on {table}", policy.name)),
                Some(known) if known != policy => {
                    self.does(&place, format!("alter policy {} on {table}", policy.name));
                }
                Some(_) => {}
            }
        }
        if is.enabled != wanted.enabled {
            let word = if wanted.enabled { "enable" } else { "disable" };
            self.does(&file.place, format!("alter table {table} {word} row level security"));
        }
        if is.forced != wanted.forced {
            let word = if wanted.forced { "force" } else { "no force" };
            self.does(&file.place, format!("alter table {table} {word} row level security"));
        }
        if is.masks != wanted.masks {
            let place = file.masks.first().map_or_else(|| file.place.clone(), |m| file.place.at(m.at));
            self.does(&place, format!("alter table {table}: masks"));
        }
    }
}
