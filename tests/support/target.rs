//! The server that a test talks to: a gateway that the test starts, or one that the environment names.

use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use super::protocol::{Connection, Failure};

/// Where a server listens and who connects to it.
#[derive(Debug, Clone)]
pub struct Target {
    pub host: String,
    pub port: u16,
    pub user: String,
    pub password: String,
    pub database: String,
}

impl Target {
    /// From libpq's `key=value` form; what is absent has libpq's defaults.
    pub fn parse(conninfo: &str) -> Self {
        let mut target = Self {
            host: "127.0.0.1".into(),
            port: 5432,
            user: "postgres".into(),
            password: String::new(),
            database: String::new(),
        };
        for pair in conninfo.split_whitespace() {
            let (key, value) = pair.split_once('=').unwrap_or_else(|| panic!("not key=value: {pair}"));
            match key {
                "host" => target.host = value.into(),
                "port" => target.port = value.parse().expect("port"),
                "user" => target.user = value.into(),
                "password" => target.password = value.into(),
                "dbname" => target.database = value.into(),
                _ => panic!("unknown connection option {key}"),
            }
        }
        if target.database.is_empty() {
            target.database = target.user.clone();
        }
        target
    }

    pub fn socket(&self) -> TcpStream {
        let address = (self.host.as_str(), self.port).to_socket_addrs().expect("address").next().expect("an address");
        let stream = TcpStream::connect_timeout(&address, Duration::from_secs(10)).expect("the server accepts");
        stream.set_nodelay(true).expect("nodelay");
        stream
    }

    /// As [`Target::connect`], where nobody may listen yet.
    pub fn try_connect(&self) -> Result<Connection, String> {
        TcpStream::connect((self.host.as_str(), self.port)).map_err(|e| e.to_string())?;
        self.connect().map_err(|e| e.to_string())
    }

    /// A session that is ready for its first query.
    pub fn connect(&self) -> Result<Connection, Failure> {
        Connection::open(self, &[])
    }
}
