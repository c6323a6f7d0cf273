//! A JSON document as a tree over its text: what the operators and functions of json and jsonb look at.
//!
//! Each node keeps its own text: of a jsonb value (which is kept normalized) that is jsonb's text again.

use std::cmp::Ordering;

use super::{Kind, MAX_DEPTH, Parser, Token, escape_into, put_members};
use crate::error::{Error, Result, SqlState};
use crate::types::numeric::Numeric;

/// One value of a document.
#[derive(Debug, Clone)]
pub struct Node<'a> {
    /// Its text, exactly as it stands in the document.
    pub text: &'a str,
    pub value: Json<'a>,
}

/// What a value is. Objects keep their members' order and duplicates.
#[derive(Debug, Clone)]
pub enum Json<'a> {
    Null,
    Bool(bool),
    Number,
    String(String),
    Array(Vec<Node<'a>>),
    Object(Vec<(String, Node<'a>)>),
}

/// The tree of a document. Fails with 22P02 on what is not JSON, with 22P05 on an escape that text cannot hold.
pub fn parse(text: &str) -> Result<Node<'_>> {
    let mut parser = Parser { text, bytes: text.as_bytes(), at: 0, normalize: false };
    let first = parser.token()?;
    parser.node(first, 0)
}

impl<'a> Parser<'a> {
    fn node(&mut self, token: Token, depth: usize) -> Result<Node<'a>> {
        if depth > MAX_DEPTH {
            return Err(Error::new(SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded"));
        }
        let value = match token.kind {
            Kind::Null => Json::Null,
            Kind::True => Json::Bool(true),
            Kind::False => Json::Bool(false),
            Kind::Number => Json::Number,
            Kind::String => Json::String(self.unescape(token)?),
            Kind::Punct(b'[') => Json::Array(self.items(depth)?),
            Kind::Punct(b'{') => Json::Object(self.members(depth)?),
            Kind::Punct(_) | Kind::End => return Err(self.unexpected(token, "JSON value")),
        };
        Ok(Node { text: &self.text[token.from..self.at], value })
    }

    fn items(&mut self, depth: usize) -> Result<Vec<Node<'a>>> {
        let mut items = Vec::new();
        let mut token = self.token()?;
        if token.kind == Kind::Punct(b']') {
            return Ok(items);
        }
        loop {
            items.push(self.node(token, depth + 1)?);
            let next = self.token()?;
            match next.kind {
                Kind::Punct(b',') => token = self.token()?,
                Kind::Punct(b']') => return Ok(items),
                _ => return Err(self.unexpected(next, "\",\" or \"]\"")),
            }
        }
    }

    fn members(&mut self, depth: usize) -> Result<Vec<(String, Node<'a>)>> {
        let mut members = Vec::new();
        let mut key = self.token()?;
        if key.kind == Kind::Punct(b'}') {
            return Ok(members);
        }
        loop {
            if key.kind != Kind::String {
                return Err(self.unexpected(key, "string"));
            }
            let name = self.unescape(key)?;
            let colon = self.token()?;
            if colon.kind != Kind::Punct(b':') {
                return Err(self.unexpected(colon, "\":\""));
            }
            let first = self.token()?;
            members.push((name, self.node(first, depth + 1)?));
            let next = self.token()?;
            match next.kind {
                Kind::Punct(b',') => key = self.token()?,
                Kind::Punct(b'}') => return Ok(members),
                _ => return Err(self.unexpected(next, "\",\" or \"}\"")),
            }
        }
    }
}

impl<'a> Node<'a> {
    /// An object's member; of equal keys the last one.
    pub fn get(&self, key: &str) -> Option<&Node<'a>> {
        match &self.value {
            Json::Object(members) => members.iter().rev().find(|(name, _)| name == key).map(|(_, node)| node),
            Json::Null | Json::Bool(_) | Json::Number | Json::String(_) | Json::Array(_) => None,
        }
    }

    /// An array's element from 0; a negative index counts from the end.
    pub fn at(&self, index: i64) -> Option<&Node<'a>> {
        match &self.value {
            Json::Array(items) => {
                let index = if index < 0 { index + items.len() as i64 } else { index };
                usize::try_from(index).ok().and_then(|i| items.get(i))
            }
            Json::Null | Json::Bool(_) | Json::Number | Json::String(_) | Json::Object(_) => None,
        }
    }

    /// One step of a path: a key of an object, an index of an array.
    pub fn step(&self, step: &str) -> Option<&Node<'a>> {
        match &self.value {
            Json::Object(_) => self.get(step),
            Json::Array(_) => self.at(i64::from(step.trim_start().parse::<i32>().ok()?)),
            Json::Null | Json::Bool(_) | Json::Number | Json::String(_) => None,
        }
    }

    /// What `->>` gives: a string's characters, NULL of null, the text of anything else.
    pub fn as_text(&self) -> Option<String> {
        match &self.value {
            Json::Null => None,
            Json::String(s) => Some(s.clone()),
            Json::Bool(_) | Json::Number | Json::Array(_) | Json::Object(_) => Some(self.text.to_owned()),
        }
    }

    /// `jsonb_typeof`.
    pub fn type_name(&self) -> &'static str {
        match &self.value {
            Json::Null => "null",
            Json::Bool(_) => "boolean",
            Json::Number => "number",
            Json::String(_) => "string",
            Json::Array(_) => "array",
            Json::Object(_) => "object",
        }
    }

    pub fn is_scalar(&self) -> bool {
        !matches!(self.value, Json::Array(_) | Json::Object(_))
    }

    /// A number's value; an error of the program for anything else.
    pub fn number(&self) -> Result<Numeric> {
        Numeric::parse(self.text)
    }

    /// Equality of jsonb: numbers by value, objects by their members.
    pub fn equals(&self, other: &Node<'_>) -> bool {
        match (&self.value, &other.value) {
            (Json::Null, Json::Null) => true,
            (Json::Bool(a), Json::Bool(b)) => a == b,
            (Json::Number, Json::Number) => {
                self.text == other.text
                    || matches!((self.number(), other.number()), (Ok(a), Ok(b)) if a.compare(&b) == Ordering::Equal)
            }
            (Json::String(a), Json::String(b)) => a == b,
            (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.equals(b)),
            (Json::Object(a), Json::Object(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|((k, v), (l, w))| k == l && v.equals(w))
            }
            _ => false,
        }
    }

    /// `@>`: every member and element of `other` is here, at the same level.
    pub fn contains(&self, other: &Node<'_>) -> bool {
        match (&self.value, &other.value) {
            (Json::Object(_), Json::Object(members)) => {
                members.iter().all(|(key, value)| self.get(key).is_some_and(|own| own.contains(value)))
            }
            (Json::Array(own), Json::Array(items)) => items.iter().all(|item| {
                own.iter()
                    .any(|o| if item.is_scalar() { o.equals(item) } else { same_kind(o, item) && o.contains(item) })
            }),
            _ => self.equals(other),
        }
    }

    /// Bytes that compare as PostgreSQL compares jsonb: object > array > boolean > number > string > null, arrays and
    /// objects by their size first; an empty array is less than a scalar only at the top.
    pub fn sort_key(&self) -> Result<Vec<u8>> {
        let mut key = vec![match &self.value {
            Json::Array(items) if items.is_empty() => 0,
            Json::Array(_) => 2,
            Json::Object(_) => 3,
            Json::Null | Json::Bool(_) | Json::Number | Json::String(_) => 1,
        }];
        self.key_into(&mut key)?;
        Ok(key)
    }

    fn key_into(&self, key: &mut Vec<u8>) -> Result<()> {
        match &self.value {
            Json::Null => key.push(0),
            Json::String(s) => {
                key.push(1);
                key_bytes(key, s.as_bytes());
            }
            Json::Number => {
                key.push(2);
                key_bytes(key, &self.number()?.sort_key());
            }
            Json::Bool(b) => key.extend([3, u8::from(*b)]),
            Json::Array(items) => {
                key.push(4);
                key.extend((items.len() as u32).to_be_bytes());
                for item in items {
                    item.key_into(key)?;
                }
            }
            Json::Object(members) => {
                key.push(5);
                key.extend((members.len() as u32).to_be_bytes());
                for (name, value) in members {
                    key_bytes(key, name.as_bytes());
                    value.key_into(key)?;
                }
            }
        }
        Ok(())
    }
}

