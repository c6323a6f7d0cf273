//! Policy decisions as data: `tests/authorize/*.txt`, against the schema in tests/authorize/schema.toml.
//!
//! A line is `role: statement` and the next one, indented, what policy says: `allowed`, or PostgreSQL's message. A line
//! that begins with `setup:` is a schema change that the superuser makes first. Lines with `#` are comments. The statements run
//! through parse, analysis, policy and lowering; nothing is executed.

use std::path::Path;
use std::sync::Arc;

use duckgate::catalog;
use duckgate::registry::{Change, Snapshot, bootstrap, builtin, files};
use duckgate::sql::{self, CompiledBody, Context, ddl};
use duckgate::types::{Oid, OutputSettings};

fn context(snapshot: &Snapshot, role: Oid) -> Context {
    Context {
        snapshot: Arc::new(snapshot.clone()),
        role,
        session_role: role,
        search_path: ["pg_temp", "pg_catalog", "public"].map(Into::into).into(),
        creation_namespace: Some("public".into()),
        settings: OutputSettings::default(),
        dialect: sql::Dialect::default(),
        standard_strings: true,
        row_security: true,
        check_bodies: true,
        ways: Default::default(),
        files: None,
        held: false,
        told: None,
        probed: false,
        scratch: 0,
        shaped: Arc::default(),
        given: Arc::default(),
        touched: Arc::default(),
    }
}

fn schema() -> Snapshot {
    let mut snapshot = bootstrap::snapshot("duckgate", "root");
    for relation in catalog::relations() {
        snapshot.apply_in_place(&Change::PutRelation(relation.clone()));
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/authorize");
    let loaded = files::load(&folder);
    assert!(!loaded.has_errors(), "{:#?}", loaded.diagnostics);
    let plan = ddl::files::plan(&loaded.schema, &context(&snapshot, builtin::SUPERUSER), false, &Default::default())
        .expect("the schema files");
    snapshot.apply(&plan.plan.changes)
}

fn setup(snapshot: &mut Snapshot, text: &str) {
    let cx = context(snapshot, builtin::SUPERUSER);
    for parsed in sql::parse(text).expect(text) {
        let compiled = sql::compile(&parsed, &cx, &[]).unwrap_or_else(|e| panic!("{text}: {e}"));
        let CompiledBody::Ddl(permit) = compiled.body else { panic!("no schema change: {text}") };
        let plan = ddl::plan(&permit, &cx).unwrap_or_else(|e| panic!("{text}: {e}"));
        *snapshot = snapshot.apply(&plan.changes);
    }
}

fn decide(snapshot: &Snapshot, role: &str, text: &str) -> String {
    let role = snapshot.role(role).unwrap_or_else(|| panic!("no role {role}")).oid;
    let parsed = sql::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
    match sql::compile(&parsed[0], &context(snapshot, role), &[]) {
        Ok(_) => "allowed".to_owned(),
        Err(error) => error.report().message.clone(),
    }
}

#[test]
fn every_recorded_decision_is_made_again() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/authorize");
    let mut paths: Vec<_> = std::fs::read_dir(&folder).expect("the folder").flatten().map(|e| e.path()).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == "txt"));
    paths.sort();
    let mut failures = Vec::new();
    let mut cases = 0;
    for path in paths {
        let mut snapshot = schema();
        let text = std::fs::read_to_string(&path).expect("a file of decisions");
        let mut asked: Option<(usize, String, String)> = None;
        for (number, line) in text.lines().enumerate() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(expected) = line.strip_prefix("    ") {
                let (number, role, statement) = asked.take().expect("a decision follows its statement");
                let decided = decide(&snapshot, &role, &statement);
                cases += 1;
                if decided != expected {
                    let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                    failures.push(format!(
                        "{file}:{number}: {role}: {statement}\n  expected {expected}\n  decided  {decided}"
                    ));
                }
                continue;
            }
            let (role, statement) = line.split_once(": ").expect("role: statement");
            if role == "setup" {
                setup(&mut snapshot, statement);
            } else {
                asked = Some((number + 1, role.to_owned(), statement.to_owned()));
            }
        }
    }
    assert!(cases >= 50, "only {cases} decisions");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
