//! Schema changes: sqlparser's tree, or our own command parser's, to [`tree::Ddl`](crate::tree::Ddl).
//!
//! Names get their namespaces here, types are resolved, expressions are analyzed once to be sure that they mean
//! something, and are kept as text that means the same for everybody ([`super::kept`]). Whether things exist is planning's question (`sql::ddl`).

mod absent;
mod alter;
mod composite;
mod domain;
pub(super) mod exclusion;
mod function;
mod grant;
mod index;
mod inherit;
mod like;
mod materialized;
mod names;
mod partition;
mod policy;
mod range;
mod statistics;
mod table;
mod using_index;

use sqlparser::ast::{self, CommentObject, Ident, ObjectName, ObjectType, SchemaName};

use super::Analyzer;
use crate::error::{Error, Result, SqlState};
use crate::registry::{Name, RelationKind, Sequence, build};
use crate::sql::parse::{self, RawDdl};
use crate::tree::{AlterEnum, AlterTable, Ddl, DropBehavior, ObjectKind, QualifiedName, SequenceChange, Statement};
use crate::types::{PgType, oid};
pub(crate) use function::set_settings;

impl Analyzer<'_> {
    /// A schema change that sqlparser has read.
    pub(super) fn ddl(&mut self, statement: &ast::Statement) -> Result<Statement> {
        self.ddl_tree(statement).map(|ddl| Statement::Ddl(Box::new(ddl)))
    }

    fn ddl_tree(&mut self, statement: &ast::Statement) -> Result<Ddl> {
        match statement {
            ast::Statement::CreateTable(create) => self.create_table(create),
            ast::Statement::CreateView(create) => self.create_view(create),
            ast::Statement::CreateIndex(create) => self.create_index(create),
            ast::Statement::CreateSchema { schema_name, if_not_exists, with, options, default_collate_spec, clone } => {
                if with.is_some() || options.is_some() || default_collate_spec.is_some() || clone.is_some() {
                    return Err(Error::syntax("syntax error in CREATE SCHEMA"));
                }
                let (name, owner) = match schema_name {
                    SchemaName::Simple(name) => (self.single(name)?, None),
                    SchemaName::UnnamedAuthorization(owner) => {
                        let owner = self.role_name(&parse::role::of_ident(owner));
                        (owner.clone(), Some(owner))
                    }
                    SchemaName::NamedAuthorization(name, owner) => {
                        (self.single(name)?, Some(self.role_name(&parse::role::of_ident(owner))))
                    }
                };
                let elements = self.parsed.extras.elements.clone();
                Ok(Ddl::CreateNamespace { name, if_not_exists: *if_not_exists, owner, elements })
            }
            ast::Statement::AlterSchema(alter) => self.alter_schema(alter),
            ast::Statement::CreateType { name, representation } => self.create_type(name, representation.as_ref()),
            ast::Statement::AlterType(alter) => self.alter_type(alter),
            ast::Statement::AlterTable(alter) => self.alter_table(alter),
            ast::Statement::Drop { object_type, if_exists, names, cascade, restrict: _, purge, temporary, table } => {
                if *purge || *temporary || table.is_some() {
                    return Err(Error::syntax("syntax error in DROP"));
                }
                let behavior = if *cascade { DropBehavior::Cascade } else { DropBehavior::Restrict };
                self.drop_statement(*object_type, names, *if_exists, behavior)
            }
            ast::Statement::Comment { object_type, object_name, comment, if_exists: _ } => {
                self.comment(*object_type, object_name, comment.clone())
            }
            ast::Statement::Truncate(truncate) => self.truncate(truncate),
            ast::Statement::Grant(grant) => self.grant(grant),
            ast::Statement::Revoke(revoke) => self.revoke(revoke),
            other => {
                let text = other.to_string();
                let words: Vec<&str> = text.split_whitespace().take(2).collect();
                Err(Error::unsupported(words.join(" ").to_uppercase()))
            }
        }
    }

    /// A schema change that our own command parser has read.
    pub(super) fn raw_ddl(&mut self, raw: &RawDdl) -> Result<Statement> {
        let ddl = match raw {
            RawDdl::Ready(ddl) => ddl.clone(),
            RawDdl::AlterShared { kind, name, if_exists, only, action } => {
                let relation = self.find_relation(name.namespace.as_deref(), &name.name)?;
                let (namespace, name) = self.existing_or_skipped(name, *if_exists)?;
                if let Some(relation) = relation.filter(|r| *only && !self.ctx.snapshot.partitions(r.oid).is_empty())
                    && let Some(error) = alter::only_refused(&relation, action)
                {
                    return Err(error);
                }
                let action = match action {
                    AlterTable::SetOwner { to } => AlterTable::SetOwner { to: self.role_name(to) },
                    other => other.clone(),
                };
                let (actions, if_exists) = (vec![action], *if_exists);
                Ddl::AlterTable { kind: *kind, namespace, name, actions, if_exists, only: false }
            }
            RawDdl::AttachIndex { name, index, if_exists } => {
                let (namespace, name) = self.existing_or_skipped(name, *if_exists)?;
                let actions = vec![AlterTable::AttachIndex { index: self.existing(index)? }];
                let (kind, if_exists) = (ObjectKind::Index, *if_exists);
                Ddl::AlterTable { kind, namespace, name, actions, if_exists, only: false }
            }
            RawDdl::Partition(action) => self.partition_action(action)?,
            RawDdl::CreateSequence { name, ty, change, owned_by, if_not_exists, temporary } => {
                let (namespace, name) = self.new_name(name, *temporary)?;
                let ty = ty.as_ref().map_or(Ok(PgType::new(oid::INT8)), |ty| self.data_type(ty))?;
                let change = self.with_owner(&namespace, change, owned_by.as_ref())?;
                let sequence = new_sequence(ty, &change)?;
                Ddl::CreateSequence {
                    namespace,
                    name,
                    sequence,
                    if_not_exists: *if_not_exists,
                    temporary: *temporary,
                    unlogged: self.parsed.extras.unlogged,
                }
            }
            RawDdl::AlterSequence { name, ty, change, owned_by, if_exists } => {
                let (namespace, name) = self.existing_or_skipped(name, *if_exists)?;
                let mut sequence = self.with_owner(&namespace, change, owned_by.as_ref())?;
                if let Some(ty) = ty {
                    let ty = self.data_type(ty)?;
                    sequence_type(ty)?;
                    sequence.ty = Some(ty.oid);
                }
                Ddl::AlterSequence { namespace, name, sequence, if_exists: *if_exists }
            }
            RawDdl::Function(raw) => self.function_ddl(raw)?,
            RawDdl::DropAbsent(drop) => self.drop_absent(drop)?,
            RawDdl::Statistics(raw) => self.statistics_ddl(raw)?,
            RawDdl::CreatePolicy { table, policy } => self.create_policy(table, policy)?,
            RawDdl::AlterPolicy { table, name, change } => self.alter_policy(table, name, change)?,
            RawDdl::DropPolicy { table, name, if_exists } => {
                let (namespace, table) = self.existing_or_skipped(table, *if_exists)?;
                Ddl::DropPolicy { namespace, table, name: name.clone(), if_exists: *if_exists }
            }
            RawDdl::CommentOnPart { kind, table, part, comment } => {
                let (namespace, name) = self.existing(table)?;
                let (column, comment) = (Some(part.clone()), comment.clone());
                Ddl::Comment { kind: *kind, namespace, name, column, comment }
            }
            RawDdl::CreateDomain { name, ty, collation, default, not_null, checks } => {
                self.create_domain(name, (ty, collation.as_ref()), default.clone(), *not_null, checks)?
            }
            RawDdl::AlterDomain { name, change } => self.alter_domain(name, change)?,
            RawDdl::DropDomain { names, if_exists, behavior } => {
                let names = names.iter().map(|name| self.existing_type(name)).collect();
                Ddl::Drop { kind: ObjectKind::Domain, names, if_exists: *if_exists, behavior: *behavior }
            }
            RawDdl::CommentOnDomain { name, constraint, comment } => {
                let (namespace, name) = self.existing_type(name);
                let (column, comment) = (constraint.clone(), comment.clone());
                Ddl::Comment { kind: ObjectKind::Domain, namespace, name, column, comment }
            }
            RawDdl::GrantOnTypes(grant) => self.grant_on_types(grant)?,
            RawDdl::CreateExtension { name, if_not_exists, namespace, version } => {
                self.create_extension(name, *if_not_exists, namespace.as_ref(), version.as_deref())?
            }
            RawDdl::Refresh { name, concurrently, with_data } => self.refresh(name, *concurrently, *with_data)?,
            RawDdl::AlterComposite { name, changes } => self.alter_composite(name, changes)?,
            RawDdl::AlterTypeSchema { name, to } => {
                let (namespace, name) = self.existing_type(name);
                Ddl::AlterEnum { namespace, name, change: AlterEnum::SetNamespace { to: to.clone() } }
            }
            RawDdl::AlterTypeOwner { name, to } => {
                let (namespace, name) = self.existing_type(name);
                Ddl::AlterEnum { namespace, name, change: AlterEnum::SetOwner { to: self.role_name(to) } }
            }
        };
        Ok(Statement::Ddl(Box::new(self.roles_resolved(ddl))))
    }

    /// OWNED BY's table and column by number.
    fn with_owner(
        &self,
        sequence_namespace: &Name,
        change: &SequenceChange,
        owned_by: Option<&Option<(QualifiedName, Name)>>,
    ) -> Result<SequenceChange> {
        let mut change = change.clone();
        change.owned_by = match owned_by {
            None => None,
            Some(None) => Some(None),
            Some(Some((table, column))) => {
                let Some(found) = self.find_relation(table.namespace.as_deref(), &table.name)? else {
                    let namespace = table.namespace.as_deref().unwrap_or("pg_catalog");
                    if crate::facts::system_index_named(namespace, &table.name).is_some() {
                        let message = format!("sequence cannot be owned by relation \"{}\"", table.name);
                        return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
                    }
                    return Err(self.no_relation(table.namespace.as_deref(), &table.name, table.pos));
                };
                if !matches!(found.kind, RelationKind::Table | RelationKind::System | RelationKind::View { .. }) {
                    let message = format!("sequence cannot be owned by relation \"{}\"", found.name);
                    return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
                }
                let Some(column) = found.column(column) else {
                    let message = format!("column \"{column}\" of relation \"{}\" does not exist", table.name);
                    return Err(Error::new(SqlState::UNDEFINED_COLUMN, message));
                };
                if found.namespace != *sequence_namespace {
                    let message = "sequence must be in same schema as table it is linked to";
                    return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message));
                }
                Some(Some((found.oid, column.num)))
            }
        };
        Ok(change)
    }

    /// CURRENT_USER and kin where a role is named.
    pub(super) fn role_name(&self, name: &str) -> Name {
        let role = match name {
            parse::role::CURRENT => self.ctx.role,
            parse::role::SESSION => self.ctx.session_role,
            other => return other.into(),
        };
        self.ctx.snapshot.role_by_oid(role).map_or_else(|| name.into(), |r| r.name.clone())
    }

    fn roles_resolved(&self, ddl: Ddl) -> Ddl {
        match ddl {
            Ddl::AlterRole { name, options } => Ddl::AlterRole { name: self.role_name(&name), options },
            Ddl::AlterRoleSet { name, database, setting, value } => {
                Ddl::AlterRoleSet { name: self.role_name(&name), database, setting, value }
            }
            Ddl::DefaultPrivileges(mut of) => {
                if of.roles.is_empty() {
                    of.roles.push(parse::role::CURRENT.into());
                }
                of.roles = of.roles.iter().map(|r| self.role_name(r)).collect();
                of.grantees = of.grantees.iter().map(|g| g.as_ref().map(|name| self.role_name(name))).collect();
                Ddl::DefaultPrivileges(of)
            }
            Ddl::ReassignOwned { roles, to } => {
                let roles = roles.iter().map(|r| self.role_name(r)).collect();
                Ddl::ReassignOwned { roles, to: self.role_name(&to) }
            }
            Ddl::DropOwned { roles, behavior } => {
                Ddl::DropOwned { roles: roles.iter().map(|r| self.role_name(r)).collect(), behavior }
            }
            Ddl::GrantRole { roles, members, admin, revoke, grantor, alter } => {
                let members = members.iter().map(|m| self.role_name(m)).collect();
                let grantor = grantor.as_ref().map(|name| self.role_name(name));
                Ddl::GrantRole { roles, members, admin, revoke, grantor, alter }
            }
            other => other,
        }
    }

    fn create_view(&mut self, create: &ast::CreateView) -> Result<Ddl> {
        let ast::CreateView {
            or_alter,
            or_replace,
            materialized,
            name,
            columns,
            query,
            temporary,
            if_not_exists,
            options,
            secure,
            name_before_not_exists: _,
            cluster_by,
            comment,
            with_no_schema_binding,
            copy_grants,
            to,
            params,
        } = create;
        if *materialized {
            return self.create_materialized(create);
        }
        let foreign = *secure || !cluster_by.is_empty() || comment.is_some() || *with_no_schema_binding || *copy_grants;
        if *or_alter || *if_not_exists || foreign || to.is_some() || params.is_some() {
            return Err(Error::syntax("syntax error in CREATE VIEW"));
        }
        let options = view_options(options)?;
        let check_option = options.check.or(self.parsed.extras.check_option);
        let name = self.qualified(name)?;
        let (mut namespace, written_name) = (self.new_name(&name, *temporary)?.0, name);
        let columns: Vec<Name> = columns.iter().map(|c| parse::fold(&c.name)).collect();
        let written = parse::printed(&**query);
        let query = self.stored_query(query, &columns)?;
        if !self.finish_params()?.is_empty() {
            return Err(Error::new(SqlState::UNDEFINED_PARAMETER, "there is no parameter $1"));
        }
        if check_option.is_some() {
            super::view_target::check_option_fits(&query)?;
        }
        let definition = super::kept::new_query(&query, &written, &self.parsed.extras, self.ctx)?;
        let becomes_temporary = !temporary && self.reads_temporary(&definition)?;
        if becomes_temporary {
            namespace = self.new_name(&written_name, true)?.0;
        }
        Ok(Ddl::CreateView {
            namespace,
            name: written_name.name,
            columns,
            definition,
            query: Box::new(query),
            or_replace: *or_replace,
            temporary: *temporary || becomes_temporary,
            becomes_temporary,
            invoker: options.invoker,
            barrier: options.barrier,
            check_option,
        })
    }

    fn create_type(
        &self,
        name: &ObjectName,
        representation: Option<&ast::UserDefinedTypeRepresentation>,
    ) -> Result<Ddl> {
        use ast::UserDefinedTypeRepresentation as Representation;
        let name = self.qualified(name)?;
        match representation {
            Some(Representation::Enum { labels }) => {
                let (namespace, name) = self.new_name(&name, false)?;
                let labels = labels.iter().map(|l| l.value.as_str().into()).collect();
                Ok(Ddl::CreateEnum { namespace, name, labels })
            }
            Some(Representation::Composite { attributes }) => self.create_composite(&name, attributes),
            Some(Representation::Range { options }) => self.create_range(&name, options),
            Some(Representation::SqlDefinition { .. }) => Err(Error::unsupported("CREATE TYPE of a base type")
                .hint("Use CREATE TYPE name AS ENUM ('…', …), CREATE TYPE name AS (…), or CREATE DOMAIN.")),
            None => Err(Error::unsupported("CREATE TYPE of a shell type")),
        }
    }

    fn alter_type(&self, alter: &ast::AlterType) -> Result<Ddl> {
        let ast::AlterType { name, operation } = alter;
        let (namespace, name) = self.existing_type(&self.qualified(name)?);
        let label = |ident: &Ident| Name::from(ident.value.as_str());
        let change = match operation {
            ast::AlterTypeOperation::Rename(rename) => AlterEnum::Rename { to: parse::fold(&rename.new_name) },
            ast::AlterTypeOperation::AddValue(add) => AlterEnum::AddValue {
                label: label(&add.value),
                if_not_exists: add.if_not_exists,
                place: add.position.as_ref().map(|p| match p {
                    ast::AlterTypeAddValuePosition::Before(other) => (true, label(other)),
                    ast::AlterTypeAddValuePosition::After(other) => (false, label(other)),
                }),
            },
            ast::AlterTypeOperation::RenameValue(rename) => {
                AlterEnum::RenameValue { from: label(&rename.from), to: label(&rename.to) }
            }
        };
        Ok(Ddl::AlterEnum { namespace, name, change })
    }

    fn alter_schema(&self, alter: &ast::AlterSchema) -> Result<Ddl> {
        let name = self.single(&alter.name)?;
        let [operation] = alter.operations.as_slice() else {
            return Err(Error::unsupported("this form of ALTER SCHEMA"));
        };
        match operation {
            ast::AlterSchemaOperation::Rename { name: to } => {
                Ok(Ddl::AlterNamespace { name, rename: Some(self.single(to)?), owner: None })
            }
            ast::AlterSchemaOperation::OwnerTo { owner } => {
                Ok(Ddl::AlterNamespace { name, rename: None, owner: Some(self.owner(owner)) })
            }
            ast::AlterSchemaOperation::SetDefaultCollate { .. }
            | ast::AlterSchemaOperation::AddReplica { .. }
            | ast::AlterSchemaOperation::DropReplica { .. }
            | ast::AlterSchemaOperation::SetOptionsParens { .. } => {
                Err(Error::unsupported("this form of ALTER SCHEMA"))
            }
        }
    }

    pub(super) fn owner(&self, owner: &ast::Owner) -> Name {
        match owner {
            ast::Owner::Ident(ident) => parse::fold(ident),
            ast::Owner::CurrentRole | ast::Owner::CurrentUser => self.role_name(parse::role::CURRENT),
            ast::Owner::SessionUser => self.role_name(parse::role::SESSION),
        }
    }

    fn drop_statement(
        &self,
        object: ObjectType,
        names: &[ObjectName],
        if_exists: bool,
        behavior: DropBehavior,
    ) -> Result<Ddl> {
        let kind = match object {
            ObjectType::Table => ObjectKind::Table,
            ObjectType::View => ObjectKind::View,
            ObjectType::MaterializedView => ObjectKind::MaterializedView,
            ObjectType::Index => ObjectKind::Index,
            ObjectType::Sequence => ObjectKind::Sequence,
            ObjectType::Schema => ObjectKind::Namespace,
            ObjectType::Type => ObjectKind::Type,
            ObjectType::Role | ObjectType::User => {
                let names = names.iter().map(|n| self.single(n)).collect::<Result<_>>()?;
                return Ok(Ddl::DropRole { names, if_exists });
            }
            ObjectType::Database => {
                let names = names.iter().map(|n| Ok((Name::from(""), self.single(n)?))).collect::<Result<_>>()?;
                return Ok(Ddl::Drop { kind: ObjectKind::Database, names, if_exists, behavior });
            }
            ObjectType::Collation | ObjectType::Stage | ObjectType::Stream => {
                return Err(Error::unsupported(format!("DROP {object}")));
            }
        };
        if self.parsed.extras.outside_block.is_some() && names.len() > 1 {
            let message = "DROP INDEX CONCURRENTLY does not support dropping multiple objects";
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        let mut list = Vec::new();
        for name in names {
            let name = self.qualified(name)?;
            list.push(match kind {
                ObjectKind::Namespace => (Name::from(""), name.name),
                ObjectKind::Type => self.existing_type(&name),
                _ => self.existing_or_skipped(&name, if_exists)?,
            });
        }
        if let ([(namespace, name)], ObjectKind::Index) = (list.as_slice(), kind)
            && self.parsed.extras.outside_block.is_some()
            && self.ctx.snapshot.index(namespace, name).is_some_and(|(table, _)| table.is_partitioned())
        {
            let message = format!("cannot drop partitioned index \"{name}\" concurrently");
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        Ok(Ddl::Drop { kind, names: list, if_exists, behavior })
    }

    fn comment(&self, object: CommentObject, name: &ObjectName, comment: Option<String>) -> Result<Ddl> {
        let kind = match object {
            CommentObject::Table => ObjectKind::Table,
            CommentObject::View => ObjectKind::View,
            CommentObject::MaterializedView => ObjectKind::MaterializedView,
            CommentObject::Index => ObjectKind::Index,
            CommentObject::Sequence => ObjectKind::Sequence,
            CommentObject::Column => {
                let (parts, column) = name.0.split_at(name.0.len().saturating_sub(1));
                let column = column.first().and_then(|p| p.as_ident()).map(parse::fold);
                if parts.is_empty() {
                    return Err(Error::syntax("column name must be qualified"));
                }
                let table = self.qualified(&ObjectName(parts.to_vec()))?;
                let (namespace, name) = self.existing(&table)?;
                return Ok(Ddl::Comment { kind: ObjectKind::Column, namespace, name, column, comment });
            }
            CommentObject::Type => {
                let (namespace, name) = self.existing_type(&self.qualified(name)?);
                return Ok(Ddl::Comment { kind: ObjectKind::Type, namespace, name, column: None, comment });
            }
            CommentObject::Schema
            | CommentObject::Role
            | CommentObject::User
            | CommentObject::Database
            | CommentObject::Extension => {
                let kind = match object {
                    CommentObject::Schema => ObjectKind::Namespace,
                    CommentObject::Database => ObjectKind::Database,
                    CommentObject::Extension => ObjectKind::Extension,
                    _ => ObjectKind::Role,
                };
                let name = self.single(name)?;
                return Ok(Ddl::Comment { kind, namespace: "".into(), name, column: None, comment });
            }
            CommentObject::Collation | CommentObject::Domain | CommentObject::Function | CommentObject::Procedure => {
                return Err(Error::unsupported(format!("COMMENT ON {object}")));
            }
        };
        let (namespace, name) = self.existing(&self.qualified(name)?)?;
        Ok(Ddl::Comment { kind, namespace, name, column: None, comment })
    }

    fn truncate(&self, truncate: &ast::Truncate) -> Result<Ddl> {
        let ast::Truncate { table_names, partitions, table: _, if_exists, identity, cascade, on_cluster } = truncate;
        if partitions.is_some() || *if_exists || on_cluster.is_some() {
            return Err(Error::syntax("syntax error in TRUNCATE"));
        }
        let mut tables = Vec::new();
        for target in table_names {
            let name = self.qualified(&target.name)?;
            match self.find_relation(name.namespace.as_deref(), &name.name)? {
                Some(found) if target.only && found.is_partitioned() => {
                    let message = "cannot truncate only a partitioned table";
                    return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message)
                        .hint("Do not specify the ONLY keyword, or use TRUNCATE ONLY on the partitions directly."));
                }
                Some(found) if matches!(found.kind, RelationKind::Sequence(_)) => {
                    let message = format!("\"{}\" is not a table", found.name);
                    return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
                }
                Some(found) => tables.push(found),
                // PostgreSQL gives no position here.
                None => return Err(self.no_relation(name.namespace.as_deref(), &name.name, 0)),
            }
        }
        Ok(Ddl::Truncate {
            tables,
            restart_identity: matches!(identity, Some(ast::TruncateIdentityOption::Restart)),
            cascade: matches!(cascade, Some(ast::CascadeOption::Cascade)),
        })
    }
}

