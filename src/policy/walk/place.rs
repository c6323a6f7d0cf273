//! What an expression reads in subscripts, and in assignments to parts of a column.

use super::Walk;
use crate::tree::{Expr, Place, Subscript};

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
