//! Advisory locks: who holds which, who waits in line, and who waits for whom (PostgreSQL's lock.c and deadlock.c, for
//! the one kind of lock that clients name).
//!
//! They are the gateway's own: DuckDB knows nothing of them. Whoever releases a lock hands it to those who wait first.

use std::collections::{HashMap, HashSet};
use std::time::SystemTime;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::engine::directory::{LockMode, LockRow, LockScope, LockTag};
use crate::error::{Error, Result, SqlState};
use crate::registry::builtin;

/// All locks of a gateway.
pub struct Locks {
    state: Mutex<State>,
    /// How many one session may hold or wait for.
    limit: usize,
}

#[derive(Default)]
struct State {
    /// Only those that somebody holds or waits for.
    locks: HashMap<LockTag, Lock>,
    /// What each session holds or waits for.
    of_session: HashMap<u64, HashSet<LockTag>>,
    tickets: u64,
}

#[derive(Default)]
struct Lock {
    holders: Vec<Holder>,
    /// In line, the first first.
    waiters: Vec<Waiter>,
}

struct Holder {
    who: Owner,
    /// How often, by mode and scope.
    counts: [[u32; 2]; 2],
}

struct Waiter {
    ticket: u64,
    who: Owner,
    mode: LockMode,
    scope: LockScope,
    since: SystemTime,
    /// Waiting behind those who came before would be a deadlock.
    jumps: bool,
    granted: oneshot::Sender<()>,
}

/// What a transaction holds: how often in each mode.
pub type TransactionLocks = HashMap<LockTag, [u32; 2]>;

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    pub session: u64,
    pub pid: i32,
}

/// What came of a request.
pub enum Answer<'a> {
    Granted,
    /// Somebody has it, and the caller did not want to wait.
    Refused,
    Wait(Waiting<'a>),
}

/// A place in line. Dropped before it was granted, it is given up.
pub struct Waiting<'a> {
    locks: &'a Locks,
    tag: LockTag,
    who: Owner,
    mode: LockMode,
    scope: LockScope,
    ticket: u64,
    granted: oneshot::Receiver<()>,
    /// The lock is the caller's, and stays.
    taken: bool,
}

impl Waiting<'_> {
    /// True once the lock is the caller's.
    pub fn is_granted(&mut self) -> bool {
        self.taken |= self.granted.try_recv().is_ok();
        self.taken
    }

    /// Waits for its turn. Cancel-safe.
    pub async fn turn(&mut self) {
        if !self.taken {
            // The sender is dropped without a word only when the line is, with this place in it.
            self.taken = (&mut self.granted).await.is_ok();
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.taken {
            return;
        }
        let mut state = self.locks.state.lock();
        let Some(lock) = state.locks.get_mut(&self.tag) else { return };
        match lock.waiters.iter().position(|w| w.ticket == self.ticket) {
            Some(at) => drop(lock.waiters.remove(at)),
            // It was granted and nobody has noticed.
            None => drop(lock.release(self.who.session, self.mode, self.scope)),
        }
        state.settle(self.tag);
        state.forget(self.who.session, self.tag);
    }
}

fn conflicts(a: LockMode, b: LockMode) -> bool {
    a == LockMode::Exclusive || b == LockMode::Exclusive
}

impl Holder {
    fn has(&self, mode: LockMode) -> bool {
        self.counts[mode as usize].iter().any(|n| *n > 0)
    }

    fn blocks(&self, session: u64, mode: LockMode) -> bool {
        self.who.session != session
            && [LockMode::Share, LockMode::Exclusive].iter().any(|m| self.has(*m) && conflicts(*m, mode))
    }
}

impl Lock {
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

    /// Gives it back once; false if it was not held so.
    fn release(&mut self, session: u64, mode: LockMode, scope: LockScope) -> bool {
        let Some(holder) = self.holder(session) else { return false };
        let count = &mut holder.counts[mode as usize][scope as usize];
        let held = *count > 0;
        *count = count.saturating_sub(1);
        held
    }

