//! Sockets that accept: TCP and Unix, several at once.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::connection::{self, Ends};
use super::handshake::Door;
use super::stream::Io;
use super::tls::Acceptor;
use crate::config::{Config, Listen};

/// A client that vanished without a word is noticed after about `KEEPALIVE_IDLE + 3 * KEEPALIVE_INTERVAL`.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(60);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
/// Rest after an accept that failed for want of file descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// The socket's file in a folder, as PostgreSQL names it; the port only serves to tell sockets apart.
const SOCKET_NAME: &str = ".s.PGSQL.5432";

/// Where a listener is really bound: port 0 has become a real one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener, PathBuf),
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Self::Unix(_, path) = self {
            // It may have been removed already.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// All the sockets, bound, not yet accepting.
pub struct Listener {
    sockets: Vec<Socket>,
    addresses: Vec<Address>,
}

impl Listener {
    /// Binds every address.
    ///
    /// # Errors
    /// One of them cannot be bound; the text names it.
    pub async fn bind(addresses: &[Listen]) -> io::Result<Self> {
        let (mut sockets, mut bound) = (Vec::new(), Vec::new());
        for address in addresses {
            let named = |name: String| move |e: io::Error| io::Error::new(e.kind(), format!("{name}: {e}"));
            match address {
                Listen::Tcp(address) => {
                    let socket = TcpListener::bind(address).await.map_err(named(address.to_string()))?;
                    bound.push(Address::Tcp(socket.local_addr()?));
                    sockets.push(Socket::Tcp(socket));
                }
                Listen::Unix(path) => {
                    let path = socket_path(path);
                    let socket = bind_unix(&path).await.map_err(named(path.display().to_string()))?;
                    bound.push(Address::Unix(path.clone()));
                    sockets.push(Socket::Unix(socket, path));
                }
            }
        }
        Ok(Self { sockets, addresses: bound })
    }

    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// While `work` goes on, which opens the database, everybody who comes is told so (57P03), as PostgreSQL does while it replays
    /// its log.
    pub async fn turn_away<T>(&self, config: &Config, tls: Option<Arc<Acceptor>>, work: impl Future<Output = T>) -> T {
        let door = Door { limits: Arc::new(config.limits.clone()), tls, open: false };
        let room = Arc::new(Semaphore::new(config.limits.handshakes));
        let each = self.sockets.iter().map(|socket| turn_away_all(socket, &door, &room));
        tokio::select! {
            biased;
            done = work => done,
            _ = futures::future::join_all(each) => unreachable!("sockets accept for ever"),
        }
    }

    /// Accepts until `stop`. Connections go on after that: the gateway ends their sessions.
    pub fn serve(self, shared: &Arc<Shared>, stop: &CancellationToken) -> Vec<JoinHandle<()>> {
        let spawn = |socket| tokio::spawn(accept_all(socket, shared.clone(), stop.clone()));
        self.sockets.into_iter().map(spawn).collect()
    }
}

/// The socket's file: the path itself, or in that folder the name that libpq looks for.
pub fn socket_path(path: &Path) -> PathBuf {
    if path.is_dir() { path.join(SOCKET_NAME) } else { path.to_owned() }
}

/// Everybody on the machine may connect, as by PostgreSQL's unix_socket_permissions; who may do what is for authentication.
async fn bind_unix(path: &Path) -> io::Result<UnixListener> {
    let listener = bind_free(path).await?;
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o777))?;
    Ok(listener)
}

/// A socket file that nobody listens on any more is replaced, one that is in use is not.
async fn bind_free(path: &Path) -> io::Result<UnixListener> {
    match UnixListener::bind(path) {
        Err(e) if e.kind() == io::ErrorKind::AddrInUse => {
            if tokio::net::UnixStream::connect(path).await.is_ok() {
                return Err(e);
            }
            std::fs::remove_file(path)?;
            UnixListener::bind(path)
        }
        other => other,
    }
}

async fn accept_all(socket: Socket, shared: Arc<Shared>, stop: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept(&socket) => accepted,
        };
        match accepted {
            Ok((io, ends)) => {
                tokio::spawn(connection::serve(io, ends, shared.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "accept failed");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn turn_away_all(socket: &Socket, door: &Door, room: &Arc<Semaphore>) {
    loop {
        match accept(socket).await {
            Ok((io, _)) => {
                // Without room for it, it is closed.
                if let Ok(permit) = room.clone().try_acquire_owned() {
                    let door = door.clone();
                    tokio::spawn(async move {
                        connection::turn_away(io, door).await;
                        drop(permit);
                    });
                }
            }
            Err(error) => {
                tracing::warn!(%error, "accept failed");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn accept(socket: &Socket) -> io::Result<(Box<dyn Io>, Option<Ends>)> {
    match socket {
        Socket::Tcp(listener) => {
            let (stream, peer) = listener.accept().await?;
            if let Err(error) = tune(&stream) {
                tracing::debug!(%error, "socket options");
            }
            let ends = stream.local_addr().map(|local| Ends { peer, local })?;
            Ok((Box::new(stream), Some(ends)))
        }
        Socket::Unix(listener, _) => {
            let (stream, _) = listener.accept().await?;
            Ok((Box::new(stream), None))
        }
    }
}

fn tune(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_IDLE).with_interval(KEEPALIVE_INTERVAL);
    SockRef::from(stream).set_tcp_keepalive(&keepalive)
}
