//! Constructs of PostgreSQL's grammar that sqlparser does not read, said with tokens that it does read.
//!
//! | PostgreSQL | sqlparser reads |
//! |---|---|
//! | `FROM ONLY t`, `FROM t *` | `FROM t` (there is no inheritance) |
//! | `ORDER BY a USING >` | `ORDER BY a DESC` |
//! | `SELECT UNION SELECT` | a target by the name [`NOTHING`] |
//! | `FETCH FIRST (n) ROWS WITH TIES OFFSET 1` | `LIMIT "␁ties"((n)) OFFSET 1` |
//! | `FOR UPDATE OF a, b LIMIT 1` | `LIMIT 1 FOR UPDATE OF a FOR UPDATE OF b` |
//! | `JOIN b USING (i) AS x` | `USING (i, "␁x")` |
//! | `a JOIN b JOIN c ON p ON q` | `a JOIN (b JOIN c ON p) ON q` |
//! | `ROLLUP ((a)::date)` | `ROLLUP (((a)::date))` |
//! | `GROUP BY DISTINCT a`, `GROUP BY ALL a` | `GROUP BY "␁distinct"(), a`, `GROUP BY a` |
//! | `GROUPING SETS (a, GROUPING SETS (b, c))` | `GROUPING SETS (a, b, c)` |
//! | `ROWS FROM (f(), g())` | `"␁rows"(f(), g())` |
//! | `f() AS (a int)` | `f() AS f (a int)` |
//! | `integer ARRAY[4]` | `integer [4]` |
//! | `MERGE … USING a JOIN b ON p ON q` | `USING (a JOIN b ON p) ON q` |
//! | `WHEN … THEN DO NOTHING`, `INSERT DEFAULT VALUES` | an assignment to, an insert into [`DO_NOTHING`], [`DEFAULTS`] |
//! | `SET a[1].f = 2`, `INSERT INTO t (a[1])` | `SET a."␁0" = 2`, `INSERT INTO t (a."␁0")`, the rest kept aside |
//! | `ON CONFLICT (lower(a)) WHERE b` | `ON CONFLICT ("␁0")`, the rest kept aside |
//! | `(a).*` | `(a)."␁star"` |
//! | `SELECT t.* IS NULL` | `SELECT (t.*) IS NULL` |
//! | `… SEARCH DEPTH FIRST BY a SET b` after a CTE | kept aside, see [`super::Extras`] |
//!
//! Marks begin with [`MARK`], which no identifier of a client can: such an identifier is refused.

mod arbiter;
mod assign;
mod context;
mod cte;
mod grouping;
mod join;
mod limit;
mod merge;

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

pub use arbiter::Arbiter;
pub use assign::{Place, kept_place};
pub use cte::CteClauses;

use super::source::Source;
use super::strip::Extras;
use crate::error::{Error, Result, SqlState};

/// What identifiers of ours begin with.
pub const MARK: char = '\u{1}';
/// The target of `SELECT` without targets.
pub const NOTHING: &str = "\u{1}nothing";
/// The function around the row count of `FETCH FIRST … WITH TIES`.
pub const TIES: &str = "\u{1}ties";
/// A frame's bound that has to have a position: `CURRENT ROW`, `UNBOUNDED …`.
pub const CURRENT_ROW: &str = "\u{1}current";
pub const UNBOUNDED: &str = "\u{1}unbounded";
/// The column that stands for MERGE's DO NOTHING, and the one for its INSERT DEFAULT VALUES.
pub const DO_NOTHING: &str = "\u{1}do nothing";
pub const DEFAULTS: &str = "\u{1}defaults";
/// The field that stands for all fields of a row.
pub const STAR: &str = "\u{1}star";
/// The item that stands before those of GROUP BY DISTINCT.
pub const DISTINCT: &str = "\u{1}distinct";
/// The function that stands for ROWS FROM.
pub const ROWS: &str = "\u{1}rows";

