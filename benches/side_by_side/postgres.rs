//! A PostgreSQL cluster of this benchmark's own: on a free port, with TLS, stopped at the end.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::target::Target;

pub struct Cluster {
    pub target: Target,
    /// Made by this run: nothing is loaded yet.
    pub new: bool,
    folder: PathBuf,
}

/// PostgreSQL does not run as root: then it runs as this user.
const USER: &str = "postgres";

fn as_user(program: &str) -> Command {
    // SAFETY: geteuid has no preconditions.
    if unsafe { libc::geteuid() } != 0 {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", USER, "--", program]);
    command
}

fn run(mut command: Command) -> bool {
    let output = command.stdin(Stdio::null()).output();
    match output {
        Ok(output) if output.status.success() => true,
        Ok(output) => {
            eprintln!("{command:?}: {}", String::from_utf8_lossy(&output.stderr));
            false
        }
        Err(e) => {
            eprintln!("{command:?}: {e}");
            false
        }
    }
}

impl Cluster {
    /// `None`, with a line that says why, where there is no PostgreSQL.
    pub fn start(parent: &Path) -> Option<Self> {
        let version = Command::new("postgres").arg("--version").output().ok();
        let Some(version) = version.filter(|v| v.status.success()) else {
            eprintln!("postgres is not on PATH: its column stays empty");
            return None;
        };
        eprint!("{}", String::from_utf8_lossy(&version.stdout));
        let folder = parent.join("postgresql");
        let new = !folder.join("data/PG_VERSION").exists();
        if new {
            Self::make(parent, &folder)?;
        }
        Self::run(folder, new)
    }

    fn make(parent: &Path, folder: &Path) -> Option<()> {
        fs::create_dir(folder).ok()?;
        // The cluster's user must get through the folders above.
        fs::set_permissions(parent, fs::Permissions::from_mode(0o755)).ok()?;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).ok()?;
        let (password, data) = (folder.join("password"), folder.join("data"));
        fs::write(&password, "postgres\n").ok()?;
        fs::set_permissions(&password, fs::Permissions::from_mode(0o644)).ok()?;

        let mut initdb = as_user("initdb");
        initdb.args(["-U", "postgres", "-E", "UTF8", "--locale=C", "--auth=scram-sha-256", "--no-sync"]);
        initdb.arg(format!("--pwfile={}", password.display())).arg("-D").arg(&data);
        if !run(initdb) {
            return None;
        }
        certificate(folder)
    }

    fn run(folder: PathBuf, new: bool) -> Option<Self> {
        let data = folder.join("data");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).ok()?.port();
        let settings = format!(
            "port={port} unix_socket_directories={folder} ssl=on ssl_cert_file={folder}/server.crt \
             ssl_key_file={folder}/server.key shared_buffers=1GB work_mem=128MB max_wal_size=8GB fsync=on",
            folder = folder.display()
        );
        let options = settings.split_whitespace().map(|s| format!("-c {s}")).collect::<Vec<_>>().join(" ");
        let mut start = as_user("pg_ctl");
        start
            .arg("-D")
            .arg(&data)
            .args(["-w", "-t", "60", "-l"])
            .arg(folder.join("log"))
            .args(["-o", &options, "start"]);
        // pg_ctl's pipes stay open in the server that it starts: its output goes nowhere.
        let started = start.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        let target = Target {
            host: "127.0.0.1".into(),
            port,
            user: "postgres".into(),
            password: "postgres".into(),
            database: "postgres".into(),
        };
        let cluster = Self { target, new, folder };
        if !started.is_ok_and(|s| s.success()) {
            eprintln!(
                "PostgreSQL does not start: {}",
                fs::read_to_string(cluster.folder.join("log")).unwrap_or_default()
            );
            return None;
        }
        let deadline = Instant::now() + Duration::from_secs(30);
        while cluster.target.try_connect().is_err() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(cluster)
    }
}

impl Cluster {
    /// What stops it from another thread.
    pub fn stopper(&self) -> impl FnOnce() + Send + 'static {
        let data = self.folder.join("data");
        move || {
            let mut stop = as_user("pg_ctl");
            stop.arg("-D").arg(data).args(["-m", "fast", "stop"]);
            run(stop);
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stopper()();
    }
}

/// A self-signed certificate, readable by the cluster's user alone (PostgreSQL insists).
fn certificate(folder: &Path) -> Option<()> {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_string()]).ok()?;
    fs::write(folder.join("server.crt"), made.cert.pem()).ok()?;
    fs::write(folder.join("made.key"), made.signing_key.serialize_pem()).ok()?;
    fs::set_permissions(folder.join("made.key"), fs::Permissions::from_mode(0o644)).ok()?;
    let mut copy = as_user("install");
    copy.args(["-m", "600"]).arg(folder.join("made.key")).arg(folder.join("server.key"));
    run(copy).then_some(())
}
