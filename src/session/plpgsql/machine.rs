//! Statements of a block, one after the other.

use futures::future::BoxFuture;

use super::frame::Frame;
use super::query::{Answer, Keep, of_statement};
use super::raise::{stacked, takes};
use super::returns::Returns;
use super::variables::{Content, Record, RowType, Scalar, Scopes, Seen, given, text};
use crate::error::{Error, Result, SqlState};
use crate::registry::Name;
use crate::session::front::Front;
use crate::session::session::Session;
use crate::sql::parse::plpgsql::{
    Block, Declaration, Declared, Diagnostic, Fragment, Handler, Into, Kind, MAX_DEPTH, Statement, Target,
};
use crate::sql::parse::{self, Parsed, too_deep};
use crate::types::{self, Oid, PgType, TypeLookup, UserTypeInfoKind, Value, oid};

/// Where it goes on after a statement.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Flow {
    Next,
    /// EXIT, out of the loop or block of that label; without one, out of the innermost loop.
    Exit(Option<Name>),
    Continue(Option<Name>),
    Return,
}

pub(super) struct Machine<'a> {
    pub frame: Frame,
    /// What is to be returned; `None` for DO.
    pub returns: Option<Returns>,
    pub session: &'a mut Session,
    pub front: &'a mut dyn Front,
    pub scopes: Scopes,
    /// FOUND and ROW_COUNT.
    pub found: bool,
    row_count: u64,
    /// How often a loop's body has run.
    pub turns: u64,
    /// The exceptions that are handled, innermost last.
    pub handling: Vec<Error>,
}

impl<'a> Machine<'a> {
    pub fn new(session: &'a mut Session, front: &'a mut dyn Front, frame: Frame, returns: Option<Returns>) -> Self {
        let scopes = Scopes::default();
        Self { frame, returns, session, front, scopes, found: false, row_count: 0, turns: 0, handling: Vec::new() }
    }

    /// True if it came to a RETURN.
    pub async fn run(&mut self, block: &Block) -> Result<bool> {
        match self.block(block).await? {
            Flow::Next => Ok(false),
            Flow::Return => Ok(true),
            Flow::Exit(label) => Err(astray("EXIT", label.as_ref())),
            Flow::Continue(label) => Err(astray("CONTINUE", label.as_ref())),
        }
    }

    fn block<'b>(&'b mut self, block: &'b Block) -> BoxFuture<'b, Result<Flow>> {
        Box::pin(async move {
            let outside = self.scopes.all.len();
            self.scopes.push(block.label.clone());
            let flow = self.block_in_scope(block).await;
            self.scopes.all.truncate(outside);
            match flow? {
                Flow::Exit(Some(label)) if block.label.as_ref() == Some(&label) => Ok(Flow::Next),
                flow => Ok(flow),
            }
        })
    }

    async fn block_in_scope(&mut self, block: &Block) -> Result<Flow> {
        for declaration in &block.declarations {
            let declared = self.declare(declaration).await;
            let during = "during statement block local variable initialization";
            declared.map_err(|error| self.frame.at(error, declaration.line, during))?;
        }
        let Some(handlers) = &block.handlers else { return self.statements(&block.body).await };
        // No client can name it: identifiers are shorter.
        let savepoint: Name = format!("{:>80}", "a block of PL/pgSQL").into();
        self.session.savepoint(&savepoint)?;
        let scopes = self.scopes.all.len();
        let error = match self.statements(&block.body).await {
            Ok(flow) => {
                self.session.release_savepoint(&savepoint)?;
                return Ok(flow);
            }
            Err(error) => error,
        };
        let handler = handlers.iter().find(|handler| takes(&handler.conditions, &error));
        let Some(handler) = handler.filter(|_| !error.is_fatal()) else { return Err(error) };
        self.session.abort().await;
        self.session.rollback_to(&savepoint, &mut *self.front).await?;
        self.session.release_savepoint(&savepoint)?;
        self.scopes.all.truncate(scopes);
        self.handle(handler, error).await
    }

