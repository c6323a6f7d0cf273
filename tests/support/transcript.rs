//! Wire transcripts: how a message is written in a `.pt` file, and how a file is read. tests/transcripts/README.md has
//! the format.

use serde_json::{Map, Value, json};

use super::protocol::{Message, Reader, cstr, cstring, data_row, fields, frame, untyped};

/// One line of a transcript that is not an expectation.
#[derive(Debug, Clone)]
pub enum Step {
    /// `@ name [raw]`: what follows is on that connection.
    Switch { name: String, raw: bool },
    /// `* sql`: run, and fail the section if it fails.
    Setup(String),
    /// `> …` lines, the `? …` line, and the `< …` lines that are expected.
    Exchange {
        sends: Vec<(String, Value)>,
        until: Option<(usize, String)>,
        expected: Vec<String>,
        lines: (usize, usize),
    },
}

#[derive(Debug)]
pub struct Section {
    pub title: String,
    pub line: usize,
    pub steps: Vec<Step>,
}

/// Reads a transcript file. `lines` of an exchange are those of its expectations, for the recorder.
pub fn parse(text: &str) -> Result<Vec<Section>, String> {
    let mut sections: Vec<Section> = Vec::new();
    let lines: Vec<&str> = text.lines().collect();
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at];
        let number = at + 1;
        let bad = |why: &str| format!("line {number}: {why}: {line}");
        at += 1;
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(title) = line.strip_prefix("== ") {
            sections.push(Section { title: title.into(), line: number, steps: Vec::new() });
            continue;
        }
        let steps = &mut sections.last_mut().ok_or_else(|| bad("no section yet"))?.steps;
        if let Some(rest) = line.strip_prefix("@ ") {
            let mut words = rest.split_whitespace();
            let name = words.next().unwrap_or_default().to_string();
            steps.push(Step::Switch { name, raw: words.next() == Some("raw") });
        } else if let Some(sql) = line.strip_prefix("* ") {
            steps.push(Step::Setup(sql.into()));
        } else if line.starts_with("> ") {
            at -= 1;
            let mut sends = Vec::new();
            while let Some(rest) = lines.get(at).and_then(|l| l.strip_prefix("> ")) {
                let (name, value) = named(rest).map_err(|e| format!("line {}: {e}", at + 1))?;
                sends.push((name, value));
                at += 1;
            }
            let mut until = None;
            if let Some(rest) = lines.get(at).and_then(|l| l.strip_prefix("? ")) {
                let (count, name) = rest.split_once(' ').unwrap_or(("1", rest));
                until = Some((count.parse().map_err(|_| bad("a number and a message"))?, name.to_string()));
                at += 1;
            }
            let first = at;
            while lines.get(at).is_some_and(|l| l.starts_with("< ")) {
                at += 1;
            }
            let expected = lines[first..at].iter().map(|l| l[2..].to_string()).collect();
            steps.push(Step::Exchange { sends, until, expected, lines: (first, at) });
        } else {
            return Err(bad("not a line of a transcript"));
        }
    }
    Ok(sections)
}

/// `Name json`; without JSON the value is null.
fn named(text: &str) -> Result<(String, Value), String> {
    let (name, rest) = text.split_once(' ').unwrap_or((text, ""));
    let value = match rest.trim() {
        "" => Value::Null,
        rest => serde_json::from_str(rest).map_err(|e| format!("{e}: {rest}"))?,
    };
    Ok((name.to_string(), value))
}

/// True if an expected line allows an actual one: `"*"` stands for any value, `"?"` for any value or none.
pub fn allows(expected: &str, actual: &str) -> bool {
    match (named(expected), named(actual)) {
        (Ok((a, x)), Ok((b, y))) => a == b && value_allows(&x, &y),
        _ => expected == actual,
    }
}

fn value_allows(expected: &Value, actual: &Value) -> bool {
    match (expected, actual) {
        (Value::String(s), _) if s == "*" => true,
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(x, y)| value_allows(x, y)),
        (Value::Object(a), Value::Object(b)) => {
            b.keys().all(|k| a.contains_key(k))
                && a.iter().all(|(k, x)| b.get(k).map_or(x == "?", |y| x == "?" || value_allows(x, y)))
        }
        (x, y) => x == y,
    }
}

/// Types by name, so that transcripts can be read; others are numbers, and the user's own (whose OIDs vary) `user`.
const TYPES: &[(u32, &str)] = &[
    (16, "bool"),
    (17, "bytea"),
    (18, "char"),
    (19, "name"),
    (20, "int8"),
    (21, "int2"),
    (23, "int4"),
    (25, "text"),
    (26, "oid"),
    (114, "json"),
    (700, "float4"),
    (701, "float8"),
    (705, "unknown"),
    (1000, "bool[]"),
    (1005, "int2[]"),
    (1007, "int4[]"),
    (1009, "text[]"),
    (1016, "int8[]"),
    (1022, "float8[]"),
    (1042, "bpchar"),
    (1043, "varchar"),
    (1082, "date"),
    (1083, "time"),
    (1114, "timestamp"),
    (1115, "timestamp[]"),
    (1182, "date[]"),
    (1184, "timestamptz"),
    (1185, "timestamptz[]"),
    (1186, "interval"),
    (1231, "numeric[]"),
    (1266, "timetz"),
    (1700, "numeric"),
    (2278, "void"),
    (2950, "uuid"),
    (2951, "uuid[]"),
    (3802, "jsonb"),
];

