//! SEARCH and CYCLE of recursive WITH queries (rewriteSearchAndCycle): columns that both terms compute besides their own.
//!
//! `… CYCLE f, t SET m USING p` → the first term gets `false AS m, ARRAY[ROW(f, t)] AS p`, the second
//! `CASE WHEN ROW(f, t) = ANY(p) THEN true ELSE false END AS m, array_append(p, ROW(f, t)) AS p … WHERE m <> true`

use sqlparser::ast::{self, SetExpr, TableFactor};

use super::Analyzer;
use crate::error::{Error, Result, SqlState};
use crate::registry::Name;
use crate::sql::parse::rewrite::{CteClauses, MARK};
use crate::sql::parse::{self, fold};

/// The two terms with what the clauses add, and the names of the columns added.
pub(crate) struct Extended {
    pub left: SetExpr,
    pub right: SetExpr,
    pub names: Vec<Name>,
}

impl Analyzer<'_> {
    /// `columns` are the query's own.
    pub(crate) fn search_and_cycle(
        &mut self,
        name: &str,
        columns: &[Name],
        clauses: &CteClauses,
        (left, right): (&SetExpr, &SetExpr),
    ) -> Result<Extended> {
        self.check_clauses(columns, clauses)?;
        let unsupported = |what: String| Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, what));
        if matches!(left, SetExpr::SetOperation { .. }) {
            return unsupported("with a SEARCH or CYCLE clause, the left side of the UNION must be a SELECT".into());
        }
        let SetExpr::Select(select) = right else {
            if matches!(right, SetExpr::Query(_)) {
                return unsupported(top_level(name));
            }
            return unsupported("with a SEARCH or CYCLE clause, the right side of the UNION must be a SELECT".into());
        };
        let Some(alias) = self_reference(&select.from, name) else { return unsupported(top_level(name)) };
        let mut names: Vec<Name> = Vec::new();
        let (mut first, mut next, mut stop) = (Vec::new(), Vec::new(), String::new());
        if let Some(search) = &clauses.search {
            let by = list(search.columns.iter().map(|(name, _)| name));
            let sequence = quoted(&search.sequence);
            if search.breadth {
                first.push(format!("ROW(CAST(0 AS bigint), {by}) AS {sequence}"));
                next.push(format!("ROW(({sequence}).f1 + 1, {by}) AS {sequence}"));
            } else {
                first.push(format!("ARRAY[ROW({by})] AS {sequence}"));
                next.push(format!("array_append({sequence}, ROW({by})) AS {sequence}"));
            }
            names.push(search.sequence.clone());
        }
        if let Some(cycle) = &clauses.cycle {
            let by = list(cycle.columns.iter().map(|(name, _)| name));
            let (mark, path) = (quoted(&cycle.mark), quoted(&cycle.path));
            let (value, default) = match &cycle.values {
                Some(values) => (parse::printed(&values.0), parse::printed(&values.1)),
                None => ("true".to_owned(), "false".to_owned()),
            };
            first.push(format!("{default} AS {mark}, ARRAY[ROW({by})] AS {path}"));
            next.push(format!(
                "CASE WHEN ROW({by}) = ANY({path}) THEN {value} ELSE {default} END AS {mark}, \
                 array_append({path}, ROW({by})) AS {path}"
            ));
            stop = format!(" WHERE {mark} <> {value}");
            names.extend([cycle.mark.clone(), cycle.path.clone()]);
        }
        let own = list(columns.iter());
        let all = list(columns.iter().chain(&names));
        let mut inner = (**select).clone();
        for name in &names {
            let column = vec![quoted_ident(&alias), quoted_ident(name)];
            inner.projection.push(ast::SelectItem::UnnamedExpr(ast::Expr::CompoundIdentifier(column)));
        }
        let left_text = format!("SELECT {own}, {} FROM (SELECT) AS left_term ({own})", first.join(", "));
        let right_text = format!("SELECT {own}, {} FROM (SELECT) AS right_term ({all}){stop}", next.join(", "));
        Ok(Extended {
            left: around(&left_text, left.clone())?,
            right: around(&right_text, SetExpr::Select(Box::new(inner)))?,
            names,
        })
    }

    /// What analyzeCTE refuses.
    fn check_clauses(&mut self, columns: &[Name], clauses: &CteClauses) -> Result<()> {
        let used = |what: &str, name: &Name, pos: u32| match columns.contains(name) {
            true => {
                Err(Error::syntax(format!("{what} column name \"{name}\" already used in WITH query column list"))
                    .at(pos))
            }
            false => Ok(()),
        };
        if let Some(search) = &clauses.search {
            check_columns("search", &search.columns, columns, search.pos)?;
            used("search sequence", &search.sequence, search.pos)?;
        }
        let Some(cycle) = &clauses.cycle else { return Ok(()) };
        check_columns("cycle", &cycle.columns, columns, cycle.pos)?;
        if let Some(values) = &cycle.values {
            let pair = vec![self.expr(&values.0)?, self.expr(&values.1)?];
            let (_, ty) = self.unify(pair, "CYCLE")?;
            self.check_groupable(ty.oid, 0)?;
        }
        used("cycle mark", &cycle.mark, cycle.pos)?;
        used("cycle path", &cycle.path, cycle.pos)?;
        let same = |a: &str, b: &str| {
            Err(Error::syntax(format!("{a} column name and {b} column name are the same")).at(cycle.pos))
        };
        if cycle.mark == cycle.path {
            return same("cycle mark", "cycle path");
        }
        if let Some(search) = &clauses.search {
            if search.sequence == cycle.mark {
                return same("search sequence", "cycle mark");
            }
            if search.sequence == cycle.path {
                return same("search sequence", "cycle path");
            }
        }
        Ok(())
    }
}

