//! tsquery: words and what must hold of them, as a tree.
//!
//! Bytes: how many nodes and how long all words are, then the nodes, each before what is under it, the right side before the
//! left: in the order in which CompareTSQ compares two of them. What it does not look at, weights and whether a word is the
//! beginning of one, stands behind that (which [`key`] leaves out).

use super::tsword::{Found, LONGEST_WORD, Reader, WordOf, weight_of, write_quoted};
use crate::error::{Error, Result, SqlState};

/// A query, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    Word(Word),
    /// What searching leaves out: only until a query is complete.
    Stop,
    Not(Box<Node>),
    Two(Joined, Box<[Node; 2]>),
}

/// What joins two parts; a phrase says how far apart they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joined {
    And,
    Or,
    Phrase(u16),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    pub text: String,
    /// Which weights will do, A being 8 and D being 1; 0 if any.
    pub weights: u8,
    /// True for all words that begin so.
    pub prefix: bool,
}

/// What a complete query has, of which an empty one has nothing.
pub type Query = Option<Node>;

pub const MOST_DISTANCE: u16 = 16384;
/// As deep as queries nest. PostgreSQL's end where its stack does.
const DEEPEST: usize = 4096;

impl Node {
    pub fn negated(self) -> Self {
        Self::Not(Box::new(self))
    }

    pub fn joined(self, by: Joined, right: Self) -> Self {
        Self::Two(by, Box::new([self, right]))
    }

    /// How many nodes.
    pub fn count(&self) -> usize {
        match self {
            Self::Word(_) | Self::Stop => 1,
            Self::Not(under) => 1 + under.count(),
            Self::Two(_, sides) => 1 + sides[0].count() + sides[1].count(),
        }
    }

    fn depth(&self) -> usize {
        match self {
            Self::Word(_) | Self::Stop => 1,
            Self::Not(under) => 1 + under.depth(),
            Self::Two(_, sides) => 1 + sides[0].depth().max(sides[1].depth()),
        }
    }

    /// 54001 for a query that nests deeper than is gone into.
    pub fn checked(self) -> Result<Self> {
        if self.depth() > DEEPEST { Err(too_deep()) } else { Ok(self) }
    }

    /// All words, from left to right.
    pub fn words<'a>(&'a self, out: &mut Vec<&'a Word>) {
        match self {
            Self::Word(word) => out.push(word),
            Self::Stop => {}
            Self::Not(under) => under.words(out),
            Self::Two(_, sides) => sides.iter().for_each(|side| side.words(out)),
        }
    }
}

fn too_deep() -> Error {
    Error::new(SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded")
        .hint(format!("A tsquery may nest {DEEPEST} deep."))
}

impl Joined {
    /// A distance as queries may have it.
    ///
    /// # Errors
    /// 22023
    pub fn phrase(distance: i64) -> Result<Self> {
        u16::try_from(distance).ok().filter(|d| *d <= MOST_DISTANCE).map(Self::Phrase).ok_or_else(|| {
            let message = format!(
                "distance in phrase operator must be an integer value between zero and {MOST_DISTANCE} inclusive"
            );
            Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
        })
    }

    fn priority(self) -> u8 {
        match self {
            Self::Or => 1,
            Self::And => 2,
            Self::Phrase(_) => 3,
        }
    }
}

const NOT_PRIORITY: u8 = 4;

/// `tsqueryin`.
///
/// # Errors
/// 42601 for text that is none, 54000 for what is too long.
pub fn parse(text: &str) -> Result<Query> {
    parse_with(text, &mut |word, weights, prefix| {
        check_word(&word, text)?;
        Ok(Node::Word(Word { text: word, weights, prefix }))
    })
}

/// 54000 for a word that is too long.
pub fn check_word(word: &str, text: &str) -> Result<()> {
    if word.len() <= LONGEST_WORD {
        return Ok(());
    }
    Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, format!("word is too long in tsquery: \"{text}\"")))
}

pub fn syntax(text: &str) -> Error {
    Error::syntax(format!("syntax error in tsquery: \"{text}\""))
}

/// What waits for its right side.
enum Waiting {
    Open,
    Not,
    Two(Joined),
}

/// Operators over operands, those that bind more tightly first.
#[derive(Default)]
pub struct Stack {
    waiting: Vec<Waiting>,
    /// With how deep each nests.
    done: Vec<(Node, usize)>,
    open: usize,
}

impl Stack {
    pub fn open(&mut self) {
        self.waiting.push(Waiting::Open);
        self.open += 1;
    }

    pub fn negate(&mut self) {
        self.waiting.push(Waiting::Not);
    }

    pub fn operand(&mut self, node: Node) {
        self.done.push((node, 1));
    }

