//! Input of xml: what is not well-formed is refused. Output: PostgreSQL shows a document's declaration only if it says something.

use std::borrow::Cow;

use super::is_space;
use crate::error::{Error, Result, SqlState};

/// How deep elements may stand in each other, as libxml2 has it.
const MAX_DEPTH: usize = 256;

/// `xml_in` with XML OPTION CONTENT: text and elements in any order.
///
/// # Errors
/// 2200N for what is not well-formed, 0A000 for a document type declaration, which may define entities.
pub fn check(text: &str) -> Result<()> {
    let mut reader = Reader { rest: text };
    if text.strip_prefix("<?xml").is_some_and(|rest| rest.starts_with(is_space)) {
        let wrong = || Error::new(SqlState::INVALID_XML_CONTENT, "invalid XML content: invalid XML declaration");
        reader.rest = declaration(text).ok_or_else(wrong)?.1;
    }
    reader.content()
}

fn invalid() -> Error {
    Error::new(SqlState::INVALID_XML_CONTENT, "invalid XML content")
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn eat(&mut self, word: &str) -> bool {
        let found = self.rest.strip_prefix(word);
        self.rest = found.unwrap_or(self.rest);
        found.is_some()
    }

    fn expect(&mut self, word: &str) -> Result<()> {
        if self.eat(word) { Ok(()) } else { Err(invalid()) }
    }

    /// True if there were any.
    fn blanks(&mut self) -> bool {
        let rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
        let any = rest.len() < self.rest.len();
        self.rest = rest;
        any
    }

    /// What stands before `end`, which goes with it.
    fn until(&mut self, end: &str) -> Result<&'a str> {
        let (before, rest) = self.rest.split_once(end).ok_or_else(invalid)?;
        self.rest = rest;
        if before.chars().all(is_char) { Ok(before) } else { Err(invalid()) }
    }

    fn name(&mut self) -> Result<&'a str> {
        let is_more = |c: char| {
            begins_name(c)
                || matches!(c, '-' | '.' | '0'..='9' | '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}' | '\u{2040}')
        };
        let end = self.rest.find(|c: char| !is_more(c)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        if name.starts_with(begins_name) { Ok(name) } else { Err(invalid()) }
    }

    /// Behind `&`.
    fn reference(&mut self) -> Result<()> {
        let name = self.until(";")?;
        let known = match name.strip_prefix('#') {
            None => matches!(name, "lt" | "gt" | "amp" | "apos" | "quot"),
            Some(number) => {
                let (digits, radix) = number.strip_prefix('x').map_or((number, 10), |hex| (hex, 16));
                let plain = digits.bytes().all(|b| b.is_ascii_hexdigit());
                let code = u32::from_str_radix(digits, radix).ok().filter(|_| plain);
                code.and_then(char::from_u32).is_some_and(is_char)
            }
        };
        if known { Ok(()) } else { Err(invalid()) }
    }

    fn content(&mut self) -> Result<()> {
        let mut open: Vec<&str> = Vec::new();
        while !self.rest.is_empty() {
            if self.eat("<!--") {
                let comment = self.until("--")?;
                debug_assert!(!comment.contains("--"));
                self.expect(">")?;
            } else if self.eat("<![CDATA[") {
                self.until("]]>")?;
            } else if self.rest.starts_with("<!DOCTYPE") {
                return Err(Error::unsupported("a document type declaration in XML"));
            } else if self.eat("<?") {
                let target = self.name()?;
                let ends = self.rest.starts_with("?>") || self.rest.starts_with([' ', '\t', '\r', '\n']);
                if target.eq_ignore_ascii_case("xml") || !ends {
                    return Err(invalid());
                }
                self.until("?>")?;
            } else if self.eat("</") {
                if open.pop() != Some(self.name()?) {
                    return Err(invalid());
                }
                self.blanks();
                self.expect(">")?;
            } else if self.eat("<") {
                let name = self.name()?;
                if !self.attributes()? {
                    open.push(name);
                }
                if open.len() > MAX_DEPTH {
                    return Err(invalid());
                }
            } else if self.eat("&") {
                self.reference()?;
            } else {
                let end = self.rest.find(['<', '&']).unwrap_or(self.rest.len());
                let (text, rest) = self.rest.split_at(end);
                if text.contains("]]>") || !text.chars().all(is_char) {
                    return Err(invalid());
                }
                self.rest = rest;
            }
        }
        if open.is_empty() { Ok(()) } else { Err(invalid()) }
    }

    /// Up to the end of a tag; true if the element ends with it.
    fn attributes(&mut self) -> Result<bool> {
        let mut names = Vec::new();
        loop {
            let apart = self.blanks();
            if self.eat("/>") {
                return Ok(true);
            }
            if self.eat(">") {
                return Ok(false);
            }
            let name = self.name()?;
            if !apart || names.contains(&name) {
                return Err(invalid());
            }
            names.push(name);
            self.blanks();
            self.expect("=")?;
            self.blanks();
            let quote = if self.eat("\"") { "\"" } else { "'" };
            if quote == "'" {
                self.expect("'")?;
            }
            let mut value = Reader { rest: self.until(quote)? };
            while let Some(at) = value.rest.find(['<', '&']) {
                value.rest = &value.rest[at..];
                value.expect("&")?;
                value.reference()?;
            }
        }
    }
}

