//! Functions of geometry, over the binary forms that carry it. Comparisons allow for PostgreSQL's EPSILON.

use super::*;
use crate::types::coded::geometry::{
    NEAR, Point, bytes_of, is_closed, line_through, make_box, numbers, path, points, polygon, same, same_point, slope,
};
use crate::types::oid;

pub(super) type Bytes = [u8];
pub(super) type Corners = (Point, Point);

pub(super) fn natives() -> Vec<Native> {
    let mut all = makers();
    all.extend(converted());
    all.extend(measures());
    all.extend(paths());
    all.extend(of_points());
    all.extend(of_segments());
    all.extend(of_boxes());
    all.extend(of_circles());
    all
}

/// Numbers that were computed from these: 22003 where the result is infinite and they are not.
pub(super) fn finite<const N: usize>(result: [f64; N], given: &[f64]) -> Result<[f64; N]> {
    if result.iter().any(|n| n.is_infinite()) && given.iter().all(|n| n.is_finite()) {
        return Err(super::out_of_range("value out of range: overflow"));
    }
    Ok(result)
}

pub(super) fn point_of(bytes: &[u8]) -> Point {
    points(bytes, oid::POINT).first().copied().unwrap_or_default()
}

/// The two points of a box (upper right, lower left) or of a segment.
pub(super) fn pair_of(bytes: &[u8]) -> Corners {
    match points(bytes, oid::BOX)[..] {
        [a, b, ..] => (a, b),
        _ => Corners::default(),
    }
}

pub(super) fn circle_of(bytes: &[u8]) -> (Point, f64) {
    match numbers(bytes, oid::CIRCLE)[..] {
        [x, y, radius] => ([x, y], radius),
        _ => (Point::default(), 0.0),
    }
}

/// `pg_hypot`.
pub(super) fn distance(a: Point, b: Point) -> Result<f64> {
    let (dx, dy) = ((a[0] - b[0]).abs(), (a[1] - b[1]).abs());
    if dx.is_infinite() || dy.is_infinite() {
        return finite([f64::INFINITY], &[a, b].concat()).map(|n| n[0]);
    }
    if dx.is_nan() || dy.is_nan() {
        return Ok(f64::NAN);
    }
    let (long, short) = if dx < dy { (dy, dx) } else { (dx, dy) };
    if short == 0.0 {
        return Ok(long);
    }
    let ratio = short / long;
    finite([long * (1.0 + ratio * ratio).sqrt()], &[]).map(|n| n[0])
}

pub(super) fn middle(a: Point, b: Point) -> Result<Point> {
    finite([(a[0] + b[0]) / 2.0, (a[1] + b[1]) / 2.0], &[a, b].concat())
}

/// `poly_to_circle`: the mean of the points, and their mean distance from it.
fn circle_around(all: &[Point]) -> Result<(Point, f64)> {
    let count = all.len() as f64;
    let mut sum = Point::default();
    for point in all {
        sum = finite([sum[0] + point[0], sum[1] + point[1]], &[sum, *point].concat())?;
    }
    let center = [sum[0] / count, sum[1] / count];
    let mut radius = 0.0;
    for point in all {
        radius += distance(*point, center)?;
    }
    Ok((center, radius / count))
}

pub(super) fn less(a: f64, b: f64) -> bool {
    a + NEAR < b
}

pub(super) fn at_most(a: f64, b: f64) -> bool {
    a <= b + NEAR
}

fn makers() -> Vec<Native> {
    let pair = |name: &'static str, make: fn(Point, Point) -> Result<Vec<u8>>| {
        native2::<Bytes, Bytes, Bytes>(name, move |a, b| make(point_of(a), point_of(b)).map(Some))
    };
    vec![
        native2::<f64, f64, Bytes>("dg_point", |x, y| Ok(Some(bytes_of(&[x, y])))),
        native2::<Bytes, f64, Bytes>("dg_circle", |center, radius| {
            let [x, y] = point_of(center);
            Ok(Some(bytes_of(&[x, y, radius])))
        }),
        pair("dg_lseg", |a, b| Ok(bytes_of(&[a, b].concat()))),
        pair("dg_box", |a, b| Ok(make_box(a, b))),
        pair("dg_line", |a, b| {
            if same_point(a, b) {
                let message = "invalid line specification: must be two distinct points";
                return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
            }
            Ok(line_through(a, b))
        }),
    ]
}