    /// Puts together what binds at least as tightly.
    fn settle(&mut self, priority: u8) -> Result<()> {
        while let Some(top) = self.waiting.last() {
            let by = match top {
                Waiting::Open => break,
                Waiting::Not => None,
                Waiting::Two(by) => Some(*by),
            };
            if by.map_or(NOT_PRIORITY, Joined::priority) < priority {
                break;
            }
            self.waiting.pop();
            let Some((last, depth)) = self.done.pop() else { break };
            let (made, depth) = match by {
                None => (last.negated(), depth),
                Some(by) => match self.done.pop() {
                    Some((left, other)) => (left.joined(by, last), depth.max(other)),
                    None => (last, depth),
                },
            };
            // Before the tree is deeper than what goes through it can bear.
            if depth >= DEEPEST {
                return Err(too_deep());
            }
            self.done.push((made, depth + 1));
        }
        Ok(())
    }

    pub fn joined(&mut self, by: Joined) -> Result<()> {
        self.settle(by.priority())?;
        self.waiting.push(Waiting::Two(by));
        Ok(())
    }

    /// False if nothing is open.
    pub fn close(&mut self) -> Result<bool> {
        self.settle(0)?;
        let Some(Waiting::Open) = self.waiting.pop() else { return Ok(false) };
        self.open -= 1;
        Ok(true)
    }

    pub fn is_open(&self) -> bool {
        self.open > 0
    }

    pub fn finish(mut self) -> Result<Query> {
        self.settle(0)?;
        Ok(self.done.pop().map(|(node, _)| node))
    }
}

/// A query with operands as the caller makes them of words, weights and whether they are beginnings.
pub fn parse_with(text: &str, operand: &mut dyn FnMut(String, u8, bool) -> Result<Node>) -> Result<Query> {
    let mut reader = Reader::new(text);
    let mut stack = Stack::default();
    let mut first = true;
    loop {
        // An operand, with what stands before it.
        reader.blanks();
        match reader.peek() {
            None if first => return Ok(None),
            None => return Err(Error::syntax(format!("no operand in tsquery: \"{text}\""))),
            Some('!') => {
                reader.at += 1;
                stack.negate();
                first = false;
                continue;
            }
            Some('(') => {
                reader.at += 1;
                stack.open();
                first = false;
                continue;
            }
            Some(':') => return Err(syntax(text)),
            Some(_) => {}
        }
        let word = match reader.word(WordOf::Query) {
            Found::Word(word) => word,
            Found::NothingEscaped => return Err(Error::syntax(format!("there is no escaped character: \"{text}\""))),
            Found::Malformed | Found::End => return Err(syntax(text)),
        };
        let (weights, prefix) = modifiers(&mut reader);
        stack.operand(operand(word, weights, prefix)?);
        first = false;
        // What follows it.
        loop {
            reader.blanks();
            match reader.take() {
                None if stack.is_open() => return Err(syntax(text)),
                None => return stack.finish(),
                Some('&') => stack.joined(Joined::And)?,
                Some('|') => stack.joined(Joined::Or)?,
                Some('<') => stack.joined(phrase(&mut reader)?.ok_or_else(|| syntax(text))?)?,
                Some(')') if stack.close()? => continue,
                Some(_) => return Err(syntax(text)),
            }
            break;
        }
    }
}

/// What stands behind `<`: `->`, or a distance and `>`.
fn phrase(reader: &mut Reader<'_>) -> Result<Option<Joined>> {
    let distance = match reader.peek() {
        Some('-') => {
            reader.at += 1;
            1
        }
        Some(c) if c.is_ascii_digit() => reader.number(),
        _ => return Ok(None),
    };
    let by = Joined::phrase(i64::from(distance))?;
    Ok((reader.take() == Some('>')).then_some(by))
}

/// `:A*`: which weights, and whether a beginning.
fn modifiers(reader: &mut Reader<'_>) -> (u8, bool) {
    let (mut weights, mut prefix) = (0, false);
    if reader.peek() != Some(':') {
        return (weights, prefix);
    }
    reader.at += 1;
    while let Some(c) = reader.peek() {
        match (c, weight_of(c)) {
            ('*', _) => prefix = true,
            (_, Some(weight)) => weights |= 1 << weight,
            (_, None) => break,
        }
        reader.at += c.len_utf8();
    }
    (weights, prefix)
}

/// `tsqueryout`.
pub fn write(out: &mut Vec<u8>, query: &Query) {
    if let Some(node) = query {
        write_node(out, node, 0, false);
    }
}

