//! Records as JSON: the keys are part of what is documented in docs/audit.md.

use std::time::SystemTime;

use serde_json::{Map, Value, json};

use super::{Access, Outcome, Record};

/// A time as RFC 3339 with microseconds, in UTC.
fn time(at: SystemTime) -> String {
    let micros = at.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| d.as_micros() as i64);
    jiff::Timestamp::from_microsecond(micros).map_or_else(|_| String::new(), |t| format!("{t:.6}"))
}

fn objects(access: &Access) -> impl Iterator<Item = Value> + '_ {
    access.objects.iter().map(|object| {
        let privileges = object.privileges.iter().map(|privilege| match privilege.columns.is_empty() {
            true => (privilege.word.to_owned(), Value::Array(Vec::new())),
            false => (privilege.word.to_owned(), json!(privilege.columns)),
        });
        let privileges: Map<String, Value> = privileges.collect();
        json!({ "schema": object.schema, "name": object.name, "role": object.role, "privileges": privileges })
    })
}

fn rules(access: &Access) -> impl Iterator<Item = Value> + '_ {
    access.rules.iter().map(
        |r| json!({ "schema": r.schema, "table": r.table, "role": r.role, "policies": r.policies, "masks": r.masks }),
    )
}

fn lists(record: &Record) -> (Value, Value) {
    let found = record.access.iter();
    (found.clone().flat_map(|a| objects(a)).collect(), found.flat_map(|a| rules(a)).collect())
}

pub(super) fn access(record: &Record) -> (String, String) {
    let (objects, rules) = lists(record);
    (objects.to_string(), rules.to_string())
}

pub(super) fn line(record: &Record) -> String {
    let Record {
        event,
        at,
        client,
        role,
        application,
        digest,
        access: _,
        rows,
        bytes_sent,
        bytes_received,
        duration,
        outcome,
        dropped,
    } = record;
    let mut line = Map::new();
    let mut put = |key: &str, value: Value| line.insert(key.to_owned(), value);
    put("time", time(*at).into());
    put("event", event.word().into());
    put("outcome", outcome.word().into());
    if let Outcome::Failed { sqlstate, denied: _, message } = outcome {
        put("sqlstate", sqlstate.as_str().into());
        if let Some(message) = message {
            put("message", message.as_str().into());
        }
    }
    if *dropped > 0 {
        put("dropped", (*dropped).into());
    }
    put("user", (&*client.user).into());
    put("role", (&**role).into());
    put("database", (&*client.database).into());
    put("pid", client.pid.into());
    put("address", client.address.map_or(Value::Null, |a| a.ip().to_string().into()));
    put("port", client.address.map_or(Value::Null, |a| a.port().into()));
    put("tls", client.tls.into());
    put("application", (&**application).into());
    if let Some(digest) = digest {
        put("fingerprint", digest.fingerprint.as_str().into());
        put("command", digest.command.as_str().into());
        put("statement", digest.text.as_str().into());
    }
    let (objects, rules) = lists(record);
    put("objects", objects);
    put("rules", rules);
    put("rows", (*rows).into());
    put("bytes_sent", (*bytes_sent).into());
    put("bytes_received", (*bytes_received).into());
    put("duration_ms", json!(duration.as_micros() as f64 / 1000.0));
    Value::Object(line).to_string()
}
