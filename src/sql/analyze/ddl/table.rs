//! CREATE TABLE and its parts: columns, constraints, CREATE TABLE AS.

use sqlparser::ast::{
    self, ColumnDef, ColumnOption, ConstraintCharacteristics, DataType, DeferrableInitial, Ident, NullsDistinctOption,
    ReferentialAction, TableConstraint,
};

use super::super::{Analyzer, stored};
use super::partition::check_without_heirs;
use super::{new_sequence, sequence_change};
use crate::error::{Error, Result, SqlState};
use crate::registry::storage_options::{self, Holder};
use crate::registry::{FkAction, Name, bootstrap};
use crate::sql::parse;
use crate::tree::{Ddl, NewColumn, NewConstraint, NewConstraintKind, NewTable, OnCommit, Query};
use crate::types::{PgType, oid};

/// A column and the constraints that were written with it.
pub(super) type ColumnParts = (NewColumn, Vec<NewConstraint>);

impl Analyzer<'_> {
    pub(super) fn create_table(&mut self, create: &ast::CreateTable) -> Result<Ddl> {
        refuse_foreign_options(create)?;
        let holder = if self.parsed.extras.partition.by.is_some() { Holder::PartitionedTable } else { Holder::Table };
        let options = storage_parameters(&create.table_options, holder)?;
        self.tablespace_of(&create.table_options)?;
        let name = self.qualified(&create.name)?;
        let temporary = create.temporary || name.namespace.as_deref() == Some(bootstrap::TEMPORARY);
        if temporary && self.parsed.extras.unlogged {
            let message = "only temporary relations may be created in temporary schemas";
            return Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message).at(name.pos));
        }
        let (namespace, name) = self.new_name(&name, temporary)?;
        let on_commit = match create.on_commit {
            None | Some(ast::OnCommit::PreserveRows) => OnCommit::PreserveRows,
            Some(ast::OnCommit::DeleteRows) => OnCommit::DeleteRows,
            Some(ast::OnCommit::Drop) => OnCommit::Drop,
        };
        if on_commit != OnCommit::PreserveRows && !temporary {
            let message = "ON COMMIT can only be used on temporary tables";
            return Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message));
        }
        if create.if_not_exists && create.query.is_none() && self.ctx.snapshot.relation(&namespace, &name).is_some() {
            // Nothing else of it is looked at.
            let unlogged = self.parsed.extras.unlogged;
            let (columns, constraints, partitioning) = Default::default();
            let table = NewTable {
                namespace,
                name,
                temporary,
                unlogged,
                columns,
                constraints,
                on_commit,
                partitioning,
                options,
            };
            return Ok(Ddl::CreateTable { table, if_not_exists: true, like: Vec::new() });
        }
        if let Some(query) = &create.query {
            if create.columns.iter().any(|c| c.data_type != DataType::Unspecified) || !create.constraints.is_empty() {
                return Err(Error::syntax("CREATE TABLE AS takes column names only"));
            }
            let columns = match create.columns.is_empty() {
                true => self.parsed.extras.column_names.clone(),
                false => create.columns.iter().map(|c| parse::fold(&c.name)).collect(),
            };
            let with_data = !self.parsed.extras.with_no_data;
            let query = self.stored_query(query, &columns)?;
            return Ok(Ddl::CreateTableAs {
                namespace,
                name,
                temporary,
                columns,
                query: Box::new(query),
                if_not_exists: create.if_not_exists,
                with_data,
                on_commit,
                unlogged: self.parsed.extras.unlogged,
                options,
                definition: None,
            });
        }
        if let Some(of) = &self.parsed.extras.partition.of {
            let target = NewTable {
                namespace,
                name,
                temporary,
                unlogged: self.parsed.extras.unlogged,
                columns: Vec::new(),
                constraints: Vec::new(),
                on_commit,
                partitioning: Default::default(),
                options,
            };
            return self.create_partition(create, of, target);
        }
        if create.inherits.is_some() && self.parsed.extras.partition.by.is_some() {
            let message = "cannot create partitioned table as inheritance child";
            return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message));
        }
        let mut columns = Vec::new();
        let mut constraints = Vec::new();
        let mut like = Vec::new();
        let mut clauses = self.parsed.extras.likes.iter().peekable();
        for (i, definition) in create.columns.iter().enumerate() {
            while let Some(clause) = clauses.next_if(|clause| clause.before <= i) {
                like.push(self.like_clause(clause, &mut columns, &mut constraints)?);
            }
            let (column, own) = self.column(definition)?;
            columns.push(column);
            constraints.extend(own);
        }
        for clause in clauses {
            like.push(self.like_clause(clause, &mut columns, &mut constraints)?);
        }
        for constraint in &create.constraints {
            constraints.push(self.table_constraint(constraint)?);
        }
        if let Some(parents) = &create.inherits {
            return self.refuse_inheritance(parents, temporary);
        }
        if temporary {
            self.refer_to_itself(&mut constraints, (&namespace, &name));
        }
        let (partitioning, unlogged) = (Default::default(), self.parsed.extras.unlogged);
        let mut table =
            NewTable { namespace, name, temporary, unlogged, columns, constraints, on_commit, partitioning, options };
        stored::check_table(&mut table, self.ctx)?;
        self.partitioned_by(&mut table)?;
        if table.partitioning.key.is_some() && table.constraints.iter().any(|c| c.no_inherit) {
            return Err(check_without_heirs(&table.name));
        }
        Ok(Ddl::CreateTable { table, if_not_exists: create.if_not_exists, like })
    }

    /// TABLESPACE, of which there is PostgreSQL's default alone.
    fn tablespace_of(&self, options: &ast::CreateTableOptions) -> Result<()> {
        let ast::CreateTableOptions::Plain(options) = options else { return Ok(()) };
        for option in options {
            let ast::SqlOption::TableSpace(of) = option else { continue };
            parse::known_tablespace(&of.name.to_lowercase())?;
            if self.parsed.extras.partition.by.is_some() {
                let message = "cannot specify default tablespace for partitioned relations";
                return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
            }
        }
        Ok(())
    }

    /// A temporary table comes first on the search path: its own name means itself.
    fn refer_to_itself(&self, constraints: &mut [NewConstraint], (namespace, name): (&Name, &Name)) {
        for constraint in constraints {
            if let NewConstraintKind::ForeignKey { target, .. } = &mut constraint.kind
                && target.1 == *name
                && self.ctx.snapshot.relation(&target.0, &target.1).is_none()
            {
                target.0 = namespace.clone();
            }
        }
    }

    pub(super) fn column(&mut self, definition: &ColumnDef) -> Result<ColumnParts> {
        self.column_as(definition, None)
    }

    /// As [`Self::column`]; a partition's column has the type that it has in the parent.
    pub(super) fn column_as(&mut self, definition: &ColumnDef, known: Option<PgType>) -> Result<ColumnParts> {
        let ColumnDef { name, data_type, options } = definition;
        self.not_reserved(name)?;
        let mut column = NewColumn {
            name: parse::fold(name),
            ty: PgType::new(oid::TEXT),
            collation: 0,
            not_null: false,
            default: None,
            generated: None,
            sequence: None,
            sequence_options: None,
        };
        match serial(data_type).filter(|_| known.is_none()) {
            Some(ty) => {
                column.ty = PgType::new(ty);
                column.not_null = true;
                column.sequence = Some(None);
            }
            None => {
                column.ty = match known {
                    Some(ty) => ty,
                    None => self.column_type(data_type).map_err(|e| e.at(self.pos(name.span)))?,
                };
            }
        }
        self.storable(&column.name, column.ty)?;
        agree(&column, options)?;
        let mut constraints = Vec::new();
        for option in options {
            self.column_option(&mut column, &mut constraints, option.name.as_ref(), &option.option)?;
        }
        Ok((column, constraints))
    }

    /// A word that cannot be a column's name (ColId).
    fn not_reserved(&self, name: &Ident) -> Result<()> {
        let known = crate::facts::KEYWORDS.get(name.value.to_ascii_lowercase().as_str());
        if name.quote_style.is_none() && known.is_some_and(|k| matches!(k.category, b'R' | b'T')) {
            let message = format!("syntax error at or near \"{}\"", name.value);
            return Err(Error::syntax(message).at(self.pos(name.span)));
        }
        Ok(())
    }

    /// What a DEFAULT may be without parentheses (b_expr in PostgreSQL's grammar).
    fn is_b_expr(&self, expr: &ast::Expr) -> Result<()> {
        use ast::{BinaryOperator, Expr as E, UnaryOperator};
        let (left, word) = match expr {
            E::InList { expr, negated, .. } | E::InSubquery { expr, negated, .. } => {
                (expr, if *negated { "not" } else { "in" })
            }
            E::Between { expr, negated, .. } => (expr, if *negated { "not" } else { "between" }),
            E::Like { expr, negated, .. } => (expr, if *negated { "not" } else { "like" }),
            E::ILike { expr, negated, .. } => (expr, if *negated { "not" } else { "ilike" }),
            E::IsNull(expr) | E::IsNotNull(expr) => (expr, "null"),
            E::IsTrue(expr) => (expr, "true"),
            E::IsFalse(expr) => (expr, "false"),
            E::BinaryOp { left, op: BinaryOperator::And, .. } => (left, "and"),
            E::BinaryOp { left, op: BinaryOperator::Or, .. } => (left, "or"),
            E::AtTimeZone { timestamp, .. } => (timestamp, "at"),
            E::UnaryOp { op: UnaryOperator::Not, expr } => {
                let pos = self.pos_before(expr);
                return Err(Error::syntax("syntax error at or near \"NOT\"").at(pos));
            }
            _ => return Ok(()),
        };
        let message = format!("syntax error at or near \"{}\"", word.to_uppercase());
        Err(Error::syntax(message).at(self.pos_after(left, word)))
    }

    /// Pseudo-types have no columns (CheckAttributeType).
    pub(super) fn storable(&self, column: &str, ty: PgType) -> Result<()> {
        let facts = crate::facts::TYPES.by_oid(ty.oid).filter(|t| t.kind == b'p');
        facts.map_or(Ok(()), |facts| {
            let message = format!("column \"{column}\" has pseudo-type {}", facts.sql_name);
            Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message))
        })
    }

    /// The query of a view or table; `names` are those of its first columns, as they were written.
    pub(super) fn stored_query(&mut self, query: &ast::Query, names: &[Name]) -> Result<Query> {
        let query = self.ddl_query(query)?;
        for (i, field) in query.columns.iter().enumerate() {
            self.storable(names.get(i).unwrap_or(&field.name), field.ty)?;
        }
        Ok(query)
    }

    fn column_option(
        &mut self,
        column: &mut NewColumn,
        constraints: &mut Vec<NewConstraint>,
        name: Option<&Ident>,
        option: &ColumnOption,
    ) -> Result<()> {
        let own = vec![column.name.clone()];
        let named = |kind, characteristics: &Option<ConstraintCharacteristics>| {
            new_constraint(name, kind, characteristics.as_ref())
        };
        match option {
            ColumnOption::Null => {}
            ColumnOption::NotNull => column.not_null = true,
            ColumnOption::Default(expr) => {
                self.is_b_expr(expr)?;
                column.default = Some(parse::printed(expr));
            }
            ColumnOption::PrimaryKey(key) => {
                constraints.push(named(NewConstraintKind::PrimaryKey { columns: own }, &key.characteristics)?);
            }
            ColumnOption::Unique(unique) => {
                let marked = name.and_then(|name| name.value.strip_prefix(parse::NOT_DISTINCT));
                let kind = NewConstraintKind::Unique { columns: own, nulls_not_distinct: marked.is_some() };
                let name = match (marked, name) {
                    (Some(""), _) => None,
                    (Some(rest), _) => Some(Ident::with_quote('"', rest)),
                    (None, name) => name.cloned(),
                };
                constraints.push(new_constraint(name.as_ref(), kind, unique.characteristics.as_ref())?);
            }
            ColumnOption::Check(check) => {
                let (expr, no_inherit) = heirless(&check.expr);
                let constraint = named(NewConstraintKind::Check { expression: parse::printed(expr) }, &None)?;
                constraints.push(NewConstraint { no_inherit, ..constraint });
            }
            ColumnOption::ForeignKey(key) => {
                let kind = self.foreign_key(key, own)?;
                let constraint = named(kind, &key.characteristics)?;
                constraints.push(NewConstraint { delete_sets: self.delete_sets(key), ..constraint });
            }
            ColumnOption::Generated { generated_as, sequence_options, generation_expr, .. } => {
                if let Some(expr) = generation_expr {
                    column.generated = Some(parse::printed(expr));
                    return Ok(());
                }
                column.not_null = true;
                column.sequence = Some(Some(matches!(generated_as, ast::GeneratedAs::Always)));
                if self.parsed.extras.identity_sequence.is_some() {
                    return Err(Error::unsupported("SEQUENCE NAME of a new column")
                        .hint("ALTER SEQUENCE … RENAME gives its sequence another name."));
                }
                if let Some(options) = sequence_options {
                    let change = sequence_change(options)?;
                    column.sequence_options = Some(new_sequence(column.ty, &change)?);
                }
            }
            ColumnOption::Collation(name) => {
                let found = self.collation(name, 0)?;
                self.collatable(column.ty)?;
                column.collation = if found == oid::DEFAULT_COLLATION { 0 } else { found };
            }
            other => return Err(Error::unsupported(format!("the column option {other}"))),
        }
        Ok(())
    }

    pub(super) fn foreign_key(&self, key: &ast::ForeignKeyConstraint, columns: Vec<Name>) -> Result<NewConstraintKind> {
        if matches!(key.match_kind, Some(ast::ConstraintReferenceMatchKind::Partial)) {
            return Err(Error::unsupported("MATCH PARTIAL"));
        }
        let target = self.existing(&self.qualified(&key.foreign_table)?)?;
        Ok(NewConstraintKind::ForeignKey {
            columns,
            target,
            target_columns: self.names(&key.referred_columns),
            on_delete: action(key.on_delete),
            on_update: action(key.on_update),
            match_full: matches!(key.match_kind, Some(ast::ConstraintReferenceMatchKind::Full)),
        })
    }

    /// What ON DELETE SET NULL (…) of a key names, which the parser has put aside.
    fn delete_sets(&self, key: &ast::ForeignKeyConstraint) -> Vec<Name> {
        let of = key.foreign_table.0.first().and_then(|part| part.as_ident()).map(|ident| ident.span.start);
        let found = self.parsed.extras.delete_sets.iter().find(|(at, _)| Some(*at) == of);
        found.map_or_else(Vec::new, |(_, names)| names.clone())
    }

    pub(super) fn table_constraint(&mut self, constraint: &TableConstraint) -> Result<NewConstraint> {
        match constraint {
            TableConstraint::PrimaryKey(key) => {
                let (columns, included) = self.key_columns(&key.columns)?;
                let kind = NewConstraintKind::PrimaryKey { columns };
                let constraint = new_constraint(key.name.as_ref(), kind, key.characteristics.as_ref())?;
                Ok(NewConstraint { included, ..constraint })
            }
            TableConstraint::Unique(key) => {
                let (columns, included) = self.key_columns(&key.columns)?;
                let nulls_not_distinct = not_distinct(key.nulls_distinct);
                let kind = NewConstraintKind::Unique { columns, nulls_not_distinct };
                let constraint = new_constraint(key.name.as_ref(), kind, key.characteristics.as_ref())?;
                Ok(NewConstraint { included, ..constraint })
            }
            TableConstraint::ForeignKey(key) => {
                let columns = self.names(&key.columns);
                let kind = self.foreign_key(key, columns)?;
                let constraint = new_constraint(key.name.as_ref(), kind, key.characteristics.as_ref())?;
                Ok(NewConstraint { delete_sets: self.delete_sets(key), ..constraint })
            }
            TableConstraint::Check(check) => {
                let exclusions = &self.parsed.extras.exclusions;
                if let Some(raw) = parse::exclusion::number(&check.expr).and_then(|n| exclusions.get(n)) {
                    return self.exclusion(check.name.as_ref(), raw);
                }
                let (expr, no_inherit) = heirless(&check.expr);
                let kind = NewConstraintKind::Check { expression: parse::printed(expr) };
                let constraint = new_constraint(check.name.as_ref(), kind, None)?;
                Ok(NewConstraint { no_inherit, ..constraint })
            }
            other => Err(Error::unsupported(format!("the table constraint {other}"))),
        }
    }

    /// The plain columns of a key, and those that INCLUDE names.
    fn key_columns(&self, columns: &[ast::IndexColumn]) -> Result<(Vec<Name>, Vec<Name>)> {
        let plain = |expr: &ast::Expr| match expr {
            ast::Expr::Identifier(ident) => Ok(parse::fold(ident)),
            other => Err(Error::syntax(format!("syntax error at or near \"{other}\""))),
        };
        let (mut key, mut included) = (Vec::with_capacity(columns.len()), Vec::new());
        for column in columns {
            match &column.column.expr {
                ast::Expr::Function(f) if f.name.to_string() == format!("\"{}\"", parse::INCLUDE) => {
                    let ast::FunctionArguments::List(list) = &f.args else { continue };
                    for arg in &list.args {
                        included.push(plain(super::super::from::plain_arg(arg)?)?);
                    }
                }
                expr => key.push(plain(expr)?),
            }
        }
        Ok((key, included))
    }
}

