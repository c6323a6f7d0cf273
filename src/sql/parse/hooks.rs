//! Where sqlparser's expression grammar is bent towards PostgreSQL's.

use sqlparser::ast::{
    BinaryOperator, DataType, Expr, Function, FunctionArguments, Ident, ObjectName, TypedString, UnaryOperator,
};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::in_words::{substring_similar, trim};

/// Words that sqlparser gives a syntax of other systems, and that are plain names for PostgreSQL.
const PLAIN_NAMES: &[Keyword] = &[
    Keyword::CONVERT,
    Keyword::TRY_CONVERT,
    Keyword::SAFE_CAST,
    Keyword::STRUCT,
    Keyword::MAP,
    Keyword::MATCH,
    Keyword::PRIOR,
    Keyword::CONNECT_BY_ROOT,
    Keyword::CIRCLE,
    Keyword::BOX,
    Keyword::PATH,
    Keyword::LINE,
    Keyword::LSEG,
    Keyword::POINT,
    Keyword::POLYGON,
];

/// Words that PostgreSQL reads as values without parentheses.
const VALUE_WORDS: &[Keyword] = &[Keyword::CURRENT_ROLE, Keyword::CURRENT_SCHEMA];

/// PostgreSQL's precedence of "any other operator", which sqlparser gives to some operators only.
const OTHER_OPERATOR: u8 = 70;
/// Unary plus and minus bind more tightly than `^`, AT TIME ZONE and COLLATE, less than `[`, `::` and `.`.
const UNARY_MINUS: u8 = 120;
/// COLLATE behind a cast, where sqlparser does not look for it.
const COLLATE: u8 = 115;
/// IS and what begins with it.
const IS: u8 = 40;
/// How long a text may be that BETWEEN SYMMETRIC doubles.
const MAX_DOUBLED_BYTES: usize = 100_000;
/// BETWEEN, whose bounds bind more tightly.
pub(super) const BETWEEN: u8 = 60;

/// Operators that sqlparser would give another precedence than PostgreSQL does.
pub fn precedence(parser: &Parser) -> Option<Result<u8, ParserError>> {
    match &parser.peek_token_ref().token {
        Token::Tilde
        | Token::TildeAsterisk
        | Token::ExclamationMarkTilde
        | Token::ExclamationMarkTildeAsterisk
        | Token::DoubleTilde
        | Token::DoubleTildeAsterisk
        | Token::ExclamationMarkDoubleTilde
        | Token::ExclamationMarkDoubleTildeAsterisk
        | Token::Spaceship
        | Token::Ampersand
        | Token::Pipe
        | Token::DoubleSharp
        | Token::TwoWayArrow
        | Token::AmpersandLeftAngleBracket
        | Token::AmpersandRightAngleBracket
        | Token::TildeEqual => Some(Ok(OTHER_OPERATOR)),
        Token::Word(w) if w.keyword == Keyword::OPERATOR && w.quote_style.is_none() => Some(Ok(OTHER_OPERATOR)),
        Token::Word(w) if w.keyword == Keyword::COLLATE && w.quote_style.is_none() => Some(Ok(COLLATE)),
        _ => None,
    }
}

/// Operators that sqlparser takes no ANY or ALL after.
fn is_operator(token: &Token) -> bool {
    matches!(
        token,
        Token::ArrowAt
            | Token::AtArrow
            | Token::Overlap
            | Token::CaretAt
            | Token::StringConcat
            | Token::Plus
            | Token::Minus
            | Token::Mul
            | Token::Div
            | Token::Mod
            | Token::Caret
            | Token::Ampersand
            | Token::Pipe
            | Token::Sharp
            | Token::ShiftLeft
            | Token::ShiftRight
            | Token::Question
            | Token::QuestionAnd
            | Token::QuestionPipe
            | Token::CustomBinaryOperator(_)
    )
}

/// Comparisons, which sqlparser takes ANY and ALL after, but not of VALUES.
fn comparison(token: &Token) -> Option<BinaryOperator> {
    Some(match token {
        Token::Eq => BinaryOperator::Eq,
        Token::Neq => BinaryOperator::NotEq,
        Token::Lt => BinaryOperator::Lt,
        Token::LtEq => BinaryOperator::LtEq,
        Token::Gt => BinaryOperator::Gt,
        Token::GtEq => BinaryOperator::GtEq,
        _ => return None,
    })
}

