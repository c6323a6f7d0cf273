//! Tests of the audit's table, its file and what happens while that has no room.

use super::*;

fn record(pid: i32) -> Record {
    Record {
        event: Event::Statement,
        at: SystemTime::UNIX_EPOCH + Duration::from_micros(1_500_000),
        client: Arc::new(Client {
            pid,
            user: "kim".into(),
            database: "d".into(),
            address: "10.0.0.1:99".parse().ok(),
            tls: true,
        }),
        role: "analyst".into(),
        application: "psql".into(),
        digest: Some(Arc::new(Digest {
            fingerprint: "f".into(),
            command: "SELECT".into(),
            text: "SELECT a FROM t WHERE b = ?".into(),
        })),
        access: vec![Arc::new(Access {
            objects: vec![Object {
                schema: "public".into(),
                name: "t".into(),
                role: "analyst".into(),
                privileges: vec![Privilege { word: "SELECT", columns: vec!["a".into(), "b".into()] }],
            }],
            rules: vec![Rules {
                schema: "public".into(),
                table: "t".into(),
                role: "analyst".into(),
                policies: vec!["own".into()],
                masks: Vec::new(),
            }],
        })],
        rows: 3,
        bytes_sent: 40,
        bytes_received: 0,
        duration: Duration::from_micros(1250),
        outcome: Outcome::Failed { sqlstate: "42501".into(), denied: true, message: Some("permission denied".into()) },
        dropped: 0,
    }
}

fn settings(sinks: Vec<Sink>, full: Full) -> Settings {
    Settings { sinks, full, literals: false, queue: 4, memory: 3, table: None }
}

#[test]
fn a_record_is_one_line_of_json() {
    assert_eq!(
        json_line(&record(7)),
        concat!(
            r#"{"time":"1970-01-01T00:00:01.500000Z","event":"statement","outcome":"denied","sqlstate":"42501","message":"permission denied","#,
            r#""user":"kim","role":"analyst","database":"d","pid":7,"address":"10.0.0.1","port":99,"tls":true,"application":"psql","#,
            r#""fingerprint":"f","command":"SELECT","statement":"SELECT a FROM t WHERE b = ?","#,
            r#""objects":[{"schema":"public","name":"t","role":"analyst","privileges":{"SELECT":["a","b"]}}],"#,
            r#""rules":[{"schema":"public","table":"t","role":"analyst","policies":["own"],"masks":[]}],"#,
            r#""rows":3,"bytes_sent":40,"bytes_received":0,"duration_ms":1.25}"#
        )
    );
}

#[test]
fn the_table_keeps_the_newest() {
    let audit = Audit::open(settings(Vec::new(), Full::Block), None).expect("audit");
    (1..=5).for_each(|n| audit.take(record(n)));
    assert_eq!(audit.records().iter().map(|r| r.client.pid).collect::<Vec<_>>(), [3, 4, 5]);
    assert!(audit.is_on() && !Audit::default().is_on());
}

#[test]
fn a_file_is_put_aside_when_it_is_full() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("audit.jsonl");
    let line = json_line(&record(1)).len() as u64 + 1;
    let sink = Sink::File { path: path.clone(), rotate: 2 * line, keep: 2 };
    let audit = Audit::open(Settings { queue: 1, ..settings(vec![sink], Full::Block) }, None).expect("audit");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
    for n in 1..=9 {
        runtime.block_on(audit.room());
        audit.take(record(n));
    }
    assert!(audit.close(Duration::from_secs(10)));
    let pids = |name: &str| -> Vec<String> {
        let text = std::fs::read_to_string(folder.path().join(name)).unwrap_or_default();
        text.lines().map(|l| serde_json::from_str::<serde_json::Value>(l).expect("JSON")["pid"].to_string()).collect()
    };
    assert_eq!(pids("audit.jsonl"), ["9"]);
    assert_eq!(
        (pids("audit.jsonl.1"), pids("audit.jsonl.2")),
        (vec!["7".into(), "8".into()], vec!["5".into(), "6".into()])
    );
    assert!(!folder.path().join("audit.jsonl.3").exists());
}

/// A full disk, as Linux has one to try things on.
fn full_disk() -> Sink {
    Sink::File { path: "/dev/full".into(), rotate: u64::MAX, keep: 0 }
}

#[test]
fn a_sink_without_room_blocks() {
    let audit = Audit::open(settings(vec![full_disk()], Full::Block), None).expect("audit");
    (1..=4).for_each(|n| audit.take(record(n)));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
    let waited = runtime.block_on(async { tokio::time::timeout(Duration::from_millis(300), audit.room()).await });
    assert!(waited.is_err() && !audit.has_room());
    assert!(!audit.close(Duration::from_millis(10)));
}

