//! One client from accept to farewell.

use std::net::{IpAddr, SocketAddr};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use futures::FutureExt;
use tokio::time::timeout;

use super::auth::hosts::{Arrival, plain};
use super::auth::method::{Certificate, Method};
use super::auth::{self, scram::Channel};
use super::front::WireFront;
use super::handshake::{self, Door, Encryption, Start, Wish};
use super::message::{Frontend, Parameters, Version, decode, encode, kind};
use super::recode;
use super::stream::{Io, Lost, Stream, Trust};
use super::tls::ClientCertificate;
use super::{Shared, extended};
use crate::error::{Error, Result, SqlState};
use crate::observe::METRICS;
use crate::session::{Front as _, Idle, Session, Startup, Visitor};
use crate::types::encoding::Encoding;

/// Bytes of a cancel key: what protocol 3.0 has room for, and what 3.2 lets us give.
const SHORT_KEY: usize = 4;
const LONG_KEY: usize = 32;

/// The two ends of a TCP connection.
#[derive(Debug, Clone, Copy)]
pub struct Ends {
    pub peer: SocketAddr,
    pub local: SocketAddr,
}

/// Serves one client; returns when it is gone. A Unix socket has no ends.
pub async fn serve(io: Box<dyn Io>, ends: Option<Ends>, shared: Arc<Shared>) {
    let peer = ends.map(|ends| ends.peer);
    METRICS.connections_accepted.increment();
    let Ok(permit) = shared.handshakes.clone().try_acquire_owned() else {
        tracing::warn!(?peer, "too many connections are in their handshake");
        let error = Error::fatal(SqlState::TOO_MANY_CONNECTIONS, "sorry, too many clients already");
        return farewell(Stream::new(io, shared.door.limits.clone()), &error).await;
    };
    let started = timeout(shared.door.limits.startup_time, start(io, ends, &shared)).await;
    drop(permit);
    match started {
        Err(_) => tracing::info!(?peer, "startup timed out"),
        Ok(None) => {}
        Ok(Some((session, front))) => {
            Connection { session, front, skipping: false, unfinished: false, shared }.run().await
        }
    }
}

/// Sends a last error and closes.
async fn farewell(mut stream: Stream, error: &Error) {
    encode::report(&mut stream.output, error.report(), Encoding::UTF8);
    stream.close().await;
}

/// Handshake, authentication, and the session's opening.
async fn start(io: Box<dyn Io>, ends: Option<Ends>, shared: &Arc<Shared>) -> Option<(Session, WireFront)> {
    let begun = Instant::now();
    let peer = ends.map(|ends| ends.peer);
    let (stream, wish) = handshake::run(io, &shared.door).await;
    let mut stream = stream?;
    let result = match wish {
        Ok(Wish::Cancel { pid, secret }) => {
            METRICS.cancel_requests.increment();
            shared.gateway.cancel(pid, &secret);
            // Over TLS the client waits for a proper end; without one libpq calls it an error.
            stream.close().await;
            return None;
        }
        Ok(Wish::Session(start)) => {
            // Nobody is let in, or turned away, whose record has no room.
            // Before the time for all of this is over, so that a client is told.
            let patience = (shared.door.limits.startup_time / 10 * 9).saturating_sub(begun.elapsed());
            match timeout(patience, shared.gateway.audit().room()).await {
                Err(_) => Err(Lost::Fatal(no_room())),
                Ok(()) => {
                    let known = unless_panic(authenticate(&mut stream, &start, peer, shared)).await;
                    if let Err(Lost::Fatal(error)) = &known {
                        shared.gateway.refused(&visitor(&start, peer), error);
                    }
                    known.map(|()| start)
                }
            }
        }
        Err(lost) => Err(lost),
    };
    let opened = match result {
        Ok(start) => unless_panic(async { open(&mut stream, *start, ends, shared).map_err(Lost::Fatal) }).await,
        Err(lost) => Err(lost),
    };
    match opened {
        Ok(session) => {
            let front = WireFront::new(stream);
            Some((session, front))
        }
        Err(Lost::Fatal(error)) => {
            METRICS.connections_refused.increment();
            tracing::info!(?peer, %error, "connection refused");
            if error.code() == SqlState::INTERNAL_ERROR {
                stream.drop_unfinished();
            }
            farewell(stream, &error).await;
            None
        }
        Err(Lost::Broken(why)) => {
            tracing::info!(?peer, why, "connection closed");
            None
        }
        Err(Lost::Eof) => None,
    }
}

/// What a client is told who has waited for the audit. It is in no record but the log's: there is no room for one.
fn no_room() -> Error {
    Error::fatal(SqlState::CANNOT_CONNECT_NOW, "the audit has no room for a record of this login")
        .hint("What the audit is written to does not keep up, or its disk is full. See the gateway's log.")
}

