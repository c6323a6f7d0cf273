//! Limits per role: how many statements run at once and begin in a second, how much a result or a load may have.
//!
//! The limits are settings that only superusers set (ALTER ROLE … SET duckgate.…, or a role's settings in a schema file); they are
//! those of who logged in, whatever role the session takes on. What is counted over all sessions of a role is counted here.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::session::Session;
use crate::error::{Error, Report, Result, SqlState};
use crate::sql::{Compiled, CompiledBody};
use crate::tree::Utility;
use crate::types::Oid;

/// Bytes that an error may have whatever the limit of results is: it has to be understood.
const LEAST_OF_AN_ERROR: usize = 1000;

/// The limits of one session; `None` is no limit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Quotas {
    /// Statements of the role that run at once.
    pub running: Option<u64>,
    pub statement_time: Option<Duration>,
    /// Rows and bytes of one statement's result.
    pub rows: Option<u64>,
    pub result_bytes: Option<u64>,
    /// Rows that one COPY FROM may bring.
    pub load_rows: Option<u64>,
    pub statements_per_second: Option<u64>,
    pub bytes_per_second: Option<u64>,
}

/// What the sessions of one role use up together.
#[derive(Debug, Default)]
struct Usage {
    running: AtomicU64,
    rates: Mutex<Rates>,
}

#[derive(Debug, Default)]
struct Rates {
    statements: Bucket,
    bytes: Bucket,
}

/// A token bucket that holds what comes in one second. It can go into debt.
#[derive(Debug, Default)]
struct Bucket {
    /// `None`: full.
    left: Option<(f64, Instant)>,
}

impl Bucket {
    /// What is in it now, and what it can hold.
    fn left(&self, rate: u64, now: Instant) -> f64 {
        let most = (rate as f64).max(1.0);
        match self.left {
            None => most,
            Some((left, at)) => (left + now.saturating_duration_since(at).as_secs_f64() * rate as f64).min(most),
        }
    }

    fn take(&mut self, amount: f64, rate: u64, now: Instant) {
        self.left = Some((self.left(rate, now) - amount, now));
    }
}

/// The usage of all roles that have limits, by OID.
#[derive(Debug, Default)]
pub struct Usages(Mutex<HashMap<Oid, Arc<Usage>>>);

impl Usages {
    fn of(&self, role: Oid) -> Arc<Usage> {
        self.0.lock().entry(role).or_default().clone()
    }
}

