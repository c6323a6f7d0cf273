//! Functions whose arguments stand between words, in forms that sqlparser does not know: TRIM and SUBSTRING.

use sqlparser::ast::{Expr, TrimWhereField};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::Token;

use super::hooks::BETWEEN;

/// `TRIM({BOTH | LEADING | TRAILING} FROM x)` and `TRIM(FROM x)`: the characters may be left out.
pub(super) fn trim(parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
    let word = |n: usize| match &parser.peek_nth_token_ref(n).token {
        Token::Word(w) if w.quote_style.is_none() => w.keyword,
        _ => Keyword::NoKeyword,
    };
    if word(0) != Keyword::TRIM || parser.peek_nth_token_ref(1).token != Token::LParen {
        return None;
    }
    let (trim_where, words) = match (word(2), word(3)) {
        (Keyword::FROM, _) => (None, 3),
        (Keyword::BOTH, Keyword::FROM) => (Some(TrimWhereField::Both), 4),
        (Keyword::LEADING, Keyword::FROM) => (Some(TrimWhereField::Leading), 4),
        (Keyword::TRAILING, Keyword::FROM) => (Some(TrimWhereField::Trailing), 4),
        _ => return None,
    };
    for _ in 0..words {
        parser.next_token();
    }
    let parsed = (|| {
        let expr = Box::new(parser.parse_expr()?);
        let trim_characters = match parser.consume_token(&Token::Comma) {
            true => Some(parser.parse_comma_separated(|p| p.parse_expr())?),
            false => None,
        };
        parser.expect_token(&Token::RParen)?;
        Ok(Expr::Trim { trim_where, trim_what: None, expr, trim_characters })
    })();
    Some(parsed)
}

/// `SUBSTRING(x SIMILAR pattern ESCAPE c)` and `SUBSTRING(x FOR n FROM m)`, which are the same function with its arguments
/// in other words.
pub(super) fn substring_similar(parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
    let named = matches!(&parser.peek_token_ref().token, Token::Word(w)
        if w.keyword == Keyword::SUBSTRING && w.quote_style.is_none());
    if !named || parser.peek_nth_token_ref(1).token != Token::LParen {
        return None;
    }
    if !is_substring_in_other_words(parser) {
        return None;
    }
    let parsed = (|| {
        parser.next_token();
        parser.expect_token(&Token::LParen)?;
        let expr = Box::new(parser.parse_subexpr(BETWEEN)?);
        let (first, second) = if parser.parse_keyword(Keyword::SIMILAR) {
            let pattern = parser.parse_subexpr(BETWEEN)?;
            parser.expect_keyword(Keyword::ESCAPE)?;
            (pattern, parser.parse_expr()?)
        } else {
            parser.expect_keyword(Keyword::FOR)?;
            let length = parser.parse_expr()?;
            parser.expect_keyword(Keyword::FROM)?;
            (parser.parse_expr()?, length)
        };
        parser.expect_token(&Token::RParen)?;
        let (substring_from, substring_for) = (Some(Box::new(first)), Some(Box::new(second)));
        Ok(Expr::Substring { expr, substring_from, substring_for, special: false, shorthand: false })
    })();
    Some(parsed)
}

/// Before `SUBSTRING (`: whether SIMILAR without TO, or FOR with FROM after it, stands directly in its parentheses.
/// It is looked for first: to try and to read all again would double with each SUBSTRING inside another.
fn is_substring_in_other_words(parser: &Parser) -> bool {
    let mut depth = 0usize;
    let mut length = false;
    for n in 1.. {
        match parser.peek_nth_token_no_skip(n).token {
            Token::LParen | Token::LBracket => depth += 1,
            Token::RParen | Token::RBracket if depth <= 1 => return false,
            Token::RParen | Token::RBracket => depth -= 1,
            Token::EOF => return false,
            Token::Word(w) if depth == 1 && w.quote_style.is_none() => match w.keyword {
                Keyword::SIMILAR => {
                    let next = parser.peek_nth_token_no_skip(n + 1).token;
                    return !matches!(next, Token::Word(w) if w.keyword == Keyword::TO);
                }
                Keyword::FROM => return length,
                Keyword::FOR => length = true,
                _ => {}
            },
            _ => {}
        }
    }
    false
}
