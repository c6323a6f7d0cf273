//! Functions and procedures that users define, in SQL.

use serde::{Deserialize, Serialize};

use super::{Acl, Name, Snapshot};
use crate::types::{Oid, oid};
use std::sync::Arc;

/// A function or procedure: a row of pg_proc.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Function {
    pub oid: Oid,
    pub namespace: Name,
    pub name: Name,
    pub owner: Oid,
    pub procedure: bool,
    /// Of every mode, in the order of writing.
    pub parameters: Vec<Parameter>,
    /// The types of its input parameters.
    pub args: Vec<Oid>,
    /// The element type of a variadic last argument; 0 if there is none.
    pub variadic: Oid,
    /// Of several result columns: record.
    pub result: Oid,
    pub returns_set: bool,
    /// `i` immutable, `s` stable, `v` volatile.
    pub volatility: u8,
    pub strict: bool,
    /// SECURITY DEFINER: the body runs with the rights of the owner.
    pub definer: bool,
    pub leakproof: bool,
    /// `s` safe, `r` restricted, `u` unsafe.
    pub parallel: u8,
    pub cost: f32,
    pub rows: f32,
    pub body: FunctionBody,
    /// SET: what holds while it runs, in the order of writing.
    #[serde(default)]
    pub settings: Vec<(Name, String)>,
    pub acl: Acl,
    pub comment: Option<String>,
}

/// Settings whose value is a list of identifiers (GUC_LIST_QUOTE): their strings are quoted as such.
pub const NAME_LISTS: &[&str] = &[
    "search_path",
    "temp_tablespaces",
    "session_preload_libraries",
    "shared_preload_libraries",
    "local_preload_libraries",
    "unix_socket_directories",
];

/// What a body is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Language {
    #[default]
    Sql,
    /// Run statement by statement, when it is called.
    Plpgsql,
}

impl Language {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sql => "sql",
            Self::Plpgsql => "plpgsql",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FunctionBody {
    #[serde(default)]
    pub language: Language,
    /// A string body as it was written; `None` for RETURN and BEGIN ATOMIC.
    pub source: Option<String>,
    /// The statements that are analyzed, each by itself, along `search_path`; none in PL/pgSQL.
    pub statements: Vec<String>,
    /// Empty for a string body that was not analyzed when it was made (check_function_bodies): each call finds its names.
    pub search_path: Vec<Name>,
    /// Written as RETURN.
    pub expression: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    /// Empty if it has none.
    pub name: Name,
    pub mode: ParameterMode,
    pub ty: Oid,
    /// An SQL expression in PostgreSQL's dialect.
    pub default: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ParameterMode {
    In,
    Out,
    InOut,
    Variadic,
    /// A column of RETURNS TABLE.
    Table,
}

impl ParameterMode {
    pub const fn is_input(self) -> bool {
        match self {
            Self::In | Self::InOut | Self::Variadic => true,
            Self::Out | Self::Table => false,
        }
    }

    pub const fn is_output(self) -> bool {
        match self {
            Self::Out | Self::InOut | Self::Table => true,
            Self::In | Self::Variadic => false,
        }
    }
}

impl Function {
    pub fn inputs(&self) -> impl Iterator<Item = &Parameter> {
        self.parameters.iter().filter(|p| p.mode.is_input())
    }

    /// OUT, INOUT and TABLE parameters.
    pub fn outputs(&self) -> impl Iterator<Item = &Parameter> {
        self.parameters.iter().filter(|p| p.mode.is_output())
    }

    /// How many of the last input parameters have a default.
    pub fn defaults(&self) -> usize {
        self.inputs().filter(|p| p.default.is_some()).count()
    }

    /// `function` or `procedure`, as messages call it.
    pub const fn word(&self) -> &'static str {
        if self.procedure { "procedure" } else { "function" }
    }

    /// Is it run by the session, before the statement that calls it?
    pub fn is_run(&self) -> bool {
        self.body.language == Language::Plpgsql
    }

    /// Of a session alone: in its temporary namespace.
    pub fn is_temporary(&self) -> bool {
        self.namespace.starts_with(super::bootstrap::TEMPORARY)
    }

    /// Is the body bound to what it uses, so that this cannot be dropped? (A string is read when it is called.)
    pub const fn is_bound(&self) -> bool {
        self.body.source.is_none()
    }

    /// The body of RETURN and BEGIN ATOMIC as pg_get_function_sqlbody shows it.
    pub fn bound_text(&self) -> Option<String> {
        if !self.is_bound() {
            return None;
        }
        if self.body.expression {
            let text = self.body.statements.first()?;
            return Some(format!("RETURN{}", text.trim_start_matches(' ').strip_prefix("SELECT").unwrap_or(text)));
        }
        let statements: String = self.body.statements.iter().map(|s| format!(" {};\n", s.trim())).collect();
        Some(format!("BEGIN ATOMIC\n{statements}END"))
    }

    /// Is the body analyzed with the types of a call?
    pub fn is_polymorphic(&self) -> bool {
        let outputs = self.outputs().map(|p| p.ty);
        self.args.iter().copied().chain(outputs).chain([self.result]).any(polymorphic)
    }
}

/// Is it a pseudo-type that stands for the type of an argument?
pub fn polymorphic(ty: Oid) -> bool {
    matches!(
        ty,
        oid::ANYELEMENT
            | oid::ANYARRAY
            | oid::ANYNONARRAY
            | oid::ANYENUM
            | oid::ANYRANGE
            | oid::ANYMULTIRANGE
            | oid::ANYCOMPATIBLE
            | oid::ANYCOMPATIBLEARRAY
            | oid::ANYCOMPATIBLENONARRAY
            | oid::ANYCOMPATIBLERANGE
            | oid::ANYCOMPATIBLEMULTIRANGE
    )
}

impl Snapshot {
    pub fn function_by_oid(&self, oid: Oid) -> Option<&Arc<Function>> {
        self.functions.get(&oid)
    }

