//! CREATE SCHEMA with elements: each is a statement of its own, and is kept as text.
//!
//! `CREATE SCHEMA s GRANT … CREATE TABLE t (…)` → `CREATE SCHEMA s`, with `CREATE TABLE t (…)` and `GRANT …` beside it

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::is_word_at as is;
use super::source::Source;
use crate::error::{Error, Result, SqlState};
use crate::registry::Name;
use crate::tree::SchemaElement;

/// Takes the elements away from the statement, in the order in which they are carried out (transformCreateSchemaStmtElements).
pub(super) fn take(tokens: &mut Vec<TokenWithSpan>, source: &Source) -> Result<Vec<SchemaElement>> {
    if !(is(tokens, 0, "create") && is(tokens, 1, "schema")) {
        return Ok(Vec::new());
    }
    let mut begins = Vec::new();
    let mut depth = 0_usize;
    for (at, found) in tokens.iter().enumerate() {
        match found.token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            _ => {}
        }
        // WITH GRANT OPTION
        let grant = is(tokens, at, "grant") && !is(tokens, at - 1, "with");
        if at > 1 && depth == 0 && (grant || is(tokens, at, "create")) {
            begins.push(at);
        }
    }
    let Some(first) = begins.first().copied() else { return Ok(Vec::new()) };
    let position = |at: usize| source.position(tokens[at].span.start);
    if is(tokens, 2, "if") {
        let message = "CREATE SCHEMA IF NOT EXISTS cannot include schema elements";
        return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).at(position(first)));
    }
    let ends = begins.iter().skip(1).copied().chain([tokens.len()]);
    let mut elements = Vec::with_capacity(begins.len());
    for (from, to) in begins.iter().copied().zip(ends) {
        let own = &tokens[from..to];
        let (rank, namespace) = kind(own, source)?;
        let Some(last) = own.last() else { continue };
        let text = source.text.get(source.byte(own[0].span.start)..source.byte(last.span.end)).unwrap_or_default();
        let element = SchemaElement { text: text.into(), offset: position(from) - 1, namespace };
        super::parse(text).map_err(|error| element.place(error))?;
        elements.push((rank, element));
    }
    elements.sort_by_key(|(rank, _)| *rank);
    tokens.truncate(first);
    Ok(elements.into_iter().map(|(_, element)| element).collect())
}

/// When it is its turn, and the namespace that it names.
fn kind(tokens: &[TokenWithSpan], source: &Source) -> Result<(u8, Option<Name>)> {
    if is(tokens, 0, "grant") {
        return Ok((5, None));
    }
    let mut at = 1;
    let mut skip = |words: &[&str]| {
        let found = words.iter().enumerate().all(|(n, word)| is(tokens, at + n, word));
        if found {
            at += words.len();
        }
        found
    };
    skip(&["or", "replace"]);
    let temporary = skip(&["local"]) | skip(&["global"]) | (skip(&["temp"]) || skip(&["temporary"]));
    let _ = skip(&["unlogged"]) || skip(&["recursive"]) || skip(&["constraint"]) || skip(&["unique"]);
    let rank = match () {
        () if skip(&["sequence"]) => 0,
        () if skip(&["table"]) => 1,
        () if skip(&["view"]) => 2,
        () if skip(&["index"]) => 3,
        () if skip(&["trigger"]) => 4,
        () => return Err(source.syntax_error(tokens.get(at))),
    };
    skip(&["if", "not", "exists"]);
    if rank == 3 {
        while at < tokens.len() && !is(tokens, at, "on") {
            at += 1;
        }
        at += 1 + usize::from(is(tokens, at + 1, "only"));
    }
    let qualified = matches!(tokens.get(at + 1).map(|t| &t.token), Some(Token::Period));
    let namespace = match tokens.get(at).map(|t| &t.token) {
        Some(Token::Word(word)) if qualified => Some(super::fold_text(&word.value, word.quote_style.is_some())),
        _ => None,
    };
    if temporary {
        let message = "cannot create temporary relation in non-temporary schema";
        let pos = tokens.get(at).map_or(0, |t| source.position(t.span.start));
        return Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message).at(pos));
    }
    // Of tables only those without a query.
    let mut after = at + if qualified { 3 } else { 1 };
    if rank == 1 && matches!(tokens.get(after).map(|t| &t.token), Some(Token::LParen)) {
        let mut depth = 0_usize;
        while let Some(found) = tokens.get(after) {
            match found.token {
                Token::LParen => depth += 1,
                Token::RParen => depth -= 1,
                _ => {}
            }
            after += 1;
            if depth == 0 {
                break;
            }
        }
    }
    if rank == 1 && is(tokens, after, "as") {
        return Err(source.syntax_error(tokens.get(after)));
    }
    Ok((rank, namespace))
}
