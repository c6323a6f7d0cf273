//! SEARCH and CYCLE of recursive WITH queries: taken out, kept by the place of the parenthesis before them.

use std::sync::Arc;

use sqlparser::ast;
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::super::source::Source;
use super::super::strip::Extras;
use super::super::with_parser;
use super::{is, is_token, keyword};
use crate::error::Result;
use crate::registry::Name;

/// What follows a CTE's query.
#[derive(Debug, Clone, Default)]
pub struct CteClauses {
    pub search: Option<Search>,
    pub cycle: Option<Cycle>,
}

/// `SEARCH {DEPTH | BREADTH} FIRST BY columns SET sequence`. Columns have their positions.
#[derive(Debug, Clone)]
pub struct Search {
    pub breadth: bool,
    pub columns: Vec<(Name, u32)>,
    pub sequence: Name,
    pub pos: u32,
}

/// `CYCLE columns SET mark [TO value DEFAULT other] USING path`.
#[derive(Debug, Clone)]
pub struct Cycle {
    pub columns: Vec<(Name, u32)>,
    pub mark: Name,
    /// TO and DEFAULT; true and false if left out.
    pub values: Option<Arc<(ast::Expr, ast::Expr)>>,
    pub path: Name,
    pub pos: u32,
}

/// A place in the tokens.
struct Reader<'a> {
    tokens: &'a [TokenWithSpan],
    at: usize,
    source: &'a Source,
}

impl Reader<'_> {
    fn expect(&mut self, word: &str) -> Result<()> {
        if !is(self.tokens.get(self.at), word) {
            return Err(self.source.syntax_error(self.tokens.get(self.at)));
        }
        self.at += 1;
        Ok(())
    }

    fn name(&mut self) -> Result<(Name, u32)> {
        let token = self.tokens.get(self.at);
        let Some(Token::Word(word)) = token.map(|t| &t.token) else {
            return Err(self.source.syntax_error(token));
        };
        self.at += 1;
        let pos = token.map_or(0, |t| self.source.position(t.span.start));
        Ok((super::super::fold_text(&word.value, word.quote_style.is_some()), pos))
    }

    fn names(&mut self) -> Result<Vec<(Name, u32)>> {
        let mut names = vec![self.name()?];
        while is_token(self.tokens.get(self.at), &Token::Comma) {
            self.at += 1;
            names.push(self.name()?);
        }
        Ok(names)
    }

    /// A constant up to the word that must follow it.
    fn constant(&mut self, end: &str) -> Result<ast::Expr> {
        let from = self.at;
        while self.at < self.tokens.len() && !is(self.tokens.get(self.at), end) {
            self.at += 1;
        }
        let expr = with_parser(&self.tokens[from..self.at], self.source, |p| p.parse_expr())?;
        self.expect(end)?;
        Ok(expr)
    }

    fn search(&mut self) -> Result<Search> {
        let pos = self.source.position(self.tokens[self.at].span.start);
        self.at += 1;
        let breadth = is(self.tokens.get(self.at), "breadth");
        self.expect(if breadth { "breadth" } else { "depth" })?;
        self.expect("first")?;
        self.expect("by")?;
        let columns = self.names()?;
        self.expect("set")?;
        let (sequence, _) = self.name()?;
        Ok(Search { breadth, columns, sequence, pos })
    }

    fn cycle(&mut self) -> Result<Cycle> {
        let pos = self.source.position(self.tokens[self.at].span.start);
        self.at += 1;
        let columns = self.names()?;
        self.expect("set")?;
        let (mark, _) = self.name()?;
        let mut values = None;
        if is(self.tokens.get(self.at), "to") {
            self.at += 1;
            let value = self.constant("default")?;
            values = Some(Arc::new((value, self.constant("using")?)));
        } else {
            self.expect("using")?;
        }
        let (path, _) = self.name()?;
        Ok(Cycle { columns, mark, values, path, pos })
    }
}

pub(super) fn take(tokens: Vec<TokenWithSpan>, source: &Source, extras: &mut Extras) -> Result<Vec<TokenWithSpan>> {
    let after_query = |i: usize, words: [&str; 2]| {
        i > 0 && is_token(tokens.get(i - 1), &Token::RParen) && words.iter().any(|w| is(tokens.get(i), w))
    };
    if !(0..tokens.len()).any(|i| after_query(i, ["search", "cycle"])) {
        return Ok(tokens);
    }
    let mut out = Vec::with_capacity(tokens.len());
    let mut reader = Reader { tokens: &tokens, at: 0, source };
    while reader.at < tokens.len() {
        let i = reader.at;
        let is_search = after_query(i, ["search", "search"]) && !is_token(tokens.get(i + 1), &Token::Comma);
        let is_cycle = after_query(i, ["cycle", "cycle"]) && keyword(tokens.get(i + 1)) != Keyword::AS;
        if !is_search && !is_cycle {
            out.push(tokens[i].clone());
            reader.at += 1;
            continue;
        }
        let closed = source.position(tokens[i - 1].span.start);
        let mut clauses = CteClauses::default();
        if is_search {
            clauses.search = Some(reader.search()?);
        }
        if is(tokens.get(reader.at), "cycle") {
            clauses.cycle = Some(reader.cycle()?);
        }
        extras.cte_clauses.push((closed, clauses));
    }
    Ok(out)
}