fn check_columns(what: &str, given: &[(Name, u32)], columns: &[Name], pos: u32) -> Result<()> {
    for (i, (name, _)) in given.iter().enumerate() {
        if !columns.contains(name) {
            return Err(Error::syntax(format!("{what} column \"{name}\" not in WITH query column list")).at(pos));
        }
        if given[..i].iter().any(|(n, _)| n == name) {
            let message = format!("{what} column \"{name}\" specified more than once");
            return Err(Error::new(SqlState::DUPLICATE_COLUMN, message).at(pos));
        }
    }
    Ok(())
}

fn top_level(name: &str) -> String {
    format!(
        "with a SEARCH or CYCLE clause, the recursive reference to WITH query \"{name}\" must be at the top level of its right-hand SELECT"
    )
}

/// The name by which a FROM list reads the query.
fn self_reference(from: &[ast::TableWithJoins], name: &str) -> Option<Name> {
    fn of_factor(factor: &TableFactor, name: &str) -> Option<Name> {
        match factor {
            TableFactor::Table { name: table, alias, args: None, .. } => {
                let [part] = table.0.as_slice() else { return None };
                let own = fold(part.as_ident()?);
                (&*own == name).then(|| alias.as_ref().map_or(own, |a| fold(&a.name)))
            }
            TableFactor::NestedJoin { table_with_joins, .. } => of_joins(table_with_joins, name),
            _ => None,
        }
    }
    fn of_joins(table: &ast::TableWithJoins, name: &str) -> Option<Name> {
        let joined = table.joins.iter().map(|j| &j.relation);
        std::iter::once(&table.relation).chain(joined).find_map(|f| of_factor(f, name))
    }
    from.iter().find_map(|t| of_joins(t, name))
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn quoted_ident(name: &str) -> ast::Ident {
    ast::Ident::with_quote('"', name)
}

fn list<'n>(names: impl Iterator<Item = &'n Name>) -> String {
    names.map(|n| quoted(n)).collect::<Vec<_>>().join(", ")
}

/// A select that we wrote, around a client's query in the place of its `(SELECT)`.
fn around(text: &str, inside: SetExpr) -> Result<SetExpr> {
    debug_assert!(!text.contains(MARK));
    let internal = || Error::internal("a term of a recursive query is no select");
    let parsed = parse::parse(text)?;
    let body = parsed.first().map(|p| &*p.body);
    let Some(parse::Body::Statement(statement)) = body else { return Err(internal()) };
    let ast::Statement::Query(query) = &**statement else { return Err(internal()) };
    let mut body = (*query.body).clone();
    let SetExpr::Select(select) = &mut body else { return Err(internal()) };
    let factor = select.from.first_mut().map(|t| &mut t.relation);
    let Some(TableFactor::Derived { subquery, .. }) = factor else { return Err(internal()) };
    **subquery = super::cte::as_query(&inside);
    Ok(body)
}
