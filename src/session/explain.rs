//! EXPLAIN: the engine's plan as PostgreSQL's one column of text.

mod formats;

use serde_json::Value as Json;

use self::formats::{Group, Property};
use super::constraint;
use super::describe::explain_field;
use super::execute::{Alone, Done, guarded};
use super::front::Front;
use super::made_rows::{text_batch, text_shape};
use super::portals::OpenRows;
use super::session::Session;
use crate::engine::Outcome;
use crate::error::{Error, Result};
use crate::registry::Snapshot;
use crate::sql::Plan;
use crate::tree::{Explain, ExplainFormat};
use crate::types::{self, Phys, Value};

impl Session {
    pub(super) async fn explain(
        &mut self,
        (plan, unmeasured): (&Plan, Option<&Plan>),
        options: &Explain,
        values: &[Value],
        codes: Vec<i16>,
        front: &mut dyn Front,
        describe: bool,
    ) -> Result<Done> {
        // How many rows were read and how long it took tells of those that rules hide; and so does a plan that was optimized by what
        // is known of the rows: a scan that finds nothing is left out.
        let ruled = plan.permit.is_ruled();
        let which = if ruled { Stage::Bound } else { Stage::Last };
        let text = match unmeasured {
            None => self.engine_plan(plan, values, which, front).await?,
            Some(unmeasured) => {
                Box::pin(self.carry_out(plan, values, front)).await?;
                self.engine_plan(unmeasured, values, which, front).await?
            }
        };
        let text = text.ok_or_else(|| Error::internal("EXPLAIN gave no plan"))?;
        let mut tree: Json = serde_json::from_str(&text).map_err(Error::internal)?;
        name_tables(&mut tree, &self.snapshot());
        let shown = Explain { costs: options.costs && !ruled, analyze: options.analyze && !ruled, ..options.clone() };
        let options = &shown;
        let lines = match options.format {
            ExplainFormat::Text => lines(&tree, options),
            ExplainFormat::Json => vec![formats::json(&properties(&tree, options))],
            ExplainFormat::Xml => vec![formats::xml(&properties(&tree, options))],
            ExplainFormat::Yaml => vec![formats::yaml(&properties(&tree, options))],
        };
        let shape = text_shape(vec![explain_field(options.format)], codes);
        if describe {
            front.row_description(&shape, &*self.types())?;
        }
        let batch = text_batch(vec![lines.into_iter().map(Some).collect()])?;
        let mut open = OpenRows::kept(vec![batch], self.output_settings());
        self.send_rows(&mut open, &shape, front, true, None).await?;
        Done::tag("EXPLAIN")
    }

    /// Does what a plan does, and sends nobody its rows.
    async fn carry_out(&mut self, plan: &Plan, values: &[Value], front: &mut dyn Front) -> Result<()> {
        if let Outcome::Rows(mut rows) = self.start(plan, values, front, Alone::No, None).await? {
            let (snapshot, role) = (self.snapshot(), self.role());
            let shared = self.shared.clone();
            let canceller = self.lease()?.canceller.clone();
            let named = |error| constraint::explain(error, plan.target.as_deref(), &snapshot, role);
            while guarded(Some(&mut *front), &shared.interrupt, &canceller, rows.next()).await.map_err(named)?.is_some()
            {
            }
        }
        if plan.writes {
            self.settle_keys(front).await?;
        }
        Ok(())
    }

    /// One of the plans (JSON) that the engine's answer has: rows of a key and a value.
    async fn engine_plan(
        &mut self,
        plan: &Plan,
        values: &[Value],
        stage: Stage,
        front: &mut dyn Front,
    ) -> Result<Option<String>> {
        let Outcome::Rows(mut rows) = self.start(plan, values, front, Alone::No, None).await? else {
            return Err(Error::internal("EXPLAIN gave no rows"));
        };
        let shared = self.shared.clone();
        let canceller = self.lease()?.canceller.clone();
        let mut text = None;
        while let Some(batch) = guarded(Some(front), &shared.interrupt, &canceller, rows.next()).await? {
            let [keys, plans] = batch.columns() else { return Err(Error::internal("EXPLAIN gave other columns")) };
            for row in 0..batch.num_rows() {
                let at = |column: &dyn arrow::array::Array| types::arrow::value_at(column, row, &Phys::Text);
                let (Value::Text(key), Value::Text(plan)) = (at(keys), at(plans)) else { continue };
                if stage == Stage::Last || &*key == "logical_plan" {
                    text = Some(plan.to_string());
                }
            }
        }
        // With ANALYZE it has done what it would do.
        if plan.writes {
            self.settle_keys(front).await?;
        }
        Ok(text)
    }
}

