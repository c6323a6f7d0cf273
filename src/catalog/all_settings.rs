//! pg_show_all_settings(), which some tools ask where others read pg_settings.

use super::functions::ask;
use crate::engine::Native;
use crate::engine::vector::native_values;
use crate::types::{ArrayValue, PgType, Phys, Value, oid};

/// pg_show_all_settings(): what pg_settings is a view of, its rows as a list.
pub(super) fn settings() -> Native {
    let mut fields = vec![Phys::Text; 17];
    fields[11] = Phys::List(Box::new(Phys::Text));
    fields[15] = Phys::Int4;
    fields[16] = Phys::Bool;
    let result = Phys::List(Box::new(Phys::Row(fields.into())));
    let native = native_values("dg_pg_show_all_settings", vec![Phys::Int8], result, |args| {
        let [Value::Int8(session)] = args else { return Ok(Value::Null) };
        let field = |value: Option<String>| (PgType::new(oid::TEXT), value.map_or(Value::Null, Value::text));
        let rows: Vec<Value> = ask(*session)?
            .view
            .settings()
            .into_iter()
            .map(|s| {
                let enums = s.enumvals.map_or(Value::Null, |values| {
                    let items: Vec<Value> = values.into_iter().map(Value::text).collect();
                    Value::Array(ArrayValue { element: oid::TEXT, dims: vec![(items.len() as i32, 1)], items })
                });
                Value::Row(vec![
                    field(Some(s.name)),
                    field(s.setting),
                    field(s.unit),
                    field(Some(s.category)),
                    field(Some(s.short_desc)),
                    field(s.extra_desc),
                    field(Some(s.context)),
                    field(Some(s.vartype)),
                    field(Some(s.source)),
                    field(s.min_val),
                    field(s.max_val),
                    (PgType::new(oid::TEXT_ARRAY), enums),
                    field(s.boot_val),
                    field(s.reset_val),
                    // Where in a file it stands is nobody's affair.
                    field(None),
                    (PgType::new(oid::INT4), Value::Null),
                    (PgType::new(oid::BOOL), Value::Bool(false)),
                ])
            })
            .collect();
        Ok(Value::Array(ArrayValue { element: oid::RECORD, dims: vec![(rows.len() as i32, 1)], items: rows }))
    });
    super::functions::volatile(native)
}
