//! The SQL of a block: compiled with its variables as parameters, and run as any statement.

use std::sync::Arc;

use arrow::record_batch::RecordBatch;

use super::machine::Machine;
use super::variables::Seen;
use crate::copy::Room;
use crate::engine::budget::RowMemory;
use crate::error::{Error, Result, SqlState};
use crate::session::execute::{Alone, Started};
use crate::session::front::{CopyInput, Front, RowShape};
use crate::session::plan_cache::{Origin, Text};
use crate::session::portals::OpenRows;
use crate::sql::parse::plpgsql::Fragment;
use crate::sql::parse::{self, Parsed};
use crate::sql::{Command, Compiled, CompiledBody, Plan};
use crate::tree::{Field, Utility};
use crate::types::{self, Oid, PgType, Phys, Value};

/// What is kept of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// It is a mistake to have one.
    Nowhere,
    /// Only how many rows there are.
    Nothing,
    /// As many rows, and how many there are of those.
    First(usize),
    All,
}

/// What a statement came to.
pub(super) struct Answer {
    pub fields: Vec<Field>,
    phys: Vec<Phys>,
    batches: Vec<RecordBatch>,
    memory: RowMemory,
    /// Rows given or changed.
    pub count: u64,
    /// A query or a change, and not another command.
    pub counts: bool,
    /// A change.
    pub changes: bool,
}

impl Answer {
    /// The rows that were kept.
    pub fn rows(&self) -> impl Iterator<Item = Vec<(PgType, Value)>> + '_ {
        self.batches.iter().flat_map(move |batch| {
            (0..batch.num_rows()).map(move |row| {
                let columns = batch.columns().iter().zip(&self.phys).zip(&self.fields);
                columns
                    .map(|((array, phys), field)| (field.ty, types::arrow::value_at(array.as_ref(), row, phys)))
                    .collect()
            })
        })
    }
}

