//! Faults by chance, and the same ones every time: whether and how a message goes wrong follows from a seed and from what
//! the message is, not from when it comes or what else is under way.

use std::collections::HashMap;
use std::time::Duration;

use iso8583::Message;

use crate::fault::Fault;

/// What chaos is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChaosConfig {
    /// The same seed makes the same run.
    pub seed: u64,
    /// How many messages of a thousand go wrong.
    pub per_mille: u16,
    /// The longest delay.
    pub longest_delay: Duration,
}

/// How a message can go wrong by chance: whatever mends itself. A wrong key stops a link until a person comes, and what
/// is held back waits for somebody to let it go.
const FAULTS: [fn(u64, Duration) -> Fault; 13] = [
    |_, _| Fault::NotReceived,
    |_, _| Fault::NoAnswer,
    |chance, longest| Fault::Delay(part_of(longest, chance)),
    |chance, longest| Fault::Delay(part_of(longest / 8, chance)),
    |_, _| Fault::DuplicateAnswer,
    |_, _| Fault::WrongMac,
    |_, _| Fault::WrongTerminal,
    |_, _| Fault::WrongStan,
    |_, _| Fault::WrongAmount,
    |_, _| Fault::HalfFrame,
    |_, _| Fault::Reset,
    |_, _| Fault::GarbageBefore,
    |_, _| Fault::OtherLink,
];

fn part_of(whole: Duration, chance: u64) -> Duration {
    let millis = u64::try_from(whole.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(chance % millis.saturating_add(1).max(1))
}

#[derive(Debug)]
pub(crate) struct Chaos {
    config: ChaosConfig,
    /// How often each message has come: a repeat has its own luck.
    came: HashMap<u64, u64>,
}

impl Chaos {
    pub fn new(config: ChaosConfig) -> Self {
        Self { config, came: HashMap::new() }
    }

    /// How this message goes wrong, if it does.
    pub fn choose(&mut self, message: &Message<'_>) -> Option<Fault> {
        let class = message.mti().class();
        let mut name = vec![class];
        // The messages of a link have trace numbers of its own making; those are told apart by their order.
        if class != 8 {
            for de in [11, 41, 42] {
                name.extend(message.get(de).into_iter().flat_map(|value| value.characters()));
                name.push(0);
            }
        }
        self.lot(&name)
    }

    fn lot(&mut self, name: &[u8]) -> Option<Fault> {
        let name = name.iter().fold(self.config.seed, |state, byte| mix(state ^ u64::from(*byte)));
        let came = self.came.entry(name).or_default();
        *came += 1;
        let drawn = mix(name ^ *came);
        if drawn % 1000 >= u64::from(self.config.per_mille) {
            return None;
        }
        let which = mix(drawn);
        let index = usize::try_from(which % FAULTS.len() as u64).unwrap_or_default();
        Some(FAULTS[index](mix(which), self.config.longest_delay))
    }
}

/// Splitmix64: each bit of the result depends on each bit of the state.
const fn mix(state: u64) -> u64 {
    let z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chaos(seed: u64, per_mille: u16) -> Chaos {
        Chaos::new(ChaosConfig { seed, per_mille, longest_delay: Duration::from_secs(40) })
    }

    fn run(chaos: &mut Chaos, order: impl Iterator<Item = u32>) -> Vec<(u32, Option<Fault>)> {
        let mut lots: Vec<_> = order.map(|stan| (stan, chaos.lot(&stan.to_be_bytes()))).collect();
        lots.sort_by_key(|(stan, _)| *stan);
        lots
    }

    #[test]
    fn the_same_seed_makes_the_same_faults_in_whatever_order_messages_come() {
        let forward = run(&mut chaos(7, 300), 0..500);
        assert_eq!(run(&mut chaos(7, 300), (0..500).rev()), forward);
        assert_ne!(run(&mut chaos(8, 300), 0..500), forward);
    }

    #[test]
    fn as_many_go_wrong_as_were_ordered_and_each_kind_happens() {
        let lots = run(&mut chaos(1, 250), 0..10_000);
        let faults: Vec<_> = lots.into_iter().filter_map(|(_, fault)| fault).collect();
        assert!((2_300..2_700).contains(&faults.len()), "{} of 10000", faults.len());
        for fault in FAULTS {
            let kind = std::mem::discriminant(&fault(1, Duration::from_secs(1)));
            assert!(faults.iter().any(|fault| std::mem::discriminant(fault) == kind));
        }
        assert!(run(&mut chaos(1, 0), 0..1_000).iter().all(|(_, fault)| fault.is_none()));
    }

    #[test]
    fn a_repeat_has_its_own_luck() {
        let mut chaos = chaos(3, 500);
        let lots: Vec<_> = (0..64).map(|_| chaos.lot(b"000001")).collect();
        assert!(lots.iter().any(Option::is_some) && lots.iter().any(Option::is_none));
    }
}
