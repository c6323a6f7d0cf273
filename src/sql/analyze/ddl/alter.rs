//! ALTER TABLE.

use std::sync::Arc;

use sqlparser::ast::{self, AlterColumnOperation, AlterTableOperation, RenameTableNameKind};

use super::super::Analyzer;
use super::super::check::walk;
use super::super::stored::{self, Stored, assigned_expression, rel_columns};
use super::{new_sequence, sequence_change};
use crate::error::{Error, Result, SqlState};
use crate::registry::{Name, Relation, build};
use crate::sql::parse;
use crate::tree::{
    AlterTable, Ddl, DropBehavior, ExprKind, NewConstraint, NewConstraintKind, ObjectKind, RelColumn, RelId,
    SwitchRowSecurity,
};
use crate::types::oid;

impl Analyzer<'_> {
    pub(super) fn alter_table(&mut self, alter: &ast::AlterTable) -> Result<Ddl> {
        let ast::AlterTable { name, if_exists, only, operations, location, on_cluster, table_type, end_token: _ } =
            alter;
        if location.is_some() || on_cluster.is_some() || table_type.is_some() {
            return Err(Error::syntax("syntax error in ALTER TABLE"));
        }
        let name = self.qualified(name)?;
        let relation = self.find_relation(name.namespace.as_deref(), &name.name)?;
        let written = name;
        let (namespace, name) = self.existing_or_skipped(&written, *if_exists)?;
        if relation.is_none() && !*if_exists && self.ctx.snapshot.index(&namespace, &name).is_none() {
            return Err(self.no_relation(written.namespace.as_deref(), &name, 0));
        }
        if let Some(relation) = relation.as_ref().filter(|r| r.is_partitioned() && self.parsed.extras.no_inherit) {
            return Err(super::partition::check_without_heirs(&relation.name));
        }
        // Renaming is a statement of its own.
        let renames = |o: &AlterTableOperation| {
            use AlterTableOperation as O;
            matches!(o, O::RenameColumn { .. } | O::RenameTable { .. } | O::RenameConstraint { .. })
        };
        if operations.len() > 1 && operations.iter().any(renames) {
            let mut tokens = self.parsed.tokens.iter();
            return Err(self
                .parsed
                .source
                .syntax_error(tokens.rfind(|token| crate::sql::parse::is(Some(*token), "rename"))));
        }
        let mut actions = Vec::new();
        let mut in_passes: Vec<&AlterTableOperation> = operations.iter().collect();
        in_passes.sort_by_key(|operation| pass(operation));
        let retyped = relation.as_ref().map(|relation| self.retyped(relation, operations)).transpose()?;
        for operation in in_passes {
            if let Some(relation) = &relation {
                self.type_may_change(relation, operation, operations)?;
            }
            // A change of type is about the values as they are; all else, about what they will be.
            let relation = if pass(operation) == Pass::Type { relation.as_deref() } else { retyped.as_deref() };
            self.alter_operation(&mut actions, relation, operation)?;
        }
        let only = *only && relation.as_ref().is_some_and(|r| !self.ctx.snapshot.partitions(r.oid).is_empty());
        if let Some(relation) = relation.filter(|_| only)
            && let Some(error) = actions.iter().find_map(|action| only_refused(&relation, action))
        {
            return Err(error);
        }
        Ok(Ddl::AlterTable { kind: ObjectKind::Table, namespace, name, actions, if_exists: *if_exists, only })
    }

    /// The table with the types that its columns get.
    fn retyped(&self, relation: &Arc<Relation>, operations: &[AlterTableOperation]) -> Result<Arc<Relation>> {
        let mut retyped = Arc::clone(relation);
        for operation in operations {
            if let AlterTableOperation::AlterColumn { column_name, op } = operation
                && let AlterColumnOperation::SetDataType { data_type, .. } = op
            {
                let (name, ty) = (parse::fold(column_name), self.column_type(data_type)?);
                let columns = Arc::make_mut(&mut retyped).columns.iter_mut();
                columns.filter(|column| column.name == name).for_each(|column| column.ty = ty);
            }
        }
        Ok(retyped)
    }

    fn alter_operation(
        &mut self,
        actions: &mut Vec<AlterTable>,
        relation: Option<&Relation>,
        operation: &AlterTableOperation,
    ) -> Result<()> {
        let action = match operation {
            AlterTableOperation::AddConstraint {
                constraint:
                    constraint @ (ast::TableConstraint::PrimaryKeyUsingIndex(given)
                    | ast::TableConstraint::UniqueUsingIndex(given)),
                not_valid: _,
            } => {
                let primary = matches!(constraint, ast::TableConstraint::PrimaryKeyUsingIndex(_));
                let relation = relation.ok_or_else(|| Error::unsupported("ADD CONSTRAINT USING INDEX IF EXISTS"))?;
                let (index, constraint) = self.key_using_index(relation, given, primary)?;
                let to = constraint.name.clone().unwrap_or_else(|| index.clone());
                actions.push(AlterTable::TakeIndex { name: index, to });
                AlterTable::AddConstraint(constraint)
            }
            AlterTableOperation::AddConstraint { constraint, not_valid } => {
                let mut constraint = self.table_constraint(constraint)?;
                constraint.not_valid = *not_valid;
                if *not_valid
                    && matches!(
                        constraint.kind,
                        NewConstraintKind::PrimaryKey { .. }
                            | NewConstraintKind::Unique { .. }
                            | NewConstraintKind::Exclusion(_)
                    )
                {
                    let what = match constraint.kind {
                        NewConstraintKind::PrimaryKey { .. } => "PRIMARY KEY",
                        NewConstraintKind::Exclusion(_) => "EXCLUDE",
                        _ => "UNIQUE",
                    };
                    let message = format!("{what} constraints cannot be marked NOT VALID");
                    return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
                }
                self.check_on(relation, &mut constraint, actions)?;
                AlterTable::AddConstraint(constraint)
            }
            AlterTableOperation::AddColumn { column_keyword: _, if_not_exists, column_def, column_position } => {
                if column_position.is_some() {
                    return Err(Error::syntax("syntax error in ADD COLUMN"));
                }
                let (mut column, mut constraints) = self.column(column_def)?;
                if *if_not_exists && relation.is_some_and(|r| r.column(&column.name).is_some()) {
                    // Skipped as a whole.
                    let constraints = Vec::new();
                    actions.push(AlterTable::AddColumn { column, constraints, if_not_exists: true });
                    return Ok(());
                }
                let mut scope = scope_of(relation, actions);
                scope.extend(rel_columns(std::slice::from_ref(&column)));
                build::check_number_of_columns(scope.len())?;
                let table = relation.map_or("", |r| &r.name);
                let (name, ty) = (column.name.clone(), column.ty);
                stored::check_default((&name, ty), &mut column.default, self.ctx)?;
                for constraint in &mut constraints {
                    stored::check_constraint(table, constraint, &scope, self.ctx)?;
                }
                let made = |wanted: &str| {
                    let before = relation.is_some_and(|r| r.column(wanted).is_some_and(|c| c.generated.is_some()));
                    let with_it = actions.iter().any(
                        |a| matches!(a, AlterTable::AddColumn { column: c, .. } if *c.name == *wanted && c.generated.is_some()),
                    );
                    before || with_it || *name == *wanted
                };
                let place = (&*scope, &made as &dyn Fn(&str) -> bool);
                stored::check_generated(table, (&name, ty), &mut column.generated, place, self.ctx)?;
                AlterTable::AddColumn { column, constraints, if_not_exists: *if_not_exists }
            }
            AlterTableOperation::DropColumn { has_column_keyword: _, column_names, if_exists, drop_behavior } => {
                for name in column_names {
                    let (name, behavior) = (parse::fold(name), behavior(*drop_behavior));
                    actions.push(AlterTable::DropColumn { name, if_exists: *if_exists, behavior });
                }
                return Ok(());
            }
            AlterTableOperation::DropConstraint { if_exists, name, drop_behavior } => AlterTable::DropConstraint {
                name: parse::fold(name),
                if_exists: *if_exists,
                behavior: behavior(*drop_behavior),
            },
            AlterTableOperation::RenameColumn { old_column_name, new_column_name } => {
                AlterTable::RenameColumn { from: parse::fold(old_column_name), to: parse::fold(new_column_name) }
            }
            AlterTableOperation::RenameTable { table_name } => match table_name {
                RenameTableNameKind::To(name) => AlterTable::RenameTable { to: self.single(name)? },
                RenameTableNameKind::As(_) => return Err(Error::syntax("syntax error at or near \"AS\"")),
            },
            AlterTableOperation::RenameConstraint { old_name, new_name } => {
                AlterTable::RenameConstraint { from: parse::fold(old_name), to: parse::fold(new_name) }
            }
            AlterTableOperation::AlterColumn { column_name, op } => {
                self.alter_column(relation, parse::fold(column_name), op)?
            }
            AlterTableOperation::OwnerTo { new_owner } => AlterTable::SetOwner { to: self.owner(new_owner) },
            AlterTableOperation::ValidateConstraint { name } => {
                AlterTable::ValidateConstraint { name: parse::fold(name) }
            }
            AlterTableOperation::EnableTrigger { name } => triggers(name, true, relation)?,
            AlterTableOperation::DisableTrigger { name } => triggers(name, false, relation)?,
            AlterTableOperation::EnableAlwaysTrigger { name } | AlterTableOperation::EnableReplicaTrigger { name } => {
                return Err(no_trigger(name, relation));
            }
            AlterTableOperation::EnableRowLevelSecurity => AlterTable::RowSecurity(SwitchRowSecurity::Enable),
            AlterTableOperation::DisableRowLevelSecurity => AlterTable::RowSecurity(SwitchRowSecurity::Disable),
            AlterTableOperation::ForceRowLevelSecurity => AlterTable::RowSecurity(SwitchRowSecurity::Force),
            AlterTableOperation::NoForceRowLevelSecurity => AlterTable::RowSecurity(SwitchRowSecurity::NoForce),
            other => {
                return Err(Error::unsupported(format!("ALTER TABLE … {other}")));
            }
        };
        actions.push(action);
        Ok(())
    }

    fn alter_column(
        &mut self,
        relation: Option<&Relation>,
        column: Name,
        operation: &AlterColumnOperation,
    ) -> Result<AlterTable> {
        let found = relation.and_then(|r| r.column(&column));
        Ok(match operation {
            AlterColumnOperation::SetNotNull => AlterTable::SetNotNull { column, not_null: true },
            AlterColumnOperation::DropNotNull => AlterTable::SetNotNull { column, not_null: false },
            AlterColumnOperation::DropDefault => AlterTable::SetDefault { column, default: None },
            AlterColumnOperation::SetDefault { value } => {
                let mut default = Some(parse::printed(value));
                if let Some(found) = found {
                    stored::check_default((&column, found.ty), &mut default, self.ctx)?;
                }
                AlterTable::SetDefault { column, default }
            }
            AlterColumnOperation::SetDataType { data_type, using, had_set: _ } => {
                let ty = self.column_type(data_type)?;
                let using = match (using, relation) {
                    (None, Some(relation)) => {
                        self.convertible(relation, &column, ty)?;
                        None
                    }
                    (None, None) | (Some(_), None) => None,
                    (Some(using), Some(relation)) => {
                        let scope = scope_of(Some(relation), &[]);
                        let text = parse::printed(using);
                        let place = (&*relation.name, RelId(0));
                        let expr =
                            assigned_expression(&text, Stored::Transform, place, &scope, (&column, ty), self.ctx)?;
                        Some((text, Box::new(expr)))
                    }
                };
                let mut collation = 0;
                let written = self.parsed.extras.type_collations.iter().find(|(name, _)| *name == column);
                if let Some((_, parts)) = written {
                    let parts = parts.iter().map(|part| ast::Ident::with_quote('"', &**part)).collect::<Vec<_>>();
                    collation = self.collation(&parts.into(), 0)?;
                    self.collatable(ty)?;
                    collation = if collation == oid::DEFAULT_COLLATION { 0 } else { collation };
                }
                AlterTable::SetType { column, ty, using, collation }
            }
            AlterColumnOperation::AddGenerated { generated_as, sequence_options } => {
                let always = !matches!(generated_as, Some(ast::GeneratedAs::ByDefault));
                let sequence = relation.map(|relation| self.named_sequence(relation)).transpose()?.flatten();
                let options = match (sequence_options, found) {
                    // Also without options: only schema files change an identity that there is.
                    (options, Some(found)) => {
                        let options = sequence_change(options.as_deref().unwrap_or_default())?;
                        Some(new_sequence(found.ty, &options)?)
                    }
                    (_, None) => None,
                };
                AlterTable::SetIdentity { column, always: Some(always), options, sequence, if_exists: false }
            }
        })
    }

    /// A change of type: what there is of the column must be able to follow (ATExecAlterColumnType).
    fn type_may_change(
        &self,
        relation: &Relation,
        operation: &AlterTableOperation,
        all: &[AlterTableOperation],
    ) -> Result<()> {
        let AlterTableOperation::AlterColumn { column_name, op } = operation else { return Ok(()) };
        let AlterColumnOperation::SetDataType { data_type, using, had_set: _ } = op else { return Ok(()) };
        let name = parse::fold(column_name);
        let Some(column) = relation.column(&name) else { return Ok(()) };
        if let Some(by) = self.generated_from(relation, &name) {
            let message = "cannot alter type of a column used by a generated column";
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message)
                .detail(format!("Column \"{name}\" is used by generated column \"{by}\".")));
        }
        // Defaults are dropped before types change.
        let dropped = all.iter().any(|other| {
            matches!(other, AlterTableOperation::AlterColumn { column_name, op: AlterColumnOperation::DropDefault }
                if parse::fold(column_name) == name)
        });
        let ty = self.column_type(data_type)?;
        if column.default.is_some() && using.is_some() && !dropped && self.convertible(relation, &name, ty).is_err() {
            let ty = crate::types::name::format_type(ty, &*self.ctx.snapshot);
            let message = format!("default for column \"{name}\" cannot be cast automatically to type {ty}");
            return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
        }
        Ok(())
    }

    /// The first generated column whose expression reads this one.
    fn generated_from(&self, relation: &Relation, column: &str) -> Option<Name> {
        let scope = scope_of(Some(relation), &[]);
        let at = scope.iter().position(|c| *c.name == *column)?;
        relation.columns.iter().find_map(|other| {
            let text = other.generated.as_deref()?;
            let place = (&*relation.name, RelId(0));
            let made =
                assigned_expression(text, Stored::Generated, place, &scope, (&other.name, other.ty), self.ctx).ok()?;
            let mut reads = false;
            let _ = walk(&made, 0, &mut |e, _| {
                reads |= matches!(&e.kind, ExprKind::Column { rel: RelId(0), column } if usize::from(*column) == at);
                Ok(!reads)
            });
            reads.then(|| other.name.clone())
        })
    }

    /// SEQUENCE NAME: what the column's sequence is to be called. It is beside its table.
    fn named_sequence(&self, relation: &Relation) -> Result<Option<Name>> {
        let Some((namespace, name)) = &self.parsed.extras.identity_sequence else { return Ok(None) };
        if namespace.as_ref().is_some_and(|n| *n != relation.namespace) {
            return Err(Error::unsupported("SEQUENCE NAME in another schema than the table's"));
        }
        if self.ctx.snapshot.relation_name_taken(&relation.namespace, name) {
            return Err(Error::new(SqlState::DUPLICATE_TABLE, format!("relation \"{name}\" already exists")));
        }
        Ok(Some(name.clone()))
    }

    /// Without USING there must be a cast by assignment.
    fn convertible(&self, relation: &Relation, column: &str, ty: crate::types::PgType) -> Result<()> {
        let Some(found) = relation.column(column) else { return Ok(()) };
        let scope = scope_of(Some(relation), &[]);
        let text = crate::registry::expression::quote(&found.name);
        let checked =
            assigned_expression(&text, Stored::Transform, (&relation.name, RelId(0)), &scope, (column, ty), self.ctx);
        if checked.is_ok() {
            return Ok(());
        }
        let name = crate::types::name::format_type(ty, &*self.ctx.snapshot);
        let message = format!("column \"{column}\" cannot be cast automatically to type {name}");
        Err(Error::new(SqlState::DATATYPE_MISMATCH, message)
            .hint(format!("You might need to specify \"USING {column}::{name}\".")))
    }

    /// A check constraint may name the table's columns and those that the same statement adds.
    fn check_on(
        &self,
        relation: Option<&Relation>,
        constraint: &mut NewConstraint,
        actions: &[AlterTable],
    ) -> Result<()> {
        let scope = scope_of(relation, actions);
        if relation.is_none() {
            return Ok(());
        }
        stored::check_constraint(relation.map_or("", |r| &r.name), constraint, &scope, self.ctx)
    }
}

