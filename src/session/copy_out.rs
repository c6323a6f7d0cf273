//! COPY TO STDOUT.

use super::execute::Done;
use super::front::Front;
use super::session::Session;
use crate::error::{Error, Result};
use crate::sql::Plan;
use crate::tree::CopyOptions;

impl Session {
    pub(super) async fn copy_out(
        &mut self,
        _plan: &Plan,
        _options: &CopyOptions,
        _front: &mut dyn Front,
    ) -> Result<Done> {
        Err(Error::unsupported("COPY TO STDOUT"))
    }
}