impl Machine<'_> {
    /// An expression's value; NULL if it gives no row.
    pub async fn value(&mut self, expression: &Fragment) -> Result<(PgType, Value)> {
        self.field(expression).await.map(|(field, value)| (field.ty, value))
    }

    /// As [`Self::value`], with all that is known of its type.
    pub async fn field(&mut self, expression: &Fragment) -> Result<(Field, Value)> {
        let seen = self.scopes.seen(self.found);
        let answer = self.query(&expression.parsed, seen, Keep::First(2), None).await;
        let answer = answer.map_err(|error| of_expression(error, expression))?;
        let [field] = answer.fields.as_slice() else {
            let message = format!("query returned {} columns", answer.fields.len());
            return Err(Error::new(SqlState::SYNTAX_ERROR, message));
        };
        let field = field.clone();
        let mut rows = answer.rows();
        let first = rows.next().and_then(|row| row.into_iter().next());
        if rows.next().is_some() {
            return Err(Error::new(SqlState::CARDINALITY_VIOLATION, "query returned more than one row"));
        }
        let value = first.map_or(Value::Null, |(_, value)| value);
        Ok((field, value))
    }

    /// Runs a piece of SQL that sees these variables. `told`: the text that an error's context shows.
    pub async fn query(&mut self, parsed: &Parsed, seen: Seen, keep: Keep, told: Option<&str>) -> Result<Answer> {
        let told = |error: Error| match told {
            Some(text) => of_statement(error, text),
            None => error,
        };
        let Seen { names, types, values } = seen;
        let parsed = Parsed { variables: names.into(), ..parsed.clone() };
        let text = Arc::new(Text::new(parsed.source.text.clone(), vec![parsed]));
        let given: Arc<[Oid]> = types.iter().map(|ty| ty.oid).collect();
        self.session.shared.interrupt.check()?;
        self.session.take_snapshot().await?;
        let (_, compiled) = self.session.compile(&text, 0, &given).map_err(told)?;
        self.may_run(&compiled, &text.statements[0].text).map_err(told)?;
        if self.session.call_depth > 0 {
            self.session.inside.note(&compiled.access);
        }
        let origin = Origin::new(text, 0);
        let answer = match &compiled.body {
            CompiledBody::Plan(plan) if plan.command == Command::Call && !plan.fields.is_empty() => {
                return Err(Error::unsupported("CALL of a procedure with outputs in PL/pgSQL")
                    .hint("Make it a function, and use SELECT … INTO."));
            }
            CompiledBody::Plan(plan) if keep == Keep::Nowhere && !plan.fields.is_empty() => {
                return Err(no_destination(plan.command == Command::Select));
            }
            CompiledBody::Plan(plan) => self.plan(&origin, &compiled, plan, &values, keep).await.map_err(told)?,
            CompiledBody::CopyIn { options, .. } | CompiledBody::CopyOut { options, .. } if options.file.is_some() => {
                return Err(Error::unsupported("COPY with a file of the server in PL/pgSQL"));
            }
            CompiledBody::CopyIn { .. } | CompiledBody::CopyOut { .. } => {
                return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, "cannot COPY to/from client in PL/pgSQL"));
            }
            CompiledBody::Utility(utility) => {
                refuse_transaction(utility)?;
                self.command(&compiled, &origin, keep, told).await?
            }
            CompiledBody::Explain { .. } | CompiledBody::Ddl(_) | CompiledBody::CreateTableAs { .. } => {
                self.command(&compiled, &origin, keep, told).await?
            }
        };
        self.session.check_immediate().await.map_err(told)?;
        Ok(answer)
    }

    /// A function that says that it changes nothing must not (_SPI_execute_plan).
    fn may_run(&self, compiled: &Compiled, text: &str) -> Result<()> {
        if self.frame.volatile {
            return Ok(());
        }
        let word = match &compiled.body {
            CompiledBody::Plan(plan) => match plan.command {
                Command::Select if plan.target.is_none() => return Ok(()),
                Command::Select => "SELECT",
                Command::Insert => "INSERT",
                Command::Update => "UPDATE",
                Command::Delete => "DELETE",
                Command::Merge => "MERGE",
                Command::Call => "CALL",
            },
            CompiledBody::Explain { .. } => "EXPLAIN",
            CompiledBody::CopyIn { .. } | CompiledBody::CopyOut { .. } => "COPY",
            CompiledBody::Ddl(_) | CompiledBody::CreateTableAs { .. } | CompiledBody::Utility(_) => &command(text),
        };
        let message = format!("{word} is not allowed in a non-volatile function");
        Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message))
    }

    async fn plan(
        &mut self,
        origin: &Origin,
        compiled: &Compiled,
        plan: &Plan,
        values: &[Value],
        keep: Keep,
    ) -> Result<Answer> {
        self.session.audit_access(&compiled.access);
        let opened =
            self.session.open_plan(origin, plan, &compiled.params, values, &mut *self.front, Alone::No).await?;
        let (started, anew) = opened;
        let plan = anew.as_ref().unwrap_or(plan);
        let mut answer = Answer {
            fields: plan.fields.clone(),
            phys: plan.phys.clone(),
            batches: Vec::new(),
            memory: RowMemory::default(),
            count: 0,
            counts: plan.command != Command::Call,
            changes: !matches!(plan.command, Command::Select | Command::Call),
        };
        match started {
            Started::Changed(rows) => answer.count = rows,
            Started::Rows(open) => self.read(open, plan.writes, keep, &mut answer).await?,
        }
        self.session.pass_notices(&mut *self.front);
        Ok(answer)
    }

    async fn read(&mut self, mut open: OpenRows, writes: bool, keep: Keep, answer: &mut Answer) -> Result<()> {
        let most = self.session.gateway.limits().held_cursor_bytes;
        let mut next = open.batch.take().map(|(batch, _)| batch);
        loop {
            let batch = match next.take() {
                Some(batch) => batch,
                None if open.at_end => return Ok(()),
                None => match self.session.next_batch(&mut open, &mut *self.front).await? {
                    Some(batch) => batch,
                    None => return Ok(()),
                },
            };
            let rows = batch.num_rows() as u64;
            match keep {
                Keep::Nowhere | Keep::Nothing => answer.count += rows,
                Keep::First(first) => {
                    let left = (first as u64).saturating_sub(answer.count).min(rows);
                    answer.batches.push(batch.slice(0, left as usize));
                    answer.count += left;
                    // A change is carried out whole.
                    if answer.count >= first as u64 && !writes {
                        return Ok(());
                    }
                }
                Keep::All => {
                    answer.memory.take(batch.get_array_memory_size())?;
                    if answer.memory.bytes() > most {
                        let message = format!("the rows of a loop take more than {most} bytes");
                        return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message)
                            .hint("Have the query give fewer rows at a time, or raise limits.held_cursor_bytes."));
                    }
                    answer.count += rows;
                    answer.batches.push(batch);
                }
            }
        }
    }

    /// A command that is no plan. What it would tell the client goes nowhere.
    async fn command(
        &mut self,
        compiled: &Arc<Compiled>,
        origin: &Origin,
        keep: Keep,
        told: impl Fn(Error) -> Error,
    ) -> Result<Answer> {
        let mut quiet = Quiet { inner: &mut *self.front, rows: false };
        Box::pin(self.session.run(compiled, origin, &[], &[], &mut quiet, true, Alone::No)).await.map_err(told)?;
        if quiet.rows && keep == Keep::Nowhere {
            return Err(no_destination(false));
        }
        if quiet.rows && keep != Keep::Nothing {
            return Err(Error::unsupported("the result of a command that is no query, in PL/pgSQL"));
        }
        Ok(Answer {
            fields: Vec::new(),
            phys: Vec::new(),
            batches: Vec::new(),
            memory: RowMemory::default(),
            count: 0,
            counts: false,
            changes: false,
        })
    }
}

/// The words by which a command is called: `CREATE TABLE` of `create temp table t …`.
fn command(text: &str) -> String {
    let beside = ["temp", "temporary", "unlogged", "unique", "or", "replace", "global", "local"];
    let schema = ["create", "alter", "drop"];
    let words = text.split_whitespace().map(str::to_lowercase).filter(|word| !beside.contains(&&**word));
    let words: Vec<String> = words.take(2).collect();
    let many = words.first().is_some_and(|first| schema.contains(&&**first));
    words[..words.len().min(1 + usize::from(many))].join(" ").to_uppercase()
}

