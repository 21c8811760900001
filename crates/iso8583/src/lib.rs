//! A table-driven ISO 8583 codec: dialects are data, decoding borrows and never allocates.
