//! A plan as JSON, XML or YAML, laid out as PostgreSQL lays it out (explain.c).

/// Properties in their order.
pub type Group = Vec<(&'static str, Property)>;

pub enum Property {
    Text(String),
    Number(String),
    Plan(Group),
    Plans(Vec<Group>),
}

/// A JSON string, which is what PostgreSQL's YAML has for a text, too.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn indent(depth: usize) -> String {
    "  ".repeat(depth)
}

pub fn json(query: &Group) -> String {
    fn group(properties: &Group, depth: usize) -> String {
        let inner = indent(depth + 1);
        let each = properties.iter().map(|(name, property)| {
            let value = match property {
                Property::Text(text) => quoted(text),
                Property::Number(number) => number.clone(),
                Property::Plan(plan) => group(plan, depth + 1),
                Property::Plans(plans) => list(plans, depth + 1),
            };
            format!("{inner}{}: {value}", quoted(name))
        });
        format!("{{\n{}\n{}}}", each.collect::<Vec<_>>().join(",\n"), indent(depth))
    }
    fn list<'a>(plans: impl IntoIterator<Item = &'a Group>, depth: usize) -> String {
        let each = plans.into_iter().map(|plan| format!("{}{}", indent(depth + 1), group(plan, depth + 1)));
        format!("[\n{}\n{}]", each.collect::<Vec<_>>().join(",\n"), indent(depth))
    }
    list([query], 0)
}

pub fn xml(query: &Group) -> String {
    fn escaped(text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '"' => out.push_str("&quot;"),
                '\r' => out.push_str("&#x0d;"),
                c => out.push(c),
            }
        }
        out
    }
    fn element(tag: &str, properties: &Group, depth: usize, out: &mut Vec<String>) {
        let (outer, inner) = (indent(depth), indent(depth + 1));
        out.push(format!("{outer}<{tag}>"));
        for (name, property) in properties {
            let tag = name.replace(' ', "-");
            match property {
                Property::Text(text) => out.push(format!("{inner}<{tag}>{}</{tag}>", escaped(text))),
                Property::Number(number) => out.push(format!("{inner}<{tag}>{number}</{tag}>")),
                Property::Plan(plan) => element(&tag, plan, depth + 1, out),
                Property::Plans(plans) => {
                    out.push(format!("{inner}<{tag}>"));
                    plans.iter().for_each(|plan| element("Plan", plan, depth + 2, out));
                    out.push(format!("{inner}</{tag}>"));
                }
            }
        }
        out.push(format!("{outer}</{tag}>"));
    }
    let mut out = vec!["<explain xmlns=\"http://www.postgresql.org/2009/explain\">".to_owned()];
    element("Query", query, 1, &mut out);
    out.push("</explain>".to_owned());
    out.join("\n")
}

pub fn yaml(query: &Group) -> String {
    /// An element of a list: its first property stands behind the dash.
    fn item(properties: &Group, depth: usize, out: &mut Vec<String>) {
        let first = out.len();
        group(properties, depth + 1, out);
        if let Some(line) = out.get_mut(first) {
            line.replace_range(depth * 2..depth * 2 + 2, "- ");
        }
    }
    fn group(properties: &Group, depth: usize, out: &mut Vec<String>) {
        let outer = indent(depth);
        for (name, property) in properties {
            match property {
                Property::Text(text) => out.push(format!("{outer}{name}: {}", quoted(text))),
                Property::Number(number) => out.push(format!("{outer}{name}: {number}")),
                Property::Plan(plan) => {
                    out.push(format!("{outer}{name}: "));
                    group(plan, depth + 1, out);
                }
                Property::Plans(plans) => {
                    out.push(format!("{outer}{name}: "));
                    plans.iter().for_each(|plan| item(plan, depth + 1, out));
                }
            }
        }
    }
    let mut out = Vec::new();
    item(query, 0, &mut out);
    out.join("\n")
}
