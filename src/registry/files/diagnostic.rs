//! What is wrong in a schema file: where, what, and what would be right.

use std::fmt;
use std::path::PathBuf;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The files cannot be used.
    Error,
    /// They can, but probably not as meant.
    Warning,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub level: Level,
    pub file: PathBuf,
    /// From 1, in lines; 0 if it concerns the whole file.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
    pub message: String,
    /// What would be right.
    pub help: Option<String>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Error => "error",
            Level::Warning => "warning",
        };
        write!(f, "{}:", self.file.display())?;
        if self.line > 0 {
            write!(f, "{}:{}:", self.line, self.column)?;
        }
        write!(f, " {level}: {}", self.message)?;
        if let Some(help) = &self.help {
            write!(f, "\n    help: {help}")?;
        }
        Ok(())
    }
}

/// A file's text, to turn byte offsets into lines and columns, and the complaints about it.
pub struct Reporter {
    path: PathBuf,
    text: String,
    /// Where each line begins, in bytes.
    lines: Vec<usize>,
    pub found: Vec<Diagnostic>,
}

impl Reporter {
    pub fn new(path: PathBuf, text: String) -> Self {
        let starts = text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i + 1);
        let lines = std::iter::once(0).chain(starts).collect();
        Self { path, text, lines, found: Vec::new() }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn path(&self) -> &PathBuf {
        &self.path
    }

    /// Line and column, from 1, of a byte offset.
    pub fn position(&self, offset: usize) -> (u32, u32) {
        let offset = offset.min(self.text.len());
        let line = self.lines.partition_point(|start| *start <= offset).max(1) - 1;
        let from = self.lines[line];
        let column = self.text.get(from..offset).map_or(0, |t| t.chars().count());
        (line as u32 + 1, column as u32 + 1)
    }

    pub fn error(&mut self, offset: usize, message: impl Into<String>, help: Option<String>) {
        self.report(Level::Error, offset, message.into(), help);
    }

    pub fn warning(&mut self, offset: usize, message: impl Into<String>, help: Option<String>) {
        self.report(Level::Warning, offset, message.into(), help);
    }

    fn report(&mut self, level: Level, offset: usize, message: String, help: Option<String>) {
        let (line, column) = self.position(offset);
        self.found.push(Diagnostic { level, file: self.path.clone(), line, column, message, help });
    }
}

/// The candidate that is most like `word`, if one is like it at all: for "did you mean".
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).max(1) + 1;
    candidates
        .into_iter()
        .map(|c| (distance(&word.to_lowercase(), &c.to_lowercase()), c))
        .filter(|(d, _)| *d <= limit && *d < word.chars().count())
        .min_by_key(|(d, _)| *d)
        .map(|(_, c)| c)
}

/// `did you mean "x"?`
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(word, candidates).map(|c| format!("did you mean \"{c}\"?"))
}

/// Edits (insert, delete, replace, swap of neighbours) from one word to the other.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0usize; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let cost = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + cost);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_found_and_a_far_one_is_not() {
        let words = ["integer", "bigint", "text"];
        assert_eq!(nearest("interger", words), Some("integer"));
        assert_eq!(nearest("bigitn", words), Some("bigint"));
        assert_eq!(nearest("geometry", words), None);
    }
}
