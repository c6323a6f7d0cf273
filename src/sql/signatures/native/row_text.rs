//! A new row's text in the detail of the error that it meets.

use super::*;

/// Bytes of a value that PostgreSQL shows of it (ExecBuildSlotValueDescription).
const LONGEST: usize = 64;

pub(super) fn natives() -> Vec<Native> {
    vec![Native {
        name: "dg_told",
        // An encoded error with a place for the row, what stands before the row's columns, and they.
        args: vec![Phys::Text, Phys::Text, Phys::Text],
        varargs: Some(Phys::Text),
        result: Phys::Text,
        strict: false,
        volatile: false,
        body: Arc::new(|args, rows| {
            let texts = (0..args.len()).map(|i| downcast::<str>(args, i)).collect::<Result<Vec<_>>>()?;
            let [told, place, before, columns @ ..] = texts.as_slice() else {
                return Err(Error::internal("an error without its row"));
            };
            let mut out = StringBuilder::with_capacity(rows, rows * 16);
            for row in 0..rows {
                if told.is_null(row) {
                    out.append_null();
                    continue;
                }
                let columns = columns.iter().map(|column| (!column.is_null(row)).then(|| column.value(row)));
                let shown = text_of(before.value(row), columns);
                out.append_value(told.value(row).replace(place.value(row), &shown));
            }
            Ok(Arc::new(out.finish()))
        }),
    }]
}

/// `(1, x, null)`.
fn text_of<'a>(before: &str, columns: impl Iterator<Item = Option<&'a str>>) -> String {
    let mut text = before.to_owned();
    for (i, column) in columns.enumerate() {
        if i > 0 {
            text.push_str(", ");
        }
        let Some(value) = column else {
            text.push_str("null");
            continue;
        };
        let end = (0..=value.len().min(LONGEST)).rev().find(|at| value.is_char_boundary(*at)).unwrap_or(0);
        // What separates the fields of an encoded error.
        text.push_str(&value[..end].replace('\u{1}', " "));
        if end < value.len() {
            text.push_str("...");
        }
    }
    text.push(')');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_are_cut_between_characters() {
        let long = format!("x{}", "ü".repeat(32));
        let text = text_of("(", [Some("a\u{1}b"), None, Some(&long)].into_iter());
        assert_eq!(text, format!("(a b, null, x{}...)", "ü".repeat(31)));
        assert_eq!(text_of("(a) = (", [Some(&*"x".repeat(64))].into_iter()), format!("(a) = ({})", "x".repeat(64)));
    }
}
