//! `duckgate config`: the config file with every key and its default, from the one definition of them.

use std::fmt::Write as _;

use clap::{Args as _, Command};

use crate::config::Raw;

/// A key as the file, the command line and the environment know it.
struct Key {
    /// `None` for what stands in the file's top table.
    section: Option<&'static str>,
    name: String,
    flag: String,
    variable: String,
    help: String,
    default: Option<String>,
}

const LIMITS: &str = "limits";
const LIMIT_FLAG: &str = "limit-";

pub fn print(markdown: bool) {
    print!("{}", if markdown { as_markdown() } else { as_toml() });
}

fn keys() -> Vec<Key> {
    let defaults = toml::Table::try_from(Raw::defaults()).unwrap_or_default();
    let limits = defaults.get(LIMITS).and_then(|value| value.as_table()).cloned().unwrap_or_default();
    let command = Raw::augment_args(Command::new("duckgate"));
    let arguments = command.get_arguments();
    let keys = arguments.filter_map(|argument| {
        let flag = argument.get_long()?.to_owned();
        let limit = flag.starts_with(LIMIT_FLAG);
        let name = argument.get_id().to_string();
        let default = if limit { limits.get(&name) } else { defaults.get(&name) };
        Some(Key {
            section: limit.then_some(LIMITS),
            default: default.map(ToString::to_string),
            variable: argument.get_env().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
            help: argument.get_help().map(ToString::to_string).unwrap_or_default(),
            name,
            flag,
        })
    });
    keys.collect()
}

fn as_toml() -> String {
    let mut out = String::from("# Duckgate's configuration: every key with its default.\n");
    let mut section = None;
    for key in keys() {
        if key.section != section {
            section = key.section;
            let _ = write!(out, "\n[{}]\n", section.unwrap_or_default());
        }
        let Key { name, help, .. } = &key;
        let _ = match &key.default {
            Some(default) => write!(out, "\n# {help}\n{name} = {default}\n"),
            None => write!(out, "\n# {help}\n# {name} =\n"),
        };
    }
    out
}

fn as_markdown() -> String {
    let mut out = String::from(
        "# Configuration\n\n\
         Every key may stand in the config file (`--config`, or `duckgate.toml` in the working directory), in the\n\
         environment, or on the command line; the command line wins over the environment, and both over the file.\n\
         Sizes are written `64MB`, times `30s`. This page is printed by `duckgate config --markdown`.\n\n\
         | key | flag | environment | default | |\n|---|---|---|---|---|\n",
    );
    for key in keys() {
        let name = key.section.map_or(key.name.clone(), |section| format!("{section}.{}", key.name));
        let default = key.default.map(|value| format!("`{value}`")).unwrap_or_default();
        let _ = writeln!(out, "| `{name}` | `--{}` | `{}` | {default} | {} |", key.flag, key.variable, key.help);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_printed_file_is_the_defaults() {
        let parsed: Raw = toml::from_str(&as_toml()).expect("the printed file can be read");
        assert_eq!(parsed, Raw::defaults());
    }

    #[test]
    fn the_manual_is_in_step() {
        let kept = include_str!("../../docs/configuration.md");
        assert_eq!(kept, as_markdown(), "write it anew: duckgate config --markdown > docs/configuration.md");
    }

    #[test]
    fn every_key_has_a_flag_a_variable_and_a_description() {
        for key in keys() {
            let expected = format!("DUCKGATE_{}", key.flag.replace('-', "_").to_uppercase());
            assert_eq!(key.variable, expected);
            assert!(!key.help.is_empty(), "{}", key.name);
        }
    }
}
