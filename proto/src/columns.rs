//! Column builders: what the generated code is made of.
//!
//! A builder takes rows one by one and gives Arrow arrays at the end of a batch. Columns of a
//! table cannot differ in length, since only the generated `push` appends to them.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, BinaryBuilder, BooleanArray, DictionaryArray, Int32Array,
    Int64Array, ListArray, PrimitiveArray, RecordBatch, StringArray, StringBuilder, StructArray,
    TimestampMicrosecondArray, cast::AsArray,
};
use arrow::buffer::{BooleanBuffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Fields, Int32Type, SchemaRef};
use arrow::error::ArrowError;

use crate::bits::{Bits, OptionalValues, bits_of, renew};
use crate::schema::{Column, Table, element};
use crate::symbols::Symbol;

/// The `flow` of a packet that has none.
pub const NO_FLOW: i64 = -1;

/// Where a packet-borne row comes from; the rest of its key follows from the packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At {
    /// Index of the packet in its batch.
    pub packet: u32,
    /// Depth of the layer in the packet, from 0.
    pub layer: i32,
    /// Number of the record in the layer, from 0.
    pub index: i32,
}

/// What all rows of a batch share: the packets' keys (by index in the batch) and the texts.
#[derive(Debug, Clone, Copy)]
pub struct Finish<'a> {
    /// Capture ordinal of each packet.
    pub capture: &'a [i32],
    /// Number of each packet in its capture.
    pub packet: &'a [i64],
    /// Flow of each packet, or [`NO_FLOW`].
    pub flow: &'a [i64],
    /// Time of each packet, microseconds since 1970.
    pub ts: &'a [i64],
    /// The texts that symbols stand for.
    pub symbols: &'a ArrayRef,
}

impl<'a> Finish<'a> {
    /// For rows that do not come from packets.
    pub fn without_packets(symbols: &'a ArrayRef) -> Self {
        Self {
            capture: &[],
            packet: &[],
            flow: &[],
            ts: &[],
            symbols,
        }
    }
}

