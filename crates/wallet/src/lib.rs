//! The shopper's side: enrolment, consent, sealed instructions to the PCS.
