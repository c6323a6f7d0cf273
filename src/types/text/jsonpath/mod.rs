//! jsonpath: its grammar, and its text as `jsonpath_out` prints it, which is how a value is kept.
//!
//! `lax $.a[*] ? (@ > 1)` is kept as `$."a"[*]?(@ > 1)`.

mod check;
mod item;
mod print;
mod scan;
#[cfg(test)]
mod tests;

use check::check;
pub use item::{Item, JsonPath, Kind, LAST, Method, Op, Subscript};
use scan::{Token, at_or_near, scan};

use crate::error::{Error, Result, SqlState};
use crate::types::numeric::Numeric;

/// How deep a path may be: brackets, operators and the steps behind a value, each of which is one further down the tree.
const MAX_DEPTH: usize = 5_000;

/// Goes down the tree by one, with stack enough.
pub fn with_stack<T>(step: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(128 << 10, 1 << 20, step)
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

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

/// An expression, and what the grammar lets follow it.
struct Parsed {
    item: Item,
    /// Of its tree.
    height: usize,
    predicate: bool,
    /// A predicate in parentheses, or `exists (…)`: what `!` takes.
    delimited: bool,
}

impl Parsed {
    fn new(kind: Kind, predicate: bool, below: usize) -> Result<Self> {
        let height = below + 1;
        if height > MAX_DEPTH {
            return Err(too_deep());
        }
        Ok(Self { item: Item { kind, next: None }, height, predicate, delimited: false })
    }

    fn value(kind: Kind, below: usize) -> Result<Self> {
        Self::new(kind, false, below)
    }

    fn predicate(kind: Kind, below: usize) -> Result<Self> {
        Self::new(kind, true, below)
    }

    /// Steps, of that height, behind it.
    fn then(mut self, steps: Vec<Kind>, height: usize) -> Result<Self> {
        self.height += height;
        if self.height > MAX_DEPTH {
            return Err(too_deep());
        }
        attach(&mut self.item, steps);
        Ok(Self { predicate: false, delimited: false, ..self })
    }
}

fn too_deep() -> Error {
    Error::new(SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded")
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

    /// Both sides of an operator in one tree. `predicate`: what the sides must be.
    fn binary(&self, op: Op, left: Parsed, right: Parsed, predicate: bool) -> Result<Parsed> {
        let below = left.height.max(right.height);
        let kind = Kind::Binary(op, self.boxed(left, predicate)?, self.boxed(right, predicate)?);
        Parsed::new(kind, op.is_predicate(), below)
    }

    fn deeper(&mut self, step: impl FnOnce(&mut Self) -> Result<Parsed>) -> Result<Parsed> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(too_deep());
        }
        let parsed = with_stack(|| step(self))?;
        self.depth -= 1;
        Ok(parsed)
    }

    fn or(&mut self) -> Result<Parsed> {
        self.deeper(|parser| {
            let mut left = parser.and()?;
            while left.predicate && parser.take("||") {
                let right = parser.and()?;
                left = parser.binary(Op::Or, left, right, true)?;
            }
            Ok(left)
        })
    }

    fn and(&mut self) -> Result<Parsed> {
        let mut left = self.comparison()?;
        while left.predicate && self.take("&&") {
            let right = self.comparison()?;
            left = self.binary(Op::And, left, right, true)?;
        }
        Ok(left)
    }

    fn comparison(&mut self) -> Result<Parsed> {
        if self.take("!") {
            let arg = self.primary()?;
            if !arg.delimited {
                return Err(self.unexpected());
            }
            return Parsed::predicate(Kind::Not(Box::new(arg.item)), arg.height);
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
        self.binary(op, left, right, false)
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
        Parsed::predicate(Kind::StartsWith(Box::new(left.item), Box::new(prefix)), left.height)
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
        Parsed::predicate(Kind::LikeRegex { arg: Box::new(left.item), pattern, flags }, left.height)
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
            left = self.binary(op, left, right, false)?;
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
            left = self.binary(op, left, right, false)?;
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
        let arg = self.deeper(Self::unary)?;
        let below = arg.height;
        let arg = self.boxed(arg, false)?;
        match (&arg.kind, &arg.next, minus) {
            (Kind::Number(n), None, true) => Parsed::value(Kind::Number(n.neg()), 0),
            (Kind::Number(n), None, false) => Parsed::value(Kind::Number(n.clone()), 0),
            (_, _, true) => Parsed::value(Kind::Minus(arg), below),
            (_, _, false) => Parsed::value(Kind::Plus(arg), below),
        }
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
                    return Parsed::predicate(Kind::IsUnknown(Box::new(inner.item)), inner.height);
                }
                if self.is(".") || self.is("[") || self.is("?") {
                    let (steps, height) = self.accessors()?;
                    return inner.then(steps, height);
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
                    let below = arg.height;
                    let arg = self.boxed(arg, false)?;
                    return Ok(Parsed { delimited: true, ..Parsed::predicate(Kind::Exists(arg), below)? });
                }
                _ => return Err(self.unexpected()),
            },
            Token::Punct(_) | Token::End => return Err(self.unexpected()),
        };
        self.at += 1;
        let (steps, height) = self.accessors()?;
        Parsed::value(kind, 0)?.then(steps, height)
    }

    /// The steps behind a value, and how deep their tree is.
    fn accessors(&mut self) -> Result<(Vec<Kind>, usize)> {
        let mut all = Vec::new();
        let mut below = 0;
        loop {
            if self.take(".") {
                all.push(self.member()?);
            } else if self.take("[") {
                if self.take("*") {
                    all.push(Kind::AnyArray);
                } else {
                    let (subscripts, height) = self.subscripts()?;
                    below = below.max(height);
                    all.push(Kind::Index(subscripts));
                }
                self.expect("]")?;
            } else if self.take("?") {
                self.expect("(")?;
                let filter = self.or()?;
                self.expect(")")?;
                below = below.max(filter.height);
                all.push(Kind::Filter(self.boxed(filter, true)?));
            } else {
                let height = all.len() + below;
                return Ok((all, height));
            }
        }
    }

    /// `from` and `from to to`, and the greatest height among them.
    fn subscripts(&mut self) -> Result<(Vec<Subscript>, usize)> {
        let mut all = Vec::new();
        let mut height = 0;
        loop {
            let mut bound = |parser: &mut Self| -> Result<Item> {
                let bound = parser.or()?;
                height = height.max(bound.height);
                parser.boxed(bound, false).map(|item| *item)
            };
            let from = bound(self)?;
            let to = if self.take_word("to") { Some(bound(self)?) } else { None };
            all.push((from, to));
            if !self.take(",") {
                return Ok((all, height));
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
