//! What is plugged into DuckDB when it is opened: native functions, aggregates, system tables.

use super::Plugins;
use super::raw::RawConnection;
use crate::error::Result;

pub(super) fn register(_raw: &RawConnection, _plugins: &Plugins) -> Result<()> {
    Ok(())
}