/// What may not be said of one column twice, or together (transformColumnDefinition). A serial column has its sequence already.
fn agree(column: &NewColumn, options: &[ast::ColumnOptionDef]) -> Result<()> {
    let count = |is: &dyn Fn(&ColumnOption) -> bool| options.iter().filter(|o| is(&o.option)).count();
    let identities = count(&|o| matches!(o, ColumnOption::Generated { generation_expr: None, .. }));
    let expressions = count(&|o| matches!(o, ColumnOption::Generated { generation_expr: Some(_), .. }));
    let defaults = count(&|o| matches!(o, ColumnOption::Default(_))) + usize::from(column.sequence.is_some());
    let not_null = column.not_null || identities > 0 || count(&|o| matches!(o, ColumnOption::NotNull)) > 0;
    let what = if count(&|o| matches!(o, ColumnOption::Null)) > 0 && not_null {
        "conflicting NULL/NOT NULL declarations"
    } else if defaults > 1 {
        "multiple default values specified"
    } else if identities > 1 {
        "multiple identity specifications"
    } else if expressions > 1 {
        "multiple generation clauses specified"
    } else if identities > 0 && defaults > 0 {
        "both default and identity specified"
    } else if expressions > 0 && defaults > 0 {
        "both default and generation expression specified"
    } else if expressions > 0 && identities > 0 {
        "both identity and generation expression specified"
    } else {
        return Ok(());
    };
    Err(Error::syntax(format!("{what} for column \"{}\" of table", column.name)))
}

