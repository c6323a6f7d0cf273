//! Files of the server that a statement names: opened inside of the directories that the operator has named, and nowhere else.
//!
//! The kernel does the walking (`openat2` with RESOLVE_BENEATH): neither `..` nor a symbolic link leads out, whoever changes
//! the folders meanwhile, and what was checked is what was opened. DuckDB opens none of them: it stays closed.

use std::fs::File;
use std::io::{Read, Write};
use std::path::PathBuf;

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::error::{Error, Result, SqlState};

/// Pieces that wait for who takes them.
const AHEAD: usize = 4;
/// Bytes that are read at once.
const PIECE: usize = 256 << 10;

/// Is it a pattern of names?
pub(super) fn is_pattern(path: &str) -> bool {
    path.contains(['*', '?', '['])
}

/// Where files may be read and written, of all that the machine has.
#[derive(Debug, Clone, Default)]
pub struct ServerFiles {
    pub read: Vec<PathBuf>,
    pub write: Vec<PathBuf>,
    /// What is the gateway's own, wherever it lies: the database, its log, keys.
    pub private: Vec<PathBuf>,
}

/// What one session may open of that.
#[derive(Debug, Clone, Copy)]
pub struct Reach<'a> {
    /// All that the operator has named.
    pub everything: bool,
    /// Directories inside of those.
    pub directories: &'a [PathBuf],
}

/// A file that is being written: under another name until it is whole.
pub struct NewFile {
    #[cfg_attr(not(target_os = "linux"), expect(dead_code))]
    place: place::Place,
    file: File,
    bytes: u64,
    limit: u64,
    path: String,
}

impl ServerFiles {
    /// Opens a regular file to be read.
    ///
    /// # Errors
    /// 42501 for what is out of reach, whether it is there or not; what the system says of others.
    pub fn open(&self, path: &str, reach: Reach<'_>) -> Result<File> {
        let file = place::find(&self.read, path, reach, "reading")?.open(path)?;
        self.must_be_a_users(&file, path)?;
        Ok(file)
    }

    /// The names of files that fit a pattern, up to so many.
    ///
    /// # Errors
    /// 42501 for a pattern that is out of reach; 54000 for too many.
    pub fn matching(&self, pattern: &str, reach: Reach<'_>, most: usize) -> Result<Vec<String>> {
        place::find(&self.read, pattern, reach, "reading")?.matching(most)
    }

    /// Begins a file of at most so many bytes, which takes the place of one of that name when it is whole.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn create(&self, path: &str, reach: Reach<'_>, limit: u64) -> Result<NewFile> {
        let found = place::find(&self.write, path, reach, "writing")?;
        found.must_name_a_file(path)?;
        if let Some(old) = found.look(path)? {
            self.must_be_a_users(&old, path)?;
            place::may_be_written(&old, path)?;
        }
        let (place, file) = found.create(path)?;
        Ok(NewFile { place, file, bytes: 0, limit, path: path.to_owned() })
    }

    /// A regular file, and none of the gateway's own under another name.
    fn must_be_a_users(&self, file: &File, path: &str) -> Result<()> {
        use std::os::unix::fs::MetadataExt as _;
        let found = file.metadata().map_err(|e| failed("read from", path, &e))?;
        if found.is_dir() {
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{path}\" is a directory")));
        }
        if !found.is_file() {
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{path}\" is not a regular file")));
        }
        // Who may make links on this machine may give any file of the gateway's another name here.
        if found.nlink() > 1 {
            return Err(denied(path));
        }
        let same = |own: &PathBuf| {
            std::fs::metadata(own).is_ok_and(|own| (own.dev(), own.ino()) == (found.dev(), found.ino()))
        };
        if self.private.iter().any(same) { Err(denied(path)) } else { Ok(()) }
    }
}

