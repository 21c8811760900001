//! The only holder of keys: card tokens, MACs, working keys.
