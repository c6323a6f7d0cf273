//! What one row asks of sequences is asked before the next row's: DuckDB computes column after column over many rows, so that
//! `nextval('s'), currval('s')` gave each row the last row's number. Where one such value hangs on another, a native draws all
//! of a row's (`dg_draw_row`), and the columns are computed above.
//!
//! `SELECT dg_nextval(…, 7), dg_currval(…, 7) FROM t` →
//! `SELECT s1.c0[1], s1.c0[2] FROM (SELECT dg_draw_row(…, 4294967303, 12884901895) AS c0 FROM t) AS s1`;
//! an UPDATE takes its values from such a query: `UPDATE t SET a = s1.c1[1] FROM (SELECT t1.rowid, dg_draw_row(…) FROM t AS t1) AS s1`

use super::beside::ROW;
use super::row_order::is_set;
use crate::engine::Draw;
use crate::error::{Error, Result};
use crate::sql::lower::ir::walk::{children_mut, each_mut, has, is_query, key_mut, query_mut, values_mut};
use crate::sql::lower::ir::{
    Alias, Body, From, Node, Order, OrderKey, Query, Scalar, Select, Statement, TableName, output_name, template,
};
use crate::sql::lower::value::array::{derived, plain_query};
use crate::sql::render;
use crate::types::Phys;

/// Aliases from here on are this file's own.
const FIRST: u32 = 1_200_000_000;

/// Sees to a statement; 0A000 where the rows' draws cannot be had row by row.
pub(crate) fn row_by_row(statement: &mut Statement) -> Result<()> {
    let mut rows = Rows::default();
    match statement {
        Statement::Query(query) | Statement::Keep { table: _, query } => rows.query(query).map(|_| ()),
        Statement::Insert { source, .. } => rows.query(source).map(|_| ()),
        Statement::Explain { analyze: _, statement } => row_by_row(statement),
        Statement::Update { ctes: _, recursive: _, table, alias, sets, from, filter, returning: _ } => {
            let mut draws = Vec::new();
            sets.iter().for_each(|(_, value)| draws_of(value, &mut draws));
            if !depend(&draws) {
                return Ok(());
            }
            if !from.is_empty() {
                return Err(several("an UPDATE with FROM"));
            }
            let values = sets.iter_mut().map(|(_, value)| value).collect();
            let (item, own) = rows.values_below((table.clone(), *alias), values, filter.take())?;
            *filter = Some(own);
            from.push(item);
            Ok(())
        }
        Statement::Delete { .. } => Ok(()),
    }
}

/// What a value asks of a sequence: what it does, and of which; `None` is any.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Asked {
    /// The number of the draw, which its copies keep.
    draw: u32,
    what: What,
    of: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Draw(Draw),
    /// setval()
    Set,
}

/// Does one of them see what another does?
fn depend(all: &[Asked]) -> bool {
    let moves = |asked: &Asked| matches!(asked.what, What::Set | What::Draw(Draw::Next | Draw::NextAsked));
    let same = |a: &Asked, b: &Asked| a.of.is_none() || b.of.is_none() || a.of == b.of;
    let met = |(at, asked): (usize, &Asked)| {
        moves(asked)
            && all.iter().enumerate().any(|(other, by)| other != at && by.draw != asked.draw && same(asked, by))
    };
    all.iter().enumerate().any(met)
}

/// New numbers alone, of which each is another's whatever the order.
fn only_next(all: &[Asked]) -> bool {
    all.iter().all(|asked| matches!(asked.what, What::Draw(Draw::Next | Draw::NextAsked)))
}

fn asked(value: &Scalar) -> Option<Asked> {
    let Node::Template { text, args, draw } = &value.node else { return None };
    let what = match &**text {
        "dg_nextval({*})" => What::Draw(Draw::Next),
        "dg_nextval_asked({*})" => What::Draw(Draw::NextAsked),
        "dg_currval({*})" => What::Draw(Draw::Current),
        "dg_lastval({*})" => What::Draw(Draw::Last),
        "dg_setval({*})" => What::Set,
        _ => return None,
    };
    let varies = |node: &Node| matches!(node, Node::Column(..) | Node::Param(_)) || is_query(node);
    let of = args.get(1).filter(|of| !has(of, &varies)).map(render::scalar);
    Some(Asked { draw: *draw, what, of })
}

