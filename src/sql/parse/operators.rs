//! Operators as PostgreSQL's lexer cuts them: `2<>-3` is `2 <> -3`, and `10^-3` has an operator `^-`, which there is not.

use std::borrow::Cow;

use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};

use super::dialect::DuckgateDialect;
use super::source::Source;

/// The characters of operators (op_chars).
const CHARACTERS: &str = "~!@#^&|`?+-*/%<>=";
/// An operator with one of these may end in plus or minus.
const SIGNS_AFTER: &str = "~!@#^&|`?%";

/// The text with blanks in the place of comments that stand right behind an operator's character (`2</* two */3`): there an
/// operator ends for PostgreSQL, and for the tokenizer it goes on. Nothing moves.
pub(super) fn without_comments_behind(text: &str) -> Cow<'_, str> {
    let begins = |rest: &str| rest.starts_with("/*") || rest.starts_with("--");
    let behind = |at: usize| text[..at].ends_with(|c| CHARACTERS.contains(c));
    let comments = text.match_indices("/*").chain(text.match_indices("--"));
    if !comments.into_iter().any(|(at, _)| behind(at)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let length = match rest.as_bytes()[0] {
            _ if begins(rest) => comment_length(rest).unwrap_or(rest.len()),
            b'\'' => quoted_length(rest, escapes(&text[..at])),
            b'"' => quoted_length(rest, false),
            b'$' => dollar_length(rest, &text[..at]),
            _ => rest.chars().next().map_or(1, char::len_utf8),
        };
        if begins(rest) && behind(at) && comment_length(rest).is_none() {
            // What does not end is told of as a comment.
            out.pop();
            out.push(' ');
            out.push_str(&rest[..length]);
        } else if begins(rest) && behind(at) {
            let blanks = rest[..length].chars().map(|c| if c == '\n' || c == '\r' { c } else { ' ' });
            out.extend(blanks);
        } else {
            out.push_str(&rest[..length]);
        }
        at += length;
    }
    Cow::Owned(out)
}

