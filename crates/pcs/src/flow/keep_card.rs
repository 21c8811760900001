//! Keep a card in a customer's wallet, after it has paid once.
//!
//! The card comes sealed like a payment instruction, for the payment it was just used for and without its security code.
//! No LINK holds its hash, so nothing can be paid with it. From then on only its holder's passkey can pay with it (`instruct.rs`).

use card::{Expiry, Pan};
use order::envelope::open;
use order::{Instrument, PaymentInstruction};
use types::{CustomerId, MerchantId, PaymentId};

use crate::model::{Actor, PaymentMethod, PaymentMethodStatus};
use crate::{CommandError, Pcs, WalletIdentity};

impl Pcs {
    /// Keeps a card for `holder`. Asked twice for the same payment and holder it gives the card that is kept already.
    ///
    /// # Errors
    /// [`CommandError::Missing`] when no such payment was made; [`CommandError::Instruction`] when the envelope does not
    /// hold the payment's own card and terms.
    pub async fn keep_wallet_card(
        &self,
        wallet: &WalletIdentity,
        payment: PaymentId,
        holder: CustomerId,
        envelope: &str,
    ) -> Result<PaymentMethod, CommandError> {
        let missing = || CommandError::Missing { kind: "payment", id: payment.to_string() };
        let paid = self.payment_for_wallet(payment).await?.ok_or_else(missing)?;
        let opened = open(envelope, &*self.custodian.recipients).map_err(|_| refused("envelope_invalid"))?;
        let instruction = PaymentInstruction::from_canonical(&opened.plain)
            .map_err(|_| refused("instruction_malformed"))?;
        let same_terms = instruction.payment == payment
            && instruction.amount == paid.terms.amount.minor()
            && instruction.currency == paid.currency();
        if opened.payment != payment || !same_terms {
            return Err(refused("instruction_contradicts_link"));
        }
        let Instrument::Card { pan, expiry, security_code: None } = &instruction.instrument else {
            return Err(refused("instruction_malformed"));
        };
        let pan = Pan::parse(pan.expose()).map_err(|_| refused("instruction_malformed"))?;
        let expiry = Expiry::parse(expiry.expose()).map_err(|_| refused("instruction_malformed"))?;
        let is_same =
            |card: &payment::CardSummary| card.last4 == pan.last4() && card.bin == pan.bin().as_str();
        if !paid.card.as_ref().is_some_and(is_same) {
            return Err(refused("instruction_contradicts_link"));
        }
        let method = self.seal_card(&pan, expiry, None, Some(holder), PaymentMethodStatus::Active)?;
        if let Some(kept) = self.kept_already(holder, &method.fingerprint).await? {
            return Ok(kept);
        }
        let mut unit = self.unit(MerchantId::from_u128(0), self.clock.now());
        let note =
            format!("card {} ({} …{}) is kept in a wallet", method.id, method.card.brand, method.card.last4);
        let actor = Actor::Wallet { certificate_serial: wallet.certificate_serial.clone() };
        self.add_setup(&mut unit, &method, actor, note)?;
        self.commit(unit).await?;
        Ok(method)
    }

    async fn kept_already(
        &self,
        holder: CustomerId,
        fingerprint: &str,
    ) -> Result<Option<PaymentMethod>, CommandError> {
        let methods = self.payment_methods_of(MerchantId::from_u128(0), holder).await?;
        Ok(methods.into_iter().find(|method| method.fingerprint == fingerprint))
    }
}

fn refused(code: &'static str) -> CommandError {
    CommandError::Instruction {
        code,
        reason: "the envelope does not hold this payment's card to keep".to_owned(),
    }
}
