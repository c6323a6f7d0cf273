//! CREATE and ALTER SEQUENCE.

use super::planner::Planner;
use crate::error::{Error, Result, SqlState};
use crate::registry::{Name, Relation, RelationKind, Sequence, build};
use crate::tree::SequenceChange;
use crate::types::oid;

impl Planner<'_> {
    pub fn create_sequence(
        &mut self,
        key: (Name, Name),
        sequence: &Sequence,
        if_not_exists: bool,
        temporary: bool,
        unlogged: bool,
    ) -> Result<()> {
        self.tag("CREATE SEQUENCE");
        if !self.name_is_free(&key.0, &key.1, temporary, if_not_exists)? {
            return Ok(());
        }
        self.type_is_free(&key.0, &key.1)?;
        check(sequence)?;
        let mut relation =
            build::free_sequence(&self.after, key, sequence.clone(), self.cx.role, temporary, self.managed());
        relation.details.unlogged = unlogged;
        self.put_sequence(relation, None);
        Ok(())
    }

    pub fn alter_sequence(
        &mut self,
        namespace: &Name,
        name: &Name,
        change: &SequenceChange,
        if_exists: bool,
    ) -> Result<()> {
        self.tag("ALTER SEQUENCE");
        if if_exists && self.after.relation(namespace, name).is_none() {
            self.notice(format!("relation \"{name}\" does not exist, skipping"));
            return Ok(());
        }
        let mut relation = (*self.relation(namespace, name)?).clone();
        if !matches!(relation.kind, RelationKind::Sequence(_)) {
            return Err(super::alter::wrong_type(name, "a sequence"));
        }
        self.may_change(&relation.managed, "sequence", name)?;
        if change.owned_by.is_some()
            && let RelationKind::Sequence(sequence) = &relation.kind
            && let Some((owner, num)) = sequence.owned_by
            && let Some(table) = self.after.relation_by_oid(owner)
            && table.column_by_num(num).is_some_and(|c| c.identity.is_some_and(|i| i.sequence == relation.oid))
        {
            let message = "cannot change ownership of identity sequence";
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message)
                .detail(format!("Sequence \"{name}\" is linked to table \"{}\".", table.name)));
        }
        let restart = self::change(&mut relation, change)?;
        self.put_sequence(relation, restart);
        Ok(())
    }
}

/// What ALTER SEQUENCE changes; gives the value that it begins anew with, if it does.
pub(super) fn change(relation: &mut Relation, change: &SequenceChange) -> Result<Option<i64>> {
    let RelationKind::Sequence(sequence) = &mut relation.kind else {
        return Err(super::alter::wrong_type(&relation.name, "a sequence"));
    };
    let SequenceChange { ty, start, increment, min, max, cache, cycle, restart, owned_by } = change;
    if let Some(ty) = ty {
        change_type(sequence, *ty);
    }
    sequence.increment = increment.unwrap_or(sequence.increment);
    let (low, high) = bounds(sequence);
    let up = sequence.increment > 0;
    if let Some(min) = min {
        sequence.min = min.unwrap_or(if up { 1 } else { low });
    }
    if let Some(max) = max {
        sequence.max = max.unwrap_or(if up { high } else { -1 });
    }
    sequence.start = start.unwrap_or(sequence.start);
    sequence.cache = cache.unwrap_or(sequence.cache);
    sequence.cycle = cycle.unwrap_or(sequence.cycle);
    if let Some(owner) = owned_by {
        sequence.owned_by = *owner;
    }
    check(sequence)?;
    let restart = restart.map(|value| value.unwrap_or(sequence.start));
    if let Some(value) = restart
        && !(sequence.min..=sequence.max).contains(&value)
    {
        let (word, bound, limit) = if value < sequence.min {
            ("less", "MINVALUE", sequence.min)
        } else {
            ("greater", "MAXVALUE", sequence.max)
        };
        let message = format!("RESTART value ({value}) cannot be {word} than {bound} ({limit})");
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
    }
    Ok(restart)
}

/// A limit that was the old type's becomes the new type's.
fn change_type(sequence: &mut Sequence, ty: crate::types::Oid) {
    let (low, high) = bounds(sequence);
    let (at_low, at_high) = (sequence.min == low, sequence.max == high);
    sequence.ty = ty;
    let (low, high) = bounds(sequence);
    if at_low {
        sequence.min = low;
    }
    if at_high {
        sequence.max = high;
    }
}

/// The range of the sequence's type.
pub fn bounds(sequence: &Sequence) -> (i64, i64) {
    match sequence.ty {
        oid::INT2 => (i64::from(i16::MIN), i64::from(i16::MAX)),
        oid::INT4 => (i64::from(i32::MIN), i64::from(i32::MAX)),
        _ => (i64::MIN, i64::MAX),
    }
}

/// PostgreSQL's checks of a sequence's numbers (init_params).
pub fn check(s: &Sequence) -> Result<()> {
    let bad = |message: String| Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
    let (low, high) = bounds(s);
    let ty = crate::facts::TYPES.by_oid(s.ty).map_or("bigint", |t| t.sql_name);
    if s.increment == 0 {
        return bad("INCREMENT must not be zero".to_owned());
    }
    if s.max > high || s.max < low {
        return bad(format!("MAXVALUE ({}) is out of range for sequence data type {ty}", s.max));
    }
    if s.min < low || s.min > high {
        return bad(format!("MINVALUE ({}) is out of range for sequence data type {ty}", s.min));
    }
    if s.min >= s.max {
        return bad(format!("MINVALUE ({}) must be less than MAXVALUE ({})", s.min, s.max));
    }
    if s.start < s.min {
        return bad(format!("START value ({}) cannot be less than MINVALUE ({})", s.start, s.min));
    }
    if s.start > s.max {
        return bad(format!("START value ({}) cannot be greater than MAXVALUE ({})", s.start, s.max));
    }
    if s.cache < 1 {
        return bad(format!("CACHE ({}) must be greater than zero", s.cache));
    }
    Ok(())
}
