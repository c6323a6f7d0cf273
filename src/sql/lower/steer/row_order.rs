//! Rows in the order in which PostgreSQL's plans give them where none is asked for: nested loops over the relations of FROM,
//! each in its own order. DuckDB's hash joins give the matches of a row last first, and those of several rows mixed.
//!
//! Catalogs are small, and all that is read of them is put in order, since tools list columns and keys as they come:
//! `SELECT a.attname FROM pg_class AS c JOIN pg_attribute AS a ON …` → `… ORDER BY t1.dg_row, t2.dg_row`.
//!
//! Of tables, only what is gathered into one value is: `array_agg(b.x)` over a join, `(SELECT json_agg(b.x) FROM b WHERE b.a = a.id)`
//! → `list(s1.c0)` over `(SELECT … ORDER BY t1.a1, t2.rowid) AS s1`. What that costs stands in docs/decisions/row-order.md.

use std::collections::HashMap;
use std::sync::Arc;

use super::beside::ROW;
use super::places::{Place, bounds, count, numbers, sorted};
use crate::engine::PLACE;
use crate::sql::lower::ir::walk::{
    aliases, children_mut, ctes_of, has, is_aggregate, is_query, key_mut, query_columns_mut, query_mut, values_mut,
};
use crate::sql::lower::ir::{
    self, Alias, Body, From, Node, Order, OrderKey, Over, Query, Scalar, Select, Statement, TableName, Template,
};
use crate::sql::lower::query::aggregate::Clauses;
use crate::sql::lower::query::keys_below::put_below;
use crate::sql::lower::query::order::is_literal;
use crate::sql::lower::value::array::{derived, plain_query};
use crate::types::Phys;

/// Relations from here on are this file's own, those of catalogs first, then those of what is gathered, and of what is shown.
const FIRST: u32 = 1_000_000_000;
const FIRST_OF_TABLES: u32 = FIRST + 40_000_000;
const FIRST_SHOWN: u32 = FIRST + 80_000_000;

const SYSTEM: &str = "dg_system(";
const SERIES: &str = "generate_series(";

/// Puts a query over nothing but catalogs in order.
pub(crate) fn of_catalogs(statement: &mut Statement) {
    if let Statement::Query(query) = statement {
        Orderer::new(Of::Catalogs).query(query, false, Shown::Yes);
    }
}

/// Puts in order what is gathered from tables: where something is.
pub(crate) fn of_tables(statement: &mut Statement) {
    let mut orderer = Orderer::new(Of::Tables);
    match statement {
        Statement::Query(query) | Statement::Keep { table: _, query } => orderer.query(query, false, Shown::No),
        Statement::Insert { source, .. } => orderer.query(source, false, Shown::No),
        Statement::Explain { analyze: _, statement } => of_tables(statement),
        Statement::Update { ctes, alias, sets, from, filter, .. } => {
            orderer.around.push(*alias);
            from.iter().for_each(|item| aliases(item, &mut orderer.around));
            ctes.iter_mut().for_each(|cte| orderer.query(&mut cte.query, false, Shown::No));
            from.iter_mut().for_each(|item| orderer.item(item, false));
            let values = sets.iter_mut().map(|(_, value)| value).chain(filter);
            values.for_each(|value| orderer.value(value));
        }
        Statement::Delete { ctes, alias, using, filter, .. } => {
            orderer.around.push(*alias);
            using.iter().for_each(|item| aliases(item, &mut orderer.around));
            ctes.iter_mut().for_each(|cte| orderer.query(&mut cte.query, false, Shown::No));
            using.iter_mut().for_each(|item| orderer.item(item, false));
            filter.iter_mut().for_each(|value| orderer.value(value));
        }
    }
}