fn sequence_type(ty: PgType) -> Result<()> {
    if matches!(ty.oid, oid::INT2 | oid::INT4 | oid::INT8) {
        return Ok(());
    }
    let message = "sequence type must be smallint, integer, or bigint";
    Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message))
}

/// A sequence from what CREATE SEQUENCE or an identity column says; the rest is PostgreSQL's default.
pub(super) fn new_sequence(ty: PgType, change: &SequenceChange) -> Result<Sequence> {
    sequence_type(ty)?;
    let mut sequence = build::default_sequence(ty.oid);
    let SequenceChange { ty: _, start, increment, min, max, cache, cycle, restart: _, owned_by } = change;
    sequence.increment = increment.unwrap_or(1);
    if sequence.increment < 0 {
        let lowest = match ty.oid {
            oid::INT2 => i64::from(i16::MIN),
            oid::INT4 => i64::from(i32::MIN),
            _ => i64::MIN,
        };
        (sequence.min, sequence.max) = (lowest, -1);
    }
    sequence.min = min.flatten().unwrap_or(sequence.min);
    sequence.max = max.flatten().unwrap_or(sequence.max);
    sequence.start = start.unwrap_or(if sequence.increment < 0 { sequence.max } else { sequence.min });
    sequence.cache = cache.unwrap_or(1);
    sequence.cycle = cycle.unwrap_or(false);
    sequence.owned_by = owned_by.flatten();
    Ok(sequence)
}

