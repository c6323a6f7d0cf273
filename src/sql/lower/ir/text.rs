//! DuckDB's own text, which nobody but the program writes: words of the program, numbers, and places for arguments. No
//! text of a client can get in here, because no constructor takes a string that is not `'static`; a client's names and
//! values are nodes of their own, which `sql::render` quotes.

use std::borrow::Cow;
use std::fmt::{self, Display, Write};
use std::ops::Deref;

use crate::types::Oid;

/// Text with places for arguments: `{0}`, `{1}` …; `{*}` is all of them, `{1*}` all but the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Cow<'static, str>);

/// A piece of a [`Template`] that is put together.
#[derive(Debug, Clone, Copy)]
pub enum Piece {
    Word(&'static str),
    Char(char),
    Number(i64),
    Variable(Variable),
}

/// A lambda's variable, `v<n>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable(pub u32);

impl Template {
    pub fn of(pieces: &[Piece]) -> Self {
        let mut text = String::new();
        for piece in pieces {
            let _ = match piece {
                Piece::Word(word) => text.write_str(word),
                Piece::Char(c) => text.write_char(*c),
                Piece::Number(n) => write!(text, "{n}"),
                Piece::Variable(variable) => write!(text, "{variable}"),
            };
        }
        Self(text.into())
    }

    /// How often DuckDB computes each of so many arguments: once for each mention, and again where it compares one with each
    /// of several values by itself, or computes it for each element of a list.
    pub fn mentions(&self, count: usize) -> Vec<usize> {
        let text: &str = self;
        let mut out = vec![0; count];
        // Of a list of one element that is no list's every element.
        let lambda = text.find("lambda ").filter(|_| !text.starts_with("(list_transform([{0}], lambda "));
        for (at, _) in text.match_indices('{') {
            let Some((place, rest)) = text[at + 1..].split_once('}') else { break };
            match place {
                "*" => out.iter_mut().for_each(|n| *n += 1),
                "1*" => out.iter_mut().skip(1).for_each(|n| *n += 1),
                _ => {
                    let Some(n) = place.parse().ok().and_then(|i: usize| out.get_mut(i)) else { continue };
                    let several = text[..at].ends_with("CASE ") && rest.starts_with(" WHEN")
                        || rest.starts_with(" IN (")
                        || rest.starts_with(" NOT IN (");
                    let each = lambda.is_some_and(|lambda| lambda < at);
                    *n += 1 + usize::from(several || each);
                }
            }
        }
        out
    }

    /// `template` with `{session}` as the argument of that number.
    pub fn with_session(template: &'static str, argument: usize) -> Self {
        Self(template.replace("{session}", &format!("{{{argument}}}")).into())
    }
}

impl From<&'static str> for Template {
    fn from(text: &'static str) -> Self {
        Self(text.into())
    }
}

impl Deref for Template {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Display for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.0)
    }
}

/// [`Template::of`] over anything that is a [`Piece`].
macro_rules! template {
    ($($piece:expr),+ $(,)?) => {
        $crate::sql::lower::ir::Template::of(&[$($crate::sql::lower::ir::Piece::from($piece)),+])
    };
}
pub(in crate::sql) use template;

impl From<&'static str> for Piece {
    fn from(word: &'static str) -> Self {
        Self::Word(word)
    }
}

impl From<char> for Piece {
    fn from(c: char) -> Self {
        Self::Char(c)
    }
}

impl From<Variable> for Piece {
    fn from(variable: Variable) -> Self {
        Self::Variable(variable)
    }
}

macro_rules! numbers {
    ($($ty:ty)+) => { $(
        impl From<$ty> for Piece {
            fn from(n: $ty) -> Self {
                Self::Number(i64::from(n))
            }
        }
    )+ };
}
numbers!(u8 i16 u32 i32 i64);

impl From<usize> for Piece {
    fn from(n: usize) -> Self {
        Self::Number(n as i64)
    }
}

/// What a FROM clause or a write names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TableName {
    /// `r<OID>`: see [`crate::registry::Storage`].
    Relation(Oid),
    /// `cte<n>`
    Cte(u32),
    /// The temporary table `dg_step_<n>`, which a statement of several steps makes.
    Kept(u32),
}

/// TABLESAMPLE.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    pub bernoulli: bool,
    /// 0 to 100.
    pub percent: f64,
    pub seed: Option<i64>,
}