pub(super) fn new_constraint(
    name: Option<&Ident>,
    kind: NewConstraintKind,
    characteristics: Option<&ConstraintCharacteristics>,
) -> Result<NewConstraint> {
    let deferrable = characteristics.is_some_and(|c| c.deferrable == Some(true));
    let initially_deferred = characteristics.is_some_and(|c| c.initially == Some(DeferrableInitial::Deferred));
    if initially_deferred && characteristics.is_some_and(|c| c.deferrable == Some(false)) {
        return Err(Error::syntax("constraint declared INITIALLY DEFERRED must be DEFERRABLE"));
    }
    Ok(NewConstraint {
        name: name.map(parse::fold),
        kind,
        included: Vec::new(),
        deferrable: deferrable || initially_deferred,
        initially_deferred,
        not_valid: false,
        no_inherit: false,
        delete_sets: Vec::new(),
    })
}

/// A CHECK's expression, and whether NO INHERIT was written behind it.
fn heirless(expr: &ast::Expr) -> (&ast::Expr, bool) {
    if let ast::Expr::Function(f) = expr
        && f.name.to_string() == format!("\"{}\"", parse::NO_INHERIT)
        && let ast::FunctionArguments::List(list) = &f.args
        && let [ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(inner))] = list.args.as_slice()
    {
        return (inner, true);
    }
    (expr, false)
}

