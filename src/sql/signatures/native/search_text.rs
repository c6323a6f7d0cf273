//! Functions of text search that read texts: by a configuration, a dictionary or the parser.

use super::json::list;
use super::search::{Bytes, coded};
use super::*;
use crate::engine::budget::tick;
use crate::engine::vector::{Oid as OidArg, Ret};
use crate::facts::Oid;
use crate::facts::search::{self, DEFAULT_PARSER};
use crate::search::dictionary::{Dictionary, Looked};
use crate::search::document::Configuration;
use crate::search::headline::Options;
use crate::search::parser::{Kind, tokens};
use crate::search::rank::{self, WEIGHTS, Weights};
use crate::types::coded::tsquery::{self, Query};
use crate::types::text::json::tree::{self, Json, Node};
use crate::types::text::{search_configuration, split_name};
use crate::types::{PgType, oid};

pub(super) fn natives() -> Vec<Native> {
    let mut all = vec![
        default_configuration(),
        by_configuration::<Bytes>("dg_to_tsvector", |c, text| Ok(c.vector(text)?.encode())),
        by_configuration::<Bytes>("dg_json_to_tsvector", |c, text| {
            let mut texts = Vec::new();
            collect(&tree::parse(text)?, STRINGS, &mut texts);
            Ok(c.vector_of_all(texts.iter().map(|text| &**text))?.encode())
        }),
        query("dg_to_tsquery", Configuration::query),
        query("dg_plainto_tsquery", Configuration::plain),
        query("dg_phraseto_tsquery", Configuration::phrase),
        query("dg_websearch_to_tsquery", Configuration::web),
        native_values("dg_json_to_tsvector_of", vec![Phys::Oid, Phys::Text, Phys::Jsonb], Phys::Bytea, |given| {
            let [Value::Oid(of), Value::Text(json), Value::Text(kinds)] = given else { return Ok(Value::Null) };
            let mut texts = Vec::new();
            collect(&tree::parse(json)?, kinds_of(kinds)?, &mut texts);
            Ok(coded(&Configuration::of(*of)?.vector_of_all(texts.iter().map(|text| &**text))?))
        }),
    ];
    all.extend(parts());
    all.extend(ranks());
    all.extend(headlines());
    all
}

/// The configuration that a session's functions use when none is named.
fn default_configuration() -> Native {
    Native {
        name: "dg_ts_default",
        args: vec![Phys::Int8],
        varargs: None,
        result: Phys::Oid,
        strict: true,
        volatile: true,
        body: Arc::new(|arrays, rows| {
            let mut out = OidArg::builder(rows);
            if rows > 0 {
                let session = asker(downcast::<i64>(arrays, 0)?.value(0))?;
                let name = session.view.setting("default_text_search_config").unwrap_or_default();
                let own = search_configuration(&name).ok_or_else(|| {
                    let message = format!("text search configuration \"{name}\" does not exist");
                    Error::new(SqlState::UNDEFINED_OBJECT, message)
                })?;
                (0..rows).for_each(|_| OidArg::push(&mut out, Some(own.oid)));
            }
            Ok(OidArg::finish(out))
        }),
    }
}

/// A function of a configuration, which is made ready once for all rows that name it, and a text.
fn by_configuration<R: Ret + ?Sized>(
    name: &'static str,
    f: impl Fn(&Configuration, &str) -> Result<R::Value> + Send + Sync + 'static,
) -> Native {
    Native {
        name,
        args: vec![Phys::Oid, Phys::Text],
        varargs: None,
        result: R::phys(),
        strict: true,
        volatile: false,
        body: Arc::new(move |arrays, rows| {
            let (named, texts) = (downcast::<OidArg>(arrays, 0)?, downcast::<str>(arrays, 1)?);
            let mut last: Option<(Oid, Configuration)> = None;
            let mut out = R::builder(rows);
            for row in 0..rows {
                tick()?;
                if named.is_null(row) || texts.is_null(row) {
                    R::push(&mut out, None);
                    continue;
                }
                let of = named.value(row);
                let configuration = match last.take().filter(|(own, _)| *own == of) {
                    Some((_, ready)) => ready,
                    None => Configuration::of(of)?,
                };
                R::push(&mut out, Some(f(&configuration, texts.value(row))?));
                last = Some((of, configuration));
            }
            Ok(R::finish(out))
        }),
    }
}

