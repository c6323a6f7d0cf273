//! `duckgate demo`: TPC-H data made here, loaded through the gateway's own load path, and served.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::{Failure, Outcome, serve, with_file};
use crate::config::{Config, Password, Raw};
use crate::registry::verifier::Verifier;
use crate::server::Server;
use crate::wire::Address;

mod load;
mod tables;

/// Beyond this the machine of a demo is too small, and a slip of the finger likelier than a wish.
const LARGEST_SCALE: f64 = 1000.0;

/// The schema files of the sample, as they stand in the repository.
const SCHEMAS: [(&str, &str); 8] = [
    ("region.toml", include_str!("../../schemas/tpch/region.toml")),
    ("nation.toml", include_str!("../../schemas/tpch/nation.toml")),
    ("part.toml", include_str!("../../schemas/tpch/part.toml")),
    ("supplier.toml", include_str!("../../schemas/tpch/supplier.toml")),
    ("partsupp.toml", include_str!("../../schemas/tpch/partsupp.toml")),
    ("customer.toml", include_str!("../../schemas/tpch/customer.toml")),
    ("orders.toml", include_str!("../../schemas/tpch/orders.toml")),
    ("lineitem.toml", include_str!("../../schemas/tpch/lineitem.toml")),
];

/// What the analyst sees of customers; it goes behind the table's own file.
const RULES: &str = r#"
# Added by `duckgate demo`.
[[table.row_rule]]
name = "one_segment"
to = "analyst"
command = "select"
using = "c_mktsegment = 'BUILDING'"

[[table.mask]]
column = "c_name"
to = "analyst"
expression = "left(c_name, 9) || '***'"

[[table.mask]]
column = "c_phone"
to = "analyst"
expression = "NULL"
"#;

/// The role that sees one segment's customers, and not their names; `$verifier` is put in.
const ROLES: &str = r#"# Made by `duckgate demo`.
[[role]]
name = "analyst"
login = true
password = "$verifier"
comment = "reads sales figures, not names"

[[grant]]
to = "analyst"
on = ["orders", "lineitem", "part", "partsupp", "nation", "region"]
privileges = "select"

[[grant]]
to = "analyst"
on = "customer"
privileges = "select"
columns = ["c_custkey", "c_name", "c_phone", "c_nationkey", "c_mktsegment"]
"#;

const ANALYST: &str = "analyst";

pub fn run(file: Option<PathBuf>, raw: Raw, scale: f64) -> Outcome {
    if !(scale > 0.0 && scale <= LARGEST_SCALE) {
        return Err(Failure::Text(format!("--scale: more than 0 and at most {LARGEST_SCALE} is expected")));
    }
    let mut raw = with_file(file, raw)?;
    // A demo keeps nothing unless it is told where.
    let data = raw.data.get_or_insert_with(|| ":memory:".into()).clone();
    raw.log.get_or_insert_with(|| "warn".into());
    let analyst = Password::generate()?;
    let schemas = match &raw.schemas {
        Some(_) => None,
        None => {
            let folder = Folder::make(&data, &analyst)?;
            raw.schemas = Some(folder.path.clone());
            Some(folder)
        }
    };
    let mut config = raw.resolve()?;
    // The demo's own superuser password is printed in a line to copy: it has to be known.
    let superuser = match &config.password {
        Some(password) => password.clone(),
        None => config.password.insert(Password::generate()?).clone(),
    };
    crate::observe::init(&config.log, config.log_format).map_err(Failure::Text)?;
    serve::runtime()?.block_on(async {
        let door = serve::Door::bind(&config).await?;
        let opened = async {
            let server = Server::open(&config).await?;
            load::load(&server, scale).await?;
            Ok::<_, Failure>(server)
        };
        let server = door.while_opening(&config, opened).await?;
        let greeting = Greeting { config: &config, superuser, analyst: schemas.as_ref().map(|_| analyst) };
        serve::serve(&config, server, door, |address| greeting.print(address)).await
    })
}

/// The schema files' folder; beside the data, or in a temporary place that goes away with the demo.
struct Folder {
    path: PathBuf,
    temporary: bool,
}

impl Folder {
    fn make(data: &str, analyst: &Password) -> Result<Self, Failure> {
        let temporary = data == ":memory:";
        let path = if temporary {
            std::env::temp_dir().join(format!("duckgate-demo-{}", std::process::id()))
        } else {
            PathBuf::from(format!("{data}.schemas"))
        };
        fs::create_dir_all(&path)?;
        let folder = Self { path, temporary };
        for (name, text) in SCHEMAS {
            let rules = if name == "customer.toml" { RULES } else { "" };
            write(&folder.path.join(name), &format!("{text}{rules}"))?;
        }
        let verifier = Verifier::new(analyst.reveal())?.to_string();
        write(&folder.path.join("roles.toml"), &ROLES.replace("$verifier", &verifier))?;
        Ok(folder)
    }
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = fs::File::create(path)?;
    file.write_all(text.as_bytes())
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.temporary {
            // A folder that stays behind in the temporary place does no harm.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// What to try, as lines to copy.
struct Greeting<'a> {
    config: &'a Config,
    superuser: Password,
    analyst: Option<Password>,
}

impl Greeting<'_> {
    fn print(&self, address: &Address) {
        let url =
            |user: &str, password: &Password| serve::url(user, Some(password.reveal()), address, &self.config.database);
        println!("\nThe one database here is \"{}\": a tool that asks for one wants that name.", self.config.database);
        println!("As the superuser, who may everything:");
        println!(
            "  psql '{}' -c 'SELECT count(*), sum(l_extendedprice) FROM lineitem'",
            url(&self.config.user, &self.superuser)
        );
        if let Some(password) = &self.analyst {
            let sql = "SELECT c_mktsegment, min(c_name), count(c_phone) FROM customer GROUP BY 1 ORDER BY 1";
            println!(
                "The same for both, which is not the same to {ANALYST}, who sees one segment, masked names, no phones:"
            );
            println!("  psql '{}' -c '{sql}'", url(&self.config.user, &self.superuser));
            println!("  psql '{}' -c '{sql}'", url(ANALYST, password));
        }
        println!("Ctrl-C ends the demo.");
    }
}
