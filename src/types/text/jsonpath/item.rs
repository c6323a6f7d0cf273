//! A path as a tree.

use super::with_stack;
use crate::types::numeric::Numeric;

/// A path: an expression, and whether structural errors count.
#[derive(Debug, Clone)]
pub struct JsonPath {
    pub strict: bool,
    pub root: Item,
}

/// One step, with the steps that follow it.
#[derive(Debug, Clone)]
pub struct Item {
    pub kind: Kind,
    pub next: Option<Box<Item>>,
}

impl Drop for Item {
    fn drop(&mut self) {
        with_stack(|| {
            self.next = None;
            self.kind = Kind::Null;
        });
    }
}

/// Both ends of `**{a to b}`; this is `last`.
pub const LAST: u32 = u32::MAX;

/// One index, or both ends of a range.
pub type Subscript = (Item, Option<Item>);

#[derive(Debug, Clone)]
pub enum Kind {
    Null,
    Bool(bool),
    Number(Numeric),
    String(String),
    Variable(String),
    Root,
    Current,
    Last,
    Key(String),
    AnyKey,
    AnyArray,
    /// Subscripts: one index each, or a range.
    Index(Vec<Subscript>),
    /// `.**{first to last}`.
    Any(u32, u32),
    Method(Method),
    Filter(Box<Item>),
    Binary(Op, Box<Item>, Box<Item>),
    Plus(Box<Item>),
    Minus(Box<Item>),
    Not(Box<Item>),
    IsUnknown(Box<Item>),
    Exists(Box<Item>),
    StartsWith(Box<Item>, Box<Item>),
    LikeRegex {
        arg: Box<Item>,
        pattern: String,
        flags: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    Greater,
    LessOrEqual,
    GreaterOrEqual,
    Add,
    Sub,
    Mul,
    Div,
    Mod,
}

impl Op {
    /// As it is printed.
    pub fn text(self) -> &'static str {
        match self {
            Self::Or => "||",
            Self::And => "&&",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::Greater => ">",
            Self::LessOrEqual => "<=",
            Self::GreaterOrEqual => ">=",
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Mod => "%",
        }
    }

    pub(super) fn priority(self) -> u8 {
        match self {
            Self::Or => 0,
            Self::And => 1,
            Self::Equal | Self::NotEqual | Self::Less | Self::Greater | Self::LessOrEqual | Self::GreaterOrEqual => 2,
            Self::Add | Self::Sub => 3,
            Self::Mul | Self::Div | Self::Mod => 4,
        }
    }

    /// True if it gives a truth value.
    pub fn is_predicate(self) -> bool {
        self.priority() < 3
    }
}

#[derive(Debug, Clone)]
pub enum Method {
    Abs,
    Size,
    Type,
    Floor,
    Ceiling,
    Double,
    KeyValue,
    Datetime(Option<String>),
}

impl Method {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Abs => "abs",
            Self::Size => "size",
            Self::Type => "type",
            Self::Floor => "floor",
            Self::Ceiling => "ceiling",
            Self::Double => "double",
            Self::KeyValue => "keyvalue",
            Self::Datetime(_) => "datetime",
        }
    }
}
