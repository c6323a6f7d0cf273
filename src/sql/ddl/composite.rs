//! Composite types: relations that have nothing but a row type.

use std::sync::Arc;

use super::depends::Object;
use super::planner::{Planner, no_namespace};
use crate::error::{Error, Result, SqlState};
use crate::registry::bootstrap::TEMPORARY;
use crate::registry::{Acl, Column, Name, OnConflictDefault, Relation, RelationKind, Storage, build::MAX_COLUMNS};
use crate::tree::{AlterAttribute, AlterEnum};
use crate::types::{Oid, PgType};

impl Planner<'_> {
    pub fn create_composite(&mut self, namespace: &Name, name: &Name, columns: &[(Name, PgType)]) -> Result<()> {
        self.tag("CREATE TYPE");
        if self.after.user_type(namespace, name).is_some() || self.after.relation(namespace, name).is_some() {
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, format!("type \"{name}\" already exists")));
        }
        let temporary = &**namespace == TEMPORARY;
        self.name_is_free(namespace, name, temporary, false)?;
        let mut relation = Relation {
            oid: self.after.counters.allocate_oid(),
            namespace: namespace.clone(),
            name: name.clone(),
            owner: self.cx.role,
            managed: self.managed(),
            temporary,
            kind: RelationKind::Composite,
            columns: Vec::new(),
            constraints: Vec::new(),
            indexes: Vec::new(),
            acl: self.type_default_acl(namespace),
            comment: None,
            row_type: self.after.counters.allocate_oid(),
            row_array_type: self.after.counters.allocate_oid(),
            on_conflict: OnConflictDefault::Error,
            storage: Storage::Numbered,
            last_dropped: 0,
            rules: Default::default(),
            partitioning: Default::default(),
            details: Default::default(),
        };
        for (name, ty) in columns {
            if relation.columns.iter().any(|c| c.name == *name) {
                let message = format!("column \"{name}\" specified more than once");
                return Err(Error::new(SqlState::DUPLICATE_COLUMN, message));
            }
            add(&mut relation, name, *ty)?;
        }
        self.put_relation(relation);
        Ok(())
    }

    /// ALTER TYPE of a composite type as a whole.
    pub fn alter_composite_type(&mut self, composite: &Arc<Relation>, change: &AlterEnum) -> Result<()> {
        let name = &composite.name;
        self.may_change(&composite.managed, "type", name)?;
        let mut new = (**composite).clone();
        match change {
            AlterEnum::Rename { to } => {
                if self.after.user_type(&new.namespace, to).is_some()
                    || self.after.relation(&new.namespace, to).is_some()
                {
                    return Err(Error::new(SqlState::DUPLICATE_OBJECT, format!("type \"{to}\" already exists")));
                }
                new.name = to.clone();
            }
            AlterEnum::SetNamespace { to } => {
                if new.temporary || &**to == TEMPORARY {
                    return Err(moves_temporary());
                }
                if !self.after.namespaces.contains_key(to) {
                    return Err(no_namespace(to));
                }
                if self.after.user_type(to, name).is_some() || self.after.relation(to, name).is_some() {
                    let message = format!("type \"{name}\" already exists in schema \"{to}\"");
                    return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
                }
                new.namespace = to.clone();
            }
            AlterEnum::SetOwner { to } => {
                let owner = self.role(to)?.oid;
                new.acl = super::grant::change_owner(&new.acl, new.owner, owner);
                new.owner = owner;
                self.put_relation(new);
                return Ok(());
            }
            AlterEnum::AddValue { .. } | AlterEnum::RenameValue { .. } => {
                return Err(super::alter::wrong_type(name, "an enum"));
            }
        }
        let before = self.after.clone();
        self.put_relation(new);
        self.follow(&before, &[composite.oid, composite.row_type, composite.row_array_type], name)
    }

    /// ALTER TYPE … ATTRIBUTE.
    pub fn alter_composite(&mut self, namespace: &Name, name: &Name, changes: &[AlterAttribute]) -> Result<()> {
        self.tag("ALTER TYPE");
        let Some(old) = self.after.composite(namespace, name).cloned() else {
            if self.after.user_type(namespace, name).is_some() || self.after.relation(namespace, name).is_some() {
                return Err(super::alter::wrong_type(name, "a composite type"));
            }
            return Err(Error::new(SqlState::UNDEFINED_TABLE, format!("relation \"{name}\" does not exist")));
        };
        self.may_change(&old.managed, "type", name)?;
        let mut new = (*old).clone();
        let (mut stored, mut retyped) = (false, false);
        for change in changes {
            match change {
                AlterAttribute::Add { name: attribute, ty } => {
                    if new.column(attribute).is_some() {
                        return Err(already(&new, attribute));
                    }
                    if self.holds(ty.oid, &[old.row_type, old.row_array_type]) {
                        let message = format!("composite type {name} cannot be made a member of itself");
                        return Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message));
                    }
                    add(&mut new, attribute, *ty)?;
                    stored = true;
                }
                AlterAttribute::Drop { name: attribute, if_exists, behavior } => {
                    let Some(at) = new.columns.iter().position(|c| c.name == *attribute) else {
                        let message = format!("column \"{attribute}\" of relation \"{name}\" does not exist");
                        if !*if_exists {
                            return Err(Error::new(SqlState::UNDEFINED_COLUMN, message));
                        }
                        self.notice(format!("{message}, skipping"));
                        continue;
                    };
                    let gone = new.columns.remove(at);
                    self.without_dependents(Object::Column(old.oid, gone.num), *behavior)?;
                    new.last_dropped = new.last_dropped.max(gone.num);
                    stored = true;
                }
                AlterAttribute::SetType { name: attribute, ty } => {
                    if self.holds(ty.oid, &[old.row_type, old.row_array_type]) {
                        let message = format!("composite type {name} cannot be made a member of itself");
                        return Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message));
                    }
                    attribute_mut(&mut new, attribute)?.ty = *ty;
                    retyped = true;
                }
                AlterAttribute::Rename { from, to } => {
                    if new.column(to).is_some() {
                        return Err(already(&new, to));
                    }
                    attribute_mut(&mut new, from)?.name = to.clone();
                    stored = true;
                }
            }
        }
        let types = [old.row_type, old.row_array_type];
        if retyped && let Some((table, column)) = self.stored_in(&types) {
            let message = format!("cannot alter type \"{name}\" because column \"{}.{column}\" uses it", table.name);
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        let graph = self.graph();
        let texts = types.iter().flat_map(|ty| graph.texts_with_type(*ty, name));
        let functions = self.functions_with(&types).into_iter().map(|f| Object::Function(f.oid));
        if let Some(user) = texts.chain(functions).next() {
            let text = self.describe(&user, &graph);
            return Err(Error::unsupported(
                "ALTER TYPE of a composite type that a kept expression or a function names",
            )
            .detail(format!("{text} uses it."))
            .hint("Drop it first, and create it again afterwards."));
        }
        self.put_relation(new);
        if stored { self.reshape_columns(&old) } else { Ok(()) }
    }

    /// 0A000 if a relation gets other columns while columns of tables have its row type: they are stored by its fields.
    pub fn row_type_may_change(&self, old: &Relation, new: &Relation) -> Result<()> {
        let fields = |r: &Relation| r.columns.iter().map(|c| (c.num, c.ty)).collect::<Vec<_>>();
        if old.row_type == 0 || fields(old) == fields(new) {
            return Ok(());
        }
        let Some((table, column)) = self.stored_in(&[old.row_type, old.row_array_type]) else { return Ok(()) };
        let (word, name) = (super::alter::word(old), &old.name);
        let message =
            format!("cannot alter {word} \"{name}\" because column \"{}.{column}\" uses its row type", table.name);
        Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message))
    }

    /// A column of a table or view with one of these types, or with a composite type that has it inside.
    fn stored_in(&self, types: &[Oid]) -> Option<(Arc<Relation>, Name)> {
        self.columns_holding(types).into_iter().next()
    }

    /// The columns of tables and views with one of these types, or with a composite type that has it inside.
    pub fn columns_holding(&self, types: &[Oid]) -> Vec<(Arc<Relation>, Name)> {
        let relations = self.after.relations.values().filter(|r| !matches!(r.kind, RelationKind::Composite));
        let mut users: Vec<_> = relations
            .flat_map(|r| r.columns.iter().map(move |c| (r, c)))
            .filter(|(_, c)| self.holds(c.ty.oid, types))
            .collect();
        users.sort_by_key(|(r, c)| (r.oid, c.num));
        users.into_iter().map(|(r, c)| (Arc::clone(r), c.name.clone())).collect()
    }

    /// True if a type is one of these, or has it inside.
    pub fn holds(&self, ty: Oid, types: &[Oid]) -> bool {
        if types.contains(&ty) {
            return true;
        }
        let snapshot = &self.after;
        if let Some(user) = snapshot.user_type_by_oid(ty) {
            return match &user.kind {
                crate::registry::UserTypeKind::Domain { base, .. } => self.holds(base.oid, types),
                crate::registry::UserTypeKind::Range { subtype, .. } => self.holds(*subtype, types),
                crate::registry::UserTypeKind::Multirange { range } => self.holds(*range, types),
                crate::registry::UserTypeKind::Enum { .. } => false,
            };
        }
        let relation = snapshot.objects().row_types.get(&ty).and_then(|r| snapshot.relation_by_oid(*r));
        relation.is_some_and(|r| r.columns.iter().any(|c| self.holds(c.ty.oid, types)))
    }
}

