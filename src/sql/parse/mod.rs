//! Text to statements: tokens, split at `;`, each parsed by sqlparser under our dialect or by our own command parser.

mod absent;
mod command;
mod composite;
mod copy;
mod cursor;
mod ddl;
mod defaults;
mod deferral;
mod depth;
mod dialect;
mod digest;
mod domain;
pub mod exclusion;
mod extension;
mod function;
mod hooks;
mod in_list;
mod in_words;
mod leave_out;
mod like;
mod maintain;
mod parameters;
mod partition;
mod plain;
pub mod plpgsql;
mod policy;
mod printed;
mod refuse;
pub(crate) mod rewrite;
pub mod role;
mod scan;
mod schema;
mod select_into;
mod sequence;
mod settings;
mod source;
mod statistics;
mod strip;
mod tuning;
mod unicode;
mod view;
mod words;

use std::sync::Arc;

use sqlparser::ast;
use sqlparser::parser::{Parser, ParserError, ParserOptions};
use sqlparser::tokenizer::{Token, TokenWithSpan};

pub use absent::{Absent, DropAbsent};
pub use command::{Body, ExplainOptions, LockItem};
pub use composite::known_collation;
pub use copy::{CopyOptionValue, CopyStatement, CopySubject, copy_of_columns};
pub use ddl::{RawAttribute, RawDdl};
pub use dialect::DuckgateDialect;
pub use digest::digest;
pub use domain::RawTypeGrant;
pub use function::{RawBody, RawCreate, RawFunction, RawSignature, RawTarget};
pub use leave_out::known_tablespace;
pub use leave_out::{INCLUDE, NOT_DISTINCT};
pub use like::{Included, LikeClause};
pub use maintain::{Maintained, Reindex, Reindexed};
pub use parameters::{RawType, is};
pub use partition::{INHERITED, PartitionClauses, RawAction, RawBound, RawChange, RawKey, RawOf, RawPart};
pub use printed::printed;
pub use rewrite::{Arbiter, Place, kept_place};
pub use source::{Source, too_deep};
pub use statistics::{AlteredStatistics, RawStatistics};
pub use strip::{Extras, NO_INHERIT};
pub use view::{ViewOptions, view_options};

use depth::{MAX_NESTING, check_nesting};

use crate::error::{Error, Report, Result, Severity, SqlState};
use crate::types::Oid;

/// How long an identifier may be, in bytes (NAMEDATALEN - 1).
pub const MAX_IDENTIFIER: usize = 63;

/// One statement of a client's text.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// The statement's own text, without the semicolon and surrounding blanks.
    pub text: Arc<str>,
    pub body: Arc<Body>,
    /// The whole text that it came in; positions count in it.
    pub source: Arc<Source>,
    /// The statement's tokens without blanks.
    pub tokens: Arc<[TokenWithSpan]>,
    /// What stood in the text and sqlparser has no place for.
    pub extras: Arc<Extras>,
    /// Names that stand for the parameters `$1`, `$2` … where no column has them: PL/pgSQL's variables.
    pub variables: Arc<[Variable]>,
}

/// A variable as SQL names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Variable {
    /// Its block's label, or the record that it is a field of.
    pub qualifier: Option<Arc<str>>,
    pub name: Arc<str>,
    /// Where all that have one qualifier make up a value, too: its type, which is record if it has none of its own.
    pub of_record: Option<Oid>,
}

impl Parsed {
    pub fn is_call(&self) -> bool {
        matches!(&*self.body, Body::Statement(s) if matches!(**s, ast::Statement::Call(_)))
    }

    /// The first `$n` in the text, and its position in characters from 1.
    pub fn first_placeholder(&self) -> Option<(&str, u32)> {
        self.tokens.iter().find_map(|t| match &t.token {
            Token::Placeholder(text) => Some((text.as_str(), self.source.position(t.span.start))),
            _ => None,
        })
    }
}

/// The statements of a text. Empty ones are left out.
pub fn parse(text: &str) -> Result<Vec<Parsed>> {
    let mut source = Source::new(text.into());
    let tokens = tokenize(&source)?;
    source.long_names = tokens.iter().filter_map(long_name).collect();
    let source = Arc::new(source);
    let mut out = Vec::new();
    for statement in split(tokens) {
        check_nesting(&statement)?;
        let mut statement = statement;
        let (Some(first), Some(last)) = (statement.first(), statement.last()) else { continue };
        let (first, last) = (source.byte(first.span.start), source.byte(last.span.end));
        let own = source.text.get(first..last).unwrap_or_default().trim_end();
        let elements = schema::take(&mut statement, &source)?;
        // A function's body is read by itself, as it was written.
        let (tokens, extras) = if function::is_create(&statement) {
            (statement, Extras::default())
        } else {
            let (stripped, mut extras) = strip::strip(statement, &source)?;
            extras.elements = elements;
            (rewrite::rewrite(stripped, &source, &mut extras)?, extras)
        };
        let (body, tokens) = command::parse_whole(tokens, &source)?;
        out.push(Parsed {
            text: own.into(),
            body: Arc::new(body),
            source: Arc::clone(&source),
            tokens: tokens.into(),
            extras: Arc::new(extras),
            variables: Arc::default(),
        });
    }
    Ok(out)
}

/// An identifier that is cut.
fn long_name(token: &TokenWithSpan) -> Option<String> {
    match &token.token {
        Token::Word(word) if word.value.len() > MAX_IDENTIFIER => Some(match word.quote_style {
            Some(_) => word.value.clone(),
            None => word.value.to_ascii_lowercase(),
        }),
        _ => None,
    }
}

