//! Functions' bodies by themselves: analyzed when they are made, kept so that their names mean the same for everybody, read
//! again for what they name.

use std::sync::Arc;

use super::kept::{self, Names, Place};
use super::routine::not_one_query;
use crate::error::{Error, Result, SqlState};
use crate::registry::expression::quote;
use crate::registry::seen::Seen;
use crate::registry::{Function, FunctionBody, Name, builtin};
use crate::sql::deparse::{self, Style};
use crate::sql::{Context, parse};
use crate::tree::{self, Expr, Query, RelId};

/// A body's query, the relation of its parameters, and where it names something.
struct Body {
    params: RelId,
    query: Query,
    places: Vec<Place>,
}

/// `made`: it is being made, and its names are to be allowed to who makes it.
fn analyzed(function: &Function, cx: &Context, made: bool) -> Result<Body> {
    let [text] = function.body.statements.as_slice() else { return Err(not_one_query(function)) };
    let parsed = parse::parse(text)?;
    let [parsed] = parsed.as_slice() else { return Err(not_one_query(function)) };
    let path = function.body.search_path.clone().into();
    let cx = if made {
        Context { search_path: path, ..cx.clone() }
    } else {
        Context { search_path: path, ..kept::context(cx) }
    };
    let (params, query, places) = super::routine::body_alone(function, parsed, &cx, !made)?;
    Ok(Body { params, query, places })
}

/// Where a body names something.
///
/// # Errors
/// It cannot be analyzed.
pub fn places(function: &Function, cx: &Context) -> Result<Vec<Place>> {
    analyzed(function, cx, false).map(|body| body.places)
}

/// A bound body's query, and where it names something.
///
/// # Errors
/// It cannot be analyzed.
pub fn read(function: &Function, cx: &Context) -> Result<(Query, Vec<Place>)> {
    analyzed(function, cx, false).map(|body| (body.query, body.places))
}

/// The text of a bound body that meant something in `before` and is to mean the same in `after`, where columns go by other
/// names; `None` if it does, or never meant anything.
///
/// # Errors
/// 0A000 if it cannot be written so that it does.
pub fn followed(function: &Function, before: &Context, after: &Context) -> Result<Option<String>> {
    let Ok(was) = analyzed(function, before, false) else { return Ok(None) };
    let types = |body: &Body| body.query.columns.iter().map(|c| c.ty).collect::<Vec<_>>();
    let names = names(&was);
    let print = |body: &Body| printed_as(function, body, &names, after, Style::KEPT);
    let meant = print(&was);
    let same = |function: &Function| {
        let again = analyzed(function, after, false).ok()?;
        (types(&again) == types(&was) && print(&again) == meant).then_some(())
    };
    // One that gives other rows than it says now can only be printed.
    let misfits = |function: &Function| {
        analyzed(function, after, false).is_err_and(|error| error.code() == SqlState::INVALID_FUNCTION_DEFINITION)
    };
    let holds = |text: &String| {
        let function = with_text(function, text.clone());
        same(&function).is_some() || misfits(&function)
    };
    let Some(text) = meant.clone().filter(holds) else {
        return Err(Error::unsupported(format!("renaming or moving what function {} names", function.name))
            .hint("Drop that first, and create it again afterwards."));
    };
    Ok(if same(function).is_some() { None } else { Some(text) })
}

fn with_text(function: &Function, text: String) -> Function {
    let search_path = kept::PATH.map(Name::from).to_vec();
    Function { body: FunctionBody { statements: vec![text], search_path, ..function.body.clone() }, ..function.clone() }
}

/// The text of a new body as it is kept. One that is bound is printed from its tree; a string keeps its words, `*` among them.
pub fn keep(function: &Function, cx: &Context) -> Result<String> {
    let made = analyzed(function, cx, true)?;
    let shape = |body: &Body| body.query.columns.iter().map(|c| (c.name.clone(), c.ty)).collect::<Vec<_>>();
    if function.is_bound()
        && let Some(text) = printed(function, &made, cx, Style::KEPT)
        && let Ok(again) = analyzed(&with_text(function, text.clone()), cx, false)
        && shape(&made) == shape(&again)
        && kept::meaning(&made.query) == kept::meaning(&again.query)
    {
        return Ok(text);
    }
    let [text] = function.body.statements.as_slice() else { return Err(not_one_query(function)) };
    let bound = function.is_bound();
    let places: Vec<Place> = made.places.iter().filter(|p| bound || !p.is_star()).cloned().collect();
    let written = Names::new(&cx.snapshot).write(text, &places, &cx.snapshot)?;
    let again = analyzed(&with_text(function, written.clone()), cx, false)?;
    let objects = |places: &[Place]| places.iter().filter_map(Place::object).collect::<Vec<_>>();
    if objects(&made.places) != objects(&again.places) || shape(&made) != shape(&again) {
        return Err(Error::unsupported("a function whose names cannot be kept")
            .hint("Write the names in its body with their schemas."));
    }
    Ok(written)
}

fn names(body: &Body) -> Vec<Name> {
    body.query.columns.iter().map(|c| c.name.clone()).collect()
}

/// The body's query as text, its parameters by their numbers.
fn printed(function: &Function, body: &Body, cx: &Context, style: Style) -> Option<String> {
    printed_as(function, body, &names(body), cx, style)
}

/// As [`printed`], its columns under these names.
fn printed_as(function: &Function, body: &Body, names: &[Name], cx: &Context, style: Style) -> Option<String> {
    let kept = kept::context(cx);
    let seen = Seen::new(Arc::clone(&kept.snapshot), Arc::clone(&kept.search_path), builtin::SUPERUSER);
    let params: Vec<String> = (1..=function.args.len()).map(|n| format!("${n}")).collect();
    if function.body.expression {
        let target = expression(&body.query)?;
        return deparse::expression(target, ("", body.params), &params, &seen, style)
            .ok()
            .map(|text| format!("SELECT {text}"));
    }
    deparse::body(&body.query, names, (body.params, &params), &seen, style).ok()
}

/// The expression of RETURN.
fn expression(query: &Query) -> Option<&Expr> {
    match &query.body {
        tree::Body::Select(select) => select.targets.first(),
        tree::Body::SetOp { .. } | tree::Body::Values(_) => None,
    }
}

/// A bound body as PostgreSQL shows it: `RETURN …`, or `BEGIN ATOMIC …`.
///
/// # Errors
/// It cannot be analyzed, or has what cannot be printed.
pub fn shown(function: &Function, cx: &Context, seen: &Seen, style: Style) -> Result<String> {
    let body = analyzed(function, cx, false)?;
    let alone = matches!(&body.query.body, tree::Body::Select(select) if select.from.is_empty());
    let parameter = |(n, name): (usize, &Name)| match (name.is_empty(), alone) {
        (true, _) => format!("${}", n + 1),
        (false, true) => quote(name),
        (false, false) => format!("{}.{}", quote(&function.name), quote(name)),
    };
    let params: Vec<String> = function.inputs().map(|p| &p.name).enumerate().map(parameter).collect();
    if function.body.expression {
        let target = expression(&body.query).ok_or_else(|| Error::internal("RETURN of no expression"))?;
        return Ok(format!("RETURN {}", deparse::expression(target, ("", body.params), &params, seen, style)?));
    }
    let text = deparse::body(&body.query, &names(&body), (body.params, &params), seen, style)?;
    Ok(format!("BEGIN ATOMIC\n{text};\nEND"))
}
