//! What is drawn is drawn once: lowering repeats operands freely, and here, at its end, the copies of a volatile value become
//! one.
//!
//! `nextval('s') IN (1, 2)` → `(list_transform([dg_nextval(…)], lambda v1000001: (v1000001 IN (1, 2)))[1])`: the smallest value
//! around all copies of a draw (they have its number) is computed over what they have in common.

use crate::error::{Error, Result};
use crate::sql::render;

use crate::sql::lower::ir::walk::{children_mut, each_child, key_mut};
use crate::sql::lower::ir::{
    self, Body, From, Node, OrderKey, Piece, Query, Scalar, Select, Statement, Template, Variable, bound, template,
};
use crate::types::Phys;

/// Variables from here on are this file's own.
const FIRST: u32 = 1_000_000;

/// How often a value may stand in a statement before the search for its copies is given up.
const MAX_ROUNDS: u32 = 1_000;

/// Binds what is drawn more than once in a statement; 0A000 where that cannot be done.
pub(crate) fn drawn_once(statement: &mut Statement) -> Result<()> {
    let mut binder = Binder { made: FIRST };
    match statement {
        Statement::Query(query) | Statement::Keep { table: _, query } => binder.query(query),
        Statement::Insert { table: _, alias: _, columns: _, source, conflict, returning } => {
            binder.query(source)?;
            if let Some(ir::Conflict { columns: _, sets, filter }) = conflict {
                let sets = sets.iter_mut().flatten().map(|(_, value)| value);
                binder.roots(sets.chain(filter.as_mut()).collect())?;
            }
            binder.roots(returning.iter_mut().collect())
        }
        Statement::Update { ctes, recursive: _, table: _, alias: _, sets, from, filter, returning } => {
            for cte in ctes {
                binder.query(&mut cte.query)?;
            }
            binder.from_items(from)?;
            binder.roots(sets.iter_mut().map(|(_, value)| value).chain(filter.as_mut()).collect())?;
            binder.roots(returning.iter_mut().collect())
        }
        Statement::Delete { ctes, recursive: _, table: _, alias: _, using, filter, returning } => {
            for cte in ctes {
                binder.query(&mut cte.query)?;
            }
            binder.from_items(using)?;
            binder.roots(filter.iter_mut().collect())?;
            binder.roots(returning.iter_mut().collect())
        }
        Statement::Explain { analyze: _, statement } => drawn_once(statement),
    }
}

struct Binder {
    made: u32,
}

impl Binder {
    fn variable(&mut self) -> Variable {
        self.made += 1;
        Variable(self.made)
    }

    fn query(&mut self, query: &mut Query) -> Result<()> {
        for cte in &mut query.ctes {
            self.query(&mut cte.query)?;
        }
        let orders = query.order_by.iter_mut().filter_map(key_mut);
        match &mut query.body {
            Body::Select(select) => self.select(select, orders.collect())?,
            Body::SetOp { op: _, left, right } => {
                self.query(left)?;
                self.query(right)?;
                self.roots(orders.collect())?;
            }
            Body::Values(rows) => {
                for row in rows {
                    self.roots(row.iter_mut().collect())?;
                }
                self.roots(orders.collect())?;
            }
        }
        self.roots(query.limit.iter_mut().chain(&mut query.offset).collect())
    }

    fn select(&mut self, select: &mut Select, orders: Vec<&mut Scalar>) -> Result<()> {
        let Select { distinct: _, distinct_on, targets, from, filter, group_by, having, qualify } = select;
        self.from_items(from)?;
        filter.iter_mut().for_each(distinguish);
        let distinct_on = distinct_on.iter_mut().filter_map(|key| match key {
            OrderKey::Position(_) => None,
            OrderKey::Scalar(value) => Some(value),
        });
        // The same key may be in several grouping sets.
        for key in group_by.iter_mut().flatten().flatten() {
            self.root(key)?;
        }
        let roots = targets.iter_mut().chain(filter).chain(having).chain(qualify).chain(distinct_on);
        self.roots(roots.chain(orders).collect())
    }

    fn from_items(&mut self, items: &mut [From]) -> Result<()> {
        for item in items {
            match item {
                From::Table { .. } => {}
                From::Function { text: _, args, alias: _, columns: _ } => self.roots(args.iter_mut().collect())?,
                From::Query { query, alias: _, lateral: _ } => self.query(query)?,
                From::With { from, alias: _, columns } => {
                    self.from_items(std::slice::from_mut(from))?;
                    self.roots(columns.iter_mut().map(|(_, value)| value).collect())?;
                }
                From::Join { kind: _, left, right, on } => {
                    self.from_items(std::slice::from_mut(left))?;
                    self.from_items(std::slice::from_mut(right))?;
                    on.iter_mut().for_each(distinguish);
                    self.roots(on.iter_mut().collect())?;
                }
            }
        }
        Ok(())
    }