/// A panic is the gateway's own fault, and told as such.
async fn unless_panic<T>(work: impl Future<Output = Result<T, Lost>>) -> Result<T, Lost> {
    // The hook has logged what it was.
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_| {
        METRICS.internal_errors.increment();
        Err(Lost::Fatal(Error::fatal(SqlState::INTERNAL_ERROR, "internal error")))
    })
}

/// Tells a client that comes before the database is open, once it has said what it wants.
pub(super) async fn turn_away(io: Box<dyn Io>, door: Door) {
    let told = async {
        let (Some(stream), wish) = handshake::run(io, &door).await else { return };
        match wish {
            // Nothing runs.
            Ok(Wish::Cancel { .. }) => stream.close().await,
            Ok(Wish::Session(_)) => farewell(stream, &handshake::too_early()).await,
            Err(Lost::Fatal(error)) => farewell(stream, &error).await,
            Err(Lost::Broken(_) | Lost::Eof) => {}
        }
    };
    // Who does not say it in time is not missed.
    let _ = timeout(door.limits.startup_time, told).await;
}

fn visitor(start: &Start, peer: Option<SocketAddr>) -> Visitor<'_> {
    let Parameters { user, database, settings, .. } = &start.parameters;
    let application = settings.iter().find(|(name, _)| name == "application_name");
    Visitor {
        user,
        database: database.as_ref().unwrap_or(user),
        application: application.map_or("", |(_, value)| value),
        peer,
        tls: matches!(start.encryption, Encryption::Tls { .. }),
    }
}

async fn authenticate(
    stream: &mut Stream,
    start: &Start,
    peer: Option<SocketAddr>,
    shared: &Shared,
) -> Result<(), Lost> {
    let user = start.parameters.user.as_str();
    let (end_point, certificate) = match &start.encryption {
        // A Unix socket needs no encryption.
        Encryption::None if shared.tls_required && peer.is_some() => {
            let error = refused("connections without encryption are not allowed");
            return Err(Lost::Fatal(error.hint("Connect with sslmode=require.")));
        }
        Encryption::None => (None, None),
        Encryption::Tls { end_point, client } => (end_point.as_deref(), client.as_ref()),
    };
    let address = peer.map(|peer| peer.ip());
    let tls = matches!(start.encryption, Encryption::Tls { .. });
    let database = start.parameters.database.as_deref().unwrap_or(user);
    let hosts = shared.hosts.read().clone();
    let arrival = Arrival { address, tls, database, user };
    let snapshot = shared.gateway.registry().snapshot();
    let method = hosts.method(&arrival, &snapshot);
    let certified = |map: Option<&str>| match certificate {
        None => Err(Lost::Fatal(refused("connection requires a valid client certificate"))),
        Some(ClientCertificate { name: Some(name) }) if hosts.is_named(map, name, user) => Ok(()),
        Some(ClientCertificate { name }) => {
            METRICS.authentication_failures.increment();
            tracing::warn!(user, certificate = name, "certificate authentication failed");
            Err(Lost::Fatal(refused(format!("certificate authentication failed for user \"{user}\""))))
        }
    };
    match method {
        None => Err(Lost::Fatal(refused(entry("no pg_hba.conf entry for", &arrival)))),
        Some(Method::Reject) => Err(Lost::Fatal(refused(entry("pg_hba.conf rejects connection for", &arrival)))),
        Some(Method::Trust) => {
            encode::authentication(&mut stream.output, encode::Authentication::Ok);
            Ok(())
        }
        Some(Method::Cert { map }) => {
            certified(map.as_deref())?;
            encode::authentication(&mut stream.output, encode::Authentication::Ok);
            Ok(())
        }
        Some(Method::OAuth(bearer)) => {
            let is_role = |name: &str| hosts.is_named(bearer.map.as_deref(), name, user);
            auth::oauth(stream, user, bearer, &shared.providers, is_role).await
        }
        Some(Method::Scram { certificate: wanted }) => {
            match wanted {
                None => {}
                Some(Certificate::VerifyCa) if certificate.is_some() => {}
                Some(Certificate::VerifyCa | Certificate::VerifyFull) => certified(None)?,
            }
            let channel = end_point.map_or(Channel::Open, |end_point| Channel::Tls { end_point });
            password(stream, user, channel, address, shared).await
        }
    }
}