    async fn handle(&mut self, handler: &Handler, error: Error) -> Result<Flow> {
        self.scopes.push(None);
        self.scopes.declare("sqlstate".into(), given(oid::TEXT, text(error.code().as_str())));
        self.scopes.declare("sqlerrm".into(), given(oid::TEXT, text(&error.report().message)));
        self.handling.push(error);
        let flow = self.statements(&handler.body).await;
        self.handling.pop();
        self.scopes.all.pop();
        flow
    }

    async fn declare(&mut self, declaration: &Declaration) -> Result<()> {
        let Declaration { name, line: _, ty, constant, not_null, default } = declaration;
        let (probe, named) = match ty {
            Declared::Record => {
                self.scopes.declare(name.clone(), Content::Record(Record::default()));
                return match default {
                    Some(_) => Err(Error::unsupported("a record's default in PL/pgSQL")),
                    None => Ok(()),
                };
            }
            Declared::Alias(of) => {
                let place = self.scopes.place(of);
                let Some((scope, variable)) = place else { return Err(Error::unsupported("ALIAS of a field")) };
                self.scopes.declare(name.clone(), Content::Alias(scope, variable));
                return Ok(());
            }
            Declared::RowOf(query) => (query, None),
            Declared::Named { text, probe } => (probe, Some(text)),
        };
        let answer = self.query(&probe.parsed, Seen::default(), Keep::First(1), None).await?;
        let Some(named) = named else {
            return self.declare_row(declaration, &answer, oid::RECORD).await;
        };
        let ty = answer.fields.first().map_or(PgType::new(oid::TEXT), |field| field.ty);
        if self.is_composite(ty) {
            let fields = statement(&format!("SELECT (CAST(NULL AS {named})).*"))?;
            let answer = self.query(&fields.parsed, Seen::default(), Keep::First(1), None).await?;
            return self.declare_row(declaration, &answer, ty.oid).await;
        }
        // What the type of a column is called is known now.
        let named = match named.ends_with(|c: char| c.is_ascii_alphabetic()) && named.contains('%') {
            true => types::name::format_type(ty, &self.session.seen()),
            false => named.to_string(),
        };
        let cast = statement(&format!("SELECT CAST($1 AS {named})"))?;
        let value = match default {
            Some(default) => self.value(default).await?,
            None => (ty, Value::Null),
        };
        let scalar = Scalar { ty, value: Value::Null, cast: Some(cast), constant: false, not_null: *not_null };
        self.scopes.declare(name.clone(), Content::Scalar(scalar));
        if default.is_some() {
            let target = Target { qualifier: None, name: name.clone() };
            self.assign(&target, value).await?;
        }
        if let (true, (Content::Scalar(scalar), None)) =
            (*constant, self.scopes.find(&Target { qualifier: None, name: name.clone() })?)
        {
            scalar.constant = true;
        }
        Ok(())
    }

    pub(super) fn is_composite(&self, ty: PgType) -> bool {
        let seen = self.session.seen();
        seen.user_type(ty.oid).is_some_and(|known| matches!(known.kind, UserTypeInfoKind::Composite { .. }))
    }

    /// Declares a row of a type; `answer` has its fields.
    async fn declare_row(&mut self, declaration: &Declaration, answer: &Answer, ty: Oid) -> Result<()> {
        let Declaration { name, line: _, ty: _, constant, not_null, default } = declaration;
        if *constant || *not_null {
            return Err(Error::unsupported("CONSTANT or NOT NULL of a row in PL/pgSQL"));
        }
        let mut casts = Vec::with_capacity(answer.fields.len());
        for field in &answer.fields {
            let named = types::name::format_type(field.ty, &self.session.seen());
            casts.push(statement(&format!("SELECT CAST($1 AS {named})"))?);
        }
        let fields = answer.fields.iter().map(|field| (field.name.clone(), field.ty, Value::Null)).collect();
        let record = Record { fields, declared: Some(RowType { ty, casts }) };
        self.scopes.declare(name.clone(), Content::Record(record));
        let Some(default) = default else { return Ok(()) };
        let value = self.value(default).await?;
        self.assign(&Target { qualifier: None, name: name.clone() }, value).await
    }