/// A statement's place among those of its role that run at once.
pub struct Place(Arc<Usage>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A limit was reached (53400); the hint names it.
pub fn exceeded(message: impl Into<String>, limit: &str) -> Error {
    Error::new(SqlState::CONFIGURATION_LIMIT_EXCEEDED, message)
        .hint(format!("{limit} sets the limit; a superuser can change it with ALTER ROLE … SET {limit}."))
}

/// The end of a transaction is let through whatever the limits are.
fn ends_transaction(compiled: &Compiled) -> bool {
    match &compiled.body {
        CompiledBody::Utility(utility) => matches!(
            utility,
            Utility::Commit { .. } | Utility::Rollback { .. } | Utility::RollbackTo(_) | Utility::ReleaseSavepoint(_)
        ),
        CompiledBody::Plan(_)
        | CompiledBody::CopyIn { .. }
        | CompiledBody::CopyOut { .. }
        | CompiledBody::Explain { .. }
        | CompiledBody::Ddl(_)
        | CompiledBody::CreateTableAs { .. } => false,
    }
}

impl Session {
    fn quotas(&self) -> Arc<Quotas> {
        self.shared.state.lock().settings.acting().quotas.clone()
    }

    /// A statement is about to run, or failed to compile: takes its place among its role's.
    pub(super) fn take_place(&mut self, compiled: &Result<Arc<Compiled>>) -> Result<()> {
        self.place = None;
        let quotas = self.quotas();
        let Quotas { running, statements_per_second, bytes_per_second, .. } = &*quotas;
        if (running.is_none() && statements_per_second.is_none() && bytes_per_second.is_none())
            || compiled.as_ref().is_ok_and(|compiled| ends_transaction(compiled))
        {
            return Ok(());
        }
        let usage = self.gateway.usages.of(self.shared.state.lock().authenticated);
        let user = &self.shared.user;
        let now = Instant::now();
        let mut rates = usage.rates.lock();
        if let Some(rate) = *bytes_per_second {
            let left = rates.bytes.left(rate, now);
            if left <= 0.0 {
                let pause = -left / rate as f64;
                let message = format!("role \"{user}\" has received more than {rate} bytes per second");
                let error = exceeded(message, "duckgate.bytes_per_second");
                return Err(error.detail(format!("Its next statement can begin in {pause:.1} seconds.")));
            }
        }
        if let Some(rate) = *statements_per_second {
            if rates.statements.left(rate, now) < 1.0 {
                let message = format!("role \"{user}\" begins more than {rate} statements per second");
                return Err(exceeded(message, "duckgate.statements_per_second"));
            }
            rates.statements.take(1.0, rate, now);
        }
        drop(rates);
        if let Some(most) = *running {
            let before = usage.running.fetch_add(1, Ordering::Relaxed);
            let place = Place(usage);
            if before >= most {
                let message = format!("role \"{user}\" runs {most} statements already");
                return Err(exceeded(message, "duckgate.max_running"));
            }
            self.place = Some(place);
        }
        Ok(())
    }

    /// The statement is over: gives its place back, and pays for what was sent. Its error says which limit it met.
    pub(super) fn leave_place<T>(&mut self, done: Result<T>) -> Result<T> {
        self.place = None;
        let quotas = self.quotas();
        // An error says what the statement lets it say, values too.
        let done = done.map_err(|mut error| {
            if let Some(most) = quotas.result_bytes {
                error.report_mut().shorten(usize::try_from(most).unwrap_or(usize::MAX).max(LEAST_OF_AN_ERROR));
            }
            self.meter.sent += error.report().bytes() as u64;
            error
        });
        if let Some(rate) = quotas.bytes_per_second
            && self.meter.sent > 0
        {
            let usage = self.gateway.usages.of(self.shared.state.lock().authenticated);
            usage.rates.lock().bytes.take(self.meter.sent as f64, rate, Instant::now());
        }
        done.map_err(|error| match quotas.statement_time {
            Some(_) if self.role_deadline && is_timeout(&error) => error.hint(
                "duckgate.max_statement_time sets the limit; a superuser can change it with ALTER ROLE … SET duckgate.max_statement_time.",
            ),
            _ => error,
        })
    }

    /// When the running statement is to stop, and whether that is the role's limit.
    pub(super) fn deadline_of(&self, timeout: Option<Duration>, now: Instant) -> (Option<Instant>, bool) {
        let own = self.quotas().statement_time;
        match (timeout, own) {
            (Some(timeout), Some(own)) if timeout <= own => (Some(now + timeout), false),
            (_, Some(own)) => (Some(now + own), true),
            (timeout, None) => (timeout.map(|timeout| now + timeout), false),
        }
    }

    /// After rows were sent: `position` is how many of the result there were, over all statements that read it.
    pub(super) fn check_result(&self, quotas: &Quotas, position: u64) -> Result<()> {
        if let Some(most) = quotas.rows
            && position > most
        {
            return Err(exceeded(format!("the result has more than {most} rows"), "duckgate.max_rows"));
        }
        self.check_bytes(quotas, 0)
    }

    /// Before so many bytes more are sent.
    pub(super) fn check_bytes(&self, quotas: &Quotas, more: usize) -> Result<()> {
        match quotas.result_bytes {
            Some(most) if self.meter.sent.saturating_add(more as u64) > most => Err(too_many_bytes(most)),
            Some(_) | None => Ok(()),
        }
    }

    /// What is told beside the result (RAISE) is sent, too.
    pub(super) fn count_told(&mut self, report: &Report) -> Result<()> {
        let bytes = report.bytes();
        self.check_bytes(&self.quotas(), bytes)?;
        self.meter.sent += bytes as u64;
        Ok(())
    }

    /// What the running statement may send.
    pub(super) fn result_quotas(&self) -> Arc<Quotas> {
        self.quotas()
    }
}

fn too_many_bytes(most: u64) -> Error {
    exceeded(format!("the result has more than {most} bytes"), "duckgate.max_result_bytes")
}

fn is_timeout(error: &Error) -> bool {
    error.code() == SqlState::QUERY_CANCELED && error.report().message.contains("statement timeout")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_a_second_and_goes_into_debt() {
        let (mut bucket, start) = (Bucket::default(), Instant::now());
        assert_eq!(bucket.left(10, start), 10.0);
        bucket.take(25.0, 10, start);
        assert_eq!(bucket.left(10, start), -15.0);
        assert!((bucket.left(10, start + Duration::from_millis(1600)) - 1.0).abs() < 1e-6);
        assert_eq!(bucket.left(10, start + Duration::from_secs(60)), 10.0);
    }
}
