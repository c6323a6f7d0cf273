//! `ts_headline`: the stretches of a text that show why it was found, with the words that were asked for marked.

use super::dictionary::Looked;
use super::document::Configuration;
use super::matching::{Document, Truth, holds};
use super::parser::{Kind, tokens};
use crate::error::{Error, Result, SqlState};
use crate::types::coded::tsquery::{Node, Query, Word};
use crate::types::coded::tsvector::LAST_PLACE;
use crate::types::text::{is_space, parse_int};

/// What a headline is to look like.
#[derive(Debug, Clone)]
pub struct Options {
    start: String,
    stop: String,
    delimiter: String,
    most_words: i32,
    least_words: i32,
    /// Words up to this many bytes end no headline.
    short_word: i32,
    most_fragments: i32,
    /// The whole text.
    all: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            start: "<b>".into(),
            stop: "</b>".into(),
            delimiter: " ... ".into(),
            most_words: 35,
            least_words: 15,
            short_word: 3,
            most_fragments: 0,
            all: false,
        }
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message.into())
}

impl Options {
    /// `MaxWords=20, StartSel = <i>`.
    ///
    /// # Errors
    /// 42601 for what is no list of options, 22023 for none of these.
    pub fn parse(text: &str) -> Result<Self> {
        let mut options = Self::default();
        for (name, value) in pairs(text)? {
            match &*name.to_ascii_lowercase() {
                "maxwords" => options.most_words = parse_int(&value, "integer")?,
                "minwords" => options.least_words = parse_int(&value, "integer")?,
                "shortword" => options.short_word = parse_int(&value, "integer")?,
                "maxfragments" => options.most_fragments = parse_int(&value, "integer")?,
                "startsel" => options.start = value,
                "stopsel" => options.stop = value,
                "fragmentdelimiter" => options.delimiter = value,
                "highlightall" => {
                    let value = value.to_ascii_lowercase();
                    options.all = matches!(&*value, "1" | "on" | "true" | "t" | "y" | "yes");
                }
                _ => return Err(invalid(format!("unrecognized headline parameter: \"{name}\""))),
            }
        }
        // Of a whole text nothing is measured.
        if !options.all {
            let rules = [
                (options.least_words >= options.most_words, "MinWords should be less than MaxWords"),
                (options.least_words <= 0, "MinWords should be positive"),
                (options.short_word < 0, "ShortWord should be >= 0"),
                (options.most_fragments < 0, "MaxFragments should be >= 0"),
            ];
            if let Some((_, message)) = rules.into_iter().find(|(broken, _)| *broken) {
                return Err(invalid(message));
            }
        }
        Ok(options)
    }
}

/// `name = value`, with commas between; either may stand in quotes.
fn pairs(text: &str) -> Result<Vec<(String, String)>> {
    let wrong = || Error::syntax(format!("invalid parameter list format: \"{text}\""));
    let mut chars = text.chars().peekable();
    let mut out = Vec::new();
    loop {
        while chars.next_if(|c| is_space(*c) || *c == ',').is_some() {}
        if chars.peek().is_none() {
            return Ok(out);
        }
        let mut name = String::new();
        if chars.next_if_eq(&'"').is_some() {
            name = quoted(&mut chars, '"').ok_or_else(wrong)?;
        } else {
            if !chars.peek().is_some_and(|c| c.is_alphabetic()) {
                return Err(wrong());
            }
            while let Some(c) = chars.next_if(|c| !is_space(*c) && *c != '=') {
                name.push(c);
            }
        }
        while chars.next_if(|c| is_space(*c)).is_some() {}
        if chars.next() != Some('=') {
            return Err(wrong());
        }
        while chars.next_if(|c| is_space(*c)).is_some() {}
        let value = match chars.peek() {
            None => return Err(wrong()),
            Some('\'' | '"') => {
                let quote = chars.next().unwrap_or_default();
                quoted(&mut chars, quote).ok_or_else(wrong)?
            }
            Some(_) => {
                let mut value = String::new();
                while let Some(c) = chars.next_if(|c| !is_space(*c) && *c != ',') {
                    value.push(c);
                }
                value
            }
        };
        out.push((name, value));
    }
}