/// Gives a query that joins tables' rows, and is in no order, their places as its last columns, and says how many.
pub(crate) fn placed(statement: &mut Statement) -> usize {
    let Statement::Query(query) = statement else { return 0 };
    let Query { ctes, body: Body::Select(select), order_by, columns, .. } = query else { return 0 };
    let select = &mut **select;
    let shown = columns.len();
    let made_of_many = |node: &Node| is_set(node) || matches!(node, Node::Aggregate(_));
    let several = !is_plain(select) || select.qualify.is_some() || select.targets.len() != shown;
    if !order_by.is_empty() || several || select.targets.iter().any(|target| has(target, &made_of_many)) {
        return 0;
    }
    let mut orderer = Orderer { made: FIRST_SHOWN, ..Orderer::new(Of::Tables) };
    if !orderer.mixed(orderer.leaves(&select.from), has_queries(select)) {
        return 0;
    }
    let Some(first) = select.from.first().map(outermost) else { return 0 };
    let mut read = Vec::new();
    select.from.iter().for_each(|item| ctes_of(item, &mut read));
    for cte in ctes.iter_mut().filter(|cte| !cte.recursive && read.contains(&cte.id)) {
        let places = orderer.exported(&mut cte.query);
        orderer.ctes.insert(cte.id, (Leaves::default(), places));
    }
    let places = sorted(orderer.places(&mut select.from));
    // Rows of others need no places to stay together; without the first one's they would be torn apart.
    match places.first() {
        Some(Place { by: Scalar { node: Node::Column(alias, _), .. }, .. }) if *alias == first => {}
        Some(Place { rows: Some(_), .. }) if places.len() > 1 => {}
        Some(_) | None => return 0,
    }
    if orderer.torn {
        return 0;
    }
    select.targets.extend(places.into_iter().map(|place| place.by));
    columns.resize(select.targets.len(), Phys::Int8);
    columns.len() - shown
}

/// What is put in order.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Catalogs,
    Tables,
}

/// Whether anybody sees the order of a query's rows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Yes,
    /// LIMIT chooses by it.
    Limit,
    No,
}

/// What a FROM list reads.
#[derive(Clone, Copy, Default)]
struct Leaves {
    catalogs: usize,
    others: usize,
    /// Those whose rows DuckDB numbers.
    numbered: usize,
    /// Those of the others that are series of constants.
    series: usize,
    tables: bool,
}

struct Orderer {
    of: Of,
    /// The relations of the selects around.
    around: Vec<Alias>,
    /// What the query that is gone through takes of them, if it does: DuckDB computes it for all such values together.
    taken: Option<Vec<Scalar>>,
    /// There are members of a row's list whose numbers are not known: a sort would tear them apart.
    torn: bool,
    /// WITH's queries: what they read, and which of their columns are their rows' places.
    ctes: HashMap<u32, (Leaves, Vec<Place<usize>>)>,
    made: u32,
}

impl Orderer {
    fn new(of: Of) -> Self {
        let made = if of == Of::Tables { FIRST_OF_TABLES } else { FIRST };
        Self { of, around: Vec::new(), taken: None, torn: false, ctes: HashMap::new(), made }
    }

    /// Is there an order to see to? One relation keeps its own, but where DuckDB makes a join of a subquery.
    fn mixed(&self, leaves: Leaves, inside: bool) -> bool {
        match self.of {
            Of::Catalogs => !leaves.tables && leaves.catalogs > 0 && (inside || leaves.catalogs + leaves.others > 1),
            Of::Tables => {
                let all = leaves.catalogs + leaves.others + leaves.numbered;
                let series = !leaves.tables && leaves.series > 1 && leaves.series == all;
                series || leaves.numbered > 0 && (inside || self.taken.is_some() || all > 1)
            }
        }
    }

    /// A query of a value, or one that is lateral.
    fn inner(&mut self, query: &mut Query, shown: Shown) {
        if self.of == Of::Catalogs {
            return self.query(query, true, shown);
        }
        let mut taken: Option<Vec<Scalar>> = None;
        query_columns_mut(query, &mut |alias, name, phys| {
            if !self.around.contains(alias) {
                return;
            }
            let taken = taken.get_or_insert_default();
            let known = |known: &Scalar| matches!(&known.node, Node::Column(a, n) if a == alias && n == name);
            if sorts_fast(phys) && !taken.iter().any(known) {
                taken.push(Scalar::column(*alias, name.clone(), phys.clone()));
            }
        });
        let outside = std::mem::replace(&mut self.taken, taken);
        self.query(query, false, shown);
        self.taken = outside;
    }

