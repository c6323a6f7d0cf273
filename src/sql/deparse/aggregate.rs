//! Aggregates and window functions.
//!
//! `sum(a) filter (where b) over w` → `sum(t.a) FILTER (WHERE t.b) OVER w`

use super::Printer;
use crate::error::Result;
use crate::tree::{Aggregate, Expr, Frame, FrameBound, FrameExclude, FrameUnits, Window, WindowSpec};

impl Printer<'_> {
    pub(super) fn aggregate(&mut self, a: &Aggregate) -> Result<()> {
        let Aggregate { func, args, distinct, order_by, filter, star } = a;
        self.function_name(func);
        self.push(if *distinct { "(DISTINCT " } else { "(" });
        if matches!(func.agg_kind, b'o' | b'h') {
            self.list(args, |p, arg| p.expr(arg, true))?;
            self.push(") WITHIN GROUP (ORDER BY ");
            self.order_by(order_by, None)?;
        } else {
            match star {
                true => self.push("*"),
                false => self.list(args, |p, arg| p.expr(arg, true))?,
            }
            if !order_by.is_empty() {
                self.push(" ORDER BY ");
                self.order_by(order_by, None)?;
            }
        }
        self.filter(filter.as_ref())?;
        self.push(")");
        Ok(())
    }

    fn filter(&mut self, filter: Option<&Expr>) -> Result<()> {
        if let Some(filter) = filter {
            self.push(") FILTER (WHERE ");
            self.expr(filter, false)?;
        }
        Ok(())
    }

    pub(super) fn window(&mut self, w: &Window) -> Result<()> {
        let Window { func, args, star, filter, spec } = w;
        self.function_name(func);
        self.push("(");
        match star {
            true => self.push("*"),
            false => self.list(args, |p, arg| p.expr(arg, true))?,
        }
        self.filter(filter.as_ref())?;
        self.push(") OVER ");
        match &spec.name {
            Some(name) => self.name(name),
            None => self.window_spec(spec)?,
        }
        Ok(())
    }

    /// What stands in parentheses after OVER, or in the WINDOW clause.
    pub(super) fn window_spec(&mut self, spec: &WindowSpec) -> Result<()> {
        let WindowSpec { name: _, base, partition_by, order_by, frame } = spec;
        self.push("(");
        let mut space = "";
        if let Some((base, _)) = base {
            self.name(base);
            space = " ";
        }
        if !partition_by.is_empty() && base.is_none() {
            self.push("PARTITION BY ");
            self.list(partition_by, |p, expr| p.sort_item(expr))?;
            space = " ";
        }
        if !order_by.is_empty() && !base.as_ref().is_some_and(|(_, copied)| *copied) {
            self.push(space);
            self.push("ORDER BY ");
            self.order_by(order_by, None)?;
            space = " ";
        }
        if let Some(frame) = frame {
            self.push(space);
            self.frame(frame)?;
        }
        self.push(")");
        Ok(())
    }

    fn frame(&mut self, frame: &Frame) -> Result<()> {
        let Frame { units, between, start, end, exclude } = frame;
        self.push(match units {
            FrameUnits::Rows => "ROWS ",
            FrameUnits::Range => "RANGE ",
            FrameUnits::Groups => "GROUPS ",
        });
        self.push(if *between { "BETWEEN " } else { "" });
        self.bound(start)?;
        if *between {
            self.push(" AND ");
            self.bound(end)?;
        }
        self.push(match exclude {
            FrameExclude::NoOthers => "",
            FrameExclude::CurrentRow => " EXCLUDE CURRENT ROW",
            FrameExclude::Group => " EXCLUDE GROUP",
            FrameExclude::Ties => " EXCLUDE TIES",
        });
        Ok(())
    }

    fn bound(&mut self, bound: &FrameBound) -> Result<()> {
        match bound {
            FrameBound::UnboundedPreceding => self.push("UNBOUNDED PRECEDING"),
            FrameBound::CurrentRow => self.push("CURRENT ROW"),
            FrameBound::UnboundedFollowing => self.push("UNBOUNDED FOLLOWING"),
            FrameBound::Preceding(offset) => {
                self.expr(offset, false)?;
                self.push(" PRECEDING");
            }
            FrameBound::Following(offset) => {
                self.expr(offset, false)?;
                self.push(" FOLLOWING");
            }
        }
        Ok(())
    }
}
