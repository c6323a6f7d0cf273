//! dmetaphone() and dmetaphone_alt(): how a name may sound, in English and in the language that it comes from (Lawrence Philips'
//! double metaphone), in four letters each.

/// Letters of a code.
const LONGEST: usize = 4;

struct Word {
    letters: Vec<u8>,
    /// It looks Slavic or German.
    slavic: bool,
    codes: [String; 2],
}

/// What is said, in English and otherwise, and how many letters that were.
type Sound = (&'static str, &'static str, usize);

fn both(says: &'static str, letters: usize) -> Sound {
    (says, says, letters)
}

/// The two codes of a word.
pub(super) fn double_metaphone(text: &str) -> [String; 2] {
    let letters = text.as_bytes().to_ascii_uppercase();
    let has = |part: &[u8]| letters.windows(part.len()).any(|window| window == part);
    let slavic = has(b"W") || has(b"K") || has(b"CZ") || has(b"WITZ");
    let mut word = Word { letters, slavic, codes: [String::new(), String::new()] };
    let mut at = 0;
    if word.is(0, &["GN", "KN", "PN", "WR", "PS"]) {
        at = 1;
    }
    if word.at(0) == b'X' {
        word.add("S", "S");
        at = 1;
    }
    while at < word.letters.len() && word.codes.iter().any(|code| code.len() < LONGEST) {
        let (english, other, letters) = word.sound(at as isize);
        word.add(english, other);
        at += letters;
    }
    word.codes.map(|mut code| {
        code.truncate(LONGEST);
        code
    })
}

impl Word {
    fn add(&mut self, english: &str, other: &str) {
        self.codes[0].push_str(english);
        self.codes[1].push_str(other);
    }

    fn last(&self) -> isize {
        self.letters.len() as isize - 1
    }

    /// A letter; blanks stand behind the word, nothing before it.
    fn at(&self, place: isize) -> u8 {
        match usize::try_from(place) {
            Ok(place) => {
                self.letters.get(place).copied().unwrap_or(if place < self.letters.len() + 5 { b' ' } else { 0 })
            }
            Err(_) => 0,
        }
    }

    /// Whether one of these stands there.
    fn is(&self, place: isize, parts: &[&str]) -> bool {
        if place < 0 || place > self.last() + 5 {
            return false;
        }
        parts.iter().any(|part| part.bytes().enumerate().all(|(n, byte)| self.at(place + n as isize) == byte))
    }

    fn vowel(&self, place: isize) -> bool {
        matches!(self.at(place), b'A' | b'E' | b'I' | b'O' | b'U' | b'Y')
    }

    /// Names of the Netherlands and of Germany.
    fn germanic(&self) -> bool {
        self.is(0, &["VAN ", "VON "]) || self.is(0, &["SCH"])
    }

    /// Two of a letter are as one.
    fn once(&self, at: isize, says: &'static str) -> Sound {
        both(says, if self.at(at + 1) == self.at(at) { 2 } else { 1 })
    }

    fn sound(&self, at: isize) -> Sound {
        match self.at(at) {
            b'A' | b'E' | b'I' | b'O' | b'U' | b'Y' => both(if at == 0 { "A" } else { "" }, 1),
            b'B' => self.once(at, "P"),
            0xc7 => both("S", 1),
            b'C' => self.c(at),
            b'D' if self.is(at, &["DG"]) => {
                if self.is(at + 2, &["I", "E", "Y"]) {
                    both("J", 3)
                } else {
                    both("TK", 2)
                }
            }
            b'D' => both("T", if self.is(at, &["DT", "DD"]) { 2 } else { 1 }),
            b'F' => self.once(at, "F"),
            b'G' => self.g(at),
            b'H' if (at == 0 || self.vowel(at - 1)) && self.vowel(at + 1) => both("H", 2),
            b'J' => self.j(at),
            b'K' => self.once(at, "K"),
            b'L' => self.l(at),
            b'M' => {
                let dumb = self.is(at - 1, &["UMB"]) && (at + 1 == self.last() || self.is(at + 2, &["ER"]));
                both("M", if dumb || self.at(at + 1) == b'M' { 2 } else { 1 })
            }
            b'N' => self.once(at, "N"),
            0xd1 => both("N", 1),
            b'P' if self.at(at + 1) == b'H' => both("F", 2),
            b'P' => both("P", if self.is(at + 1, &["P", "B"]) { 2 } else { 1 }),
            b'Q' => self.once(at, "K"),
            b'R' => {
                let french =
                    at == self.last() && !self.slavic && self.is(at - 2, &["IE"]) && !self.is(at - 4, &["ME", "MA"]);
                let (_, other, letters) = self.once(at, "R");
                (if french { "" } else { "R" }, other, letters)
            }
            b'S' => self.s(at),
            b'T' => self.t(at),
            b'V' => self.once(at, "F"),
            b'W' => self.w(at),
            b'X' => {
                let silent = at == self.last() && (self.is(at - 3, &["IAU", "EAU"]) || self.is(at - 2, &["AU", "OU"]));
                both(if silent { "" } else { "KS" }, if self.is(at + 1, &["C", "X"]) { 2 } else { 1 })
            }
            b'Z' if self.at(at + 1) == b'H' => both("J", 2),
            b'Z' => {
                let harder = self.is(at + 1, &["ZO", "ZI", "ZA"]) || self.slavic && at > 0 && self.at(at - 1) != b'T';
                ("S", if harder { "TS" } else { "S" }, if self.at(at + 1) == b'Z' { 2 } else { 1 })
            }
            _ => both("", 1),
        }
    }

