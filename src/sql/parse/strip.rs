//! Clauses of PostgreSQL that sqlparser has no place for: taken out of the tokens before it sees them, kept aside.

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::source::Source;
use super::words::Words;
use crate::error::Result;
use crate::registry::Name;
use crate::tree::{FrameExclude, LockStrength, Overriding};

/// What was taken out.
#[derive(Debug, Clone, Default)]
pub struct Extras {
    /// INSERT's OVERRIDING clause (one a statement is enough: WITH … INSERT has it only once in practice).
    /// OVERRIDING of each INSERT that has it, by the position of its word INSERT.
    pub overriding: Vec<(u32, Overriding)>,
    /// Frame exclusions, by the character positions of the frame's first token and of the one that followed the frame.
    pub excludes: Vec<(u32, u32, FrameExclude)>,
    /// Stronger or weaker row locks than sqlparser knows, in the order of FOR clauses.
    pub locks: Vec<LockStrength>,
    /// CREATE TABLE AS and CREATE MATERIALIZED VIEW … WITH NO DATA.
    pub with_no_data: bool,
    /// REVOKE GRANT OPTION FOR.
    pub grant_option_for: bool,
    /// SEARCH and CYCLE, by the character position of the parenthesis before them.
    pub cte_clauses: Vec<(u32, super::rewrite::CteClauses)>,
    /// What messages call the command if it was written CONCURRENTLY: it may not run inside a transaction block.
    pub outside_block: Option<&'static str>,
    /// CREATE VIEW … WITH CHECK OPTION.
    pub check_option: Option<crate::registry::CheckOption>,
    /// CREATE UNLOGGED.
    pub unlogged: bool,
    /// The names of the columns of CREATE TABLE … AS.
    pub column_names: Vec<crate::registry::Name>,
    /// The columns of ON DELETE SET NULL (…), by the place of the table's name behind REFERENCES.
    pub delete_sets: Vec<(sqlparser::tokenizer::Location, Vec<Name>)>,
    /// A CHECK was written NO INHERIT.
    pub no_inherit: bool,
    /// Which parts of their columns INSERT and SET write, by the number in the mark behind the column's name.
    pub places: Vec<super::rewrite::Place>,
    /// Targets of ON CONFLICT that are more than columns, by the number in the mark that stands for them.
    pub arbiters: Vec<super::rewrite::Arbiter>,
    /// LIKE clauses of CREATE TABLE.
    pub likes: Vec<super::like::LikeClause>,
    /// EXCLUDE constraints, by the number in the CHECK that stands for each.
    pub exclusions: Vec<super::exclusion::RawExclusion>,
    pub partition: super::partition::PartitionClauses,
    /// The positions of tables' names that were written with ONLY.
    pub only: Vec<u32>,
    /// CREATE INDEX … ON ONLY.
    pub index_only: bool,
    /// COLLATE of ALTER COLUMN … TYPE: the column, and the parts of the collation's name.
    pub type_collations: Vec<(crate::registry::Name, Vec<crate::registry::Name>)>,
    /// What CREATE SCHEMA makes besides.
    pub elements: Vec<crate::tree::SchemaElement>,
    /// SEQUENCE NAME of an identity: its namespace, if it was written, and its name.
    pub identity_sequence: Option<(Option<crate::registry::Name>, crate::registry::Name)>,
}

fn is(token: Option<&TokenWithSpan>, word: &str) -> bool {
    matches!(token.map(|t| &t.token), Some(Token::Word(w)) if w.quote_style.is_none() && w.value.eq_ignore_ascii_case(word))
}

/// True if a query may begin after this token, and nothing else that begins with TABLE.
/// After AS that is so in CREATE … AS alone: elsewhere `AS table` is an alias.
fn begins_query(before: Option<&TokenWithSpan>, create: bool) -> bool {
    match before.map(|t| &t.token) {
        None | Some(Token::LParen) => true,
        Some(Token::Word(_)) if is(before, "as") => create,
        Some(Token::Word(_)) => {
            ["union", "except", "intersect", "all", "explain", "analyze", "for"].iter().any(|w| is(before, w))
        }
        Some(_) => false,
    }
}

