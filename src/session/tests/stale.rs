//! Plans that are older than the schema: a transaction keeps the names it began with, and never reads under them what has
//! taken their place.

use std::sync::Arc;

use super::*;
use crate::registry::{Change, ConstraintKind, Relation, Snapshot, Storage};
use crate::sql::ddl::{self, Step};
use crate::sql::{Context, Dialect};

fn rows(lines: &[String]) -> Vec<&str> {
    lines.iter().filter(|l| l.starts_with("D ") || l.starts_with("E ")).map(String::as_str).collect()
}

/// Each: what the owner commits while alice's block is open, before its first read, and what alice sees then. She has
/// SELECT on `open`, and on column `a` of `partly`; what she sees is for a transaction that keeps its first snapshot.
const SWAPS: &[(&str, &str, &str)] = &[
    ("alter table open rename to old; alter table hidden rename to open", "select * from open", "D plain"),
    ("drop table open; alter table hidden rename to open", "select * from open", "E 42P01"),
    ("drop table open; create table open(v text); insert into open values ('new')", "select v from open", "E 42P01"),
    ("alter table partly rename a to x; alter table partly rename s to a", "select a from partly", "D 1"),
    ("alter table partly drop a; alter table partly rename s to a", "select a from partly", "E "),
    ("alter table late drop last; alter table late add last text default 'SECRET'", "select last from late", "E "),
    (
        "create schema s2; alter table open set schema s2; alter table hidden rename to open",
        "select * from open",
        "D plain",
    ),
];

#[tokio::test]
async fn what_takes_a_name_meanwhile_is_not_read_under_it() {
    // READ COMMITTED looks at the schema anew, and finds what alice has no right to.
    let committed = SWAPS.iter().map(|(change, query, _)| ("read committed", *change, *query, "E 42501"));
    let pinned = SWAPS.iter().map(|(change, query, expected)| ("repeatable read", *change, *query, *expected));
    for (level, change, query, expected) in committed.chain(pinned) {
        let gateway = gateway().await;
        let mut root = open(&gateway);
        let made = simple(
            &mut root,
            "create role alice login; create table open(v text); insert into open values ('plain');
             create table hidden(v text); insert into hidden values ('SECRET');
             create table partly(a int, s text); insert into partly values (1, 'SECRET');
             create table late(a int, last text); insert into late values (1, 'plain');
             grant select on open to alice; grant select(a) on partly to alice; grant select(last) on late to alice",
        )
        .await;
        assert_eq!(rows(&made), Vec::<&str>::new());
        let mut alice = open_as(&gateway, "alice", &[]).unwrap();
        simple(&mut alice, &format!("begin isolation level {level}; select 1")).await;
        let done = simple(&mut root, &format!("begin; {change}; commit")).await;
        assert_eq!(rows(&done), Vec::<&str>::new(), "{change}");
        let seen = simple(&mut alice, query).await;
        let shown = rows(&seen);
        assert_eq!(shown.len(), 1, "{change}: {seen:?}");
        assert!(shown[0].starts_with(expected) && !shown[0].contains("SECRET"), "{change}: {seen:?}");
        assert!(!shown[0].contains("r1") && !shown[0].starts_with("E XX"), "{change}: {seen:?}");
    }
}

/// Renames and moves are in the schema alone; constraints, defaults and rows follow.
#[tokio::test]
async fn tables_with_keys_are_renamed_and_moved() {
    let mut session = open(&gateway().await);
    let lines = simple(
        &mut session,
        "create schema app; create table p(id int primary key, n text unique); create table c(id serial, p int references p);
         insert into p values (1, 'x'); insert into c(p) values (1);
         alter table p rename to parent; alter table parent rename id to number; alter table parent set schema app;
         alter table c rename p to up; insert into c(up) values (1); select * from c order by 1",
    )
    .await;
    assert_eq!(rows(&lines), ["D 1|1", "D 2|1"]);
    let lines = simple(&mut session, "insert into c(up) values (2)").await;
    let expected = "E 23503 insert or update on table \"c\" violates foreign key constraint \"c_p_fkey\"";
    assert_eq!(rows(&lines), [expected]);
    let lines = simple(&mut session, "explain select * from app.parent").await;
    assert!(lines.iter().any(|l| l.contains(" on parent")), "{lines:?}");
}

fn context(snapshot: Snapshot) -> Context {
    Context {
        snapshot: Arc::new(snapshot),
        role: crate::registry::builtin::SUPERUSER,
        session_role: crate::registry::builtin::SUPERUSER,
        search_path: vec!["pg_catalog".into(), "public".into()].into(),
        creation_namespace: Some("public".into()),
        settings: OutputSettings::default(),
        dialect: Dialect::default(),
        standard_strings: true,
        row_security: true,
        check_bodies: true,
        ways: Default::default(),
        files: None,
        held: false,
        probed: false,
        scratch: 0,
        shaped: Arc::default(),
        given: Default::default(),
        told: None,
        touched: Arc::default(),
    }
}