/// All that a value asks outside of its queries, in the order in which it stands there.
fn draws_of(value: &Scalar, out: &mut Vec<Asked>) {
    let mut copy = value.clone();
    collect(&mut copy, out);
}

fn collect(value: &mut Scalar, out: &mut Vec<Asked>) {
    if let Some(asked) = asked(value) {
        out.push(asked);
    }
    children_mut(value).into_iter().for_each(|child| collect(child, out));
}

fn asks(value: &Scalar) -> bool {
    has(value, &|node| matches!(node, Node::Template { text, .. } if is_sequence(text)))
}

pub(super) fn is_sequence(text: &str) -> bool {
    text.starts_with("dg_")
        && ["dg_nextval", "dg_currval(", "dg_lastval(", "dg_setval("].iter().any(|name| text.starts_with(name))
}

fn several(here: &str) -> Error {
    Error::unsupported(format!("nextval(), currval() or lastval() of one sequence more than once in a row, in {here}"))
        .hint("Draw the numbers in a subquery in FROM or in a statement before, and use its column.")
}

#[derive(Default)]
struct Rows {
    made: u32,
}

impl Rows {
    fn alias(&mut self) -> Alias {
        self.made += 1;
        Alias::Made(FIRST + self.made)
    }

    /// Gives what the query's rows ask, and those that it makes them from.
    fn query(&mut self, query: &mut Query) -> Result<Vec<Asked>> {
        for cte in &mut query.ctes {
            self.query(&mut cte.query)?;
        }
        let mut asked = Vec::new();
        let first = merged(query);
        match &mut query.body {
            Body::Select(select) => {
                let several = !is_one_row(select);
                let mut below = Vec::new();
                for item in &mut select.from {
                    self.item(item, &mut below)?;
                }
                select.targets.iter().for_each(|target| draws_of(target, &mut asked));
                let mut conditions = Vec::new();
                select.filter.iter().for_each(|filter| draws_of(filter, &mut conditions));
                if several && !conditions.is_empty() {
                    conditions.extend(asked.iter().cloned());
                    if depend(&conditions) {
                        return Err(self::several("WHERE"));
                    }
                }
                for value in values_mut(select) {
                    self.value(value)?;
                }
                if several && (depend(&asked) || !first.is_empty()) {
                    let alone = only_next(&asked);
                    let whole = query.clone();
                    match self.split(query, first) {
                        // Of one row of sets nothing but the order is lost.
                        Err(_) if alone && is_row_of_sets(&whole) => *query = whole,
                        split => split?,
                    }
                }
                let own = asked.len();
                asked.append(&mut below);
                // What a query in FROM has drawn for many rows, and this one looks at for each.
                if several && own > 0 && own < asked.len() && depend(&asked) {
                    let (own, below) = asked.split_at(own);
                    if own.iter().any(|one| below.iter().any(|other| depend(&[one.clone(), other.clone()]))) {
                        return Err(self::several("a query and one in its FROM"));
                    }
                }
            }
            Body::SetOp { op: _, left, right } => {
                asked = self.query(left)?;
                asked.append(&mut self.query(right)?);
            }
            Body::Values(rows) => {
                // They are computed one after the other.
                for value in rows.iter_mut().flatten() {
                    self.value(value)?;
                }
                if rows.len() > 1 {
                    rows.iter().flatten().for_each(|value| draws_of(value, &mut asked));
                }
            }
        }
        for value in query.order_by.iter_mut().filter_map(key_mut).chain(&mut query.limit).chain(&mut query.offset) {
            self.value(value)?;
        }
        Ok(asked)
    }

    fn value(&mut self, value: &mut Scalar) -> Result<()> {
        for child in children_mut(value) {
            self.value(child)?;
        }
        query_mut(value).map_or(Ok(()), |query| self.query(query).map(|_| ()))
    }

