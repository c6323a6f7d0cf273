//! A session's beginning: its place in the table, its first settings.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime};

use parking_lot::Mutex;

use super::audit::Meter;
use super::identity::Identity;
use super::interrupt::Interrupt;
use super::notify::Mailbox;
use super::portals::Portals;
use super::settings::Settings;
use super::shared::{Activity, Shared, State};
use super::statements::Statements;
use super::transaction::Transaction;
use super::{Gateway, Session, Startup};
use crate::engine::directory;
use crate::engine::directory::SessionView;
use crate::engine::tape::Tape;
use crate::error::{Error, Result, SqlState};
use crate::facts;
use crate::observe::audit::Client;
use crate::registry::{Role, Snapshot};

/// Sessions' numbers, unique in the process: natives ask by them.
static NEXT_ID: AtomicU64 = AtomicU64::new(1);

impl Session {
    pub(super) fn open(gateway: &Arc<Gateway>, startup: Startup, role: &Role, snapshot: Arc<Snapshot>) -> Result<Self> {
        let settings = first_settings(gateway, &startup, role, &snapshot)?;
        let now = SystemTime::now();
        let (address, tls) = (startup.peer, startup.tls);
        let make = |pid| {
            let client = Client { pid, user: role.name.clone(), database: snapshot.database.clone(), address, tls };
            Arc::new(Shared {
                id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
                pid,
                secret: startup.secret,
                gateway: Arc::downgrade(gateway),
                database: snapshot.database.clone(),
                user: role.name.clone(),
                peer: address,
                local: startup.local,
                tls,
                client: Arc::new(client),
                backend_start: now,
                interrupt: Interrupt::new(),
                tape: Tape::default(),
                mailbox: Mailbox::new(gateway.limits().notification_queue),
                pending: Mutex::default(),
                chosen: Mutex::default(),
                state: Mutex::new(State {
                    settings,
                    authenticated: role.oid,
                    known_roles: [(role.name.to_string(), role.oid)].into(),
                    session_user: role.oid,
                    role: role.oid,
                    definer: None,
                    snapshot,
                    search_path: Arc::default(),
                    activity: Activity {
                        state: "idle",
                        query: "".into(),
                        query_start: None,
                        xact_start: None,
                        state_change: now,
                    },
                    prepared: Default::default(),
                    cursors: Default::default(),
                    notices: Vec::new(),
                    copy: None,
                }),
            })
        };
        let shared = gateway.enter(make, role)?;
        let view: Arc<dyn SessionView> = shared.clone();
        directory::register(shared.id, Arc::downgrade(&view));
        let mut session = Self {
            gateway: gateway.clone(),
            shared,
            lease: None,
            transaction: Transaction::Idle,
            temporary: Vec::new(),
            on_commit: Vec::new(),
            view: None,
            environment: None,
            keys: None,
            uniques: Default::default(),
            duties: Vec::new(),
            key_tables: Vec::new(),
            statements: Statements::default(),
            portals: Portals::default(),
            statement_start: now,
            deadline: None,
            transaction_timer: None,
            idle_since: Instant::now(),
            record: None,
            meter: Meter::default(),
            place: None,
            role_deadline: false,
            execution: 0,
            singly: None,
            redefined: false,
            block_depth: 0,
            call_depth: 0,
            inside: Default::default(),
            pinned: false,
        };
        session.audit_login();
        Ok(session)
    }
}

/// The role's settings, then what the client asks for: `options`, then the other parameters.
fn first_settings(gateway: &Gateway, startup: &Startup, role: &Role, snapshot: &Snapshot) -> Result<Settings> {
    let mut settings = Settings::new(&role.name, role.superuser, gateway.limits().connections);
    let set = |settings: &mut Settings, name: &str, value: &str, superuser: bool| match Identity::of(name) {
        None => settings.set_initial(name, value, superuser),
        Some(identity) => identity.begin(value, role, snapshot, settings),
    };
    for (name, value) in role.settings.iter().chain(&role.database_settings) {
        // As PostgreSQL does at login: a setting that has become invalid must not lock its role out.
        if let Err(error) = set(&mut settings, name, value, true) {
            if facts::needs_superuser(name) && name.to_lowercase().starts_with("duckgate.") {
                // But a limit that cannot be read must not be lifted by that.
                return Err(error);
            }
            tracing::warn!(role = %role.name, setting = %name, %error, "a setting of the role is not applied");
        }
    }
    for (name, value) in &startup.parameters {
        if name == "options" {
            for (name, value) in options(value)? {
                set(&mut settings, &name, &value, role.superuser)?;
            }
        }
    }
    for (name, value) in &startup.parameters {
        match name.as_str() {
            "user" | "database" | "options" => {}
            "replication" if super::settings::parse_bool(value) == Some(false) => {}
            "replication" => return Err(Error::unsupported("replication")),
            _ if name.starts_with("_pq_.") => {}
            _ => set(&mut settings, name, value, role.superuser)?,
        }
    }
    Ok(settings)
}

/// The settings in the startup parameter `options`: `-c name=value`, `-cname=value` and `--name=value`, separated by
/// blanks, which a backslash protects.
fn options(text: &str) -> Result<Vec<(String, String)>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => word.get_or_insert_default().extend(chars.next()),
            c if c.is_ascii_whitespace() => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    let mut settings = Vec::new();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let invalid =
            || Error::new(SqlState::SYNTAX_ERROR, format!("invalid command-line argument for server process: {word}"));
        let (dashes, assignment) = match word.as_str() {
            "-c" => (false, words.next().ok_or_else(invalid)?),
            w if w.starts_with("--") => (true, w[2..].to_owned()),
            w if w.starts_with("-c") => (false, w[2..].to_owned()),
            _ => return Err(invalid()),
        };
        let (name, value) = assignment.split_once('=').ok_or_else(|| {
            let flag = if dashes { format!("--{assignment}") } else { format!("-c {assignment}") };
            Error::new(SqlState::SYNTAX_ERROR, format!("{flag} requires a value"))
        })?;
        settings.push((name.replace('-', "_"), value.to_owned()));
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_as_postgresql_reads_them() {
        let read = |text: &str| options(text).map_err(|e| e.report().message.clone());
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(
            read("-c a=b -cc.d=e\\ f --work-mem=1MB"),
            Ok(vec![pair("a", "b"), pair("c.d", "e f"), pair("work_mem", "1MB")])
        );
        assert_eq!(read("-c a"), Err("-c a requires a value".into()));
        assert_eq!(read("-x"), Err("invalid command-line argument for server process: -x".into()));
        assert_eq!(read("  "), Ok(vec![]));
    }
}
