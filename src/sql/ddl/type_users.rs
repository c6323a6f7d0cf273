//! Where values of a type are stored, for changes of the type that have to look at them.

use std::sync::Arc;

use super::planner::Planner;
use crate::registry::{Name, Relation, UserTypeKind};
use crate::types::Oid;

impl Planner<'_> {
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