    fn item(&mut self, item: &mut From, below: &mut Vec<Asked>) -> Result<()> {
        match item {
            From::Table { .. } => {}
            From::Function { args, .. } => args.iter_mut().try_for_each(|arg| self.value(arg))?,
            From::Query { query, .. } => below.append(&mut self.query(query)?),
            From::With { from, alias: _, columns } => {
                self.item(from, below)?;
                columns.iter_mut().try_for_each(|(_, value)| self.value(value))?;
            }
            From::Join { kind: _, left, right, on } => {
                self.item(left, below)?;
                self.item(right, below)?;
                on.iter_mut().try_for_each(|on| self.value(on))?;
            }
        }
        Ok(())
    }

    /// Puts a select's rows and their draws into FROM, and computes the targets of these above. `first`: what is asked before them.
    fn split(&mut self, query: &mut Query, first: Vec<Scalar>) -> Result<()> {
        let Body::Select(select) = &mut query.body else { return Ok(()) };
        let sorted = query.order_by.iter_mut().filter_map(key_mut).any(|key| asks(key));
        let Select { distinct, distinct_on, targets, from: _, filter, group_by, having, qualify } = &mut **select;
        let mut rest = filter.iter().chain(group_by.iter().flatten().flatten()).chain(&*having).chain(&*qualify);
        if sorted || !distinct_on.is_empty() || rest.any(asks) {
            return Err(several("more than the columns of a SELECT"));
        }
        let distinct = std::mem::take(distinct);
        if distinct && !(query.order_by.is_empty() && query.limit.is_none() && query.offset.is_none()) {
            return Err(several("SELECT DISTINCT … ORDER BY"));
        }
        let mut own = std::mem::take(targets);
        let gathers = |target: &Scalar| {
            has(target, &|node| matches!(node, Node::Aggregate(aggregate) if aggregate.over.is_none()))
        };
        if group_by.is_some() || having.is_some() || own.iter().any(gathers) {
            return self.split_below(query, own, first);
        }
        let mut order_by = Vec::with_capacity(query.order_by.len());
        for order in std::mem::take(&mut query.order_by) {
            let key = match &order.key {
                OrderKey::Position(n) => match own.get(n - 1).filter(|target| !asks(target)) {
                    Some(target) => OrderKey::Scalar(target.clone()),
                    None => return Err(several("a SELECT that is sorted by it")),
                },
                OrderKey::Scalar(_) => order.key.clone(),
            };
            order_by.push(Order { key, ..order });
        }
        let alias = self.alias();
        let mut below = Below { alias, targets: Vec::new(), draws: Vec::new(), asked: Vec::new() };
        for mut value in first {
            below.above(&mut value, &mut Vec::new())?;
        }
        own.iter_mut().try_for_each(|target| below.above(target, &mut Vec::new()))?;
        let inner = Select { targets: below.into_targets(), ..(**select).clone() };
        let columns = inner.targets.iter().map(|target| target.phys.clone()).collect();
        let inner =
            Query { order_by, limit: query.limit.take(), offset: query.offset.take(), ..plain_query(inner, columns) };
        **select = Select { distinct, targets: own, from: vec![derived(inner, alias)], ..Select::default() };
        Ok(())
    }

    /// The same of a select that gathers its rows: they and their draws go below the aggregates.
    fn split_below(&mut self, query: &mut Query, mut own: Vec<Scalar>, first: Vec<Scalar>) -> Result<()> {
        let Body::Select(select) = &mut query.body else { return Ok(()) };
        let alias = self.alias();
        let mut below = Below { alias, targets: Vec::new(), draws: Vec::new(), asked: Vec::new() };
        if !first.is_empty() || select.qualify.is_some() {
            return Err(several("an aggregate over a query that draws"));
        }
        let keys = query.order_by.iter_mut().filter_map(key_mut);
        let rest = select.group_by.iter_mut().flatten().flatten().chain(&mut select.having).chain(keys);
        for value in own.iter_mut().chain(rest) {
            below.gathered(value)?;
        }
        let (from, filter) = (std::mem::take(&mut select.from), select.filter.take());
        let inner = Select { targets: below.into_targets(), from, filter, ..Select::default() };
        let columns = inner.targets.iter().map(|target| target.phys.clone()).collect();
        select.targets = own;
        select.from = vec![derived(plain_query(inner, columns), alias)];
        Ok(())
    }