/// `OPERATOR(n.op) ANY (…)`, `@> ALL (…)`, `= ANY (VALUES …)`: quantified comparisons that sqlparser does not know.
fn quantified(parser: &mut Parser, left: &Expr) -> Option<Result<Expr, ParserError>> {
    let quantifier = |n: usize| match &parser.peek_nth_token_ref(n).token {
        Token::Word(w) if w.quote_style.is_none() => {
            matches!(w.keyword, Keyword::ANY | Keyword::ALL | Keyword::SOME).then_some(w.keyword)
        }
        _ => None,
    };
    let custom = matches!(&parser.peek_token_ref().token, Token::Word(w) if w.keyword == Keyword::OPERATOR);
    let (op, all) = if custom {
        let at = (2..7).find(|n| parser.peek_nth_token_ref(*n).token == Token::RParen)?;
        let all = quantifier(at + 1)? == Keyword::ALL;
        let parts: Vec<String> =
            (2..at).map(|n| parser.peek_nth_token_ref(n).token.to_string()).filter(|text| text != ".").collect();
        for _ in 0..=at {
            parser.next_token();
        }
        (BinaryOperator::PGCustomBinaryOperator(parts), all)
    } else {
        let word = |n: usize| match &parser.peek_nth_token_ref(n).token {
            Token::Word(w) if w.quote_style.is_none() => w.keyword,
            _ => Keyword::NoKeyword,
        };
        let not = word(0) == Keyword::NOT;
        let of = |name: &str| BinaryOperator::Custom(name.to_owned());
        let values = || parser.peek_nth_token_ref(2).token == Token::LParen && word(3) == Keyword::VALUES;
        let (op, words) = match (word(usize::from(not)), &parser.peek_token_ref().token) {
            (Keyword::LIKE, _) => (of(if not { "!~~" } else { "~~" }), 1 + usize::from(not)),
            (Keyword::ILIKE, _) => (of(if not { "!~~*" } else { "~~*" }), 1 + usize::from(not)),
            _ if not => return None,
            (_, token) if is_operator(token) => (of(&token.to_string()), 1),
            (_, token) => (comparison(token).filter(|_| values())?, 1),
        };
        let all = quantifier(words)? == Keyword::ALL;
        for _ in 0..words {
            parser.next_token();
        }
        (op, all)
    };
    parser.next_token();
    let right = (|| {
        parser.expect_token(&Token::LParen)?;
        let query = matches!(&parser.peek_token_ref().token, Token::Word(w)
            if matches!(w.keyword, Keyword::SELECT | Keyword::WITH | Keyword::VALUES));
        let right = if query { Expr::Subquery(parser.parse_query()?) } else { parser.parse_expr()? };
        parser.expect_token(&Token::RParen)?;
        Ok(right)
    })();
    let left = Box::new(left.clone());
    Some(right.map(|right| match all {
        true => Expr::AllOp { left, compare_op: op, right: Box::new(right) },
        false => Expr::AnyOp { left, compare_op: op, right: Box::new(right), is_some: false },
    }))
}

/// Called before sqlparser's own infix parsing: `IS [NOT] DISTINCT FROM` takes no AND into its right side.
pub fn infix(parser: &mut Parser, left: &Expr) -> Option<Result<Expr, ParserError>> {
    let word = |n: usize| match &parser.peek_nth_token_ref(n).token {
        Token::Word(w) if w.quote_style.is_none() => w.keyword,
        _ => Keyword::NoKeyword,
    };
    if word(0) == Keyword::COLLATE {
        parser.next_token();
        let expr = Box::new(left.clone());
        return Some(parser.parse_object_name(false).map(|collation| Expr::Collate { expr, collation }));
    }
    if matches!((word(0), word(1)), (Keyword::BETWEEN, _) | (Keyword::NOT, Keyword::BETWEEN)) {
        return between_symmetric(parser, left);
    }
    if matches!((word(0), word(1)), (Keyword::IN, _) | (Keyword::NOT, Keyword::IN)) {
        return super::in_list::parse(parser, left);
    }
    if word(0) != Keyword::IS {
        return quantified(parser, left);
    }
    let not = word(1) == Keyword::NOT;
    let at = 1 + usize::from(not);
    if word(at) != Keyword::DISTINCT || word(at + 1) != Keyword::FROM {
        return None;
    }
    for _ in 0..at + 2 {
        parser.next_token();
    }
    let left = Box::new(left.clone());
    Some(parser.parse_subexpr(IS).map(|right| match not {
        true => Expr::IsNotDistinctFrom(left, Box::new(right)),
        false => Expr::IsDistinctFrom(left, Box::new(right)),
    }))
}

