//! Wire transcripts (tests/transcripts/*.pt): what a client sends, and what PostgreSQL 15 and the gateway answer.
//!
//! `DUCKGATE_TRANSCRIPTS_AGAINST='host=… port=… user=… password=… dbname=…'` replays them against a real PostgreSQL 15
//! (in a database of its own); with `DUCKGATE_TRANSCRIPTS_RECORD=1` too, its answers become the expectations.
//! `DUCKGATE_TRANSCRIPTS_ONLY=word` takes the sections whose file or title has that word.

mod support;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use support::protocol::{Connection, Failure, Message, startup, untyped};
use support::server::{Options, Server};
use support::target::Target;
use support::transcript::{Section, Step, allows, encode, parse, print};

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("tests/transcripts")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "pt"))
        .collect();
    files.sort();
    files
}

/// gaps.txt: `file: title: reason` for each transcript that the gateway is known not to hold, by file and title.
fn gaps() -> HashMap<(String, String), String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts/gaps.txt");
    let text = std::fs::read_to_string(path).expect("gaps.txt");
    let line = |line: &str| {
        let mut parts = line.splitn(3, ": ").map(str::to_owned);
        let mut next = || parts.next().unwrap_or_else(|| panic!("gaps.txt: {line:?} is not `file: title: reason`"));
        ((next(), next()), next())
    };
    text.lines().filter(|l| !l.is_empty() && !l.starts_with('#')).map(line).collect()
}

#[test]
fn transcripts_hold() {
    let against = std::env::var("DUCKGATE_TRANSCRIPTS_AGAINST").ok();
    let recording = std::env::var("DUCKGATE_TRANSCRIPTS_RECORD").is_ok_and(|v| v == "1");
    assert!(!recording || against.is_some(), "only PostgreSQL's answers are recorded");
    let server = Served::start(against.as_deref());
    let only = std::env::var("DUCKGATE_TRANSCRIPTS_ONLY").unwrap_or_default();
    // A gap is the gateway's: PostgreSQL holds every transcript.
    let mut gaps = if against.is_none() { gaps() } else { HashMap::new() };
    let (mut passed, mut failures) = (0, Vec::new());
    for path in files() {
        let text = std::fs::read_to_string(&path).expect("a transcript");
        let file = path.file_name().expect("a name").to_string_lossy().into_owned();
        let sections = parse(&text).unwrap_or_else(|e| panic!("{file}: {e}"));
        let mut recorded = Vec::new();
        for section in &sections {
            if !file.contains(&only) && !section.title.contains(&only) {
                continue;
            }
            let problems = Run::new(&server.target, &mut recorded).section(section);
            let gap = gaps.remove(&(file.clone(), section.title.clone()));
            if let Some(reason) = gap {
                if problems.is_empty() {
                    failures
                        .push(format!("{file}:{} {}\n  holds, and is a gap: {reason}", section.line, section.title));
                }
            } else if problems.is_empty() {
                passed += 1;
            } else {
                failures.push(format!("{file}:{} {}\n{problems}", section.line, section.title));
            }
        }
        if recording {
            std::fs::write(&path, rewrite(&text, &recorded)).expect("written");
        }
    }
    drop(server);
    let stale = if only.is_empty() { gaps.into_keys().collect() } else { Vec::new() };
    failures.extend(stale.iter().map(|(file, title)| format!("gaps.txt: {file} has no section {title:?}")));
    println!("{passed} transcripts hold");
    assert!(recording || failures.is_empty(), "{} of them do not:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn there_are_enough_transcripts_and_each_has_its_own_title() {
    let mut titles = HashMap::new();
    for path in files() {
        for section in parse(&std::fs::read_to_string(&path).expect("a transcript")).expect("well-formed") {
            if let Some(other) = titles.insert(section.title.clone(), path.clone()) {
                panic!("{:?} is in {} and in {}", section.title, other.display(), path.display());
            }
        }
    }
    assert!(titles.len() >= 80, "{} transcripts", titles.len());
}

/// The server of this run, and what ends with it.
struct Served {
    target: Target,
    _gateway: Option<Server>,
    /// The administrator's target, if a database was made for this run.
    made_by: Option<Target>,
}

impl Served {
    fn start(against: Option<&str>) -> Self {
        let Some(against) = against else {
            let gateway = Server::start(&Options::default());
            return Self { target: gateway.target.clone(), _gateway: Some(gateway), made_by: None };
        };
        let admin = Target::parse(against);
        let name = format!("transcripts_{}", std::process::id());
        let mut connection = admin.connect().unwrap_or_else(|e| panic!("{against}: {e}"));
        connection.query(&format!("CREATE DATABASE {name} TEMPLATE template0")).unwrap_or_else(|e| panic!("{e}"));
        Self { target: Target { database: name, ..admin.clone() }, _gateway: None, made_by: Some(admin) }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Some(admin) = &self.made_by
            && let Ok(mut connection) = admin.connect()
        {
            let _ = connection.query(&format!("DROP DATABASE {} WITH (FORCE)", self.target.database));
        }
    }
}

/// The lines of the file that an exchange's expectations take, and what was answered.
type Recorded = ((usize, usize), Vec<String>);

struct Run<'a> {
    target: &'a Target,
    connections: HashMap<String, Connection>,
    current: String,
    recorded: &'a mut Vec<Recorded>,
}