    /// The values that a table's rows get, in a query over it: the query, and the condition that the rows are the same.
    fn values_below(
        &mut self,
        (name, table): (TableName, Alias),
        values: Vec<&mut Scalar>,
        filter: Option<Scalar>,
    ) -> Result<(From, Scalar)> {
        let alias = self.alias();
        let row = || Scalar::column(table, ROW, Phys::Int8);
        let mut targets = vec![row()];
        for (i, value) in values.into_iter().enumerate() {
            let dscale = value.dscale.clone();
            let column = Scalar { dscale, ..Scalar::column(alias, output_name(i + 1), value.phys.clone()) };
            targets.push(Scalar { dscale: None, ..std::mem::replace(value, column) });
        }
        let columns = targets.iter().map(|target| target.phys.clone()).collect();
        let from = vec![From::Table { name, alias: table, sample: None }];
        let mut query = plain_query(Select { targets, from, filter, ..Select::default() }, columns);
        self.query(&mut query)?;
        let same = vec![row(), Scalar::column(alias, output_name(0), Phys::Int8)];
        Ok((derived(query, alias), Scalar::template("({0} = {1})", same, Phys::Bool)))
    }
}

/// Puts the select in FROM in the place of its columns, where both ask what hangs on the other: one row's values in the one are
/// followed by its values in the other. Gives the targets that it had.
fn merged(query: &mut Query) -> Vec<Scalar> {
    let plain = query.order_by.is_empty() && query.limit.is_none() && query.offset.is_none();
    let Body::Select(select) = &mut query.body else { return Vec::new() };
    let Select { distinct, distinct_on, targets, from, filter, group_by, having, qualify } = &mut **select;
    let computes = filter.is_none() && group_by.is_none() && having.is_none() && qualify.is_none();
    let [From::Query { query: inner, alias, lateral: false }] = from.as_mut_slice() else { return Vec::new() };
    let Body::Select(below) = &mut inner.body else { return Vec::new() };
    let whole = inner.ctes.is_empty() && !below.distinct && below.distinct_on.is_empty();
    let aggregates = targets.iter().any(|target| has(target, &|node| matches!(node, Node::Aggregate(_))));
    if !plain || *distinct || !distinct_on.is_empty() || !computes || !whole || aggregates || is_one_row(below) {
        return Vec::new();
    }
    let (mut own, mut under) = (Vec::new(), Vec::new());
    targets.iter().for_each(|target| draws_of(target, &mut own));
    below.targets.iter().for_each(|target| draws_of(target, &mut under));
    if !own.iter().any(|one| under.iter().any(|other| depend(&[one.clone(), other.clone()]))) {
        return Vec::new();
    }
    let mut order_by = Vec::with_capacity(inner.order_by.len());
    for order in &inner.order_by {
        let key = match &order.key {
            OrderKey::Scalar(_) => order.key.clone(),
            OrderKey::Position(n) => match below.targets.get(n - 1) {
                Some(target) => OrderKey::Scalar(target.clone()),
                None => return Vec::new(),
            },
        };
        order_by.push(Order { key, ..order.clone() });
    }
    let alias = *alias;
    for target in targets.iter_mut() {
        each_mut(target, &mut |value| {
            let Node::Column(of, name) = &value.node else { return };
            let at = below.targets.iter().enumerate().find(|(i, _)| *of == alias && **name == *output_name(*i));
            if let Some((_, inner)) = at {
                *value = inner.clone();
            }
        });
    }
    let first = std::mem::replace(&mut below.targets, std::mem::take(targets));
    let (limit, offset) = (inner.limit.take(), inner.offset.take());
    let merged = std::mem::take(&mut **below);
    **select = merged;
    (query.order_by, query.limit, query.offset) = (order_by, limit, offset);
    first
}

