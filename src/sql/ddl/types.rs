//! CREATE TYPE … AS ENUM and ALTER TYPE.

use std::sync::Arc;

use super::composite::moves_temporary;
use super::planner::{Planner, no_namespace};
use crate::error::{Error, Result, SqlState};
use crate::registry::bootstrap::TEMPORARY;
use crate::registry::{Change, Edge, Name, PartitionBound, UserType, UserTypeKind, names::MAX_NAME};
use crate::sql::analyze::kept::Relabelled;
use crate::tree::AlterEnum;
use crate::types::PgType;

impl Planner<'_> {
    pub fn create_enum(&mut self, namespace: &Name, name: &Name, labels: &[Name]) -> Result<()> {
        self.tag("CREATE TYPE");
        if &**namespace != TEMPORARY && !self.after.namespaces.contains_key(namespace) {
            return Err(no_namespace(namespace));
        }
        if self.after.user_type(namespace, name).is_some() || self.after.relation(namespace, name).is_some() {
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, format!("type \"{name}\" already exists")));
        }
        for (i, label) in labels.iter().enumerate() {
            check_label(label)?;
            if labels[..i].contains(label) {
                let message = "duplicate key value violates unique constraint \"pg_enum_typid_label_index\"";
                return Err(Error::new(SqlState::UNIQUE_VIOLATION, message)
                    .detail(format!("The enum label \"{label}\" is there twice.")));
            }
        }
        let counters = &self.after.counters;
        let ty = UserType {
            oid: counters.allocate_oid(),
            array_oid: counters.allocate_oid(),
            namespace: namespace.clone(),
            name: name.clone(),
            owner: self.cx.role,
            managed: self.managed(),
            kind: UserTypeKind::Enum { labels: labels.into() },
            acl: self.type_default_acl(namespace),
            comment: None,
            constraint_comments: Vec::new(),
            label_places: Vec::new(),
            fresh_labels: Vec::new(),
        };
        self.put_type(ty);
        Ok(())
    }

    /// ALTER TYPE of any type; what changes labels is an enum's alone.
    pub fn alter_enum(&mut self, namespace: &Name, name: &Name, change: &AlterEnum) -> Result<()> {
        self.tag("ALTER TYPE");
        if let Some(composite) = self.after.composite(namespace, name).cloned() {
            return self.alter_composite_type(&composite, change);
        }
        let Some(ty) = self.after.user_type(namespace, name).cloned() else {
            return Err(Error::new(SqlState::UNDEFINED_OBJECT, format!("type \"{name}\" does not exist")));
        };
        self.may_change(&ty.managed, "type", name)?;
        let mut ty = (*ty).clone();
        match change {
            AlterEnum::Rename { to } => {
                ty.name = to.clone();
                self.type_moves(ty, (namespace, name))
            }
            AlterEnum::SetNamespace { to } => {
                if ty.is_temporary() || &**to == TEMPORARY {
                    return Err(moves_temporary());
                }
                if !self.after.namespaces.contains_key(to) {
                    return Err(no_namespace(to));
                }
                ty.namespace = to.clone();
                self.type_moves(ty, (namespace, name))
            }
            AlterEnum::SetOwner { to } => {
                self.type_goes_to(&mut ty, to)?;
                self.put_type(ty);
                Ok(())
            }
            AlterEnum::AddValue { label, if_not_exists, place } => {
                self.add_label(ty, label, *if_not_exists, place.as_ref())
            }
            AlterEnum::RenameValue { from, to } => self.rename_label(ty, from, to),
        }
    }

    /// A type has another name or namespace; a range's multirange keeps its own (RenameTypeInternal, AlterTypeNamespaceInternal).
    fn type_moves(&mut self, ty: UserType, (namespace, name): (&Name, &Name)) -> Result<()> {
        if (&ty.namespace, &ty.name) == (namespace, name) {
            return Ok(());
        }
        let to = (&ty.namespace, &ty.name);
        if self.after.user_type(to.0, to.1).is_some() || self.after.relation(to.0, to.1).is_some() {
            let place = if to.0 == namespace { String::new() } else { format!(" in schema \"{}\"", to.0) };
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, format!("type \"{}\" already exists{place}", to.1)));
        }
        let (before, objects) = (self.after.clone(), [ty.oid, ty.array_oid]);
        self.put_type(ty);
        self.follow(&before, &objects, name)
    }

    fn labels_of(&self, ty: &UserType) -> Result<Vec<Name>> {
        match &ty.kind {
            UserTypeKind::Enum { labels } => Ok(labels.to_vec()),
            UserTypeKind::Domain { .. } | UserTypeKind::Range { .. } | UserTypeKind::Multirange { .. } => {
                Err(self.type_is_not(ty, "an enum"))
            }
        }
    }

    pub fn type_is_not(&self, ty: &UserType, what: &str) -> Error {
        let shown = crate::types::name::format_type(PgType::new(ty.oid), &self.cx.seen());
        Error::new(SqlState::WRONG_OBJECT_TYPE, format!("{shown} is not {what}"))
    }

    fn add_label(
        &mut self,
        mut ty: UserType,
        label: &Name,
        if_not_exists: bool,
        place: Option<&(bool, Name)>,
    ) -> Result<()> {
        let mut labels = self.labels_of(&ty)?;
        check_label(label)?;
        if labels.contains(label) {
            let message = format!("enum label \"{label}\" already exists");
            if if_not_exists {
                self.notice(format!("{message}, skipping"));
                return Ok(());
            }
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
        }
        let at = match place {
            None => labels.len(),
            Some((before, other)) => position(&labels, other)? + usize::from(!before),
        };
        let mut places = ty.places(labels.len());
        let place = match (at.checked_sub(1).and_then(|before| places.get(before)), places.get(at)) {
            (Some(before), Some(after)) => (before + after) / 2.0,
            (Some(before), None) => before + 1.0,
            (None, Some(after)) => after - 1.0,
            (None, None) => 1.0,
        };
        let is_between = !places.contains(&place);
        places.insert(at, place);
        // Where there is no number between two any more, all get another (RenumberEnumType).
        ty.label_places = if is_between { places } else { Vec::new() };
        ty.fresh_labels.push(label.clone());
        labels.insert(at, label.clone());
        self.set_labels(ty, labels)
    }

    fn rename_label(&mut self, mut ty: UserType, from: &Name, to: &Name) -> Result<()> {
        let mut labels = self.labels_of(&ty)?;
        check_label(to)?;
        let at = position(&labels, from)?;
        if labels.contains(to) {
            let message = format!("enum label \"{to}\" already exists");
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
        }
        let fresh = ty.fresh_labels.iter_mut().filter(|label| *label == from);
        fresh.for_each(|label| *label = to.clone());
        labels[at] = to.clone();
        let (before, label) = (self.after.clone(), Relabelled { of: ty.oid, from, to });
        self.change_labels(ty, labels, Some(&label))?;
        self.bounds_follow(&label);
        self.labels_follow(&before, &label)
    }

    /// Bounds of partitions have their key's values as text.
    fn bounds_follow(&mut self, label: &Relabelled<'_>) {
        let snapshot = self.after.clone();
        let is = |ty: PgType| crate::types::base_type(ty, &snapshot).oid == label.of;
        for partition in snapshot.relations.values() {
            let Some(of) = &partition.partitioning.of else { continue };
            let Some(key) = snapshot.relation_by_oid(of.parent).and_then(|r| r.partitioning.key.as_ref()) else {
                continue;
            };
            let mut new = (**of).clone();
            let write = |text: &mut String, part: usize| {
                if *text == *label.from && key.parts.get(part).is_some_and(|part| is(part.ty)) {
                    *text = label.to.to_string();
                }
            };
            match &mut new.bound {
                PartitionBound::List(values) => values.iter_mut().flatten().for_each(|text| write(text, 0)),
                PartitionBound::Range { from, to } => {
                    for edges in [from, to] {
                        for (part, edge) in edges.iter_mut().enumerate() {
                            if let Edge::Value(text) = edge {
                                write(text, part);
                            }
                        }
                    }
                }
                PartitionBound::Default | PartitionBound::Hash { .. } => {}
            }
            if new != **of {
                let mut relation = (**partition).clone();
                relation.partitioning.of = Some(Arc::new(new));
                self.put_relation(relation);
            }
        }
    }

    /// New labels for an enum, of which one may have taken another's place (a schema file's ones keep their names).
    pub fn set_labels(&mut self, ty: UserType, labels: Vec<Name>) -> Result<()> {
        self.change_labels(ty, labels, None)
    }

    /// Every table that has values of the enum, also inside of others, is made anew: DuckDB's types have the labels inside.
    fn change_labels(&mut self, mut ty: UserType, labels: Vec<Name>, label: Option<&Relabelled<'_>>) -> Result<()> {
        let mut tables: Vec<_> = self.columns_that_hold(ty.oid).into_iter().map(|(table, _)| table).collect();
        tables.dedup_by_key(|t| t.oid);
        let before = self.after.clone();
        ty.kind = UserTypeKind::Enum { labels: labels.into() };
        self.change(Change::PutType(Arc::new(ty)));
        self.reshape(&tables, &before, label)
    }
}

fn position(labels: &[Name], label: &Name) -> Result<usize> {
    labels.iter().position(|l| l == label).ok_or_else(|| {
        Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("\"{label}\" is not an existing enum label"))
    })
}

fn check_label(label: &str) -> Result<()> {
    if label.len() > MAX_NAME {
        return Err(Error::new(SqlState::INVALID_NAME, format!("invalid enum label \"{label}\""))
            .detail(format!("Labels must be {MAX_NAME} bytes or less.")));
    }
    Ok(())
}
