//! A gateway of the test's own: the real binary, as a child process, on a port of its own.

use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::target::Target;

/// How to start one. The default keeps its data in memory and has no schema files.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The database file; in memory without it.
    pub data: Option<PathBuf>,
    pub schemas: Option<PathBuf>,
    /// The superuser's and the database's name; "duckgate" without them.
    pub superuser: Option<String>,
    pub database: Option<String>,
    /// Further flags of `duckgate serve`.
    pub flags: Vec<String>,
    /// Further environment variables.
    pub environment: Vec<(String, String)>,
}

pub struct Server {
    pub target: Target,
    child: Option<Child>,
    output: Option<JoinHandle<String>>,
}

impl Server {
    /// Starts a gateway and waits until it lets its superuser in.
    pub fn start(options: &Options) -> Self {
        let port = free_port();
        let target = Target {
            host: "127.0.0.1".into(),
            port,
            user: options.superuser.clone().unwrap_or_else(|| "duckgate".into()),
            password: "correct horse".into(),
            database: options.database.clone().unwrap_or_else(|| "duckgate".into()),
        };
        let mut command = Command::new(env!("CARGO_BIN_EXE_duckgate"));
        command.arg("serve").args(["--listen", &format!("127.0.0.1:{port}"), "--database", &target.database]);
        command.arg("--data").arg(options.data.as_deref().unwrap_or(Path::new(":memory:")));
        if let Some(schemas) = &options.schemas {
            command.arg("--schemas").arg(schemas);
        }
        command
            .args(&options.flags)
            .env("DUCKGATE_USER", &target.user)
            .env("DUCKGATE_PASSWORD", &target.password)
            .envs(options.environment.iter().map(|(k, v)| (k, v)))
            // Where a relative `schemas` folder would not be picked up by accident.
            .current_dir(std::env::temp_dir())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the gateway's binary runs");
        let mut stderr = child.stderr.take().expect("piped");
        let output = std::thread::spawn(move || {
            let mut text = Vec::new();
            let _ = stderr.read_to_end(&mut text);
            String::from_utf8_lossy(&text).into_owned()
        });
        let mut server = Self { target, child: Some(child), output: Some(output) };
        server.wait_until_ready();
        server
    }

    /// The server that `DUCKGATE_TEST_SERVER` names (`host=… port=… user=… password=… dbname=…`), or a gateway in memory
    /// that the tests of one binary share while at least one of them runs.
    pub fn shared() -> Arc<Self> {
        static SHARED: OnceLock<Mutex<Weak<Server>>> = OnceLock::new();
        let mut shared = SHARED.get_or_init(Mutex::default).lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(server) = shared.upgrade() {
            return server;
        }
        let server = Arc::new(match std::env::var("DUCKGATE_TEST_SERVER") {
            Ok(conninfo) => Self { target: Target::parse(&conninfo), child: None, output: None },
            Err(_) => Self::start(&Options::default()),
        });
        *shared = Arc::downgrade(&server);
        server
    }

