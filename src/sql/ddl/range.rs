//! CREATE TYPE … AS RANGE: two types, the range and its multirange.

use super::planner::{Planner, no_namespace};
use crate::error::{Error, Result, SqlState};
use crate::registry::bootstrap::TEMPORARY;
use crate::registry::{Name, UserType, UserTypeKind};
use crate::types::Oid;

impl Planner<'_> {
    pub fn create_range(
        &mut self,
        namespace: &Name,
        name: &Name,
        (subtype, opclass): (Oid, Oid),
        multirange: Option<&Name>,
    ) -> Result<()> {
        self.tag("CREATE TYPE");
        if &**namespace != TEMPORARY && !self.after.namespaces.contains_key(namespace) {
            return Err(no_namespace(namespace));
        }
        // makeMultirangeTypeName.
        let multirange = multirange.cloned().unwrap_or_else(|| match name.find("range") {
            Some(at) => format!("{}multirange{}", &name[..at], &name[at + 5..]).into(),
            None => format!("{name}_multirange").into(),
        });
        for name in [name, &multirange] {
            if self.after.user_type(namespace, name).is_some() || self.after.relation(namespace, name).is_some() {
                return Err(Error::new(SqlState::DUPLICATE_OBJECT, format!("type \"{name}\" already exists")));
            }
        }
        let counters = &self.after.counters;
        let (range_oid, multirange_oid) = (counters.allocate_oid(), counters.allocate_oid());
        let ty = |oid: Oid, name: &Name, kind: UserTypeKind| UserType {
            oid,
            array_oid: counters.allocate_oid(),
            namespace: namespace.clone(),
            name: name.clone(),
            owner: self.cx.role,
            managed: self.managed(),
            kind,
            acl: self.type_default_acl(namespace),
            comment: None,
            constraint_comments: Default::default(),
            label_places: Vec::new(),
            fresh_labels: Vec::new(),
        };
        let kind = UserTypeKind::Range { subtype, multirange: multirange_oid, opclass };
        let range = ty(range_oid, name, kind);
        let multirange = ty(multirange_oid, &multirange, UserTypeKind::Multirange { range: range_oid });
        self.put_type(range);
        self.put_type(multirange);
        Ok(())
    }
}