/// `x [NOT] BETWEEN [A]SYMMETRIC a AND b`: SYMMETRIC takes the bounds either way round, as PostgreSQL's grammar writes it.
fn between_symmetric(parser: &mut Parser, left: &Expr) -> Option<Result<Expr, ParserError>> {
    let is = |n: usize, text: &str| {
        matches!(&parser.peek_nth_token_ref(n).token,
        Token::Word(w) if w.quote_style.is_none() && w.value.eq_ignore_ascii_case(text))
    };
    let negated = is(0, "not");
    let at = usize::from(negated);
    if !is(at, "between") || !(is(at + 1, "symmetric") || is(at + 1, "asymmetric")) {
        return None;
    }
    let symmetric = is(at + 1, "symmetric");
    for _ in 0..at + 2 {
        parser.next_token();
    }
    let bounds = (|| {
        let low = parser.parse_subexpr(BETWEEN)?;
        parser.expect_keyword(Keyword::AND)?;
        Ok((low, parser.parse_subexpr(BETWEEN)?))
    })();
    let between = |low: &Expr, high: &Expr| Expr::Between {
        expr: Box::new(left.clone()),
        negated,
        low: Box::new(low.clone()),
        high: Box::new(high.clone()),
    };
    Some(bounds.and_then(|(low, high)| {
        let straight = between(&low, &high);
        if !symmetric {
            return Ok(straight);
        }
        // Each of its operands is there twice: inside one another they double with each level.
        if straight.to_string().len() > MAX_DOUBLED_BYTES {
            return Err(ParserError::RecursionLimitExceeded);
        }
        Ok(Expr::Nested(Box::new(Expr::BinaryOp {
            left: Box::new(straight),
            op: if negated { BinaryOperator::And } else { BinaryOperator::Or },
            right: Box::new(between(&high, &low)),
        })))
    }))
}

/// A prefix operator with PostgreSQL's precedence.
fn unary(parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
    let (op, precedence) = match &parser.peek_token_ref().token {
        Token::Minus => (UnaryOperator::Minus, UNARY_MINUS),
        Token::Plus => (UnaryOperator::Plus, UNARY_MINUS),
        Token::Tilde => (UnaryOperator::BitwiseNot, OTHER_OPERATOR),
        Token::AtSign => (UnaryOperator::PGAbs, OTHER_OPERATOR),
        Token::PGSquareRoot => (UnaryOperator::PGSquareRoot, OTHER_OPERATOR),
        Token::PGCubeRoot => (UnaryOperator::PGCubeRoot, OTHER_OPERATOR),
        _ => return None,
    };
    parser.next_token();
    Some(parser.parse_subexpr(precedence).map(|expr| Expr::UnaryOp { op, expr: Box::new(expr) }))
}

/// `OPERATOR(pg_catalog.-) x`.
fn prefix_operator(parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
    let named = matches!(&parser.peek_token_ref().token, Token::Word(w)
        if w.keyword == Keyword::OPERATOR && w.quote_style.is_none());
    if !named || parser.peek_nth_token_ref(1).token != Token::LParen {
        return None;
    }
    let at = (2..7).find(|n| parser.peek_nth_token_ref(*n).token == Token::RParen)?;
    let op = match parser.peek_nth_token_ref(at - 1).token {
        Token::Minus => UnaryOperator::Minus,
        Token::Plus => UnaryOperator::Plus,
        Token::Tilde => UnaryOperator::BitwiseNot,
        Token::AtSign => UnaryOperator::PGAbs,
        Token::PGSquareRoot => UnaryOperator::PGSquareRoot,
        Token::PGCubeRoot => UnaryOperator::PGCubeRoot,
        Token::Sharp => UnaryOperator::Hash,
        Token::AtDashAt => UnaryOperator::AtDashAt,
        Token::AtAt => UnaryOperator::DoubleAt,
        Token::QuestionMarkDash => UnaryOperator::QuestionDash,
        Token::QuestionPipe => UnaryOperator::QuestionPipe,
        _ => return None,
    };
    let plain = at == 3
        || at == 5
            && matches!(&parser.peek_nth_token_ref(2).token, Token::Word(w) if w.value.eq_ignore_ascii_case("pg_catalog"));
    if !plain {
        return None;
    }
    for _ in 0..=at {
        parser.next_token();
    }
    Some(parser.parse_subexpr(OTHER_OPERATOR).map(|expr| Expr::UnaryOp { op, expr: Box::new(expr) }))
}

