//! How long a record may be: what clients write ends up in it, and a record that is too long for a sink would hold up all
//! that come after it.

use std::sync::Arc;

use super::{Access, Client, Object, Outcome, Privilege, Record, Rules};

/// The longest name or message, in bytes. Names in the catalogs have 63; a client may write others.
const TEXT: usize = 1 << 10;
/// All names of a record's columns, policies and masks together, and of its objects: which these are is not to be hidden behind others.
const PARTS: usize = 16 << 10;
const OBJECTS: usize = 256 << 10;
/// What stands where something was left out.
const MORE: &str = "…";

/// The record with what is too long cut.
pub(super) fn bounded(mut record: Record) -> Record {
    cut(&mut record.role);
    cut(&mut record.application);
    let client = &record.client;
    if [&client.user, &client.database].iter().any(|text| text.len() > TEXT) {
        let mut client = Client::clone(client);
        cut(&mut client.user);
        cut(&mut client.database);
        record.client = Arc::new(client);
    }
    if let Outcome::Failed { message: Some(message), .. } = &mut record.outcome
        && message.len() > TEXT
    {
        *message = shortened(message);
    }
    if record.access.iter().map(|access| length(access)).sum::<usize>() > PARTS {
        let mut left = (OBJECTS, PARTS);
        record.access = record.access.iter().map(|access| Arc::new(part(access, &mut left))).collect();
    }
    record
}

/// About how many bytes it takes: what is written together is bounded by it.
pub(super) fn weight(record: &Record) -> usize {
    let digest = record.digest.as_ref().map_or(0, |digest| digest.text.len() + digest.fingerprint.len());
    let message = match &record.outcome {
        Outcome::Failed { message: Some(message), .. } => message.len(),
        Outcome::Ok | Outcome::Failed { .. } | Outcome::Abandoned => 0,
    };
    256 + digest + message + record.access.iter().map(|access| length(access)).sum::<usize>()
}

fn cut(text: &mut Arc<str>) {
    if text.len() > TEXT {
        *text = shortened(text).into();
    }
}

fn shortened(text: &str) -> String {
    let end = (0..=TEXT).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    format!("{}{MORE}", &text[..end])
}

fn length(access: &Access) -> usize {
    let object = |object: &Object| {
        let privilege = |p: &Privilege| p.word.len() + texts(&p.columns);
        object.schema.len()
            + object.name.len()
            + object.role.len()
            + object.privileges.iter().map(privilege).sum::<usize>()
    };
    let rules = |r: &Rules| r.schema.len() + r.table.len() + r.role.len() + texts(&r.policies) + texts(&r.masks);
    access.objects.iter().map(object).sum::<usize>() + access.rules.iter().map(rules).sum::<usize>()
}

fn texts(texts: &[Arc<str>]) -> usize {
    texts.iter().map(|text| text.len()).sum()
}

/// As much of it as there is room `left` for objects and for their parts.
fn part(access: &Access, (left, parts): &mut (usize, usize)) -> Access {
    let mut objects = Vec::new();
    for object in &access.objects {
        let Object { schema, name, role, privileges } = object;
        let Some(schema) = fitting(schema, left) else { break };
        let (name, role) = (fitting(name, left), fitting(role, left));
        let privileges = privileges.iter();
        let privileges = privileges.map(|p| Privilege { word: p.word, columns: some(&p.columns, parts) }).collect();
        let named = |text: Option<Arc<str>>| text.unwrap_or_else(|| MORE.into());
        objects.push(Object { schema, name: named(name), role: named(role), privileges });
    }
    if objects.len() < access.objects.len() {
        objects.push(Object { schema: "".into(), name: MORE.into(), role: "".into(), privileges: Vec::new() });
    }
    let mut rules = Vec::new();
    for rule in &access.rules {
        let (Some(schema), Some(table), Some(role)) =
            (fitting(&rule.schema, left), fitting(&rule.table, left), fitting(&rule.role, left))
        else {
            break;
        };
        let (policies, masks) = (some(&rule.policies, parts), some(&rule.masks, parts));
        rules.push(Rules { schema, table, role, policies, masks });
    }
    Access { objects, rules }
}

/// The text, cut, if there is room for it.
fn fitting(text: &Arc<str>, left: &mut usize) -> Option<Arc<str>> {
    let mut text = text.clone();
    cut(&mut text);
    *left = left.checked_sub(text.len())?;
    Some(text)
}

fn some(texts: &[Arc<str>], left: &mut usize) -> Vec<Arc<str>> {
    let mut found: Vec<_> = texts.iter().map_while(|text| fitting(text, left)).collect();
    if found.len() < texts.len() {
        found.push(MORE.into());
    }
    found
}
