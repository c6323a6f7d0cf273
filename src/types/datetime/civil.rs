//! The proleptic Gregorian calendar on day numbers. Years are astronomical: 0 is 1 BC.

/// Year, month (1-12), day (1-31) of a day number (days since 1970-01-01).
pub fn from_days(days: i32) -> (i32, u32, u32) {
    // Count from 0000-03-01, so that the leap day is the last of its year.
    let z = i64::from(days) + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097) as u32;
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = era * 400 + i64::from(yoe) + i64::from(month <= 2);
    (year as i32, month, day)
}

/// The day number of a date. The month must be 1-12; the day may run over.
pub fn to_days(year: i32, month: u32, day: u32) -> i64 {
    let y = i64::from(year) - i64::from(month <= 2);
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let mp = i64::from((month + 9) % 12);
    let doy = (153 * mp + 2) / 5 + i64::from(day) - 1;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    era * 146_097 + doe - 719_468
}

pub fn is_leap(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

pub fn days_in_month(year: i32, month: u32) -> u32 {
    match month {
        2 => 28 + u32::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// 0 is Sunday.
pub fn weekday(days: i32) -> u32 {
    (i64::from(days) + 4).rem_euclid(7) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_are_inverse_over_the_whole_range() {
        let mut day = super::super::MIN_DATE;
        while day < 3_000_000 {
            let (y, m, d) = from_days(day);
            assert_eq!(to_days(y, m, d), i64::from(day));
            day += 97;
        }
        assert_eq!(from_days(0), (1970, 1, 1));
        assert_eq!(from_days(super::super::MIN_DATE), (-4713, 11, 24));
        assert_eq!(from_days(super::super::MAX_DATE), (5_874_897, 12, 31));
        assert_eq!(weekday(0), 4);
    }
}
