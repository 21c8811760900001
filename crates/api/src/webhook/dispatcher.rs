//! Tells merchants what happened: reads the journal, fans each event out to the endpoints that want it, sends, and tries
//! again. Everything that matters is in the store; after a crash another dispatcher goes on where this one stopped, and
//! a receiver may see an event twice.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use parking_lot::Mutex;
use pcs::model::{Delivery, DeliveryStatus, EndpointStatus, WebhookEndpoint};
use pcs::{CommandError, DueDelivery, EventView, Page, Pcs};
use tokio::task::JoinSet;
use types::{DeliveryId, Entropy, MerchantId, WebhookEndpointId};

use crate::webhook::endpoints::Endpoints;
use crate::webhook::{Courier, Fate, after, payload, signatures};

/// The dispatcher's cursors in the journal bear this name.
pub(crate) const CONSUMER: &str = "webhooks";
/// Journal records that are read at once.
const STRETCH: usize = 1_000;
/// Deliveries on their way to one endpoint at once: a slow endpoint only delays itself.
const PER_ENDPOINT: usize = 4;
/// Deliveries on their way at once.
const AT_ONCE: usize = 256;
/// How far into the backlog is looked for an endpoint that has room.
const MOST_SEEN: usize = 65_536;
/// How long a delivery in hand is out of sight of other dispatchers: longer than a try can take. After a crash it is due
/// again when this is over.
const LEASE_MS: i64 = 60_000;
/// How long a delivery rests after a fault of ours.
const REST: Duration = Duration::from_secs(5);
/// The rest after a look. What happens meanwhile is fanned out together: under load one commit serves many events.
const PAUSE: Duration = Duration::from_millis(25);
/// The longest sleep between two looks at what is due.
const LOOK: Duration = Duration::from_millis(500);

/// Sends webhooks until dropped.
pub struct Dispatcher {
    pcs: Arc<Pcs>,
    courier: Courier,
    entropy: Arc<dyn Entropy>,
    livemode: bool,
    in_hand: Mutex<InHand>,
    endpoints: Endpoints,
}

#[derive(Default)]
struct InHand {
    deliveries: HashSet<DeliveryId>,
    per_endpoint: HashMap<WebhookEndpointId, usize>,
}

impl InHand {
    fn take(&mut self, due: &DueDelivery) -> bool {
        let busy = self.per_endpoint.get(&due.endpoint).copied().unwrap_or(0);
        if self.deliveries.len() >= AT_ONCE || busy >= PER_ENDPOINT || !self.deliveries.insert(due.delivery) {
            return false;
        }
        self.per_endpoint.insert(due.endpoint, busy + 1);
        true
    }

    fn give_back(&mut self, due: &DueDelivery) {
        self.deliveries.remove(&due.delivery);
        if let Some(busy) = self.per_endpoint.get_mut(&due.endpoint) {
            *busy -= 1;
            if *busy == 0 {
                self.per_endpoint.remove(&due.endpoint);
            }
        }
    }
}

impl Dispatcher {
    /// A dispatcher; keep [`Dispatcher::run`] running.
    pub fn new(pcs: Arc<Pcs>, courier: Courier, entropy: Arc<dyn Entropy>, livemode: bool) -> Arc<Self> {
        let (in_hand, endpoints) = (Mutex::default(), Endpoints::default());
        Arc::new(Self { pcs, courier, entropy, livemode, in_hand, endpoints })
    }