fn not_distinct(option: NullsDistinctOption) -> bool {
    matches!(option, NullsDistinctOption::NotDistinct)
}

fn action(action: Option<ReferentialAction>) -> FkAction {
    match action {
        None | Some(ReferentialAction::NoAction) => FkAction::NoAction,
        Some(ReferentialAction::Restrict) => FkAction::Restrict,
        Some(ReferentialAction::Cascade) => FkAction::Cascade,
        Some(ReferentialAction::SetNull) => FkAction::SetNull,
        Some(ReferentialAction::SetDefault) => FkAction::SetDefault,
    }
}

/// The integer type of a serial column.
fn serial(ty: &DataType) -> Option<crate::types::Oid> {
    let DataType::Custom(name, modifiers) = ty else { return None };
    let [part] = name.0.as_slice() else { return None };
    if !modifiers.is_empty() {
        return None;
    }
    match &*parse::fold(part.as_ident()?) {
        "serial" | "serial4" => Some(oid::INT4),
        "bigserial" | "serial8" => Some(oid::INT8),
        "smallserial" | "serial2" => Some(oid::INT2),
        _ => None,
    }
}

/// What sqlparser reads for other systems' sake, and what we have not yet.
fn refuse_foreign_options(create: &ast::CreateTable) -> Result<()> {
    if create.or_replace || create.external || create.transient || create.volatile || create.iceberg || create.dynamic {
        return Err(Error::syntax("syntax error in CREATE TABLE"));
    }
    if create.like.is_some() {
        return Err(Error::syntax("syntax error in CREATE TABLE"));
    }
    // PostgreSQL's own clauses were taken out before.
    if create.partition_by.is_some() || create.partition_of.is_some() || create.for_values.is_some() {
        return Err(Error::syntax("syntax error in CREATE TABLE"));
    }
    if create.clone.is_some()
        || create.comment.is_some()
        || create.order_by.is_some()
        || create.cluster_by.is_some()
        || create.clustered_by.is_some()
        || create.primary_key.is_some()
        || create.without_rowid
        || create.strict
        || create.location.is_some()
        || create.file_format.is_some()
    {
        return Err(Error::syntax("syntax error in CREATE TABLE"));
    }
    Ok(())
}