/// Casts from one kind to another.
fn converted() -> Vec<Native> {
    let of_box = |name: &'static str, f: fn(Corners) -> Result<Vec<u8>>| {
        native1::<Bytes, Bytes>(name, move |a| f(pair_of(a)).map(Some))
    };
    let of_polygon = |name: &'static str, f: fn(&[Point]) -> Result<Vec<u8>>| {
        native1::<Bytes, Bytes>(name, move |a| f(&points(a, oid::POLYGON)).map(Some))
    };
    vec![
        of_box("dg_box_center", |(high, low)| middle(high, low).map(|p| bytes_of(&p))),
        of_box("dg_lseg_center", |(a, b)| middle(a, b).map(|p| bytes_of(&p))),
        of_box("dg_box_diagonal", |(high, low)| Ok(bytes_of(&[high, low].concat()))),
        of_box("dg_box_poly", |(high, low)| Ok(polygon(&[low, [low[0], high[1]], high, [high[0], low[1]]]))),
        of_box("dg_box_circle", |(high, low)| {
            let center = middle(high, low)?;
            Ok(bytes_of(&[center[0], center[1], distance(center, high)?]))
        }),
        of_polygon("dg_poly_center", |all| circle_around(all).map(|(center, _)| bytes_of(&center))),
        of_polygon("dg_poly_circle", |all| {
            circle_around(all).map(|(center, radius)| bytes_of(&[center[0], center[1], radius]))
        }),
        of_polygon("dg_poly_path", |all| Ok(path(true, all))),
        of_polygon("dg_poly_box", |all| Ok(box_around(all))),
        native1::<Bytes, Bytes>("dg_path_poly", |a| {
            if !is_closed(a) {
                let message = "open path cannot be converted to polygon";
                return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
            }
            Ok(Some(polygon(&points(a, oid::PATH))))
        }),
        native1::<Bytes, Bytes>("dg_circle_center", |a| Ok(Some(bytes_of(&circle_of(a).0)))),
        native1::<Bytes, Bytes>("dg_circle_box", |a| {
            let ([x, y], radius) = circle_of(a);
            let delta = radius / std::f64::consts::SQRT_2;
            let corners = finite([x + delta, y + delta, x - delta, y - delta], &[x, y, radius])?;
            Ok(Some(make_box([corners[0], corners[1]], [corners[2], corners[3]])))
        }),
    ]
}

/// The box that has all of these points.
pub(super) fn box_around(all: &[Point]) -> Vec<u8> {
    let first = all.first().copied().unwrap_or_default();
    let bound = |i: usize, f: fn(f64, f64) -> f64| all.iter().fold(first[i], |n, p| f(n, p[i]));
    make_box([bound(0, f64::max), bound(1, f64::max)], [bound(0, f64::min), bound(1, f64::min)])
}

fn measures() -> Vec<Native> {
    let of_box = |name: &'static str, f: fn(Corners) -> Result<f64>| {
        native1::<Bytes, f64>(name, move |a| f(pair_of(a)).map(Some))
    };
    let side = |i: usize, (high, low): Corners| finite([high[i] - low[i]], &[high[i], low[i]]).map(|n| n[0]);
    let circle = |name: &'static str, f: fn(f64) -> f64| {
        native1::<Bytes, f64>(name, move |a| {
            let radius = circle_of(a).1;
            finite([f(radius)], &[radius]).map(|n| Some(n[0]))
        })
    };
    vec![
        native1::<Bytes, f64>("dg_box_width", move |a| side(0, pair_of(a)).map(Some)),
        native1::<Bytes, f64>("dg_box_height", move |a| side(1, pair_of(a)).map(Some)),
        native1::<Bytes, f64>("dg_box_area", move |a| {
            let (width, height) = (side(0, pair_of(a))?, side(1, pair_of(a))?);
            finite([width * height], &[width, height]).map(|n| Some(n[0]))
        }),
        of_box("dg_lseg_length", |(a, b)| distance(a, b)),
        circle("dg_circle_radius", |r| r),
        circle("dg_circle_diameter", |r| r * 2.0),
        circle("dg_circle_area", |r| r * r * std::f64::consts::PI),
        native1::<Bytes, i32>("dg_path_npoints", |a| Ok(i32::try_from(points(a, oid::PATH).len()).ok())),
        native1::<Bytes, i32>("dg_poly_npoints", |a| Ok(i32::try_from(points(a, oid::POLYGON).len()).ok())),
    ]
}

