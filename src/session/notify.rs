//! LISTEN, NOTIFY, UNLISTEN (PostgreSQL's async.c): what a transaction wants to say and to hear, which holds from its
//! commit on, and the mailboxes of those who listen.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use crate::error::{Error, Result, SqlState};

/// The longest channel name and payload, in bytes, as in PostgreSQL.
const MAX_CHANNEL: usize = 63;
const MAX_PAYLOAD: usize = 7999;
/// What a notification takes in a mailbox beside its texts.
const OVERHEAD: usize = 64;

/// Who listens to what, in the whole gateway.
#[derive(Default)]
pub struct Channels {
    by_name: Mutex<HashMap<Arc<str>, Vec<Arc<Mailbox>>>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// Of the session that sent it.
    pub pid: i32,
    pub channel: Arc<str>,
    pub payload: Arc<str>,
}

impl Notification {
    fn size(&self) -> usize {
        OVERHEAD + self.channel.len() + self.payload.len()
    }
}

/// What a session is to be told when it is idle.
pub struct Mailbox {
    limit: usize,
    /// How many channels its session listens to.
    heard: AtomicUsize,
    content: Mutex<Content>,
    arrived: tokio::sync::Notify,
}

#[derive(Default)]
struct Content {
    queue: VecDeque<Notification>,
    bytes: usize,
    /// More came than there is room for: the session ends, since it must not miss one unknowingly.
    overflown: bool,
}

impl Mailbox {
    /// `limit`: how many bytes may wait in it.
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            heard: AtomicUsize::new(0),
            content: Mutex::default(),
            arrived: tokio::sync::Notify::new(),
        })
    }

    fn put(&self, notification: Notification) {
        let mut content = self.content.lock();
        let size = notification.size();
        if content.bytes + size > self.limit || content.overflown {
            *content = Content { overflown: true, ..Content::default() };
        } else {
            content.bytes += size;
            content.queue.push_back(notification);
        }
        drop(content);
        self.arrived.notify_one();
    }

    /// The next notification, if there is one; an error if some were lost.
    pub fn take(&self) -> Result<Option<Notification>> {
        let mut content = self.content.lock();
        if content.overflown {
            let message = "terminating connection because its notification queue is full";
            return Err(Error::fatal(SqlState::CONFIGURATION_LIMIT_EXCEEDED, message)
                .hint("Read notifications outside of long transactions, or raise limits.notification_queue."));
        }
        let found = content.queue.pop_front();
        if let Some(notification) = &found {
            content.bytes -= notification.size();
        }
        Ok(found)
    }

    /// Waits for a notification. Cancel-safe.
    pub async fn next(&self) -> Result<Notification> {
        loop {
            if let Some(notification) = self.take()? {
                return Ok(notification);
            }
            self.arrived.notified().await;
        }
    }

    /// Waits until some were lost. Cancel-safe.
    pub async fn overflow(&self) -> Error {
        loop {
            if self.content.lock().overflown
                && let Err(error) = self.take()
            {
                return error;
            }
            self.arrived.notified().await;
        }
    }

    /// Whether so many bytes more have room; one that has lost something takes no more anyway.
    fn has_room(&self, bytes: usize) -> bool {
        let content = self.content.lock();
        content.overflown || content.bytes + bytes <= self.limit
    }

    /// From 0 to 1.
    fn usage(&self) -> f64 {
        self.content.lock().bytes as f64 / self.limit.max(1) as f64
    }
}

