//! Queries as text, bytes and binary; their order.

use super::*;

fn shown(query: &Query) -> String {
    let mut out = Vec::new();
    write(&mut out, query);
    String::from_utf8(out).expect("UTF-8")
}

#[test]
fn queries_come_back_from_bytes_text_and_binary() {
    let texts = [
        "",
        "'a'",
        "'a' & 'b' | 'c'",
        "( 'a' | 'b' ) & 'c'",
        "'a' <-> ( 'b' <3> 'c' )",
        "!( 'a' | 'b' )",
        "!!'a'",
        "'a':*ABC & 'it''s':D | '\\\\'",
        "'a' <0> 'é'",
    ];
    for text in texts {
        let made = parse(text).expect(text);
        assert_eq!(shown(&made), text);
        assert_eq!(decode(&encode(&made)), made, "{text}");
        let mut sent = Vec::new();
        send(&mut sent, &made);
        assert_eq!(receive(&sent).expect(text), made, "{text}");
    }
}

#[test]
fn random_queries_come_back() {
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};
    fn made(random: &mut StdRng, depth: usize) -> Node {
        let by = match random.random_range(0..if depth > 4 { 1 } else { 6 }) {
            0 | 1 => {
                let length = random.random_range(1..4);
                let text = (0..length).map(|_| ['a', '\'', '\\', ' ', 'é'][random.random_range(0..5)]).collect();
                let (weights, prefix) = (random.random_range(0..16), random.random());
                return Node::Word(Word { text, weights, prefix });
            }
            2 => return made(random, depth + 1).negated(),
            3 => Joined::And,
            4 => Joined::Or,
            _ => Joined::Phrase(random.random_range(0..4)),
        };
        let left = made(random, depth + 1);
        left.joined(by, made(random, depth + 1))
    }
    let mut random = StdRng::seed_from_u64(15);
    for _ in 0..2000 {
        let query = Some(made(&mut random, 0));
        assert_eq!(decode(&encode(&query)), query);
        let mut sent = Vec::new();
        send(&mut sent, &query);
        assert_eq!(receive(&sent).expect("its own bytes"), query);
        // Text does not say how parts of AND and OR were put together.
        let text = shown(&query);
        assert_eq!(shown(&parse(&text).expect("its own text")), text);
    }
}

#[test]
fn keys_sort_as_queries_do() {
    // As PostgreSQL sorts them.
    let sorted = [
        "", "a", "b", "é", "ü", "aa", "ab", "ba", "bax", "foo", "baz", "bar", "zebra", "Zebra", "!a", "!b", "!!a",
        "a<2>b", "a<->b", "a|b", "b&a", "a&b", "c&(a|b)",
    ];
    let bytes: Vec<Vec<u8>> = sorted.iter().map(|text| encode(&parse(text).expect(text))).collect();
    for (pair, texts) in bytes.windows(2).zip(sorted.windows(2)) {
        assert!(key(&pair[0]) < key(&pair[1]), "{texts:?}");
    }
    let bytes = |text: &str| encode(&parse(text).expect(text));
    assert_ne!(bytes("a:A"), bytes("a:*"));
    assert_eq!(key(&bytes("a:A")), key(&bytes("a:*")));
}

#[test]
fn texts_that_are_none_are_refused() {
    for text in ["a b", "a &", "& a", "(a", "a)", "()", "!", "a <x> b", "a <1 b", "a:z", "'a'b", "'a", "a\\", "a<b"] {
        assert!(parse(text).is_err(), "{text}");
    }
    assert!(parse("a <16385> b").is_err());
    assert!(parse(&"!".repeat(100_000)).is_err());
    assert!(parse(&format!("{}a", "!".repeat(100_000))).is_err());
    assert!(parse("a|".repeat(100_000).trim_end_matches('|')).is_err());
}