/// WITH (fillfactor = …) and kin: storage parameters, as the catalog keeps them.
pub(super) fn storage_parameters(options: &ast::CreateTableOptions, holder: Holder<'_>) -> Result<Vec<String>> {
    let mut kept = Vec::new();
    let ast::CreateTableOptions::With(options) = options else { return Ok(kept) };
    let mut given = Vec::with_capacity(options.len());
    for option in options {
        let (name, value) = match option {
            ast::SqlOption::Ident(name) => (name, None),
            ast::SqlOption::KeyValue { key, value } => (key, Some(option_value(value))),
            _ => continue,
        };
        let name = parse::fold(name);
        if &*name == "oids" {
            match value.as_deref() {
                Some("false" | "off" | "0") => continue,
                _ => {
                    let message = "tables declared WITH OIDS are not supported";
                    return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
                }
            }
        }
        given.push((name, value));
    }
    storage_options::set(&mut kept, holder, &given)?;
    Ok(kept)
}

/// A storage parameter's value, without its quotes.
pub(super) fn option_value(value: &ast::Expr) -> String {
    match value {
        ast::Expr::Value(value) => value.value.clone().into_string().unwrap_or_else(|| value.value.to_string()),
        ast::Expr::Identifier(word) => parse::fold(word).to_string(),
        other => other.to_string().to_lowercase(),
    }
}
