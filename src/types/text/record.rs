//! `record_in`: the text of a composite value.

use super::super::{PgType, RowField, RowTypes, TypeLookup, UserTypeInfoKind, Value, base_type};
use super::{Input, is_space, parse_with};
use crate::error::{Error, Result, SqlState};

fn malformed(text: &str, detail: &str) -> Error {
    Error::new(SqlState::INVALID_TEXT_REPRESENTATION, format!("malformed record literal: \"{text}\"")).detail(detail)
}

/// The fields of a composite type, or of a domain over one.
pub fn composite_fields(ty: PgType, types: &dyn TypeLookup) -> Option<Vec<PgType>> {
    match types.user_type(base_type(ty, types).oid)?.kind {
        UserTypeInfoKind::Composite { fields } => Some(fields.into_iter().map(|(_, ty)| ty).collect()),
        UserTypeInfoKind::Enum { .. }
        | UserTypeInfoKind::Domain { .. }
        | UserTypeInfoKind::Range { .. }
        | UserTypeInfoKind::Array { .. } => None,
    }
}

/// A value of a composite type from its text. 0A000 for an anonymous record, whose fields nobody knows.
pub fn parse_record(text: &str, ty: PgType, input: &Input<'_>) -> Result<Value> {
    let Some(fields) = composite_fields(ty, input.types) else {
        let message = "input of anonymous composite types is not implemented";
        return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
    };
    let texts = split_record(text, fields.len())?;
    let values = fields
        .into_iter()
        .zip(texts)
        .map(|(ty, text)| Ok((ty, text.map_or(Ok(Value::Null), |text| parse_with(&text, ty, input))?)));
    Ok(Value::Row(values.collect::<Result<_>>()?))
}

/// The texts of so many fields; `None` is NULL.
pub fn split_record(text: &str, count: usize) -> Result<Vec<Option<String>>> {
    let mut rest = text.trim_start_matches(is_space).chars().peekable();
    if rest.next() != Some('(') {
        return Err(malformed(text, "Missing left parenthesis."));
    }
    let mut fields = Vec::new();
    for i in 0..count {
        if i > 0 && rest.next_if_eq(&',').is_none() {
            return Err(malformed(text, "Too few columns."));
        }
        if matches!(rest.peek(), Some(',' | ')')) {
            fields.push(None);
            continue;
        }
        let (mut field, mut quoted) = (String::new(), false);
        loop {
            match rest.peek().copied() {
                Some(',' | ')') if !quoted => break,
                None => return Err(malformed(text, "Unexpected end of input.")),
                Some(_) => {}
            }
            match rest.next() {
                Some('\\') => {
                    field.push(rest.next().ok_or_else(|| malformed(text, "Unexpected end of input."))?);
                }
                Some('"') if quoted && rest.next_if_eq(&'"').is_some() => field.push('"'),
                Some('"') => quoted = !quoted,
                Some(c) => field.push(c),
                None => {}
            }
        }
        fields.push(Some(field));
    }
    match rest.next() {
        Some(')') => {}
        _ => return Err(malformed(text, "Too many columns.")),
    }
    if rest.any(|c| !is_space(c)) {
        return Err(malformed(text, "Junk after right parenthesis."));
    }
    Ok(fields)
}

/// As [`typed`], for an anonymous row whose fields' types are known.
pub fn typed_row(fields: Vec<(PgType, Value)>, row: &RowTypes, types: &dyn TypeLookup) -> Value {
    if fields.len() != row.0.len() {
        return Value::Row(fields);
    }
    let field = |((_, value), known): ((PgType, Value), &RowField)| match (value, &known.row) {
        (Value::Row(inner), Some(row)) => (known.ty, typed_row(inner, row, types)),
        (value, _) => (known.ty, typed(value, known.ty, types)),
    };
    Value::Row(fields.into_iter().zip(row.0.iter()).map(field).collect())
}

/// A value that came from batches with the types of its fields as they are declared: what carries a field does not tell.
pub fn typed(value: Value, ty: PgType, types: &dyn TypeLookup) -> Value {
    match value {
        Value::Row(fields) => match composite_fields(ty, types) {
            Some(known) if known.len() == fields.len() => Value::Row(
                fields.into_iter().zip(known).map(|((_, value), ty)| (ty, typed(value, ty, types))).collect(),
            ),
            _ => Value::Row(fields),
        },
        Value::Array(mut array) => {
            let element = super::super::table::element_type(base_type(ty, types).oid, types);
            if let Some(element) = element {
                array.element = element;
                if array.items.iter().any(|item| matches!(item, Value::Row(_))) {
                    let of = PgType::new(element);
                    array.items = array.items.into_iter().map(|item| typed(item, of, types)).collect();
                }
            }
            Value::Array(array)
        }
        other => other,
    }
}
