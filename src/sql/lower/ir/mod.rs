//! The small language between PostgreSQL's tree and DuckDB's text: what DuckDB is asked, every value typed with [`Phys`].
//!
//! It is closed and dumb: `sql::render` prints it without further thought. Relations are aliased `t<n>`, the columns of
//! everything but tables are named `c0`, `c1` …, so that no name of a client can clash.

mod text;
pub mod walk;

use std::sync::Arc;

pub(in crate::sql) use text::template;
pub use text::{Piece, Sample, TableName, Template, Variable};

use crate::types::Phys;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub struct Scalar {
    pub node: Node,
    pub phys: Phys,
    /// Only on a decimal whose PostgreSQL display scale differs from row to row (`CASE WHEN a THEN 1.50 ELSE 0 END`):
    /// that scale, an integer expression. `None`: the decimal type's own.
    pub dscale: Option<Box<Scalar>>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// A number or keyword, printed as it stands.
    Text(Template),
    /// A string literal; printed quoted.
    Literal(Arc<str>),
    /// A type's name: that of this scalar's physical type.
    Type,
    /// A column of a relation in scope: its alias, and the column's name inside DuckDB.
    Column(Alias, Arc<str>),
    /// A column's name alone, inside DuckDB.
    Bare(Arc<str>),
    Variable(Variable),
    /// `$n`, from 0.
    Param(u16),
    /// DuckDB's text over arguments.
    Template {
        text: Template,
        args: Vec<Scalar>,
        /// Whose value differs each time it is computed has a number, which its copies keep; others have 0.
        draw: u32,
    },
    /// To this scalar's physical type.
    Cast(Box<Scalar>),
    Aggregate(Box<Aggregate>),
    And(Vec<Scalar>),
    Or(Vec<Scalar>),
    Case {
        whens: Vec<(Scalar, Scalar)>,
        otherwise: Option<Box<Scalar>>,
    },
    /// `(SELECT …)` of one column.
    Subquery(Box<Query>),
    Exists(Box<Query>),
    /// `left <op> ANY|ALL (SELECT …)`: the text before the query, and its argument.
    Quantified {
        left: Box<Scalar>,
        op: Template,
        query: Box<Query>,
    },
}

/// [`Scalar::weight`] of what has a subquery in it is at least this.
pub const SUBQUERY_WEIGHT: usize = 1000;