fn paths() -> Vec<Native> {
    vec![
        native1::<Bytes, bool>("dg_path_isclosed", |a| Ok(Some(is_closed(a)))),
        native1::<Bytes, Bytes>("dg_path_close", |a| Ok(Some(path(true, &points(a, oid::PATH))))),
        native1::<Bytes, Bytes>("dg_path_open", |a| Ok(Some(path(false, &points(a, oid::PATH))))),
        native1::<Bytes, f64>("dg_path_length", |a| {
            let all = points(a, oid::PATH);
            let mut sum = 0.0;
            for (i, point) in all.iter().enumerate() {
                let before = match i.checked_sub(1) {
                    Some(before) => all[before],
                    None if is_closed(a) => all[all.len() - 1],
                    None => continue,
                };
                let step = distance(before, *point)?;
                [sum] = finite([sum + step], &[sum, step])?;
            }
            Ok(Some(sum))
        }),
    ]
}

fn of_points() -> Vec<Native> {
    let number = |name: &'static str, f: fn(Point, Point) -> Result<f64>| {
        native2::<Bytes, Bytes, f64>(name, move |a, b| f(point_of(a), point_of(b)).map(Some))
    };
    let made = |name: &'static str, f: fn(Point, Point) -> Result<Point>| {
        native2::<Bytes, Bytes, Bytes>(name, move |a, b| f(point_of(a), point_of(b)).map(|p| Some(bytes_of(&p))))
    };
    let test = |name: &'static str, f: fn(Point, Point) -> bool| {
        native2::<Bytes, Bytes, bool>(name, move |a, b| Ok(Some(f(point_of(a), point_of(b)))))
    };
    vec![
        number("dg_point_distance", distance),
        number("dg_point_slope", |a, b| Ok(slope(a, b))),
        made("dg_point_add", |a, b| finite([a[0] + b[0], a[1] + b[1]], &[a, b].concat())),
        made("dg_point_sub", |a, b| finite([a[0] - b[0], a[1] - b[1]], &[a, b].concat())),
        made("dg_point_mul", point_mul),
        made("dg_point_div", point_div),
        test("dg_point_eq", same_point),
        test("dg_point_left", |a, b| less(a[0], b[0])),
        test("dg_point_below", |a, b| less(a[1], b[1])),
        test("dg_point_horiz", |a, b| same(a[1], b[1])),
        test("dg_point_vert", |a, b| same(a[0], b[0])),
    ]
}

pub(super) fn point_mul(a: Point, b: Point) -> Result<Point> {
    finite([a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]], &[a, b].concat())
}

pub(super) fn point_div(a: Point, b: Point) -> Result<Point> {
    let [divisor] = finite([b[0] * b[0] + b[1] * b[1]], &b)?;
    if divisor == 0.0 {
        return Err(Error::new(SqlState::DIVISION_BY_ZERO, "division by zero"));
    }
    let result = [(a[0] * b[0] + a[1] * b[1]) / divisor, (a[1] * b[0] - a[0] * b[1]) / divisor];
    finite(result, &[a, b].concat())
}

