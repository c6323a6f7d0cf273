//! Values of a batch as PostgreSQL would print them.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type, Time64MicrosecondType,
    TimestampMicrosecondType, UInt32Type,
};

use crate::sql::lower::constant::civil;
use crate::types::Phys;

/// One value; `None` is NULL.
pub fn value(array: &dyn Array, row: usize, phys: &Phys) -> Option<String> {
    if array.is_null(row) {
        return None;
    }
    Some(match phys {
        Phys::Bool => if array.as_boolean().value(row) { "t" } else { "f" }.to_owned(),
        Phys::Int2 => array.as_primitive::<Int16Type>().value(row).to_string(),
        Phys::Int4 => array.as_primitive::<Int32Type>().value(row).to_string(),
        Phys::Int8 => array.as_primitive::<Int64Type>().value(row).to_string(),
        Phys::Oid => array.as_primitive::<UInt32Type>().value(row).to_string(),
        Phys::Float4 => array.as_primitive::<Float32Type>().value(row).to_string(),
        Phys::Float8 => array.as_primitive::<Float64Type>().value(row).to_string(),
        Phys::Decimal { scale, .. } => decimal(array.as_primitive::<Decimal128Type>().value(row), usize::from(*scale)),
        Phys::Numeric | Phys::Text => array.as_string::<i32>().value(row).to_owned(),
        Phys::Date => match array.as_primitive::<Date32Type>().value(row) {
            n if n.unsigned_abs() == i32::MAX as u32 => infinite(n > 0),
            n => civil(i64::from(n)).unwrap_or_default(),
        },
        Phys::Timestamp => timestamp(array.as_primitive::<TimestampMicrosecondType>().value(row)),
        Phys::TimestampTz => {
            format!("{}+00", timestamp(array.as_primitive::<TimestampMicrosecondType>().value(row)))
        }
        Phys::Time => {
            let text = timestamp(array.as_primitive::<Time64MicrosecondType>().value(row));
            text.split_once(' ').map(|(_, time)| time.to_owned()).unwrap_or_default()
        }
        Phys::List(element) => {
            let items = array.as_list::<i32>().value(row);
            let texts: Vec<String> =
                (0..items.len()).map(|i| item(value(&items, i, element))).collect();
            format!("{{{}}}", texts.join(","))
        }
        Phys::Row(fields) => {
            let columns = array.as_struct();
            let texts: Vec<String> = fields
                .iter()
                .enumerate()
                .map(|(i, phys)| value(columns.column(i), row, phys).unwrap_or_default())
                .collect();
            format!("({})", texts.join(","))
        }
        other => format!("?{other:?}"),
    })
}

fn item(value: Option<String>) -> String {
    match value {
        None => "NULL".into(),
        Some(text) if text.is_empty() || text.contains([',', '"', '{', ' ', '(']) => {
            format!("\"{}\"", text.replace('"', "\\\""))
        }
        Some(text) => text,
    }
}

fn infinite(positive: bool) -> String {
    if positive { "infinity" } else { "-infinity" }.into()
}

fn decimal(value: i128, scale: usize) -> String {
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = scale + 1);
    let (whole, part) = digits.split_at(digits.len() - scale);
    let sign = if value < 0 { "-" } else { "" };
    if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") }
}

fn timestamp(micros: i64) -> String {
    if micros.unsigned_abs() == i64::MAX as u64 {
        return infinite(micros > 0);
    }
    let date = civil(micros.div_euclid(86_400_000_000)).unwrap_or_default();
    let rest = micros.rem_euclid(86_400_000_000);
    let (seconds, micros) = (rest / 1_000_000, rest % 1_000_000);
    let time = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    let fraction = format!(".{micros:06}");
    let fraction = if micros == 0 { "" } else { fraction.trim_end_matches('0') };
    format!("{date} {time}{fraction}")
}