/// In which order several actions are done, however they are written (tablecmds.c's AlterTablePass).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Pass {
    Drop,
    Type,
    AddColumn,
    Attributes,
    Check,
    Key,
    /// Defaults, foreign keys, identities.
    Others,
    Last,
}

fn pass(operation: &AlterTableOperation) -> Pass {
    use AlterTableOperation as Op;
    match operation {
        Op::DropColumn { .. } | Op::DropConstraint { .. } => Pass::Drop,
        Op::AddColumn { .. } => Pass::AddColumn,
        Op::AlterColumn { op, .. } => match op {
            AlterColumnOperation::DropNotNull | AlterColumnOperation::DropDefault => Pass::Drop,
            AlterColumnOperation::SetDataType { .. } => Pass::Type,
            AlterColumnOperation::SetNotNull => Pass::Attributes,
            AlterColumnOperation::SetDefault { .. } | AlterColumnOperation::AddGenerated { .. } => Pass::Others,
        },
        Op::AddConstraint { constraint, .. } => match constraint {
            ast::TableConstraint::Check(_) => Pass::Check,
            ast::TableConstraint::ForeignKey(_) => Pass::Others,
            _ => Pass::Key,
        },
        _ => Pass::Last,
    }
}

fn scope_of(relation: Option<&Relation>, actions: &[AlterTable]) -> Vec<RelColumn> {
    let columns = relation.map(|r| r.columns.as_slice()).unwrap_or_default();
    let mut scope: Vec<RelColumn> =
        columns.iter().map(|c| RelColumn { name: c.name.clone(), ty: c.ty, attnum: c.num }).collect();
    for action in actions {
        if let AlterTable::AddColumn { column, .. } = action {
            scope.extend(rel_columns(std::slice::from_ref(column)));
        }
    }
    scope
}