fn of_segments() -> Vec<Native> {
    let test =
        |name: &'static str, f: fn(Corners) -> bool| native1::<Bytes, bool>(name, move |a| Ok(Some(f(pair_of(a)))));
    vec![
        test("dg_lseg_horizontal", |(a, b)| same(a[1], b[1])),
        test("dg_lseg_vertical", |(a, b)| same(a[0], b[0])),
        native2::<Bytes, Bytes, bool>("dg_lseg_intersect", |a, b| {
            let (one, other) = (pair_of(a), pair_of(b));
            let line = |(a, b): Corners| numbers(&line_through(a, b), oid::LINE);
            let Some(point) = crossing(&line(one), &line(other)) else { return Ok(Some(false)) };
            Ok(Some(holds(one, point)? && holds(other, point)?))
        }),
    ]
}

/// Where two lines cross (`line_interpt_line`); `None` if they are parallel.
pub(super) fn crossing(one: &[f64], other: &[f64]) -> Option<Point> {
    let (&[a1, b1, c1], &[a2, b2, c2]) = (one, other) else { return None };
    if !same(b1, 0.0) {
        let x = (b1 * c2 - b2 * c1) / (a1 * b2 - a2 * b1);
        return (!same(a2, a1 * (b2 / b1))).then(|| [x, -(a1 * x + c1) / b1]);
    }
    if same(b2, 0.0) {
        return None;
    }
    let x = (b2 * c1 - b1 * c2) / (a2 * b1 - a1 * b2);
    (!same(a1, a2 * (b1 / b2))).then(|| [x, -(a2 * x + c2) / b2])
}

/// Is the point on the segment (`lseg_contain_point`)?
pub(super) fn holds((a, b): Corners, point: Point) -> Result<bool> {
    Ok(same(distance(point, a)? + distance(point, b)?, distance(a, b)?))
}

fn of_boxes() -> Vec<Native> {
    let test = |name: &'static str, f: fn(Corners, Corners) -> bool| {
        native2::<Bytes, Bytes, bool>(name, move |a, b| Ok(Some(f(pair_of(a), pair_of(b)))))
    };
    vec![
        test("dg_box_same", |a, b| same_point(a.0, b.0) && same_point(a.1, b.1)),
        test("dg_box_overlap", |(h1, l1), (h2, l2)| (0..2).all(|i| at_most(l1[i], h2[i]) && at_most(l2[i], h1[i]))),
        test("dg_box_contain", |(h1, l1), (h2, l2)| (0..2).all(|i| at_most(h2[i], h1[i]) && at_most(l1[i], l2[i]))),
        test("dg_box_left", |(h1, _), (_, l2)| less(h1[0], l2[0])),
        test("dg_box_below", |(h1, _), (_, l2)| less(h1[1], l2[1])),
        native2::<Bytes, Bytes, bool>("dg_box_contain_pt", |a, b| {
            let ((high, low), point) = (pair_of(a), point_of(b));
            Ok(Some((0..2).all(|i| high[i] >= point[i] && low[i] <= point[i])))
        }),
    ]
}

fn of_circles() -> Vec<Native> {
    vec![
        native2::<Bytes, Bytes, bool>("dg_circle_contain_pt", |a, b| {
            let (center, radius) = circle_of(a);
            Ok(Some(distance(center, point_of(b))? <= radius))
        }),
        native2::<Bytes, Bytes, bool>("dg_circle_overlap", |a, b| {
            let ((center, radius), (other, its)) = (circle_of(a), circle_of(b));
            Ok(Some(at_most(distance(center, other)?, radius + its)))
        }),
        native2::<Bytes, Bytes, f64>("dg_circle_distance", |a, b| {
            let ((center, radius), (other, its)) = (circle_of(a), circle_of(b));
            let between = distance(center, other)? - (radius + its);
            Ok(Some(if between < 0.0 { 0.0 } else { between }))
        }),
        native2::<Bytes, Bytes, f64>("dg_circle_point_distance", |a, b| {
            let (center, radius) = circle_of(a);
            let between = distance(center, point_of(b))? - radius;
            Ok(Some(if between < 0.0 { 0.0 } else { between }))
        }),
    ]
}
