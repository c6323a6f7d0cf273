//! Text search: texts taken apart into words, words brought to the form under which they are found, and what is asked of them.

pub mod ask;
pub mod dictionary;
pub mod document;
pub mod headline;
pub mod matching;
pub mod parser;
pub mod query;
pub mod rank;
pub mod rewrite;
pub mod vector;