/// What stands behind a quote; one that comes twice is one.
fn quoted(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, quote: char) -> Option<String> {
    let mut out = String::new();
    loop {
        match chars.next()? {
            c if c == quote && chars.next_if_eq(&quote).is_none() => return Some(out),
            c => out.push(c),
        }
    }
}

/// A token of the text.
struct Piece<'a> {
    kind: Kind,
    text: &'a str,
    /// Its place among the words.
    at: i32,
    /// Which of the query's words it is.
    word: Option<usize>,
    /// True if the piece before is the same token, as another of the query's words: it counts as a word once more.
    again: bool,
    shown: bool,
}

impl Piece<'_> {
    /// True for what counts among a headline's words.
    fn counts(&self) -> bool {
        !matches!(self.kind, Kind::Blank | Kind::Tag) && !self.is_whole()
    }

    /// What its parts follow.
    fn is_whole(&self) -> bool {
        matches!(self.kind, Kind::Url | Kind::NumHyphenated | Kind::AsciiHyphenated | Kind::Hyphenated)
    }

    fn is_asked_for(&self) -> bool {
        self.word.is_some() && !self.again
    }

    /// True for what a headline does not well end with.
    fn ends_badly(&self, options: &Options) -> bool {
        let number = matches!(
            self.kind,
            Kind::Scientific | Kind::Version | Kind::Decimal | Kind::Integer | Kind::Unsigned | Kind::Protocol
        );
        let ends_none = !self.counts() || number || self.text.len() as i64 <= i64::from(options.short_word);
        ends_none && !self.is_asked_for()
    }
}

/// Pieces between two ends, as what a query is asked of.
struct Stretch<'a> {
    words: &'a [&'a Word],
    pieces: &'a [Piece<'a>],
}

impl Document for Stretch<'_> {
    fn has(&self, word: &Word) -> Truth {
        let word = self.words.iter().position(|own| std::ptr::eq(*own, word));
        (word.is_some() && self.pieces.iter().any(|piece| piece.word == word)).into()
    }

    fn spots(&self, word: &Word) -> (Truth, Vec<i32>) {
        let word = self.words.iter().position(|own| std::ptr::eq(*own, word));
        let has = |piece: &&Piece<'_>| word.is_some() && piece.word == word;
        let mut at: Vec<i32> = self.pieces.iter().filter(has).map(|piece| piece.at).collect();
        at.dedup();
        ((!at.is_empty()).into(), at)
    }
}

impl Configuration {
    /// `ts_headline`.
    pub fn headline(&self, text: &str, query: &Query, options: &Options) -> String {
        let mut words = Vec::new();
        if let Some(node) = query {
            node.words(&mut words);
        }
        let mut headline = Headline { pieces: self.pieces(text, &words), words: &words, query, options };
        match options {
            Options { most_fragments: 1.., .. } => headline.several(),
            Options { all: true, .. } => headline.show(0, headline.pieces.len()),
            _ => headline.one(),
        }
        headline.text()
    }

    fn pieces<'t>(&self, text: &'t str, words: &[&Word]) -> Vec<Piece<'t>> {
        let is = |word: &Word, lexeme: &str| match word.prefix {
            true => lexeme.starts_with(&word.text),
            false => lexeme == word.text,
        };
        let (mut at, mut out) = (0i32, Vec::new());
        for token in tokens(text) {
            let looked = self.look(token, text);
            at += i32::from(looked.is_some());
            let mut meant = match &looked {
                Some(Looked::Lexeme(lexeme)) => {
                    words.iter().enumerate().filter(|(_, word)| is(word, lexeme)).map(|(i, _)| i).collect()
                }
                Some(Looked::Stop) | None => Vec::new(),
            };
            let first = meant.pop();
            let piece = |word: Option<usize>, again: bool| Piece {
                kind: token.kind,
                text: &text[token.from..token.to],
                at: at.min(i32::from(LAST_PLACE)),
                word,
                again,
                shown: false,
            };
            out.push(piece(first, false));
            out.extend(meant.into_iter().rev().map(|word| piece(Some(word), true)));
        }
        out
    }
}

