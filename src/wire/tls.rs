//! TLS: the certificate (given, or made at first start), rustls' configuration, and the channel's binding.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::RwLock;
use ring::digest;
use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use tokio_rustls::TlsAcceptor;

use super::der;
use super::stream::Io;
use crate::config::Tls;

/// The protocol's name in ALPN, which direct TLS requires.
pub const ALPN: &[u8] = b"postgresql";

/// How long a certificate made here is good.
const VALID_DAYS: i64 = 3650;

/// What is wrong with the certificate or its key.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("{path}: {problem}")]
    File { path: String, problem: String },
    #[error("cannot make a certificate: {0}")]
    Make(#[from] rcgen::Error),
    #[error("the certificate and its key do not fit: {0}")]
    Config(#[from] rustls::Error),
}

/// Where certificates come from, and who is believed.
#[derive(Debug, Clone)]
pub struct Files {
    pub tls: Tls,
    /// The database file, beside which a certificate made here is kept.
    pub data: Option<PathBuf>,
    /// Those whose client certificates are believed; without them none are asked for.
    pub client_ca: Option<PathBuf>,
    /// Which of these certificates are not any more.
    pub client_crl: Option<PathBuf>,
}

/// Encrypts accepted sockets.
pub struct Acceptor {
    files: Files,
    current: RwLock<Current>,
}

/// What is in force. Whoever has begun a handshake ends it with what it began with.
#[derive(Clone)]
struct Current {
    acceptor: TlsAcceptor,
    /// The certificate's hash for tls-server-end-point; `None` if its signature names no hash.
    end_point: Option<Arc<[u8]>>,
    pair: Arc<Pair>,
}

/// A socket after the TLS handshake.
pub struct Accepted {
    pub io: Box<dyn Io>,
    /// True if the client and we agreed on [`ALPN`].
    pub alpn: bool,
    pub end_point: Option<Arc<[u8]>>,
    pub client: Option<ClientCertificate>,
}

/// A client certificate that was verified.
#[derive(Debug, Clone)]
pub struct ClientCertificate {
    /// Its subject's common name.
    pub name: Option<String>,
}

impl Acceptor {
    /// Reads or makes the certificate. `None` if TLS is off. A client certificate that does not hold ends the handshake.
    ///
    /// # Errors
    /// A file cannot be read or written, or certificate and key do not fit.
    pub fn open(files: Files) -> Result<Option<Self>, TlsError> {
        let pair = match &files.tls {
            Tls::Off => return Ok(None),
            Tls::Files { certificate, key } => load(certificate, key)?,
            Tls::SelfSigned => self_signed(files.data.as_deref())?,
        };
        let current = RwLock::new(Current::new(Arc::new(pair), &files)?);
        Ok(Some(Self { files, current }))
    }

    /// Reads all files again: new connections get what they say now. (rustls takes up old TLS sessions only with what they were
    /// made with, so that nobody comes back by one whose certificate has been revoked.)
    ///
    /// # Errors
    /// As [`Acceptor::open`]; what was in force stays.
    pub fn reload(&self) -> Result<(), TlsError> {
        let pair = match &self.files.tls {
            Tls::Files { certificate, key } => Arc::new(load(certificate, key)?),
            Tls::Off | Tls::SelfSigned => self.current.read().pair.clone(),
        };
        let current = Current::new(pair, &self.files)?;
        *self.current.write() = current;
        Ok(())
    }

    /// The server's side of the handshake.
    ///
    /// # Errors
    /// The client does not speak TLS, or not ours.
    pub async fn accept(&self, io: Box<dyn Io>) -> std::io::Result<Accepted> {
        let Current { acceptor, end_point, pair: _ } = self.current.read().clone();
        let stream = acceptor.accept(io).await?;
        let connection = stream.get_ref().1;
        let alpn = connection.alpn_protocol() == Some(ALPN);
        // Whatever was presented has been verified: rustls fails the handshake otherwise.
        let client = connection.peer_certificates().and_then(<[_]>::first);
        let client = client.map(|leaf| ClientCertificate { name: der::common_name(leaf) });
        Ok(Accepted { io: Box::new(stream), alpn, end_point, client })
    }
}

impl Current {
    fn new(pair: Arc<Pair>, files: &Files) -> Result<Self, TlsError> {
        let (chain, key) = &*pair;
        let end_point = chain.first().and_then(|leaf| end_point(leaf)).map(Arc::from);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config =
            rustls::ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions()?;
        let config = match &files.client_ca {
            None => config.with_no_client_auth(),
            Some(path) => config.with_client_cert_verifier(verifier(path, files.client_crl.as_deref(), provider)?),
        };
        let mut config = config.with_single_cert(chain.clone(), key.clone_key())?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), end_point, pair })
    }
}

