//! A session's settings: SET, SET LOCAL, RESET, SHOW and their fate when the transaction ends.

mod acting;
mod definition;
mod value;
mod zone;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

pub use acting::{Acting, isolation_name};
pub use definition::{Context, Definition, REPORTED, SERVER_VERSION, VERSION_TEXT, Value};
pub use value::parse_bool;

use crate::engine::directory::SettingRow;
use crate::error::{Error, Result, SqlState};
use crate::tree::Isolation;
use definition::{DEFINITIONS, Kind};

/// How long a new value lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Session,
    /// Until the transaction's end.
    Local,
}

/// Who sets: superusers may set more, and some settings can be given only when the session starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A startup parameter, or ALTER ROLE … SET.
    Startup { superuser: bool },
    /// A statement.
    Statement { superuser: bool },
}

/// The properties of the current transaction, which are settings too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Characteristics {
    pub isolation: Isolation,
    pub read_only: bool,
    pub deferrable: bool,
}

/// What a setting was before the transaction touched it, and what a SET in it (not LOCAL) makes of it at COMMIT.
#[derive(Debug, Clone)]
struct Touched {
    before: Option<Value>,
    at_commit: Option<Option<Value>>,
}

/// All values at one moment.
#[derive(Debug, Clone)]
pub struct Values {
    current: Arc<HashMap<String, Value>>,
    acting: Arc<Acting>,
}

/// What a savepoint remembers.
#[derive(Debug)]
pub struct Saved {
    values: Values,
    touched: HashMap<String, Touched>,
    transaction: Characteristics,
}

impl Saved {
    pub fn characteristics(&self) -> Characteristics {
        self.transaction
    }
}

#[derive(Debug)]
pub struct Settings {
    /// Current values where they differ from the boot value; custom settings too. Keys are lower case.
    current: Arc<HashMap<String, Value>>,
    /// What RESET goes back to where it differs from the boot value: startup parameters and the role's settings.
    reset: HashMap<String, Value>,
    /// The spelling of custom settings' names.
    custom: BTreeMap<String, String>,
    touched: HashMap<String, Touched>,
    acting: Arc<Acting>,
    /// Reported settings that may differ from what the client was told last.
    stale: HashSet<&'static str>,
    told: HashMap<&'static str, String>,
    pub transaction: Characteristics,
    in_transaction: bool,
}

impl Settings {
    /// The defaults, for `user` who just logged in.
    pub fn new(user: &str, superuser: bool, max_connections: usize) -> Self {
        let mut settings = Self {
            current: Arc::default(),
            reset: HashMap::new(),
            custom: BTreeMap::new(),
            touched: HashMap::new(),
            acting: Arc::new(Acting::read(boot)),
            stale: REPORTED.iter().copied().collect(),
            told: HashMap::new(),
            transaction: Characteristics { isolation: Isolation::ReadCommitted, read_only: false, deferrable: false },
            in_transaction: false,
        };
        settings.fix("session_authorization", Value::Text(user.into()));
        settings.fix("is_superuser", Value::Bool(superuser));
        settings.fix("max_connections", Value::Int(max_connections as i64));
        settings
    }

    pub fn acting(&self) -> &Arc<Acting> {
        &self.acting
    }

    /// Sets what the gateway itself decides; also what RESET gives.
    pub fn fix(&mut self, name: &str, value: Value) {
        let key = name.to_lowercase();
        self.mark(&key);
        self.reset.insert(key.clone(), value.clone());
        Arc::make_mut(&mut self.current).insert(key, value);
    }

    /// Changes a setting that follows another (is_superuser follows role), with the transaction's fate.
    pub fn follow(&mut self, name: &str, value: Value, scope: Scope) {
        self.store(name.to_lowercase(), Some(value), scope);
    }

    /// At the start of a session: the values stand for RESET too.
    pub fn set_initial(&mut self, name: &str, text: &str, superuser: bool) -> Result<()> {
        self.set(name, Some(text), Scope::Session, Source::Startup { superuser })?;
        let key = name.to_lowercase();
        if let Some(value) = self.current.get(&key) {
            self.reset.insert(key, value.clone());
        }
        Ok(())
    }

    /// What RESET goes back to.
    pub fn original(&self, name: &str) -> Option<&Value> {
        self.reset.get(name)
    }

