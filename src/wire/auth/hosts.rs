//! Who may come from where, and how they prove who they are: rules in the form of PostgreSQL's pg_hba.conf, purely.
//!
//! The first rule whose type, database, role and address fit decides; without one nobody gets in. The file's grammar is
//! PostgreSQL's; what it has and this gateway has not is refused with its line when the file is read.

mod shown;

use std::cell::RefCell;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::keys::{Keys, Source};
use super::method::{Around, Method, method, option};
use super::words::{self, Line, Word};
use crate::registry::Snapshot;

pub use shown::shown;

/// How a connection came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival<'a> {
    /// `None` on a Unix socket.
    pub address: Option<IpAddr>,
    pub tls: bool,
    pub database: &'a str,
    pub user: &'a str,
}

/// Over what a rule's connections come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Local,
    Host,
    HostSsl,
    HostNoSsl,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Database {
    All,
    SameUser,
    SameRole,
    Named(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum User {
    All,
    Named(String),
    MemberOf(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Addresses {
    All,
    Net(IpAddr, u8),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    kind: Kind,
    databases: Vec<Database>,
    users: Vec<User>,
    addresses: Addresses,
    method: Method,
}

/// The rules, and the maps of the names in certificates and tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hosts {
    rules: Vec<Rule>,
    map: words::Map,
    /// The files that rules name: keys of tokens, and whom to believe those.
    pub files: Vec<PathBuf>,
}

/// Without a file: a password from everywhere.
impl Default for Hosts {
    fn default() -> Self {
        let any = |kind| Rule {
            kind,
            databases: vec![Database::All],
            users: vec![User::All],
            addresses: Addresses::All,
            method: Method::Scram { certificate: None },
        };
        Self { rules: vec![any(Kind::Local), any(Kind::Host)], map: words::Map::default(), files: Vec::new() }
    }
}

impl Hosts {
    /// Reads the files.
    ///
    /// # Errors
    /// One of them cannot be read, or a line of it not understood: file, line, and what is wrong.
    pub fn read(rules: Option<&Path>, map: Option<&Path>) -> Result<Self, String> {
        let map = match map {
            Some(path) => words::Map::parse(&text_of(path)?).map_err(|e| format!("{}: {e}", path.display()))?,
            None => words::Map::default(),
        };
        match rules {
            Some(path) => {
                let files = RefCell::new(Vec::new());
                let read = |name: &str| {
                    files.borrow_mut().push(path.parent().unwrap_or(Path::new("")).join(name));
                    beside(path)(name)
                };
                let hosts = Self::parse(&text_of(path)?, map, &read).map_err(|e| format!("{}: {e}", path.display()))?;
                Ok(Self { files: files.into_inner(), ..hosts })
            }
            None => Ok(Self { map, ..Self::default() }),
        }
    }

    /// `read` gives the text of a file that a rule names.
    ///
    /// # Errors
    /// The line that is not understood, and why.
    pub fn parse(text: &str, map: words::Map, read: &dyn Fn(&str) -> Result<String, String>) -> Result<Self, String> {
        let rule = |line: Line| rule(&line, &map, read).map_err(|e| format!("line {}: {e}", line.number));
        let rules = words::lines(text)?.into_iter().map(rule).collect::<Result<_, _>>()?;
        Ok(Self { rules, map, files: Vec::new() })
    }

    /// Does a rule ask for certificates?
    pub fn wants_certificates(&self) -> bool {
        self.rules.iter().any(|rule| match &rule.method {
            Method::Cert { .. } => true,
            Method::Scram { certificate } => certificate.is_some(),
            Method::OAuth(_) | Method::Trust | Method::Reject => false,
        })
    }

    /// From where keys for tokens are fetched.
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        self.rules.iter().filter_map(|rule| match &rule.method {
            Method::OAuth(bearer) => match &bearer.keys {
                Keys::Fetched(source) => Some(source),
                Keys::Kept(_) => None,
            },
            Method::Scram { .. } | Method::Cert { .. } | Method::Trust | Method::Reject => None,
        })
    }

    /// What the first rule that fits asks for; `None` if none does.
    pub fn method(&self, arrival: &Arrival<'_>, snapshot: &Snapshot) -> Option<&Method> {
        self.rules.iter().find(|rule| rule.fits(arrival, snapshot)).map(|rule| &rule.method)
    }

    /// May who was certified under this name, by a certificate or a token, be this role?
    pub fn is_named(&self, map: Option<&str>, certified: &str, user: &str) -> bool {
        match map {
            None => certified == user,
            Some(map) => self.map.allows(map, certified, user),
        }
    }
}

/// Reads files that the rules name: they lie beside them.
fn beside(rules: &Path) -> impl Fn(&str) -> Result<String, String> {
    let folder = rules.parent().unwrap_or(Path::new("")).to_owned();
    move |name| text_of(&folder.join(name))
}

fn text_of(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))
}

