//! LOOP, WHILE and FOR.

use futures::FutureExt as _;

use super::machine::{Flow, Machine, statement};
use super::query::{Answer, Keep};
use super::variables::given;
use crate::engine::CancelReason;
use crate::error::{Error, Result, SqlState};
use crate::registry::Name;
use crate::sql::parse::plpgsql::{Fragment, LoopKind, Statement, Target};
use crate::types::{PgType, Value, oid};

/// Turns of loops after which it looks whether the client is still there.
const TURNS_UNLOOKED: u64 = 16;

impl Machine<'_> {
    pub(super) async fn loops(
        &mut self,
        label: Option<&Name>,
        kind: &LoopKind,
        body: &[Statement],
        line: u64,
    ) -> Result<Flow> {
        let frame = self.frame.clone();
        let fail = |what: &'static str| {
            let frame = &frame;
            move |error| frame.at(error, line, what)
        };
        match kind {
            LoopKind::Forever => loop {
                if let Some(flow) = self.turn(label, body).await? {
                    return Ok(flow);
                }
            },
            LoopKind::While(condition) => {
                while self.condition(condition).await.map_err(fail("at WHILE"))? {
                    if let Some(flow) = self.turn(label, body).await? {
                        return Ok(flow);
                    }
                }
                Ok(Flow::Next)
            }
            LoopKind::Integers { variable, reverse, from, to, by } => {
                let what = "at FOR with integer loop variable";
                let from = self.bound(Some(from), "lower bound").await.map_err(fail(what))?;
                let to = self.bound(Some(to), "upper bound").await.map_err(fail(what))?;
                let by = self.bound(by.as_ref(), "BY value").await.map_err(fail(what))?;
                if by <= 0 {
                    let message = "BY value of FOR loop must be greater than zero";
                    return Err(fail(what)(Error::new(SqlState::INVALID_PARAMETER_VALUE, message)));
                }
                let numbers = Numbers { next: Some(from), to, by: if *reverse { -by } else { by } };
                self.integers(label, variable, numbers, body).await
            }
            LoopKind::Array { targets, array } => {
                let what = "at FOREACH over array";
                let array = self.value(array).await.map_err(fail(what))?;
                self.each_item(label, targets, array, body, &fail(what)).await
            }
            LoopKind::Query { targets, query } => {
                let seen = self.scopes.seen(self.found);
                let what = "at FOR over SELECT rows";
                let answer = self.query(&query.parsed, seen, Keep::All, Some(&query.text)).await.map_err(fail(what))?;
                self.rows(label, targets, answer, body).await.map_err(fail(what))
            }
            LoopKind::Execute { targets, query, using } => {
                let what = "at FOR over EXECUTE statement";
                let (parsed, seen) = self.dynamic(query, using).await.map_err(fail(what))?;
                let answer = self.query(&parsed, seen, Keep::All, Some(&parsed.text)).await.map_err(fail(what))?;
                self.rows(label, targets, answer, body).await.map_err(fail(what))
            }
        }
    }

    async fn each_item(
        &mut self,
        label: Option<&Name>,
        targets: &[Target],
        (ty, array): (PgType, Value),
        body: &[Statement],
        fail: &(dyn Fn(Error) -> Error + Sync),
    ) -> Result<Flow> {
        let array = match array {
            Value::Array(array) => array,
            Value::Null => {
                let message = "FOREACH expression must not be null";
                return Err(fail(Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, message)));
            }
            _ => {
                let shown = crate::types::name::format_type(ty, &self.session.seen());
                let message = format!("FOREACH expression must yield an array, not type {shown}");
                return Err(fail(Error::new(SqlState::DATATYPE_MISMATCH, message)));
            }
        };
        let element = PgType::with(array.element, ty.typmod);
        let (mut ran, mut flow) = (false, Ok(None));
        for item in array.items {
            ran = true;
            let stored = match targets {
                [target] => self.assign(target, (element, item)).await,
                _ => Err(Error::unsupported("FOREACH into several variables")),
            };
            stored.map_err(fail)?;
            flow = self.turn(label, body).await;
            if !matches!(flow, Ok(None)) {
                break;
            }
        }
        self.found = ran;
        flow.map(|flow| flow.unwrap_or(Flow::Next))
    }

    /// One turn of a loop's body. Some: the loop is over, and it goes on there.
    async fn turn(&mut self, label: Option<&Name>, body: &[Statement]) -> Result<Option<Flow>> {
        // A loop that asks the engine nothing looks by itself whether it is to stop, and gives the thread to others.
        if let Some(stop) = self.session.shared.interrupt.stopping() {
            return Err(stop);
        }
        self.turns += 1;
        if self.turns.is_multiple_of(TURNS_UNLOOKED) {
            if self.front.gone().now_or_never().is_some() {
                return Err(CancelReason::ClientGone.error());
            }
            tokio::task::yield_now().await;
        }
        let own = |given: &Option<Name>| given.is_none() || given.as_ref() == label;
        Ok(match Box::pin(self.statements(body)).await? {
            Flow::Next => None,
            Flow::Exit(given) if own(&given) => Some(Flow::Next),
            Flow::Continue(given) if own(&given) => None,
            other => Some(other),
        })
    }

    async fn bound(&mut self, bound: Option<&Fragment>, what: &str) -> Result<i32> {
        let Some(bound) = bound else { return Ok(1) };
        let (ty, value) = self.value(bound).await?;
        let cast = statement("SELECT CAST($1 AS integer)")?;
        match self.cast(&cast, ty, value).await? {
            Value::Int4(value) => Ok(value),
            _ => Err(Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, format!("{what} of FOR loop cannot be null"))),
        }
    }

    async fn integers(
        &mut self,
        label: Option<&Name>,
        variable: &Name,
        numbers: Numbers,
        body: &[Statement],
    ) -> Result<Flow> {
        let outside = self.scopes.all.len();
        let mut ran = false;
        let mut flow = Ok(None);
        for number in numbers {
            ran = true;
            self.scopes.push(label.cloned());
            self.scopes.declare(variable.clone(), given(oid::INT4, Value::Int4(number)));
            flow = self.turn(label, body).await;
            self.scopes.all.truncate(outside);
            if !matches!(flow, Ok(None)) {
                break;
            }
        }
        self.found = ran;
        flow.map(|flow| flow.unwrap_or(Flow::Next))
    }

    async fn rows(
        &mut self,
        label: Option<&Name>,
        targets: &[Target],
        answer: Answer,
        body: &[Statement],
    ) -> Result<Flow> {
        let mut flow = Flow::Next;
        for row in answer.rows() {
            self.store(targets, &answer, Some(row)).await?;
            if let Some(end) = self.turn(label, body).await? {
                flow = end;
                break;
            }
        }
        if answer.count == 0 {
            self.store(targets, &answer, None).await?;
        }
        self.found = answer.count > 0;
        Ok(flow)
    }
}

/// The numbers of a FOR loop: up to, or with a negative step down to, `to`.
struct Numbers {
    next: Option<i32>,
    to: i32,
    by: i32,
}

impl Iterator for Numbers {
    type Item = i32;

    fn next(&mut self) -> Option<i32> {
        let number = self.next.filter(|n| if self.by > 0 { *n <= self.to } else { *n >= self.to })?;
        self.next = number.checked_add(self.by);
        Some(number)
    }
}
