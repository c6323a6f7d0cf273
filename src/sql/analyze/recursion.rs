//! WITH RECURSIVE before its queries are analyzed (parse_cte's makeDependencyGraph, checkWellFormedRecursion):
//! which queries read which, in what order they can be analyzed, and where a query may read itself.

use std::ops::ControlFlow;

use sqlparser::ast::{
    self, JoinOperator, SetExpr, SetOperator, SetQuantifier, TableFactor, TableWithJoins, Visit, Visitor,
};

use super::Analyzer;
use crate::error::{Error, Result, SqlState};
use crate::registry::Name;
use crate::sql::parse::fold;

/// Where a reference stands, as far as recursion goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Allowed,
    NonRecursive,
    Subquery,
    OuterJoin,
    Intersect,
    Except,
    /// Only to be noted.
    Anywhere,
}

impl Place {
    fn message(self) -> &'static str {
        match self {
            Self::NonRecursive => "its non-recursive term",
            Self::Subquery => "a subquery",
            Self::OuterJoin => "an outer join",
            Self::Intersect => "INTERSECT",
            Self::Except => "EXCEPT",
            Self::Allowed | Self::Anywhere => "",
        }
    }

    /// The place inside of something that recursion may not enter.
    fn inside(self, other: Self) -> Self {
        if self == Self::Allowed { other } else { self }
    }
}

/// The order in which to analyze the queries of WITH RECURSIVE, and for each (by its own index) whether it reads itself.
pub(crate) struct Plan {
    pub order: Vec<usize>,
    pub recursive: Vec<bool>,
}

impl Analyzer<'_> {
    pub(crate) fn recursion(&self, with: &ast::With) -> Result<Plan> {
        let names: Vec<Name> = with.cte_tables.iter().map(|c| fold(&c.alias.name)).collect();
        let mut reads = Vec::with_capacity(names.len());
        for cte in &with.cte_tables {
            let mut walk = Walk::new(self, &names);
            walk.query(&cte.query, Place::Anywhere)?;
            reads.push(walk.found);
        }
        let recursive: Vec<bool> = reads.iter().enumerate().map(|(i, found)| found.contains(&i)).collect();
        let mut left: Vec<usize> = (0..names.len()).collect();
        let mut order = Vec::with_capacity(left.len());
        while !left.is_empty() {
            let free = left.iter().position(|i| reads[*i].iter().all(|r| r == i || order.contains(r)));
            let Some(free) = free else {
                let pos = self.pos(with.cte_tables[left[0]].alias.name.span);
                let message = "mutual recursion between WITH items is not implemented";
                return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).at(pos));
            };
            order.push(left.remove(free));
        }
        for (i, cte) in with.cte_tables.iter().enumerate().filter(|(i, _)| recursive[*i]) {
            self.check_recursive_form(cte, &names[i..=i])?;
        }
        Ok(Plan { order, recursive })
    }

    /// checkWellFormedRecursion for one query.
    fn check_recursive_form(&self, cte: &ast::Cte, me: &[Name]) -> Result<()> {
        let pos = self.pos(cte.alias.name.span);
        let name = &me[0];
        let invalid =
            |what: &str| Error::new(SqlState::INVALID_RECURSION, format!("recursive query \"{name}\" {what}")).at(pos);
        let (body, query) = unwrapped(&cte.query);
        if matches!(body, SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_)) {
            return Err(invalid("must not contain data-modifying statements"));
        }
        let SetExpr::SetOperation { op: SetOperator::Union, left, right, .. } = body else {
            return Err(invalid("does not have the form non-recursive-term UNION [ALL] recursive-term"));
        };
        let mut walk = Walk::new(self, me);
        if let Some(with) = &query.with {
            walk.ctes(with, Place::Subquery)?;
            walk.hidden.clear();
        }
        let unfinished = |what: &str| {
            let message = format!("{what} in a recursive query is not implemented");
            Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message))
        };
        if query.order_by.is_some() {
            return unfinished("ORDER BY");
        }
        match &query.limit_clause {
            Some(ast::LimitClause::LimitOffset { offset: Some(_), .. }) => return unfinished("OFFSET"),
            Some(_) => return unfinished("LIMIT"),
            None => {}
        }
        // A lock at the end of a UNION is the UNION's.
        if !query.locks.is_empty() {
            return unfinished("FOR UPDATE/SHARE");
        }
        if let Some(with) = &query.with {
            walk.hidden.push(with.cte_tables.iter().map(|c| fold(&c.alias.name)).collect());
        }
        walk.set_expr(left, Place::NonRecursive)?;
        walk.set_expr(right, Place::Allowed)?;
        Ok(())
    }
}

/// A query without parentheses around the whole of it.
fn unwrapped(query: &ast::Query) -> (&SetExpr, &ast::Query) {
    match &*query.body {
        SetExpr::Query(inner) if query.with.is_none() && query.order_by.is_none() && query.limit_clause.is_none() => {
            unwrapped(inner)
        }
        body => (body, query),
    }
}

struct Walk<'a> {
    analyzer: &'a Analyzer<'a>,
    names: &'a [Name],
    /// Names of inner WITHs, which hide those that we look for.
    hidden: Vec<Vec<Name>>,
    /// The indexes of the names that were found, once for each reference.
    found: Vec<usize>,
}

impl<'a> Walk<'a> {
    fn new(analyzer: &'a Analyzer<'a>, names: &'a [Name]) -> Self {
        Self { analyzer, names, hidden: Vec::new(), found: Vec::new() }
    }

