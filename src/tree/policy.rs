//! Row security as statements: CREATE, ALTER and DROP POLICY, and ALTER TABLE's part.

use crate::registry::{Name, PolicyCommand};

/// A policy as CREATE POLICY gives it.
#[derive(Debug, Clone)]
pub struct NewPolicy {
    pub name: Name,
    pub permissive: bool,
    pub command: PolicyCommand,
    /// `None` is PUBLIC.
    pub roles: Vec<Option<Name>>,
    /// Texts over the table's columns.
    pub using: Option<String>,
    pub check: Option<String>,
}

/// ALTER POLICY; what is `None` stays.
#[derive(Debug, Clone)]
pub enum PolicyChange {
    Rename { to: Name },
    Alter { roles: Option<Vec<Option<Name>>>, using: Option<String>, check: Option<String> },
}

/// ALTER TABLE … ROW LEVEL SECURITY.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SwitchRowSecurity {
    Enable,
    Disable,
    Force,
    NoForce,
}
