//! The extended query: Parse, Bind, Describe, Execute, Close, Sync.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;

use super::bind;
use super::execute::{Alone, Done, Started, row_tag, shape};
use super::front::{Front, RowShape};
use super::plan_cache::Origin;
use super::portals::{OpenRows, Portal, PortalState, formats};
use super::session::Session;
use super::simple::ends_failed;
use super::statements::Statement;
use super::transaction;
use crate::engine::directory::{CursorRow, PreparedRow};
use crate::error::{Error, Result, SqlState};
use crate::sql::{Command, Compiled, CompiledBody, Plan, parse};
use crate::tree::Field;
use crate::types::{Oid, PgType};

impl Session {
    /// Parse. `types`: 0 is unspecified. Nothing is sent by the session; the front end answers ParseComplete, after what
    /// [`Self::pass_notices`] gives.
    pub async fn parse(&mut self, name: &str, text: &str, types: &[Oid]) -> Result<()> {
        let mut done = self.audit_begin(None).await;
        if done.is_ok() {
            done = self.take_snapshot().await;
        }
        if done.is_ok() {
            done = self.prepare(name, text, types, false);
        }
        self.audit_part(&done);
        self.or_abort(done).await
    }

    /// Makes a prepared statement, for Parse and SQL's PREPARE.
    pub(super) fn prepare(&mut self, name: &str, text: &str, types: &[Oid], from_sql: bool) -> Result<()> {
        if !from_sql {
            let shown: Arc<str> = text.into();
            self.begin_statement(&shown)?;
            self.open_implicit();
        }
        if name.is_empty() {
            self.statements.remove("");
        }
        let text = self.gateway.plans.parse(text)?;
        if !from_sql {
            self.audit_text(&text, 0);
            self.shared.state.lock().notices.extend(parse::notices(&text.statements));
        }
        if text.statements.len() > 1 {
            return Err(Error::syntax("cannot insert multiple commands into a prepared statement"));
        }
        self.statements.check_new(name, self.gateway.limits().statements)?;
        let given: Arc<[Oid]> = types.into();
        let index = (!text.statements.is_empty()).then_some(0);
        let mut statement = Statement {
            text: text.clone(),
            index,
            given: given.clone(),
            params: types.iter().map(|oid| PgType::new(*oid)).collect(),
            fields: None,
            read_by: self.environment()?.context.settings.clone(),
            compiled: None,
        };
        if index.is_some() {
            let compiled = self.compile(&text, 0, &given);
            if let Err(error) = &compiled
                && !from_sql
            {
                // What fails before it is executed counts, too.
                self.take_place(&Err(error.clone()))?;
                self.place = None;
            }
            let (environment, compiled) = match compiled {
                Ok((environment, compiled)) => (environment, self.unless_failed(Ok(compiled))?),
                Err(error) => return self.unless_failed(Err(error)).map(drop),
            };
            statement.params.clone_from(&compiled.params);
            statement.fields = self.columns(&compiled)?.map(|(fields, _)| fields);
            statement.compiled = Some((environment.key.clone(), compiled));
        }
        if !name.is_empty() {
            let row = PreparedRow {
                name: name.to_owned(),
                statement: text.text.to_string(),
                prepare_time: SystemTime::now(),
                parameter_types: statement.params.clone(),
                from_sql,
            };
            self.shared.state.lock().prepared.insert(name.to_owned(), row);
        }
        self.statements.insert(name, statement);
        Ok(())
    }