fn query(name: &'static str, f: fn(&Configuration, &str) -> Result<Query>) -> Native {
    by_configuration::<Bytes>(name, move |c, text| Ok(tsquery::encode(&f(c, text)?)))
}

/// Which parts of a document are its text.
#[derive(Clone, Copy, Default)]
struct Kinds {
    strings: bool,
    numbers: bool,
    booleans: bool,
    keys: bool,
}

const STRINGS: Kinds = Kinds { strings: true, numbers: false, booleans: false, keys: false };

/// `"string"`, or a list of such words.
fn kinds_of(text: &str) -> Result<Kinds> {
    let wrong = |message: &str| Error::new(SqlState::INVALID_PARAMETER_VALUE, message.to_owned());
    let hint = r#"Possible values are: "string", "numeric", "boolean", "key", and "all"."#;
    let node = tree::parse(text)?;
    let flags = match &node.value {
        Json::Object(_) => return Err(wrong("wrong flag type, only arrays and scalars are allowed")),
        Json::Array(items) => items.iter().collect(),
        _ => vec![&node],
    };
    let mut kinds = Kinds::default();
    for flag in flags {
        let Json::String(flag) = &flag.value else {
            return Err(wrong("flag array element is not a string").hint(hint));
        };
        match &*flag.to_ascii_lowercase() {
            "all" => kinds = Kinds { strings: true, numbers: true, booleans: true, keys: true },
            "key" => kinds.keys = true,
            "string" => kinds.strings = true,
            "numeric" => kinds.numbers = true,
            "boolean" => kinds.booleans = true,
            _ => return Err(wrong(&format!("wrong flag in flag array: \"{flag}\"")).hint(hint)),
        }
    }
    Ok(kinds)
}

/// The texts of a document, in its order.
fn collect(node: &Node<'_>, kinds: Kinds, out: &mut Vec<String>) {
    match &node.value {
        Json::Null => {}
        Json::Bool(value) if kinds.booleans => out.push(value.to_string()),
        Json::Number if kinds.numbers => out.push(node.text.to_owned()),
        Json::String(text) if kinds.strings => out.push(text.clone()),
        Json::Bool(_) | Json::Number | Json::String(_) => {}
        Json::Array(items) => items.iter().for_each(|item| collect(item, kinds, out)),
        Json::Object(members) => {
            for (key, value) in members {
                if kinds.keys {
                    out.push(key.clone());
                }
                collect(value, kinds, out);
            }
        }
    }
}

fn texts() -> Phys {
    Phys::List(Box::new(Phys::Text))
}

fn rows_of(fields: Vec<Phys>) -> Phys {
    Phys::List(Box::new(Phys::Row(fields.into())))
}

/// What a dictionary says, as `ts_lexize` shows it.
fn lexemes(looked: Looked) -> Value {
    match looked {
        Looked::Stop => list(Vec::new()),
        Looked::Lexeme(lexeme) => list(vec![Value::text(lexeme)]),
    }
}

fn no_parser(oid: Oid) -> Error {
    Error::new(SqlState::INTERNAL_ERROR, format!("cache lookup failed for text search parser {oid}"))
}

/// There is one parser.
fn parser_named(name: &str) -> Result<()> {
    match &*split_name(name)?.iter().map(String::as_str).collect::<Vec<_>>() {
        ["default"] | ["pg_catalog", "default"] => Ok(()),
        _ => {
            let message = format!("text search parser \"{name}\" does not exist");
            Err(Error::new(SqlState::UNDEFINED_OBJECT, message))
        }
    }
}

