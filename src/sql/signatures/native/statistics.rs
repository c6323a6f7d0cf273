//! Statistical aggregates as PostgreSQL computes them: float8 by Youngs and Cramer (float8_accum, float8_regr_accum),
//! integers and numeric exactly (numeric_stddev_internal).

use std::any::Any;

use super::*;
use crate::engine::AggregateState;
use crate::types::Value;
use crate::types::numeric::Numeric;

pub(super) fn aggregates() -> Vec<NativeAggregate> {
    let mut all = Vec::new();
    for (name, finish) in FLOAT {
        all.push(NativeAggregate {
            name,
            args: vec![Phys::Float8],
            result: Phys::Float8,
            new_state: Arc::new(move || Box::new(Moments { finish: *finish, ..Moments::default() })),
        });
    }
    for (name, finish) in PAIRS {
        all.push(NativeAggregate {
            name,
            args: vec![Phys::Float8, Phys::Float8],
            result: Phys::Float8,
            new_state: Arc::new(move || Box::new(Regression { finish: *finish, ..Regression::default() })),
        });
    }
    for (name, sample, root) in NUMERIC {
        all.push(NativeAggregate {
            name,
            args: vec![Phys::Numeric],
            result: Phys::Numeric,
            new_state: Arc::new(move || Box::new(Deviation { sample: *sample, root: *root, ..Deviation::default() })),
        });
    }
    for (name, average) in [("dg_interval_sum", false), ("dg_interval_avg", true)] {
        all.push(NativeAggregate {
            name,
            args: vec![Phys::Interval],
            result: Phys::Interval,
            new_state: Arc::new(move || Box::new(IntervalSum { average, count: 0, sum: None })),
        });
    }
    all
}

/// sum() and avg() of intervals: the fields apart, each within its range.
struct IntervalSum {
    average: bool,
    count: i64,
    sum: Option<Interval>,
}

impl IntervalSum {
    fn add(&mut self, value: Interval) -> Result<()> {
        self.sum = Some(match self.sum {
            Some(sum) => super::datetime::add(sum, value)?,
            None => value,
        });
        Ok(())
    }
}

impl AggregateState for IntervalSum {
    fn update(&mut self, args: &[ArrayRef], row: usize) -> Result<()> {
        let Some(array) = args.first() else { return Ok(()) };
        if let Value::Interval { months, days, micros } = value_at(&**array, row, &Phys::Interval) {
            self.count += 1;
            self.add(Interval { months, days, micros })?;
        }
        Ok(())
    }

    fn merge(&mut self, other: &dyn AggregateState) -> Result<()> {
        let Some(other) = other.as_any().downcast_ref::<Self>() else { return Ok(()) };
        self.count += other.count;
        other.sum.map_or(Ok(()), |sum| self.add(sum))
    }

