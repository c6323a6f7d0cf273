//! metaphone(): how an English word sounds, in consonants.

/// The letters of a word, by place; there is nothing before and behind them.
struct Word(Vec<u8>);

impl Word {
    /// 0 beyond the ends.
    fn at(&self, place: usize, step: isize) -> u8 {
        let place = place.checked_add_signed(step);
        place.and_then(|place| self.0.get(place)).map_or(0, u8::to_ascii_uppercase)
    }
}

fn is_vowel(letter: u8) -> bool {
    matches!(letter, b'A' | b'E' | b'I' | b'O' | b'U')
}

/// What makes C and G before it soft.
fn softens(letter: u8) -> bool {
    matches!(letter, b'E' | b'I' | b'Y')
}

/// Behind which H is not heard.
fn takes_h(letter: u8) -> bool {
    matches!(letter, b'C' | b'G' | b'P' | b'S' | b'T')
}

/// Three letters before GH, where it is not F.
fn silences_gh(letter: u8) -> bool {
    matches!(letter, b'B' | b'D' | b'H')
}

/// Up to `most` characters.
pub(super) fn metaphone(text: &str, most: usize) -> String {
    let word = Word(text.bytes().collect());
    let mut out = String::new();
    let Some(first) = word.0.iter().position(u8::is_ascii_alphabetic) else { return out };
    let mut at = first + beginning(&word, first, &mut out);
    while at < word.0.len() && out.len() < most {
        let letter = word.at(at, 0);
        let again = word.at(at, -1) == letter && letter != b'C';
        at += 1;
        if letter.is_ascii_alphabetic() && !again {
            at += sound(&word, at - 1, &mut out);
        }
    }
    out.truncate(most);
    out
}

/// A word's first letters; gives how many they are.
fn beginning(word: &Word, at: usize, out: &mut String) -> usize {
    let next = word.at(at, 1);
    match word.at(at, 0) {
        b'A' if next == b'E' => {
            out.push('E');
            2
        }
        b'G' | b'K' | b'P' if next == b'N' => {
            out.push('N');
            2
        }
        b'X' => {
            out.push('S');
            1
        }
        vowel if is_vowel(vowel) => {
            out.push(char::from(vowel));
            1
        }
        b'W' if next == b'R' => {
            out.push('R');
            2
        }
        b'W' if next == b'H' => {
            out.push('H');
            2
        }
        b'W' if is_vowel(next) => {
            out.push('W');
            2
        }
        _ => 0,
    }
}

/// What a letter adds; gives how many letters behind it go with it.
fn sound(word: &Word, at: usize, out: &mut String) -> usize {
    let (last, next, after) = (word.at(at, -1), word.at(at, 1), word.at(at, 2));
    let (says, with) = match word.at(at, 0) {
        b'B' if last != b'M' => ("B", 0),
        b'C' if softens(next) => match () {
            () if next == b'I' && after == b'A' => ("X", 0),
            () if last == b'S' => ("", 0),
            () => ("S", 0),
        },
        b'C' if next == b'H' => (if after == b'R' || last == b'S' { "K" } else { "X" }, 1),
        b'C' => ("K", 0),
        b'D' if next == b'G' && softens(after) => ("J", 1),
        b'D' => ("T", 0),
        b'G' if next == b'H' => {
            let silent = silences_gh(word.at(at, -3)) || word.at(at, -4) == b'H';
            if silent { ("", 0) } else { ("F", 1) }
        }
        b'G' if next == b'N' => {
            let ends = !after.is_ascii_alphabetic() || after == b'E' && word.at(at, 3) == b'D';
            (if ends { "" } else { "K" }, 0)
        }
        b'G' if softens(next) && last != b'G' => ("J", 0),
        b'G' => ("K", 0),
        b'H' if is_vowel(next) && !takes_h(last) => ("H", 0),
        b'K' if last != b'C' => ("K", 0),
        b'P' if next == b'H' => ("F", 0),
        b'P' => ("P", 0),
        b'Q' => ("K", 0),
        b'S' if next == b'I' && matches!(after, b'O' | b'A') => ("X", 0),
        b'S' if next == b'H' => ("X", 1),
        b'S' if next == b'C' && after == b'H' && word.at(at, 3) == b'W' => ("X", 2),
        b'S' => ("S", 0),
        b'T' if next == b'I' && matches!(after, b'O' | b'A') => ("X", 0),
        b'T' if next == b'H' => ("0", 1),
        b'T' => ("T", 0),
        b'V' => ("F", 0),
        b'W' if is_vowel(next) => ("W", 0),
        b'X' => ("KS", 0),
        b'Y' if is_vowel(next) => ("Y", 0),
        b'Z' => ("S", 0),
        b'F' => ("F", 0),
        b'J' => ("J", 0),
        b'L' => ("L", 0),
        b'M' => ("M", 0),
        b'N' => ("N", 0),
        b'R' => ("R", 0),
        _ => ("", 0),
    };
    out.push_str(says);
    with
}