fn parse_rows(text: &str) -> Value {
    let row = |token: crate::search::parser::Token| {
        Value::Row(vec![
            (PgType::new(oid::INT4), Value::Int4(token.kind as i32)),
            (PgType::new(oid::TEXT), Value::text(&text[token.from..token.to])),
        ])
    };
    list(tokens(text).into_iter().map(row).collect())
}

fn type_rows() -> Value {
    let row = |own: &search::TokenType| {
        Value::Row(vec![
            (PgType::new(oid::INT4), Value::Int4(own.id)),
            (PgType::new(oid::TEXT), Value::text(own.alias)),
            (PgType::new(oid::TEXT), Value::text(own.description)),
        ])
    };
    list(search::token_types().iter().map(row).collect())
}

fn parts() -> Vec<Native> {
    let token = || rows_of(vec![Phys::Int4, Phys::Text]);
    let kind = || rows_of(vec![Phys::Int4, Phys::Text, Phys::Text]);
    let oids = Phys::List(Box::new(Phys::Oid));
    let debug = rows_of(vec![Phys::Text, Phys::Text, Phys::Text, oids, Phys::Oid, texts()]);
    let known = |of: &Value| match of {
        Value::Oid(DEFAULT_PARSER) => Ok(()),
        Value::Oid(other) => Err(no_parser(*other)),
        Value::Text(name) => parser_named(name),
        _ => Err(Error::internal("a parser is named by its OID or name")),
    };
    let parse = |name: &'static str, by: Phys| {
        native_values(name, vec![by, Phys::Text], token(), move |given| {
            let [of, Value::Text(text)] = given else { return Ok(Value::Null) };
            known(of).map(|()| parse_rows(text))
        })
    };
    let types = |name: &'static str, by: Phys| {
        native_values(name, vec![by], kind(), move |given| {
            let [of] = given else { return Ok(Value::Null) };
            known(of).map(|()| type_rows())
        })
    };
    vec![
        native_values("dg_ts_lexize", vec![Phys::Oid, Phys::Text], texts(), |given| {
            let [Value::Oid(of), Value::Text(word)] = given else { return Ok(Value::Null) };
            Ok(lexemes(Dictionary::of(*of)?.look(word)))
        }),
        parse("dg_ts_parse_by", Phys::Oid),
        parse("dg_ts_parse", Phys::Text),
        types("dg_ts_token_type_by", Phys::Oid),
        types("dg_ts_token_type", Phys::Text),
        native_values("dg_ts_debug", vec![Phys::Oid, Phys::Text], debug, |given| {
            let [Value::Oid(of), Value::Text(text)] = given else { return Ok(Value::Null) };
            let ready = Configuration::of(*of)?;
            let dictionaries = search::configuration(*of).map(|own| own.dictionaries).unwrap_or_default();
            let row = |token: crate::search::parser::Token| {
                let kind = search::token_types().iter().find(|own| own.id == token.kind as i32);
                let of = dictionaries.get(token.kind as usize).copied().flatten();
                let looked = ready.look(token, text).filter(|_| token.kind != Kind::Blank);
                let word =
                    |f: fn(&search::TokenType) -> &'static str| kind.map_or(Value::Null, |own| Value::text(f(own)));
                let own = of.filter(|_| looked.is_some()).map_or(Value::Null, Value::Oid);
                let regdictionaries = crate::facts::TYPES.by_oid(oid::REGDICTIONARY).map_or(0, |t| t.array);
                Value::Row(vec![
                    (PgType::new(oid::TEXT), word(|own| own.alias)),
                    (PgType::new(oid::TEXT), word(|own| own.description)),
                    (PgType::new(oid::TEXT), Value::text(&text[token.from..token.to])),
                    (PgType::new(regdictionaries), list(of.map(Value::Oid).into_iter().collect())),
                    (PgType::new(oid::REGDICTIONARY), own),
                    (PgType::new(oid::TEXT_ARRAY), looked.map_or(Value::Null, lexemes)),
                ])
            };
            Ok(list(tokens(text).into_iter().map(row).collect()))
        }),
    ]
}