    /// Values that are computed for the same row: none may draw what another draws.
    fn roots(&mut self, roots: Vec<&mut Scalar>) -> Result<()> {
        let mut seen = Vec::new();
        for root in roots {
            let mut own = Vec::new();
            draws(root, &mut own);
            if own.is_empty() {
                self.queries(root)?;
                continue;
            }
            own.sort_unstable();
            own.dedup();
            if own.iter().any(|draw| seen.contains(draw)) {
                return Err(several());
            }
            seen.extend(own);
            self.root(root)?;
        }
        Ok(())
    }

    fn root(&mut self, root: &mut Scalar) -> Result<()> {
        self.queries(root)?;
        let mut own = Vec::new();
        draws(root, &mut own);
        own.sort_unstable();
        own.dedup();
        for draw in own {
            let mut rounds = 0;
            while times(root, draw) > 1 {
                rounds += 1;
                if rounds > MAX_ROUNDS {
                    return Err(several());
                }
                self.bind(root, draw)?;
            }
        }
        Ok(())
    }

    /// The queries inside a value.
    fn queries(&mut self, value: &mut Scalar) -> Result<()> {
        match &mut value.node {
            Node::Subquery(query) | Node::Exists(query) => return self.query(query),
            Node::Quantified { left: _, op: _, query } => self.query(query)?,
            _ => {}
        }
        for child in children_mut(value) {
            self.queries(child)?;
        }
        Ok(())
    }

    /// Binds at the smallest value around all copies of a draw what they have in common.
    fn bind(&mut self, value: &mut Scalar, draw: u32) -> Result<()> {
        // What has all of it, and more than one of it, is where to go on.
        let at = children(value).iter().position(|(child, _)| times(child, draw) > 1);
        let whole = at.filter(|at| {
            let children = children(value);
            let others = children.iter().enumerate().filter(|(i, _)| i != at);
            let alone = matches!(value.node, Node::Case { .. }) && all_in_arms(value, draw);
            children[*at].1 == 1 && (alone || others.map(|(_, (child, _))| copies(child, draw)).sum::<usize>() == 0)
        });
        if let Some(at) = whole {
            let mut children = children_mut(value);
            return self.bind(children.swap_remove(at), draw);
        }
        let common = common(value, draw).ok_or_else(several)?;
        let text = render::scalar(&common);
        let variable = self.variable();
        replace(value, &text, &Scalar::new(Node::Variable(variable), common.phys.clone()));
        let outer = self.variable();
        let mut outside = Vec::new();
        take_outside(value, outer, &mut outside)?;
        let inner = std::mem::replace(value, Scalar::bool(true));
        let made = bound(variable, common, inner);
        *value = if outside.is_empty() { made } else { bound(outer, fields_of(outside), made) };
        Ok(())
    }
}

/// Queries may not stand inside a lambda, and DuckDB's random() does not differ from element to element there: they are
/// computed outside, as fields of a row.
fn take_outside(value: &mut Scalar, row: Variable, out: &mut Vec<Scalar>) -> Result<()> {
    let taken = match &value.node {
        Node::Subquery(_) | Node::Exists(_) => true,
        Node::Quantified { .. } => return Err(several()),
        Node::Template { text: _, args, draw } => *draw != 0 && args.is_empty(),
        _ => false,
    };
    if taken {
        let dscale = value.dscale.clone();
        let stand_in = Scalar { dscale: dscale.clone(), ..field(row, out.len(), value.phys.clone()) };
        out.push(Scalar { dscale: None, ..std::mem::replace(value, stand_in) });
        return Ok(());
    }
    children_mut(value).into_iter().try_for_each(|child| take_outside(child, row, out))
}

/// A field of a row that is bound, counted from 0.
pub(crate) fn field(row: Variable, at: usize, phys: Phys) -> Scalar {
    let row = Scalar::new(Node::Variable(row), Phys::Void);
    Scalar::template(template!["struct_extract({0}, 'f", at + 1, "')"], vec![row], phys)
}

pub(crate) fn fields_of(values: Vec<Scalar>) -> Scalar {
    let mut text = vec![Piece::Word("struct_pack(")];
    for i in 0..values.len() {
        let comma = if i > 0 { ", f" } else { "f" };
        text.extend([comma.into(), (i + 1).into(), " := {".into(), i.into(), Piece::Word("}")]);
    }
    text.push(Piece::Word(")"));
    Scalar::template(Template::of(&text), values, Phys::Void)
}

