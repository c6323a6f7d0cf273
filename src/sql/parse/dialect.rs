//! Our sqlparser dialect: PostgreSQL's, plus DuckDB's additions that do not contradict it.

use std::any::TypeId;
use std::collections::HashSet;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use sqlparser::ast::Expr;
use sqlparser::dialect::{Dialect, PostgreSqlDialect, Precedence};
use sqlparser::keywords::{ALL_KEYWORDS, ALL_KEYWORDS_INDEX, Keyword};
use sqlparser::parser::{Parser, ParserError};

use crate::facts;

/// Passes for PostgreSQL's dialect inside sqlparser, so that its special cases for PostgreSQL apply.
///
/// sqlparser tries some productions and reads the same tokens again when they fail: nested, that doubles with each level.
/// So an expression's beginnings are counted, and there is an end to them.
#[derive(Debug, Default)]
pub struct DuckgateDialect {
    left: AtomicUsize,
}

/// How often a token may be read as the beginning of an expression, on the average of a statement, and how many there are
/// for the shortest one.
const BEGINNINGS: usize = 16;
const BEGINNINGS_AT_LEAST: usize = 20_000;

impl DuckgateDialect {
    /// For parsing so many tokens.
    pub fn for_tokens(tokens: usize) -> Self {
        Self { left: AtomicUsize::new(tokens.saturating_mul(BEGINNINGS).max(BEGINNINGS_AT_LEAST)) }
    }

    /// One more expression begins.
    fn begin(&self) -> Result<(), ParserError> {
        let one_less = |left: usize| left.checked_sub(1);
        match self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less) {
            Ok(_) => Ok(()),
            Err(_) => Err(ParserError::RecursionLimitExceeded),
        }
    }
}

/// Words that name a column only behind AS.
static AS_LABELS: LazyLock<HashSet<Keyword>> = LazyLock::new(|| {
    let words = ALL_KEYWORDS.iter().zip(ALL_KEYWORDS_INDEX);
    let as_only = |word: &str| facts::KEYWORDS.get(word.to_ascii_lowercase().as_str()).is_some_and(|k| !k.bare_label);
    words.filter(|(word, _)| as_only(word)).map(|(_, keyword)| *keyword).collect()
});

/// Words that name no table (ColId leaves them out): reserved ones, and those that may be types or functions.
static NO_TABLE_NAMES: LazyLock<HashSet<Keyword>> = LazyLock::new(|| {
    let words = ALL_KEYWORDS.iter().zip(ALL_KEYWORDS_INDEX);
    let reserved = |word: &str| {
        let keyword = facts::KEYWORDS.get(word.to_ascii_lowercase().as_str());
        keyword.is_some_and(|k| matches!(k.category, b'R' | b'T'))
    };
    words.filter(|(word, _)| reserved(word)).map(|(_, keyword)| *keyword).collect()
});

const PG: PostgreSqlDialect = PostgreSqlDialect {};

impl Dialect for DuckgateDialect {
    fn dialect(&self) -> TypeId {
        TypeId::of::<PostgreSqlDialect>()
    }

    fn identifier_quote_style(&self, _identifier: &str) -> Option<char> {
        Some('"')
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        ch == '"'
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        ch.is_ascii_alphabetic() || ch == '_' || !ch.is_ascii()
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        ch.is_ascii_alphanumeric() || ch == '$' || ch == '_' || !ch.is_ascii()
    }

    /// `{'a': 1}`, as options of `read_csv()` have it; everywhere else analysis calls it a syntax error.
    fn supports_dictionary_syntax(&self) -> bool {
        true
    }

    fn supports_unicode_string_literal(&self) -> bool {
        true
    }

    fn is_reserved_for_identifier(&self, kw: Keyword) -> bool {
        PG.is_reserved_for_identifier(kw)
    }

    fn is_custom_operator_part(&self, ch: char) -> bool {
        PG.is_custom_operator_part(ch)
    }

    fn get_next_precedence(&self, parser: &Parser) -> Option<Result<u8, ParserError>> {
        super::hooks::precedence(parser).or_else(|| PG.get_next_precedence(parser))
    }

    fn parse_infix(&self, parser: &mut Parser, left: &Expr, _precedence: u8) -> Option<Result<Expr, ParserError>> {
        super::hooks::infix(parser, left)
    }

    fn prec_value(&self, prec: Precedence) -> u8 {
        PG.prec_value(prec)
    }

    fn parse_prefix(&self, parser: &mut Parser) -> Option<Result<Expr, ParserError>> {
        if let Err(error) = self.begin() {
            return Some(Err(error));
        }
        super::hooks::prefix(parser)
    }

    fn supports_string_literal_concatenation_with_newline(&self) -> bool {
        true
    }

    fn supports_filter_during_aggregation(&self) -> bool {
        true
    }

    fn supports_within_after_array_aggregation(&self) -> bool {
        true
    }

    fn supports_group_by_expr(&self) -> bool {
        true
    }

    fn allow_extract_custom(&self) -> bool {
        true
    }

    fn allow_extract_single_quotes(&self) -> bool {
        true
    }

    fn supports_create_index_with_clause(&self) -> bool {
        true
    }

    fn supports_explain_with_utility_options(&self) -> bool {
        true
    }

    fn supports_bitwise_shift_operators(&self) -> bool {
        true
    }

    fn supports_comment_on(&self) -> bool {
        true
    }

    fn supports_named_fn_args_with_assignment_operator(&self) -> bool {
        true
    }

    fn supports_empty_projections(&self) -> bool {
        true
    }

    fn supports_nested_comments(&self) -> bool {
        true
    }

    fn supports_string_escape_constant(&self) -> bool {
        true
    }

    fn supports_array_typedef_with_brackets(&self) -> bool {
        true
    }

    fn supports_geometric_types(&self) -> bool {
        true
    }

    fn supports_alter_column_type_using(&self) -> bool {
        true
    }

    fn supports_notnull_operator(&self) -> bool {
        true
    }

    fn supports_interval_options(&self) -> bool {
        true
    }

    fn supports_insert_table_alias(&self) -> bool {
        true
    }

    fn supports_create_table_like_parenthesized(&self) -> bool {
        true
    }

    fn supports_comma_separated_trim(&self) -> bool {
        true
    }

    /// A name without AS is no word of those that PostgreSQL wants AS before: `SELECT 1 ON CONFLICT …`.
    fn is_select_item_alias(&self, explicit: bool, kw: &Keyword, parser: &mut Parser) -> bool {
        explicit || self.is_column_alias(kw, parser) && !AS_LABELS.contains(kw)
    }

    /// `FROM a CASE` and `FROM a AS case` are no aliases.
    fn is_table_factor_alias(&self, explicit: bool, kw: &Keyword, parser: &mut Parser) -> bool {
        (explicit || self.is_table_alias(kw, parser)) && !NO_TABLE_NAMES.contains(kw)
    }

    fn supports_window_clause_named_window_reference(&self) -> bool {
        false
    }
}
