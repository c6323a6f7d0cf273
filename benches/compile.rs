//! What it costs to compile a statement: parse to render the first time, and from the plan cache.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use duckgate::registry::{Snapshot, bootstrap, builtin, files};
use duckgate::session::Settings;
use duckgate::session::environment::Environment;
use duckgate::session::plan_cache::PlanCache;
use duckgate::sql::{self, Context, Dialect, ddl};
use duckgate::types::{Oid, OutputSettings};

// As in the binary.
#[cfg(target_os = "linux")]
use mimalloc as _;

/// A kilobyte, as a BI tool writes it: joins, a CASE, filters of several types, GROUP BY and ORDER BY.
const KILOBYTE: &str = "SELECT c.c_mktsegment AS segment, extract(year FROM o.o_orderdate) AS order_year, n.n_name AS nation, \
    count(*) AS orders, sum(l.l_extendedprice * (1 - l.l_discount)) AS revenue, \
    avg(l.l_quantity) AS average_quantity, min(o.o_totalprice) AS least, max(o.o_totalprice) AS greatest, \
    sum(CASE WHEN o.o_orderpriority = '1-URGENT' OR o.o_orderpriority = '2-HIGH' THEN 1 ELSE 0 END) AS high, \
    sum(CASE WHEN l.l_returnflag = 'R' THEN l.l_extendedprice ELSE 0 END) AS returned \
    FROM customer c JOIN orders o ON o.o_custkey = c.c_custkey JOIN lineitem l ON l.l_orderkey = o.o_orderkey \
    JOIN nation n ON n.n_nationkey = c.c_nationkey LEFT JOIN supplier s ON s.s_suppkey = l.l_suppkey \
    WHERE o.o_orderdate >= date '1994-01-01' AND o.o_orderdate < date '1994-01-01' + interval '1 year' \
    AND l.l_shipmode IN ('MAIL', 'SHIP', 'RAIL') AND c.c_acctbal > 100.50 AND n.n_name LIKE '%A%' \
    AND s.s_acctbal IS NOT NULL AND l.l_commitdate < l.l_receiptdate \
    GROUP BY c.c_mktsegment, extract(year FROM o.o_orderdate), n.n_name HAVING count(*) > 10 \
    ORDER BY revenue DESC, segment, order_year LIMIT 100";

const POINT: &str = "SELECT c_name, c_acctbal FROM customer WHERE c_custkey = $1";

fn snapshot() -> Arc<Snapshot> {
    let loaded = files::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/tpch"));
    assert!(!loaded.has_errors(), "{:?}", loaded.diagnostics);
    let empty = Arc::new(bootstrap::snapshot("duckgate", "duckgate"));
    let plan = ddl::files::plan(&loaded.schema, &context(empty.clone()), false, &ddl::files::Answers::default())
        .expect("a plan");
    Arc::new(empty.apply(&plan.plan.changes))
}

fn context(snapshot: Arc<Snapshot>) -> Context {
    Context {
        snapshot,
        role: builtin::SUPERUSER,
        session_role: builtin::SUPERUSER,
        search_path: vec!["pg_catalog".into(), "tpch".into(), "public".into()].into(),
        creation_namespace: Some("public".into()),
        settings: OutputSettings::default(),
        dialect: Dialect::default(),
        standard_strings: true,
        row_security: true,
        check_bodies: true,
        ways: Default::default(),
        files: None,
        held: false,
        told: None,
        probed: false,
        scratch: 0,
        shaped: Default::default(),
        given: Default::default(),
        touched: Default::default(),
    }
}

