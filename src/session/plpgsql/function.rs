//! A function's body: its parameters, and what it gives when it is at its end.

use super::machine::{Machine, statement};
use super::query::Keep;
use super::variables::{Content, Record, RowType, Scalar, Seen};
use crate::error::{Error, Result};
use crate::registry::{Function, Name};
use crate::sql::calls::Given;
use crate::sql::parse::plpgsql::{Block, parameter_name};
use crate::types::{self, PgType, Value, oid};

impl Machine<'_> {
    /// Runs the body with these arguments, one for each input.
    pub(super) async fn function(
        &mut self,
        function: &Function,
        block: &Block,
        args: Vec<(PgType, Value)>,
    ) -> Result<Given> {
        self.scopes.push(Some(function.name.clone()));
        let declared = self.parameters(function, args).await;
        declared.map_err(|error| self.frame.told(error, " during function entry"))?;
        let returned = self.run(block).await?;
        if function.returns_set {
            return Ok(Given::Rows(self.returns.take().map(|returns| returns.rows).unwrap_or_default()));
        }
        self.given(function, returned).map(Given::Value)
    }

    async fn parameters(&mut self, function: &Function, args: Vec<(PgType, Value)>) -> Result<()> {
        let (mut args, mut output) = (args.into_iter(), 0);
        for (n, parameter) in function.parameters.iter().enumerate() {
            let mut place = || {
                let at = output;
                output += usize::from(parameter.mode.is_output());
                at
            };
            let at = place();
            let (ty, value) = match parameter.mode.is_input() {
                true => args.next().ok_or_else(|| Error::internal("a parameter without an argument"))?,
                false => (self.output_type(at, parameter.ty), Value::Null),
            };
            self.parameter(parameter_name(n + 1), PgType::new(ty.oid), value).await?;
        }
        self.scopes.parameters = function.parameters.len();
        for (n, parameter) in function.parameters.iter().enumerate().filter(|(_, p)| !p.name.is_empty()) {
            self.scopes.declare(parameter.name.clone(), Content::Alias(0, n));
        }
        Ok(())
    }

    /// The type of an output of which the call has said what a polymorphic one is.
    fn output_type(&self, at: usize, declared: u32) -> PgType {
        if !crate::registry::polymorphic(declared) {
            return PgType::new(declared);
        }
        let returns = self.returns.as_ref();
        let column = returns.and_then(|returns| returns.columns.get(at)).map(|(_, ty)| *ty);
        column.or(returns.map(|returns| returns.ty)).unwrap_or(PgType::new(oid::TEXT))
    }

    async fn parameter(&mut self, name: Name, ty: PgType, value: Value) -> Result<()> {
        let named = types::name::format_type(ty, &self.session.seen());
        if !self.is_composite(ty) {
            let cast = Some(statement(&format!("SELECT CAST($1 AS {named})"))?);
            let scalar = Scalar { ty, value, cast, constant: false, not_null: false };
            self.scopes.declare(name, Content::Scalar(scalar));
            return Ok(());
        }
        let probe = statement(&format!("SELECT (CAST(NULL AS {named})).*"))?;
        let answer = self.query(&probe.parsed, Seen::default(), Keep::First(1), None).await?;
        let mut given = match value {
            Value::Row(fields) => fields,
            _ => Vec::new(),
        }
        .into_iter();
        let (mut casts, mut fields) = (Vec::new(), Vec::new());
        for field in &answer.fields {
            let named = types::name::format_type(field.ty, &self.session.seen());
            casts.push(statement(&format!("SELECT CAST($1 AS {named})"))?);
            fields.push((field.name.clone(), field.ty, given.next().map_or(Value::Null, |(_, value)| value)));
        }
        let record = Record { fields, declared: Some(RowType { ty: ty.oid, casts }) };
        self.scopes.declare(name, Content::Record(record));
        Ok(())
    }
}