impl Channels {
    fn listen(&self, channel: &Arc<str>, mailbox: &Arc<Mailbox>) {
        let mut channels = self.by_name.lock();
        let listeners = channels.entry(channel.clone()).or_default();
        if !listeners.iter().any(|l| Arc::ptr_eq(l, mailbox)) {
            listeners.push(mailbox.clone());
            mailbox.heard.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn unlisten(&self, channel: &str, mailbox: &Arc<Mailbox>) {
        let mut channels = self.by_name.lock();
        if let Some(listeners) = channels.get_mut(channel) {
            let before = listeners.len();
            listeners.retain(|l| !Arc::ptr_eq(l, mailbox));
            mailbox.heard.fetch_sub(before - listeners.len(), Ordering::Relaxed);
            if listeners.is_empty() {
                channels.remove(channel);
            }
        }
    }

    /// UNLISTEN *, and the session's end.
    pub fn unlisten_all(&self, mailbox: &Arc<Mailbox>) {
        self.by_name.lock().retain(|_, listeners| {
            listeners.retain(|l| !Arc::ptr_eq(l, mailbox));
            !listeners.is_empty()
        });
        mailbox.heard.store(0, Ordering::Relaxed);
    }

    /// pg_listening_channels(), sorted.
    pub fn of(&self, mailbox: &Arc<Mailbox>) -> Vec<String> {
        let channels = self.by_name.lock();
        let heard = channels.iter().filter(|(_, listeners)| listeners.iter().any(|l| Arc::ptr_eq(l, mailbox)));
        let mut names: Vec<String> = heard.map(|(name, _)| name.to_string()).collect();
        names.sort();
        names
    }

    /// 54000 if what a transaction is about to say has no room with those who listen: the sender fails, not they.
    fn check_room(&self, notifications: &[(Arc<str>, Arc<str>)]) -> Result<()> {
        let channels = self.by_name.lock();
        let mut more: Vec<(&Arc<Mailbox>, usize)> = Vec::new();
        for (channel, payload) in notifications {
            let size = OVERHEAD + channel.len() + payload.len();
            for listener in channels.get(channel).into_iter().flatten() {
                match more.iter_mut().find(|(known, _)| Arc::ptr_eq(known, listener)) {
                    Some((_, bytes)) => *bytes += size,
                    None => more.push((listener, size)),
                }
            }
        }
        match more.iter().all(|(listener, bytes)| listener.has_room(*bytes)) {
            true => Ok(()),
            false => Err(too_many("A session that listens does not take them; limits.notification_queue is its room.")),
        }
    }

    fn send(&self, pid: i32, notifications: Vec<(Arc<str>, Arc<str>)>) {
        let channels = self.by_name.lock();
        for (channel, payload) in notifications {
            for listener in channels.get(&channel).into_iter().flatten() {
                listener.put(Notification { pid, channel: channel.clone(), payload: payload.clone() });
            }
        }
    }

    /// pg_notification_queue_usage(): of the fullest mailbox.
    pub fn usage(&self) -> f64 {
        let channels = self.by_name.lock();
        channels.values().flatten().map(|l| l.usage()).fold(0.0, f64::max)
    }
}

#[derive(Debug)]
enum Listening {
    Listen(Arc<str>),
    Unlisten(Arc<str>),
    UnlistenAll,
}

fn too_many(hint: &'static str) -> Error {
    Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "too many notifications in the NOTIFY queue").hint(hint)
}

/// What a transaction has asked for; nobody hears of it before the commit.
#[derive(Default)]
pub struct Pending {
    listening: Vec<Listening>,
    notifications: Vec<(Arc<str>, Arc<str>)>,
    said: HashSet<(Arc<str>, Arc<str>)>,
    bytes: usize,
}

/// How far a transaction was when it named a savepoint.
#[derive(Debug, Clone, Copy)]
pub struct Mark {
    listening: usize,
    notifications: usize,
}

impl Pending {
    pub fn mark(&self) -> Mark {
        Mark { listening: self.listening.len(), notifications: self.notifications.len() }
    }

    /// Back to a savepoint: what was asked for since is forgotten.
    pub fn rewind(&mut self, mark: Mark) {
        self.listening.truncate(mark.listening);
        for (channel, payload) in self.notifications.split_off(mark.notifications.min(self.notifications.len())) {
            self.bytes -= OVERHEAD + channel.len() + payload.len();
            self.said.remove(&(channel, payload));
        }
    }

