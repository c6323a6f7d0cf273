//! `duckgate serve`: the gateway, from the first line of its log to the last.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::{Failure, Outcome};
use crate::config::{Config, Limits, Tls};
use crate::engine::error::given_up;
use crate::server::{Server, make_folders};
use crate::wire::{Acceptor, Address, Files, Listener, Shared};

/// Threads beside the runtime's workers, for what blocks.
const BLOCKING_THREADS: usize = 64;
/// Their stack, and the workers'. Statements that are deep by what their names mean are compiled and planned by recursion;
/// `sql::analyze` refuses what would need more. Nothing is taken before it is used.
const STACK_BYTES: usize = 64 << 20;
/// Descriptors besides clients' sockets: the database, its temporary files, the runtime.
const OWN_DESCRIPTORS: u64 = 256;
/// How long clients' messages may lie unread because the worker that reads sockets is busy with a statement.
const WAKE: Duration = Duration::from_millis(50);

pub fn run(config: Config) -> Outcome {
    crate::observe::init(&config.log, config.log_format).map_err(Failure::Text)?;
    crate::observe::log_panics();
    runtime()?.block_on(async {
        let door = Door::bind(&config).await?;
        let server = door.while_opening(&config, Server::open(&config)).await?;
        serve(&config, server, door, |_| {}).await
    })
}

/// Where clients come in. It is there before the database is open: to replay a log may take long.
pub struct Door {
    listener: Listener,
    tls: Option<Arc<Acceptor>>,
}

impl Door {
    pub async fn bind(config: &Config) -> Result<Self, Failure> {
        raise_descriptor_limit(&config.limits);
        // A certificate that is made is kept beside the database.
        make_folders(config)?;
        let tls = Acceptor::open(Files {
            tls: config.tls.clone(),
            data: config.data.clone(),
            client_ca: config.client_ca.clone(),
            client_crl: config.client_crl.clone(),
        })?;
        Ok(Self { listener: Listener::bind(&config.listen).await?, tls: tls.map(Arc::new) })
    }

    /// Whoever comes meanwhile is told that it is too early.
    pub async fn while_opening<T>(&self, config: &Config, work: impl Future<Output = T>) -> T {
        self.listener.turn_away(config, self.tls.clone(), work).await
    }
}

pub fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(std::thread::available_parallelism().map_or(2, |n| n.get().max(2)))
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .thread_stack_size(STACK_BYTES)
        .build()?;
    keep_reading(runtime.handle().clone());
    Ok(runtime)
}

/// The worker that waits for the sockets also runs what it has found there, and as long as that takes nobody waits for them in
/// its place, although other workers sleep: tokio wakes one of them only for a task. So a statement that is long in compiling
/// would hold up everybody. A task from outside, which does nothing, wakes one.
fn keep_reading(runtime: tokio::runtime::Handle) {
    let wake = move || {
        loop {
            std::thread::sleep(WAKE);
            runtime.spawn(async {});
        }
    };
    if let Err(error) = std::thread::Builder::new().name("wake".into()).stack_size(64 << 10).spawn(wake) {
        tracing::warn!(%error, "no thread that wakes the runtime's workers");
    }
}

/// Serves until a signal, and closes in order. `greet` prints what there is to say once it does.
pub async fn serve(config: &Config, server: Server, door: Door, greet: impl FnOnce(&Address)) -> Outcome {
    let Door { listener, tls } = door;
    let addresses = listener.addresses().to_vec();
    let mut signals = Signals::new()?;
    let stop = CancellationToken::new();
    let shared = Shared::new(server.gateway.clone(), config, tls)?;
    let accepting = listener.serve(&shared, &stop);
    for address in &addresses {
        tracing::info!(address = ?address, "listening");
    }
    if let Some(address) = addresses.first() {
        announce(config, &server, address);
        greet(address);
    }
    let ended = signals.wait(&server, &shared).await;

    stop.cancel();
    for task in accepting {
        // A task that panicked has stopped accepting as well.
        let _ = task.await;
    }
    let mut grace = config.shutdown_grace;
    match ended {
        Ok(End::Soon) => {}
        Ok(End::Now) => grace = Duration::ZERO,
        // Nothing that runs can end well, and there is nothing to close: the next start replays the log.
        Err(failure) => {
            server.gateway.shutdown(Duration::ZERO).await;
            return Err(failure);
        }
    }
    tracing::info!("shutting down");
    tokio::select! {
        () = server.gateway.shutdown(grace) => {}
        () = signals.again() => {
            tracing::info!("another signal: statements end now");
            server.gateway.shutdown(Duration::ZERO).await;
        }
    }
    let stuck = server.gateway.engine().stats().stuck;
    if stuck > 0 {
        tracing::error!(
            stuck,
            "statements heed no interrupt: the database is left as it is, and the next start reads its log"
        );
        // Neither the runtime nor DuckDB would end before they do.
        // SAFETY: it ends the process; nothing of it is to be cleaned up.
        unsafe { libc::_exit(1) };
    }
    server.close().await?;
    tracing::info!("closed");
    Ok(())
}

/// How the gateway is to end.
enum End {
    /// When what runs has had its grace.
    Soon,
    Now,
}