#[test]
fn a_sink_that_may_drop_counts_what_it_drops() {
    let before = METRICS.audit_dropped.get();
    let audit = Audit::open(settings(vec![full_disk()], Full::Drop), None).expect("audit");
    (1..=50).for_each(|n| audit.take(record(n)));
    assert!(audit.has_room());
    let until = std::time::Instant::now() + Duration::from_secs(10);
    while METRICS.audit_dropped.get() < before + 50 && std::time::Instant::now() < until {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(METRICS.audit_dropped.get() >= before + 50);
}

/// A table of a test's own, which fails when it is told to.
#[derive(Default)]
struct Pids {
    kept: Mutex<Vec<i32>>,
    broken: std::sync::atomic::AtomicBool,
    closed: std::sync::atomic::AtomicBool,
}

impl Table for Pids {
    fn append(&self, records: &[Arc<Record>], _: &mut Option<i64>) -> Result<()> {
        // Long enough that others look meanwhile.
        std::thread::sleep(Duration::from_millis(3));
        if self.broken.load(std::sync::atomic::Ordering::SeqCst) {
            return Err(crate::error::Error::internal("broken"));
        }
        self.kept.lock().extend(records.iter().map(|record| record.client.pid));
        Ok(())
    }

    fn read(&self, _: &[usize]) -> Result<Batches> {
        let kept: Vec<_> = self.kept.lock().iter().map(|pid| i64::from(*pid)).collect();
        let column: arrow::array::ArrayRef = Arc::new(arrow::array::Int64Array::from(kept));
        let batch = arrow::record_batch::RecordBatch::try_from_iter([("pid", column)]).expect("a batch");
        Ok(Box::new(std::iter::once(Ok(batch))))
    }

    fn close(&self) {
        self.closed.store(true, std::sync::atomic::Ordering::SeqCst);
    }
}

/// All pids that can be read: those in the table, and how many besides.
fn read(audit: &Audit) -> (Vec<i32>, usize) {
    let (kept, waiting) = audit.read(&[0]).expect("readable");
    let mut pids = Vec::new();
    for batch in kept.into_iter().flatten() {
        let batch = batch.expect("a batch");
        let column = arrow::array::AsArray::as_primitive::<arrow::datatypes::Int64Type>(batch.column(0));
        pids.extend(column.values().iter().map(|pid| *pid as i32));
    }
    pids.extend(waiting.iter().map(|record| record.client.pid));
    (pids, waiting.len())
}

#[test]
fn who_reads_a_table_finds_each_record_once_wherever_it_is() {
    let table = Arc::new(Pids::default());
    let settings = Settings { queue: 1000, ..settings(Vec::new(), Full::Block) };
    let audit = Audit::open(settings, Some(table.clone())).expect("audit");
    let (mut waited, mut kept) = (0, 0);
    for n in 1..=2000 {
        audit.take(record(n));
        if n % 7 == 0 {
            let (pids, waiting) = read(&audit);
            assert!(pids.iter().copied().eq(1..=n), "{pids:?}");
            waited += usize::from(waiting > 0);
            kept += usize::from(waiting < pids.len());
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    assert!(waited > 0 && kept > 0, "{waited} {kept}");
    assert!(audit.records().is_empty(), "nothing is kept twice");
    assert!(audit.close(Duration::from_secs(10)) && table.closed.load(std::sync::atomic::Ordering::SeqCst));
    assert_eq!(table.kept.lock().len(), 2000);
}

#[test]
fn a_table_that_cannot_be_written_blocks_or_drops_as_files_do() {
    let broken = || Arc::new(Pids { broken: true.into(), ..Pids::default() });
    let table = broken();
    let audit = Audit::open(settings(Vec::new(), Full::Block), Some(table.clone())).expect("audit");
    (1..=4).for_each(|n| audit.take(record(n)));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
    let room = |patience| runtime.block_on(async { tokio::time::timeout(patience, audit.room()).await.is_ok() });
    assert!(!room(Duration::from_millis(300)) && !audit.has_room());
    assert_eq!(read(&audit).0, [1, 2, 3, 4]);
    table.broken.store(false, std::sync::atomic::Ordering::SeqCst);
    assert!(room(Duration::from_secs(10)));
    assert!(audit.close(Duration::from_secs(10)));
    assert_eq!(*table.kept.lock(), [1, 2, 3, 4]);

    let table = broken();
    let audit = Audit::open(settings(Vec::new(), Full::Drop), Some(table.clone())).expect("audit");
    (1..=20).for_each(|n| audit.take(record(n)));
    assert!(audit.has_room() && read(&audit).0.len() <= 4);
    std::thread::sleep(Duration::from_millis(300));
    table.broken.store(false, std::sync::atomic::Ordering::SeqCst);
    assert!(audit.close(Duration::from_secs(10)));
    // The gap, which is nobody's.
    assert_eq!(*table.kept.lock(), [0]);
}

#[test]
fn what_a_client_writes_makes_no_record_too_long() {
    let long: Arc<str> = "ä".repeat(30 << 20).into();
    let audit = Audit::open(settings(Vec::new(), Full::Block), None).expect("memory alone");
    let mut given = record(1);
    given.role = long.clone();
    given.application = long.clone();
    given.client = Arc::new(Client { user: long.clone(), database: long.clone(), ..Client::clone(&given.client) });
    given.outcome = Outcome::Failed { sqlstate: "42501".into(), denied: true, message: Some(long.to_string()) };
    let object = |name: Arc<str>| Object {
        schema: "s".into(),
        name,
        role: "r".into(),
        privileges: vec![Privilege { word: "SELECT", columns: (0..1000).map(|n| format!("c{n}").into()).collect() }],
    };
    let objects = std::iter::once(object(long)).chain((0..1000).map(|n| object(format!("t{n}").into()))).collect();
    given.access = vec![Arc::new(Access { objects, rules: Vec::new() })];
    audit.take(given);
    let kept = audit.records();
    let line = json_line(&kept[0]);
    assert!(line.len() < 256 << 10, "{} bytes", line.len());
    // What is left says that it is not all; no object is hidden behind the columns of others.
    let objects = &kept[0].access[0].objects;
    let columns = |at: usize| objects[at].privileges[0].columns.iter().map(|c| &**c).collect::<Vec<_>>();
    assert_eq!((columns(0).len(), columns(1000), &*objects[1000].name), (1000, vec!["…"], "t999"));
}
