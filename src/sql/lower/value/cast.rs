//! Casts: one arm for each of PostgreSQL's coercion pathways.
//!
//! `'12'::text::int` → `dg_in_int4('12')`, `x::numeric(10,2)` → `CAST(x AS DECIMAL(10,2))`, `1::oid` → relabelled

use crate::error::{Error, Result, SqlState};
use crate::facts;
use crate::sql::lower::Lowerer;
use crate::sql::lower::ir::{Node, Scalar, template};
use crate::tree::{CastHow, Expr};
use crate::types::{self, PgType, Phys, RowField, RowTypes, Value, oid};

impl Lowerer<'_> {
    pub(crate) fn cast(&mut self, arg: &Expr, how: &CastHow, explicit: bool, ty: PgType) -> Result<Scalar> {
        let value = self.expr(arg)?;
        if matches!((how, &value.phys), (CastHow::InOut, Phys::Row(_))) {
            let shape = self.shape(Some(arg), arg.ty).or_else(|error| shape_of_fields(&value.phys).ok_or(error))?;
            let text = self.record_text(value, &shape)?;
            return self.input(text, ty);
        }
        if matches!(how, CastHow::Typmod)
            && matches!((ty.oid, &value.phys), (oid::VARCHAR | oid::BPCHAR, Phys::Text) | (oid::BPCHAR, Phys::Padded))
            && super::longest::fits(arg, ty)
        {
            return Ok(match (ty.oid, ty.char_length()) {
                (oid::BPCHAR, Some(length)) => Scalar::template("rtrim({0}, ' ')", vec![value], Phys::Char(length)),
                _ => value,
            });
        }
        self.cast_value(value, arg.ty, how, explicit, ty)
    }

    pub(crate) fn cast_value(
        &mut self,
        value: Scalar,
        from: PgType,
        how: &CastHow,
        explicit: bool,
        ty: PgType,
    ) -> Result<Scalar> {
        let of_items = matches!(how, CastHow::Relabel | CastHow::ArrayElements(_));
        let value = match of_items && super::shaped::is_vector(from) && !super::shaped::is_vector(ty) {
            true => self.from_zero(value)?,
            false => value,
        };
        match how {
            CastHow::Relabel => self.relabel(value, ty),
            CastHow::Function(func) => self.apply_cast(func, value, from, ty),
            CastHow::InOut => self.in_out(value, from, ty),
            CastHow::ArrayElements(element) => self.array_elements(value, from, element, explicit, ty),
            CastHow::Typmod => self.typmod(value, explicit, ty),
            CastHow::EnumIn => {
                let phys = self.phys(ty)?;
                self.enum_in(value, ty, phys)
            }
            CastHow::EnumOut => Ok(value.cast(Phys::Text)),
            CastHow::Domain(domain) => self.domain(value, *domain, from, ty),
            CastHow::Row(casts) => self.row_cast(value, casts, ty),
        }
    }

    /// Same representation: nothing to do, but for integers and OIDs, whose signs differ.
    fn relabel(&mut self, value: Scalar, ty: PgType) -> Result<Scalar> {
        if ty.oid == oid::RECORD {
            return Ok(value);
        }
        let phys = self.phys(ty)?;
        match (&value.phys, &phys) {
            (a, b) if a == b => Ok(value),
            (Phys::Void, _) => Ok(value.cast(phys)),
            (Phys::Int4, Phys::Oid) => {
                let text = "CAST((CAST({0} AS BIGINT) & 4294967295) AS UINTEGER)";
                Ok(Scalar::template(text, vec![value], Phys::Oid))
            }
            (Phys::Oid, Phys::Int4) => {
                let text = "CAST((((CAST({0} AS BIGINT) + 2147483648) & 4294967295) - 2147483648) AS INTEGER)";
                Ok(Scalar::template(text, vec![value], Phys::Int4))
            }
            (Phys::Decimal { .. } | Phys::Numeric, Phys::Numeric | Phys::Decimal { .. }) => Ok(value),
            (Phys::Citext, Phys::Text) | (Phys::Text, Phys::Citext) => Ok(Scalar { phys, ..value }),
            (Phys::List(from), Phys::List(to)) if **from == Phys::Text && **to == Phys::Padded => {
                Ok(Scalar { phys, ..value })
            }
            (Phys::List(_), Phys::List(_)) | (Phys::Char(_), Phys::Padded) => Ok(value),
            (Phys::Shaped(_), Phys::List(_) | Phys::Shaped(_)) | (Phys::List(_), Phys::Shaped(_)) => Ok(value),
            _ => Ok(value.cast(phys)),
        }
    }

    /// A function of pg_cast; lengths and the explicit flag are its further arguments, which [`CastHow::Typmod`] does.
    fn apply_cast(&mut self, func: &'static facts::Proc, value: Scalar, from: PgType, ty: PgType) -> Result<Scalar> {
        if func.args.len() == 1 {
            let tree = Expr { kind: crate::tree::ExprKind::Default, ty: from, pos: 0 };
            // int2 to oid goes by int4(int2): the function's result has the type's representation, not always its carrier.
            if func.result != ty.oid && !super::call::is_polymorphic(func.result) {
                let value = self.apply(func, vec![value], std::slice::from_ref(&tree), PgType::new(func.result))?;
                return self.relabel(value, ty);
            }
            return self.apply(func, vec![value], std::slice::from_ref(&tree), ty);
        }
        if func.result == oid::BIT && func.args.len() == 2 {
            return self.apply(func, vec![value, Scalar::int4(ty.typmod)], &[], PgType::new(oid::BIT));
        }
        Err(Error::internal(format!("lower: cast by {} with {} arguments", func.name, func.args.len())))
    }

    /// Through text: the target's input function on the source's output.
    fn in_out(&mut self, value: Scalar, from: PgType, ty: PgType) -> Result<Scalar> {
        let text = self.output(value, from)?;
        self.input(text, ty)
    }

    /// A value as text, as its type's output function writes it.
    pub(crate) fn output(&mut self, value: Scalar, from: PgType) -> Result<Scalar> {
        match &value.phys {
            Phys::Text => return Ok(value),
            Phys::Jsonb | Phys::Citext => return Ok(Scalar { phys: Phys::Text, ..value }),
            Phys::Char(_) | Phys::Padded => return Ok(Scalar { phys: Phys::Text, ..super::blanks::padded(value) }),
            Phys::Void => return Ok(value.cast(Phys::Text)),
            Phys::Decimal { .. } => {
                let text = self.to_text(value);
                return Ok(Scalar { phys: Phys::Text, ..text });
            }
            Phys::Numeric => return Ok(Scalar { phys: Phys::Text, ..value }),
            Phys::Bool => {
                return Ok(Scalar::template(
                    "CASE {0} WHEN TRUE THEN 't' WHEN FALSE THEN 'f' END",
                    vec![value],
                    Phys::Text,
                ));
            }
            Phys::Int2 | Phys::Int4 | Phys::Int8 | Phys::Uuid | Phys::Enum(_) => return Ok(value.cast(Phys::Text)),
            Phys::Oid if from.oid == oid::OID => return Ok(value.cast(Phys::Text)),
            Phys::Oid
            | Phys::Float4
            | Phys::Float8
            | Phys::Bytea
            | Phys::Coded(_)
            | Phys::Date
            | Phys::Time
            | Phys::TimeTz
            | Phys::Timestamp
            | Phys::TimestampTz
            | Phys::Interval
            | Phys::List(_)
            | Phys::Shaped(_)
            | Phys::Row(_) => {}
        }
        if matches!(value.phys, Phys::Row(_)) {
            let shape = self.shape(None, from).or_else(|error| shape_of_fields(&value.phys).ok_or(error))?;
            return self.record_text(value, &shape);
        }
        if super::shaped::is_shaped(&value.phys) {
            let Some(element) = self.element_type(types::base_type(from, &*self.cx.snapshot)) else {
                return Err(Error::internal("lower: an array of no array type"));
            };
            return self.shaped_text(value, "dg_shape_out", None, |this, item| this.output(item, element));
        }
        let inner = match (&value.phys, self.element_type(types::base_type(from, &*self.cx.snapshot))) {
            (Phys::List(inner), Some(element)) => Some(((**inner).clone(), element)),
            _ => None,
        };
        if let Some((inner, element)) = inner
            && (matches!(inner, Phys::Row(_) | Phys::Enum(_))
                || element.oid >= oid::FIRST_USER
                || inner == Phys::Oid && element.oid != oid::OID)
        {
            return self.array_by_texts(value, inner, element);
        }
        let base = types::base_type(from, &*self.cx.snapshot);
        if let Some(text) = self.range_text(&value, base)? {
            return Ok(text);
        }
        let value = self.with_blanks(value)?;
        let text = template!["dg_out_", native_name(from.oid)?, "({*})"];
        let session = self.session_id();
        Ok(Scalar::template(text, vec![session, value], Phys::Text))
    }

    /// The text of an array whose elements have no output function of their own, or one that looks into the catalog (regclass and kin):
    /// array_out of their texts.
    fn array_by_texts(&mut self, list: Scalar, inner: Phys, element: PgType) -> Result<Scalar> {
        let variable = self.variable();
        let body = self.output(Scalar::new(Node::Variable(variable), inner), element)?;
        let body = self.settle(body);
        let phys = Phys::List(Box::new(Phys::Text));
        let text = template!["list_transform({0}, lambda ", variable, ": {1})"];
        let texts = Scalar::template(text, vec![list, body], phys);
        let session = self.session_id();
        Ok(Scalar::call("dg_out__text", vec![session, texts], Phys::Text))
    }

    /// An array of `char(n)` or of decimals as its output function is to see it: with the blanks, as texts.
    fn with_blanks(&self, value: Scalar) -> Result<Scalar> {
        match &value.phys {
            Phys::List(element) if matches!(**element, Phys::Decimal { .. }) => {
                self.coerce(value, &Phys::List(Box::new(Phys::Numeric)))
            }
            Phys::List(element) if matches!(**element, Phys::Char(_)) => {
                self.coerce(value, &Phys::List(Box::new(Phys::Padded)))
            }
            _ => Ok(value),
        }
    }

    /// Text read by the target's input function.
    pub(crate) fn input(&mut self, text: Scalar, ty: PgType) -> Result<Scalar> {
        let phys = self.phys(PgType::new(ty.oid))?;
        if text.is_null_literal() {
            return Ok(Scalar::null(phys));
        }
        if matches!(ty.oid, oid::TEXT | oid::VARCHAR | oid::UNKNOWN) {
            return Ok(text);
        }
        if let Phys::Enum(_) = phys {
            return self.enum_in(text, ty, phys);
        }
        if let Phys::Row(fields) = &phys {
            return self.record_in(text, ty, fields.len());
        }
        if let Phys::List(_) = &phys
            && let Some(element) = self.element_type(types::base_type(ty, &*self.cx.snapshot))
            && element.oid >= oid::FIRST_USER
        {
            return self.array_in(text, element, phys);
        }
        if let Some(value) = self.range_in(&text, types::base_type(ty, &*self.cx.snapshot))? {
            return Ok(value);
        }
        let read = template!["dg_in_", native_name(ty.oid)?, "({*})"];
        let session = self.session_id();
        Ok(Scalar::template(read, vec![session, text], phys))
    }

    /// record_in of text that is known at execution only: its fields, each by its own input function.
    fn record_in(&mut self, text: Scalar, ty: PgType, count: usize) -> Result<Scalar> {
        let shape = self.shape(None, ty)?;
        let count = Scalar::int4(i32::try_from(count).map_err(Error::internal)?);
        let texts = Scalar::call("dg_record_fields", vec![text, count], Phys::List(Box::new(Phys::Text)));
        self.bind_once(texts, |this, texts| {
            let mut values = Vec::with_capacity(shape.0.len());
            for (i, RowField { ty, .. }) in shape.0.iter().enumerate() {
                let field = template!["list_extract({0}, ", i + 1, ")"];
                let field = Scalar::template(field, vec![texts.clone()], Phys::Text);
                let value = this.input(field, *ty)?;
                let value = if ty.typmod >= 0 { this.typmod(value, false, *ty)? } else { value };
                let phys = this.phys(*ty)?;
                values.push(this.coerce(value, &phys)?);
            }
            let row = this.row_of(values)?;
            let phys = row.phys.clone();
            Ok(Scalar::template("CASE WHEN {0} IS NOT NULL THEN {1} END", vec![texts, row], phys))
        })
    }

    /// array_in of text that is known at execution only, for elements without an input function of their own.
    fn array_in(&mut self, text: Scalar, element: PgType, phys: Phys) -> Result<Scalar> {
        let texts = Phys::List(Box::new(Phys::Text));
        let session = self.session_id();
        let texts = Scalar::call("dg_in__text", vec![session, text], texts);
        let variable = self.variable();
        let body = self.input(Scalar::new(Node::Variable(variable), Phys::Text), element)?;
        let body = self.settle(body);
        let text = template!["list_transform({0}, lambda ", variable, ": {1})"];
        let list = Scalar::template(text, vec![texts, body.clone()], Phys::List(Box::new(body.phys)));
        self.coerce(list, &phys)
    }

    fn enum_in(&mut self, text: Scalar, ty: PgType, phys: Phys) -> Result<Scalar> {
        let name = types::name::format_type(ty, &self.cx.seen());
        let found = self.cx.snapshot.user_type_by_oid(ty.oid);
        let unsafe_labels: Vec<_> = found
            .iter()
            .flat_map(|found| found.fresh_labels.iter().map(|label| (label.clone(), found.check_label_is_safe(label))))
            .collect();
        self.bind_once(text, |this, text| {
            let known = Scalar::template(
                "TRY_CAST({0} AS {1})",
                vec![text.clone(), Scalar::new(Node::Type, phys.clone())],
                phys.clone(),
            );
            let message = format!("invalid input value for enum {name}: \"{}\"", super::raise::VALUE);
            let error = crate::error::Error::new(SqlState::INVALID_TEXT_REPRESENTATION, message);
            let error = super::raise::raise_with(&error, text.clone(), &phys);
            let mut value = Scalar::template(
                "CASE WHEN {0} IS NULL THEN NULL ELSE coalesce({1}, {2}) END",
                vec![text.clone(), known, error],
                phys.clone(),
            );
            for (label, error) in unsafe_labels {
                let Err(error) = error else { continue };
                let label = this.constant(&Value::text(&*label), PgType::new(oid::TEXT))?;
                let is_it = Scalar::template("({0} = {1})", vec![text.clone(), label], Phys::Bool);
                value = Scalar::when(is_it, super::raise::raise(&error, &phys), value);
            }
            Ok(value)
        })
    }

    fn array_elements(
        &mut self,
        value: Scalar,
        from: PgType,
        how: &CastHow,
        explicit: bool,
        ty: PgType,
    ) -> Result<Scalar> {
        let target = self.phys(ty)?;
        let types = || (self.element_type(from), self.element_type(ty));
        if super::shaped::is_shaped(&value.phys) {
            let (Some(from), Some(to)) = types() else {
                return Err(Error::internal("lower: an element cast of what is no array"));
            };
            return self.map_items(value, |this, item| this.cast_value(item, from, how, explicit, to));
        }
        let Phys::List(element) = value.phys.clone() else {
            return Ok(value.cast(target));
        };
        let variable = self.variable();
        let nested = matches!(*element, Phys::List(_));
        let item = Scalar::new(Node::Variable(variable), *element);
        let body = if nested {
            self.array_elements(item, from, how, explicit, ty)?
        } else {
            let (Some(from), Some(to)) = (self.element_type(from), self.element_type(ty)) else {
                return Err(Error::internal("lower: an element cast of what is no array"));
            };
            let body = self.cast_value(item, from, how, explicit, to)?;
            self.settle(body)
        };
        let phys = Phys::List(Box::new(body.phys.clone()));
        Ok(Scalar::template(template!["list_transform({0}, lambda ", variable, ": {1})"], vec![value, body], phys))
    }

    pub(crate) fn element_type(&self, array: PgType) -> Option<PgType> {
        if let Some(known) = facts::TYPES.by_oid(array.oid) {
            return (known.element != 0).then(|| PgType::with(known.element, array.typmod));
        }
        types::table::element_type(array.oid, &*self.cx.snapshot).map(|oid| PgType::with(oid, array.typmod))
    }

    /// The length-coercion functions: `explicit` cuts where assignment fails.
    pub(crate) fn typmod(&mut self, value: Scalar, explicit: bool, ty: PgType) -> Result<Scalar> {
        if let Some((precision, scale)) = ty.numeric_precision() {
            let phys = self.phys(ty)?;
            return Ok(self.numeric_typmod(value, precision, scale, &phys));
        }
        if let Some(length) = ty.char_length() {
            return self.char_length(value, length, explicit, ty);
        }
        match (&value.phys, ty.typmod) {
            (_, typmod) if typmod < 0 => Ok(value),
            (Phys::Text, typmod) if matches!(ty.oid, oid::BIT | oid::VARBIT) => {
                let name = if ty.oid == oid::BIT { "dg_bit_length" } else { "dg_varbit_length" };
                Ok(Scalar::call(name, vec![value, Scalar::int4(typmod), Scalar::bool(explicit)], Phys::Text))
            }
            (Phys::Time | Phys::Timestamp | Phys::TimestampTz | Phys::TimeTz | Phys::Interval, typmod) => {
                self.time_precision(value, typmod)
            }
            (Phys::List(_) | Phys::Shaped(_), _) => self.array_typmod(value, explicit, ty),
            _ => Err(Error::unsupported(format!(
                "type modifier of {}",
                types::name::format_type(ty, &*self.cx.snapshot)
            ))),
        }
    }

    fn array_typmod(&mut self, value: Scalar, explicit: bool, ty: PgType) -> Result<Scalar> {
        self.array_elements(value, ty, &CastHow::Typmod, explicit, ty)
    }

    /// `varchar(n)` and `char(n)`: an explicit cast cuts; an assignment cuts only blanks, else 22001.
    fn char_length(&mut self, value: Scalar, length: u32, explicit: bool, ty: PgType) -> Result<Scalar> {
        let blank_padded = ty.oid == oid::BPCHAR;
        let trim = |v: Scalar| match blank_padded {
            true => Scalar::template("rtrim({0}, ' ')", vec![v], Phys::Char(length)),
            false => v,
        };
        if matches!(value.phys, Phys::Char(n) if blank_padded && n <= length) {
            return Ok(Scalar { phys: Phys::Char(length), ..value });
        }
        if explicit {
            let cut = Scalar::template(template!["left({0}, ", length, ")"], vec![value], Phys::Text);
            return Ok(trim(cut));
        }
        let message = if blank_padded {
            format!("value too long for type character({length})")
        } else {
            format!("value too long for type character varying({length})")
        };
        let error = super::raise::raise_message(SqlState::STRING_DATA_RIGHT_TRUNCATION, &message, &Phys::Text);
        self.bind_once(value, |_, v| {
            let text = "CASE WHEN length({0}) <= {2} THEN {0} WHEN length(rtrim({0}, ' ')) <= {2} \
                        THEN left({0}, {2}) WHEN {0} IS NOT NULL THEN {1} END";
            let length = Scalar::number(length, Phys::Void);
            Ok(trim(Scalar::template(text, vec![v, error, length], Phys::Text)))
        })
    }

    fn row_cast(&mut self, value: Scalar, casts: &[Option<CastHow>], ty: PgType) -> Result<Scalar> {
        let _ = (casts, &value);
        Err(Error::unsupported(format!("a cast to type {}", types::name::format_type(ty, &*self.cx.snapshot))))
    }
}

/// The name by which a type's input and output natives go.
fn native_name(ty: u32) -> Result<&'static str> {
    facts::TYPES.by_oid(ty).map(|t| t.name).ok_or_else(|| Error::unsupported("text of this type"))
}

/// The fields of an anonymous row by what carries them, for its text; `None` where that tells too little of a type: an OID may be
/// shown as a name.
fn shape_of_fields(row: &Phys) -> Option<RowTypes> {
    fn tells(phys: &Phys) -> bool {
        match phys {
            Phys::Oid => false,
            Phys::List(element) => tells(element),
            Phys::Row(fields) | Phys::Shaped(fields) => fields.iter().all(tells),
            _ => true,
        }
    }
    let Phys::Row(fields) = row else { return None };
    let fields = fields.iter().enumerate();
    let fields = fields.map(|(i, phys)| tells(phys).then(|| (format!("f{}", i + 1).into(), phys.default_type())));
    fields.collect::<Option<Vec<_>>>().map(RowTypes::of)
}