    fn wait_until_ready(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let problem = match self.target.try_connect() {
                Ok(_) => return,
                Err(problem) => problem,
            };
            let exited = self.child.as_mut().and_then(|c| c.try_wait().ok().flatten());
            if exited.is_some() || Instant::now() > deadline {
                self.kill();
                let output = self.output.take().and_then(|o| o.join().ok()).unwrap_or_default();
                panic!("the gateway does not serve ({problem}; {exited:?}):\n{output}");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }

    /// kill -9, as a crash.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// SIGTERM, and how it ended within that time.
    pub fn terminate(&mut self, within: Duration) -> Option<std::process::ExitStatus> {
        // SAFETY: kill takes any pid; this one is our own child, not yet waited for.
        self.child.as_ref().map(|child| unsafe { libc::kill(child.id() as i32, libc::SIGTERM) })?;
        self.ended(within)
    }

    /// How it ended by itself within that time; after it, it is killed.
    pub fn ended(&mut self, within: Duration) -> Option<std::process::ExitStatus> {
        let mut child = self.child.take()?;
        let deadline = Instant::now() + within;
        while Instant::now() < deadline {
            if let Ok(Some(status)) = child.try_wait() {
                return Some(status);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = child.kill();
        let _ = child.wait();
        None
    }

    /// What it wrote to its log, once it has ended.
    pub fn log(&mut self) -> String {
        self.kill();
        self.output.take().and_then(|o| o.join().ok()).unwrap_or_default()
    }

    /// Resident memory in bytes.
    pub fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap_or_default();
        let kilobytes = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .and_then(|rest| rest.split_whitespace().next())
            .and_then(|number| number.parse::<u64>().ok());
        kilobytes.unwrap_or(0) * 1024
    }

    /// libpq's environment variables, over TLS if this is a gateway.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let ours = self.child.is_some();
        let mode = std::env::var("PGSSLMODE").unwrap_or_else(|_| "require".into());
        vec![
            ("PGHOST", self.target.host.clone()),
            ("PGPORT", self.target.port.to_string()),
            ("PGUSER", self.target.user.clone()),
            ("PGPASSWORD", self.target.password.clone()),
            ("PGDATABASE", self.target.database.clone()),
            ("PGSSLMODE", if ours { "require".into() } else { mode }),
        ]
    }

    pub fn uses_tls(&self) -> bool {
        self.environment().iter().any(|(k, v)| *k == "PGSSLMODE" && v == "require")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking()
            && let Some(output) = self.output.take().and_then(|o| o.join().ok())
        {
            let tail: Vec<_> = output.lines().rev().take(40).collect();
            let tail: Vec<_> = tail.into_iter().rev().collect();
            println!("the end of the gateway's log:\n{}", tail.join("\n"));
        }
    }
}

/// Runs a command to its end, or kills it when its time is up.
pub fn run(command: &mut Command, limit: Duration) -> Output {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let reader = |mut pipe: Box<dyn Read + Send>| {
        std::thread::spawn(move || {
            let mut text = Vec::new();
            let _ = pipe.read_to_end(&mut text);
            text
        })
    };
    let stdout = reader(Box::new(child.stdout.take().expect("piped")));
    let stderr = reader(Box::new(child.stderr.take().expect("piped")));
    let deadline = Instant::now() + limit;
    let status = loop {
        if let Some(status) = child.try_wait().expect("waited") {
            break status;
        }
        if Instant::now() > deadline {
            let _ = child.kill();
            break child.wait().expect("waited");
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    Output { status, stdout: stdout.join().expect("read"), stderr: stderr.join().expect("read") }
}

/// Where tests/clients/install.sh puts what it installs.
pub fn clients() -> PathBuf {
    std::env::var_os("DUCKGATE_CLIENTS").map_or_else(
        || PathBuf::from(std::env::var_os("HOME").expect("HOME")).join(".cache/duckgate-clients"),
        PathBuf::from,
    )
}

/// Runs tests/clients/install.sh for a kind of clients (once, whoever comes first); false if a program that it takes is not here.
pub fn installed(kind: &str, programs: &[&str]) -> bool {
    let is_present = |program: &&&str| {
        let version = if **program == "go" { "version" } else { "--version" };
        Command::new(program).arg(version).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
    };
    if let Some(absent) = programs.iter().find(|program| !is_present(program)) {
        skipped(&format!("the {kind} clients"), &format!("{absent} is not installed"));
        return false;
    }
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/install.sh");
    let output = Command::new(script).arg(kind).env("DUCKGATE_CLIENTS", clients()).output().expect("install.sh runs");
    assert!(output.status.success(), "install.sh {kind}: {}", String::from_utf8_lossy(&output.stderr));
    true
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port()
}

/// A line that is seen although the test passes: what was not tested, and why.
pub fn skipped(what: &str, why: &str) {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{what} must not be skipped in CI: {why}");
    let _ = writeln!(io::stderr(), "\nSKIPPED {what}: {why}");
}
