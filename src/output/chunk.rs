//! Column chunks: which of their rows are null, pages behind each other, and what a row group is told of them.
//!
//! What is in the pages is the matter of `dictionary` and `plain`.

use std::cell::RefCell;
use std::ops::Range;

use arrow::array::{Array, ArrayRef, BooleanBufferBuilder};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::statistics::Statistics;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;
use zstd::bulk::Compressor;

use super::hybrid;
use crate::error::{Error, Result};

/// Rows of a data page.
pub(super) const PAGE_ROWS: usize = 131_072;

/// A finished chunk, to be appended to a row group.
pub(super) struct Chunk {
    pub(super) bytes: bytes::Bytes,
    pub(super) close: ColumnCloseResult,
}

/// A chunk under way.
pub(super) trait ChunkWriter: Send {
    /// Adds rows.
    fn write(&mut self, array: &ArrayRef) -> Result<()>;
    /// About how many bytes the chunk will have.
    fn estimated_bytes(&self) -> usize;
    /// The chunk.
    fn close(self: Box<Self>, descriptor: &ColumnDescPtr) -> Result<Chunk>;
}

/// Appends numbers in plain encoding: behind each other.
pub(super) fn plain<T: Copy, const N: usize>(
    values: &[T],
    bytes: impl Fn(T) -> [u8; N],
    out: &mut Vec<u8>,
) {
    // Into room that is there already, which compilers know how to fill with many at a time.
    let start = out.len();
    out.resize(start + values.len() * N, 0);
    let room = out.get_mut(start..).unwrap_or_default();
    let (room, _) = room.as_chunks_mut::<N>();
    for (room, value) in room.iter_mut().zip(values) {
        *room = bytes(*value);
    }
}

/// The least and the greatest of numbers; `None` of none.
pub(super) type Bounds<N> = Option<(N, N)>;

/// Those of integers.
pub(super) fn bounds<N: Copy + Ord>(values: &[N]) -> Bounds<N> {
    Some((*values.iter().min()?, *values.iter().max()?))
}

/// What is known of a chunk's values.
pub(super) fn of_int32(bounds: Bounds<i32>, nulls: u64) -> Statistics {
    let (least, most) = bounds.unzip();
    Statistics::int32(least, most, None, Some(nulls), false)
}

/// As [`of_int32`].
pub(super) fn of_int64(bounds: Bounds<i64>, nulls: u64) -> Statistics {
    let (least, most) = bounds.unzip();
    Statistics::int64(least, most, None, Some(nulls), false)
}

/// The rows of a chunk under way.
pub(super) struct Rows {
    count: usize,
    nulls: usize,
    /// Whether each row is not null, if the column may have nulls.
    valid: Option<BooleanBufferBuilder>,
}

/// What a data page begins with, and what it is about.
pub(super) struct PageRows {
    /// Levels, if the column may have nulls.
    pub(super) levels: Vec<u8>,
    /// How many rows it has, nulls included.
    pub(super) rows: usize,
    /// Which of the chunk's values that are not null are in it.
    pub(super) values: Range<usize>,
}

impl Rows {
    pub(super) fn new(nullable: bool) -> Self {
        Self {
            count: 0,
            nulls: 0,
            valid: nullable.then(|| BooleanBufferBuilder::new(0)),
        }
    }

    /// Adds the rows of an array.
    pub(super) fn add(&mut self, array: &dyn Array) {
        self.count += array.len();
        self.nulls += array.null_count();
        if let Some(valid) = &mut self.valid {
            match array.nulls() {
                Some(nulls) => valid.append_buffer(nulls.inner()),
                None => valid.append_n(array.len(), true),
            }
        }
    }

    /// How many are null.
    pub(super) fn nulls(&self) -> u64 {
        self.nulls as u64
    }

    /// The chunk's data pages.
    pub(super) fn pages(&self) -> impl Iterator<Item = PageRows> {
        let valid = self.valid.as_ref().map(BooleanBufferBuilder::as_slice);
        let mut from = 0;
        (0..self.count).step_by(PAGE_ROWS).map(move |start| {
            let rows = PAGE_ROWS.min(self.count - start);
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
            from += here;
            PageRows {
                levels: page,
                rows,
                values: from - here..from,
            }
        })
    }
}

/// Pages behind each other.
pub(super) struct Pages {
    sink: TrackedWrite<Vec<u8>>,
    /// Bytes with headers, before and after compression.
    plain: usize,
    packed: usize,
    has_dictionary: bool,
    first_data: Option<i64>,
    encodings: Vec<Encoding>,
}

impl Default for Pages {
    fn default() -> Self {
        Self {
            sink: TrackedWrite::new(Vec::new()),
            plain: 0,
            packed: 0,
            has_dictionary: false,
            first_data: None,
            encodings: vec![Encoding::RLE],
        }
    }
}

impl Pages {
    /// Adds the dictionary: so many values, in plain encoding.
    pub(super) fn dictionary(&mut self, plain: &[u8], count: usize) -> Result<()> {
        self.has_dictionary = true;
        self.encoded(Encoding::PLAIN);
        let page = Page::DictionaryPage {
            buf: compress(plain)?,
            num_values: u32::try_from(count).unwrap_or(u32::MAX),
            encoding: Encoding::PLAIN,
            is_sorted: false,
        };
        self.write(page, plain.len()).map(|_| ())
    }

    /// Adds a page of so many rows: levels, then values in that encoding.
    pub(super) fn data(&mut self, page: &[u8], rows: usize, encoding: Encoding) -> Result<()> {
        self.encoded(encoding);
        let data = Page::DataPage {
            buf: compress(page)?,
            num_values: u32::try_from(rows).unwrap_or(u32::MAX),
            encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        let offset = self.write(data, page.len())?;
        self.first_data.get_or_insert(offset);
        Ok(())
    }

    fn encoded(&mut self, encoding: Encoding) {
        if !self.encodings.contains(&encoding) {
            self.encodings.push(encoding);
        }
    }

    /// Adds a page of `length` bytes before compression; gives its offset.
    fn write(&mut self, page: Page, length: usize) -> Result<i64> {
        let spec = SerializedPageWriter::new(&mut self.sink)
            .write_page(CompressedPage::new(page, length))?;
        self.plain += spec.uncompressed_size;
        self.packed += spec.compressed_size;
        Ok(i64::try_from(spec.offset).unwrap_or(i64::MAX))
    }

    /// The chunk of these pages.
    pub(super) fn finish(
        self,
        descriptor: &ColumnDescPtr,
        rows: &Rows,
        statistics: Option<Statistics>,
    ) -> Result<Chunk> {
        let int = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let mut metadata = ColumnChunkMetaData::builder(descriptor.clone())
            .set_encodings(self.encodings)
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_num_values(int(rows.count))
            .set_total_uncompressed_size(int(self.plain))
            .set_total_compressed_size(int(self.packed))
            .set_dictionary_page_offset(self.has_dictionary.then_some(0))
            .set_data_page_offset(self.first_data.unwrap_or(0));
        if let Some(statistics) = statistics {
            metadata = metadata.set_statistics(statistics);
        }
        let bytes = self.sink.into_inner()?;
        Ok(Chunk {
            close: ColumnCloseResult {
                bytes_written: bytes.len() as u64,
                rows_written: rows.count as u64,
                metadata: metadata.build()?,
                bloom_filter: None,
                column_index: None,
                offset_index: None,
            },
            bytes: bytes.into(),
        })
    }
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