/// A frame's last bound without an expression gets one, whose position says which frame it belongs to.
fn place_last_bound(out: &mut [TokenWithSpan]) {
    let n = out.len();
    let (mark, direction) = match n.checked_sub(2).and_then(|n| out.get(n)) {
        word if is(word, "current") => (super::rewrite::CURRENT_ROW, "FOLLOWING"),
        word if is(word, "unbounded") && is(out.last(), "following") => (super::rewrite::UNBOUNDED, "FOLLOWING"),
        word if is(word, "unbounded") => (super::rewrite::UNBOUNDED, "PRECEDING"),
        _ => return,
    };
    out[n - 2].token = Token::make_word(mark, Some('"'));
    out[n - 1].token = Token::make_word(direction, None);
}

/// The words that [`strip`] goes through a statement for.
const WORDS: &[&str] = &["revoke", "table", "overriding", "national", "nchar", "exclude", "for"];

/// Takes `OVERRIDING {SYSTEM | USER} VALUE`, frames' `EXCLUDE …`, and the `NO KEY` / `KEY` of row locks out.
pub fn strip(tokens: Vec<TokenWithSpan>, source: &Source) -> Result<(Vec<TokenWithSpan>, Extras)> {
    let mut extras = Extras::default();
    let mut i = 0;
    let mut tokens = tokens;
    let words = Words::of(&tokens);
    if is(tokens.first(), "create") && is(tokens.last(), "data") {
        let words = if is(tokens.get(tokens.len().saturating_sub(2)), "no") { 3 } else { 2 };
        if is(tokens.get(tokens.len().saturating_sub(words)), "with") {
            tokens.truncate(tokens.len() - words);
            extras.with_no_data = words == 3;
        }
    }
    if words.any(&["into"]) {
        super::select_into::spell(&mut tokens, source);
    }
    definition(&mut tokens, &mut extras);
    extras.check_option = super::view::take_check_option(&mut tokens);
    super::leave_out::take(&mut tokens, &words, &mut extras)?;
    extras.partition = super::partition::take(&mut tokens, source)?;
    if words.any(&["only"]) {
        extras.only = super::partition::take_only(&mut tokens, source);
    }
    extras.likes = super::like::take(&mut tokens, source)?;
    extras.exclusions = super::exclusion::take(&mut tokens, source)?;
    let tokens = tokens;
    let at = |i: usize| tokens.get(i);
    if !words.any(WORDS) {
        return Ok((tokens, extras));
    }
    let mut out = Vec::with_capacity(tokens.len());
    if is(at(0), "revoke") && is(at(1), "grant") && is(at(2), "option") && is(at(3), "for") {
        extras.grant_option_for = true;
        out.push(tokens[0].clone());
        i = 4;
    }
    while i < tokens.len() {
        if is(at(i), "table") && begins_query(out.last(), is(at(0), "create")) {
            // TABLE t is SELECT * FROM t.
            let span = tokens[i].span;
            let word = |text| TokenWithSpan { token: Token::make_word(text, None), span };
            out.extend([word("SELECT"), TokenWithSpan { token: Token::Mul, span }, word("FROM")]);
            i += 1;
            continue;
        }
        if is(at(i), "overriding") && is(at(i + 2), "value") && (is(at(i + 1), "system") || is(at(i + 1), "user")) {
            let overriding = if is(at(i + 1), "system") { Overriding::System } else { Overriding::User };
            let insert = insert_of(&tokens[..i]).map_or(0, |insert| source.position(insert.span.start));
            extras.overriding.push((insert, overriding));
            i += 3;
            continue;
        }
        // NATIONAL CHARACTER and NCHAR are CHARACTER.
        if is(at(i), "national") && (is(at(i + 1), "char") || is(at(i + 1), "character")) {
            i += 1;
            continue;
        }
        let text = |i: usize| at(i).is_some_and(|t| matches!(t.token, Token::SingleQuotedString(_)));
        let limited = |i: usize| at(i).is_some_and(|t| t.token == Token::LParen);
        if is(at(i), "nchar") && (is(at(i + 1), "varying") || text(i + 1) || limited(i + 1) && text(i + 4)) {
            out.push(TokenWithSpan { token: Token::make_word("char", None), span: tokens[i].span });
            i += 1;
            continue;
        }
        let frame_end = is(out.last(), "row") || is(out.last(), "preceding") || is(out.last(), "following");
        if is(at(i), "exclude") && frame_end {
            let (exclude, words) = if is(at(i + 1), "current") && is(at(i + 2), "row") {
                (FrameExclude::CurrentRow, 3)
            } else if is(at(i + 1), "group") {
                (FrameExclude::Group, 2)
            } else if is(at(i + 1), "ties") {
                (FrameExclude::Ties, 2)
            } else if is(at(i + 1), "no") && is(at(i + 2), "others") {
                (FrameExclude::NoOthers, 3)
            } else {
                return Err(source.syntax_error(at(i + 1)));
            };
            i += words;
            let begins = out.iter().rposition(|t| ["rows", "range", "groups"].iter().any(|w| is(Some(t), w)));
            let begins = begins.map_or(0, |n| source.position(out[n].span.start));
            let ends = at(i).map_or(0, |t| source.position(t.span.start));
            extras.excludes.push((begins, ends, exclude));
            place_last_bound(&mut out);
            continue;
        }
        // A policy is FOR UPDATE in another sense.
        let policy = is(at(0), "create") && is(at(1), "policy");
        if is(at(i), "for") && !policy {
            let (strength, words) = if is(at(i + 1), "no") && is(at(i + 2), "key") && is(at(i + 3), "update") {
                (Some(LockStrength::NoKeyUpdate), 3)
            } else if is(at(i + 1), "key") && is(at(i + 2), "share") {
                (Some(LockStrength::KeyShare), 2)
            } else if is(at(i + 1), "update") {
                (Some(LockStrength::Update), 0)
            } else if is(at(i + 1), "share") {
                (Some(LockStrength::Share), 0)
            } else {
                (None, 0)
            };
            if let Some(strength) = strength {
                extras.locks.push(strength);
                out.push(tokens[i].clone());
                // Leave FOR and the last word (UPDATE or SHARE).
                i += words.max(1);
                continue;
            }
        }
        out.push(tokens[i].clone());
        i += 1;
    }
    Ok((out, extras))
}

