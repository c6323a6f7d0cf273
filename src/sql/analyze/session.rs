//! What a statement may ask of its session: CURRENT_DATE, current_user, now() and kin.

use sqlparser::ast;

use super::{Analyzer, Expr, ExprKind};
use crate::error::{Error, Result};
use crate::tree::SessionValue;
use crate::types::{Oid, PgType, Value, oid};

/// `written` is how PostgreSQL prints it.
fn of(value: SessionValue, written: &'static str, ty: Oid, pos: u32) -> Expr {
    Expr { kind: ExprKind::Session(value, written), ty: PgType::new(ty), pos }
}

impl Analyzer<'_> {
    /// Values that are written without parentheses (SQLValueFunction).
    pub(crate) fn value_function(&mut self, name: &str, pos: u32) -> Result<Expr> {
        Ok(match name {
            "current_date" => of(SessionValue::CurrentDate, "CURRENT_DATE", oid::DATE, pos),
            "current_time" => of(SessionValue::CurrentTime, "CURRENT_TIME", oid::TIMETZ, pos),
            "current_timestamp" => of(SessionValue::TransactionTimestamp, "CURRENT_TIMESTAMP", oid::TIMESTAMPTZ, pos),
            "localtime" => of(SessionValue::LocalTime, "LOCALTIME", oid::TIME, pos),
            "localtimestamp" => of(SessionValue::LocalTimestamp, "LOCALTIMESTAMP", oid::TIMESTAMP, pos),
            "current_user" => of(SessionValue::CurrentUser, "CURRENT_USER", oid::NAME, pos),
            "user" => of(SessionValue::CurrentUser, "USER", oid::NAME, pos),
            "current_role" => of(SessionValue::CurrentUser, "CURRENT_ROLE", oid::NAME, pos),
            "session_user" => of(SessionValue::SessionUser, "SESSION_USER", oid::NAME, pos),
            "current_catalog" => of(SessionValue::CurrentDatabase, "CURRENT_CATALOG", oid::NAME, pos),
            "current_schema" => of(SessionValue::CurrentSchema, "CURRENT_SCHEMA", oid::NAME, pos),
            _ => return Err(Error::syntax(format!("syntax error at or near \"{name}\"")).at(pos)),
        })
    }

    /// `FROM CURRENT_DATE`: a name that is one of these.
    pub(super) fn value_function_named(&mut self, name: &ast::ObjectName) -> Result<Option<Expr>> {
        const NAMES: [&str; 11] = [
            "current_date",
            "current_time",
            "current_timestamp",
            "localtime",
            "localtimestamp",
            "current_user",
            "user",
            "current_role",
            "session_user",
            "current_catalog",
            "current_schema",
        ];
        let [part] = name.0.as_slice() else { return Ok(None) };
        let Some(word) = part.as_ident().filter(|ident| ident.quote_style.is_none()) else { return Ok(None) };
        let Some(known) = NAMES.into_iter().find(|known| word.value.eq_ignore_ascii_case(known)) else {
            return Ok(None);
        };
        self.value_function(known, self.pos(word.span)).map(Some)
    }

    /// Functions of pg_catalog that the session answers; None if it is none of them.
    pub(crate) fn session_function(
        &mut self,
        namespace: Option<&str>,
        name: &str,
        list: &ast::FunctionArgumentList,
        pos: u32,
    ) -> Result<Option<Expr>> {
        if !matches!(namespace, None | Some("pg_catalog")) {
            return Ok(None);
        }
        if let [argument] = list.args.as_slice() {
            return self.session_function_of_one(name, argument, pos);
        }
        if !list.args.is_empty() {
            return Ok(None);
        }
        Ok(Some(match name {
            "now" => of(SessionValue::TransactionTimestamp, "now()", oid::TIMESTAMPTZ, pos),
            "transaction_timestamp" => {
                of(SessionValue::TransactionTimestamp, "transaction_timestamp()", oid::TIMESTAMPTZ, pos)
            }
            "statement_timestamp" => {
                of(SessionValue::StatementTimestamp, "statement_timestamp()", oid::TIMESTAMPTZ, pos)
            }
            "current_database" => of(SessionValue::CurrentDatabase, "current_database()", oid::NAME, pos),
            "current_schema" => of(SessionValue::CurrentSchema, "\"current_schema\"()", oid::NAME, pos),
            "pg_backend_pid" => of(SessionValue::BackendPid, "pg_backend_pid()", oid::INT4, pos),
            "version" => of(SessionValue::ServerVersion, "version()", oid::TEXT, pos),
            "inet_client_addr" => of(SessionValue::ClientAddr, "inet_client_addr()", oid::INET, pos),
            "inet_client_port" => of(SessionValue::ClientPort, "inet_client_port()", oid::INT4, pos),
            "inet_server_addr" => of(SessionValue::ServerAddr, "inet_server_addr()", oid::INET, pos),
            "inet_server_port" => of(SessionValue::ServerPort, "inet_server_port()", oid::INT4, pos),
            "pg_postmaster_start_time" => {
                of(SessionValue::PostmasterStartTime, "pg_postmaster_start_time()", oid::TIMESTAMPTZ, pos)
            }
            "pg_conf_load_time" => of(SessionValue::ConfLoadTime, "pg_conf_load_time()", oid::TIMESTAMPTZ, pos),
            _ => return Ok(None),
        }))
    }

    fn session_function_of_one(&mut self, name: &str, argument: &ast::FunctionArg, pos: u32) -> Result<Option<Expr>> {
        let timed = match name {
            "current_time" => (SessionValue::CurrentTime, "CURRENT_TIME", oid::TIMETZ),
            "current_timestamp" => (SessionValue::TransactionTimestamp, "CURRENT_TIMESTAMP", oid::TIMESTAMPTZ),
            "localtime" => (SessionValue::LocalTime, "LOCALTIME", oid::TIME),
            "localtimestamp" => (SessionValue::LocalTimestamp, "LOCALTIMESTAMP", oid::TIMESTAMP),
            "current_schemas" => return self.current_schemas(argument, pos),
            _ => return Ok(None),
        };
        let precision = self.expr(super::from::plain_arg(argument)?)?;
        let ExprKind::Const(Value::Int4(precision)) = precision.kind else {
            return Err(Error::syntax("syntax error").at(precision.pos));
        };
        let (value, written, ty) = timed;
        let value = of(value, written, ty, pos);
        self.coerce_typmod(value, PgType::with(ty, precision.clamp(0, 6)), true).map(Some)
    }

    fn current_schemas(&mut self, argument: &ast::FunctionArg, pos: u32) -> Result<Option<Expr>> {
        let implicit = self.expr(super::from::plain_arg(argument)?)?;
        let implicit = self.coerce_specific(implicit, oid::BOOL, "current_schemas")?;
        match implicit.kind {
            ExprKind::Const(Value::Bool(true)) => {
                Ok(Some(of(SessionValue::CurrentSchemasImplicit, "current_schemas(true)", oid::NAME_ARRAY, pos)))
            }
            ExprKind::Const(Value::Bool(false)) => {
                Ok(Some(of(SessionValue::CurrentSchemas, "current_schemas(false)", oid::NAME_ARRAY, pos)))
            }
            _ => Err(Error::unsupported("current_schemas with an argument that is no constant").at(pos)),
        }
    }
}
