//! From the typed tree back to PostgreSQL's SQL, as PostgreSQL itself prints it (ruleutils): what pg_get_viewdef and its kin
//! show, and the text that is kept when a name in it changes. One construct a file.
//!
//! `a + 1 > b` of a view over t → `(t.a + 1) > t.b` pretty, `((t.a + 1) > t.b)` otherwise
//!
//! Objects are called as the snapshot and the search path of the reader call them, whatever they were called when the tree was
//! made; a column has its relation's name in front, so that no column that comes later can take its place.

mod aggregate;
mod call;
mod cast;
mod condition;
mod constant;
mod expr;
mod from;
mod names;
mod order;
mod query;
pub mod stored;
mod sublink;

use crate::error::Result;
use crate::registry::Name;
use crate::registry::expression::quote;
use crate::registry::seen::Seen;
use crate::tree::{Expr, ExprKind, Query, RelId};
use crate::types::PgType;
use names::Level;

/// How a definition is laid out (PostgreSQL's pretty flags).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Style {
    /// No more parentheses than are needed.
    pub terse: bool,
    /// Broken into lines.
    pub lines: bool,
}

impl Style {
    /// What the functions print that are asked for no style.
    pub const PLAIN: Self = Self { terse: false, lines: true };
    pub const PRETTY: Self = Self { terse: true, lines: true };
    /// One line: what is kept.
    pub const KEPT: Self = Self { terse: false, lines: false };

    pub const fn of(pretty: bool) -> Self {
        if pretty { Self::PRETTY } else { Self::PLAIN }
    }
}

/// A view's query, without the semicolon at its end. `columns` are the names of the view's columns.
///
/// # Errors
/// 0A000 for a construct that PostgreSQL does not have.
pub fn query(query: &Query, columns: &[Name], seen: &Seen, style: Style) -> Result<String> {
    let mut p = Printer::new(seen, style);
    p.prefix = true;
    p.query(query, true, Some(columns))?;
    Ok(p.out)
}

/// As [`query`], for the body of a function, whose parameters are columns of a relation with these names.
///
/// # Errors
/// As [`query`].
pub fn body(
    query: &Query,
    columns: &[Name],
    (params, names): (RelId, &[String]),
    seen: &Seen,
    style: Style,
) -> Result<String> {
    let mut p = Printer::new(seen, style);
    p.levels.push(Level::of_columns(("", params), names));
    p.prefix = true;
    // It stands in a block (print_function_sqlbody).
    p.indent = 1;
    // Nobody sees the names of its columns.
    p.query(query, false, Some(columns))?;
    Ok(p.out)
}

/// An expression over the columns of one relation, whose names are given as they are written; its own name stands before them in
/// subqueries.
///
/// # Errors
/// As [`query`].
pub fn expression(expr: &Expr, rel: (&str, RelId), columns: &[String], seen: &Seen, style: Style) -> Result<String> {
    let mut p = Printer::new(seen, style);
    p.levels.push(Level::of_columns(rel, columns));
    p.expr(expr, false)?;
    Ok(p.out)
}

/// Is the expression printed as a call, so that it needs no parentheses around it where an index's key stands?
pub fn looks_like_function(expr: &Expr) -> bool {
    let written_so = matches!(expr.kind, ExprKind::Coalesce(_) | ExprKind::NullIf { .. } | ExprKind::MinMax { .. });
    written_so || expr::is_call(expr)
}

/// PostgreSQL's indentations: of a clause, of a join, of what is in a clause; and where they are made smaller.
const CLAUSE: i32 = 8;
const JOIN: i32 = 4;
const ITEM: i32 = 4;
const DEEP: i32 = 40;

/// What is printed, and where it stands.
struct Printer<'a> {
    seen: &'a Seen,
    style: Style,
    out: String,
    indent: i32,
    /// The query levels around, the innermost last.
    levels: Vec<Level>,
    /// Columns have their relation's name in front.
    prefix: bool,
    /// The names of the columns of the query that is printed can be seen from outside.
    names_visible: bool,
}

impl<'a> Printer<'a> {
    fn new(seen: &'a Seen, style: Style) -> Self {
        Self { seen, style, out: String::new(), indent: 0, levels: Vec::new(), prefix: false, names_visible: true }
    }

    fn push(&mut self, text: &str) {
        self.out.push_str(text);
    }

    fn name(&mut self, name: &str) {
        let quoted = quote(name);
        self.out.push_str(&quoted);
    }

    /// An opening parenthesis that terse text does without.
    fn open(&mut self) {
        if !self.style.terse {
            self.out.push('(');
        }
    }

    fn close(&mut self) {
        if !self.style.terse {
            self.out.push(')');
        }
    }

    /// A keyword on a line of its own, if there are lines (appendContextKeyword): the indentation changes by `before`, then the
    /// line begins `plus` further in, then it changes by `after`.
    fn keyword(&mut self, text: &str, before: i32, after: i32, plus: i32) {
        if !self.style.lines {
            self.out.push_str(text);
            return;
        }
        self.indent += before;
        self.strip();
        self.out.push('\n');
        let depth =
            if self.indent < DEEP { self.indent.max(0) } else { (DEEP + (self.indent - DEEP) / (CLAUSE / 2)) % DEEP };
        self.out.extend(std::iter::repeat_n(' ', usize::try_from(depth + plus).unwrap_or(0)));
        self.out.push_str(text);
        self.indent = (self.indent + after).max(0);
    }

    /// Takes the blanks at the end away.
    fn strip(&mut self) {
        let len = self.out.trim_end_matches(' ').len();
        self.out.truncate(len);
    }

    /// Items one after another, with commas between.
    fn list<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        mut print: impl FnMut(&mut Self, T) -> Result<()>,
    ) -> Result<()> {
        for (i, item) in items.into_iter().enumerate() {
            if i > 0 {
                self.push(", ");
            }
            print(self, item)?;
        }
        Ok(())
    }

    fn type_name(&self, ty: PgType) -> String {
        crate::types::name::format_type(ty, self.seen)
    }

    /// What `step` prints, by itself.
    fn aside(&mut self, step: impl FnOnce(&mut Self) -> Result<()>) -> Result<String> {
        let before = std::mem::take(&mut self.out);
        let result = step(self);
        let printed = std::mem::replace(&mut self.out, before);
        result.map(|()| printed)
    }
}
