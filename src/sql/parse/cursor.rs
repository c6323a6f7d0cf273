//! A place in a statement's tokens, for the commands that we parse ourselves.

use std::sync::Arc;

use sqlparser::ast;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::source::Source;
use super::{fold_text, with_parser};
use crate::error::{Error, Result};
use crate::tree::QualifiedName;

pub struct Cursor<'a> {
    pub tokens: &'a [TokenWithSpan],
    pub at: usize,
    pub source: &'a Source,
}

impl<'a> Cursor<'a> {
    pub fn new(tokens: &'a [TokenWithSpan], source: &'a Source) -> Self {
        Self { tokens, at: 0, source }
    }

    pub fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.at).map(|t| &t.token)
    }

    /// The character position of the next token, or of the end.
    pub fn position(&self) -> u32 {
        self.tokens.get(self.at).map_or(self.source.end(), |t| self.source.position(t.span.start))
    }

    pub fn is_word(&self, ahead: usize, word: &str) -> bool {
        matches!(self.tokens.get(self.at + ahead).map(|t| &t.token),
            Some(Token::Word(w)) if w.quote_style.is_none() && w.value.eq_ignore_ascii_case(word))
    }

    /// Takes the words if all of them come next.
    pub fn eat(&mut self, words: &str) -> bool {
        let mut n = 0;
        for word in words.split(' ') {
            if !self.is_word(n, word) {
                return false;
            }
            n += 1;
        }
        self.at += n;
        true
    }

    pub fn eat_token(&mut self, token: &Token) -> bool {
        let found = self.peek() == Some(token);
        self.at += usize::from(found);
        found
    }

    pub fn expect(&mut self, word: &str) -> Result<()> {
        if self.eat(word) { Ok(()) } else { Err(self.error()) }
    }

    pub fn expect_token(&mut self, token: &Token) -> Result<()> {
        if self.eat_token(token) { Ok(()) } else { Err(self.error()) }
    }

    pub fn is_end(&self) -> bool {
        self.at >= self.tokens.len()
    }

    pub fn end(&self) -> Result<()> {
        if self.is_end() { Ok(()) } else { Err(self.error()) }
    }

    /// A syntax error at the next token.
    pub fn error(&self) -> Error {
        self.source.syntax_error(self.tokens.get(self.at))
    }

    /// An identifier, folded; reserved words are not.
    pub fn name(&mut self) -> Result<Arc<str>> {
        match self.peek() {
            Some(Token::Word(w)) => {
                let reserved = w.quote_style.is_none()
                    && crate::facts::KEYWORDS
                        .get(w.value.to_ascii_lowercase().as_str())
                        .is_some_and(|k| k.category == b'R');
                if reserved {
                    return Err(self.error());
                }
                self.at += 1;
                Ok(fold_text(&w.value, w.quote_style.is_some()))
            }
            _ => Err(self.error()),
        }
    }

    /// `name` or `namespace.name`.
    pub fn qualified(&mut self) -> Result<QualifiedName> {
        let pos = self.position();
        let first = self.name()?;
        if !self.eat_token(&Token::Period) {
            return Ok(QualifiedName { namespace: None, name: first, pos });
        }
        // Any word may stand behind a dot (ColLabel).
        let Some(Token::Word(second)) = self.peek() else { return Err(self.error()) };
        self.at += 1;
        let name = fold_text(&second.value, second.quote_style.is_some());
        Ok(QualifiedName { namespace: Some(first), name, pos })
    }

    /// A string constant.
    pub fn string(&mut self) -> Result<String> {
        let text = match self.peek() {
            Some(Token::SingleQuotedString(s) | Token::EscapedStringLiteral(s) | Token::UnicodeStringLiteral(s)) => {
                s.clone()
            }
            Some(Token::DollarQuotedString(s)) => s.value.clone(),
            _ => return Err(self.error()),
        };
        self.at += 1;
        Ok(text)
    }

    /// A number with an optional sign, as its text.
    pub fn signed_number(&mut self) -> Result<String> {
        let start = self.at;
        let sign = if self.eat_token(&Token::Minus) {
            "-"
        } else {
            self.eat_token(&Token::Plus);
            ""
        };
        match self.peek() {
            Some(Token::Number(n, _)) => {
                self.at += 1;
                Ok(format!("{sign}{n}"))
            }
            _ => {
                let error = self.error();
                self.at = start;
                Err(error)
            }
        }
    }

    /// The tokens from a place to the end.
    pub fn rest_from(&self, at: usize) -> &'a [TokenWithSpan] {
        self.tokens.get(at..).unwrap_or_default()
    }

    /// The tokens from here to the end.
    pub fn rest(&mut self) -> &'a [TokenWithSpan] {
        let rest = self.tokens.get(self.at..).unwrap_or_default();
        self.at = self.tokens.len();
        rest
    }

    /// The tokens inside the parentheses that open here, which are taken too.
    pub fn parenthesized(&mut self) -> Result<&'a [TokenWithSpan]> {
        let open = self.at;
        self.expect_token(&Token::LParen)?;
        let mut depth = 1;
        while let Some(token) = self.peek() {
            match token {
                Token::LParen => depth += 1,
                Token::RParen => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return Ok(&self.tokens[open + 1..self.at - 1]);
            }
        }
        Err(self.error())
    }

    pub fn expressions(&self, tokens: &[TokenWithSpan]) -> Result<Vec<ast::Expr>> {
        with_parser(tokens, self.source, |p| p.parse_comma_separated(|p| p.parse_expr()))
    }
}
