//! The simple query: each statement of the text in turn, all in one transaction unless they say otherwise.

use std::sync::Arc;

use super::execute::{Alone, Done};
use super::front::Front;
use super::plan_cache::{Origin, Text};
use super::session::Session;
use super::transaction::{self, Transaction};
use crate::error::{Error, Result, SqlState};
use crate::sql::{Compiled, CompiledBody, Parsed, parse};
use crate::tree::Utility;

impl Session {
    /// A simple Query message. Results go to the front as they come; after an error (returned for ErrorResponse) nothing
    /// more of the text runs. Then, in both cases, [`Session::ready`] and ReadyForQuery.
    pub async fn simple(&mut self, text: &str, front: &mut dyn Front) -> Result<()> {
        let done = self.simple_query(text, front).await;
        if done.is_err() {
            self.abort().await;
        }
        done
    }

    async fn simple_query(&mut self, text: &str, front: &mut dyn Front) -> Result<()> {
        // A simple query replaces the unnamed statement and portal.
        self.statements.remove("");
        drop(self.portals.take(""));
        let text = match self.gateway.plans.parse(text) {
            Ok(text) => text,
            Err(error) => {
                self.begin_statement(&text.into())?;
                self.audit_begin(Some(&mut *front)).await?;
                self.audit_part::<()>(&Err(error.clone()));
                return Err(error);
            }
        };
        self.begin_statement(&text.text)?;
        let count = text.statements.len();
        if count == 0 {
            front.empty();
            return Ok(());
        }
        let limit = self.gateway.limits().statements_per_query;
        if count > limit {
            let message = format!("a query may have at most {limit} statements");
            return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message));
        }
        for notice in parse::notices(&text.statements) {
            self.notice(front, &notice);
        }
        for index in 0..count {
            if index > 0 {
                self.begin_statement(&text.text)?;
            }
            let done = self.simple_statement(&text, index, front).await;
            let done = self.leave_place(done);
            self.audit_done(done.as_ref());
            if let Done::Tag(tag) = done? {
                front.complete(&tag);
            }
            front.client_encoding(self.output_settings().client_encoding);
        }
        Ok(())
    }

    /// One statement of the text. The client hears of the last one's success only when it is committed.
    async fn simple_statement(&mut self, text: &Arc<Text>, index: usize, front: &mut dyn Front) -> Result<Done> {
        self.audit_begin(Some(&mut *front)).await?;
        self.audit_text(text, index);
        self.open_implicit();
        self.take_snapshot().await?;
        let compiled = self.compile(text, index, &Arc::default()).map(|(_, compiled)| compiled);
        self.take_place(&compiled)?;
        let compiled = self.unless_failed(compiled)?;
        if !compiled.params.is_empty() {
            return Err(no_parameter(&text.statements[index]));
        }
        let origin = Origin::new(text.clone(), index);
        let count = text.statements.len();
        let alone = if count == 1 { Alone::Yes } else { Alone::No };
        let done = self.run(&compiled, &origin, &[], &[], front, true, alone).await?;
        self.check_immediate().await?;
        if index + 1 == count {
            self.end_implicit().await?;
        }
        Ok(done)
    }

    /// In a failed transaction only its end is heard; what else the statement may be, or be wrong with, does not matter.
    pub(super) fn unless_failed(&self, compiled: Result<Arc<Compiled>>) -> Result<Arc<Compiled>> {
        if !self.transaction.is_failed() {
            return compiled;
        }
        match compiled {
            Ok(compiled) if ends_failed(&compiled) => Ok(compiled),
            Ok(_) | Err(_) => Err(transaction::aborted()),
        }
    }

    /// Commits what was opened for a statement outside a block.
    pub(super) async fn end_implicit(&mut self) -> Result<()> {
        match self.transaction {
            Transaction::Implicit(_) => self.commit().await,
            Transaction::Idle | Transaction::Block(_) | Transaction::Failed(_) => Ok(()),
        }
    }
}

/// A simple query has no parameters.
fn no_parameter(statement: &Parsed) -> Error {
    let (text, position) = statement.first_placeholder().unwrap_or(("$1", 0));
    Error::new(SqlState::UNDEFINED_PARAMETER, format!("there is no parameter {text}")).at(position)
}

/// True for what ends a failed transaction, or goes back to a savepoint in it.
pub fn ends_failed(compiled: &Compiled) -> bool {
    match &compiled.body {
        CompiledBody::Utility(utility) => {
            matches!(utility, Utility::Commit { .. } | Utility::Rollback { .. } | Utility::RollbackTo(_))
        }
        CompiledBody::Plan(_)
        | CompiledBody::CopyIn { .. }
        | CompiledBody::CopyOut { .. }
        | CompiledBody::Explain { .. }
        | CompiledBody::Ddl(_)
        | CompiledBody::CreateTableAs { .. } => false,
    }
}
