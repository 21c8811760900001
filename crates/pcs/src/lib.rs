//! Payment control server: the flows between the Internet and the banks.
