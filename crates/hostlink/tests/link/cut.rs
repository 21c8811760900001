//! The connection ends at every byte of what is being written: which requests may have left, and which surely did not.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use banksim::Bank;
use hostlink::{
    Connect, Connecting, HostLink, LinkState, MaybeSent, NotSent, Outcome, Stream, Transaction, shipped_bank,
};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

use crate::support::{Coded as _, World, bank, card, parts, reply};

/// When armed, takes so many bytes more and then none; ends for the reader too if it is to.
#[derive(Default)]
struct Scissors {
    armed: AtomicBool,
    left: AtomicUsize,
    ends: AtomicBool,
}

struct Cut {
    inner: DuplexStream,
    scissors: Arc<Scissors>,
}

impl Cut {
    fn is_cut(&self) -> bool {
        self.scissors.armed.load(Ordering::SeqCst) && self.scissors.left.load(Ordering::SeqCst) == 0
    }
}

impl AsyncRead for Cut {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_cut() && self.scissors.ends.load(Ordering::SeqCst) {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl AsyncWrite for Cut {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if !self.scissors.armed.load(Ordering::SeqCst) {
            return Pin::new(&mut self.inner).poll_write(cx, buf);
        }
        let left = self.scissors.left.load(Ordering::SeqCst);
        if left == 0 {
            return Poll::Pending;
        }
        let count = left.min(buf.len());
        let written = Pin::new(&mut self.inner).poll_write(cx, &buf[..count]);
        if let Poll::Ready(Ok(written)) = written {
            self.scissors.left.fetch_sub(written, Ordering::SeqCst);
        }
        written
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let all: Vec<u8> = bufs.iter().flat_map(|buf| buf.iter().copied()).collect();
        self.poll_write(cx, &all)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

struct ThroughScissors {
    bank: Arc<Bank>,
    scissors: Mutex<Arc<Scissors>>,
}

impl Connect for ThroughScissors {
    fn connect(&self) -> Connecting<'_> {
        let fresh = Arc::new(Scissors::default());
        *self.scissors.lock().unwrap() = Arc::clone(&fresh);
        let cut = Cut { inner: self.bank.connect(), scissors: fresh };
        Box::pin(async move { Ok(Box::new(cut) as Box<dyn Stream>) })
    }
}

async fn world(name: &str) -> (World, Arc<ThroughScissors>) {
    let profile = Arc::new(shipped_bank(name).unwrap());
    let bank = bank(&profile, false).await;
    let connect = Arc::new(ThroughScissors { bank: Arc::clone(&bank), scissors: Mutex::default() });
    let (parts, keys) = parts(&profile, Arc::clone(&connect) as Arc<dyn Connect>);
    let mut world = World::not_yet_up(&profile, bank);
    (world.link, world.keys) = (HostLink::start(parts), keys);
    world.host = world.link.clone().into();
    world.until(LinkState::Up).await;
    (world, connect)
}

fn frame_bytes(world: &World) -> usize {
    let profile = world.link.profile();
    let mut fields = world.message(Transaction::Consume, &world.data(100, None));
    let card = card(world.good_card());
    fields.set(2, card.pan.expose()).unwrap().set(14, "3012").unwrap().set(48, "CV03123").unwrap();
    let (mut body, mut frame) = (Vec::new(), Vec::new());
    let mac = |_: &[u8]| Ok::<_, std::fmt::Error>([b'0'; 8]);
    profile.dialect().encode_with_mac(&fields, &mut body, mac).unwrap();
    profile.framing().write(&body, &mut frame).unwrap();
    frame.len()
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_ends_at_any_byte_of_two_frames_tells_each_request_the_truth() {
    for name in ["cups-pos", "iso87-ascii"] {
        let (world, connect) = world(name).await;
        let length = frame_bytes(&world);
        for bytes in 0..=2 * length {
            world.until(LinkState::Up).await;
            let scissors = Arc::clone(&connect.scissors.lock().unwrap());
            scissors.left.store(bytes, Ordering::SeqCst);
            scissors.ends.store(true, Ordering::SeqCst);
            scissors.armed.store(true, Ordering::SeqCst);
            let (one, two) =
                tokio::join!(world.consume(100, world.good_card()), world.consume(200, world.good_card()));
            for (outcome, maybe) in [(one, bytes > 0), (two, bytes > length)] {
                let right = match outcome {
                    Outcome::MaybeSent(MaybeSent::LinkLost) => maybe,
                    Outcome::NotSent(NotSent::LinkDown) => !maybe,
                    _ => false,
                };
                assert!(right, "{name}: {outcome:?} after {bytes} of twice {length} bytes");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_the_peer_does_not_take_in_time_is_withdrawn_whole_or_not_at_all() {
    let (world, connect) = world("cups-pos").await;
    let length = frame_bytes(&world);
    // Half of the first frame goes out, then the peer takes nothing more. The second was never begun.
    let scissors = Arc::clone(&connect.scissors.lock().unwrap());
    scissors.left.store(length / 2, Ordering::SeqCst);
    scissors.armed.store(true, Ordering::SeqCst);
    let short = |minor| {
        let fields = world.message(Transaction::Consume, &world.data(minor, None));
        let card = Some(card(world.good_card()));
        let request = hostlink::TransactionRequest { transaction: Transaction::Consume, fields, card };
        world.link.request(request, tokio::time::Instant::now() + Duration::from_secs(2))
    };
    let (one, two) = tokio::join!(short(100), short(200));
    assert!(matches!(one, Outcome::MaybeSent(MaybeSent::NoReply)), "{one:?}");
    assert!(matches!(two, Outcome::NotSent(NotSent::Expired)), "{two:?}");

    // The peer wakes up: it gets the rest of the first frame, and none of the second.
    scissors.left.store(usize::MAX / 2, Ordering::SeqCst);
    assert_eq!(reply(world.consume(300, world.good_card()).await).code(), "00");
    let sales = world.bank.received().iter().filter(|line| line.starts_with("0200")).count();
    assert_eq!(sales, 2);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_no_bytes_at_all_is_left() {
    let (world, connect) = world("cups-pos").await;
    let scissors = Arc::clone(&connect.scissors.lock().unwrap());
    scissors.armed.store(true, Ordering::SeqCst);
    let outcome = world.consume(100, world.good_card()).await;
    assert!(matches!(outcome, Outcome::NotSent(NotSent::LinkDown)), "{outcome:?}");
    world.until(LinkState::Up).await;
    assert_eq!(reply(world.consume(100, world.good_card()).await).code(), "00");
}
