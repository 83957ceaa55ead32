//! Column chunks of values that repeat: texts (addresses, names, terms) and integers.
//!
//! Parquet's own writer looks every value up by its bytes, which is most of its work on packet
//! tables. Here each distinct text of a batch, which has them dictionary-encoded already, is looked
//! up once; small integers are looked up in an array, and one that is equal to the one before not
//! at all. The result is what any reader expects of a dictionary-encoded column: a dictionary page,
//! and data pages in `RLE_DICTIONARY` (Parquet format, "Data Pages", "Run Length Encoding /
//! Bit-Packing Hybrid"). Integers that hardly repeat are written plain.

use arrow::array::{Array, AsArray, PrimitiveArray, StringArray};
use arrow::datatypes::{ArrowPrimitiveType, DataType, Int32Type, Int64Type};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::statistics::Statistics;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;

use crate::error::{Error, Result};

/// Rows of a data page.
const PAGE_ROWS: usize = 131_072;
/// Integers from 0 to below this are looked up in an array.
const SMALL: usize = 1 << 16;

/// A chunk under way.
pub(super) struct DictionaryWriter {
    distinct: Distinct,
    /// Number of each row that is not null, in the order of first occurrence of its value.
    numbers: Vec<u32>,
    /// Whether each row is not null, if the column may have nulls.
    valid: Option<Vec<u8>>,
    rows: usize,
}

/// The distinct values, with their numbers.
enum Distinct {
    Texts(Texts),
    Int32(Integers),
    Int64(Integers),
}

/// A finished chunk, to be appended to a row group.
pub(super) struct Chunk {
    pub(super) bytes: bytes::Bytes,
    pub(super) close: ColumnCloseResult,
}

impl DictionaryWriter {
    /// For a column of that type; `None` if it is written otherwise.
    pub(super) fn new(ty: &DataType, nullable: bool) -> Option<Self> {
        let distinct = match ty {
            DataType::Utf8 => Distinct::Texts(Texts::new()),
            DataType::Dictionary(_, value) if **value == DataType::Utf8 => {
                Distinct::Texts(Texts::new())
            }
            DataType::Int32 => Distinct::Int32(Integers::new()),
            DataType::Int64 => Distinct::Int64(Integers::new()),
            _ => return None,
        };
        Some(Self {
            distinct,
            numbers: Vec::new(),
            valid: nullable.then(Vec::new),
            rows: 0,
        })
    }

    /// Adds rows; texts may be dictionary-encoded or not.
    pub(super) fn write(&mut self, array: &dyn Array) -> Result<()> {
        self.rows += array.len();
        if let Some(valid) = &mut self.valid {
            match array.nulls() {
                Some(nulls) => valid.extend(nulls.iter().map(u8::from)),
                None => valid.resize(valid.len() + array.len(), 1),
            }
        }
        let numbers = &mut self.numbers;
        numbers.reserve(array.len());
        let known = match &mut self.distinct {
            Distinct::Texts(texts) => texts.add(array, numbers),
            Distinct::Int32(integers) => array
                .as_primitive_opt::<Int32Type>()
                .map(|array| integers.add(array, numbers)),
            Distinct::Int64(integers) => array
                .as_primitive_opt::<Int64Type>()
                .map(|array| integers.add(array, numbers)),
        };
        known.ok_or_else(|| Error::new("the values of a column are of another type than it"))
    }

    /// About how many bytes the chunk will have.
    pub(super) fn estimated_bytes(&self) -> usize {
        let distinct = match &self.distinct {
            Distinct::Texts(texts) => texts.plain.len(),
            Distinct::Int32(integers) | Distinct::Int64(integers) => integers.values.len() * 8,
        };
        distinct + self.numbers.len() * 2
    }

