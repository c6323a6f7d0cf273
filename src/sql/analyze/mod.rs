//! PostgreSQL's parse analysis: text with names in it becomes the typed, resolved tree.
//!
//! The rules are those of PostgreSQL's parse_clause, parse_relation, parse_expr, parse_coerce, parse_func, parse_oper,
//! parse_agg, parse_target and parse_cte; functions here say which of them they mirror.

mod agg;
mod arbiter;
/// Functions' bodies by themselves.
pub mod body;
mod call;
mod candidate;
mod check;
mod coerce;
mod collation;
mod common;
mod copy;
mod copy_feed;
mod copy_options;
mod cte;
mod ddl;
mod dml;
mod drawn;
mod expr;
mod extension;
mod from;
mod generic;
mod implied;
mod insert;
mod join;
/// Text that is kept, and what its names mean.
pub mod kept;
mod literal;
mod maintain;
mod merge;
mod name;
mod oper;
mod place;
mod position;
pub(crate) mod program;
mod query;
mod range;
pub mod record;
mod recursion;
mod resolve;
mod routine;
mod same;
mod scope;
mod search_cycle;
mod server_file;
mod session;
mod setop;
mod size;
mod special;
mod stored;
mod sublink;
mod target;
mod types;
mod utility;
mod values;
mod view_target;
mod window;

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use sqlparser::ast;

use self::scope::{Scope, Xmax};
use super::Context;
use super::parse::{self, Parsed};
use crate::error::{Error, Result, SqlState};
use crate::registry::{Name, Privileges, Relation as TableDef};
use crate::tree::{CteId, Expr, ExprKind, RelColumn, RelId, Statement};
use crate::types::{Oid, PgType, RowTypes, oid};

pub(crate) use self::arbiter::deferrable_arbiter;
pub(crate) use self::check::{children, children_mut, refers_to, walk, walk_query, walk_query_where};
pub use self::coerce::CastContext;
pub(crate) use self::copy_feed::needs_order;
pub(crate) use self::ddl::set_settings;
pub(crate) use self::from::table_columns as relation_columns;
pub(crate) use self::routine::plain_targets;
pub(crate) use self::same::same;
pub use self::size::too_many_relations;
pub use self::stored::{
    Stored, assigned_expression, expression, places as stored_places, places_along, policy_condition,
};
pub use self::utility::execute_arguments;
pub use self::view_target::written_through;

/// A statement, analyzed.
#[derive(Debug, Clone)]
pub struct Analyzed {
    pub statement: Statement,
    /// The types of its parameters, declared or inferred.
    pub params: Vec<PgType>,
    /// How many relations it has, those of views and WITH queries counted wherever these are read.
    pub relations: u64,
}

/// How deep expressions and queries may be inside each other when they are analyzed.
const MAX_DEPTH: usize = 1200;

/// Analyzes one statement. `params` are the types that the client declared for `$1…`; None or 0 leaves them to inference.
pub fn analyze(parsed: &Parsed, ctx: &Context, params: &[Option<Oid>]) -> Result<Analyzed> {
    let mut a = Analyzer::new(ctx, parsed);
    a.params = params.iter().map(|p| p.filter(|oid| *oid != 0 && *oid != oid::UNKNOWN)).collect();
    let statement = a.body(&parsed.body)?;
    let params = a.finish_params()?;
    Ok(Analyzed { statement, params, relations: a.relations })
}

