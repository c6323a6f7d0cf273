//! The locks themselves: holders, lines, circles.

use std::collections::{HashMap, HashSet};
use std::time::SystemTime;

use tokio::sync::oneshot;

use super::{Owner, Place};
use crate::engine::directory::{LockMode, LockRow, LockScope, LockTag};
use crate::error::{Error, Result, SqlState};
use crate::registry::builtin;
use crate::types::Oid;

#[derive(Default)]
pub(super) struct State {
    /// Only those that somebody holds or waits for.
    locks: HashMap<LockTag, Lock>,
    /// What each session holds or waits for.
    pub of_session: HashMap<u64, Ledger>,
    tickets: u64,
    /// Where each session stands in line.
    waits: HashMap<u64, Vec<(LockTag, u64)>>,
    /// Tables that are held, or waited for, in the mode that keeps readers out.
    shut: HashSet<Oid>,
    /// Rows that may have been changed: when those who held them committed.
    changed: HashMap<LockTag, u64>,
    /// Counts the commits of those who held rows.
    commits: u64,
    /// What was changed before is not remembered row by row.
    forgotten: u64,
}

/// Changed rows that are remembered.
const REMEMBERED: usize = 200_000;

/// A lock as it was granted, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Grant {
    pub tag: LockTag,
    pub mode: LockMode,
    pub scope: LockScope,
}

/// What one session has to do with locks.
#[derive(Default)]
pub(super) struct Ledger {
    tags: HashSet<LockTag>,
    keys: usize,
    rows: usize,
    /// In the order in which they were granted.
    grants: Vec<(u64, Grant)>,
    /// The number of the next grant.
    next: u64,
}

impl Ledger {
    pub fn keys(&self) -> usize {
        self.keys
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn knows(&self, tag: LockTag) -> bool {
        self.tags.contains(&tag)
    }

    pub fn next(&self) -> Place {
        Place(self.next)
    }

    /// Those since a place of these scopes, the last first.
    pub fn grants(&self, since: Place, scopes: &[LockScope]) -> Vec<Grant> {
        let later = self.grants.iter().rev().take_while(|(at, _)| Place(*at) >= since);
        later.map(|(_, grant)| *grant).filter(|grant| scopes.contains(&grant.scope)).collect()
    }

    fn count(&mut self, tag: LockTag) -> Option<&mut usize> {
        match tag {
            LockTag::Key { .. } => Some(&mut self.keys),
            LockTag::Row(..) => Some(&mut self.rows),
            LockTag::Relation(_) | LockTag::Rows(_) | LockTag::Object(_) | LockTag::Name(_) => None,
        }
    }

    fn add(&mut self, tag: LockTag) {
        if self.tags.insert(tag)
            && let Some(count) = self.count(tag)
        {
            *count += 1;
        }
    }

    fn remove(&mut self, tag: LockTag) {
        if self.tags.remove(&tag)
            && let Some(count) = self.count(tag)
        {
            *count -= 1;
        }
    }

    fn granted(&mut self, grant: Grant) {
        self.add(grant.tag);
        self.grants.push((self.next, grant));
        self.next += 1;
    }

    fn released(&mut self, grant: Grant) {
        // Most often the last.
        if let Some(at) = self.grants.iter().rposition(|(_, known)| *known == grant) {
            self.grants.remove(at);
        }
    }
}

#[derive(Default)]
struct Lock {
    /// Whom the holders do not exclude is served at once, whoever waits: so are PostgreSQL's locks on rows.
    barges: bool,
    holders: Vec<Holder>,
    /// In line, the first first.
    waiters: Vec<Waiter>,
}

struct Holder {
    who: Owner,
    /// How often, by mode and scope.
    counts: [[u32; 2]; 8],
}

pub(super) struct Waiter {
    pub ticket: u64,
    pub who: Owner,
    pub mode: LockMode,
    pub scope: LockScope,
    pub since: SystemTime,
    /// Waiting behind those who came before would be a deadlock.
    pub jumps: bool,
    pub granted: oneshot::Sender<()>,
}

impl Holder {
    fn has(&self, mode: LockMode) -> bool {
        self.counts[mode as usize].iter().any(|n| *n > 0)
    }

    fn blocks(&self, session: u64, mode: LockMode) -> bool {
        self.who.session != session && LockMode::ALL.iter().any(|m| self.has(*m) && m.conflicts(mode))
    }
}

impl Lock {
    fn new(tag: LockTag) -> Self {
        Self { barges: matches!(tag, LockTag::Row(..)), ..Self::default() }
    }

    fn holder(&mut self, session: u64) -> Option<&mut Holder> {
        self.holders.iter_mut().find(|h| h.who.session == session)
    }

