//! jsonpath: its grammar, and its text as `jsonpath_out` prints it, which is how a value is kept.
//!
//! `lax $.a[*] ? (@ > 1)` is kept as `$."a"[*]?(@ > 1)`.

mod print;
mod scan;

use scan::{Token, at_or_near, scan};

use crate::error::{Error, Result, SqlState};
use crate::types::numeric::Numeric;

/// How deep expressions may nest.
const MAX_DEPTH: usize = 500;

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

/// Both ends of `**{a to b}`; this is `last`.
pub const LAST: u32 = u32::MAX;

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
    Index(Vec<(Item, Option<Item>)>),
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

    fn priority(self) -> u8 {
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

/// A jsonpath's text as PostgreSQL prints it. Fails with 42601 or 22P02 on what is none.
pub fn normalize_jsonpath(text: &str) -> Result<String> {
    Ok(print::print(&parse_jsonpath(text)?))
}

/// The path that a text says.
pub fn parse_jsonpath(text: &str) -> Result<JsonPath> {
    let tokens = scan(text)?;
    if matches!(tokens.first(), Some(Token::End) | None) {
        let message = format!("invalid input syntax for type jsonpath: \"{text}\"");
        return Err(Error::new(SqlState::INVALID_TEXT_REPRESENTATION, message));
    }
    let mut parser = Parser { tokens, at: 0, depth: 0 };
    let strict = match parser.peek() {
        Token::Word(w) if w == "strict" || w == "lax" => {
            let strict = w == "strict";
            parser.at += 1;
            strict
        }
        _ => false,
    };
    let root = parser.or()?.item;
    if !matches!(parser.peek(), Token::End) {
        return Err(parser.unexpected());
    }
    check(&root, 0, false)?;
    Ok(JsonPath { strict, root })
}

/// `@` stands only in filters, `last` only in subscripts.
fn check(item: &Item, filters: usize, subscript: bool) -> Result<()> {
    let syntax = |message: &str| Err(Error::new(SqlState::SYNTAX_ERROR, message));
    match &item.kind {
        Kind::Current if filters == 0 => return syntax("@ is not allowed in root expressions"),
        Kind::Last if !subscript => return syntax("LAST is allowed only in array subscripts"),
        Kind::Index(subscripts) => {
            for (from, to) in subscripts {
                check(from, filters, true)?;
                to.as_ref().map_or(Ok(()), |to| check(to, filters, true))?;
            }
        }
        Kind::Filter(arg) => check(arg, filters + 1, subscript)?,
        Kind::Plus(arg) | Kind::Minus(arg) | Kind::Not(arg) | Kind::IsUnknown(arg) | Kind::Exists(arg) => {
            check(arg, filters, subscript)?;
        }
        Kind::LikeRegex { arg, .. } => check(arg, filters, subscript)?,
        Kind::Binary(_, left, right) | Kind::StartsWith(left, right) => {
            check(left, filters, subscript)?;
            check(right, filters, subscript)?;
        }
        Kind::Null
        | Kind::Bool(_)
        | Kind::Number(_)
        | Kind::String(_)
        | Kind::Variable(_)
        | Kind::Root
        | Kind::Current
        | Kind::Last
        | Kind::Key(_)
        | Kind::AnyKey
        | Kind::AnyArray
        | Kind::Any(..)
        | Kind::Method(_) => {}
    }
    item.next.as_ref().map_or(Ok(()), |next| check(next, filters, subscript))
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

/// An expression, and what the grammar lets follow it.
struct Parsed {
    item: Item,
    predicate: bool,
    /// A predicate in parentheses, or `exists (…)`: what `!` takes.
    delimited: bool,
}

impl Parsed {
    fn value(kind: Kind) -> Self {
        Self { item: Item { kind, next: None }, predicate: false, delimited: false }
    }

    fn predicate(kind: Kind) -> Self {
        Self { item: Item { kind, next: None }, predicate: true, delimited: false }
    }
}

impl Parser {
    fn peek(&self) -> &Token {
        self.tokens.get(self.at).unwrap_or(&Token::End)
    }

    fn is(&self, punct: &str) -> bool {
        matches!(self.peek(), Token::Punct(p) if *p == punct)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Token::Word(w) if w == word)
    }

    fn take(&mut self, punct: &str) -> bool {
        let found = self.is(punct);
        self.at += usize::from(found);
        found
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, punct: &str) -> Result<()> {
        if self.take(punct) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn unexpected(&self) -> Error {
        match self.peek() {
            Token::End => at_or_near("syntax error", ""),
            Token::Word(w) => at_or_near("syntax error", w),
            Token::String(s) => at_or_near("syntax error", s),
            Token::Variable(v) => at_or_near("syntax error", v),
            Token::Number(n) => at_or_near("syntax error", n),
            Token::Punct(p) => at_or_near("syntax error", p),
        }
    }

    fn boxed(&self, parsed: Parsed, predicate: bool) -> Result<Box<Item>> {
        if parsed.predicate == predicate { Ok(Box::new(parsed.item)) } else { Err(self.unexpected()) }
    }

    fn or(&mut self) -> Result<Parsed> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Error::new(SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded"));
        }
        let mut left = self.and()?;
        while left.predicate && self.take("||") {
            let right = self.and()?;
            left = Parsed::predicate(Kind::Binary(Op::Or, self.boxed(left, true)?, self.boxed(right, true)?));
        }
        self.depth -= 1;
        Ok(left)
    }

    fn and(&mut self) -> Result<Parsed> {
        let mut left = self.comparison()?;
        while left.predicate && self.take("&&") {
            let right = self.comparison()?;
            left = Parsed::predicate(Kind::Binary(Op::And, self.boxed(left, true)?, self.boxed(right, true)?));
        }
        Ok(left)
    }

    fn comparison(&mut self) -> Result<Parsed> {
        if self.take("!") {
            let arg = self.primary()?;
            if !arg.delimited {
                return Err(self.unexpected());
            }
            return Ok(Parsed::predicate(Kind::Not(Box::new(arg.item))));
        }
        let left = self.sum()?;
        if left.predicate {
            return Ok(left);
        }
        let op = match self.peek() {
            Token::Punct("==") => Op::Equal,
            Token::Punct("!=" | "<>") => Op::NotEqual,
            Token::Punct("<") => Op::Less,
            Token::Punct(">") => Op::Greater,
            Token::Punct("<=") => Op::LessOrEqual,
            Token::Punct(">=") => Op::GreaterOrEqual,
            Token::Word(w) if w == "starts" => return self.starts_with(left),
            Token::Word(w) if w == "like_regex" => return self.like_regex(left),
            _ => return Ok(left),
        };
        self.at += 1;
        let right = self.sum()?;
        Ok(Parsed::predicate(Kind::Binary(op, Box::new(left.item), self.boxed(right, false)?)))
    }

    fn starts_with(&mut self, left: Parsed) -> Result<Parsed> {
        self.at += 1;
        if !self.take_word("with") {
            return Err(self.unexpected());
        }
        let prefix = match self.peek().clone() {
            Token::String(s) => Kind::String(s),
            Token::Variable(v) => Kind::Variable(v),
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        let prefix = Item { kind: prefix, next: None };
        Ok(Parsed::predicate(Kind::StartsWith(Box::new(left.item), Box::new(prefix))))
    }

    fn like_regex(&mut self, left: Parsed) -> Result<Parsed> {
        self.at += 1;
        let Token::String(pattern) = self.peek().clone() else { return Err(self.unexpected()) };
        self.at += 1;
        let mut given = String::new();
        if self.take_word("flag") {
            let Token::String(flags) = self.peek().clone() else { return Err(self.unexpected()) };
            self.at += 1;
            given = flags;
        }
        if let Some(other) = given.chars().find(|c| !"ismxq".contains(*c)) {
            return Err(Error::new(SqlState::SYNTAX_ERROR, "invalid input syntax for type jsonpath")
                .detail(format!("Unrecognized flag character \"{other}\" in LIKE_REGEX predicate.")));
        }
        if given.contains('x') && !given.contains('q') {
            return Err(Error::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                "XQuery \"x\" flag (expanded regular expressions) is not implemented",
            ));
        }
        let flags = "ismxq".chars().filter(|c| given.contains(*c)).collect();
        Ok(Parsed::predicate(Kind::LikeRegex { arg: Box::new(left.item), pattern, flags }))
    }

    fn sum(&mut self) -> Result<Parsed> {
        let mut left = self.product()?;
        while !left.predicate {
            let op = match self.peek() {
                Token::Punct("+") => Op::Add,
                Token::Punct("-") => Op::Sub,
                _ => break,
            };
            self.at += 1;
            let right = self.product()?;
            left = Parsed::value(Kind::Binary(op, Box::new(left.item), self.boxed(right, false)?));
        }
        Ok(left)
    }

    fn product(&mut self) -> Result<Parsed> {
        let mut left = self.unary()?;
        while !left.predicate {
            let op = match self.peek() {
                Token::Punct("*") => Op::Mul,
                Token::Punct("/") => Op::Div,
                Token::Punct("%") => Op::Mod,
                _ => break,
            };
            self.at += 1;
            let right = self.unary()?;
            left = Parsed::value(Kind::Binary(op, Box::new(left.item), self.boxed(right, false)?));
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Parsed> {
        let minus = match self.peek() {
            Token::Punct("+") => false,
            Token::Punct("-") => true,
            _ => return self.primary(),
        };
        self.at += 1;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Error::new(SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded"));
        }
        let arg = self.unary()?;
        self.depth -= 1;
        let arg = self.boxed(arg, false)?;
        Ok(Parsed::value(match (&arg.kind, &arg.next, minus) {
            (Kind::Number(n), None, true) => Kind::Number(n.neg()),
            (Kind::Number(n), None, false) => Kind::Number(n.clone()),
            (_, _, true) => Kind::Minus(arg),
            (_, _, false) => Kind::Plus(arg),
        }))
    }

    fn primary(&mut self) -> Result<Parsed> {
        let token = self.peek().clone();
        let kind = match token {
            Token::Punct("(") => {
                self.at += 1;
                let inner = self.or()?;
                self.expect(")")?;
                if inner.predicate && self.is_word("is") {
                    self.at += 1;
                    if !self.take_word("unknown") {
                        return Err(self.unexpected());
                    }
                    return Ok(Parsed::predicate(Kind::IsUnknown(Box::new(inner.item))));
                }
                if self.is(".") || self.is("[") || self.is("?") {
                    let mut item = inner.item;
                    let rest = self.accessors()?;
                    attach(&mut item, rest);
                    return Ok(Parsed { item, predicate: false, delimited: false });
                }
                return Ok(Parsed { delimited: inner.predicate, ..inner });
            }
            Token::Punct("$") => Kind::Root,
            Token::Punct("@") => Kind::Current,
            Token::Number(n) => Kind::Number(Numeric::parse(&n)?),
            Token::String(s) => Kind::String(s),
            Token::Variable(v) => Kind::Variable(v),
            Token::Word(w) => match w.to_ascii_lowercase().as_str() {
                _ if w == "last" => Kind::Last,
                "null" if w == "null" => Kind::Null,
                "true" if w == "true" => Kind::Bool(true),
                "false" if w == "false" => Kind::Bool(false),
                "exists" if w == "exists" => {
                    self.at += 1;
                    self.expect("(")?;
                    let arg = self.or()?;
                    self.expect(")")?;
                    let arg = self.boxed(arg, false)?;
                    return Ok(Parsed { delimited: true, ..Parsed::predicate(Kind::Exists(arg)) });
                }
                _ => return Err(self.unexpected()),
            },
            Token::Punct(_) | Token::End => return Err(self.unexpected()),
        };
        self.at += 1;
        let mut item = Item { kind, next: None };
        let rest = self.accessors()?;
        attach(&mut item, rest);
        Ok(Parsed { item, predicate: false, delimited: false })
    }

    /// The steps behind a value.
    fn accessors(&mut self) -> Result<Vec<Kind>> {
        let mut all = Vec::new();
        loop {
            if self.take(".") {
                all.push(self.member()?);
            } else if self.take("[") {
                if self.take("*") {
                    all.push(Kind::AnyArray);
                } else {
                    all.push(Kind::Index(self.subscripts()?));
                }
                self.expect("]")?;
            } else if self.take("?") {
                self.expect("(")?;
                let filter = self.or()?;
                self.expect(")")?;
                all.push(Kind::Filter(self.boxed(filter, true)?));
            } else {
                return Ok(all);
            }
        }
    }

    fn subscripts(&mut self) -> Result<Vec<(Item, Option<Item>)>> {
        let mut all = Vec::new();
        loop {
            let from = self.or()?;
            let from = *self.boxed(from, false)?;
            let to = match self.take_word("to") {
                true => {
                    let to = self.or()?;
                    Some(*self.boxed(to, false)?)
                }
                false => None,
            };
            all.push((from, to));
            if !self.take(",") {
                return Ok(all);
            }
        }
    }

    fn member(&mut self) -> Result<Kind> {
        if self.take("*") {
            return Ok(Kind::AnyKey);
        }
        if self.take("**") {
            return self.levels();
        }
        let token = self.peek().clone();
        match token {
            Token::String(key) => {
                self.at += 1;
                Ok(Kind::Key(key))
            }
            Token::Word(word) => {
                self.at += 1;
                if !self.is("(") {
                    return Ok(Kind::Key(word));
                }
                let method = match word.as_str() {
                    "abs" => Method::Abs,
                    "size" => Method::Size,
                    "type" => Method::Type,
                    "floor" => Method::Floor,
                    "ceiling" => Method::Ceiling,
                    "double" => Method::Double,
                    "keyvalue" => Method::KeyValue,
                    "datetime" => Method::Datetime(None),
                    _ => return Err(self.unexpected()),
                };
                self.at += 1;
                let method = match (method, self.peek().clone()) {
                    (Method::Datetime(_), Token::String(template)) => {
                        self.at += 1;
                        Method::Datetime(Some(template))
                    }
                    (method, _) => method,
                };
                self.expect(")")?;
                Ok(Kind::Method(method))
            }
            _ => Err(self.unexpected()),
        }
    }

    /// `**`, `**{n}`, `**{n to m}`.
    fn levels(&mut self) -> Result<Kind> {
        if !self.take("{") {
            return Ok(Kind::Any(0, LAST));
        }
        let level = |parser: &mut Self| -> Result<u32> {
            let level = match parser.peek() {
                Token::Number(n) => n.parse().map_err(|_| parser.unexpected())?,
                Token::Word(w) if w == "last" => LAST,
                _ => return Err(parser.unexpected()),
            };
            parser.at += 1;
            Ok(level)
        };
        let first = level(self)?;
        let last = if self.take_word("to") { level(self)? } else { first };
        self.expect("}")?;
        Ok(Kind::Any(first, last))
    }
}

fn attach(item: &mut Item, rest: Vec<Kind>) {
    let mut next = None;
    for kind in rest.into_iter().rev() {
        next = Some(Box::new(Item { kind, next }));
    }
    let mut end = &mut item.next;
    while let Some(step) = end {
        end = &mut step.next;
    }
    *end = next;
}
