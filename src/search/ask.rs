//! Texts become queries: `to_tsquery` and its kin.

use super::document::{Configuration, Found};
use super::query::cleaned;
use crate::error::Result;
use crate::types::coded::tsquery::{Joined, Node, Query, Stack, Word, check_word, parse_with};
use crate::types::coded::tsword::{Found as Read, Reader, WordOf, is_operator};
use crate::types::text::is_space;

impl Configuration {
    /// The words of a text, joined, as a part of a query. Between words that are found the places of those that are not looked
    /// for stay free.
    fn part(&self, text: &str, by: Joined, weights: u8, prefix: bool) -> Result<Node> {
        let mut out: Option<Node> = None;
        let mut last = 0;
        let push = |out: &mut Option<Node>, node: Node| {
            *out = Some(match out.take() {
                None => node,
                Some(before) => before.joined(by, node),
            });
        };
        for Found { lexeme, at } in self.words(text, &mut 0) {
            if last > 0 {
                (last + 1..at).for_each(|_| push(&mut out, Node::Stop));
            }
            last = at;
            check_word(&lexeme, text)?;
            push(&mut out, Node::Word(Word { text: lexeme, weights, prefix }));
        }
        out.unwrap_or(Node::Stop).checked()
    }

    /// `to_tsquery`: operators between words.
    ///
    /// # Errors
    /// 42601 for text that is no query.
    pub fn query(&self, text: &str) -> Result<Query> {
        let query =
            parse_with(text, &mut |word, weights, prefix| self.part(&word, Joined::Phrase(1), weights, prefix))?;
        Ok(query.and_then(cleaned))
    }

    /// `plainto_tsquery`: all words.
    pub fn plain(&self, text: &str) -> Result<Query> {
        Ok(cleaned(self.part(text, Joined::And, 0, false)?))
    }

    /// `phraseto_tsquery`: all words, one behind the other.
    pub fn phrase(&self, text: &str) -> Result<Query> {
        Ok(cleaned(self.part(text, Joined::Phrase(1), 0, false)?))
    }

    /// `websearch_to_tsquery`: words, phrases in quotes, `or` and `-`, as search engines have them. Nothing is an error.
    pub fn web(&self, text: &str) -> Result<Query> {
        let mut reader = Reader::new(text);
        let mut stack = Stack::default();
        let mut first = true;
        loop {
            // An operand, with what stands before it.
            reader.blanks();
            let operand = match reader.peek() {
                None if first => return Ok(None),
                None => {
                    stack.operand(Node::Stop);
                    break;
                }
                Some('-') => {
                    reader.at += 1;
                    stack.negate();
                    first = false;
                    continue;
                }
                Some('"') => {
                    reader.at += 1;
                    let rest = reader.rest();
                    let end = rest.find('"').unwrap_or(rest.len());
                    reader.at += (end + 1).min(rest.len());
                    rest[..end].to_owned()
                }
                Some(c) if is_operator(c) => {
                    reader.at += 1;
                    continue;
                }
                Some(_) => match reader.word(WordOf::Web) {
                    Read::Word(word) => word,
                    Read::End | Read::Malformed | Read::NothingEscaped => {
                        reader.take();
                        continue;
                    }
                },
            };
            stack.operand(self.part(&operand, Joined::Phrase(1), 0, false)?);
            first = false;
            // What follows it.
            loop {
                reader.blanks();
                match reader.peek() {
                    Some(c) if is_operator(c) => reader.at += 1,
                    _ => break,
                }
            }
            match reader.peek() {
                None => break,
                Some(_) if is_or(reader.rest()) => {
                    reader.at += 2;
                    stack.joined(Joined::Or)?;
                }
                Some(_) => stack.joined(Joined::And)?,
            }
        }
        Ok(stack.finish()?.and_then(cleaned))
    }
}

/// `or` as a word of its own, with something behind it.
fn is_or(rest: &str) -> bool {
    let Some((or, behind)) = rest.split_at_checked(2) else { return false };
    let mut behind = behind.chars();
    // The character right behind it may be anything that no word has.
    let next = behind.next();
    or.eq_ignore_ascii_case("or")
        && !next.is_some_and(|c| c == '-' || c == '_' || c.is_alphanumeric())
        && !behind.as_str().trim_start_matches(is_space).is_empty()
}
