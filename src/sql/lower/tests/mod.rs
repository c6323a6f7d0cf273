//! Statements through the whole compiler, run by a real DuckDB, against what a real PostgreSQL answered.
//!
//! `cases.sql` are the statements, `recorded.txt` PostgreSQL's answers (scripts/record-lower.py). `gaps.txt` are the ones
//! that are refused today; an unexpected pass fails too.

mod decimals;
mod point;
mod prompt;
mod support;
mod tpch;

use support::Db;

fn recorded(answers: &str) -> Vec<(String, String)> {
    answers
        .split("\n\n")
        .filter_map(|block| {
            let block = block.trim_start_matches('\n').strip_prefix("# ")?;
            let (case, answer) = block.split_once('\n').unwrap_or((block, ""));
            Some((case.to_owned(), answer.trim_end_matches('\n').to_owned()))
        })
        .collect()
}

#[tokio::test]
async fn statements_answer_as_postgresql_does() {
    compare(include_str!("recorded.txt")).await;
}

#[tokio::test]
async fn functions_answer_as_postgresql_does() {
    compare(include_str!("functions.txt")).await;
}

async fn compare(answers: &str) {
    let db = Db::open().await;
    let gaps: Vec<&str> = include_str!("gaps.txt").lines().filter(|l| !l.starts_with("--")).collect();
    let mut wrong = Vec::new();
    for (case, expected) in recorded(answers) {
        let got = db.answer(&case).await;
        let gap = gaps.contains(&case.as_str());
        let equal = got.text == expected;
        if equal && gap {
            wrong.push(format!("{case}\n  passes, but stands in gaps.txt"));
        }
        let refused = gap && got.text == "ERROR 0A000";
        if !equal && !refused {
            wrong.push(format!(
                "{case}\n  expected: {expected}\n  got:      {}\n  {}\n  sql: {}",
                got.text, got.error, got.sql
            ));
        }
    }
    assert!(wrong.is_empty(), "{} cases differ:\n{}", wrong.len(), wrong.join("\n"));
}