/// Char of XML 1.0.
fn is_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// NameStartChar of XML 1.0.
fn begins_name(c: char) -> bool {
    matches!(
        c,
        ':' | '_' | 'A'..='Z' | 'a'..='z' | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{2ff}'
            | '\u{370}'..='\u{37d}' | '\u{37f}'..='\u{1fff}' | '\u{200c}' | '\u{200d}' | '\u{2070}'..='\u{218f}'
            | '\u{2c00}'..='\u{2fef}' | '\u{3001}'..='\u{d7ff}' | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fffd}'
            | '\u{10000}'..='\u{effff}'
    )
}

/// The document as its output and send functions give it: a declaration of version 1.0 without `standalone` is left out, and
/// an encoding is, since the text goes in the client's. What begins with no declaration, or a broken one, stays as it is.
pub fn shown(text: &str) -> Cow<'_, str> {
    let Some((declaration, rest)) = declaration(text) else { return Cow::Borrowed(text) };
    if declaration.version == "1.0" && declaration.standalone.is_none() {
        return Cow::Borrowed(rest.strip_prefix('\n').unwrap_or(rest));
    }
    let standalone = match declaration.standalone {
        Some(standalone) => format!(" standalone=\"{standalone}\""),
        None => String::new(),
    };
    Cow::Owned(format!("<?xml version=\"{}\"{standalone}?>{rest}", declaration.version))
}

struct Declaration<'a> {
    version: &'a str,
    /// `yes` or `no`
    standalone: Option<&'a str>,
}

/// The declaration that the text begins with, and what follows it.
fn declaration(text: &str) -> Option<(Declaration<'_>, &str)> {
    let rest = text.strip_prefix("<?xml")?;
    let (version, mut rest) = attribute(rest, "version")?;
    if let Some((_, after)) = attribute(rest, "encoding") {
        rest = after;
    }
    let mut standalone = None;
    if let Some((value, after)) = attribute(rest, "standalone") {
        standalone = Some(value);
        rest = after;
    }
    if standalone.is_some_and(|value| !matches!(value, "yes" | "no")) {
        return None;
    }
    let rest = rest.trim_start_matches(is_space).strip_prefix("?>")?;
    Some((Declaration { version, standalone }, rest))
}

/// ` name = "value"`, with blanks before it: the value, and what follows.
fn attribute<'a>(text: &'a str, name: &str) -> Option<(&'a str, &'a str)> {
    let rest = text.trim_start_matches(is_space);
    if rest.len() == text.len() {
        return None;
    }
    let rest = rest.strip_prefix(name)?.trim_start_matches(is_space).strip_prefix('=')?.trim_start_matches(is_space);
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    rest[1..].split_once(quote)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As PostgreSQL 15 shows them.
    #[test]
    fn a_declaration_is_shown_if_it_says_something() {
        let cases = [
            ("<?xml version=\"1.0\"?><a/>", "<a/>"),
            ("<?xml version='1.0' encoding='UTF-8'?>\n\n<a/>", "\n<a/>"),
            (
                "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?><a/>",
                "<?xml version=\"1.0\" standalone=\"no\"?><a/>",
            ),
            ("<?xml version = \"1.1\" ?><a/>", "<?xml version=\"1.1\"?><a/>"),
            ("<?xml version=\"1.1\"?>\n<a/>", "<?xml version=\"1.1\"?>\n<a/>"),
            ("<?xml version=\"1.0\"?>", ""),
            ("<?xml-stylesheet href=\"a\"?><a/>", "<?xml-stylesheet href=\"a\"?><a/>"),
            ("<a/>", "<a/>"),
            (" <?xml version=\"1.0\"?><a/>", " <?xml version=\"1.0\"?><a/>"),
            ("", ""),
        ];
        for (text, expected) in cases {
            assert_eq!(shown(text), expected, "{text}");
        }
    }
}