    pub(super) async fn statements(&mut self, statements: &[Statement]) -> Result<Flow> {
        if self.session.block_depth >= MAX_DEPTH {
            return Err(too_deep());
        }
        self.session.block_depth += 1;
        let flow = self.each(statements).await;
        self.session.block_depth -= 1;
        flow
    }

    async fn each(&mut self, statements: &[Statement]) -> Result<Flow> {
        for statement in statements {
            let flow = self.statement(statement).await?;
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    async fn statement(&mut self, statement: &Statement) -> Result<Flow> {
        let Statement { line, kind } = statement;
        let done = match kind {
            // Their own parts say where they failed.
            Kind::Block(block) => return self.block(block).await,
            Kind::If { arms, otherwise } => return self.branch(arms, otherwise, *line).await,
            Kind::Loop { label, kind, body } => {
                let mut flow = self.loops(label.as_ref(), kind, body, *line).await?;
                if matches!((&flow, label), (Flow::Exit(Some(exit)), Some(label)) if exit == label) {
                    flow = Flow::Next;
                }
                return Ok(flow);
            }
            Kind::Raise(raise) => self.raise(raise, *line).await,
            Kind::Assign { to, value } => self.assignment(to, value).await,
            Kind::Leave { continues, label, when } => {
                let leaves = match when {
                    Some(when) => self
                        .condition(when)
                        .await
                        .map_err(|error| self.frame.at(error, *line, leave_word(*continues)))?,
                    None => true,
                };
                return Ok(match (leaves, continues) {
                    (false, _) => Flow::Next,
                    (true, false) => Flow::Exit(label.clone()),
                    (true, true) => Flow::Continue(label.clone()),
                });
            }
            Kind::Return(None) => return Ok(Flow::Return),
            Kind::Return(Some(value)) => {
                self.return_value(value).await.map_err(|error| self.frame.at(error, *line, place(kind)))?;
                return Ok(Flow::Return);
            }
            Kind::Case { operand, arms, otherwise } => {
                return self.case(operand.as_ref(), arms, otherwise.as_deref(), *line).await;
            }
            Kind::ReturnNext(row) => self.return_next(row.as_ref()).await,
            Kind::ReturnQuery(query) => self.return_query(query).await,
            Kind::ReturnExecute { query, using } => self.return_execute(query, using).await,
            Kind::Null => return Ok(Flow::Next),
            Kind::Assert { condition, message } => self.assert(condition, message.as_ref()).await,
            Kind::Sql { statement, into } => self.sql(statement, into.as_ref()).await,
            Kind::Perform(query) => self.perform(query).await,
            Kind::Execute { query, into, using } => self.execute(query, into.as_ref(), using).await,
            Kind::Diagnostics { stacked, items } => self.diagnostics(*stacked, items).await,
        };
        done.map_err(|error| self.frame.at(error, *line, place(kind))).map(|()| Flow::Next)
    }

    async fn assignment(&mut self, to: &Target, value: &Fragment) -> Result<()> {
        // Who is assigned to must be known, whatever the value is.
        self.scopes.find(to)?;
        let value = self.value(value).await?;
        self.assign(to, value).await
    }

    /// Gives a variable a value, cast to its type.
    pub(super) async fn assign(&mut self, to: &Target, (ty, value): (PgType, Value)) -> Result<()> {
        let cast = match self.scopes.find(to)? {
            (Content::Scalar(scalar), _) => {
                if scalar.constant {
                    let message = format!("variable \"{}\" is declared CONSTANT", to.name);
                    return Err(Error::new(SqlState::ERROR_IN_ASSIGNMENT, message));
                }
                if value == Value::Null && scalar.not_null {
                    let message =
                        format!("null value cannot be assigned to variable \"{}\" declared NOT NULL", to.name);
                    return Err(Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, message));
                }
                // Of the same type and without a length there is nothing to cast, unless it is a domain.
                let plain = scalar.ty == ty && ty.typmod == -1 && ty.oid < oid::FIRST_USER;
                if plain { None } else { scalar.cast.clone() }
            }
            (Content::Record(record), Some(field)) => {
                record.declared.as_ref().and_then(|row| row.casts.get(field)).filter(|_| value != Value::Null).cloned()
            }
            (Content::Alias(..), _) => None,
            (Content::Record(record), None) => {
                if record.declared.is_none() {
                    let error = Error::unsupported("assignment of a whole row to a record in PL/pgSQL");
                    return Err(error.hint("Use SELECT … INTO."));
                }
                let row = match value {
                    Value::Row(fields) => fields,
                    Value::Null => Vec::new(),
                    _ => {
                        let message = "cannot assign non-composite value to a record variable";
                        return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
                    }
                };
                return self.store_row(to, row).await;
            }
        };
        let value = match cast {
            Some(cast) => self.cast(&cast, ty, value).await?,
            None => value,
        };
        match self.scopes.find(to)? {
            (Content::Scalar(scalar), _) => scalar.value = value,
            (Content::Record(record), Some(at)) => {
                let field = &mut record.fields[at];
                *field = (field.0.clone(), if record.declared.is_some() { field.1 } else { ty }, value);
            }
            (Content::Record(_), None) | (Content::Alias(..), _) => {}
        }
        Ok(())
    }

    pub(super) async fn cast(&mut self, cast: &Fragment, ty: PgType, value: Value) -> Result<Value> {
        // As an assignment does, and other than a cast: what is too long is an error.
        let seen = Seen { names: Vec::new(), types: vec![ty], values: vec![value.clone()] };
        let answer = self.query(&cast.parsed, seen, Keep::First(1), None).await?;
        let Some((to, cast)) = answer.rows().next().and_then(|row| row.into_iter().next()) else {
            return Ok(Value::Null);
        };
        if let (oid::VARCHAR | oid::BPCHAR, Value::Text(cut)) = (to.oid, &cast) {
            let whole = self.show(&value, ty).unwrap_or_default();
            if whole.trim_end_matches(' ').chars().count() > cut.chars().count() {
                let message = format!("value too long for type {}", types::name::format_type(to, &self.session.seen()));
                return Err(Error::new(SqlState::STRING_DATA_RIGHT_TRUNCATION, message));
            }
        }
        Ok(cast)
    }

    /// Gives a declared row its fields, each cast to its type; NULL to those that there are none for.
    async fn store_row(&mut self, to: &Target, row: Vec<(PgType, Value)>) -> Result<()> {
        let casts = match self.scopes.find(to)? {
            (Content::Record(Record { declared: Some(of), .. }), None) => of.casts.clone(),
            _ => Vec::new(),
        };
        let mut row = row.into_iter();
        let mut values = Vec::with_capacity(casts.len());
        for cast in &casts {
            values.push(match row.next() {
                None | Some((_, Value::Null)) => Value::Null,
                Some((ty, value)) => Box::pin(self.cast(cast, ty, value)).await?,
            });
        }
        if let (Content::Record(record), None) = self.scopes.find(to)? {
            record.fields.iter_mut().zip(values).for_each(|(field, value)| field.2 = value);
        }
        Ok(())
    }

    /// The first row into variables; NULL everywhere if there is none.
    pub(super) async fn store(
        &mut self,
        targets: &[Target],
        answer: &Answer,
        row: Option<Vec<(PgType, Value)>>,
    ) -> Result<()> {
        if let [target] = targets
            && let (Content::Record(record), None) = self.scopes.find(target)?
        {
            if record.declared.is_some() {
                return self.store_row(target, row.unwrap_or_default()).await;
            }
            let mut row = row.unwrap_or_default().into_iter();
            record.fields = answer
                .fields
                .iter()
                .map(|field| (field.name.clone(), field.ty, row.next().map_or(Value::Null, |(_, value)| value)))
                .collect();
            return Ok(());
        }
        let mut row = row.unwrap_or_default().into_iter();
        for target in targets {
            let value = row.next().unwrap_or((PgType::new(oid::TEXT), Value::Null));
            self.assign(target, value).await?;
        }
        Ok(())
    }

    /// INTO; `single` of more than one row refuses them.
    async fn store_into(&mut self, into: &Into, answer: &Answer, single: bool) -> Result<()> {
        if !answer.counts || answer.fields.is_empty() {
            return Err(Error::syntax("INTO used with a command that cannot return data"));
        }
        if into.strict && answer.count == 0 {
            return Err(Error::new(SqlState::NO_DATA_FOUND, "query returned no rows"));
        }
        if single && answer.count > 1 {
            return Err(Error::new(SqlState::TOO_MANY_ROWS, "query returned more than one row")
                .hint("Make sure the query returns a single row, or use LIMIT 1."));
        }
        let row = answer.rows().next();
        self.found = row.is_some();
        self.row_count = u64::from(self.found);
        self.store(&into.targets, answer, row).await
    }

    async fn sql(&mut self, statement: &Fragment, into: Option<&Into>) -> Result<()> {
        let seen = self.scopes.seen(self.found);
        let keep = if into.is_some() { Keep::First(2) } else { Keep::Nowhere };
        let answer = self.query(&statement.parsed, seen, keep, Some(&statement.text)).await?;
        if let Some(into) = into {
            // RETURNING of several rows is an error without STRICT, too.
            return self.store_into(into, &answer, into.strict || answer.changes).await;
        }
        if answer.counts {
            self.count(answer.count);
        }
        Ok(())
    }

    pub(super) fn count(&mut self, rows: u64) {
        self.row_count = rows;
        self.found = rows > 0;
    }

    async fn perform(&mut self, query: &Fragment) -> Result<()> {
        let seen = self.scopes.seen(self.found);
        let answer = self.query(&query.parsed, seen, Keep::Nothing, Some(&query.text)).await?;
        self.count(answer.count);
        Ok(())
    }

    /// The statement that EXECUTE's string is, and its parameters.
    pub(super) async fn dynamic(&mut self, query: &Fragment, using: &[Fragment]) -> Result<(Parsed, Seen)> {
        let (ty, string) = self.value(query).await?;
        let Some(string) = self.show(&string, ty) else {
            let message = "query string argument of EXECUTE is null";
            return Err(Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, message));
        };
        let mut seen = Seen::default();
        for value in using {
            let (ty, value) = self.value(value).await?;
            seen.types.push(ty);
            seen.values.push(value);
        }
        let mut parsed = parse::parse(&string).map_err(|error| of_statement(error, &string))?;
        match (parsed.pop(), parsed.is_empty()) {
            (Some(parsed), true) => Ok((parsed, seen)),
            _ => Err(Error::unsupported("several statements in one EXECUTE").hint("Use an EXECUTE for each.")),
        }
    }