/// What a relation is called in DuckDB's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Alias {
    /// `t<n>`, by the tree's relation id.
    Rel(u32),
    /// `s<n>`: made by lowering.
    Made(u32),
    /// `excluded`, in ON CONFLICT DO UPDATE.
    Excluded,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Aggregate {
    pub name: &'static str,
    pub args: Vec<Scalar>,
    pub distinct: bool,
    pub order_by: Vec<Order>,
    pub filter: Option<Scalar>,
    pub over: Option<Over>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Over {
    pub partition_by: Vec<Scalar>,
    pub order_by: Vec<Order>,
    /// The frame clause's text over the offsets.
    pub frame: Option<(Template, Vec<Scalar>)>,
}

impl Over {
    /// The same frame for each row, as DuckDB's shortcut for it would see it, becomes one that it computes row by row:
    /// the shortcut hands native aggregates one state where they take one a row.
    pub fn vary(&mut self) {
        const ALL: &str = "ROWS BETWEEN 1099511627776 PRECEDING AND 1099511627776 FOLLOWING";
        let constant = match &self.frame {
            None => self.order_by.is_empty(),
            Some((text, _)) if text.contains("EXCLUDE") => false,
            Some((text, args)) => {
                let peers = self.order_by.is_empty() && args.is_empty() && !text.starts_with("ROWS");
                peers || text.ends_with("BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING")
            }
        };
        if constant {
            self.frame = Some((Template::from(ALL), Vec::new()));
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    pub key: OrderKey,
    pub descending: bool,
    pub nulls_first: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub enum OrderKey {
    /// An output column, from 1.
    Position(usize),
    Scalar(Scalar),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    pub ctes: Vec<Cte>,
    pub recursive: bool,
    pub body: Body,
    pub order_by: Vec<Order>,
    pub limit: Option<Scalar>,
    pub offset: Option<Scalar>,
    /// What the output columns carry; those beyond the visible ones included.
    pub columns: Vec<Phys>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Cte {
    /// It goes by `cte<id>`.
    pub id: u32,
    pub query: Query,
    pub materialized: Option<bool>,
    /// `USING KEY`-less recursion; the engine wants RECURSIVE for the whole list.
    pub recursive: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    Select(Box<Select>),
    SetOp { op: &'static str, left: Box<Query>, right: Box<Query> },
    Values(Vec<Vec<Scalar>>),
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Select {
    pub distinct: bool,
    pub distinct_on: Vec<OrderKey>,
    pub targets: Vec<Scalar>,
    pub from: Vec<From>,
    pub filter: Option<Scalar>,
    pub group_by: Option<Vec<Vec<Scalar>>>,
    pub having: Option<Scalar>,
    pub qualify: Option<Scalar>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum From {
    Table {
        name: TableName,
        alias: Alias,
        sample: Option<Sample>,
    },
    /// A table function over its arguments; column names after the alias if given.
    Function {
        text: Template,
        args: Vec<Scalar>,
        alias: Alias,
        columns: Vec<Arc<str>>,
    },
    Query {
        query: Box<Query>,
        alias: Alias,
        lateral: bool,
    },
    /// A relation with further columns, which are computed over its row.
    With {
        from: Box<From>,
        /// The relation's own.
        alias: Alias,
        columns: Vec<(Arc<str>, Scalar)>,
    },
    Join {
        kind: &'static str,
        left: Box<From>,
        right: Box<From>,
        on: Option<Scalar>,
    },
}

/// A whole statement.
#[derive(Debug, Clone)]
pub enum Statement {
    Query(Query),
    Insert {
        table: TableName,
        alias: Alias,
        columns: Vec<Arc<str>>,
        source: Query,
        conflict: Option<Conflict>,
        returning: Vec<Scalar>,
    },
    Update {
        ctes: Vec<Cte>,
        recursive: bool,
        table: TableName,
        alias: Alias,
        sets: Vec<(Arc<str>, Scalar)>,
        from: Vec<From>,
        filter: Option<Scalar>,
        returning: Vec<Scalar>,
    },
    Delete {
        ctes: Vec<Cte>,
        recursive: bool,
        table: TableName,
        alias: Alias,
        using: Vec<From>,
        filter: Option<Scalar>,
        returning: Vec<Scalar>,
    },
    /// Keeps a query's rows in the temporary table of that number.
    Keep {
        table: u32,
        query: Query,
    },
    Explain {
        analyze: bool,
        statement: Box<Statement>,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub struct Conflict {
    pub columns: Vec<Arc<str>>,
    /// `None` is DO NOTHING.
    pub sets: Option<Vec<(Arc<str>, Scalar)>>,
    pub filter: Option<Scalar>,
}

impl Scalar {
    pub fn new(node: Node, phys: Phys) -> Self {
        Self { node, phys, dscale: None }
    }

    pub fn text(text: impl Into<Template>, phys: Phys) -> Self {
        Self::new(Node::Text(text.into()), phys)
    }

    /// A number as DuckDB's parser types it.
    pub fn number(n: impl Into<Piece>, phys: Phys) -> Self {
        Self::text(Template::of(&[n.into()]), phys)
    }

    /// A string literal.
    pub fn literal(text: impl Into<Arc<str>>, phys: Phys) -> Self {
        Self::new(Node::Literal(text.into()), phys)
    }

    /// NULL of a type.
    pub fn null(phys: Phys) -> Self {
        let null = Self::text("NULL", Phys::Void);
        if phys == Phys::Void { null } else { null.cast(phys) }
    }

    pub fn bool(value: bool) -> Self {
        Self::text(if value { "TRUE" } else { "FALSE" }, Phys::Bool)
    }

    pub fn int4(value: i32) -> Self {
        Self::number(value, Phys::Void).cast(Phys::Int4)
    }

    pub fn template(text: impl Into<Template>, args: Vec<Scalar>, phys: Phys) -> Self {
        Self::new(Node::Template { text: text.into(), args, draw: 0 }, phys)
    }

    /// `name(args)`.
    pub fn call(name: &'static str, args: Vec<Scalar>, phys: Phys) -> Self {
        Self::template(template![name, "({*})"], args, phys)
    }

    pub fn column(alias: Alias, name: impl Into<Arc<str>>, phys: Phys) -> Self {
        Self::new(Node::Column(alias, name.into()), phys)
    }

    /// An explicit cast; none if it has the type already.
    pub fn cast(self, phys: Phys) -> Self {
        if self.phys == phys {
            return self;
        }
        Self::new(Node::Cast(Box::new(self)), phys)
    }

    pub fn is_null(self) -> Self {
        Self::template("({0} IS NULL)", vec![self], Phys::Bool)
    }

    pub fn is_not_null(self) -> Self {
        Self::template("({0} IS NOT NULL)", vec![self], Phys::Bool)
    }

    /// `CASE WHEN test THEN then ELSE otherwise END`, of the type of `otherwise`.
    pub fn when(test: Scalar, then: Scalar, otherwise: Scalar) -> Self {
        let phys = otherwise.phys.clone();
        Self::new(Node::Case { whens: vec![(test, then)], otherwise: Some(Box::new(otherwise)) }, phys)
    }

    /// Conjunction; `None` of nothing.
    pub fn and(mut parts: Vec<Scalar>) -> Option<Self> {
        match parts.len() {
            0 => None,
            1 => parts.pop(),
            _ => Some(Self::new(Node::And(parts), Phys::Bool)),
        }
    }

    /// True if this is the literal NULL, cast or not.
    pub fn is_null_literal(&self) -> bool {
        match &self.node {
            Node::Text(text) => &**text == "NULL",
            Node::Cast(inner) => inner.is_null_literal(),
            _ => false,
        }
    }

    /// True if repeating it in the text costs nothing and changes nothing.
    pub fn is_cheap(&self) -> bool {
        match &self.node {
            Node::Text(_)
            | Node::Literal(_)
            | Node::Type
            | Node::Column(..)
            | Node::Bare(_)
            | Node::Variable(_)
            | Node::Param(_) => true,
            Node::Cast(inner) => inner.is_cheap(),
            _ => false,
        }
    }

    /// How many nodes it has (subqueries count as many), and whether anything in it is volatile.
    pub fn weight(&self) -> (usize, bool) {
        let mut weight = 1;
        let mut volatile = false;
        let mut add = |inner: &Scalar, times: usize| {
            let (w, v) = inner.weight();
            weight = w.saturating_mul(times).saturating_add(weight);
            volatile |= v;
        };
        match &self.node {
            Node::Text(_)
            | Node::Literal(_)
            | Node::Type
            | Node::Column(..)
            | Node::Bare(_)
            | Node::Variable(_)
            | Node::Param(_) => {}
            Node::Template { text, args, draw } => {
                for (arg, times) in args.iter().zip(text.mentions(args.len())) {
                    add(arg, times.max(1));
                }
                volatile |= *draw != 0;
            }
            Node::Cast(inner) => add(inner, 1),
            Node::Aggregate(aggregate) => aggregate.args.iter().for_each(|arg| add(arg, 1)),
            Node::And(parts) | Node::Or(parts) => parts.iter().for_each(|part| add(part, 1)),
            Node::Case { whens, otherwise } => {
                whens.iter().for_each(|(a, b)| {
                    add(a, 1);
                    add(b, 1);
                });
                otherwise.iter().for_each(|o| add(o, 1));
            }
            Node::Subquery(_) | Node::Exists(_) => weight += SUBQUERY_WEIGHT,
            Node::Quantified { left, .. } => {
                add(left, 1);
                weight += SUBQUERY_WEIGHT;
            }
        }
        (weight, volatile)
    }
}

/// `inner` with `value` computed once, as the variable that it mentions.
pub fn bound(variable: Variable, value: Scalar, inner: Scalar) -> Scalar {
    let (phys, dscale) = (inner.phys.clone(), inner.dscale.clone());
    let text = template!["(list_transform([{0}], lambda ", variable, ": {1})[1])"];
    Scalar { dscale, ..Scalar::template(text, vec![value, Scalar { dscale: None, ..inner }], phys) }
}

/// The name of an output column.
pub fn output_name(index: usize) -> Arc<str> {
    format!("c{index}").into()
}