    fn c(&self, at: isize) -> Sound {
        let german = at > 1
            && !self.vowel(at - 2)
            && self.is(at - 1, &["ACH"])
            && self.at(at + 2) != b'I'
            && (self.at(at + 2) != b'E' || self.is(at - 2, &["BACHER", "MACHER"]));
        if german {
            return both("K", 2);
        }
        if at == 0 && self.is(at, &["CAESAR"]) {
            return both("S", 2);
        }
        if self.is(at, &["CHIA"]) {
            return both("K", 2);
        }
        if self.is(at, &["CH"]) {
            return self.ch(at);
        }
        if self.is(at, &["CZ"]) && !self.is(at - 2, &["WICZ"]) {
            return ("S", "X", 2);
        }
        if self.is(at + 1, &["CIA"]) {
            return both("X", 3);
        }
        if self.is(at, &["CC"]) && !(at == 1 && self.at(0) == b'M') {
            if !self.is(at + 2, &["I", "E", "H"]) || self.is(at + 2, &["HU"]) {
                return both("K", 2);
            }
            let english = at == 1 && self.at(at - 1) == b'A' || self.is(at - 1, &["UCCEE", "UCCES"]);
            return both(if english { "KS" } else { "X" }, 3);
        }
        if self.is(at, &["CK", "CG", "CQ"]) {
            return both("K", 2);
        }
        if self.is(at, &["CI", "CE", "CY"]) {
            return ("S", if self.is(at, &["CIO", "CIE", "CIA"]) { "X" } else { "S" }, 2);
        }
        let letters = match () {
            () if self.is(at + 1, &[" C", " Q", " G"]) => 3,
            () if self.is(at + 1, &["C", "K", "Q"]) && !self.is(at + 1, &["CE", "CI"]) => 2,
            () => 1,
        };
        both("K", letters)
    }

    fn ch(&self, at: isize) -> Sound {
        if at > 0 && self.is(at, &["CHAE"]) {
            return ("K", "X", 2);
        }
        let greek = self.is(at + 1, &["HARAC", "HARIS"]) || self.is(at + 1, &["HOR", "HYM", "HIA", "HEM"]);
        if at == 0 && greek && !self.is(0, &["CHORE"]) {
            return both("K", 2);
        }
        let between = (self.is(at - 1, &["A", "O", "U", "E"]) || at == 0)
            && self.is(at + 2, &["L", "R", "N", "M", "B", "H", "F", "V", "W", " "]);
        if self.germanic()
            || self.is(at - 2, &["ORCHES", "ARCHIT", "ORCHID"])
            || self.is(at + 2, &["T", "S"])
            || between
        {
            return both("K", 2);
        }
        match at {
            0 => both("X", 2),
            _ if self.is(0, &["MC"]) => both("K", 2),
            _ => ("X", "K", 2),
        }
    }

    fn g(&self, at: isize) -> Sound {
        let next = self.at(at + 1);
        if next == b'H' {
            return self.gh(at);
        }
        if next == b'N' {
            return match () {
                () if at == 1 && self.vowel(0) && !self.slavic => ("KN", "N", 2),
                () if !self.is(at + 2, &["EY"]) && !self.slavic => ("N", "KN", 2),
                () => both("KN", 2),
            };
        }
        if self.is(at + 1, &["LI"]) && !self.slavic {
            return ("KL", "L", 2);
        }
        let begins = ["ES", "EP", "EB", "EL", "EY", "IB", "IL", "IN", "IE", "EI", "ER"];
        if at == 0 && (next == b'Y' || self.is(at + 1, &begins)) {
            return ("K", "J", 2);
        }
        if (self.is(at + 1, &["ER"]) || next == b'Y')
            && !self.is(0, &["DANGER", "RANGER", "MANGER"])
            && !self.is(at - 1, &["E", "I"])
            && !self.is(at - 1, &["RGY", "OGY"])
        {
            return ("K", "J", 2);
        }
        if self.is(at + 1, &["E", "I", "Y"]) || self.is(at - 1, &["AGGI", "OGGI"]) {
            return match () {
                () if self.germanic() || self.is(at + 1, &["ET"]) => both("K", 2),
                () if self.is(at + 1, &["IER "]) => both("J", 2),
                () => ("J", "K", 2),
            };
        }
        self.once(at, "K")
    }

