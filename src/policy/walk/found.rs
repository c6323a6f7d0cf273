//! What a walk has found.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::{SequenceCall, Use};
use crate::facts::Proc;
use crate::registry;
use crate::tree::RelId;
use crate::types::Oid;

/// Everything that needs a privilege.
#[derive(Debug, Default)]
pub struct Found {
    /// In the order of appearance.
    pub uses: Vec<Use>,
    /// Columns read, by relation id; a column is its index in the relation of the tree.
    pub(super) columns: HashMap<RelId, BTreeSet<u16>>,
    pub(super) whole_rows: BTreeSet<RelId>,
    /// `excluded` of an INSERT stands for its target: PostgreSQL asks for SELECT on the target's column.
    pub(super) aliases: HashMap<RelId, RelId>,
    /// Relations whose rows FOR UPDATE and kin lock.
    pub locked: BTreeSet<RelId>,
    /// Relation ids that stand for something computed: subqueries, CTEs, functions, feeds.
    pub(super) derived: BTreeSet<RelId>,
    /// Of these, functions of users that a query names itself, with the types that they give.
    pub(super) rows: Vec<(RelId, Oid)>,
    /// Fields of rows that a query names itself: the row's type, and the field's place.
    pub(super) fields: Vec<(Oid, u16)>,
    pub functions: Vec<(&'static Proc, Oid)>,
    /// Functions of users, and who calls them.
    pub routines: Vec<(Arc<registry::Function>, Oid)>,
    pub sequences: Vec<SequenceCall>,
    /// Files of the server that are read, by the function that names them.
    pub files: Vec<(Arc<str>, Arc<[Arc<str>]>)>,
    /// Text is put in an order that depends on its collation.
    pub sorts: bool,
    /// COLLATE names another order than that of the bytes.
    pub collated: bool,
    /// One of them has cases of letters of its own.
    pub cased: bool,
    /// The query is kept and does not run: what it reads is asked for at use, in the name of the view's owner.
    pub kept: bool,
}

impl Found {
    /// The attnums that are read of a relation.
    pub fn selected(&self, used: &Use) -> BTreeSet<i16> {
        let mut selected = BTreeSet::new();
        for id in self.ids_of(used) {
            if self.whole_rows.contains(&id) {
                return used.attnums.iter().copied().collect();
            }
            let columns = self.columns.get(&id).into_iter().flatten();
            // An index without a column cannot be; attnum 0 makes the column check fail.
            selected.extend(columns.map(|i| used.attnums.get(usize::from(*i)).copied().unwrap_or(0)));
        }
        selected
    }

    /// True if columns are read of this relation.
    pub fn reads(&self, used: &Use) -> bool {
        !self.selected(used).is_empty() || self.ids_of(used).any(|id| self.whole_rows.contains(&id))
    }

    /// Are columns read of the relation that a statement writes? (PostgreSQL asks for SELECT on it then.)
    pub fn reads_target(&self, target: RelId) -> bool {
        self.uses.iter().any(|used| used.id == target && self.reads(used))
    }

    /// The columns read of a relation, as indexes; `None`: its whole row.
    pub fn columns_of(&self, rel: RelId) -> Option<BTreeSet<u16>> {
        if self.whole_rows.contains(&rel) {
            return None;
        }
        Some(self.columns.get(&rel).cloned().unwrap_or_default())
    }

    fn ids_of<'a>(&'a self, used: &'a Use) -> impl Iterator<Item = RelId> + 'a {
        let aliases = self.aliases.iter().filter(|(_, target)| **target == used.id).map(|(alias, _)| *alias);
        std::iter::once(used.id).chain(aliases)
    }

    /// A reference to a relation that the walk never met: the tree is not what it should be.
    pub fn stray(&self) -> Option<RelId> {
        let known: BTreeSet<RelId> = self.uses.iter().map(|u| u.id).chain(self.derived.iter().copied()).collect();
        let known = |id: &RelId| known.contains(id) || self.aliases.contains_key(id);
        self.columns.keys().chain(&self.whole_rows).find(|id| !known(id)).copied()
    }
}
