//! Queries inside that must not be computed once for all rows whose outer values are equal, which is how DuckDB takes a
//! correlated subquery or a LATERAL apart. What such a query takes from outside is joined by one more column:
//!
//! - what it draws (`random()`, `nextval()` …) is drawn for each row, so that the row's number is that column:
//!   `SELECT (SELECT random() WHERE t1.a1 = 1) FROM r1 AS t1` →
//!   `SELECT (SELECT random() WHERE (t1.a1 = 1 AND (t1.rowid IS NOT NULL OR TRUE))) FROM r1 AS t1`
//! - equal values need not be the same (one month and thirty days, 0 and -0): that column tells them apart:
//!   `SELECT (SELECT t1.a1 WHERE (t1.dg_k1 IS NOT NULL OR TRUE)) FROM (SELECT t1.*, CAST(t1.a1 AS VARCHAR) AS dg_k1 FROM r1 AS t1) AS t1`

use std::sync::Arc;

use super::beside::{ROW, wrap};
use crate::error::{Error, Result};
use crate::sql::lower::ir::walk::{
    aliases, children_mut, every_value_mut, has, is_aggregate, key_mut, place_mut, query_columns_mut, values_mut,
};
use crate::sql::lower::ir::{Alias, Body, From, Node, Query, Scalar, Select, Statement, TableName};
use crate::types::Phys;

/// What such columns are called.
const PREFIX: &str = "dg_k";

/// Gives each row its own where that matters; 0A000 where the rows have nothing to tell them by.
pub(crate) fn kept_apart(statement: &mut Statement) -> Result<()> {
    let mut rows = Rows::default();
    match statement {
        Statement::Query(query) | Statement::Keep { table: _, query } => rows.query(query),
        Statement::Insert { source, .. } => rows.query(source),
        Statement::Explain { analyze: _, statement } => kept_apart(statement),
        Statement::Update { ctes, recursive: _, table: _, alias, sets, from, filter, returning: _ } => {
            ctes.iter_mut().try_for_each(|cte| rows.query(&mut cte.query))?;
            let values = sets.iter_mut().map(|(_, value)| value).collect();
            rows.changed(*alias, from, values, filter.as_mut())
        }
        Statement::Delete { ctes, recursive: _, table: _, alias, using, filter, returning: _ } => {
            ctes.iter_mut().try_for_each(|cte| rows.query(&mut cte.query))?;
            rows.changed(*alias, using, Vec::new(), filter.as_mut())
        }
    }
}

/// The rows of which a value is computed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    /// Of the relations that it mentions: conditions are asked as early as they can be.
    Mentioned,
    /// Of all that FROM joins.
    Joined,
    /// Of groups.
    Groups,
}

/// What is put beside a relation.
type Columns = Vec<(Arc<str>, Scalar)>;

/// A select's relations, as queries inside of it see them, and what is to be put beside these.
pub(crate) struct Level {
    own: Vec<Alias>,
    /// Those whose rows DuckDB numbers.
    numbered: Vec<Alias>,
    /// The columns that the rows are grouped by; `None` if one is more than a column, or there are several sets of them.
    groups: Option<Vec<Scalar>>,
    /// Of a table that is changed, whose rows have their numbers and nothing else.
    changed: Option<Alias>,
    wanted: Vec<(Alias, Columns)>,
    /// What has been put beside which column, by its name.
    images: Vec<(Alias, Arc<str>, Scalar)>,
}

#[derive(Default)]
struct Rows {
    made: u32,
}

impl Rows {
    fn query(&mut self, query: &mut Query) -> Result<()> {
        let Query { ctes, recursive: _, body, order_by, limit, offset, columns: _ } = query;
        ctes.iter_mut().try_for_each(|cte| self.query(&mut cte.query))?;
        let orders = order_by.iter_mut().filter_map(key_mut);
        match body {
            Body::Select(select) => self.select(select, orders.collect())?,
            Body::SetOp { op: _, left, right } => {
                self.query(left)?;
                self.query(right)?;
            }
            Body::Values(rows) => rows.iter_mut().flatten().try_for_each(|value| self.within(value))?,
        }
        limit.iter_mut().chain(offset).try_for_each(|value| self.within(value))
    }

