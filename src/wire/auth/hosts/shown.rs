//! pg_hba_file_rules: the host rules' file as it is now.

use std::net::IpAddr;
use std::path::Path;

use super::super::words::{self, Line, Word};
use super::{Addresses, Kind, Rule, beside, rule, text_of};
use crate::engine::directory::{HostRule, HostRuleFields};

/// pg_hba_file_rules: each line of the file as it stands there now, or what is wrong with it. Without a file, what holds then.
pub fn shown(rules: Option<&Path>, map: Option<&Path>) -> Vec<HostRule> {
    let fault = |line, error: String| HostRule { line, rule: None, error: Some(error) };
    let any = |kind: &str, address: Option<&str>| {
        let rule = HostRuleFields {
            kind: kind.into(),
            databases: vec!["all".into()],
            users: vec!["all".into()],
            address: address.map(str::to_owned),
            method: "scram-sha-256".into(),
            ..Default::default()
        };
        HostRule { line: None, rule: Some(rule), error: None }
    };
    let Some(path) = rules else { return vec![any("local", None), any("host", Some("all"))] };
    let maps = match map.map(|path| text_of(path).and_then(|text| words::Map::parse(&text))).transpose() {
        Ok(maps) => maps.unwrap_or_default(),
        Err(error) => return vec![fault(None, error)],
    };
    let lines = match text_of(path).and_then(|text| words::lines(&text)) {
        Ok(lines) => lines,
        Err(error) => return vec![fault(None, error)],
    };
    let read = beside(path);
    let told = |line: &Line| {
        let number = i32::try_from(line.number).ok();
        match rule(line, &maps, &read) {
            Ok(rule) => HostRule { line: number, rule: Some(fields(line, &rule)), error: None },
            Err(error) => fault(number, error),
        }
    };
    lines.iter().map(told).collect()
}

/// A line's fields as they are written; addresses apart from their masks.
fn fields(line: &Line, rule: &Rule) -> HostRuleFields {
    let texts = |field: &[Word]| field.iter().map(|word| word.text.clone()).collect::<Vec<_>>();
    let mut fields = line.fields.iter().map(|field| texts(field));
    let mut next = || fields.next().unwrap_or_default();
    let (kind, databases, users) = (next().concat(), next(), next());
    let (address, netmask) = match (&rule.kind, &rule.addresses) {
        (Kind::Local, _) => (None, None),
        (Kind::Host | Kind::HostSsl | Kind::HostNoSsl, Addresses::All) => (Some(next().concat()), None),
        (Kind::Host | Kind::HostSsl | Kind::HostNoSsl, Addresses::Net(address, bits)) => {
            if !next().concat().contains('/') {
                next();
            }
            (Some(address.to_string()), Some(netmask(*address, *bits).to_string()))
        }
    };
    let method = next().concat();
    HostRuleFields { kind, databases, users, address, netmask, method, options: fields.flatten().collect() }
}

fn netmask(address: IpAddr, bits: u8) -> IpAddr {
    match address {
        IpAddr::V4(_) => IpAddr::V4(u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0).into()),
        IpAddr::V6(_) => IpAddr::V6(u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_shown_as_written_and_faults_beside_them() {
        let folder = tempfile::tempdir().expect("a folder");
        let (rules, map) = (folder.path().join("hba.conf"), folder.path().join("ident.conf"));
        std::fs::write(&map, "m a b\n").expect("written");
        let text = "local all,\"x\" +g trust\n\nhost d all 10.1.0.0/16 reject\nhost all all ::1 ffff:: scram-sha-256\n\
                    hostssl all kim all cert map=m clientname=CN\nhost all all all md5\n";
        std::fs::write(&rules, text).expect("written");
        let told = |row: &HostRule| match (&row.rule, &row.error) {
            (None, Some(error)) => format!("{:?} {error}", row.line),
            (Some(rule), None) => {
                let HostRuleFields { kind, databases, users, address, netmask, method, options } = rule;
                let or = |text: &Option<String>| text.clone().unwrap_or("-".into());
                let (address, netmask) = (or(address), or(netmask));
                let line = row.line.unwrap_or_default();
                format!("{line} {kind} {databases:?} {users:?} {address} {netmask} {method} {options:?}")
            }
            other => panic!("{other:?}"),
        };
        let rows: Vec<String> = shown(Some(&rules), Some(&map)).iter().map(told).collect();
        assert_eq!(
            rows,
            [
                r#"1 local ["all", "x"] ["+g"] - - trust []"#,
                r#"3 host ["d"] ["all"] 10.1.0.0 255.255.0.0 reject []"#,
                r#"4 host ["all"] ["all"] ::1 ffff:: scram-sha-256 []"#,
                r#"5 hostssl ["all"] ["kim"] all - cert ["map=m", "clientname=CN"]"#,
                "Some(6) md5 is not offered: write scram-sha-256",
            ]
        );
        let missing = shown(Some(&folder.path().join("none")), None);
        assert!(missing.len() == 1 && missing[0].error.is_some(), "{missing:?}");
        assert_eq!(shown(None, None).len(), 2);
    }
}
