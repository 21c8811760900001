//! A simulated bank host with faults.
