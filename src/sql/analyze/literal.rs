//! Constants: numbers, strings, and text read by a type's input function.

use sqlparser::ast;

use super::expr::unknown_text;
use super::{Analyzer, Expr, ExprKind};
use crate::error::{Error, Result, SqlState};
use crate::facts::PROCS;
use crate::tree::{Call, CallForm, SessionValue};
use crate::types::text::split_name;
use crate::types::{Oid, PgType, Value, oid};

/// `'now'`, `'today'` and their kin as a date or time: what the session answers at execution, so that a cached plan does
/// not keep the moment of its making.
pub(crate) fn current_moment(text: &str, ty: Oid, pos: u32) -> Option<Expr> {
    let mut word = text.trim().to_ascii_lowercase();
    // A type without a time zone has no use for one.
    if matches!(ty, oid::DATE | oid::TIMESTAMP)
        && let Some((day, zone)) = word.split_once(char::is_whitespace)
        && crate::types::datetime::is_abbreviation(zone.trim())
    {
        word = day.to_owned();
    }
    let session = |value: SessionValue, written: &'static str, ty: Oid| Expr {
        kind: ExprKind::Session(value, written),
        ty: PgType::new(ty),
        pos,
    };
    let call = |name: &str, args: Vec<Expr>, result: Oid| {
        let types: Vec<Oid> = args.iter().map(|a| a.ty.oid).collect();
        let func = PROCS.by_name(name).find(|p| p.args == types)?;
        let call = Call { func, args, operator: None, variadic: false, form: CallForm::Plain };
        Some(Expr { kind: ExprKind::Call(Box::new(call)), ty: PgType::new(result), pos })
    };
    if word == "now" {
        return Some(match ty {
            oid::DATE => session(SessionValue::CurrentDate, "CURRENT_DATE", ty),
            oid::TIMESTAMP => session(SessionValue::LocalTimestamp, "LOCALTIMESTAMP", ty),
            oid::TIMESTAMPTZ => session(SessionValue::TransactionTimestamp, "CURRENT_TIMESTAMP", ty),
            oid::TIME => session(SessionValue::LocalTime, "LOCALTIME", ty),
            oid::TIMETZ => session(SessionValue::CurrentTime, "CURRENT_TIME", ty),
            _ => return None,
        });
    }
    let days = match word.as_str() {
        "today" => 0,
        "tomorrow" => 1,
        "yesterday" => -1,
        _ => return None,
    };
    if !matches!(ty, oid::DATE | oid::TIMESTAMP | oid::TIMESTAMPTZ) {
        return None;
    }
    let today = session(SessionValue::CurrentDate, "CURRENT_DATE", oid::DATE);
    let number = Expr { kind: ExprKind::Const(Value::Int4(days)), ty: PgType::new(oid::INT4), pos };
    let date = if days == 0 { today } else { call("date_pli", vec![today, number], oid::DATE)? };
    match ty {
        oid::TIMESTAMP => call("timestamp", vec![date], ty),
        oid::TIMESTAMPTZ => call("timestamptz", vec![date], ty),
        _ => Some(date),
    }
}

