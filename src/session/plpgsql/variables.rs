//! The variables of a running block, and what its SQL sees of them.

use std::sync::Arc;

use crate::error::{Error, Result, SqlState};
use crate::registry::Name;
use crate::sql::parse::Variable;
use crate::sql::parse::plpgsql::{Fragment, Target};
use crate::types::{Oid, PgType, Value, oid};

pub(super) struct Scalar {
    pub ty: PgType,
    pub value: Value,
    /// `SELECT CAST($1 AS type)`: what a value goes through before it is assigned.
    pub cast: Option<Fragment>,
    pub constant: bool,
    pub not_null: bool,
}

pub(super) enum Content {
    Scalar(Scalar),
    Record(Record),
    /// Another name of the variable that stands there: which scope, and which of its variables.
    Alias(usize, usize),
}

/// A record: no fields until it is given a row, unless it is declared as a row of a type.
#[derive(Default)]
pub(super) struct Record {
    pub fields: Vec<(Name, PgType, Value)>,
    pub declared: Option<RowType>,
}

pub(super) struct RowType {
    /// RECORD if it has no name.
    pub ty: Oid,
    /// For each field what a value goes through before it is assigned.
    pub casts: Vec<Fragment>,
}

pub(super) struct Scope {
    pub label: Option<Name>,
    pub variables: Vec<(Name, Content)>,
}

/// What a statement sees: names, types and values side by side.
#[derive(Default)]
pub(super) struct Seen {
    pub names: Vec<Variable>,
    pub types: Vec<PgType>,
    pub values: Vec<Value>,
}

impl Content {
    /// The value as one: of a row with nothing in it, NULL.
    pub fn whole(&self) -> (PgType, Value) {
        match self {
            Self::Scalar(scalar) => (scalar.ty, scalar.value.clone()),
            Self::Record(record) => {
                let ty = PgType::new(record.declared.as_ref().map_or(oid::RECORD, |row| row.ty));
                if record.fields.iter().all(|(_, _, value)| *value == Value::Null) {
                    return (ty, Value::Null);
                }
                let fields = record.fields.iter().map(|(_, ty, value)| (*ty, value.clone())).collect();
                (ty, Value::Row(fields))
            }
            Self::Alias(..) => (PgType::new(oid::TEXT), Value::Null),
        }
    }
}

impl Seen {
    fn add(&mut self, qualifier: Option<&Name>, name: &Name, ty: PgType, value: &Value) {
        let variable = Variable { qualifier: qualifier.cloned(), name: name.clone(), of_record: None };
        if !self.names.contains(&variable) {
            self.push(variable, ty, value);
        }
    }

    /// All fields, also where two have one name: the record as a whole has both.
    fn add_record(&mut self, name: &Name, record: &Record) {
        let of_record = Some(record.declared.as_ref().map_or(oid::RECORD, |row| row.ty));
        for (field, ty, value) in &record.fields {
            let variable = Variable { qualifier: Some(name.clone()), name: field.clone(), of_record };
            self.push(variable, *ty, value);
        }
    }

    fn push(&mut self, variable: Variable, ty: PgType, value: &Value) {
        self.names.push(variable);
        self.types.push(ty);
        self.values.push(value.clone());
    }
}

#[derive(Default)]
pub(super) struct Scopes {
    /// Innermost last.
    pub all: Vec<Scope>,
    /// So many variables of the outermost scope are a function's parameters, by their numbers.
    pub parameters: usize,
}

impl Scopes {
    /// What SQL can name, innermost first; `found` is FOUND.
    pub fn seen(&self, found: bool) -> Seen {
        let mut seen = Seen::default();
        // `$1` is the first.
        for (name, content) in self.parameters() {
            let (ty, value) = content.whole();
            seen.push(Variable { qualifier: None, name: name.clone(), of_record: None }, ty, &value);
        }
        let mut hidden: Vec<&Name> = Vec::new();
        for scope in self.all.iter().rev() {
            for (name, content) in &scope.variables {
                let is_hidden = hidden.contains(&name);
                match self.meant(content) {
                    Content::Alias(..) => {}
                    Content::Scalar(scalar) => {
                        if !is_hidden {
                            seen.add(None, name, scalar.ty, &scalar.value);
                        }
                        if let Some(label) = &scope.label {
                            seen.add(Some(label), name, scalar.ty, &scalar.value);
                        }
                    }
                    Content::Record(record) if !is_hidden => seen.add_record(name, record),
                    Content::Record(_) => {}
                }
            }
            hidden.extend(scope.variables.iter().map(|(name, _)| name));
        }
        seen.add(None, &Name::from("found"), PgType::new(oid::BOOL), &Value::Bool(found));
        seen
    }

