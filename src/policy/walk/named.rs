//! The columns that a kept text is bound to: what PostgreSQL keeps as dependencies of views and policies. A whole row is bound to
//! none, and neither is what a view or a function in it reads.

use std::collections::BTreeSet;

use super::{Found, Walk};
use crate::registry::Relation;
use crate::tree::{Expr, Query, RelId};
use crate::types::Oid;

/// The columns of relations that a query names itself: OIDs and attnums.
pub fn columns_of_query(query: &Query) -> BTreeSet<(Oid, i16)> {
    let mut walk = Walk::new(0);
    walk.query(query);
    walk.found.named()
}

/// The fields of rows that a query names itself, also as columns of a function in FROM: the row's type, and the field's place.
pub fn fields_of_query(query: &Query) -> Vec<(Oid, u16)> {
    let mut walk = Walk::new(0);
    walk.query(query);
    walk.found.all_fields()
}

/// As [`fields_of_query`], of an expression.
pub fn fields_of_expression(expr: &Expr) -> Vec<(Oid, u16)> {
    let mut walk = Walk::new(0);
    walk.expr(expr);
    walk.found.all_fields()
}

/// As [`columns_of_query`], of an expression over the columns of `table` as those of relation `row`.
pub fn columns_of_expression(expr: &Expr, table: &Relation, row: RelId) -> BTreeSet<(Oid, i16)> {
    let mut walk = Walk::new(0);
    walk.expr(expr);
    let own = walk.found.columns.get(&row).into_iter().flatten();
    let own = own.filter_map(|i| Some((table.oid, table.columns.get(usize::from(*i))?.num)));
    own.chain(walk.found.named()).collect()
}

impl Found {
    fn all_fields(self) -> Vec<(Oid, u16)> {
        let Self { rows, columns, mut fields, .. } = self;
        for (id, ty) in rows {
            fields.extend(columns.get(&id).into_iter().flatten().map(|at| (ty, *at)));
        }
        fields
    }

    fn named(&self) -> BTreeSet<(Oid, i16)> {
        let columns = |id: &RelId| self.columns.get(id).into_iter().flatten();
        let uses = self.uses.iter().filter(|used| !used.inner);
        uses.flat_map(|used| {
            columns(&used.id).filter_map(|i| Some((used.def.oid, *used.attnums.get(usize::from(*i))?)))
        })
        .collect()
    }
}