    /// `inside`: of a value.
    fn query(&mut self, query: &mut Query, inside: bool, shown: Shown) {
        for cte in &mut query.ctes {
            self.query(&mut cte.query, inside, Shown::Limit);
            if self.of == Of::Tables {
                continue;
            }
            let mut leaves = Leaves::default();
            self.leaves_of(&cte.query, &mut leaves);
            let own = cte.recursive || leaves.tables || leaves.catalogs == 0;
            let places = if own { Vec::new() } else { self.exported(&mut cte.query) };
            self.ctes.insert(cte.id, (leaves, places));
        }
        let unordered = query.order_by.is_empty();
        match &mut query.body {
            Body::Select(select) => self.select(select, &mut query.order_by, inside),
            Body::SetOp { op, left, right } => {
                let arms = if *op == "UNION ALL" && unordered { shown } else { Shown::Limit };
                self.query(left, inside, arms);
                self.query(right, inside, arms);
            }
            Body::Values(rows) => rows.iter_mut().flatten().for_each(|value| self.value(value)),
        }
        let limited = query.limit.is_some() || query.offset.is_some();
        let keys = query.order_by.iter_mut().filter_map(key_mut);
        keys.chain(&mut query.limit).chain(&mut query.offset).for_each(|value| self.value(value));
        if self.of == Of::Tables {
            return;
        }
        if shown == Shown::Yes || shown == Shown::Limit && limited {
            self.sort(query, inside, limited);
        }
    }

    fn select(&mut self, select: &mut Select, keys: &mut [Order], inside: bool) {
        let outside = self.around.len();
        select.from.iter().for_each(|item| aliases(item, &mut self.around));
        values_mut(select).into_iter().for_each(|value| self.value(value));
        select.from.iter_mut().for_each(|item| self.item(item, inside));
        self.around.truncate(outside);
        let gathers = |value: &Scalar| has(value, &gathers);
        let joined = inside || has_queries(select);
        let gathered = select.targets.iter().chain(&select.having).any(gathers);
        if gathered && self.mixed(self.leaves(&select.from), joined) {
            self.sort_below(select, keys);
        }
    }

    /// Orders what a select makes its rows from.
    fn sort_below(&mut self, select: &mut Select, keys: &mut [Order]) {
        self.torn = false;
        let rows = self.orders(&mut select.from);
        if rows.is_empty() || self.of == Of::Tables && self.torn {
            return;
        }
        // What goes into one group comes together: several threads that gather it would each begin anew.
        let groups = match (self.of, select.group_by.as_deref()) {
            (Of::Tables, Some([keys])) => {
                let fast = |key: &&Scalar| matches!(key.node, Node::Column(..)) && sorts_fast(&key.phys);
                keys.iter().filter(fast).cloned().collect()
            }
            (Of::Tables | Of::Catalogs, _) => Vec::new(),
        };
        let outer = self.taken.iter().flatten().cloned();
        let orders = outer.chain(groups).map(by).chain(rows).collect();
        let from = std::mem::take(&mut select.from);
        put_below((self.alias(), Vec::new()), from, select, keys);
        if let [From::Query { query: below, .. }] = select.from.as_mut_slice() {
            below.order_by = orders;
        }
    }

    fn item(&mut self, item: &mut From, inside: bool) {
        match item {
            From::Table { .. } => {}
            From::Function { args, .. } => args.iter_mut().for_each(|arg| self.value(arg)),
            From::Query { query, alias: _, lateral: true } => self.inner(query, Shown::Limit),
            From::Query { query, alias: _, lateral: false } => self.query(query, inside, Shown::Limit),
            From::With { from, alias: _, columns } => {
                self.item(from, inside);
                columns.iter_mut().for_each(|(_, value)| self.value(value));
            }
            From::Join { kind: _, left, right, on } => {
                self.item(left, inside);
                self.item(right, inside);
                on.iter_mut().for_each(|on| self.value(on));
            }
        }
    }

    fn value(&mut self, value: &mut Scalar) {
        children_mut(value).into_iter().for_each(|child| self.value(child));
        let shown = if matches!(value.node, Node::Exists(_)) { Shown::No } else { Shown::Limit };
        if let Some(query) = query_mut(value) {
            self.inner(query, shown);
        }
        value.dscale.iter_mut().for_each(|scale| self.value(scale));
    }

