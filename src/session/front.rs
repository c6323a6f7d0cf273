//! What a front end (wire today, Flight next) does for a session: takes results and notices, gives COPY data.

use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use futures::future::BoxFuture;

use crate::copy::Room;
use crate::error::{Error, Report, Result};
use crate::tree::Field;
use crate::types::Phys;

/// How a result's columns look and are to be sent.
#[derive(Debug, Clone)]
pub struct RowShape {
    pub fields: Vec<Field>,
    /// The physical type of each column in the batches.
    pub phys: Vec<Phys>,
    /// Format code of each column: 0 text, 1 binary.
    pub formats: Vec<i16>,
}

/// What the client sends during COPY FROM STDIN.
#[derive(Debug)]
pub enum CopyInput {
    Data(Bytes),
    /// So many bytes were put into the room that was given.
    Placed(usize),
    Done,
    /// CopyFail, with the client's message.
    Fail(String),
}

/// A front end, as the session sees it. Everything is buffered by the front end and flushed when it sees fit; methods
/// that return futures apply back-pressure. An error from any of them means that the client is gone.
pub trait Front: Send {
    /// RowDescription (simple query, and FETCH): sent before the first batch. The types are the session's: some of them
    /// nobody else sees.
    fn row_description(&mut self, shape: &RowShape, types: &dyn crate::types::TypeLookup) -> Result<()>;
    /// DataRows for rows `from..to` of a batch.
    fn rows<'a>(
        &'a mut self,
        shape: &'a RowShape,
        settings: &'a crate::types::OutputSettings,
        types: &'a (dyn crate::types::TypeLookup + Send + Sync),
        batch: &'a RecordBatch,
        from: usize,
        to: usize,
    ) -> BoxFuture<'a, Result<()>>;
    /// CommandComplete with its tag.
    fn complete(&mut self, tag: &str);
    /// EmptyQueryResponse.
    fn empty(&mut self);
    /// PortalSuspended.
    fn suspended(&mut self);
    /// NoticeResponse.
    fn notice(&mut self, report: &Report);
    /// What names and messages are sent in from here on, in the middle of a query: SET client_encoding acts at once.
    fn client_encoding(&mut self, encoding: crate::types::encoding::Encoding);
    /// ParameterStatus.
    fn parameter_status(&mut self, name: &str, value: &str);
    /// NotificationResponse.
    fn notification(&mut self, pid: i32, channel: &str, payload: &str);
    /// CopyInResponse: overall format (0 text, 1 binary) and number of columns.
    fn copy_in<'a>(&'a mut self, binary: bool, columns: usize) -> BoxFuture<'a, Result<()>>;
    /// The next piece of COPY data; where there is room it may be put there, so that it need not be copied later. Safe to drop
    /// and call again.
    fn copy_read<'a>(&'a mut self, room: Option<Room<'a>>) -> BoxFuture<'a, Result<CopyInput>>;
    /// CopyOutResponse.
    fn copy_out(&mut self, binary: bool, columns: usize);
    /// CopyData messages: `data`, cut where `ends` say.
    fn copy_write<'a>(&'a mut self, data: &'a [u8], ends: &'a [usize]) -> BoxFuture<'a, Result<()>>;
    /// CopyDone.
    fn copy_out_done(&mut self);
    /// Bytes of results (DataRow, CopyData) that it was given so far, as they go to the client.
    fn sent(&self) -> u64;
    /// Completes when the client has gone away, and not before; safe to drop and call again.
    fn gone(&mut self) -> BoxFuture<'_, ()>;
}

/// Who asks for a session; the front end has checked that it is them (`Gateway::role` lends the verifier), nothing more:
/// `Gateway::open_session` refuses an unknown database (3D000), a role that may not log in (28000), too many
/// connections, in total, for the role or eating into the superusers' reserve (53300), and bad settings.
#[derive(Debug, Clone)]
pub struct Startup {
    pub user: String,
    /// The user's name if the client gave none, as PostgreSQL does.
    pub database: String,
    /// The other startup parameters in order: settings, and `options` still in one piece.
    pub parameters: Vec<(String, String)>,
    /// `None` on a Unix socket.
    pub peer: Option<std::net::SocketAddr>,
    /// The gateway's own end of the connection.
    pub local: Option<std::net::SocketAddr>,
    pub tls: bool,
    /// What a CancelRequest must bring beside the process ID, made by the front end (4 bytes; more in protocol 3.2).
    pub secret: Vec<u8>,
}

impl Startup {
    /// What the client calls itself.
    pub fn application(&self) -> &str {
        let given = self.parameters.iter().find(|(name, _)| name == "application_name");
        given.map_or("", |(_, value)| value)
    }
}

/// What can happen to a session while its client is silent: `Session::idle`, cancel-safe, waits for it.
#[derive(Debug)]
pub enum Idle {
    /// The session is over (57P01, 57P05, 25P03 …): the front end sends the error and closes.
    Terminate(Error),
    Notification {
        pid: i32,
        channel: String,
        payload: String,
    },
}
