//! Names of files of the server that fit a pattern: `glob('/dir/*.csv')`, and the same in what reads files in FROM.
//!
//! Each part of a path is walked from the folder before it, which is held open: a pattern leads out of the operator's directories no more than a
//! name does ([`super::server_files`]). What cannot be opened is not there.

use std::collections::BTreeSet;
use std::os::fd::OwnedFd;

use rustix::fs::{Dir, FileType, OFlags};

use super::server_files::is_pattern;
use super::server_files::place::{FOLDER, Found, TEMPORARY, walk};
use crate::error::{Error, Result, SqlState};

/// How deep `**` goes, and how many entries of folders are looked at.
const DEEPEST: usize = 32;
const MOST_ENTRIES: usize = 100_000;

struct Search {
    found: BTreeSet<String>,
    most: usize,
    looked_at: usize,
}

/// The files that fit, by their whole names, in order.
pub(super) fn matching(place: &Found, most: usize) -> Result<Vec<String>> {
    let (directory, start, below) = place.parts();
    // They were texts.
    let (start, below) = (start.to_str().unwrap_or_default(), below.to_str().unwrap_or_default());
    let start = start.trim_end_matches('/');
    let mut parts: Vec<&str> = below.split('/').filter(|part| !part.is_empty()).collect();
    if parts.last() == Some(&"**") {
        parts.push("*");
    }
    let mut search = Search { found: BTreeSet::new(), most, looked_at: 0 };
    search.below(directory, start, &parts, 0)?;
    Ok(search.found.into_iter().collect())
}

impl Search {
    fn below(&mut self, folder: &OwnedFd, name: &str, parts: &[&str], depth: usize) -> Result<()> {
        let Some((part, rest)) = parts.split_first() else { return Ok(()) };
        if *part == "**" {
            // No folder at all, or one more.
            self.below(folder, name, rest, depth)?;
            if depth < DEEPEST {
                for entry in self.entries(folder)?.into_iter().filter(|entry| !entry.starts_with('.')) {
                    // Links are not followed here: they may lead round in circles.
                    if let Ok(inner) = walk(folder, entry.as_ref(), FOLDER | OFlags::NOFOLLOW) {
                        self.below(&inner, &format!("{name}/{entry}"), parts, depth + 1)?;
                    }
                }
            }
            return Ok(());
        }
        let entries = match is_pattern(part) {
            true => self.entries(folder)?.into_iter().filter(|entry| fits(part, entry)).collect(),
            false => vec![(*part).to_owned()],
        };
        for entry in entries {
            let path = format!("{name}/{entry}");
            if !rest.is_empty() {
                if let Ok(inner) = walk(folder, entry.as_ref(), FOLDER) {
                    self.below(&inner, &path, rest, depth)?;
                }
                continue;
            }
            let is_file = walk(folder, entry.as_ref(), OFlags::PATH | OFlags::CLOEXEC)
                .and_then(rustix::fs::fstat)
                .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile);
            if is_file && self.found.insert(path) && self.found.len() > self.most {
                let message = format!("more than {} files fit the pattern", self.most);
                return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message));
            }
        }
        Ok(())
    }

    fn entries(&mut self, folder: &OwnedFd) -> Result<Vec<String>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let mut names = Vec::new();
        for entry in walk(folder, ".".as_ref(), flags).and_then(Dir::new).into_iter().flatten().flatten() {
            self.looked_at += 1;
            if self.looked_at > MOST_ENTRIES {
                let message = format!("a pattern of names meets more than {MOST_ENTRIES} entries of folders");
                return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message));
            }
            if let Ok(name) = entry.file_name().to_str()
                && !matches!(name, "." | "..")
                && !name.starts_with(TEMPORARY)
            {
                names.push(name.to_owned());
            }
        }
        Ok(names)
    }
}

/// Does a name fit `*`, `?`, `[a-z]` and `[!a-z]`? As in a shell, a dot in front has to be written.
fn fits(pattern: &str, name: &str) -> bool {
    if name.starts_with('.') && !pattern.starts_with('.') {
        return false;
    }
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    // Where the last `*` stands, and up to where it reaches.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        if pattern.get(p) == Some(&'*') {
            star = Some((p, n));
            p += 1;
            continue;
        }
        if let Some(next) = one(&pattern, p, name[n]) {
            (p, n) = (next, n + 1);
            continue;
        }
        let Some((at, reach)) = star else { return false };
        star = Some((at, reach + 1));
        (p, n) = (at + 1, reach + 1);
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// Where the pattern goes on if what stands at `at` fits the character.
fn one(pattern: &[char], at: usize, c: char) -> Option<usize> {
    match pattern.get(at)? {
        '?' => Some(at + 1),
        '[' => {
            let inverted = matches!(pattern.get(at + 1), Some('!' | '^'));
            let from = at + 1 + usize::from(inverted);
            // A bracket that stands first is one of the characters.
            let end = (from + 1..pattern.len()).find(|i| pattern[*i] == ']')?;
            let (mut i, mut within) = (from, false);
            while i < end {
                if i + 2 < end && pattern[i + 1] == '-' {
                    within |= (pattern[i]..=pattern[i + 2]).contains(&c);
                    i += 3;
                } else {
                    within |= pattern[i] == c;
                    i += 1;
                }
            }
            (within != inverted).then_some(end + 1)
        }
        plain => (*plain == c).then_some(at + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_patterns_as_in_a_shell() {
        let good = [
            ("*.csv", "a.csv"),
            ("a*b*c", "aXbXbc"),
            ("?.csv", "ä.csv"),
            ("[a-c]1", "b1"),
            ("[!a-c]1", "x1"),
            ("[]]", "]"),
            (".*", ".a"),
            ("*", "x"),
        ];
        for (pattern, name) in good {
            assert!(fits(pattern, name), "{pattern} {name}");
        }
        let bad = [("*.csv", ".csv"), ("*.csv", "a.csv.gz"), ("?", "ab"), ("[a-c]", "d"), ("[a", "a"), ("a", "A")];
        for (pattern, name) in bad {
            assert!(!fits(pattern, name), "{pattern} {name}");
        }
        // No time that grows with the number of stars.
        assert!(!fits(&"*a".repeat(50), &("a".repeat(49) + "b")));
    }
}