fn write_node(out: &mut Vec<u8>, node: &Node, above: u8, right_of_phrase: bool) {
    match node {
        Node::Stop => {}
        Node::Word(word) => {
            write_quoted(out, &word.text);
            if word.weights != 0 || word.prefix {
                out.push(b':');
            }
            if word.prefix {
                out.push(b'*');
            }
            for (bit, letter) in [(8, b'A'), (4, b'B'), (2, b'C'), (1, b'D')] {
                if word.weights & bit != 0 {
                    out.push(letter);
                }
            }
        }
        Node::Not(under) => {
            out.push(b'!');
            write_node(out, under, NOT_PRIORITY, false);
        }
        Node::Two(by, sides) => {
            let priority = by.priority();
            let wrapped = priority < above || right_of_phrase;
            if wrapped {
                out.extend_from_slice(b"( ");
            }
            write_node(out, &sides[0], priority, false);
            match by {
                Joined::Or => out.extend_from_slice(b" | "),
                Joined::And => out.extend_from_slice(b" & "),
                Joined::Phrase(1) => out.extend_from_slice(b" <-> "),
                Joined::Phrase(distance) => out.extend_from_slice(format!(" <{distance}> ").as_bytes()),
            }
            write_node(out, &sides[1], priority, matches!(by, Joined::Phrase(_)));
            if wrapped {
                out.extend_from_slice(b" )");
            }
        }
    }
}

/// `tsquerysend`.
pub fn send(out: &mut Vec<u8>, query: &Query) {
    let count = query.as_ref().map_or(0, Node::count);
    out.extend_from_slice(&(count as u32).to_be_bytes());
    if let Some(node) = query {
        send_node(out, node);
    }
}

fn send_node(out: &mut Vec<u8>, node: &Node) {
    match node {
        Node::Stop => {}
        Node::Word(word) => {
            out.extend_from_slice(&[1, word.weights, u8::from(word.prefix)]);
            out.extend_from_slice(word.text.as_bytes());
            out.push(0);
        }
        Node::Not(under) => {
            out.extend_from_slice(&[2, 1]);
            send_node(out, under);
        }
        Node::Two(by, sides) => {
            match by {
                Joined::And => out.extend_from_slice(&[2, 2]),
                Joined::Or => out.extend_from_slice(&[2, 3]),
                Joined::Phrase(distance) => {
                    out.extend_from_slice(&[2, 4]);
                    out.extend_from_slice(&distance.to_be_bytes());
                }
            }
            send_node(out, &sides[1]);
            send_node(out, &sides[0]);
        }
    }
}

/// `tsqueryrecv`.
///
/// # Errors
/// XX000 as PostgreSQL has it, 08P01 and kin, for bytes that are none.
pub fn receive(data: &[u8]) -> Result<Query> {
    use super::super::binary::{insufficient, left_over};
    let (count, mut rest) = data.split_first_chunk::<4>().ok_or_else(insufficient)?;
    let count = u32::from_be_bytes(*count) as usize;
    if count > 0x3fff_ffff / 12 {
        return Err(malformed("invalid size of tsquery"));
    }
    if count == 0 {
        return if rest.is_empty() { Ok(None) } else { Err(left_over()) };
    }
    let node = receive_node(&mut rest, 0)?;
    match (rest.is_empty(), node.count() == count) {
        (_, false) => Err(malformed("malformed tsquery: extra nodes")),
        (false, true) => Err(left_over()),
        (true, true) => Ok(Some(node)),
    }
}

fn malformed(message: &str) -> Error {
    Error::new(SqlState::INTERNAL_ERROR, message.to_owned())
}

fn receive_node(rest: &mut &[u8], depth: usize) -> Result<Node> {
    use super::super::binary::{insufficient, text};
    if depth > DEEPEST {
        return Err(too_deep());
    }
    let take = |rest: &mut &[u8]| -> Result<u8> {
        let (byte, tail) = rest.split_first().ok_or_else(insufficient)?;
        *rest = tail;
        Ok(*byte)
    };
    match take(rest)? {
        1 => {
            let (weights, prefix) = (take(rest)?, take(rest)?);
            let end = rest.iter().position(|byte| *byte == 0).ok_or_else(insufficient)?;
            let word = text(&rest[..end])?.to_owned();
            *rest = &rest[end + 1..];
            if weights > 15 {
                return Err(malformed("invalid tsquery: invalid weight bitmap"));
            }
            if word.len() > LONGEST_WORD {
                return Err(malformed("invalid tsquery: operand too long"));
            }
            Ok(Node::Word(Word { text: word, weights, prefix: prefix != 0 }))
        }
        2 => {
            let by = match take(rest)? {
                1 => return Ok(receive_node(rest, depth + 1)?.negated()),
                2 => Joined::And,
                3 => Joined::Or,
                4 => Joined::Phrase(u16::from_be_bytes([take(rest)?, take(rest)?])),
                other => return Err(malformed(&format!("invalid tsquery: unrecognized operator type {other}"))),
            };
            let right = receive_node(rest, depth + 1)?;
            Ok(receive_node(rest, depth + 1)?.joined(by, right))
        }
        other => Err(malformed(&format!("unrecognized tsquery node type: {other}"))),
    }
}

