//! Parameters: what the client sent becomes values, and a plan's hidden parameters get what the session knows.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use super::portals::formats;
use super::session::Session;
use super::settings::VERSION_TEXT;
use crate::error::{Error, Result, SqlState};
use crate::registry::Name;
use crate::registry::bootstrap::TEMPORARY;
use crate::registry::seen::Seen;
use crate::sql::{ParamSource, Plan};
use crate::tree::SessionValue;
use crate::types::datetime::zone::Zone;
use crate::types::{self, ArrayValue, OutputSettings, PgType, Value, oid};

const MICROS_PER_SECOND: i64 = 1_000_000;

/// Decodes the values of a Bind message; `names` says what the names of objects mean (regclass and kin).
pub fn decode(
    statement: &str,
    portal: &str,
    types: &[PgType],
    codes: &[i16],
    values: &[Option<Bytes>],
    settings: &OutputSettings,
    names: &Seen,
) -> Result<Vec<Value>> {
    let given = values.len();
    let codes = formats(codes, given, |n| format!("bind message has {n} parameter formats but {given} parameters"))?;
    if given != types.len() {
        let message = format!(
            "bind message supplies {given} parameters, but prepared statement \"{statement}\" requires {}",
            types.len()
        );
        return Err(Error::new(SqlState::PROTOCOL_VIOLATION, message));
    }
    let mut out = Vec::with_capacity(given);
    for (i, ((value, ty), code)) in values.iter().zip(types).zip(codes).enumerate() {
        let Some(bytes) = value else {
            out.push(Value::Null);
            continue;
        };
        let decoded = match code {
            0 => text(bytes, *ty, settings, names),
            _ => binary(bytes, *ty, settings, names),
        };
        out.push(decoded.map_err(|error| in_parameter(error, portal, i, code == 0))?);
    }
    Ok(out)
}

fn text(bytes: &[u8], ty: PgType, settings: &OutputSettings, names: &Seen) -> Result<Value> {
    types::text::parse(&settings.client_encoding.decode(bytes)?, ty, settings, names)
}

fn binary(bytes: &[u8], ty: PgType, settings: &OutputSettings, names: &Seen) -> Result<Value> {
    let from = settings.client_encoding;
    if !from.converts() {
        return types::binary::decode(bytes, ty, names);
    }
    let utf8 = |text: &[u8]| Ok(from.decode(text)?.into_owned().into_bytes());
    types::binary::decode(&types::encoding::binary(bytes, ty, names, &utf8)?, ty, names)
}

/// The context that PostgreSQL adds: which parameter.
fn in_parameter(mut error: Error, portal: &str, index: usize, is_text: bool) -> Error {
    let report = error.report_mut();
    if report.code == SqlState::INVALID_BINARY_REPRESENTATION && report.message == "incorrect binary data format" {
        let _ = write!(report.message, " in bind parameter {}", index + 1);
    }
    let portal = if portal.is_empty() { "unnamed portal".to_owned() } else { format!("portal \"{portal}\"") };
    // log_parameter_max_length_on_error is 0: that there is a text, but not which.
    let is_text = is_text && report.code != SqlState::CHARACTER_NOT_IN_REPERTOIRE;
    let shown = if is_text { " = '...'" } else { "" };
    error.context(format!("{portal} parameter ${}{shown}", index + 1))
}

/// Microseconds since 1970.
pub fn micros(time: SystemTime) -> i64 {
    let since = |d: Duration| i64::try_from(d.as_micros()).unwrap_or(i64::MAX);
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => since(after),
        Err(before) => -since(before.duration()),
    }
}

/// Local date (days since 1970), time of day (microseconds) and offset (seconds east) of a moment.
fn local(micros: i64, zone_name: &str) -> (i32, i64, i32) {
    let zone = Zone::find(zone_name).unwrap_or_else(Zone::utc);
    let offset = zone.offset_at(micros.div_euclid(MICROS_PER_SECOND));
    let shifted = micros + i64::from(offset) * MICROS_PER_SECOND;
    let day = 86_400 * MICROS_PER_SECOND;
    (i32::try_from(shifted.div_euclid(day)).unwrap_or_default(), shifted.rem_euclid(day), offset)
}

fn names(names: impl Iterator<Item = Name>) -> Value {
    let items: Vec<Value> = names.map(Value::Text).collect();
    let dims = if items.is_empty() { Vec::new() } else { vec![(items.len() as i32, 1)] };
    Value::Array(ArrayValue { element: oid::NAME, dims, items })
}

impl Session {
    /// The values of a plan's parameters, in its own order.
    pub(super) fn bind_values(&self, plan: &Plan, client: &[Value], feed: Option<u64>) -> Result<Vec<Value>> {
        self.bind_sources(&plan.params, client, feed)
    }

    pub(super) fn bind_sources(
        &self,
        sources: &[ParamSource],
        client: &[Value],
        feed: Option<u64>,
    ) -> Result<Vec<Value>> {
        let value = |source: &ParamSource| match source {
            ParamSource::Client(n) => client.get(usize::from(*n)).cloned().ok_or_else(|| no_parameter(*n)),
            ParamSource::Session(value) => self.session_value(*value),
            ParamSource::Execution => Ok(Value::Int8(self.execution)),
            ParamSource::Feed => {
                let number = feed.and_then(|n| i64::try_from(n).ok());
                number.map(Value::Int8).ok_or_else(|| Error::internal("a feed outside COPY"))
            }
            ParamSource::Column(_) => Err(Error::internal("a column in a column")),
        };
        sources.iter().map(|source| source.bind(&value)).collect()
    }

