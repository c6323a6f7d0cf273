//! JSON made from SQL values, and SQL values from JSON: both follow the values' PostgreSQL types.
//!
//! `row_to_json(t)` → `'{' || '"a":' || coalesce(<a as JSON>, 'null') || … || '}'`,
//! `json_agg(x)` → `'[' || string_agg(coalesce(<x as JSON>, 'null'), ', ') || ']'`,
//! `json_to_record(j) AS r(a int)` → `dg_in_int4(session, dg_json_field_text(j, 'a'))`

use crate::error::{Error, Result, SqlState};
use crate::facts::Proc;
use crate::registry::UserTypeKind;
use crate::sql::analyze::record::{self, record_of};
use crate::sql::lower::Lowerer;
use crate::sql::lower::ir::{self, Node, Piece, Scalar, Template, template};
use crate::sql::lower::query::aggregate::Clauses;
use crate::tree::{Call, Expr, ExprKind};
use crate::types::text::json::tree::quote;
use crate::types::{self, PgType, Phys, RowField, RowTypes, oid};

use super::record::unknown_fields;

fn text(value: &str) -> Scalar {
    Scalar::literal(value, Phys::Text)
}

fn or_null(value: Scalar) -> Scalar {
    Scalar::template("coalesce({0}, 'null')", vec![value], Phys::Text)
}