/// The signals that the gateway hears; without it, each would end it at once and in no order.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    quit: Signal,
    hangup: Signal,
    /// What rotates logs sends one of these by habit.
    users: [Signal; 2],
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            hangup: signal(SignalKind::hangup())?,
            users: [signal(SignalKind::user_defined1())?, signal(SignalKind::user_defined2())?],
        })
    }

    /// Until SIGTERM, SIGINT or SIGQUIT; SIGHUP reloads.
    ///
    /// # Errors
    /// The database cannot be used any more: who supervises the process is to start it anew.
    async fn wait(&mut self, server: &Server, shared: &Shared) -> Result<End, Failure> {
        let [one, two] = &mut self.users;
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return Ok(End::Soon),
                _ = self.interrupt.recv() => return Ok(End::Soon),
                _ = self.quit.recv() => return Ok(End::Now),
                () = given_up().cancelled() => {
                    tracing::error!("the database cannot be used until it is opened again: the gateway ends");
                    return Err(Failure::Text("a fatal error of the database; the log has its words".into()));
                }
                _ = self.hangup.recv() => {
                    shared.reload();
                    server.reload().await;
                }
                _ = one.recv() => tracing::info!("SIGUSR1 means nothing here; SIGHUP reads files again"),
                _ = two.recv() => tracing::info!("SIGUSR2 means nothing here; SIGHUP reads files again"),
            }
        }
    }

    /// Until one more of those that end it.
    async fn again(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            _ = self.quit.recv() => {}
        }
    }
}

/// The ready line, with a psql command that works; and once, the password that was made.
fn announce(config: &Config, server: &Server, address: &Address) {
    let url = |password: Option<&str>| url(&server.superuser, password, address, &config.database);
    if let Some(password) = &server.generated_password {
        println!("The password of {} was made now and is printed only this once:", server.superuser);
        println!("  {}", url(Some(password.reveal())));
    }
    let mode = if config.tls == Tls::Off { "" } else { "?sslmode=require" };
    println!("duckgate is ready: psql '{}{}'", url(None), if matches!(address, Address::Tcp(_)) { mode } else { "" });
}

/// A libpq connection URL.
pub fn url(user: &str, password: Option<&str>, address: &Address, database: &str) -> String {
    let user = encode(user);
    let credentials = password.map_or(user.clone(), |password| format!("{user}:{}", encode(password)));
    let database = encode(database);
    match address {
        Address::Tcp(address) => {
            let host = match address.ip() {
                ip if ip.is_unspecified() => "localhost".to_owned(),
                std::net::IpAddr::V4(ip) => ip.to_string(),
                std::net::IpAddr::V6(ip) => format!("[{ip}]"),
            };
            format!("postgresql://{credentials}@{host}:{}/{database}", address.port())
        }
        Address::Unix(path) => {
            let folder = path.parent().unwrap_or(Path::new("."));
            format!("postgresql://{credentials}@/{database}?host={}", encode(&folder.to_string_lossy()))
        }
    }
}

/// Percent-encoding of everything that is not unreserved.
fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(byte as char),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

/// The usual soft limit of 1024 descriptors is less than the connections that are allowed.
fn raise_descriptor_limit(limits: &Limits) {
    let wanted = (limits.connections + limits.handshakes) as u64 + OWN_DESCRIPTORS;
    let mut current = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointer is to a live rlimit.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut current) } != 0 || current.rlim_cur >= wanted {
        return;
    }
    current.rlim_cur = wanted.min(current.rlim_max);
    // SAFETY: as above.
    if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const current) } != 0 || current.rlim_cur < wanted {
        tracing::warn!(wanted, allowed = current.rlim_cur, "too few file descriptors for limits.connections");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_quoted_and_reach_where_the_socket_is() {
        let any = Address::Tcp("0.0.0.0:5432".parse().expect("address"));
        assert_eq!(url("a b", Some("p@ss"), &any, "d"), "postgresql://a%20b:p%40ss@localhost:5432/d");
        let six = Address::Tcp("[::1]:1".parse().expect("address"));
        assert_eq!(url("u", None, &six, "d"), "postgresql://u@[::1]:1/d");
        let unix = Address::Unix("/run/x/.s.PGSQL.5432".into());
        assert_eq!(url("u", None, &unix, "d"), "postgresql://u@/d?host=%2Frun%2Fx");
    }

    /// Two clients of a gateway's runtime; what one asks for takes as long as a large statement does to be compiled.
    #[test]
    fn a_task_that_computes_for_long_holds_up_nobody_who_waits_for_a_socket() {
        use std::io::{Read, Write};
        use std::time::Instant;
        use tokio::io::{AsyncReadExt, AsyncWriteExt};

        const LONG: Duration = Duration::from_secs(3);
        let runtime = runtime().expect("a runtime");
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("bound");
        let address = listener.local_addr().expect("an address");
        runtime.spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut asked = [0];
                    while socket.read_exact(&mut asked).await.is_ok() {
                        if asked == *b"l" {
                            std::thread::sleep(LONG);
                        }
                        socket.write_all(&asked).await.expect("answered");
                    }
                });
            }
        });
        let connect = || {
            let mut client = std::net::TcpStream::connect(address).expect("connected");
            ask(&mut client, *b"s");
            client
        };
        fn ask(client: &mut std::net::TcpStream, what: [u8; 1]) {
            client.write_all(&what).expect("asked");
            client.read_exact(&mut [0]).expect("answered");
        }
        let (mut long, mut short) = (connect(), connect());
        // All workers are at rest, but for the one that waits for sockets.
        std::thread::sleep(2 * WAKE);
        for _ in 0..2 {
            long.write_all(b"l").expect("asked");
            std::thread::sleep(Duration::from_millis(10));
            let began = Instant::now();
            ask(&mut short, *b"s");
            assert!(began.elapsed() < LONG / 2, "answered only after {:?}", began.elapsed());
            long.read_exact(&mut [0]).expect("answered in the end");
        }
        runtime.shutdown_background();
    }
}
