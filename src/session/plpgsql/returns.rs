//! RETURN in its forms, and CASE.

use super::machine::{Flow, Machine, statement};
use super::query::{Answer, Keep};
use super::variables::{Content, Scalar};
use crate::engine::budget::RowMemory;
use crate::error::{Error, Result, SqlState};
use crate::registry::Name;
use crate::sql::parse::plpgsql::{CASE_VARIABLE, Fragment, Statement, Target};
use crate::types::{self, PgType, Value, oid};

/// What a function returns, and what it has returned so far.
pub(super) struct Returns {
    /// Of a set, of each of its rows.
    pub ty: PgType,
    /// The columns, if it is a row.
    pub columns: Vec<(Name, PgType)>,
    /// The parameters that are its result, by their numbers from 0.
    pub outputs: Vec<usize>,
    pub value: Option<Value>,
    pub rows: Vec<Vec<Value>>,
    /// Of `rows`, roughly.
    pub memory: RowMemory,
}

impl Machine<'_> {
    /// RETURN with a value.
    pub(super) async fn return_value(&mut self, value: &Fragment) -> Result<()> {
        let (from, value, types) = self.row_or_value(value).await?;
        let Some(returns) = &self.returns else { return Err(Error::internal("a value of DO")) };
        let value = if returns.columns.is_empty() {
            let to = returns.ty;
            let cast = self.converted(from, value, to).await;
            let casting = " while casting return value to function's return type";
            cast.map_err(|error| self.frame.told(error, casting))?
        } else {
            match value {
                Value::Null => Value::Null,
                Value::Row(fields) => {
                    let message = "returned record type does not match expected record type";
                    let casting = " while casting return value to function's return type";
                    let checked = self.fits(types.into_iter(), message);
                    checked.map_err(|error| self.frame.told(error, casting))?;
                    let values = fields.into_iter().map(|(_, value)| value);
                    let columns = self.returns.iter().flat_map(|returns| &returns.columns);
                    Value::Row(columns.map(|(_, ty)| *ty).zip(values).collect())
                }
                _ => {
                    let message = "cannot return non-composite value from function returning composite type";
                    return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
                }
            }
        };
        if let Some(returns) = &mut self.returns {
            returns.value = Some(value);
        }
        Ok(())
    }

    /// An expression's value; of a row, with the types of its fields.
    async fn row_or_value(&mut self, expression: &Fragment) -> Result<(PgType, Value, Vec<PgType>)> {
        let name = Target { qualifier: None, name: expression.text.to_lowercase().into() };
        if let Some(fields) = self.scopes.record(&name) {
            let types = fields.iter().map(|(ty, _)| *ty).collect();
            let null = fields.iter().all(|(_, value)| *value == Value::Null);
            return Ok((PgType::new(oid::RECORD), if null { Value::Null } else { Value::Row(fields) }, types));
        }
        let (field, value) = self.field(expression).await?;
        let types = match (&value, &field.row, &self.returns) {
            (Value::Row(_), _, Some(returns)) if field.ty.oid == returns.ty.oid => {
                returns.columns.iter().map(|(_, ty)| *ty).collect()
            }
            (Value::Row(_), Some(row), _) => row.0.iter().map(|field| field.ty).collect(),
            (Value::Row(fields), None, _) => fields.iter().map(|(ty, _)| *ty).collect(),
            _ => Vec::new(),
        };
        Ok((field.ty, value, types))
    }

    /// A value as an assignment to that type makes it.
    async fn converted(&mut self, from: PgType, value: Value, to: PgType) -> Result<Value> {
        if from.oid == to.oid || value == Value::Null {
            return Ok(value);
        }
        let named = types::name::format_type(PgType::new(to.oid), &self.session.seen());
        let cast = statement(&format!("SELECT CAST($1 AS {named})"))?;
        self.cast(&cast, from, value).await
    }

    /// Has a row these columns? (convert_tuples_by_position)
    fn fits(&self, given: impl ExactSizeIterator<Item = PgType>, message: &str) -> Result<()> {
        let Some(returns) = &self.returns else { return Err(Error::internal("rows of DO")) };
        let scalar = [("".into(), returns.ty)];
        let wanted = if returns.columns.is_empty() { scalar.as_slice() } else { returns.columns.as_slice() };
        let wrong = |detail: String| Error::new(SqlState::DATATYPE_MISMATCH, message).detail(detail);
        let (have, want) = (given.len(), wanted.len());
        let seen = self.session.seen();
        for (n, (given, (_, wanted))) in given.zip(wanted).enumerate() {
            if given.oid != wanted.oid {
                let shown = |ty: PgType| types::name::format_type(ty, &seen);
                let detail = format!(
                    "Returned type {} does not match expected type {} in column {}.",
                    shown(given),
                    shown(PgType::new(wanted.oid)),
                    n + 1
                );
                return Err(wrong(detail));
            }
        }
        if have == want {
            return Ok(());
        }
        Err(wrong(format!("Number of returned columns ({have}) does not match expected column count ({want}).")))
    }

    /// RETURN NEXT: a row, or without one the OUT parameters.
    pub(super) async fn return_next(&mut self, row: Option<&Fragment>) -> Result<()> {
        let row = match row {
            None => self.output_row(),
            Some(row) => {
                let (from, value, types) = self.row_or_value(row).await?;
                let Some(returns) = &self.returns else { return Err(Error::internal("rows of DO")) };
                let (to, width) = (returns.ty, returns.columns.len());
                match value {
                    value if width == 0 => vec![self.converted(from, value, to).await?],
                    Value::Null => vec![Value::Null; width],
                    Value::Row(fields) => {
                        let message = "wrong record type supplied in RETURN NEXT";
                        self.fits(types.into_iter(), message)?;
                        fields.into_iter().map(|(_, value)| value).collect()
                    }
                    _ => {
                        let message = "cannot return non-composite value from function returning composite type";
                        return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
                    }
                }
            }
        };
        self.add(row)
    }

    fn add(&mut self, row: Vec<Value>) -> Result<()> {
        let most = self.session.gateway.limits().held_cursor_bytes;
        let Some(returns) = &mut self.returns else { return Err(Error::internal("rows of DO")) };
        returns.memory.take(row.iter().map(size).sum::<usize>())?;
        if returns.memory.bytes() > most {
            let message = format!("the rows of a function take more than {most} bytes");
            return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message)
                .hint("Have it give fewer rows, or raise limits.held_cursor_bytes."));
        }
        returns.rows.push(row);
        Ok(())
    }

    /// RETURN QUERY.
    pub(super) async fn return_query(&mut self, query: &Fragment) -> Result<()> {
        let seen = self.scopes.seen(self.found);
        let answer = self.query(&query.parsed, seen, Keep::All, Some(&query.text)).await?;
        self.add_all(&answer, &query.text)
    }

    pub(super) async fn return_execute(&mut self, query: &Fragment, using: &[Fragment]) -> Result<()> {
        let (parsed, seen) = self.dynamic(query, using).await?;
        let answer = self.query(&parsed, seen, Keep::All, Some(&parsed.text)).await?;
        self.add_all(&answer, &parsed.text)
    }

    fn add_all(&mut self, answer: &Answer, text: &str) -> Result<()> {
        let message = "structure of query does not match function result type";
        let fits = self.fits(answer.fields.iter().map(|field| field.ty), message);
        fits.map_err(|error| super::query::of_statement(error, text))?;
        for row in answer.rows() {
            self.add(row.into_iter().map(|(_, value)| value).collect())?;
        }
        self.count(answer.count);
        Ok(())
    }

    /// The OUT parameters as a row of the result: one of a composite type alone is the row itself.
    fn output_row(&self) -> Vec<Value> {
        let outputs = self.outputs().into_iter().map(|(_, value)| value);
        match &self.returns {
            Some(returns) if !returns.columns.is_empty() && returns.ty.oid != oid::RECORD => {
                let width = returns.columns.len();
                let flat = outputs.flat_map(|value| match value {
                    Value::Row(fields) => fields.into_iter().map(|(_, value)| value).collect(),
                    _ => vec![Value::Null; width],
                });
                flat.collect()
            }
            _ => outputs.collect(),
        }
    }

    /// The values of the parameters that are the result.
    pub(super) fn outputs(&self) -> Vec<(PgType, Value)> {
        let numbers = self.returns.iter().flat_map(|returns| &returns.outputs);
        let parameter = |n: &usize| self.scopes.parameters().nth(*n).map(|(_, content)| content.whole());
        numbers.filter_map(parameter).collect()
    }

    /// CASE as a statement.
    pub(super) async fn case(
        &mut self,
        operand: Option<&Fragment>,
        arms: &[(Fragment, Vec<Statement>)],
        otherwise: Option<&[Statement]>,
        line: u64,
    ) -> Result<Flow> {
        let outside = self.scopes.all.len();
        let chosen = self.arm(operand, arms).await;
        self.scopes.all.truncate(outside);
        let body = match chosen.map_err(|error| self.frame.at(error, line, "at CASE"))? {
            Some(arm) => &arms[arm].1,
            None => match otherwise {
                Some(body) => body,
                None => {
                    let error = Error::new(SqlState::CASE_NOT_FOUND, "case not found");
                    let error = error.hint("CASE statement is missing ELSE part.");
                    return Err(self.frame.at(error, line, "at CASE"));
                }
            },
        };
        Box::pin(self.statements(body)).await
    }

    async fn arm(&mut self, operand: Option<&Fragment>, arms: &[(Fragment, Vec<Statement>)]) -> Result<Option<usize>> {
        if let Some(operand) = operand {
            let (ty, value) = self.value(operand).await?;
            let scalar = Scalar { ty, value, cast: None, constant: false, not_null: false };
            self.scopes.push(None);
            self.scopes.declare(CASE_VARIABLE.into(), Content::Scalar(scalar));
        }
        for (n, (condition, _)) in arms.iter().enumerate() {
            if self.condition(condition).await? {
                return Ok(Some(n));
            }
        }
        Ok(None)
    }

    /// What a call of the function gives when it has come to its end.
    pub(super) fn given(&mut self, function: &crate::registry::Function, returned: bool) -> Result<Value> {
        if function.outputs().next().is_some() {
            let mut outputs = self.outputs();
            let row = self.returns.as_ref().is_some_and(|returns| !returns.columns.is_empty());
            // A composite type alone among the outputs is the row itself.
            return Ok(match (row, outputs.len(), function.result) {
                (true, 1, result) if result != oid::RECORD => outputs.remove(0).1,
                (true, ..) => Value::Row(outputs),
                (false, ..) => outputs.pop().map_or(Value::Null, |(_, value)| value),
            });
        }
        if function.result == oid::VOID {
            return Ok(Value::text(""));
        }
        match self.returns.as_mut().and_then(|returns| returns.value.take()) {
            Some(value) if returned => Ok(value),
            _ => {
                let message = "control reached end of function without RETURN";
                let error = Error::new(SqlState::S_R_E_FUNCTION_EXECUTED_NO_RETURN_STATEMENT, message);
                Err(self.frame.told(error, ""))
            }
        }
    }
}

/// The bytes of a value, roughly.
fn size(value: &Value) -> usize {
    size_of::<Value>()
        + match value {
            Value::Text(text) => text.len(),
            Value::Numeric(text) => text.len(),
            Value::Bytea(bytes) => bytes.len(),
            Value::Array(array) => array.items.iter().map(size).sum(),
            Value::Row(fields) => fields.iter().map(|(_, value)| size(value)).sum(),
            _ => 0,
        }
}
