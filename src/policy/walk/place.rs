//! What an expression reads in subscripts, and in assignments to parts of a column.

use super::Walk;
use crate::tree::{Expr, Place, Relation, Source, Subscript};

/// The columns that SET names: a generated one is computed with the others, and asks for no privilege.
pub(super) fn assigned(target: &Relation, sets: &[(u16, Expr)]) -> Vec<u16> {
    let generated = |index: u16| {
        let Source::Table { def, only: _, sample: _ } = &target.source else { return false };
        let column = target.columns.get(usize::from(index)).and_then(|column| def.column_by_num(column.attnum));
        column.is_some_and(|column| column.generated.is_some())
    };
    sets.iter().map(|(column, _)| *column).filter(|column| !generated(*column)).collect()
}

impl Walk {
    pub(super) fn subscripts(&mut self, indices: &[Subscript]) {
        for index in indices {
            match index {
                Subscript::Index(at) => self.expr(at),
                Subscript::Slice(from, to) => {
                    self.option(from);
                    self.option(to);
                }
            }
        }
    }

    pub(super) fn put(&mut self, whole: &Expr, place: &Place, value: &Expr) {
        self.expr(whole);
        match place {
            Place::Items(indices) => self.subscripts(indices),
            Place::Field(_) => {}
        }
        self.expr(value);
    }
}