/// A password, after its turn has come.
async fn password(
    stream: &mut Stream,
    user: &str,
    channel: Channel<'_>,
    address: Option<IpAddr>,
    shared: &Shared,
) -> Result<(), Lost> {
    let now = Instant::now();
    let turn = shared.throttle.turn(address, user, now).map_err(Lost::Fatal)?;
    if turn > now {
        tokio::time::sleep_until(turn.into()).await;
    }
    let role = shared.gateway.role(user);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |t| t.as_secs().cast_signed());
    let (secret, problem) = shared.mock.secret(user, role.as_deref(), now);
    let known = auth::scram(stream, user, channel, secret, problem).await;
    match &known {
        Ok(()) => shared.throttle.succeeded(address, user),
        Err(Lost::Fatal(error)) if error.code() == SqlState::INVALID_PASSWORD => {
            shared.throttle.failed(address, user, Instant::now());
        }
        Err(Lost::Fatal(_) | Lost::Eof | Lost::Broken(_)) => {}
    }
    known
}

fn refused(message: impl Into<String>) -> Error {
    Error::fatal(SqlState::INVALID_AUTHORIZATION_SPECIFICATION, message)
}

/// PostgreSQL's words about a connection that no rule lets in.
fn entry(what: &str, arrival: &Arrival<'_>) -> String {
    let Arrival { address, tls, database, user } = arrival;
    let host = address.map_or_else(|| "[local]".to_owned(), |address| plain(address).to_string());
    let encryption = if *tls { "SSL encryption" } else { "no encryption" };
    format!("{what} host \"{host}\", user \"{user}\", database \"{database}\", {encryption}")
}

/// The session, and everything up to the first ReadyForQuery.
fn open(stream: &mut Stream, start: Start, ends: Option<Ends>, shared: &Arc<Shared>) -> Result<Session> {
    let Start { version, parameters, encryption } = start;
    let mut secret = vec![0; if version >= Version::V3_2 { LONG_KEY } else { SHORT_KEY }];
    auth::random(&mut secret)?;
    let startup = Startup {
        database: parameters.database.unwrap_or_else(|| parameters.user.clone()),
        user: parameters.user,
        parameters: parameters.settings,
        peer: ends.map(|ends| ends.peer),
        local: ends.map(|ends| ends.local),
        tls: matches!(encryption, Encryption::Tls { .. }),
        secret: secret.clone(),
    };
    let mut session = shared.gateway.open_session(startup).map_err(Error::into_fatal)?;
    for (name, value) in session.parameters() {
        encode::parameter_status(&mut stream.output, &name, &value, Encoding::UTF8);
    }
    encode::backend_key_data(&mut stream.output, session.pid(), &secret);
    encode::ready_for_query(&mut stream.output, session.transaction_status());
    Ok(session)
}

/// An authenticated client.
pub(super) struct Connection {
    pub session: Session,
    pub front: WireFront,
    /// After an error in an extended query: everything is skipped up to Sync.
    skipping: bool,
    /// No ReadyForQuery has been sent since the last message: the client is not idle, it has not said all.
    unfinished: bool,
    shared: Arc<Shared>,
}

/// What a message led to: `Break` ends the connection.
type Step = ControlFlow<()>;

/// How a conversation has ended.
enum Parting {
    /// The client is gone.
    Lost,
    /// What was to be said is in the output.
    Said,
    Ended(Error),
}

impl Connection {
    /// Serves the client until one of the two leaves. A panic is the gateway's own fault: its client is told that it is no
    /// longer served, and others notice nothing.
    async fn run(mut self) {
        let parting = AssertUnwindSafe(self.talk()).catch_unwind().await;
        let Self { session, front: WireFront { mut stream, .. }, .. } = self;
        // What it holds is given back before the client has taken its leave.
        let given_back = catch_unwind(AssertUnwindSafe(|| drop(session)));
        match given_back.and(parting) {
            Ok(Parting::Lost) => {}
            Ok(Parting::Said) if stream.is_lost() => {}
            Ok(Parting::Said) => stream.close().await,
            Ok(Parting::Ended(error)) => farewell(stream, &error.into_fatal()).await,
            // The hook has logged what it was.
            Err(_) => {
                METRICS.internal_errors.increment();
                stream.drop_unfinished();
                farewell(stream, &Error::fatal(SqlState::INTERNAL_ERROR, "internal error")).await;
            }
        }
    }

    async fn talk(&mut self) -> Parting {
        if self.front.flush().await.is_err() {
            return Parting::Lost;
        }
        loop {
            let message = tokio::select! {
                biased;
                event = self.session.idle(self.unfinished) => {
                    match event {
                        Idle::Terminate(error) => return Parting::Ended(error),
                        Idle::Notification { pid, channel, payload } => {
                            self.front.notification(pid, &channel, &payload);
                            if self.front.flush().await.is_err() {
                                return Parting::Lost;
                            }
                        }
                    }
                    continue;
                }
                message = self.front.stream.message(Trust::Authenticated) => message,
            };
            let step = match message {
                Ok((kind, body)) => self.message(kind, body).await,
                Err(Lost::Fatal(error)) => self.failed(error, false).await,
                Err(Lost::Broken(why)) => {
                    tracing::info!(pid = self.session.pid(), why, "connection closed");
                    return Parting::Lost;
                }
                Err(Lost::Eof) => return Parting::Lost,
            };
            if step.is_break() {
                return Parting::Said;
            }
        }
    }

