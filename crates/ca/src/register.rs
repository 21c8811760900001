//! The register of certificates, as the authority reads it; and one in memory.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pki::{Certificate, Intent, Register, RegisterError, Serial};

/// The register of certificates: [`Register`] writes it, this reads it.
pub trait CertificateRegister: Register {
    /// Intents without a certificate: signed or not, nobody knows. Shown to the operator; their serial numbers are spent.
    fn unfinished(&self) -> impl Future<Output = Result<Vec<Intent>, RegisterError>> + Send;
}

/// A register in memory, for tests and simulation.
#[derive(Debug, Default)]
pub struct MemoryRegister {
    rows: Mutex<BTreeMap<Serial, (Intent, Option<Certificate>)>>,
}

impl MemoryRegister {
    fn rows(&self) -> MutexGuard<'_, BTreeMap<Serial, (Intent, Option<Certificate>)>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every certificate that was recorded, in the order of serial numbers.
    pub fn certificates(&self) -> Vec<Certificate> {
        self.rows().values().filter_map(|(_, certificate)| certificate.clone()).collect()
    }
}

impl Register for MemoryRegister {
    async fn record_intent(&self, intent: &Intent) -> Result<(), RegisterError> {
        let mut rows = self.rows();
        if rows.contains_key(&intent.serial) {
            return Err(RegisterError(format!("the serial number {} is taken", intent.serial)));
        }
        rows.insert(intent.serial, (intent.clone(), None));
        Ok(())
    }

    async fn record_certificate(&self, certificate: &Certificate) -> Result<(), RegisterError> {
        match self.rows().get_mut(&certificate.serial()) {
            Some((_, place @ None)) => {
                *place = Some(certificate.clone());
                Ok(())
            }
            Some((_, Some(_))) => {
                Err(RegisterError(format!("{} has its certificate already", certificate.serial())))
            }
            None => Err(RegisterError(format!("{} was never intended", certificate.serial()))),
        }
    }
}

impl CertificateRegister for MemoryRegister {
    async fn unfinished(&self) -> Result<Vec<Intent>, RegisterError> {
        Ok(self
            .rows()
            .values()
            .filter(|(_, certificate)| certificate.is_none())
            .map(|(intent, _)| intent.clone())
            .collect())
    }
}
