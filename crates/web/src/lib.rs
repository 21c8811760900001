//! The pages people see: shop, checkout, wallet.