fn type_name(oid: u32) -> Value {
    match TYPES.iter().find(|(o, _)| *o == oid) {
        Some((_, name)) => json!(name),
        None if oid >= 15000 => json!("user"),
        None => json!(oid),
    }
}

fn type_oid(value: &Value) -> u32 {
    match value {
        Value::String(name) => TYPES.iter().find(|(_, n)| n == name).unwrap_or_else(|| panic!("type {name}")).0,
        other => other.as_u64().expect("a type") as u32,
    }
}

/// Bytes in JSON: text as a string, anything else as `{"hex": …}`.
fn bytes_value(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(s) if !s.chars().any(|c| c.is_control() && c != '\n' && c != '\t') => json!(s),
        _ => json!({"hex": hex(bytes)}),
    }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

pub fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().filter_map(|c| c.to_digit(16)).map(|d| d as u8).collect();
    digits.chunks(2).map(|d| d[0] << 4 | d.get(1).copied().unwrap_or(0)).collect()
}

fn value_bytes(value: &Value) -> Vec<u8> {
    match value {
        Value::String(s) => s.clone().into_bytes(),
        Value::Object(o) => {
            let unit = unhex(o["hex"].as_str().expect("hex digits"));
            unit.repeat(o.get("times").and_then(Value::as_u64).unwrap_or(1) as usize)
        }
        other => panic!("neither text nor hex: {other}"),
    }
}

/// The bytes of a frontend message.
pub fn encode(name: &str, value: &Value) -> Vec<u8> {
    let string = |key: &str| cstring(value[key].as_str().unwrap_or_default());
    let target = || match (value.get("statement"), value.get("portal")) {
        (Some(name), _) => [b"S".to_vec(), cstring(name.as_str().expect("a name"))].concat(),
        (None, Some(name)) => [b"P".to_vec(), cstring(name.as_str().expect("a name"))].concat(),
        (None, None) => panic!("statement or portal"),
    };
    match name {
        "Query" => frame(b'Q', &cstring(value.as_str().expect("SQL"))),
        "Parse" => {
            let mut body = [string("name"), string("sql")].concat();
            let types = value["types"].as_array().cloned().unwrap_or_default();
            body.extend((types.len() as u16).to_be_bytes());
            types.iter().for_each(|t| body.extend(type_oid(t).to_be_bytes()));
            frame(b'P', &body)
        }
        "Bind" => frame(b'B', &bind_body(value)),
        "Describe" => frame(b'D', &target()),
        "Close" => frame(b'C', &target()),
        "Execute" => {
            let mut body = string("portal");
            body.extend((value["rows"].as_i64().unwrap_or(0) as i32).to_be_bytes());
            frame(b'E', &body)
        }
        "Sync" => frame(b'S', b""),
        "Flush" => frame(b'H', b""),
        "Terminate" => frame(b'X', b""),
        "CopyData" => frame(b'd', &value_bytes(value)),
        "CopyDone" => frame(b'c', b""),
        "CopyFail" => frame(b'f', &cstring(value.as_str().expect("a message"))),
        "SSLRequest" => untyped(80_877_103, b""),
        "GSSENCRequest" => untyped(80_877_104, b""),
        "Message" => frame(value["type"].as_str().expect("a type").as_bytes()[0], &value_bytes(value)),
        "Raw" => value_bytes(value),
        other => panic!("unknown message {other}"),
    }
}

fn bind_body(value: &Value) -> Vec<u8> {
    let mut body = cstring(value["portal"].as_str().unwrap_or_default());
    body.extend(cstring(value["statement"].as_str().unwrap_or_default()));
    let codes = |key: &str| -> Vec<u8> {
        let codes = value[key].as_array().cloned().unwrap_or_default();
        let mut out = (codes.len() as u16).to_be_bytes().to_vec();
        codes.iter().for_each(|c| out.extend((c.as_i64().expect("a code") as i16).to_be_bytes()));
        out
    };
    body.extend(codes("formats"));
    let values = value["values"].as_array().cloned().unwrap_or_default();
    body.extend((values.len() as u16).to_be_bytes());
    for v in &values {
        if v.is_null() {
            body.extend((-1i32).to_be_bytes());
        } else {
            let bytes = value_bytes(v);
            body.extend((bytes.len() as u32).to_be_bytes());
            body.extend(bytes);
        }
    }
    body.extend(codes("results"));
    body
}