    /// Orders what a query gives; behind its own keys, rows that are equal by them.
    fn sort(&mut self, query: &mut Query, inside: bool, limited: bool) {
        let Body::Select(select) = &mut query.body else { return };
        // What does something is done for no more rows than LIMIT takes.
        let does = limited && select.targets.iter().any(|target| target.weight().1);
        let leaves = self.leaves(&select.from);
        if does || leaves.tables || leaves.catalogs == 0 {
            return;
        }
        if query.order_by.is_empty() {
            query.order_by = by_keys(select);
        }
        let chooses = !select.distinct_on.is_empty() && select.group_by.is_none();
        if !(chooses || is_plain(select)) || !self.mixed(leaves, inside || has_queries(select)) {
            return;
        }
        if !select.targets.iter().any(|target| has(target, &is_set)) {
            query.order_by.extend(self.orders(&mut select.from));
        } else if query.order_by.is_empty() && !chooses {
            // Each row's set stays together: it is made above the sort.
            self.sort_below(select, &mut []);
        }
    }

    fn orders(&mut self, from: &mut [From]) -> Vec<Order> {
        sorted(self.places(from)).into_iter().map(|place| by(place.by)).collect()
    }

    /// What the rows of a FROM list are in order by; nothing if DuckDB keeps the order that they have.
    fn places(&mut self, from: &mut [From]) -> Vec<Place<Scalar>> {
        if let [From::Query { query, .. }] = from
            && !query.order_by.is_empty()
        {
            return Vec::new();
        }
        from.iter_mut().flat_map(|item| self.places_in(item)).collect()
    }

    fn places_in(&mut self, item: &mut From) -> Vec<Place<Scalar>> {
        let column = |alias: Alias, name, made| Place { by: Scalar::column(alias, name, Phys::Int8), made, rows: None };
        let columns = |alias: Alias, places: Vec<Place<usize>>| {
            let known = |place: Place<usize>| Place {
                rows: place.rows,
                ..column(alias, ir::output_name(place.by), place.made)
            };
            places.into_iter().map(known).collect()
        };
        match item {
            From::Table { name: TableName::Cte(id), alias, .. } => {
                columns(*alias, self.ctes.get(id).map(|(_, places)| places.clone()).unwrap_or_default())
            }
            From::Table { alias, .. } if self.of == Of::Tables => vec![column(*alias, ROW.into(), false)],
            From::Table { .. } => Vec::new(),
            From::Function { text, alias, columns, args } if is_known(text) => match columns.first() {
                None => vec![column(*alias, PLACE.into(), false)],
                Some(own) => {
                    let Place { by, made, rows: _ } = column(*alias, own.clone(), true);
                    let descends = matches!(bounds(args), Some([_, _, step]) if step < 0);
                    let by = if descends { Scalar::template("(~{0})", vec![by], Phys::Int8) } else { by };
                    vec![Place { by, made, rows: bounds(args).map(count) }]
                }
            },
            // Rows that come from without.
            From::Function { .. } => Vec::new(),
            // Its rows would be numbered over all those that it stands beside.
            From::Query { query, lateral: true, .. } if is_chosen(query) => Vec::new(),
            From::Query { query, alias, .. } => columns(*alias, self.exported(query)),
            From::With { from, alias, columns } => {
                let mut places = self.places_in(from);
                let sets: Vec<Scalar> =
                    columns.iter().map(|(_, value)| value).filter(|v| has(v, &is_set)).cloned().collect();
                if !sets.is_empty() {
                    let members = numbers(&sets);
                    self.torn |= members.is_empty();
                    for (at, member) in members.into_iter().enumerate() {
                        let name: Arc<str> = format!("dg_n{at}").into();
                        columns.push((name.clone(), member.by));
                        places.push(column(*alias, name, false));
                    }
                }
                places
            }
            From::Join { kind, left, right, on: _ } => {
                let (left, right) = (self.places_in(left), self.places_in(right));
                let (outer, inner) = if *kind == "RIGHT JOIN" { (right, left) } else { (left, right) };
                outer.into_iter().chain(inner).collect()
            }
        }
    }

