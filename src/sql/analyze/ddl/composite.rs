//! CREATE TYPE … AS (…) and ALTER TYPE … ATTRIBUTE.

use sqlparser::ast::{self, DataType};

use super::super::Analyzer;
use crate::error::{Error, Result};
use crate::sql::parse::{self, RawAttribute};
use crate::tree::{AlterAttribute, Ddl, QualifiedName};
use crate::types::PgType;

impl Analyzer<'_> {
    pub(super) fn create_composite(
        &self,
        name: &QualifiedName,
        attributes: &[ast::UserDefinedTypeCompositeAttributeDef],
    ) -> Result<Ddl> {
        let (namespace, name) = self.new_name(name, false)?;
        if attributes.is_empty() {
            return Err(Error::unsupported("a composite type without attributes"));
        }
        let mut columns = Vec::with_capacity(attributes.len());
        for attribute in attributes {
            let ast::UserDefinedTypeCompositeAttributeDef { name, data_type, collation } = attribute;
            if let Some(collation) = collation {
                parse::known_collation(&parse::fold_last(collation))?;
            }
            let name = parse::fold(name);
            columns.push((name.clone(), self.attribute_type(&name, data_type)?));
        }
        Ok(Ddl::CreateComposite { namespace, name, columns })
    }

    pub(super) fn alter_composite(&self, name: &QualifiedName, changes: &[RawAttribute]) -> Result<Ddl> {
        let (namespace, name) = self.existing_type(name);
        let changes = changes
            .iter()
            .map(|change| {
                Ok(match change {
                    RawAttribute::Add { name, ty } => {
                        AlterAttribute::Add { name: name.clone(), ty: self.attribute_type(name, ty)? }
                    }
                    RawAttribute::SetType { name, ty } => {
                        AlterAttribute::SetType { name: name.clone(), ty: self.attribute_type(name, ty)? }
                    }
                    RawAttribute::Drop { name, if_exists, behavior } => {
                        AlterAttribute::Drop { name: name.clone(), if_exists: *if_exists, behavior: *behavior }
                    }
                    RawAttribute::Rename { from, to } => AlterAttribute::Rename { from: from.clone(), to: to.clone() },
                })
            })
            .collect::<Result<_>>()?;
        Ok(Ddl::AlterComposite { namespace, name, changes })
    }

    fn attribute_type(&self, name: &str, ty: &DataType) -> Result<PgType> {
        let ty = self.data_type(ty)?;
        self.storable(name, ty)?;
        if crate::types::phys(ty, &*self.ctx.snapshot).is_none() {
            return Err(Error::unsupported(format!("an attribute of type {}", self.type_name(ty.oid))));
        }
        Ok(ty)
    }
}