struct Headline<'a> {
    pieces: Vec<Piece<'a>>,
    words: &'a [&'a Word],
    query: &'a Query,
    options: &'a Options,
}

/// A stretch that may be shown: where it begins and ends (its last piece), how many words and words asked for it has.
#[derive(Clone, Copy)]
struct Fragment {
    from: usize,
    to: usize,
    words: i32,
    asked: i32,
}

impl Headline<'_> {
    fn show(&mut self, from: usize, end: usize) {
        self.pieces.iter_mut().take(end).skip(from).for_each(|piece| piece.shown = !piece.again);
    }

    fn next_asked_for(&self, from: usize) -> Option<usize> {
        (from..self.pieces.len()).find(|i| self.pieces[*i].word.is_some())
    }

    fn count(&self, i: usize) -> (i32, i32) {
        let piece = &self.pieces[i];
        (i32::from(piece.counts()), i32::from(piece.is_asked_for()))
    }

    fn ends_badly(&self, i: usize) -> bool {
        self.pieces.get(i).is_some_and(|piece| piece.ends_badly(self.options))
    }

    /// The first and shortest stretch from a piece on that has what the query asks for: its first and last piece.
    fn cover(&self, node: &Node, from: usize) -> Option<(usize, usize)> {
        // Longer ones make no headline.
        let longest = self.options.most_words.saturating_mul(10).max(100);
        let longest = longest.saturating_mul(self.options.most_fragments.max(1)) as usize;
        let mut first = self.next_asked_for(from)?;
        loop {
            let mut last = Some(first);
            while let Some(end) = last.filter(|end| end - first < longest) {
                let stretch = Stretch { words: self.words, pieces: &self.pieces[first..=end] };
                if holds(node, &stretch) != Truth::No {
                    return Some((first, end));
                }
                last = self.next_asked_for(end + 1);
            }
            first = self.next_asked_for(first + 1)?;
        }
    }

    /// Shows the best stretch, or the text's beginning.
    fn one(&mut self) {
        let (most, least) = (self.options.most_words, self.options.least_words);
        let mut best: Option<(bool, i32, usize, usize)> = None;
        let mut from = 0;
        while let Some((p, q)) = self.query.as_ref().and_then(|node| self.cover(node, from)) {
            let (begin, end, asked) = self.fitted(p, q, most, least);
            let whole = begin <= p && end >= q;
            let better = best.is_none_or(|(best_whole, best_asked, _, best_end)| {
                (whole, asked) > (best_whole, best_asked)
                    || (whole, asked) == (best_whole, best_asked) && !self.ends_badly(end) && self.ends_badly(best_end)
            });
            if better {
                best = Some((whole, asked, begin, end));
            }
            from = p + 1;
        }
        match best {
            Some((_, _, begin, end)) => self.show(begin, end + 1),
            None => self.show_beginning(),
        }
    }

    fn show_beginning(&mut self) {
        let mut words = 0;
        let mut end = 0;
        for i in 0..self.pieces.len() {
            if words >= self.options.least_words {
                break;
            }
            words += self.count(i).0;
            end = i + 1;
        }
        self.show(0, end);
    }

    /// A stretch made longer, or shorter, until it is as long as is asked for and ends well: its first and last piece, and how
    /// many words asked for it has.
    fn fitted(&self, p: usize, q: usize, most: i32, least: i32) -> (usize, usize, i32) {
        let (mut words, mut asked, mut begin, mut end) = (0, 0, p, p);
        let mut i = p;
        while i <= q && words < most {
            let (word, asked_for) = self.count(i);
            (words, asked, end) = (words + word, asked + asked_for, i);
            i += 1;
        }
        if words < most {
            // To the right, to where it ends well.
            i -= 1;
            while i < self.pieces.len() && words < most {
                if i != q {
                    let (word, asked_for) = self.count(i);
                    (words, asked) = (words + word, asked + asked_for);
                }
                end = i;
                if !self.ends_badly(i) && words >= least {
                    break;
                }
                i += 1;
            }
            if words < least {
                // The text ends: to the left.
                begin = 0;
                for i in (0..p).rev() {
                    let (word, asked_for) = self.count(i);
                    (words, asked) = (words + word, asked + asked_for);
                    if words >= most || !self.ends_badly(i) && words >= least {
                        begin = i;
                        break;
                    }
                }
            }
        } else {
            let mut i = i.min(q);
            while words > least && self.ends_badly(i) {
                let (word, asked_for) = self.count(i);
                (words, asked) = (words - word, asked - asked_for);
                end = i.saturating_sub(1);
                i = end;
            }
        }
        (begin, end, asked)
    }

    /// Shows the best of many short stretches.
    fn several(&mut self) {
        let mut fragments = Vec::new();
        let mut from = 0;
        while let Some((p, q)) = self.query.as_ref().and_then(|node| self.cover(node, from)) {
            let mut begin = p;
            while begin <= q {
                let fragment = self.fragment(begin, q);
                fragments.push(fragment);
                begin = fragment.to + 1;
            }
            from = p + 1;
        }
        let mut shown = 0;
        while shown < self.options.most_fragments && !fragments.is_empty() {
            // The most words asked for, then the fewest words; of two alike the first.
            let mut best = 0;
            for (i, other) in fragments.iter().enumerate() {
                let own: &Fragment = &fragments[best];
                if own.asked < other.asked || own.asked == other.asked && own.words > other.words {
                    best = i;
                }
            }
            let chosen = self.stretched(fragments.remove(best));
            self.show(chosen.from, chosen.to + 1);
            shown += 1;
            fragments.retain(|other| other.to < chosen.from || other.from > chosen.to);
        }
        if shown == 0 {
            self.show_beginning();
        }
    }

    /// The first part of a stretch that is not too long, between two words that are asked for.
    fn fragment(&self, from: usize, q: usize) -> Fragment {
        let from = (from..=q).find(|i| self.pieces[*i].is_asked_for()).unwrap_or(q);
        let (mut words, mut asked, mut i) = (0, 0, from);
        while i <= q && words < self.options.most_words {
            let (word, asked_for) = self.count(i);
            (words, asked, i) = (words + word, asked + asked_for, i + 1);
        }
        let mut to = q;
        if q > i {
            to = i;
            loop {
                if self.pieces[to].is_asked_for() || to == from {
                    break;
                }
                words -= self.count(to).0;
                to -= 1;
            }
        }
        Fragment { from, to, words, asked }
    }

    /// A fragment with as much of what is around it as there is room for.
    fn stretched(&self, fragment: Fragment) -> Fragment {
        let Fragment { mut from, mut to, mut words, asked } = fragment;
        let most = self.options.most_words;
        if words < most {
            let room = (most - words) / 2;
            let (mut taken, mut begin) = (0, from);
            for i in (0..from).rev() {
                if taken >= room || self.pieces[i].shown {
                    break;
                }
                let word = self.count(i).0;
                (words, taken, begin) = (words + word, taken + word, i);
            }
            while begin < from && self.ends_badly(begin) {
                words -= self.count(begin).0;
                begin += 1;
            }
            from = begin;
            let mut end = to;
            for i in to + 1..self.pieces.len() {
                if words >= most || self.pieces[i].shown {
                    break;
                }
                words += self.count(i).0;
                end = i;
            }
            while end > to && self.ends_badly(end) {
                words -= self.count(end).0;
                end -= 1;
            }
            to = end;
        }
        Fragment { from, to, words, asked }
    }

    /// What is shown, with its marks.
    fn text(&self) -> String {
        let mut out = String::new();
        let (mut inside, mut fragments) = (false, 0);
        for piece in self.pieces.iter().filter(|piece| !piece.again) {
            if !piece.shown {
                inside = false;
                continue;
            }
            if !inside {
                (inside, fragments) = (true, fragments + 1);
                if fragments > 1 {
                    out.push_str(&self.options.delimiter);
                }
            }
            match piece.kind {
                Kind::Tag if !self.options.all => out.push(' '),
                _ if piece.is_whole() => {}
                _ => {
                    if piece.is_asked_for() {
                        out.push_str(&self.options.start);
                    }
                    out.push_str(piece.text);
                    if piece.is_asked_for() {
                        out.push_str(&self.options.stop);
                    }
                }
            }
        }
        out
    }
}