pub fn encode(query: &Query) -> Vec<u8> {
    let mut out = vec![0; 8];
    let (mut nodes, mut length, mut unsorted) = (0u32, 0u32, Vec::new());
    if let Some(node) = query {
        encode_node(&mut out, node, &mut nodes, &mut length, &mut unsorted);
    }
    out[..4].copy_from_slice(&nodes.to_be_bytes());
    out[4..8].copy_from_slice(&length.to_be_bytes());
    out.extend_from_slice(&unsorted);
    out.extend_from_slice(&(unsorted.len() as u32).to_be_bytes());
    out
}

// Operators sort before words, and among them the one with the greater number.
const PHRASE: u8 = 1;
const OR: u8 = 2;
const AND: u8 = 3;
const NOT: u8 = 4;
const WORD: u8 = 5;

fn encode_node(out: &mut Vec<u8>, node: &Node, nodes: &mut u32, length: &mut u32, unsorted: &mut Vec<u8>) {
    *nodes += 1;
    match node {
        Node::Stop => {}
        Node::Word(word) => {
            out.push(WORD);
            *length += word.text.len() as u32 + 1;
            // The greater sum sorts first, signed.
            out.extend_from_slice(&(!(legacy_sum(&word.text) ^ (1 << 31))).to_be_bytes());
            out.extend_from_slice(word.text.as_bytes());
            out.push(0);
            unsorted.push(word.weights | u8::from(word.prefix) << 4);
        }
        Node::Not(under) => {
            out.push(NOT);
            encode_node(out, under, nodes, length, unsorted);
        }
        Node::Two(by, sides) => {
            out.push(match by {
                Joined::Phrase(_) => PHRASE,
                Joined::Or => OR,
                Joined::And => AND,
            });
            encode_node(out, &sides[1], nodes, length, unsorted);
            encode_node(out, &sides[0], nodes, length, unsorted);
            if let Joined::Phrase(distance) = by {
                out.extend_from_slice(&(!distance).to_be_bytes());
            }
        }
    }
}

/// The bytes without what comparisons leave out.
pub fn key(bytes: &[u8]) -> &[u8] {
    let unsorted = bytes.last_chunk::<4>().map_or(0, |last| u32::from_be_bytes(*last) as usize);
    bytes.get(..bytes.len().saturating_sub(4 + unsorted)).unwrap_or(bytes)
}

/// What [`encode`] wrote; other bytes give some query.
pub fn decode(bytes: &[u8]) -> Query {
    let sorted = key(bytes);
    let mut unsorted = bytes.get(sorted.len()..).unwrap_or_default();
    let mut rest = sorted.get(8..)?;
    decode_node(&mut rest, &mut unsorted, 0)
}

fn decode_node(rest: &mut &[u8], unsorted: &mut &[u8], depth: usize) -> Option<Node> {
    if depth > DEEPEST {
        return None;
    }
    let (kind, tail) = rest.split_first()?;
    *rest = tail;
    match *kind {
        WORD => {
            let tail = tail.get(4..)?;
            let end = memchr::memchr(0, tail)?;
            let text = String::from_utf8_lossy(&tail[..end]).into_owned();
            *rest = &tail[end + 1..];
            let (bits, more) = unsorted.split_first()?;
            *unsorted = more;
            Some(Node::Word(Word { text, weights: bits & 15, prefix: bits & 16 != 0 }))
        }
        NOT => Some(decode_node(rest, unsorted, depth + 1)?.negated()),
        kind => {
            let right = decode_node(rest, unsorted, depth + 1)?;
            let left = decode_node(rest, unsorted, depth + 1)?;
            let by = match kind {
                AND => Joined::And,
                OR => Joined::Or,
                _ => {
                    let (distance, tail) = rest.split_first_chunk::<2>()?;
                    *rest = tail;
                    Joined::Phrase(!u16::from_be_bytes(*distance))
                }
            };
            Some(left.joined(by, right))
        }
    }
}

/// The sum by which PostgreSQL sorts words: CRC-32's table, gone through in the other direction.
pub fn legacy_sum(word: &str) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut i = 0;
        while i < 256 {
            let mut sum = i as u32;
            let mut bit = 0;
            while bit < 8 {
                sum = if sum & 1 == 1 { (sum >> 1) ^ 0xedb8_8320 } else { sum >> 1 };
                bit += 1;
            }
            table[i] = sum;
            i += 1;
        }
        table
    };
    !word.bytes().fold(u32::MAX, |sum, byte| (sum << 8) ^ TABLE[usize::from((sum >> 24) as u8 ^ byte)])
}

#[cfg(test)]
mod tests;
