//! Files of the server: a folder with what statements may name and what they must not get at, and the race for a name.
//! The statements are `tests/rules/files.txt` and `attacks_files.txt`.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::engine::{Reach, ServerFiles};

/// `$DIR` of the cases.
pub(super) struct Folder(tempfile::TempDir);

impl Folder {
    /// `in` may be read, `out` written, `both` both; `secret` and `inner` (whose name begins as one of them) neither.
    pub fn make() -> Self {
        let folder = Self(tempfile::tempdir().expect("a folder"));
        for name in ["in/sub", "out", "both", "secret", "inner"] {
            std::fs::create_dir_all(folder.path(name)).expect("a folder");
        }
        let files = [
            ("in/rows.csv", "1,one\n2,two\n"),
            ("in/sub/more.csv", "3,three\n"),
            ("in/bad.csv", "4,four\nx,five\n"),
            ("in/rows.json", "{\"a\": 5, \"b\": \"five\"}\n"),
            ("in/empty.csv", ""),
            ("inner/rows.csv", "6,SECRET\n"),
            ("secret/rows.csv", "7,SECRET\n"),
            ("secret/data.duckdb", "8,SECRET\n"),
            ("out/there.csv", "9,nine\n"),
        ];
        for (name, text) in files {
            std::fs::write(folder.path(name), text).expect("a file");
        }
        let links = [
            ("secret/rows.csv", "in/link_out.csv"),
            ("secret", "in/folder_out"),
            ("in/rows.csv", "in/absolute_link_in.csv"),
            ("secret/new.csv", "out/link_out.csv"),
            ("secret", "out/folder_out"),
        ];
        for (to, name) in links {
            std::os::unix::fs::symlink(folder.path(to), folder.path(name)).expect("a link");
        }
        std::os::unix::fs::symlink("rows.csv", folder.path("in/link_in.csv")).expect("a link");
        std::os::unix::fs::symlink("../secret/rows.csv", folder.path("in/relative_link_out.csv")).expect("a link");
        std::os::unix::fs::symlink("loop.csv", folder.path("in/loop.csv")).expect("a link");
        std::fs::hard_link(folder.path("secret/data.duckdb"), folder.path("in/own.csv")).expect("a link");
        std::fs::hard_link(folder.path("secret/data.duckdb"), folder.path("out/own.csv")).expect("a link");
        std::fs::write(folder.path("secret/key.csv"), "1,SECRET\n").expect("a file");
        std::fs::hard_link(folder.path("secret/key.csv"), folder.path("in/key.csv")).expect("a link");
        std::fs::hard_link(folder.path("secret/key.csv"), folder.path("out/key.csv")).expect("a link");
        let pipe = std::process::Command::new("mkfifo").arg(folder.path("in/pipe.csv")).status().expect("mkfifo");
        assert!(pipe.success());
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn files(&self) -> ServerFiles {
        ServerFiles {
            read: vec![self.path("in"), self.path("both")],
            write: vec![self.path("out"), self.path("both")],
            private: vec![self.path("secret/data.duckdb")],
        }
    }

    pub fn named(&self, statement: &str) -> String {
        statement.replace("$DIR", &self.0.path().to_string_lossy())
    }

    pub fn unnamed(&self, answer: &str) -> String {
        answer.replace(&*self.0.path().to_string_lossy(), "$DIR")
    }
}

/// Makes a name lead by turns to a file that may be read and, as a link, to one that may not, until it is told to stop.
fn swap(folder: &Path, stop: &AtomicBool) {
    let (name, next) = (folder.join("in/swapped.csv"), folder.join("in/next"));
    let (way, other) = (folder.join("in/way"), folder.join("in/other"));
    let pause = || std::thread::sleep(Duration::from_micros(300));
    while !stop.load(Ordering::Relaxed) {
        std::fs::write(&next, "1,one\n").expect("a file");
        std::fs::rename(&next, &name).expect("renamed");
        // The same with a folder on the way.
        std::fs::create_dir(&way).expect("a folder");
        std::fs::write(way.join("rows.csv"), "1,one\n").expect("a file");
        pause();
        std::os::unix::fs::symlink(folder.join("secret/rows.csv"), &next).expect("a link");
        std::fs::rename(&next, &name).expect("renamed");
        std::fs::rename(&way, &other).expect("renamed");
        std::os::unix::fs::symlink(folder.join("secret"), &way).expect("a link");
        pause();
        std::fs::remove_file(&way).expect("removed");
        std::fs::remove_dir_all(&other).expect("removed");
    }
}

#[test]
fn what_a_killed_copy_left_goes_with_the_next_and_what_is_being_written_stays() {
    let folder = Folder::make();
    let (files, reach) = (folder.files(), Reach { everything: true, directories: &[] });
    let name = |of: &str| folder.path(of).to_string_lossy().into_owned();
    let left = folder.path(&format!("both/.duckgate-{}", "0a".repeat(16)));
    for other in [left.clone(), folder.path("both/.duckgate-mine"), folder.path("both/.duckgate")] {
        std::fs::write(other, "x").expect("a file");
    }
    let listed = || {
        let mut names: Vec<String> = std::fs::read_dir(folder.path("both"))
            .expect("the folder")
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    };
    let one = files.create(&name("both/one"), reach, 10).expect("begun");
    assert!(!left.exists());
    let two = files.create(&name("both/two"), reach, 10).expect("begun");
    assert_eq!(listed().len(), 4, "{:?}", listed());
    one.finish().expect("written");
    drop(two);
    assert_eq!(listed(), [".duckgate", ".duckgate-mine", "one"]);
}

#[test]
fn a_link_that_comes_into_the_name_s_place_is_neither_followed_nor_replaced() {
    let folder = Folder::make();
    let reach = Reach { everything: true, directories: &[] };
    let path = folder.path("both/new.csv");
    let new = folder.files().create(&path.to_string_lossy(), reach, 10).expect("begun");
    std::os::unix::fs::symlink(folder.path("secret/rows.csv"), &path).expect("a link");
    assert_eq!(new.finish().err().map(|e| e.code()), Some(SqlState::INSUFFICIENT_PRIVILEGE));
    assert!(path.is_symlink());
    assert_eq!(std::fs::read_to_string(folder.path("secret/rows.csv")).expect("read"), "7,SECRET\n");
    assert_eq!(std::fs::read_dir(folder.path("both")).expect("the folder").count(), 1);
}

#[test]
fn errors_of_names_are_postgresql_s() {
    let folder = Folder::make();
    let (files, reach) = (folder.files(), Reach { everything: true, directories: &[] });
    let long = format!("both/{}", "x".repeat(300));
    for (name, code) in [
        ("both/new/", "42809"),
        ("both/new/.", "42809"),
        ("out/there.csv/", "42809"),
        ("both/nothing/new", "58P01"),
        (&long, "58P03"),
    ] {
        let path = format!("{}/{name}", folder.0.path().display());
        let error = files.create(&path, reach, 10).err().expect("an error");
        assert_eq!(error.code().as_str(), code, "{name}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_swaps_a_file_for_a_link_gets_nothing_from_behind_it() {
    let folder = Folder::make();
    let gateway = gateway_with_catalogs(folder.files()).await;
    let mut session = open(&gateway);
    simple(&mut session, "CREATE TABLE t (a int, b text)").await;
    let stop = AtomicBool::new(false);
    let (mut read, mut refused) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| swap(folder.0.path(), &stop));
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(async {
                for name in ["swapped", "way/rows"].iter().cycle().take(600) {
                    let copy = format!("COPY t FROM '$DIR/in/{name}.csv' (FORMAT csv)");
                    match simple(&mut session, &folder.named(&copy)).await.first().map(String::as_str) {
                        Some("C COPY 1") => read += 1,
                        Some(_) | None => refused += 1,
                    }
                }
                for name in ["swapped", "way/rows"].iter().cycle().take(60) {
                    let query = format!("SELECT * FROM read_csv('$DIR/in/{name}.csv', header = false)");
                    let answer = simple(&mut session, &folder.named(&query)).await;
                    assert!(!answer.iter().any(|line| line.contains("SECRET")), "{answer:?}");
                }
            });
        });
        stop.store(true, Ordering::Relaxed);
    });
    assert!(read > 0 && refused > 0, "{read} were read, {refused} refused");
    let found = simple(&mut session, "SELECT DISTINCT a, b FROM t").await;
    assert_eq!(found[1..], ["D 1|one", "C SELECT 1", "Z I"], "{found:?}");
}