/// Names that have a syntax of their own in sqlparser; with a schema in front they are functions like any other.
const CALLED: [Keyword; 13] = [
    Keyword::SUBSTR,
    Keyword::SUBSTRING,
    Keyword::CEIL,
    Keyword::FLOOR,
    Keyword::TRIM,
    Keyword::EXTRACT,
    Keyword::CONVERT,
    Keyword::INTERVAL,
    Keyword::CURRENT_USER,
    Keyword::SESSION_USER,
    Keyword::CURRENT_ROLE,
    Keyword::CURRENT_CATALOG,
    Keyword::USER,
];

/// `pg_catalog.substr(…)`.
fn qualified_call(parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
    let word = |n: usize| match parser.peek_nth_token_ref(n) {
        TokenWithSpan { token: Token::Word(w), span } => {
            Some((w.keyword, Ident { value: w.value.clone(), quote_style: w.quote_style, span: *span }))
        }
        _ => None,
    };
    let ((_, schema), (keyword, name)) = (word(0)?, word(2)?);
    let called = parser.peek_nth_token_ref(1).token == Token::Period
        && parser.peek_nth_token_ref(3).token == Token::LParen
        && name.quote_style.is_none()
        && CALLED.contains(&keyword);
    if !called {
        return None;
    }
    for _ in 0..3 {
        parser.next_token();
    }
    Some(parser.parse_function(ObjectName::from(vec![schema, name])))
}

/// `INTERVAL(p) 'text'`, whose precision sqlparser would forget.
fn interval_precision(parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
    let is_interval = matches!(&parser.peek_token_ref().token, Token::Word(w)
        if w.keyword == Keyword::INTERVAL && w.quote_style.is_none());
    let Token::Number(precision, _) = &parser.peek_nth_token_ref(2).token else { return None };
    let precision = precision.parse().ok();
    if !is_interval
        || parser.peek_nth_token_ref(1).token != Token::LParen
        || parser.peek_nth_token_ref(3).token != Token::RParen
        || !matches!(parser.peek_nth_token_ref(4).token, Token::SingleQuotedString(_))
    {
        return None;
    }
    for _ in 0..4 {
        parser.next_token();
    }
    Some(parser.parse_value().map(|value| {
        let data_type = DataType::Interval { fields: None, precision };
        Expr::TypedString(TypedString { data_type, value, uses_odbc_syntax: false })
    }))
}

/// `type 'text'` for types that are plain names, qualified or not.
fn typed_literal(parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
    let plain = |token: &Token| match token {
        Token::Word(w) => {
            let reserved =
                crate::facts::KEYWORDS.get(w.value.to_ascii_lowercase().as_str()).is_some_and(|k| k.category != b'U');
            w.quote_style.is_some() || !reserved
        }
        _ => false,
    };
    let is_string = |token: &Token| {
        matches!(token, Token::SingleQuotedString(_) | Token::EscapedStringLiteral(_) | Token::DollarQuotedString(_))
    };
    let qualified = parser.peek_nth_token_ref(1).token == Token::Period;
    let string_at = if qualified { 3 } else { 1 };
    if !plain(&parser.peek_token_ref().token)
        || (qualified && !plain(&parser.peek_nth_token_ref(2).token))
        || !is_string(&parser.peek_nth_token_ref(string_at).token)
    {
        return None;
    }
    let parse = |parser: &mut Parser| {
        let name = parser.parse_object_name(false)?;
        let value = parser.parse_value()?;
        Ok(Expr::TypedString(TypedString { data_type: DataType::Custom(name, vec![]), value, uses_odbc_syntax: false }))
    };
    Some(parse(parser))
}

