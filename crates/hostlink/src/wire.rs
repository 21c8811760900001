//! Frames on their way out: gathered into one write, and exact about which of them may have left.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use zeroize::Zeroizing;

use crate::connect::Stream;
use crate::pending::{NO_SLOT, Pending, SlotId};

/// How many frames one write gathers at most.
const GATHERED: usize = 64;

struct OutFrame {
    id: SlotId,
    bytes: Zeroizing<Vec<u8>>,
}

/// Frames that have not been written whole.
#[derive(Default)]
pub(crate) struct Outgoing {
    frames: VecDeque<OutFrame>,
    /// Bytes of the first frame that the kernel has taken.
    taken: usize,
}

impl Outgoing {
    pub fn push(&mut self, id: SlotId, bytes: Zeroizing<Vec<u8>>) {
        self.frames.push_back(OutFrame { id, bytes });
    }

    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Takes back every frame of a request that has not begun; what is left are answers to the bank's own.
    pub fn keep_answers(&mut self) {
        let mut begun = self.taken > 0;
        self.frames.retain(|frame| std::mem::take(&mut begun) || frame.id == NO_SLOT);
    }

    /// Takes back a frame of which no byte has been handed out. A frame that has begun must be written to its end, or
    /// the stream would be broken for all others.
    pub fn withdraw(&mut self, id: SlotId) {
        let begun = usize::from(self.taken > 0);
        if let Some(index) = self.frames.iter().skip(begun).position(|frame| frame.id == id) {
            self.frames.remove(begun + index);
        }
    }

    /// Writes what can be written now, in one call.
    ///
    /// Every frame of the write is marked before the call and unmarked only when the kernel has said that it took none
    /// of its bytes. After an error nothing is unmarked.
    pub fn poll_write(
        &mut self,
        stream: &mut dyn Stream,
        cx: &mut Context<'_>,
        pending: &mut Pending,
    ) -> Poll<io::Result<usize>> {
        let gathered = self.frames.len().min(GATHERED);
        let fresh = usize::from(self.taken > 0);
        for frame in self.frames.range(fresh.min(gathered)..gathered) {
            pending.set_maybe_sent(frame.id, true);
        }
        let mut slices = [IoSlice::new(&[]); GATHERED];
        for (index, (slice, frame)) in slices.iter_mut().zip(&self.frames).enumerate() {
            let from = if index == 0 { self.taken } else { 0 };
            *slice = IoSlice::new(&frame.bytes[from..]);
        }
        let written = Pin::new(stream).poll_write_vectored(cx, &slices[..gathered]);
        let result = match written {
            Poll::Pending => {
                self.unmark(fresh, gathered, pending);
                return Poll::Pending;
            }
            Poll::Ready(result) => result,
        };
        let count = ready!(Poll::Ready(result))?;
        if count == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        let complete = self.advance(count);
        let left = gathered - complete;
        self.unmark(usize::from(self.taken > 0), left, pending);
        Poll::Ready(Ok(count))
    }

    /// Drops what has been taken; returns how many frames are complete.
    fn advance(&mut self, count: usize) -> usize {
        let mut complete = 0;
        self.taken += count;
        while let Some(front) = self.frames.front()
            && self.taken >= front.bytes.len()
        {
            self.taken -= front.bytes.len();
            self.frames.pop_front();
            complete += 1;
        }
        complete
    }

    fn unmark(&self, from: usize, to: usize, pending: &mut Pending) {
        for frame in self.frames.range(from.min(to)..to) {
            pending.set_maybe_sent(frame.id, false);
        }
    }
}
