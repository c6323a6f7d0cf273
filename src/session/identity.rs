//! `role` and `session_authorization`: the settings that say with whose rights a session acts. Who may give them which
//! value is judged here, whatever way the value comes: a statement, the startup message, or ALTER ROLE … SET.

use super::settings::{Settings, Value};
use crate::error::{Error, Result, SqlState};
use crate::registry::{Role, Snapshot};
use crate::types::Oid;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    Role,
    SessionAuthorization,
}

impl Identity {
    /// The setting of that name, in any case of the letters, if it is one of the two.
    pub fn of(setting: &str) -> Option<Self> {
        match setting.to_lowercase().as_str() {
            "role" => Some(Self::Role),
            "session_authorization" => Some(Self::SessionAuthorization),
            _ => None,
        }
    }

    /// Whether `asking` may take that name: for `role` the session user, for `session_authorization` who logged in
    /// (PostgreSQL's check_role, check_session_authorization). 22023 for a role that does not exist, 42501.
    pub fn check(self, name: &str, asking: Oid, snapshot: &Snapshot) -> Result<()> {
        let Some(role) = snapshot.role(name) else {
            let missing = crate::registry::privileges::missing_role(name);
            if missing.code() == SqlState::FEATURE_NOT_SUPPORTED {
                return Err(missing);
            }
            let message = format!("role \"{name}\" does not exist");
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        };
        let (allowed, what) = match self {
            Self::Role => (snapshot.is_member(asking, role.oid), "role"),
            Self::SessionAuthorization => {
                (role.oid == asking || snapshot.is_superuser(asking), "session authorization")
            }
        };
        if allowed {
            return Ok(());
        }
        let message = format!("permission denied to set {what} \"{name}\"");
        Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message))
    }

    /// At the start of a session, for `role` who logged in. As in PostgreSQL, a `session_authorization` given then is
    /// checked and has no further effect: who logged in stands above it.
    pub fn begin(self, name: &str, role: &Role, snapshot: &Snapshot, settings: &mut Settings) -> Result<()> {
        match self {
            Self::SessionAuthorization => self.check(name, role.oid, snapshot),
            Self::Role => {
                let superuser = if name == "none" {
                    role.superuser
                } else {
                    self.check(name, role.oid, snapshot)?;
                    snapshot.role(name).is_some_and(|r| r.superuser)
                };
                settings.fix("role", Value::Text(name.into()));
                settings.fix("is_superuser", Value::Bool(superuser));
                Ok(())
            }
        }
    }
}