fn compile(c: &mut Criterion) {
    let snapshot = snapshot();
    let cx = context(snapshot.clone());
    let mut group = c.benchmark_group("compile");
    for (name, text) in [("1 KB", KILOBYTE), ("point query", POINT)] {
        group.bench_function(format!("{name}, the first time"), |b| {
            b.iter(|| {
                let parsed = sql::parse(black_box(text)).expect("parses");
                black_box(sql::compile(&parsed[0], &cx, &[]).expect("compiles"))
            });
        });
        let cache = PlanCache::new(1000);
        let acting = Settings::new("duckgate", true, 100).acting().clone();
        let environment = Environment::new(snapshot.clone(), (builtin::SUPERUSER, builtin::SUPERUSER), acting);
        let params: Arc<[Oid]> = Arc::from([]);
        group.bench_function(format!("{name}, from the plan cache"), |b| {
            b.iter(|| {
                let text = cache.parse(black_box(text)).expect("parses");
                let compile = || sql::compile(&text.statements[0], &cx, &[]);
                black_box(cache.compile(&text, 0, &params, &environment, compile).expect("compiles"))
            });
        });
    }
    group.finish();
}

/// A thousand tables with a row rule and two masks each, read by a role that these hold for.
fn ruled_snapshot() -> Arc<Snapshot> {
    let folder = tempfile::tempdir().expect("a folder");
    let mut text = String::from("[[role]]\nname = \"kim\"\nlogin = true\n");
    for n in 0..1000 {
        text.push_str(&format!(
            "[[table]]\nname = \"t{n}\"\n[table.columns]\nid = \"integer\"\ntenant = \"integer\"\nname = \"text\"\nphone = \"text\"\n\
             [[table.row_rule]]\nname = \"own\"\nusing = \"tenant = current_setting('app.tenant')::int\"\n\
             [[table.mask]]\ncolumn = \"name\"\nexpression = \"left(name, 1) || '*'\"\n\
             [[table.mask]]\ncolumn = \"phone\"\nexpression = \"'***'\"\n\
             [[table.grant]]\nto = \"kim\"\nprivileges = \"select\"\n"
        ));
    }
    std::fs::write(folder.path().join("ruled.toml"), text).expect("written");
    let loaded = files::load(folder.path());
    assert!(!loaded.has_errors(), "{:?}", loaded.diagnostics);
    let empty = Arc::new(bootstrap::snapshot("duckgate", "duckgate"));
    let plan = ddl::files::plan(&loaded.schema, &context(empty.clone()), false, &ddl::files::Answers::default())
        .expect("a plan");
    Arc::new(empty.apply(&plan.plan.changes))
}

/// What rules add to compiling a statement, and what is left of it when it is prepared: compare `kim`'s times with those of the
/// filter and the masks by hand.
fn rules(c: &mut Criterion) {
    let snapshot = ruled_snapshot();
    let kim = snapshot.role("kim").expect("kim").oid;
    let by_hand = "SELECT id, name, phone FROM (SELECT id, tenant, left(name, 1) || '*' AS name, '***' AS phone FROM t500 \
        WHERE tenant = current_setting('app.tenant')::int) t500 WHERE id = $1";
    let ruled = "SELECT id, name, phone FROM t500 WHERE id = $1";
    let mut group = c.benchmark_group("rules");
    for (name, role, text) in [("by hand", builtin::SUPERUSER, by_hand), ("by rules", kim, ruled)] {
        let cx = Context { role, ..context(snapshot.clone()) };
        group.bench_function(format!("{name}, the first time"), |b| {
            b.iter(|| {
                let parsed = sql::parse(black_box(text)).expect("parses");
                black_box(sql::compile(&parsed[0], &cx, &[]).expect("compiles"))
            });
        });
        // A prepared statement is checked by comparing what it was compiled for with what is.
        let acting = Settings::new("duckgate", true, 100).acting().clone();
        let (one, other) = (
            Environment::new(snapshot.clone(), (role, role), acting.clone()),
            Environment::new(snapshot.clone(), (role, role), acting),
        );
        group.bench_function(format!("{name}, prepared"), |b| b.iter(|| black_box(&one.key) == black_box(&other.key)));
    }
    group.finish();
}

criterion_group!(benches, compile, rules);
criterion_main!(benches);