impl<'a> Run<'a> {
    fn new(target: &'a Target, recorded: &'a mut Vec<Recorded>) -> Self {
        Self { target, connections: HashMap::new(), current: "a".into(), recorded }
    }

    /// What differs, or nothing.
    fn section(&mut self, section: &Section) -> String {
        let mut problems = String::new();
        for step in &section.steps {
            match step {
                Step::Switch { name, raw } => {
                    self.current.clone_from(name);
                    if *raw {
                        self.connections.insert(name.clone(), Connection::new(self.target.socket()));
                    }
                }
                Step::Setup(sql) => {
                    if let Err(e) = self.connection().and_then(|c| c.query(sql)) {
                        let _ = writeln!(problems, "    {sql}\n    failed: {e}");
                        return problems;
                    }
                }
                Step::Exchange { sends, until, expected, lines } => {
                    let actual = self.exchange(sends, until.as_ref());
                    let same = agree(expected, &actual);
                    if !same {
                        let _ = writeln!(problems, "  line {}:", lines.0);
                        difference(expected, &actual, &mut problems);
                    }
                    self.recorded.push((*lines, if same { expected.clone() } else { actual }));
                }
            }
        }
        problems
    }

    fn connection(&mut self) -> Result<&mut Connection, Failure> {
        if !self.connections.contains_key(&self.current) {
            let options = [("TimeZone", "UTC"), ("application_name", "transcripts")];
            self.connections.insert(self.current.clone(), Connection::open(self.target, &options)?);
        }
        Ok(self.connections.get_mut(&self.current).expect("just made"))
    }

    /// Sends, then reads until what was asked for; by default one ReadyForQuery for each Query and Sync.
    fn exchange(&mut self, sends: &[(String, Value)], until: Option<&(usize, String)>) -> Vec<String> {
        let mut before = Vec::new();
        for (name, value) in sends {
            let outcome = match name.as_str() {
                "Login" => match self.login(value) {
                    Ok(lines) => {
                        before.extend(lines);
                        Ok(())
                    }
                    Err(e) => Err(e),
                },
                "Cancel" => self.cancel(value),
                "Sleep" => {
                    std::thread::sleep(Duration::from_millis(value.as_u64().expect("milliseconds")));
                    Ok(())
                }
                "HangUp" => self.connection().map(|c| c.shutdown_write()),
                "SSLRequest" | "GSSENCRequest" => self.negotiate(name, value).map(|line| before.push(line)),
                "Startup" => {
                    let bytes = startup(0x0003_0000, &[("user", &self.target.user)]);
                    self.connection().and_then(|c| c.send(&bytes))
                }
                _ => {
                    let bytes = encode(name, value);
                    self.connection().and_then(|c| c.send(&bytes))
                }
            };
            match outcome {
                Ok(()) => {}
                // The server may hang up before all has been sent; what it said before that is still to be read.
                Err(Failure::Closed) => break,
                Err(e) => {
                    before.push(format!("failed: {e}"));
                    return before;
                }
            }
        }
        let ready = sends.iter().filter(|(name, _)| matches!(name.as_str(), "Query" | "Sync")).count();
        let (count, last) = until.map_or((ready, "ReadyForQuery"), |(n, name)| (*n, name.as_str()));
        before.extend(self.read(count, last));
        before.into_iter().map(|line| self.masked(line)).collect()
    }

    /// Without what is this server's own: its version, and the name of the user that the test runs as.
    fn masked(&self, line: String) -> String {
        if line.starts_with("ParameterStatus [\"server_version\"") {
            return "ParameterStatus [\"server_version\",\"$version\"]".into();
        }
        let user = &self.target.user;
        line.replace(&format!("\\\"{user}\\\""), "\\\"$user\\\"")
            .replace(&format!("[\"session_authorization\",\"{user}\"]"), "[\"session_authorization\",\"$user\"]")
    }

    fn negotiate(&mut self, name: &str, value: &Value) -> Result<String, Failure> {
        let connection = self.connection()?;
        connection.send(&encode(name, value))?;
        Ok(format!("Byte {:?}", char::from(connection.read_byte()?).to_string()))
    }