    /// The chunk.
    pub(super) fn close(self, descriptor: &ColumnDescPtr) -> Result<Chunk> {
        let nulls = (self.rows - self.numbers.len()) as u64;
        // How many there are, as a dictionary page, what is known of them, and the size of each.
        let (count, plain, statistics, size) = match self.distinct {
            Distinct::Texts(texts) => (texts.numbers.len(), texts.plain, None, None),
            Distinct::Int32(Integers { values, .. }) => {
                let values: Vec<i32> = values
                    .into_iter()
                    .map(|n| i32::try_from(n).unwrap_or(0))
                    .collect();
                let (least, most) = (values.iter().min().copied(), values.iter().max().copied());
                let statistics = Statistics::int32(least, most, None, Some(nulls), false);
                let plain = values.iter().flat_map(|n| n.to_le_bytes()).collect();
                (values.len(), plain, Some(statistics), Some(4))
            }
            Distinct::Int64(Integers { values, .. }) => {
                let (least, most) = (values.iter().min().copied(), values.iter().max().copied());
                let statistics = Statistics::int64(least, most, None, Some(nulls), false);
                let plain = values.iter().flat_map(|n| n.to_le_bytes()).collect();
                (values.len(), plain, Some(statistics), Some(8))
            }
        };
        // Integers that hardly repeat.
        let as_they_are = size.filter(|_| count > 1024 && count * 2 > self.numbers.len());
        let mut pages = Pages::default();
        if as_they_are.is_none() {
            let page = Page::DictionaryPage {
                buf: compress(&plain)?,
                num_values: u32::try_from(count).unwrap_or(u32::MAX),
                encoding: Encoding::PLAIN,
                is_sorted: false,
            };
            pages.write(page, plain.len())?;
        }
        let width = bits(count.saturating_sub(1));
        let mut numbers = self.numbers.as_slice();
        for start in (0..self.rows).step_by(PAGE_ROWS) {
            let rows = PAGE_ROWS.min(self.rows - start);
            let mut page = Vec::new();
            let mut here = rows;
            if let Some(valid) = &self.valid {
                let levels = valid.get(start..start + rows).unwrap_or_default();
                here = levels.iter().filter(|level| **level == 1).count();
                let mut encoded = Vec::new();
                hybrid(levels, 1, &mut encoded);
                let length = u32::try_from(encoded.len()).unwrap_or(u32::MAX);
                page.extend_from_slice(&length.to_le_bytes());
                page.append(&mut encoded);
            }
            let (own, rest) = numbers.split_at(here.min(numbers.len()));
            numbers = rest;
            let encoding = match as_they_are {
                Some(size) => {
                    for number in own {
                        let at = *number as usize * size;
                        page.extend_from_slice(plain.get(at..at + size).unwrap_or_default());
                    }
                    Encoding::PLAIN
                }
                None => {
                    page.push(width);
                    hybrid(own, width, &mut page);
                    Encoding::RLE_DICTIONARY
                }
            };
            let length = page.len();
            let page = Page::DataPage {
                buf: compress(&page)?,
                num_values: u32::try_from(rows).unwrap_or(u32::MAX),
                encoding,
                def_level_encoding: Encoding::RLE,
                rep_level_encoding: Encoding::RLE,
                statistics: None,
            };
            let offset = pages.write(page, length)?;
            pages.first_data.get_or_insert(offset);
        }
        let int = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let mut encodings = vec![Encoding::PLAIN, Encoding::RLE];
        if as_they_are.is_none() {
            encodings.push(Encoding::RLE_DICTIONARY);
        }
        let mut metadata = ColumnChunkMetaData::builder(descriptor.clone())
            .set_encodings(encodings)
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_num_values(int(self.rows))
            .set_total_uncompressed_size(int(pages.plain))
            .set_total_compressed_size(int(pages.packed))
            .set_dictionary_page_offset(as_they_are.is_none().then_some(0))
            .set_data_page_offset(pages.first_data.unwrap_or(0));
        if let Some(statistics) = statistics {
            metadata = metadata.set_statistics(statistics);
        }
        let bytes = pages.sink.into_inner()?;
        Ok(Chunk {
            close: ColumnCloseResult {
                bytes_written: bytes.len() as u64,
                rows_written: self.rows as u64,
                metadata: metadata.build()?,
                bloom_filter: None,
                column_index: None,
                offset_index: None,
            },
            bytes: bytes.into(),
        })
    }
}

