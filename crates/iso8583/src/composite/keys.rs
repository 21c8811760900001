//! From a tag to the part that has it, in one step.

use super::MAX_PARTS;

/// A table of twice as many places as there can be parts; a key that finds its place taken goes to the next.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    places: Box<[(u32, u8); PLACES]>,
    count: u8,
}

const PLACES: usize = 2 * MAX_PARTS;
const FREE: u8 = u8::MAX;

impl Keys {
    pub fn new() -> Self {
        Self { places: Box::new([(0, FREE); PLACES]), count: 0 }
    }

    /// Adds the key of the next part. The compiler lets no more parts through than [`MAX_PARTS`].
    pub fn push(&mut self, key: u32) {
        let free = Self::places(key).find(|place| self.places[*place].1 == FREE);
        if let Some(place) = free.filter(|_| usize::from(self.count) < MAX_PARTS) {
            self.places[place] = (key, self.count);
            self.count += 1;
        }
    }

    /// The index of the first part with this key.
    #[inline]
    pub fn get(&self, key: u32) -> Option<usize> {
        for place in Self::places(key) {
            match self.places[place] {
                (_, FREE) => return None,
                (known, part) if known == key => return Some(part.into()),
                _ => {}
            }
        }
        None
    }

    /// Where a key can stand, in order.
    #[inline]
    fn places(key: u32) -> impl Iterator<Item = usize> {
        let first = (key.wrapping_mul(0x9E37_79B1) >> 25) as usize;
        (0..PLACES).map(move |step| (first + step) % PLACES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_finds_its_part_and_no_other() {
        let mut keys = Keys::new();
        let all: Vec<u32> = (0..MAX_PARTS as u32).map(|n| n * n * 977).collect();
        all.iter().for_each(|key| keys.push(*key));
        for (part, key) in all.iter().enumerate() {
            assert_eq!(keys.get(*key), Some(part));
            assert_eq!(keys.get(key + 1), None);
        }
    }
}