/// What analysis knows while it works on one statement.
pub struct Analyzer<'a> {
    pub ctx: &'a Context,
    pub parsed: &'a Parsed,
    /// One for each query level, the innermost last.
    scopes: Vec<Scope>,
    /// The types of `$n` as far as they are known.
    params: Vec<Option<Oid>>,
    /// Uses of parameters that nothing has given a type yet: position and number.
    untyped_params: BTreeSet<(u32, u16)>,
    /// The tables behind relations, and where each relation's columns come from (table OID and attnum).
    rel_tables: HashMap<RelId, Arc<TableDef>>,
    /// What `xmax` is in RETURNING of the INSERT at hand.
    xmax: Option<Xmax>,
    /// The relations of which RETURNING has read a system column so far.
    system_read: RefCell<Vec<RelId>>,
    /// Relations that an outer join may extend with NULLs.
    nullable: HashSet<RelId>,
    origins: HashMap<RelId, Vec<(Oid, i16)>>,
    /// Functions in FROM that give one plain column: their name stands for its value.
    function_rels: HashSet<RelId>,
    next_rel: u32,
    next_cte: u32,
    depth: usize,
    /// The greatest depth met, with WITH queries and views in the place of their names.
    height: usize,
    relations: u64,
    /// Bodies of functions so far.
    pub(crate) routines: u32,
    /// The position of the last set-returning function, and how many there were on this level.
    sets: (usize, u32),
    /// The fields of columns of type record, where they are known.
    records: HashMap<(RelId, u16), RowTypes>,
    /// Views that are being expanded, to notice one that contains itself.
    views: Vec<Oid>,
    /// Functions of users whose bodies are being analyzed, to notice one that calls itself.
    calls: Vec<Oid>,
    /// The tables that bodies of volatile functions read.
    volatile_reads: BTreeSet<crate::types::Oid>,
    /// The parameters of the function whose body this is.
    inside: Option<routine::Inside>,
    /// Where CALL names its procedure.
    calling: Option<u32>,
    /// The text is kept: who made it had the right to use its names.
    kept: bool,
    /// PostgreSQL's functions are not looked for elsewhere.
    settled: bool,
    /// Where names stand, if the text is going to be kept.
    places: Option<RefCell<Vec<kept::Place>>>,
}

impl<'a> Analyzer<'a> {
    fn new(ctx: &'a Context, parsed: &'a Parsed) -> Self {
        Self {
            ctx,
            parsed,
            scopes: Vec::new(),
            params: Vec::new(),
            untyped_params: BTreeSet::new(),
            rel_tables: HashMap::new(),
            xmax: None,
            system_read: RefCell::default(),
            nullable: HashSet::new(),
            origins: HashMap::new(),
            function_rels: HashSet::new(),
            next_rel: 1,
            next_cte: 1,
            depth: 0,
            height: 0,
            relations: 0,
            routines: 0,
            sets: (0, 0),
            records: HashMap::new(),
            views: Vec::new(),
            calls: Vec::new(),
            volatile_reads: BTreeSet::new(),
            inside: None,
            calling: None,
            kept: false,
            settled: false,
            places: None,
        }
    }

    /// Is this text kept, with names that mean the same for everybody whatever is made later?
    fn is_settled(&self) -> bool {
        let fixed = || self.ctx.search_path.iter().map(|n| &**n).eq(kept::PATH);
        self.settled || (self.kept || !self.views.is_empty()) && fixed()
    }