    async fn execute(&mut self, query: &Fragment, into: Option<&Into>, using: &[Fragment]) -> Result<()> {
        let (parsed, seen) = self.dynamic(query, using).await?;
        let keep = if into.is_some() { Keep::First(2) } else { Keep::Nothing };
        let answer = self.query(&parsed, seen, keep, Some(&parsed.text)).await?;
        // EXECUTE leaves FOUND as it is.
        let found = self.found;
        match into {
            Some(into) => self.store_into(into, &answer, into.strict).await?,
            None if answer.counts => self.row_count = answer.count,
            None => {}
        }
        self.found = found;
        Ok(())
    }

    pub(super) async fn condition(&mut self, condition: &Fragment) -> Result<bool> {
        let (ty, value) = self.value(condition).await?;
        match value {
            Value::Bool(value) => Ok(value),
            Value::Null => Ok(false),
            other => {
                let cast = statement("SELECT CAST($1 AS boolean)")?;
                Ok(self.cast(&cast, ty, other).await? == Value::Bool(true))
            }
        }
    }

    async fn branch(
        &mut self,
        arms: &[(Fragment, Vec<Statement>)],
        otherwise: &[Statement],
        line: u64,
    ) -> Result<Flow> {
        for (condition, body) in arms {
            if self.condition(condition).await.map_err(|error| self.frame.at(error, line, "at IF"))? {
                return Box::pin(self.statements(body)).await;
            }
        }
        Box::pin(self.statements(otherwise)).await
    }

