//! Rows on their way from one engine to the other, and their checksum.

use aws_lc_rs::digest::{Context, SHA256};

/// A column of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    Null,
    Number(i64),
    Bytes(Vec<u8>),
    Text(String),
}

/// How many rows a table has, and the sum of their SHA-256: the same for the same rows in whatever order they are read. It
/// guards against accidents; what nobody may alter is the journal, and its chain is compared too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checksum {
    /// Rows.
    pub rows: u64,
    /// The sum, modulo 2^64 in each of its four parts.
    pub sum: [u64; 4],
}

impl Checksum {
    pub(crate) fn add(&mut self, row: &[Cell]) {
        let mut context = Context::new(&SHA256);
        for cell in row {
            match cell {
                Cell::Null => context.update(&[0]),
                Cell::Number(number) => {
                    context.update(&[1]);
                    context.update(&number.to_be_bytes());
                }
                Cell::Bytes(bytes) => said(&mut context, 2, bytes),
                Cell::Text(text) => said(&mut context, 3, text.as_bytes()),
            }
        }
        let digest = context.finish();
        let (parts, _) = digest.as_ref().as_chunks::<8>();
        for (sum, part) in self.sum.iter_mut().zip(parts) {
            *sum = sum.wrapping_add(u64::from_be_bytes(*part));
        }
        self.rows += 1;
    }
}

fn said(context: &mut Context, tag: u8, bytes: &[u8]) {
    context.update(&[tag]);
    context.update(&(bytes.len() as u64).to_be_bytes());
    context.update(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(rows: &[&[Cell]]) -> Checksum {
        let mut sum = Checksum::default();
        rows.iter().for_each(|row| sum.add(row));
        sum
    }

    #[test]
    fn the_order_of_rows_does_not_matter_and_everything_else_does() {
        let (one, two) = ([Cell::Number(1), Cell::Bytes(vec![7])], [Cell::Number(2), Cell::Null]);
        assert_eq!(sum(&[&one, &two]), sum(&[&two, &one]));
        assert_ne!(sum(&[&one, &two]), sum(&[&one]));
        assert_ne!(sum(&[&one]), sum(&[&[Cell::Number(1), Cell::Text("\u{7}".to_owned())]]));
        assert_ne!(
            sum(&[&[Cell::Bytes(vec![1]), Cell::Bytes(vec![])]]),
            sum(&[&[Cell::Bytes(vec![]), Cell::Bytes(vec![1])]])
        );
    }
}
