//! The distinct values of a column, numbered in the order of first occurrence, and the numbers of
//! its rows.

use std::ops::Range;

use arrow::array::{Array, AsArray, PrimitiveArray, StringArray};
use arrow::datatypes::{ArrowPrimitiveType, Int32Type};
use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::hybrid;
use super::runs::valid_runs;

/// Integers from 0 to below this are looked up in an array.
const SMALL: usize = 1 << 16;

/// Integers that are compared with the one before them at once.
const BLOCK: usize = 64;

/// No text has this number: there are fewer than 2³¹ rows.
const UNKNOWN: u32 = u32::MAX;

/// Distinct texts.
pub(super) struct Texts {
    numbers: HashMap<Box<str>, u32, FixedState>,
    /// Each text behind its length.
    pub(super) plain: Vec<u8>,
}

impl Texts {
    pub(super) fn new() -> Self {
        Self {
            numbers: HashMap::with_hasher(FixedState::with_seed(0x7465_726d)),
            plain: Vec::new(),
        }
    }

    pub(super) fn count(&self) -> usize {
        self.numbers.len()
    }

    /// Appends the numbers of values that are not null; `None` if they are no texts.
    pub(super) fn add(&mut self, array: &dyn Array, out: &mut Vec<u32>) -> Option<()> {
        if let Some(texts) = array.as_string_opt::<i32>() {
            out.extend(texts.iter().flatten().map(|text| self.number(text)));
            return Some(());
        }
        let dictionary = array.as_dictionary_opt::<Int32Type>()?;
        let texts: &StringArray = dictionary.values().as_string_opt()?;
        // The number of each text of the batch, once it was needed.
        let mut known = vec![UNKNOWN; texts.len()];
        let keys = dictionary.keys();
        for (start, end) in valid_runs(keys) {
            for key in keys.values().get(start..end)? {
                let key = usize::try_from(*key).ok()?;
                let slot = known.get_mut(key)?;
                if *slot == UNKNOWN {
                    *slot = self.number(texts.value(key));
                }
                out.push(*slot);
            }
        }
        Some(())
    }

    fn number(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = next(self.numbers.len());
        self.numbers.insert(text.into(), number);
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        self.plain.extend_from_slice(&length.to_le_bytes());
        self.plain.extend_from_slice(text.as_bytes());
        number
    }
}

/// Distinct integers.
pub(super) struct Integers {
    pub(super) values: Vec<i64>,
    /// The number of each small integer, plus one; 0 for none yet.
    small: Vec<u32>,
    others: HashMap<i64, u32, FixedState>,
}

impl Integers {
    pub(super) fn new() -> Self {
        Self {
            values: Vec::new(),
            small: Vec::new(),
            others: HashMap::with_hasher(FixedState::with_seed(0x696e_7473)),
        }
    }

    /// Appends the numbers of values that are not null.
    pub(super) fn add<T: ArrowPrimitiveType>(
        &mut self,
        array: &PrimitiveArray<T>,
        out: &mut Vec<u32>,
    ) where
        i64: From<T::Native>,
    {
        let mut last: Option<(T::Native, u32)> = None;
        for (start, end) in valid_runs(array) {
            let values = array.values().get(start..end).unwrap_or_default();
            for block in values.chunks(BLOCK) {
                // Many columns hardly ever change: a block of one value is seen at once.
                if let Some((known, number)) = last
                    && block
                        .iter()
                        .fold(true, |same, value| same & (*value == known))
                {
                    out.resize(out.len() + block.len(), number);
                    continue;
                }
                out.extend(block.iter().map(|value| {
                    let number = match last {
                        Some((known, number)) if known == *value => number,
                        _ => self.number(i64::from(*value)),
                    };
                    last = Some((*value, number));
                    number
                }));
            }
        }
    }

    #[inline]
    fn number(&mut self, value: i64) -> u32 {
        if let Some(at) = usize::try_from(value).ok().filter(|at| *at < SMALL) {
            if at >= self.small.len() {
                self.reach(at);
            }
            if let Some(slot) = self.small.get_mut(at) {
                if *slot == 0 {
                    self.values.push(value);
                    *slot = next(self.values.len());
                }
                return *slot - 1;
            }
        }
        self.other(value)
    }

    /// Apart, so that the rest of [`Integers::number`] becomes part of the loop that calls it.
    #[inline(never)]
    fn other(&mut self, value: i64) -> u32 {
        if let Some(number) = self.others.get(&value) {
            return *number;
        }
        let number = next(self.values.len());
        self.values.push(value);
        self.others.insert(value, number);
        number
    }

