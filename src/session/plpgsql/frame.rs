//! Where in which function something failed: a line of an error's context.

use std::sync::Arc;

use crate::error::Error;

/// A call at work.
#[derive(Clone)]
pub(super) struct Frame {
    /// The function with the types of its arguments, as PostgreSQL shows it.
    pub name: Arc<str>,
    /// How many calls are around it.
    pub depth: usize,
    /// It may change something.
    pub volatile: bool,
}

impl Frame {
    /// Adds where in the function an error came from: the innermost place of each call only.
    pub fn at(&self, error: Error, line: u64, what: &str) -> Error {
        self.told(error, &format!(" line {line} {what}"))
    }

    /// As [`Self::at`], where no line is to be told.
    pub fn told(&self, mut error: Error, what: &str) -> Error {
        let report = error.report_mut();
        report.position = None;
        // What is said by this call is said already; calls inside of it are deeper.
        if report.placed.is_some_and(|depth| depth <= self.depth) {
            return error;
        }
        report.placed = Some(self.depth);
        let place = format!("PL/pgSQL function {}{what}", self.name);
        report.context = Some(match report.context.take() {
            Some(context) => format!("{context}\n{place}"),
            None => place,
        });
        error
    }
}