    fn gh(&self, at: isize) -> Sound {
        if at > 0 && !self.vowel(at - 1) {
            return both("K", 2);
        }
        if at == 0 {
            return both(if self.at(at + 2) == b'I' { "J" } else { "K" }, 2);
        }
        let silent = at > 1 && self.is(at - 2, &["B", "H", "D"])
            || at > 2 && self.is(at - 3, &["B", "H", "D"])
            || at > 3 && self.is(at - 4, &["B", "H"]);
        match () {
            () if silent => both("", 2),
            () if at > 2 && self.at(at - 1) == b'U' && self.is(at - 3, &["C", "G", "L", "R", "T"]) => both("F", 2),
            () if self.at(at - 1) != b'I' => both("K", 2),
            () => both("", 2),
        }
    }

    fn j(&self, at: isize) -> Sound {
        if self.is(at, &["JOSE"]) || self.is(0, &["SAN "]) {
            let spanish = at == 0 && self.at(at + 4) == b' ' || self.is(0, &["SAN "]);
            return (if spanish { "H" } else { "J" }, "H", 1);
        }
        let (english, other) = match () {
            () if at == 0 => ("J", "A"),
            () if self.vowel(at - 1) && !self.slavic && matches!(self.at(at + 1), b'A' | b'O') => ("J", "H"),
            () if at == self.last() => ("J", ""),
            () if !self.is(at + 1, &["L", "T", "K", "S", "N", "M", "B", "Z"]) && !self.is(at - 1, &["S", "K", "L"]) => {
                ("J", "J")
            }
            () => ("", ""),
        };
        (english, other, if self.at(at + 1) == b'J' { 2 } else { 1 })
    }

    fn l(&self, at: isize) -> Sound {
        let spanish = at == self.last() - 2 && self.is(at - 1, &["ILLO", "ILLA", "ALLE"])
            || (self.is(self.last() - 1, &["AS", "OS"]) || self.is(self.last(), &["A", "O"]))
                && self.is(at - 1, &["ALLE"]);
        let (_, _, letters) = self.once(at, "L");
        ("L", if letters == 2 && spanish { "" } else { "L" }, letters)
    }

    fn s(&self, at: isize) -> Sound {
        if self.is(at - 1, &["ISL", "YSL"]) {
            return both("", 1);
        }
        if at == 0 && self.is(at, &["SUGAR"]) {
            return ("X", "S", 1);
        }
        if self.is(at, &["SH"]) {
            return both(if self.is(at + 1, &["HEIM", "HOEK", "HOLM", "HOLZ"]) { "S" } else { "X" }, 2);
        }
        if self.is(at, &["SIO", "SIA"]) {
            return ("S", if self.slavic { "S" } else { "X" }, 3);
        }
        let hungarian = self.is(at + 1, &["Z"]);
        if hungarian || at == 0 && self.is(at + 1, &["M", "N", "L", "W"]) {
            return ("S", "X", if hungarian { 2 } else { 1 });
        }
        if self.is(at, &["SC"]) {
            return self.sc(at);
        }
        let french = at == self.last() && self.is(at - 2, &["AI", "OI"]);
        (if french { "" } else { "S" }, "S", if self.is(at + 1, &["S", "Z"]) { 2 } else { 1 })
    }

    fn sc(&self, at: isize) -> Sound {
        if self.at(at + 2) == b'H' {
            return match () {
                () if self.is(at + 3, &["ER", "EN"]) => ("X", "SK", 3),
                () if self.is(at + 3, &["OO", "UY", "ED", "EM"]) => both("SK", 3),
                () if at == 0 && !self.vowel(3) && self.at(3) != b'W' => ("X", "S", 3),
                () => both("X", 3),
            };
        }
        both(if self.is(at + 2, &["I", "E", "Y"]) { "S" } else { "SK" }, 3)
    }

    fn t(&self, at: isize) -> Sound {
        if self.is(at, &["TION", "TIA", "TCH"]) {
            return both("X", 3);
        }
        if self.is(at, &["TH", "TTH"]) {
            let hard = self.is(at + 2, &["OM", "AM"]) || self.germanic();
            return (if hard { "T" } else { "0" }, "T", 2);
        }
        both("T", if self.is(at + 1, &["T", "D"]) { 2 } else { 1 })
    }

    fn w(&self, at: isize) -> Sound {
        if self.is(at, &["WR"]) {
            return both("R", 2);
        }
        let (mut english, mut other) = ("", "");
        if at == 0 && self.vowel(at + 1) {
            (english, other) = ("A", "F");
        } else if at == 0 && self.is(at, &["WH"]) {
            (english, other) = ("A", "A");
        }
        let ends = at == self.last() && self.vowel(at - 1);
        if ends || self.is(at - 1, &["EWSKI", "EWSKY", "OWSKI", "OWSKY"]) || self.is(0, &["SCH"]) {
            return (
                english,
                if other == "A" {
                    "AF"
                } else if other == "F" {
                    "FF"
                } else {
                    "F"
                },
                1,
            );
        }
        if self.is(at, &["WICZ", "WITZ"]) {
            return if english.is_empty() { ("TS", "FX", 4) } else { ("ATS", "FFX", 4) };
        }
        (english, other, 1)
    }
}
