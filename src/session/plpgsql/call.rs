//! Calls of PL/pgSQL functions: made before the statement that they stand in, one after the other.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future::BoxFuture;

use super::frame::Frame;
use super::machine::Machine;
use super::returns::Returns;
use crate::engine::budget::RowMemory;
use crate::error::{Error, Result};
use crate::observe::audit::Access;
use crate::registry::{Function, Name};
use crate::session::execute::{Alone, Started, shaped_params};
use crate::session::front::Front;
use crate::session::plan_cache::Origin;
use crate::session::session::Session;
use crate::session::settings::Scope;
use crate::sql::calls::Given;
use crate::sql::lower::Decimals;
use crate::sql::parse::plpgsql;
use crate::sql::parse::too_deep;
use crate::sql::{Call, Command, Plan};
use crate::types::{self, PgType, Value};

/// How deep calls may be inside each other.
const MAX_CALLS: usize = 200;

/// How much of the stack must be left for a call, and how much is added where it is not: each call takes its part, here and in
/// all that its statements go through.
const RED_ZONE: usize = 2 << 20;
const MORE_STACK: usize = 16 << 20;

/// A future that is polled with enough stack.
struct Grown<'a, T>(BoxFuture<'a, T>);

impl<T> Future for Grown<'_, T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        stacker::maybe_grow(RED_ZONE, MORE_STACK, || self.0.as_mut().poll(cx))
    }
}

/// Tables and sequences by their names.
type Names = BTreeSet<(Name, Name)>;

/// What functions have read and written on behalf of a statement.
#[derive(Debug, Default)]
pub(in crate::session) struct Inside {
    read: Names,
    written: Names,
}

impl Inside {
    pub fn note(&mut self, access: &Access) {
        for object in access.objects.iter().filter(|object| !object.schema.is_empty()) {
            for privilege in &object.privileges {
                let key = (object.schema.clone(), object.name.clone());
                match privilege.word {
                    "SELECT" => self.read.insert(key),
                    "EXECUTE" => false,
                    _ => self.written.insert(key),
                };
            }
        }
    }

    fn take(&mut self, other: Self) {
        self.read.extend(other.read);
        self.written.extend(other.written);
    }

    /// The statement has one snapshot in PostgreSQL, from before its functions changed anything: here it would see that.
    fn may_stand_in(&self, access: &Access, several: bool) -> Result<()> {
        for object in &access.objects {
            let key = (object.schema.clone(), object.name.clone());
            for privilege in &object.privileges {
                let meets = match privilege.word {
                    "EXECUTE" => false,
                    // Its own rows are added behind those of the function; where they are several, PostgreSQL takes turns.
                    "INSERT" => several && (self.read.contains(&key) || self.written.contains(&key)),
                    _ => self.written.contains(&key),
                };
                if meets {
                    let what =
                        format!("a call of a function that changes \"{}\", beside a statement that uses it", key.1);
                    return Err(Error::unsupported(what).hint("Call the function by itself first."));
                }
            }
        }
        Ok(())
    }
}

/// What a function's call has put aside.
struct Outside {
    definer: Option<crate::types::Oid>,
    settings: Vec<(Name, Option<String>)>,
    block_depth: usize,
    savepoints: usize,
    entered: bool,
}

