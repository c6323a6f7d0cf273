//! What a role's own entry says of its logins: whether it may, until when, how often, with which password and settings, from SQL and from
//! schema files; and what the command line tells the owner of the data.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::support::server::{Options, Server};
use super::{as_role, failed, run};

/// What `duckgate` prints.
fn told(arguments: &[&str], input: &str) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_duckgate"));
    command.args(arguments).env("FROM_ENVIRONMENT", "of the environment").current_dir(std::env::temp_dir());
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs");
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("written");
    let output = child.wait_with_output().expect("it ends");
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn a_roles_logins_are_as_its_entry_says() {
    let server = Server::start(&Options::default());
    run(
        &server.target,
        "create role no_login password 'pw';
         create role past login password 'pw' valid until '2020-01-01';
         create role coming login password 'pw' valid until '2999-01-01';
         create role bare login;
         create role one login password 'pw' connection limit 1;
         create role zero login password 'pw' connection limit 0;
         create role old_name login password 'pw';
         alter role old_name rename to new_name;
         create role gone login password 'pw';
         create role tuned login password 'pw';
         alter role tuned set statement_timeout = '7s';
         alter role tuned set search_path = pg_catalog",
    );
    let come = |user: &str, password: &str| failed(&as_role(&server, user, password));
    let wrong = |user: &str| format!("FATAL: password authentication failed for user \"{user}\" (28P01)");
    assert_eq!(come("no_login", "pw"), "FATAL: role \"no_login\" is not permitted to log in (28000)");
    assert_eq!(come("no_login", "wrong"), wrong("no_login"), "not even that is told without the password");
    assert_eq!(come("past", "pw"), wrong("past"));
    assert_eq!(come("coming", "pw"), "let in");
    assert_eq!(come("bare", ""), wrong("bare"));
    assert_eq!(come("old_name", "pw"), wrong("old_name"));
    assert_eq!(come("new_name", "pw"), "let in");
    assert_eq!(come("zero", "pw"), "FATAL: too many connections for role \"zero\" (53300)");

    let first = as_role(&server, "one", "pw").connect().unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(come("one", "pw"), "FATAL: too many connections for role \"one\" (53300)");
    assert_eq!(come("one", "wrong"), wrong("one"));
    drop(first);
    let again = (0..100).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        come("one", "pw") == "let in"
    });
    assert!(again, "the place of a session that has ended is free");

    let mut open = as_role(&server, "gone", "pw").connect().unwrap_or_else(|e| panic!("{e}"));
    run(&server.target, "alter role gone password 'other'");
    assert_eq!(come("gone", "pw"), wrong("gone"));
    assert_eq!(come("gone", "other"), "let in");
    run(&server.target, "alter role gone nologin");
    assert!(open.query("select 1").is_ok(), "an open session is not ended");
    assert_eq!(come("gone", "other"), "FATAL: role \"gone\" is not permitted to log in (28000)");

    let shown = run(
        &as_role(&server, "tuned", "pw"),
        "select current_setting('statement_timeout'), current_setting('search_path')",
    );
    assert_eq!(shown, [[Some("7s".to_owned()), Some("pg_catalog".to_owned())]]);
}

const TABLE: &str = r#"
[[table]]
name = "visit"
[table.columns]
id = "integer"
tenant = "text"
email = "text"
[[table.row_rule]]
name = "own"
using = "tenant = current_user"
[[table.mask]]
column = "email"
expression = "left(email, 1) || '***'"
[[table.grant]]
to = "public"
privileges = "select"
"#;

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).expect("written");
}

#[test]
fn files_name_passwords_and_the_command_line_tells_what_rules_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let (done, verifier) = told(&["role", "password", "kim"], "of the command line\n");
    let verifier = verifier.trim();
    assert!(done && verifier.starts_with("SCRAM-SHA-256$4096:") && !verifier.contains("command"), "{verifier}");
    assert!(!told(&["role", "password", "kim"], "\n").0, "an empty password is none");
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "of the file\n").expect("written");
    let schemas = folder.path().join("schemas");
    std::fs::create_dir(&schemas).expect("a folder");
    write(&schemas, "visit.toml", TABLE);
    let roles = format!(
        "[[role]]\nname = \"kim\"\nlogin = true\npassword = \"{verifier}\"\n\
         [[role]]\nname = \"lee\"\nlogin = true\npassword = \"env:FROM_ENVIRONMENT\"\n\
         [[role]]\nname = \"sue\"\nlogin = true\npassword = \"file:{}\"\n",
        secret.display()
    );
    write(&schemas, "roles.toml", &roles);
    let server = Server::start(&Options {
        schemas: Some(schemas.clone()),
        environment: vec![("FROM_ENVIRONMENT".into(), "of the environment".into())],
        ..Options::default()
    });
    let come = |user: &str, password: &str| failed(&as_role(&server, user, password));
    for (user, password) in [("kim", "of the command line"), ("lee", "of the environment"), ("sue", "of the file")] {
        assert_eq!(come(user, password), "let in");
        assert!(come(user, "another").ends_with("(28P01)"), "{user}");
    }
    run(&server.target, "insert into visit values (1, 'kim', 'kim@x'), (2, 'lee', 'lee@x')");
    let seen = run(&as_role(&server, "kim", "of the command line"), "select id, email from visit");
    assert_eq!(seen, [[Some("1".to_owned()), Some("k***".to_owned())]]);

    let files = schemas.to_str().expect("a path");
    let explain =
        |role: &str, sql: &str| told(&["explain-access", "--schemas", files, "--data", ":memory:", role, sql], "");
    let (done, text) = explain("kim", "select * from visit");
    assert!(done && text.contains("policy own, using (tenant = current_user)"), "{text}");
    assert!(text.contains("email is read as left(email, 1) || '***'"), "{text}");
    assert!(text.contains("runs: SELECT"), "{text}");
    let (done, text) = explain("kim", "delete from visit; insert into visit values (3)");
    assert!(done && text.matches("refused: permission denied for table visit (42501)").count() == 2, "{text}");
    write(&schemas, "roles.toml", "[[role]]\nname = \"kim\"\nlogin = true\npassword = \"plain\"\n");
    assert!(!told(&["check", "--schemas", files], "").0, "a password is never written into a file");
}
