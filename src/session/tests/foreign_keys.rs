//! Foreign keys between two transactions, and in files from when DuckDB had them.

use super::*;
use crate::registry::builtin;
use crate::sql::ddl::{self, Step};
use crate::sql::{Context, Dialect};

async fn run(session: &mut Session, text: &str) -> Vec<String> {
    let lines = simple(session, text).await;
    lines.into_iter().filter(|l| l.starts_with("D ") || l.starts_with("E ")).collect()
}

/// Two transactions see the database as it is before either; what COMMIT of the second says.
async fn second(first: &str, second: &str) -> Vec<String> {
    let gateway = gateway().await;
    let (mut a, mut b) = (open(&gateway), open(&gateway));
    let made = "create table p(id int primary key, n int);
                create table c(id int, p int constraint key references p);
                insert into p select g, 0 from generate_series(1, 9) g; insert into c values (1, 1)";
    run(&mut a, made).await;
    for (session, text) in [(&mut a, first), (&mut b, second)] {
        let done = run(session, &format!("begin; select 1 from p limit 1; {text}")).await;
        assert_eq!(done, ["D 1"], "{text}");
    }
    assert!(run(&mut a, "commit").await.is_empty());
    let said = run(&mut b, "commit").await;
    let orphans = "select count(*) from c where not exists (select 1 from p where p.id = c.p) and p is not null";
    assert_eq!(run(&mut a, orphans).await, ["D 0"], "{first}; {second}");
    said
}

const LATE: &str = "E 40001 could not serialize access due to concurrent update";

#[tokio::test]
async fn a_child_and_the_end_of_its_parent_do_not_both_commit() {
    assert_eq!(second("insert into c values (2, 3)", "delete from p where id = 3").await, [LATE]);
    assert_eq!(second("delete from p where id = 3", "insert into c values (2, 3)").await, [LATE]);
    assert_eq!(second("update c set p = 4", "update p set id = 40 where id = 4").await, [LATE]);
    assert_eq!(
        second("insert into c select 1, 5 from generate_series(1, 5000)", "delete from p where id = 5").await,
        [LATE]
    );
}

#[tokio::test]
async fn who_has_to_do_with_other_keys_is_not_disturbed() {
    assert!(second("insert into c values (2, 3)", "delete from p where id = 4").await.is_empty());
    assert!(second("insert into c values (2, 3)", "insert into c values (3, 3)").await.is_empty());
    assert!(second("insert into c values (2, 3)", "update p set n = 1 where id = 3").await.is_empty());
    assert!(second("delete from p where id = 3", "update c set id = 7").await.is_empty());
}

#[tokio::test]
async fn what_a_foreign_key_makes_follow_is_held_to_constraints() {
    let gateway = gateway().await;
    let mut root = open(&gateway);
    let made = "create table p(id int primary key);
                create table c(id int references p on update cascade constraint small check (id < 1000),
                               twice int generated always as (id * 2) stored);
                create table n(id int not null references p on delete set null);
                insert into p values (1), (2); insert into c values (1); insert into n values (2)";
    assert!(run(&mut root, made).await.is_empty());
    let small = "E 23514 new row for relation \"c\" violates check constraint \"small\"";
    assert_eq!(run(&mut root, "update p set id = 2000 where id = 1").await, [small]);
    let null = "E 23502 null value in column \"id\" of relation \"n\" violates not-null constraint";
    assert_eq!(run(&mut root, "delete from p where id = 2").await, [null]);
    assert_eq!(run(&mut root, "update p set id = 5 where id = 1; select * from c").await, ["D 5|10"]);
}

/// A long chain of rows, each of which goes with another.
#[tokio::test]
async fn a_long_chain_of_cascades_ends() {
    let gateway = gateway().await;
    let mut root = open(&gateway);
    let made = "create table chain(id int primary key, up int references chain on delete cascade);
                insert into chain select g, nullif(g - 1, 0) from generate_series(1, 150) g";
    assert!(run(&mut root, made).await.is_empty());
    assert_eq!(run(&mut root, "delete from chain where id = 50; select count(*) from chain").await, ["D 49"]);
}