    fn query(&mut self, query: &ast::Query, place: Place) -> Result<()> {
        stacker::maybe_grow(128 << 10, 1 << 20, || {
            let before = self.hidden.len();
            if let Some(with) = &query.with {
                self.ctes(with, place)?;
            }
            self.set_expr(&query.body, place)?;
            self.parts(&query.order_by, place)?;
            self.parts(&query.limit_clause, place)?;
            self.hidden.truncate(before);
            Ok(())
        })
    }

    /// An inner WITH, whose names are hidden from then on.
    fn ctes(&mut self, with: &ast::With, place: Place) -> Result<()> {
        let names: Vec<Name> = with.cte_tables.iter().map(|c| fold(&c.alias.name)).collect();
        if with.recursive {
            self.hidden.push(names);
            for cte in &with.cte_tables {
                self.query(&cte.query, place)?;
            }
            return Ok(());
        }
        for (cte, name) in with.cte_tables.iter().zip(names) {
            self.query(&cte.query, place)?;
            self.hidden.push(vec![name]);
        }
        Ok(())
    }

    fn set_expr(&mut self, body: &SetExpr, place: Place) -> Result<()> {
        match body {
            SetExpr::Select(select) => self.select(select, place),
            SetExpr::Query(query) => self.query(query, place),
            SetExpr::SetOperation { left, op, right, set_quantifier } => {
                let all = matches!(set_quantifier, SetQuantifier::All);
                let (l, r) = match op {
                    SetOperator::Intersect if all => (Place::Intersect, Place::Intersect),
                    SetOperator::Except | SetOperator::Minus if all => (Place::Except, Place::Except),
                    SetOperator::Except | SetOperator::Minus => (Place::Allowed, Place::Except),
                    SetOperator::Intersect | SetOperator::Union => (Place::Allowed, Place::Allowed),
                };
                stacker::maybe_grow(128 << 10, 1 << 20, || {
                    self.set_expr(left, place.inside(l))?;
                    self.set_expr(right, place.inside(r))
                })
            }
            SetExpr::Values(values) => self.parts(values, place),
            other => self.parts(other, place),
        }
    }

    fn select(&mut self, select: &ast::Select, place: Place) -> Result<()> {
        for table in &select.from {
            self.joined(&table.relation, &table.joins, place)?;
        }
        self.parts(&select.distinct, place)?;
        self.parts(&select.projection, place)?;
        self.parts(&select.selection, place)?;
        self.parts(&select.group_by, place)?;
        self.parts(&select.having, place)?;
        self.parts(&select.named_window, place)?;
        self.parts(&select.qualify, place)
    }

    fn joined(&mut self, relation: &TableFactor, joins: &[ast::Join], place: Place) -> Result<()> {
        let Some((last, rest)) = joins.split_last() else { return self.factor(relation, place) };
        let (left, right) = match &last.join_operator {
            JoinOperator::Left(_) | JoinOperator::LeftOuter(_) => (Place::Allowed, Place::OuterJoin),
            JoinOperator::Right(_) | JoinOperator::RightOuter(_) => (Place::OuterJoin, Place::Allowed),
            JoinOperator::FullOuter(_) => (Place::OuterJoin, Place::OuterJoin),
            _ => (Place::Allowed, Place::Allowed),
        };
        self.joined(relation, rest, place.inside(left))?;
        self.factor(&last.relation, place.inside(right))?;
        self.parts(&last.join_operator, place)
    }

    fn factor(&mut self, factor: &TableFactor, place: Place) -> Result<()> {
        match factor {
            TableFactor::Table { name, args: None, .. } => {
                let [part] = name.0.as_slice() else { return Ok(()) };
                let Some(ident) = part.as_ident() else { return Ok(()) };
                self.reference(&fold(ident), self.analyzer.pos(ident.span), place)
            }
            TableFactor::Derived { subquery, .. } => self.query(subquery, place),
            TableFactor::NestedJoin { table_with_joins, .. } => {
                let TableWithJoins { relation, joins } = &**table_with_joins;
                self.joined(relation, joins, place)
            }
            other => self.parts(other, place),
        }
    }

    fn reference(&mut self, name: &str, pos: u32, place: Place) -> Result<()> {
        let Some(index) = self.names.iter().position(|n| &**n == name) else { return Ok(()) };
        if self.hidden.iter().flatten().any(|h| &**h == name) {
            return Ok(());
        }
        self.found.push(index);
        let refused = |what: String| {
            let message = format!("recursive reference to query \"{name}\" must not appear {what}");
            Err(Error::new(SqlState::INVALID_RECURSION, message).at(pos))
        };
        match place {
            Place::Anywhere => Ok(()),
            Place::Allowed if self.found.len() > 1 => refused("more than once".into()),
            Place::Allowed => Ok(()),
            place => refused(format!("within {}", place.message())),
        }
    }

    /// The queries in expressions: each is a subquery of its own.
    fn parts(&mut self, part: &impl Visit, place: Place) -> Result<()> {
        let place = if place == Place::Anywhere { place } else { Place::Subquery };
        match part.visit(&mut Queries { walk: self, place, depth: 0 }) {
            ControlFlow::Break(error) => Err(error),
            ControlFlow::Continue(()) => Ok(()),
        }
    }
}

/// Finds the outermost queries of an expression.
struct Queries<'w, 'a> {
    walk: &'w mut Walk<'a>,
    place: Place,
    depth: usize,
}

impl Visitor for Queries<'_, '_> {
    type Break = Error;

    fn pre_visit_query(&mut self, query: &ast::Query) -> ControlFlow<Error> {
        self.depth += 1;
        if self.depth > 1 {
            return ControlFlow::Continue(());
        }
        match self.walk.query(query, self.place) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }

    fn post_visit_query(&mut self, _: &ast::Query) -> ControlFlow<Error> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }
}
