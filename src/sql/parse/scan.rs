//! PostgreSQL's scanner: a text as tokens, cut as its lexer (scan.l) cuts them, handed to sqlparser as its own tokens.
//!
//! sqlparser's tokenizer is made for many dialects; where it differs from PostgreSQL's, the text would mean something else:
//! operators that a sign or a comment follows (`2<>-3`, `2</* */3`), strings that go on in the next line, bytes in `E'…'`,
//! dollar signs inside `$$…$$`, what is written right behind a number.

use std::sync::LazyLock;

use sqlparser::ast::DollarQuotedString;
use sqlparser::keywords::{ALL_KEYWORDS, ALL_KEYWORDS_INDEX, Keyword};
use sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan, Tokenizer, Word};

use super::dialect::DuckgateDialect;
use super::rewrite::MARK;
use super::source::Source;
use super::unicode;
use crate::error::{Error, Result, SqlState};
use crate::facts;

/// The longest of sqlparser's keywords, in bytes, with some room.
const LONGEST_KEYWORD: usize = 48;
/// The memory of long texts is counted so many tokens at a time, shorter ones have no need of it; and what a token takes until its statement
/// is compiled, in bytes: measured with a million of them, in VALUES 700, in ARRAY and IN up to 1500.
const COUNTED: usize = 2048;
const A_TOKEN: usize = 1024;
/// How many bytes of a text make a token, about.
const BYTES_A_TOKEN: usize = 4;

static KEYWORDS: LazyLock<facts::Map<&'static [u8], Keyword>> = LazyLock::new(|| {
    let words = ALL_KEYWORDS.iter().zip(ALL_KEYWORDS_INDEX);
    words.filter(|(word, _)| word.len() <= LONGEST_KEYWORD).map(|(word, keyword)| (word.as_bytes(), *keyword)).collect()
});

/// sqlparser's keyword that a word without quotes is.
pub(super) fn keyword(word: &str) -> Keyword {
    let mut upper = [0_u8; LONGEST_KEYWORD];
    let Some(upper) = upper.get_mut(..word.len()) else { return Keyword::NoKeyword };
    upper.copy_from_slice(word.as_bytes());
    upper.make_ascii_uppercase();
    KEYWORDS.get(&*upper).copied().unwrap_or(Keyword::NoKeyword)
}

/// The text's tokens without blanks and comments.
///
/// # Errors
/// 42601 and its kin for what is no token, in PostgreSQL's words and at its position.
pub(super) fn scan(source: &Source) -> Result<Vec<TokenWithSpan>> {
    let mut scanner = Scanner { source, text: &source.text, at: 0, place: Location { line: 1, column: 1 } };
    let mut out: Vec<TokenWithSpan> = Vec::with_capacity((scanner.text.len() / BYTES_A_TOKEN + 1).min(COUNTED));
    loop {
        scanner.blanks()?;
        let start = scanner.place;
        let Some(token) = scanner.token()? else { return Ok(out) };
        let token = TokenWithSpan { token, span: Span { start, end: scanner.place } };
        if matches!(token.token, Token::SingleQuotedString(_)) {
            beside(&out, &token, source)?;
        }
        out.push(token);
        if out.len().is_multiple_of(COUNTED) {
            source.memory.take(COUNTED * A_TOKEN)?;
        }
    }
}

/// Two strings side by side are nothing; sqlparser would take the second as an alias.
fn beside(before: &[TokenWithSpan], string: &TokenWithSpan, source: &Source) -> Result<()> {
    let is = |token: &TokenWithSpan, text: &str| match &token.token {
        Token::Word(word) => word.quote_style.is_none() && word.value.eq_ignore_ascii_case(text),
        _ => false,
    };
    match before {
        // DO LANGUAGE 'plpgsql', behind which the block may follow.
        [.., first, second, name] if is(first, "do") && is(second, "language") && is_string(&name.token) => Ok(()),
        [.., last] if is_string(&last.token) => Err(source.syntax_error(Some(string))),
        _ => Ok(()),
    }
}

fn is_string(token: &Token) -> bool {
    matches!(
        token,
        Token::SingleQuotedString(_)
            | Token::EscapedStringLiteral(_)
            | Token::NationalStringLiteral(_)
            | Token::HexStringLiteral(_)
            | Token::SingleQuotedByteStringLiteral(_)
            | Token::UnicodeStringLiteral(_)
    )
}