    fn grant(&mut self, who: Owner, mode: LockMode, scope: LockScope) {
        let at = match self.holders.iter().position(|h| h.who.session == who.session) {
            Some(at) => at,
            None => {
                self.holders.push(Holder { who, counts: Default::default() });
                self.holders.len() - 1
            }
        };
        self.holders[at].counts[mode as usize][scope as usize] += 1;
    }

    /// True if those before it in line are to be served first.
    fn behind(&self, session: u64, mode: LockMode, before: usize) -> bool {
        let holds = self.barges || self.holders.iter().any(|h| h.who.session == session);
        !holds && self.waiters[..before].iter().any(|w| w.who.session != session && w.mode.conflicts(mode))
    }

    fn is_free_for(&self, session: u64, mode: LockMode) -> bool {
        !self.holders.iter().any(|h| h.blocks(session, mode))
    }

    /// Hands the lock to those whose turn has come, and tells who they are.
    fn hand_on(&mut self) -> Vec<(u64, u64, LockMode, LockScope)> {
        let mut served = Vec::new();
        let mut at = 0;
        while let Some(waiter) = self.waiters.get(at) {
            let (who, mode, scope) = (waiter.who, waiter.mode, waiter.scope);
            let turn = waiter.jumps || !self.behind(who.session, mode, at);
            if !turn || !self.is_free_for(who.session, mode) {
                at += 1;
                continue;
            }
            let waiter = self.waiters.remove(at);
            self.grant(who, mode, scope);
            served.push((who.session, waiter.ticket, mode, scope));
            // Who has gone away meanwhile finds, when the place is dropped, that it was granted.
            let _ = waiter.granted.send(());
        }
        served
    }
}

impl State {
    pub fn has(&self, session: u64, tag: LockTag, mode: LockMode) -> bool {
        let holders = self.locks.get(&tag).map(|lock| lock.holders.as_slice()).unwrap_or_default();
        holders.iter().any(|h| h.who.session == session && h.has(mode))
    }

    /// Grants the lock if it is free and nobody is before `who` in line.
    pub fn grant_at_once(&mut self, who: Owner, grant: Grant) -> bool {
        let Grant { tag, mode, scope } = grant;
        if let Some(lock) = self.locks.get_mut(&tag) {
            let again = lock.holder(who.session).is_some_and(|h| h.has(mode));
            let before = lock.waiters.len();
            if !again && (!lock.is_free_for(who.session, mode) || lock.behind(who.session, mode, before)) {
                return false;
            }
        }
        self.locks.entry(tag).or_insert_with(|| Lock::new(tag)).grant(who, mode, scope);
        self.of_session.entry(who.session).or_default().granted(grant);
        self.note(tag);
        true
    }

    /// Gives the waiter's ticket.
    pub fn stand_in_line(&mut self, tag: LockTag, mut waiter: Waiter) -> u64 {
        self.tickets += 1;
        waiter.ticket = self.tickets;
        self.of_session.entry(waiter.who.session).or_default().add(tag);
        self.waits.entry(waiter.who.session).or_default().push((tag, self.tickets));
        self.locks.entry(tag).or_insert_with(|| Lock::new(tag)).waiters.push(waiter);
        self.note(tag);
        self.tickets
    }

    /// Leaves the line; false if it was granted meanwhile.
    pub fn give_up(&mut self, tag: LockTag, ticket: u64) -> bool {
        let Some(lock) = self.locks.get_mut(&tag) else { return true };
        let Some(at) = lock.waiters.iter().position(|w| w.ticket == ticket) else { return false };
        let session = lock.waiters.remove(at).who.session;
        self.leave_line(session, ticket);
        self.note(tag);
        true
    }

    /// Gives a lock back once; false if it was not held so. Then [`Self::settle`].
    pub fn release(&mut self, session: u64, grant: Grant) -> bool {
        let Some(holder) = self.locks.get_mut(&grant.tag).and_then(|lock| lock.holder(session)) else { return false };
        let count = &mut holder.counts[grant.mode as usize][grant.scope as usize];
        if *count == 0 {
            return false;
        }
        *count -= 1;
        if let Some(own) = self.of_session.get_mut(&session) {
            own.released(grant);
        }
        true
    }

    /// After a change of a lock: those who wait are served, and what nobody has or wants is forgotten.
    pub fn settle(&mut self, tag: LockTag) {
        let Some(lock) = self.locks.get_mut(&tag) else { return };
        let gone = |h: &Holder| h.counts.iter().flatten().all(|n| *n == 0);
        let left: Vec<u64> = lock.holders.iter().filter(|h| gone(h)).map(|h| h.who.session).collect();
        lock.holders.retain(|h| !gone(h));
        let served = lock.hand_on();
        if lock.holders.is_empty() && lock.waiters.is_empty() {
            self.locks.remove(&tag);
        }
        for (session, ticket, mode, scope) in served {
            self.leave_line(session, ticket);
            self.of_session.entry(session).or_default().granted(Grant { tag, mode, scope });
        }
        for session in left {
            self.forget(session, tag);
        }
        self.note(tag);
    }

