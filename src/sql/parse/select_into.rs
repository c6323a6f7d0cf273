//! `SELECT a INTO [TEMP] [TABLE] t FROM b` is `CREATE [TEMP] TABLE t AS SELECT a FROM b`.

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::cursor::Cursor;
use super::source::Source;

/// Spells it as CREATE TABLE AS. What stands in another place than a statement's first SELECT is left for analysis to refuse.
pub(super) fn spell(tokens: &mut Vec<TokenWithSpan>, source: &Source) {
    let Some(into) = place(tokens, source) else { return };
    let mut c = Cursor { tokens, at: into + 1, source };
    let _ = c.eat("local") || c.eat("global");
    let kind = match () {
        () if c.eat("temporary") || c.eat("temp") => Some("TEMP"),
        () if c.eat("unlogged") => Some("UNLOGGED"),
        () => None,
    };
    c.eat("table");
    let name = c.at;
    if c.qualified().is_err() {
        return;
    }
    let name = tokens[name..c.at].to_vec();
    let (end, span) = (c.at, tokens[into].span);
    tokens.drain(into..end);
    let word = |text: &str| TokenWithSpan { token: Token::make_word(text, None), span };
    let before = [Some("CREATE"), kind, Some("TABLE")].into_iter().flatten().map(word);
    let before: Vec<TokenWithSpan> = before.chain(name).chain([word("AS")]).collect();
    tokens.splice(0..0, before);
}

/// Is what comes behind these tokens a name, whatever the word?
fn names(before: &[TokenWithSpan]) -> bool {
    before.last().is_some_and(|last| match &last.token {
        Token::Period => true,
        Token::Word(word) => word.quote_style.is_none() && word.value.eq_ignore_ascii_case("as"),
        _ => false,
    })
}

/// Where INTO stands behind the targets of the statement's own SELECT.
fn place(tokens: &[TokenWithSpan], source: &Source) -> Option<usize> {
    const OTHERS: [&str; 4] = ["insert", "update", "delete", "merge"];
    const ENDS: [&str; 4] = ["from", "union", "intersect", "except"];
    let mut c = Cursor::new(tokens, source);
    let mut selects = c.is_word(0, "select");
    if !selects && !c.is_word(0, "with") {
        return None;
    }
    let mut depth = 0_usize;
    while let Some(token) = c.peek() {
        match token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            Token::Word(_) if depth > 0 => {}
            // `t.into` and `AS into` are names.
            Token::Word(_) if c.is_word(0, "into") && names(&tokens[..c.at]) => {}
            Token::Word(_) if selects && c.is_word(0, "into") => return Some(c.at),
            Token::Word(_) if selects && ENDS.iter().any(|word| c.is_word(0, word)) => return None,
            Token::Word(_) if OTHERS.iter().any(|word| c.is_word(0, word)) && !selects => return None,
            Token::Word(_) => selects |= c.is_word(0, "select"),
            _ => {}
        }
        c.at += 1;
    }
    None
}
