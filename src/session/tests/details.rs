//! What errors' details show: values of columns that the role gave itself or may read, as PostgreSQL 15 was seen to answer.

use super::*;

/// The error of a statement, with its detail.
async fn error(session: &mut Session, text: &str) -> String {
    match session.simple(text, &mut Notes::default()).await {
        Ok(()) => "no error".to_owned(),
        Err(error) => {
            let report = error.report();
            format!("{} {}", report.code, report.detail.as_deref().unwrap_or("-"))
        }
    }
}

const ALL: &str = "grant select on par, chi, nn to alice";
const NONE: &str = "revoke select on par, chi, nn from alice";

#[tokio::test]
async fn details_show_what_the_role_may_read() {
    let gateway = gateway().await;
    let mut root = open(&gateway);
    let made = simple(
        &mut root,
        "create role alice login; create table par(id int primary key, code text unique);
         create table chi(id int, code text references par(code));
         create table nn(id int, secretdef text default 'defsecret', b int not null check (b > 0));
         insert into par values (1, 'TOPCODE'), (2, 'FREE'); insert into chi values (1, 'TOPCODE');
         insert into nn values (1, 'old', 5);
         grant delete, update, insert on par, chi, nn to alice; grant select(id) on nn, chi to alice",
    )
    .await;
    assert!(!made.iter().any(|l| l.starts_with("E ")), "{made:?}");
    let mut alice = open_as(&gateway, "alice", &[]).unwrap();
    // Statement; without SELECT; with it.
    let cases = [
        (
            "delete from par",
            "23503 Key is still referenced from table \"chi\".",
            "23503 Key (code)=(TOPCODE) is still referenced from table \"chi\".",
        ),
        ("insert into par values (3, 'TOPCODE')", "23505 -", "23505 Key (code)=(TOPCODE) already exists."),
        (
            "insert into chi values (2, 'NONE')",
            "23503 Key is not present in table \"par\".",
            "23503 Key (code)=(NONE) is not present in table \"par\".",
        ),
        (
            "insert into nn(id, b) values (1, -1)",
            "23514 Failing row contains (id, b) = (1, -1).",
            "23514 Failing row contains (1, defsecret, -1).",
        ),
        (
            "insert into nn(b) values (-1)",
            "23514 Failing row contains (id, b) = (null, -1).",
            "23514 Failing row contains (null, defsecret, -1).",
        ),
        (
            "insert into nn(id) values (1)",
            "23502 Failing row contains (id) = (1).",
            "23502 Failing row contains (1, defsecret, null).",
        ),
        (
            "update nn set b = -5",
            "23514 Failing row contains (id, b) = (1, -5).",
            "23514 Failing row contains (1, old, -5).",
        ),
    ];
    for (statement, without, with) in cases {
        assert_eq!(error(&mut alice, statement).await, without, "{statement}");
        simple(&mut root, ALL).await;
        assert_eq!(error(&mut alice, statement).await, with, "{statement}");
        simple(&mut root, NONE).await;
        simple(&mut root, "grant select(id) on nn, chi to alice").await;
    }
    simple(&mut root, "grant select(code) on par to alice").await;
    let shown = "23503 Key (code)=(TOPCODE) is still referenced from table \"chi\".";
    assert_eq!(error(&mut alice, "delete from par").await, shown);
}

/// Checked at COMMIT, over the whole table: the key may be one that another role wrote.
#[tokio::test]
async fn keys_of_deferred_constraints_are_no_less_hidden() {
    let gateway = gateway().await;
    let mut root = open(&gateway);
    let made = "create role alice login; create table par(id int primary key);
                create table chi(a int references par deferrable initially deferred);
                insert into par values (77); insert into chi values (77); grant delete, insert on par, chi to alice";
    assert_eq!(error(&mut root, made).await, "no error");
    let mut alice = open_as(&gateway, "alice", &[]).unwrap();
    for (statement, hidden, shown) in [
        (
            "delete from par",
            "Key is still referenced from table \"chi\".",
            "Key (id)=(77) is still referenced from table \"chi\".",
        ),
        (
            "insert into chi values (5)",
            "Key is not present in table \"par\".",
            "Key (a)=(5) is not present in table \"par\".",
        ),
    ] {
        assert_eq!(error(&mut alice, statement).await, format!("23503 {hidden}"));
        error(&mut root, "grant select on par, chi to alice").await;
        assert_eq!(error(&mut alice, statement).await, format!("23503 {shown}"));
        error(&mut root, "revoke select on par, chi from alice").await;
    }
}