/// `(VALUES (1), …)` and `((SELECT …) UNION …)` as values: sqlparser knows `(SELECT …)` and `(WITH …)` only.
fn subquery(parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
    if parser.peek_token_ref().token != Token::LParen {
        return None;
    }
    let values = matches!(&parser.peek_nth_token_ref(1).token, Token::Word(w)
        if w.keyword == Keyword::VALUES && w.quote_style.is_none());
    let set_operation = || parser.peek_nth_token_ref(1).token == Token::LParen && set_operation_follows(parser);
    if !(values || set_operation()) {
        return None;
    }
    parser.next_token();
    let parsed = (|| {
        let query = parser.parse_query()?;
        parser.expect_token(&Token::RParen)?;
        Ok(Expr::Subquery(query))
    })();
    Some(parsed)
}

/// After `((SELECT …)`: whether the first inner parenthesis is an operand of UNION and its kin.
fn set_operation_follows(parser: &Parser) -> bool {
    let begins = (2..16).map(|n| &parser.peek_nth_token_ref(n).token).find(|t| **t != Token::LParen);
    let query = matches!(begins, Some(Token::Word(w))
        if matches!(w.keyword, Keyword::SELECT | Keyword::WITH | Keyword::VALUES) && w.quote_style.is_none());
    if !query {
        return false;
    }
    let mut depth = 0usize;
    for n in 1.. {
        // The tokens have no blanks among them; peek_nth_token_ref() would count from here each time.
        match parser.peek_nth_token_no_skip(n).token {
            Token::LParen => depth += 1,
            Token::RParen if depth == 1 => {
                return matches!(parser.peek_nth_token_no_skip(n + 1).token, Token::Word(w)
                    if matches!(w.keyword, Keyword::UNION | Keyword::INTERSECT | Keyword::EXCEPT
                        | Keyword::ORDER | Keyword::LIMIT | Keyword::OFFSET));
            }
            Token::RParen => depth -= 1,
            Token::EOF => return false,
            _ => {}
        }
    }
    false
}

/// Called before sqlparser's own prefix parsing.
pub fn prefix(parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
    if let Some(expr) = super::plain::column(parser).or_else(|| super::plain::constant_or_call(parser)) {
        return Some(expr);
    }
    if let Some(expr) = trim(parser).or_else(|| interval_precision(parser)).or_else(|| substring_similar(parser)) {
        return Some(expr);
    }
    if let Some(expr) = subquery(parser).or_else(|| prefix_operator(parser)) {
        return Some(expr);
    }
    if let Some(expr) = unary(parser).or_else(|| typed_literal(parser)) {
        return Some(expr);
    }
    if let Some(expr) = qualified_call(parser) {
        return Some(expr);
    }
    let token = parser.peek_token_ref();
    let Token::Word(word) = &token.token else { return None };
    if word.quote_style.is_some() {
        return None;
    }
    let keyword = word.keyword;
    let ident = Ident { value: word.value.clone(), quote_style: None, span: token.span };
    if word.value.eq_ignore_ascii_case("variadic") {
        // Only a function's last argument begins so; the call knows it by this name.
        parser.next_token();
        return Some(
            parser.parse_expr().map(|expr| Expr::Named { expr: Box::new(expr), name: Ident::new("variadic") }),
        );
    }
    if PLAIN_NAMES.contains(&keyword) {
        let next = parser.peek_nth_token_ref(1).token.clone();
        if next == Token::LParen {
            parser.next_token();
            return Some(parser.parse_function(ObjectName::from(vec![ident])));
        }
        if !matches!(next, Token::SingleQuotedString(_)) {
            parser.next_token();
            return Some(Ok(Expr::Identifier(ident)));
        }
    }
    if VALUE_WORDS.contains(&keyword) && parser.peek_nth_token_ref(1).token != Token::LParen {
        parser.next_token();
        return Some(Ok(Expr::Function(Function {
            name: ObjectName::from(vec![ident]),
            uses_odbc_syntax: false,
            parameters: FunctionArguments::None,
            args: FunctionArguments::None,
            filter: None,
            null_treatment: None,
            over: None,
            within_group: vec![],
        })));
    }
    None
}