    /// Makes the array reach to a small integer.
    #[cold]
    fn reach(&mut self, at: usize) {
        self.small.resize((at + 1).next_power_of_two(), 0);
    }
}

fn next(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Numbers of rows. They take no more bytes each than they need, since most of the memory of an open
/// row group is theirs.
pub(super) enum Numbers {
    One(Vec<u8>),
    Two(Vec<u16>),
    Four(Vec<u32>),
}

impl Default for Numbers {
    fn default() -> Self {
        Self::One(Vec::new())
    }
}

impl Numbers {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::One(numbers) => numbers.len(),
            Self::Two(numbers) => numbers.len(),
            Self::Four(numbers) => numbers.len(),
        }
    }

    /// Appends those of a batch, all below `count`; in the end there are about `whole`, if a second
    /// batch comes.
    pub(super) fn append(&mut self, batch: &[u32], count: usize, whole: usize) {
        match self {
            Self::One(numbers) if count > 1 << 16 => *self = Self::Four(widened(numbers, whole)),
            Self::One(numbers) if count > 1 << 8 => *self = Self::Two(widened(numbers, whole)),
            Self::Two(numbers) if count > 1 << 16 => *self = Self::Four(widened(numbers, whole)),
            _ => {}
        }
        match self {
            Self::One(numbers) => {
                reserve(numbers, batch.len(), whole);
                numbers.extend(batch.iter().map(|n| (n & 0xff) as u8));
            }
            Self::Two(numbers) => {
                reserve(numbers, batch.len(), whole);
                numbers.extend(batch.iter().map(|n| (n & 0xffff) as u16));
            }
            Self::Four(numbers) => {
                reserve(numbers, batch.len(), whole);
                numbers.extend_from_slice(batch);
            }
        }
    }

    /// Appends them as Parquet packs them.
    pub(super) fn hybrid(&self, rows: Range<usize>, width: u8, out: &mut Vec<u8>) {
        match self {
            Self::One(numbers) => hybrid::numbers(part(numbers, rows), width, out),
            Self::Two(numbers) => hybrid::numbers(part(numbers, rows), width, out),
            Self::Four(numbers) => hybrid::numbers(part(numbers, rows), width, out),
        }
    }

    /// Appends the values that they stand for, of `size` bytes each in `plain`.
    pub(super) fn plain(&self, rows: Range<usize>, plain: &[u8], size: usize, out: &mut Vec<u8>) {
        fn values<N: Copy + Into<u32>, const SIZE: usize>(
            numbers: &[N],
            plain: &[u8],
            out: &mut Vec<u8>,
        ) {
            let (values, _) = plain.as_chunks::<SIZE>();
            out.reserve(numbers.len() * SIZE);
            for number in numbers {
                let value = values.get((*number).into() as usize);
                out.extend_from_slice(value.unwrap_or(&[0; SIZE]));
            }
        }
        match (self, size) {
            (Self::One(numbers), 4) => values::<_, 4>(part(numbers, rows), plain, out),
            (Self::One(numbers), _) => values::<_, 8>(part(numbers, rows), plain, out),
            (Self::Two(numbers), 4) => values::<_, 4>(part(numbers, rows), plain, out),
            (Self::Two(numbers), _) => values::<_, 8>(part(numbers, rows), plain, out),
            (Self::Four(numbers), 4) => values::<_, 4>(part(numbers, rows), plain, out),
            (Self::Four(numbers), _) => values::<_, 8>(part(numbers, rows), plain, out),
        }
    }
}

fn part<N>(numbers: &[N], rows: Range<usize>) -> &[N] {
    let rows = rows.start..rows.end.min(numbers.len());
    numbers.get(rows).unwrap_or_default()
}

/// Numbers in more bytes each, with room for all batches if there was a first.
fn widened<N: Copy, M: From<N>>(numbers: &[N], whole: usize) -> Vec<M> {
    let mut wide = Vec::new();
    if !numbers.is_empty() {
        wide.reserve_exact(whole.max(numbers.len()));
    }
    wide.extend(numbers.iter().map(|n| M::from(*n)));
    wide
}

/// Makes room once for all batches, but not for the first, which may be the only one: memory that
/// is touched for the first time is dear, and growing step by step touches twice as much.
fn reserve<N>(numbers: &mut Vec<N>, more: usize, whole: usize) {
    let len = numbers.len();
    if numbers.capacity() - len < more {
        let whole = if len == 0 { 0 } else { whole };
        numbers.reserve_exact(more.max((whole + more).saturating_sub(len)));
    }
}
