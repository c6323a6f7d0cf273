//! Names of what a schema change is about, and the namespaces that they mean.

use sqlparser::ast::{Ident, ObjectName};

use super::super::Analyzer;
use crate::error::{Error, Result, SqlState};
use crate::registry::{Name, bootstrap};
use crate::sql::parse;
use crate::tree::QualifiedName;

impl Analyzer<'_> {
    /// A name without a namespace (of a namespace, a role).
    pub(in crate::sql::analyze) fn single(&self, name: &ObjectName) -> Result<Name> {
        match self.name_parts(name)? {
            (None, name, _) => Ok(name),
            (Some(first), name, pos) => {
                Err(Error::syntax(format!("syntax error at or near \".\" in \"{first}.{name}\"")).at(pos))
            }
        }
    }

    pub(in crate::sql::analyze) fn qualified(&self, name: &ObjectName) -> Result<QualifiedName> {
        let (namespace, name, pos) = self.name_parts(name)?;
        Ok(QualifiedName { namespace, name, pos })
    }

    /// Where something new goes.
    pub(in crate::sql::analyze) fn new_name(&self, name: &QualifiedName, temporary: bool) -> Result<(Name, Name)> {
        let is_temporary = |n: &str| n == bootstrap::TEMPORARY || n.starts_with("pg_temp_");
        if temporary {
            if name.namespace.as_deref().is_some_and(|n| !is_temporary(n)) {
                let message = "cannot create temporary relation in non-temporary schema";
                return Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message).at(name.pos));
            }
            return Ok((self.temporary_namespace(), name.name.clone()));
        }
        let namespace = match (&name.namespace, &self.ctx.creation_namespace) {
            (Some(namespace), _) => namespace.clone(),
            (None, Some(namespace)) => namespace.clone(),
            (None, None) => {
                let message = "no schema has been selected to create in";
                return Err(Error::new(SqlState::INVALID_SCHEMA_NAME, message).at(name.pos));
            }
        };
        Ok((namespace, name.name.clone()))
    }

    /// The namespace of this session's temporary objects: the one in its search path, if the session named it.
    fn temporary_namespace(&self) -> Name {
        let path = self.ctx.search_path.iter().find(|n| n.starts_with("pg_temp_"));
        path.cloned().unwrap_or_else(|| bootstrap::TEMPORARY.into())
    }

    /// Namespace and name of something that should be there; where it is not, planning complains under the name given.
    ///
    /// # Errors
    /// 42501 in a namespace that the role may not look into, whether it is there or not.
    pub(crate) fn existing(&self, name: &QualifiedName) -> Result<(Name, Name)> {
        self.existing_or_skipped(name, false)
    }

    /// As [`Self::existing`], for a command that may say IF EXISTS: then a schema may be missing, too.
    ///
    /// # Errors
    /// 42501 as above; 3F000 if there is no such schema.
    pub(in crate::sql::analyze) fn existing_or_skipped(
        &self,
        name: &QualifiedName,
        if_exists: bool,
    ) -> Result<(Name, Name)> {
        if !if_exists {
            self.namespace_is_there(name.namespace.as_deref())?;
        }
        if let Some(namespace) = &name.namespace {
            if &**namespace == bootstrap::TEMPORARY {
                return Ok((self.temporary_namespace(), name.name.clone()));
            }
            self.may_look_into(Some(namespace))?;
            return Ok((namespace.clone(), name.name.clone()));
        }
        let snapshot = &self.ctx.snapshot;
        let found = self.search_path().find(|n| snapshot.relation_name_taken(n, &name.name));
        Ok((found.map_or_else(|| self.default_namespace(), Name::from), name.name.clone()))
    }

    pub(in crate::sql::analyze) fn existing_type(&self, name: &QualifiedName) -> (Name, Name) {
        if let Some(namespace) = &name.namespace {
            return (namespace.clone(), name.name.clone());
        }
        let snapshot = &self.ctx.snapshot;
        let found = self
            .search_path()
            .find(|n| snapshot.user_type(n, &name.name).is_some() || snapshot.composite(n, &name.name).is_some());
        (found.map_or_else(|| self.default_namespace(), Name::from), name.name.clone())
    }

    fn default_namespace(&self) -> Name {
        self.ctx.creation_namespace.clone().unwrap_or_else(|| "public".into())
    }

    pub(in crate::sql::analyze) fn names(&self, idents: &[Ident]) -> Vec<Name> {
        idents.iter().map(parse::fold).collect()
    }
}