impl Analyzer<'_> {
    /// A literal or parameter.
    pub(crate) fn value(&mut self, value: &ast::ValueWithSpan) -> Result<Expr> {
        use ast::Value as V;
        let pos = self.pos(value.span);
        let known = |value: Value, ty: Oid| Ok(Expr { kind: ExprKind::Const(value), ty: PgType::new(ty), pos });
        match &value.value {
            V::Number(digits, _) => self.number(digits, pos),
            V::SingleQuotedString(s) | V::EscapedStringLiteral(s) | V::UnicodeStringLiteral(s) => {
                Ok(unknown_text(s, pos))
            }
            V::NationalStringLiteral(s) => self.explicit_cast(unknown_text(s, pos), PgType::new(oid::BPCHAR), pos),
            V::DollarQuotedString(s) => Ok(unknown_text(&s.value, pos)),
            V::Boolean(b) => known(Value::Bool(*b), oid::BOOL),
            V::Null => known(Value::Null, oid::UNKNOWN),
            V::Placeholder(text) if text.starts_with('$') => self.param(text, pos),
            V::HexStringLiteral(digits) => self.bits(&format!("x{digits}"), pos),
            V::SingleQuotedByteStringLiteral(digits) => self.bits(&format!("b{digits}"), pos),
            other => Err(Error::syntax(format!("syntax error at or near \"{other}\"")).at(pos)),
        }
    }

    /// `B'101'` and `X'1F'`.
    fn bits(&self, text: &str, pos: u32) -> Result<Expr> {
        let ty = PgType::new(oid::BIT);
        let value = self.input(text, ty).map_err(|e| e.at(pos))?;
        Ok(Expr { kind: ExprKind::Const(value), ty, pos })
    }

    /// make_const: the smallest of integer, bigint and numeric that holds it.
    pub(crate) fn number(&mut self, digits: &str, pos: u32) -> Result<Expr> {
        let (value, ty) = if let Ok(n) = digits.parse::<i32>() {
            (Value::Int4(n), oid::INT4)
        } else if let Ok(n) = digits.parse::<i64>() {
            (Value::Int8(n), oid::INT8)
        } else {
            (self.input(digits, PgType::new(oid::NUMERIC)).map_err(|e| e.at(pos))?, oid::NUMERIC)
        };
        Ok(Expr { kind: ExprKind::Const(value), ty: PgType::new(ty), pos })
    }

    /// The type's input function. Names of objects (regclass …) are looked up here, along the search path.
    pub(crate) fn input(&self, text: &str, ty: PgType) -> Result<Value> {
        match ty.oid {
            oid::REGCLASS => self.reg_input(text, |a, t| a.regclass(t)),
            oid::REGTYPE => self.reg_input(text, |a, t| a.regtype(t)),
            oid::REGNAMESPACE => self.reg_input(text, |a, t| a.regnamespace(t)),
            oid::REGROLE => self.reg_input(text, |a, t| a.regrole(t)),
            oid::REGPROC => self.reg_input(text, |a, t| a.regproc(t)),
            oid::REGPROCEDURE => self.reg_input(text, |a, t| a.regprocedure(t)),
            oid::ACLITEM => {
                crate::catalog::check_aclitem(text, &self.ctx.snapshot)?;
                Ok(Value::text(text))
            }
            // Without a clock: see [`current_moment`].
            _ => {
                let value = crate::types::text::parse(text, ty, &self.ctx.settings, &self.ctx.seen())?;
                if ty.oid >= oid::FIRST_USER
                    && let (Value::Text(label), Some(found)) = (&value, self.ctx.snapshot.user_type_by_oid(ty.oid))
                {
                    found.check_label_is_safe(label)?;
                }
                Ok(value)
            }
        }
    }

    /// What all reg types share: `-` is 0, digits are an OID.
    fn reg_input(&self, text: &str, find: impl FnOnce(&Self, &str) -> Result<Oid>) -> Result<Value> {
        let text = text.trim();
        if text == "-" {
            return Ok(Value::Oid(0));
        }
        if !text.is_empty()
            && text.bytes().all(|b| b.is_ascii_digit())
            && let Ok(number) = text.parse()
        {
            return Ok(Value::Oid(number));
        }
        find(self, text).map(Value::Oid)
    }

    fn regclass(&self, text: &str) -> Result<Oid> {
        let parts = split_name(text)?;
        if let [namespace, _] = parts.as_slice()
            && namespace != "pg_temp"
            && !self.ctx.snapshot.namespaces.contains_key(namespace.as_str())
        {
            let message = format!("schema \"{namespace}\" does not exist");
            return Err(Error::new(SqlState::INVALID_SCHEMA_NAME, message));
        }
        if let [namespace, _] = parts.as_slice() {
            self.may_look_into(Some(namespace))?;
        }
        let found = match parts.as_slice() {
            [name] => self.find_relation(None, name)?.map(|r| r.oid).or_else(|| self.find_index(None, name)),
            [namespace, name] => self
                .find_relation(Some(namespace), name)?
                .map(|r| r.oid)
                .or_else(|| self.find_index(Some(namespace), name)),
            _ => None,
        };
        found.ok_or_else(|| {
            Error::new(SqlState::UNDEFINED_TABLE, format!("relation \"{}\" does not exist", parts.join(".")))
        })
    }

    fn find_index(&self, namespace: Option<&str>, name: &str) -> Option<Oid> {
        let find = |namespace: &str| {
            let own = self.ctx.snapshot.index(namespace, name).map(|(_, index)| index.oid);
            own.or_else(|| crate::facts::system_index_named(namespace, name))
        };
        match namespace {
            Some(namespace) => find(namespace),
            None => self.search_path().find_map(find),
        }
    }

    fn regtype(&self, text: &str) -> Result<Oid> {
        let source = format!("NULL::{text}");
        let missing = || Error::new(SqlState::UNDEFINED_OBJECT, format!("type \"{text}\" does not exist"));
        let (expr, _) = crate::sql::parse::parse_expression(&source).map_err(|_| missing())?;
        match expr {
            ast::Expr::Cast { data_type, .. } => self.data_type(&data_type).map(|t| t.oid).map_err(|mut e| {
                e.report_mut().position = None;
                e
            }),
            _ => Err(missing()),
        }
    }

    fn regnamespace(&self, text: &str) -> Result<Oid> {
        let parts = split_name(text)?;
        let found = match parts.as_slice() {
            [name] => self.ctx.snapshot.namespaces.get(name.as_str()).map(|n| n.oid),
            _ => None,
        };
        found.ok_or_else(|| {
            Error::new(SqlState::INVALID_SCHEMA_NAME, format!("schema \"{}\" does not exist", parts.join(".")))
        })
    }

    fn regrole(&self, text: &str) -> Result<Oid> {
        let parts = split_name(text)?;
        let found = match parts.as_slice() {
            [name] => self.ctx.snapshot.role(name).map(|r| r.oid),
            _ => None,
        };
        found.ok_or_else(|| crate::registry::privileges::missing_role(&parts.join(".")))
    }

    fn regproc(&self, text: &str) -> Result<Oid> {
        let parts = split_name(text)?;
        let (namespace, name) = match parts.as_slice() {
            [name] => (None, name),
            [namespace, name] => (Some(namespace.as_str()), name),
            _ => return Err(no_function(text)),
        };
        let found = self.functions_called(namespace, name);
        let mut found = found.iter();
        match (found.next(), found.next()) {
            (Some((oid, _)), None) => Ok(*oid),
            (Some(_), Some(_)) => {
                Err(Error::new(SqlState::AMBIGUOUS_FUNCTION, format!("more than one function named \"{text}\"")))
            }
            (None, _) => Err(no_function(text)),
        }
    }

    fn regprocedure(&self, text: &str) -> Result<Oid> {
        let Some((name, rest)) = text.split_once('(') else {
            return Err(Error::new(SqlState::INVALID_TEXT_REPRESENTATION, "expected a left parenthesis"));
        };
        let Some(args) = rest.trim_end().strip_suffix(')') else {
            return Err(Error::new(SqlState::INVALID_TEXT_REPRESENTATION, "expected a right parenthesis"));
        };
        let parts = split_name(name)?;
        let wanted = args
            .split(',')
            .map(str::trim)
            .filter(|a| !a.is_empty())
            .map(|a| self.regtype(a))
            .collect::<Result<Vec<_>>>()?;
        let (namespace, name) = match parts.as_slice() {
            [name] => (None, name),
            [namespace, name] => (Some(namespace.as_str()), name),
            _ => return Err(no_function(text)),
        };
        let found = self.functions_called(namespace, name).into_iter().find(|(_, args)| *args == wanted);
        found.map(|(oid, _)| oid).ok_or_else(|| no_function(text))
    }

    /// The functions of that name, in the order of the search path: OID and input types.
    fn functions_called(&self, namespace: Option<&str>, name: &str) -> Vec<(Oid, Vec<Oid>)> {
        let namespaces: Vec<&str> = namespace.map_or_else(|| self.search_path().collect(), |one| vec![one]);
        let mut out = Vec::new();
        for namespace in namespaces {
            if namespace == "pg_catalog" {
                out.extend(PROCS.by_name(name).map(|p| (p.oid, p.args.clone())));
            }
            out.extend(self.ctx.snapshot.functions_named(namespace, name).map(|f| (f.oid, f.args.clone())));
        }
        out
    }
}

fn no_function(text: &str) -> Error {
    Error::new(SqlState::UNDEFINED_FUNCTION, format!("function \"{text}\" does not exist"))
}