    async fn message(&mut self, kind: u8, body: Bytes) -> Step {
        self.unfinished = true;
        match kind {
            kind::TERMINATE => return Step::Break(()),
            kind::SYNC => self.skipping = false,
            _ if self.skipping => return Step::Continue(()),
            _ => {}
        }
        let extended =
            matches!(kind, kind::PARSE | kind::BIND | kind::DESCRIBE | kind::EXECUTE | kind::CLOSE | kind::FLUSH);
        self.front.encoding = self.session.output_settings().client_encoding;
        let result = match recode::message(kind, body, self.front.encoding) {
            Ok(body) => match decode(kind, &body) {
                Ok(message) => self.dispatch(message).await,
                Err(error) => Err(self.undecoded(error).await),
            },
            Err(error) => Err(self.undecoded(error).await),
        };
        match result {
            Ok(ready) if ready => self.ready().await,
            Ok(_) => Step::Continue(()),
            Err(error) => self.failed(error, extended).await,
        }
    }

    async fn undecoded(&mut self, error: Error) -> Error {
        self.session.fail().await;
        error
    }

    /// Carries a message out; true if ReadyForQuery is due.
    async fn dispatch(&mut self, message: Frontend<'_>) -> Result<bool> {
        match message {
            Frontend::Query(text) => {
                self.check_length(text)?;
                self.session.simple(text, &mut self.front).await?;
                return Ok(true);
            }
            Frontend::Sync => {
                self.session.sync(&mut self.front).await?;
                return Ok(true);
            }
            Frontend::FunctionCall => {
                self.session.fail().await;
                return Err(Error::unsupported("the function call protocol")
                    .hint("Call the function in a SELECT with parameters."));
            }
            Frontend::Flush => self.front.flush().await?,
            Frontend::Parse { name, text, types } => {
                self.check_length(text)?;
                extended::parse(self, name, text, &types).await?;
            }
            Frontend::Bind { portal, statement, param_formats, count, tail } => {
                extended::bind(self, portal, statement, param_formats, count, tail).await?;
            }
            Frontend::Describe(target) => extended::describe(self, target).await?,
            Frontend::Execute { portal, max_rows } => extended::execute(self, portal, max_rows).await?,
            Frontend::Close(target) => extended::close(self, target).await?,
            // What a client sent before it knew that its COPY had failed.
            Frontend::CopyData | Frontend::CopyDone | Frontend::CopyFail(_) => {}
            Frontend::Terminate => {}
        }
        // A pipeline without Sync or Flush must not pile up results.
        self.front
            .stream
            .flush_if_full()
            .await
            .map_err(|e| Error::fatal(SqlState::CONNECTION_FAILURE, format!("connection to client lost: {e}")))?;
        Ok(false)
    }

    fn check_length(&self, text: &str) -> Result<()> {
        let limit = self.shared.door.limits.statement_text;
        if text.len() <= limit {
            return Ok(());
        }
        Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "statement is too long")
            .detail(format!("It has {} bytes, the limit is {limit}.", text.len()))
            .hint("limits.statement_text sets it."))
    }

    async fn ready(&mut self) -> Step {
        self.unfinished = false;
        self.front.encoding = self.session.output_settings().client_encoding;
        self.session.ready(&mut self.front);
        encode::ready_for_query(&mut self.front.stream.output, self.session.transaction_status());
        match self.front.flush().await {
            Ok(()) => Step::Continue(()),
            Err(_) => Step::Break(()),
        }
    }

    /// Sends an error. Within an extended query everything up to Sync is then skipped; otherwise the client may go on.
    async fn failed(&mut self, error: Error, extended: bool) -> Step {
        if self.front.stream.is_lost() {
            return Step::Break(());
        }
        METRICS.errors.increment();
        if let Some(internal) = &error.report().internal {
            let (pid, code) = (self.session.pid(), error.code());
            if code == SqlState::INTERNAL_ERROR {
                METRICS.internal_errors.increment();
                tracing::error!(pid, %code, internal, "internal error");
            } else {
                tracing::debug!(pid, %code, internal, "error");
            }
        }
        self.front.report(error.report());
        if error.is_fatal() {
            return Step::Break(());
        }
        if self.front.out_of_sync {
            let message = "terminating connection because protocol synchronization was lost";
            let error = Error::fatal(SqlState::PROTOCOL_VIOLATION, message);
            self.front.report(error.report());
            return Step::Break(());
        }
        if !extended {
            return self.ready().await;
        }
        self.skipping = true;
        // The client may wait for the error without Sync.
        match self.front.flush().await {
            Ok(()) => Step::Continue(()),
            Err(_) => Step::Break(()),
        }
    }
}