/// Believes client certificates that these have signed and not revoked; none has to be presented. With revocation lists there has to be
/// one, still in force, of every authority in a certificate's chain, as with PostgreSQL's ssl_crl_file.
fn verifier(
    path: &Path,
    revoked: Option<&Path>,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let problem = |path: &Path, problem: String| TlsError::File { path: path.display().to_string(), problem };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|e| problem(path, e.to_string()))? {
        let certificate = certificate.map_err(|e| problem(path, e.to_string()))?;
        roots.add(certificate).map_err(|e| problem(path, e.to_string()))?;
    }
    let mut builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).allow_unauthenticated();
    if let Some(path) = revoked {
        let lists = CertificateRevocationListDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let lists = lists.map_err(|e| problem(path, e.to_string()))?;
        // Without a list rustls would look at none.
        if lists.is_empty() {
            return Err(problem(path, "there is no revocation list in it".into()));
        }
        builder = builder.with_crls(lists).enforce_revocation_expiration();
    }
    builder.build().map_err(|e| problem(revoked.unwrap_or(path), e.to_string()))
}

type Pair = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn load(certificate: &Path, key: &Path) -> Result<Pair, TlsError> {
    let problem = |path: &Path, problem: String| TlsError::File { path: path.display().to_string(), problem };
    let chain: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect).map_err(|e| e.to_string());
    let chain = chain.map_err(|e| problem(certificate, e))?;
    if chain.is_empty() {
        return Err(problem(certificate, "there is no certificate in it".into()));
    }
    let key_der = PrivateKeyDer::from_pem_file(key).map_err(|e| problem(key, e.to_string()))?;
    Ok((chain, key_der))
}

/// The kept certificate, or a new one.
fn self_signed(data: Option<&Path>) -> Result<Pair, TlsError> {
    let Some(data) = data else { return Ok(make()?.0) };
    let beside = |suffix: &str| -> PathBuf {
        let mut path = data.as_os_str().to_owned();
        path.push(suffix);
        path.into()
    };
    let (certificate, key) = (beside(".crt"), beside(".key"));
    if certificate.exists() && key.exists() {
        return load(&certificate, &key);
    }
    let (pair, certificate_pem, key_pem) = make()?;
    let problem =
        |path: &Path, e: std::io::Error| TlsError::File { path: path.display().to_string(), problem: e.to_string() };
    write_private(&key, &key_pem).map_err(|e| problem(&key, e))?;
    fs::write(&certificate, certificate_pem).map_err(|e| problem(&certificate, e))?;
    Ok(pair)
}

fn make() -> Result<(Pair, String, String), TlsError> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    if let Some(host) = fs::read_to_string("/etc/hostname").ok().map(|name| name.trim().to_owned())
        && !host.is_empty()
    {
        names.push(host);
    }
    let mut params = rcgen::CertificateParams::new(names)?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(rcgen::DnType::CommonName, "duckgate");
    let now = std::time::SystemTime::now();
    let days = |n: i64| std::time::Duration::from_secs(n.unsigned_abs() * 86_400);
    params.not_before = (now - days(1)).into();
    params.not_after = (now + days(VALID_DAYS)).into();
    let key = rcgen::KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    let key_der = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    Ok(((vec![certificate.der().clone()], key_der), certificate.pem(), key.serialize_pem()))
}

/// Readable by its owner only, from its first byte on.
fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}

/// RFC 5929, section 4.1: the certificate's hash by its signature's hash function, MD5 and SHA-1 replaced by SHA-256.
fn end_point(certificate: &CertificateDer<'_>) -> Option<Vec<u8>> {
    let algorithm = match der::signature_algorithm(certificate)? {
        // RSA with MD5, SHA-1, SHA-256; ECDSA with SHA-1, SHA-256.
        [.., 1, 1, 4] | [.., 1, 1, 5] | [.., 1, 1, 11] | [.., 0x3d, 4, 1] | [.., 0x3d, 4, 3, 2] => &digest::SHA256,
        [.., 1, 1, 12] | [.., 0x3d, 4, 3, 3] => &digest::SHA384,
        [.., 1, 1, 13] | [.., 0x3d, 4, 3, 4] => &digest::SHA512,
        // Ed25519 and kin name no hash: no binding is offered.
        _ => return None,
    };
    Some(digest::digest(algorithm, certificate).as_ref().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_made_here_binds_by_sha256() {
        let ((chain, _), _, _) = make().expect("certificate");
        let bound = end_point(&chain[0]).expect("binding");
        assert_eq!(bound, digest::digest(&digest::SHA256, &chain[0]).as_ref());
    }

    #[test]
    fn a_certificate_beside_the_data_is_made_once() {
        let folder = tempfile::tempdir().expect("folder");
        let data = folder.path().join("x.duckdb");
        let first = self_signed(Some(&data)).expect("made").0;
        assert_eq!(self_signed(Some(&data)).expect("read").0, first);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(folder.path().join("x.duckdb.key")).expect("key").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}
