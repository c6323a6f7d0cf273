//! Output of xml: PostgreSQL shows a document's declaration only if it says something.

use std::borrow::Cow;

use super::is_space;

/// The document as its output and send functions give it: a declaration of version 1.0 without `standalone` is left out, and
/// an encoding is, since the text goes in the client's. What begins with no declaration, or a broken one, stays as it is.
pub fn shown(text: &str) -> Cow<'_, str> {
    let Some((declaration, rest)) = declaration(text) else { return Cow::Borrowed(text) };
    if declaration.version == "1.0" && declaration.standalone.is_none() {
        return Cow::Borrowed(rest.strip_prefix('\n').unwrap_or(rest));
    }
    let standalone = match declaration.standalone {
        Some(standalone) => format!(" standalone=\"{standalone}\""),
        None => String::new(),
    };
    Cow::Owned(format!("<?xml version=\"{}\"{standalone}?>{rest}", declaration.version))
}

struct Declaration<'a> {
    version: &'a str,
    /// `yes` or `no`
    standalone: Option<&'a str>,
}

/// The declaration that the text begins with, and what follows it.
fn declaration(text: &str) -> Option<(Declaration<'_>, &str)> {
    let rest = text.strip_prefix("<?xml")?;
    let (version, mut rest) = attribute(rest, "version")?;
    if let Some((_, after)) = attribute(rest, "encoding") {
        rest = after;
    }
    let mut standalone = None;
    if let Some((value, after)) = attribute(rest, "standalone") {
        standalone = Some(value);
        rest = after;
    }
    if standalone.is_some_and(|value| !matches!(value, "yes" | "no")) {
        return None;
    }
    let rest = rest.trim_start_matches(is_space).strip_prefix("?>")?;
    Some((Declaration { version, standalone }, rest))
}

/// ` name = "value"`, with blanks before it: the value, and what follows.
fn attribute<'a>(text: &'a str, name: &str) -> Option<(&'a str, &'a str)> {
    let rest = text.trim_start_matches(is_space);
    if rest.len() == text.len() {
        return None;
    }
    let rest = rest.strip_prefix(name)?.trim_start_matches(is_space).strip_prefix('=')?.trim_start_matches(is_space);
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    rest[1..].split_once(quote)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As PostgreSQL 15 shows them.
    #[test]
    fn a_declaration_is_shown_if_it_says_something() {
        let cases = [
            ("<?xml version=\"1.0\"?><a/>", "<a/>"),
            ("<?xml version='1.0' encoding='UTF-8'?>\n\n<a/>", "\n<a/>"),
            (
                "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?><a/>",
                "<?xml version=\"1.0\" standalone=\"no\"?><a/>",
            ),
            ("<?xml version = \"1.1\" ?><a/>", "<?xml version=\"1.1\"?><a/>"),
            ("<?xml version=\"1.1\"?>\n<a/>", "<?xml version=\"1.1\"?>\n<a/>"),
            ("<?xml version=\"1.0\"?>", ""),
            ("<?xml-stylesheet href=\"a\"?><a/>", "<?xml-stylesheet href=\"a\"?><a/>"),
            ("<a/>", "<a/>"),
            (" <?xml version=\"1.0\"?><a/>", " <?xml version=\"1.0\"?><a/>"),
            ("", ""),
        ];
        for (text, expected) in cases {
            assert_eq!(shown(text), expected, "{text}");
        }
    }
}
