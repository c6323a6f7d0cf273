//! The client's text, its tokens, and positions in it.

use std::sync::Arc;

use sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan};

use crate::engine::budget::TextMemory;
use crate::error::{Error, SqlState};

/// A text with its lines, so that a parser's line and column become PostgreSQL's character position.
#[derive(Debug)]
pub struct Source {
    pub text: Arc<str>,
    /// Where each line begins: (characters before it, bytes before it).
    lines: Vec<(u32, usize)>,
    /// Where every [`MARK`]th character begins, in bytes: a statement of a megabyte may be one line.
    marks: Vec<usize>,
    chars: u32,
    /// Its identifiers that are cut, as they were folded.
    pub long_names: Vec<String>,
    /// What its tokens, and the trees that are made of them, take.
    pub memory: TextMemory,
}

/// Characters from mark to mark.
const MARK: u32 = 256;

impl Source {
    pub fn new(text: Arc<str>) -> Self {
        let mut lines = vec![(0, 0)];
        let mut marks = Vec::with_capacity(text.len() / MARK as usize + 1);
        let mut chars = 0;
        for (byte, c) in text.char_indices() {
            if chars % MARK == 0 {
                marks.push(byte);
            }
            chars += 1;
            if c == '\n' {
                lines.push((chars, byte + 1));
            }
        }
        Self { text, lines, marks, chars, long_names: Vec::new(), memory: TextMemory::default() }
    }

    /// The character position from 1; 0 for an unknown location.
    pub fn position(&self, at: Location) -> u32 {
        if at.line == 0 {
            return 0;
        }
        let line = (at.line as usize - 1).min(self.lines.len() - 1);
        (self.lines[line].0 + at.column as u32).min(self.chars + 1)
    }

    /// The byte offset of a location; the text's length for an unknown one.
    pub fn byte(&self, at: Location) -> usize {
        if at.line == 0 {
            return self.text.len();
        }
        let line = (at.line as usize - 1).min(self.lines.len() - 1);
        let nth = u64::from(self.lines[line].0) + at.column.saturating_sub(1);
        let Some(start) = self.marks.get((nth / u64::from(MARK)) as usize) else { return self.text.len() };
        let rest = &self.text[*start..];
        rest.char_indices().nth((nth % u64::from(MARK)) as usize).map_or(self.text.len(), |(i, _)| start + i)
    }

    pub fn slice(&self, span: Span) -> &str {
        let (from, to) = (self.byte(span.start), self.byte(span.end));
        self.text.get(from..to.max(from)).unwrap_or("").trim_end()
    }

    /// One past the last character.
    pub fn end(&self) -> u32 {
        self.chars + 1
    }

    /// `syntax error at or near "…"`, or at end of input for no token.
    pub fn syntax_error(&self, token: Option<&TokenWithSpan>) -> Error {
        match token {
            Some(token) if token.token != Token::EOF => {
                let text = self.slice(token.span);
                Error::syntax(format!("syntax error at or near \"{text}\"")).at(self.position(token.span.start))
            }
            _ => Error::syntax("syntax error at end of input").at(self.end()),
        }
    }
}

/// What PostgreSQL says when a statement is nested too deeply for its stack.
pub fn too_deep() -> Error {
    Error::new(SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded").hint(
        "Increase the configuration parameter \"max_stack_depth\" (currently 2048kB), after ensuring the platform's stack depth limit is adequate.",
    )
}
