//! How deep a statement's tree will be, told from its tokens: before anything recursive reads them.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::too_deep;
use crate::error::Result;

/// How deeply parentheses, brackets and CASE may nest.
pub const MAX_NESTING: usize = 400;
/// How long a chain of operators or set operations may be.
pub const MAX_CHAIN: usize = 3000;
/// How many parts a name may have; PostgreSQL takes four at most, and fields of fields behind them.
const MAX_NAME_PARTS: usize = 100;
/// What one link counts whose left side the parser copies: the work grows with the square of such a chain.
const COPIED: usize = 10;

/// The chains of one level of brackets. What stands between AND, OR, UNION and JOIN is a chain of its own.
#[derive(Default)]
struct Level {
    connectives: usize,
    operators: usize,
}

impl Level {
    fn connect(&mut self) {
        self.connectives += 1;
        self.operators = 0;
    }
}

/// Refuses what would run a recursive function out of its stack: deep nesting, and long chains, which parse into
/// deep trees.
pub(super) fn check_nesting(tokens: &[TokenWithSpan]) -> Result<()> {
    let mut levels = vec![Level::default()];
    let mut parts = 0;
    for token in tokens {
        match &token.token {
            Token::Period => parts += 1,
            Token::Word(_) | Token::Mul => {}
            _ => parts = 0,
        }
        let top = levels.len() - 1;
        let level = &mut levels[top];
        match &token.token {
            Token::LParen | Token::LBracket => levels.push(Level::default()),
            Token::RParen if top > 0 => drop(levels.pop()),
            Token::RBracket if top > 0 => {
                levels.pop();
                // `int[][]…` is an array of an array of …
                levels[top - 1].operators += 1;
            }
            Token::Comma => *level = Level::default(),
            Token::Word(w) if w.quote_style.is_some() => {}
            Token::Word(w) => match w.keyword {
                Keyword::CASE => levels.push(Level::default()),
                Keyword::END if top > 0 => drop(levels.pop()),
                Keyword::AND | Keyword::OR => level.connect(),
                Keyword::UNION | Keyword::EXCEPT | Keyword::INTERSECT | Keyword::JOIN => level.connect(),
                Keyword::COLLATE | Keyword::DISTINCT | Keyword::ANY | Keyword::SOME => level.operators += COPIED,
                Keyword::NOT
                | Keyword::IS
                | Keyword::NOTNULL
                | Keyword::LIKE
                | Keyword::ILIKE
                | Keyword::SIMILAR
                | Keyword::BETWEEN
                | Keyword::IN
                | Keyword::OPERATOR
                | Keyword::AT => level.operators += 1,
                _ => {}
            },
            Token::SingleQuotedString(_) | Token::Number(..) | Token::Period | Token::Placeholder(_) => {}
            _ => level.operators += 1,
        }
        let level = levels.last().unwrap_or_else(|| unreachable!("the outermost level stays"));
        if levels.len() > MAX_NESTING || level.connectives + level.operators > MAX_CHAIN || parts > MAX_NAME_PARTS {
            return Err(too_deep());
        }
    }
    Ok(())
}