impl NewFile {
    /// Writes a piece. 54000 if the file gets too long, 53100 if the disk is full.
    pub async fn add(&mut self, data: Bytes) -> Result<()> {
        self.bytes += data.len() as u64;
        if self.bytes > self.limit {
            let message = format!("the file has more than {} bytes", self.limit);
            return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message)
                .hint("Make several smaller files, or raise limits.copy_file_bytes."));
        }
        let mut file = self.file.try_clone().map_err(|e| failed("write to", &self.path, &e))?;
        let written = tokio::task::spawn_blocking(move || file.write_all(&data));
        written.await.map_err(Error::internal)?.map_err(|e| failed("write to", &self.path, &e))
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// It is whole, and gets its name.
    pub fn finish(mut self) -> Result<()> {
        self.place.name(&self.path)
    }
}

/// The file, piece by piece; an empty piece is its end.
pub fn pieces(mut file: File, path: &str) -> mpsc::Receiver<Result<Bytes>> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || {
        loop {
            let mut piece = vec![0; PIECE];
            let read = file.read(&mut piece).map_err(|e| failed("read from", &path, &e));
            let last = !matches!(read, Ok(1..));
            let piece = read.map(|length| {
                piece.truncate(length);
                Bytes::from(piece)
            });
            // Who is gone need not know.
            if sender.blocking_send(piece).is_err() || last {
                return;
            }
        }
    });
    receiver
}

fn denied(path: &str) -> Error {
    Error::new(SqlState::INSUFFICIENT_PRIVILEGE, format!("permission denied for file \"{path}\""))
        .hint("Files are read and written in the directories alone that read_directories and write_directories name, and a role's duckgate.read_directories and duckgate.write_directories.")
}

/// errcode_for_file_access.
fn failed(what: &str, path: &str, error: &std::io::Error) -> Error {
    use std::io::ErrorKind;
    let code = match error.kind() {
        ErrorKind::NotFound => SqlState::UNDEFINED_FILE,
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => SqlState::INSUFFICIENT_PRIVILEGE,
        ErrorKind::AlreadyExists => SqlState::DUPLICATE_FILE,
        ErrorKind::NotADirectory | ErrorKind::IsADirectory => SqlState::WRONG_OBJECT_TYPE,
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => SqlState::DISK_FULL,
        // PostgreSQL 16 has a code for it; 15 says XX000.
        ErrorKind::InvalidFilename => SqlState::FILE_NAME_TOO_LONG,
        _ => SqlState::IO_ERROR,
    };
    // As strerror says it, without the number.
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    Error::new(code, format!("could not {what} file \"{path}\": {text}"))
}

#[cfg(target_os = "linux")]
pub(super) mod place {
    //! Where a path leads to, step by step from a directory that is held open.

    use std::ffi::OsString;
    use std::fs::File;
    use std::os::fd::{AsRawFd as _, OwnedFd};
    use std::path::{Path, PathBuf};
    use std::time::Duration;

    use rustix::fs::{Access, AtFlags, CWD, Dir, FileType, FlockOperation, Mode, OFlags, ResolveFlags};
    use rustix::io::Errno;

    use super::{Reach, denied, failed};
    use crate::error::{Error, Result};

    /// A directory, and a path below it that has not been walked.
    pub struct Found {
        directory: OwnedFd,
        below: PathBuf,
        /// How the directory is called.
        start: PathBuf,
        /// The path ends as that of a folder does.
        folder: bool,
    }

    /// A file without its name, in its directory.
    pub struct Place {
        directory: OwnedFd,
        /// `None` once it has its name.
        temporary: Option<OsString>,
        name: OsString,
    }

    const BENEATH: ResolveFlags = ResolveFlags::BENEATH.union(ResolveFlags::NO_MAGICLINKS);
    /// How often a path is walked whose parts change meanwhile, and the pause in between.
    const TRIES: usize = 100;
    const BETWEEN: Duration = Duration::from_millis(1);
    /// How the name of an unfinished file begins.
    pub const TEMPORARY: &str = ".duckgate-";
    pub const FOLDER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

