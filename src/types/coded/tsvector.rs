//! tsvector: words in the order of their bytes, each with the places where it stands, and how much these weigh.
//!
//! Bytes: how long PostgreSQL's own form is, how many words there are, and word after word: whether it has places, its text
//! and a zero (which no text has), how many places, and each of them. What makes a vector smaller in tsvector_cmp though it
//! is greater (more places, later ones, heavier ones) is turned over: so the bytes sort as the values do.

use std::collections::BTreeMap;

use super::tsword::{Found, LONGEST_WORD, Reader, WordOf, weight_of, write_quoted};
use crate::error::{Error, Result, SqlState};

/// A word's place with its weight, as PostgreSQL has it in 16 bits: weight above, place in the low 14 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place(pub u16);

/// The last place that is told from those behind it.
pub const LAST_PLACE: u16 = 16383;
/// As many places as a word keeps.
pub const MOST_PLACES: usize = 256;
/// As many bytes as a vector's words and places take.
const MOST_BYTES: usize = (1 << 20) - 1;

impl Place {
    pub fn new(at: u32, weight: u8) -> Self {
        Self(at.min(u32::from(LAST_PLACE)) as u16 | u16::from(weight & 3) << 14)
    }

    pub fn at(self) -> u16 {
        self.0 & LAST_PLACE
    }

    /// 0 is D, 3 is A.
    pub fn weight(self) -> u8 {
        (self.0 >> 14) as u8
    }
}

/// A word with its places, of which there need not be any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub word: String,
    pub places: Vec<Place>,
}

/// Words as a tsvector has them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TsVector(Vec<Entry>);

impl TsVector {
    /// Sorted; places of a word that comes twice are put together.
    pub fn new(entries: impl IntoIterator<Item = Entry>) -> Self {
        let mut words: BTreeMap<String, Vec<Place>> = BTreeMap::new();
        for Entry { word, places } in entries {
            words.entry(word).or_default().extend(places);
        }
        let settled = |(word, places)| Entry { word, places: settled(places) };
        Self(words.into_iter().map(settled).collect())
    }

    /// Of entries that are in order already.
    pub fn sorted(entries: Vec<Entry>) -> Self {
        Self(entries)
    }

    pub fn entries(&self) -> &[Entry] {
        &self.0
    }

    pub fn into_entries(self) -> Vec<Entry> {
        self.0
    }

    /// How long PostgreSQL's own form is, in bytes, without the eight before all words.
    fn length(&self) -> usize {
        let texts = self.0.iter().fold(0, |length, entry| {
            let length = length + entry.word.len();
            if entry.places.is_empty() { length } else { length.next_multiple_of(2) + 2 + 2 * entry.places.len() }
        });
        4 * self.0.len() + texts
    }

    pub fn encode(&self) -> Vec<u8> {
        let length = self.length();
        let mut out = Vec::with_capacity(8 + length + 3 * self.0.len());
        out.extend_from_slice(&(length as u32).to_be_bytes());
        out.extend_from_slice(&(self.0.len() as u32).to_be_bytes());
        for Entry { word, places } in &self.0 {
            out.push(u8::from(places.is_empty()));
            out.extend_from_slice(word.as_bytes());
            out.push(0);
            if !places.is_empty() {
                out.extend_from_slice(&(!(places.len() as u16)).to_be_bytes());
                for place in places {
                    out.extend_from_slice(&(!(place.0.rotate_left(2))).to_be_bytes());
                }
            }
        }
        out
    }