impl Rule {
    fn fits(&self, arrival: &Arrival<'_>, snapshot: &Snapshot) -> bool {
        let Self { kind, databases, users, addresses, method: _ } = self;
        let came = match (kind, arrival.address) {
            (Kind::Local, address) => address.is_none(),
            (Kind::Host | Kind::HostSsl | Kind::HostNoSsl, None) => false,
            (Kind::Host, Some(_)) => true,
            (Kind::HostSsl, Some(_)) => arrival.tls,
            (Kind::HostNoSsl, Some(_)) => !arrival.tls,
        };
        came && addresses.have(arrival.address)
            && databases.iter().any(|database| database.fits(arrival, snapshot))
            && users.iter().any(|user| user.fits(arrival.user, snapshot))
    }
}

/// Membership in PostgreSQL's sense for these files: direct or not, and superusers are members of nothing by that.
fn is_member(user: &str, group: &str, snapshot: &Snapshot) -> bool {
    match (snapshot.role(user), snapshot.role(group)) {
        (Some(user), Some(group)) => snapshot.effective_members(user.oid).contains(&group.oid),
        (Some(_) | None, _) => false,
    }
}

impl Database {
    fn fits(&self, arrival: &Arrival<'_>, snapshot: &Snapshot) -> bool {
        match self {
            Self::All => true,
            Self::SameUser => arrival.database == arrival.user,
            Self::SameRole => is_member(arrival.user, arrival.database, snapshot),
            Self::Named(name) => name == arrival.database,
        }
    }
}

impl User {
    fn fits(&self, user: &str, snapshot: &Snapshot) -> bool {
        match self {
            Self::All => true,
            Self::Named(name) => name == user,
            Self::MemberOf(group) => is_member(user, group, snapshot),
        }
    }
}

/// An IPv4 address that came by way of IPv6 is one.
pub fn plain(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

impl Addresses {
    fn have(&self, address: Option<IpAddr>) -> bool {
        match (self, address.map(plain)) {
            (Self::All, _) | (Self::Net(..), None) => true,
            (Self::Net(net, bits), Some(address)) => match (net, address) {
                (IpAddr::V4(net), IpAddr::V4(address)) => {
                    let mask = u32::MAX.checked_shl(32 - u32::from(*bits)).unwrap_or(0);
                    net.to_bits() & mask == address.to_bits() & mask
                }
                (IpAddr::V6(net), IpAddr::V6(address)) => {
                    let mask = u128::MAX.checked_shl(128 - u32::from(*bits)).unwrap_or(0);
                    net.to_bits() & mask == address.to_bits() & mask
                }
                (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
            },
        }
    }

    fn is_loopback(&self) -> bool {
        match self {
            Self::All => false,
            Self::Net(IpAddr::V4(net), bits) => net.is_loopback() && *bits >= 8,
            Self::Net(IpAddr::V6(net), bits) => net.is_loopback() && *bits == 128,
        }
    }
}

fn rule(line: &Line, maps: &words::Map, read: &dyn Fn(&str) -> Result<String, String>) -> Result<Rule, String> {
    let mut fields = line.fields.iter();
    let mut next = |what: &str| fields.next().ok_or_else(|| format!("{what} is missing"));
    let kind = match one(next("the type")?, "the type")?.text.as_str() {
        "local" => Kind::Local,
        "host" | "hostnogssenc" => Kind::Host,
        "hostssl" => Kind::HostSsl,
        "hostnossl" => Kind::HostNoSsl,
        "hostgssenc" => return Err("hostgssenc: GSS encryption is not supported".into()),
        other => return Err(format!("\"{other}\" is not one of local, host, hostssl, hostnossl")),
    };
    let databases = next("the database")?.iter().map(database).collect::<Result<_, _>>()?;
    let users = next("the role")?.iter().map(user).collect::<Result<_, _>>()?;
    let addresses = match kind {
        Kind::Local => Addresses::All,
        Kind::Host | Kind::HostSsl | Kind::HostNoSsl => {
            let address = one(next("the address")?, "the address")?;
            addresses(address, &mut next)?
        }
    };
    let method = one(next("the method")?, "the method")?.text.clone();
    let options = fields.map(|field| option(one(field, "an option")?)).collect::<Result<Vec<_>, _>>()?;
    let method = self::method(&method, &options, &Around { kind, loopback: addresses.is_loopback(), maps, read })?;
    Ok(Rule { kind, databases, users, addresses, method })
}

fn one<'a>(field: &'a [Word], what: &str) -> Result<&'a Word, String> {
    match field {
        [word] => Ok(word),
        _ => Err(format!("{what} cannot be a list")),
    }
}