/// What PostgreSQL's scanner tells of a text (truncate_identifier).
pub fn notices(statements: &[Parsed]) -> impl Iterator<Item = Report> {
    let names = statements.first().into_iter().flat_map(|first| &first.source.long_names);
    names.map(|name| {
        let message = format!("identifier \"{name}\" will be truncated to \"{}\"", fold_text(name, true));
        Report::new(Severity::Notice, SqlState::NAME_TOO_LONG, message)
    })
}

/// An expression by itself, as schema files and DDL keep them.
pub fn parse_expression(text: &str) -> Result<(ast::Expr, Parsed)> {
    let source = Arc::new(Source::new(text.into()));
    let tokens = tokenize(&source)?;
    check_nesting(&tokens)?;
    let (stripped, mut extras) = strip::strip(tokens, &source)?;
    let tokens: Arc<[TokenWithSpan]> = rewrite::rewrite(stripped, &source, &mut extras)?.into();
    let expr = with_parser(&tokens, &source, |p| p.parse_expr())?;
    let parsed = Parsed {
        text: text.into(),
        body: Arc::new(Body::Expression),
        source,
        tokens,
        extras: Arc::new(extras),
        variables: Arc::default(),
    };
    Ok((expr, parsed))
}

/// Runs one of sqlparser's productions over all of `tokens`; what is left over is a syntax error.
fn with_parser<T>(
    tokens: &[TokenWithSpan],
    source: &Source,
    production: impl FnOnce(&mut Parser) -> Result<T, ParserError>,
) -> Result<T> {
    over_all(tokens.to_vec(), source, production).map(|(value, _)| value)
}

/// The same of tokens that are not copied: it gives them back.
fn over_all<T>(
    tokens: Vec<TokenWithSpan>,
    source: &Source,
    production: impl FnOnce(&mut Parser) -> Result<T, ParserError>,
) -> Result<(T, Vec<TokenWithSpan>)> {
    let dialect = DuckgateDialect::for_tokens(tokens.len());
    let mut parser = Parser::new(&dialect)
        .with_options(ParserOptions::new().with_unescape(true))
        .with_recursion_limit(MAX_NESTING * 2)
        .with_tokens_with_locations(tokens);
    match production(&mut parser) {
        Err(error) => Err(parser_error(error, &parser.into_tokens(), source)),
        Ok(_) if parser.peek_token_ref().token != Token::EOF => Err(source.syntax_error(Some(parser.peek_token_ref()))),
        Ok(value) => Ok((value, parser.into_tokens())),
    }
}

/// sqlparser's complaint in PostgreSQL's words: what counts is the token that it could not use.
fn parser_error(error: ParserError, tokens: &[TokenWithSpan], source: &Source) -> Error {
    let message = match error {
        ParserError::RecursionLimitExceeded => return too_deep(),
        ParserError::TokenizerError(message) | ParserError::ParserError(message) => message,
    };
    let located = message.rsplit_once(" at Line: ").and_then(|(_, at)| {
        let (line, column) = at.split_once(", Column: ")?;
        let at = (line.parse::<u64>().ok()?, column.trim().parse::<u64>().ok()?);
        tokens.iter().find(|t| (t.span.start.line, t.span.start.column) == at)
    });
    let mut error = source.syntax_error(located);
    error.report_mut().internal = Some(message);
    error
}

fn tokenize(source: &Source) -> Result<Vec<TokenWithSpan>> {
    if source.text.contains('\0') {
        return Err(Error::new(
            SqlState::CHARACTER_NOT_IN_REPERTOIRE,
            "invalid byte sequence for encoding \"UTF8\": 0x00",
        ));
    }
    scan::scan(source)
}

/// Cuts at semicolons. Only the body of a function, BEGIN ATOMIC … END, has some inside.
fn split(tokens: Vec<TokenWithSpan>) -> Vec<Vec<TokenWithSpan>> {
    let mut out = Vec::new();
    // Most texts are one statement.
    let mut current: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    // How many END are still to come; 0 outside of such a body.
    let mut open = 0_usize;
    for token in tokens {
        if let Token::Word(word) = &token.token
            && word.quote_style.is_none()
        {
            let is = |name: &str| word.value.eq_ignore_ascii_case(name);
            match open {
                0 if is("atomic") && function::begins_body(&current) => open = 1,
                0 => {}
                _ if is("case") => open += 1,
                _ if is("end") => open -= 1,
                _ => {}
            }
        }
        match token.token {
            Token::SemiColon if open == 0 => out.push(std::mem::take(&mut current)),
            Token::EOF => {}
            _ => current.push(token),
        }
    }
    out.push(current);
    out.retain(|s| !s.is_empty());
    out
}

/// Is there this word, without quotes?
fn is_word_at(tokens: &[TokenWithSpan], at: usize, word: &str) -> bool {
    matches!(tokens.get(at).map(|t| &t.token),
        Some(Token::Word(w)) if w.quote_style.is_none() && w.value.eq_ignore_ascii_case(word))
}

/// An identifier as PostgreSQL knows it: folded unless quoted, cut at 63 bytes.
pub fn fold(ident: &ast::Ident) -> Arc<str> {
    fold_text(&ident.value, ident.quote_style.is_some())
}

/// The last part of a name, folded.
pub(crate) fn fold_last(name: &ast::ObjectName) -> Arc<str> {
    name.0.last().and_then(|p| p.as_ident()).map_or_else(|| "".into(), fold)
}

pub(crate) fn fold_text(value: &str, quoted: bool) -> Arc<str> {
    let mut end = value.len().min(MAX_IDENTIFIER);
    while !value.is_char_boundary(end) {
        end -= 1;
    }
    let cut = &value[..end];
    if quoted { cut.into() } else { cut.to_ascii_lowercase().into() }
}