    /// Follows the journal and sends what is due, for ever. Dropping it drops what is on its way; the store remembers.
    pub async fn run(self: Arc<Self>) {
        let mut sending = JoinSet::new();
        loop {
            if let Err(error) = self.look(&mut sending).await {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "Cannot look at what is to be told; will look again"
                );
            }
            while sending.try_join_next().is_some() {}
            tokio::time::sleep(PAUSE).await;
            let grown = tokio::time::timeout(LOOK, self.pcs.journal_growth());
            tokio::select! {
                _ = grown => {}
                Some(_) = sending.join_next() => {}
            }
        }
    }

    /// Fans out what is new, sends as much of what is due as is sent at once, and waits for the end of it. Simulations
    /// step with it until nothing is left.
    ///
    /// # Errors
    /// [`CommandError::Unavailable`]: the store does not answer. Nothing is forgotten.
    pub async fn step(self: &Arc<Self>) -> Result<usize, CommandError> {
        let mut sending = JoinSet::new();
        self.look(&mut sending).await?;
        let mut sent = 0;
        while sending.join_next().await.is_some() {
            sent += 1;
        }
        Ok(sent)
    }

    async fn look(self: &Arc<Self>, sending: &mut JoinSet<()>) -> Result<(), CommandError> {
        for shard in 0..self.pcs.shards() {
            while self.fan_out(shard, sending).await? {}
        }
        self.send_due(sending).await
    }

    /// Makes the deliveries of one stretch of the journal. Says whether there may be more.
    async fn fan_out(self: &Arc<Self>, shard: u16, sending: &mut JoinSet<()>) -> Result<bool, CommandError> {
        let from = self.pcs.cursor(CONSUMER, shard).await?;
        let stretch = self.pcs.stretch_from(shard, from, STRETCH).await?;
        if stretch.next_seq == from {
            return Ok(false);
        }
        let mut endpoints = self.endpoints.take(shard, from, &stretch.set_up);
        let (mut made, mut held) = (Vec::new(), Vec::new());
        for record in &stretch.records {
            let merchant = record.merchant();
            let all = match endpoints.of.entry(merchant) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(unknown) => unknown.insert(self.enabled_endpoints_of(merchant).await?),
            };
            if all.is_empty() {
                continue;
            }
            for event in record.events()? {
                for endpoint in all.iter().filter(|endpoint| wants(endpoint, &event)) {
                    let mut delivery = new_delivery(endpoint, &event);
                    // What is sent at once is born in hand, which saves the commit that would take it.
                    if let Some(hold) = self.hold(due(&delivery)) {
                        delivery.next_at = Some(self.pcs.now().plus_ms(LEASE_MS));
                        held.push((hold, delivery.clone()));
                    }
                    made.push(delivery);
                }
            }
        }
        match self.pcs.save_deliveries(CONSUMER, shard, stretch.next_seq, &made).await {
            Ok(()) => {}
            // A dispatcher of another process was faster; what it has made is its own to send.
            Err(CommandError::Busy) => return Ok(true),
            Err(error) => return Err(error),
        }
        self.endpoints.put(shard, stretch.next_seq, endpoints);
        for (hold, delivery) in held {
            self.start(hold, Some(delivery), sending);
        }
        Ok(true)
    }

    async fn enabled_endpoints_of(&self, merchant: MerchantId) -> Result<Vec<WebhookEndpoint>, CommandError> {
        let mut page = Page { limit: 100, after: None, before: None };
        let mut all = Vec::new();
        loop {
            let listed = self.pcs.webhook_endpoints(merchant, page).await?;
            page.after = listed.data.last().map(|endpoint| endpoint.id.to_u128());
            all.extend(listed.data.into_iter().filter(|endpoint| endpoint.status == EndpointStatus::Enabled));
            if !listed.has_more {
                return Ok(all);
            }
        }
    }

    /// Starts what is due and has room. A backlog of busy endpoints is looked through, so that it hides nobody else's.
    async fn send_due(self: &Arc<Self>, sending: &mut JoinSet<()>) -> Result<(), CommandError> {
        let mut window = 2 * AT_ONCE;
        loop {
            let due = self.pcs.due_deliveries(window).await?;
            let all_seen = due.len() < window;
            let held: Vec<Held> = due.into_iter().filter_map(|due| self.hold(due)).collect();
            let started = held.len();
            for hold in held {
                self.start(hold, None, sending);
            }
            let full = self.in_hand.lock().deliveries.len() >= AT_ONCE;
            if started > 0 || all_seen || full || window >= MOST_SEEN {
                return Ok(());
            }
            window *= 4;
        }
    }

    fn hold(self: &Arc<Self>, due: DueDelivery) -> Option<Held> {
        let taken = self.in_hand.lock().take(&due);
        taken.then(|| Held { dispatcher: Arc::clone(self), due })
    }

    fn start(&self, held: Held, fresh: Option<Delivery>, sending: &mut JoinSet<()>) {
        sending.spawn(async move {
            match held.dispatcher.deliver(&held.due, fresh).await {
                // Another dispatcher was faster, or the merchant asked for a resend: what the store says holds.
                Ok(()) | Err(CommandError::Busy) => {}
                Err(error) => {
                    report(&held.due, &error);
                    // Still in hand, so that it is not tried again at once.
                    tokio::time::sleep(REST).await;
                }
            }
        });
    }

    /// Takes a due delivery out of the sight of other dispatchers; `None` when there is nothing to take.
    async fn claim(&self, due: &DueDelivery) -> Result<Option<Delivery>, CommandError> {
        let now = self.pcs.now();
        let Some(delivery) = self.pcs.delivery(due.merchant, due.delivery).await? else { return Ok(None) };
        if delivery.next_at.is_none_or(|at| at > now) {
            return Ok(None);
        }
        let next_at = Some(now.plus_ms(LEASE_MS));
        let claimed = Delivery { version: delivery.version + 1, next_at, ..delivery };
        self.pcs.save_delivery(&claimed).await?;
        Ok(Some(claimed))
    }

    async fn deliver(&self, due: &DueDelivery, fresh: Option<Delivery>) -> Result<(), CommandError> {
        let claimed = match fresh {
            Some(delivery) => Some(delivery),
            None => self.claim(due).await?,
        };
        let Some(delivery) = claimed else { return Ok(()) };
        let now = self.pcs.now();
        let endpoint = self.pcs.webhook_endpoint(due.merchant, due.endpoint).await?;
        let Some(endpoint) = endpoint.filter(|endpoint| endpoint.status == EndpointStatus::Enabled) else {
            return self.give_up(delivery, "the endpoint is disabled or removed").await;
        };
        let Some(event) = self.pcs.event_at(due.merchant, delivery.sequence, delivery.event).await? else {
            return self.give_up(delivery, "the event cannot be found").await;
        };
        let internal = |what: &str| CommandError::Internal(what.to_owned().into());
        let body =
            payload(&event, self.livemode).map_err(|_| internal("an event cannot be written as JSON"))?;
        let secrets = self.pcs.endpoint_secrets(&endpoint, now)?;
        let (id, timestamp) = (event.id.to_string(), now.seconds());
        let signature = signatures(&secrets, &id, timestamp, &body)
            .map_err(|_| internal("a signing secret is not of the form whsec_ and base64"))?;
        let reply = self.courier.send(&endpoint.url, &id, timestamp, &signature, body).await;

        let mut jitter = [0; 2];
        self.entropy.fill(&mut jitter);
        let (delivery, fate) = after(&delivery, &reply, self.pcs.now(), u16::from_be_bytes(jitter));
        self.pcs.save_delivery(&delivery).await?;
        let why = match fate {
            Fate::Keep => return Ok(()),
            Fate::Gone => "it answered 410",
            Fate::Exhausted => "it failed for a whole schedule",
        };
        tracing::warn!(endpoint = %endpoint.id, merchant = %endpoint.merchant, why, "A webhook endpoint is disabled");
        self.pcs.disable_webhook_endpoint(endpoint.merchant, endpoint.id, why).await
    }

    async fn give_up(&self, delivery: Delivery, why: &str) -> Result<(), CommandError> {
        let ended = Delivery {
            version: delivery.version + 1,
            status: DeliveryStatus::Failed,
            next_at: None,
            error: Some(why.to_owned()),
            ..delivery
        };
        self.pcs.save_delivery(&ended).await
    }
}

