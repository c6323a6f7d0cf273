//! COPY as data: `tests/copy/*.txt`, of what PostgreSQL 15 does not know.
//!
//! A line is a statement, of the role ann or of `@role `; the lines after it that begin with `|` are what the client sends for its COPY FROM STDIN. What is
//! answered follows, indented: notices, rows, COPY's data (`> `), tags, and errors with detail and context.
//! `DUCKGATE_RECORD=1` writes what is answered; read it before you keep it.

use std::collections::HashMap;
use std::path::Path;

use super::*;

async fn answer(session: &mut Session, text: &str, data: &str) -> Vec<String> {
    let mut notes = Notes::default();
    if !data.is_empty() {
        // In pieces, as a client would send it.
        let pieces = data.as_bytes().chunks(7).map(|piece| CopyInput::Data(Bytes::copy_from_slice(piece)));
        notes.input = pieces.collect();
    }
    let failed = session.simple(text, &mut notes).await.err();
    session.ready(&mut notes);
    let mut lines = Vec::new();
    for line in notes.lines {
        let (kind, rest) = line.split_once(' ').unwrap_or((&line, ""));
        match kind {
            "D" | "C" => lines.push(rest.replace('\n', "\\n")),
            "N" => lines.push(format!("NOTICE {rest}")),
            "d" => lines.extend(rest.lines().map(|line| format!("> {line}"))),
            _ => {}
        }
    }
    if let Some(error) = failed {
        let report = error.report();
        lines.push(format!("{} {}", report.code, report.message));
        let more = [("DETAIL", &report.detail), ("HINT", &report.hint), ("CONTEXT", &report.context)];
        let more = more.into_iter().filter_map(|(word, text)| Some((word, text.as_ref()?)));
        lines.extend(more.map(|(word, text)| format!("{word} {}", text.replace('\n', "; "))));
        if report.code == SqlState::INTERNAL_ERROR {
            lines.extend(report.internal.clone());
        }
    }
    lines
}

/// What a file's statements answer that is not as it is written there, and how many there are.
async fn differences(path: &Path) -> (Vec<String>, usize) {
    let gateway = gateway().await;
    let mut sessions: HashMap<String, Session> = HashMap::new();
    let text = std::fs::read_to_string(path).expect("a file of cases");
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut lines = text.lines().enumerate().peekable();
    let (mut wrong, mut cases, mut written) = (Vec::new(), 0, String::new());
    while let Some((number, line)) = lines.next() {
        written.push_str(line);
        written.push('\n');
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut data = String::new();
        while let Some((_, sent)) = lines.next_if(|(_, l)| l.starts_with('|')) {
            written.push_str(sent);
            written.push('\n');
            data.push_str(&sent[1..]);
            data.push('\n');
        }
        let mut expected = Vec::new();
        while let Some((_, line)) = lines.next_if(|(_, l)| l.starts_with("    ")) {
            expected.push(line[4..].to_owned());
        }
        let (user, statement) = match line.strip_prefix('@').and_then(|rest| rest.split_once(' ')) {
            Some((user, statement)) => (user, statement),
            None => ("ann", line),
        };
        if !sessions.contains_key(user) {
            let session = open_as(&gateway, user, &[]).unwrap_or_else(|e| panic!("{name}:{number}: {user}: {e}"));
            sessions.insert(user.to_owned(), session);
        }
        let given = match sessions.get_mut(user) {
            Some(session) => answer(session, statement, &data).await,
            None => Vec::new(),
        };
        for line in &given {
            written.push_str("    ");
            written.push_str(line);
            written.push('\n');
        }
        if given != expected {
            wrong.push(format!("{name}:{}: {line}\n  expected {expected:#?}\n  given {given:#?}", number + 1));
        }
        cases += 1;
    }
    if std::env::var("DUCKGATE_RECORD").is_ok_and(|v| v == "1") {
        std::fs::write(path, written).expect("the file is written");
        wrong.clear();
    }
    (wrong, cases)
}

#[tokio::test]
async fn copy_answers_as_recorded() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/copy");
    let mut cases = 0;
    for entry in std::fs::read_dir(folder).expect("tests/copy") {
        let path = entry.expect("an entry").path();
        let (wrong, count) = differences(&path).await;
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        cases += count;
    }
    assert!(cases > 20, "{cases} cases");
}
