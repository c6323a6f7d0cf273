//! Row rules and masks as data: `tests/rules/*.txt`.
//!
//! A line is `role: statement`; what it answers follows, indented: its rows, sorted, `|` between values; its tag; or SQLSTATE and
//! message of its error, with its detail below. Each statement is rolled back, but those of `role!: …` and of `root`, whose
//! answers are not kept: they make what the others use. `scripts/record-rules.py` writes PostgreSQL's answers; a file that
//! begins with `# ours` has what PostgreSQL does not know: `DUCKGATE_RECORD=1` writes what is answered; read it before you keep it.
//! `$DIR` is a folder that [`super::server_files`] makes: statements may name what lies there.
//! Nothing that is answered in `attacks*.txt` may have the word that stands in the hidden rows (but to their owner).

use std::collections::HashMap;
use std::path::Path;

use super::*;

async fn answer(session: &mut Session, text: &str) -> Vec<String> {
    let mut notes = Notes::default();
    let failed = session.simple(text, &mut notes).await.err();
    session.ready(&mut notes);
    let (mut lines, mut rows) = (Vec::new(), Vec::new());
    for line in notes.lines {
        if let Some(row) = line.strip_prefix("D ").or_else(|| line.strip_prefix("d ")) {
            rows.push(row.trim_end_matches('\n').to_owned());
        } else if let Some(tag) = line.strip_prefix("C ") {
            rows.sort();
            lines.append(&mut rows);
            lines.push(tag.to_owned());
        }
    }
    match failed {
        None => lines,
        Some(error) => {
            let report = error.report();
            let mut lines = vec![format!("{} {}", report.code, report.message)];
            lines.extend(report.detail.iter().flat_map(|detail| detail.lines()).map(|line| format!("  {line}")));
            if report.code == SqlState::INTERNAL_ERROR {
                lines.extend(report.internal.clone());
            }
            lines
        }
    }
}

/// What a file's statements answer that is not as it is written there, and how many there are.
async fn differences(path: &Path) -> (Vec<String>, usize) {
    let folder = server_files::Folder::make();
    let gateway = gateway_with_catalogs(folder.files()).await;
    let mut sessions: HashMap<String, Session> = HashMap::new();
    let text = std::fs::read_to_string(path).expect("a file of cases");
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut lines = text.lines().enumerate().peekable();
    let (mut wrong, mut cases) = (Vec::new(), 0);
    let mut written = String::new();
    while let Some((number, line)) = lines.next() {
        written.push_str(line);
        written.push('\n');
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (role, statement) = line.split_once(": ").expect("role: statement");
        let mut expected = Vec::new();
        while let Some((_, line)) = lines.next_if(|(_, l)| l.starts_with("    ")) {
            expected.push(line[4..].to_owned());
        }
        let (stays, role) = (role.ends_with('!') || role == "root", role.trim_end_matches('!'));
        let user = if role == "root" { "ann" } else { role };
        let session = match sessions.entry(role.to_owned()) {
            std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::hash_map::Entry::Vacant(new) => {
                new.insert(open_as(&gateway, user, &[]).unwrap_or_else(|e| panic!("{name}:{number}: {role}: {e}")))
            }
        };
        if !stays {
            answer(session, "begin").await;
        }
        let answered = answer(session, &folder.named(statement)).await;
        let answered: Vec<String> = answered.iter().map(|line| folder.unnamed(line)).collect();
        if !stays {
            answer(session, "rollback").await;
        }
        if role == "root" {
            let failed = answered
                .iter()
                .any(|l| l.as_bytes().get(5) == Some(&b' ') && l[..2].bytes().all(|b| b.is_ascii_digit()));
            assert!(!failed, "{name}:{}: {statement}: {answered:?}", number + 1);
            continue;
        }
        cases += 1;
        let told = name.starts_with("attacks") && role != "rr_o" && answered.iter().any(|l| l.contains("SECRET"));
        assert!(!told, "{name}:{}: {statement}: {answered:?}", number + 1);
        answered.iter().for_each(|l| written.push_str(&format!("    {l}\n")));
        if answered != expected {
            wrong.push(format!("{name}:{}: {line}\n  expected {expected:?}\n  answered {answered:?}", number + 1));
        }
    }
    if std::env::var_os("DUCKGATE_RECORD").is_some() && text.starts_with("# ours") {
        std::fs::write(path, written).expect("written");
        wrong.clear();
    }
    (wrong, cases)
}

#[tokio::test]
async fn decisions_are_those_that_are_recorded() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules");
    let mut paths: Vec<_> = std::fs::read_dir(&folder).expect("the folder").flatten().map(|e| e.path()).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == "txt"));
    paths.sort();
    let only = std::env::var("DUCKGATE_RULES").ok();
    paths.retain(|p| only.as_ref().is_none_or(|only| p.ends_with(only)));
    let (mut wrong, mut cases) = (Vec::new(), 0);
    for path in paths {
        let (more, count) = differences(&path).await;
        wrong.extend(more);
        cases += count;
    }
    assert!(wrong.is_empty(), "{} of {cases} differ\n{}", wrong.len(), wrong.join("\n"));
}