/// Which of the engine's plans.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// As the statement was bound: it depends on nothing that the tables hold.
    Bound,
    /// As it runs.
    Last,
}

/// One operator of the engine's plan. Only what tells nothing of rules is read: names, tables, row numbers, times;
/// never the text of conditions, in which row filters would show.
struct Node<'a> {
    name: String,
    table: Option<String>,
    estimated: Option<u64>,
    rows: Option<u64>,
    seconds: Option<f64>,
    children: Vec<&'a Json>,
}

fn node(json: &Json) -> Node<'_> {
    let text = |key: &str| json.get(key).and_then(Json::as_str).map(|s| s.trim().to_owned());
    let extra =
        |key: &str| json.get("extra_info").and_then(|e| e.get(key)).and_then(Json::as_str).map(|s| s.trim().to_owned());
    let number = |value: Option<String>| value.and_then(|v| v.trim_start_matches('~').parse().ok());
    Node {
        name: text("name").or_else(|| text("operator_type")).or_else(|| text("operator_name")).unwrap_or_default(),
        table: extra("Table"),
        estimated: number(extra("Estimated Cardinality")),
        rows: json.get("operator_cardinality").and_then(Json::as_u64),
        seconds: json.get("operator_timing").and_then(Json::as_f64),
        children: json.get("children").and_then(Json::as_array).map(|c| c.iter().collect()).unwrap_or_default(),
    }
}

