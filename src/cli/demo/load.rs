//! Loads the sample as a client would: COPY text through a session, all tables in one transaction.

use arrow::record_batch::RecordBatch;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::tables::{Source, Table, tables};
use crate::copy::Room;
use crate::error::{Report, Result};
use crate::server::Server;
use crate::session::{CopyInput, Front, RowShape, Session, Startup};
use crate::types::OutputSettings;

/// About as much as a client sends in one CopyData.
const CHUNK: usize = 256 << 10;

/// Makes and loads the tables, unless they have rows from a former demo.
///
/// # Errors
/// What the load says; nothing is loaded then.
pub async fn load(server: &Server, scale: f64) -> Result<()> {
    let startup = Startup {
        user: server.superuser.clone(),
        database: server.gateway.database().to_string(),
        parameters: vec![("application_name".into(), "duckgate demo".into())],
        peer: None,
        local: None,
        tls: false,
        // Nobody is told: it cannot be cancelled from outside.
        secret: Vec::new(),
    };
    let mut session = server.gateway.open_session(startup)?;
    let mut probe = Loader::default();
    session.simple("SELECT r_regionkey FROM region LIMIT 1", &mut probe).await?;
    if probe.rows > 0 {
        println!("The sample is there already.");
        return Ok(());
    }
    println!("Making and loading TPC-H at scale {scale}.");
    let bars = MultiProgress::new();
    run(&mut session, "BEGIN", &mut Loader::default()).await?;
    for Table { name, rows, source } in tables(scale) {
        let bar = bars.add(ProgressBar::new(rows).with_message(name).with_style(style()));
        let mut loader = Loader { source: Some(source), bar: Some(bar.clone()), ..Loader::default() };
        run(&mut session, &format!("COPY {name} FROM STDIN (DELIMITER '|')"), &mut loader).await?;
        bar.set_length(bar.position());
        bar.finish();
    }
    run(&mut session, "COMMIT", &mut Loader::default()).await
}

async fn run(session: &mut Session, text: &str, front: &mut Loader) -> Result<()> {
    let done = session.simple(text, front).await;
    session.ready(front);
    done
}

fn style() -> ProgressStyle {
    // The template is a constant: it cannot be wrong at run time only.
    ProgressStyle::with_template("{msg:>9} {wide_bar} {human_pos:>10}/{human_len} {elapsed}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// A front end that has COPY data and wants nothing back.
#[derive(Default)]
struct Loader {
    source: Option<Source>,
    bar: Option<ProgressBar>,
    /// How many rows came back.
    rows: usize,
}

impl Loader {
    fn chunk(&mut self) -> CopyInput {
        let mut data = Vec::with_capacity(CHUNK + (CHUNK >> 3));
        let mut lines = 0;
        if let Some(source) = &mut self.source {
            while data.len() < CHUNK && source(&mut data) {
                lines += 1;
            }
        }
        if let Some(bar) = &self.bar {
            bar.inc(lines);
        }
        if data.is_empty() { CopyInput::Done } else { CopyInput::Data(data.into()) }
    }
}

impl Front for Loader {
    fn row_description(&mut self, _shape: &RowShape, _types: &dyn crate::types::TypeLookup) -> Result<()> {
        Ok(())
    }

    fn rows<'a>(
        &'a mut self,
        _shape: &'a RowShape,
        _settings: &'a OutputSettings,
        _types: &'a (dyn crate::types::TypeLookup + Send + Sync),
        _batch: &'a RecordBatch,
        from: usize,
        to: usize,
    ) -> BoxFuture<'a, Result<()>> {
        self.rows += to - from;
        futures::future::ready(Ok(())).boxed()
    }

    fn complete(&mut self, _tag: &str) {}

    fn empty(&mut self) {}

    fn suspended(&mut self) {}

    fn notice(&mut self, report: &Report) {
        tracing::info!(%report, "demo");
    }

    fn client_encoding(&mut self, _encoding: crate::types::encoding::Encoding) {}

    fn parameter_status(&mut self, _name: &str, _value: &str) {}

    fn notification(&mut self, _pid: i32, _channel: &str, _payload: &str) {}

    fn copy_in<'a>(&'a mut self, _binary: bool, _columns: usize) -> BoxFuture<'a, Result<()>> {
        futures::future::ready(Ok(())).boxed()
    }

    fn copy_read<'a>(&'a mut self, _room: Option<Room<'a>>) -> BoxFuture<'a, Result<CopyInput>> {
        async move { Ok(self.chunk()) }.boxed()
    }

    fn copy_out(&mut self, _binary: bool, _columns: usize) {}

    fn copy_write<'a>(&'a mut self, _data: &'a [u8], _ends: &'a [usize]) -> BoxFuture<'a, Result<()>> {
        futures::future::ready(Ok(())).boxed()
    }

    fn copy_out_done(&mut self) {}

    fn sent(&self) -> u64 {
        0
    }

    fn gone(&mut self) -> BoxFuture<'_, ()> {
        futures::future::pending().boxed()
    }
}
