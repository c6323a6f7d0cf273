//! Constants.
//!
//! `5` → `5`, `-5` → `'-5'::integer`, `'x'` → `'x'::text`

use super::Printer;
use crate::types::{OutputSettings, PgType, Value, oid};

/// Whether a constant's type is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Label {
    Never,
    /// Where the constant alone would have another type.
    Needed,
    Always,
}

impl Printer<'_> {
    pub(super) fn constant(&mut self, value: &Value, ty: PgType, label: Label) {
        if value.is_null() {
            self.push("NULL");
            if label != Label::Never {
                self.label(ty);
            }
            return;
        }
        let text = crate::types::text::format(value, ty, &OutputSettings::default(), self.seen);
        let needed = match ty.oid {
            oid::BOOL => {
                self.push(if matches!(value, Value::Bool(true)) { "true" } else { "false" });
                false
            }
            oid::INT4 if !text.starts_with('-') => {
                self.push(&text);
                false
            }
            // What looks like a float is numeric by itself.
            oid::NUMERIC if text.starts_with(|c: char| c.is_ascii_digit()) && text.contains(['e', 'E', '.']) => {
                self.push(&text);
                ty.typmod >= 0
            }
            oid::UNKNOWN => {
                self.literal(&text);
                false
            }
            _ => {
                self.literal(&text);
                true
            }
        };
        if label == Label::Always || needed && label == Label::Needed {
            self.label(ty);
        }
    }

    fn literal(&mut self, text: &str) {
        self.push("'");
        self.push(&text.replace('\'', "''"));
        self.push("'");
    }

    pub(super) fn label(&mut self, ty: PgType) {
        let name = self.type_name(ty);
        self.push("::");
        self.push(&name);
    }
}