impl Session {
    /// Makes the calls of a plan, and compiles it with what they gave.
    pub(in crate::session) fn make_calls<'a>(
        &'a mut self,
        origin: &'a Origin,
        plan: &'a Plan,
        params: &'a [PgType],
        values: &'a [Value],
        front: &'a mut dyn Front,
    ) -> BoxFuture<'a, Result<(Origin, Plan)>> {
        Box::pin(Grown(Box::pin(async move {
            let around = std::mem::take(&mut self.inside);
            let made = self.each_call(origin, plan, params, values, front).await;
            let own = std::mem::replace(&mut self.inside, around);
            let (origin, plan, several) = made?;
            own.may_stand_in(plan.permit.access(), several)?;
            if self.call_depth > 0 {
                self.inside.take(own);
            }
            Ok((origin, plan))
        })))
    }

    async fn each_call(
        &mut self,
        origin: &Origin,
        plan: &Plan,
        params: &[PgType],
        values: &[Value],
        front: &mut dyn Front,
    ) -> Result<(Origin, Plan, bool)> {
        let (mut origin, shaped) = (origin.clone(), shaped_params(values));
        let mut several = false;
        let mut plan = match shaped.is_empty() {
            true => plan.clone(),
            false => self.compile_anew(&origin, params, shaped.clone(), Decimals::Fast)?,
        };
        while let Some(call) = plan.call.take() {
            several |= call.several;
            let args = match &call.args {
                Some(args) => self.arguments(args, values, &mut *front).await?,
                None => Vec::new(),
            };
            let given = self.call(&call, args, &mut *front).await?;
            origin.given = origin.given.iter().cloned().chain([given]).collect();
            self.shared.interrupt.check()?;
            plan = self.compile_anew(&origin, params, shaped.clone(), Decimals::Fast)?;
        }
        Ok((origin, plan, several))
    }

    /// The row that a plan gives.
    async fn arguments(
        &mut self,
        plan: &Plan,
        values: &[Value],
        front: &mut dyn Front,
    ) -> Result<Vec<(PgType, Value)>> {
        let Started::Rows(mut open) = self.try_open(plan, values, &mut *front, Alone::No).await? else {
            return Err(Error::internal("arguments without a row"));
        };
        let mut row = None;
        let mut next = open.batch.take().map(|(batch, _)| batch);
        loop {
            let batch = match next.take() {
                Some(batch) => batch,
                None if open.at_end => break,
                None => match self.next_batch(&mut open, &mut *front).await? {
                    Some(batch) => batch,
                    None => break,
                },
            };
            if batch.num_rows() > 0 && row.is_none() {
                let columns = batch.columns().iter().zip(&plan.phys).zip(&plan.fields);
                let value = |((array, phys), field): ((&arrow::array::ArrayRef, &types::Phys), &crate::tree::Field)| {
                    (field.ty, types::arrow::value_at(array.as_ref(), 0, phys))
                };
                row = Some(columns.map(value).collect());
            }
        }
        self.pass_notices(front);
        row.ok_or_else(|| Error::internal("arguments without a row"))
    }

    /// Runs a function.
    async fn call(&mut self, call: &Call, args: Vec<(PgType, Value)>, front: &mut dyn Front) -> Result<Given> {
        let function = &call.function;
        if function.strict && args.iter().any(|(_, value)| *value == Value::Null) {
            return Ok(if function.returns_set { Given::Rows(Vec::new()) } else { Given::Value(Value::Null) });
        }
        if self.call_depth >= MAX_CALLS {
            return Err(too_deep());
        }
        let source = function.body.source.as_deref().unwrap_or_default();
        let block = plpgsql::parse_function(source, function).map_err(|mut error| {
            error.report_mut().position = None;
            match error.report().context {
                Some(_) => error,
                None => error.context(format!("compilation of PL/pgSQL function \"{}\"", function.name)),
            }
        })?;
        self.call_depth += 1;
        let outside = self.enter(function);
        let volatile = function.procedure || function.volatility == b'v';
        let frame = Frame { name: self.shown_function(function), depth: self.call_depth, volatile };
        let done = match &outside {
            Ok(_) => {
                let parameters = function.parameters.iter().enumerate();
                let outputs = parameters.filter(|(_, p)| p.mode.is_output()).map(|(n, _)| n).collect();
                let (ty, columns) = (call.result, call.columns.clone());
                let returns =
                    Returns { ty, columns, outputs, value: None, rows: Vec::new(), memory: RowMemory::default() };
                let mut machine = Machine::new(self, front, frame, Some(returns));
                machine.function(function, &block, args).await
            }
            Err(error) => Err(error.clone()),
        };
        if let Ok(outside) = outside {
            self.leave(outside);
        }
        self.call_depth -= 1;
        done
    }

    /// The function as errors show it: with its namespace where it is not found without it.
    fn shown_function(&self, function: &Function) -> Arc<str> {
        let seen = self.seen();
        let types = function.args.iter().map(|ty| types::name::format_type(PgType::new(*ty), &seen));
        let types = types.collect::<Vec<_>>().join(",");
        let quote = crate::registry::expression::quote;
        let first = seen.path.iter().find(|n| seen.snapshot.function(n, &function.name, &function.args).is_some());
        let visible = first == Some(&function.namespace) && !function.is_temporary();
        let namespace = if visible { String::new() } else { format!("{}.", quote(&function.namespace)) };
        format!("{namespace}{}({types})", quote(&function.name)).into()
    }

    /// Takes the rights and the settings that a function runs with.
    fn enter(&mut self, function: &Function) -> Result<Outside> {
        let entered = self.transaction.enter_block();
        let savepoints = self.transaction.active().map_or(0, |active| active.savepoints.len());
        let block_depth = std::mem::replace(&mut self.block_depth, 0);
        let mut state = self.shared.state.lock();
        let definer = state.definer;
        if function.definer {
            state.definer = Some(function.owner);
            state.resolve_roles();
        }
        let mut outside = Outside { definer, settings: Vec::new(), block_depth, savepoints, entered };
        let mut settings = function.settings.clone();
        let has_path = settings.iter().any(|(name, _)| &**name == "search_path");
        if function.definer && !has_path {
            // Who calls it must not choose what its names mean: they are looked for where its maker would have found them.
            let quote = crate::registry::expression::quote;
            let path = function.body.search_path.iter().filter(|name| &***name != "pg_catalog");
            let path: Vec<_> = path.map(|name| quote(name)).chain(["pg_temp".to_owned()]).collect();
            settings.push(("search_path".into(), path.join(", ")));
        }
        for (name, value) in &settings {
            let before = state.settings.get(name);
            if let Err(error) = state.set(name, Some(value), Scope::Local) {
                drop(state);
                self.leave(outside);
                return Err(error);
            }
            outside.settings.push((name.clone(), before));
        }
        Ok(outside)
    }

    fn leave(&mut self, outside: Outside) {
        let Outside { definer, settings, block_depth, savepoints, entered } = outside;
        self.block_depth = block_depth;
        let mut state = self.shared.state.lock();
        for (name, before) in settings.iter().rev() {
            if let Err(error) = state.set(name, before.as_deref(), Scope::Local) {
                tracing::warn!(%error, %name, "a setting is not as it was before a function");
            }
        }
        state.definer = definer;
        state.resolve_roles();
        drop(state);
        // After an error some of its own may be left.
        if let Some(active) = self.transaction.held_mut() {
            active.savepoints.truncate(savepoints);
        }
        if entered {
            self.transaction.leave_block();
        }
    }
}

/// Has it nothing to run but its calls? A procedure without outputs.
pub(in crate::session) fn is_only_a_call(plan: &Plan) -> bool {
    plan.command == Command::Call && plan.fields.is_empty()
}
