//! What the types of users are asked; labels of enums: their places in the catalog, and those that are not committed yet.

use super::{UserType, UserTypeKind};
use crate::error::{Error, Result, SqlState};

impl UserType {
    /// Whether it is a domain that says what a column has that says nothing itself.
    pub fn has_default(&self) -> bool {
        matches!(&self.kind, UserTypeKind::Domain { default: Some(_), .. })
    }

    /// True for what belongs to one session alone.
    pub fn is_temporary(&self) -> bool {
        &*self.namespace == super::bootstrap::TEMPORARY
    }

    /// enumsortorder of the labels.
    pub fn places(&self, labels: usize) -> Vec<f32> {
        match self.label_places.len() == labels {
            true => self.label_places.clone(),
            false => (1..=labels).map(|place| place as f32).collect(),
        }
    }

    /// Fails for a label that might not come to be: an index could keep it (check_safe_enum_use).
    pub fn check_label_is_safe(&self, label: &str) -> Result<()> {
        if !self.fresh_labels.iter().any(|fresh| **fresh == *label) {
            return Ok(());
        }
        let message = format!("unsafe use of new value \"{label}\" of enum type {}", self.name);
        Err(Error::new(SqlState::UNSAFE_NEW_ENUM_VALUE_USAGE, message)
            .hint("New enum values must be committed before they can be used."))
    }
}
