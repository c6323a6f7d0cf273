//! How figures lie to each other, what is between them, and how they are moved, by PostgreSQL's rules (geo_ops).

use super::geometry::{Bytes, Corners, at_most, circle_of, crossing, distance, finite, holds, less, pair_of, point_of};
use super::*;
use crate::types::coded::geometry::{
    Point, bytes_of, is_closed, line_at, make_box, numbers, path, points, same, same_point, slope,
};
use crate::types::oid;

pub(super) fn natives() -> Vec<Native> {
    let mut all = boxes();
    all.extend(circles());
    all.extend(moved());
    all.extend(lines());
    all.extend(segments());
    all.extend(outlines());
    all
}

fn boxes() -> Vec<Native> {
    let test = |name: &'static str, f: fn(Corners, Corners) -> bool| {
        native2::<Bytes, Bytes, bool>(name, move |a, b| Ok(Some(f(pair_of(a), pair_of(b)))))
    };
    vec![
        test("dg_box_overleft", |(h1, _), (h2, _)| at_most(h1[0], h2[0])),
        test("dg_box_overright", |(_, l1), (_, l2)| at_most(l2[0], l1[0])),
        test("dg_box_overbelow", |(h1, _), (h2, _)| at_most(h1[1], h2[1])),
        test("dg_box_overabove", |(_, l1), (_, l2)| at_most(l2[1], l1[1])),
        test("dg_box_below_eq", |(h1, _), (_, l2)| at_most(h1[1], l2[1])),
        test("dg_box_above_eq", |(_, l1), (h2, _)| at_most(h2[1], l1[1])),
        native2::<Bytes, Bytes, f64>("dg_box_distance", |a, b| {
            let center = |(a, b): Corners| super::geometry::middle(a, b);
            distance(center(pair_of(a))?, center(pair_of(b))?).map(Some)
        }),
        native2::<Bytes, Bytes, Bytes>("dg_box_intersect", |a, b| {
            let ((h1, l1), (h2, l2)) = (pair_of(a), pair_of(b));
            if !(0..2).all(|i| at_most(l1[i], h2[i]) && at_most(l2[i], h1[i])) {
                return Ok(None);
            }
            let bound = |i: usize| (lesser(h1[i], h2[i]), greater(l1[i], l2[i]));
            let ((right, left), (top, bottom)) = (bound(0), bound(1));
            Ok(Some(bytes_of(&[right, top, left, bottom])))
        }),
        native2::<Bytes, Bytes, Bytes>("dg_box_bound", |a, b| {
            let ((h1, l1), (h2, l2)) = (pair_of(a), pair_of(b));
            let bound = |i: usize| (greater(h1[i], h2[i]), lesser(l1[i], l2[i]));
            let ((right, left), (top, bottom)) = (bound(0), bound(1));
            Ok(Some(bytes_of(&[right, top, left, bottom])))
        }),
    ]
}

/// `float8_min` and `float8_max`, to which NaN is the greatest.
fn lesser(a: f64, b: f64) -> f64 {
    if b.is_nan() || a < b { a } else { b }
}

fn greater(a: f64, b: f64) -> f64 {
    if a.is_nan() || a > b { a } else { b }
}

type Round = (Point, f64);

fn circles() -> Vec<Native> {
    let test = |name: &'static str, f: fn(Round, Round) -> Result<bool>| {
        native2::<Bytes, Bytes, bool>(name, move |a, b| f(circle_of(a), circle_of(b)).map(Some))
    };
    vec![
        test("dg_circle_same", |(c1, r1), (c2, r2)| {
            Ok(((r1.is_nan() && r2.is_nan()) || same(r1, r2)) && same_point(c1, c2))
        }),
        test("dg_circle_overleft", |(c1, r1), (c2, r2)| Ok(at_most(c1[0] + r1, c2[0] + r2))),
        test("dg_circle_left", |(c1, r1), (c2, r2)| Ok(less(c1[0] + r1, c2[0] - r2))),
        test("dg_circle_overright", |(c1, r1), (c2, r2)| Ok(at_most(c2[0] - r2, c1[0] - r1))),
        test("dg_circle_overbelow", |(c1, r1), (c2, r2)| Ok(at_most(c1[1] + r1, c2[1] + r2))),
        test("dg_circle_below", |(c1, r1), (c2, r2)| Ok(less(c1[1] + r1, c2[1] - r2))),
        test("dg_circle_overabove", |(c1, r1), (c2, r2)| Ok(at_most(c2[1] - r2, c1[1] - r1))),
        test("dg_circle_contain", |(c1, r1), (c2, r2)| Ok(at_most(distance(c1, c2)?, r1 - r2))),
    ]
}

/// What moves, turns or grows a point by another.
type Motion = fn(Point, Point) -> Result<Point>;