/// Is there one row at most?
fn is_one_row(select: &Select) -> bool {
    select.from.is_empty() && !select.targets.iter().any(|target| has(target, &is_set))
}

/// The select that goes into FROM.
struct Below {
    alias: Alias,
    /// With how each is printed.
    targets: Vec<(String, Scalar)>,
    /// The draws' numbers.
    draws: Vec<u32>,
    /// What is asked, behind the session.
    asked: Vec<Scalar>,
}

impl Below {
    fn into_targets(self) -> Vec<Scalar> {
        let draw = self.draws.first().copied().unwrap_or_default();
        let node = Node::Template { text: "dg_draw_row({*})".into(), args: self.asked, draw };
        let drawn = Scalar::new(node, Phys::List(Box::new(Phys::Int8)));
        std::iter::once(drawn).chain(self.targets.into_iter().map(|(_, target)| target)).collect()
    }

    /// A value of a select that gathers rows, over the columns of the select below.
    fn gathered(&mut self, value: &mut Scalar) -> Result<()> {
        if let Some(scale) = &mut value.dscale {
            self.gathered(scale)?;
        }
        if asked(value).is_some() {
            return Err(several("a group's own columns"));
        }
        match &mut value.node {
            Node::Aggregate(aggregate) => {
                if aggregate.over.is_some() {
                    return Err(several("a window function"));
                }
                let mut when = Vec::new();
                if let Some(filter) = &mut aggregate.filter {
                    when.push(Scalar::template("({0} IS TRUE)", vec![filter.clone()], Phys::Bool));
                    self.above(filter, &mut Vec::new())?;
                }
                aggregate.args.iter_mut().try_for_each(|arg| self.above(arg, &mut when))?;
                let keys = aggregate.order_by.iter_mut().filter_map(key_mut);
                keys.into_iter().try_for_each(|key| self.above(key, &mut when))
            }
            Node::Column(..) | Node::Subquery(_) | Node::Exists(_) | Node::Quantified { .. } => self.column(value),
            _ => children_mut(value).into_iter().try_for_each(|child| self.gathered(child)),
        }
    }

    /// A value over the columns of the select below. `when`: the conditions under which it is computed.
    fn above(&mut self, value: &mut Scalar, when: &mut Vec<Scalar>) -> Result<()> {
        value.dscale = match value.dscale.take() {
            None => None,
            Some(mut scale) => {
                self.above(&mut scale, when)?;
                Some(scale)
            }
        };
        if let Some(asked) = asked(value) {
            return self.draw(value, &asked, when);
        }
        match &mut value.node {
            Node::Text(_) | Node::Literal(_) | Node::Type | Node::Variable(_) | Node::Param(_) => Ok(()),
            Node::Bare(_) => Err(several("RETURNING")),
            Node::Column(..) | Node::Aggregate(_) | Node::Subquery(_) | Node::Exists(_) | Node::Quantified { .. } => {
                self.column(value)
            }
            Node::Template { text, .. } if text.starts_with("unnest(") => self.column(value),
            Node::Template { text, args, draw: _ } => {
                let first = text.find('{').and_then(|at| text[at + 1..].split('}').next()?.parse().ok()).unwrap_or(0);
                if **text == *"coalesce({*})" {
                    return self.above_each(args.iter_mut().collect(), "({0} IS NULL)", when);
                }
                let chooses =
                    ["CASE", "coalesce(", "lambda ", "if(", " AND ", " OR "].iter().any(|word| text.contains(word));
                for (i, arg) in args.iter_mut().enumerate() {
                    if chooses && i != first && self.asks_anew(arg) {
                        return Err(under_condition());
                    }
                    self.above(arg, when)?;
                }
                Ok(())
            }
            Node::Cast(inner) => self.above(inner, when),
            Node::And(parts) => self.above_each(parts.iter_mut().collect(), "({0} IS NOT FALSE)", when),
            Node::Or(parts) => self.above_each(parts.iter_mut().collect(), "({0} IS NOT TRUE)", when),
            Node::Case { whens, otherwise } => {
                let before = when.len();
                for i in 0..whens.len() {
                    let own = whens[i].0.clone();
                    if i > 0 && self.asks_anew(&own) {
                        return Err(under_condition());
                    }
                    self.above(&mut whens[i].0, when)?;
                    let mut rest = whens[i..].iter().map(|(_, then)| then).chain(otherwise.as_deref());
                    if asks(&own) && rest.any(|value| self.asks_anew(value)) {
                        return Err(under_condition());
                    }
                    let is = |text: &'static str| Scalar::template(text, vec![own.clone()], Phys::Bool);
                    when.push(is("({0} IS TRUE)"));
                    self.above(&mut whens[i].1, when)?;
                    when.pop();
                    when.push(is("({0} IS NOT TRUE)"));
                }
                otherwise.iter_mut().try_for_each(|value| self.above(value, when))?;
                when.truncate(before);
                Ok(())
            }
        }
    }

