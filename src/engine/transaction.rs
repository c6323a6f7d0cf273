//! How a connection's transaction ends.

use std::sync::Arc;

use super::aside::Aside;
use super::commits::Written;
use super::error::Translate;
use super::link::{Held, Transaction, Work};
use crate::error::{Error, Result, SqlState};

/// Reads aside what DuckDB still streams on this connection: it has room for one open result.
pub(super) fn make_way(held: &Arc<Held>, work: &mut Work) {
    if let Some(open) = std::mem::take(&mut work.open).upgrade() {
        open.set_aside(held, Aside::new(held.shared.config.temp_directory.as_deref()));
    }
}

pub(super) fn commit_work(held: &Arc<Held>, work: &mut Work) -> Result<()> {
    make_way(held, work);
    let before = std::mem::replace(&mut work.transaction, Transaction::None);
    match before {
        Transaction::None | Transaction::Begun(_) => Ok(()),
        Transaction::Failed => {
            held.roll_back()?;
            Err(aborted())
        }
        Transaction::Active => {
            let touched = std::mem::take(&mut work.touched);
            let writes = !touched.is_empty();
            let _writing = writes.then(|| held.shared.data.write(touched));
            let _reserve = writes.then(|| held.shared.checkpoints.reserve().take());
            let committing = held.shared.commits.begin(std::mem::take(&mut work.written), work.moment.take());
            let committed = committing.and_then(|_committing| held.raw.commit().translated());
            if committed.is_err() {
                // DuckDB has rolled back already in most cases; where it has, this fails without harm.
                drop(held.roll_back());
            } else if writes {
                held.shared.checkpoints.committed();
            }
            committed
        }
    }
}

pub(super) fn rollback_work(held: &Arc<Held>, work: &mut Work) -> Result<()> {
    if let Some(open) = std::mem::take(&mut work.open).upgrade() {
        open.close(held);
    }
    let writes = !std::mem::take(&mut work.touched).is_empty();
    let _reserve = writes.then(|| held.shared.checkpoints.reserve().take());
    work.written = Written::default();
    let before = std::mem::replace(&mut work.transaction, Transaction::None);
    match before {
        Transaction::None | Transaction::Begun(_) => Ok(()),
        Transaction::Active | Transaction::Failed => held.roll_back(),
    }
}

pub(super) fn aborted() -> Error {
    Error::new(
        SqlState::IN_FAILED_SQL_TRANSACTION,
        "current transaction is aborted, commands ignored until end of transaction block",
    )
}
