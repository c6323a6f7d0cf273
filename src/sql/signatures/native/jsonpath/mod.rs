//! jsonpath over jsonb, as PostgreSQL's jsonpath_exec.c carries it out.

mod arithmetic;
mod truth;

use std::cell::RefCell;
use std::cmp::Ordering;
use std::rc::Rc;

use super::json::{invalid, list, text_of};
use super::pattern::compiled;
use super::*;
use crate::engine::budget::tick;
use crate::types::numeric::Numeric;
use crate::types::text::json::tree::{Json, Node, array_text, object_text, parse, quote};
use crate::types::text::jsonpath::{Item, JsonPath, Kind, LAST, Method, Op, parse_jsonpath, with_stack};

thread_local! {
    /// The path of the last call: nearly always a constant.
    static LAST_PATH: RefCell<Option<(String, Rc<JsonPath>)>> = const { RefCell::new(None) };
}

fn path_of(text: &str) -> Result<Rc<JsonPath>> {
    LAST_PATH.with_borrow_mut(|last| {
        if let Some((known, path)) = last
            && known == text
        {
            return Ok(Rc::clone(path));
        }
        let path = Rc::new(parse_jsonpath(text)?);
        *last = Some((text.to_owned(), Rc::clone(&path)));
        Ok(path)
    })
}

pub(super) fn natives() -> Vec<Native> {
    vec![
        function("dg_jsonb_path_exists", Phys::Bool, |run| {
            Ok(match run.exists()? {
                Some(found) => Value::Bool(found),
                None => Value::Null,
            })
        }),
        function("dg_jsonb_path_match", Phys::Bool, |run| {
            let found = run.query()?;
            match found.as_slice() {
                [Any::Bool(b)] => return Ok(Value::Bool(*b)),
                [Any::Null] => return Ok(Value::Null),
                _ if run.silent => return Ok(Value::Null),
                _ => {}
            }
            Err(Error::new(SqlState::SINGLETON_SQL_JSON_ITEM_REQUIRED, "single boolean result is expected"))
        }),
        function("dg_jsonb_path_query", Phys::List(Box::new(Phys::Text)), |run| {
            Ok(list(run.query()?.iter().map(|item| Value::text(item.text())).collect()))
        }),
        function("dg_jsonb_path_query_array", Phys::Text, |run| {
            let items: Vec<String> = run.query()?.iter().map(Any::text).collect();
            Ok(Value::text(array_text(&items)))
        }),
        function("dg_jsonb_path_query_first", Phys::Text, |run| {
            Ok(run.query()?.first().map_or(Value::Null, |item| Value::text(item.text())))
        }),
    ]
}

fn function(name: &'static str, result: Phys, f: fn(&mut Run<'_>) -> Result<Value>) -> Native {
    native_values(name, vec![Phys::Text, Phys::Text, Phys::Text, Phys::Bool], result, move |args| {
        let (Some(target), Some(path), Some(vars)) = (text_of(&args[0]), text_of(&args[1]), text_of(&args[2])) else {
            return Ok(Value::Null);
        };
        let vars = parse(vars)?;
        if !matches!(vars.value, Json::Object(_)) {
            return Err(invalid("\"vars\" argument is not an object")
                .detail("Jsonpath parameters should be encoded as key-value pairs of \"vars\" object."));
        }
        let path = path_of(path)?;
        let root = Any::of(&parse(target)?)?;
        let mut run = Run {
            path: &path,
            vars: Any::of(&vars)?,
            current: root.clone(),
            root,
            silent: matches!(args[3], Value::Bool(true)),
            lenient: !path.strict,
            innermost: None,
        };
        f(&mut run)
    })
}

/// A JSON value of its own.
#[derive(Debug, Clone)]
enum Any {
    Null,
    Bool(bool),
    Number(Numeric),
    String(Rc<str>),
    Array(Rc<[Any]>),
    Object(Rc<[(String, Any)]>),
}

