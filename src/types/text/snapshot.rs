//! pg_snapshot and txid_snapshot: `xmin:xmax:xip,xip …`, carried as that text.

use bytes::BufMut;

use super::super::binary::{insufficient, left_over};
use super::invalid_syntax;
use crate::error::{Error, Result, SqlState};

/// What a snapshot is: its two ends, and the transactions between them that were running.
fn checked(xmin: u64, xmax: u64, running: impl IntoIterator<Item = u64>) -> Option<(u64, u64, Vec<u64>)> {
    let sane = xmin != 0 && xmax != 0 && xmin <= xmax && xmax <= i64::MAX as u64;
    let mut kept: Vec<u64> = Vec::new();
    for xid in running {
        if !(xmin..xmax).contains(&xid) || kept.last().is_some_and(|last| *last > xid) {
            return None;
        }
        if kept.last() != Some(&xid) {
            kept.push(xid);
        }
    }
    sane.then_some((xmin, xmax, kept))
}

fn parts(text: &str) -> Option<(u64, u64, Vec<u64>)> {
    let mut parts = text.splitn(3, ':');
    let mut number = || parts.next()?.parse::<u64>().ok();
    let (xmin, xmax) = (number()?, number()?);
    let list = parts.next()?;
    let running = list.trim_end_matches(',').split(',').filter(|_| !list.is_empty());
    let running = running.map(|xid| xid.parse().ok()).collect::<Option<Vec<u64>>>()?;
    checked(xmin, xmax, running)
}

fn shown((xmin, xmax, running): (u64, u64, Vec<u64>)) -> String {
    let running: Vec<String> = running.iter().map(u64::to_string).collect();
    format!("{xmin}:{xmax}:{}", running.join(","))
}

/// `pg_snapshot_in`.
pub fn parse(text: &str) -> Result<String> {
    parts(text).map(shown).ok_or_else(|| invalid_syntax("pg_snapshot", text))
}

/// `pg_snapshot_recv`.
pub fn receive(data: &[u8]) -> Result<String> {
    let wrong = || Error::new(SqlState::INVALID_BINARY_REPRESENTATION, "invalid external pg_snapshot data");
    let (count, rest) = data.split_first_chunk::<4>().ok_or_else(insufficient)?;
    let count = usize::try_from(i32::from_be_bytes(*count)).map_err(|_| wrong())?;
    let length = count.saturating_add(2).saturating_mul(8);
    match rest.len().cmp(&length) {
        std::cmp::Ordering::Less => return Err(insufficient()),
        std::cmp::Ordering::Equal => {}
        std::cmp::Ordering::Greater => return Err(left_over()),
    }
    let mut numbers = rest.chunks_exact(8).map(|n| n.try_into().map_or(0, u64::from_be_bytes));
    let ends = numbers.next().zip(numbers.next());
    let found = ends.and_then(|(xmin, xmax)| checked(xmin, xmax, numbers));
    found.map(shown).ok_or_else(wrong)
}

/// `pg_snapshot_send`.
pub fn send(text: &str, out: &mut Vec<u8>) {
    let (xmin, xmax, running) = parts(text).unwrap_or((1, 1, Vec::new()));
    out.put_u32(running.len() as u32);
    out.put_u64(xmin);
    out.put_u64(xmax);
    running.into_iter().for_each(|xid| out.put_u64(xid));
}
