//! Entities and tags of XML in a text.

use super::{Class, Found, Kind, Scan, Token};

impl Scan<'_> {
    /// Behind `&`.
    pub(super) fn entity(&self, mut at: usize) -> Found {
        if self.byte(at) == b'#' {
            let hex = matches!(self.byte(at + 1), b'x' | b'X');
            let from = if hex { at + 2 } else { at + 1 };
            at = from;
            while if hex { self.byte(at).is_ascii_hexdigit() } else { self.is_digit(at) } {
                at += 1;
            }
            return (at > from && self.byte(at) == b';').then_some((at + 1, Kind::Entity));
        }
        if !is_name_start(self.byte(at)) {
            return None;
        }
        let end = self.name_end(at);
        (self.byte(end) == b';').then_some((end + 1, Kind::Entity))
    }

    /// Behind `<`.
    pub(super) fn tag(&self, at: usize) -> Found {
        let rest = self.text.get(at..)?;
        if let Some(comment) = rest.strip_prefix(b"!--") {
            let end = memchr::memmem::find(comment, b"-->")?;
            return Some((at + 3 + end + 3, Kind::Tag));
        }
        let name = match rest {
            [b'!', b'd' | b'D', ..] | [b'?', b'x', ..] => return self.attributes(at + 2),
            [b'/', first, ..] if first.is_ascii_alphabetic() => at + 1,
            _ => at,
        };
        let end = self.tag_name(name)?;
        match self.byte(end) {
            b'>' => Some((end + 1, Kind::Tag)),
            b'/' if self.byte(end + 1) == b'>' => Some((end + 2, Kind::Tag)),
            byte if is_blank(byte) => self.attributes(end + 1),
            _ => None,
        }
    }

    /// Behind a tag's name.
    fn tag_name(&self, at: usize) -> Option<usize> {
        is_name_start(self.byte(at)).then(|| self.name_end(at))
    }

    /// Behind a name of XML's.
    fn name_end(&self, mut at: usize) -> usize {
        loop {
            let (class, next) = self.class(at);
            match (class, self.byte(at)) {
                (Class::AsciiLetter | Class::Letter | Class::Digit, _) | (_, b':' | b'_' | b'.' | b'-') => at = next,
                _ => return at,
            }
        }
    }

    /// Behind a tag's name, to its end.
    fn attributes(&self, mut at: usize) -> Found {
        loop {
            match self.byte(at) {
                b'>' => return Some((at + 1, Kind::Tag)),
                quote @ (b'"' | b'\'') => {
                    at += 1;
                    while self.byte(at) != quote {
                        at += match self.byte(at) {
                            0 => return None,
                            b'\\' => 2,
                            _ => 1,
                        };
                    }
                    at += 1;
                }
                b'=' | b'-' | b'_' | b'#' | b'/' | b':' | b'.' | b'&' | b'?' | b'%' | b'~' => at += 1,
                byte if byte.is_ascii_alphanumeric() || is_blank(byte) => at += 1,
                _ => return None,
            }
        }
    }

    /// What a tag does to the text behind it: that of scripts and styles is no text.
    pub(super) fn hides(&self, token: Token) -> Option<bool> {
        let inner = self.whole.get(token.from + 1..token.to)?;
        let closes = inner.starts_with('/');
        let name = inner.trim_start_matches('/');
        let end = name.find(|c: char| c == '>' || c == '/' || is_blank(c as u8)).unwrap_or(name.len());
        let named = ["script", "style"].iter().any(|own| name[..end].eq_ignore_ascii_case(own));
        (named && !name[end..].starts_with('/')).then_some(!closes)
    }
}

fn is_name_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || matches!(byte, b':' | b'_')
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}
