//! What a plan has to know of the rows: counts, asked through the same compiler as everybody's statements.

use std::collections::HashMap;

use super::Work;
use crate::registry::Relation;
use crate::registry::expression::quote;
use crate::sql::Plan;
use crate::sql::ddl::pipeline;

/// A question: a query that gives one bigint.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The query in PostgreSQL's SQL: what its answer is kept under.
    pub text: String,
    pub plan: Plan,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Count(i64),
    /// The query failed: some value cannot be converted, say.
    Failed(String),
}

pub type Answers = HashMap<String, Answer>;

impl Work<'_> {
    /// The answer to a query that gives one number; `None` if it has to be asked first.
    pub(super) fn ask(&mut self, text: String) -> Option<Answer> {
        if let Some(answer) = self.answers.get(&text) {
            return Some(answer.clone());
        }
        match pipeline::question(self.planner.cx, &text) {
            Ok(plan) => {
                self.asks.push(Ask { text, plan });
                None
            }
            Err(error) => Some(Answer::Failed(error.report().message.clone())),
        }
    }

    /// How many rows of a table, as it is in the database now, meet a condition.
    pub(super) fn count(&mut self, table: &Relation, condition: &str) -> Option<Answer> {
        // As it is now: what this plan changes in it does not count.
        let Some(now) = self.planner.cx.snapshot.relation_by_oid(table.oid) else { return Some(Answer::Count(0)) };
        let text = format!("SELECT count(*) FROM {} WHERE {condition}", qualified(now));
        self.ask(text)
    }
}

/// The table in PostgreSQL's SQL.
pub(super) fn qualified(table: &Relation) -> String {
    format!("{}.{}", quote(&table.namespace), quote(&table.name))
}
