//! Where things stand in the text, for errors: sqlparser keeps spans of names and constants, not of operators and
//! keywords, so those are looked up among the statement's tokens.

use sqlparser::ast::{self, Spanned};
use sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan};

use super::Analyzer;

fn key(l: Location) -> (u64, u64) {
    (l.line, l.column)
}

fn is_text(token: &Token, text: &str) -> bool {
    match token {
        Token::Word(w) => w.quote_style.is_none() && w.value.eq_ignore_ascii_case(text),
        Token::SingleQuotedString(_) | Token::Number(..) | Token::EscapedStringLiteral(_) => false,
        // `!=` is `<>` to sqlparser.
        Token::Neq => text == "<>",
        other => other.to_string() == text,
    }
}

/// The leftmost operand of a chain of operators: its span begins where the whole begins. sqlparser's `span()` of a
/// long chain would recurse through all of it.
fn first(mut expr: &ast::Expr) -> &ast::Expr {
    use ast::Expr as E;
    loop {
        expr = match expr {
            E::BinaryOp { left, .. } => left,
            E::Cast { expr, .. } | E::UnaryOp { expr, .. } | E::Collate { expr, .. } => expr,
            E::Nested(expr) | E::IsNull(expr) | E::IsNotNull(expr) => expr,
            other => return other,
        }
    }
}

/// The rightmost operand, where the whole ends.
fn last(mut expr: &ast::Expr) -> &ast::Expr {
    use ast::Expr as E;
    loop {
        expr = match expr {
            E::BinaryOp { right, .. } => right,
            E::Cast { expr, .. } | E::UnaryOp { expr, .. } | E::Collate { expr, .. } => expr,
            E::Nested(expr) | E::IsNull(expr) | E::IsNotNull(expr) => expr,
            other => return other,
        }
    }
}

/// Where a query begins, without a look at all of it.
pub(crate) fn query_start(query: &ast::Query) -> Span {
    if let Some(with) = &query.with {
        return with.with_token.0.span;
    }
    let mut body = &*query.body;
    loop {
        body = match body {
            ast::SetExpr::SetOperation { left, .. } => left,
            ast::SetExpr::Query(inner) => return query_start(inner),
            ast::SetExpr::Select(select) => return select.select_token.0.span,
            // The word VALUES keeps no span: its first row's parenthesis has to do.
            ast::SetExpr::Values(values) => {
                return values.rows.first().map_or(Span::empty(), |r| r.opening_token.0.span);
            }
            other => return other.span(),
        }
    }
}

impl Analyzer<'_> {
    /// The character position of a span's start.
    pub fn pos(&self, span: Span) -> u32 {
        self.parsed.source.position(span.start)
    }

    pub fn pos_of(&self, what: &impl Spanned) -> u32 {
        self.pos(what.span())
    }

    fn tokens_after(&self, end: Location) -> &[TokenWithSpan] {
        if end.line == 0 {
            return &[];
        }
        let tokens = &self.parsed.tokens;
        &tokens[tokens.partition_point(|t| key(t.span.start) < key(end))..]
    }

    fn tokens_before(&self, start: Location) -> &[TokenWithSpan] {
        if start.line == 0 {
            return &[];
        }
        let tokens = &self.parsed.tokens;
        &tokens[..tokens.partition_point(|t| key(t.span.start) < key(start))]
    }

    /// The operator or keyword `text` that stands after `left`; else the first token there that closes no parenthesis.
    pub(crate) fn pos_after(&self, left: &ast::Expr, text: &str) -> u32 {
        let tokens = self.tokens_after(last(left).span().end);
        let found = tokens.iter().take(64).find(|t| is_text(&t.token, text));
        let found = found.or_else(|| tokens.iter().find(|t| t.token != Token::RParen));
        found.map_or(0, |t| self.pos(t.span))
    }

    /// The token before `right`, skipping opening parentheses: a prefix operator.
    pub(crate) fn pos_before(&self, right: &ast::Expr) -> u32 {
        let tokens = self.tokens_before(first(right).span().start);
        tokens.iter().rev().find(|t| t.token != Token::LParen).map_or(0, |t| self.pos(t.span))
    }

    /// The nearest keyword `word` before `inner`.
    pub(crate) fn pos_of_word(&self, word: &str, inner: &ast::Expr) -> u32 {
        self.pos_of_word_before(word, first(inner).span())
    }

    pub(crate) fn pos_of_word_before(&self, word: &str, inner: Span) -> u32 {
        let tokens = self.tokens_before(inner.start);
        let found = tokens.iter().rev().find(|t| is_text(&t.token, word));
        found.map_or_else(|| self.paren_before(inner), |t| self.pos(t.span))
    }

    /// The token right before `inner`: the parenthesis that opens there.
    pub(crate) fn paren_before(&self, inner: Span) -> u32 {
        self.tokens_before(inner.start).last().map_or(0, |t| self.pos(t.span))
    }

    /// Where the type name of `type 'text'` begins, as far as it is one word or a dotted name.
    pub(crate) fn pos_of_type(&self, literal: Span) -> u32 {
        let before = self.tokens_before(literal.start);
        let mut first = before.len();
        let mut depth = 0;
        for (i, token) in before.iter().enumerate().rev() {
            match &token.token {
                Token::RParen => depth += 1,
                Token::LParen if depth > 0 => depth -= 1,
                Token::Word(_) if depth == 0 => {
                    first = i;
                    let dotted = i > 0 && before[i - 1].token == Token::Period;
                    let phrase =
                        i > 0 && ["with", "without", "time", "double"].iter().any(|w| is_text(&before[i - 1].token, w));
                    let closed = i > 0 && before[i - 1].token == Token::RParen && is_text(&token.token, "with");
                    if !(dotted || phrase || closed) {
                        break;
                    }
                }
                Token::Period | Token::Number(..) | Token::Comma if depth > 0 || token.token == Token::Period => {}
                _ => break,
            }
        }
        before.get(first).map_or_else(|| self.pos(literal), |t| self.pos(t.span))
    }

    /// The first two words in a row, anywhere in the statement.
    pub(crate) fn pos_of_words(&self, first: &str, second: &str) -> u32 {
        let pairs = self.parsed.tokens.windows(2);
        let mut found = pairs.filter(|w| is_text(&w[0].token, first) && is_text(&w[1].token, second));
        found.next().map_or(0, |w| self.pos(w[0].span))
    }

    /// The `::` of a cast of `arg`, and the type name after it. Casts inside `arg` have theirs before.
    pub(crate) fn cast_pos(&self, arg: &ast::Expr) -> (u32, u32) {
        let mut nested = 0;
        let mut inner = arg;
        while let ast::Expr::Cast { kind: ast::CastKind::DoubleColon, expr, .. } = inner {
            nested += 1;
            inner = expr;
        }
        let tokens = self.tokens_after(last(inner).span().end);
        let mut colons = tokens.iter().enumerate().filter(|(_, t)| t.token == Token::DoubleColon);
        match colons.nth(nested) {
            Some((i, token)) => (self.pos(token.span), tokens.get(i + 1).map_or(0, |t| self.pos(t.span))),
            None => (0, 0),
        }
    }
}
