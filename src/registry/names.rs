//! Names that PostgreSQL chooses: of constraints, indexes and sequences without one of their own.

use super::{Name, Snapshot};

/// NAMEDATALEN - 1.
pub const MAX_NAME: usize = 63;

/// `name1_name2_label`, cut to the length of an identifier by shortening the longer of the two names
/// (PostgreSQL's makeObjectName).
pub fn object_name(name1: &str, name2: Option<&str>, label: &str) -> String {
    let overhead = label.len() + 1 + name2.map_or(0, |_| 1);
    let available = MAX_NAME.saturating_sub(overhead);
    let (mut len1, mut len2) = (name1.len(), name2.map_or(0, str::len));
    while len1 + len2 > available {
        if len1 > len2 { len1 -= 1 } else { len2 -= 1 }
    }
    let mut out = cut(name1, len1).to_owned();
    if let Some(name2) = name2 {
        out.push('_');
        out.push_str(cut(name2, len2));
    }
    out.push('_');
    out.push_str(label);
    out
}

/// At most `len` bytes, not cutting a character.
fn cut(text: &str, mut len: usize) -> &str {
    len = len.min(text.len());
    while !text.is_char_boundary(len) {
        len -= 1;
    }
    &text[..len]
}

/// Column names joined as ChooseIndexNameAddition does.
pub fn join_columns<'a>(columns: impl IntoIterator<Item = &'a str>) -> String {
    let mut out = String::new();
    for column in columns {
        if !out.is_empty() {
            out.push('_');
        }
        out.push_str(column);
        if out.len() >= MAX_NAME {
            break;
        }
    }
    out
}

/// The first of `…_label`, `…_label1`, `…_label2` that `taken` does not know.
pub fn choose(name1: &str, name2: Option<&str>, label: &str, taken: impl Fn(&str) -> bool) -> Name {
    let mut label_now = label.to_owned();
    for pass in 1.. {
        let name = object_name(name1, name2, &label_now);
        if !taken(&name) {
            return name.into();
        }
        label_now = format!("{label}{pass}");
    }
    Name::from(object_name(name1, name2, label))
}

impl Snapshot {
    /// True if a relation or an index has this name: they share one space of names.
    pub fn relation_name_taken(&self, namespace: &str, name: &str) -> bool {
        self.relation(namespace, name).is_some() || self.index(namespace, name).is_some()
    }

    /// True if a constraint of any relation in the namespace has this name.
    pub fn constraint_name_taken(&self, namespace: &str, name: &str) -> bool {
        self.constraint_names.contains_key(&(Name::from(namespace), Name::from(name)))
    }
}

/// May no role of the user's have this name?
pub fn is_reserved_role(name: &str) -> bool {
    name.starts_with("pg_") || matches!(name, "public" | "none")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_cut_as_postgresql_cuts_them() {
        let (table, column) = ("t".repeat(60), "c".repeat(40));
        let name = object_name(&table, Some(&column), "key");
        assert_eq!(name.len(), MAX_NAME);
        // Asked of PostgreSQL 15: 29 of the table's characters and 29 of the column's remain.
        assert_eq!(name, format!("{}_{}_key", "t".repeat(29), "c".repeat(29)));
        assert_eq!(object_name("t", None, "pkey"), "t_pkey");
    }

    #[test]
    fn a_taken_name_gets_a_number() {
        let taken = ["t_a_key", "t_a_key1"];
        assert_eq!(&*choose("t", Some("a"), "key", |n| taken.contains(&n)), "t_a_key2");
    }
}
