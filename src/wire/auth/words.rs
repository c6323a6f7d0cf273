//! The words of PostgreSQL's authentication files: lines of fields, fields of words; and the map of system users to roles.

use regex::Regex;

/// One word of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    pub text: String,
    /// Quoted, it is a name and no keyword.
    pub quoted: bool,
}

/// One line that says something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// From 1.
    pub number: usize,
    /// Separated by blanks; each a list separated by commas.
    pub fields: Vec<Vec<Word>>,
}

/// The lines of a file, without comments and empty ones. A backslash at the end goes on with the next.
pub fn lines(text: &str) -> Result<Vec<Line>, String> {
    let mut out = Vec::new();
    let mut pending = String::new();
    let mut start = None;
    for (at, raw) in text.lines().enumerate() {
        let number = *start.get_or_insert(at + 1);
        if let Some(more) = raw.strip_suffix('\\') {
            pending.push_str(more);
            continue;
        }
        pending.push_str(raw);
        let fields = fields(&pending).map_err(|e| format!("line {number}: {e}"))?;
        if !fields.is_empty() {
            out.push(Line { number, fields });
        }
        pending.clear();
        start = None;
    }
    Ok(out)
}

fn fields(line: &str) -> Result<Vec<Vec<Word>>, String> {
    let mut fields: Vec<Vec<Word>> = Vec::new();
    let mut chars = line.chars().peekable();
    // After a comma the list goes on, whatever blanks stand between.
    let mut goes_on = false;
    loop {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        match chars.peek() {
            None | Some('#') => return Ok(fields),
            Some(',') => {
                chars.next();
                goes_on = true;
                continue;
            }
            Some(_) => {}
        }
        let mut word = Word { text: String::new(), quoted: false };
        let mut inside = false;
        while let Some(c) = chars.next_if(|c| inside || !(c.is_whitespace() || matches!(c, ',' | '#'))) {
            match c {
                '"' if inside && chars.peek() == Some(&'"') => {
                    chars.next();
                    word.text.push('"');
                }
                '"' => {
                    word.quoted |= word.text.is_empty();
                    inside = !inside;
                }
                c => word.text.push(c),
            }
        }
        if inside {
            return Err("a quote is not closed".into());
        }
        match fields.last_mut() {
            Some(list) if goes_on => list.push(word),
            Some(_) | None => fields.push(vec![word]),
        }
        goes_on = false;
    }
}

/// pg_ident.conf: which names of certificates may be which role.
#[derive(Debug, Clone, Default)]
pub struct Map(Vec<Entry>);

#[derive(Debug, Clone)]
struct Entry {
    map: String,
    system: System,
    role: String,
}

#[derive(Debug, Clone)]
enum System {
    Named(String),
    Pattern(Regex),
}

impl PartialEq for Map {
    fn eq(&self, other: &Self) -> bool {
        let text = |e: &Entry| match &e.system {
            System::Named(name) => (e.map.clone(), name.clone(), e.role.clone()),
            System::Pattern(pattern) => (e.map.clone(), format!("/{pattern}"), e.role.clone()),
        };
        self.0.iter().map(text).eq(other.0.iter().map(text))
    }
}

impl Eq for Map {}

impl Map {
    /// # Errors
    /// The line that is not understood, and why.
    pub fn parse(text: &str) -> Result<Self, String> {
        let entry = |line: Line| {
            let number = line.number;
            let [map, system, role] = line.fields.as_slice() else {
                return Err(format!("line {number}: a map's name, a certificate's name and a role are expected"));
            };
            let ([map], [system], [role]) = (map.as_slice(), system.as_slice(), role.as_slice()) else {
                return Err(format!("line {number}: there are no lists here"));
            };
            let system = match system.text.strip_prefix('/') {
                Some(pattern) => {
                    System::Pattern(Regex::new(pattern).map_err(|e| format!("line {number}: {pattern}: {e}"))?)
                }
                None => System::Named(system.text.clone()),
            };
            Ok(Entry { map: map.text.clone(), system, role: role.text.clone() })
        };
        lines(text)?.into_iter().map(entry).collect::<Result<_, _>>().map(Self)
    }

    pub fn has(&self, map: &str) -> bool {
        self.0.iter().any(|entry| entry.map == map)
    }

    /// May a name in this map be the role? `\1` in the role is the pattern's first group.
    pub fn allows(&self, map: &str, system: &str, role: &str) -> bool {
        self.0.iter().filter(|entry| entry.map == map).any(|entry| match &entry.system {
            System::Named(name) => name == system && entry.role == role,
            System::Pattern(pattern) => pattern.captures(system).is_some_and(|found| {
                let first = found.get(1).map_or("", |group| group.as_str());
                entry.role.replacen("\\1", first, 1) == role
            }),
        })
    }
}