    /// The function's parameters, under names that nobody can say.
    pub fn parameters(&self) -> impl Iterator<Item = &(Name, Content)> {
        self.all.first().into_iter().flat_map(|scope| scope.variables.iter().take(self.parameters))
    }

    fn meant<'c>(&'c self, content: &'c Content) -> &'c Content {
        match content {
            Content::Alias(scope, variable) => &self.all[*scope].variables[*variable].1,
            other => other,
        }
    }

    /// The fields of a record or row of that name, with their types.
    pub fn record(&self, target: &Target) -> Option<Vec<(PgType, Value)>> {
        let (scope, variable) = self.place(target)?;
        match &self.all[scope].variables[variable].1 {
            Content::Record(record) if !record.fields.is_empty() => {
                Some(record.fields.iter().map(|(_, ty, value)| (*ty, value.clone())).collect())
            }
            _ => None,
        }
    }

    /// Where a variable stands that an alias is to name.
    pub fn place(&self, target: &Target) -> Option<(usize, usize)> {
        let (scope, variable, field) = self.place_of(target)?;
        match (field, &self.all[scope].variables[variable].1) {
            (Some(_), _) => None,
            (None, Content::Alias(scope, variable)) => Some((*scope, *variable)),
            (None, _) => Some((scope, variable)),
        }
    }

    fn place_of<'t>(&self, target: &'t Target) -> Option<(usize, usize, Option<&'t Name>)> {
        let Target { qualifier, name } = target;
        self.all.iter().enumerate().rev().find_map(|(at, scope)| {
            let of = |name: &Name| scope.variables.iter().position(|(n, _)| n == name);
            match qualifier {
                None => of(name).map(|variable| (at, variable, None)),
                Some(label) if scope.label.as_ref() == Some(label) && of(name).is_some() => {
                    of(name).map(|variable| (at, variable, None))
                }
                Some(record) => of(record).map(|variable| (at, variable, Some(name))),
            }
        })
    }

    /// The variable, or the record and the place of its field.
    pub fn find(&mut self, target: &Target) -> Result<(&mut Content, Option<usize>)> {
        let Target { qualifier, name } = target;
        let Some((mut scope, mut variable, field)) = self.place_of(target) else {
            let shown = qualifier.as_ref().map_or(name.to_string(), |q| format!("{q}.{name}"));
            return Err(Error::syntax(format!("\"{shown}\" is not a known variable")));
        };
        if let Content::Alias(at, of) = self.all[scope].variables[variable].1 {
            (scope, variable) = (at, of);
        }
        let content = &mut self.all[scope].variables[variable].1;
        let Some(field) = field else { return Ok((content, None)) };
        let at = match &*content {
            Content::Record(record) => record.fields.iter().position(|(name, ..)| name == field),
            Content::Scalar(_) | Content::Alias(..) => {
                let shown = qualifier.as_deref().unwrap_or_default();
                return Err(Error::syntax(format!("\"{shown}.{field}\" is not a known variable")));
            }
        };
        let Some(at) = at else {
            let record = qualifier.as_deref().unwrap_or_default();
            return Err(Error::new(
                SqlState::UNDEFINED_COLUMN,
                format!("record \"{record}\" has no field \"{field}\""),
            ));
        };
        Ok((content, Some(at)))
    }

    pub fn push(&mut self, label: Option<Name>) {
        self.all.push(Scope { label, variables: Vec::new() });
    }

    pub fn declare(&mut self, name: Name, content: Content) {
        if let Some(scope) = self.all.last_mut() {
            scope.variables.push((name, content));
        }
    }
}

/// A variable that the language gives: SQLSTATE and SQLERRM, the number of a FOR loop.
pub(super) fn given(ty: u32, value: Value) -> Content {
    Content::Scalar(Scalar { ty: PgType::new(ty), value, cast: None, constant: false, not_null: false })
}

pub(super) fn text(value: &str) -> Value {
    Value::Text(Arc::<str>::from(value).as_ref().into())
}