    /// SET; `None` is SET … TO DEFAULT. `role` and `session_authorization` cannot be set here, by nobody: who may become
    /// whom is for `session::identity` to say, which then uses [`Self::follow`] or [`Self::fix`]. The transaction's
    /// characteristics have their own way, too.
    pub fn set(&mut self, name: &str, text: Option<&str>, scope: Scope, source: Source) -> Result<()> {
        let key = name.to_lowercase();
        let Some(definition) = DEFINITIONS.get(&key) else { return self.set_custom(name, key, text, scope) };
        may_change(definition, source)?;
        let value = match text {
            None => self.reset.get(&key).cloned(),
            Some(text) => {
                let parsed = value::parse(definition.name, &definition.kind, text)?;
                Some(acting::check(definition.name, parsed, &self.value(&key, definition))?)
            }
        };
        self.store(key, value, scope);
        Ok(())
    }

    /// Whether a SET would be accepted, without doing it (ALTER ROLE … SET).
    pub fn validate(name: &str, text: &str, superuser: bool) -> Result<()> {
        let key = name.to_lowercase();
        if super::identity::Identity::of(&key).is_some() {
            // As in PostgreSQL, any name is kept; whether the role may take it is judged when it logs in.
            return Ok(());
        }
        match DEFINITIONS.get(&key) {
            None => custom_name(name, &key),
            Some(definition) => {
                may_change(definition, Source::Startup { superuser })?;
                let parsed = value::parse(definition.name, &definition.kind, text)?;
                acting::check(definition.name, parsed, &definition.boot).map(drop)
            }
        }
    }

    fn set_custom(&mut self, name: &str, key: String, text: Option<&str>, scope: Scope) -> Result<()> {
        custom_name(name, &key)?;
        acting::check_custom(&key, text)?;
        self.custom.entry(key.clone()).or_insert_with(|| name.to_owned());
        let value = text.map_or_else(|| Value::Text("".into()), |t| Value::Text(t.into()));
        self.store(key, Some(value), scope);
        Ok(())
    }

    fn store(&mut self, key: String, value: Option<Value>, scope: Scope) {
        if self.in_transaction {
            let before = self.current.get(&key).cloned();
            let touched = self.touched.entry(key.clone()).or_insert(Touched { before, at_commit: None });
            if scope == Scope::Session {
                touched.at_commit = Some(value.clone());
            }
        }
        self.put(key, value);
    }

    fn put(&mut self, key: String, value: Option<Value>) {
        self.mark(&key);
        let acts = acting::acts(&key);
        let value = value.or_else(|| self.custom.contains_key(&key).then(|| Value::Text("".into())));
        match value {
            Some(value) => Arc::make_mut(&mut self.current).insert(key, value),
            None => Arc::make_mut(&mut self.current).remove(&key),
        };
        if acts {
            self.acting = Arc::new(Acting::read(|key| self.current.get(key).cloned().unwrap_or_else(|| boot(key))));
        }
    }

    fn mark(&mut self, key: &str) {
        if let Some(definition) = DEFINITIONS.get(key).filter(|d| d.report) {
            self.stale.insert(definition.name);
        }
    }

    /// RESET ALL: every setting that a user may change, but the role.
    pub fn reset_all(&mut self) {
        let keys: Vec<String> = self.current.keys().cloned().collect();
        for key in keys {
            let resettable = DEFINITIONS.get(&key).is_none_or(|d| {
                !d.hidden
                    && matches!(d.context, Context::User | Context::Superuser)
                    && !d.name.starts_with("transaction_")
            });
            if resettable {
                let value = self.reset.get(&key).cloned();
                let value = value.or_else(|| self.custom.contains_key(&key).then(|| Value::Text("".into())));
                self.store(key, value, Scope::Session);
            }
        }
    }

    /// A transaction begins; the characteristics are those of default_transaction_….
    pub fn begin(&mut self) {
        self.in_transaction = true;
        self.transaction = self.defaults();
    }

    fn defaults(&self) -> Characteristics {
        Characteristics {
            isolation: self.acting.default_isolation,
            read_only: self.acting.default_read_only,
            deferrable: self.acting.default_deferrable,
        }
    }