    /// Of the directories that the operator has named, one within reach that has the path below it.
    pub fn find(named: &[PathBuf], path: &str, reach: Reach<'_>, purpose: &str) -> Result<Found> {
        let whole = Path::new(path);
        // Path forgets what says so.
        let folder = path.ends_with('/') || path.ends_with("/.");
        for operators in named {
            let inside = reach.directories.iter().filter_map(|own| Some((own.strip_prefix(operators).ok()?, own)));
            let whole_of = reach.everything.then_some((Path::new(""), operators));
            for (own, start) in whole_of.into_iter().chain(inside) {
                let Ok(below) = whole.strip_prefix(start) else { continue };
                let open = |e: Errno| failed_to("open", purpose, path, e);
                let mut directory = rustix::fs::openat(CWD, operators, FOLDER, Mode::empty()).map_err(open)?;
                if !own.as_os_str().is_empty() {
                    directory = walk(&directory, own, FOLDER).map_err(open)?;
                }
                let below = if folder { below.join(".") } else { below.to_owned() };
                return Ok(Found { directory, below, start: start.to_owned(), folder });
            }
        }
        Err(denied(path))
    }

    pub fn walk(directory: &OwnedFd, below: &Path, flags: OFlags) -> std::result::Result<OwnedFd, Errno> {
        let below = if below.as_os_str().is_empty() { Path::new(".") } else { below };
        // EAGAIN: something was renamed on the way, or somebody has a lease of the file, which may be for long.
        for _ in 0..TRIES {
            match rustix::fs::openat2(directory, below, flags, Mode::empty(), BENEATH) {
                Err(Errno::AGAIN) => std::thread::sleep(BETWEEN),
                done => return done,
            }
        }
        Err(Errno::AGAIN)
    }

    /// A file takes the place of another only if that one could be written.
    pub fn may_be_written(old: &File, path: &str) -> Result<()> {
        let name = format!("/proc/self/fd/{}", old.as_raw_fd());
        rustix::fs::access(name, Access::WRITE_OK).map_err(|e| failed_to("open", "writing", path, e))
    }

    fn failed_to(what: &str, purpose: &str, path: &str, error: Errno) -> Error {
        match error {
            // Out of the directory, or a link that goes on and on.
            Errno::XDEV | Errno::LOOP => denied(path),
            Errno::NOSYS => Error::unsupported("a file of the server on a system without openat2"),
            other => {
                let mut error = failed(what, path, &other.into());
                let report = error.report_mut();
                report.message = report.message.replacen("\": ", &format!("\" for {purpose}: "), 1);
                error
            }
        }
    }

    impl Found {
        /// The directory, its name, and what is below it as it is written.
        pub fn parts(&self) -> (&OwnedFd, &Path, &Path) {
            (&self.directory, &self.start, &self.below)
        }

        pub fn matching(&self, most: usize) -> Result<Vec<String>> {
            crate::engine::file_names::matching(self, most)
        }

        pub fn open(self, path: &str) -> Result<File> {
            // A pipe does not keep who opens it waiting, a terminal does not become the process's.
            let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
            let file = walk(&self.directory, &self.below, flags);
            file.map(File::from).map_err(|e| failed_to("open", "reading", path, e))
        }

        /// `open` with O_CREAT says it of such a name, whatever is there.
        pub fn must_name_a_file(&self, path: &str) -> Result<()> {
            if self.folder { Err(failed_to("open", "writing", path, Errno::ISDIR)) } else { Ok(()) }
        }

        /// What stands there already; a symbolic link is nothing to be replaced.
        pub fn look(&self, path: &str) -> Result<Option<File>> {
            match walk(&self.directory, &self.below, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC) {
                Ok(found) => {
                    let stat = rustix::fs::fstat(&found).map_err(|e| failed_to("open", "writing", path, e))?;
                    match FileType::from_raw_mode(stat.st_mode) {
                        FileType::Symlink => Err(denied(path)),
                        _ => Ok(Some(File::from(found))),
                    }
                }
                Err(Errno::NOENT) => Ok(None),
                Err(error) => Err(failed_to("open", "writing", path, error)),
            }
        }

