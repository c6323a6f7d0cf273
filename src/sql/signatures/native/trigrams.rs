//! The extension pg_trgm: how alike two texts are, by the runs of three characters in their words.
//!
//! A word is letters and digits, in small letters, with two blanks before and one behind it. A run of three bytes is itself; one
//! with longer characters is three bytes of a checksum, as PostgreSQL has it, so that the same runs are the same here and there.

use std::collections::BTreeSet;

use super::*;

/// Compared as PostgreSQL does where `char` is signed.
type Trigram = [i8; 3];

const NO_LIMIT: &str = "0.3";
const NO_WORD_LIMIT: &str = "0.6";
const NO_STRICT_LIMIT: &str = "0.5";

pub(super) fn natives() -> Vec<Native> {
    let over = |limit: &'static str, default: &'static str, s: i64| threshold(s, limit, default);
    let volatile = |native: Native| Native { volatile: true, ..native };
    vec![
        native1::<str, TextList>("dg_show_trgm", |text| {
            Ok(Some(set_of(text).into_iter().map(|run| Some(shown(run))).collect()))
        }),
        native2::<str, str, f32>("dg_similarity", |a, b| Ok(Some(similarity(a, b)))),
        native2::<str, str, f32>("dg_word_similarity", |a, b| Ok(Some(word_similarity(a, b, false)))),
        native2::<str, str, f32>("dg_strict_word_similarity", |a, b| Ok(Some(word_similarity(a, b, true)))),
        native3::<i64, str, str, bool>("dg_similar", move |s, a, b| {
            Ok(Some(f64::from(similarity(a, b)) >= over("pg_trgm.similarity_threshold", NO_LIMIT, s)?))
        }),
        native3::<i64, str, str, bool>("dg_word_similar", move |s, a, b| {
            let least = over("pg_trgm.word_similarity_threshold", NO_WORD_LIMIT, s)?;
            Ok(Some(f64::from(word_similarity(a, b, false)) >= least))
        }),
        native3::<i64, str, str, bool>("dg_strict_word_similar", move |s, a, b| {
            let least = over("pg_trgm.strict_word_similarity_threshold", NO_STRICT_LIMIT, s)?;
            Ok(Some(f64::from(word_similarity(a, b, true)) >= least))
        }),
        volatile(native1::<i64, f32>("dg_show_limit", move |s| {
            Ok(Some(over("pg_trgm.similarity_threshold", NO_LIMIT, s)? as f32))
        })),
        volatile(native2::<i64, f32, f32>("dg_set_limit", |s, limit| {
            if !(0.0..=1.0).contains(&limit) {
                let message = format!(
                    "{limit} is outside the valid range for parameter \"pg_trgm.similarity_threshold\" (0 .. 1)"
                );
                return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
            }
            asker(s)?.view.set_config("pg_trgm.similarity_threshold", Some(&limit.to_string()), false)?;
            Ok(Some(limit))
        })),
    ]
}

/// What the session says is alike enough.
fn threshold(session: i64, setting: &str, default: &str) -> Result<f64> {
    let said = asker(session)?.view.setting(setting).filter(|text| !text.is_empty());
    let said = said.as_deref().unwrap_or(default);
    said.trim().parse().ok().filter(|limit| (0.0..=1.0).contains(limit)).ok_or_else(|| {
        Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("invalid value for parameter \"{setting}\": \"{said}\""))
    })
}

/// The runs of a text in their order, each with whether a word begins and ends there.
fn runs(text: &str) -> Vec<(Trigram, bool, bool)> {
    let mut found = Vec::new();
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let padded: Vec<char> = [' ', ' '].into_iter().chain(word.chars().map(small)).chain([' ']).collect();
        let last = padded.len() - 3;
        found.extend(padded.windows(3).enumerate().map(|(at, run)| (trigram(run), at == 0, at == last)));
    }
    found
}

fn small(c: char) -> char {
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}

fn trigram(run: &[char]) -> Trigram {
    let text: String = run.iter().collect();
    match *text.as_bytes() {
        [a, b, c] => [a, b, c].map(u8::cast_signed),
        ref longer => {
            let [a, b, c, _] = checksum(longer).to_le_bytes();
            [a, b, c].map(u8::cast_signed)
        }
    }
}