    fn leave_line(&mut self, session: u64, ticket: u64) {
        if let Some(waits) = self.waits.get_mut(&session) {
            waits.retain(|(_, known)| *known != ticket);
            if waits.is_empty() {
                self.waits.remove(&session);
            }
        }
    }

    /// The session may have nothing to do with the lock any more.
    pub fn forget(&mut self, session: u64, tag: LockTag) {
        if let Some(lock) = self.locks.get(&tag) {
            let waits = lock.waiters.iter().any(|w| w.who.session == session);
            if waits || lock.holders.iter().any(|h| h.who.session == session) {
                return;
            }
        }
        if let Some(own) = self.of_session.get_mut(&session) {
            own.remove(tag);
            if own.tags.is_empty() {
                self.of_session.remove(&session);
            }
        }
    }

    /// The session commits: the rows that it holds as one who changes them are others from here on.
    pub fn remember(&mut self, session: u64) {
        let Some(own) = self.of_session.get(&session) else { return };
        let changes = |grant: &&(u64, Grant)| match grant.1.tag {
            LockTag::Row(..) => grant.1.mode >= LockMode::Exclusive,
            LockTag::Rows(_) => matches!(grant.1.mode, LockTag::ROW_WRITER | LockTag::ALL_ROWS),
            LockTag::Key { .. } | LockTag::Relation(_) | LockTag::Object(_) | LockTag::Name(_) => false,
        };
        let mut tags = own.grants.iter().filter(changes).map(|(_, grant)| grant.tag).peekable();
        if tags.peek().is_none() {
            return;
        }
        self.commits += 1;
        if self.changed.len() > REMEMBERED {
            self.changed.clear();
            self.forgotten = self.commits;
        }
        let now = self.commits;
        self.changed.extend(tags.map(|tag| (tag, now)));
    }

    pub fn now(&self) -> u64 {
        self.commits
    }

    pub fn changed_since(&self, row: LockTag, moment: u64) -> bool {
        let since = |tag: &LockTag| self.changed.get(tag).is_some_and(|at| *at > moment);
        let rows = match row {
            LockTag::Row(table, _) => since(&LockTag::Rows(table)),
            LockTag::Rows(_) | LockTag::Relation(_) | LockTag::Key { .. } | LockTag::Object(_) | LockTag::Name(_) => {
                false
            }
        };
        rows || since(&row) || self.forgotten > moment
    }

    /// Whether somebody has committed while holding this one, whatever was done to other rows.
    pub fn taken_since(&self, row: LockTag, moment: u64) -> bool {
        self.changed.get(&row).is_some_and(|at| *at > moment) || self.forgotten > moment
    }

    /// How many tables are kept from readers.
    pub fn shut(&self) -> usize {
        self.shut.len()
    }

    pub fn is_shut(&self, table: Oid) -> bool {
        self.shut.contains(&table)
    }

    /// A table's lock has changed.
    fn note(&mut self, tag: LockTag) {
        let LockTag::Relation(table) = tag else { return };
        let shuts = |lock: &Lock| {
            lock.holders.iter().any(|h| h.has(LockMode::AccessExclusive))
                || lock.waiters.iter().any(|w| w.mode == LockMode::AccessExclusive)
        };
        match self.locks.get(&tag).is_some_and(shuts) {
            true => self.shut.insert(table),
            false => self.shut.remove(&table),
        };
    }

    /// Whom the waiter `ticket` waits for: sessions that hold the lock, and (`true`) those before it in line.
    fn blockers(&self, tag: LockTag, ticket: u64) -> Vec<(Owner, bool)> {
        let Some(lock) = self.locks.get(&tag) else { return Vec::new() };
        let Some(at) = lock.waiters.iter().position(|w| w.ticket == ticket) else { return Vec::new() };
        let (session, mode) = (lock.waiters[at].who.session, lock.waiters[at].mode);
        let mut found: Vec<_> =
            lock.holders.iter().filter(|h| h.blocks(session, mode)).map(|h| (h.who, false)).collect();
        if !lock.waiters[at].jumps && lock.behind(session, mode, at) {
            let before = lock.waiters[..at].iter().filter(|w| w.who.session != session && w.mode.conflicts(mode));
            found.extend(before.map(|w| (w.who, true)));
        }
        found
    }

