//! Refusals of the PCS as problems.

use payment::Status;
use pcs::CommandError;

use crate::problem::{Code, Problem};

impl From<CommandError> for Problem {
    fn from(error: CommandError) -> Self {
        let code = code(&error);
        match &error {
            CommandError::Missing { kind, id } => Problem::missing(&kind.replace('_', " "), id),
            CommandError::Invalid { field, rule } => {
                Problem::with_param(code, format!("/{field}"), format!("{field} {rule}"))
            }
            CommandError::Limit(_) => Problem::with_param(code, "/amount", error.to_string()),
            CommandError::Route(_) if code == Code::CurrencyUnsupported => {
                Problem::with_param(code, "/currency", error.to_string())
            }
            CommandError::Refused { status, allowed_actions, .. } if code == Code::InvalidState => {
                Problem::new(code, error.to_string()).state(status_name(*status), allowed_actions)
            }
            CommandError::Refused { refused: payment::Refused::AdjustsNothing { .. }, .. } => {
                Problem::with_param(code, "/amount", error.to_string())
            }
            CommandError::SessionClosed { status } => {
                Problem::new(code, error.to_string()).state(status, &[])
            }
            CommandError::InProgress | CommandError::Busy => {
                Problem::new(code, error.to_string()).retry_after(1)
            }
            CommandError::Overloaded => Problem::new(code, error.to_string()).retry_after(1),
            CommandError::Unavailable(source) => {
                // The store's writer has said so once, with the reason; a line for each refusal would bury that.
                tracing::debug!(%source, "The store is not available");
                Problem::new(code, error.to_string()).retry_after(5)
            }
            CommandError::Internal(source) => {
                tracing::error!(%source, "A request met an internal fault");
                Problem::new(code, error.to_string())
            }
            CommandError::CardExpired => {
                Problem::new(code, error.to_string()).decline(Some(payment::Decline {
                    code: "expired_card".to_owned(),
                    network_code: None,
                    advice: "try_another_card".to_owned(),
                }))
            }
            // The operator's rules do not pass by themselves.
            CommandError::Route(_) if code == Code::PermissionDenied => Problem::new(code, error.to_string()),
            CommandError::Route(_) => Problem::new(code, error.to_string()).retry_after(30),
            CommandError::Refused { .. }
            | CommandError::MerchantSuspended
            | CommandError::KeyReused
            | CommandError::DuplicateReference { .. }
            | CommandError::Instruction { .. } => Problem::new(code, error.to_string()),
        }
    }
}

fn code(error: &CommandError) -> Code {
    // The wallet's checks have many names of their own; here they are one.
    let unknown = match error {
        CommandError::Instruction { .. } => Code::InstructionRefused,
        _ => Code::InternalError,
    };
    Code::from_name(error.code()).unwrap_or(unknown)
}

pub(crate) const fn status_name(status: Status) -> &'static str {
    match status {
        Status::RequiresPaymentMethod => "requires_payment_method",
        Status::RequiresConfirmation => "requires_confirmation",
        Status::Processing => "processing",
        Status::RequiresCapture => "requires_capture",
        Status::Succeeded => "succeeded",
        Status::Failed => "failed",
        Status::Canceled => "canceled",
    }
}