/// PostgreSQL's older CRC-32: the reflected polynomial's table, read from the other end.
fn checksum(bytes: &[u8]) -> u32 {
    let entry = |n: u32| (0..8).fold(n, |c, _| if c & 1 == 1 { 0xedb8_8320 ^ (c >> 1) } else { c >> 1 });
    !bytes.iter().fold(u32::MAX, |crc, byte| entry((crc >> 24) ^ u32::from(*byte)) ^ (crc << 8))
}

fn set_of(text: &str) -> BTreeSet<Trigram> {
    runs(text).into_iter().map(|(run, _, _)| run).collect()
}

fn shown(run: Trigram) -> String {
    let [a, b, c] = run.map(i8::cast_unsigned);
    let printable = |byte: u8| byte.is_ascii_alphanumeric() || byte == b' ';
    if [a, b, c].into_iter().all(printable) {
        return [a, b, c].into_iter().map(char::from).collect();
    }
    format!("0x{a:02x}{b:02x}{c:02x}")
}

/// What is in both of what is in either.
fn share(both: usize, one: usize, other: usize) -> f32 {
    both as f32 / (one + other - both) as f32
}

fn similarity(a: &str, b: &str) -> f32 {
    let (a, b) = (set_of(a), set_of(b));
    if a.is_empty() || b.is_empty() {
        return 0.0;
    }
    share(a.intersection(&b).count(), a.len(), b.len())
}

/// How alike the words `wanted` and some stretch of `text` are, at best. `strict`: the stretch is of whole words.
fn word_similarity(wanted: &str, text: &str, strict: bool) -> f32 {
    let wanted = set_of(wanted);
    let runs = runs(text);
    if wanted.is_empty() || runs.is_empty() {
        return 0.0;
    }
    // The stretch: where it begins, the different runs in it, and how many of these are wanted.
    let mut from = strict.then_some(0);
    let (mut different, mut common) = (0, 0);
    // Where each run was last seen in the stretch.
    let mut seen: std::collections::HashMap<Trigram, usize> = std::collections::HashMap::new();
    let mut best = 0.0_f32;
    for (to, (run, _, ends)) in runs.iter().enumerate() {
        let is_wanted = wanted.contains(run);
        if from.is_some() || is_wanted {
            if !seen.contains_key(run) {
                different += 1;
                common += usize::from(is_wanted);
            }
            seen.insert(*run, to);
        }
        if !(if strict { *ends } else { is_wanted }) {
            continue;
        }
        let began = *from.get_or_insert_with(|| {
            different = 1;
            to
        });
        let mut now = part(common, wanted.len(), different);
        // Would it be better to begin later?
        let (mut left, mut left_common, mut begins) = (different, common, began);
        for (at, (early, starts, _)) in runs.iter().enumerate().take(to + 1).skip(began) {
            if !strict || *starts {
                let shorter = part(left_common, wanted.len(), left);
                if shorter > now {
                    (now, different, common, begins) = (shorter, left, left_common, at);
                }
            }
            if seen.get(early) == Some(&at) {
                left -= 1;
                left_common -= usize::from(wanted.contains(early));
            }
        }
        from = Some(begins);
        best = best.max(now);
        for (at, (early, _, _)) in runs.iter().enumerate().take(begins).skip(began) {
            if seen.get(early) == Some(&at) {
                seen.remove(early);
            }
        }
    }
    best
}

/// As [`share`], where the stretch may be empty.
fn part(both: usize, one: usize, other: usize) -> f32 {
    if one + other == both { 0.0 } else { share(both, one, other) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_as_alike_as_in_postgresql() {
        assert_eq!(similarity("word", "two words"), 0.363_636_37);
        assert_eq!(word_similarity("word", "two words", false), 0.8);
        assert_eq!(word_similarity("word", "two words", true), 0.571_428_6);
        let runs: Vec<String> = set_of("Foo bär 12_x").into_iter().map(shown).collect();
        let expected = "0x8e79f1,0xb8fd9a,0xc38d98,  1,  b,  f,  x, 12, fo, x ,12 ,foo,oo ";
        assert_eq!(runs.join(","), expected);
    }
}
