//! COPY FROM STDIN.

use std::sync::Arc;

use super::execute::Done;
use super::front::Front;
use super::session::Session;
use crate::error::{Error, Result};
use crate::registry::Relation;
use crate::sql::Plan;
use crate::tree::{CopyOptions, Field};

impl Session {
    pub(super) async fn copy_in(
        &mut self,
        _plan: &Plan,
        _options: &CopyOptions,
        _columns: &[Field],
        _table: &Arc<Relation>,
        _front: &mut dyn Front,
    ) -> Result<Done> {
        Err(Error::unsupported("COPY FROM STDIN"))
    }
}
