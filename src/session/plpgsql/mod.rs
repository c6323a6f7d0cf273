//! DO: runs a block of PL/pgSQL. Its SQL goes the way of every statement, through analysis, rules and lowering; nothing is let
//! through here. A block with EXCEPTION is a savepoint of its own.

mod loops;
mod machine;
mod query;
mod raise;
mod variables;

use std::sync::Arc;

use super::execute::Done;
use super::front::Front;
use super::session::Session;
use crate::error::{Error, Result};
use crate::sql::parse::plpgsql::{self, MAX_DEPTH};
use crate::sql::parse::too_deep;
use machine::Machine;

/// What a DO takes of [`MAX_DEPTH`] by itself: the statements of one that another runs are counted with it.
const OF_DO: usize = 16;

impl Session {
    pub(super) async fn do_block(
        &mut self,
        text: &Arc<str>,
        offset: Option<u32>,
        front: &mut dyn Front,
    ) -> Result<Done> {
        let block = plpgsql::parse(text).map_err(|mut error| {
            let position = &mut error.report_mut().position;
            *position = position.zip(offset).map(|(at, before)| at + before);
            error
        })?;
        let depth = self.block_depth;
        if depth + OF_DO > MAX_DEPTH {
            return Err(too_deep());
        }
        self.block_depth += OF_DO;
        let outside = self.transaction.enter_block();
        let savepoints = self.transaction.active().map_or(0, |active| active.savepoints.len());
        let done = Machine::new(self, front).run(&block).await;
        self.block_depth = depth;
        // After an error some of its own may be left.
        if let Some(active) = self.transaction.held_mut() {
            active.savepoints.truncate(savepoints);
        }
        if outside {
            self.transaction.leave_block();
        }
        done?;
        Done::tag("DO")
    }
}

/// Adds a line of context, as PostgreSQL tells where in a function something failed: the innermost place only.
fn at(mut error: Error, line: u64, what: &str) -> Error {
    let report = error.report_mut();
    report.position = None;
    let place = format!("PL/pgSQL function inline_code_block line {line} {what}");
    match &mut report.context {
        Some(context) if context.contains("PL/pgSQL function inline_code_block") => {}
        Some(context) => *context = format!("{context}\n{place}"),
        None => report.context = Some(place),
    }
    error
}