pub fn rewrite(tokens: Vec<TokenWithSpan>, source: &Source, extras: &mut Extras) -> Result<Vec<TokenWithSpan>> {
    let mut tokens = subscripted_parameters(tokens);
    let mut triggers = Triggers::default();
    for token in &tokens {
        if let Token::Word(_) = &token.token {
            triggers.note(keyword(Some(token)));
        }
        triggers.star |= matches!(token.token, Token::Mul);
        triggers.places |= matches!(token.token, Token::LBracket | Token::Period);
    }
    if triggers.merge {
        tokens = merge::spell(tokens, source)?;
    }
    if triggers.with {
        tokens = cte::take(tokens, source, extras)?;
    }
    if triggers.select {
        tokens = clauses(tokens, source, &triggers)?;
    }
    if triggers.joins {
        tokens = join::parenthesize(tokens, source)?;
    }
    if triggers.fetch {
        tokens = limit::fetch(tokens, source)?;
    }
    if triggers.grouping {
        tokens = grouping::elements(grouping::spell(tokens));
    }
    // A policy is FOR UPDATE in another sense.
    if triggers.locks && !(is(tokens.first(), "create") && is(tokens.get(1), "policy")) {
        tokens = limit::locks(tokens, extras);
    }
    if triggers.star && triggers.places {
        fields_star(&mut tokens);
        tested_rows(&mut tokens);
    }
    if triggers.conflict {
        tokens = arbiter::take(tokens, source, extras)?;
    }
    if triggers.writes && triggers.places {
        tokens = assign::take(tokens, source, extras)?;
    }
    Ok(tokens)
}

/// `$1[2]` is `($1)[2]`.
fn subscripted_parameters(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let subscripted = |pair: &[TokenWithSpan]| matches!(pair, [a, b] if matches!(a.token, Token::Placeholder(_)) && b.token == Token::LBracket);
    if !tokens.windows(2).any(subscripted) {
        return tokens;
    }
    let mut out = Vec::with_capacity(tokens.len() + 2);
    for (i, token) in tokens.iter().enumerate() {
        let around = |token_kind| TokenWithSpan { token: token_kind, span: token.span };
        if tokens.get(i..i + 2).is_some_and(subscripted) {
            out.extend([around(Token::LParen), token.clone(), around(Token::RParen)]);
        } else {
            out.push(token.clone());
        }
    }
    out
}

/// Which of the rules a statement's words call for: most statements need none.
#[derive(Default)]
struct Triggers {
    select: bool,
    with: bool,
    joins: bool,
    fetch: bool,
    grouping: bool,
    locks: bool,
    merge: bool,
    conflict: bool,
    star: bool,
    /// INSERT or SET, with brackets or periods.
    writes: bool,
    places: bool,
}

impl Triggers {
    fn note(&mut self, keyword: Keyword) {
        match keyword {
            Keyword::SELECT | Keyword::DELETE | Keyword::UPDATE | Keyword::CREATE | Keyword::ONLY => {
                self.select = true;
            }
            Keyword::WITH => self.with = true,
            Keyword::JOIN => self.joins = true,
            Keyword::FETCH => self.fetch = true,
            Keyword::GROUP => self.grouping = true,
            Keyword::FOR => self.locks = true,
            Keyword::MERGE => self.merge = true,
            Keyword::CONFLICT => self.conflict = true,
            Keyword::INSERT | Keyword::SET => self.writes = true,
            _ => {}
        }
    }
}

/// A token's keyword, if it is an unquoted word.
fn keyword(token: Option<&TokenWithSpan>) -> Keyword {
    match token.map(|t| &t.token) {
        Some(Token::Word(w)) if w.quote_style.is_none() => w.keyword,
        _ => Keyword::NoKeyword,
    }
}

fn is(token: Option<&TokenWithSpan>, word: &str) -> bool {
    matches!(token.map(|t| &t.token), Some(Token::Word(w)) if w.quote_style.is_none() && w.value.eq_ignore_ascii_case(word))
}

fn is_word(token: Option<&TokenWithSpan>) -> bool {
    matches!(token.map(|t| &t.token), Some(Token::Word(_)))
}