    /// The queries in a value that has no relations beside it.
    fn within(&mut self, value: &mut Scalar) -> Result<()> {
        let mut inside = Vec::new();
        queries_of(value, false, &mut inside);
        inside.into_iter().try_for_each(|(query, _)| self.query(query))
    }

    fn select(&mut self, select: &mut Select, orders: Vec<&mut Scalar>) -> Result<()> {
        let mut from = std::mem::take(&mut select.from);
        let mut level = Level::of(&from, select);
        let shown = select.targets.iter().chain(&select.having);
        let grouped = select.group_by.is_some()
            || shown.chain(orders.iter().map(|order| &**order)).any(|value| has(value, &is_aggregate));
        let of = if grouped { Of::Groups } else { Of::Joined };
        if let Some(filter) = &mut select.filter {
            self.value(&mut level, filter, Of::Mentioned)?;
        }
        let filter = select.filter.take();
        for key in select.group_by.iter_mut().flatten().flatten() {
            self.value(&mut level, key, Of::Joined)?;
        }
        let group_by = select.group_by.take();
        values_mut(select).into_iter().chain(orders).try_for_each(|value| self.value(&mut level, value, of))?;
        (select.filter, select.group_by) = (filter, group_by);
        from.iter_mut().try_for_each(|item| self.item(&mut level, item))?;
        level.put(&mut from);
        select.from = from;
        Ok(())
    }

    /// A table's rows that are changed, and what is beside them.
    fn changed(
        &mut self,
        alias: Alias,
        from: &mut [From],
        values: Vec<&mut Scalar>,
        filter: Option<&mut Scalar>,
    ) -> Result<()> {
        let mut level = Level::of(from, &Select::default());
        level.own.push(alias);
        level.numbered.push(alias);
        level.changed = Some(alias);
        values.into_iter().try_for_each(|value| self.value(&mut level, value, Of::Joined))?;
        filter.into_iter().try_for_each(|value| self.value(&mut level, value, Of::Mentioned))?;
        from.iter_mut().try_for_each(|item| self.item(&mut level, item))?;
        level.put(from);
        Ok(())
    }

    fn item(&mut self, level: &mut Level, item: &mut From) -> Result<()> {
        match item {
            From::Table { .. } => Ok(()),
            From::Function { args, .. } => args.iter_mut().try_for_each(|arg| self.value(level, arg, Of::Mentioned)),
            From::Query { query, alias: _, lateral } => {
                if *lateral {
                    self.inside(level, query, Of::Mentioned)?;
                }
                self.query(query)
            }
            From::With { from, alias: _, columns } => {
                self.item(level, from)?;
                columns.iter_mut().try_for_each(|(_, value)| self.within(value))
            }
            From::Join { kind: _, left, right, on } => {
                self.item(level, left)?;
                self.item(level, right)?;
                on.iter_mut().try_for_each(|on| self.value(level, on, Of::Mentioned))
            }
        }
    }

    fn value(&mut self, level: &mut Level, value: &mut Scalar, of: Of) -> Result<()> {
        let mut inside = Vec::new();
        queries_of(value, false, &mut inside);
        for (query, aggregated) in inside {
            let of = if aggregated && of == Of::Groups { Of::Joined } else { of };
            self.inside(level, query, of)?;
            self.query(query)?;
        }
        Ok(())
    }