fn database(word: &Word) -> Result<Database, String> {
    Ok(match (word.quoted, word.text.as_str()) {
        (false, "all") => Database::All,
        (false, "sameuser") => Database::SameUser,
        (false, "samerole" | "samegroup") => Database::SameRole,
        (false, "replication") => return Err("replication is not supported".into()),
        (false, text) if text.starts_with('@') => return Err(format!("{text}: lists in files are not supported")),
        (_, name) => Database::Named(name.to_owned()),
    })
}

fn user(word: &Word) -> Result<User, String> {
    Ok(match (word.quoted, word.text.as_str()) {
        (false, "all") => User::All,
        (false, text) if text.starts_with('@') => return Err(format!("{text}: lists in files are not supported")),
        (false, text) if text.starts_with('+') => User::MemberOf(text[1..].to_owned()),
        (_, name) => User::Named(name.to_owned()),
    })
}

fn addresses<'a>(
    word: &Word,
    next: &mut impl FnMut(&str) -> Result<&'a Vec<Word>, String>,
) -> Result<Addresses, String> {
    let text = word.text.as_str();
    if !word.quoted && text == "all" {
        return Ok(Addresses::All);
    }
    if !word.quoted && matches!(text, "samehost" | "samenet") {
        return Err(format!("{text} is not supported: write the addresses"));
    }
    let bad = || format!("\"{text}\" is no address: one like 10.0.0.0/8 is expected (host names are not resolved)");
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address.parse::<IpAddr>().map_err(|_| bad())?, bits.parse().map_err(|_| bad())?),
        None => {
            let address = text.parse::<IpAddr>().map_err(|_| bad())?;
            let mask = one(next("the mask")?, "the mask")?;
            (address, mask_bits(&mask.text, address)?)
        }
    };
    let most = if address.is_ipv4() { 32 } else { 128 };
    if bits > most { Err(bad()) } else { Ok(Addresses::Net(address, bits)) }
}

/// `255.255.0.0` → 16.
fn mask_bits(mask: &str, address: IpAddr) -> Result<u8, String> {
    let bad = || format!("\"{mask}\" is no mask for {address}: write the address as {address}/BITS");
    let (ones, whole) = match (mask.parse().map_err(|_| bad())?, address) {
        (IpAddr::V4(mask), IpAddr::V4(_)) => {
            (mask.to_bits().leading_ones(), mask.to_bits().leading_ones() == mask.to_bits().count_ones())
        }
        (IpAddr::V6(mask), IpAddr::V6(_)) => {
            (mask.to_bits().leading_ones(), mask.to_bits().leading_ones() == mask.to_bits().count_ones())
        }
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return Err(bad()),
    };
    if whole { Ok(ones as u8) } else { Err(bad()) }
}

#[cfg(test)]
mod tests {
    use super::super::method::Certificate;
    use super::*;
    use crate::registry::{Change, Membership, Role, bootstrap};
    use std::sync::Arc;

    const MAP: &str = "# name  certificate  role\nm  \"Kim Smith\"  kim\nm  /^(.*)@example\\.org$  \\1\n";

