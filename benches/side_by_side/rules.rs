//! What rules cost: TPC-H through a row filter and two masks, against the same filter and masks written by hand. In the table the
//! column for in-process is what is written by hand.

use std::path::Path;
use std::time::Duration;

use super::raw;
use super::report::{Report, Row};
use super::support::server::{Options, Server};
use super::support::target::Target;
use super::support::tpch::{Data, query};

const FILTER: &str = "l_shipmode <> 'AIR'";
const MASKS: [(&str, &str); 2] = [("c_name", "left(c_name, 10) || '*'"), ("c_phone", "left(c_phone, 4) || '***'")];
const PASSWORD: &str = "DUCKGATE_BENCH_READER";

/// The sample's files, with the rules and a role that they hold for.
fn schemas(folder: &Path) {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/tpch");
    std::fs::create_dir_all(folder).expect("the folder");
    for entry in std::fs::read_dir(sample).expect("the sample").flatten() {
        let mut text = std::fs::read_to_string(entry.path()).expect("a schema file");
        match entry.file_name().to_string_lossy().as_ref() {
            "lineitem.toml" => text.push_str(&format!("[[table.row_rule]]\nname = \"own\"\nusing = \"{FILTER}\"\n")),
            "customer.toml" => {
                for (column, mask) in MASKS {
                    text.push_str(&format!("[[table.mask]]\ncolumn = \"{column}\"\nexpression = \"{mask}\"\n"));
                }
            }
            _ => {}
        }
        std::fs::write(folder.join(entry.file_name()), text).expect("written");
    }
    let role = format!("[[role]]\nname = \"reader\"\nlogin = true\npassword = \"env:{PASSWORD}\"\n");
    let tables =
        "[\"customer\", \"lineitem\", \"nation\", \"orders\", \"part\", \"partsupp\", \"region\", \"supplier\"]";
    let grant = format!("[[grant]]\nto = \"reader\"\non = {tables}\nprivileges = \"select\"\n");
    std::fs::write(folder.join("roles.toml"), role + &grant).expect("written");
}

/// Views of what the reader sees, in a schema that comes first in the superuser's search_path.
fn by_hand(target: &Target) {
    let mut connection = target.connect().unwrap_or_else(|e| panic!("{e}"));
    let mut run = |sql: &str| connection.query(sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
    run("create schema if not exists by_hand");
    run(&format!("create or replace view by_hand.lineitem as select * from public.lineitem where {FILTER}"));
    let columns = run(
        "select attname from pg_attribute where attrelid = 'public.customer'::regclass and attnum > 0 order by attnum",
    );
    let column = |row: &Vec<Option<String>>| {
        let name = row[0].clone().unwrap_or_default();
        let mask = MASKS.iter().find(|(column, _)| *column == name);
        mask.map_or(name.clone(), |(_, mask)| format!("{mask} as {name}"))
    };
    let columns: Vec<String> = columns.iter().map(column).collect();
    run(&format!("create or replace view by_hand.customer as select {} from public.customer", columns.join(", ")));
    run("alter role duckgate set search_path = by_hand, public");
}

pub fn measure(report: &mut Report, folder: &Path, data: &Data, scale: f64) {
    eprintln!("TPC-H under rules");
    let (file, files) = (folder.join("rules.duckdb"), folder.join("rules"));
    let loaded = file.exists();
    schemas(&files);
    let server = Server::start(&Options {
        data: Some(file),
        schemas: Some(files),
        environment: vec![("DUCKGATE_LOG".into(), "warn".into()), (PASSWORD.into(), "reader".into())],
        ..Options::default()
    });
    if !loaded {
        super::fill(&server.target, data);
    }
    by_hand(&server.target);
    let reader = Target { user: "reader".into(), password: "reader".into(), ..server.target.clone() };
    let mut totals = (Duration::ZERO, Duration::ZERO);
    let mut rows = Vec::new();
    for n in 1..=22 {
        let sql = query(n, scale);
        let (mut ruled, mut written) = (Duration::MAX, Duration::MAX);
        // By turns: what else the machine does in between meets both alike.
        for _ in 0..5 {
            let (one, other) = (raw::read_all(&reader, &sql, false), raw::read_all(&server.target, &sql, false));
            assert_eq!(one.rows, other.rows, "Q{n}: the rules and what is written by hand do not see the same");
            (ruled, written) = (ruled.min(one.total), written.min(other.total));
        }
        totals = (totals.0 + ruled, totals.1 + written);
        rows.push(Row::seconds(&format!("Q{n} under rules, against by hand"), ruled, None, Some(written)));
    }
    let total = Row::seconds("TPC-H under rules, against by hand", totals.0, None, Some(totals.1));
    report.add(total.goal(None, Some(1.05)));
    rows.into_iter().for_each(|row| report.add(row));
}