/// Pages behind each other.
struct Pages {
    sink: TrackedWrite<Vec<u8>>,
    /// Bytes with headers, before and after compression.
    plain: usize,
    packed: usize,
    first_data: Option<i64>,
}

impl Default for Pages {
    fn default() -> Self {
        Self {
            sink: TrackedWrite::new(Vec::new()),
            plain: 0,
            packed: 0,
            first_data: None,
        }
    }
}

impl Pages {
    /// Adds a page of `length` bytes before compression; gives its offset.
    fn write(&mut self, page: Page, length: usize) -> Result<i64> {
        let spec = SerializedPageWriter::new(&mut self.sink)
            .write_page(CompressedPage::new(page, length))?;
        self.plain += spec.uncompressed_size;
        self.packed += spec.compressed_size;
        Ok(i64::try_from(spec.offset).unwrap_or(i64::MAX))
    }
}

/// Distinct texts.
struct Texts {
    numbers: HashMap<Box<str>, u32, FixedState>,
    /// Each text behind its length.
    plain: Vec<u8>,
}

impl Texts {
    fn new() -> Self {
        Self {
            numbers: HashMap::with_hasher(FixedState::with_seed(0x7465_726d)),
            plain: Vec::new(),
        }
    }

    fn add(&mut self, array: &dyn Array, out: &mut Vec<u32>) -> Option<()> {
        if let Some(texts) = array.as_string_opt::<i32>() {
            out.extend(texts.iter().flatten().map(|text| self.number(text)));
            return Some(());
        }
        let dictionary = array.as_dictionary_opt::<Int32Type>()?;
        let texts: &StringArray = dictionary.values().as_string_opt()?;
        // The number of each text of the batch, once it was needed.
        let mut known: Vec<Option<u32>> = vec![None; texts.len()];
        for key in dictionary.keys().iter().flatten() {
            let key = usize::try_from(key).ok()?;
            let slot = known.get_mut(key)?;
            let number = match *slot {
                Some(number) => number,
                None => *slot.insert(self.number(texts.value(key))),
            };
            out.push(number);
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
struct Integers {
    values: Vec<i64>,
    /// The number of each small integer, plus one; 0 for none yet.
    small: Vec<u32>,
    others: HashMap<i64, u32, FixedState>,
}

impl Integers {
    fn new() -> Self {
        Self {
            values: Vec::new(),
            small: Vec::new(),
            others: HashMap::with_hasher(FixedState::with_seed(0x696e_7473)),
        }
    }

    fn add<T: ArrowPrimitiveType>(&mut self, array: &PrimitiveArray<T>, out: &mut Vec<u32>)
    where
        i64: From<T::Native>,
    {
        let mut last: Option<(i64, u32)> = None;
        let mut add = |value: i64| {
            let number = match last {
                Some((known, number)) if known == value => number,
                _ => self.number(value),
            };
            last = Some((value, number));
            out.push(number);
        };
        if array.null_count() == 0 {
            array.values().iter().for_each(|n| add(i64::from(*n)));
        } else {
            array.iter().flatten().for_each(|n| add(i64::from(n)));
        }
    }

    #[inline]
    fn number(&mut self, value: i64) -> u32 {
        if let Some(at) = usize::try_from(value).ok().filter(|at| *at < SMALL) {
            if at >= self.small.len() {
                self.small.resize((at + 1).next_power_of_two(), 0);
            }
            if let Some(slot) = self.small.get_mut(at) {
                if *slot == 0 {
                    self.values.push(value);
                    *slot = next(self.values.len());
                }
                return *slot - 1;
            }
        }
        let values = &mut self.values;
        *self.others.entry(value).or_insert_with(|| {
            values.push(value);
            next(values.len() - 1)
        })
    }
}

fn next(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn compress(plain: &[u8]) -> Result<bytes::Bytes> {
    let level = ZstdLevel::default().compression_level();
    zstd::bulk::compress(plain, level)
        .map(bytes::Bytes::from)
        .map_err(|e| Error::because("a page could not be compressed", e))
}

/// Bits that a number needs.
fn bits(most: usize) -> u8 {
    u8::try_from(usize::BITS - most.leading_zeros()).unwrap_or(0)
}

/// Appends numbers of `width` bits: groups of eight equal ones, with what goes on equal, as runs,
/// others packed.
fn hybrid<N: Copy + PartialEq + Into<u32>>(numbers: &[N], width: u8, out: &mut Vec<u8>) {
    let mut packed_from = 0;
    let mut at = 0;
    while let Some(group) = numbers.get(at..).filter(|rest| !rest.is_empty()) {
        let (first, group) = (group[0], group.get(..8).unwrap_or(group));
        if group.len() == 8 && group.iter().all(|n| *n == first) {
            pack(numbers.get(packed_from..at).unwrap_or_default(), width, out);
            let rest = numbers.get(at..).unwrap_or_default();
            let run = rest.iter().take_while(|n| **n == first).count();
            varint((run as u64) << 1, out);
            let bytes = first.into().to_le_bytes();
            out.extend_from_slice(
                bytes
                    .get(..usize::from(width).div_ceil(8))
                    .unwrap_or_default(),
            );
            at += run;
            packed_from = at;
        } else {
            at += group.len();
        }
    }
    pack(numbers.get(packed_from..).unwrap_or_default(), width, out);
}

/// Appends numbers packed; the last group is filled with zeros.
fn pack<N: Copy + Into<u32>>(numbers: &[N], width: u8, out: &mut Vec<u8>) {
    if numbers.is_empty() {
        return;
    }
    varint((numbers.len().div_ceil(8) as u64) << 1 | 1, out);
    let (mut bits, mut filled) = (0u64, 0);
    let padding = numbers.len().next_multiple_of(8) - numbers.len();
    let numbers = numbers.iter().map(|n| (*n).into());
    for number in numbers.chain(std::iter::repeat_n(0, padding)) {
        bits |= u64::from(number) << filled;
        filled += width;
        while filled >= 8 {
            out.push((bits & 0xff) as u8);
            bits >>= 8;
            filled -= 8;
        }
    }
}

fn varint(mut n: u64, out: &mut Vec<u8>) {
    while n >= 0x80 {
        out.push((n & 0x7f) as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

#[cfg(test)]
mod tests {
    use super::{bits, hybrid};

    /// By the description of the format, slowly.
    fn read(bytes: &[u8], width: u8, count: usize) -> Vec<u32> {
        let (mut out, mut at) = (Vec::new(), 0);
        while out.len() < count {
            let (mut header, mut shift) = (0u64, 0);
            loop {
                header |= u64::from(bytes[at] & 0x7f) << shift;
                shift += 7;
                at += 1;
                if bytes[at - 1] < 0x80 {
                    break;
                }
            }
            if header & 1 == 0 {
                let length = usize::from(width).div_ceil(8);
                let mut number = [0; 4];
                number[..length].copy_from_slice(&bytes[at..at + length]);
                at += length;
                out.extend(vec![u32::from_le_bytes(number); (header >> 1) as usize]);
            } else {
                let values = (header >> 1) as usize * 8;
                for index in 0..values {
                    let bit = |n: usize| u32::from(bytes[at + n / 8] >> (n % 8) & 1);
                    let first = index * usize::from(width);
                    out.push((0..usize::from(width)).map(|b| bit(first + b) << b).sum());
                }
                at += values * usize::from(width) / 8;
            }
        }
        out.truncate(count);
        assert_eq!(at, bytes.len());
        out
    }

    #[test]
    fn numbers_are_read_again() {
        let mut seed = 7u64;
        for round in 0..200 {
            let most = [0, 1, 2, 200, 70_000, 262_143][round % 6];
            let mut numbers = Vec::new();
            while numbers.len() < round * 5 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let number = (seed >> 33) as u32 % (most + 1);
                numbers.extend(vec![number; 1 + (seed >> 20) as usize % 21]);
            }
            let width = bits(most as usize);
            let mut bytes = Vec::new();
            hybrid(&numbers, width, &mut bytes);
            assert_eq!(read(&bytes, width, numbers.len()), numbers);
        }
    }
}