    /// A query that may take columns of the level around it.
    fn inside(&mut self, level: &mut Level, query: &mut Query, of: Of) -> Result<()> {
        let (mut mentioned, mut coarse) = (Vec::new(), Vec::new());
        let mut draws = false;
        every_value_mut(query, &mut |value| draws |= is_drawn(&value.node));
        query_columns_mut(query, &mut |alias, name, phys| {
            if !level.own.contains(alias) {
                return;
            }
            if !mentioned.contains(alias) {
                mentioned.push(*alias);
            }
            if is_coarse(phys) {
                coarse.push((*alias, Arc::clone(name), phys.clone()));
            }
        });
        if mentioned.is_empty() {
            return Ok(());
        }
        if draws {
            let keys = match of {
                Of::Groups => level.groups.clone().ok_or_else(of_groups)?,
                Of::Joined => self.rows(level, &level.own.clone()),
                Of::Mentioned => self.rows(level, &mentioned),
            };
            mention(query, &Mention { keys: &keys, own: &level.own, of: &is_drawn });
            return Ok(());
        }
        if coarse.is_empty() || of == Of::Groups {
            return Ok(());
        }
        // Where it is compared with something, what is equal is the same.
        every_value_mut(query, &mut |value| {
            for compared in compared(value) {
                let at = coarse.iter().position(|(alias, name, _)| compared == (*alias, name));
                at.map(|at| coarse.swap_remove(at));
            }
        });
        let mut keys: Vec<Scalar> = Vec::new();
        let mut columns = Vec::new();
        while let Some(column) = coarse.pop() {
            coarse.retain(|other| *other != column);
            columns.push((column.0, Arc::clone(&column.1)));
            keys.push(self.image(level, column));
        }
        let of = |node: &Node| match node {
            Node::Column(alias, name) => columns.iter().any(|(of, column)| of == alias && column == name),
            _ => false,
        };
        if !keys.is_empty() {
            mention(query, &Mention { keys: &keys, own: &level.own, of: &of });
        }
        Ok(())
    }

    /// What numbers the rows of these relations.
    fn rows(&mut self, level: &mut Level, of: &[Alias]) -> Vec<Scalar> {
        of.iter().map(|alias| level.row(*alias, PREFIX, &mut self.made)).collect()
    }

    /// What is the same only for the same.
    fn image(&mut self, level: &mut Level, (alias, name, phys): (Alias, Arc<str>, Phys)) -> Scalar {
        if level.changed == Some(alias) {
            return Scalar::column(alias, ROW, Phys::Int8);
        }
        let known = level.images.iter().find(|(of, column, _)| *of == alias && *column == name);
        if let Some((_, _, key)) = known {
            return key.clone();
        }
        let value = Scalar::column(alias, Arc::clone(&name), phys.clone());
        let image = match phys {
            Phys::Float4 | Phys::Float8 => Scalar::call("signbit", vec![value], Phys::Bool),
            _ => value.cast(Phys::Text),
        };
        self.made += 1;
        level.beside(alias, name, (format!("{PREFIX}{}", self.made).into(), image))
    }
}

impl Level {
    pub(crate) fn of(from: &[From], select: &Select) -> Self {
        let (mut own, mut numbered) = (Vec::new(), Vec::new());
        from.iter().for_each(|item| aliases(item, &mut own));
        from.iter().for_each(|item| tables(item, &mut numbered));
        let groups = match select.group_by.as_deref() {
            None => Some(Vec::new()),
            Some([keys]) => {
                let columns = keys.iter().all(|key| matches!(key.node, Node::Column(..)));
                columns.then(|| keys.clone())
            }
            Some(_) => None,
        };
        Self { own, numbered, groups, changed: None, wanted: Vec::new(), images: Vec::new() }
    }

    /// What numbers a relation's rows: DuckDB's own numbers, or a column of the name `prefix<n>`.
    pub(crate) fn row(&mut self, alias: Alias, prefix: &str, made: &mut u32) -> Scalar {
        if self.numbered.contains(&alias) {
            return Scalar::column(alias, ROW, Phys::Int8);
        }
        let known = self.images.iter().find(|(of, column, _)| *of == alias && column.is_empty());
        if let Some((_, _, key)) = known {
            return key.clone();
        }
        *made += 1;
        let number = Scalar::text("row_number() OVER ()", Phys::Int8);
        self.beside(alias, "".into(), (format!("{prefix}{made}").into(), number))
    }