/// Backend messages as the lines of a transcript. Runs of ParameterStatus are sorted (PostgreSQL's order is that of a
/// hash table), and CopyData messages in a row are joined: how rows are packed into them is the server's affair.
pub fn print(messages: &[Message]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut at = 0;
    while at < messages.len() {
        let tag = messages[at].tag;
        let run = messages[at..].iter().take_while(|m| m.tag == tag).count();
        match tag {
            b'S' => {
                let mut run: Vec<_> = messages[at..at + run].iter().map(print_one).collect();
                run.sort();
                lines.extend(run);
            }
            b'd' => {
                let data: Vec<u8> = messages[at..at + run].iter().flat_map(|m| m.body.clone()).collect();
                lines.push(format!("CopyData {}", bytes_value(&data)));
            }
            _ => lines.extend(messages[at..at + run].iter().map(print_one)),
        }
        at += run;
    }
    lines
}

fn print_one(message: &Message) -> String {
    let body = &message.body[..];
    let mut reader = Reader(body);
    let (name, value) = match message.tag {
        b'1' => ("ParseComplete", Value::Null),
        b'2' => ("BindComplete", Value::Null),
        b'3' => ("CloseComplete", Value::Null),
        b'A' => {
            // Which process it comes from differs from run to run.
            reader.i32();
            ("NotificationResponse", json!([reader.string(), reader.string()]))
        }
        b'C' => ("CommandComplete", json!(cstr(body).0)),
        b'D' => {
            ("DataRow", data_row(body).iter().map(|v| v.as_ref().map_or(Value::Null, |b| bytes_value(b))).collect())
        }
        b'E' => ("ErrorResponse", report(body)),
        b'G' => ("CopyInResponse", copy_response(&mut reader)),
        b'H' => ("CopyOutResponse", copy_response(&mut reader)),
        b'I' => ("EmptyQueryResponse", Value::Null),
        b'K' => ("BackendKeyData", Value::Null),
        b'N' => ("NoticeResponse", report(body)),
        b'R' => return authentication(&mut reader),
        b'S' => {
            let (key, rest) = cstr(body);
            ("ParameterStatus", json!([key, cstr(rest).0]))
        }
        b'T' => ("RowDescription", (0..reader.i16()).map(|_| field(&mut reader)).collect()),
        b'Z' => ("ReadyForQuery", bytes_value(body)),
        b'c' => ("CopyDone", Value::Null),
        b'n' => ("NoData", Value::Null),
        b's' => ("PortalSuspended", Value::Null),
        b't' => ("ParameterDescription", (0..reader.i16()).map(|_| type_name(reader.i32() as u32)).collect()),
        b'v' => {
            let version = reader.i32();
            let options: Vec<_> = (0..reader.i32()).map(|_| reader.string()).collect();
            ("NegotiateProtocolVersion", json!({"minor": version & 0xffff, "options": options}))
        }
        other => return format!("Unknown {}", json!({"type": char::from(other).to_string(), "hex": hex(body)})),
    };
    if value.is_null() { name.to_string() } else { format!("{name} {value}") }
}

fn authentication(reader: &mut Reader<'_>) -> String {
    match reader.i32() {
        0 => "AuthenticationOk".into(),
        10 => {
            let mut mechanisms = Vec::new();
            while !reader.0.is_empty() && reader.0[0] != 0 {
                mechanisms.push(reader.string());
            }
            format!("AuthenticationSASL {}", json!(mechanisms))
        }
        11 => "AuthenticationSASLContinue".into(),
        12 => "AuthenticationSASLFinal".into(),
        other => format!("Authentication {other}"),
    }
}

fn copy_response(reader: &mut Reader<'_>) -> Value {
    let format = reader.take(1).first().copied().unwrap_or(255);
    let columns: Vec<i16> = (0..reader.i16()).map(|_| reader.i16()).collect();
    json!({"format": format, "columns": columns})
}

/// All but the fields that tell of the server's source, and `V`, which repeats `S` untranslated.
fn report(body: &[u8]) -> Value {
    let keep = |key: &char| !matches!(key, 'V' | 'F' | 'L' | 'R');
    let map: Map<String, Value> =
        fields(body).into_iter().filter(|(k, _)| keep(k)).map(|(k, v)| (k.to_string(), json!(v))).collect();
    Value::Object(map)
}

/// A field of RowDescription; what has its usual value (no table, no modifier, text format) is left out.
fn field(reader: &mut Reader<'_>) -> Value {
    let mut map = Map::new();
    map.insert("name".into(), json!(reader.string()));
    let (table, column) = (reader.i32(), reader.i16());
    map.insert("type".into(), type_name(reader.i32() as u32));
    map.insert("size".into(), json!(reader.i16()));
    let (modifier, format) = (reader.i32(), reader.i16());
    if table != 0 {
        map.insert("column".into(), json!(column));
    }
    if modifier != -1 {
        map.insert("typmod".into(), json!(modifier));
    }
    if format != 0 {
        map.insert("format".into(), json!(format));
    }
    Value::Object(map)
}