    /// What [`TsVector::encode`] wrote; other bytes give some words.
    pub fn decode(bytes: &[u8]) -> Self {
        let whole = |seen: Seen<'_>| Entry {
            word: String::from_utf8_lossy(seen.word).into_owned(),
            places: seen.places().collect(),
        };
        Self(look(bytes).map(whole).collect())
    }

    /// `tsvectorin`.
    ///
    /// # Errors
    /// 42601 for text that is none, 54000 for what is too long.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = || Error::syntax(format!("syntax error in tsvector: \"{text}\""));
        let mut reader = Reader::new(text);
        let mut entries = Vec::new();
        loop {
            let word = match reader.word(WordOf::Vector) {
                Found::End => break,
                Found::Word(word) => word,
                Found::Malformed => return Err(wrong()),
                Found::NothingEscaped => {
                    return Err(Error::syntax(format!("there is no escaped character: \"{text}\"")));
                }
            };
            let mut places = Vec::new();
            if reader.peek() == Some(':') {
                loop {
                    reader.at += 1;
                    if !reader.peek().is_some_and(|c| c.is_ascii_digit()) {
                        return Err(wrong());
                    }
                    let at = reader.number();
                    if at == 0 {
                        return Err(Error::syntax(format!("wrong position info in tsvector: \"{text}\"")));
                    }
                    places.push(Place::new(at, suffix(&mut reader).ok_or_else(wrong)?));
                    if reader.peek() != Some(',') {
                        break;
                    }
                }
                if reader.peek().is_some_and(|c| !super::super::text::is_space(c)) {
                    return Err(wrong());
                }
            }
            check_word(&word)?;
            entries.push(Entry { word, places });
        }
        Self::new(entries).checked()
    }

    /// 54000 for more than PostgreSQL holds.
    pub fn checked(self) -> Result<Self> {
        let bytes = self.length() - 4 * self.0.len();
        if bytes > MOST_BYTES {
            let message = format!("string is too long for tsvector ({bytes} bytes, max {MOST_BYTES} bytes)");
            return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message));
        }
        Ok(self)
    }

    /// `tsvectorout`.
    pub fn write(&self, out: &mut Vec<u8>) {
        for (i, Entry { word, places }) in self.0.iter().enumerate() {
            if i > 0 {
                out.push(b' ');
            }
            write_quoted(out, word);
            for (i, place) in places.iter().enumerate() {
                out.push(if i == 0 { b':' } else { b',' });
                out.extend_from_slice(place.at().to_string().as_bytes());
                match place.weight() {
                    3 => out.push(b'A'),
                    2 => out.push(b'B'),
                    1 => out.push(b'C'),
                    _ => {}
                }
            }
        }
    }

    /// `tsvectorsend`.
    pub fn send(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&(self.0.len() as u32).to_be_bytes());
        for Entry { word, places } in &self.0 {
            out.extend_from_slice(word.as_bytes());
            out.push(0);
            out.extend_from_slice(&(places.len() as u16).to_be_bytes());
            places.iter().for_each(|place| out.extend_from_slice(&place.0.to_be_bytes()));
        }
    }

    /// `tsvectorrecv`.
    ///
    /// # Errors
    /// XX000 as PostgreSQL has it, 08P01 and kin, for bytes that are none.
    pub fn receive(data: &[u8]) -> Result<Self> {
        use super::super::binary::{insufficient, left_over, text};
        let wrong = |message: &str| Error::new(SqlState::INTERNAL_ERROR, message.to_owned());
        let (count, mut rest) = data.split_first_chunk::<4>().ok_or_else(insufficient)?;
        let count = u32::from_be_bytes(*count) as usize;
        // The longest that fits into memory of PostgreSQL's.
        if count > 0x3fff_ffff / 4 {
            return Err(wrong("invalid size of tsvector"));
        }
        let mut entries = Vec::with_capacity(count.min(rest.len() / 3));
        for _ in 0..count {
            let end = rest.iter().position(|byte| *byte == 0).ok_or_else(insufficient)?;
            let word = text(&rest[..end])?.to_owned();
            let (places, tail) = rest[end + 1..].split_first_chunk::<2>().ok_or_else(insufficient)?;
            let places = usize::from(u16::from_be_bytes(*places));
            if word.len() > LONGEST_WORD {
                return Err(wrong("invalid tsvector: lexeme too long"));
            }
            if places > MOST_PLACES {
                return Err(wrong("unexpected number of tsvector positions"));
            }
            let bytes = tail.get(..2 * places).ok_or_else(insufficient)?;
            let places: Vec<Place> =
                bytes.chunks_exact(2).map(|pair| Place(u16::from_be_bytes([pair[0], pair[1]]))).collect();
            if places.windows(2).any(|pair| pair[0].at() >= pair[1].at()) {
                return Err(wrong("position information is misordered"));
            }
            rest = &tail[bytes.len()..];
            entries.push(Entry { word, places });
        }
        if rest.is_empty() { Self::new(entries).checked() } else { Err(left_over()) }
    }
}

/// 54000 for a word that is too long.
fn check_word(word: &str) -> Result<()> {
    if word.len() <= LONGEST_WORD {
        return Ok(());
    }
    let message = format!("word is too long ({} bytes, max {LONGEST_WORD} bytes)", word.len());
    Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message))
}

/// The letter behind a place. Of several D may be the first; digits behind it say nothing.
fn suffix(reader: &mut Reader<'_>) -> Option<u8> {
    let mut weight = 0;
    while let Some(c) = reader.peek() {
        let letter = if c == '*' { Some(3) } else { weight_of(c) };
        match letter {
            Some(_) if weight != 0 => return None,
            Some(new) => weight = new,
            None if c.is_ascii_digit() => {}
            None => break,
        }
        reader.at += 1;
    }
    Some(weight)
}

