//! `duckgate health`: is somebody listening who speaks the protocol? For a container's health check.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::{Failure, Outcome};
use crate::config::{Config, Listen};

/// A gateway that takes longer is not well.
const PATIENCE: Duration = Duration::from_secs(3);

/// GSSENCRequest: a gateway that is open answers it with one byte, before anything else; one that is still opening its database, with an
/// error.
const GSS_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x30];

pub fn run(config: &Config) -> Outcome {
    for address in &config.listen {
        let answer = match address {
            Listen::Tcp(address) => tcp(*address),
            Listen::Unix(path) => unix(path),
        };
        match answer {
            Ok(b'N') => {}
            Ok(b'E') => return Err(Failure::Text(format!("{address:?}: the gateway is starting up"))),
            Ok(_) => return Err(Failure::Text(format!("{address:?} refuses connections"))),
            Err(error) => return Err(Failure::Text(format!("{address:?}: {error}"))),
        }
    }
    Ok(())
}

fn tcp(mut address: SocketAddr) -> std::io::Result<u8> {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        });
    }
    let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    ask(stream)
}

fn unix(path: &std::path::Path) -> std::io::Result<u8> {
    let stream = UnixStream::connect(crate::wire::socket_path(path))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    ask(stream)
}

fn ask(mut stream: impl Read + Write) -> std::io::Result<u8> {
    stream.write_all(&GSS_REQUEST)?;
    let mut answer = [0];
    stream.read_exact(&mut answer)?;
    Ok(answer[0])
}