impl Lowerer<'_> {
    fn base(&self, ty: PgType) -> PgType {
        types::base_type(ty, &*self.cx.snapshot)
    }

    /// The fields of the rows that an expression gives, if it gives rows or an array of them.
    fn fields_in(&self, value: &Scalar, tree: &Expr) -> Option<RowTypes> {
        fn holds_rows(phys: &Phys) -> bool {
            match phys {
                Phys::Row(_) => true,
                Phys::List(element) => holds_rows(element),
                Phys::Shaped(parts) => parts.iter().any(holds_rows),
                _ => false,
            }
        }
        holds_rows(&value.phys).then(|| record_of(tree, self)).flatten()
    }

    /// A value as JSON text; SQL's NULL stays NULL.
    pub(crate) fn to_json(&mut self, value: Scalar, tree: &Expr) -> Result<Scalar> {
        let row = self.fields_in(&value, tree);
        self.json_of(value, row.as_ref(), tree.ty, ",")
    }

    /// As [`Self::to_json`]: `row` has the fields of a record, or of the records in an array.
    fn json_of(
        &mut self,
        value: Scalar,
        row: Option<&RowTypes>,
        ty: PgType,
        separator: &'static str,
    ) -> Result<Scalar> {
        let base = self.base(ty);
        if let (Phys::List(_), Some(element)) = (&value.phys, self.array_element(base)) {
            return self.list_to_json(value, row, element, separator);
        }
        if let (Phys::Shaped(_), Some(element)) = (&value.phys, self.array_element(base)) {
            return self.shaped_to_json(value, row, element, separator);
        }
        if matches!(value.phys, Phys::Row(_)) {
            let row = self.fields_or_type(row.cloned(), ty)?;
            return self.row_to_json(value, &row, separator);
        }
        let session = |this: &mut Self, name: &'static str, value| {
            let session = this.session_id();
            Scalar::call(name, vec![session, value], Phys::Text)
        };
        Ok(match base.oid {
            _ if value.phys == Phys::Void => value.cast(Phys::Text),
            oid::JSON | oid::JSONB => value,
            oid::BOOL | oid::INT2 | oid::INT4 | oid::INT8 => value.cast(Phys::Text),
            oid::NUMERIC | oid::FLOAT4 | oid::FLOAT8 => {
                let output = self.output(value, base)?;
                Scalar::call("dg_json_number", vec![output], Phys::Text)
            }
            // It has a cast to json, by which it goes.
            oid::HSTORE => Scalar::call("dg_hstore_json", vec![value], Phys::Text),
            oid::DATE => session(self, "dg_json_date", value),
            oid::TIMESTAMP => session(self, "dg_json_timestamp", value),
            oid::TIMESTAMPTZ => session(self, "dg_json_timestamptz", value),
            _ => {
                let output = self.output(value, base)?;
                Scalar::call("dg_json_quote", vec![output], Phys::Text)
            }
        })
    }

    fn array_element(&self, ty: PgType) -> Option<PgType> {
        if super::shaped::is_vector(ty) {
            return self.element_type(ty);
        }
        types::table::element_type(ty.oid, &*self.cx.snapshot).map(|oid| PgType::with(oid, ty.typmod))
    }

    fn list_to_json(
        &mut self,
        value: Scalar,
        row: Option<&RowTypes>,
        element: PgType,
        separator: &str,
    ) -> Result<Scalar> {
        let Phys::List(inner) = value.phys.clone() else { return Err(Error::internal("lower: no list")) };
        let name = self.variable();
        let variable = Scalar::new(Node::Variable(name), (*inner).clone());
        let body = self.json_of(variable, row, element, ",")?;
        let list = Scalar::template(
            template!["list_transform({0}, lambda ", name, ": {1})"],
            vec![value, or_null(body)],
            Phys::List(Box::new(Phys::Text)),
        );
        let joined = Scalar::call("dg_array_to_string", vec![list, text(separator)], Phys::Text);
        Ok(Scalar::template("('[' || {0} || ']')", vec![joined], Phys::Text))
    }

    fn shaped_to_json(
        &mut self,
        value: Scalar,
        row: Option<&RowTypes>,
        element: PgType,
        separator: &'static str,
    ) -> Result<Scalar> {
        let separator = Some(Scalar::literal(separator, Phys::Text));
        self.shaped_text(value, "dg_shape_json", separator, |this, item| {
            Ok(or_null(this.json_of(item, row, element, ",")?))
        })
    }

    fn row_to_json(&mut self, value: Scalar, row: &RowTypes, separator: &str) -> Result<Scalar> {
        let Phys::Row(fields) = value.phys.clone() else { return Err(Error::internal("lower: no row")) };
        if fields.len() != row.0.len() {
            return Err(unknown_fields());
        }
        self.bind_once(value, |this, value| {
            let mut args = vec![value.clone()];
            let mut pieces = vec![Piece::Word("CASE WHEN {0} IS NOT DISTINCT FROM NULL THEN NULL ELSE '{' ")];
            for (i, (field, phys)) in row.0.iter().zip(fields.iter()).enumerate() {
                let value = super::row::field_of(value.clone(), i, phys.clone());
                let json = this.json_of(value, field.row.as_ref(), field.ty, ",")?;
                let key = format!("{}{}:", if i > 0 { separator } else { "" }, quote(&field.name));
                for arg in [text(&key), or_null(json)] {
                    pieces.extend([Piece::Word("|| {"), Piece::from(args.len()), Piece::Word("} ")]);
                    args.push(arg);
                }
            }
            pieces.push(Piece::Word("|| '}' END"));
            let template = Template::of(&pieces);
            Ok(Scalar::template(template, args, Phys::Text))
        })
    }

    /// Functions that make JSON, or records from it; `None` for any other function.
    pub(crate) fn json_call(&mut self, call: &Call, ty: PgType) -> Result<Option<Scalar>> {
        let name = call.func.name;
        let binary = name.contains("jsonb");
        let made = match (name, call.args.as_slice()) {
            ("to_json" | "to_jsonb", [arg]) => {
                let value = self.expr(arg)?;
                self.to_json(value, arg)?
            }
            ("row_to_json" | "array_to_json", [arg, rest @ ..]) => self.pretty_json(arg, rest.first())?,
            ("json_build_array" | "jsonb_build_array", args) => {
                let parts = self.json_items(args)?;
                bracket("[", parts, "]")
            }
            ("json_build_object" | "jsonb_build_object", args) => self.json_object(call.func, args)?,
            ("json_populate_record" | "jsonb_populate_record", [base, doc, ..]) => {
                let shape = self.shape(Some(base), base.ty)?;
                let (base, doc) = (self.expr(base)?, self.expr(doc)?);
                let row = self.populate_row(base, doc, &shape)?;
                return self.checked(row, ty).map(Some);
            }
            ("json_populate_recordset" | "jsonb_populate_recordset", [base, doc, ..]) => {
                let shape = self.shape(Some(base), base.ty)?;
                let (base, doc) = (self.expr(base)?, self.expr(doc)?);
                let rows = Scalar::call("dg_json_records", vec![text(name), doc], text_list());
                let rows = self.map_list(rows, |this, row| {
                    let row = this.populate_row(base, row, &shape)?;
                    this.checked(row, ty)
                });
                return rows.map(Some);
            }
            _ => return Ok(None),
        };
        Ok(Some(if binary { Scalar::call("dg_jsonb", vec![made], Phys::Text) } else { made }))
    }

    /// row_to_json and array_to_json with a line for each member if asked to.
    fn pretty_json(&mut self, arg: &Expr, pretty: Option<&Expr>) -> Result<Scalar> {
        let separator = match pretty.map(|p| &p.kind) {
            None | Some(ExprKind::Const(types::Value::Bool(false))) => ",",
            Some(ExprKind::Const(types::Value::Bool(true))) => ",\n ",
            Some(_) => {
                return Err(Error::unsupported("row_to_json or array_to_json with a flag that is not a constant"));
            }
        };
        let value = self.expr(arg)?;
        if !matches!(value.phys, Phys::List(_) | Phys::Shaped(_) | Phys::Row(_)) {
            return Err(Error::unsupported("JSON of a value whose type is not known here"));
        }
        let row = self.fields_in(&value, arg);
        self.json_of(value, row.as_ref(), arg.ty, separator)
    }

    fn json_items(&mut self, args: &[Expr]) -> Result<Vec<Scalar>> {
        args.iter()
            .map(|arg| {
                let value = self.expr(arg)?;
                Ok(or_null(self.to_json(value, arg)?))
            })
            .collect()
    }

    fn json_object(&mut self, func: &Proc, args: &[Expr]) -> Result<Scalar> {
        if args.len() % 2 == 1 {
            let hint = format!("The arguments of {}() must consist of alternating keys and values.", func.name);
            return Err(Error::new(
                SqlState::INVALID_PARAMETER_VALUE,
                "argument list must have even number of elements",
            )
            .hint(hint));
        }
        let mut parts = Vec::new();
        for (i, pair) in args.chunks(2).enumerate() {
            let (key, value) = (&pair[0], &pair[1]);
            let message = match func.name {
                "jsonb_build_object" => format!("argument {}: key must not be null", 2 * i + 1),
                _ => format!("argument {} cannot be null", 2 * i + 1),
            };
            let key = self.json_key(key, &message)?;
            let value_json = self.expr(value)?;
            let value = or_null(self.to_json(value_json, value)?);
            parts.push(Scalar::template("({0} || ' : ' || {1})", vec![key, value], Phys::Text));
        }
        Ok(bracket("{", parts, "}"))
    }

    /// json_build_array and json_build_object over one array.
    pub(crate) fn json_of_array(&mut self, func: &Proc, list: Scalar, element: PgType) -> Result<Scalar> {
        let list = self.settle(list);
        self.bind_once(list, |this, list| {
            let json =
                this.map_list(list.clone(), |this, item| Ok(or_null(this.json_of(item, None, element, ",")?)))?;
            let made = if func.name.ends_with("array") {
                let joined = Scalar::call("dg_array_to_string", vec![json, text(", ")], Phys::Text);
                Scalar::template("('[' || {0} || ']')", vec![joined], Phys::Text)
            } else {
                let keys = this.map_list(list, |this, item| match element.oid {
                    oid::DATE | oid::TIMESTAMP | oid::TIMESTAMPTZ => {
                        let quoted = this.json_of(item, None, element, ",")?;
                        Ok(Scalar::template("trim({0}, '\"')", vec![quoted], Phys::Text))
                    }
                    _ => this.output(item, element),
                })?;
                Scalar::call("dg_json_build_object", vec![text(func.name), keys, json], Phys::Text)
            };
            let binary = func.name.starts_with("jsonb");
            Ok(if binary { Scalar::call("dg_jsonb", vec![made], Phys::Text) } else { made })
        })
    }

    /// A key: the value's text as a JSON string; NULL fails with `message`.
    fn json_key(&mut self, key: &Expr, message: &str) -> Result<Scalar> {
        let value = self.expr(key)?;
        let base = self.base(key.ty);
        if matches!(value.phys, Phys::List(_) | Phys::Shaped(_) | Phys::Row(_))
            || matches!(base.oid, oid::JSON | oid::JSONB)
        {
            let message = "key value must be scalar, not array, composite, or json";
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        }
        let quoted = match base.oid {
            // As JSON has them: 2024-03-10T10:30:00.
            oid::DATE | oid::TIMESTAMP | oid::TIMESTAMPTZ => self.json_of(value, None, base, ",")?,
            oid::BOOL => Scalar::call("dg_json_quote", vec![value.cast(Phys::Text)], Phys::Text),
            _ => {
                let output = self.output(value, base)?;
                Scalar::call("dg_json_quote", vec![output], Phys::Text)
            }
        };
        let error = super::raise::raise_message(SqlState::INVALID_PARAMETER_VALUE, message, &Phys::Text);
        Ok(Scalar::template("coalesce({0}, {1})", vec![quoted, error], Phys::Text))
    }

    /// json_agg, json_object_agg and their jsonb kin.
    pub(crate) fn json_aggregate(
        &mut self,
        func: &'static Proc,
        args: &[Scalar],
        clauses: &Clauses,
        trees: &[Expr],
    ) -> Result<Option<Scalar>> {
        let binary = func.name.starts_with("jsonb");
        let (parts, separator, open, close) = match (func.name, args, trees) {
            ("json_agg" | "jsonb_agg", [arg], [tree, ..]) => {
                let structured = matches!(arg.phys, Phys::List(_) | Phys::Shaped(_) | Phys::Row(_));
                let json = self.to_json(arg.clone(), tree)?;
                if structured && !binary {
                    // A line for each, but for the first and for NULLs.
                    let part = Scalar::template("coalesce({0} || {1}, 'null')", vec![text("\n "), json], Phys::Text);
                    let all = clauses.call("string_agg", vec![part, text(", ")], Phys::Text);
                    let pattern = text("^\\[\n ");
                    let whole = "regexp_replace('[' || {0} || ']', {1}, '[')";
                    return Ok(Some(Scalar::template(whole, vec![all, pattern], Phys::Text)));
                }
                (or_null(json), ", ", "[", "]")
            }
            ("json_object_agg" | "jsonb_object_agg", [_, value], [key_tree, value_tree, ..]) => {
                let key = self.json_key(key_tree, "field name must not be null")?;
                let value = or_null(self.to_json(value.clone(), value_tree)?);
                let pair = Scalar::template("({0} || ' : ' || {1})", vec![key, value], Phys::Text);
                (pair, ", ", "{ ", " }")
            }
            _ => return Ok(None),
        };
        // What FILTER leaves out may be what they fail for.
        let parts = match &clauses.filter {
            Some(filter) => crate::sql::lower::query::aggregate::guarded(filter, parts),
            None => parts,
        };
        let all = clauses.call("string_agg", vec![parts, text(separator)], Phys::Text);
        let whole = Scalar::template("({0} || {1} || {2})", vec![text(open), all, text(close)], Phys::Text);
        Ok(Some(if binary { Scalar::call("dg_jsonb", vec![whole], Phys::Text) } else { whole }))
    }

    /// The rows of json_to_record(set), or of json_populate_record(set) of a record, with the columns that the statement declares.
    pub(crate) fn json_records(&mut self, call: &Call, ty: PgType, shape: &RowTypes) -> Result<Option<Scalar>> {
        let mut base = Scalar::null(Phys::Void);
        let rows = match (call.func.name, call.args.as_slice()) {
            (name, [given, doc, ..]) if name.contains("_populate_record") && ty.oid == oid::RECORD => {
                if let ExprKind::Row(items) = &given.kind {
                    let declared = shape.0.iter().map(|field| field.ty.oid);
                    if !declared.eq(items.iter().map(|i| i.ty.oid)) {
                        let message = "function return row and query-specified return row do not match";
                        return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
                    }
                }
                if !matches!(given.kind, ExprKind::Const(types::Value::Null)) {
                    base = self.expr(given)?;
                }
                let doc = self.expr(doc)?;
                match name.ends_with("set") {
                    true => Scalar::call("dg_json_records", vec![text(name), doc], text_list()),
                    false => Scalar::template("[{0}]", vec![doc], text_list()),
                }
            }
            ("json_to_record" | "jsonb_to_record", [doc]) => {
                let doc = self.expr(doc)?;
                Scalar::template("[{0}]", vec![doc], text_list())
            }
            ("json_to_recordset" | "jsonb_to_recordset", [doc]) => {
                let doc = self.expr(doc)?;
                Scalar::call("dg_json_records", vec![text(call.func.name), doc], text_list())
            }
            _ => return Ok(None),
        };
        self.map_list(rows, |this, row| this.populate_row(base, row, shape)).map(Some)
    }

    fn map_list(&mut self, list: Scalar, f: impl FnOnce(&mut Self, Scalar) -> Result<Scalar>) -> Result<Scalar> {
        let Phys::List(element) = list.phys.clone() else { return Err(Error::internal("lower: no list")) };
        let name = self.variable();
        let body = f(self, Scalar::new(Node::Variable(name), *element))?;
        let body = self.settle(body);
        let phys = Phys::List(Box::new(body.phys.clone()));
        Ok(Scalar::template(template!["list_transform({0}, lambda ", name, ": {1})"], vec![list, body], phys))
    }

    /// A row whose fields come from a JSON object, those that it lacks from `base`.
    fn populate_row(&mut self, base: Scalar, doc: Scalar, shape: &RowTypes) -> Result<Scalar> {
        self.bind_once(doc, |this, doc| {
            let object = Scalar::call("dg_json_composite", vec![doc], Phys::Text);
            let mut fields = Vec::with_capacity(shape.0.len());
            for (i, RowField { name, ty, .. }) in shape.0.iter().enumerate() {
                let found = Scalar::call("dg_json_field", vec![object.clone(), text(name)], Phys::Text);
                let own = match &base.phys {
                    Phys::Row(physical) if !base.is_null_literal() => {
                        Some(super::row::field_of(base.clone(), i, physical[i].clone()))
                    }
                    _ => None,
                };
                let value = this.populate(found.clone(), *ty, own.clone())?;
                let value = match own {
                    Some(own) => {
                        let own = this.coerce(own, &value.phys)?;
                        Scalar::when(found.is_null(), own, value)
                    }
                    None => value,
                };
                fields.push(value);
            }
            this.row_of(fields)
        })
    }

    /// A JSON value as a value of a type; `own` is what a record has there that is populated.
    fn populate(&mut self, json: Scalar, ty: PgType, own: Option<Scalar>) -> Result<Scalar> {
        let value = self.populate_base(json, ty, own)?;
        self.checked(value, ty)
    }

    /// A value of the type under a domain as one of the domain.
    fn checked(&mut self, value: Scalar, ty: PgType) -> Result<Scalar> {
        match self.cx.snapshot.user_type_by_oid(ty.oid).map(|t| &t.kind) {
            Some(UserTypeKind::Domain { .. }) => self.domain(value, ty.oid, self.base(ty), ty),
            _ => Ok(value),
        }
    }

    /// As [`Self::populate`], of what is under a domain: by the type's input function.
    fn populate_base(&mut self, json: Scalar, ty: PgType, own: Option<Scalar>) -> Result<Scalar> {
        let base = self.base(ty);
        let phys = self.phys(ty)?;
        if let (Phys::List(_) | Phys::Shaped(_), Some(element)) = (&phys, self.array_element(base)) {
            return self.bind_once(json, |this, json| {
                let items = Scalar::call("dg_json_items", vec![json.clone()], text_list());
                let list = this.map_list(items, |this, item| this.populate(item, element, None))?;
                let shape = Scalar::call("dg_json_shape", vec![json.clone()], super::shaped::ints());
                let list = this.once(list, |_, list| Ok(super::shaped::packed(list, shape)))?;
                let plain = Scalar::call("dg_json_text", vec![json.clone()], Phys::Text);
                let read = this.read(plain, PgType::new(base.oid))?;
                let read = this.coerce(read, &list.phys)?;
                let test = Scalar::template("(dg_json_typeof({0}) = 'string')", vec![json], Phys::Bool);
                Ok(Scalar::when(test, read, list))
            });
        }
        if let Some(shape) = record::composite(base, &*self.cx.snapshot) {
            return self.bind_once(json, |this, json| {
                let known = own.filter(|own| matches!(own.phys, Phys::Row(_)));
                let row = this.populate_row(known.unwrap_or_else(|| Scalar::null(Phys::Void)), json.clone(), &shape)?;
                let phys = row.phys.clone();
                // A string is the record's text.
                let plain = Scalar::call("dg_json_text", vec![json.clone()], Phys::Text);
                let read = this.read(plain, PgType::new(base.oid))?;
                let read = this.coerce(read, &phys)?;
                let is = |text: &'static str| Scalar::template(text, vec![json.clone()], Phys::Bool);
                let whens = vec![
                    (is("(coalesce(dg_json_typeof({0}), 'null') = 'null')"), Scalar::null(phys.clone())),
                    (is("(dg_json_typeof({0}) = 'string')"), read),
                ];
                Ok(Scalar::new(Node::Case { whens, otherwise: Some(Box::new(row)) }, phys))
            });
        }
        if matches!(base.oid, oid::JSON | oid::JSONB) {
            let whole = Scalar::call("dg_json_not_null", vec![json], Phys::Text);
            return Ok(if base.oid == oid::JSONB { Scalar::call("dg_jsonb", vec![whole], Phys::Text) } else { whole });
        }
        let plain = Scalar::call("dg_json_text", vec![json], Phys::Text);
        let value = self.read(plain, PgType::new(base.oid))?;
        if base.typmod >= 0 { self.typmod(value, false, base) } else { Ok(value) }
    }

    fn read(&mut self, plain: Scalar, ty: PgType) -> Result<Scalar> {
        self.input(plain, ty)
    }
}