    /// The statement as it is compiled now: anew, if the schema, the role or the settings have changed since.
    pub(super) fn revalidate(&mut self, name: &str) -> Result<Option<Arc<Compiled>>> {
        let statement = self.statements.get(name)?;
        let Some(index) = statement.index else { return Ok(None) };
        let environment = self.environment()?;
        let statement = self.statements.get(name)?;
        let environment = environment.reading(&statement.read_by);
        if let Some((key, compiled)) = &statement.compiled
            && *key == environment.key
            && !compiled.reads_files()
        {
            return Ok(Some(compiled.clone()));
        }
        // A failed transaction's end needs no schema.
        if self.transaction.is_failed()
            && let Some((_, compiled)) = &statement.compiled
        {
            return Ok(Some(compiled.clone()));
        }
        // Parameter types are part of the promise that Parse made.
        let text = statement.text.clone();
        let params: Arc<[Oid]> = if statement.params.len() >= statement.given.len() {
            statement.params.iter().map(|ty| ty.oid).collect()
        } else {
            statement.given.clone()
        };
        let compiled = self.compile_for(&environment, &text, index, &params)?;
        let fields = self.columns(&compiled)?.map(|(fields, _)| fields);
        let statement = self.statements.get_mut(name)?;
        if !same_result(statement.fields.as_deref(), fields.as_deref()) {
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, "cached plan must not change result type"));
        }
        statement.compiled = Some((environment.key.clone(), compiled.clone()));
        Ok(Some(compiled))
    }

    /// Bind. Formats are as on the wire: none, one for all, or one each.
    pub async fn bind(
        &mut self,
        portal: &str,
        statement: &str,
        param_formats: Vec<i16>,
        values: Vec<Option<Bytes>>,
        result_formats: Vec<i16>,
    ) -> Result<()> {
        let mut done = self.audit_begin(None).await;
        // The portal that takes this name's place is no reason to keep a snapshot.
        if portal.is_empty() {
            drop(self.portals.take(""));
        }
        if done.is_ok() {
            done = self.take_snapshot().await;
        }
        if done.is_ok() {
            done = self.make_portal(portal, statement, &param_formats, &values, &result_formats);
        }
        self.audit_part(&done);
        self.or_abort(done).await
    }

    fn make_portal(
        &mut self,
        name: &str,
        statement_name: &str,
        param_formats: &[i16],
        values: &[Option<Bytes>],
        result_formats: &[i16],
    ) -> Result<()> {
        let text = self.statements.get(statement_name)?.text.clone();
        self.audit_text(&text, 0);
        self.begin_statement(&text.text)?;
        self.open_implicit();
        let compiled = self.revalidate(statement_name)?;
        if let Some(compiled) = &compiled
            && self.transaction.is_failed()
            && !ends_failed(compiled)
        {
            return Err(transaction::aborted());
        }
        self.portals.check_new(name, self.gateway.limits().portals)?;
        let snapshot = self.snapshot();
        let seen = self.seen().over(snapshot);
        let settings = self.output_settings();
        let statement = self.statements.get(statement_name)?;
        let values = bind::decode(statement_name, name, &statement.params, param_formats, values, &settings, &seen)?;
        let columns = match &compiled {
            Some(compiled) => self.columns(compiled)?,
            None => None,
        };
        let width = columns.as_ref().map_or(0, |(fields, _)| fields.len());
        let wrong = |n| format!("bind message has {n} result formats but query has {width} columns");
        // Formats for a statement that gives no rows are not looked at, as in PostgreSQL.
        let codes = match &columns {
            Some(_) => formats(result_formats, width, wrong)?,
            None => Vec::new(),
        };
        let shape = columns.map(|(fields, phys)| RowShape { fields, phys, formats: codes.clone() });
        let created = SystemTime::now();
        if !name.is_empty() {
            let row = CursorRow {
                name: name.to_owned(),
                statement: text.text.to_string(),
                is_holdable: false,
                is_binary: codes.contains(&1),
                is_scrollable: false,
                creation_time: created,
            };
            self.shared.state.lock().cursors.insert(name.to_owned(), row);
        }
        let (state, number) = (PortalState::Ready, self.portals.next_number());
        let portal = Portal { text, compiled, values, formats: codes, shape, state, cursor: None, number };
        self.portals.put(name, portal);
        Ok(())
    }

    /// Describe of a statement: ParameterDescription and RowDescription (formats unknown: 0) or NoData.
    pub async fn describe_statement(&mut self, name: &str) -> Result<(Vec<Oid>, Option<Vec<Field>>)> {
        self.open_implicit();
        let described = match self.audit_begin(None).await {
            Ok(()) => self.describe_prepared(name),
            Err(error) => Err(error),
        };
        self.audit_part(&described);
        self.or_abort(described).await
    }

    fn describe_prepared(&mut self, name: &str) -> Result<(Vec<Oid>, Option<Vec<Field>>)> {
        if let Ok(statement) = self.statements.get(name) {
            let text = statement.text.clone();
            self.audit_text(&text, 0);
        }
        self.revalidate(name)?;
        let statement = self.statements.get(name)?;
        if self.transaction.is_failed() && statement.fields.is_some() {
            return Err(transaction::aborted());
        }
        Ok((statement.params.iter().map(|ty| ty.oid).collect(), statement.fields.clone()))
    }

    /// Describe of a portal: RowDescription or NoData.
    pub async fn describe_portal(&mut self, name: &str) -> Result<Option<RowShape>> {
        self.open_implicit();
        let failed = self.transaction.is_failed();
        let described = self.portals.get(name).and_then(|portal| match &portal.shape {
            Some(_) if failed => Err(transaction::aborted()),
            shape => Ok(shape.clone()),
        });
        self.or_abort(described).await
    }

    /// Execute. The session sends rows and CommandComplete, PortalSuspended or EmptyQueryResponse.
    pub async fn execute(&mut self, portal: &str, max_rows: Option<NonZeroU32>, front: &mut dyn Front) -> Result<()> {
        let done = self.execute_portal(portal, max_rows, front).await;
        let done = self.leave_place(done);
        match &done {
            // The empty statement.
            Ok(None) => self.record = None,
            Ok(Some(done)) => self.audit_done(Ok(done)),
            Err(error) => self.audit_done(Err(error)),
        }
        match self.or_abort(done).await? {
            None => front.empty(),
            Some(Done::Tag(tag)) => front.complete(&tag),
            Some(Done::Suspended) => front.suspended(),
        }
        Ok(())
    }

    async fn execute_portal(
        &mut self,
        name: &str,
        max_rows: Option<NonZeroU32>,
        front: &mut dyn Front,
    ) -> Result<Option<Done>> {
        let named = self.portals.get(name).map(|portal| (portal.text.clone(), portal.compiled.clone()));
        if let Ok((text, Some(_))) = &named {
            self.begin_statement(&text.text)?;
        }
        self.audit_begin(Some(&mut *front)).await?;
        let (text, Some(compiled)) = named? else { return Ok(None) };
        self.audit_text(&text, 0);
        self.audit_access(&compiled.access);
        self.open_implicit();
        self.take_place(&Ok(compiled.clone()))?;
        if self.transaction.is_failed() && !ends_failed(&compiled) {
            return Err(transaction::aborted());
        }
        let mut portal = self.portals.take(name).ok_or_else(|| Error::internal("the portal is gone"))?;
        let done = match self.run_portal(name, &mut portal, &compiled, max_rows, front).await {
            Ok(done) => done,
            Err(error) => {
                // Its name stays until ROLLBACK: who asks for it again is told that the transaction has failed.
                if self.transaction.in_block() {
                    portal.state = PortalState::Done { rows: false };
                    self.portals.put(name, portal);
                }
                return Err(error);
            }
        };
        self.check_immediate().await?;
        // A portal that ended its transaction is gone with it.
        if self.transaction.active().is_some() || portal.cursor.is_some_and(|c| !c.of_transaction) {
            self.portals.put(name, portal);
        }
        Ok(Some(done))
    }

    async fn run_portal(
        &mut self,
        name: &str,
        portal: &mut Portal,
        compiled: &Arc<Compiled>,
        max_rows: Option<NonZeroU32>,
        front: &mut dyn Front,
    ) -> Result<Done> {
        let limit = max_rows.map(|n| u64::from(n.get()));
        let plan = match &compiled.body {
            CompiledBody::Plan(plan) => Some(plan),
            CompiledBody::CopyIn { .. }
            | CompiledBody::CopyOut { .. }
            | CompiledBody::Explain { .. }
            | CompiledBody::Ddl(_)
            | CompiledBody::CreateTableAs { .. }
            | CompiledBody::Utility(_) => None,
        };
        match (&portal.state, plan) {
            (PortalState::Ready, Some(plan)) => {
                if let Some(done) = self.open_portal(portal, plan, &compiled.params, limit.is_some(), front).await? {
                    return Ok(done);
                }
            }
            (PortalState::Ready, None) => {
                let values = std::mem::take(&mut portal.values);
                let codes = portal.formats.clone();
                let rows = portal.shape.is_some();
                let origin = Origin::new(portal.text.clone(), 0);
                let done = self.run(compiled, &origin, &values, &codes, front, false, Alone::No).await?;
                portal.state = PortalState::Done { rows };
                return Ok(done);
            }
            (PortalState::Done { rows: false }, _) => {
                let message = format!("portal \"{name}\" cannot be run");
                return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message));
            }
            (PortalState::Open(_) | PortalState::Done { rows: true }, _) => {}
        }
        self.read_portal(portal, plan, limit, front).await
    }

    /// The first Execute of a query. Gives the tag at once if there are no rows to read.
    async fn open_portal(
        &mut self,
        portal: &mut Portal,
        plan: &Plan,
        params: &[PgType],
        limited: bool,
        front: &mut dyn Front,
    ) -> Result<Option<Done>> {
        let origin = Origin::new(portal.text.clone(), 0);
        let (started, wide) = self.open_plan(&origin, plan, params, &portal.values, front, Alone::No).await?;
        if let (Some(wide), Some(shape)) = (wide, &mut portal.shape) {
            shape.phys = wide.phys;
        }
        match started {
            Started::Rows(mut open) => {
                // A change is carried out whole, however few of its rows the client asks for.
                if limited && plan.command != Command::Select {
                    let mut batches: Vec<_> = open.batch.take().map(|(batch, _)| batch).into_iter().collect();
                    while let Some(batch) = self.next_batch(&mut open, front).await? {
                        batches.push(batch);
                    }
                    open = OpenRows::kept(batches, open.settings);
                }
                portal.state = PortalState::Open(open);
                Ok(None)
            }
            Started::Changed(rows) => {
                portal.state = PortalState::Done { rows: false };
                Ok(Some(Done::Tag(row_tag(plan.command, rows))))
            }
        }
    }

    async fn read_portal(
        &mut self,
        portal: &mut Portal,
        plan: Option<&Plan>,
        limit: Option<u64>,
        front: &mut dyn Front,
    ) -> Result<Done> {
        let command = plan.map_or(Command::Select, |plan| plan.command);
        let PortalState::Open(open) = &mut portal.state else {
            return Done::tag(row_tag(command, 0));
        };
        let shape = match (&portal.shape, plan) {
            (Some(found), _) => found.clone(),
            (None, Some(plan)) => shape(plan, portal.formats.clone()),
            (None, None) => return Err(Error::internal("rows without a shape")),
        };
        let sent = match plan {
            Some(plan) => self.deliver(open, &shape, front, limit, plan).await?,
            None => self.send_rows(open, &shape, front, true, limit).await?,
        };
        // Exactly as many as were asked for: as in PostgreSQL, the end is found by the next Execute.
        if limit == Some(sent) {
            open.suspend();
            return Ok(Done::Suspended);
        }
        portal.state = PortalState::Done { rows: true };
        Done::tag(row_tag(command, sent))
    }

    /// Close of a statement: none of that name is no error.
    pub async fn close_statement(&mut self, name: &str) -> Result<()> {
        self.deallocate(name);
        Ok(())
    }

    pub(super) fn deallocate(&mut self, name: &str) -> bool {
        self.shared.state.lock().prepared.remove(name);
        self.statements.remove(name)
    }

    /// Close of a portal: none of that name is no error.
    pub async fn close_portal(&mut self, name: &str) -> Result<()> {
        self.shared.state.lock().cursors.remove(name);
        drop(self.portals.take(name));
        Ok(())
    }

    /// Sync: ends the implicit transaction, also after an error of this cycle. An error here is a failed COMMIT: the
    /// front end sends it, then goes on to [`Session::ready`].
    pub async fn sync(&mut self, _front: &mut dyn Front) -> Result<()> {
        let done = self.end_implicit().await;
        if let Err(error) = &done {
            self.audit_commit(error);
        }
        done
    }

    async fn or_abort<T>(&mut self, done: Result<T>) -> Result<T> {
        if done.is_err() {
            self.abort().await;
        }
        done
    }
}

/// Whether a client that described the statement before may go on reading it.
fn same_result(a: Option<&[Field]>, b: Option<&[Field]>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.ty == b.ty && a.name == b.name),
        (None, None) => true,
        _ => false,
    }
}
