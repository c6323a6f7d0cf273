//! Where in a statement a token stands: whether in a FROM list.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::{ends_from, keyword};

#[derive(Clone, Copy, Default)]
struct Level {
    /// A statement that has a FROM list began here.
    statement: bool,
    from: bool,
}

/// For each token, whether it stands in a FROM (or USING) list: `FROM` itself does not.
pub(super) fn in_from(tokens: &[TokenWithSpan]) -> Vec<bool> {
    let mut levels = vec![Level::default()];
    let mut out = Vec::with_capacity(tokens.len());
    for (i, token) in tokens.iter().enumerate() {
        let before = i.checked_sub(1).and_then(|n| tokens.get(n));
        let top = levels.len() - 1;
        out.push(levels[top].from);
        match &token.token {
            Token::LParen => {
                // A parenthesis where an item may begin holds joined tables.
                let tables = levels[top].from
                    && (matches!(keyword(before), Keyword::FROM | Keyword::JOIN | Keyword::ONLY)
                        || matches!(before.map(|t| &t.token), Some(Token::Comma | Token::LParen)));
                levels.push(Level { statement: false, from: tables });
                continue;
            }
            Token::RParen => {
                if levels.len() > 1 {
                    levels.pop();
                    let last = out.len() - 1;
                    out[last] = levels[levels.len() - 1].from;
                }
                continue;
            }
            _ => {}
        }
        let level = &mut levels[top];
        match keyword(Some(token)) {
            // A query in parentheses, not joined tables.
            Keyword::WITH | Keyword::VALUES if matches!(before.map(|t| &t.token), Some(Token::LParen)) => {
                *level = Level::default();
            }
            Keyword::SELECT => *level = Level { statement: true, from: false },
            Keyword::DELETE | Keyword::UPDATE => level.statement = true,
            Keyword::FROM if level.statement && keyword(before) != Keyword::DISTINCT => level.from = true,
            // Not reserved in PostgreSQL, so that it does not end a join that waits for its condition (join.rs).
            Keyword::QUALIFY => level.from = false,
            word if ends_from(word) => level.from = false,
            _ => {}
        }
    }
    out
}