    pub fn commit(&mut self) {
        self.in_transaction = false;
        for (key, touched) in std::mem::take(&mut self.touched) {
            self.put(key, touched.at_commit.unwrap_or(touched.before));
        }
        self.transaction = self.defaults();
    }

    pub fn rollback(&mut self) {
        self.in_transaction = false;
        for (key, touched) in std::mem::take(&mut self.touched) {
            self.put(key, touched.before);
        }
        self.transaction = self.defaults();
    }

    /// What a savepoint goes back to.
    pub fn save(&self) -> Saved {
        Saved { values: self.values(), touched: self.touched.clone(), transaction: self.transaction }
    }

    pub fn restore(&mut self, saved: &Saved) {
        self.exchange(saved.values.clone());
        // A custom setting stays known, without its value.
        let lost: Vec<String> = self.custom.keys().filter(|key| !self.current.contains_key(*key)).cloned().collect();
        for key in lost {
            self.put(key, None);
        }
        self.touched.clone_from(&saved.touched);
        self.transaction = saved.transaction;
        // What the client was told is compared when it is told again.
        self.stale.extend(REPORTED.iter().copied());
    }

    /// The values as they are now.
    pub fn values(&self) -> Values {
        Values { current: self.current.clone(), acting: self.acting.clone() }
    }

    /// Puts these values in place; nobody is told.
    pub fn exchange(&mut self, values: Values) {
        let Values { current, acting } = values;
        self.current = current;
        self.acting = acting;
    }

    fn value(&self, key: &str, definition: &Definition) -> Value {
        self.current.get(key).cloned().unwrap_or_else(|| definition.boot.clone())
    }

    /// SHOW; 42704 if there is none of that name.
    pub fn show(&self, name: &str) -> Result<String> {
        self.get(name).ok_or_else(|| unrecognized(name))
    }

    /// The value as SHOW prints it.
    pub fn get(&self, name: &str) -> Option<String> {
        let key = name.to_lowercase();
        let characteristics = if self.in_transaction { self.transaction } else { self.defaults() };
        let on_off = |flag| if flag { "on" } else { "off" };
        let special = match key.as_str() {
            "transaction_isolation" => isolation_name(characteristics.isolation),
            "transaction_read_only" => on_off(characteristics.read_only),
            "transaction_deferrable" => on_off(characteristics.deferrable),
            "seed" => "unavailable",
            _ => "",
        };
        if !special.is_empty() {
            return Some(special.to_owned());
        }
        match DEFINITIONS.get(&key) {
            Some(definition) => Some(definition.show(&self.value(&key, definition))),
            None => self.current.get(&key).map(value::raw),
        }
    }

    /// The name as SHOW heads its column: PostgreSQL's own spelling.
    pub fn spelling(&self, name: &str) -> String {
        let key = name.to_lowercase();
        DEFINITIONS
            .get(&key)
            .map(|d| d.name.to_owned())
            .or_else(|| self.custom.get(&key).cloned())
            .unwrap_or_else(|| name.to_owned())
    }

    /// Changed parameters since the client was last told, in PostgreSQL's order.
    pub fn reports(&mut self) -> Vec<(&'static str, String)> {
        if self.stale.is_empty() {
            return Vec::new();
        }
        let mut out = Vec::new();
        for name in REPORTED.iter().filter(|name| self.stale.contains(**name)) {
            let value = self.get(name).unwrap_or_default();
            if self.told.get(name) != Some(&value) {
                self.told.insert(name, value.clone());
                out.push((*name, value));
            }
        }
        self.stale.clear();
        out
    }

    /// pg_settings, and SHOW ALL (which shows `show` instead of `setting`), by name.
    pub fn rows(&self) -> Vec<SettingRow> {
        let mut rows: Vec<SettingRow> = DEFINITIONS
            .iter()
            .filter(|(_, definition)| !definition.hidden)
            .map(|(key, definition)| self.row(key, definition))
            .collect();
        rows.extend(self.custom.iter().filter_map(|(key, name)| {
            let setting = value::raw(self.current.get(key)?);
            Some(SettingRow {
                name: name.clone(),
                setting: Some(setting),
                unit: None,
                category: "Customized Options".into(),
                short_desc: String::new(),
                extra_desc: None,
                context: "user".into(),
                vartype: "string".into(),
                source: "session".into(),
                min_val: None,
                max_val: None,
                enumvals: None,
                boot_val: None,
                reset_val: None,
            })
        }));
        rows.sort_by_cached_key(|row| row.name.to_lowercase());
        rows
    }

