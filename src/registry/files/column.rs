//! Column definitions as CREATE TABLE writes them after the name: `bigint not null references customer`.

use sqlparser::ast::{
    ColumnDef, ColumnOption, ConstraintCharacteristics, GeneratedAs, Ident, ObjectName, ReferentialAction,
};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

use crate::registry::FkAction;
use crate::registry::expression::fold;

/// What such a definition says.
#[derive(Debug, Default)]
pub struct Definition {
    pub ty: String,
    pub not_null: bool,
    pub primary_key: bool,
    pub unique: bool,
    pub default: Option<String>,
    pub generated: Option<String>,
    /// As in NewColumn::sequence.
    pub sequence: Option<Option<bool>>,
    pub references: Option<Reference>,
    pub checks: Vec<String>,
}

/// A foreign key's target.
#[derive(Debug, Clone, Default)]
pub struct Reference {
    pub namespace: Option<String>,
    pub table: String,
    pub columns: Vec<String>,
    pub on_delete: FkAction,
    pub on_update: FkAction,
}

/// Reads a definition; the error says what is wrong with it.
pub fn definition(text: &str) -> Result<Definition, String> {
    let dialect = PostgreSqlDialect {};
    let clean = |e: sqlparser::parser::ParserError| {
        let message = e.to_string().replace("sql parser error: ", "");
        message.split(" at Line:").next().unwrap_or_default().to_owned()
    };
    let sql = format!("x {text}");
    let mut parser = Parser::new(&dialect).try_with_sql(&sql).map_err(clean)?;
    let ColumnDef { name: _, data_type, options } = parser.parse_column_def().map_err(clean)?;
    let rest = parser.peek_token();
    if rest.token != sqlparser::tokenizer::Token::EOF {
        return Err(format!("unexpected \"{rest}\""));
    }
    let mut found = Definition { ty: data_type.to_string().to_lowercase(), ..Definition::default() };
    // Display writes quoted names as they were; only words may be folded.
    if data_type.to_string().contains('"') {
        found.ty = data_type.to_string();
    }
    if let Some(integer) = serial(&found.ty) {
        found.ty = integer.to_owned();
        found.sequence = Some(None);
        found.not_null = true;
    }
    agree(&found, options.iter().map(|option| &option.option))?;
    for option in options {
        self::option(&mut found, option.option)?;
    }
    Ok(found)
}

/// What may not be said of a column twice, or together (transformColumnDefinition); `found` is its type's part.
fn agree<'a>(found: &Definition, options: impl Iterator<Item = &'a ColumnOption> + Clone) -> Result<(), String> {
    let count = |is: &dyn Fn(&ColumnOption) -> bool| options.clone().filter(|option| is(option)).count();
    let identities = count(&|o| matches!(o, ColumnOption::Generated { generation_expr: None, .. }));
    let expressions = count(&|o| matches!(o, ColumnOption::Generated { generation_expr: Some(_), .. }));
    let defaults = count(&|o| matches!(o, ColumnOption::Default(_))) + usize::from(found.sequence.is_some());
    let refuses_null = count(&|o| matches!(o, ColumnOption::NotNull | ColumnOption::PrimaryKey(_))) > 0;
    let what = if count(&|o| matches!(o, ColumnOption::Null)) > 0 && (refuses_null || identities > 0 || found.not_null)
    {
        "NULL and NOT NULL are both said"
    } else if count(&|o| matches!(o, ColumnOption::PrimaryKey(_))) > 1 {
        "PRIMARY KEY is said twice"
    } else if defaults + identities + expressions > 1 {
        "it has more than one of DEFAULT, identity and GENERATED"
    } else {
        return Ok(());
    };
    Err(what.to_owned())
}

/// The integer type behind a serial one.
pub fn serial(name: &str) -> Option<&'static str> {
    match name {
        "serial" | "serial4" => Some("integer"),
        "bigserial" | "serial8" => Some("bigint"),
        "smallserial" | "serial2" => Some("smallint"),
        _ => None,
    }
}

fn option(found: &mut Definition, option: ColumnOption) -> Result<(), String> {
    match option {
        ColumnOption::Null => {}
        ColumnOption::NotNull => found.not_null = true,
        ColumnOption::Default(expr) => found.default = Some(expr.to_string()),
        ColumnOption::PrimaryKey(key) => {
            immediate(key.characteristics)?;
            found.primary_key = true;
        }
        ColumnOption::Unique(unique) => {
            immediate(unique.characteristics)?;
            found.unique = true;
        }
        ColumnOption::Check(check) => found.checks.push(check.expr.to_string()),
        ColumnOption::ForeignKey(key) => {
            immediate(key.characteristics)?;
            let mut reference = target(&key.foreign_table)?;
            reference.columns = key.referred_columns.iter().map(fold).collect();
            reference.on_delete = action(key.on_delete);
            reference.on_update = action(key.on_update);
            found.references = Some(reference);
        }
        ColumnOption::Generated { generated_as, sequence_options, generation_expr, .. } => {
            if let Some(expr) = generation_expr {
                found.generated = Some(expr.to_string());
                return Ok(());
            }
            if sequence_options.is_some_and(|o| !o.is_empty()) {
                return Err("options of the identity's sequence are not possible in a schema file".to_owned());
            }
            found.sequence = Some(Some(matches!(generated_as, GeneratedAs::Always)));
            found.not_null = true;
        }
        other => return Err(format!("\"{other}\" is not possible in a schema file")),
    }
    Ok(())
}

fn immediate(characteristics: Option<ConstraintCharacteristics>) -> Result<(), String> {
    match characteristics {
        Some(c) if c.deferrable == Some(true) || c.initially.is_some() => {
            Err("constraints are checked with each statement; DEFERRABLE is not possible".to_owned())
        }
        _ => Ok(()),
    }
}

pub fn action(action: Option<ReferentialAction>) -> FkAction {
    match action {
        None | Some(ReferentialAction::NoAction) => FkAction::NoAction,
        Some(ReferentialAction::Restrict) => FkAction::Restrict,
        Some(ReferentialAction::Cascade) => FkAction::Cascade,
        Some(ReferentialAction::SetNull) => FkAction::SetNull,
        Some(ReferentialAction::SetDefault) => FkAction::SetDefault,
    }
}

fn target(name: &ObjectName) -> Result<Reference, String> {
    let parts: Vec<&Ident> = name.0.iter().filter_map(|p| p.as_ident()).collect();
    let mut reference = Reference::default();
    match parts.as_slice() {
        [table] => reference.table = fold(table),
        [namespace, table] => {
            reference.namespace = Some(fold(namespace));
            reference.table = fold(table);
        }
        _ => return Err(format!("\"{name}\" is not the name of a table")),
    }
    Ok(reference)
}

/// `"table"`, `"table(column, …)"`, with what may follow REFERENCES.
pub fn reference(text: &str) -> Result<Reference, String> {
    let found = definition(&format!("integer REFERENCES {text}"))?;
    found.references.ok_or_else(|| "not the target of a foreign key".to_owned())
}
