//! A rolling restart behind a plain TCP proxy: each node is stopped and started again under load, and no request fails.

#[path = "support/town.rs"]
mod town;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use town::{PATIENCE, Town, fresh_key};

const SHOPPERS: usize = 16;
/// Longer than the proxy needs to notice, on a slow machine too.
const DRAIN_MS: u64 = 3_000;

/// Leads each new connection to a node that has just said that it is ready, in turns. It looks at no byte of what it carries.
struct Proxy {
    nodes: Mutex<Vec<(String, bool)>>,
    turn: AtomicUsize,
}

impl Proxy {
    fn choose(&self) -> Option<String> {
        let nodes = self.nodes.lock();
        let ready: Vec<&String> = nodes.iter().filter(|(_, ready)| *ready).map(|(url, _)| url).collect();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let url = ready.get(turn % ready.len().max(1))?;
        url.strip_prefix("http://").map(str::to_owned)
    }

    async fn watch(&self, town: &Town) {
        let mut tick = tokio::time::interval(Duration::from_millis(50));
        loop {
            tick.tick().await;
            let urls: Vec<String> = self.nodes.lock().iter().map(|(url, _)| url.clone()).collect();
            for url in urls {
                let is_ready = town.status(&url, "/readyz").await == Some(200);
                self.nodes
                    .lock()
                    .iter_mut()
                    .filter(|(known, _)| *known == url)
                    .for_each(|node| node.1 = is_ready);
            }
        }
    }

    async fn run(self: Arc<Self>, listener: TcpListener) {
        loop {
            let Ok((mut client, _)) = listener.accept().await else { return };
            let Some(address) = self.choose() else { continue };
            tokio::spawn(async move {
                let Ok(mut node) = TcpStream::connect(address).await else { return };
                // How a connection ends is its two ends' business.
                let _ = copy_bidirectional(&mut client, &mut node).await;
            });
        }
    }

    /// Whether `url` is ready, as the proxy has seen last.
    fn has_seen_ready(&self, url: &str) -> bool {
        self.nodes.lock().iter().any(|(known, ready)| known == url && *ready)
    }

    async fn until_ready(&self, url: &str) {
        let (mut tick, started) =
            (tokio::time::interval(Duration::from_millis(20)), tokio::time::Instant::now());
        while !self.has_seen_ready(url) {
            tick.tick().await;
            assert!(started.elapsed() < PATIENCE, "{url} does not get ready");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_are_restarted_one_after_the_other_and_no_request_fails() {
    let town = Arc::new(Town::found().await);
    for node in ["one", "two"] {
        town.configure(node, DRAIN_MS);
    }
    let (one, two) = (town.start("one"), town.start("two"));
    let nodes = [&one, &two].map(|node| (node.url.clone(), true)).to_vec();
    let proxy = Arc::new(Proxy { nodes: Mutex::new(nodes), turn: AtomicUsize::new(0) });
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let front = format!("http://{}", listener.local_addr().expect("an address"));
    let mut proxying = JoinSet::new();
    proxying.spawn(Arc::clone(&proxy).run(listener));
    let (watching, watched) = (Arc::clone(&proxy), Arc::clone(&town));
    proxying.spawn(async move { watching.watch(&watched).await });

    let (stop, paid) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut shoppers = JoinSet::new();
    for _ in 0..SHOPPERS {
        let (town, front, stop, paid) =
            (Arc::clone(&town), front.clone(), Arc::clone(&stop), Arc::clone(&paid));
        shoppers.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                let answered = town.try_pay(&front, &fresh_key()).await;
                let (status, body) = answered.expect("no request fails during a rolling restart");
                assert_eq!(status, 201, "{body}");
                paid.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    let mut restarted = Vec::new();
    for (name, node) in [("one", one), ("two", two)] {
        let (was, before) = (node.url.clone(), paid.load(Ordering::Relaxed));
        assert_eq!(tokio::task::block_in_place(|| node.stop()), Some(0), "{}", town.log());
        assert!(paid.load(Ordering::Relaxed) > before, "nobody paid while {name} was stopped");
        let again = tokio::task::block_in_place(|| town.start(name));
        proxy.nodes.lock().retain(|(url, _)| *url != was);
        proxy.nodes.lock().push((again.url.clone(), false));
        proxy.until_ready(&again.url).await;
        restarted.push(again);
    }
    stop.store(true, Ordering::Relaxed);
    while let Some(shopper) = shoppers.join_next().await {
        shopper.expect("a shopper whose every request was answered well");
    }
    println!("{} payments over two restarts, none failed", paid.load(Ordering::Relaxed));
    let payments = town.settled(&front).await;
    assert_eq!(payments.len(), paid.load(Ordering::Relaxed));
    town.bank_agrees(&payments);
    proxying.shutdown().await;
    for node in restarted {
        assert_eq!(node.stop(), Some(0), "{}", town.log());
    }
    town.verify();
}
