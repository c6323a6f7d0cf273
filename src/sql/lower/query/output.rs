//! What leaves a query: a value of a known physical type, NULL included.

use crate::error::Result;
use crate::sql::lower::Lowerer;
use crate::sql::lower::ir::{Node, Scalar};
use crate::types::{PgType, Phys, oid};

impl Lowerer<'_> {
    /// An output column of a select or RETURNING.
    pub(crate) fn output_column(&self, value: Scalar, ty: PgType) -> Result<Scalar> {
        let value = self.settle(value);
        if value.phys == Phys::Void && !matches!(ty.oid, oid::RECORD | oid::RECORD_ARRAY) {
            let phys = self.phys(ty)?;
            return Ok(if phys == Phys::Void { value } else { value.cast(phys) });
        }
        Ok(typed(value))
    }
}

/// A column of what somebody reads, in the type that it is said to have: DuckDB gives a call with a NULL constant a type of its
/// own. Free where the type is right.
pub(crate) fn typed(value: Scalar) -> Scalar {
    let computed = matches!(value.node, Node::Template { .. } | Node::Aggregate(_) | Node::Case { .. });
    if !computed {
        return value;
    }
    let phys = value.phys.clone();
    Scalar::new(Node::Cast(Box::new(value)), phys)
}
