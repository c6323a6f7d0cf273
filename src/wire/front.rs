//! The session's [`Front`] over a socket: results into the output buffer, COPY data out of the input buffer.

use arrow::record_batch::RecordBatch;
use futures::future::BoxFuture;

use super::message::encode::{self, Bare, Column};
use super::message::{Frontend, decode, kind};
use super::rows::Rows;
use super::stream::{Copied, Lost, Stream};
use crate::copy::Room;
use crate::error::{Error, Report, Result, SqlState};
use crate::facts;
use crate::session::{CopyInput, Front, RowShape};
use crate::tree::Field;
use crate::types::encoding::Encoding;
use crate::types::{OutputSettings, PgType, TypeLookup, base_type};

/// pg_type.typlen of an enum.
const ENUM_SIZE: i16 = 4;
/// Data of this many bytes go to the socket from where they lie.
const LONG: usize = 32 << 10;

pub struct WireFront {
    pub stream: Stream,
    rows: Rows,
    /// What the client's text comes and goes in, as of the statement that is being answered.
    pub encoding: Encoding,
    /// A message arrived that COPY cannot skip: what follows can no longer be told apart.
    pub out_of_sync: bool,
    /// Bytes of results that were given to it.
    given: u64,
}

/// The client is gone: nobody reads this.
fn gone() -> Error {
    Error::fatal(SqlState::CONNECTION_FAILURE, "connection to client lost")
}

impl WireFront {
    pub fn new(stream: Stream) -> Self {
        let rows = Rows::new(stream.write_buffer());
        Self { stream, rows, encoding: Encoding::UTF8, out_of_sync: false, given: 0 }
    }

    pub fn bare(&mut self, what: Bare) {
        encode::bare(&mut self.stream.output, what);
    }

    /// ErrorResponse or NoticeResponse.
    pub fn report(&mut self, report: &Report) {
        encode::report(&mut self.stream.output, report, self.encoding);
    }

    pub async fn flush(&mut self) -> Result<()> {
        self.stream.flush().await.map_err(|_| gone())
    }

    /// RowDescription, or NoData without fields.
    pub fn describe(&mut self, fields: Option<(&[Field], &[i16])>, types: &dyn TypeLookup) {
        let Some((fields, formats)) = fields else { return self.bare(Bare::NoData) };
        let columns = fields.iter().enumerate().map(|(i, field)| {
            // The client sees a domain's base type, as in PostgreSQL.
            let ty = base_type(field.ty, types);
            Column {
                name: &field.name,
                table: field.origin.0,
                number: field.origin.1,
                ty: ty.oid,
                size: size(ty, types),
                typmod: ty.typmod,
                format: formats.get(i).copied().unwrap_or(0),
            }
        });
        encode::row_description(&mut self.stream.output, columns, self.encoding);
    }

    async fn next_copy(&mut self, mut room: Option<Room<'_>>) -> Result<CopyInput> {
        self.flush().await?;
        loop {
            let next = match self.stream.copy_data(room.as_mut()).await {
                Ok(next) => next,
                Err(Lost::Fatal(error)) => return Err(error),
                Err(Lost::Eof | Lost::Broken(_)) => {
                    let message = "unexpected EOF on client connection with an open transaction";
                    return Err(Error::fatal(SqlState::CONNECTION_FAILURE, message));
                }
            };
            let (message, body) = match next {
                Copied::Placed(bytes) => return Ok(CopyInput::Placed(bytes)),
                Copied::Rest(data) => return Ok(CopyInput::Data(data)),
                Copied::Message(message, body) => (message, body),
            };
            match message {
                kind::COPY_DATA => return Ok(CopyInput::Data(body)),
                kind::COPY_DONE => return Ok(CopyInput::Done),
                kind::COPY_FAIL => {
                    let body = super::recode::message(message, body, self.encoding)?;
                    return match decode(message, &body)? {
                        Frontend::CopyFail(reason) => Ok(CopyInput::Fail(reason.to_owned())),
                        _ => Err(Error::internal("CopyFail decoded to something else")),
                    };
                }
                // A client may have sent them right behind Execute, before it knew that data is wanted.
                kind::FLUSH | kind::SYNC => {}
                other => {
                    self.out_of_sync = true;
                    let message = format!("unexpected message type 0x{other:02X} during COPY from stdin");
                    return Err(Error::new(SqlState::PROTOCOL_VIOLATION, message));
                }
            }
        }
    }
}