    fn row(&self, key: &str, definition: &Definition) -> SettingRow {
        let (min_val, max_val) = match &definition.kind {
            Kind::Int { min, max, .. } => (Some(min.to_string()), Some(max.to_string())),
            Kind::Real { min, max, .. } => (Some(value::raw(&Value::Real(*min))), Some(value::raw(&Value::Real(*max)))),
            Kind::Bool | Kind::Text | Kind::Enum(_) => (None, None),
        };
        let current = self.value(key, definition);
        let reset = self.reset.get(key).unwrap_or(&definition.boot);
        let source = if current == definition.boot {
            "default"
        } else if current == *reset {
            "client"
        } else {
            "session"
        };
        let setting = match key {
            "transaction_isolation" | "transaction_read_only" | "transaction_deferrable" => self.get(key),
            _ => Some(definition.raw(&current)),
        };
        SettingRow {
            name: definition.name.to_owned(),
            setting,
            unit: definition.unit_name.map(str::to_owned),
            category: definition.category.to_owned(),
            short_desc: definition.short_desc.to_owned(),
            extra_desc: definition.extra_desc.map(str::to_owned),
            context: definition.context_name.to_owned(),
            vartype: definition.vartype.to_owned(),
            source: source.to_owned(),
            min_val,
            max_val,
            enumvals: match &definition.kind {
                Kind::Enum(values) => Some(values.iter().map(|v| (*v).to_owned()).collect()),
                _ => None,
            },
            boot_val: Some(definition.raw(&definition.boot)),
            reset_val: Some(definition.raw(reset)),
        }
    }
}

/// The boot value of a setting by its lower-case name.
fn boot(key: &str) -> Value {
    DEFINITIONS.get(key).map_or_else(|| Value::Text("".into()), |d| d.boot.clone())
}

pub fn unrecognized(name: &str) -> Error {
    Error::new(SqlState::UNDEFINED_OBJECT, format!("unrecognized configuration parameter \"{name}\""))
}

/// PostgreSQL's rules on contexts.
fn may_change(definition: &Definition, source: Source) -> Result<()> {
    let name = definition.name;
    let cannot = |how: &str| {
        Err(Error::new(SqlState::CANT_CHANGE_RUNTIME_PARAM, format!("parameter \"{name}\" cannot be {how}")))
    };
    let superuser = match source {
        Source::Startup { superuser } | Source::Statement { superuser } => superuser,
    };
    match definition.context {
        Context::Internal => cannot("changed"),
        Context::Postmaster => cannot("changed without restarting the server"),
        Context::Sighup => cannot("changed now"),
        Context::Backend if matches!(source, Source::Statement { .. }) => cannot("set after connection start"),
        Context::Superuser if !superuser => {
            Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, format!("permission denied to set parameter \"{name}\"")))
        }
        Context::Backend | Context::Superuser | Context::User => Ok(()),
    }
}

/// A name that is not PostgreSQL's must have a prefix of its own.
fn custom_name(name: &str, key: &str) -> Result<()> {
    if !key.contains('.') {
        return Err(unrecognized(name));
    }
    let invalid = |detail: &str| {
        Err(Error::new(SqlState::INVALID_NAME, format!("invalid configuration parameter name \"{name}\""))
            .detail(detail))
    };
    let simple = |part: &str| {
        let mut chars = part.chars();
        chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_' || !c.is_ascii())
            && chars.all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '$' || !c.is_ascii())
    };
    if !key.split('.').all(simple) {
        return invalid("Custom parameter names must be two or more simple identifiers separated by dots.");
    }
    if crate::facts::is_share_of_memory(key) {
        return Err(Error::unsupported(format!("setting \"{name}\""))
            .detail(sentence(crate::facts::NO_SHARE))
            .hint(sentence(crate::facts::INSTEAD)));
    }
    if key.starts_with("duckgate.") {
        return invalid("\"duckgate\" is a reserved prefix.");
    }
    Ok(())
}

/// As a detail and a hint are written.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}

#[cfg(test)]
mod tests;