/// What ranks count, of which a list of numbers says how much; a negative one leaves the default.
fn weights_of(given: &Value) -> Result<Weights> {
    let wrong = |message: &str| Error::new(SqlState::ARRAY_SUBSCRIPT_ERROR, message.to_owned());
    let mut weights = WEIGHTS;
    let Value::Array(array) = given else { return Ok(weights) };
    if array.dims.len() > 1 {
        return Err(wrong("array of weight must be one-dimensional"));
    }
    if array.items.len() < weights.len() {
        return Err(wrong("array of weight is too short"));
    }
    if array.items.iter().any(Value::is_null) {
        return Err(Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, "array of weight must not contain nulls"));
    }
    for (weight, item) in weights.iter_mut().zip(&array.items) {
        match item {
            Value::Float4(given) if *given > 1.0 => {
                return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, "weight out of range"));
            }
            Value::Float4(given) if *given >= 0.0 => *weight = *given,
            _ => {}
        }
    }
    Ok(weights)
}

type Rank = fn(&Weights, &[u8], &Query, i32) -> f32;

fn ranks() -> Vec<Native> {
    let plain = |name: &'static str, rank: Rank| {
        native3::<Bytes, Bytes, i32, f32>(name, move |vector, query, normalization| {
            Ok(Some(rank(&WEIGHTS, vector, &tsquery::decode(query), normalization)))
        })
    };
    let weighted = |name: &'static str, rank: Rank| {
        let floats = Phys::List(Box::new(Phys::Float4));
        native_values(name, vec![floats, Phys::Bytea, Phys::Bytea, Phys::Int4], Phys::Float4, move |given| {
            let [weights, Value::Bytea(vector), Value::Bytea(query), Value::Int4(normalization)] = given else {
                return Ok(Value::Null);
            };
            let weights = weights_of(weights)?;
            Ok(Value::Float4(rank(&weights, vector, &tsquery::decode(query), *normalization)))
        })
    };
    vec![
        plain("dg_ts_rank", rank::rank),
        plain("dg_ts_rank_cd", rank::rank_by_cover),
        weighted("dg_ts_rank_weighted", rank::rank),
        weighted("dg_ts_rank_cd_weighted", rank::rank_by_cover),
    ]
}

fn headlines() -> Vec<Native> {
    let made = |name: &'static str, f: fn(&Configuration, &str, &Query, &Options) -> Result<String>| {
        native4::<OidArg, str, Bytes, str, str>(name, move |of, text, query, options| {
            let options = Options::parse(options)?;
            f(&Configuration::of(of)?, text, &tsquery::decode(query), &options).map(Some)
        })
    };
    vec![
        made("dg_ts_headline", |c, text, query, options| Ok(c.headline(text, query, options))),
        made("dg_ts_headline_json", |c, json, query, options| {
            let mut out = String::new();
            rebuilt(&tree::parse(json)?, &|text| c.headline(text, query, options), &mut out);
            Ok(out)
        }),
    ]
}

/// A document with its strings made anew.
fn rebuilt(node: &Node<'_>, anew: &dyn Fn(&str) -> String, out: &mut String) {
    match &node.value {
        Json::Null | Json::Bool(_) | Json::Number => out.push_str(node.text),
        Json::String(text) => out.push_str(&tree::quote(&anew(text))),
        Json::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                rebuilt(item, anew, out);
            }
            out.push(']');
        }
        Json::Object(members) => {
            out.push('{');
            for (i, (key, value)) in members.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                out.push_str(&tree::quote(key));
                out.push(':');
                rebuilt(value, anew, out);
            }
            out.push('}');
        }
    }
}
