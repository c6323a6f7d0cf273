//! Who is connected, and with what state: settings, transaction, prepared statements, portals, cursors.

mod front;
mod gateway;
mod limits;
#[allow(clippy::module_inception)]
mod session;
#[allow(dead_code)]
mod settings;

pub use front::{CopyInput, Front, Idle, RowShape, Startup};
pub use gateway::{Gateway, Schema};
pub use limits::Limits;
pub use session::Session;