    async fn assert(&mut self, condition: &Fragment, message: Option<&Fragment>) -> Result<()> {
        if self.condition(condition).await? {
            return Ok(());
        }
        let message = match message {
            Some(message) => {
                let (ty, value) = self.value(message).await?;
                self.show(&value, ty)
            }
            None => None,
        };
        Err(Error::new(SqlState::ASSERT_FAILURE, message.unwrap_or_else(|| "assertion failed".to_owned())))
    }

    async fn diagnostics(&mut self, is_stacked: bool, items: &[(Target, Diagnostic)]) -> Result<()> {
        for (target, item) in items {
            let value = if is_stacked {
                let Some(error) = self.handling.last() else {
                    let message = "GET STACKED DIAGNOSTICS cannot be used outside an exception handler";
                    return Err(Error::new(SqlState::STACKED_DIAGNOSTICS_ACCESSED_WITHOUT_ACTIVE_HANDLER, message));
                };
                (PgType::new(oid::TEXT), text(&stacked(*item, error.report())))
            } else {
                (PgType::new(oid::INT8), Value::Int8(self.row_count.cast_signed()))
            };
            self.assign(target, value).await?;
        }
        Ok(())
    }
}

pub(super) fn statement(text: &str) -> Result<Fragment> {
    let mut parsed = parse::parse(text)?;
    let parsed = parsed.pop().ok_or_else(|| Error::internal("no statement in the text of a cast"))?;
    Ok(Fragment { parsed, text: text.into() })
}

