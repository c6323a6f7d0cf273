//! The commands that the session carries out by itself.

use std::sync::Arc;

use super::execute::{Alone, Done};
use super::front::Front;
use super::plan_cache::Origin;
use super::session::Session;
use super::transaction::{self, End};
use crate::error::{Error, Report, Result, SqlState};
use crate::policy::must_own;
use crate::registry::Relation;
use crate::tree::{Discard, MaintainCommand, TransactionModes, Utility};
use crate::types::Value;

impl Session {
    pub(super) async fn utility(
        &mut self,
        utility: &Utility,
        origin: &Origin,
        values: &[Value],
        codes: &[i16],
        front: &mut dyn Front,
        describe: bool,
        alone: Alone,
    ) -> Result<Done> {
        match utility {
            Utility::Begin { modes, start } => {
                self.begin_block(modes, front)?;
                Done::tag(if *start { "START TRANSACTION" } else { "BEGIN" })
            }
            Utility::Commit { chain } => self.commit_command(*chain, front).await,
            Utility::Rollback { chain } => self.rollback_command(*chain, front).await,
            Utility::Savepoint(name) => self.savepoint(name),
            Utility::ReleaseSavepoint(name) => self.release_savepoint(name),
            Utility::RollbackTo(name) => self.rollback_to(name, front).await,
            Utility::SetTransaction { modes, session } => self.set_transaction(modes, *session, front),
            Utility::Set { name, value, local } => self.set(name, value.as_deref(), *local, front),
            Utility::Reset { name } => self.reset(name.as_deref()),
            Utility::Show { name } => self.show(name.as_deref(), codes, front, describe).await,
            Utility::SetRole { name, local } => self.set_role(name.as_ref(), *local, front),
            Utility::SetSessionAuthorization { name, local } => {
                self.set_session_authorization(name.as_ref(), *local, front)
            }
            Utility::Discard(what) => self.discard(*what).await,
            Utility::Prepare { name, types, body, offset } => {
                let types: Vec<_> = types.iter().map(|ty| ty.oid).collect();
                self.prepare(name, body, &types, true).map_err(|error| moved(error, *offset))?;
                Done::tag("PREPARE")
            }
            Utility::Execute { name, args: _ } => {
                self.execute_prepared(name, origin, values, codes, front, describe, alone).await
            }
            Utility::Deallocate { name: Some(name) } => {
                if !self.deallocate(name) {
                    let message = format!("prepared statement \"{name}\" does not exist");
                    return Err(Error::new(SqlState::INVALID_SQL_STATEMENT_NAME, message));
                }
                Done::tag("DEALLOCATE")
            }
            Utility::Deallocate { name: None } => {
                self.deallocate_all();
                Done::tag("DEALLOCATE ALL")
            }
            Utility::Declare { name, options, query } => {
                self.declare(name, *options, query, &origin.text, values, front).await
            }
            Utility::Fetch { cursor, direction, move_only } => {
                self.fetch(cursor, *direction, *move_only, codes, front, describe).await
            }
            Utility::CloseCursor { name } => self.close_cursor(name.as_ref()),
            Utility::Do { text, offset } => self.do_block(text, *offset, front).await,
            Utility::Listen(channel) => {
                let limit = self.gateway.limits().channels;
                self.shared.pending.lock().listen(channel, &self.shared.mailbox, limit)?;
                Done::tag("LISTEN")
            }
            Utility::Notify { channel, payload } => {
                let limit = self.gateway.limits().notifications;
                self.shared.say(channel, payload, limit)?;
                Done::tag("NOTIFY")
            }
            Utility::Unlisten(channel) => {
                let limit = self.gateway.limits().channels;
                self.shared.pending.lock().unlisten(channel.as_deref(), limit)?;
                Done::tag("UNLISTEN")
            }
            Utility::Lock { tables, below, mode, nowait } => {
                self.lock_table(tables, below, *mode, *nowait, front).await
            }
            Utility::Maintain { command, tables, outside_block } => {
                self.maintain(*command, tables, *outside_block, front).await
            }
            Utility::PrepareTransaction => {
                let outside = !self.transaction.in_block();
                self.rollback().await;
                if outside {
                    self.notice(front, &transaction::not_in_progress());
                    return Done::tag("ROLLBACK");
                }
                Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, "prepared transactions are disabled")
                    .hint("Set max_prepared_transactions to a nonzero value."))
            }
            Utility::SetConstraints { names, deferred } => self.set_constraints(names, *deferred, front).await,
        }
    }

    fn begin_block(&mut self, modes: &TransactionModes, front: &mut dyn Front) -> Result<()> {
        if let Some(warning) = self.transaction.begin(self.statement_start) {
            self.notice(front, &warning);
        }
        self.apply_modes(modes)
    }

    fn apply_modes(&mut self, modes: &TransactionModes) -> Result<()> {
        let queried = self.transaction.active().is_some_and(|a| a.queried);
        let below = self.transaction.in_savepoint();
        let mut state = self.shared.state.lock();
        transaction::apply_modes(modes, queried, below, &mut state.settings.transaction)
    }

    async fn commit_command(&mut self, chain: bool, front: &mut dyn Front) -> Result<Done> {
        let characteristics = self.shared.state.lock().settings.transaction;
        let tag = match self.transaction.end() {
            End::Transaction => {
                self.commit().await?;
                "COMMIT"
            }
            End::RolledBack => {
                self.rollback().await;
                "ROLLBACK"
            }
            End::NotInBlock if chain => return Err(transaction::only_in_block("COMMIT AND CHAIN")),
            End::NotInBlock => {
                self.notice(front, &transaction::not_in_progress());
                self.commit().await?;
                "COMMIT"
            }
        };
        if chain {
            self.chain(characteristics);
        }
        Done::tag(tag)
    }

    async fn rollback_command(&mut self, chain: bool, front: &mut dyn Front) -> Result<Done> {
        let characteristics = self.shared.state.lock().settings.transaction;
        match self.transaction.end() {
            End::Transaction | End::RolledBack => {}
            End::NotInBlock if chain => return Err(transaction::only_in_block("ROLLBACK AND CHAIN")),
            End::NotInBlock => self.notice(front, &transaction::not_in_progress()),
        }
        self.rollback().await;
        if chain {
            self.chain(characteristics);
        }
        Done::tag("ROLLBACK")
    }

    fn set_transaction(&mut self, modes: &TransactionModes, session: bool, front: &mut dyn Front) -> Result<Done> {
        if !session {
            if !self.transaction.in_block() {
                self.notice(front, &transaction::only_in_block_warning("SET TRANSACTION"));
            }
            self.apply_modes(modes)?;
            return Done::tag("SET");
        }
        let TransactionModes { isolation, read_only, deferrable } = modes;
        let on_off = |flag: bool| if flag { "on" } else { "off" };
        let scope = super::settings::Scope::Session;
        let mut state = self.shared.state.lock();
        if let Some(isolation) = isolation {
            let name = super::settings::isolation_name(*isolation);
            state.set("default_transaction_isolation", Some(name), scope)?;
        }
        if let Some(read_only) = read_only {
            state.set("default_transaction_read_only", Some(on_off(*read_only)), scope)?;
        }
        if let Some(deferrable) = deferrable {
            state.set("default_transaction_deferrable", Some(on_off(*deferrable)), scope)?;
        }
        Done::tag("SET")
    }

    pub(super) fn deallocate_all(&mut self) {
        self.statements.deallocate_all();
        self.shared.state.lock().prepared.clear();
    }

    async fn discard(&mut self, what: Discard) -> Result<Done> {
        match what {
            Discard::All => {
                if self.transaction.in_block() {
                    return Err(transaction::never_in_block("DISCARD ALL"));
                }
                self.portals.clear();
                self.shared.state.lock().cursors.clear();
                self.reset_session_authorization();
                self.shared.state.lock().settings.reset_all();
                self.deallocate_all();
                let limit = self.gateway.limits().channels;
                self.shared.pending.lock().unlisten(None, limit)?;
                self.gateway.locks.release_session(self.shared.id);
                self.discard_temporary()?;
                self.gateway.engine().end_session(self.shared.id);
                Done::tag("DISCARD ALL")
            }
            Discard::Plans => {
                self.statements.discard_plans();
                Done::tag("DISCARD PLANS")
            }
            Discard::Sequences => {
                self.gateway.engine().end_session(self.shared.id);
                Done::tag("DISCARD SEQUENCES")
            }
            Discard::Temp => {
                self.discard_temporary()?;
                Done::tag("DISCARD TEMP")
            }
        }
    }

    /// Temporary tables go with the connection that has them.
    fn discard_temporary(&mut self) -> Result<()> {
        let changed =
            self.transaction.active().and_then(|a| a.overlay.as_ref()).is_some_and(|o| o.snapshot().has_temporary());
        if self.temporary.is_empty() && !changed {
            return Ok(());
        }
        if self.transaction.active().is_some_and(|a| a.engine) {
            return Err(Error::unsupported("DISCARD TEMP inside a transaction block")
                .hint("Run it outside, or drop the temporary tables by name."));
        }
        self.give_up_connection();
        Ok(())
    }

    async fn maintain(
        &mut self,
        command: MaintainCommand,
        tables: &[Arc<Relation>],
        outside_block: Option<&str>,
        front: &mut dyn Front,
    ) -> Result<Done> {
        let tag = match command {
            MaintainCommand::Vacuum => "VACUUM",
            MaintainCommand::Analyze => "ANALYZE",
            MaintainCommand::Checkpoint => "CHECKPOINT",
            MaintainCommand::Reindex => "REINDEX",
            MaintainCommand::Cluster => "CLUSTER",
        };
        if let Some(what) = outside_block
            && self.transaction.in_block()
        {
            return Err(transaction::never_in_block(what));
        }
        let (snapshot, role) = (self.snapshot(), self.role());
        let verb = match command {
            MaintainCommand::Vacuum => Some("vacuum"),
            MaintainCommand::Analyze => Some("analyze"),
            MaintainCommand::Checkpoint | MaintainCommand::Reindex | MaintainCommand::Cluster => None,
        };
        for table in tables {
            if let Some(verb) = verb.filter(|_| must_own(&snapshot, role, table).is_err()) {
                let message = format!("skipping \"{}\" --- only table or database owner can {verb} it", table.name);
                self.notice(front, &Report::warning(SqlState::WARNING, message));
            }
        }
        if command == MaintainCommand::Checkpoint {
            // DuckDB cannot checkpoint over a transaction of this session; it does so by itself when it has ended.
            if !self.transaction.active().is_some_and(|a| a.engine) {
                self.gateway.engine().clone().checkpoint().await?;
            }
        }
        // DuckDB keeps its statistics and frees deleted rows by itself.
        Done::tag(tag)
    }

    /// Warns that a SET LOCAL outside a block is over at once.
    pub(super) fn warn_local(&self, local: bool, front: &mut dyn Front) {
        if local && !self.transaction.in_block() {
            let warning: Report = transaction::only_in_block_warning("SET LOCAL");
            self.notice(front, &warning);
        }
    }
}

/// An error in PREPARE's statement, with its position in the whole text.
fn moved(mut error: Error, offset: u32) -> Error {
    if let Some(position) = &mut error.report_mut().position {
        *position += offset;
    }
    error
}
