//! Card terminals: the operator makes them, for the bank has given their numbers; the merchant names, suspends and
//! activates them.

use types::{MerchantId, TerminalId};

use crate::hash::short_hash;
use crate::model::{Actor, Terminal, TerminalStatus};
use crate::reads::TERMINAL_NUMBER;
use crate::resource::Resource as _;
use crate::{Caller, CommandError, Listed, Page, Pcs};

/// A terminal to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTerminal {
    /// Whose it is.
    pub merchant: MerchantId,
    /// The merchant's own name for it.
    pub label: String,
    /// The bank that has given its numbers.
    pub bank: String,
    /// DE 41.
    pub number: String,
    /// DE 42.
    pub acceptor: String,
}

impl Pcs {
    /// Makes a terminal.
    ///
    /// # Errors
    /// [`CommandError::Missing`] for an unknown merchant, [`CommandError::Invalid`] for an unknown bank,
    /// [`CommandError::DuplicateReference`] when the bank's number is another terminal's in the merchant's shard.
    pub async fn create_terminal(&self, new: NewTerminal) -> Result<Terminal, CommandError> {
        let missing = || CommandError::Missing { kind: "merchant", id: new.merchant.to_string() };
        self.merchant(new.merchant).await?.ok_or_else(missing)?;
        if !self.banks.contains_key(&new.bank) {
            let known: Vec<&str> = self.banks.keys().map(String::as_str).collect();
            let rule = format!("must be one of the gateway's banks: {}", known.join(", "));
            return Err(CommandError::Invalid { field: "bank", rule });
        }
        let now = self.clock.now();
        let terminal = Terminal {
            id: self.new_id(),
            merchant: new.merchant,
            version: 1,
            created: now,
            label: new.label,
            status: TerminalStatus::Active,
            bank: new.bank,
            number: new.number,
            acceptor: new.acceptor,
            pin_key: None,
        };
        let mut unit = self.unit(terminal.merchant, now);
        unit.aliases.push(store::AliasChange {
            space: TERMINAL_NUMBER,
            key: short_hash(&["terminal", &terminal.bank, &terminal.number]),
            target: Some(terminal.key()),
        });
        let note = format!("terminal {} ({} at {}) was made", terminal.id, terminal.number, terminal.bank);
        self.add_setup(&mut unit, &terminal, Actor::Gateway, note)?;
        self.commit(unit).await?;
        Ok(terminal)
    }

    /// A merchant's terminal.
    ///
    /// # Errors
    /// [`CommandError::Unavailable`].
    pub async fn terminal(
        &self,
        merchant: MerchantId,
        id: TerminalId,
    ) -> Result<Option<Terminal>, CommandError> {
        self.row(store::Table::Terminal, merchant.to_u128(), id).await
    }

    /// A merchant's terminals, newest first.
    ///
    /// # Errors
    /// [`CommandError::Unavailable`].
    pub async fn terminals(
        &self,
        merchant: MerchantId,
        page: Page,
    ) -> Result<Listed<Terminal>, CommandError> {
        self.list(store::Table::Terminal, merchant.to_u128(), page).await
    }

    /// Names a terminal, suspends it or takes it back.
    ///
    /// # Errors
    /// [`CommandError::Missing`], [`CommandError::Busy`] when it changed in between.
    pub async fn update_terminal(
        &self,
        caller: &Caller,
        id: TerminalId,
        label: Option<String>,
        status: Option<TerminalStatus>,
    ) -> Result<Terminal, CommandError> {
        let missing = || CommandError::Missing { kind: "terminal", id: id.to_string() };
        let mut terminal = self.terminal(caller.merchant, id).await?.ok_or_else(missing)?;
        terminal.version += 1;
        terminal.label = label.unwrap_or(terminal.label);
        terminal.status = status.unwrap_or(terminal.status);
        let note = format!("terminal {id} is now {:?}, {:?}", terminal.label, terminal.status);
        self.write(caller, &terminal, note).await?;
        Ok(terminal)
    }

    /// A terminal that may take a payment now.
    pub(crate) async fn usable_terminal(
        &self,
        merchant: MerchantId,
        id: TerminalId,
    ) -> Result<Terminal, CommandError> {
        let missing = || CommandError::Missing { kind: "terminal", id: id.to_string() };
        let terminal = self.terminal(merchant, id).await?.ok_or_else(missing)?;
        if terminal.status == TerminalStatus::Suspended {
            let rule = "is suspended and takes no payments".to_owned();
            return Err(CommandError::Invalid { field: "terminal", rule });
        }
        Ok(terminal)
    }
}
