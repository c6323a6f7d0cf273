//! What uses a type: what DROP asks, and changes of the type that have to look at stored values.

use std::sync::Arc;

use super::alter::word;
use super::planner::Planner;
use crate::error::{Error, Result, SqlState};
use crate::registry::{Name, Relation, UserTypeKind};
use crate::tree::DropBehavior;
use crate::types::Oid;

impl Planner<'_> {
    /// 2BP01 if columns or texts have the type (and its array).
    pub fn type_is_not_used(&self, types: [Oid; 2], name: &Name, going: &[Oid], behavior: DropBehavior) -> Result<()> {
        let lines = self.users_of_type(types, name, going);
        if lines.is_empty() {
            return Ok(());
        }
        if behavior == DropBehavior::Cascade {
            return Err(Error::unsupported("DROP TYPE … CASCADE with objects that use the type")
                .detail(lines.join("\n"))
                .hint("Drop these first."));
        }
        let message = format!("cannot drop type {name} because other objects depend on it");
        Err(Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message)
            .detail(lines.join("\n"))
            .hint("Use DROP ... CASCADE to drop the dependent objects too."))
    }

    /// What uses a type, a line for each: domains over it that do not go with it, and what uses those.
    pub fn users_of_type(&self, types: [Oid; 2], name: &Name, going: &[Oid]) -> Vec<String> {
        let [plain, array] = types;
        let columns = |ty: Oid, shown: String| {
            let users = self.columns_of_type(&[ty]).into_iter();
            users.map(move |(table, column)| {
                format!("column {column} of {} {} depends on type {shown}", word(&table), table.name)
            })
        };
        let functions = self.functions_with(&types);
        let functions = functions.iter().map(|f| format!("function {}", self.signature(f)));
        let texts = self.texts_that_name(&types, name).into_iter().chain(functions);
        let mut lines = Vec::new();
        for domain in self.after.domains_over(&types).into_iter().filter(|d| !going.contains(&d.oid)) {
            lines.push(format!("type {} depends on type {name}", domain.name));
            lines.extend(self.users_of_type([domain.oid, domain.array_oid], &domain.name, going));
        }
        for range in self.after.ranges_over(plain).into_iter().filter(|r| !going.contains(&r.oid)) {
            lines.push(format!("type {} depends on type {name}", range.name));
            lines.extend(self.users_of_type([range.oid, range.array_oid], &range.name, going));
        }
        lines.extend(columns(array, format!("{name}[]")));
        lines.extend(columns(plain, name.to_string()));
        lines.extend(texts.map(|user| format!("{user} depends on type {name}")));
        lines
    }

    /// The types with domains over them, those over these, and so on.
    pub fn domains_up_from(&self, types: &[Oid]) -> Vec<Oid> {
        let mut all = types.to_vec();
        let mut from = 0;
        while from < all.len() {
            let over = self.after.domains_over(&all[from..]);
            from = all.len();
            all.extend(over.iter().map(|domain| domain.oid));
        }
        all
    }

    /// The types in whose values those of these types may stand: arrays, ranges, composite types, domains over such.
    pub fn types_around(&self, types: &[Oid]) -> Vec<Oid> {
        let mut all = types.to_vec();
        let mut from = 0;
        while let Some(ty) = all.get(from).copied() {
            from += 1;
            let mut over = Vec::new();
            if let Some(known) = self.after.user_type_by_oid(ty) {
                over.push(known.array_oid);
            } else if let Some(relation) = self.after.relation_of_row(ty) {
                over.push(relation.row_array_type);
            }
            over.extend(self.after.domains_over(&[ty]).iter().map(|domain| domain.oid));
            for range in self.after.ranges_over(ty) {
                over.push(range.oid);
                if let UserTypeKind::Range { multirange, .. } = range.kind {
                    over.push(multirange);
                }
            }
            let composites = self.after.relations.values().filter(|r| r.columns.iter().any(|c| c.ty.oid == ty));
            over.extend(composites.map(|composite| composite.row_type));
            over.retain(|ty| *ty != 0 && !all.contains(ty));
            all.extend(over);
        }
        all.retain(|ty| !types.contains(ty));
        all
    }

    /// The columns in which values of a type stand, by themselves or inside of others.
    pub fn columns_that_hold(&self, ty: Oid) -> Vec<(Arc<Relation>, Name)> {
        let mut types = self.types_around(&[ty]);
        types.push(ty);
        self.columns_of_type(&types)
    }

    /// The stored columns with one of these types.
    pub fn columns_of_type(&self, types: &[Oid]) -> Vec<(Arc<Relation>, Name)> {
        let mut found: Vec<(Arc<Relation>, Name)> = Vec::new();
        for relation in self.after.relations.values() {
            for column in relation.columns.iter().filter(|c| types.contains(&c.ty.oid)) {
                found.push((relation.clone(), column.name.clone()));
            }
        }
        found.sort_by_key(|(r, _)| r.oid);
        found
    }
}