fn behavior(behavior: Option<ast::DropBehavior>) -> DropBehavior {
    match behavior {
        Some(ast::DropBehavior::Cascade) => DropBehavior::Cascade,
        Some(ast::DropBehavior::Restrict) | None => DropBehavior::Restrict,
    }
}

/// ALTER TABLE ONLY of a table that has partitions: they would not be as it is.
pub(super) fn only_refused(table: &Relation, action: &AlterTable) -> Option<Error> {
    let definition = |message: String| Some(Error::new(SqlState::INVALID_TABLE_DEFINITION, message));
    let is_key = |name: &str| table.indexes.iter().any(|i| i.of_constraint && *i.name == *name);
    match action {
        AlterTable::AddColumn { .. } => definition("column must be added to child tables too".into()),
        AlterTable::DropColumn { .. } => {
            definition("cannot drop column from only the partitioned table when partitions exist".into())
                .map(|e| e.hint("Do not specify the ONLY keyword."))
        }
        AlterTable::RenameColumn { from, to: _ } => {
            definition(format!("inherited column \"{from}\" must be renamed in child tables too"))
        }
        AlterTable::SetType { column, .. } => {
            definition(format!("type of inherited column \"{column}\" must be changed in child tables too"))
        }
        AlterTable::DropExpression { .. } => {
            let message = "ALTER TABLE / DROP EXPRESSION must be applied to child tables too";
            Some(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message))
        }
        AlterTable::SetNotNull { not_null: true, .. } => {
            definition("constraint must be added to child tables too".into())
                .map(|e| e.hint("Do not specify the ONLY keyword."))
        }
        // Keys of a tree go as a whole, whatever is written.
        AlterTable::DropConstraint { name, .. } if is_key(name) => None,
        AlterTable::SetNotNull { not_null: false, .. } | AlterTable::DropConstraint { .. } => {
            definition("cannot remove constraint from only the partitioned table when partitions exist".into())
                .map(|e| e.hint("Do not specify the ONLY keyword."))
        }
        AlterTable::AddConstraint(NewConstraint { kind: NewConstraintKind::Check { .. }, .. }) => {
            definition("constraint must be added to child tables too".into())
        }
        // The partitions have it when their own is attached.
        AlterTable::AddConstraint(key) if !matches!(key.kind, NewConstraintKind::ForeignKey { .. }) => None,
        AlterTable::SetDefault { .. } => None,
        AlterTable::AddConstraint(_) | AlterTable::ValidateConstraint { .. } | AlterTable::DeferConstraint { .. } => {
            Some(
                Error::unsupported(format!("this ALTER TABLE ONLY of partitioned table \"{}\"", table.name))
                    .hint("Leave ONLY out: the partitions follow."),
            )
        }
        AlterTable::TakeIndex { .. }
        | AlterTable::RenameConstraint { .. }
        | AlterTable::RenameTable { .. }
        | AlterTable::SetNamespace { .. }
        | AlterTable::SetOwner { .. }
        | AlterTable::SetIdentity { .. }
        | AlterTable::AlterIdentity { .. }
        | AlterTable::RowSecurity(_)
        | AlterTable::ViewSecurity { .. }
        | AlterTable::AttachPartition { .. }
        | AlterTable::AttachIndex { .. }
        | AlterTable::DetachPartition { .. }
        | AlterTable::SetLogged(_)
        | AlterTable::Triggers { .. }
        | AlterTable::Tune(_) => None,
    }
}

/// ENABLE and DISABLE TRIGGER. By name there is none.
fn triggers(name: &ast::Ident, enabled: bool, relation: Option<&Relation>) -> Result<AlterTable> {
    let word = if name.quote_style.is_none() { name.value.to_ascii_lowercase() } else { String::new() };
    match word.as_str() {
        "all" | "user" => Ok(AlterTable::Triggers { all: word == "all", enabled }),
        _ => Err(no_trigger(name, relation)),
    }
}

fn no_trigger(name: &ast::Ident, relation: Option<&Relation>) -> Error {
    let table = relation.map_or("", |r| &r.name);
    let message = format!("trigger \"{}\" for table \"{table}\" does not exist", parse::fold(name));
    Error::new(SqlState::UNDEFINED_OBJECT, message)
}