/// A file from before tables had numbers: they get them with their rows, keys and indexes.
#[tokio::test]
async fn tables_of_an_older_file_get_their_numbers() {
    let gateway = gateway().await;
    let mut root = open(&gateway);
    simple(
        &mut root,
        "create table \"Parent\"(\"Id\" int primary key, n text); create table child(id int, p int references \"Parent\");
         create unique index on child(id); create schema app; create type app.mood as enum ('ok');
         create table app.t(m text check (m::app.mood is not null))",
    )
    .await;
    let made = gateway.registry().snapshot();
    let mut snapshot = bootstrap::snapshot("duckgate", "ann");
    for change in [
        Change::PutNamespace(made.namespaces["app"].clone()),
        Change::PutType(made.user_type("app", "mood").unwrap().clone()),
    ] {
        snapshot.apply_in_place(&change);
    }
    for relation in made.relations.values().filter(|r| r.storage == Storage::Numbered) {
        let mut old = Relation { storage: Storage::Named, ..(**relation).clone() };
        for constraint in &mut old.constraints {
            if let ConstraintKind::Check { expression, .. } = &mut constraint.kind {
                *expression = expression.replace("app.", "");
            }
        }
        snapshot.apply_in_place(&Change::PutRelation(Arc::new(old)));
    }
    let engine = Pool::open(engine_config(), plugins()).unwrap();
    let mut connection = engine.connect().unwrap();
    let run = Run::new("UTC".into(), None);
    let mut commands = ddl::store::create();
    commands.push("CREATE SCHEMA app".to_owned());
    for (namespace, name) in [("public", "Parent"), ("public", "child"), ("app", "t")] {
        let relation = snapshot.relation(namespace, name).unwrap();
        commands.push(ddl::create_table(relation, &snapshot).unwrap());
    }
    commands.push("INSERT INTO public.\"Parent~1\" VALUES (1, 'x')".to_owned());
    commands.push("INSERT INTO public.child VALUES (7, 1)".to_owned());
    let plan = ddl::renumber(&context(snapshot.clone())).unwrap();
    for sql in commands {
        let rendered = Rendered {
            sql: sql.into(),
            params: Vec::new(),
            columns: Vec::new(),
            kind: Kind::Command,
            writes: Writes::Anything,
            keyed: None,
            prompt: false,
        };
        connection.execute(&Permit::system(rendered), Vec::new(), &run).await.unwrap();
    }
    for step in &plan.steps {
        let Step::Command(permit) = step else { panic!("a plan among the steps") };
        connection.execute(permit, Vec::new(), &run).await.unwrap();
    }
    drop(connection);
    let snapshot = snapshot.apply(&plan.changes);
    assert!(ddl::renumber(&context(snapshot.clone())).unwrap().changes.is_empty());
    let gateway = Gateway::new(Limits::default(), Arc::new(Registry::new(snapshot)), engine, Audit::default());
    let mut root = open(&gateway);
    let lines = simple(&mut root, "select * from \"Parent\" join child on p = \"Id\"").await;
    assert_eq!(rows(&lines), ["D 1|x|7|1"]);
    let lines = simple(&mut root, "insert into child values (7, 1)").await;
    assert!(rows(&lines)[0].starts_with("E 23505"), "{lines:?}");
    let lines = simple(&mut root, "insert into app.t values ('ok'); insert into app.t values ('x')").await;
    assert!(rows(&lines)[0].starts_with("E 22P02"), "{lines:?}");
    let lines = simple(&mut root, "delete from \"Parent\"").await;
    assert!(rows(&lines)[0].starts_with("E 23503"), "{lines:?}");
}

/// Each: what the owner commits while bob's block is open, after he has read `t`, `v` and `s`, and what he sees of them then.
const NARROWED: &[(&str, &str, &str)] = &[
    ("revoke select on t from bob", "select * from t", "E 42501 permission denied for table t"),
    ("revoke all on schema app from bob", "select * from app.u", "E 42501 permission denied for schema app"),
    ("revoke team from bob", "select * from app.u", "E 42501 permission denied for table u"),
    ("alter role bob nosuperuser", "select * from hidden", "E 42501 permission denied for table hidden"),
    ("revoke usage on sequence s from bob", "select nextval('s')", "E 42501 permission denied for sequence s"),
    (
        "create or replace view v as select 'fewer'::text as v where false",
        "select * from v",
        "E 40001 could not serialize access due to concurrent update",
    ),
    ("grant select on hidden to bob", "select * from hidden", "D SECRET"),
];

