//! What a link has seen, for metrics and tests.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        #[derive(Debug, Default)]
        pub(crate) struct Counters {
            $($(#[$doc])* pub $name: Counter,)+
        }

        /// The counters of a link since its start.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct CounterValues {
            $($(#[$doc])* pub $name: u64,)+
        }

        impl CounterValues {
            fn plus(&self, other: &Self) -> Self {
                Self { $($name: self.$name + other.$name,)+ }
            }
        }

        impl Counters {
            pub fn values(&self) -> CounterValues {
                CounterValues { $($name: self.$name.get(),)+ }
            }
        }
    };
}

counters! {
    /// Requests of callers that were handed to a write.
    sent,
    /// Requests that ended without a byte of them having left.
    not_sent,
    /// Answers that reached their request.
    matched,
    /// Answers that came over this link to requests that left by another.
    crossed,
    /// Answers whose request had ended without one.
    late,
    /// Answers whose request had been answered.
    duplicate,
    /// Answers to no request that we remember.
    unmatched,
    /// Requests and advices of the bank's own that the profile does not name.
    unsolicited,
    /// Requests and advices of the bank's own that were answered.
    bank_requests,
    /// Messages that are none of the bank's dialect.
    undecodable,
    /// Answers with a wrong or missing MAC. Any is an alarm.
    bad_mac,
    /// Answers that contradict their request. Any is an alarm.
    mismatch,
    /// Requests that ended without an answer.
    no_reply,
    /// Connections that came up.
    connects,
    /// Connections that were lost.
    losses,
    /// Sign-ons that succeeded.
    sign_ons,
    /// Echo tests that were answered.
    echoes,
    /// Sets of working keys that were proved and taken up.
    key_exchanges,
}

#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl std::ops::Add for CounterValues {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.plus(&other)
    }
}

impl Counter {
    pub fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
