//! The folders whose files clients may read and write by way of the gateway, and what must not lie in them.

use std::path::{Component, Path, PathBuf};

use super::raw::{ConfigError, bad};

/// What the gateway keeps for itself, by the key that names it.
pub struct Own<'a> {
    pub files: Vec<(&'static str, &'a Path)>,
    pub folders: Vec<(&'static str, &'a Path)>,
}

/// Folders that were named: absolute, none with anything of the gateway's in it or around it. Who could read those would know
/// keys and verifiers, and who could write them would be the operator.
pub fn folders(key: &'static str, named: &[String], own: &Own<'_>) -> Result<Vec<PathBuf>, ConfigError> {
    let mut list = Vec::new();
    for text in named {
        let folder = PathBuf::from(text);
        let plain = folder.components().all(|c| matches!(c, Component::RootDir | Component::Normal(_)));
        if !folder.is_absolute() || !plain {
            return Err(bad(key, format!("\"{text}\": an absolute folder without \"..\" is expected")));
        }
        let there = real(&folder);
        let inside = |path: &Path| real(path).starts_with(&there);
        let found = own.files.iter().find(|(_, path)| inside(path));
        let around = |path: &Path| inside(path) || there.starts_with(real(path));
        if let Some((other, _)) = found.or_else(|| own.folders.iter().find(|(_, path)| around(path))) {
            return Err(bad(key, format!("\"{text}\" is not kept apart from {other}")));
        }
        list.push(folder);
    }
    Ok(list)
}

/// Does the file lie in one of the folders?
pub fn lies_in(file: &Path, folders: &[PathBuf]) -> bool {
    let file = real(file);
    folders.iter().any(|folder| file.starts_with(real(folder)))
}

/// The path without links, as far as it is there.
fn real(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut missing = Vec::new();
    for above in path.ancestors() {
        if let Ok(mut found) = above.canonicalize() {
            found.extend(missing.into_iter().rev());
            return found;
        }
        missing.extend(above.file_name());
    }
    path
}
