//! The register of certificates, kept in the store: intents and certificates are journaled like everything else.

use pki::{Certificate, Intent, Register, RegisterError, Serial};
use serde::{Deserialize, Serialize};
use store::{Record, RecordKind, RowChange, RowKey, Shard, Store, Table, Unit};
use types::SystemClock;

/// Journal records about certificates.
pub const RECORD_CERTIFICATE: RecordKind = RecordKind(4);

/// How many rows one read takes.
const CHUNK: usize = 500;

/// The register of this installation's authority.
pub struct StoreRegister(pub Store);

#[derive(Serialize, Deserialize)]
struct Row {
    intent: Intent,
    /// DER, base64; none while it is not known whether it was signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    certificate: Option<String>,
}

impl StoreRegister {
    async fn write(
        &self,
        serial: Serial,
        before: Option<u32>,
        row: &Row,
        note: String,
    ) -> Result<(), RegisterError> {
        use types::Clock as _;
        let body = serde_json::to_vec(row).map_err(|error| RegisterError(error.to_string()))?;
        let key = key(serial);
        let event = serde_json::json!({ "actor": { "kind": "gateway" }, "note": note });
        let mut unit = Unit::new(shard(), SystemClock.now());
        unit.rows.push(RowChange { key, expected: before, body: Some(body.into()) });
        unit.records.push(Record {
            kind: RECORD_CERTIFICATE,
            owner: 0,
            subject: key.id,
            subject_version: before.unwrap_or(0) + 1,
            legs: None,
            event: event.to_string().into_bytes(),
        });
        self.0.commit(unit).await.map(drop).map_err(|error| RegisterError(error.to_string()))
    }
}

impl Register for StoreRegister {
    async fn record_intent(&self, intent: &Intent) -> Result<(), RegisterError> {
        let note = format!("certificate {} for {} is about to be signed", intent.serial, intent.subject);
        let row = Row { intent: intent.clone(), certificate: None };
        self.write(intent.serial, None, &row, note).await
    }

    async fn record_certificate(&self, certificate: &Certificate) -> Result<(), RegisterError> {
        let serial = certificate.serial();
        let found =
            self.0.get(shard(), key(serial)).await.map_err(|error| RegisterError(error.to_string()))?;
        let found = found.ok_or_else(|| RegisterError(format!("{serial} was never intended")))?;
        let mut row: Row =
            serde_json::from_slice(&found.body).map_err(|error| RegisterError(error.to_string()))?;
        row.certificate = Some(pki::b64::encode(certificate.der()));
        self.write(serial, Some(found.version), &row, format!("certificate {serial} was signed")).await
    }
}

impl ca::CertificateRegister for StoreRegister {
    async fn unfinished(&self) -> Result<Vec<Intent>, RegisterError> {
        let failed = |error: &dyn std::fmt::Display| RegisterError(error.to_string());
        let (mut unfinished, mut after) = (Vec::new(), None);
        loop {
            let rows =
                self.0.scan(shard(), Table::Certificate, 0, after, CHUNK).await.map_err(|e| failed(&e))?;
            let Some(last) = rows.last() else { return Ok(unfinished) };
            after = Some(last.key.id);
            for row in rows {
                let row: Row = serde_json::from_slice(&row.body).map_err(|e| failed(&e))?;
                if row.certificate.is_none() {
                    unfinished.push(row.intent);
                }
            }
        }
    }
}

/// The authority is the gateway's own, so its rows lie in the gateway's shard.
const fn shard() -> Shard {
    Shard(0)
}

fn key(serial: Serial) -> RowKey {
    RowKey { table: Table::Certificate, owner: 0, id: u128::from_be_bytes(*serial.as_bytes()) }
}