/// CheckSetNamespace's.
pub fn moves_temporary() -> Error {
    Error::new(SqlState::FEATURE_NOT_SUPPORTED, "cannot move objects into or out of temporary schemas")
}

fn already(relation: &Relation, attribute: &str) -> Error {
    let message = format!("column \"{attribute}\" of relation \"{}\" already exists", relation.name);
    Error::new(SqlState::DUPLICATE_COLUMN, message)
}

fn attribute_mut<'a>(relation: &'a mut Relation, name: &str) -> Result<&'a mut Column> {
    let message = format!("column \"{name}\" of relation \"{}\" does not exist", relation.name);
    let found = relation.columns.iter_mut().find(|c| &*c.name == name);
    found.ok_or_else(|| Error::new(SqlState::UNDEFINED_COLUMN, message))
}

fn add(relation: &mut Relation, name: &Name, ty: PgType) -> Result<()> {
    let last = relation.columns.last().map_or(0, |c| c.num).max(relation.last_dropped);
    if relation.columns.len() >= MAX_COLUMNS || usize::try_from(last).is_ok_and(|n| n >= MAX_COLUMNS) {
        let message = format!("tables can have at most {MAX_COLUMNS} columns");
        return Err(Error::new(SqlState::TOO_MANY_COLUMNS, message));
    }
    relation.columns.push(Column {
        num: last + 1,
        name: name.clone(),
        ty,
        collation: 0,
        not_null: false,
        default: None,
        identity: None,
        generated: None,
        acl: Acl::default(),
        comment: None,
    });
    Ok(())
}