    fn snapshot() -> Snapshot {
        let mut snapshot = bootstrap::snapshot("d", "ann");
        let ann = snapshot.role("ann").expect("ann").clone();
        let role = |oid, name: &str, member_of: Vec<u32>| {
            let member_of = member_of.into_iter().map(|role| Membership { role, admin: false }).collect();
            Change::PutRole(Arc::new(Role { oid, name: name.into(), superuser: false, member_of, ..(*ann).clone() }))
        };
        for change in [role(101, "staff", vec![]), role(102, "sales", vec![101]), role(103, "kim", vec![102])] {
            snapshot.apply_in_place(&change);
        }
        snapshot
    }

    fn hosts(text: &str) -> Result<Hosts, String> {
        let key = r#"{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
        let read = |name: &str| match name {
            "keys.json" => Ok(key.to_owned()),
            other => Err(format!("{other}: not there")),
        };
        Hosts::parse(text, words::Map::parse(MAP).expect("map"), &read)
    }

    #[test]
    fn the_first_rule_that_fits_decides() {
        let hosts = hosts(
            "# a comment\n\
             local   all            ann                     trust\n\
             hostssl all            ola all oauth issuer=https://id.example audience=duckgate scope=\"openid db\" jwks=keys.json map=m\n\
             hostssl all            all   10.9.0.0/16       cert map=m\n\
             host    all            bob   10.0.0.0 255.0.0.0 reject # not he\n\
             hostssl d,\"all\"        +staff 10.0.0.0/8       scram-sha-256 clientcert=verify-full\n\
             hostnossl all          ann   127.0.0.1/32      trust\n\
             host    sameuser       all   ::1/128           scram-sha-256\n\
             host    all            \"all\" all              scram-sha-256\n",
        )
        .expect("rules");
        let snapshot = snapshot();
        let ask = |address: Option<&str>, tls, database, user| {
            let address = address.map(|a| a.parse().expect("address"));
            match hosts.method(&Arrival { address, tls, database, user }, &snapshot) {
                None => "none",
                Some(Method::Reject) => "reject",
                Some(Method::Trust) => "trust",
                Some(Method::OAuth(_)) => "oauth",
                Some(Method::Cert { map: Some(_) }) => "cert map",
                Some(Method::Cert { map: None }) => "cert",
                Some(Method::Scram { certificate: Some(Certificate::VerifyFull) }) => "scram full",
                Some(Method::Scram { certificate: Some(Certificate::VerifyCa) }) => "scram ca",
                Some(Method::Scram { certificate: None }) => "scram",
            }
        };
        assert_eq!(ask(None, false, "d", "ann"), "trust");
        assert_eq!(ask(None, false, "d", "kim"), "none");
        assert_eq!(ask(Some("10.9.3.4"), true, "d", "ola"), "oauth");
        assert_eq!(ask(Some("10.9.3.4"), true, "d", "bob"), "cert map");
        assert_eq!(ask(Some("10.1.3.4"), true, "d", "bob"), "reject");
        assert_eq!(ask(Some("::ffff:10.1.3.4"), false, "d", "bob"), "reject");
        assert_eq!(ask(Some("10.1.3.4"), true, "d", "kim"), "scram full");
        assert_eq!(ask(Some("10.1.3.4"), true, "all", "kim"), "scram full");
        assert_eq!(ask(Some("10.1.3.4"), true, "other", "kim"), "none");
        assert_eq!(ask(Some("10.1.3.4"), false, "d", "kim"), "none");
        // A superuser is a member of what it is made a member of only; nobody of what does not exist.
        assert_eq!(ask(Some("10.1.3.4"), true, "d", "ann"), "none");
        assert_eq!(ask(Some("10.1.3.4"), true, "d", "nobody"), "none");
        assert_eq!(
            (ask(Some("127.0.0.1"), false, "d", "ann"), ask(Some("127.0.0.1"), true, "d", "ann")),
            ("trust", "none")
        );
        assert_eq!((ask(Some("::1"), true, "kim", "kim"), ask(Some("::1"), true, "d", "kim")), ("scram", "none"));
        assert_eq!(ask(Some("1.2.3.4"), false, "d", "all"), "scram");
        assert!(hosts.wants_certificates() && !Hosts::default().wants_certificates());
    }