impl Any {
    fn of(node: &Node<'_>) -> Result<Self> {
        Ok(match &node.value {
            Json::Null => Self::Null,
            Json::Bool(b) => Self::Bool(*b),
            Json::Number => Self::Number(node.number()?),
            Json::String(s) => Self::String(s.as_str().into()),
            Json::Array(items) => Self::Array(items.iter().map(Self::of).collect::<Result<_>>()?),
            Json::Object(members) => {
                Self::Object(members.iter().map(|(k, v)| Ok((k.clone(), Self::of(v)?))).collect::<Result<_>>()?)
            }
        })
    }

    fn text(&self) -> String {
        match self {
            Self::Null => "null".into(),
            Self::Bool(b) => b.to_string(),
            Self::Number(n) => n.as_text().into_owned(),
            Self::String(s) => quote(s),
            Self::Array(items) => array_text(&items.iter().map(Self::text).collect::<Vec<_>>()),
            Self::Object(members) => object_text(members.iter().map(|(k, v)| (k.clone(), v.text())).collect()),
        }
    }

    fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Number(_) => "number",
            Self::String(_) => "string",
            Self::Array(_) => "array",
            Self::Object(_) => "object",
        }
    }

    fn is_container(&self) -> bool {
        matches!(self, Self::Array(_) | Self::Object(_))
    }

    fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.iter().find(|(k, _)| k == key).map(|(_, v)| v),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) | Self::Array(_) => None,
        }
    }
}

/// Why a path stopped.
enum Stop {
    /// An error that `silent` and predicates swallow.
    Soft(Error),
    Hard(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Hard(error)
    }
}

type Step<T> = std::result::Result<T, Stop>;

fn soft<T>(code: SqlState, message: impl Into<String>) -> Step<T> {
    Err(Stop::Soft(Error::new(code, message.into())))
}

/// Where results go: nowhere, if only their existence is asked; then the first ends it.
type Found<'f> = Option<&'f mut Vec<Any>>;

/// A predicate's answer; `None` is unknown.
type Truth = Option<bool>;

struct Run<'p> {
    path: &'p JsonPath,
    vars: Any,
    root: Any,
    /// What `@` is.
    current: Any,
    silent: bool,
    /// Structural errors do not count.
    lenient: bool,
    /// The length of the array whose subscripts are computed.
    innermost: Option<usize>,
}