/// The columns of a table under construction.
pub trait TableColumns: Send {
    /// The table.
    fn table(&self) -> &'static Table;
    /// Rows so far.
    fn len(&self) -> usize;
    /// No rows yet.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The rows as a batch of [`Table::batch_schema`]; the builder is empty afterwards.
    fn finish_batch(&mut self, cx: &Finish<'_>) -> Result<RecordBatch, ArrowError>;
}

/// Columns that belong together: those of a table, of a shared group, or of a struct in a list.
pub trait Group: Default {
    /// Its row.
    type Row<'a>;
    /// Appends a row.
    fn push_row(&mut self, row: &Self::Row<'_>);
    /// Fields of the struct, for groups that are elements of lists.
    fn fields() -> Fields;
    /// Appends the arrays, in order, to `out`; the builder is empty afterwards.
    fn finish(&mut self, cx: &Finish<'_>, out: &mut Vec<ArrayRef>) -> Result<(), ArrowError>;
}

pub(crate) fn group_fields(columns: &[Column]) -> Fields {
    columns.iter().map(|c| c.field(true)).collect()
}

pub(crate) fn finish_batch(
    schema: &SchemaRef,
    columns: &mut impl Group,
    cx: &Finish<'_>,
) -> Result<RecordBatch, ArrowError> {
    let mut arrays = Vec::with_capacity(schema.fields().len());
    columns.finish(cx, &mut arrays)?;
    RecordBatch::try_new(Arc::clone(schema), arrays)
}

/// Names of the values of an integer column, by a sorted list; null where there is none.
pub(crate) fn names_of(values: &dyn Array, names: &[(i32, &str)]) -> Result<ArrayRef, ArrowError> {
    let values = values.as_primitive::<Int32Type>();
    let mut last = (i32::MIN, None);
    let mut keys = OptionalValues::with_capacity(values.len());
    for (row, value) in values.values().iter().enumerate() {
        if values.is_null(row) {
            keys.push(None);
            continue;
        }
        if *value != last.0 {
            let found = names.binary_search_by_key(value, |(number, _)| *number);
            last = (*value, found.ok().and_then(|i| i32::try_from(i).ok()));
        }
        keys.push(last.1);
    }
    let keys = keys.finish::<Int32Type>()?;
    let texts = StringArray::from_iter_values(names.iter().map(|(_, text)| *text));
    Ok(Arc::new(DictionaryArray::try_new(keys, Arc::new(texts))?))
}

/// The identity columns: key of the row, flow and time.
#[derive(Debug, Default)]
pub struct AtColumns {
    packet: Vec<u32>,
    layer: Vec<i32>,
    index: Vec<i32>,
}

impl AtColumns {
    pub(crate) fn extend(&mut self, rows: impl ExactSizeIterator<Item = At> + Clone) {
        self.packet.extend(rows.clone().map(|at| at.packet));
        self.layer.extend(rows.clone().map(|at| at.layer));
        self.index.extend(rows.map(|at| at.index));
    }

    pub(crate) fn finish(
        &mut self,
        cx: &Finish<'_>,
        out: &mut Vec<ArrayRef>,
    ) -> Result<(), ArrowError> {
        fn pick<T: Copy + Default>(packets: &[u32], from: &[T]) -> Vec<T> {
            let values = packets.iter().map(|p| from.get(*p as usize).copied());
            values.map(Option::unwrap_or_default).collect()
        }
        // Looked for once, so that no column needs to.
        let known = [
            cx.capture.len(),
            cx.packet.len(),
            cx.flow.len(),
            cx.ts.len(),
        ];
        let known = known.into_iter().min().unwrap_or(0);
        if self.packet.iter().any(|p| *p as usize >= known) {
            let what = "a row comes from a packet that is not in its batch";
            return Err(ArrowError::InvalidArgumentError(what.to_owned()));
        }
        let packets = &self.packet;
        let flow = pick(packets, cx.flow);
        let has_flow = BooleanBuffer::collect_bool(flow.len(), |i| flow[i] != NO_FLOW);
        let has_flow = Some(NullBuffer::new(has_flow)).filter(|has| has.null_count() > 0);
        out.push(Arc::new(Int32Array::from(pick(packets, cx.capture))));
        out.push(Arc::new(Int64Array::from(pick(packets, cx.packet))));
        out.push(Arc::new(Int32Array::from(renew(&mut self.layer))));
        out.push(Arc::new(Int32Array::from(renew(&mut self.index))));
        out.push(Arc::new(Int64Array::try_new(flow.into(), has_flow)?));
        out.push(Arc::new(
            TimestampMicrosecondArray::from(pick(packets, cx.ts)).with_timezone("UTC"),
        ));
        self.packet.clear();
        Ok(())
    }
}

/// How many rows of that type wait before they go to the columns: few enough to stay in the cache that is
/// nearest, and never more than a word has bits.
pub(crate) const fn block<W>() -> usize {
    let fit = 16_384 / size_of::<W>();
    if fit > 64 {
        64
    } else if fit < 8 {
        8
    } else {
        fit
    }
}

/// A column of numbers that are never null.
#[derive(Debug)]
pub(crate) struct Ints<T: ArrowPrimitiveType>(Vec<T::Native>);

impl<T: ArrowPrimitiveType> Default for Ints<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: ArrowPrimitiveType> Ints<T> {
    pub(crate) fn extend(&mut self, values: impl ExactSizeIterator<Item = T::Native> + Clone) {
        self.0.extend(values);
    }
}

/// A column of numbers that may be null.
#[derive(Debug)]
pub(crate) struct OptionalInts<T: ArrowPrimitiveType>(OptionalValues<T::Native>);

impl<T: ArrowPrimitiveType> Default for OptionalInts<T> {
    fn default() -> Self {
        Self(OptionalValues::default())
    }
}

impl<T: ArrowPrimitiveType> OptionalInts<T> {
    pub(crate) fn extend(
        &mut self,
        values: impl ExactSizeIterator<Item = Option<T::Native>> + Clone,
    ) {
        self.0.extend(values);
    }
}

/// Gives the column as an array.
pub(crate) trait FinishArray {
    fn finish_array(&mut self, cx: &Finish<'_>) -> Result<ArrayRef, ArrowError>;
}

fn with_zone<T: ArrowPrimitiveType>(array: PrimitiveArray<T>) -> ArrayRef {
    match T::DATA_TYPE {
        DataType::Timestamp(unit, _) => {
            Arc::new(array.with_data_type(DataType::Timestamp(unit, Some("UTC".into()))))
        }
        _ => Arc::new(array),
    }
}

impl<T: ArrowPrimitiveType> FinishArray for Ints<T> {
    fn finish_array(&mut self, _: &Finish<'_>) -> Result<ArrayRef, ArrowError> {
        let values = ScalarBuffer::from(renew(&mut self.0));
        Ok(with_zone(PrimitiveArray::<T>::try_new(values, None)?))
    }
}

impl<T: ArrowPrimitiveType> FinishArray for OptionalInts<T> {
    fn finish_array(&mut self, _: &Finish<'_>) -> Result<ArrayRef, ArrowError> {
        Ok(with_zone(self.0.finish::<T>()?))
    }
}

/// A column of truth values.
#[derive(Debug, Default)]
pub(crate) struct Bools(Bits);

impl Bools {
    pub(crate) fn extend(&mut self, values: impl ExactSizeIterator<Item = bool> + Clone) {
        let (bits, count) = bits_of(values, |value| value);
        self.0.append(bits, count);
    }
}

impl FinishArray for Bools {
    fn finish_array(&mut self, _: &Finish<'_>) -> Result<ArrayRef, ArrowError> {
        Ok(Arc::new(BooleanArray::new(self.0.finish(), None)))
    }
}

/// A column of truth values that may be null.
#[derive(Debug, Default)]
pub(crate) struct OptionalBools {
    values: Bits,
    valid: Bits,
}

impl OptionalBools {
    pub(crate) fn extend(&mut self, values: impl ExactSizeIterator<Item = Option<bool>> + Clone) {
        let (bits, count) = bits_of(values.clone(), Option::unwrap_or_default);
        self.values.append(bits, count);
        let (bits, count) = bits_of(values, |value| value.is_some());
        self.valid.append(bits, count);
    }
}

impl FinishArray for OptionalBools {
    fn finish_array(&mut self, _: &Finish<'_>) -> Result<ArrayRef, ArrowError> {
        let nulls = Some(NullBuffer::new(self.valid.finish()));
        let nulls = nulls.filter(|nulls| nulls.null_count() > 0);
        Ok(Arc::new(BooleanArray::new(self.values.finish(), nulls)))
    }
}

/// A column of texts that rarely repeat.
#[derive(Debug, Default)]
pub(crate) struct Texts(StringBuilder);

impl Texts {
    #[inline]
    pub(crate) fn push(&mut self, value: &str) {
        self.0.append_value(value);
    }
}

impl FinishArray for Texts {
    fn finish_array(&mut self, _: &Finish<'_>) -> Result<ArrayRef, ArrowError> {
        Ok(Arc::new(self.0.finish()))
    }
}

/// A column of texts that rarely repeat and may be null.
#[derive(Debug, Default)]
pub(crate) struct OptionalTexts(StringBuilder);

impl OptionalTexts {
    #[inline]
    pub(crate) fn push(&mut self, value: Option<&str>) {
        self.0.append_option(value);
    }
}

impl FinishArray for OptionalTexts {
    fn finish_array(&mut self, _: &Finish<'_>) -> Result<ArrayRef, ArrowError> {
        Ok(Arc::new(self.0.finish()))
    }
}

/// A column of bytes.
#[derive(Debug, Default)]
pub(crate) struct Bytes(BinaryBuilder);

impl Bytes {
    #[inline]
    pub(crate) fn push(&mut self, value: &[u8]) {
        self.0.append_value(value);
    }
}

impl FinishArray for Bytes {
    fn finish_array(&mut self, _: &Finish<'_>) -> Result<ArrayRef, ArrowError> {
        Ok(Arc::new(self.0.finish()))
    }
}

/// A column of texts that repeat.
#[derive(Debug, Default)]
pub(crate) struct SymbolColumn(Vec<i32>);

impl SymbolColumn {
    pub(crate) fn extend(&mut self, values: impl ExactSizeIterator<Item = Symbol> + Clone) {
        self.0.extend(values.map(|symbol| symbol.0));
    }
}

impl FinishArray for SymbolColumn {
    fn finish_array(&mut self, cx: &Finish<'_>) -> Result<ArrayRef, ArrowError> {
        let keys = Int32Array::from(renew(&mut self.0));
        Ok(Arc::new(DictionaryArray::try_new(
            keys,
            cx.symbols.clone(),
        )?))
    }
}

/// A column of texts that repeat and may be null.
#[derive(Debug, Default)]
pub(crate) struct OptionalSymbolColumn(OptionalValues<i32>);

impl OptionalSymbolColumn {
    pub(crate) fn extend(&mut self, values: impl ExactSizeIterator<Item = Option<Symbol>> + Clone) {
        self.0
            .extend(values.map(|value| value.map(|symbol| symbol.0)));
    }
}

impl FinishArray for OptionalSymbolColumn {
    fn finish_array(&mut self, cx: &Finish<'_>) -> Result<ArrayRef, ArrowError> {
        Ok(Arc::new(DictionaryArray::try_new(
            self.0.finish::<Int32Type>()?,
            cx.symbols.clone(),
        )?))
    }
}

/// A column of lists of structs.
#[derive(Debug)]
pub(crate) struct Structs<G> {
    offsets: Vec<i32>,
    items: G,
    len: i32,
}

impl<G: Default> Default for Structs<G> {
    fn default() -> Self {
        Self {
            offsets: vec![0],
            items: G::default(),
            len: 0,
        }
    }
}

impl<G: Group> Structs<G> {
    #[inline]
    pub(crate) fn push(&mut self, rows: &[G::Row<'_>]) {
        for row in rows {
            self.items.push_row(row);
            self.len += 1;
        }
        self.offsets.push(self.len);
    }
}

impl<G: Group> FinishArray for Structs<G> {
    fn finish_array(&mut self, cx: &Finish<'_>) -> Result<ArrayRef, ArrowError> {
        let mut arrays = Vec::new();
        self.items.finish(cx, &mut arrays)?;
        let fields = G::fields();
        let items = StructArray::try_new(fields, arrays, None)?;
        let offsets = OffsetBuffer::new(std::mem::replace(&mut self.offsets, vec![0]).into());
        self.len = 0;
        let field = Arc::new(element(items.data_type().clone()));
        Ok(Arc::new(ListArray::try_new(
            field,
            offsets,
            Arc::new(items),
            None,
        )?))
    }
}