    /// The column that has a value beside a relation.
    fn beside(&mut self, alias: Alias, of: Arc<str>, (name, value): (Arc<str>, Scalar)) -> Scalar {
        let key = Scalar::column(alias, Arc::clone(&name), value.phys.clone());
        match self.wanted.iter_mut().find(|(known, _)| *known == alias) {
            Some((_, columns)) => columns.push((name, value)),
            None => self.wanted.push((alias, vec![(name, value)])),
        }
        self.images.push((alias, of, key.clone()));
        key
    }

    /// Puts the columns that were asked for beside their relations.
    pub(crate) fn put(self, from: &mut [From]) {
        for (alias, columns) in self.wanted {
            if let Some(place) = from.iter_mut().find_map(|item| place_mut(item, alias, false)) {
                wrap(place, alias, columns);
            }
        }
    }
}

fn of_groups() -> Error {
    Error::unsupported("a volatile function in a subquery over the groups of this GROUP BY")
        .hint("Group in a subquery in FROM, and compute it over that one's rows.")
}

fn is_drawn(node: &Node) -> bool {
    matches!(node, Node::Template { draw, .. } if *draw != 0)
}

/// Are there values of it that are equal, and not the same?
fn is_coarse(phys: &Phys) -> bool {
    match phys {
        Phys::Interval | Phys::Float4 | Phys::Float8 => true,
        Phys::List(element) => is_coarse(element),
        Phys::Shaped(parts) | Phys::Row(parts) => parts.iter().any(is_coarse),
        Phys::Bool
        | Phys::Int2
        | Phys::Int4
        | Phys::Int8
        | Phys::Oid
        | Phys::Decimal { .. }
        | Phys::Numeric
        | Phys::Text
        | Phys::Char(_)
        | Phys::Padded
        | Phys::Jsonb
        | Phys::Citext
        | Phys::Bytea
        | Phys::Coded(_)
        | Phys::Date
        | Phys::Time
        | Phys::TimeTz
        | Phys::Timestamp
        | Phys::TimestampTz
        | Phys::Uuid
        | Phys::Enum(_)
        | Phys::Void => false,
    }
}

/// The columns that a comparison compares.
fn compared(value: &Scalar) -> Vec<(Alias, &Arc<str>)> {
    const COMPARISONS: [&str; 6] =
        ["({0} = {1})", "({0} <> {1})", "({0} < {1})", "({0} <= {1})", "({0} > {1})", "({0} >= {1})"];
    match &value.node {
        Node::Template { text, args, .. } if COMPARISONS.contains(&&**text) => {
            let columns = args.iter().filter_map(|arg| match &arg.node {
                Node::Column(alias, name) => Some((*alias, name)),
                _ => None,
            });
            columns.collect()
        }
        _ => Vec::new(),
    }
}

/// The tables whose rows DuckDB numbers.
fn tables(item: &From, out: &mut Vec<Alias>) {
    match item {
        From::Table { name: TableName::Relation(_) | TableName::Kept(_), alias, .. } => out.push(*alias),
        From::With { from, alias, .. } => {
            // It is passed on: see `wrap`.
            let mut inner = &**from;
            while let From::With { from, .. } = inner {
                inner = from;
            }
            if matches!(inner, From::Table { name: TableName::Relation(_), .. }) {
                out.push(*alias);
            }
        }
        From::Table { name: TableName::Cte(_), .. } | From::Function { .. } | From::Query { .. } => {}
        From::Join { kind: _, left, right, on: _ } => {
            tables(left, out);
            tables(right, out);
        }
    }
}

/// Keys, which are mentioned wherever a query has values of a kind.
struct Mention<'m> {
    keys: &'m [Scalar],
    /// The relations that the keys are of.
    own: &'m [Alias],
    of: &'m dyn Fn(&Node) -> bool,
}

