//! Which words a statement has: asked before each pass that looks for some of them, which most statements have none of.

use sqlparser::tokenizer::{Token, TokenWithSpan};

/// The words without quotes, in any case. It may take a word to be there that is not, never the other way round (a Bloom filter
/// of one hash).
pub(super) struct Words([u64; 16]);

impl Words {
    pub fn of(tokens: &[TokenWithSpan]) -> Self {
        let mut bits = [0; 16];
        for token in tokens {
            if let Token::Word(word) = &token.token
                && word.quote_style.is_none()
            {
                let bit = bit(word.value.as_bytes());
                bits[bit / 64] |= 1 << (bit % 64);
            }
        }
        Self(bits)
    }

    /// May one of these be there? They are written in lower case.
    pub fn any(&self, words: &[&str]) -> bool {
        words.iter().any(|word| {
            let bit = bit(word.as_bytes());
            self.0[bit / 64] & 1 << (bit % 64) != 0
        })
    }
}

/// Ten bits of FNV-1a, over letters of either case alike.
fn bit(word: &[u8]) -> usize {
    let hash =
        word.iter().fold(0x811C_9DC5_u32, |hash, byte| (hash ^ u32::from(byte | 0x20)).wrapping_mul(0x0100_0193));
    (hash >> 22) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::parse::{Source, tokenize};

    #[test]
    fn words_are_found_in_any_case_and_not_inside_of_quotes() {
        let tokens = tokenize(&Source::new("SELECT \"only\" FROM OnLy t WHERE a = 'rows'".into())).expect("tokens");
        let words = Words::of(&tokens);
        assert!(words.any(&["only"]) && words.any(&["rows", "where"]));
        assert!(!words.any(&["rows", "preceding"]) && !words.any(&[]));
    }
}
