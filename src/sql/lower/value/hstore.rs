//! hstore of a row: its columns' names with their texts.
//!
//! `hstore(ROW(1, 'a'))` → `dg_hstore_zip(['f1', 'f2'], [CAST(1 AS VARCHAR), 'a'])`

use crate::error::Result;
use crate::sql::lower::Lowerer;
use crate::sql::lower::ir::Scalar;
use crate::tree::Expr;
use crate::types::{PgType, Phys, RowField, oid};

impl Lowerer<'_> {
    pub(crate) fn hstore_of_row(&mut self, arg: &Expr) -> Result<Scalar> {
        let shape = self.shape(Some(arg), arg.ty)?;
        let row = self.expr(arg)?;
        let result = self.phys(PgType::new(oid::HSTORE))?;
        let texts = || Phys::List(Box::new(Phys::Text));
        self.bind_once(row, |this, row| {
            let fields = match &row.phys {
                Phys::Row(fields) => fields.to_vec(),
                _ => Vec::new(),
            };
            let mut values = Vec::with_capacity(shape.0.len());
            for (i, RowField { ty, .. }) in shape.0.iter().enumerate() {
                let phys = match fields.get(i) {
                    Some(phys) => phys.clone(),
                    None => this.phys(*ty)?,
                };
                let text = this.output(super::row::field_of(row.clone(), i, phys), *ty)?;
                values.push(text.cast(Phys::Text));
            }
            let names = shape.0.iter().map(|field| Scalar::literal(&*field.name, Phys::Text)).collect();
            let lists = vec![Scalar::template("[{*}]", names, texts()), Scalar::template("[{*}]", values, texts())];
            Ok(Scalar::call("dg_hstore_zip", lists, result))
        })
    }
}
