//! How large a statement is when everything in it stands where it is read: a chain of WITH queries or views is flat text
//! and deep in meaning, and reading one of them twice in the next doubles it. DuckDB recurses over the whole, and its
//! planner's memory is under no limit; so both measures are taken here, where names become what they mean.

use super::Analyzer;
use crate::error::{Error, Result, SqlState};
use crate::sql::parse;

/// How deep a statement may be with WITH queries and views in the place of their names. What compiles it and what calls
/// DuckDB runs on threads whose stack (`cli::serve`) bears several times as much.
const MAX_HEIGHT: usize = 2_400;

/// Relations beyond which analysis itself stops: views are expanded as they are met. The limit that can be configured
/// (`limits.relations`) is asked for the whole statement.
const MAX_RELATIONS: u64 = 10_000;

/// What a WITH query adds wherever it is read.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Size {
    height: usize,
    relations: u64,
}

impl Analyzer<'_> {
    /// One more relation, at the depth that analysis is at.
    pub(super) fn note_relation(&mut self) -> Result<()> {
        self.note_size(Size { height: 0, relations: 1 })
    }

    /// A WITH query is read: it counts as if its text stood there.
    pub(super) fn note_size(&mut self, size: Size) -> Result<()> {
        self.note_height(self.depth + size.height)?;
        self.relations = self.relations.saturating_add(size.relations);
        if self.relations > MAX_RELATIONS {
            return Err(too_many_relations(MAX_RELATIONS));
        }
        Ok(())
    }

    pub(super) fn note_height(&mut self, height: usize) -> Result<()> {
        self.height = self.height.max(height);
        if self.height > MAX_HEIGHT {
            return Err(parse::too_deep().hint(
                "WITH queries and views count with all that they read; a temporary table in the middle of the chain ends it.",
            ));
        }
        Ok(())
    }

    /// Runs a step and measures what it adds. What it holds is counted where it is read.
    pub(super) fn measured<T>(&mut self, step: impl FnOnce(&mut Self) -> Result<T>) -> Result<(T, Size)> {
        let (height, relations) = (self.height, self.relations);
        self.height = self.depth;
        let done = step(self);
        let size = Size {
            height: self.height.saturating_sub(self.depth) + 1,
            relations: self.relations.saturating_sub(relations),
        };
        self.relations = relations;
        self.height = self.height.max(height);
        Ok((done?, size))
    }
}

/// 54001: more relations than a statement may have.
pub fn too_many_relations(limit: u64) -> Error {
    let message = format!("a statement may have at most {limit} relations, those of views and WITH queries included");
    Error::new(SqlState::STATEMENT_TOO_COMPLEX, message)
        .hint("Split the statement with temporary tables, or raise limits.relations.")
}
