//! Who is connected, and with what state: settings, transaction, prepared statements, portals, cursors.

mod front;
pub use front::{CopyInput, Front, RowShape};
