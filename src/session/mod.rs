//! Who is connected, and with what state: settings, transaction, prepared statements, portals, cursors.
//!
//! [`Gateway`] is what all share; a [`Session`] is one client's. A front end drives a session with the methods of
//! simple.rs and extended.rs, and gives it a [`Front`] to answer to.

mod advisory;
mod attempt;
mod audit;
mod bind;
mod constraint;
mod copy_feed;
mod copy_in;
mod copy_out;
mod copy_progress;
mod copy_rejects;
mod cursors;
mod ddl;
mod deferred;
mod definitions;
mod describe;
pub mod environment;
mod execute;
mod explain;
mod extended;
mod front;
mod gateway;
mod identity;
mod in_order;
mod interrupt;
mod journal;
mod key_log;
mod keys;
mod lifecycle;
mod loads;
mod locking;
mod locks;
mod made_rows;
mod notify;
mod on_commit;
pub mod plan_cache;
mod plpgsql;
mod portals;
mod probe;
mod quota;
mod replay;
mod row_locks;
mod rows_before;
mod run;
mod savepoints;
mod scroll;
mod server_files;
#[allow(clippy::module_inception)]
mod session;
mod set;
mod settings;
mod shared;
mod simple;
mod sql_prepared;
mod startup;
mod statements;
mod transaction;
mod undo;
mod uniques;
mod utility;

pub use audit::Visitor;
pub use front::{CopyInput, Front, Idle, RowShape, Startup};
pub use gateway::{Gateway, Reload};
pub use session::Session;
pub use settings::{SERVER_VERSION, Settings, VERSION_TEXT};

#[cfg(test)]
mod tests;
