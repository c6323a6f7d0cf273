//! `x IN ((SELECT …), 1)`: a list whose first item begins with a query in parentheses. sqlparser takes that for all that IN has.

use sqlparser::ast::Expr;
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::Token;

fn keyword(token: &Token) -> Keyword {
    match token {
        Token::Word(w) if w.quote_style.is_none() => w.keyword,
        _ => Keyword::NoKeyword,
    }
}

/// Reads `[NOT] IN (…)` if it is such a list.
pub(super) fn parse(parser: &mut Parser, left: &Expr) -> Option<Result<Expr, ParserError>> {
    let negated = keyword(&parser.peek_token_ref().token) == Keyword::NOT;
    let at = usize::from(negated);
    let open = |n: usize| parser.peek_nth_token_ref(n).token == Token::LParen;
    if keyword(&parser.peek_nth_token_ref(at).token) != Keyword::IN || !open(at + 1) || !open(at + 2) {
        return None;
    }
    if !goes_on_as_list(parser, at + 2) {
        return None;
    }
    for _ in 0..at + 2 {
        parser.next_token();
    }
    let list = (|| {
        let list = parser.parse_comma_separated(Parser::parse_expr)?;
        parser.expect_token(&Token::RParen)?;
        Ok(Expr::InList { expr: Box::new(left.clone()), list, negated })
    })();
    Some(list)
}

/// What stands behind the parenthesis that closes the one at `from`: nothing that a query could go on with.
fn goes_on_as_list(parser: &Parser, from: usize) -> bool {
    let mut depth = 0usize;
    for n in from.. {
        // The tokens have no blanks among them; peek_nth_token_ref() would count from here each time.
        match parser.peek_nth_token_no_skip(n).token {
            Token::LParen => depth += 1,
            Token::RParen if depth == 1 => {
                let next = parser.peek_nth_token_no_skip(n + 1).token;
                let query = matches!(
                    keyword(&next),
                    Keyword::UNION
                        | Keyword::INTERSECT
                        | Keyword::EXCEPT
                        | Keyword::ORDER
                        | Keyword::LIMIT
                        | Keyword::OFFSET
                        | Keyword::FETCH
                        | Keyword::FOR
                );
                return !query && !matches!(next, Token::RParen | Token::EOF);
            }
            Token::RParen => depth -= 1,
            Token::EOF => return false,
            _ => {}
        }
    }
    false
}