    /// LISTEN. `limit`: channels of a session, which is counted as if all that the transaction asks for were new.
    pub fn listen(&mut self, channel: &str, mailbox: &Mailbox, limit: usize) -> Result<()> {
        if matches!(self.listening.last(), Some(Listening::Listen(last)) if **last == *channel) {
            return Ok(());
        }
        if mailbox.heard.load(Ordering::Relaxed) + self.listening.len() >= limit {
            return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "too many channels")
                .hint("limits.channels sets how many channels a session may listen to."));
        }
        self.listening.push(Listening::Listen(channel.into()));
        Ok(())
    }

    /// UNLISTEN, of all channels for `None`.
    pub fn unlisten(&mut self, channel: Option<&str>, limit: usize) -> Result<()> {
        let Some(channel) = channel else {
            if !matches!(self.listening.last(), Some(Listening::UnlistenAll)) {
                self.listening.push(Listening::UnlistenAll);
            }
            return Ok(());
        };
        if self.listening.len() >= limit {
            return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "too many channels")
                .hint("limits.channels sets how many of them a transaction may name."));
        }
        self.listening.push(Listening::Unlisten(channel.into()));
        Ok(())
    }

    /// Fails with 54000 if those who listen have no room: to be asked before the transaction is committed.
    pub fn check_room(&self, channels: &Channels) -> Result<()> {
        channels.check_room(&self.notifications)
    }

    /// NOTIFY and pg_notify(): the same said twice is said once. `limit`: bytes of one transaction.
    pub fn notify(&mut self, channel: &str, payload: &str, limit: usize) -> Result<()> {
        let invalid = |message| Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        if channel.is_empty() {
            return invalid("channel name cannot be empty");
        }
        if channel.len() > MAX_CHANNEL {
            return invalid("channel name too long");
        }
        if payload.len() > MAX_PAYLOAD {
            return invalid("payload string too long");
        }
        let notification: (Arc<str>, Arc<str>) = (channel.into(), payload.into());
        if self.said.contains(&notification) {
            return Ok(());
        }
        let bytes = self.bytes + OVERHEAD + channel.len() + payload.len();
        if bytes > limit {
            return Err(too_many("limits.notifications sets how many bytes a transaction may send."));
        }
        self.bytes = bytes;
        self.said.insert(notification.clone());
        self.notifications.push(notification);
        Ok(())
    }

    /// The transaction is committed: who listens from now on hears its own notifications, too.
    pub fn publish(&mut self, pid: i32, mailbox: &Arc<Mailbox>, channels: &Channels) {
        let Self { listening, notifications, said: _, bytes: _ } = std::mem::take(self);
        for change in listening {
            match change {
                Listening::Listen(channel) => channels.listen(&channel, mailbox),
                Listening::Unlisten(channel) => channels.unlisten(&channel, mailbox),
                Listening::UnlistenAll => channels.unlisten_all(mailbox),
            }
        }
        if !notifications.is_empty() {
            channels.send(pid, notifications);
        }
    }

    /// The transaction is rolled back.
    pub fn forget(&mut self) {
        if !self.listening.is_empty() || !self.notifications.is_empty() {
            *self = Self::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: usize = 1 << 20;

    fn all(mailbox: &Mailbox) -> Vec<(String, String)> {
        std::iter::from_fn(|| mailbox.take().unwrap()).map(|n| (n.channel.to_string(), n.payload.to_string())).collect()
    }

    #[test]
    fn a_transaction_is_heard_from_its_commit_on_and_each_thing_once() {
        let (channels, a, b) = (Channels::default(), Mailbox::new(ROOM), Mailbox::new(ROOM));
        let mut pending = Pending::default();
        pending.listen("c", &a, 10).unwrap();
        pending.publish(1, &a, &channels);
        pending.listen("c", &a, 10).unwrap();
        pending.listen("d", &a, 10).unwrap();
        for payload in ["x", "y", "x"] {
            pending.notify("c", payload, ROOM).unwrap();
        }
        pending.notify("d", "", ROOM).unwrap();
        assert_eq!(all(&a), []);
        pending.publish(2, &b, &channels);
        let said = |list: &[(&str, &str)]| list.iter().map(|(c, p)| ((*c).into(), (*p).into())).collect::<Vec<_>>();
        assert_eq!(all(&a), said(&[("c", "x"), ("c", "y")]));
        assert_eq!(all(&b), said(&[("c", "x"), ("c", "y"), ("d", "")]));
        pending.notify("c", "lost", ROOM).unwrap();
        pending.forget();
        pending.publish(2, &b, &channels);
        assert_eq!(all(&a), []);
        assert_eq!(channels.of(&b), ["c", "d"]);
        pending.unlisten(Some("c"), 10).unwrap();
        pending.publish(2, &b, &channels);
        assert_eq!(channels.of(&b), ["d"]);
        pending.unlisten(None, 10).unwrap();
        pending.publish(2, &b, &channels);
        channels.unlisten_all(&a);
        assert!(channels.by_name.lock().is_empty());
    }

    #[test]
    fn what_was_said_after_a_savepoint_is_forgotten_with_it() {
        let (channels, a) = (Channels::default(), Mailbox::new(ROOM));
        let mut pending = Pending::default();
        pending.listen("c", &a, 10).unwrap();
        pending.notify("c", "before", ROOM).unwrap();
        let mark = pending.mark();
        pending.listen("d", &a, 10).unwrap();
        pending.notify("c", "after", ROOM).unwrap();
        pending.rewind(mark);
        pending.notify("c", "after", ROOM).unwrap();
        pending.notify("c", "before", ROOM).unwrap();
        pending.publish(1, &a, &channels);
        assert_eq!(all(&a).into_iter().map(|(_, p)| p).collect::<Vec<_>>(), ["before", "after"]);
        assert_eq!(channels.of(&a), ["c"]);
    }

    #[test]
    fn names_and_payloads_have_their_limits() {
        let mut pending = Pending::default();
        let message = |r: Result<()>| r.unwrap_err().report().message.clone();
        assert_eq!(message(pending.notify("", "", ROOM)), "channel name cannot be empty");
        assert_eq!(message(pending.notify(&"c".repeat(64), "", ROOM)), "channel name too long");
        assert_eq!(message(pending.notify("c", &"p".repeat(8000), ROOM)), "payload string too long");
        pending.notify(&"c".repeat(63), &"p".repeat(7999), ROOM).unwrap();
        assert_eq!(message(pending.notify("c", "", 100)), "too many notifications in the NOTIFY queue");
    }

    #[test]
    fn who_sends_more_than_there_is_room_for_fails() {
        let (channels, a) = (Channels::default(), Mailbox::new(150));
        let mut pending = Pending::default();
        pending.listen("c", &a, 1).unwrap();
        assert!(pending.listen("d", &a, 1).is_err(), "one channel is the limit");
        pending.publish(1, &a, &channels);
        assert!(pending.listen("d", &a, 1).is_err(), "and stays it after the commit");
        pending.notify("c", "1", ROOM).unwrap();
        pending.check_room(&channels).unwrap();
        pending.notify("c", "2", ROOM).unwrap();
        pending.notify("nobody", &"x".repeat(1000), ROOM).unwrap();
        pending.check_room(&channels).unwrap();
        pending.notify("c", "3", ROOM).unwrap();
        let error = pending.check_room(&channels).unwrap_err();
        assert_eq!(error.code(), SqlState::PROGRAM_LIMIT_EXCEEDED);
        pending.forget();
        assert_eq!(all(&a), []);
    }

    #[test]
    fn a_mailbox_that_is_full_ends_its_session() {
        let (channels, a) = (Channels::default(), Mailbox::new(150));
        let mut pending = Pending::default();
        pending.listen("c", &a, 10).unwrap();
        pending.publish(1, &a, &channels);
        for n in 0..3 {
            pending.notify("c", &n.to_string(), ROOM).unwrap();
            pending.publish(1, &a, &channels);
        }
        assert!(channels.usage() <= 1.0);
        assert!(a.take().unwrap_err().is_fatal());
    }
}
