//! MERGE (transformMergeStmt): the join of source and target, and what is done with each kind of row.

use sqlparser::ast::{self, MergeClauseKind, MergeInsertKind};

use super::scope::{Clause, Scope};
use super::{Analyzer, Expr};
use crate::error::{Error, Result, SqlState};
use crate::registry::RelationKind;
use crate::sql::parse::rewrite::{DEFAULTS, DO_NOTHING};
use crate::tree::{Cte, Insert, InsertSource, Merge, MergeAction, MergeWhen, Relation, Returning, Statement};

type Target = std::sync::Arc<crate::registry::Relation>;

impl Analyzer<'_> {
    pub(crate) fn merge_statement(&mut self, merge: &ast::Merge) -> Result<Statement> {
        self.merge_into(merge, Vec::new()).map(|merge| Statement::Merge(Box::new(merge)))
    }

    pub(crate) fn merge_into(&mut self, merge: &ast::Merge, ctes: Vec<Cte>) -> Result<Merge> {
        self.scopes.push(Scope::default());
        let result = self.merge_in_scope(merge);
        self.scopes.pop();
        result.map(|merge| Merge { ctes, ..merge })
    }

    fn merge_in_scope(&mut self, merge: &ast::Merge) -> Result<Merge> {
        if !merge.into || !merge.optimizer_hints.is_empty() {
            return Err(Error::syntax("syntax error at MERGE"));
        }
        if let Some(ast::OutputClause::Returning { .. } | ast::OutputClause::Output { .. }) = &merge.output {
            return Err(Error::unsupported("MERGE … RETURNING"));
        }
        reachable(&merge.clauses)?;
        self.mergeable(&merge.table)?;
        let plain = |relation: &ast::TableFactor| ast::TableWithJoins { relation: relation.clone(), joins: Vec::new() };
        let (def, target) = self.dml_target(&plain(&merge.table), "merge into")?;
        let mut source = self.range_table(&[plain(&merge.source)]).map_err(|error| match error.code() {
            SqlState::DUPLICATE_ALIAS => {
                let message = format!("name \"{}\" specified more than once", target.alias);
                Error::new(SqlState::DUPLICATE_ALIAS, message)
                    .detail("The name is used both as MERGE target table and data source.")
            }
            _ => error,
        })?;
        let on = self.condition(&merge.on, Clause::JoinOn, "JOIN/ON")?;
        let whens = merge.clauses.iter().map(|clause| self.when(clause, &def, &target)).collect::<Result<_>>()?;
        let source = source.pop().ok_or_else(|| Error::internal("MERGE without a source"))?;
        Ok(Merge { ctes: Vec::new(), target, source, on, whens, rules: None })
    }

    /// The errors that MERGE has of its own for its target.
    fn mergeable(&self, table: &ast::TableFactor) -> Result<()> {
        let ast::TableFactor::Table { name, .. } = table else { return Ok(()) };
        let (namespace, name, _) = self.name_parts(name)?;
        let Some(def) = self.find_relation(namespace.as_deref(), &name)? else { return Ok(()) };
        let what = match def.kind {
            RelationKind::Table | RelationKind::System => return Ok(()),
            RelationKind::View { .. } => "views",
            RelationKind::MaterializedView { .. } => "materialized views",
            RelationKind::Sequence(_) => "sequences",
            RelationKind::Composite => "composite types",
        };
        Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, format!("cannot execute MERGE on relation \"{name}\""))
            .detail(format!("This operation is not supported for {what}.")))
    }

    fn when(&mut self, clause: &ast::MergeClause, def: &Target, target: &Relation) -> Result<MergeWhen> {
        let matched = is_matched(clause.clause_kind)?;
        if matched {
            return self.when_seeing(clause, def, target, matched);
        }
        // There is no row of the target.
        let scope = self.scope();
        let at = scope.items.iter().position(|item| item.rel == Some(target.id));
        let Some(at) = at else { return Err(Error::internal("MERGE's target is not in scope")) };
        let item = scope.items.remove(at);
        scope.hidden.push(item);
        let result = self.when_seeing(clause, def, target, matched);
        let scope = self.scope();
        if let Some(item) = scope.hidden.pop() {
            scope.items.insert(at, item);
        }
        result
    }

    fn when_seeing(
        &mut self,
        clause: &ast::MergeClause,
        def: &Target,
        target: &Relation,
        matched: bool,
    ) -> Result<MergeWhen> {
        let condition: Option<Expr> = match &clause.predicate {
            Some(condition) => Some(self.condition(condition, Clause::MergeWhen, "WHEN")?),
            None => None,
        };
        let action = match &clause.action {
            ast::MergeAction::Delete { .. } => MergeAction::Delete,
            ast::MergeAction::Update(update) => {
                if update.update_predicate.is_some() || update.delete_predicate.is_some() {
                    return Err(Error::syntax("syntax error at or near \"WHERE\""));
                }
                match update.assignments.as_slice() {
                    [only] if is_mark(&only.target, DO_NOTHING) => MergeAction::Nothing,
                    assignments => MergeAction::Update { sets: self.assignments(def, target, assignments)? },
                }
            }
            ast::MergeAction::Insert(insert) => self.merge_insert(insert, def, target)?,
        };
        Ok(MergeWhen { matched, condition, action })
    }

    fn merge_insert(&mut self, insert: &ast::MergeInsertExpr, def: &Target, target: &Relation) -> Result<MergeAction> {
        if insert.insert_predicate.is_some() {
            return Err(Error::syntax("syntax error at or near \"WHERE\""));
        }
        let MergeInsertKind::Values(values) = &insert.kind else {
            return Err(Error::syntax("syntax error at or near \"ROW\""));
        };
        if values.rows.len() != 1 {
            return Err(Error::syntax("syntax error at or near \",\""));
        }
        let overriding = self.overriding(&insert.insert_token);
        let first = insert.columns.first().and_then(|name| name.0.first()).and_then(|part| part.as_ident());
        let (source, named, columns) = match first.map(|ident| ident.value.as_str()) {
            Some(DO_NOTHING) => return Ok(MergeAction::Nothing),
            Some(DEFAULTS) => {
                let (columns, row) = self.fill_row(def, Vec::new(), overriding)?;
                (InsertSource::Values(vec![row]), Vec::new(), columns)
            }
            _ => {
                let listed = self.insert_columns(def, &insert.columns)?;
                self.insert_values(def, listed, values, overriding)?
            }
        };
        if let InsertSource::Values(rows) = &source {
            rows.iter().try_for_each(|row| super::drawn::none_drawn_again("MERGE", def, &columns, row))?;
        }
        Ok(MergeAction::Insert(Box::new(Insert {
            ctes: Vec::new(),
            recursive: false,
            target: target.clone(),
            columns,
            named,
            source,
            on_conflict: None,
            excluded: None,
            xmax: None,
            returning: Returning::default(),
            overriding,
            rules: None,
            through: None,
        })))
    }
}

fn is_mark(target: &ast::AssignmentTarget, mark: &str) -> bool {
    let ast::AssignmentTarget::ColumnName(name) = target else { return false };
    matches!(name.0.as_slice(), [part] if part.as_ident().is_some_and(|ident| ident.value == mark))
}

fn is_matched(kind: MergeClauseKind) -> Result<bool> {
    match kind {
        MergeClauseKind::Matched => Ok(true),
        MergeClauseKind::NotMatched | MergeClauseKind::NotMatchedByTarget => Ok(false),
        MergeClauseKind::NotMatchedBySource => Err(Error::unsupported("WHEN NOT MATCHED BY SOURCE")),
    }
}

/// Behind a WHEN without a condition there is no other of its kind.
fn reachable(clauses: &[ast::MergeClause]) -> Result<()> {
    let mut unconditional = [false; 2];
    for clause in clauses {
        let matched = is_matched(clause.clause_kind)?;
        let seen = &mut unconditional[usize::from(matched)];
        if *seen {
            return Err(Error::syntax("unreachable WHEN clause specified after unconditional WHEN clause"));
        }
        *seen = clause.predicate.is_none();
    }
    Ok(())
}
