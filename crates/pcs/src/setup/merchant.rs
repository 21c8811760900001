//! Merchants and their secret keys. A key is shown once; what is kept is its hash.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use payment::limits::Limits;
use payment::routing::Acquirer;
use payment::{FeePlan, OfflineTerms};
use store::{AliasChange, Shard};
use types::{MerchantId, Secret};

use crate::hash::{hex, short_hash};
use crate::model::{Actor, ApiKey, Merchant, MerchantStatus};
use crate::reads::SECRET_KEY;
use crate::resource::{Resource, from_bytes};
use crate::{Caller, CommandError, Listed, Page, Pcs};

/// A merchant to take on.
#[derive(Clone, Debug)]
pub struct NewMerchant {
    /// The name shoppers see.
    pub name: String,
    /// What the gateway charges.
    pub fee_plan: FeePlan,
    /// Bounds for one payment.
    pub limits: Limits,
    /// Its contracts with banks.
    pub acquirers: Vec<Acquirer>,
    /// How long an authorization is kept.
    pub authorization_days: u32,
    /// It may send card data itself.
    pub sends_card_data: bool,
    /// What chips may approve at its terminals without their banks.
    pub offline: Option<OfflineTerms>,
}

/// What to change of a merchant; none: as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MerchantUpdate {
    /// Whether it may be paid.
    pub status: Option<MerchantStatus>,
    /// What chips may approve at its terminals without their banks.
    pub offline: Option<Option<OfflineTerms>>,
}

/// A secret key in clear, shown once.
pub type SecretKey = Secret<String>;

/// What our secret keys begin with, so that people and secret scanners know one when they see it.
const PREFIX: &str = "lian_test_sk_";
/// Random bytes in a key.
const RANDOM: usize = 24;
/// Characters of the checksum at the end: a typing mistake is found without a look at the store.
const CHECK: usize = 6;

impl Pcs {
    /// Takes a merchant on, and makes its first secret key.
    ///
    /// # Errors
    /// [`CommandError::Invalid`] for offline sales that it cannot have; [`CommandError`].
    pub async fn create_merchant(&self, new: NewMerchant) -> Result<(Merchant, SecretKey), CommandError> {
        must_be_sound(new.offline, new.sends_card_data)?;
        let now = self.clock.now();
        let merchant = Merchant {
            id: self.new_id(),
            version: 1,
            created: now,
            name: new.name,
            status: MerchantStatus::Active,
            fee_plan: new.fee_plan,
            limits: new.limits,
            acquirers: new.acquirers,
            authorization_days: new.authorization_days,
            sends_card_data: new.sends_card_data,
            offline: new.offline,
        };
        // Merchants belong to the gateway, so their rows lie in the gateway's own shard.
        let mut unit = store::Unit::new(self.shard(MerchantId::from_u128(0)), now);
        self.add_setup(
            &mut unit,
            &merchant,
            Actor::Gateway,
            format!("merchant {} was taken on", merchant.id),
        )?;
        self.commit(unit).await?;
        let key = self.create_key(merchant.id).await?;
        Ok((merchant, key))
    }