    /// What the session binds for CURRENT_DATE, current_user and so on.
    pub(super) fn session_value(&self, value: SessionValue) -> Result<Value> {
        let state = self.shared.state.lock();
        let started = || micros(self.transaction.started().unwrap_or(self.statement_start));
        let time_zone = &state.settings.acting().output.time_zone;
        let role_name = |role| state.snapshot.role_by_oid(role).map(|r| Value::Text(r.name.clone()));
        let visible = || state.search_path.iter().filter(|n| &***n != TEMPORARY).cloned();
        // current_schemas(false) leaves out pg_catalog where search_path does not name it.
        let explicit = || {
            let named = state.settings.acting().search_path.iter().any(|n| n == "pg_catalog");
            visible().filter(move |n| named || &**n != "pg_catalog")
        };
        Ok(match value {
            SessionValue::TransactionTimestamp => Value::TimestampTz(started()),
            SessionValue::StatementTimestamp => Value::TimestampTz(micros(self.statement_start)),
            SessionValue::CurrentDate => Value::Date(local(started(), time_zone).0),
            SessionValue::CurrentTime => {
                let (_, time, offset) = local(started(), time_zone);
                Value::TimeTz(time, offset)
            }
            SessionValue::LocalTime => Value::Time(local(started(), time_zone).1),
            SessionValue::LocalTimestamp => {
                let (day, time, _) = local(started(), time_zone);
                Value::Timestamp(i64::from(day) * 86_400 * MICROS_PER_SECOND + time)
            }
            SessionValue::CurrentUser => role_name(state.role).unwrap_or(Value::Null),
            SessionValue::SessionUser => role_name(state.session_user).unwrap_or(Value::Null),
            SessionValue::CurrentDatabase => Value::Text(self.shared.database.clone()),
            SessionValue::CurrentSchema => explicit().next().map_or(Value::Null, Value::Text),
            SessionValue::CurrentSchemas => names(explicit()),
            SessionValue::CurrentSchemasImplicit => names(visible()),
            SessionValue::BackendPid => Value::Int4(self.shared.pid),
            SessionValue::ServerVersion => Value::text(VERSION_TEXT),
            SessionValue::ClientAddr => self.shared.peer.map_or(Value::Null, |p| address(p.ip().to_canonical())),
            SessionValue::ClientPort => self.shared.peer.map_or(Value::Null, |p| Value::Int4(p.port().into())),
            SessionValue::ServerAddr => self.shared.local.map_or(Value::Null, |l| address(l.ip().to_canonical())),
            SessionValue::ServerPort => self.shared.local.map_or(Value::Null, |l| Value::Int4(l.port().into())),
            SessionValue::PostmasterStartTime | SessionValue::ConfLoadTime => {
                Value::TimestampTz(micros(self.gateway.started))
            }
            SessionValue::TimeZone => Value::Text(Arc::clone(time_zone)),
            SessionValue::SessionId => Value::Int8(i64::try_from(self.shared.id).unwrap_or_default()),
        })
    }
}

fn no_parameter(n: u16) -> Error {
    Error::new(SqlState::UNDEFINED_PARAMETER, format!("there is no parameter ${}", n + 1))
}

/// A client's address as an inet.
fn address(ip: std::net::IpAddr) -> Value {
    Value::Bytea(crate::types::coded::inet::Inet::host(ip).encode().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_local_day_follows_the_zone() {
        // 2024-07-01 23:30 UTC is the next day in Berlin.
        let moment = 1_719_876_600 * MICROS_PER_SECOND;
        assert_eq!(local(moment, "UTC"), (19905, 84_600 * MICROS_PER_SECOND, 0));
        assert_eq!(local(moment, "Europe/Berlin"), (19906, 5_400 * MICROS_PER_SECOND, 7200));
        assert_eq!(local(moment, "<-08>+08").2, -8 * 3600);
    }

    #[test]
    fn wrong_counts_have_postgresql_wording() {
        let nothing = Seen::new(Arc::default(), Arc::default(), 10);
        let settings = OutputSettings::default();
        let message = |types: &[PgType], codes: &[i16], values: &[Option<Bytes>]| {
            let error = decode("s", "", types, codes, values, &settings, &nothing).unwrap_err();
            assert_eq!(error.code(), SqlState::PROTOCOL_VIOLATION);
            error.report().message.clone()
        };
        let int = PgType::new(oid::INT4);
        assert_eq!(
            message(&[int], &[], &[]),
            "bind message supplies 0 parameters, but prepared statement \"s\" requires 1"
        );
        assert_eq!(
            message(&[int; 3], &[0, 1], &[None, None, None]),
            "bind message has 2 parameter formats but 3 parameters"
        );
    }

    #[test]
    fn bytes_that_are_not_utf8_are_named() {
        let error = types::binary::text(b"a\xe9\x20b").unwrap_err();
        assert_eq!(error.report().message, "invalid byte sequence for encoding \"UTF8\": 0xe9 0x20 0x62");
    }
}
