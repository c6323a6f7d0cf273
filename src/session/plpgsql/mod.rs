//! PL/pgSQL: runs the block of a DO, and functions. Its SQL goes the way of every statement, through analysis, rules and lowering; nothing is let
//! through here. A block with EXCEPTION is a savepoint of its own.

mod call;
mod frame;
mod function;
mod loops;
mod machine;
mod query;
mod raise;
mod returns;
mod variables;

pub(in crate::session) use call::{Inside, is_only_a_call};

use std::sync::Arc;

use super::execute::Done;
use super::front::Front;
use super::session::Session;
use crate::error::Result;
use crate::sql::parse::plpgsql::{self, MAX_DEPTH};
use crate::sql::parse::too_deep;
use frame::Frame;
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
        let frame = Frame { name: "inline_code_block".into(), depth: self.call_depth, volatile: true };
        let done = Machine::new(self, front, frame, None).run(&block).await;
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