/// A delivery in hand; given back even when its task is dropped half-way.
struct Held {
    dispatcher: Arc<Dispatcher>,
    due: DueDelivery,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.dispatcher.in_hand.lock().give_back(&self.due);
    }
}

fn wants(endpoint: &WebhookEndpoint, event: &EventView) -> bool {
    let listed = || endpoint.enabled_events.iter().any(|kind| kind == event.notice.name());
    endpoint.enabled_events.is_empty() || listed()
}

fn report(due: &DueDelivery, error: &(dyn std::error::Error + 'static)) {
    tracing::error!(delivery = %due.delivery, error, "A delivery could not be brought to its end");
}

fn due(delivery: &Delivery) -> DueDelivery {
    DueDelivery { merchant: delivery.merchant, delivery: delivery.id, endpoint: delivery.endpoint }
}

/// The delivery's id follows from event and endpoint: two dispatchers that read the same stretch make the same rows, and
/// the store refuses the second.
fn new_delivery(endpoint: &WebhookEndpoint, event: &EventView) -> Delivery {
    let parts = [event.id.to_u128().to_be_bytes(), endpoint.id.to_u128().to_be_bytes()].concat();
    let id = DeliveryId::new(event.at, &Derived(digest(&SHA256, &parts).as_ref()));
    Delivery {
        id,
        merchant: event.merchant,
        version: 1,
        created: event.at,
        endpoint: endpoint.id,
        event: event.id,
        event_type: event.notice.name().to_owned(),
        sequence: event.sequence,
        status: DeliveryStatus::Pending,
        attempts: 0,
        next_at: Some(event.at),
        response_status: None,
        error: None,
        elapsed_ms: None,
    }
}

/// Bytes of a hash in the place of chance.
struct Derived<'h>(&'h [u8]);

impl Entropy for Derived<'_> {
    fn fill(&self, bytes: &mut [u8]) {
        for (byte, derived) in bytes.iter_mut().zip(self.0.iter().cycle()) {
            *byte = *derived;
        }
    }
}