/// The word INSERT of the statement or the action that these tokens are the beginning of: the last one outside of the
/// parentheses in between.
fn insert_of(tokens: &[TokenWithSpan]) -> Option<&TokenWithSpan> {
    let mut closed = 0usize;
    tokens.iter().rev().find(|token| {
        match token.token {
            Token::RParen => closed += 1,
            Token::LParen => closed = closed.saturating_sub(1),
            _ => {}
        }
        closed == 0 && is(Some(token), "insert")
    })
}

/// Takes out of a schema change what says nothing here: UNLOGGED, CONCURRENTLY (remembered), ON ONLY, NO INHERIT, WITHOUT OIDS;
/// `GRANT ALL (a)` becomes the privileges that a column has.
fn definition(tokens: &mut Vec<TokenWithSpan>, extras: &mut Extras) {
    let word = |tokens: &[TokenWithSpan], i: usize, word: &str| is(tokens.get(i), word);
    let verb = ["create", "drop", "alter", "grant", "revoke"].into_iter().find(|w| word(tokens, 0, w));
    match verb {
        Some("create" | "drop") => {
            // Every table is durable, which is more than was asked for.
            if word(tokens, 1, "unlogged") && ["table", "sequence", "materialized"].iter().any(|w| word(tokens, 2, w)) {
                tokens.remove(1);
                extras.unlogged = true;
            }
            if verb == Some("drop") && word(tokens, 1, "database") {
                extras.outside_block = Some("DROP DATABASE");
            }
            let at = 1 + usize::from(word(tokens, 1, "unique"));
            if word(tokens, at, "index") && word(tokens, at + 1, "concurrently") {
                tokens.remove(at + 1);
                extras.outside_block =
                    Some(if verb == Some("drop") { "DROP INDEX CONCURRENTLY" } else { "CREATE INDEX CONCURRENTLY" });
            }
            if word(tokens, at, "index")
                && let Some(on) = (at..tokens.len()).find(|i| word(tokens, *i, "on"))
                && word(tokens, on + 1, "only")
            {
                tokens.remove(on + 1);
                extras.index_only = true;
            }
            switched_on(tokens);
            let end = tokens.len();
            if end > 2 && word(tokens, end - 2, "without") && word(tokens, end - 1, "oids") {
                tokens.truncate(end - 2);
            }
            extras.no_inherit = no_inherit(tokens);
            not_valid(tokens);
            recursive_view(tokens);
        }
        Some("alter") => {
            extras.no_inherit = no_inherit(tokens);
            if is(tokens.last(), "concurrently") && (0..tokens.len()).any(|i| word(tokens, i, "detach")) {
                extras.outside_block = Some("ALTER TABLE ... DETACH CONCURRENTLY");
            }
        }
        Some("grant" | "revoke") => {
            all_of_columns(tokens);
            temporary(tokens);
        }
        _ => {}
    }
}