    /// Gives a query columns that are its rows' places, and says which.
    fn exported(&mut self, query: &mut Query) -> Vec<Place<usize>> {
        let visible = query.columns.len();
        if is_chosen(query) || matches!(query.body, Body::Values(_)) {
            let clauses = Clauses { distinct: false, order_by: vec![], filter: None, over: Some(Over::default()) };
            wrap(query, self.alias(), vec![clauses.call("row_number", vec![], Phys::Int8)], 0);
            return vec![Place { by: visible, made: false, rows: None }];
        }
        match &mut query.body {
            Body::Select(select) if is_plain(select) => {
                let places = match select.from.is_empty() {
                    true => numbers(&select.targets),
                    false if select.targets.iter().any(|target| has(target, &is_set)) => {
                        let members = numbers(&select.targets);
                        self.torn |= members.is_empty();
                        let rows = if members.is_empty() { Vec::new() } else { self.places(&mut select.from) };
                        if rows.is_empty() { rows } else { rows.into_iter().chain(members).collect() }
                    }
                    false => self.places(&mut select.from),
                };
                let first = select.targets.len();
                let mut out = Vec::with_capacity(places.len());
                for (i, Place { by, made, rows }) in places.into_iter().enumerate() {
                    out.push(Place { by: first + i, made, rows });
                    select.targets.push(by);
                }
                query.columns.resize(select.targets.len(), Phys::Int8);
                out
            }
            Body::SetOp { op: "UNION ALL", left, right } => {
                let places = [self.exported(left), self.exported(right)];
                let most = places.iter().map(Vec::len).max().unwrap_or_default();
                for (i, (arm, places)) in [left, right].into_iter().zip(&places).enumerate() {
                    arm.columns.truncate(visible);
                    let inner = self.alias();
                    let mut added = vec![Scalar::int4(i as i32).cast(Phys::Int8)];
                    added.extend(places.iter().map(|p| Scalar::column(inner, ir::output_name(p.by), Phys::Int8)));
                    added.resize(most + 1, Scalar::null(Phys::Int8));
                    wrap(arm, inner, added, places.len());
                }
                query.columns.resize(visible + most + 1, Phys::Int8);
                (visible..query.columns.len()).map(|by| Place { by, made: false, rows: None }).collect()
            }
            Body::Select(_) | Body::SetOp { .. } | Body::Values(_) => Vec::new(),
        }
    }

    fn alias(&mut self) -> Alias {
        self.made += 1;
        Alias::Made(self.made)
    }

    fn leaves(&self, from: &[From]) -> Leaves {
        let mut leaves = Leaves::default();
        from.iter().for_each(|item| self.count(item, &mut leaves));
        leaves
    }

    fn count(&self, item: &From, leaves: &mut Leaves) {
        match item {
            From::Table { name: TableName::Cte(id), .. } => match self.ctes.get(id) {
                Some((of, _)) => {
                    leaves.catalogs += of.catalogs;
                    leaves.others += of.others;
                    leaves.numbered += of.numbered;
                    leaves.series += of.series;
                    leaves.tables |= of.tables;
                }
                None => leaves.others += 1,
            },
            From::Table { .. } => {
                leaves.numbered += 1;
                leaves.tables = true;
            }
            From::Function { text, .. } if text.starts_with(SYSTEM) => leaves.catalogs += 1,
            From::Function { text, args, .. } if text.starts_with(SERIES) => {
                leaves.others += 1;
                leaves.series += usize::from(bounds(args).is_some());
            }
            // Rows that come from without.
            From::Function { .. } => leaves.tables = true,
            From::Query { query, .. } => self.leaves_of(query, leaves),
            From::With { from, .. } => self.count(from, leaves),
            From::Join { left, right, .. } => {
                self.count(left, leaves);
                self.count(right, leaves);
            }
        }
    }

    fn leaves_of(&self, query: &Query, leaves: &mut Leaves) {
        match &query.body {
            Body::Select(select) if select.from.is_empty() => {
                leaves.others += usize::from(select.targets.iter().any(|target| has(target, &is_set)));
            }
            Body::Select(select) => select.from.iter().for_each(|item| self.count(item, leaves)),
            Body::SetOp { op: _, left, right } => {
                self.leaves_of(left, leaves);
                self.leaves_of(right, leaves);
            }
            Body::Values(_) => leaves.others += 1,
        }
    }
}