    /// True if those before it in line are to be served first.
    fn behind(&self, session: u64, mode: LockMode, before: usize) -> bool {
        let holds = self.holders.iter().any(|h| h.who.session == session);
        !holds && self.waiters[..before].iter().any(|w| w.who.session != session && conflicts(w.mode, mode))
    }

    fn is_free_for(&self, session: u64, mode: LockMode) -> bool {
        !self.holders.iter().any(|h| h.blocks(session, mode))
    }

    /// Hands the lock to those whose turn has come.
    fn hand_on(&mut self) {
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
            // Who has gone away meanwhile finds, when the place is dropped, that it was granted.
            let _ = waiter.granted.send(());
        }
    }
}

impl State {
    /// After a change of a lock: those who wait are served, and what nobody has or wants is forgotten.
    fn settle(&mut self, tag: LockTag) {
        let Some(lock) = self.locks.get_mut(&tag) else { return };
        let gone = |h: &Holder| h.counts.iter().flatten().all(|n| *n == 0);
        let left: Vec<u64> = lock.holders.iter().filter(|h| gone(h)).map(|h| h.who.session).collect();
        lock.holders.retain(|h| !gone(h));
        lock.hand_on();
        if lock.holders.is_empty() && lock.waiters.is_empty() {
            self.locks.remove(&tag);
        }
        for session in left {
            self.forget(session, tag);
        }
    }

    /// The session may have nothing to do with the lock any more.
    fn forget(&mut self, session: u64, tag: LockTag) {
        if let Some(lock) = self.locks.get(&tag) {
            let waits = lock.waiters.iter().any(|w| w.who.session == session);
            if waits || lock.holders.iter().any(|h| h.who.session == session) {
                return;
            }
        }
        if let Some(tags) = self.of_session.get_mut(&session) {
            tags.remove(&tag);
            if tags.is_empty() {
                self.of_session.remove(&session);
            }
        }
    }

    /// Whom the waiter `ticket` waits for: sessions that hold the lock, and (`true`) those before it in line.
    fn blockers(&self, tag: LockTag, ticket: u64) -> Vec<(Owner, bool)> {
        let Some(lock) = self.locks.get(&tag) else { return Vec::new() };
        let Some(at) = lock.waiters.iter().position(|w| w.ticket == ticket) else { return Vec::new() };
        let (session, mode) = (lock.waiters[at].who.session, lock.waiters[at].mode);
        let mut found: Vec<_> =
            lock.holders.iter().filter(|h| h.blocks(session, mode)).map(|h| (h.who, false)).collect();
        if !lock.waiters[at].jumps && lock.behind(session, mode, at) {
            let before = lock.waiters[..at].iter().filter(|w| w.who.session != session && conflicts(w.mode, mode));
            found.extend(before.map(|w| (w.who, true)));
        }
        found
    }