/// `CREATE TABLE … WITH (word, …)`: a parameter without a value is true.
fn switched_on(tokens: &mut Vec<TokenWithSpan>) {
    if !["table", "index"].iter().any(|kind| (1..4).any(|at| is(tokens.get(at), kind))) {
        return;
    }
    let opens = |at: usize| is(tokens.get(at - 1), "with") && tokens[at].token == Token::LParen;
    let Some(open) = (1..tokens.len()).find(|at| opens(*at)) else { return };
    let mut at = open + 1;
    while let (Some(first), Some(next)) = (tokens.get(at), tokens.get(at + 1)) {
        if !matches!(first.token, Token::Word(_)) || !matches!(next.token, Token::Comma | Token::RParen) {
            match tokens[at..].iter().position(|t| matches!(t.token, Token::Comma | Token::RParen)) {
                Some(n) if tokens[at + n].token == Token::Comma => at += n + 1,
                _ => return,
            }
            continue;
        }
        let (span, last) = (first.span, next.token == Token::RParen);
        let value = [Token::Eq, Token::make_word("true", None)].map(|token| TokenWithSpan { token, span });
        tokens.splice(at + 1..at + 1, value);
        if last {
            return;
        }
        at += 4;
    }
}

/// What stands around the expression of a CHECK that has NO INHERIT.
pub const NO_INHERIT: &str = "\u{1}no inherit";