impl Mention<'_> {
    /// Always true, and DuckDB takes it for what the query depends on.
    fn always(&self) -> Vec<Scalar> {
        let always = |key: &Scalar| Scalar::template("({0} IS NOT NULL OR TRUE)", vec![key.clone()], Phys::Bool);
        self.keys.iter().map(always).collect()
    }

    fn add(&self, select: &mut Select) {
        let own = select.filter.take();
        select.filter = Scalar::and(own.into_iter().chain(self.always()).collect());
    }

    /// `VALUES` has no WHERE.
    fn add_to_value(&self, value: &mut Scalar) {
        let Some(always) = Scalar::and(self.always()) else { return };
        let dscale = value.dscale.take();
        let own = std::mem::replace(value, Scalar::bool(true));
        let none = Scalar::null(own.phys.clone());
        *value = Scalar { dscale, ..Scalar::when(always, own, none) };
    }
}

fn mention(query: &mut Query, keys: &Mention<'_>) {
    let Query { ctes, recursive: _, body, order_by, limit, offset, columns: _ } = query;
    for cte in ctes {
        // What takes nothing from outside is computed once.
        let mut outside = false;
        query_columns_mut(&mut cte.query, &mut |alias, _, _| outside |= keys.own.contains(alias));
        if outside {
            mention(&mut cte.query, keys);
        }
    }
    let mut rest: Vec<&mut Scalar> = order_by.iter_mut().filter_map(key_mut).chain(limit).chain(offset).collect();
    match body {
        Body::Select(select) => {
            let mut values: Vec<&mut Scalar> = values_mut(select);
            values.append(&mut rest);
            let mut found = false;
            for value in values {
                found |= has(value, keys.of);
                mention_inside(value, keys);
            }
            for item in &mut select.from {
                found |= mention_in(item, keys);
            }
            if found {
                keys.add(select);
            }
        }
        Body::SetOp { op: _, left, right } => {
            mention(left, keys);
            mention(right, keys);
        }
        Body::Values(rows) => {
            for value in rows.iter_mut().flatten() {
                mention_inside(value, keys);
                if has(value, keys.of) {
                    keys.add_to_value(value);
                }
            }
        }
    }
}

fn mention_inside(value: &mut Scalar, keys: &Mention<'_>) {
    let mut inside = Vec::new();
    queries_of(value, false, &mut inside);
    inside.into_iter().for_each(|(query, _)| mention(query, keys));
}

/// Has an item of FROM such values by itself?
fn mention_in(item: &mut From, keys: &Mention<'_>) -> bool {
    // Each of them is gone through, whatever was found before.
    let of = |value: &mut Scalar| {
        mention_inside(value, keys);
        has(value, keys.of)
    };
    match item {
        From::Table { .. } => false,
        From::Function { args, .. } => args.iter_mut().map(of).filter(|found| *found).count() > 0,
        From::Query { query, .. } => {
            mention(query, keys);
            false
        }
        From::With { from, alias: _, columns } => {
            let found = columns.iter_mut().map(|(_, value)| of(value)).filter(|found| *found).count() > 0;
            mention_in(from, keys) || found
        }
        From::Join { kind: _, left, right, on } => {
            let found = on.iter_mut().map(of).filter(|found| *found).count() > 0;
            let left = mention_in(left, keys);
            mention_in(right, keys) || left || found
        }
    }
}

/// The queries in a value, but for those in them, and whether each stands in an aggregate.
fn queries_of<'q>(value: &'q mut Scalar, aggregated: bool, out: &mut Vec<(&'q mut Query, bool)>) {
    let aggregated = aggregated || is_aggregate(&value.node);
    match value {
        Scalar { node: Node::Subquery(query) | Node::Exists(query), .. } => out.push((query, aggregated)),
        Scalar { node: Node::Quantified { left, op: _, query }, .. } => {
            queries_of(left, aggregated, out);
            out.push((query, aggregated));
        }
        value => children_mut(value).into_iter().for_each(|child| queries_of(child, aggregated, out)),
    }
}