    fn finish(&self) -> Result<Value> {
        let Some(sum) = self.sum else { return Ok(Value::Null) };
        let Interval { months, days, micros } =
            if self.average { super::datetime::multiply(sum, self.count as f64, |x, f| x / f)? } else { sum };
        Ok(Value::Interval { months, days, micros })
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

const FLOAT: &[(&str, fn(&Moments) -> Option<f64>)] = &[
    ("dg_float8_sum", |m| (m.n > 0.0).then_some(m.sx)),
    ("dg_float8_avg", |m| (m.n > 0.0).then(|| m.sx / m.n)),
    ("dg_float8_var_pop", |m| (m.n > 0.0).then(|| m.sxx / m.n)),
    ("dg_float8_var_samp", |m| (m.n > 1.0).then(|| m.sxx / (m.n - 1.0))),
    ("dg_float8_stddev_pop", |m| (m.n > 0.0).then(|| (m.sxx / m.n).sqrt())),
    ("dg_float8_stddev_samp", |m| (m.n > 1.0).then(|| (m.sxx / (m.n - 1.0)).sqrt())),
];

/// Y is the first argument, X the second.
const PAIRS: &[(&str, fn(&Regression) -> Option<f64>)] = &[
    ("dg_regr_sxx", |r| (r.n > 0.0).then_some(r.sxx)),
    ("dg_regr_syy", |r| (r.n > 0.0).then_some(r.syy)),
    ("dg_regr_sxy", |r| (r.n > 0.0).then_some(r.sxy)),
    ("dg_regr_avgx", |r| (r.n > 0.0).then(|| r.sx / r.n)),
    ("dg_regr_avgy", |r| (r.n > 0.0).then(|| r.sy / r.n)),
    ("dg_regr_r2", |r| match (r.n > 0.0, r.sxx == 0.0, r.syy == 0.0) {
        (false, _, _) | (_, true, _) => None,
        (true, false, true) => Some(1.0),
        (true, false, false) => Some((r.sxy * r.sxy) / (r.sxx * r.syy)),
    }),
    ("dg_regr_slope", |r| (r.n > 0.0 && r.sxx != 0.0).then(|| r.sxy / r.sxx)),
    ("dg_regr_intercept", |r| (r.n > 0.0 && r.sxx != 0.0).then(|| (r.sy - r.sx * r.sxy / r.sxx) / r.n)),
    ("dg_covar_pop", |r| (r.n > 0.0).then(|| r.sxy / r.n)),
    ("dg_covar_samp", |r| (r.n > 1.0).then(|| r.sxy / (r.n - 1.0))),
    ("dg_corr", |r| (r.n > 0.0 && r.sxx != 0.0 && r.syy != 0.0).then(|| r.sxy / (r.sxx * r.syy).sqrt())),
];

/// Name, of a sample rather than the population, its root.
const NUMERIC: &[(&str, bool, bool)] = &[
    ("dg_numeric_var_pop", false, false),
    ("dg_numeric_var_samp", true, false),
    ("dg_numeric_stddev_pop", false, true),
    ("dg_numeric_stddev_samp", true, true),
];

fn overflow() -> Error {
    out_of_range("value out of range: overflow")
}

fn float(value: Option<f64>) -> Value {
    value.map_or(Value::Null, Value::Float8)
}

/// N, Sx, Sxx.
struct Moments {
    n: f64,
    sx: f64,
    sxx: f64,
    /// It is told where the sums are asked for: a window's frames are put together from such as nobody asks for.
    overflowed: bool,
    finish: fn(&Moments) -> Option<f64>,
}

impl Default for Moments {
    fn default() -> Self {
        Self { n: 0.0, sx: 0.0, sxx: 0.0, overflowed: false, finish: |_| None }
    }
}

impl Moments {
    /// float8_accum fails when the squares overflow, whatever is asked of it; sum() does not come that way.
    fn wants_squares(&self) -> bool {
        self.finish as usize != FLOAT[0].1 as usize
    }
}

impl AggregateState for Moments {
    fn update(&mut self, args: &[ArrayRef], row: usize) -> Result<()> {
        let array = downcast::<f64>(args, 0)?;
        if array.is_null(row) {
            return Ok(());
        }
        let x = array.value(row);
        let (n, sx) = (self.n, self.sx);
        self.n += 1.0;
        self.sx += x;
        if n > 0.0 {
            let tmp = x * self.n - self.sx;
            self.sxx += tmp * tmp / (self.n * n);
            if self.sx.is_infinite() || self.sxx.is_infinite() {
                if !sx.is_infinite() && !x.is_infinite() && (self.sx.is_infinite() || self.wants_squares()) {
                    self.overflowed = true;
                }
                self.sxx = f64::NAN;
            }
        } else if !x.is_finite() {
            self.sxx = f64::NAN;
        }
        Ok(())
    }

    fn merge(&mut self, other: &dyn AggregateState) -> Result<()> {
        let Some(b) = other.as_any().downcast_ref::<Self>() else { return Ok(()) };
        self.overflowed |= b.overflowed;
        if self.n == 0.0 {
            (self.n, self.sx, self.sxx) = (b.n, b.sx, b.sxx);
        } else if b.n > 0.0 {
            let n = self.n + b.n;
            let sx = self.sx + b.sx;
            if sx.is_infinite() && !self.sx.is_infinite() && !b.sx.is_infinite() {
                self.overflowed = true;
            }
            let tmp = self.sx / self.n - b.sx / b.n;
            let sxx = self.sxx + b.sxx + self.n * b.n * tmp * tmp / n;
            if self.wants_squares() && sxx.is_infinite() && !self.sxx.is_infinite() && !b.sxx.is_infinite() {
                self.overflowed = true;
            }
            (self.n, self.sx, self.sxx) = (n, sx, sxx);
        }
        Ok(())
    }

    fn finish(&self) -> Result<Value> {
        if self.overflowed { Err(overflow()) } else { Ok(float((self.finish)(self))) }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// N, Sx, Sxx, Sy, Syy, Sxy.
struct Regression {
    n: f64,
    sx: f64,
    sxx: f64,
    sy: f64,
    syy: f64,
    sxy: f64,
    /// As of [`Moments`].
    overflowed: bool,
    finish: fn(&Regression) -> Option<f64>,
}

impl Default for Regression {
    fn default() -> Self {
        Self { n: 0.0, sx: 0.0, sxx: 0.0, sy: 0.0, syy: 0.0, sxy: 0.0, overflowed: false, finish: |_| None }
    }
}

impl AggregateState for Regression {
    fn update(&mut self, args: &[ArrayRef], row: usize) -> Result<()> {
        let (ys, xs) = (downcast::<f64>(args, 0)?, downcast::<f64>(args, 1)?);
        if ys.is_null(row) || xs.is_null(row) {
            return Ok(());
        }
        let (y, x) = (ys.value(row), xs.value(row));
        let (n, sx, sy) = (self.n, self.sx, self.sy);
        self.n += 1.0;
        self.sx += x;
        self.sy += y;
        if n > 0.0 {
            let (tx, ty) = (x * self.n - self.sx, y * self.n - self.sy);
            let scale = 1.0 / (self.n * n);
            self.sxx += tx * tx * scale;
            self.syy += ty * ty * scale;
            self.sxy += tx * ty * scale;
            let sums = [self.sx, self.sxx, self.sy, self.syy, self.sxy];
            if sums.iter().any(|s| s.is_infinite()) {
                let of_x = !sx.is_infinite() && !x.is_infinite();
                let of_y = !sy.is_infinite() && !y.is_infinite();
                if (self.sx.is_infinite() || self.sxx.is_infinite()) && of_x
                    || (self.sy.is_infinite() || self.syy.is_infinite()) && of_y
                    || self.sxy.is_infinite() && of_x && of_y
                {
                    self.overflowed = true;
                }
                for sum in [&mut self.sxx, &mut self.syy, &mut self.sxy] {
                    if sum.is_infinite() {
                        *sum = f64::NAN;
                    }
                }
            }
        } else {
            if !x.is_finite() {
                (self.sxx, self.sxy) = (f64::NAN, f64::NAN);
            }
            if !y.is_finite() {
                (self.syy, self.sxy) = (f64::NAN, f64::NAN);
            }
        }
        Ok(())
    }

    fn merge(&mut self, other: &dyn AggregateState) -> Result<()> {
        let Some(b) = other.as_any().downcast_ref::<Self>() else { return Ok(()) };
        self.overflowed |= b.overflowed;
        if self.n == 0.0 {
            (self.n, self.sx, self.sxx, self.sy, self.syy, self.sxy) = (b.n, b.sx, b.sxx, b.sy, b.syy, b.sxy);
        } else if b.n > 0.0 {
            let n = self.n + b.n;
            let (tx, ty) = (self.sx / self.n - b.sx / b.n, self.sy / self.n - b.sy / b.n);
            let weight = self.n * b.n / n;
            let sums = |r: &Self| [r.sx, r.sxx, r.sy, r.syy, r.sxy];
            let known = sums(self).iter().chain(&sums(b)).any(|s| s.is_infinite());
            self.sx += b.sx;
            self.sxx += b.sxx + weight * tx * tx;
            self.sy += b.sy;
            self.syy += b.syy + weight * ty * ty;
            self.sxy += b.sxy + weight * tx * ty;
            self.n = n;
            if !known && sums(self).iter().any(|s| s.is_infinite()) {
                self.overflowed = true;
            }
        }
        Ok(())
    }

    fn finish(&self) -> Result<Value> {
        if self.overflowed { Err(overflow()) } else { Ok(float((self.finish)(self))) }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// N, sum(X), sum(X*X), exactly; whether anything was NaN or infinite.
#[derive(Default)]
struct Deviation {
    n: i64,
    special: bool,
    sum: Option<Numeric>,
    squares: Option<Numeric>,
    sample: bool,
    root: bool,
}

fn plus(sum: &mut Option<Numeric>, more: &Numeric) -> Result<()> {
    *sum = Some(match sum.take() {
        Some(sum) => sum.add(more)?,
        None => more.clone(),
    });
    Ok(())
}

impl AggregateState for Deviation {
    fn update(&mut self, args: &[ArrayRef], row: usize) -> Result<()> {
        let array = downcast::<NumericText>(args, 0)?;
        if array.is_null(row) {
            return Ok(());
        }
        let text = array.value(row);
        self.n += 1;
        if matches!(text, "NaN" | "Infinity" | "-Infinity") {
            self.special = true;
            return Ok(());
        }
        let x = Numeric::parse(text)?;
        plus(&mut self.squares, &x.mul(&x)?)?;
        plus(&mut self.sum, &x)
    }

    fn merge(&mut self, other: &dyn AggregateState) -> Result<()> {
        let Some(b) = other.as_any().downcast_ref::<Self>() else { return Ok(()) };
        self.n += b.n;
        self.special |= b.special;
        if let (Some(sum), Some(squares)) = (&b.sum, &b.squares) {
            plus(&mut self.sum, sum)?;
            plus(&mut self.squares, squares)?;
        }
        Ok(())
    }

    fn finish(&self) -> Result<Value> {
        if self.n <= i64::from(self.sample) {
            return Ok(Value::Null);
        }
        let given = |n: Numeric| Ok(Value::Numeric(n.as_text().into()));
        let (Some(sum), Some(squares), false) = (&self.sum, &self.squares, self.special) else {
            return given(Numeric::NaN);
        };
        let n = Numeric::from_i128(self.n.into());
        let spread = n.mul(squares)?.sub(&sum.mul(sum)?)?;
        if spread.compare(&Numeric::zero()) != std::cmp::Ordering::Greater {
            return given(Numeric::zero());
        }
        let last = Numeric::from_i128(i128::from(self.n) - i128::from(self.sample));
        let variance = spread.div(&n.mul(&last)?)?;
        given(if self.root { variance.sqrt_at(variance.dscale())? } else { variance })
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