/// pg_type.typlen.
fn size(ty: PgType, types: &dyn TypeLookup) -> i16 {
    use crate::types::UserTypeInfoKind;
    match facts::TYPES.by_oid(ty.oid) {
        Some(known) => known.len,
        None => match types.user_type(ty.oid).map(|t| t.kind) {
            Some(UserTypeInfoKind::Enum { .. }) => ENUM_SIZE,
            Some(
                UserTypeInfoKind::Domain { .. }
                | UserTypeInfoKind::Range { .. }
                | UserTypeInfoKind::Array { .. }
                | UserTypeInfoKind::Composite { .. },
            )
            | None => -1,
        },
    }
}

impl Front for WireFront {
    fn row_description(&mut self, shape: &RowShape, types: &dyn TypeLookup) -> Result<()> {
        self.describe(Some((&shape.fields, &shape.formats)), types);
        Ok(())
    }

    fn rows<'a>(
        &'a mut self,
        shape: &'a RowShape,
        settings: &'a OutputSettings,
        types: &'a (dyn TypeLookup + Send + Sync),
        batch: &'a RecordBatch,
        from: usize,
        to: usize,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            // In pieces, so that a batch of wide rows does not pile up in the buffer.
            let mut at = from;
            while at < to {
                let until = to.min(at + self.rows.piece());
                let start = self.stream.output.len();
                self.rows.encode(shape, settings, types, batch, at, until, &mut self.stream.output)?;
                if settings.client_encoding.converts() {
                    super::recode::rows(&mut self.stream.output, start, shape, settings.client_encoding, types)?;
                }
                self.given += (self.stream.output.len() - start) as u64;
                self.stream.flush_if_full().await.map_err(|_| gone())?;
                at = until;
            }
            Ok(())
        })
    }

    fn complete(&mut self, tag: &str) {
        encode::command_complete(&mut self.stream.output, tag);
    }

    fn empty(&mut self) {
        self.bare(Bare::EmptyQueryResponse);
    }

    fn suspended(&mut self) {
        self.bare(Bare::PortalSuspended);
    }

    fn notice(&mut self, report: &Report) {
        self.report(report);
    }

    fn client_encoding(&mut self, encoding: Encoding) {
        self.encoding = encoding;
    }

    fn parameter_status(&mut self, name: &str, value: &str) {
        encode::parameter_status(&mut self.stream.output, name, value, self.encoding);
    }

    fn notification(&mut self, pid: i32, channel: &str, payload: &str) {
        encode::notification(&mut self.stream.output, pid, channel, payload, self.encoding);
    }

    fn copy_in<'a>(&'a mut self, binary: bool, columns: usize) -> BoxFuture<'a, Result<()>> {
        encode::copy_in_response(&mut self.stream.output, binary, columns);
        Box::pin(self.flush())
    }

    fn copy_read<'a>(&'a mut self, room: Option<Room<'a>>) -> BoxFuture<'a, Result<CopyInput>> {
        Box::pin(self.next_copy(room))
    }

    fn copy_out(&mut self, binary: bool, columns: usize) {
        encode::copy_out_response(&mut self.stream.output, binary, columns);
    }

    fn copy_write<'a>(&'a mut self, data: &'a [u8], ends: &'a [usize]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            self.given += data.len() as u64;
            let mut start = 0;
            for end in ends {
                let body = &data[start..*end];
                start = *end;
                let written = if body.len() >= LONG {
                    encode::copy_data_head(&mut self.stream.output, body.len());
                    self.stream.flush_with(body).await
                } else {
                    encode::copy_data(&mut self.stream.output, body);
                    self.stream.flush_if_full().await
                };
                written.map_err(|_| gone())?;
            }
            Ok(())
        })
    }

    fn copy_out_done(&mut self) {
        self.bare(Bare::CopyDone);
    }

    fn sent(&self) -> u64 {
        self.given
    }

    fn gone(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(self.stream.gone())
    }
}
