//! SET, RESET, SHOW, SET ROLE, SET SESSION AUTHORIZATION.

use super::execute::Done;
use super::front::Front;
use super::identity::Identity;
use super::made_rows::{text_batch, text_field, text_shape};
use super::portals::OpenRows;
use super::session::Session;
use super::settings::{Scope, Value, parse_bool};
use super::transaction;
use crate::error::{Error, Result, SqlState};
use crate::registry::Name;
use crate::tree::{Isolation, TransactionModes};

fn scope(local: bool) -> Scope {
    if local { Scope::Local } else { Scope::Session }
}

impl Session {
    pub(super) fn set(&mut self, name: &str, value: Option<&str>, local: bool, front: &mut dyn Front) -> Result<Done> {
        self.warn_local(local, front);
        match name.to_lowercase().as_str() {
            "role" => {
                let role = value.filter(|v| *v != "none").map(Name::from);
                return self.set_role(role.as_ref(), local, front);
            }
            "session_authorization" => {
                return self.set_session_authorization(value.map(Name::from).as_ref(), local, front);
            }
            "transaction_isolation" | "transaction_read_only" | "transaction_deferrable" => {
                self.set_characteristic(name, value)?;
            }
            _ => self.shared.state.lock().set(name, value, scope(local))?,
        }
        Done::tag("SET")
    }

    /// The transaction's characteristics as settings.
    fn set_characteristic(&mut self, name: &str, value: Option<&str>) -> Result<()> {
        let mut modes = TransactionModes::default();
        let flag = |value: Option<&str>, default: bool| match value {
            None => Ok(default),
            Some(text) => parse_bool(text).ok_or_else(|| {
                let message = format!("parameter \"{name}\" requires a Boolean value");
                Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
            }),
        };
        let defaults = self.shared.state.lock().settings.acting().clone();
        match name.to_lowercase().as_str() {
            "transaction_isolation" => {
                modes.isolation = Some(match value {
                    None => defaults.default_isolation,
                    Some(text) => isolation(name, text)?,
                });
            }
            "transaction_read_only" => modes.read_only = Some(flag(value, defaults.default_read_only)?),
            _ => modes.deferrable = Some(flag(value, defaults.default_deferrable)?),
        }
        let queried = self.transaction.active().is_some_and(|a| a.queried);
        let below = self.transaction.in_savepoint();
        transaction::apply_modes(&modes, queried, below, &mut self.shared.state.lock().settings.transaction)
    }

    pub(super) fn reset(&mut self, name: Option<&str>) -> Result<Done> {
        if let Some(identity @ ("role" | "session_authorization")) = name.map(str::to_lowercase).as_deref() {
            self.shared.state.lock().may_change_role(identity)?;
        }
        match name.map(str::to_lowercase).as_deref() {
            None => self.shared.state.lock().settings.reset_all(),
            Some("role") => {
                let original = match self.shared.state.lock().settings.original("role") {
                    Some(Value::Text(role)) => role.clone(),
                    _ => "none".into(),
                };
                self.follow_role(&original, Scope::Session);
            }
            Some("session_authorization") => self.reset_session_authorization(),
            Some("transaction_isolation" | "transaction_read_only" | "transaction_deferrable") => {
                self.set_characteristic(name.unwrap_or_default(), None)?;
            }
            Some(key) => {
                let original = name.unwrap_or(key);
                self.shared.state.lock().set(original, None, Scope::Session)?;
            }
        }
        Done::tag("RESET")
    }

    pub(super) fn set_role(&mut self, name: Option<&Name>, local: bool, front: &mut dyn Front) -> Result<Done> {
        self.shared.state.lock().may_change_role("role")?;
        self.warn_local(local, front);
        if let Some(name) = name {
            let snapshot = self.snapshot();
            let session_user = self.shared.state.lock().session_user;
            Identity::Role.check(name, session_user, &snapshot)?;
            self.shared.state.lock().known_roles.remove(&**name);
        }
        self.follow_role(name.map_or("none", |n| n), scope(local));
        Done::tag("SET")
    }

    pub(super) fn set_session_authorization(
        &mut self,
        name: Option<&Name>,
        local: bool,
        front: &mut dyn Front,
    ) -> Result<Done> {
        self.shared.state.lock().may_change_role("session_authorization")?;
        self.warn_local(local, front);
        let Some(name) = name else {
            self.reset_session_authorization();
            return Done::tag("SET");
        };
        let snapshot = self.snapshot();
        let authenticated = self.shared.state.lock().authenticated;
        Identity::SessionAuthorization.check(name, authenticated, &snapshot)?;
        let scope = scope(local);
        let mut state = self.shared.state.lock();
        state.known_roles.remove(&**name);
        state.settings.follow("session_authorization", Value::Text(name.clone()), scope);
        drop(state);
        self.follow_role("none", scope);
        Done::tag("SET")
    }

    pub(super) fn reset_session_authorization(&mut self) {
        let user = self.shared.user.clone();
        let mut state = self.shared.state.lock();
        let authenticated = state.authenticated;
        state.known_roles.insert(user.to_string(), authenticated);
        state.settings.follow("session_authorization", Value::Text(user), Scope::Session);
        drop(state);
        self.follow_role("none", Scope::Session);
    }

    /// Sets `role`, and `is_superuser` with it.
    fn follow_role(&mut self, role: &str, scope: Scope) {
        let snapshot = self.snapshot();
        let mut state = self.shared.state.lock();
        state.settings.follow("role", Value::Text(role.into()), scope);
        state.snapshot = snapshot;
        state.resolve_roles();
        let superuser = state.superuser();
        state.settings.follow("is_superuser", Value::Bool(superuser), scope);
    }

    pub(super) async fn show(
        &mut self,
        name: Option<&str>,
        codes: &[i16],
        front: &mut dyn Front,
        describe: bool,
    ) -> Result<Done> {
        let (fields, columns) = {
            let state = self.shared.state.lock();
            match name {
                Some(name) => {
                    let value = state.settings.show(name)?;
                    (vec![text_field(&state.settings.spelling(name))], vec![vec![Some(value)]])
                }
                None => {
                    let rows = state.settings.rows();
                    let shown = rows.iter().map(|row| state.settings.get(&row.name)).collect();
                    let fields = vec![text_field("name"), text_field("setting"), text_field("description")];
                    let names = rows.iter().map(|row| Some(row.name.clone())).collect();
                    let descriptions = rows.into_iter().map(|row| Some(row.short_desc)).collect();
                    (fields, vec![names, shown, descriptions])
                }
            }
        };
        let codes = if codes.len() == fields.len() { codes.to_vec() } else { vec![0; fields.len()] };
        let shape = text_shape(fields, codes);
        if describe {
            front.row_description(&shape, &*self.types())?;
        }
        let mut open = OpenRows::kept(vec![text_batch(columns)?], self.output_settings());
        self.send_rows(&mut open, &shape, front, true, None).await?;
        Done::tag("SHOW")
    }
}

fn isolation(name: &str, text: &str) -> Result<Isolation> {
    match text.to_lowercase().as_str() {
        "serializable" => Ok(Isolation::Serializable),
        "repeatable read" => Ok(Isolation::RepeatableRead),
        "read committed" => Ok(Isolation::ReadCommitted),
        "read uncommitted" => Ok(Isolation::ReadUncommitted),
        _ => Err(Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("invalid value for parameter \"{name}\": \"{text}\""),
        )
        .hint("Available values: serializable, repeatable read, read committed, read uncommitted.")),
    }
}
