//! On what kind of file system the durable writes of a run end, and how much of it they take.

use std::path::Path;

use crate::fault::{Fault, Tried as _};

/// File systems in memory, where a durable write costs nothing and proves nothing.
const IN_MEMORY: &[&str] = &["tmpfs", "ramfs"];

/// The kind of the file system that `dir` lies on, as the kernel names it; none where the kernel does not say.
///
/// # Errors
/// It is in memory, and not `even_in_memory`. `other` says how to name another folder.
pub fn file_system(dir: &Path, even_in_memory: bool, other: &str) -> Result<Option<String>, Fault> {
    let dir = dir.canonicalize().tried(format!("cannot find {}", dir.display()))?;
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let kind = kind_of(&dir, &mounts);
    if let Some(kind) = &kind
        && !even_in_memory
        && IN_MEMORY.contains(&kind.as_str())
    {
        let dir = dir.display();
        return Err(Fault::plain(format!(
            "{dir} is in memory ({kind}), so nothing there is durable and a figure means nothing; {other}"
        )));
    }
    Ok(kind)
}

/// The innermost mount that holds `dir`; of two at the same place the later one, which covers the other.
fn kind_of(dir: &Path, mounts: &str) -> Option<String> {
    let all = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        // The kernel writes a space in a name as an octal escape.
        Some((words.next()?.replace("\\040", " "), words.next()?))
    });
    let holding = all.filter(|(place, _)| dir.starts_with(place));
    holding.max_by_key(|(place, _)| Path::new(place).components().count()).map(|(_, kind)| kind.to_owned())
}

/// How large the files in `dir` are whose names begin so.
pub fn bytes_of(dir: &Path, begin: &str) -> u64 {
    let files = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let ours = files.filter(|file| file.file_name().to_string_lossy().starts_with(begin));
    ours.filter_map(|file| file.metadata().ok()).map(|file| file.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_and_latest_mount_counts() {
        let mounts = "/dev/vda / ext4 rw 0 0\nnone /tmp xfs rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n/dev/vdb /my\\040disk btrfs rw 0 0\n";
        let kind = |dir: &str| kind_of(Path::new(dir), mounts);
        assert_eq!(kind("/home/lian").as_deref(), Some("ext4"));
        assert_eq!(kind("/tmp/bench").as_deref(), Some("tmpfs"));
        assert_eq!(kind("/tmpfiles").as_deref(), Some("ext4"), "names, not letters, are compared");
        assert_eq!(kind("/my disk/bench").as_deref(), Some("btrfs"));
        assert_eq!(kind_of(Path::new("/home"), ""), None);
    }
}