/// Where an error comes from a statement that went to the engine.
pub(super) fn of_statement(mut error: Error, text: &str) -> Error {
    let report = error.report_mut();
    // With a position, what fails is the text, and PostgreSQL shows that instead.
    if report.position.take().is_none() {
        let place = format!("SQL statement \"{text}\"");
        report.context = Some(report.context.take().map_or(place.clone(), |context| format!("{context}\n{place}")));
    }
    error
}

/// As [`of_statement`], of an expression that is more than its operators and calls (exec_simple_check_plan).
fn of_expression(mut error: Error, expression: &Fragment) -> Error {
    let reads =
        ["select", "from"].iter().any(|word| expression.parsed.tokens[1..].iter().any(|t| parse::is(Some(t), word)));
    let report = error.report_mut();
    if reads && report.position.is_none() {
        let place = format!("SQL expression \"{}\"", expression.text);
        report.context = Some(report.context.take().map_or(place.clone(), |context| format!("{context}\n{place}")));
    }
    error
}

fn no_destination(query: bool) -> Error {
    let error = Error::new(SqlState::SYNTAX_ERROR, "query has no destination for result data");
    if query { error.hint("If you want to discard the results of a SELECT, use PERFORM instead.") } else { error }
}

fn refuse_transaction(utility: &Utility) -> Result<()> {
    match utility {
        Utility::Begin { .. }
        | Utility::Commit { .. }
        | Utility::Rollback { .. }
        | Utility::Savepoint(_)
        | Utility::ReleaseSavepoint(_)
        | Utility::RollbackTo(_)
        | Utility::PrepareTransaction => {
            Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, "EXECUTE of transaction commands is not implemented"))
        }
        Utility::Discard(_) => Err(Error::unsupported("DISCARD in PL/pgSQL")),
        Utility::SetTransaction { .. }
        | Utility::Set { .. }
        | Utility::Reset { .. }
        | Utility::Show { .. }
        | Utility::SetRole { .. }
        | Utility::SetSessionAuthorization { .. }
        | Utility::Prepare { .. }
        | Utility::Execute { .. }
        | Utility::Deallocate { .. }
        | Utility::Declare { .. }
        | Utility::Fetch { .. }
        | Utility::CloseCursor { .. }
        | Utility::Do { .. }
        | Utility::Listen(_)
        | Utility::Unlisten(_)
        | Utility::Notify { .. }
        | Utility::Lock { .. }
        | Utility::Maintain { .. }
        | Utility::SetConstraints { .. } => Ok(()),
    }
}

/// A front end to which only notices, settings and notifications come through.
struct Quiet<'a> {
    inner: &'a mut dyn Front,
    /// There was a result.
    rows: bool,
}

impl Front for Quiet<'_> {
    fn row_description(&mut self, _: &RowShape, _: &dyn types::TypeLookup) -> Result<()> {
        self.rows = true;
        Ok(())
    }

    fn rows<'a>(
        &'a mut self,
        _: &'a RowShape,
        _: &'a types::OutputSettings,
        _: &'a (dyn types::TypeLookup + Send + Sync),
        _: &'a RecordBatch,
        _: usize,
        _: usize,
    ) -> futures::future::BoxFuture<'a, Result<()>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn complete(&mut self, _: &str) {}
    fn empty(&mut self) {}
    fn suspended(&mut self) {}

    fn notice(&mut self, report: &crate::error::Report) {
        self.inner.notice(report);
    }

    fn client_encoding(&mut self, encoding: types::encoding::Encoding) {
        self.inner.client_encoding(encoding);
    }

    fn parameter_status(&mut self, name: &str, value: &str) {
        self.inner.parameter_status(name, value);
    }

    fn notification(&mut self, pid: i32, channel: &str, payload: &str) {
        self.inner.notification(pid, channel, payload);
    }

    fn copy_in<'a>(&'a mut self, _: bool, _: usize) -> futures::future::BoxFuture<'a, Result<()>> {
        Box::pin(std::future::ready(Err(Error::unsupported("COPY in PL/pgSQL"))))
    }

    fn copy_read<'a>(&'a mut self, _: Option<Room<'a>>) -> futures::future::BoxFuture<'a, Result<CopyInput>> {
        Box::pin(std::future::ready(Err(Error::unsupported("COPY in PL/pgSQL"))))
    }

    fn copy_out(&mut self, _: bool, _: usize) {
        self.rows = true;
    }

    fn copy_write<'a>(&'a mut self, _: &'a [u8], _: &'a [usize]) -> futures::future::BoxFuture<'a, Result<()>> {
        Box::pin(std::future::ready(Err(Error::unsupported("COPY in PL/pgSQL"))))
    }

    fn copy_out_done(&mut self) {}

    fn sent(&self) -> u64 {
        self.inner.sent()
    }

    fn gone(&mut self) -> futures::future::BoxFuture<'_, ()> {
        self.inner.gone()
    }
}