/// `CHECK (a) NO INHERIT` → `CHECK ("␁no inherit"(a))`. Was there one?
fn no_inherit(tokens: &mut Vec<TokenWithSpan>) -> bool {
    let (mut at, mut found, mut opened) = (0, false, Vec::new());
    if !(1..5).any(|at| is(tokens.get(at), "table")) {
        return false;
    }
    while at < tokens.len() {
        match tokens[at].token {
            Token::LParen => opened.push(at),
            Token::RParen => {
                let open = opened.pop().unwrap_or(0);
                let of_check = open > 0 && is(tokens.get(open - 1), "check");
                if of_check && is(tokens.get(at + 1), "no") && is(tokens.get(at + 2), "inherit") {
                    // The two words' places are those of the call's parentheses.
                    let span = tokens[open].span;
                    tokens.drain(at + 1..at + 3);
                    tokens.insert(at, TokenWithSpan { token: Token::RParen, span: tokens[at].span });
                    let call = [Token::make_word(NO_INHERIT, Some('"')), Token::LParen];
                    tokens.splice(open + 1..open + 1, call.map(|token| TokenWithSpan { token, span }));
                    at += 3;
                    found = true;
                }
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// A new table has no rows that its constraints were not asked of: NOT VALID says nothing (transformCheckConstraints).
fn not_valid(tokens: &mut Vec<TokenWithSpan>) {
    if !(1..4).any(|at| is(tokens.get(at), "table")) {
        return;
    }
    let constraint = |token: Option<&TokenWithSpan>| ["constraint", "check", "foreign"].iter().any(|w| is(token, w));
    let (mut at, mut depth, mut begins) = (1, 0_usize, 0);
    while at < tokens.len() {
        match tokens[at].token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 1 && (tokens[at].token == Token::Comma || begins == 0) {
            begins = at + 1;
        }
        let last = tokens.get(at + 2).is_some_and(|t| matches!(t.token, Token::Comma | Token::RParen));
        let not_valid = is(tokens.get(at), "not") && is(tokens.get(at + 1), "valid");
        if depth == 1 && not_valid && last && constraint(tokens.get(begins)) {
            tokens.drain(at..at + 2);
            continue;
        }
        at += 1;
    }
}

/// `ALL [PRIVILEGES] (a, b)` is SELECT, INSERT, UPDATE and REFERENCES on these columns.
fn all_of_columns(tokens: &mut Vec<TokenWithSpan>) {
    let Some(all) = (1..tokens.len().min(6)).find(|i| is(tokens.get(*i), "all")) else { return };
    let open = all + 1 + usize::from(is(tokens.get(all + 1), "privileges"));
    if tokens.get(open).is_none_or(|t| t.token != Token::LParen) {
        return;
    }
    let Some(close) = (open..tokens.len()).find(|i| tokens[*i].token == Token::RParen) else { return };
    let list = tokens[open..=close].to_vec();
    let span = tokens[all].span;
    let mut spelled = Vec::new();
    for word in ["SELECT", "INSERT", "UPDATE", "REFERENCES"] {
        if !spelled.is_empty() {
            spelled.push(TokenWithSpan { token: Token::Comma, span });
        }
        spelled.push(TokenWithSpan { token: Token::make_word(word, None), span });
        spelled.extend(list.iter().cloned());
    }
    tokens.splice(all..=close, spelled);
}

/// The privilege TEMP is TEMPORARY.
fn temporary(tokens: &mut [TokenWithSpan]) {
    let privileges = tokens.iter().position(|t| is(Some(t), "on")).unwrap_or(0);
    let mut depth = 0usize;
    for token in &mut tokens[..privileges] {
        match token.token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            // In parentheses it is a column.
            Token::Word(_) if depth == 0 && is(Some(token), "temp") => {
                token.token = Token::make_word("TEMPORARY", None);
            }
            _ => {}
        }
    }
}

/// `CREATE RECURSIVE VIEW v (a, b) AS query` is `CREATE VIEW v (a, b) AS WITH RECURSIVE v (a, b) AS (query) SELECT a, b
/// FROM v`.
fn recursive_view(tokens: &mut Vec<TokenWithSpan>) {
    let Some(at) = (1..tokens.len().min(6)).find(|i| is(tokens.get(*i), "recursive") && is(tokens.get(i + 1), "view"))
    else {
        return;
    };
    let (name, open) = (at + 2, at + 3);
    // A name with a namespace is no name for a WITH query; PostgreSQL takes its last part.
    if tokens.get(open).is_none_or(|t| t.token != Token::LParen) {
        return;
    }
    let Some(close) = (open..tokens.len()).find(|i| tokens[*i].token == Token::RParen) else { return };
    if !is(tokens.get(close + 1), "as") || close + 2 >= tokens.len() {
        return;
    }
    let span = tokens[name].span;
    let made = |token| TokenWithSpan { token, span };
    let word = |text| made(Token::make_word(text, None));
    let (view, list) = (tokens[name].clone(), tokens[open..=close].to_vec());
    let query: Vec<TokenWithSpan> = tokens.drain(close + 2..).collect();
    tokens.extend([word("WITH"), word("RECURSIVE"), view.clone()]);
    tokens.extend(list.iter().cloned());
    tokens.extend([word("AS"), made(Token::LParen)]);
    tokens.extend(query);
    tokens.extend([made(Token::RParen), word("SELECT")]);
    tokens.extend(list[1..list.len() - 1].iter().cloned());
    tokens.extend([word("FROM"), view]);
    tokens.remove(at);
}