    fn waits_of(&self, session: u64) -> Vec<(LockTag, u64)> {
        let tags = self.of_session.get(&session).into_iter().flatten();
        let waits = tags.filter_map(|tag| Some((*tag, self.locks.get(tag)?)));
        waits
            .flat_map(|(tag, lock)| {
                lock.waiters.iter().filter(|w| w.who.session == session).map(move |w| (tag, w.ticket))
            })
            .collect()
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
    fn avoid_deadlock(&mut self, who: Owner, wait: (LockTag, u64)) -> Result<()> {
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
            let LockTag { high, low, kind } = edge.tag;
            let tag = format!("advisory lock [{},{high},{low},{kind}]", builtin::DATABASE);
            format!("Process {} waits for {mode} on {tag}; blocked by process {}.", edge.who.pid, edge.blocker.pid)
        };
        let lines: Vec<String> = circle.iter().map(line).collect();
        Error::new(SqlState::T_R_DEADLOCK_DETECTED, "deadlock detected")
            .detail(lines.join("\n"))
            .hint("One of these sessions has to give its locks back before the others can go on.")
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

impl Locks {
    /// `limit`: how many one session may hold or wait for.
    pub fn new(limit: usize) -> Self {
        Self { state: Mutex::default(), limit }
    }

    /// Asks for a lock, once more if it is held already. 40P01 if waiting for it would never end.
    pub fn request(
        &self,
        who: Owner,
        tag: LockTag,
        mode: LockMode,
        scope: LockScope,
        wait: bool,
    ) -> Result<Answer<'_>> {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        let own = state.of_session.get(&who.session);
        if own.is_some_and(|own| own.len() >= self.limit && !own.contains(&tag)) {
            return Err(Error::new(SqlState::OUT_OF_MEMORY, "out of shared memory")
                .hint("limits.advisory_locks sets how many advisory locks a session may hold."));
        }
        let lock = state.locks.entry(tag).or_default();
        let again = lock.holder(who.session).is_some_and(|h| h.has(mode));
        let before = lock.waiters.len();
        if again || (lock.is_free_for(who.session, mode) && !lock.behind(who.session, mode, before)) {
            lock.grant(who, mode, scope);
            state.of_session.entry(who.session).or_default().insert(tag);
            return Ok(Answer::Granted);
        }
        if !wait {
            return Ok(Answer::Refused);
        }
        state.tickets += 1;
        let ticket = state.tickets;
        let (sender, granted) = oneshot::channel();
        let since = SystemTime::now();
        lock.waiters.push(Waiter { ticket, who, mode, scope, since, jumps: false, granted: sender });
        state.of_session.entry(who.session).or_default().insert(tag);
        if let Err(error) = state.avoid_deadlock(who, (tag, ticket)) {
            if let Some(lock) = state.locks.get_mut(&tag) {
                lock.waiters.retain(|w| w.ticket != ticket);
            }
            state.settle(tag);
            state.forget(who.session, tag);
            return Err(error);
        }
        Ok(Answer::Wait(Waiting { locks: self, tag, who, mode, scope, ticket, granted, taken: false }))
    }

    /// Gives a lock back once; false if the session does not hold it so.
    pub fn release(&self, session: u64, tag: LockTag, mode: LockMode, scope: LockScope) -> bool {
        let mut state = self.state.lock();
        let Some(lock) = state.locks.get_mut(&tag) else { return false };
        let held = lock.release(session, mode, scope);
        state.settle(tag);
        held
    }

    /// pg_advisory_unlock_all() and the session's end: what it holds beyond its transaction is given back.
    pub fn release_session(&self, session: u64) {
        let mut state = self.state.lock();
        let Some(tags) = state.of_session.get(&session) else { return };
        let tags: Vec<LockTag> = tags.iter().copied().collect();
        for tag in tags {
            if let Some(holder) = state.locks.get_mut(&tag).and_then(|lock| lock.holder(session)) {
                for counts in &mut holder.counts {
                    counts[LockScope::Session as usize] = 0;
                }
            }
            state.settle(tag);
        }
    }

    /// The transaction has ended.
    pub fn release_transaction(&self, session: u64) {
        self.restore_transaction(session, &TransactionLocks::default());
    }

    /// What the session's transaction holds, for a savepoint.
    pub fn of_transaction(&self, session: u64) -> TransactionLocks {
        let state = self.state.lock();
        let tags = state.of_session.get(&session).into_iter().flatten();
        let held = tags.filter_map(|tag| {
            let holder = state.locks.get(tag)?.holders.iter().find(|h| h.who.session == session)?;
            let counts = holder.counts.map(|by_scope| by_scope[LockScope::Transaction as usize]);
            (counts != [0, 0]).then_some((*tag, counts))
        });
        held.collect()
    }

    /// Gives back what the session's transaction has locked since.
    pub fn restore_transaction(&self, session: u64, then: &TransactionLocks) {
        let mut state = self.state.lock();
        let Some(tags) = state.of_session.get(&session) else { return };
        let tags: Vec<LockTag> = tags.iter().copied().collect();
        for tag in tags {
            if let Some(holder) = state.locks.get_mut(&tag).and_then(|lock| lock.holder(session)) {
                let before = then.get(&tag).copied().unwrap_or_default();
                for (counts, before) in holder.counts.iter_mut().zip(before) {
                    let count = &mut counts[LockScope::Transaction as usize];
                    *count = before.min(*count);
                }
            }
            state.settle(tag);
        }
    }

    /// pg_blocking_pids(): whom a process waits for, those before it in line included.
    pub fn blocking(&self, pid: i32) -> Vec<i32> {
        let state = self.state.lock();
        let waiters = state.locks.iter().flat_map(|(tag, lock)| lock.waiters.iter().map(move |w| (*tag, w)));
        let of_pid = waiters.filter(|(_, w)| w.who.pid == pid);
        let mut found: Vec<i32> =
            of_pid.flat_map(|(tag, w)| state.blockers(tag, w.ticket)).map(|(owner, _)| owner.pid).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// pg_locks.
    pub fn rows(&self) -> Vec<LockRow> {
        let state = self.state.lock();
        let mut rows = Vec::new();
        for (tag, lock) in &state.locks {
            for holder in &lock.holders {
                for mode in [LockMode::Share, LockMode::Exclusive] {
                    if holder.has(mode) {
                        rows.push(LockRow { tag: *tag, pid: holder.who.pid, mode, waits_since: None });
                    }
                }
            }
            let waiting = lock.waiters.iter();
            rows.extend(waiting.map(|w| LockRow {
                tag: *tag,
                pid: w.who.pid,
                mode: w.mode,
                waits_since: Some(w.since),
            }));
        }
        rows.sort_by_key(|row| (row.pid, row.tag));
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Owner = Owner { session: 1, pid: 11 };
    const B: Owner = Owner { session: 2, pid: 12 };
    const C: Owner = Owner { session: 3, pid: 13 };

    fn tag(n: u32) -> LockTag {
        LockTag { high: 0, low: n, kind: 1 }
    }

    fn ask(locks: &Locks, who: Owner, n: u32, mode: LockMode) -> Answer<'_> {
        locks.request(who, tag(n), mode, LockScope::Session, true).unwrap()
    }

    fn waits(answer: Answer<'_>) -> Waiting<'_> {
        match answer {
            Answer::Wait(waiting) => waiting,
            Answer::Granted | Answer::Refused => panic!("it does not wait"),
        }
    }

    fn granted(answer: Answer<'_>) -> bool {
        matches!(answer, Answer::Granted)
    }

    #[test]
    fn a_lock_is_held_as_often_as_it_was_asked_for() {
        let locks = Locks::new(3);
        assert!(granted(ask(&locks, A, 1, LockMode::Exclusive)));
        assert!(granted(ask(&locks, A, 1, LockMode::Exclusive)));
        let mut b = waits(ask(&locks, B, 1, LockMode::Share));
        assert!(locks.release(1, tag(1), LockMode::Exclusive, LockScope::Session));
        assert!(!b.is_granted());
        assert!(locks.release(1, tag(1), LockMode::Exclusive, LockScope::Session));
        assert!(b.is_granted());
        assert!(!locks.release(1, tag(1), LockMode::Exclusive, LockScope::Session));
        assert!(!locks.release(2, tag(1), LockMode::Exclusive, LockScope::Session));
        drop(b);
        locks.release_session(2);
        assert!(locks.rows().is_empty() && locks.state.lock().of_session.is_empty());
    }

    #[test]
    fn a_session_has_so_many_locks_and_no_more() {
        let locks = Locks::new(3);
        for n in [1, 2, 3, 3] {
            assert!(granted(ask(&locks, A, n, LockMode::Exclusive)));
        }
        let refused = locks.request(A, tag(4), LockMode::Share, LockScope::Session, false);
        assert_eq!(refused.err().map(|e| e.code()), Some(SqlState::OUT_OF_MEMORY));
        assert!(granted(ask(&locks, B, 4, LockMode::Exclusive)));
    }

    #[test]
    fn who_waits_for_a_lock_of_its_own_stands_in_line() {
        let locks = Locks::new(3);
        assert!(granted(ask(&locks, A, 1, LockMode::Share)));
        let mut b = waits(ask(&locks, B, 1, LockMode::Exclusive));
        let mut c = waits(ask(&locks, C, 1, LockMode::Share));
        assert!(matches!(locks.request(C, tag(1), LockMode::Share, LockScope::Session, false), Ok(Answer::Refused)));
        assert!(granted(ask(&locks, A, 1, LockMode::Share)), "its own again");
        locks.release_session(1);
        assert!(b.is_granted() && !c.is_granted());
        locks.release_session(2);
        assert!(c.is_granted());
    }

    #[test]
    fn a_place_in_line_is_given_up_when_it_is_dropped() {
        let locks = Locks::new(3);
        assert!(granted(ask(&locks, A, 1, LockMode::Exclusive)));
        let b = waits(ask(&locks, B, 1, LockMode::Exclusive));
        let mut c = waits(ask(&locks, C, 1, LockMode::Exclusive));
        drop(b);
        locks.release_session(1);
        assert!(c.is_granted());
        locks.release_session(3);
        // Granted, and dropped before anybody noticed.
        assert!(granted(ask(&locks, A, 1, LockMode::Exclusive)));
        let b = waits(ask(&locks, B, 1, LockMode::Exclusive));
        locks.release_session(1);
        drop(b);
        assert!(locks.rows().is_empty());
    }

    #[test]
    fn a_circle_is_a_deadlock_for_who_closes_it() {
        let locks = Locks::new(3);
        assert!(granted(ask(&locks, A, 1, LockMode::Exclusive)));
        assert!(granted(ask(&locks, B, 2, LockMode::Exclusive)));
        let _a = waits(ask(&locks, A, 2, LockMode::Exclusive));
        let Err(error) = locks.request(B, tag(1), LockMode::Exclusive, LockScope::Transaction, true) else {
            panic!("no deadlock")
        };
        assert_eq!(error.code(), SqlState::T_R_DEADLOCK_DETECTED);
        let detail = error.report().detail.clone().unwrap();
        assert!(detail.starts_with("Process 12 waits for ExclusiveLock on advisory lock ["), "{detail}");
        assert_eq!(locks.rows().iter().filter(|r| r.waits_since.is_some()).count(), 1);
    }

    #[test]
    fn a_circle_through_the_line_alone_changes_its_order() {
        let locks = Locks::new(3);
        assert!(granted(ask(&locks, A, 1, LockMode::Share)));
        assert!(granted(ask(&locks, B, 2, LockMode::Exclusive)));
        let _c = waits(ask(&locks, C, 1, LockMode::Exclusive));
        // B stands behind C for a lock that A shares with it; then A waits for B.
        let mut b = waits(ask(&locks, B, 1, LockMode::Share));
        let _a = waits(ask(&locks, A, 2, LockMode::Exclusive));
        assert!(b.is_granted());
    }

    #[test]
    fn a_transaction_gives_back_its_own_locks_only() {
        let locks = Locks::new(3);
        assert!(granted(ask(&locks, A, 1, LockMode::Exclusive)));
        let asked = locks.request(A, tag(2), LockMode::Exclusive, LockScope::Transaction, true);
        assert!(granted(asked.unwrap()));
        assert!(!locks.release(1, tag(2), LockMode::Exclusive, LockScope::Session));
        let then = locks.of_transaction(1);
        let asked = locks.request(A, tag(3), LockMode::Share, LockScope::Transaction, true);
        assert!(granted(asked.unwrap()));
        locks.restore_transaction(1, &then);
        assert_eq!(locks.rows().iter().map(|r| r.tag.low).collect::<Vec<_>>(), [1, 2]);
        locks.release_transaction(1);
        assert_eq!(locks.rows().iter().map(|r| r.tag.low).collect::<Vec<_>>(), [1]);
    }
}