/// To the end of the line, or of what is nested; `None` if it does not end.
fn comment_length(rest: &str) -> Option<usize> {
    if rest.starts_with("--") {
        return Some(rest.find(['\n', '\r']).unwrap_or(rest.len()));
    }
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        let inner = &rest[at..];
        at += match inner {
            _ if inner.starts_with("/*") => {
                depth += 1;
                2
            }
            _ if inner.starts_with("*/") => {
                depth -= 1;
                2
            }
            _ => inner.chars().next().map_or(1, char::len_utf8),
        };
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

/// Does a backslash escape in the string that begins here (`E'…'`)?
fn escapes(before: &str) -> bool {
    let mut last = before.chars().rev();
    matches!(last.next(), Some('e' | 'E')) && !last.next().is_some_and(is_of_word)
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$' || !c.is_ascii()
}

fn quoted_length(rest: &str, escapes: bool) -> usize {
    let quote = rest.as_bytes()[0];
    let mut bytes = rest.bytes().enumerate().skip(1).peekable();
    while let Some((at, byte)) = bytes.next() {
        if byte == b'\\' && escapes {
            bytes.next();
        } else if byte == quote && bytes.next_if(|(_, next)| *next == quote).is_none() {
            return at + 1;
        }
    }
    rest.len()
}

/// `$tag$ … $tag$`; a dollar sign that begins none stands for itself.
fn dollar_length(rest: &str, before: &str) -> usize {
    let tag = rest[1..].find('$').map(|end| &rest[..end + 2]).filter(|tag| {
        let name = &tag[1..tag.len() - 1];
        name.chars().all(is_of_word) && !name.starts_with(|c: char| c.is_ascii_digit())
    });
    match tag.filter(|_| !before.ends_with(is_of_word)) {
        Some(tag) => rest[tag.len()..].find(tag).map_or(rest.len(), |end| end + 2 * tag.len()),
        None => 1,
    }
}

/// Cuts runs of operators' characters where PostgreSQL does.
pub(super) fn cut(tokens: Vec<TokenWithSpan>, source: &Source) -> Vec<TokenWithSpan> {
    if !tokens.windows(2).any(|pair| follow(&pair[0], &pair[1])) && !tokens.iter().any(is_custom) {
        return tokens;
    }
    let mut out = Vec::with_capacity(tokens.len());
    let mut rest = tokens.into_iter().peekable();
    while let Some(token) = rest.next() {
        if !is_operator(&token) {
            out.push(token);
            continue;
        }
        let mut run = vec![token];
        while let Some(next) = rest.next_if(|next| run.last().is_some_and(|last| follow(last, next))) {
            run.push(next);
        }
        again(run, source, &mut out);
    }
    out
}

fn is_custom(token: &TokenWithSpan) -> bool {
    matches!(token.token, Token::CustomBinaryOperator(_))
}

fn is_operator(token: &TokenWithSpan) -> bool {
    match &token.token {
        Token::Word(_) | Token::Number(..) | Token::Whitespace(_) | Token::EOF | Token::SingleQuotedString(_) => false,
        Token::LParen | Token::RParen | Token::LBracket | Token::RBracket => false,
        Token::Comma | Token::Period | Token::SemiColon | Token::Colon | Token::DoubleColon => false,
        Token::Placeholder(text) => text == "?",
        other => {
            let text = other.to_string();
            !text.is_empty() && text.chars().all(|c| CHARACTERS.contains(c))
        }
    }
}

/// Two operators without a blank between them.
fn follow(first: &TokenWithSpan, second: &TokenWithSpan) -> bool {
    first.span.end == second.span.start && is_operator(first) && is_operator(second)
}

fn again(run: Vec<TokenWithSpan>, source: &Source, out: &mut Vec<TokenWithSpan>) {
    let (Some(first), Some(last)) = (run.first(), run.last()) else { return };
    let start = first.span.start;
    let text = source.text.get(source.byte(start)..source.byte(last.span.end)).unwrap_or_default();
    let mut pieces = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let length = operator_length(&text[at..]);
        pieces.push((at, &text[at..at + length]));
        at += length;
    }
    let column = |at: usize| start.column + at as u64;
    let same = pieces.len() == run.len()
        && pieces.iter().zip(&run).all(|((at, _), token)| token.span.start.column == column(*at));
    if same || !text.chars().all(|c| CHARACTERS.contains(c)) {
        out.extend(run);
        return;
    }
    for (at, piece) in pieces {
        let alone = Tokenizer::new(&DuckgateDialect::default(), piece).tokenize().unwrap_or_default();
        let token = match <[Token; 1]>::try_from(alone) {
            Ok([token]) => token,
            Err(_) => Token::CustomBinaryOperator(piece.to_owned()),
        };
        let place = |at: usize| Location { line: start.line, column: column(at) };
        out.push(TokenWithSpan::new(token, sqlparser::tokenizer::Span::new(place(at), place(at + piece.len()))));
    }
}

/// How long the operator at the beginning of a text of such characters is.
fn operator_length(text: &str) -> usize {
    let signs = text.chars().any(|c| SIGNS_AFTER.contains(c));
    let mut length = text.len();
    // A sign at the end belongs to what follows, unless the operator says otherwise before it.
    while length > 1 && text[..length].ends_with(['+', '-']) {
        let before = text[..length - 1].chars().any(|c| SIGNS_AFTER.contains(c));
        if signs && before {
            break;
        }
        length -= 1;
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_behind_operators_are_blank() {
        let cases = [
            ("select 2</*x*/3", "select 2<     3"),
            ("select 'a'||--x\n'b'", "select 'a'||   \n'b'"),
            ("select 5-/*1 /*2*/ */3", "select 5-            3"),
            (
                "select '</*', \"</*\", $a$</*$a$, E'\\'</*' </*\u{e4}*/ 1",
                "select '</*', \"</*\", $a$</*$a$, E'\\'</*' <      1",
            ),
            ("select 2 /* < */ < 3 -- <--", "select 2 /* < */ < 3 -- <--"),
        ];
        for (text, blank) in cases {
            assert_eq!(without_comments_behind(text), blank);
        }
    }

    #[test]
    fn signs_belong_to_what_follows_unless_the_operator_allows_them() {
        let lengths = ["<>-", "=-", "^-", "!=-", "*-+", "@-", "-", "||", "->>", "-|-", "<=-"].map(operator_length);
        assert_eq!(lengths, [2, 1, 2, 3, 1, 2, 1, 2, 3, 3, 2]);
    }
}
