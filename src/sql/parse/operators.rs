//! Operators as PostgreSQL's lexer cuts them: `2<>-3` is `2 <> -3`, and `10^-3` has an operator `^-`, which there is not.

use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};

use super::dialect::DuckgateDialect;
use super::source::Source;

/// The characters of operators (op_chars).
const CHARACTERS: &str = "~!@#^&|`?+-*/%<>=";
/// An operator with one of these may end in plus or minus.
const SIGNS_AFTER: &str = "~!@#^&|`?%";

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
    fn signs_belong_to_what_follows_unless_the_operator_allows_them() {
        let lengths = ["<>-", "=-", "^-", "!=-", "*-+", "@-", "-", "||", "->>", "-|-", "<=-"].map(operator_length);
        assert_eq!(lengths, [2, 1, 2, 3, 1, 2, 1, 2, 3, 3, 2]);
    }
}
