//! Input and output functions of types at run time: `dg_in_<type>(session, text)` and `dg_out_<type>(session, value)`.
//!
//! They take the session for its DateStyle, TimeZone and search path, as PostgreSQL's own do.

use super::*;
use crate::catalog::asker;
use crate::engine::budget::{lend, spend, tick};
use crate::types::table::entries;
use crate::types::{PgType, Value, oid};

/// Types that have no values of their own to read or write.
const NONE: &[crate::types::Oid] = &[oid::VOID, oid::UNKNOWN, oid::RECORD];

pub(super) fn natives() -> Vec<Native> {
    let mut all = Vec::new();
    for entry in entries() {
        let ty = PgType::new(entry.oid);
        let Some(phys) = crate::types::phys(ty, &crate::types::BuiltinTypes) else { continue };
        if NONE.contains(&entry.oid) || matches!(phys, Phys::Void | Phys::Row(_)) {
            continue;
        }
        let Some(fact) = crate::facts::TYPES.by_oid(entry.oid) else { continue };
        all.push(input(fact.name, ty, phys.clone()));
        all.push(output(fact.name, ty, phys.clone()));
        if fact.array != 0 && !matches!(phys, Phys::List(_)) {
            let array = PgType::new(fact.array);
            let list = Phys::List(Box::new(phys));
            if let Some(fact) = crate::facts::TYPES.by_oid(array.oid) {
                all.push(input(fact.name, array, list.clone()));
                all.push(output(fact.name, array, list));
            }
        }
    }
    all.push(record_fields());
    all
}

/// `dg_record_fields(text, count)`: the texts of a composite value's fields.
fn record_fields() -> Native {
    let result = Phys::List(Box::new(Phys::Text));
    Native {
        name: "dg_record_fields",
        args: vec![Phys::Text, Phys::Int4],
        varargs: None,
        result: result.clone(),
        strict: true,
        volatile: false,
        body: Arc::new(move |args, rows| {
            let (texts, counts) = (downcast::<str>(args, 0)?, downcast::<i32>(args, 1)?);
            let mut values = Vec::with_capacity(rows);
            for row in 0..rows {
                if texts.is_null(row) || counts.is_null(row) {
                    values.push(Value::Null);
                    continue;
                }
                let text = texts.value(row);
                let count = usize::try_from(counts.value(row)).unwrap_or(0);
                drop(lend(count.saturating_mul(size_of::<Value>()).saturating_add(text.len()))?);
                let fields = crate::types::text::split_record(text, count)?;
                let items: Vec<Value> = fields.into_iter().map(|f| f.map_or(Value::Null, Value::text)).collect();
                let dims = vec![(items.len() as i32, 1)];
                let value = Value::Array(crate::types::ArrayValue { element: oid::TEXT, dims, items });
                spend(size(&value))?;
                tick()?;
                values.push(value);
            }
            crate::types::arrow::array_from_values(&values, &result)
        }),
    }
}

/// A name that lives as long as the process: the list is made once.
fn leak(name: String) -> &'static str {
    Box::leak(name.into_boxed_str())
}

fn input(name: &str, ty: PgType, phys: Phys) -> Native {
    let result = phys.clone();
    Native {
        name: leak(format!("dg_in_{name}")),
        args: vec![Phys::Int8, Phys::Text],
        varargs: None,
        result,
        strict: true,
        volatile: false,
        body: Arc::new(move |args, rows| {
            let (session, text) = (downcast::<i64>(args, 0)?, downcast::<str>(args, 1)?);
            if rows == 0 {
                return crate::types::arrow::array_from_values(&[], &phys);
            }
            let asker = asker(session.value(0))?;
            let settings = asker.view.output_settings();
            let mut values = Vec::with_capacity(rows);
            for row in 0..rows {
                if text.is_null(row) {
                    values.push(Value::Null);
                    continue;
                }
                let text = text.value(row);
                // An element and its comma are two bytes at least.
                let elements = if matches!(phys, Phys::List(_)) { text.len() / 2 } else { 0 };
                drop(lend(elements.saturating_mul(size_of::<Value>()))?);
                let value = crate::types::text::parse(text, ty, &settings, &asker.seen)?;
                spend(size(&value))?;
                values.push(value);
            }
            crate::types::arrow::array_from_values(&values, &phys)
        }),
    }
}

fn output(name: &str, ty: PgType, phys: Phys) -> Native {
    let arg = phys.clone();
    Native {
        name: leak(format!("dg_out_{name}")),
        args: vec![Phys::Int8, arg],
        varargs: None,
        result: Phys::Text,
        strict: true,
        volatile: false,
        body: Arc::new(move |args, rows| {
            let session = downcast::<i64>(args, 0)?;
            let mut out = StringBuilder::with_capacity(rows, rows * 12);
            if rows == 0 {
                return Ok(Arc::new(out.finish()));
            }
            let asker = asker(session.value(0))?;
            let settings = asker.view.output_settings();
            for row in 0..rows {
                if args[1].is_null(row) {
                    out.append_null();
                } else {
                    let _lent = lend(weight(&*args[1], row))?;
                    let value = crate::types::arrow::value_at(&*args[1], row, &phys);
                    let text = crate::types::text::format(&value, ty, &settings, &asker.seen);
                    tick()?;
                    spend(text.len())?;
                    out.append_value(text);
                }
            }
            Ok(Arc::new(out.finish()))
        }),
    }
}