        pub fn create(self, path: &str) -> Result<(Place, File)> {
            let failed = |e: Errno| failed_to("open", "writing", path, e);
            let Some(name) = self.below.file_name() else { return Err(denied(path)) };
            let folder = self.below.parent().unwrap_or_else(|| Path::new(""));
            let directory = walk(&self.directory, folder, FOLDER).map_err(failed)?;
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let (temporary, file) = loop {
                let temporary = OsString::from(format!("{TEMPORARY}{}", uuid::Uuid::new_v4().simple()));
                let file =
                    rustix::fs::openat(&directory, &temporary, flags, Mode::RUSR | Mode::WUSR).map_err(failed)?;
                // Where nothing can be locked nothing is cleared either.
                let _ = rustix::fs::flock(&file, FlockOperation::LockExclusive);
                let made = rustix::fs::fstat(&file).map_err(failed)?;
                // Somebody may have cleared it away before it was locked.
                if made.st_nlink > 0 {
                    clear(&directory, made.st_uid);
                    break (temporary, file);
                }
            };
            let place = Place { directory, temporary: Some(temporary), name: name.to_owned() };
            // Whatever the umask: the folder's group is who the file is for.
            rustix::fs::fchmod(&file, Mode::RUSR | Mode::WUSR | Mode::RGRP).map_err(failed)?;
            Ok((place, File::from(file)))
        }
    }

    /// Removes what a COPY left that was killed: files that nobody has locked. Those that go are ours by their owner and name.
    fn clear(directory: &OwnedFd, own: u32) {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let listed = rustix::fs::openat(directory, ".", flags, Mode::empty()).and_then(Dir::new);
        for entry in listed.into_iter().flatten().flatten() {
            let name = entry.file_name();
            let digits = name.to_bytes().strip_prefix(TEMPORARY.as_bytes());
            if !digits.is_some_and(|digits| digits.len() == 32 && digits.iter().all(u8::is_ascii_hexdigit)) {
                continue;
            }
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
            let Ok(file) = rustix::fs::openat(directory, name, flags, Mode::empty()) else { continue };
            let is_own = rustix::fs::fstat(&file)
                .is_ok_and(|stat| stat.st_uid == own && FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile);
            if is_own && rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() {
                // Another COPY may have been faster.
                let _ = rustix::fs::unlinkat(directory, name, AtFlags::empty());
            }
        }
    }

    impl Place {
        /// Takes the name. What has come there meanwhile is replaced if it is a file; a link is no more than when COPY began.
        pub fn name(&mut self, path: &str) -> Result<()> {
            let failed = |e: Errno| super::failed("write to", path, &e.into());
            if let Some(temporary) = &self.temporary {
                match rustix::fs::statat(&self.directory, &self.name, AtFlags::SYMLINK_NOFOLLOW) {
                    Ok(there) if FileType::from_raw_mode(there.st_mode) == FileType::Symlink => {
                        return Err(denied(path));
                    }
                    Ok(_) | Err(Errno::NOENT) => {}
                    Err(error) => return Err(failed(error)),
                }
                rustix::fs::renameat(&self.directory, temporary, &self.directory, &self.name).map_err(failed)?;
            }
            self.temporary = None;
            Ok(())
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            if let Some(temporary) = &self.temporary {
                // Nobody is left to be told.
                let _ = rustix::fs::unlinkat(&self.directory, temporary, AtFlags::empty());
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod place {
    //! Elsewhere nothing walks a path so that it cannot be led astray.

    use std::fs::File;
    use std::path::PathBuf;

    use super::Reach;
    use crate::error::{Error, Result};

    pub struct Found;
    pub struct Place;

    pub fn find(_: &[PathBuf], _: &str, _: Reach<'_>, _: &str) -> Result<Found> {
        Err(Error::unsupported("a file of the server on this platform"))
    }

    pub fn may_be_written(_: &File, _: &str) -> Result<()> {
        Ok(())
    }

    impl Found {
        pub fn open(self, _: &str) -> Result<File> {
            Err(Error::unsupported("a file of the server on this platform"))
        }

        pub fn must_name_a_file(&self, _: &str) -> Result<()> {
            Ok(())
        }

        pub fn matching(&self, _: usize) -> Result<Vec<String>> {
            Ok(Vec::new())
        }

        pub fn look(&self, _: &str) -> Result<Option<File>> {
            Ok(None)
        }

        pub fn create(self, _: &str) -> Result<(Place, File)> {
            Err(Error::unsupported("a file of the server on this platform"))
        }
    }

    impl Place {
        pub fn name(&mut self, _: &str) -> Result<()> {
            Ok(())
        }
    }
}