/// A file from when DuckDB's tables had foreign keys: they lose them with nothing else.
#[tokio::test]
async fn tables_of_an_older_file_lose_duckdbs_foreign_keys() {
    let gateway = gateway().await;
    let mut root = open(&gateway);
    let made = "create table p(id int primary key); create table c(id int primary key, p int references p);
                create table s(id int primary key, up int references s); create unique index on c(p);
                insert into p values (1), (2)";
    run(&mut root, made).await;
    let snapshot = gateway.registry().snapshot();
    let oid = |name: &str| snapshot.relation("public", name).unwrap().oid;
    let (p, c, s) = (oid("p"), oid("c"), oid("s"));
    let mut connection = gateway.engine().connect().unwrap();
    let now = Run::new("UTC".into(), None);
    let command = |sql: String| {
        let sql = sql.into();
        let (params, columns) = (Vec::new(), Vec::new());
        Permit::system(Rendered {
            sql,
            params,
            columns,
            kind: Kind::Command,
            writes: Writes::Anything,
            keyed: None,
            prompt: false,
        })
    };
    for sql in [
        format!("DROP TABLE r{c}"),
        format!("CREATE TABLE r{c}(a1 INTEGER NOT NULL PRIMARY KEY, a2 INTEGER, FOREIGN KEY (a2) REFERENCES r{p}(a1))"),
        format!("CREATE UNIQUE INDEX older ON r{c}(a2)"),
        format!("INSERT INTO r{c} VALUES (7, 1)"),
        format!("DROP TABLE r{s}"),
        format!("CREATE TABLE r{s}(a1 INTEGER NOT NULL PRIMARY KEY, a2 INTEGER, FOREIGN KEY (a2) REFERENCES r{s}(a1))"),
        format!("INSERT INTO r{s} VALUES (1, NULL)"),
        format!("INSERT INTO r{s} VALUES (2, 1)"),
    ] {
        connection.execute(&command(sql), Vec::new(), &now).await.unwrap();
    }
    let context = Context {
        snapshot: snapshot.clone(),
        role: builtin::SUPERUSER,
        session_role: builtin::SUPERUSER,
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
        shaped: Default::default(),
        given: Default::default(),
        told: None,
        touched: Default::default(),
    };
    connection.begin(crate::engine::Access::ReadWrite).await.unwrap();
    for step in ddl::unkey(&context, &[c, p, s]).unwrap().steps {
        let Step::Command(permit) = step else { panic!("a plan among the steps") };
        connection.execute(&permit, Vec::new(), &now).await.unwrap();
    }
    connection.commit().await.unwrap();
    drop(connection);
    assert_eq!(run(&mut root, "select * from c; select * from s order by 1").await, ["D 7|1", "D 1|NULL", "D 2|1"]);
    // DuckDB would refuse this, child and parent in one transaction.
    assert!(run(&mut root, "begin; delete from c; delete from p where id = 1; delete from s; commit").await.is_empty());
    let missing = run(&mut root, "insert into c values (8, 1)").await;
    assert_eq!(missing, ["E 23503 insert or update on table \"c\" violates foreign key constraint \"c_p_fkey\""]);
}

/// ALTER waits for the other transaction and looks at its rows.
#[tokio::test]
async fn a_check_that_came_meanwhile_is_not_passed_by() {
    let violated = "E 23514 check constraint \"t_a_check\" of relation \"t\" is violated by some row";
    let of_domain = "E 23514 column \"x\" of table \"t\" contains values that violate the new constraint";
    for (alter, told) in [
        ("alter table t add check (a > 0)", Some(violated)),
        ("alter domain d add check (value > 0)", Some(of_domain)),
        ("alter table t add column b int", None),
    ] {
        let gateway = gateway().await;
        let (mut a, mut b) = (open(&gateway), open(&gateway));
        run(&mut a, "create domain d as int; create table t(a int, x d)").await;
        assert!(run(&mut a, "begin; insert into t values (-1, -1)").await.is_empty(), "{alter}");
        let mut waits = std::pin::pin!(run(&mut b, alter));
        let soon = tokio::time::timeout(std::time::Duration::from_millis(50), &mut waits).await;
        assert!(soon.is_err(), "{alter}");
        assert!(run(&mut a, "commit").await.is_empty());
        assert_eq!(waits.await, told.map(str::to_owned).into_iter().collect::<Vec<_>>(), "{alter}");
        assert_eq!(run(&mut a, "select count(*) from t").await, ["D 1"]);
    }
}
