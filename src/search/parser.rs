//! Takes a text apart into the tokens of PostgreSQL's parser: words, numbers, addresses, tags …
//!
//! Each kind of token is a function that goes on from where another began it; where several could go on they are asked in
//! order, and the first that comes to an end has it. `wi-fi` is given as a whole and then part by part, a URL as a whole,
//! its host and its path.

mod markup;

use crate::facts::search::{Letter, letter};

/// The kinds, under PostgreSQL's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    AsciiWord = 1,
    Word = 2,
    NumWord = 3,
    Email = 4,
    Url = 5,
    Host = 6,
    Scientific = 7,
    Version = 8,
    NumPart = 9,
    Part = 10,
    AsciiPart = 11,
    Blank = 12,
    Tag = 13,
    Protocol = 14,
    NumHyphenated = 15,
    AsciiHyphenated = 16,
    Hyphenated = 17,
    UrlPath = 18,
    File = 19,
    Decimal = 20,
    Integer = 21,
    Unsigned = 22,
    Entity = 23,
}

/// A token: its kind, and where in the text it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    pub kind: Kind,
    pub from: usize,
    pub to: usize,
}

/// What a character is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    AsciiLetter,
    Letter,
    Digit,
    Sign,
    Other,
    End,
}

/// Where a token ends, and what it is; `None` if there is none.
type Found = Option<(usize, Kind)>;

/// The tokens of a text, in their order. A hyphenated word and a URL stand before their parts.
pub fn tokens(text: &str) -> Vec<Token> {
    let scan = Scan { text: text.as_bytes(), whole: text, host_alone: false };
    let mut out = Vec::new();
    let (mut at, mut hidden) = (0, false);
    while at < text.len() {
        let (to, kind) = if hidden { scan.hidden(at) } else { scan.token(at) };
        let token = Token { kind, from: at, to };
        out.push(token);
        match kind {
            Kind::AsciiHyphenated | Kind::Hyphenated | Kind::NumHyphenated => {
                scan.parts(at, to, &mut out);
                // The hyphen before a number behind it is no sign.
                if scan.byte(to) == b'-' && scan.is_digit(to + 1) {
                    out.push(Token { kind: Kind::Blank, from: to, to: to + 1 });
                    at = to + 1;
                    continue;
                }
            }
            Kind::Url => {
                let host = scan.host_end(at).unwrap_or(to);
                out.push(Token { kind: Kind::Host, from: at, to: host });
                out.push(Token { kind: Kind::UrlPath, from: host, to });
            }
            Kind::Tag => hidden = scan.hides(token).unwrap_or(hidden),
            _ => {}
        }
        at = to;
    }
    out
}

struct Scan<'a> {
    text: &'a [u8],
    whole: &'a str,
    /// True where only a host is looked for, with nothing around it.
    host_alone: bool,
}