    /// Values of which each is computed if all those before it are so.
    fn above_each(&mut self, values: Vec<&mut Scalar>, so: &'static str, when: &mut Vec<Scalar>) -> Result<()> {
        let (before, mut asked) = (when.len(), false);
        for value in values {
            // A condition that asks cannot be asked below.
            if asked && self.asks_anew(value) {
                return Err(under_condition());
            }
            asked |= asks(value);
            let own = Scalar::template(so, vec![value.clone()], Phys::Bool);
            self.above(value, when)?;
            when.push(own);
        }
        when.truncate(before);
        Ok(())
    }

    /// Does it ask what has not been asked before?
    fn asks_anew(&self, value: &Scalar) -> bool {
        let mut all = Vec::new();
        draws_of(value, &mut all);
        all.iter().any(|asked| !self.draws.contains(&asked.draw))
    }

    /// A value that the select below gives.
    fn column(&mut self, value: &mut Scalar) -> Result<()> {
        if asks(value) {
            return Err(several("an aggregate or a set-returning function"));
        }
        let (text, dscale) = (render::scalar(value), value.dscale.take());
        let at = self.targets.iter().position(|(known, _)| *known == text).unwrap_or(self.targets.len());
        // The draws are the first column.
        let column = Scalar { dscale, ..Scalar::column(self.alias, output_name(at + 1), value.phys.clone()) };
        let own = std::mem::replace(value, column);
        if at == self.targets.len() {
            self.targets.push((text, own));
        }
        Ok(())
    }

    fn draw(&mut self, value: &mut Scalar, asked: &Asked, when: &[Scalar]) -> Result<()> {
        let What::Draw(draw) = asked.what else { return Err(several("a statement with setval()")) };
        let at = self.draws.iter().position(|known| *known == asked.draw).unwrap_or(self.draws.len());
        let of_row = Scalar::column(self.alias, output_name(0), Phys::List(Box::new(Phys::Int8)));
        let number = Scalar::template(template!["({0})[", at + 1, "]"], vec![of_row], Phys::Int8);
        let own = std::mem::replace(value, number);
        if at < self.draws.len() {
            return Ok(());
        }
        let Node::Template { text: _, mut args, draw: _ } = own.node else { return Ok(()) };
        if self.asked.is_empty() {
            self.asked.push(args.first().cloned().ok_or_else(|| Error::internal("lower: a draw of no session"))?);
        }
        let code = Scalar::number(draw.code(), Phys::Int8);
        let mut what = match args.get_mut(1) {
            None => code,
            Some(of) if asks(of) => return Err(several("the name of a sequence")),
            Some(of) => {
                let of = std::mem::replace(of, Scalar::bool(true));
                Scalar::template("(CAST({0} AS BIGINT) + {1})", vec![of, code], Phys::Int8)
            }
        };
        if let Some(when) = Scalar::and(when.to_vec()) {
            what = Scalar::new(Node::Case { whens: vec![(when, what)], otherwise: None }, Phys::Int8);
        }
        self.draws.push(asked.draw);
        self.asked.push(what);
        Ok(())
    }
}

fn is_row_of_sets(query: &Query) -> bool {
    matches!(&query.body, Body::Select(select) if select.from.is_empty())
}

fn under_condition() -> Error {
    several("what is computed under a condition")
}
