//! Order information, payment instruction, LINK and the dual signature.
