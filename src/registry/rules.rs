//! What hides rows and values of a table: row security with its policies, as PostgreSQL has it, and masks of columns.

use serde::{Deserialize, Serialize};

use super::privileges::PUBLIC;
use super::{Name, Relation, Snapshot};
use crate::types::Oid;

/// The rules of one table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// ENABLE ROW LEVEL SECURITY.
    pub enabled: bool,
    /// FORCE ROW LEVEL SECURITY: for the table's owner too.
    pub forced: bool,
    pub policies: Vec<Policy>,
    pub masks: Vec<Mask>,
    /// Of a view (security_invoker): it reads in the name of whoever asks, not of its owner.
    #[serde(default)]
    pub invoker: bool,
    /// Of a view (security_barrier): what can fail does not run on rows that it hides.
    #[serde(default)]
    pub barrier: bool,
    /// Of a view: WITH CHECK OPTION.
    #[serde(default)]
    pub check_option: Option<CheckOption>,
    /// Of a view that can be written through: what it is over, for who asks whether it can.
    #[serde(default)]
    pub over: Option<ViewOver>,
}

/// The one table or view that a view shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewOver {
    pub relation: Oid,
    /// For each of the view's columns the attnum of the column below that it is, if it is no more than one.
    pub columns: Vec<Option<i16>>,
}

/// Which rows may be written through a view: those that it shows (LOCAL), and that the views below it show (CASCADED).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CheckOption {
    Local,
    Cascaded,
}

impl CheckOption {
    /// As `pg_class.reloptions` and `information_schema.views` have it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Cascaded => "cascaded",
        }
    }
}

/// One policy (a row of pg_policy). Its texts are kept ones, over the table's columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    pub oid: Oid,
    pub name: Name,
    /// False: RESTRICTIVE.
    pub permissive: bool,
    pub command: PolicyCommand,
    /// Role OIDs; [`PUBLIC`] is everybody.
    pub roles: Vec<Oid>,
    pub using: Option<String>,
    pub check: Option<String>,
    #[serde(default)]
    pub comment: Option<String>,
}

/// The command that a policy is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PolicyCommand {
    All,
    Select,
    Insert,
    Update,
    Delete,
}

/// What a role reads in the place of a column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mask {
    /// The column's attnum.
    pub column: i16,
    /// Role OIDs; [`PUBLIC`] is everybody.
    pub roles: Vec<Oid>,
    /// A kept text over the table's columns; assigned to the column's type.
    pub expression: String,
}

/// Whether a role sees a table through its policies (check_enable_rls).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowSecurity {
    /// The table has none.
    Off,
    /// The table has, and the role is free of it.
    Exempt,
    /// `owner` is true for the owner of a table whose row security is forced.
    On { owner: bool },
}

impl PolicyCommand {
    /// True if a policy for `self` is one for this command.
    pub fn covers(self, command: Self) -> bool {
        self == Self::All || self == command
    }

    /// pg_policy.polcmd.
    pub const fn code(self) -> u8 {
        match self {
            Self::All => b'*',
            Self::Select => b'r',
            Self::Insert => b'a',
            Self::Update => b'w',
            Self::Delete => b'd',
        }
    }
}

impl Snapshot {
    /// Does row security of the table hold for this role?
    pub fn row_security(&self, role: Oid, relation: &Relation) -> RowSecurity {
        let now = self.relation_now(relation).unwrap_or(relation);
        if !now.rules.enabled {
            return RowSecurity::Off;
        }
        if self.bypasses_rules(role) {
            return RowSecurity::Exempt;
        }
        let owner = self.has_rights_of(role, now.owner);
        if owner && !now.rules.forced { RowSecurity::Exempt } else { RowSecurity::On { owner } }
    }

    /// Superusers and roles with BYPASSRLS.
    pub fn bypasses_rules(&self, role: Oid) -> bool {
        self.is_superuser(role) || self.role_now(role).is_some_and(|r| r.bypass_rls)
    }

    /// Is the role among those that a policy or mask is for?
    pub fn is_meant(&self, role: Oid, roles: &[Oid]) -> bool {
        roles.iter().any(|of| *of == PUBLIC || self.has_rights_of(role, *of))
    }

    /// The masks through which this role reads the table's columns, one a column: the first that is for it.
    pub fn masks<'a>(&'a self, role: Oid, relation: &'a Relation) -> Vec<&'a Mask> {
        let now = self.relation_now(relation).unwrap_or(relation);
        if now.rules.masks.is_empty() || self.bypasses_rules(role) || self.has_rights_of(role, now.owner) {
            return Vec::new();
        }
        let mut found: Vec<&Mask> = Vec::new();
        for mask in now.rules.masks.iter().filter(|m| self.is_meant(role, &m.roles)) {
            if !found.iter().any(|f| f.column == mask.column) {
                found.push(mask);
            }
        }
        found
    }

    /// May details of errors show values of the table's rows to this role? Not where a rule hides some of them.
    pub fn shows_values(&self, role: Oid, relation: &Relation) -> bool {
        !matches!(self.row_security(role, relation), RowSecurity::On { .. }) && self.masks(role, relation).is_empty()
    }
}
