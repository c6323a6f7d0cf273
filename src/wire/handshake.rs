//! From an accepted socket to startup parameters: TLS and GSS requests, direct TLS, cancel requests, versions.

use std::sync::Arc;

use bytes::Bytes;

use super::message::{Packet, Parameters, Version, decode_packet, encode};
use super::stream::{Io, Lost, Stream};
use super::tls::{Acceptor, ClientCertificate};
use crate::config::Limits;
use crate::error::{Error, SqlState};

/// The first byte of a TLS handshake record.
const TLS_RECORD: u8 = 0x16;

/// What a client wants.
pub enum Wish {
    Cancel { pid: i32, secret: Bytes },
    Session(Box<Start>),
}

/// A client that asks for a session, not yet authenticated.
pub struct Start {
    pub version: Version,
    pub parameters: Parameters,
    pub encryption: Encryption,
}

#[derive(Clone)]
pub enum Encryption {
    None,
    Tls {
        /// The hash for channel binding, if the certificate has one.
        end_point: Option<Arc<[u8]>>,
        client: Option<ClientCertificate>,
    },
}

fn violation(message: &str) -> Lost {
    Lost::Fatal(Error::fatal(SqlState::PROTOCOL_VIOLATION, message))
}

/// What a client knocks at.
#[derive(Clone)]
pub struct Door {
    pub limits: Arc<Limits>,
    pub tls: Option<Arc<Acceptor>>,
    /// `false`: the database is being opened, and nobody comes in.
    pub open: bool,
}

/// PostgreSQL's answer while it replays its log.
pub fn too_early() -> Error {
    Error::fatal(SqlState::CANNOT_CONNECT_NOW, "the database system is starting up")
}

/// Talks with the client until it has said what it wants. The stream comes back also on failure, to carry the error.
pub async fn run(io: Box<dyn Io>, door: &Door) -> (Option<Stream>, Result<Wish, Lost>) {
    let mut stream = Stream::new(io, door.limits.clone());
    let mut encryption = Encryption::None;
    match stream.peek().await {
        Ok(TLS_RECORD) => match direct_tls(stream, door).await {
            Ok((tls, found)) => {
                stream = tls;
                encryption = found;
            }
            Err((stream, lost)) => return (stream, Err(lost)),
        },
        Ok(_) => {}
        Err(lost) => return (Some(stream), Err(lost)),
    }
    // Each of the two may be asked for once, as in PostgreSQL.
    let (mut ssl_asked, mut gss_asked) = (matches!(encryption, Encryption::Tls { .. }), false);
    loop {
        let packet = match stream.packet().await {
            Ok(body) => decode_packet(&body).map_err(|e| Lost::Fatal(e.into_fatal())),
            Err(lost) => Err(lost),
        };
        match packet {
            Err(lost) => return (Some(stream), Err(lost)),
            Ok(Packet::Cancel { pid, secret }) => return (Some(stream), Ok(Wish::Cancel { pid, secret })),
            Ok(Packet::Ssl) if !ssl_asked => {
                ssl_asked = true;
                match upgrade(stream, door).await {
                    Ok((next, found)) => {
                        stream = next;
                        encryption = found;
                    }
                    Err((stream, lost)) => return (stream, Err(lost)),
                }
            }
            // Who asks for it goes on without, or only wants to know whether the gateway is open (`duckgate health`).
            Ok(Packet::GssEncryption) if !door.open => return (Some(stream), Err(Lost::Fatal(too_early()))),
            Ok(Packet::GssEncryption) if !gss_asked => {
                gss_asked = true;
                stream.output.extend_from_slice(b"N");
                if stream.flush().await.is_err() {
                    return (None, Err(Lost::Eof));
                }
            }
            // Asked for again: PostgreSQL takes the code for a version.
            Ok(Packet::Ssl) => return (Some(stream), Err(unsupported(Version { major: 1234, minor: 5679 }))),
            Ok(Packet::GssEncryption) => return (Some(stream), Err(unsupported(Version { major: 1234, minor: 5680 }))),
            Ok(Packet::Startup { version, body }) => {
                let wish = start(version, &body, encryption, &mut stream);
                return (Some(stream), wish.map(|start| Wish::Session(Box::new(start))));
            }
        }
    }
}

