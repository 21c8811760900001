//! The certificate authority: enrol, issue, register.
