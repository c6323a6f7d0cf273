//! Assignment to parts of columns: what stands behind the column's name is kept aside.
//!
//! `UPDATE t SET a[1] = 2, c.f = 3` → `UPDATE t SET a."␁0" = 2, c."␁1" = 3`

use sqlparser::ast::{AccessExpr, Expr, Ident};
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::{MARK, closing, is, is_token, is_word, keyword, mark};
use crate::error::Result;
use crate::sql::parse::source::Source;
use crate::sql::parse::strip::Extras;

/// The way from a column to the part that is written: subscripts and fields.
pub type Place = Vec<AccessExpr>;

/// The number of a mark's place among [`Extras::places`].
pub fn kept_place(ident: &Ident) -> Option<usize> {
    ident.value.strip_prefix(MARK)?.parse().ok()
}

pub(super) fn take(tokens: Vec<TokenWithSpan>, source: &Source, extras: &mut Extras) -> Result<Vec<TokenWithSpan>> {
    let writes = matches!(
        keyword(tokens.first()),
        Keyword::INSERT | Keyword::UPDATE | Keyword::WITH | Keyword::EXPLAIN | Keyword::PREPARE | Keyword::COPY
    );
    if !writes {
        return Ok(tokens);
    }
    let mut taker = Taker { tokens: &tokens, source, extras, out: Vec::with_capacity(tokens.len()), at: 0 };
    while taker.at < tokens.len() {
        let begins = keyword(tokens.get(taker.at));
        let after_insert = taker.at > 0 && keyword(tokens.get(taker.at - 1)) == Keyword::INSERT;
        taker.keep();
        match begins {
            Keyword::INTO if after_insert => taker.insert_columns()?,
            Keyword::SET => taker.set_clause()?,
            _ => {}
        }
    }
    Ok(taker.out)
}

struct Taker<'a> {
    tokens: &'a [TokenWithSpan],
    source: &'a Source,
    extras: &'a mut Extras,
    out: Vec<TokenWithSpan>,
    at: usize,
}

impl Taker<'_> {
    fn next(&self) -> Option<&TokenWithSpan> {
        self.tokens.get(self.at)
    }

    fn keep(&mut self) {
        self.out.extend(self.tokens.get(self.at).cloned());
        self.at += 1;
    }

    /// After INTO: `name [[AS] alias] (a, b[1], c.f)`.
    fn insert_columns(&mut self) -> Result<()> {
        while is_word(self.next()) || is_token(self.next(), &Token::Period) {
            let ends = is(self.next(), "overriding")
                || matches!(keyword(self.next()), Keyword::SELECT | Keyword::VALUES | Keyword::DEFAULT | Keyword::WITH);
            if ends {
                return Ok(());
            }
            self.keep();
        }
        if !is_token(self.next(), &Token::LParen) || begins_query(self.tokens.get(self.at + 1)) {
            return Ok(());
        }
        self.names()
    }

    /// `(a, b[1], c.f)`
    fn names(&mut self) -> Result<()> {
        let close = closing(self.tokens, self.at);
        self.keep();
        while self.at < close {
            if !is_word(self.next()) {
                return Ok(());
            }
            self.target()?;
            if !is_token(self.next(), &Token::Comma) {
                break;
            }
            self.keep();
        }
        if self.at == close {
            self.keep();
        }
        Ok(())
    }

    /// After SET: `a[1] = x, (b, c.f) = (…)`.
    fn set_clause(&mut self) -> Result<()> {
        loop {
            if is_token(self.next(), &Token::LParen) {
                self.names()?;
            } else if is_word(self.next()) {
                self.target()?;
            }
            if !is_token(self.next(), &Token::Eq) || !self.value()? {
                return Ok(());
            }
            self.keep();
        }
    }

    /// The assigned value, up to the comma behind it; false if there is none.
    fn value(&mut self) -> Result<bool> {
        let mut depth = 0usize;
        while let Some(token) = self.next() {
            match token.token {
                Token::LParen | Token::LBracket => depth += 1,
                Token::RParen | Token::RBracket if depth == 0 => return Ok(false),
                Token::RParen | Token::RBracket => depth -= 1,
                Token::Comma if depth == 0 => return Ok(true),
                Token::Word(_) if depth == 0 => {
                    let ends = match keyword(Some(token)) {
                        Keyword::WHERE | Keyword::RETURNING => true,
                        Keyword::FROM => !is(self.out.last(), "distinct"),
                        _ => false,
                    };
                    if ends {
                        return Ok(false);
                    }
                }
                _ => {}
            }
            self.keep();
        }
        Ok(false)
    }

    /// A column's name, and the place in it.
    fn target(&mut self) -> Result<()> {
        self.keep();
        let from = self.at;
        loop {
            match self.next().map(|t| &t.token) {
                Some(Token::Period) if is_word(self.tokens.get(self.at + 1)) => self.at += 2,
                Some(Token::LBracket) => self.at = closing_bracket(self.tokens, self.at) + 1,
                _ => break,
            }
        }
        if self.at == from {
            return Ok(());
        }
        let Some(written) = self.tokens.get(from..self.at) else {
            return Err(self.source.syntax_error(None));
        };
        let place = parse_place(written, self.source)?;
        let like = &written[0];
        let number = self.extras.places.len();
        self.out.push(TokenWithSpan { token: Token::Period, span: like.span });
        self.out.push(mark(like, &format!("{MARK}{number}")));
        self.extras.places.push(place);
        Ok(())
    }
}

fn begins_query(token: Option<&TokenWithSpan>) -> bool {
    is_token(token, &Token::LParen)
        || matches!(keyword(token), Keyword::SELECT | Keyword::VALUES | Keyword::WITH | Keyword::TABLE)
}

/// The index of the bracket that closes the one at `open`; the end if there is none.
fn closing_bracket(tokens: &[TokenWithSpan], open: usize) -> usize {
    let mut depth = 0usize;
    for (i, token) in tokens.iter().enumerate().skip(open) {
        match token.token {
            Token::LBracket => depth += 1,
            Token::RBracket => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return i;
                }
            }
            _ => {}
        }
    }
    tokens.len()
}

/// `[1].f[2:3]`, each step by itself, so that a name in front cannot run into what follows.
fn parse_place(written: &[TokenWithSpan], source: &Source) -> Result<Place> {
    let mut place = Place::new();
    let mut at = 0;
    while let Some(token) = written.get(at) {
        match (&token.token, written.get(at + 1).map(|t| (&t.token, t.span))) {
            (Token::Period, Some((Token::Word(word), span))) => {
                let ident = Ident { value: word.value.clone(), quote_style: word.quote_style, span };
                place.push(AccessExpr::Dot(Expr::Identifier(ident)));
                at += 2;
            }
            _ => {
                let end = closing_bracket(written, at) + 1;
                let mut tokens = vec![mark(token, "x")];
                tokens.extend(written.get(at..end).into_iter().flatten().cloned());
                let parsed = super::super::with_parser(&tokens, source, |p| p.parse_expr())?;
                let Expr::CompoundFieldAccess { access_chain, .. } = parsed else {
                    return Err(source.syntax_error(Some(token)));
                };
                place.extend(access_chain);
                at = end;
            }
        }
    }
    Ok(place)
}
