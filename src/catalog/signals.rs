//! Functions with which sessions wait for each other and tell each other things: advisory locks and notifications.

use super::functions::{ask, volatile};
use crate::engine::Native;
use crate::engine::directory::{LockMode, LockScope, LockTag};
use crate::engine::vector::{TextList, native1, native2, native3, native4};
use crate::error::Result;

/// What the last argument of the locking natives says, in bits; sql::signatures::system writes it.
const EXCLUSIVE: i32 = 1;
const OF_TRANSACTION: i32 = 2;
const WITHOUT_WAITING: i32 = 4;

pub(super) fn natives() -> Vec<Native> {
    vec![
        volatile(native3::<i64, i64, i32, bool>("dg_advisory_key", |s, key, how| lock(s, LockTag::of_key(key), how))),
        volatile(native4::<i64, i32, i32, i32, bool>("dg_advisory_pair", |s, first, second, how| {
            lock(s, LockTag::of_pair(first, second), how)
        })),
        volatile(native3::<i64, i64, i32, bool>("dg_advisory_unlock_key", |s, key, how| {
            Ok(Some(ask(s)?.view.unlock(LockTag::of_key(key), mode(how))))
        })),
        volatile(native4::<i64, i32, i32, i32, bool>("dg_advisory_unlock_pair", |s, first, second, how| {
            Ok(Some(ask(s)?.view.unlock(LockTag::of_pair(first, second), mode(how))))
        })),
        volatile(native1::<i64, str>("dg_advisory_unlock_all", |s| {
            ask(s)?.view.unlock_all();
            Ok(Some(String::new()))
        })),
        volatile(native4::<i64, i64, i32, i64, bool>("dg_row_chosen", |s, execution, list, row| {
            Ok(Some(ask(s)?.view.has_chosen(execution, list, row)))
        })),
        volatile(native2::<i64, i32, TextList>("dg_blocking_pids", |s, pid| {
            Ok(Some(ask(s)?.view.blocking_pids(pid).into_iter().map(|pid| Some(pid.to_string())).collect()))
        })),
        volatile(native3::<i64, str, str, str>("dg_notify", |s, channel, payload| {
            ask(s)?.view.notify(channel, payload)?;
            Ok(Some(String::new()))
        })),
        volatile(native1::<i64, TextList>("dg_listening_channels", |s| {
            Ok(Some(ask(s)?.view.listening().into_iter().map(Some).collect()))
        })),
        volatile(native1::<i64, f64>("dg_notification_queue_usage", |s| {
            Ok(Some(ask(s)?.view.notification_queue_usage()))
        })),
    ]
}

fn mode(how: i32) -> LockMode {
    if how & EXCLUSIVE != 0 { LockMode::Exclusive } else { LockMode::Share }
}

fn lock(session: i64, tag: LockTag, how: i32) -> Result<Option<bool>> {
    let scope = if how & OF_TRANSACTION != 0 { LockScope::Transaction } else { LockScope::Session };
    ask(session)?.view.lock(tag, mode(how), scope, how & WITHOUT_WAITING == 0).map(Some)
}
