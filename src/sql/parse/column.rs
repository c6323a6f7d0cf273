//! Columns' names, which most expressions begin with: read at once, where sqlparser would first try them as a type.

use sqlparser::ast::{Expr, Ident};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, TokenWithSpan};

/// Words behind a name that are not part of what it begins.
const BEHIND: [Keyword; 24] = [
    Keyword::AND,
    Keyword::AS,
    Keyword::ASC,
    Keyword::BETWEEN,
    Keyword::DESC,
    Keyword::ELSE,
    Keyword::END,
    Keyword::FROM,
    Keyword::GROUP,
    Keyword::HAVING,
    Keyword::IN,
    Keyword::INNER,
    Keyword::IS,
    Keyword::JOIN,
    Keyword::LEFT,
    Keyword::LIKE,
    Keyword::LIMIT,
    Keyword::NOT,
    Keyword::ON,
    Keyword::OR,
    Keyword::ORDER,
    Keyword::THEN,
    Keyword::WHEN,
    Keyword::WHERE,
];

/// `a` or `a.b`, where what comes next cannot make a call, a typed literal, a subscript or a longer name of it.
pub(super) fn column(parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
    let first = name(parser.peek_nth_token_ref(0))?;
    if parser.peek_nth_token_ref(1).token == Token::Period {
        let second = name(parser.peek_nth_token_ref(2))?;
        ends(&parser.peek_nth_token_ref(3).token).then(|| {
            (0..3).for_each(|_| drop(parser.next_token()));
            Ok(Expr::CompoundIdentifier(vec![first, second]))
        })
    } else {
        ends(&parser.peek_nth_token_ref(1).token).then(|| {
            parser.next_token();
            Ok(Expr::Identifier(first))
        })
    }
}

fn name(token: &TokenWithSpan) -> Option<Ident> {
    let Token::Word(word) = &token.token else { return None };
    let variadic = word.quote_style.is_none() && word.value.eq_ignore_ascii_case("variadic");
    (word.keyword == Keyword::NoKeyword && !variadic).then(|| Ident {
        value: word.value.clone(),
        quote_style: word.quote_style,
        span: token.span,
    })
}

fn ends(token: &Token) -> bool {
    match token {
        Token::Comma | Token::RParen | Token::SemiColon | Token::EOF | Token::DoubleColon => true,
        Token::Eq | Token::Neq | Token::Lt | Token::Gt | Token::LtEq | Token::GtEq => true,
        Token::Plus | Token::Minus | Token::Mul | Token::Div => true,
        Token::Word(word) => BEHIND.contains(&word.keyword),
        _ => false,
    }
}
