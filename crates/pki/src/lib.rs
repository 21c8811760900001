//! Certificates, chains, signatures and signed HTTP requests, without I/O.