fn by(key: Scalar) -> Order {
    Order { key: OrderKey::Scalar(key), descending: false, nulls_first: false }
}

/// The relation that a nested loop goes over first.
fn outermost(item: &From) -> Alias {
    match item {
        From::Table { alias, .. }
        | From::Function { alias, .. }
        | From::Query { alias, .. }
        | From::With { alias, .. } => *alias,
        From::Join { kind, right, .. } if *kind == "RIGHT JOIN" => outermost(right),
        From::Join { left, .. } => outermost(left),
    }
}

/// Is it a number, or carried as one?
fn sorts_fast(phys: &Phys) -> bool {
    matches!(
        phys,
        Phys::Bool
            | Phys::Int2
            | Phys::Int4
            | Phys::Int8
            | Phys::Oid
            | Phys::Uuid
            | Phys::Date
            | Phys::Time
            | Phys::Timestamp
            | Phys::TimestampTz
    )
}

/// Does it give its rows in an order that is known?
fn is_known(function: &Template) -> bool {
    function.starts_with(SYSTEM) || function.starts_with(SERIES)
}

/// The query inside of one that gives its visible columns and others; its last ones are `hidden`.
fn wrap(query: &mut Query, alias: Alias, added: Vec<Scalar>, hidden: usize) {
    let columns = query.columns.clone();
    let visible = columns.iter().enumerate().map(|(i, phys)| Scalar::column(alias, ir::output_name(i), phys.clone()));
    let targets: Vec<Scalar> = visible.chain(added).collect();
    let all = targets.iter().map(|target| target.phys.clone()).collect();
    let mut inner = std::mem::replace(query, plain_query(Select::default(), Vec::new()));
    inner.columns.extend(std::iter::repeat_n(Phys::Int8, hidden));
    *query = plain_query(Select { targets, from: vec![derived(inner, alias)], ..Select::default() }, all);
}

/// Are its rows in an order of their own, or only some of them there?
fn is_chosen(query: &Query) -> bool {
    query.limit.is_some() || query.offset.is_some() || !query.order_by.is_empty()
}

/// What PostgreSQL sorts by to find groups, and the rows that DISTINCT ON chooses.
fn by_keys(select: &Select) -> Vec<Order> {
    let keys: Vec<OrderKey> = match select.group_by.as_deref() {
        Some([keys]) if !select.distinct && select.distinct_on.is_empty() => {
            keys.iter().cloned().map(OrderKey::Scalar).collect()
        }
        None => select.distinct_on.clone(),
        Some(_) => Vec::new(),
    };
    let sorts = |key: &OrderKey| !matches!(key, OrderKey::Scalar(value) if is_literal(value));
    keys.into_iter().filter(sorts).map(|key| Order { key, descending: false, nulls_first: false }).collect()
}

/// Are there queries in its values? DuckDB joins them.
fn has_queries(select: &Select) -> bool {
    select.targets.iter().chain(&select.filter).any(|value| has(value, &is_query))
}

/// Does it give a row for each row of its FROM?
pub(crate) fn is_plain(select: &Select) -> bool {
    let Select { distinct, distinct_on, targets, from: _, filter: _, group_by, having, qualify: _ } = select;
    let grouped = *distinct || !distinct_on.is_empty() || group_by.is_some() || having.is_some();
    !grouped && !targets.iter().any(|target| has(target, &is_aggregate))
}

pub(crate) fn is_set(node: &Node) -> bool {
    matches!(node, Node::Template { text, .. } if text.starts_with("unnest("))
}

/// Does its value depend on the order of the rows? (ORDER BY inside of the aggregate sorts each group by itself, which takes
/// several times as long as sorting all that comes in.)
pub(crate) fn gathers(node: &Node) -> bool {
    let Node::Aggregate(aggregate) = node else { return false };
    let in_turn = matches!(aggregate.name, "list" | "string_agg");
    in_turn && aggregate.over.is_none() && !aggregate.distinct && aggregate.order_by.is_empty()
}