impl Scan<'_> {
    fn byte(&self, at: usize) -> u8 {
        // No text has a zero.
        self.text.get(at).copied().unwrap_or(0)
    }

    /// What stands here, and where the next character does.
    fn class(&self, at: usize) -> (Class, usize) {
        match self.byte(at) {
            0 => (Class::End, at),
            byte if byte.is_ascii_alphabetic() => (Class::AsciiLetter, at + 1),
            byte if byte.is_ascii_digit() => (Class::Digit, at + 1),
            byte if byte.is_ascii() => (Class::Other, at + 1),
            _ => {
                let c = self.whole.get(at..).and_then(|rest| rest.chars().next()).unwrap_or(' ');
                let class = match letter(c) {
                    Some(Letter::Letter) => Class::Letter,
                    Some(Letter::Sign) => Class::Sign,
                    None => Class::Other,
                };
                (class, at + c.len_utf8())
            }
        }
    }

    fn is_digit(&self, at: usize) -> bool {
        self.byte(at).is_ascii_digit()
    }

    fn is_ascii_letter(&self, at: usize) -> bool {
        self.byte(at).is_ascii_alphabetic()
    }

    /// Behind all digits that stand here.
    fn digits(&self, mut at: usize) -> usize {
        while self.is_digit(at) {
            at += 1;
        }
        at
    }

    /// The token that begins here: there is one always.
    fn token(&self, at: usize) -> (usize, Kind) {
        let (class, next) = self.class(at);
        let found = match (class, self.byte(at)) {
            (Class::AsciiLetter, _) => Some(self.ascii_word(next)),
            (Class::Letter, _) => Some(self.word(next)),
            (Class::Digit, _) => Some(self.unsigned(next)),
            (_, b'<') => self.tag(next),
            (_, b'-' | b'+') => self.signed(next),
            (_, b'&') => self.entity(next),
            (_, b'~') => self.home(next),
            (_, b'/') => self.file_first(next),
            (_, b'.') => self.path_first(next),
            _ => None,
        };
        found.unwrap_or_else(|| (self.blank(next), Kind::Blank))
    }

    /// As [`Scan::token`] where nothing counts but tags.
    fn hidden(&self, at: usize) -> (usize, Kind) {
        let tag = if self.byte(at) == b'<' { self.tag(at + 1) } else { None };
        tag.unwrap_or_else(|| {
            let next = self.class(at).1;
            let end = memchr::memchr(b'<', &self.text[next..]).map_or(self.text.len(), |more| next + more);
            (end, Kind::Blank)
        })
    }

    /// Behind what is in no token.
    fn blank(&self, mut at: usize) -> usize {
        loop {
            let (class, next) = self.class(at);
            let ends = matches!(class, Class::AsciiLetter | Class::Letter | Class::Digit | Class::End)
                || matches!(self.byte(at), b'<' | b'-' | b'+' | b'&' | b'/');
            if ends {
                return at;
            }
            at = next;
        }
    }

    fn ascii_word(&self, mut at: usize) -> (usize, Kind) {
        loop {
            let (class, next) = self.class(at);
            let other = match (class, self.byte(at)) {
                (Class::AsciiLetter, _) => {
                    at = next;
                    continue;
                }
                (_, b'.') => self.domain_first(next).or_else(|| self.file_next(next)),
                (_, b'-') => self.label_first(next).or_else(|| self.hyphen_first(next, Kind::AsciiHyphenated)),
                (_, b'_') => self.label_first(next),
                (_, b'@') => self.email(next),
                (_, b':') => self.protocol(next),
                (_, b'/') => self.file_first(next),
                (Class::Digit, _) => return self.label(next).unwrap_or_else(|| self.num_word(next)),
                (Class::Letter | Class::Sign, _) => return self.word(next),
                _ => None,
            };
            return other.unwrap_or((at, Kind::AsciiWord));
        }
    }

    fn word(&self, mut at: usize) -> (usize, Kind) {
        loop {
            let (class, next) = self.class(at);
            match (class, self.byte(at)) {
                (Class::AsciiLetter | Class::Letter | Class::Sign, _) => at = next,
                (Class::Digit, _) => return self.num_word(next),
                (_, b'-') => return self.hyphen_first(next, Kind::Hyphenated).unwrap_or((at, Kind::Word)),
                _ => return (at, Kind::Word),
            }
        }
    }

    fn num_word(&self, mut at: usize) -> (usize, Kind) {
        loop {
            let (class, next) = self.class(at);
            let other = match (class, self.byte(at)) {
                (Class::AsciiLetter | Class::Letter | Class::Digit | Class::Sign, _) => {
                    at = next;
                    continue;
                }
                (_, b'@') => self.email(next),
                (_, b'/') => self.file_first(next),
                (_, b'.') => self.file_next(next),
                (_, b'-') => self.hyphen_first(next, Kind::NumHyphenated),
                _ => None,
            };
            return other.unwrap_or((at, Kind::NumWord));
        }
    }

    /// Behind a hyphen in a word that is of this kind so far.
    fn hyphen_first(&self, at: usize, so_far: Kind) -> Found {
        let (class, next) = self.class(at);
        match (class, so_far) {
            (Class::AsciiLetter, Kind::AsciiHyphenated) => self.hyphenated(next, so_far),
            (Class::AsciiLetter | Class::Letter, Kind::AsciiHyphenated | Kind::Hyphenated) => {
                self.hyphenated(next, Kind::Hyphenated)
            }
            (Class::AsciiLetter | Class::Letter, _) => self.hyphenated(next, Kind::NumHyphenated),
            (Class::Digit, _) => {
                // `a-1` is a word and a number, `a-1b` a word.
                let behind = self.digits(next);
                let letter = matches!(self.class(behind).0, Class::AsciiLetter | Class::Letter | Class::Sign);
                if letter { self.hyphenated(behind, Kind::NumHyphenated) } else { None }
            }
            (Class::Sign | Class::Other | Class::End, _) => None,
        }
    }

    /// Within the last part so far.
    fn hyphenated(&self, mut at: usize, mut kind: Kind) -> Found {
        loop {
            let (class, next) = self.class(at);
            match (class, self.byte(at)) {
                (Class::AsciiLetter, _) => {}
                (Class::Letter | Class::Sign, _) => {
                    if kind == Kind::AsciiHyphenated {
                        kind = Kind::Hyphenated;
                    }
                }
                (Class::Digit, _) => kind = Kind::NumHyphenated,
                (_, b'-') => return self.hyphen_first(next, kind).or(Some((at, kind))),
                _ => return Some((at, kind)),
            }
            at = next;
        }
    }

    /// The parts of a hyphenated word, and what is between them.
    fn parts(&self, mut at: usize, end: usize, out: &mut Vec<Token>) {
        while at < end {
            let from = at;
            let mut kind = Kind::AsciiPart;
            while at < end {
                let (class, next) = self.class(at);
                match class {
                    Class::AsciiLetter => {}
                    Class::Letter | Class::Sign if kind == Kind::AsciiPart => kind = Kind::Part,
                    Class::Letter | Class::Sign => {}
                    Class::Digit => kind = Kind::NumPart,
                    Class::Other | Class::End => break,
                }
                at = next;
            }
            if at > from {
                out.push(Token { kind, from, to: at });
            }
            if at < end {
                out.push(Token { kind: Kind::Blank, from: at, to: at + 1 });
                at += 1;
            }
        }
    }

    fn unsigned(&self, mut at: usize) -> (usize, Kind) {
        at = self.digits(at);
        let (class, next) = self.class(at);
        let other = match (class, self.byte(at)) {
            (_, b'.') => self.domain_first(next).or_else(|| self.fraction(next, true)),
            (_, b'-') => self.label_first(next),
            (_, b'_') => self.label_first(next),
            (_, b'@') => self.email(next),
            (_, b'/') => self.file_first(next),
            (_, b'e' | b'E') => {
                return self.power(next).or_else(|| self.label(next)).unwrap_or_else(|| self.num_word(next));
            }
            (Class::AsciiLetter, _) => return self.label(next).unwrap_or_else(|| self.num_word(next)),
            (Class::Letter | Class::Sign, _) => return self.num_word(next),
            _ => None,
        };
        other.unwrap_or((at, Kind::Unsigned))
    }

    /// Behind a sign.
    fn signed(&self, at: usize) -> Found {
        if !self.is_digit(at) {
            return None;
        }
        let end = self.digits(at);
        let more = match self.byte(end) {
            b'.' => self.fraction(end + 1, false),
            b'e' | b'E' => self.power(end + 1),
            _ => None,
        };
        more.or(Some((end, Kind::Integer)))
    }

    /// Behind a number's point.
    fn fraction(&self, at: usize, may_be_version: bool) -> Found {
        if !self.is_digit(at) {
            return None;
        }
        let end = self.digits(at);
        let more = match self.byte(end) {
            b'.' if may_be_version => self.version(end + 1),
            b'e' | b'E' => self.power(end + 1),
            _ => None,
        };
        more.or(Some((end, Kind::Decimal)))
    }

    fn version(&self, at: usize) -> Found {
        if !self.is_digit(at) {
            return None;
        }
        let mut end = self.digits(at);
        while self.byte(end) == b'.' && self.is_digit(end + 1) {
            end = self.digits(end + 1);
        }
        Some((end, Kind::Version))
    }

    /// Behind a number's `e`.
    fn power(&self, at: usize) -> Found {
        let digits = if matches!(self.byte(at), b'+' | b'-') { at + 1 } else { at };
        self.is_digit(digits).then(|| (self.digits(digits), Kind::Scientific))
    }

    /// In a host's name or what may become one, behind a hyphen.
    fn label_first(&self, at: usize) -> Found {
        if self.is_digit(at) || self.is_ascii_letter(at) { self.label(at + 1) } else { None }
    }

    /// In a label that cannot be a host's last one.
    fn label(&self, mut at: usize) -> Found {
        while self.is_digit(at) || self.is_ascii_letter(at) {
            at += 1;
        }
        match self.byte(at) {
            b'@' => self.email(at + 1),
            b'.' => self.domain_first(at + 1),
            b'-' | b'_' => self.label_first(at + 1),
            _ => None,
        }
    }

    /// Behind a point in a host's name.
    fn domain_first(&self, at: usize) -> Found {
        match self.byte(at) {
            byte if byte.is_ascii_digit() => self.label(at + 1),
            byte if byte.is_ascii_alphabetic() => self.domain_second(at + 1),
            _ => None,
        }
    }

    fn domain_second(&self, at: usize) -> Found {
        match self.byte(at) {
            byte if byte.is_ascii_alphabetic() => self.domain(at + 1),
            byte if byte.is_ascii_digit() => self.label(at + 1),
            b'-' | b'_' => self.label_first(at + 1),
            b'.' => self.domain_first(at + 1),
            b'@' => self.email(at + 1),
            _ => None,
        }
    }

    /// In a label that may be a host's last one.
    fn domain(&self, mut at: usize) -> Found {
        while self.is_ascii_letter(at) {
            at += 1;
        }
        let more = match self.byte(at) {
            byte if byte.is_ascii_digit() => return self.label(at + 1),
            b':' => self.port(at + 1),
            b'-' | b'_' => self.label_first(at + 1),
            b'.' => self.domain_first(at + 1),
            b'@' => self.email(at + 1),
            b'/' => self.url_path(at + 1),
            _ => None,
        };
        more.or(Some((at, Kind::Host)))
    }

    fn port(&self, at: usize) -> Found {
        if !self.is_digit(at) {
            return None;
        }
        let end = self.digits(at);
        let more = if self.byte(end) == b'/' { self.url_path(end + 1) } else { None };
        more.or(Some((end, Kind::Host)))
    }

    /// Behind the slash behind a host.
    fn url_path(&self, mut at: usize) -> Found {
        if self.host_alone {
            return None;
        }
        let from = at;
        while is_url_byte(self.byte(at)) {
            at += 1;
        }
        (at > from).then_some((at, Kind::Url))
    }

    /// Where the host that begins here ends, whatever is behind it.
    fn host_end(&self, at: usize) -> Option<usize> {
        let alone = Scan { host_alone: true, ..*self };
        match alone.token(at) {
            (end, Kind::Host) => Some(end),
            _ => None,
        }
    }

    /// Behind `@`.
    fn email(&self, at: usize) -> Found {
        if self.host_alone {
            return None;
        }
        self.host_end(at).map(|end| (end, Kind::Email))
    }

    fn protocol(&self, at: usize) -> Found {
        self.text.get(at..)?.starts_with(b"//").then_some((at + 2, Kind::Protocol))
    }

    fn home(&self, at: usize) -> Found {
        if self.byte(at) == b'/' { self.file_first(at + 1) } else { self.file_next(at) }
    }

    /// Behind a point at the beginning.
    fn path_first(&self, at: usize) -> Found {
        match self.byte(at) {
            b'/' => self.file_first(at + 1),
            b'.' => self.path_second(at + 1),
            _ => None,
        }
    }

    fn path_second(&self, at: usize) -> Found {
        match self.byte(at) {
            b'/' => self.file_first(at + 1).or(Some((at, Kind::File))),
            0 | b' ' => Some((at, Kind::File)),
            _ => None,
        }
    }

    /// Behind a slash in a file's name.
    fn file_first(&self, at: usize) -> Found {
        match self.byte(at) {
            b'.' => self.path_first(at + 1).or_else(|| self.file_next(at + 1)),
            b'~' => self.home(at + 1),
            _ => self.file_next(at),
        }
    }

    fn file_next(&self, at: usize) -> Found {
        let (class, next) = self.class(at);
        match (class, self.byte(at)) {
            (Class::AsciiLetter | Class::Digit, _) | (_, b'_') => self.file(next),
            _ => None,
        }
    }

    fn file(&self, mut at: usize) -> Found {
        loop {
            let (class, next) = self.class(at);
            let more = match (class, self.byte(at)) {
                (Class::AsciiLetter | Class::Digit, _) | (_, b'_' | b'-') => {
                    at = next;
                    continue;
                }
                (_, b'.') => self.file_next(next),
                (_, b'/') => self.file_first(next),
                _ => None,
            };
            return more.or(Some((at, Kind::File)));
        }
    }
}