#[tokio::test]
async fn grants_are_judged_as_they_are_now() {
    for (change, query, expected) in NARROWED {
        let gateway = gateway().await;
        let mut root = open(&gateway);
        let made = simple(
            &mut root,
            "create role bob login; create role team; grant team to bob; create schema app;
             create table t(v text); insert into t values ('plain'); create table app.u(v int);
             create table hidden(v text); insert into hidden values ('SECRET');
             create view v as select v from hidden; create sequence s; grant usage on sequence s to bob;
             grant usage on schema app to bob; grant select on app.u to team; grant select on t, v to bob",
        )
        .await;
        assert_eq!(rows(&made), Vec::<&str>::new());
        if change.contains("nosuperuser") {
            simple(&mut root, "alter role bob superuser").await;
        }
        let mut bob = open_as(&gateway, "bob", &[]).unwrap();
        let read =
            simple(&mut bob, "begin; select * from t; select * from v; select nextval('s'); select * from app.u").await;
        assert_eq!(rows(&read), ["D plain", "D SECRET", "D 1"]);
        assert_eq!(rows(&simple(&mut root, change).await), Vec::<&str>::new(), "{change}");
        assert_eq!(rows(&simple(&mut bob, query).await), [*expected], "{change}");
    }
}

/// What a transaction has changed itself holds for it as well.
#[tokio::test]
async fn own_changes_stand_beside_those_of_others() {
    let gateway = gateway().await;
    let mut root = open(&gateway);
    simple(&mut root, "create role bob login; grant create on schema public to bob; create table x(a int)").await;
    let mut bob = open_as(&gateway, "bob", &[]).unwrap();
    let made =
        simple(&mut bob, "begin; create table own(a int); insert into own values (1); create temp table tt(a int)")
            .await;
    assert_eq!(rows(&made), Vec::<&str>::new());
    simple(&mut root, "grant select on x to bob").await;
    assert_eq!(rows(&simple(&mut bob, "select * from own; select * from tt; select * from x; commit").await), ["D 1"]);
    assert_eq!(rows(&simple(&mut bob, "select * from own").await), ["D 1"]);
}

/// A session's roles are those that it has become, not others of the same name.
#[tokio::test]
async fn a_role_made_under_an_old_name_is_another() {
    let gateway = gateway().await;
    let mut root = open(&gateway);
    simple(&mut root, "create role bob login; create role team; grant team to bob; create table t(a int)").await;
    let mut bob = open_as(&gateway, "bob", &[]).unwrap();
    simple(&mut bob, "set role team").await;
    simple(&mut root, "alter role team rename to old; create role team; grant select on t to team").await;
    assert_eq!(rows(&simple(&mut bob, "select * from t").await), ["E 42501 permission denied for table t"]);
    assert_eq!(rows(&simple(&mut bob, "select current_user").await), ["D old"]);
    let refused = simple(&mut bob, "set role team").await;
    assert_eq!(rows(&refused), ["E 42501 permission denied to set role \"team\""]);
    simple(&mut bob, "reset role").await;
    simple(&mut root, "drop role bob; create role bob superuser").await;
    assert_eq!(rows(&simple(&mut bob, "select * from t").await), ["E 42501 permission denied for table t"]);
    simple(&mut bob, "reset session authorization").await;
    assert_eq!(rows(&simple(&mut bob, "select * from t").await), ["E 42501 permission denied for table t"]);
}

/// Whether there is something of a name in a schema is not told to who may not look into it.
#[tokio::test]
async fn names_in_a_closed_schema_are_not_told() {
    let gateway = gateway().await;
    let mut root = open(&gateway);
    let made = simple(
        &mut root,
        "create role bob login; create schema priv; create table priv.t(a int); create type priv.mood as enum ('x');
         create sequence priv.s; create table open(m priv.mood default 'x'::priv.mood check (m::text::priv.mood = 'x'), n int default 1);
         create view v as select 'x'::priv.mood as m, a from priv.t; grant all on open, v to bob",
    )
    .await;
    assert_eq!(rows(&made), Vec::<&str>::new());
    let mut bob = open_as(&gateway, "bob", &[]).unwrap();
    for statement in [
        "select * from priv.t",
        "select * from priv.nosuch",
        "select 'x'::priv.mood",
        "select 'x'::priv.nosuch",
        "select 'priv.t'::regclass",
        "select 'priv.nosuch'::regclass",
        "select nextval('priv.s')",
        "select nextval('priv.nosuch')",
        "insert into priv.nosuch values (1)",
        "create table mine(m priv.mood)",
    ] {
        let refused = simple(&mut bob, statement).await;
        assert_eq!(rows(&refused), ["E 42501 permission denied for schema priv"], "{statement}");
    }
    // What others have made with these names works.
    assert_eq!(rows(&simple(&mut bob, "insert into open(n) values (2) returning m, n").await), ["D x|2"]);
    assert_eq!(rows(&simple(&mut bob, "select * from v").await), Vec::<&str>::new());
}