fn moved() -> Vec<Native> {
    use super::geometry::{point_div, point_mul};
    let add: Motion = |a, b| finite([a[0] + b[0], a[1] + b[1]], &[a, b].concat());
    let sub: Motion = |a, b| finite([a[0] - b[0], a[1] - b[1]], &[a, b].concat());
    let motions: [(Motion, [&'static str; 3]); 4] = [
        (add, ["dg_box_add", "dg_path_add_pt", "dg_circle_add"]),
        (sub, ["dg_box_sub", "dg_path_sub_pt", "dg_circle_sub"]),
        (point_mul, ["dg_box_mul", "dg_path_mul_pt", "dg_circle_mul"]),
        (point_div, ["dg_box_div", "dg_path_div_pt", "dg_circle_div"]),
    ];
    let mut all = Vec::new();
    for (by, [of_box, of_path, of_circle]) in motions {
        all.push(native2::<Bytes, Bytes, Bytes>(of_box, move |a, b| {
            let ((high, low), point) = (pair_of(a), point_of(b));
            Ok(Some(make_box(by(high, point)?, by(low, point)?)))
        }));
        all.push(native2::<Bytes, Bytes, Bytes>(of_path, move |a, b| {
            let moved = points(a, oid::PATH).into_iter().map(|p| by(p, point_of(b))).collect::<Result<Vec<_>>>()?;
            Ok(Some(path(is_closed(a), &moved)))
        }));
        all.push(native2::<Bytes, Bytes, Bytes>(of_circle, move |a, b| {
            let ((center, radius), point) = (circle_of(a), point_of(b));
            let [x, y] = by(center, point)?;
            let scale = distance(point, Point::default())?;
            let radius = match of_circle {
                "dg_circle_mul" => finite([radius * scale], &[radius, scale])?,
                "dg_circle_div" => finite([radius / scale], &[radius, scale])?,
                _ => [radius],
            };
            Ok(Some(bytes_of(&[x, y, radius[0]])))
        }));
    }
    all.push(native2::<Bytes, Bytes, Bytes>("dg_path_add", |a, b| {
        if is_closed(a) || is_closed(b) {
            return Ok(None);
        }
        Ok(Some(path(false, &[points(a, oid::PATH), points(b, oid::PATH)].concat())))
    }));
    all
}

fn is_zero(n: f64) -> bool {
    same(n, 0.0)
}

fn lines() -> Vec<Native> {
    let line = |bytes: &[u8]| numbers(bytes, oid::LINE);
    vec![
        native2::<Bytes, Bytes, bool>("dg_line_intersect", move |a, b| {
            Ok(Some(crossing(&line(a), &line(b)).is_some()))
        }),
        native2::<Bytes, Bytes, Bytes>("dg_line_interpt", move |a, b| {
            // No minus zero.
            Ok(crossing(&line(a), &line(b)).map(|[x, y]| bytes_of(&[x + 0.0, y + 0.0])))
        }),
        native2::<Bytes, Bytes, bool>("dg_line_perp", move |a, b| {
            let (&[a1, b1, _], &[a2, b2, _]) = (&*line(a), &*line(b)) else { return Ok(None) };
            Ok(Some(match (is_zero(a1), is_zero(a2), is_zero(b1), is_zero(b2)) {
                (true, _, _, _) => is_zero(b2),
                (_, true, _, _) => is_zero(b1),
                (_, _, true, _) => is_zero(a2),
                (_, _, _, true) => is_zero(a1),
                _ => same((a1 * a2) / (b1 * b2), -1.0),
            }))
        }),
        native1::<Bytes, bool>("dg_line_vertical", move |a| Ok(line(a).get(1).map(|b| is_zero(*b)))),
        native1::<Bytes, bool>("dg_line_horizontal", move |a| Ok(line(a).first().map(|a| is_zero(*a)))),
        native2::<Bytes, Bytes, bool>("dg_point_on_line", move |p, l| {
            let (&[a, b, c], [x, y]) = (&*line(l), point_of(p)) else { return Ok(None) };
            Ok(Some(is_zero(a * x + b * y + c)))
        }),
        native2::<Bytes, Bytes, f64>("dg_point_line_distance", move |p, l| to_line(&line(l), point_of(p)).map(Some)),
    ]
}

/// How far a point is from a line.
fn to_line(line: &[f64], point: Point) -> Result<f64> {
    let slope = match line {
        [a, ..] if is_zero(*a) => f64::INFINITY,
        [_, b, ..] if is_zero(*b) => 0.0,
        [a, b, ..] => b / a,
        _ => f64::NAN,
    };
    match crossing(&line_at(point, slope), line) {
        Some(near) => distance(near, point),
        None => Ok(f64::NAN),
    }
}

/// Of what is at right angles to it.
fn cross_slope((a, b): Corners) -> f64 {
    match (same(a[0], b[0]), same(a[1], b[1])) {
        (true, _) => 0.0,
        (false, true) => f64::INFINITY,
        (false, false) => (a[0] - b[0]) / (b[1] - a[1]),
    }
}

/// Where a segment meets a line: at an end of its own rather than next to it.
fn meets(segment: Corners, line: &[f64]) -> Result<Option<Point>> {
    let Some(at) = crossing(&line_at(segment.0, slope(segment.0, segment.1)), line) else { return Ok(None) };
    if !holds(segment, at)? {
        return Ok(None);
    }
    let ends = [segment.0, segment.1];
    Ok(Some(ends.into_iter().find(|end| same_point(*end, at)).unwrap_or(at)))
}

/// The point of a segment that is nearest to a point.
fn nearest(segment: Corners, point: Point) -> Result<Point> {
    let line = line_at(point, cross_slope(segment));
    if let Some(at) = meets(segment, &line)? {
        return Ok(at);
    }
    let (first, second) = (to_line(&line, segment.0)?, to_line(&line, segment.1)?);
    Ok(if first < second { segment.0 } else { segment.1 })
}

fn to_segment(segment: Corners, point: Point) -> Result<f64> {
    distance(nearest(segment, point)?, point)
}

/// Where two segments meet.
fn meeting(one: Corners, other: Corners) -> Result<Option<Point>> {
    let at = meets(one, &line_at(other.0, slope(other.0, other.1)))?;
    at.map_or(Ok(None), |at| Ok(holds(other, at)?.then_some(at)))
}

fn segments() -> Vec<Native> {
    vec![
        native2::<Bytes, Bytes, bool>("dg_lseg_parallel", |a, b| {
            let ((a, b), (c, d)) = (pair_of(a), pair_of(b));
            Ok(Some(same(slope(a, b), slope(c, d))))
        }),
        native2::<Bytes, Bytes, bool>("dg_lseg_perp", |one, other| {
            let (a, b) = pair_of(one);
            Ok(Some(same(slope(a, b), cross_slope(pair_of(other)))))
        }),
        native2::<Bytes, Bytes, bool>("dg_point_on_lseg", |p, s| holds(pair_of(s), point_of(p)).map(Some)),
        native2::<Bytes, Bytes, f64>("dg_point_lseg_distance", |p, s| to_segment(pair_of(s), point_of(p)).map(Some)),
        native2::<Bytes, Bytes, Bytes>("dg_point_lseg_nearest", |p, s| {
            let near = nearest(pair_of(s), point_of(p))?;
            Ok((!near.iter().any(|n| n.is_nan())).then(|| bytes_of(&near)))
        }),
        native2::<Bytes, Bytes, Bytes>("dg_lseg_interpt", |a, b| {
            Ok(meeting(pair_of(a), pair_of(b))?.map(|at| bytes_of(&at)))
        }),
        native2::<Bytes, Bytes, f64>("dg_lseg_distance", |a, b| {
            let (one, other) = (pair_of(a), pair_of(b));
            if meeting(one, other)?.is_some() {
                return Ok(Some(0.0));
            }
            let all = [(one, other.0), (one, other.1), (other, one.0), (other, one.1)];
            let mut least = f64::INFINITY;
            for (segment, end) in all {
                least = lesser(least, to_segment(segment, end)?);
            }
            Ok(Some(least))
        }),
        native2::<Bytes, Bytes, f64>("dg_point_box_distance", |p, b| {
            let ((high, low), point) = (pair_of(b), point_of(p));
            if (0..2).all(|i| high[i] >= point[i] && low[i] <= point[i]) {
                return Ok(Some(0.0));
            }
            let corners = [low, [low[0], high[1]], high, [high[0], low[1]]];
            to_edges(&corners, true, point).map(Some)
        }),
    ]
}

/// How far a point is from the nearest of the edges.
fn to_edges(corners: &[Point], closed: bool, point: Point) -> Result<f64> {
    let closing = corners.last().zip(corners.first()).filter(|_| closed);
    let mut least = None;
    for (a, b) in closing.into_iter().chain(corners.iter().zip(corners.iter().skip(1))) {
        let found = to_segment((*a, *b), point)?;
        least = Some(least.map_or(found, |least| if found < least { found } else { least }));
    }
    Ok(least.unwrap_or(0.0))
}

/// How often the outline goes around a point, or on which side of it an edge passes.
enum Passes {
    Through,
    By(i32),
}

/// An edge between two points, from the point of view of (0, 0), against the ray to the right.
fn passes([x, y]: Point, [before_x, before_y]: Point) -> Passes {
    let by = |n: i32| Passes::By(n);
    let is_positive = |n: f64| less(0.0, n);
    let is_negative = |n: f64| less(n, 0.0);
    if is_zero(y) {
        return match (is_zero(x), is_positive(x), is_zero(before_y)) {
            (true, _, _) => Passes::Through,
            (_, true, true) if is_positive(before_x) => by(0),
            (_, true, true) => Passes::Through,
            (_, true, false) => by(if is_negative(before_y) { 1 } else { -1 }),
            (_, false, true) if is_negative(before_x) => by(0),
            (_, false, true) => Passes::Through,
            (_, false, false) => by(0),
        };
    }
    let up = is_positive(y);
    let way = if up { 1 } else { -1 };
    if is_zero(before_y) {
        return by(if is_negative(before_x) { 0 } else { way });
    }
    if (!up && is_negative(before_y)) || (up && is_positive(before_y)) {
        return by(0);
    }
    if at_most(0.0, x) && is_positive(before_x) {
        return by(2 * way);
    }
    if is_negative(x) && at_most(before_x, 0.0) {
        return by(0);
    }
    let side = (x - before_x) * y - (y - before_y) * x;
    if is_zero(side) {
        return Passes::Through;
    }
    by(if (!up && is_negative(side)) || (up && is_positive(side)) { 0 } else { 2 * way })
}

/// Whether a point is in an outline or on it.
fn is_inside(outline: &[Point], point: Point) -> bool {
    let seen = |p: &Point| [p[0] - point[0], p[1] - point[1]];
    let Some(last) = outline.last() else { return false };
    let mut around = 0;
    // The edge that closes the outline comes last, as the sum may not tell.
    let edges = outline.iter().zip(outline.iter().skip(1)).chain(outline.first().map(|first| (last, first)));
    for (a, b) in edges {
        match passes(seen(b), seen(a)) {
            Passes::Through => return true,
            Passes::By(n) => around += n,
        }
    }
    around != 0
}

fn outlines() -> Vec<Native> {
    let polygon = |bytes: &[u8]| points(bytes, oid::POLYGON);
    let mut all = vec![
        native2::<Bytes, Bytes, bool>("dg_poly_contain_pt", move |a, p| Ok(Some(is_inside(&polygon(a), point_of(p))))),
        native2::<Bytes, Bytes, f64>("dg_point_poly_distance", move |p, a| {
            let (outline, point) = (polygon(a), point_of(p));
            if is_inside(&outline, point) {
                return Ok(Some(0.0));
            }
            to_edges(&outline, true, point).map(Some)
        }),
        native2::<Bytes, Bytes, f64>("dg_point_path_distance", |p, a| {
            to_edges(&points(a, oid::PATH), is_closed(a), point_of(p)).map(Some)
        }),
        native2::<Bytes, Bytes, bool>("dg_point_on_path", |p, a| {
            let (outline, point) = (points(a, oid::PATH), point_of(p));
            if is_closed(a) {
                return Ok(Some(is_inside(&outline, point)));
            }
            let mut on = false;
            for (a, b) in outline.iter().zip(outline.iter().skip(1)) {
                on |= holds((*a, *b), point)?;
            }
            Ok(Some(on))
        }),
        native1::<Bytes, f64>("dg_path_area", |a| {
            if !is_closed(a) {
                return Ok(None);
            }
            let outline = points(a, oid::PATH);
            let mut area = 0.0;
            for (i, from) in outline.iter().enumerate() {
                let to = outline[(i + 1) % outline.len()];
                area += from[0] * to[1];
                area -= from[1] * to[0];
            }
            finite([area.abs() / 2.0], outline.as_flattened()).map(|n| Some(n[0]))
        }),
    ];
    // By the boxes around them, without allowance.
    let test = |name: &'static str, f: fn(Corners, Corners) -> bool| {
        let around = |bytes: &[u8]| pair_of(&super::geometry::box_around(&points(bytes, oid::POLYGON)));
        native2::<Bytes, Bytes, bool>(name, move |a, b| Ok(Some(f(around(a), around(b)))))
    };
    all.extend([
        test("dg_poly_left", |(h1, _), (_, l2)| h1[0] < l2[0]),
        test("dg_poly_overleft", |(h1, _), (h2, _)| h1[0] <= h2[0]),
        test("dg_poly_overright", |(_, l1), (_, l2)| l1[0] >= l2[0]),
        test("dg_poly_below", |(h1, _), (_, l2)| h1[1] < l2[1]),
        test("dg_poly_overbelow", |(h1, _), (h2, _)| h1[1] <= h2[1]),
        test("dg_poly_overabove", |(_, l1), (_, l2)| l1[1] >= l2[1]),
    ]);
    all
}