fn is_url_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_taken_apart_as_in_postgresql() {
        let cases = [
            ("foo-bar 12", "16:foo-bar 11:foo 12:- 11:bar 12:  22:12"),
            ("a-b-1", "16:a-b 11:a 12:- 11:b 12:- 22:1"),
            ("é-1 a_b", "2:é 21:-1 12:  1:a 12:_ 1:b"),
            ("http://a.bc:80/d?x a@b.cd", "14:http:// 5:a.bc:80/d?x 6:a.bc:80 18:/d?x 12:  4:a@b.cd"),
            ("a@b.com-a@b.com", "4:a@b.com 12:- 4:a@b.com"),
            ("1.2.3 -1.5e3 1e5 +2", "8:1.2.3 12:  7:-1.5e3 12:  7:1e5 12:  21:+2"),
            ("../a /a/../b ~/c a./b", "19:../a 12:  19:/a/../b 12: ~ 19:/c 12:  1:a 19:./b"),
            ("&amp; <b x=\"<\">y</b> <1>", "23:&amp; 12:  13:<b x=\"<\"> 1:y 13:</b> 12:  12:< 22:1 12:>"),
            ("<script>x 1</script>z", "13:<script> 12:x 1 13:</script> 1:z"),
        ];
        for (text, expected) in cases {
            let shown: Vec<String> =
                tokens(text).iter().map(|t| format!("{}:{}", t.kind as u8, &text[t.from..t.to])).collect();
            assert_eq!(shown.join(" "), expected, "{text}");
        }
    }

    #[test]
    fn every_byte_is_in_a_token_once() {
        use rand::rngs::StdRng;
        use rand::{Rng, SeedableRng};
        let parts = [
            "a", "1", ".", "-", "_", "@", "/", ":", "://", "e", "+", " ", "~", "com", "&", "#", ";", "<", ">", "é",
            "\u{301}", "€", "\"",
        ];
        let mut random = StdRng::seed_from_u64(15);
        for _ in 0..5000 {
            let text: String =
                (0..random.random_range(0..20)).map(|_| parts[random.random_range(0..parts.len())]).collect();
            let mut at = 0;
            for token in tokens(&text) {
                assert!(token.to > token.from && text.is_char_boundary(token.to), "{text}");
                // Parts follow the whole.
                assert!(token.from <= at, "{text}");
                at = at.max(token.to);
            }
            assert_eq!(at, text.len(), "{text}");
        }
    }
}
