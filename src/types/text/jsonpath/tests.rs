//! Paths as deep as a text can make them: 54001 or an answer, never the end of a stack.

use super::{normalize_jsonpath, parse_jsonpath};

#[test]
fn deep_paths_are_read_or_refused() {
    // What begins, what is repeated, what ends.
    let shapes = [
        ("$", ".a", ""),
        ("$", "[0]", ""),
        ("$", "?(@ > 1)", ""),
        ("1", "+1", ""),
        ("1", "*1", ""),
        ("$ ? (1 == 1", " || 1 == 1", ")"),
        ("$ ? (1 == 1", " && 1 == 1", ")"),
        ("", "-", "$"),
        ("", "(", "1"),
        ("", "$[", "0"),
        ("", "$ ? (exists(", "$"),
    ];
    for (begin, link, end) in shapes {
        for n in [10, 1_000, 100_000] {
            let closing: String = link.repeat(n).chars().rev().filter_map(closed).collect();
            let balanced = link.chars().filter(|c| "([".contains(*c)).count()
                == link.chars().filter(|c| ")]".contains(*c)).count();
            let closing = if balanced { "" } else { &closing };
            let text = format!("{begin}{}{end}{closing}", link.repeat(n));
            match normalize_jsonpath(&text) {
                Ok(kept) => {
                    assert!(n <= 1_000, "{begin}{link}… {n} times");
                    drop(parse_jsonpath(&kept).expect("what is printed can be read"));
                }
                Err(error) => {
                    assert!(n > 1_000 && error.code().as_str() == "54001", "{begin}{link}… {n} times: {error}")
                }
            }
        }
    }
}

fn closed(open: char) -> Option<char> {
    match open {
        '(' => Some(')'),
        '[' => Some(']'),
        _ => None,
    }
}
