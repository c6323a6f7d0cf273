//! Tests of flags, environment, file and defaults.

use super::*;

#[test]
fn the_defaults_resolve() {
    let config = Config::default();
    assert_eq!(config.database, "duckgate");
    assert_eq!(config.data, None);
    assert!(config.memory_limit > 1 << 20);
    assert_eq!(config.limits, Limits::default());
}

#[test]
fn sizes_and_times_read_and_print_in_postgresql_units() {
    for (text, bytes, printed) in [("64MB", 64 << 20, "64MB"), ("10000", 10_000, "10000B"), ("2 gb", 2 << 30, "2GB")] {
        let size: Bytes = text.parse().expect(text);
        assert_eq!((size.0, size.to_string().as_str()), (bytes, printed));
    }
    let span: Span = "90s".parse().expect("span");
    assert_eq!(span.to_string(), "90s");
    assert_eq!("2min".parse::<Span>().expect("span").to_string(), "2min");
    assert!("3 parsecs".parse::<Span>().expect_err("unit").contains("unknown unit"));
}

#[test]
fn a_file_with_an_unknown_key_is_refused_with_its_line() {
    let error = toml::from_str::<Raw>("listen = \"127.0.0.1:1\"\nlisen = 1\n").expect_err("unknown key");
    assert!(error.to_string().contains("line 2"), "{error}");
}

#[test]
fn flags_come_before_the_file_and_the_file_before_defaults() {
    let flags = Raw { database: Some("a".into()), ..Raw::default() };
    let file: Raw = toml::from_str("database = \"b\"\nuser = \"u\"\n[limits]\nconnections = 7").expect("file");
    let config = flags.or(file).resolve().expect("config");
    assert_eq!((config.database.as_str(), config.user.as_str(), config.limits.connections), ("a", "u", 7));
}

#[test]
fn empty_names_are_not_taken_for_none() {
    let refused = |raw: Raw| raw.resolve().expect_err("an empty name").to_string();
    assert!(refused(Raw { data: Some(String::new()), ..Raw::default() }).contains(":memory:"));
    assert!(refused(Raw { schemas: Some("".into()), ..Raw::default() }).starts_with("schemas"));
}

#[test]
fn passwords_are_not_printed() {
    let config = Raw { password: Some("secret".into()), data: Some(":memory:".into()), ..Raw::default() };
    assert!(!format!("{:?}", config.resolve().expect("config")).contains("secret"));
}

#[test]
fn folders_for_clients_are_kept_apart_from_the_gateways_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    std::fs::create_dir_all(at("data")).expect("a folder");
    std::os::unix::fs::symlink(at("data"), at("link")).expect("a link");
    let with = |read: &str| Raw {
        data: Some(at("data/d.duckdb")),
        schemas: Some(at("schemas").into()),
        read_directories: Some(vec![read.to_owned()]),
        ..Raw::default()
    };
    let own = Raw { file: Some(at("in/duckgate.toml").into()), ..with(&at("in")) }.resolve();
    assert!(own.expect_err("its own").to_string().contains("is not kept apart from the config file"));
    let here = std::env::current_dir().expect("a folder");
    let next = with(&here.to_string_lossy()).resolve().expect_err("the next start would read it").to_string();
    assert!(next.contains("is not kept apart from the config file"), "{next}");
    let config = with(&at("in")).resolve().expect("kept apart");
    assert_eq!(config.engine().server_files.read, [std::path::PathBuf::from(at("in"))]);
    assert!(config.engine().server_files.write.is_empty());
    for (read, problem) in [
        (at("data"), "is not kept apart from data"),
        (at("link"), "is not kept apart from data"),
        (at(""), "is not kept apart from data"),
        ("/".to_owned(), "is not kept apart from data"),
        (at("schemas/in"), "is not kept apart from schemas"),
        (at("data/d.duckdb.tmp"), "is not kept apart from temp_directory"),
        (at("in/../data"), "an absolute folder"),
        ("in".to_owned(), "an absolute folder"),
    ] {
        let error = with(&read).resolve().expect_err(&read).to_string();
        assert!(error.starts_with("read_directories: ") && error.contains(problem), "{read}: {error}");
    }
}
