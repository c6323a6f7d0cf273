//! What extensions bring: the functions that have a counterpart here, and refusals by name for the rest.

use super::{Analyzer, Expr, ExprKind};
use crate::error::{Error, Result, SqlState};
use crate::registry::Name;
use crate::registry::extension::{Available, Extension};
use crate::tree::Ddl;
use crate::types::{PgType, oid};

/// uuid-ossp's functions that are constants (RFC 4122, appendix C).
const UUIDS: [(&str, &str); 5] = [
    ("uuid_nil", "00000000-0000-0000-0000-000000000000"),
    ("uuid_ns_dns", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
    ("uuid_ns_url", "6ba7b811-9dad-11d1-80b4-00c04fd430c8"),
    ("uuid_ns_oid", "6ba7b812-9dad-11d1-80b4-00c04fd430c8"),
    ("uuid_ns_x500", "6ba7b814-9dad-11d1-80b4-00c04fd430c8"),
];

impl Analyzer<'_> {
    pub(super) fn create_extension(
        &self,
        name: &Name,
        if_not_exists: bool,
        namespace: Option<&Name>,
        version: Option<&str>,
    ) -> Result<Ddl> {
        if let (Some(version), Some(available)) = (version, Available::named(name))
            && version != available.version
        {
            let message =
                format!("extension \"{name}\" has no installation script nor update path for version \"{version}\"");
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        }
        let here = || self.ctx.creation_namespace.clone();
        let Some(namespace) = namespace.cloned().or_else(here) else {
            return Err(Error::new(SqlState::INVALID_SCHEMA_NAME, "no schema has been selected to create in"));
        };
        Ok(Ddl::CreateExtension { name: name.clone(), namespace, if_not_exists })
    }

    /// The extensions whose objects a name with this namespace, or without one, may mean.
    fn extensions_in(&self, namespace: Option<&str>) -> impl Iterator<Item = &Extension> {
        let found = self.ctx.snapshot.extensions.values().map(|e| &**e);
        found.filter(move |e| match namespace {
            Some(namespace) => *e.namespace == *namespace,
            None => self.search_path().any(|n| *n == *e.namespace),
        })
    }

    /// A call without arguments of an extension's function.
    pub(super) fn extension_function(&mut self, namespace: Option<&str>, name: &str, pos: u32) -> Result<Option<Expr>> {
        if !name.starts_with("uuid_") || !self.extensions_in(namespace).any(|e| &*e.name == "uuid-ossp") {
            return Ok(None);
        }
        if name == "uuid_generate_v4" {
            return self.call_by_name("gen_random_uuid", Vec::new(), pos).map(Some);
        }
        let Some((_, text)) = UUIDS.iter().find(|(function, _)| *function == name) else { return Ok(None) };
        let ty = PgType::new(oid::UUID);
        Ok(Some(Expr { kind: ExprKind::Const(self.input(text, ty)?), ty, pos }))
    }

    /// The refusal of an extension's function that has no counterpart here.
    pub(super) fn refused_function(&self, namespace: Option<&str>, name: &str) -> Option<Error> {
        let has = |e: &&Extension| e.available().is_some_and(|a| a.functions.contains(&name));
        let extension = self.extensions_in(namespace).find(has)?;
        Some(Error::unsupported(format!("function {name}() of extension \"{}\"", extension.name)))
    }

    /// The refusal of an extension's type.
    pub(super) fn refused_type(&self, namespace: Option<&str>, name: &str) -> Option<Error> {
        let has = |e: &&Extension| e.available().is_some_and(|a| a.types.contains(&name));
        let extension = self.extensions_in(namespace).find(has)?;
        Some(Error::unsupported(format!("type {name} of extension \"{}\"", extension.name)))
    }
}