/// ident_start: letters, the underscore, everything outside of ASCII.
fn begins_word(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

/// ident_cont
fn goes_on(byte: u8) -> bool {
    begins_word(byte) || byte.is_ascii_digit() || byte == b'$'
}

/// op_chars
fn is_operator(byte: u8) -> bool {
    matches!(
        byte,
        b'~' | b'!'
            | b'@'
            | b'#'
            | b'^'
            | b'&'
            | b'|'
            | b'`'
            | b'?'
            | b'+'
            | b'-'
            | b'*'
            | b'/'
            | b'%'
            | b'<'
            | b'>'
            | b'='
    )
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'\x0c')
}

struct Scanner<'a> {
    source: &'a Source,
    text: &'a str,
    /// The byte that comes next, and where it stands.
    at: usize,
    place: Location,
}

impl<'a> Scanner<'a> {
    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn peek(&self, n: usize) -> u8 {
        self.rest().get(n).copied().unwrap_or(0)
    }

    /// Goes on by so many bytes, which end with a character.
    fn pass(&mut self, bytes: usize) -> &'a str {
        let passed = &self.text[self.at..self.at + bytes];
        for byte in passed.bytes() {
            if byte == b'\n' {
                self.place = Location { line: self.place.line + 1, column: 1 };
            } else if byte & 0xC0 != 0x80 {
                self.place.column += 1;
            }
        }
        self.at += bytes;
        passed
    }

    fn pass_while(&mut self, part: impl Fn(u8) -> bool) -> &'a str {
        let length = self.rest().iter().take_while(|byte| part(**byte)).count();
        self.pass(length)
    }

    /// `message at or near "…"`, from here to the end of the text.
    fn unterminated(&self, what: &str) -> Error {
        let rest = self.text.get(self.at..).unwrap_or_default();
        Error::syntax(format!("unterminated {what} at or near \"{rest}\"")).at(self.source.position(self.place))
    }

    fn blanks(&mut self) -> Result<()> {
        loop {
            match self.peek(0) {
                byte if is_blank(byte) => drop(self.pass_while(is_blank)),
                b'-' if self.peek(1) == b'-' => self.line_comment(),
                b'/' if self.peek(1) == b'*' => self.comment()?,
                _ => return Ok(()),
            }
        }
    }

    fn line_comment(&mut self) {
        self.pass_while(|byte| !matches!(byte, b'\n' | b'\r'));
    }

    /// `/* … */`, which nest.
    fn comment(&mut self) -> Result<()> {
        let (rest, mut depth, mut length) = (self.rest(), 0_usize, 0);
        while let Some(pair) = rest.get(length..length + 2) {
            match pair {
                b"/*" => depth += 1,
                b"*/" => depth -= 1,
                _ => {
                    length += 1;
                    continue;
                }
            }
            length += 2;
            if depth == 0 {
                self.pass(length);
                return Ok(());
            }
        }
        Err(self.unterminated("/* comment"))
    }

    fn token(&mut self) -> Result<Option<Token>> {
        let single = |scanner: &mut Self, token| {
            scanner.pass(1);
            token
        };
        let token = match (self.peek(0), self.peek(1)) {
            (0, _) if self.rest().is_empty() => return Ok(None),
            (b'\'', _) => Token::SingleQuotedString(self.string(0, "quoted string")?),
            (b'b' | b'B', b'\'') => Token::SingleQuotedByteStringLiteral(self.string(1, "bit string literal")?),
            (b'x' | b'X', b'\'') => Token::HexStringLiteral(self.string(1, "hexadecimal string literal")?),
            (b'n' | b'N', b'\'') => Token::NationalStringLiteral(self.string(1, "quoted string")?),
            (b'e' | b'E', b'\'') => Token::EscapedStringLiteral(self.escaped()?),
            (b'u' | b'U', b'&') if self.peek(2) == b'\'' => Token::UnicodeStringLiteral(self.unicode_string()?),
            (b'u' | b'U', b'&') if self.peek(2) == b'"' => self.quoted_name(2)?,
            (b'"', _) => self.quoted_name(0)?,
            (byte, _) if begins_word(byte) => {
                let word = self.pass_while(goes_on);
                Token::Word(Word { value: word.to_owned(), quote_style: None, keyword: keyword(word) })
            }
            (b'0'..=b'9', _) | (b'.', b'0'..=b'9') => self.number()?,
            (b'$', _) => self.dollar()?,
            (byte, _) if is_operator(byte) => self.operator(),
            (b':', b':') => {
                self.pass(2);
                Token::DoubleColon
            }
            (b':', b'=') => {
                self.pass(2);
                Token::Assignment
            }
            (b'(', _) => single(self, Token::LParen),
            (b')', _) => single(self, Token::RParen),
            (b'[', _) => single(self, Token::LBracket),
            (b']', _) => single(self, Token::RBracket),
            (b'{', _) => single(self, Token::LBrace),
            (b'}', _) => single(self, Token::RBrace),
            (b',', _) => single(self, Token::Comma),
            (b';', _) => single(self, Token::SemiColon),
            (b':', _) => single(self, Token::Colon),
            (b'.', _) => single(self, Token::Period),
            (b'\\', _) => single(self, Token::Backslash),
            (byte, _) => single(self, Token::Char(char::from(byte))),
        };
        Ok(Some(token))
    }

    /// What stands between quotes, with doubled ones as one, `prefix` bytes from here; `what` it is called where it does not end.
    /// Behind a line break it may go on (quotecontinue).
    fn string(&mut self, prefix: usize, what: &str) -> Result<String> {
        let start = (self.at, self.place);
        self.pass(prefix);
        let mut value = String::new();
        loop {
            self.pass(1);
            loop {
                let Some(length) = self.rest().iter().position(|byte| *byte == b'\'') else {
                    (self.at, self.place) = start;
                    return Err(self.unterminated(what));
                };
                value.push_str(self.pass(length));
                if self.peek(1) != b'\'' {
                    break;
                }
                value.push_str(&self.pass(2)[..1]);
            }
            self.pass(1);
            if !self.continued() {
                return Ok(value);
            }
        }
    }

    /// Goes to the quote in a following line, with nothing but blanks and line comments in between, if there is one.
    fn continued(&mut self) -> bool {
        let behind = (self.at, self.place);
        loop {
            match self.peek(0) {
                byte if is_blank(byte) => drop(self.pass_while(is_blank)),
                b'-' if self.peek(1) == b'-' => self.line_comment(),
                b'\'' if self.text[behind.0..self.at].contains(['\n', '\r']) => return true,
                _ => break,
            }
        }
        (self.at, self.place) = behind;
        false
    }

    /// `E'…'`: escapes give bytes, which have to be UTF-8 in the end.
    fn escaped(&mut self) -> Result<String> {
        let start = (self.at, self.place);
        self.pass(1);
        let mut value = Vec::new();
        let mut high: Option<u32> = None;
        loop {
            self.pass(1);
            loop {
                if high.is_some() && !(self.peek(0) == b'\\' && matches!(self.peek(1), b'u' | b'U')) {
                    let next = self.text[self.at..].chars().next().map(String::from).unwrap_or_default();
                    return Err(self.near("invalid Unicode surrogate pair", &next));
                }
                match (self.peek(0), self.peek(1)) {
                    (0, _) if self.rest().is_empty() => {
                        (self.at, self.place) = start;
                        return Err(self.unterminated("quoted string"));
                    }
                    (b'\'', b'\'') => value.push(self.pass(2).as_bytes()[0]),
                    (b'\'', _) => break,
                    (b'\\', b'u' | b'U') => {
                        if let Some(c) = self.escaped_unicode(&mut high)? {
                            value.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                        }
                    }
                    (b'\\', b'0'..=b'7') => {
                        self.pass(1);
                        value.push(self.code(8, 3));
                    }
                    (b'\\', b'x') if self.peek(2).is_ascii_hexdigit() => {
                        self.pass(2);
                        value.push(self.code(16, 2));
                    }
                    (b'\\', byte) => {
                        self.pass(1);
                        match byte {
                            b'b' => value.push(8),
                            b'f' => value.push(12),
                            b'n' => value.push(b'\n'),
                            b'r' => value.push(b'\r'),
                            b't' => value.push(b'\t'),
                            _ => {
                                let length = self.text[self.at..].chars().next().map_or(0, char::len_utf8);
                                value.extend_from_slice(self.pass(length).as_bytes());
                                continue;
                            }
                        }
                        self.pass(1);
                    }
                    _ => value.extend_from_slice(self.pass_while(|byte| !matches!(byte, b'\'' | b'\\')).as_bytes()),
                }
            }
            self.pass(1);
            if !self.continued() {
                break;
            }
        }
        crate::types::binary::text(&value).map(str::to_owned)
    }

    /// Up to so many digits to this base, as a byte.
    fn code(&mut self, base: u32, digits: usize) -> u8 {
        let length = self.rest().iter().take(digits).take_while(|byte| char::from(**byte).is_digit(base)).count();
        let digits = self.pass(length);
        // Three octal digits may be more than a byte: what is above is cut off.
        u32::from_str_radix(digits, base).unwrap_or_default() as u8
    }

    /// `\uXXXX` and `\UXXXXXXXX`; the first half of a surrogate pair waits in `high`.
    fn escaped_unicode(&mut self, high: &mut Option<u32>) -> Result<Option<char>> {
        let digits = if self.peek(1) == b'u' { 4 } else { 8 };
        let code =
            self.text.get(self.at + 2..self.at + 2 + digits).filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()));
        let Some(code) = code.and_then(|text| u32::from_str_radix(text, 16).ok()) else {
            let error = Error::new(SqlState::INVALID_ESCAPE_SEQUENCE, "invalid Unicode escape");
            let error = error.hint("Unicode escapes must be \\uXXXX or \\UXXXXXXXX.");
            return Err(error.at(self.source.position(self.place)));
        };
        let written = &self.text[self.at..self.at + 2 + digits];
        let (code, known) = match (high.take(), code) {
            (None, 0xD800..=0xDBFF) => {
                *high = Some(code);
                self.pass(2 + digits);
                return Ok(None);
            }
            (Some(first), 0xDC00..=0xDFFF) => (0x10000 + ((first - 0xD800) << 10) + (code - 0xDC00), true),
            (None, 0xDC00..=0xDFFF) | (Some(_), _) => (code, false),
            (None, _) => (code, true),
        };
        if !known {
            return Err(self.near("invalid Unicode surrogate pair", written));
        }
        match char::from_u32(code).filter(|c| *c != '\0') {
            Some(c) => {
                self.pass(2 + digits);
                Ok(Some(c))
            }
            None => Err(self.near("invalid Unicode escape value", written)),
        }
    }

    /// `message at or near "…"`, here.
    fn near(&self, message: &str, text: &str) -> Error {
        Error::syntax(format!("{message} at or near \"{text}\"")).at(self.source.position(self.place))
    }

    /// `U&'…'`, with UESCAPE behind it.
    fn unicode_string(&mut self) -> Result<String> {
        let first = self.source.position(self.place) + 3;
        let written = self.string(2, "quoted string")?;
        let sign = self.escape_sign()?;
        unicode::decoded(&written, sign, first)
    }

    /// The character behind UESCAPE if that follows, the backslash otherwise.
    fn escape_sign(&mut self) -> Result<char> {
        let behind = (self.at, self.place);
        self.blanks()?;
        let named = self.rest().get(..7).is_some_and(|word| word.eq_ignore_ascii_case(b"uescape"));
        if named && !goes_on(self.peek(7)) {
            self.pass(7);
            self.blanks()?;
            if self.peek(0) == b'\'' {
                let (start, place) = (self.at, self.place);
                let text = self.string(0, "quoted string")?;
                return unicode::sign(&text).ok_or_else(|| {
                    let written = &self.text[start..self.at];
                    let message = format!("invalid Unicode escape character at or near \"{written}\"");
                    Error::syntax(message).at(self.source.position(place))
                });
            }
        }
        (self.at, self.place) = behind;
        Ok('\\')
    }

    /// `"…"`, `prefix` bytes from here; with one it is `U&"…"`.
    fn quoted_name(&mut self, prefix: usize) -> Result<Token> {
        let (start, place) = (self.at, self.place);
        self.pass(prefix + 1);
        let mut value = String::new();
        loop {
            let Some(length) = self.rest().iter().position(|byte| *byte == b'"') else {
                (self.at, self.place) = (start, place);
                return Err(self.unterminated("quoted identifier"));
            };
            value.push_str(self.pass(length));
            if self.peek(1) != b'"' {
                break;
            }
            value.push_str(&self.pass(2)[..1]);
        }
        self.pass(1);
        let written = &self.text[start..self.at];
        if value.is_empty() {
            let message = format!("zero-length delimited identifier at or near \"{written}\"");
            return Err(Error::syntax(message).at(self.source.position(place)));
        }
        if prefix > 0 {
            let sign = self.escape_sign()?;
            value = unicode::decoded(&value, sign, self.source.position(place) + prefix as u32 + 1)?;
        }
        if value.starts_with(MARK) {
            return Err(Error::syntax(format!("syntax error at or near \"{written}\"")).at(self.source.position(place)));
        }
        Ok(Token::Word(Word { value, quote_style: Some('"'), keyword: Keyword::NoKeyword }))
    }

    /// What begins like a number; a word right behind it is junk.
    fn number(&mut self) -> Result<Token> {
        let rest = self.rest();
        let digits = |from: usize| rest.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count();
        let byte = |at: usize| rest.get(at).copied().unwrap_or(0);
        let mut length = digits(0);
        // `1..2` is 1, and two periods.
        if byte(length) == b'.' && !(length > 0 && byte(length + 1) == b'.') {
            length += 1;
            length += digits(length);
        }
        let mut junk = 0;
        if matches!(byte(length), b'e' | b'E') {
            let sign = usize::from(matches!(byte(length + 1), b'+' | b'-'));
            match digits(length + 1 + sign) {
                0 if sign == 1 => junk = 2,
                0 => {}
                exponent => length += 1 + sign + exponent,
            }
        }
        if junk == 0 && begins_word(byte(length)) {
            junk = rest[length..].iter().take_while(|byte| goes_on(**byte)).count();
        }
        if junk > 0 {
            let text = &self.text[self.at..self.at + length + junk];
            return Err(self.near("trailing junk after numeric literal", text));
        }
        Ok(Token::Number(self.pass(length).to_owned(), false))
    }

    /// `$1`, or `$tag$ … $tag$`; a dollar sign that begins neither stands for itself.
    fn dollar(&mut self) -> Result<Token> {
        let rest = self.rest();
        let digits = rest[1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits > 0 {
            let length = 1 + digits;
            let junk = match rest.get(length) {
                Some(byte) if begins_word(*byte) => rest[length..].iter().take_while(|byte| goes_on(**byte)).count(),
                _ => 0,
            };
            if junk > 0 {
                let text = &self.text[self.at..self.at + length + junk];
                return Err(self.near("trailing junk after parameter", text));
            }
            return Ok(Token::Placeholder(self.pass(length).to_owned()));
        }
        let name = rest[1..].iter().take_while(|byte| goes_on(**byte) && **byte != b'$').count();
        if rest.get(1 + name) != Some(&b'$') {
            self.pass(1);
            return Ok(Token::Char('$'));
        }
        let tag = &self.text[self.at..self.at + name + 2];
        let Some(length) = self.text[self.at + tag.len()..].find(tag) else {
            return Err(self.unterminated("dollar-quoted string"));
        };
        self.pass(tag.len());
        let value = self.pass(length).to_owned();
        self.pass(tag.len());
        let tag = (name > 0).then(|| tag[1..=name].to_owned());
        Ok(Token::DollarQuotedString(DollarQuotedString { value, tag }))
    }

    fn operator(&mut self) -> Token {
        let rest = self.rest();
        let mut length = rest.iter().take_while(|byte| is_operator(**byte)).count();
        // A comment ends it.
        if let Some(comment) = rest[..length].windows(2).position(|pair| pair == b"/*" || pair == b"--") {
            length = comment;
        }
        // A sign at the end belongs to what follows, unless the operator says otherwise before it.
        while length > 1 && matches!(rest[length - 1], b'+' | b'-') {
            let signed =
                |byte: &u8| matches!(byte, b'~' | b'!' | b'@' | b'#' | b'^' | b'&' | b'|' | b'`' | b'?' | b'%');
            if rest[..length - 1].iter().any(signed) {
                break;
            }
            length -= 1;
        }
        operator(self.pass(length))
    }
}

/// sqlparser's token for an operator.
fn operator(text: &str) -> Token {
    match text {
        "=" => Token::Eq,
        "<" => Token::Lt,
        ">" => Token::Gt,
        "<=" => Token::LtEq,
        ">=" => Token::GtEq,
        "<>" | "!=" => Token::Neq,
        "+" => Token::Plus,
        "-" => Token::Minus,
        "*" => Token::Mul,
        "/" => Token::Div,
        "%" => Token::Mod,
        "||" => Token::StringConcat,
        _ => {
            let alone = Tokenizer::new(&DuckgateDialect::default(), text).tokenize().unwrap_or_default();
            match <[Token; 1]>::try_from(alone) {
                Ok([token]) => token,
                Err(_) => Token::CustomBinaryOperator(text.to_owned()),
            }
        }
    }
}
