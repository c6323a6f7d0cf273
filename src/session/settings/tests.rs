//! Settings and the transaction: what PostgreSQL's documentation of SET says.

use super::*;

#[test]
fn the_gateways_own_settings_are_those_that_facts_list() {
    let mut own: Vec<_> = DEFINITIONS.values().filter(|d| d.name.starts_with("duckgate.")).collect();
    own.sort_by_key(|d| d.name);
    let mut listed: Vec<_> = crate::facts::OWN_SETTINGS.iter().map(|(name, _)| *name).collect();
    listed.sort_unstable();
    assert_eq!(own.iter().map(|d| d.name).collect::<Vec<_>>(), listed);
    for definition in DEFINITIONS.values() {
        let superuser = definition.context == Context::Superuser;
        assert_eq!(crate::facts::needs_superuser(definition.name), superuser, "{}", definition.name);
    }
}

const USER: Source = Source::Statement { superuser: false };

fn settings() -> Settings {
    Settings::new("ann", false, 100)
}

fn set(settings: &mut Settings, name: &str, text: &str) {
    settings.set(name, Some(text), Scope::Session, USER).unwrap();
}

#[test]
fn set_is_undone_by_rollback_and_kept_by_commit() {
    let mut s = settings();
    s.begin();
    set(&mut s, "work_mem", "8MB");
    s.rollback();
    assert_eq!(s.show("work_mem").unwrap(), "4MB");
    s.begin();
    set(&mut s, "work_mem", "8MB");
    s.commit();
    assert_eq!(s.show("work_mem").unwrap(), "8MB");
}

#[test]
fn set_local_ends_with_the_transaction() {
    let mut s = settings();
    set(&mut s, "application_name", "a");
    s.begin();
    set(&mut s, "application_name", "b");
    s.set("application_name", Some("c"), Scope::Local, USER).unwrap();
    assert_eq!(&*s.acting().application_name, "c");
    s.commit();
    assert_eq!(&*s.acting().application_name, "b");
    s.begin();
    s.set("application_name", Some("c"), Scope::Local, USER).unwrap();
    s.commit();
    assert_eq!(s.show("application_name").unwrap(), "b");
}

#[test]
fn reset_goes_back_to_the_startup_value() {
    let mut s = settings();
    s.set_initial("TimeZone", "Europe/Berlin", false).unwrap();
    set(&mut s, "timezone", "UTC");
    s.set("timezone", None, Scope::Session, USER).unwrap();
    assert_eq!(s.show("timezone").unwrap(), "Europe/Berlin");
    set(&mut s, "timezone", "UTC");
    set(&mut s, "a.b", "1");
    s.reset_all();
    assert_eq!(s.show("timezone").unwrap(), "Europe/Berlin");
    assert_eq!(s.show("a.b").unwrap(), "");
    assert_eq!(s.show("session_authorization").unwrap(), "ann");
}

#[test]
fn reports_come_once_for_each_change_and_after_rollback() {
    let mut s = settings();
    assert_eq!(s.reports().len(), REPORTED.len());
    assert!(s.reports().is_empty());
    s.begin();
    set(&mut s, "DateStyle", "German");
    assert_eq!(s.reports(), [("DateStyle", "German, DMY".to_owned())]);
    s.rollback();
    assert_eq!(s.reports(), [("DateStyle", "ISO, MDY".to_owned())]);
    set(&mut s, "DateStyle", "ISO");
    assert!(s.reports().is_empty());
}

#[test]
fn errors_have_postgresql_codes() {
    let mut s = settings();
    let mut code =
        |name: &str, text: &str| s.set(name, Some(text), Scope::Session, USER).unwrap_err().code().to_string();
    let cases = [
        ("foo", "1", "42704"),
        ("foo.b-r", "1", "42602"),
        ("duckgate.nosuch", "1", "42602"),
        ("duckgate.memory_share", "1GB", "0A000"),
        ("server_version", "1", "55P02"),
        ("max_connections", "1", "55P02"),
        ("log_checkpoints", "on", "55P02"),
        ("log_connections", "on", "55P02"),
        ("log_statement", "all", "42501"),
        ("work_mem", "x", "22023"),
        ("array_nulls", "off", "0A000"),
        ("standard_conforming_strings", "off", "0A000"),
    ];
    for (name, text, expected) in cases {
        assert_eq!(code(name, text), expected, "{name}");
    }
    assert_eq!(s.show("nosuch").unwrap_err().code().to_string(), "42704");
}

#[test]
fn every_setting_shows_its_boot_value() {
    let s = settings();
    for row in s.rows() {
        assert!(s.get(&row.name).is_some(), "{}", row.name);
    }
    assert_eq!(s.show("server_version_num").unwrap(), "150018");
    assert_eq!(s.show("search_path").unwrap(), "\"$user\", public");
    assert_eq!(s.show("TRANSACTION_isolation").unwrap(), "read committed");
}

#[test]
fn identity_cannot_be_set_as_a_plain_setting() {
    let mut s = settings();
    for name in ["role", "Session_Authorization", "is_superuser"] {
        for superuser in [false, true] {
            assert!(s.set_initial(name, "ann", superuser).is_err(), "{name}");
            let source = Source::Statement { superuser };
            assert!(s.set(name, Some("ann"), Scope::Session, source).is_err(), "{name}");
            assert!(s.set(name, None, Scope::Session, source).is_err(), "{name}");
        }
    }
}
