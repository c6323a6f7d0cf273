//! Where a row of text or csv ends: PostgreSQL's rules for newlines, quotes, backslashes and the `\.` marker.

use memchr::{memchr, memchr2, memchr3};

use crate::error::{Error, SqlState};

/// The newline that the first row ended with; every other must be the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Newline {
    Unknown,
    Lf,
    Cr,
    CrLf,
}

/// Finds the ends of rows; remembers what it has seen of a row that is not complete yet.
#[derive(Debug)]
pub(super) struct LineFinder {
    csv: bool,
    quote: u8,
    /// The escape character of csv, if it is not the quote.
    escape: Option<u8>,
    pub newline: Newline,
    scanned: usize,
    in_quote: bool,
    last_was_escape: bool,
    /// Newlines inside quotes, which count as lines too.
    pub inner_lines: u64,
    /// The row has a backslash (text only).
    pub backslash: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The row is `..end`, and the next begins at `next`.
    Row { end: usize, next: usize },
    /// The `\.` marker: what stands before it on its line is a last row if it is not empty.
    Marker { end: usize },
    /// More data is needed.
    Incomplete,
}

fn bad(message: &str, hint: Option<&str>) -> Error {
    let error = Error::new(SqlState::BAD_COPY_FILE_FORMAT, message);
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

impl LineFinder {
    pub fn new(csv: bool, quote: u8, escape: u8) -> Self {
        Self {
            csv,
            quote,
            escape: (escape != quote).then_some(escape),
            newline: Newline::Unknown,
            scanned: 0,
            in_quote: false,
            last_was_escape: false,
            inner_lines: 0,
            backslash: false,
        }
    }

    fn reset(&mut self) {
        self.scanned = 0;
        self.in_quote = false;
        self.last_was_escape = false;
    }

    /// Looks for the end of the row at the start of `data`. `last` says that no more data comes.
    /// `backslash` and `inner_lines` describe the row that was found; clear `inner_lines` after use.
    pub fn find(&mut self, data: &[u8], last: bool) -> Result<Found, Error> {
        if self.scanned == 0 {
            self.backslash = false;
        }
        let found = if self.csv { self.find_csv(data, last) } else { self.find_text(data, last) }?;
        if found != Found::Incomplete {
            self.reset();
        }
        Ok(found)
    }

    fn find_text(&mut self, data: &[u8], last: bool) -> Result<Found, Error> {
        loop {
            let Some(at) = memchr3(b'\n', b'\r', b'\\', &data[self.scanned..]).map(|n| n + self.scanned) else {
                self.scanned = data.len();
                return Ok(Found::Incomplete);
            };
            if data[at] != b'\\' {
                match self.end_of_line(data, at, last)? {
                    Some(found) => return Ok(found),
                    None => {
                        self.scanned = at;
                        return Ok(Found::Incomplete);
                    }
                }
            }
            self.backslash = true;
            match data.get(at + 1) {
                None => {
                    self.scanned = if last { data.len() } else { at };
                    return Ok(Found::Incomplete);
                }
                Some(b'.') => match self.marker(data, at, last)? {
                    Some(found) => return Ok(found),
                    None => {
                        self.scanned = at;
                        return Ok(Found::Incomplete);
                    }
                },
                // Whatever follows a backslash is data, newlines included.
                Some(_) => self.scanned = at + 2,
            }
        }
    }

    fn find_csv(&mut self, data: &[u8], last: bool) -> Result<Found, Error> {
        if self.scanned == 0 && data.first() == Some(&b'\\') {
            // Only alone on its line is `\.` the marker in csv; elsewhere it is data.
            match (data.get(1), data.get(2)) {
                (None, _) if !last => return Ok(Found::Incomplete),
                (Some(b'.'), None) if !last => return Ok(Found::Incomplete),
                (Some(b'.'), None | Some(b'\n' | b'\r')) => {
                    return Ok(self.marker(data, 0, last)?.unwrap_or(Found::Incomplete));
                }
                _ => {}
            }
        }
        while self.scanned < data.len() {
            let at = self.scanned;
            if !self.in_quote && !self.last_was_escape {
                // Outside quotes only three bytes matter.
                let Some(skip) = memchr3(b'\n', b'\r', self.quote, &data[at..]) else {
                    self.scanned = data.len();
                    break;
                };
                let at = at + skip;
                if data[at] == self.quote {
                    self.in_quote = true;
                    self.scanned = at + 1;
                    continue;
                }
                match self.end_of_line(data, at, last)? {
                    Some(found) => return Ok(found),
                    None => {
                        self.scanned = at;
                        return Ok(Found::Incomplete);
                    }
                }
            }
            self.in_quotes(data, at);
        }
        Ok(Found::Incomplete)
    }

    /// Moves on inside quotes, to the next byte that matters and past it.
    fn in_quotes(&mut self, data: &[u8], at: usize) {
        if !self.last_was_escape {
            let next = match self.escape {
                Some(escape) => memchr3(self.quote, escape, b'\n', &data[at..]),
                None => memchr2(self.quote, b'\n', &data[at..]),
            };
            let Some(skip) = next else {
                self.scanned = data.len();
                return;
            };
            let byte = data[at + skip];
            self.scanned = at + skip + 1;
            if byte == b'\n' {
                self.inner_lines += 1;
            } else if Some(byte) == self.escape {
                self.last_was_escape = true;
            } else {
                self.in_quote = false;
            }
            return;
        }
        // The byte after an escape is data.
        self.inner_lines += u64::from(data[at] == b'\n');
        self.last_was_escape = false;
        self.scanned = at + 1;
    }

    /// A newline at `at`; `None` if it cannot be told yet whether a CR has its LF.
    fn end_of_line(&mut self, data: &[u8], at: usize, last: bool) -> Result<Option<Found>, Error> {
        let row = |next: usize| Ok(Some(Found::Row { end: at, next }));
        let quoted = "Use quoted CSV field to represent ";
        if data[at] == b'\n' {
            return match self.newline {
                Newline::Unknown | Newline::Lf => {
                    self.newline = Newline::Lf;
                    row(at + 1)
                }
                Newline::Cr | Newline::CrLf if self.csv => {
                    Err(bad("unquoted newline found in data", Some(&format!("{quoted}newline."))))
                }
                Newline::Cr | Newline::CrLf => {
                    Err(bad("literal newline found in data", Some("Use \"\\n\" to represent newline.")))
                }
            };
        }
        let carriage_return = || {
            if self.csv {
                bad("unquoted carriage return found in data", Some(&format!("{quoted}carriage return.")))
            } else {
                bad("literal carriage return found in data", Some("Use \"\\r\" to represent carriage return."))
            }
        };
        if self.newline == Newline::Lf {
            return Err(carriage_return());
        }
        if self.newline == Newline::Cr {
            return row(at + 1);
        }
        match data.get(at + 1) {
            Some(b'\n') => {
                self.newline = Newline::CrLf;
                row(at + 2)
            }
            None if !last => Ok(None),
            _ if self.newline == Newline::CrLf => Err(carriage_return()),
            _ => {
                self.newline = Newline::Cr;
                row(at + 1)
            }
        }
    }

    /// `\.` at `at` in text: the marker must be followed by the file's newline or its end.
    fn marker(&self, data: &[u8], at: usize, last: bool) -> Result<Option<Found>, Error> {
        let corrupt = || bad("end-of-copy marker corrupt", None);
        let style = || bad("end-of-copy marker does not match previous newline style", None);
        let found = Ok(Some(Found::Marker { end: at }));
        let after = &data[at + 2..];
        match (after.first(), self.newline) {
            (None, _) if last => found,
            (None, _) => Ok(None),
            (Some(b'\r'), Newline::CrLf) => match after.get(1) {
                Some(b'\n') => found,
                None if !last => Ok(None),
                _ => Err(corrupt()),
            },
            (Some(b'\n'), Newline::CrLf | Newline::Cr) | (Some(b'\r'), Newline::Lf) => Err(style()),
            (Some(b'\n' | b'\r'), _) => found,
            (Some(_), _) => Err(corrupt()),
        }
    }

    /// True while inside quotes at the end of the data: the last field lacks its closing quote.
    pub fn unterminated(&self) -> bool {
        self.in_quote
    }
}

/// The first zero byte or byte that is not UTF-8, if any.
pub(super) fn first_invalid(line: &[u8]) -> Option<usize> {
    match (std::str::from_utf8(line), memchr(0, line)) {
        (Ok(_), zero) => zero,
        (Err(e), zero) => Some(zero.unwrap_or(usize::MAX).min(e.valid_up_to())),
    }
}
