//! Values with a bit for each row that tells whether it has one, as Arrow wants them.

use arrow::array::PrimitiveArray;
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer};
use arrow::datatypes::{ArrowNativeType, ArrowPrimitiveType};
use arrow::error::ArrowError;

/// Takes the values of a batch and makes room for the next, which has about as many: growing step by
/// step copies each twice, into memory that is touched for the first time.
pub(crate) fn renew<T>(values: &mut Vec<T>) -> Vec<T> {
    let next = Vec::with_capacity(values.len());
    std::mem::replace(values, next)
}

/// A bit for each row.
#[derive(Debug, Default)]
pub(crate) struct Bits {
    /// 64 rows each, the first in the lowest bit.
    words: Vec<u64>,
    /// Rows that fill no word yet.
    last: u64,
    rows: usize,
}

impl Bits {
    #[inline]
    pub(crate) fn push(&mut self, bit: bool) {
        self.append(u64::from(bit), 1);
    }

    /// Appends the lowest so many bits, 64 at most; those above are 0.
    #[inline]
    pub(crate) fn append(&mut self, bits: u64, count: usize) {
        let filled = self.rows % 64;
        self.last |= bits << filled;
        self.rows += count;
        if filled + count >= 64 {
            self.words.push(self.last.to_le());
            self.last = if filled == 0 {
                0
            } else {
                bits >> (64 - filled)
            };
        }
    }

    pub(crate) fn finish(&mut self) -> BooleanBuffer {
        self.words.push(std::mem::take(&mut self.last).to_le());
        let rows = std::mem::take(&mut self.rows);
        BooleanBuffer::new(Buffer::from_vec(renew(&mut self.words)), 0, rows)
    }
}

/// Bits of values, and how many there are.
#[inline]
pub(crate) fn bits_of<V>(
    values: impl Iterator<Item = V>,
    is_set: impl Fn(V) -> bool,
) -> (u64, usize) {
    values.fold((0, 0), |(bits, count), value| {
        (bits | u64::from(is_set(value)) << count, count + 1)
    })
}

/// Values that may be null, with a bit for each that tells.
#[derive(Debug, Default)]
pub(crate) struct OptionalValues<N> {
    values: Vec<N>,
    valid: Bits,
}

impl<N: ArrowNativeType> OptionalValues<N> {
    pub(crate) fn with_capacity(rows: usize) -> Self {
        Self {
            values: Vec::with_capacity(rows),
            valid: Bits::default(),
        }
    }

    #[inline]
    pub(crate) fn push(&mut self, value: Option<N>) {
        self.valid.push(value.is_some());
        self.values.push(value.unwrap_or_default());
    }

    /// At most 64 values.
    #[inline]
    pub(crate) fn extend(&mut self, values: impl ExactSizeIterator<Item = Option<N>> + Clone) {
        let (bits, count) = bits_of(values.clone(), |value| value.is_some());
        self.valid.append(bits, count);
        self.values.extend(values.map(Option::unwrap_or_default));
    }

    pub(crate) fn finish<T: ArrowPrimitiveType<Native = N>>(
        &mut self,
    ) -> Result<PrimitiveArray<T>, ArrowError> {
        let nulls = Some(NullBuffer::new(self.valid.finish()));
        let nulls = nulls.filter(|nulls| nulls.null_count() > 0);
        PrimitiveArray::try_new(renew(&mut self.values).into(), nulls)
    }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::Int32Type;

    use super::OptionalValues;

    /// Blocks of all sizes, one behind the other, whatever place in a word they begin at.
    #[test]
    fn values_come_out_as_they_went_in() {
        let mut column = OptionalValues::<i32>::default();
        let mut all = Vec::new();
        for size in (0..=64).chain([64, 64, 1, 63, 64, 7]) {
            let block: Vec<Option<i32>> = (0..size)
                .map(|n| (n * n % 7 != 2 && size != 9).then_some(n))
                .collect();
            column.extend(block.iter().copied());
            column.push(Some(size));
            all.extend(block);
            all.push(Some(size));
        }
        let array = column.finish::<Int32Type>().unwrap();
        assert_eq!(array.iter().collect::<Vec<_>>(), all);
        assert_eq!(column.finish::<Int32Type>().unwrap().len(), 0);
    }
}