fn leave_word(continues: bool) -> &'static str {
    if continues { "at CONTINUE" } else { "at EXIT" }
}

/// A statement's name where it failed.
fn place(kind: &Kind) -> &'static str {
    match kind {
        Kind::Block(_) => "at statement block",
        Kind::Assign { .. } => "at assignment",
        Kind::If { .. } => "at IF",
        Kind::Loop { .. } => "at LOOP",
        Kind::Leave { continues, .. } => leave_word(*continues),
        Kind::Return(_) => "at RETURN",
        Kind::ReturnNext(_) => "at RETURN NEXT",
        Kind::ReturnQuery(_) | Kind::ReturnExecute { .. } => "at RETURN QUERY",
        Kind::Case { .. } => "at CASE",
        Kind::Raise(_) => "at RAISE",
        Kind::Assert { .. } => "at ASSERT",
        Kind::Sql { statement, .. } if statement.parsed.is_call() => "at CALL",
        Kind::Sql { .. } => "at SQL statement",
        Kind::Perform(_) => "at PERFORM",
        Kind::Execute { .. } => "at EXECUTE",
        Kind::Diagnostics { stacked: true, .. } => "at GET STACKED DIAGNOSTICS",
        Kind::Diagnostics { stacked: false, .. } => "at GET DIAGNOSTICS",
        Kind::Null => "at NULL",
    }
}

fn astray(word: &str, label: Option<&Name>) -> Error {
    match label {
        Some(label) => Error::syntax(format!(
            "there is no label \"{label}\" attached to any block or loop enclosing this statement"
        )),
        None if word == "EXIT" => Error::syntax("EXIT cannot be used outside a loop, unless it has a label"),
        None => Error::syntax("CONTINUE cannot be used outside a loop"),
    }
}
