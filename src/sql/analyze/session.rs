//! What a statement may ask of its session: CURRENT_DATE, current_user, now() and kin.

use sqlparser::ast;

use super::{Analyzer, Expr, ExprKind};
use crate::error::{Error, Result};
use crate::tree::SessionValue;
use crate::types::{Oid, PgType, Value, oid};

fn of(value: SessionValue, ty: Oid, pos: u32) -> Expr {
    Expr { kind: ExprKind::Session(value), ty: PgType::new(ty), pos }
}

impl Analyzer<'_> {
    /// Values that are written without parentheses (SQLValueFunction).
    pub(crate) fn value_function(&mut self, name: &str, pos: u32) -> Result<Expr> {
        Ok(match name {
            "current_date" => of(SessionValue::CurrentDate, oid::DATE, pos),
            "current_time" => of(SessionValue::CurrentTime, oid::TIMETZ, pos),
            "current_timestamp" => of(SessionValue::TransactionTimestamp, oid::TIMESTAMPTZ, pos),
            "localtime" => of(SessionValue::LocalTime, oid::TIME, pos),
            "localtimestamp" => of(SessionValue::LocalTimestamp, oid::TIMESTAMP, pos),
            "current_user" | "user" | "current_role" => of(SessionValue::CurrentUser, oid::NAME, pos),
            "session_user" => of(SessionValue::SessionUser, oid::NAME, pos),
            "current_catalog" => of(SessionValue::CurrentDatabase, oid::NAME, pos),
            "current_schema" => of(SessionValue::CurrentSchema, oid::NAME, pos),
            _ => return Err(Error::syntax(format!("syntax error at or near \"{name}\"")).at(pos)),
        })
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
            "now" | "transaction_timestamp" => of(SessionValue::TransactionTimestamp, oid::TIMESTAMPTZ, pos),
            "statement_timestamp" => of(SessionValue::StatementTimestamp, oid::TIMESTAMPTZ, pos),
            "current_database" => of(SessionValue::CurrentDatabase, oid::NAME, pos),
            "current_schema" => of(SessionValue::CurrentSchema, oid::NAME, pos),
            "pg_backend_pid" => of(SessionValue::BackendPid, oid::INT4, pos),
            "version" => of(SessionValue::ServerVersion, oid::TEXT, pos),
            "inet_client_addr" => of(SessionValue::ClientAddr, oid::INET, pos),
            "inet_client_port" => of(SessionValue::ClientPort, oid::INT4, pos),
            "inet_server_addr" => of(SessionValue::ServerAddr, oid::INET, pos),
            "inet_server_port" => of(SessionValue::ServerPort, oid::INT4, pos),
            "pg_postmaster_start_time" => of(SessionValue::PostmasterStartTime, oid::TIMESTAMPTZ, pos),
            "pg_conf_load_time" => of(SessionValue::ConfLoadTime, oid::TIMESTAMPTZ, pos),
            _ => return Ok(None),
        }))
    }

    fn session_function_of_one(&mut self, name: &str, argument: &ast::FunctionArg, pos: u32) -> Result<Option<Expr>> {
        let timed = match name {
            "current_time" => (SessionValue::CurrentTime, oid::TIMETZ),
            "current_timestamp" => (SessionValue::TransactionTimestamp, oid::TIMESTAMPTZ),
            "localtime" => (SessionValue::LocalTime, oid::TIME),
            "localtimestamp" => (SessionValue::LocalTimestamp, oid::TIMESTAMP),
            "current_schemas" => return self.current_schemas(argument, pos),
            _ => return Ok(None),
        };
        let precision = self.expr(super::from::plain_arg(argument)?)?;
        let ExprKind::Const(Value::Int4(precision)) = precision.kind else {
            return Err(Error::syntax("syntax error").at(precision.pos));
        };
        let value = of(timed.0, timed.1, pos);
        self.coerce_typmod(value, PgType::with(timed.1, precision.clamp(0, 6)), true).map(Some)
    }

    fn current_schemas(&mut self, argument: &ast::FunctionArg, pos: u32) -> Result<Option<Expr>> {
        let implicit = self.expr(super::from::plain_arg(argument)?)?;
        let implicit = self.coerce_specific(implicit, oid::BOOL, "current_schemas")?;
        match implicit.kind {
            ExprKind::Const(Value::Bool(true)) => {
                Ok(Some(of(SessionValue::CurrentSchemasImplicit, oid::NAME_ARRAY, pos)))
            }
            ExprKind::Const(Value::Bool(false)) => Ok(Some(of(SessionValue::CurrentSchemas, oid::NAME_ARRAY, pos))),
            _ => Err(Error::unsupported("current_schemas with an argument that is no constant").at(pos)),
        }
    }
}
