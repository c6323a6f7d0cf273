//! What a statement writes, and the views by which it gets there.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Use, Walk};
use crate::registry::Privileges;
use crate::tree::{Relation, RowCheck, TargetRules, Through, ThroughView};

impl Walk {
    /// The relation that a statement writes, met with these privileges, and what columns it writes. The views on the way to
    /// it are written with the same ones, each in the name of the owner of the one before.
    pub(super) fn target(
        &mut self,
        target: &Relation,
        through: Option<&Through>,
        required: Privileges,
        inserted: &[u16],
        updated: &[u16],
    ) {
        let outer = (self.role, self.in_view);
        for view in through.iter().flat_map(|t| &t.views) {
            self.view_on_the_way(view, required);
        }
        self.relation(target, required);
        if let Some(Through { views: _, below }) = through {
            self.found.columns.entry(target.id).or_default().extend(below);
        }
        (self.role, self.in_view) = outer;
        if let Some(used) = self.found.uses.iter_mut().find(|u| u.id == target.id) {
            let attnum = |i: &u16| used.attnums.get(usize::from(*i)).copied();
            // An index without a column cannot be; taking attnum 0 makes the column check fail.
            let inserted: BTreeSet<i16> = inserted.iter().map(|i| attnum(i).unwrap_or(0)).collect();
            let updated: BTreeSet<i16> = updated.iter().map(|i| attnum(i).unwrap_or(0)).collect();
            used.inserted.extend(inserted);
            used.updated.extend(updated);
        }
    }

    fn view_on_the_way(&mut self, view: &ThroughView, required: Privileges) {
        let ThroughView { id, def, owner, read, written } = view;
        let attnums: Vec<i16> = def.columns.iter().map(|c| c.num).collect();
        // An index without a column cannot be; attnum 0 makes the column check fail.
        let written: BTreeSet<i16> =
            written.iter().map(|i| attnums.get(usize::from(*i)).copied().unwrap_or(0)).collect();
        let of = |privilege: Privileges| {
            if required.contains(privilege) { written.clone() } else { BTreeSet::new() }
        };
        self.found.uses.push(Use {
            def: Arc::clone(def),
            role: self.role,
            in_view: self.in_view,
            inner: self.inner,
            required,
            inserted: of(Privileges::INSERT),
            updated: of(Privileges::UPDATE),
            attnums,
            id: *id,
        });
        self.found.columns.insert(*id, read.clone());
        (self.role, self.in_view) = (owner.unwrap_or(self.user), true);
    }

    /// The conditions that analysis makes: of views with a check option, over a row of its own.
    pub(super) fn rules(&mut self, rules: Option<&TargetRules>) {
        let Some(TargetRules { row, filter, masks, new_row, checks, conflict: _, deleted: _ }) = rules else { return };
        self.found.derived.extend([*row, *new_row]);
        self.option(filter);
        masks.iter().for_each(|(_, mask)| self.expr(mask));
        for RowCheck { condition, policy: _, checked: _, view: _ } in checks {
            self.expr(condition);
        }
    }
}