    fn waits_of(&self, session: u64) -> Vec<(LockTag, u64)> {
        self.waits.get(&session).cloned().unwrap_or_default()
    }

    /// A circle of sessions that wait for each other, through this waiter: each with what it waits for, and whether only
    /// for its turn.
    fn circle(&self, who: Owner, wait: (LockTag, u64)) -> Option<Vec<Edge>> {
        let mut seen = HashSet::new();
        let mut path = Vec::new();
        self.follow(who, who, wait, &mut seen, &mut path).then_some(path)
    }

    fn follow(
        &self,
        start: Owner,
        who: Owner,
        (tag, ticket): (LockTag, u64),
        seen: &mut HashSet<u64>,
        path: &mut Vec<Edge>,
    ) -> bool {
        if !seen.insert(ticket) {
            return false;
        }
        for (blocker, in_line) in self.blockers(tag, ticket) {
            path.push(Edge { who, tag, ticket, blocker, in_line });
            if blocker.session == start.session {
                return true;
            }
            for wait in self.waits_of(blocker.session) {
                if self.follow(start, blocker, wait, seen, path) {
                    return true;
                }
            }
            path.pop();
        }
        false
    }

    /// As PostgreSQL does: a circle that is one only because of the order in line is undone by changing the order.
    pub fn avoid_deadlock(&mut self, who: Owner, wait: (LockTag, u64)) -> Result<()> {
        while let Some(circle) = self.circle(who, wait) {
            let Some(edge) = circle.iter().find(|edge| edge.in_line) else { return Err(self.deadlock(&circle)) };
            let (tag, ticket) = (edge.tag, edge.ticket);
            if let Some(lock) = self.locks.get_mut(&tag)
                && let Some(waiter) = lock.waiters.iter_mut().find(|w| w.ticket == ticket)
            {
                waiter.jumps = true;
            }
            self.settle(tag);
        }
        Ok(())
    }

    fn deadlock(&self, circle: &[Edge]) -> Error {
        let line = |edge: &Edge| {
            let waiter = self.locks.get(&edge.tag).and_then(|l| l.waiters.iter().find(|w| w.ticket == edge.ticket));
            let mode = waiter.map_or(LockMode::Exclusive, |w| w.mode).name();
            let tag = described(edge.tag);
            format!("Process {} waits for {mode} on {tag}; blocked by process {}.", edge.who.pid, edge.blocker.pid)
        };
        let lines: Vec<String> = circle.iter().map(line).collect();
        Error::new(SqlState::T_R_DEADLOCK_DETECTED, "deadlock detected")
            .detail(lines.join("\n"))
            .hint("One of these sessions has to give its locks back before the others can go on.")
    }

    pub fn blocking(&self, pid: i32) -> Vec<i32> {
        let waits = self.waits.values().flatten();
        let of_pid = waits.filter(|(tag, ticket)| {
            let waiters = self.locks.get(tag).map(|lock| lock.waiters.as_slice()).unwrap_or_default();
            waiters.iter().any(|w| w.ticket == *ticket && w.who.pid == pid)
        });
        let blockers = of_pid.flat_map(|(tag, ticket)| self.blockers(*tag, *ticket));
        let mut found: Vec<i32> = blockers.map(|(owner, _)| owner.pid).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    pub fn rows(&self) -> Vec<LockRow> {
        let mut rows = Vec::new();
        for (tag, lock) in &self.locks {
            for holder in &lock.holders {
                let held = LockMode::ALL.into_iter().filter(|mode| holder.has(*mode));
                rows.extend(held.map(|mode| LockRow { tag: *tag, pid: holder.who.pid, mode, waits_since: None }));
            }
            let waiting = lock.waiters.iter();
            rows.extend(waiting.map(|w| LockRow {
                tag: *tag,
                pid: w.who.pid,
                mode: w.mode,
                waits_since: Some(w.since),
            }));
        }
        rows.sort_by_key(|row| (row.pid, row.tag, row.mode));
        rows
    }
}

/// As messages name it.
fn described(tag: LockTag) -> String {
    let database = builtin::DATABASE;
    match tag {
        LockTag::Key { high, low, kind } => format!("advisory lock [{database},{high},{low},{kind}]"),
        LockTag::Relation(oid) => format!("relation {oid} of database {database}"),
        LockTag::Rows(oid) => format!("rows of relation {oid} of database {database}"),
        LockTag::Row(oid, row) => format!("row {row:016x} of relation {oid} of database {database}"),
        LockTag::Object(oid) => format!("object {oid} of database {database}"),
        LockTag::Name(name) => format!("name {name:016x} of database {database}"),
    }
}

/// One session of a circle.
struct Edge {
    who: Owner,
    tag: LockTag,
    ticket: u64,
    blocker: Owner,
    in_line: bool,
}