/// Puts the tables' own names in the place of DuckDB's numbers.
fn name_tables(tree: &mut Json, snapshot: &Snapshot) {
    if let Some(Json::String(table)) = tree.get_mut("extra_info").and_then(|e| e.get_mut("Table")) {
        let number = table.rsplit('.').next().and_then(|t| t.trim().strip_prefix('r')?.parse().ok());
        if let Some(relation) = number.and_then(|oid| snapshot.relation_by_oid(oid)) {
            *table = relation.name.to_string();
        }
    }
    match tree {
        Json::Array(items) => items.iter_mut().for_each(|item| name_tables(item, snapshot)),
        Json::Object(_) => {
            if let Some(Json::Array(children)) = tree.get_mut("children") {
                children.iter_mut().for_each(|child| name_tables(child, snapshot));
            }
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

/// The plan's top: DuckDB gives a list with it, or the query with it as child.
fn top(tree: &Json) -> &Json {
    let mut tree = match tree {
        Json::Array(items) => items.first().unwrap_or(tree),
        other => other,
    };
    while node(tree).name.is_empty() || node(tree).name.starts_with("EXPLAIN") {
        match tree.get("children").and_then(|c| c.get(0)) {
            Some(child) => tree = child,
            None => break,
        }
    }
    tree
}

/// `HASH_JOIN` as PostgreSQL would write it: `Hash Join`.
fn title(name: &str) -> String {
    let word = |w: &str| {
        let mut chars = w.chars();
        chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars.flat_map(char::to_lowercase)).collect())
    };
    name.split(['_', ' ']).filter(|w| !w.is_empty()).map(word).collect::<Vec<String>>().join(" ")
}

fn lines(tree: &Json, options: &Explain) -> Vec<String> {
    let mut out = Vec::new();
    write(top(tree), 0, options, &mut out);
    if options.analyze
        && let Some(seconds) = tree.get("latency").and_then(Json::as_f64)
    {
        out.push(format!("Execution Time: {:.3} ms", seconds * 1000.0));
    }
    out
}

fn write(json: &Json, depth: usize, options: &Explain, out: &mut Vec<String>) {
    let node = node(json);
    let indent = match depth {
        0 => String::new(),
        n => format!("{}->  ", " ".repeat(2 + (n - 1) * 6)),
    };
    let mut line = format!("{indent}{}", title(&node.name));
    if let Some(table) = &node.table {
        line.push_str(&format!(" on {table}"));
    }
    if options.costs
        && let Some(rows) = node.estimated
    {
        line.push_str(&format!("  (rows={rows})"));
    }
    if options.analyze {
        let seconds = node.seconds.unwrap_or_default();
        line.push_str(&format!(" (actual time={:.3} rows={})", seconds * 1000.0, node.rows.unwrap_or_default()));
    }
    out.push(line);
    for child in node.children {
        write(child, depth + 1, options, out);
    }
}

/// The plan for the formats that programs read, in the order of PostgreSQL's properties.
fn properties(tree: &Json, options: &Explain) -> Group {
    fn plan(json: &Json, options: &Explain) -> Group {
        let node = node(json);
        let mut out = vec![("Node Type", Property::Text(title(&node.name)))];
        if let Some(table) = node.table {
            out.push(("Relation Name", Property::Text(table)));
        }
        if options.costs
            && let Some(rows) = node.estimated
        {
            out.push(("Plan Rows", Property::Number(rows.to_string())));
        }
        if options.analyze {
            out.push(("Actual Total Time", milliseconds(node.seconds.unwrap_or_default())));
            out.push(("Actual Rows", Property::Number(node.rows.unwrap_or_default().to_string())));
        }
        if !node.children.is_empty() {
            out.push(("Plans", Property::Plans(node.children.iter().map(|c| plan(c, options)).collect())));
        }
        out
    }
    let mut out = vec![("Plan", Property::Plan(plan(top(tree), options)))];
    if options.analyze
        && let Some(seconds) = tree.get("latency").and_then(Json::as_f64)
    {
        out.push(("Execution Time", milliseconds(seconds)));
    }
    out
}

fn milliseconds(seconds: f64) -> Property {
    Property::Number(format!("{:.3}", seconds * 1000.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(costs: bool) -> Explain {
        // What is explained does not matter to the printing.
        Explain {
            statement: crate::tree::Statement::Utility(Box::new(crate::tree::Utility::Unlisten(None))),
            analyze: false,
            verbose: false,
            costs,
            format: ExplainFormat::Text,
        }
    }

    #[test]
    fn a_plan_is_indented_and_tells_no_conditions() {
        let tree = serde_json::json!([{"name": "HASH_JOIN", "extra_info": {"Conditions": "secret = 1", "Estimated Cardinality": "10"},
            "children": [
                {"name": "SEQ_SCAN ", "extra_info": {"Table": "t", "Filters": "secret", "Estimated Cardinality": "5"}, "children": []},
                {"name": "PROJECTION", "extra_info": {}, "children": [{"name": "DUMMY_SCAN", "children": []}]}]}]);
        assert_eq!(
            lines(&tree, &options(true)),
            ["Hash Join  (rows=10)", "  ->  Seq Scan on t  (rows=5)", "  ->  Projection", "        ->  Dummy Scan",]
        );
        assert_eq!(lines(&tree, &options(false))[1], "  ->  Seq Scan on t");
    }

    #[test]
    fn what_programs_read_is_laid_out_as_in_postgresql() {
        let tree = serde_json::json!([{"name": "HASH_JOIN", "extra_info": {"Estimated Cardinality": "10"}, "children": [
            {"name": "SEQ_SCAN ", "extra_info": {"Table": "a<\"b"}, "children": []}, {"name": "DUMMY_SCAN", "children": []}]}]);
        let plan = properties(&tree, &options(true));
        let json = [
            "[",
            "  {",
            "    \"Plan\": {",
            "      \"Node Type\": \"Hash Join\",",
            "      \"Plan Rows\": 10,",
            "      \"Plans\": [",
            "        {",
            "          \"Node Type\": \"Seq Scan\",",
            "          \"Relation Name\": \"a<\\\"b\"",
            "        },",
            "        {",
            "          \"Node Type\": \"Dummy Scan\"",
            "        }",
            "      ]",
            "    }",
            "  }",
            "]",
        ];
        assert_eq!(formats::json(&plan), json.join("\n"));
        let xml = [
            "<explain xmlns=\"http://www.postgresql.org/2009/explain\">",
            "  <Query>",
            "    <Plan>",
            "      <Node-Type>Hash Join</Node-Type>",
            "      <Plan-Rows>10</Plan-Rows>",
            "      <Plans>",
            "        <Plan>",
            "          <Node-Type>Seq Scan</Node-Type>",
            "          <Relation-Name>a&lt;&quot;b</Relation-Name>",
            "        </Plan>",
            "        <Plan>",
            "          <Node-Type>Dummy Scan</Node-Type>",
            "        </Plan>",
            "      </Plans>",
            "    </Plan>",
            "  </Query>",
            "</explain>",
        ];
        assert_eq!(formats::xml(&plan), xml.join("\n"));
        let yaml = [
            "- Plan: ",
            "    Node Type: \"Hash Join\"",
            "    Plan Rows: 10",
            "    Plans: ",
            "      - Node Type: \"Seq Scan\"",
            "        Relation Name: \"a<\\\"b\"",
            "      - Node Type: \"Dummy Scan\"",
        ];
        assert_eq!(formats::yaml(&plan), yaml.join("\n"));
    }
}
