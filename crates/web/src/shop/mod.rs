//! A demo shop: what a merchant's own server does, with the public API and a secret key, and nothing else.
//!
//! | request                     | answer                                                                     |
//! |-----------------------------|----------------------------------------------------------------------------|
//! | `GET /shop`                 | three things to buy, in two currencies, one of them charged later            |
//! | `POST /shop/buy`            | opens a checkout session by the API; 303 to the hosted checkout               |
//! | `GET /shop/thanks/{order}`  | what the API says about the order                                            |
//! | `GET /shop/canceled/{order}` | nothing was ordered                                                         |

mod api;
mod goods;
mod page;
mod routes;

pub use api::{ApiError, Evidence, HttpShopApi, NewSession, OrderStatus, OrderView, ShopApi};
pub use goods::{GOODS, Item, Picture};
pub use page::{Fact, ItemView, ProductsPage, ThanksPage};
pub use routes::{Setup, SetupError, Shop, pages, router};
