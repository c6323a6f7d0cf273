//! What most expressions begin with, columns' names, constants and calls: read at once, where sqlparser would first try them as
//! a type.

use sqlparser::ast::{Expr, Ident, ObjectName};
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

/// What names a function before a parenthesis, and nothing else.
const CALLS: [Keyword; 11] = [
    Keyword::NoKeyword,
    Keyword::ABS,
    Keyword::UPPER,
    Keyword::NULLIF,
    Keyword::COUNT,
    Keyword::SUM,
    Keyword::AVG,
    Keyword::MIN,
    Keyword::MAX,
    Keyword::COALESCE,
    Keyword::LOWER,
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

/// Numbers, texts and parameters, and calls of functions whose names are no words of SQL.
pub(super) fn constant_or_call(parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
    match &parser.peek_token_ref().token {
        Token::Number(..) | Token::SingleQuotedString(_) | Token::Placeholder(_) => {
            Some(parser.parse_value().map(Expr::Value))
        }
        Token::Word(word) if CALLS.contains(&word.keyword) && parser.peek_nth_token_ref(1).token == Token::LParen => {
            let variadic = word.quote_style.is_none() && word.value.eq_ignore_ascii_case("variadic");
            if variadic {
                return None;
            }
            let TokenWithSpan { token: Token::Word(word), span } = parser.next_token() else { return None };
            let name = Ident { value: word.value, quote_style: word.quote_style, span };
            Some(parser.parse_function(ObjectName::from(vec![name])))
        }
        _ => None,
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