type Upgraded = Result<(Stream, Encryption), (Option<Stream>, Lost)>;

/// Answers SSLRequest.
async fn upgrade(mut stream: Stream, door: &Door) -> Upgraded {
    let Some(acceptor) = &door.tls else {
        stream.output.extend_from_slice(b"N");
        return match stream.flush().await {
            Ok(()) => Ok((stream, Encryption::None)),
            Err(_) => Err((None, Lost::Eof)),
        };
    };
    // What came before our answer is not the client's, or not meant for us: taking it for the first bytes inside TLS
    // would let a man in the middle inject them (CVE-2021-23222).
    if !stream.input.is_empty() {
        let error = Error::fatal(SqlState::PROTOCOL_VIOLATION, "received unencrypted data after SSL request")
            .detail("This could be either a client-software bug or evidence of an attempted man-in-the-middle attack.");
        return Err((Some(stream), Lost::Fatal(error)));
    }
    stream.output.extend_from_slice(b"S");
    if stream.flush().await.is_err() {
        return Err((None, Lost::Eof));
    }
    let (io, _) = stream.into_parts();
    match acceptor.accept(io).await {
        Ok(accepted) => {
            let encryption = Encryption::Tls { end_point: accepted.end_point, client: accepted.client };
            Ok((Stream::new(accepted.io, door.limits.clone()), encryption))
        }
        Err(e) => Err((None, tls_failed(&e))),
    }
}

/// TLS from the first byte on, without SSLRequest.
async fn direct_tls(stream: Stream, door: &Door) -> Upgraded {
    let Some(acceptor) = &door.tls else {
        return Err((None, Lost::Broken("direct TLS, which is off")));
    };
    let (io, input) = stream.into_parts();
    let accepted = match acceptor.accept(Box::new(super::replay::Replay::new(input, io))).await {
        Ok(accepted) => accepted,
        Err(e) => {
            return Err((None, tls_failed(&e)));
        }
    };
    let stream = Stream::new(accepted.io, door.limits.clone());
    if !accepted.alpn {
        let lost = violation("received direct SSL connection request without ALPN protocol negotiation extension");
        return Err((Some(stream), lost));
    }
    Ok((stream, Encryption::Tls { end_point: accepted.end_point, client: accepted.client }))
}

/// A client that closes instead (a health check that has its answer) is no news.
fn tls_failed(error: &std::io::Error) -> Lost {
    if error.kind() == std::io::ErrorKind::UnexpectedEof {
        return Lost::Eof;
    }
    tracing::info!(%error, "TLS handshake failed");
    Lost::Broken("TLS handshake failed")
}

fn unsupported(version: Version) -> Lost {
    let Version { major, minor } = version;
    let (least, latest) = (Version::V3_0, Version::LATEST);
    let message = format!(
        "unsupported frontend protocol {major}.{minor}: server supports {}.{} to {}.{}",
        least.major, least.minor, latest.major, latest.minor
    );
    Lost::Fatal(Error::fatal(SqlState::FEATURE_NOT_SUPPORTED, message))
}

/// Accepts the version, telling the client which one we speak if it asked for more.
fn start(asked: Version, body: &Bytes, encryption: Encryption, stream: &mut Stream) -> Result<Start, Lost> {
    if asked.major != Version::LATEST.major {
        return Err(unsupported(asked));
    }
    let parameters = Parameters::decode(body).map_err(Lost::Fatal)?;
    if parameters.replication {
        return Err(Lost::Fatal(Error::unsupported("replication").into_fatal()));
    }
    let version = asked.min(Version::LATEST);
    if asked > version || !parameters.unknown_options.is_empty() {
        encode::negotiate_protocol_version(&mut stream.output, version, &parameters.unknown_options);
    }
    Ok(Start { version, parameters, encryption })
}