    /// A name with a namespace in front: 42501 if the role may not look into that, whether there is such a name or not
    /// (LookupExplicitNamespace). What a view or a kept expression names was asked for when it was made.
    pub(crate) fn may_look_into(&self, namespace: Option<&str>) -> Result<()> {
        if self.kept || !self.views.is_empty() {
            return Ok(());
        }
        let snapshot = &self.ctx.snapshot;
        let Some(found) = namespace.and_then(|n| snapshot.namespaces.get(n)) else { return Ok(()) };
        if snapshot.namespace_privileges(self.ctx.role, found).contains(Privileges::USAGE) {
            return Ok(());
        }
        let message = format!("permission denied for schema {}", found.name);
        Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message))
    }

    fn new_rel(&mut self) -> RelId {
        self.next_rel += 1;
        RelId(self.next_rel)
    }

    fn new_cte(&mut self) -> CteId {
        self.next_cte += 1;
        CteId(self.next_cte)
    }

    /// Runs one step down the tree with a bound on depth and with enough stack.
    fn deeper<T>(&mut self, step: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth >= MAX_DEPTH {
            return Err(parse::too_deep());
        }
        super::heed::step()?;
        self.depth += 1;
        self.height = self.height.max(self.depth);
        let result = stacker::maybe_grow(256 << 10, 2 << 20, || step(self));
        self.depth -= 1;
        result
    }

    /// Dispatch: which part of analysis a statement belongs to.
    fn body(&mut self, body: &parse::Body) -> Result<Statement> {
        use parse::Body;
        match body {
            Body::Statement(statement) => self.statement(statement),
            Body::Ddl(raw) => self.raw_ddl(raw),
            Body::Utility(utility) => Ok(Statement::Utility(Box::new(utility.clone()))),
            Body::Declare { name, options, query } => self.declare(name, *options, query),
            Body::Prepare { name, types, body, offset } => self.prepare(name, types, body, *offset),
            Body::Execute { name, args } => self.execute(name, args),
            Body::Explain { options, body } => self.explain(*options, body),
            Body::Copy(copy) => self.copy(copy),
            Body::Lock { items, mode, nowait } => self.lock(items, *mode, *nowait),
            Body::Maintain(maintained) => self.maintain(maintained),
            Body::Reindex(reindex) => self.reindex(reindex),
            Body::Expression => Err(Error::internal("an expression is no statement")),
        }
    }

    /// A statement that sqlparser has read.
    pub fn statement(&mut self, statement: &ast::Statement) -> Result<Statement> {
        match statement {
            ast::Statement::Query(query) => self.query_statement(query),
            ast::Statement::Insert(insert) => {
                let insert = self.insert(insert)?;
                self.sees_its_own_changes(&insert.target)?;
                Ok(Statement::Insert(Box::new(insert)))
            }
            ast::Statement::Update(update) => {
                let update = self.update(update)?;
                self.sees_its_own_changes(&update.target)?;
                Ok(Statement::Update(Box::new(update)))
            }
            ast::Statement::Delete(delete) => {
                let delete = self.delete(delete)?;
                self.sees_its_own_changes(&delete.target)?;
                Ok(Statement::Delete(Box::new(delete)))
            }
            ast::Statement::Merge(merge) => self.merge_statement(merge),
            ast::Statement::Call(call) => self.call_procedure(call),
            other => self.ddl(other),
        }
    }

    /// A volatile function sees the rows that the statement that calls it has changed so far; here a statement has one snapshot.
    fn sees_its_own_changes(&self, target: &crate::tree::Relation) -> Result<()> {
        let crate::tree::Source::Table { def, .. } = &target.source else { return Ok(()) };
        if !self.volatile_reads.contains(&self.ctx.snapshot.partition_root(def).oid) {
            return Ok(());
        }
        Err(Error::unsupported(format!(
            "a volatile function that reads table \"{}\", which is being changed",
            def.name
        ))
        .hint("Declare the function STABLE if it is to see the table as it was before the statement."))
    }

    /// Analyzes a query that stands inside DDL (CREATE VIEW, CREATE TABLE AS), as a level of its own.
    pub fn ddl_query(&mut self, query: &ast::Query) -> Result<crate::tree::Query> {
        let mut query = self.query(query)?;
        self.resolve_unknown_outputs(&mut query)?;
        Ok(query)
    }

    /// The relation that `name` means, and None if there is none (RangeVarGetRelid). 42501 in a namespace that the role may not look into.
    pub fn find_relation(&self, namespace: Option<&str>, name: &str) -> Result<Option<Arc<TableDef>>> {
        self.may_look_into(namespace)?;
        Ok(match namespace {
            Some(namespace) => self.ctx.snapshot.relation(namespace, name).cloned(),
            None => self.search_path().find_map(|n| self.ctx.snapshot.relation(n, name)).cloned(),
        })
    }

    /// Namespaces in search order. pg_catalog is first unless the path names it.
    pub(crate) fn search_path(&self) -> impl Iterator<Item = &str> {
        let named = self.ctx.search_path.iter().any(|n| &**n == "pg_catalog");
        (!named).then_some("pg_catalog").into_iter().chain(self.ctx.search_path.iter().map(|n| &**n))
    }

    /// What a command says that finds no relation: its schema is missing, or the relation is.
    pub(crate) fn no_relation(&self, namespace: Option<&str>, name: &str, pos: u32) -> Error {
        match self.namespace_is_there(namespace) {
            Ok(()) => self.not_in_query(namespace, name, pos),
            Err(error) => error.at(pos),
        }
    }

    /// 3F000 if there is no such schema (LookupExplicitNamespace).
    pub(crate) fn namespace_is_there(&self, namespace: Option<&str>) -> Result<()> {
        match namespace {
            Some(name) if !name.starts_with("pg_temp") && !self.ctx.snapshot.namespaces.contains_key(name) => {
                let message = format!("schema \"{name}\" does not exist");
                Err(Error::new(SqlState::INVALID_SCHEMA_NAME, message))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// `relation "x" does not exist`, which is what FROM and the targets of changes say of a missing schema, too.
    pub(crate) fn not_in_query(&self, namespace: Option<&str>, name: &str, pos: u32) -> Error {
        let shown = namespace.map_or_else(|| name.to_owned(), |n| format!("{n}.{name}"));
        let error = Error::new(SqlState::UNDEFINED_TABLE, format!("relation \"{shown}\" does not exist")).at(pos);
        let forward = namespace.is_none() && self.scopes.iter().any(|s| s.future_ctes.iter().any(|n| &**n == name));
        if !forward {
            return error;
        }
        error
            .detail(format!(
                "There is a WITH item named \"{name}\", but it cannot be referenced from this part of the query."
            ))
            .hint("Use WITH RECURSIVE, or re-order the WITH items to remove forward references.")
    }

    /// The parts of a dotted name: namespace (if any), name, position. A database name in front must be ours.
    pub(crate) fn name_parts(&self, name: &ast::ObjectName) -> Result<(Option<Name>, Name, u32)> {
        let idents: Vec<&ast::Ident> = name.0.iter().filter_map(|p| p.as_ident()).collect();
        let pos = idents.first().map_or(0, |i| self.pos(i.span));
        match idents.as_slice() {
            [name] => Ok((None, parse::fold(name), pos)),
            [namespace, name] => Ok((Some(parse::fold(namespace)), parse::fold(name), pos)),
            [database, namespace, name] => {
                let (database, namespace, name) = (parse::fold(database), parse::fold(namespace), parse::fold(name));
                if database != self.ctx.snapshot.database {
                    let message =
                        format!("cross-database references are not implemented: \"{database}.{namespace}.{name}\"");
                    return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).at(pos));
                }
                Ok((Some(namespace), name, pos))
            }
            _ => {
                let dotted: Vec<_> = idents.iter().map(|i| parse::fold(i)).collect();
                let message = format!("improper qualified name (too many dotted names): {}", dotted.join("."));
                Err(Error::syntax(message).at(pos))
            }
        }
    }

    /// A relation's name is a ColId: sqlparser lets reserved words be one (`FROM WHERE`), the grammar does not.
    pub(crate) fn check_relation_name(&self, name: &ast::ObjectName) -> Result<()> {
        let Some(first) = name.0.first().and_then(|p| p.as_ident()) else { return Ok(()) };
        let reserved = first.quote_style.is_none()
            && crate::facts::KEYWORDS
                .get(first.value.to_ascii_lowercase().as_str())
                .is_some_and(|k| matches!(k.category, b'R' | b'T'));
        if reserved {
            let message = format!("syntax error at or near \"{}\"", first.value);
            return Err(Error::syntax(message).at(self.pos(first.span)));
        }
        Ok(())
    }

    /// `$n` as an expression (variable_paramref_hook).
    fn param(&mut self, text: &str, pos: u32) -> Result<Expr> {
        let number: usize = text.trim_start_matches('$').parse().unwrap_or(0);
        if number == 0 || number > usize::from(u16::MAX) {
            return Err(Error::new(SqlState::UNDEFINED_PARAMETER, format!("there is no parameter {text}")).at(pos));
        }
        if let Some(parameter) = self.parameter(number, pos) {
            return parameter;
        }
        let at = number - 1;
        if self.params.len() < number {
            self.params.resize(number, None);
        }
        if let Some(ty) = self.params[at] {
            return self.param_of(at as u16, ty, pos);
        }
        self.untyped_params.insert((pos, at as u16));
        Ok(Expr { kind: ExprKind::Param(at as u16), ty: PgType::new(oid::UNKNOWN), pos })
    }

    /// A variable of PL/pgSQL, where no column has its name: the parameter that it stands for.
    fn variable(&mut self, qualifier: Option<&str>, name: &str, pos: u32) -> Option<Result<Expr>> {
        let number = self.variable_number(qualifier, name)?;
        Some(self.param(&format!("${number}"), pos))
    }

    /// A record of PL/pgSQL as a whole: the row of its fields.
    fn record_variable(&mut self, name: &str, pos: u32) -> Result<Option<Expr>> {
        let fields = self.fields_of_record(name);
        if fields.is_empty() {
            return Ok(None);
        }
        let ty = fields.first().and_then(|number| self.parsed.variables.get(number - 1)?.of_record);
        let fields = fields.into_iter().map(|number| self.param(&format!("${number}"), pos));
        let fields = fields.collect::<Result<Vec<_>>>()?;
        let row = Expr { kind: ExprKind::Row(fields), ty: PgType::new(oid::RECORD), pos };
        match ty {
            Some(ty) if ty != oid::RECORD => self.coerce_to(row, PgType::new(ty), CastContext::Explicit, true),
            _ => Ok(Some(row)),
        }
    }

    /// The fields of a record of PL/pgSQL, by their names.
    fn record_fields(&mut self, name: &str, pos: u32) -> Result<Vec<(Name, Expr)>> {
        let numbers = self.fields_of_record(name);
        let field = |number: usize| {
            let name = Arc::clone(&self.parsed.variables[number - 1].name);
            Ok((name, self.param(&format!("${number}"), pos)?))
        };
        numbers.into_iter().map(field).collect()
    }

    fn fields_of_record(&self, name: &str) -> Vec<usize> {
        if self.inside.is_some() {
            return Vec::new();
        }
        let variables = self.parsed.variables.iter().enumerate();
        variables
            .filter(|(_, v)| v.of_record.is_some() && v.qualifier.as_deref() == Some(name))
            .map(|(at, _)| at + 1)
            .collect()
    }

    fn variable_number(&self, qualifier: Option<&str>, name: &str) -> Option<usize> {
        if self.parsed.variables.is_empty() || self.inside.is_some() {
            return None;
        }
        let is = |v: &parse::Variable| v.qualifier.as_deref() == qualifier && *v.name == *name;
        self.parsed.variables.iter().position(is).map(|at| at + 1)
    }

    /// A column's name must not be a variable's, too.
    fn is_no_variable(&self, qualifier: Option<&str>, name: &str, pos: u32) -> Result<()> {
        let record = qualifier.is_none() && !self.fields_of_record(name).is_empty();
        if self.variable_number(qualifier, name).is_none() && !record {
            return Ok(());
        }
        Err(Error::new(SqlState::AMBIGUOUS_COLUMN, format!("column reference \"{name}\" is ambiguous"))
            .detail("It could refer to either a PL/pgSQL variable or a table column.")
            .at(pos))
    }

    /// All parameters' types; one that is still unknown is an error (check_variable_parameters).
    fn finish_params(&self) -> Result<Vec<PgType>> {
        let undetermined = |n: usize| format!("could not determine data type of parameter ${}", n + 1);
        if let Some((pos, n)) = self.untyped_params.first() {
            let n = usize::from(*n);
            // A use that stayed untyped although another use has settled the type is ambiguous.
            return Err(match self.params[n] {
                Some(_) => Error::new(SqlState::AMBIGUOUS_PARAMETER, undetermined(n)).at(*pos),
                None => Error::new(SqlState::INDETERMINATE_DATATYPE, undetermined(n)),
            });
        }
        let known = |(n, ty): (usize, &Option<Oid>)| match ty {
            Some(oid) => Ok(PgType::new(*oid)),
            None => Err(Error::new(SqlState::INDETERMINATE_DATATYPE, undetermined(n))),
        };
        self.params.iter().enumerate().map(known).collect()
    }
}
