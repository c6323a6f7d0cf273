//! One session: the state that a connected client has, and the methods a front end calls.

use std::num::NonZeroU32;
use std::sync::Arc;

use bytes::Bytes;

use super::{Front, Gateway, Idle, RowShape, Startup};
use crate::error::{Error, Result};
use crate::tree::Field;
use crate::types::Oid;

/// A connected client's state. It ends when it is dropped: its transaction rolls back, its place becomes free.
pub struct Session {
    gateway: Arc<Gateway>,
    startup: Startup,
}

impl Session {
    pub(super) fn open(gateway: Arc<Gateway>, startup: Startup) -> Result<Self> {
        Ok(Self { gateway, startup })
    }

    pub fn gateway(&self) -> &Arc<Gateway> {
        &self.gateway
    }

    /// What BackendKeyData says beside the secret.
    pub fn pid(&self) -> i32 {
        0
    }

    /// The ParameterStatus messages at the start of a session.
    pub fn parameters(&self) -> Vec<(String, String)> {
        let _ = &self.startup;
        Vec::new()
    }

    /// ReadyForQuery's byte: `I`, `T` or `E`.
    pub fn transaction_status(&self) -> u8 {
        b'I'
    }

    /// A simple Query message. Results go to the front as they come; after an error (returned for ErrorResponse) nothing
    /// more of the text runs. Then, in both cases, [`Session::ready`] and ReadyForQuery.
    pub async fn simple(&mut self, _text: &str, _front: &mut dyn Front) -> Result<()> {
        Err(Error::unsupported("simple query"))
    }

    /// Parse. `types`: 0 is unspecified. Nothing is sent by the session; the front end answers ParseComplete.
    pub async fn parse(&mut self, _name: &str, _text: &str, _types: &[Oid]) -> Result<()> {
        Err(Error::unsupported("Parse"))
    }

    /// Bind. Formats are as on the wire: none, one for all, or one each.
    pub async fn bind(
        &mut self,
        _portal: &str,
        _statement: &str,
        _param_formats: Vec<i16>,
        _values: Vec<Option<Bytes>>,
        _result_formats: Vec<i16>,
    ) -> Result<()> {
        Err(Error::unsupported("Bind"))
    }

    /// Describe of a statement: ParameterDescription and RowDescription (formats unknown: 0) or NoData.
    pub async fn describe_statement(&mut self, _name: &str) -> Result<(Vec<Oid>, Option<Vec<Field>>)> {
        Err(Error::unsupported("Describe"))
    }

    /// Describe of a portal: RowDescription or NoData.
    pub async fn describe_portal(&mut self, _name: &str) -> Result<Option<RowShape>> {
        Err(Error::unsupported("Describe"))
    }

    /// Execute. The session sends rows and CommandComplete, PortalSuspended or EmptyQueryResponse.
    pub async fn execute(
        &mut self,
        _portal: &str,
        _max_rows: Option<NonZeroU32>,
        _front: &mut dyn Front,
    ) -> Result<()> {
        Err(Error::unsupported("Execute"))
    }

    /// Close of a statement: none of that name is no error.
    pub async fn close_statement(&mut self, _name: &str) -> Result<()> {
        Ok(())
    }

    /// Close of a portal: none of that name is no error.
    pub async fn close_portal(&mut self, _name: &str) -> Result<()> {
        Ok(())
    }

    /// Sync: ends the implicit transaction, also after an error of this cycle. An error here is a failed COMMIT: the
    /// front end sends it, then goes on to [`Session::ready`].
    pub async fn sync(&mut self, _front: &mut dyn Front) -> Result<()> {
        Ok(())
    }

    /// Before every ReadyForQuery, simple or extended: reports changed parameters.
    pub fn ready(&mut self, _front: &mut dyn Front) {}

    /// The front end itself found an error (a malformed message): the transaction fails as by an error of ours.
    pub async fn fail(&mut self) {}

    /// Waits for what may happen while the client is silent. Cancel-safe; never completes if nothing happens.
    pub async fn idle(&mut self) -> Idle {
        std::future::pending().await
    }
}
