//! Column chunks of values that repeat: texts (addresses, names, terms) and integers.
//!
//! Parquet's own writer looks every value up by its bytes, which is most of its work on packet
//! tables. Here each distinct text of a batch, which has them dictionary-encoded already, is looked
//! up once; small integers are looked up in an array, and one that is equal to the one before not
//! at all (`distinct`). The result is what any reader expects of a dictionary-encoded column: a
//! dictionary page, and data pages in `RLE_DICTIONARY` (Parquet format, "Data Pages"; `hybrid`).
//! Integers that hardly repeat are written plain.

use std::cell::RefCell;

use arrow::array::{Array, AsArray, BooleanBufferBuilder};
use arrow::datatypes::{DataType, Int32Type, Int64Type};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::statistics::Statistics;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;
use zstd::bulk::Compressor;

use super::distinct::{Integers, Numbers, Texts};
use super::hybrid;
use crate::error::{Error, Result};

/// Rows of a data page.
const PAGE_ROWS: usize = 131_072;

/// A chunk under way.
pub(super) struct DictionaryWriter {
    distinct: Distinct,
    /// Number of each row that is not null, in the order of first occurrence of its value.
    numbers: Numbers,
    /// Whether each row is not null, if the column may have nulls.
    valid: Option<BooleanBufferBuilder>,
    rows: usize,
}

/// The distinct values, with their numbers.
enum Distinct {
    Texts(Texts),
    Int32(Integers),
    Int64(Integers),
}

impl Distinct {
    fn count(&self) -> usize {
        match self {
            Self::Texts(texts) => texts.count(),
            Self::Int32(integers) | Self::Int64(integers) => integers.values.len(),
        }
    }
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
            numbers: Numbers::default(),
            valid: nullable.then(|| BooleanBufferBuilder::new(0)),
            rows: 0,
        })
    }

    /// Adds rows; texts may be dictionary-encoded or not.
    pub(super) fn write(&mut self, array: &dyn Array) -> Result<()> {
        self.rows += array.len();
        if let Some(valid) = &mut self.valid {
            match array.nulls() {
                Some(nulls) => valid.append_buffer(nulls.inner()),
                None => valid.append_n(array.len(), true),
            }
        }
        let mut numbers = Vec::with_capacity(array.len() - array.null_count());
        let known = match &mut self.distinct {
            Distinct::Texts(texts) => texts.add(array, &mut numbers),
            Distinct::Int32(integers) => array
                .as_primitive_opt::<Int32Type>()
                .map(|array| integers.add(array, &mut numbers)),
            Distinct::Int64(integers) => array
                .as_primitive_opt::<Int64Type>()
                .map(|array| integers.add(array, &mut numbers)),
        };
        known.ok_or_else(|| Error::new("the values of a column are of another type than it"))?;
        self.numbers
            .append(&numbers, self.distinct.count(), PAGE_ROWS);
        Ok(())
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
            Distinct::Texts(texts) => (texts.count(), texts.plain, None, None),
            Distinct::Int32(Integers { values, .. }) => {
                let values: Vec<i32> = values
                    .into_iter()
                    .map(|n| i32::try_from(n).unwrap_or(0))
                    .collect();
                let (least, most) = (values.iter().min().copied(), values.iter().max().copied());
                let statistics = Statistics::int32(least, most, None, Some(nulls), false);
                let plain = bytes_of(&values, i32::to_le_bytes);
                (values.len(), plain, Some(statistics), Some(4))
            }
            Distinct::Int64(Integers { values, .. }) => {
                let (least, most) = (values.iter().min().copied(), values.iter().max().copied());
                let statistics = Statistics::int64(least, most, None, Some(nulls), false);
                let plain = bytes_of(&values, i64::to_le_bytes);
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
        let width = hybrid::bits(count.saturating_sub(1));
        let valid = self.valid.as_ref().map(BooleanBufferBuilder::as_slice);
        let mut from = 0;
        for start in (0..self.rows).step_by(PAGE_ROWS) {
            let rows = PAGE_ROWS.min(self.rows - start);
            let mut page = Vec::new();
            let mut here = rows;
            if let Some(valid) = valid {
                let levels = valid.get(start / 8..).unwrap_or_default();
                let levels = levels.get(..rows.div_ceil(8)).unwrap_or(levels);
                here = ones(levels, rows);
                page.extend_from_slice(&[0; 4]);
                hybrid::single_bits(levels, rows, &mut page);
                let length = u32::try_from(page.len() - 4).unwrap_or(u32::MAX);
                if let Some(slot) = page.first_chunk_mut() {
                    *slot = length.to_le_bytes();
                }
            }
            let own = from..from + here;
            from += here;
            let encoding = match as_they_are {
                Some(size) => {
                    self.numbers.plain(own, &plain, size, &mut page);
                    Encoding::PLAIN
                }
                None => {
                    page.push(width);
                    self.numbers.hybrid(own, width, &mut page);
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

/// Integers behind each other.
fn bytes_of<T: Copy, const N: usize>(values: &[T], bytes: fn(T) -> [u8; N]) -> Vec<u8> {
    let mut out = Vec::with_capacity(values.len() * N);
    for value in values {
        out.extend_from_slice(&bytes(*value));
    }
    out
}

/// How many of the first `count` bits are set.
fn ones(bits: &[u8], count: usize) -> usize {
    let whole = bits.get(..count / 8).unwrap_or(bits);
    let last = bits.get(count / 8).copied().unwrap_or(0) & ((1 << (count % 8)) - 1);
    let ones = whole.iter().chain([&last]).map(|byte| byte.count_ones());
    ones.sum::<u32>() as usize
}

thread_local! {
    /// One for each thread, since its tables take longer to make than a small page to compress.
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
}

fn compress(plain: &[u8]) -> Result<bytes::Bytes> {
    COMPRESSOR
        .with_borrow_mut(|known| {
            let compressor = match known {
                Some(compressor) => compressor,
                None => {
                    let level = ZstdLevel::default().compression_level();
                    known.insert(Compressor::new(level)?)
                }
            };
            compressor.compress(plain)
        })
        .map(bytes::Bytes::from)
        .map_err(|e| Error::because("a page could not be compressed", e))
}
