//! The table that is printed.

use std::fmt::Write;
use std::time::Duration;

#[derive(Default)]
pub struct Report(Vec<Row>);

/// One measure of the three; a ratio above 1 is in the gateway's favour against PostgreSQL, and how many times
/// DuckDB's own time the gateway takes.
pub struct Row {
    name: String,
    ours: f64,
    postgres: Option<f64>,
    in_process: Option<f64>,
    /// Seconds (less is better), or a rate.
    rate: bool,
    goals: Vec<(String, bool)>,
}

impl Row {
    pub fn seconds(name: &str, ours: Duration, postgres: Option<Duration>, in_process: Option<Duration>) -> Self {
        Self {
            name: name.into(),
            ours: ours.as_secs_f64(),
            postgres: postgres.map(|d| d.as_secs_f64()),
            in_process: in_process.map(|d| d.as_secs_f64()),
            rate: false,
            goals: Vec::new(),
        }
    }

    pub fn rate(name: &str, ours: f64, postgres: Option<f64>, in_process: Option<f64>) -> Self {
        Self { name: name.into(), ours, postgres, in_process, rate: true, goals: Vec::new() }
    }

    /// At least so many times PostgreSQL's speed; at most so many times the in-process time.
    pub fn goal(mut self, over_postgres: Option<f64>, over_in_process: Option<f64>) -> Self {
        if let (Some(goal), Some(ratio)) = (over_postgres, self.over_postgres()) {
            self.goals.push((format!("≥ {goal} × PostgreSQL"), ratio >= goal));
        }
        if let (Some(goal), Some(ratio)) = (over_in_process, self.over_in_process()) {
            self.goals.push((format!("≤ {goal} × in-process"), ratio <= goal));
        }
        self
    }

    /// At most so much longer than in-process.
    pub fn within(mut self, more: Duration) -> Self {
        if let Some(inside) = self.in_process {
            self.goals.push((format!("≤ in-process + {more:?}"), self.ours <= inside + more.as_secs_f64()));
        }
        self
    }

    pub fn at_most(mut self, limit: Duration, what: &str) -> Self {
        self.goals.push((format!("≤ {what}"), self.ours <= limit.as_secs_f64()));
        self
    }

    fn over_postgres(&self) -> Option<f64> {
        self.postgres.map(|theirs| if self.rate { self.ours / theirs } else { theirs / self.ours })
    }

    fn over_in_process(&self) -> Option<f64> {
        self.in_process.map(|inside| if self.rate { inside / self.ours } else { self.ours / inside })
    }

    fn figure(&self, value: f64) -> String {
        match value {
            v if self.rate => format!("{v:.0}"),
            v if v >= 1.0 => format!("{v:.2} s"),
            v if v >= 0.001 => format!("{:.1} ms", v * 1e3),
            v => format!("{:.0} µs", v * 1e6),
        }
    }
}

impl Report {
    pub fn add(&mut self, row: Row) {
        self.0.push(row);
    }

    pub fn markdown(&self, scale: f64) -> String {
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let mut out = format!(
            "TPC-H scale factor {scale}, {cores} cores; the best of three runs where nothing else is said.\n\n"
        );
        out.push_str("| measure | gateway | PostgreSQL | DuckDB in-process | × PostgreSQL's speed | × in-process time | goal |\n");
        out.push_str("|---|---:|---:|---:|---:|---:|---|\n");
        for row in &self.0 {
            let figure = |value: Option<f64>| value.map_or("–".into(), |v| row.figure(v));
            let ratio = |value: Option<f64>| value.map_or("–".into(), |v| format!("{v:.2}"));
            let goals: Vec<_> = row
                .goals
                .iter()
                .map(|(goal, met)| format!("{goal}: {}", if *met { "met" } else { "**missed**" }))
                .collect();
            let _ = writeln!(
                out,
                "| {} | {} | {} | {} | {} | {} | {} |",
                row.name,
                row.figure(row.ours),
                figure(row.postgres),
                figure(row.in_process),
                ratio(row.over_postgres()),
                ratio(row.over_in_process()),
                goals.join("; ")
            );
        }
        out
    }
}