fn same_kind(a: &Node<'_>, b: &Node<'_>) -> bool {
    matches!((&a.value, &b.value), (Json::Array(_), Json::Array(_)) | (Json::Object(_), Json::Object(_)))
}

/// Bytes with an end that sorts before any more of them.
fn key_bytes(key: &mut Vec<u8>, bytes: &[u8]) {
    for b in bytes {
        key.push(*b);
        if *b == 0 {
            key.push(0xff);
        }
    }
    key.extend([0, 0]);
}

/// A JSON string of these characters (`escape_json`).
pub fn quote(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len() + 2);
    escape_into(&mut out, text);
    String::from_utf8(out).unwrap_or_default()
}

/// A jsonb array of elements that are jsonb's text.
pub fn array_text<S: AsRef<str>>(items: &[S]) -> String {
    let mut out = String::from("[");
    for (i, item) in items.iter().enumerate() {
        out.push_str(if i > 0 { ", " } else { "" });
        out.push_str(item.as_ref());
    }
    out.push(']');
    out
}

/// A jsonb object of members that are jsonb's text: sorted, of equal keys the last.
pub fn object_text(members: Vec<(String, String)>) -> String {
    let mut out = Vec::new();
    put_members(&mut out, members.into_iter().map(|(key, value)| (key, value.into_bytes())).collect());
    String::from_utf8(out).unwrap_or_default()
}