/// Places in their order; of one place the heaviest stays.
fn settled(mut places: Vec<Place>) -> Vec<Place> {
    places.sort_by_key(|place| (place.at(), std::cmp::Reverse(place.weight())));
    places.dedup_by_key(|place| place.at());
    places.truncate(MOST_PLACES);
    places
}

/// An entry as it stands in the bytes.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    pub word: &'a [u8],
    places: &'a [u8],
}

impl<'a> Seen<'a> {
    pub fn places(self) -> impl DoubleEndedIterator<Item = Place> + ExactSizeIterator + 'a {
        self.places.chunks_exact(2).map(|pair| Place((!u16::from_be_bytes([pair[0], pair[1]])).rotate_right(2)))
    }

    pub fn has_places(self) -> bool {
        !self.places.is_empty()
    }
}

/// The entries of encoded bytes, in their order, without copying them.
pub fn look(bytes: &[u8]) -> impl Iterator<Item = Seen<'_>> {
    let mut rest = bytes.get(8..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (bare, tail) = rest.split_first()?;
        let end = memchr::memchr(0, tail)?;
        let (word, mut tail) = (&tail[..end], &tail[end + 1..]);
        let mut places = &tail[..0];
        if *bare == 0 {
            let (count, behind) = tail.split_first_chunk::<2>()?;
            (places, tail) = behind.split_at_checked(2 * usize::from(!u16::from_be_bytes(*count)))?;
        }
        rest = tail;
        Some(Seen { word, places })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(vector: &TsVector) -> String {
        let mut out = Vec::new();
        vector.write(&mut out);
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn vectors_come_back_from_bytes_text_and_binary() {
        let texts = ["", "a", "a:1", "b:2A,3 a:1B,1A", "'x y':4 'c''d\\\\':16383C é:7", "z:1,2,3,4 y zz"];
        for text in texts {
            let made = TsVector::parse(text).expect(text);
            assert_eq!(TsVector::decode(&made.encode()), made, "{text}");
            assert_eq!(TsVector::parse(&shown(&made)).expect(text), made, "{text}");
            let mut sent = Vec::new();
            made.send(&mut sent);
            assert_eq!(TsVector::receive(&sent).expect(text), made, "{text}");
        }
        assert_eq!(shown(&TsVector::parse("b:2A,3 a:1B,1A,99999999999").expect("a vector")), "'a':1A,16383 'b':2A,3");
    }

    #[test]
    fn random_vectors_come_back() {
        use rand::rngs::StdRng;
        use rand::{Rng, SeedableRng};
        let mut random = StdRng::seed_from_u64(15);
        for _ in 0..2000 {
            let word = |random: &mut StdRng| -> String {
                (0..random.random_range(1..6))
                    .map(|_| ['a', 'b', '\'', '\\', ' ', ':', 'é', '1'][random.random_range(0..8)])
                    .collect()
            };
            let place = |random: &mut StdRng| Place::new(random.random_range(1..20_000), random.random_range(0..4));
            let entry = |random: &mut StdRng| Entry {
                word: word(random),
                places: (0..random.random_range(0..5)).map(|_| place(random)).collect(),
            };
            let made = TsVector::new((0..random.random_range(0..6)).map(|_| entry(&mut random)));
            assert_eq!(TsVector::decode(&made.encode()), made);
            assert_eq!(TsVector::parse(&shown(&made)).expect("its own text"), made);
            let mut sent = Vec::new();
            made.send(&mut sent);
            assert_eq!(TsVector::receive(&sent).expect("its own bytes"), made);
        }
    }

    #[test]
    fn bytes_sort_as_vectors_do() {
        // As PostgreSQL sorts them.
        let sorted = ["", "a", "b", "aa", "a:2", "a:1A", "a:1B", "a:1C", "a:1", "b:1", "a b", "a:2,3", "a:1,2"];
        let bytes: Vec<Vec<u8>> = sorted.iter().map(|text| TsVector::parse(text).expect(text).encode()).collect();
        for (pair, texts) in bytes.windows(2).zip(sorted.windows(2)) {
            assert!(pair[0] < pair[1], "{texts:?}");
        }
    }

    #[test]
    fn what_the_bytes_do_not_bear_out_is_refused() {
        for bytes in [&[0, 0, 0, 1][..], &[0x7f, 0xff, 0xff, 0xff], &[0, 0, 0, 1, b'a', 0, 0, 1], &[0, 0, 0, 0, 1]] {
            assert!(TsVector::receive(bytes).is_err(), "{bytes:?}");
        }
    }
}
