//! Tokens of a PL/pgSQL text, and the pieces of SQL among them.

use std::sync::Arc;

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::{Block, Fragment, MAX_DEPTH, Shape, Target};
use crate::error::{Error, Result, SqlState};
use crate::registry::Name;
use crate::sql::parse::cursor::Cursor;
use crate::sql::parse::{self, Source, too_deep};

pub(super) struct Reader<'a> {
    pub c: Cursor<'a>,
    depth: usize,
    /// The blocks and loops around, innermost last.
    pub around: Vec<Around>,
    pub shape: &'a Shape,
}

/// What a name can mean in a block or loop.
#[derive(Default)]
pub(super) struct Around {
    pub label: Option<Name>,
    pub is_loop: bool,
    pub variables: Vec<Known>,
}

pub(super) struct Known {
    pub name: Name,
    pub constant: bool,
    pub record: bool,
}

impl Known {
    pub fn new(name: impl std::convert::Into<Name>) -> Self {
        Self { name: name.into(), constant: false, record: false }
    }
}

impl Reader<'_> {
    pub fn read(text: &str, shape: &Shape) -> Result<Block> {
        let source = Source::new(text.into());
        let mut tokens = parse::tokenize(&source)?;
        tokens.retain(|token| token.token != Token::EOF);
        let mut reader = Reader { c: Cursor::new(&tokens, &source), depth: 0, around: Vec::new(), shape };
        if shape.named {
            let variables = shape.parameters.iter().filter(|(name, _)| !name.is_empty());
            let mut variables: Vec<Known> =
                variables.map(|(name, record)| Known { record: *record, ..Known::new(name.clone()) }).collect();
            variables.push(Known::new("found"));
            reader.around.push(Around { label: Some(shape.name.clone()), is_loop: false, variables });
        }
        if matches!(reader.c.peek(), Some(Token::Sharp)) {
            return Err(Error::unsupported("a compiler option of PL/pgSQL"));
        }
        let block = reader.whole();
        block.map_err(|error| match error.report().position {
            Some(_) => error,
            None => {
                let line = reader.line();
                error.context(format!("compilation of PL/pgSQL function \"{}\" near line {line}", shape.name))
            }
        })
    }

    fn whole(&mut self) -> Result<Block> {
        let label = self.label()?;
        let block = self.block(label)?;
        self.c.eat_token(&Token::SemiColon);
        self.c.end()?;
        Ok(block)
    }

    /// Runs a production one level deeper.
    pub fn nested<T>(&mut self, production: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(too_deep());
        }
        let value = production(self);
        self.depth -= 1;
        value
    }

    pub fn line(&self) -> u64 {
        let token = self.c.tokens.get(self.c.at).or(self.c.tokens.last());
        token.map_or(1, |token| token.span.start.line)
    }

    /// `<<name>>`.
    pub fn label(&mut self) -> Result<Option<Name>> {
        if !self.c.eat_token(&Token::ShiftLeft) {
            return Ok(None);
        }
        let name = self.name()?;
        self.c.expect_token(&Token::ShiftRight)?;
        Ok(Some(name))
    }

    pub fn name(&mut self) -> Result<Name> {
        self.c.name()
    }

    /// `name` or `qualifier.name`. An element of an array, or deeper, is refused.
    pub fn target(&mut self) -> Result<Target> {
        let pos = self.c.position();
        let first = self.name()?;
        let target = if self.c.eat_token(&Token::Period) {
            Target { qualifier: Some(first), name: self.name()? }
        } else {
            Target { qualifier: None, name: first }
        };
        match self.c.peek() {
            Some(Token::LBracket | Token::Period) => {
                Err(Error::unsupported("assignment to a part of a value in PL/pgSQL").hint("Assign the whole value."))
            }
            _ => self.must_be_variable(&target, pos).map(|()| target),
        }
    }

    fn must_be_variable(&self, target: &Target, pos: u32) -> Result<()> {
        let Target { qualifier, name } = target;
        let known = self.around.iter().rev().find_map(|around| {
            let of = |name: &Name| around.variables.iter().find(|known| known.name == *name);
            match qualifier {
                None => of(name),
                Some(label) if around.label.as_ref() == Some(label) && of(name).is_some() => of(name),
                Some(record) => of(record).filter(|known| known.record),
            }
        });
        match known {
            Some(known) if known.constant => {
                let message = format!("variable \"{name}\" is declared CONSTANT");
                Err(Error::new(SqlState::ERROR_IN_ASSIGNMENT, message).at(pos))
            }
            Some(_) => Ok(()),
            None => {
                let shown = qualifier.as_ref().map_or(name.to_string(), |qualifier| format!("{qualifier}.{name}"));
                Err(Error::syntax(format!("\"{shown}\" is not a known variable")).at(pos))
            }
        }
    }

    /// What ALIAS FOR names: a variable, or `$n` (by [`parameter_name`]).
    pub fn alias_for(&mut self) -> Result<Target> {
        let number = match self.c.peek() {
            Some(Token::Placeholder(text)) => text.trim_start_matches('$').parse::<usize>().ok(),
            _ => return self.target(),
        };
        let inputs = || self.shape.inputs;
        let Some(number) = number.filter(|n| (1..=inputs()).contains(n)) else { return Err(self.c.error()) };
        self.c.at += 1;
        Ok(Target { qualifier: None, name: parameter_name(number) })
    }

    pub fn has_fields(&self, target: &Target) -> bool {
        let of = |around: &Around| around.variables.iter().find(|known| known.name == target.name).map(|k| k.record);
        self.around.iter().rev().find_map(of).unwrap_or(false)
    }

    pub fn targets(&mut self) -> Result<Vec<Target>> {
        let mut targets = vec![self.target()?];
        while self.c.eat_token(&Token::Comma) {
            targets.push(self.target()?);
        }
        Ok(targets)
    }

    pub fn semicolon(&mut self) -> Result<()> {
        self.c.expect_token(&Token::SemiColon)
    }

    /// The text of some tokens.
    pub fn text(&self, from: usize, to: usize) -> Arc<str> {
        let (Some(first), Some(last)) = (self.c.tokens.get(from), to.checked_sub(1).and_then(|i| self.c.tokens.get(i)))
        else {
            return "".into();
        };
        let source = self.c.source;
        let (first, last) = (source.byte(first.span.start), source.byte(last.span.end));
        source.text.get(first..last.max(first)).unwrap_or_default().trim_end().into()
    }

    /// Goes on to the first token, outside of parentheses, that `ends` takes; the text's end is an error.
    pub fn until(&mut self, ends: impl Fn(&Self) -> bool) -> Result<(usize, usize)> {
        let from = self.c.at;
        let mut depth = 0_usize;
        while let Some(token) = self.c.peek() {
            if depth == 0 && ends(self) {
                return Ok((from, self.c.at));
            }
            match token {
                Token::LParen | Token::LBracket => depth += 1,
                Token::RParen | Token::RBracket => {
                    depth = depth.checked_sub(1).ok_or_else(|| Error::syntax("mismatched parentheses"))?;
                }
                Token::SemiColon => return Err(self.c.error()),
                _ => {}
            }
            self.c.at += 1;
        }
        Err(self.c.error())
    }

    pub fn at_token(&self, token: &Token) -> bool {
        self.c.peek() == Some(token)
    }

    pub fn at_word(&self, word: &str) -> bool {
        self.c.is_word(0, word)
    }

    /// An expression up to one of these words or tokens, which is not taken.
    pub fn expression_until(&mut self, words: &[&str], tokens: &[Token]) -> Result<Fragment> {
        let ends = |r: &Self| words.iter().any(|w| r.at_word(w)) || tokens.iter().any(|t| r.at_token(t));
        let (from, to) = self.until(ends)?;
        if from == to {
            return Err(self.missing("expression"));
        }
        self.expression(from, to)
    }

    /// `missing expression at or near ";"`.
    pub fn missing(&self, what: &str) -> Error {
        let token = self.text(self.c.at, self.c.at + 1);
        Error::syntax(format!("missing {what} at or near \"{token}\"")).at(self.c.position())
    }

    /// An expression and the semicolon after it.
    pub fn expression_to_end(&mut self) -> Result<Fragment> {
        let expression = self.expression_until(&[], &[Token::SemiColon])?;
        self.semicolon()?;
        Ok(expression)
    }

    pub fn expression(&self, from: usize, to: usize) -> Result<Fragment> {
        self.expression_at(&self.text(from, to), from)
    }

    /// An expression whose text begins at that token.
    pub fn expression_at(&self, text: &str, from: usize) -> Result<Fragment> {
        self.fragment("SELECT ", text, from)
    }

    /// A piece of SQL, with what makes a statement of it in front.
    pub fn fragment(&self, prefix: &str, text: &str, from: usize) -> Result<Fragment> {
        let fragment = statement(&format!("{prefix}{text}")).map_err(|mut error| {
            let start = self.c.tokens.get(from).map_or(1, |token| self.c.source.position(token.span.start));
            let position = &mut error.report_mut().position;
            *position = position.map(|at| (at + start).saturating_sub(1 + prefix.len() as u32).max(start));
            error
        })?;
        // What PostgreSQL shows of it: PERFORM's SELECT, but not an expression's.
        Ok(Fragment { text: if prefix == "SELECT " { text.into() } else { fragment.text }, ..fragment })
    }

    /// Expressions between commas, up to one of these words or the semicolon.
    pub fn expressions_until(&mut self, words: &[&str]) -> Result<Vec<Fragment>> {
        let mut all = Vec::new();
        loop {
            all.push(self.expression_until(words, &[Token::Comma, Token::SemiColon])?);
            if !self.c.eat_token(&Token::Comma) {
                return Ok(all);
            }
        }
    }
}

/// The variable that `$n` of a function is: a name that no text can say.
pub fn parameter_name(number: usize) -> Name {
    format!("{:>80}", format!("${number}")).into()
}

/// One statement of SQL.
pub(super) fn statement(text: &str) -> Result<Fragment> {
    let mut parsed = parse::parse(text)?;
    match (parsed.pop(), parsed.is_empty()) {
        (Some(parsed), true) => Ok(Fragment { parsed, text: text.into() }),
        _ => Err(Error::new(SqlState::SYNTAX_ERROR, "syntax error at end of input")),
    }
}

pub(super) fn is_word(token: Option<&TokenWithSpan>, word: &str) -> bool {
    matches!(token.map(|t| &t.token),
        Some(Token::Word(w)) if w.quote_style.is_none() && w.value.eq_ignore_ascii_case(word))
}