fn text_list() -> Phys {
    Phys::List(Box::new(Phys::Text))
}

/// `open`, the parts with commas between them, `close`.
fn bracket(open: &'static str, parts: Vec<Scalar>, close: &'static str) -> Scalar {
    let mut pieces = vec![Piece::Word("('"), Piece::Word(open), Piece::Word("'")];
    for i in 0..parts.len() {
        let before = if i > 0 { " || ', ' || {" } else { " || {" };
        pieces.extend([Piece::Word(before), Piece::from(i), Piece::Word("}")]);
    }
    pieces.extend([Piece::Word(" || '"), Piece::Word(close), Piece::Word("')")]);
    Scalar::template(Template::of(&pieces), parts, Phys::Text)
}

/// A query over `unnest(rows)` that gives the rows' fields as its columns.
pub(crate) fn rows_query(rows: Scalar, alias: ir::Alias) -> Result<ir::Query> {
    let Phys::List(element) = rows.phys.clone() else { return Err(Error::internal("lower: no list of rows")) };
    let Phys::Row(fields) = (*element).clone() else { return Err(Error::internal("lower: no list of rows")) };
    let unnested = Scalar::template("unnest({0})", vec![rows], (*element).clone());
    let inner = super::array::plain_query(
        ir::Select { targets: vec![unnested], ..ir::Select::default() },
        vec![(*element).clone()],
    );
    let row = Scalar::column(alias, ir::output_name(0), *element);
    let targets: Vec<Scalar> =
        fields.iter().enumerate().map(|(i, phys)| super::row::field_of(row.clone(), i, phys.clone())).collect();
    let from = ir::From::Query { query: Box::new(inner), alias, lateral: false };
    let select = ir::Select { targets, from: vec![from], ..ir::Select::default() };
    Ok(super::array::plain_query(select, fields.to_vec()))
}