    #[test]
    fn what_is_not_understood_is_told_with_its_line() {
        for (text, expected) in [
            ("host all all all", "line 1: the method is missing"),
            ("\n\nhost all all 10.0.0.0/33 reject", "line 3: \"10.0.0.0/33\" is no address"),
            ("host all all 10.0.0.0 reject", "line 1: \"reject\" is no mask for 10.0.0.0"),
            ("host all all 10.0.0.0 255.0.255.0 reject", "line 1: \"255.0.255.0\" is no mask"),
            ("host all all example.org scram-sha-256", "line 1: \"example.org\" is no address"),
            ("host all all 0.0.0.0/0 trust", "line 1: trust is for local and for loopback"),
            ("host all all 126.0.0.0/7 trust", "line 1: trust is for local and for loopback"),
            ("host all all all md5", "line 1: md5 is not offered: write scram-sha-256"),
            ("host all all all ldap", "line 1: the method ldap is not one of"),
            ("host all all all cert", "line 1: cert is for hostssl only"),
            ("hostssl all all all cert map=x", "line 1: map=x: the ident map has no such map"),
            ("hostssl all all all scram-sha-256 map=m", "line 1: map is for cert and oauth only"),
            ("host all all all scram-sha-256 clientcert=verify-ca", "line 1: clientcert is for hostssl only"),
            ("host all all all scram-sha-256 clientcert=1", "line 1: clientcert=1: verify-ca or verify-full"),
            ("host all all all oauth", "line 1: oauth is for hostssl and local only"),
            ("hostssl all all all oauth", "line 1: oauth needs issuer=… beside it"),
            ("local all all oauth issuer=http://id", "line 1: issuer=http://id: an https URL is expected"),
            (
                "local all all oauth issuer=https://id/.well-known/openid-configuration audience=a scope=b",
                "line 1: oauth needs jwks=… beside such an issuer",
            ),
            ("local all all oauth issuer=https:///id audience=a scope=b", "line 1: issuer=https:///id: an https URL"),
            (
                "local all all oauth issuer=https://id jwks=http://127.0.0.1/keys",
                "line 1: jwks=http://127.0.0.1/keys: an https URL is expected",
            ),
            (
                "local all all oauth issuer=https://id jwks=keys.json jwks_ca=ca.pem",
                "line 1: jwks_ca is for keys that are fetched",
            ),
            ("local all all oauth issuer=https://id jwks_ca=none.pem", "line 1: none.pem: not there"),
            ("local all all oauth issuer=https://id jwks_ca=keys.json", "line 1: jwks_ca=keys.json: there is no"),
            ("local all all oauth issuer=https://id jwks=none.json", "line 1: none.json: not there"),
            (
                "local all all oauth issuer=https://id jwks=keys.json scope=b",
                "line 1: oauth needs audience=… beside it",
            ),
            (
                "local all all oauth issuer=https://id jwks=keys.json audience=a",
                "line 1: oauth needs scope=… beside it",
            ),
            ("local all all oauth issuer=https://id issuer=https://id", "line 1: issuer stands twice"),
            ("local all all oauth issuer=https://id scope=\" \"", "line 1: scope is empty"),
            (
                "local all all oauth issuer=https://id jwks=keys.json audience=a scope=b map=x",
                "line 1: map=x: the ident map",
            ),
            ("local all all oauth validator=x", "line 1: the option validator is not supported with oauth"),
            ("hostt all all all reject", "line 1: \"hostt\" is not one of"),
            ("host @f all all reject", "line 1: @f: lists in files"),
            ("host \"all all all reject", "line 1: a quote is not closed"),
        ] {
            let error = hosts(text).expect_err(text);
            assert!(error.starts_with(expected), "{text}: {error}");
        }
    }

    #[test]
    fn certificates_are_mapped_to_roles() {
        let hosts = hosts("").expect("no rules");
        assert!(hosts.is_named(None, "kim", "kim") && !hosts.is_named(None, "kim", "ann"));
        assert!(hosts.is_named(Some("m"), "Kim Smith", "kim") && !hosts.is_named(Some("m"), "Kim Smith", "ann"));
        assert!(hosts.is_named(Some("m"), "ann@example.org", "ann"));
        assert!(!hosts.is_named(Some("m"), "ann@example.org", "kim") && !hosts.is_named(Some("m"), "ann", "ann"));
        assert!(!hosts.is_named(Some("x"), "kim", "kim"));
    }
}