impl Run<'_> {
    /// All items; those before an error, if that is silent.
    fn query(&mut self) -> Result<Vec<Any>> {
        let mut found = Vec::new();
        let path = self.path;
        match self.item(&path.root, &self.root.clone(), Some(&mut found)) {
            Ok(_) => Ok(found),
            Err(Stop::Soft(_)) if self.silent => Ok(found),
            Err(Stop::Soft(error) | Stop::Hard(error)) => Err(error),
        }
    }

    /// Whether there is an item; `None` after a silent error.
    fn exists(&mut self) -> Result<Option<bool>> {
        let path = self.path;
        let root = self.root.clone();
        let answer = if path.strict {
            // All of it must be seen to be free of errors.
            let mut found = Vec::new();
            self.item(&path.root, &root, Some(&mut found)).map(|_| !found.is_empty())
        } else {
            self.item(&path.root, &root, None)
        };
        match answer {
            Ok(found) => Ok(Some(found)),
            Err(Stop::Soft(_)) if self.silent => Ok(None),
            Err(Stop::Soft(error) | Stop::Hard(error)) => Err(error),
        }
    }

    fn lax(&self) -> bool {
        !self.path.strict
    }

    fn item(&mut self, item: &Item, value: &Any, found: Found<'_>) -> Step<bool> {
        let unwrap = self.lax();
        self.item_unwrapping(item, value, found, unwrap)
    }

    /// What follows an item, or the end: the value is a result.
    fn next(&mut self, item: &Item, value: Any, found: Found<'_>) -> Step<bool> {
        match (&item.next, found) {
            (Some(next), found) => self.item(next, &value, found),
            (None, Some(found)) => {
                found.push(value);
                Ok(true)
            }
            (None, None) => Ok(true),
        }
    }

    fn item_unwrapping(&mut self, item: &Item, value: &Any, found: Found<'_>, unwrap: bool) -> Step<bool> {
        tick()?;
        with_stack(|| self.step(item, value, found, unwrap))
    }

    fn step(&mut self, item: &Item, value: &Any, mut found: Found<'_>, unwrap: bool) -> Step<bool> {
        match &item.kind {
            Kind::Null => self.next(item, Any::Null, found),
            Kind::Bool(b) => self.next(item, Any::Bool(*b), found),
            Kind::Number(n) => self.next(item, Any::Number(n.clone()), found),
            Kind::String(s) => self.next(item, Any::String(s.as_str().into()), found),
            Kind::Variable(name) => {
                let Some(value) = self.vars.get(name).cloned() else {
                    let message = format!("could not find jsonpath variable \"{name}\"");
                    return Err(Stop::Hard(Error::new(SqlState::UNDEFINED_OBJECT, message)));
                };
                self.next(item, value, found)
            }
            Kind::Root => self.next(item, self.root.clone(), found),
            Kind::Current => self.next(item, self.current.clone(), found),
            Kind::Binary(op, left, right) if !op.is_predicate() => {
                self.arithmetic(item, *op, left, right, value, found)
            }
            Kind::Plus(arg) => self.signed(item, arg, false, value, found),
            Kind::Minus(arg) => self.signed(item, arg, true, value, found),
            Kind::Binary(..)
            | Kind::Not(_)
            | Kind::IsUnknown(_)
            | Kind::Exists(_)
            | Kind::StartsWith(..)
            | Kind::LikeRegex { .. } => {
                let truth = self.truth(item, value)?;
                self.next(item, truth.map_or(Any::Null, Any::Bool), found)
            }
            Kind::Key(key) => match value {
                Any::Object(_) => match value.get(key) {
                    Some(member) => self.next(item, member.clone(), found),
                    None if self.lenient => Ok(false),
                    None => soft(
                        SqlState::SQL_JSON_MEMBER_NOT_FOUND,
                        format!("JSON object does not contain key {}", quote(key)),
                    ),
                },
                Any::Array(_) if unwrap => self.elements(item, value, found),
                _ if self.lenient => Ok(false),
                _ => soft(
                    SqlState::SQL_JSON_MEMBER_NOT_FOUND,
                    "jsonpath member accessor can only be applied to an object",
                ),
            },
            Kind::AnyKey => match value {
                Any::Object(_) => {
                    let unwrap = self.lax();
                    self.any(item.next.as_deref(), value, found, (1, 1, 1), false, unwrap)
                }
                Any::Array(_) if unwrap => self.elements(item, value, found),
                _ if self.lenient => Ok(false),
                _ => soft(
                    SqlState::SQL_JSON_OBJECT_NOT_FOUND,
                    "jsonpath wildcard member accessor can only be applied to an object",
                ),
            },
            Kind::AnyArray => match value {
                Any::Array(_) => {
                    let unwrap = self.lax();
                    self.any(item.next.as_deref(), value, found, (1, 1, 1), false, unwrap)
                }
                _ if self.lax() => self.next(item, value.clone(), found),
                _ if self.lenient => Ok(false),
                _ => soft(
                    SqlState::SQL_JSON_ARRAY_NOT_FOUND,
                    "jsonpath wildcard array accessor can only be applied to an array",
                ),
            },
            Kind::Index(subscripts) => self.index(item, subscripts, value, found),
            Kind::Last => {
                let Some(size) = self.innermost else {
                    return Err(Stop::Hard(Error::internal("evaluating jsonpath LAST outside of array subscript")));
                };
                self.next(item, number(size as i64 - 1), found)
            }
            Kind::Filter(test) => {
                if unwrap && matches!(value, Any::Array(_)) {
                    return self.elements(item, value, found);
                }
                let outer = std::mem::replace(&mut self.current, value.clone());
                let truth = self.truth(test, value);
                self.current = outer;
                if truth? == Some(true) { self.next(item, value.clone(), found) } else { Ok(false) }
            }
            Kind::Any(first, last) => {
                let mut any = false;
                if *first == 0 {
                    let lenient = std::mem::replace(&mut self.lenient, true);
                    let result = self.next(item, value.clone(), found.as_deref_mut());
                    self.lenient = lenient;
                    any = result?;
                    if any && found.is_none() {
                        return Ok(true);
                    }
                }
                if value.is_container() {
                    let unwrap = self.lax();
                    any |= self.any(item.next.as_deref(), value, found, (1, *first, *last), true, unwrap)?;
                }
                Ok(any)
            }
            Kind::Method(method) => self.method(item, method, value, found, unwrap),
        }
    }

    /// The item applied to each element of an array, which are not unwrapped once more.
    fn elements(&mut self, item: &Item, array: &Any, found: Found<'_>) -> Step<bool> {
        self.any(Some(item), array, found, (1, 1, 1), false, false)
    }

    /// An item, or none, over the values of a container at the levels from `first` to `last`.
    fn any(
        &mut self,
        item: Option<&Item>,
        container: &Any,
        mut found: Found<'_>,
        (level, first, last): (u32, u32, u32),
        lenient: bool,
        unwrap: bool,
    ) -> Step<bool> {
        if level > last {
            return Ok(false);
        }
        let values: Vec<&Any> = match container {
            Any::Array(items) => items.iter().collect(),
            Any::Object(members) => members.iter().map(|(_, v)| v).collect(),
            Any::Null | Any::Bool(_) | Any::Number(_) | Any::String(_) => return Ok(false),
        };
        let mut any = false;
        for value in values {
            // `last` alone: only the leaves.
            if level >= first || (first == LAST && last == LAST && !value.is_container()) {
                match (item, found.as_deref_mut()) {
                    (Some(item), into) => {
                        let outer = self.lenient;
                        self.lenient |= lenient;
                        let result = self.item_unwrapping(item, value, into, unwrap);
                        self.lenient = outer;
                        any |= result?;
                    }
                    (None, Some(into)) => {
                        into.push(value.clone());
                        any = true;
                    }
                    (None, None) => return Ok(true),
                }
                if any && found.is_none() {
                    return Ok(true);
                }
            }
            if level < last && value.is_container() {
                any |= self.any(item, value, found.as_deref_mut(), (level + 1, first, last), lenient, unwrap)?;
                if any && found.is_none() {
                    return Ok(true);
                }
            }
        }
        Ok(any)
    }

    fn index(
        &mut self,
        item: &Item,
        subscripts: &[(Item, Option<Item>)],
        value: &Any,
        mut found: Found<'_>,
    ) -> Step<bool> {
        let items = match value {
            Any::Array(items) => Rc::clone(items),
            _ if self.lax() => Rc::from([value.clone()]),
            _ if self.lenient => return Ok(false),
            _ => {
                return soft(
                    SqlState::SQL_JSON_ARRAY_NOT_FOUND,
                    "jsonpath array accessor can only be applied to an array",
                );
            }
        };
        let size = items.len() as i64;
        let outer = self.innermost.replace(items.len());
        let result = (|| {
            let mut any = false;
            for (from, to) in subscripts {
                let from = self.subscript(from, value)?;
                let to = match to {
                    Some(to) => self.subscript(to, value)?,
                    None => from,
                };
                if !self.lenient && (from < 0 || from > to || to >= size) {
                    return soft(SqlState::INVALID_SQL_JSON_SUBSCRIPT, "jsonpath array subscript is out of bounds");
                }
                for at in from.max(0)..=to.min(size - 1) {
                    let Some(element) = items.get(at as usize) else { continue };
                    any |= self.next(item, element.clone(), found.as_deref_mut())?;
                    if any && found.is_none() {
                        return Ok(true);
                    }
                }
            }
            Ok(any)
        })();
        self.innermost = outer;
        result
    }

    fn subscript(&mut self, item: &Item, value: &Any) -> Step<i64> {
        let mut found = Vec::new();
        self.item(item, value, Some(&mut found))?;
        let [Any::Number(n)] = found.as_slice() else {
            return soft(
                SqlState::INVALID_SQL_JSON_SUBSCRIPT,
                "jsonpath array subscript is not a single numeric value",
            );
        };
        match n.trunc(0).to_i64().filter(|n| i32::try_from(*n).is_ok()) {
            Some(n) => Ok(n),
            None => soft(SqlState::INVALID_SQL_JSON_SUBSCRIPT, "jsonpath array subscript is out of integer range"),
        }
    }

    fn method(&mut self, item: &Item, method: &Method, value: &Any, found: Found<'_>, unwrap: bool) -> Step<bool> {
        let name = method.name();
        let wrong = |code: SqlState, what: &str| {
            soft(code, format!("jsonpath item method .{name}() can only be applied to {what}"))
        };
        if unwrap && matches!(value, Any::Array(_)) && !matches!(method, Method::Size | Method::Type) {
            return self.elements(item, value, found);
        }
        match (method, value) {
            (Method::Type, _) => self.next(item, Any::String(value.type_name().into()), found),
            (Method::Size, Any::Array(items)) => self.next(item, number(items.len() as i64), found),
            (Method::Size, _) if self.lax() => self.next(item, number(1), found),
            (Method::Size, _) if self.lenient => Ok(false),
            (Method::Size, _) => wrong(SqlState::SQL_JSON_ARRAY_NOT_FOUND, "an array"),
            (Method::Abs, Any::Number(n)) => self.next(item, Any::Number(n.abs()), found),
            (Method::Floor, Any::Number(n)) => self.next(item, Any::Number(n.floor()), found),
            (Method::Ceiling, Any::Number(n)) => self.next(item, Any::Number(n.ceil()), found),
            (Method::Abs | Method::Floor | Method::Ceiling, _) => {
                wrong(SqlState::NON_NUMERIC_SQL_JSON_ITEM, "a numeric value")
            }
            (Method::Double, Any::Number(n)) => match n.to_f64() {
                f if f.is_finite() => self.next(item, value.clone(), found),
                _ => soft(
                    SqlState::NON_NUMERIC_SQL_JSON_ITEM,
                    "numeric argument of jsonpath item method .double() is out of range for type double precision",
                ),
            },
            (Method::Double, Any::String(s)) => match crate::types::text::parse_f64(s).ok().filter(|f| f.is_finite()) {
                Some(f) => self.next(item, Any::Number(Numeric::from_f64(f)), found),
                None => soft(
                    SqlState::NON_NUMERIC_SQL_JSON_ITEM,
                    "string argument of jsonpath item method .double() is not a valid representation of a double precision number",
                ),
            },
            (Method::Double, _) => wrong(SqlState::NON_NUMERIC_SQL_JSON_ITEM, "a string or numeric value"),
            (Method::KeyValue, Any::Object(members)) => self.key_values(item, value, members, found),
            (Method::KeyValue, _) => wrong(SqlState::SQL_JSON_OBJECT_NOT_FOUND, "an object"),
            (Method::Datetime(_), _) => Err(Stop::Hard(
                Error::unsupported("the jsonpath item method .datetime()")
                    .hint("Cast the text to a date or timestamp in SQL."),
            )),
        }
    }

    fn key_values(&mut self, item: &Item, object: &Any, members: &[(String, Any)], mut found: Found<'_>) -> Step<bool> {
        if members.is_empty() {
            return Ok(false);
        }
        // PostgreSQL's id is the object's place in its binary form: only the whole document's is known here.
        let whole = matches!((object, &self.root), (Any::Object(a), Any::Object(b)) if Rc::ptr_eq(a, b));
        if !whole {
            return Err(Stop::Hard(
                Error::unsupported(".keyvalue() of an object inside a document")
                    .hint("Its ids are places in PostgreSQL's binary form."),
            ));
        }
        let mut any = false;
        for (key, value) in members {
            let pair = [
                ("id".to_owned(), number(0)),
                ("key".to_owned(), Any::String(key.as_str().into())),
                ("value".to_owned(), value.clone()),
            ];
            any |= self.next(item, Any::Object(Rc::from(pair)), found.as_deref_mut())?;
            if any && found.is_none() {
                return Ok(true);
            }
        }
        Ok(any)
    }
}

fn number(n: i64) -> Any {
    Any::Number(Numeric::from_i128(i128::from(n)))
}