/// DuckDB takes two equal conditions for one, even if each draws for itself: they are made to differ.
fn distinguish(value: &mut Scalar) {
    if let Node::Template { text, args, draw } = &mut value.node
        && *draw != 0
        && &**text == "random()"
        && args.is_empty()
    {
        *text = template!["coalesce(random(), ", *draw, ")"];
    }
    children_mut(value).into_iter().for_each(distinguish);
}

fn several() -> Error {
    Error::unsupported("a volatile expression whose value is needed several times here")
        .hint("Compute it in a subquery in FROM, and use its column.")
}

/// The values directly in one, each with how often it is computed.
fn children(value: &Scalar) -> Vec<(&Scalar, usize)> {
    if let Node::Template { text, args, draw: _ } = &value.node {
        return args.iter().zip(text.mentions(args.len())).collect();
    }
    let mut out = Vec::new();
    each_child(value, &mut |child| out.push((child, 1)));
    out
}

fn own_draw(value: &Scalar) -> u32 {
    match &value.node {
        Node::Template { draw, .. } => *draw,
        _ => 0,
    }
}

/// The numbers of what a value draws, but for its queries.
fn draws(value: &Scalar, out: &mut Vec<u32>) {
    if own_draw(value) != 0 {
        out.push(own_draw(value));
    }
    each_child(value, &mut |child| draws(child, out));
}

/// How many copies of a draw are in a value.
fn copies(value: &Scalar, draw: u32) -> usize {
    let below: usize = children(value).into_iter().map(|(child, n)| n * copies(child, draw)).sum();
    below + usize::from(own_draw(value) == draw)
}

/// How often it may be drawn for one row: of the arms of a CASE one is taken.
fn times(value: &Scalar, draw: u32) -> usize {
    let Node::Case { whens, otherwise } = &value.node else {
        let below: usize = children(value).into_iter().map(|(child, n)| n * times(child, draw)).sum();
        return below + usize::from(own_draw(value) == draw);
    };
    let tests: usize = whens.iter().map(|(test, _)| times(test, draw)).sum();
    let arms = whens.iter().map(|(_, then)| then).chain(otherwise.as_deref());
    tests + arms.map(|arm| times(arm, draw)).max().unwrap_or(0)
}

fn all_in_arms(case: &Scalar, draw: u32) -> bool {
    let Node::Case { whens, .. } = &case.node else { return false };
    whens.iter().all(|(test, _)| copies(test, draw) == 0)
}

/// The largest value below one that has all copies of a draw in its own copies; none inside of an aggregate, which sees
/// other rows.
fn common(value: &Scalar, draw: u32) -> Option<Scalar> {
    let all = copies(value, draw);
    let mut hidden: Vec<String> = variables(value);
    let mut at = value;
    while own_draw(at) != draw && !matches!(at.node, Node::Aggregate(_)) {
        at = children(at).into_iter().find(|(child, _)| copies(child, draw) > 0)?.0;
        let text = render::scalar(at);
        let free = !hidden.iter().any(|name| mentions_name(&text, name));
        if free && covered(value, &text, draw) == all {
            return Some(Scalar { dscale: None, ..at.clone() });
        }
        hidden.extend(variables(at));
    }
    None
}

/// The copies of a draw that are inside of values with that text.
fn covered(value: &Scalar, text: &str, draw: u32) -> usize {
    let below = |child: &Scalar| match copies(child, draw) {
        0 => 0,
        n if render::scalar(child) == text => n,
        _ => covered(child, text, draw),
    };
    children(value).into_iter().map(|(child, n)| n * below(child)).sum()
}

fn replace(value: &mut Scalar, text: &str, by: &Scalar) {
    for child in children_mut(value) {
        if render::scalar(child) == text {
            *child = by.clone();
        } else {
            replace(child, text, by);
        }
    }
}

/// The variables of the lambdas that a template opens.
fn variables(value: &Scalar) -> Vec<String> {
    let Node::Template { text, .. } = &value.node else { return Vec::new() };
    let lambdas = text.split("lambda ").skip(1).filter_map(|rest| rest.split_once(':'));
    lambdas.flat_map(|(names, _)| names.split(',').map(|name| name.trim().to_owned())).collect()
}

fn mentions_name(text: &str, name: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.match_indices(name).any(|(at, _)| !text[..at].ends_with(word) && !text[at + name.len()..].starts_with(word))
}