/// WITH (…) of CREATE VIEW.
fn view_options(options: &ast::CreateTableOptions) -> Result<parse::ViewOptions> {
    let list = match options {
        ast::CreateTableOptions::None => return Ok(parse::ViewOptions::default()),
        ast::CreateTableOptions::With(list) => list,
        ast::CreateTableOptions::Options(_)
        | ast::CreateTableOptions::Plain(_)
        | ast::CreateTableOptions::TableProperties(_) => return Err(Error::syntax("syntax error in CREATE VIEW")),
    };
    let option = |option: &ast::SqlOption| match option {
        ast::SqlOption::KeyValue { key, value } => {
            let value = value.to_string();
            Ok((parse::fold(key), Some(value.trim_matches('\'').to_owned())))
        }
        ast::SqlOption::Ident(key) => Ok((parse::fold(key), None)),
        _ => Err(Error::syntax("syntax error in CREATE VIEW")),
    };
    parse::view_options(&list.iter().map(option).collect::<Result<Vec<_>>>()?)
}

/// The options that an identity column's parentheses may have.
pub(super) fn sequence_change(options: &[ast::SequenceOptions]) -> Result<SequenceChange> {
    let mut change = SequenceChange::default();
    for option in options {
        match option {
            ast::SequenceOptions::IncrementBy(value, _) => change.increment = Some(integer(value)?),
            ast::SequenceOptions::MinValue(value) => change.min = Some(value.as_ref().map(integer).transpose()?),
            ast::SequenceOptions::MaxValue(value) => change.max = Some(value.as_ref().map(integer).transpose()?),
            ast::SequenceOptions::StartWith(value, _) => change.start = Some(integer(value)?),
            ast::SequenceOptions::Cache(value) => change.cache = Some(integer(value)?),
            // The parser's flag says NO.
            ast::SequenceOptions::Cycle(no) => change.cycle = Some(!no),
        }
    }
    Ok(change)
}

fn integer(expr: &ast::Expr) -> Result<i64> {
    let text = expr.to_string();
    let text = text.trim().replace(' ', "");
    text.parse().map_err(|_| Error::syntax(format!("syntax error at or near \"{text}\"")))
}