fn is_token(token: Option<&TokenWithSpan>, wanted: &Token) -> bool {
    token.is_some_and(|t| t.token == *wanted)
}

/// Another token at the place of `like`.
fn instead(like: &TokenWithSpan, token: Token) -> TokenWithSpan {
    TokenWithSpan { token, span: like.span }
}

/// An identifier of ours at the place of `like`.
fn mark(like: &TokenWithSpan, text: &str) -> TokenWithSpan {
    instead(like, Token::make_word(text, Some('"')))
}

/// The index of the parenthesis that closes the one at `open`; the end if there is none.
fn closing(tokens: &[TokenWithSpan], open: usize) -> usize {
    let mut depth = 0usize;
    for (i, token) in tokens.iter().enumerate().skip(open) {
        match token.token {
            Token::LParen => depth += 1,
            Token::RParen => {
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

/// True for the reserved words with which the clause after FROM (or after a target list) begins.
fn ends_from(word: Keyword) -> bool {
    matches!(
        word,
        Keyword::WHERE
            | Keyword::GROUP
            | Keyword::HAVING
            | Keyword::ORDER
            | Keyword::LIMIT
            | Keyword::OFFSET
            | Keyword::FETCH
            | Keyword::FOR
            | Keyword::WINDOW
            | Keyword::UNION
            | Keyword::INTERSECT
            | Keyword::EXCEPT
            | Keyword::RETURNING
    )
}

/// True if a target list cannot begin with this token: it is empty.
fn ends_targets(token: Option<&TokenWithSpan>) -> bool {
    match token.map(|t| &t.token) {
        None | Some(Token::RParen) => true,
        Some(Token::Word(_)) => ends_from(keyword(token)),
        _ => false,
    }
}

/// May [`clauses`] have something to do here?
fn may_be_clause(tokens: &[TokenWithSpan], at: usize) -> bool {
    let next = tokens.get(at + 1);
    match keyword(tokens.get(at)) {
        Keyword::SELECT => ends_targets(next),
        Keyword::ONLY | Keyword::USING | Keyword::ROWS | Keyword::ARRAY => true,
        Keyword::AS => is_token(next, &Token::LParen),
        _ => false,
    }
}

/// A star behind a word: behind a table's name, in a FROM list, it is no product.
fn may_be_inherited(tokens: &[TokenWithSpan], at: usize) -> bool {
    matches!(tokens[at].token, Token::Mul) && at > 0 && is_word(tokens.get(at - 1))
}

/// The rules that look at a token and its neighbours, and at whether they stand in a FROM list.
fn clauses(tokens: Vec<TokenWithSpan>, source: &Source, triggers: &Triggers) -> Result<Vec<TokenWithSpan>> {
    let clause = (0..tokens.len()).any(|i| may_be_clause(&tokens, i));
    let star = triggers.star && (0..tokens.len()).any(|i| may_be_inherited(&tokens, i));
    if !clause && !star {
        return Ok(tokens);
    }
    let in_from = context::in_from(&tokens);
    if !clause && !(0..tokens.len()).any(|i| in_from[i] && may_be_inherited(&tokens, i)) {
        return Ok(tokens);
    }
    let create = keyword(tokens.first()) == Keyword::CREATE;
    let aside = matches!(keyword(tokens.first()), Keyword::ALTER | Keyword::TRUNCATE | Keyword::LOCK);
    let at = |i: usize| tokens.get(i);
    let mut out: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len() + 8);
    let mut i = 0;
    while i < tokens.len() {
        let token = &tokens[i];
        match keyword(Some(token)) {
            Keyword::SELECT if ends_targets(at(i + 1)) => {
                out.push(token.clone());
                out.push(mark(token, NOTHING));
            }
            Keyword::ONLY if !aside && begins_item(out.last()) && is_word(at(i + 1)) => {}
            Keyword::ONLY if !aside && begins_item(out.last()) && is_token(at(i + 1), &Token::LParen) => {
                let close = closing(&tokens, i + 1);
                out.extend(tokens[i + 2..close].iter().cloned());
                i = close;
            }
            Keyword::USING if in_from[i] && are_names(&tokens[i + 1..]) => {
                let close = closing(&tokens, i + 1);
                out.extend(tokens[i..close].iter().cloned());
                if keyword(at(close + 1)) == Keyword::AS
                    && let Some(Token::Word(alias)) = at(close + 2).map(|t| &t.token)
                {
                    let name = super::fold_text(&alias.value, alias.quote_style.is_some());
                    out.push(instead(&tokens[close + 2], Token::Comma));
                    out.push(mark(&tokens[close + 2], &format!("{MARK}{name}")));
                    out.push(tokens[close].clone());
                    i = close + 2;
                } else {
                    out.extend(at(close).cloned());
                    i = close;
                }
            }
            Keyword::USING if !in_from[i] && is_operator(at(i + 1)) => {
                let (word, taken) = sort_direction(&tokens, i + 1, source)?;
                out.push(instead(token, Token::make_word(word, None)));
                i += taken;
            }
            Keyword::ROWS if in_from[i] && begins_item(out.last()) && keyword(at(i + 1)) == Keyword::FROM => {
                out.push(mark(token, ROWS));
                i += 1;
            }
            Keyword::AS
                if in_from[i] && is_token(at(i + 1), &Token::LParen) && is_token(out.last(), &Token::RParen) =>
            {
                out.push(token.clone());
                out.extend(called(&out).cloned());
            }
            Keyword::ARRAY if create && is_type_name(out.last()) => {
                if !is_token(at(i + 1), &Token::LBracket) {
                    out.push(instead(token, Token::LBracket));
                    out.push(instead(token, Token::RBracket));
                }
            }
            _ if triggers.star && token.token == Token::Mul && in_from[i] && is_inheritance_star(&out, at(i + 1)) => {}
            _ => out.push(token.clone()),
        }
        i += 1;
    }
    Ok(out)
}

/// `(a).*`, `a[1].*`, `(a).b.*`: sqlparser takes a star after names only.
fn fields_star(tokens: &mut [TokenWithSpan]) {
    for i in 2..tokens.len() {
        if tokens[i].token != Token::Mul || tokens[i - 1].token != Token::Period {
            continue;
        }
        let mut whole = i - 2;
        while whole >= 2 && is_word(tokens.get(whole)) && tokens[whole - 1].token == Token::Period {
            whole -= 2;
        }
        if matches!(tokens[whole].token, Token::RParen | Token::RBracket) {
            tokens[i] = mark(&tokens[i], STAR);
        }
    }
}

/// `t.* IS NULL` is `(t.*) IS NULL`, and `t.*::text` `(t.*)::text`: as a target of SELECT it begins like a star.
fn tested_rows(tokens: &mut Vec<TokenWithSpan>) {
    for at in (2..tokens.len()).rev() {
        let star = tokens[at].token == Token::Mul && is_token(tokens.get(at - 1), &Token::Period);
        let tested = keyword(tokens.get(at + 1)) == Keyword::IS || is_token(tokens.get(at + 1), &Token::DoubleColon);
        if !star || !is_word(tokens.get(at - 2)) || !tested {
            continue;
        }
        let mut begins = at - 2;
        while begins >= 2 && is_token(tokens.get(begins - 1), &Token::Period) && is_word(tokens.get(begins - 2)) {
            begins -= 2;
        }
        let span = tokens[begins].span;
        tokens.insert(at + 1, TokenWithSpan { token: Token::RParen, span: tokens[at].span });
        tokens.insert(begins, TokenWithSpan { token: Token::LParen, span });
    }
}

/// True if an item of a FROM list may begin after this token.
fn begins_item(before: Option<&TokenWithSpan>) -> bool {
    matches!(
        keyword(before),
        Keyword::FROM | Keyword::JOIN | Keyword::UPDATE | Keyword::USING | Keyword::LATERAL | Keyword::TABLE
    ) || matches!(before.map(|t| &t.token), Some(Token::Comma | Token::LParen))
}

/// True for `(a, b)`, a join's columns: DELETE has a subquery in its USING.
fn are_names(tokens: &[TokenWithSpan]) -> bool {
    let close = closing(tokens, 0).min(tokens.len());
    let fits = |(i, token): (usize, &TokenWithSpan)| match i % 2 {
        1 => is_word(Some(token)) && keyword(Some(token)) != Keyword::SELECT,
        _ => token.token == if i == 0 { Token::LParen } else { Token::Comma },
    };
    close.is_multiple_of(2) && close > 0 && tokens[..close].iter().enumerate().all(fits)
}

/// `person*`: the star after a table's name, which is not a product.
fn is_inheritance_star(out: &[TokenWithSpan], next: Option<&TokenWithSpan>) -> bool {
    let mut n = out.len();
    if n == 0 || !is_word(out.get(n - 1)) {
        return false;
    }
    n -= 1;
    while n >= 2 && is_token(out.get(n - 1), &Token::Period) && is_word(out.get(n - 2)) {
        n -= 2;
    }
    let name_begins = n > 0 && begins_item(out.get(n - 1));
    name_begins
        && (next.is_none() || is_word(next) || matches!(next.map(|t| &t.token), Some(Token::RParen | Token::Comma)))
}

fn is_operator(token: Option<&TokenWithSpan>) -> bool {
    match token.map(|t| &t.token) {
        Some(Token::Word(_)) => keyword(token) == Keyword::OPERATOR,
        Some(Token::Lt | Token::Gt | Token::Eq | Token::LtEq | Token::GtEq | Token::Neq | Token::Tilde) => true,
        Some(Token::CustomBinaryOperator(_)) => true,
        _ => false,
    }
}

/// ASC or DESC for `USING operator`, and how many tokens the operator takes.
fn sort_direction(tokens: &[TokenWithSpan], from: usize, source: &Source) -> Result<(&'static str, usize)> {
    let mut taken = 0;
    let mut text = String::new();
    if keyword(tokens.get(from)) == Keyword::OPERATOR {
        let close = closing(tokens, from + 1);
        text.push_str(&tokens[close.saturating_sub(1)].token.to_string());
        taken = close + 1 - from;
    } else {
        // An operator may come as several tokens without blanks between them.
        while let Some(token) = tokens.get(from + taken) {
            let follows = taken == 0 || tokens[from + taken - 1].span.end == token.span.start;
            if !follows || !is_operator(Some(token)) || is_word(Some(token)) {
                break;
            }
            text.push_str(&token.token.to_string());
            taken += 1;
        }
    }
    match text.as_str() {
        "<" | "~<~" | "*<" => Ok(("ASC", taken)),
        ">" | "~>~" | "*>" => Ok(("DESC", taken)),
        _ => {
            let message = format!("operator {text} is not a valid ordering operator");
            let pos = tokens.get(from).map_or(0, |t| source.position(t.span.start));
            Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message)
                .hint("Ordering operators must be \"<\" or \">\" members of btree operator families.")
                .at(pos))
        }
    }
}

/// The name of the function whose call ends `out` (before AS).
fn called(out: &[TokenWithSpan]) -> Option<&TokenWithSpan> {
    let mut depth = 0usize;
    for i in (0..out.len() - 1).rev() {
        match out[i].token {
            Token::RParen => depth += 1,
            Token::LParen => {
                depth -= 1;
                if depth == 0 {
                    return i.checked_sub(1).and_then(|n| out.get(n)).filter(|t| is_word(Some(t)));
                }
            }
            _ => {}
        }
    }
    None
}

/// A type's name as it may stand before ARRAY in CREATE TABLE.
fn is_type_name(token: Option<&TokenWithSpan>) -> bool {
    let Some(Token::Word(word)) = token.map(|t| &t.token) else { return false };
    let name = word.value.to_ascii_lowercase();
    const SPELLED: &[&str] =
        &["int", "integer", "smallint", "bigint", "real", "precision", "decimal", "numeric", "boolean", "varying"];
    SPELLED.contains(&&*name) || crate::facts::TYPES.all.iter().any(|t| t.name == name)
}
