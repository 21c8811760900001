//! Card numbers, expiry dates and brands.
