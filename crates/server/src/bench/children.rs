//! The children of a run. Each belongs to a handle and ends with it; a bench that is told to stop ends them all, by their handles,
//! while its own thread waits for one of them.

use std::io::{self, Read as _};
use std::process::{Child, ChildStdout, Command, ExitStatus};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

/// Those of this process.
pub static CHILDREN: Children = Children::new();

/// All that run. None: the bench was told to stop, and starts nothing any more.
pub struct Children(Mutex<Option<Vec<Weak<Mutex<Child>>>>>);

/// A handle: dropped, it kills its child and waits for its end.
pub struct Handle(Arc<Mutex<Child>>);

impl Children {
    const fn new() -> Self {
        Self(Mutex::new(Some(Vec::new())))
    }

    /// Starts one.
    ///
    /// # Errors
    /// It cannot be started, or the bench was told to stop.
    pub fn start(&self, command: &mut Command) -> io::Result<Handle> {
        // Held while it starts, so that none is missed by `stop`.
        let mut running = self.0.lock();
        let Some(running) = running.as_mut() else {
            return Err(io::Error::other("the bench was told to stop"));
        };
        let child = Arc::new(Mutex::new(command.spawn()?));
        running.retain(|child| child.strong_count() > 0);
        running.push(Arc::downgrade(&child));
        Ok(Handle(child))
    }

    /// Kills them all, and lets none start any more.
    pub fn stop(&self) {
        for child in self.0.lock().take().into_iter().flatten().filter_map(|child| child.upgrade()) {
            // One that has ended by itself is as good.
            let _ = child.lock().kill();
        }
    }

    /// Whether the bench was told to stop.
    pub fn are_stopped(&self) -> bool {
        self.0.lock().is_none()
    }
}

impl Handle {
    pub fn id(&self) -> u32 {
        self.0.lock().id()
    }

    /// What it prints; once.
    pub fn stdout(&self) -> Option<ChildStdout> {
        self.0.lock().stdout.take()
    }

    /// All that it prints until its end, and how it ended.
    ///
    /// # Errors
    /// Its output cannot be read.
    pub fn output(self) -> io::Result<(ExitStatus, Vec<u8>)> {
        let mut printed = Vec::new();
        // Not under the lock: `stop` must be able to kill it, which ends its output too.
        if let Some(mut stdout) = self.stdout() {
            stdout.read_to_end(&mut printed)?;
        }
        Ok((self.0.lock().wait()?, printed))
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let mut child = self.0.lock();
        let _ = child.kill();
        let _ = child.wait();
    }
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use super::*;

    #[test]
    fn a_bench_that_is_told_to_stop_ends_its_children_and_starts_no_more() {
        let children = Children::new();
        // Both wait for input that never comes.
        let mut waits = Command::new("cat");
        waits.stdin(Stdio::piped()).stdout(Stdio::piped());
        let (one, other) = (children.start(&mut waits).unwrap(), children.start(&mut waits).unwrap());
        assert!(!children.are_stopped());
        children.stop();
        for child in [one, other] {
            let (status, printed) = child.output().unwrap();
            assert!(!status.success() && printed.is_empty());
        }
        assert!(children.are_stopped() && children.start(&mut waits).is_err());
    }

    #[test]
    fn the_output_is_whole() {
        let mut prints = Command::new("echo");
        let child = Children::new().start(prints.arg("told").stdout(Stdio::piped())).unwrap();
        let (status, printed) = child.output().unwrap();
        assert!(status.success());
        assert_eq!(printed, b"told\n");
    }
}