    fn read(&mut self, count: usize, last: &str) -> Vec<String> {
        let mut messages: Vec<Message> = Vec::new();
        let mut end = None;
        let mut seen = 0;
        let Ok(connection) = self.connection() else { return vec!["no connection".into()] };
        while seen < count {
            match connection.read() {
                Ok(message) => {
                    let line = print(std::slice::from_ref(&message)).remove(0);
                    seen += usize::from(line.split(' ').next() == Some(last));
                    messages.push(message);
                }
                Err(Failure::Closed) => {
                    end = Some("Closed".to_string());
                    break;
                }
                Err(e) => {
                    end = Some(format!("{e}"));
                    break;
                }
            }
        }
        let mut lines = print(&messages);
        lines.extend(end);
        lines
    }

    /// `Login {"user", "password", "database", "version": "3.2", "options": {…}}` on the current, raw connection.
    fn login(&mut self, value: &Value) -> Result<Vec<String>, Failure> {
        let text = |key: &str, default: &str| value[key].as_str().unwrap_or(default).to_string();
        let target = Target {
            user: text("user", &self.target.user),
            password: text("password", &self.target.password),
            database: text("database", &self.target.database),
            ..self.target.clone()
        };
        let (major, minor) = {
            let version = text("version", "3.0");
            let (major, minor) = version.split_once('.').expect("major.minor");
            (major.parse::<u32>().expect("a number"), minor.parse::<u32>().expect("a number"))
        };
        let options: Vec<(String, String)> = value["options"]
            .as_object()
            .map(|o| o.iter().map(|(k, v)| (k.clone(), v.as_str().unwrap_or_default().to_string())).collect())
            .unwrap_or_default();
        let options: Vec<(&str, &str)> = options.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        let connection = self.connection()?;
        let mut log = Vec::new();
        let result = connection.login(&target, &options, major << 16 | minor, &mut log);
        let mut lines = print(&log);
        if result.is_err() {
            lines.push(match connection.read() {
                Err(Failure::Closed) => "Closed".into(),
                other => format!("{other:?}"),
            });
        }
        Ok(lines)
    }

    /// `Cancel "a"`: asks, on a connection of its own, to cancel what runs on connection `a`; with
    /// `{"connection": "a", "wrong": true}` with a secret that is not its own.
    fn cancel(&mut self, value: &Value) -> Result<(), Failure> {
        let name = value.as_str().or_else(|| value["connection"].as_str()).expect("a connection");
        let victim = self.connections.get(name).expect("an open connection");
        let mut rest = victim.pid.to_be_bytes().to_vec();
        rest.extend(&victim.secret);
        if value["wrong"].as_bool().unwrap_or(false) {
            let last = rest.len() - 1;
            rest[last] ^= 1;
        }
        let mut canceller = Connection::new(self.target.socket());
        canceller.send(&untyped(80_877_102, &rest))?;
        match canceller.read_byte() {
            Err(Failure::Closed) => Ok(()),
            Err(e) => Err(e),
            Ok(_) => panic!("a cancel request is not answered"),
        }
    }
}

/// True if the answers are as expected; an expected line that begins with `? ` may be absent.
fn agree(expected: &[String], actual: &[String]) -> bool {
    let Some((first, rest)) = expected.split_first() else { return actual.is_empty() };
    let (optional, line) = first.strip_prefix("? ").map_or((false, first.as_str()), |line| (true, line));
    let taken = actual.first().is_some_and(|a| allows(line, a)) && agree(rest, &actual[1..]);
    taken || (optional && agree(rest, actual))
}

/// Expected lines with `-`, actual ones with `+`, and those that are as they should be.
fn difference(expected: &[String], actual: &[String], out: &mut String) {
    let same = expected.iter().zip(actual).take_while(|(e, a)| allows(e, a)).count();
    for line in &actual[..same] {
        let _ = writeln!(out, "      {line}");
    }
    for line in &expected[same..] {
        let _ = writeln!(out, "    - {line}");
    }
    for line in &actual[same..] {
        let _ = writeln!(out, "    + {line}");
    }
}

/// The file with the expectations of this run.
fn rewrite(text: &str, recorded: &[Recorded]) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let (mut out, mut at) = (String::new(), 0);
    for ((from, to), answers) in recorded {
        for line in &lines[at..*from] {
            let _ = writeln!(out, "{line}");
        }
        for answer in answers {
            let _ = writeln!(out, "< {answer}");
        }
        at = *to;
    }
    for line in &lines[at..] {
        let _ = writeln!(out, "{line}");
    }
    out
}

#[test]
fn a_startup_message_has_length_version_and_pairs() {
    assert_eq!(startup(0x0003_0000, &[("a", "b")]), b"\0\0\0\x0d\0\x03\0\0a\0b\0\0");
}