    /// The functions of that name in that namespace, in the order of their making.
    pub fn functions_named(&self, namespace: &str, name: &str) -> impl Iterator<Item = &Arc<Function>> {
        let found = match self.functions.is_empty() {
            true => None,
            false => self.function_names.get(&(Name::from(namespace), Name::from(name))),
        };
        found.into_iter().flatten().filter_map(|oid| self.functions.get(oid))
    }

    /// Are there several functions of that name in that namespace, those of extensions among them?
    pub fn has_overloads(&self, namespace: &str, name: &str) -> bool {
        let brought = |e: &super::extension::Extension| crate::facts::PROCS.by_name(&e.key(name)).next().is_some();
        let own = self.functions_named(namespace, name).count();
        own > 1 || own == 1 && self.extensions_in(namespace).any(brought)
    }

    /// The function with exactly these input types.
    pub fn function(&self, namespace: &str, name: &str, args: &[Oid]) -> Option<&Arc<Function>> {
        self.functions_named(namespace, name).find(|f| f.args == args)
    }

    /// A function as it is now; `None` if it has been dropped meanwhile.
    pub fn function_now(&self, oid: Oid) -> Option<&Arc<Function>> {
        self.rights.as_deref().unwrap_or(self).function_by_oid(oid)
    }

    pub(super) fn put_function(&mut self, function: &Arc<Function>) {
        self.drop_function(function.oid);
        let key = (function.namespace.clone(), function.name.clone());
        let named = self.function_names.entry(key).or_default();
        named.push(function.oid);
        named.sort_unstable();
        self.functions.insert(function.oid, function.clone());
    }

    pub(super) fn drop_function(&mut self, oid: Oid) {
        let Some(old) = self.functions.remove(&oid) else { return };
        let key = (old.namespace.clone(), old.name.clone());
        if let Some(named) = self.function_names.get_mut(&key) {
            named.retain(|o| *o != oid);
            if named.is_empty() {
                self.function_names.remove(&key);
            }
        }
    }
}
