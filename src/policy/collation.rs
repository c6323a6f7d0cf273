//! Text is in the order of its bytes, as by collation "C". A statement that would put text of another collation in order is
//! refused; equality is the same in all of PostgreSQL's deterministic collations.
//!
//! The question is asked of the whole statement: where a value has come from, through functions and subqueries, is not followed.

use super::walk::Found;
use crate::error::{Error, Result};
use crate::registry::{Column, Relation};
use crate::tree::{Ddl, Expr, ExprKind, Statement};
use crate::types::{Oid, oid};

/// Does the collation order text otherwise than by its bytes?
pub fn is_foreign(collation: Oid) -> bool {
    !matches!(
        collation,
        0 | oid::DEFAULT_COLLATION | oid::C_COLLATION | oid::POSIX_COLLATION | oid::UCS_BASIC_COLLATION
    )
}

/// Has the collation cases of letters that are not Unicode's for all languages: the Turkish i, Greek capitals without accents, Dutch IJ?
pub fn has_own_cases(collation: Oid) -> bool {
    const LANGUAGES: [&str; 5] = ["az", "el", "lt", "nl", "tr"];
    let name = if is_foreign(collation) { crate::facts::collation_name(collation).unwrap_or_default() } else { "" };
    LANGUAGES.iter().any(|language| name.strip_prefix(language).is_some_and(|rest| rest.starts_with(['-', '_'])))
}

/// Does the order of such values depend on a collation? Only types that are sure to have none do not.
pub fn sorts(key: &Expr) -> bool {
    if let ExprKind::Collate { collation, .. } = &key.kind {
        return is_foreign(*collation);
    }
    !matches!(
        key.ty.oid,
        oid::BOOL
            | oid::INT2
            | oid::INT4
            | oid::INT8
            | oid::FLOAT4
            | oid::FLOAT8
            | oid::NUMERIC
            | oid::DATE
            | oid::TIME
            | oid::TIMETZ
            | oid::TIMESTAMP
            | oid::TIMESTAMPTZ
            | oid::INTERVAL
            | oid::UUID
            | oid::OID
            | oid::BYTEA
            | oid::NAME
            | oid::JSONB
    )
}

/// Functions that compare text, or what may hold some, by order.
fn compares(function: &str) -> bool {
    const KINDS: [&str; 5] = ["text", "bpchar", "record", "array", "nameeq"];
    const ORDERS: [&str; 9] = ["_lt", "_le", "_gt", "_ge", "_larger", "_smaller", "lt", "le", "gt"];
    let rest = KINDS.iter().find_map(|kind| function.strip_prefix(kind));
    rest.is_some_and(|rest| ORDERS.contains(&rest) || rest == "ge" || rest == "cmp" || rest == "_cmp")
        || matches!(function, "bttextcmp" | "bttextsortsupport" | "btarraycmp" | "btrecordcmp" | "width_bucket")
        || matches!(function, "min" | "max" | "percentile_disc")
}

/// Functions for which a collation says what is a letter, and which is the other case of it.
fn looks_at_letters(function: &str) -> bool {
    matches!(function, "lower" | "upper" | "initcap" | "regexp_match" | "regexp_matches" | "regexp_replace")
        || matches!(function, "regexp_count" | "regexp_instr" | "regexp_like" | "regexp_substr" | "substring")
        || matches!(function, "regexp_split_to_array" | "regexp_split_to_table")
        || ["text", "bpchar", "name"]
            .iter()
            .filter_map(|ty| function.strip_prefix(ty))
            .any(|rest| matches!(rest, "iclike" | "icnlike" | "icregexeq" | "icregexne" | "regexeq" | "regexne"))
}

/// Does the function of these arguments put text in order?
fn orders(function: &crate::facts::Proc) -> bool {
    let counted = function.args.iter().all(|arg| {
        matches!(
            *arg,
            oid::INT2
                | oid::INT4
                | oid::INT8
                | oid::FLOAT4
                | oid::FLOAT8
                | oid::NUMERIC
                | oid::DATE
                | oid::TIMESTAMP
                | oid::TIMESTAMPTZ
                | oid::TIME
                | oid::TIMETZ
                | oid::INTERVAL
                | oid::BOOL
                | oid::UUID
                | oid::OID
        )
    });
    !counted && compares(function.name)
}

fn collated_column(relation: &Relation, read: impl Fn(i16) -> bool) -> Option<&Column> {
    relation.columns.iter().find(|c| is_foreign(c.collation) && read(c.num))
}

/// Refuses what would sort by a collation that we have not.
///
/// # Errors
/// 0A000.
pub fn check(statement: &Statement, found: &Found) -> Result<()> {
    let of_column = found.uses.iter().find_map(|used| {
        let selected = found.selected(used);
        collated_column(&used.def, |num| selected.contains(&num)).map(|c| c.name.clone())
    });
    if !found.collated && of_column.is_none() {
        return Ok(());
    }
    let of_letters = |used: &super::walk::Use| {
        let selected = found.selected(used);
        used.def.columns.iter().any(|c| has_own_cases(c.collation) && selected.contains(&c.num))
    };
    let letters = found.functions.iter().find(|(function, _)| looks_at_letters(function.name));
    if let Some((function, _)) = letters.filter(|_| found.cased || found.uses.iter().any(of_letters)) {
        return Err(Error::unsupported(format!("function {} by another collation than \"C\"", function.name))
            .hint("Use the value COLLATE \"C\" or \"default\"."));
    }
    let ordered = found.sorts || found.functions.iter().any(|(function, _)| orders(function));
    if !ordered && !keeps_computed_text(statement) {
        return Ok(());
    }
    let what = match of_column {
        Some(name) => format!("ordering by the collation of column \"{name}\""),
        None => "ordering by another collation than \"C\"".to_owned(),
    };
    Err(Error::unsupported(what).hint("Order by the value COLLATE \"C\": text is in the order of its bytes here."))
}

/// CREATE TABLE AS gives its columns the collations of what they are made from, which is known of plain columns only.
fn keeps_computed_text(statement: &Statement) -> bool {
    let Statement::Ddl(ddl) = statement else { return false };
    let Ddl::CreateTableAs { query, .. } = &**ddl else { return false };
    query.columns.iter().any(|c| c.origin.0 == 0 && matches!(c.ty.oid, oid::TEXT | oid::VARCHAR | oid::BPCHAR))
}