    /// Makes another secret key for a merchant.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn create_key(&self, merchant: MerchantId) -> Result<SecretKey, CommandError> {
        let now = self.clock.now();
        let secret = self.new_secret_key();
        let hash = self.key_hash(secret.expose());
        let id = format!("key_{}", hex(&hash[..8]));
        let key = ApiKey { id, merchant, version: 1, created: now, expires_at: None };
        let mut unit = store::Unit::new(key_shard(), now);
        unit.aliases.push(AliasChange { space: SECRET_KEY, key: hash, target: Some(key.key()) });
        self.add_setup(
            &mut unit,
            &key,
            Actor::Gateway,
            format!("secret key {} of {merchant} was made", key.id),
        )?;
        self.commit(unit).await?;
        Ok(secret)
    }

    /// Whose secret key this is; none when it is malformed, unknown or expired.
    ///
    /// # Errors
    /// [`CommandError::Unavailable`].
    pub async fn authenticate(&self, secret_key: &str) -> Result<Option<Arc<Caller>>, CommandError> {
        if !is_well_formed(secret_key) {
            return Ok(None);
        }
        let (hash, now) = (self.key_hash(secret_key), self.clock.now());
        if let Some(caller) = self.callers.get(&hash, now) {
            return Ok(Some(caller));
        }
        let Some(found) = self.store.alias(key_shard(), SECRET_KEY, hash).await? else { return Ok(None) };
        let Some(row) = self.store.get(key_shard(), found).await? else { return Ok(None) };
        let key: ApiKey = from_bytes(&row.body)?;
        if key.expires_at.is_some_and(|end| end <= now) {
            return Ok(None);
        }
        let caller = Caller { merchant: key.merchant, key_id: key.id };
        Ok(Some(self.callers.keep(hash, caller, now)))
    }

    /// A merchant.
    ///
    /// # Errors
    /// [`CommandError::Unavailable`].
    pub async fn merchant(&self, id: MerchantId) -> Result<Option<Merchant>, CommandError> {
        self.row(store::Table::Merchant, 0, id).await
    }

    /// Whether a merchant may send card data itself. It may have been decided otherwise a moment ago.
    ///
    /// # Errors
    /// [`CommandError::Missing`], [`CommandError::Unavailable`].
    pub async fn sends_card_data(&self, id: MerchantId) -> Result<bool, CommandError> {
        Ok(self.merchant_row(id).await?.sends_card_data)
    }

    /// All merchants, newest first.
    ///
    /// # Errors
    /// [`CommandError::Unavailable`].
    pub async fn merchants(&self, page: Page) -> Result<Listed<Merchant>, CommandError> {
        self.list(store::Table::Merchant, 0, page).await
    }

    /// Suspends a merchant or takes it back.
    ///
    /// # Errors
    /// [`CommandError::Missing`], [`CommandError::Busy`] when it changed in between.
    pub async fn set_merchant_status(
        &self,
        id: MerchantId,
        status: MerchantStatus,
    ) -> Result<Merchant, CommandError> {
        self.update_merchant(id, MerchantUpdate { status: Some(status), offline: None }).await
    }

    /// Suspends a merchant or takes it back, and sets what chips may approve at its terminals.
    ///
    /// # Errors
    /// [`CommandError::Missing`], [`CommandError::Invalid`] for offline sales that it cannot have, [`CommandError::Busy`] when
    /// it changed in between.
    pub async fn update_merchant(
        &self,
        id: MerchantId,
        update: MerchantUpdate,
    ) -> Result<Merchant, CommandError> {
        let missing = || CommandError::Missing { kind: "merchant", id: id.to_string() };
        let mut merchant = self.merchant(id).await?.ok_or_else(missing)?;
        must_be_sound(update.offline.flatten(), merchant.sends_card_data)?;
        merchant.version += 1;
        merchant.status = update.status.unwrap_or(merchant.status);
        merchant.offline = update.offline.unwrap_or(merchant.offline);
        let mut unit = store::Unit::new(self.shard(MerchantId::from_u128(0)), self.clock.now());
        let offline = match merchant.offline {
            Some(OfflineTerms { floor_limit, days }) => {
                let (most, currency) = (floor_limit.minor(), floor_limit.currency());
                format!("offline sales up to {most} minor units of {currency} within {days} days")
            }
            None => "no offline sales".to_owned(),
        };
        let note = format!("merchant {id} is now {:?}, {offline}", merchant.status);
        self.add_setup(&mut unit, &merchant, Actor::Gateway, note)?;
        self.commit(unit).await?;
        self.merchants.forget(&id);
        Ok(merchant)
    }

    /// The vault's keyed hash, cut to the length of an alias: 128 bits are never guessed.
    fn key_hash(&self, secret_key: &str) -> [u8; 16] {
        let mut short = [0; 16];
        short.copy_from_slice(&self.vault.api_key_hash(secret_key)[..16]);
        short
    }

    fn new_secret_key(&self) -> SecretKey {
        let mut random = [0; RANDOM];
        self.entropy.fill(&mut random);
        let body = URL_SAFE_NO_PAD.encode(random);
        let check = checksum(&body);
        Secret::new(format!("{PREFIX}{body}{check}"))
    }
}

/// What chips may approve at a merchant's terminals can be told to its bank, and told again without becoming a second payment.
fn must_be_sound(offline: Option<OfflineTerms>, sends_card_data: bool) -> Result<(), CommandError> {
    let Some(terms) = offline else { return Ok(()) };
    if !sends_card_data {
        let rule = "must be 0: this merchant may not send card data".to_owned();
        return Err(CommandError::Invalid { field: "offline_floor_limit", rule });
    }
    terms.check().map_err(|why| CommandError::Invalid { field: "offline_days", rule: why.to_string() })
}

/// Keys are looked up before their merchant is known, so all of them lie in one shard.
const fn key_shard() -> Shard {
    Shard(0)
}

fn is_well_formed(secret_key: &str) -> bool {
    let Some(rest) = secret_key.strip_prefix(PREFIX) else { return false };
    if !rest.is_ascii() || rest.len() != RANDOM.div_ceil(3) * 4 + CHECK {
        return false;
    }
    let (body, check) = rest.split_at(rest.len() - CHECK);
    checksum(body) == check
}

fn checksum(body: &str) -> String {
    hex(&short_hash(&["secret key checksum", body])[..CHECK / 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_key_is_known_without_a_look_at_the_store() {
        let body = URL_SAFE_NO_PAD.encode([7; RANDOM]);
        let key = format!("{PREFIX}{body}{}", checksum(&body));
        assert!(is_well_formed(&key));
        for wrong in [
            key.replace("Bw", "Bx"),
            key[..key.len() - 1].to_owned(),
            key.replace("test", "live"),
            String::new(),
        ] {
            assert!(!is_well_formed(&wrong), "{wrong}");
        }
    }
}
