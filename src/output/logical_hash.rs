//! A hash of a column's values that does not depend on encodings, row groups or files.
//!
//! It is XXH3-128 over two streams: the values in row order (integers, floats and times in little
//! endian, truth values as a byte, texts and bytes each as the XXH3-64 of their bytes, lists as
//! their length in 8 bytes; nulls as zeros), and the row numbers of the nulls in 8 bytes each.
//! Children of lists and structs follow as columns of their own. It finds differences; what
//! protects the files against forgery is their SHA-256.

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, cast::as_list_array,
};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::runs::valid_runs;
use crate::error::{Error, Result};

/// The hash of a column under way.
pub struct ColumnHasher {
    values: Box<Xxh3>,
    nulls: Box<Xxh3>,
    rows: u64,
    children: Vec<ColumnHasher>,
}

impl ColumnHasher {
    /// A hasher for a column of that type.
    pub fn new(ty: &DataType) -> Self {
        let children = match ty {
            DataType::List(element) => vec![Self::new(element.data_type())],
            DataType::Struct(fields) => fields.iter().map(|f| Self::new(f.data_type())).collect(),
            _ => Vec::new(),
        };
        Self {
            values: Box::default(),
            nulls: Box::default(),
            rows: 0,
            children,
        }
    }

    /// Adds the values of a batch.
    pub fn update(&mut self, array: &dyn Array) -> Result<()> {
        if let Some(nulls) = array.nulls().filter(|n| n.null_count() > 0) {
            let mut rows = Vec::with_capacity(nulls.null_count());
            let mut from = 0;
            let end = (nulls.len(), nulls.len());
            for (valid, next) in nulls.valid_slices().chain([end]) {
                let (first, last) = (self.rows + from as u64, self.rows + valid as u64);
                rows.extend((first..last).map(u64::to_le));
                from = next;
            }
            self.nulls.update(&Buffer::from_vec(rows));
        }
        self.rows += array.len() as u64;
        match array.data_type() {
            DataType::Int32 => self.fixed::<Int32Type, 4>(array, i32::to_le_bytes),
            DataType::Int64 => self.fixed::<Int64Type, 8>(array, i64::to_le_bytes),
            DataType::Timestamp(..) => {
                self.fixed::<TimestampMicrosecondType, 8>(array, i64::to_le_bytes);
            }
            DataType::Float64 => self.fixed::<Float64Type, 8>(array, f64::to_le_bytes),
            DataType::Boolean => self.booleans(array.as_boolean()),
            DataType::Utf8 => {
                let texts = array.as_string::<i32>();
                self.texts(array, (0..array.len()).map(|i| texts.value(i).as_bytes()));
            }
            DataType::Binary => {
                let bytes = array.as_binary::<i32>();
                self.texts(array, (0..array.len()).map(|i| bytes.value(i)));
            }
            DataType::Dictionary(..) => self.dictionary(array)?,
            DataType::List(_) => {
                let lists = as_list_array(array);
                let ends = lists.value_offsets();
                let lengths = lists.offsets().lengths();
                let lengths: Vec<i64> = lengths.map(|length| (length as i64).to_le()).collect();
                self.values.update(&Buffer::from_vec(lengths));
                let (first, last) = (ends.first().copied(), ends.last().copied());
                if let (Some(child), Some(first), Some(last)) =
                    (self.children.first_mut(), first, last)
                {
                    let (first, last) = (usize::try_from(first), usize::try_from(last));
                    if let (Ok(first), Ok(last)) = (first, last) {
                        child.update(&lists.values().slice(first, last - first))?;
                    }
                }
            }
            DataType::Struct(_) => {
                for (child, column) in self.children.iter_mut().zip(array.as_struct().columns()) {
                    child.update(column)?;
                }
            }
            other => return Err(Error::new(format!("a column of type {other} has no hash"))),
        }
        Ok(())
    }

    fn fixed<T: ArrowPrimitiveType, const N: usize>(
        &mut self,
        array: &dyn Array,
        bytes: fn(T::Native) -> [u8; N],
    ) {
        let values = array.as_primitive::<T>().values();
        let swapped: Vec<u8>;
        let plain = if cfg!(target_endian = "little") {
            // The buffer is what is to be hashed.
            values.inner().as_slice()
        } else {
            swapped = values.iter().flat_map(|value| bytes(*value)).collect();
            &swapped
        };
        if array.null_count() == 0 {
            self.values.update(plain);
            return;
        }
        // As one block, since the hash is fast for long inputs only.
        let mut block = vec![0; N * values.len()];
        valid_runs(array).for_each(|(start, end)| {
            let run = start * N..end * N;
            if let (Some(to), Some(from)) = (block.get_mut(run.clone()), plain.get(run)) {
                to.copy_from_slice(from);
            }
        });
        self.values.update(&block);
    }

    fn booleans(&mut self, array: &BooleanArray) {
        let known;
        let values = match array.nulls() {
            Some(nulls) => {
                known = array.values() & nulls.inner();
                &known
            }
            None => array.values(),
        };
        let bits = values.sliced();
        let bits = bits.get(..array.len().div_ceil(8)).unwrap_or_default();
        let mut bytes = Vec::with_capacity(bits.len() * 8);
        for byte in bits {
            let bytes_of: [u8; 8] = std::array::from_fn(|bit| byte >> bit & 1);
            bytes.extend_from_slice(&bytes_of);
        }
        bytes.truncate(array.len());
        self.values.update(&bytes);
    }

    fn texts<'a>(&mut self, array: &dyn Array, values: impl Iterator<Item = &'a [u8]>) {
        let nulls = array.nulls();
        let hashes: Vec<u64> = values
            .enumerate()
            .map(|(i, value)| match nulls {
                Some(nulls) if nulls.is_null(i) => 0,
                _ => xxh3_64(value).to_le(),
            })
            .collect();
        self.values.update(&Buffer::from_vec(hashes));
    }

    fn dictionary(&mut self, array: &dyn Array) -> Result<()> {
        let dictionary = array
            .as_dictionary_opt::<Int32Type>()
            .ok_or_else(|| Error::new("a dictionary has keys of an unknown type"))?;
        let texts: &ArrayRef = dictionary.values();
        let texts = texts.as_string::<i32>();
        // Each text is hashed when it is first needed: batches share their texts among columns, which
        // have few of them each. One whose hash is 0 is hashed again.
        let mut known = vec![0; texts.len()];
        let mut hash = |key: i32| {
            let Some((at, known)) = usize::try_from(key)
                .ok()
                .and_then(|at| Some((at, known.get_mut(at)?)))
            else {
                return 0;
            };
            if *known == 0 {
                *known = xxh3_64(texts.value(at).as_bytes()).to_le();
            }
            *known
        };
        let keys = dictionary.keys();
        let mut hashes = vec![0; keys.len()];
        valid_runs(keys).for_each(|(start, end)| {
            let run = start..end;
            if let (Some(to), Some(from)) = (hashes.get_mut(run.clone()), keys.values().get(run)) {
                for (to, key) in to.iter_mut().zip(from) {
                    *to = hash(*key);
                }
            }
        });
        self.values.update(&Buffer::from_vec(hashes));
        Ok(())
    }

    /// The hash, in hexadecimal.
    pub fn finish(&self) -> String {
        let mut whole = Xxh3::new();
        self.digest_into(&mut whole);
        format!("{:032x}", whole.digest128())
    }

    fn digest_into(&self, whole: &mut Xxh3) {
        whole.update(&self.rows.to_le_bytes());
        whole.update(&self.values.digest128().to_le_bytes());
        whole.update(&self.nulls.digest128().to_le_bytes());
        for child in &self.children {
            child.digest_into(whole);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        ArrayRef, BooleanArray, DictionaryArray, Int32Array, Int64Array, StringArray,
    };
    use arrow::datatypes::Int32Type;
    use xxhash_rust::xxh3::xxh3_128;

    use super::ColumnHasher;

    fn hash(parts: &[ArrayRef]) -> String {
        let mut hasher = ColumnHasher::new(parts[0].data_type());
        for part in parts {
            hasher.update(part).unwrap();
        }
        hasher.finish()
    }

    #[test]
    fn hash_does_not_depend_on_batches() {
        let values: Vec<Option<i64>> = (0..5000).map(|i| (i % 7 != 0).then_some(i * i)).collect();
        let whole: ArrayRef = Arc::new(Int64Array::from(values.clone()));
        let parts: Vec<ArrayRef> = [&values[..1], &values[1..1500], &values[1500..]]
            .map(|p| Arc::new(Int64Array::from(p.to_vec())) as ArrayRef)
            .to_vec();
        assert_eq!(hash(&[whole]), hash(&parts));
    }

    #[test]
    fn hash_of_truth_values_is_that_of_their_bytes() {
        let values: Vec<Option<bool>> = (0..99)
            .map(|i| (i % 7 != 0).then_some(i % 3 == 0))
            .collect();
        let whole: ArrayRef = Arc::new(BooleanArray::from(values.clone()));
        let parts: Vec<ArrayRef> = [&values[..1], &values[1..30], &values[30..]]
            .map(|p| Arc::new(BooleanArray::from(p.to_vec())) as ArrayRef)
            .to_vec();
        assert_eq!(hash(std::slice::from_ref(&whole)), hash(&parts));
        assert_eq!(hash(&[whole.slice(0, 3), whole.slice(3, 96)]), hash(&parts));
        let mut hasher = ColumnHasher::new(whole.data_type());
        hasher.update(&whole).unwrap();
        let bytes: Vec<u8> = values.iter().map(|v| v.unwrap_or(false).into()).collect();
        assert_eq!(hasher.values.digest128(), xxh3_128(&bytes));
    }

    #[test]
    fn hash_does_not_depend_on_dictionaries_but_on_values() {
        let plain: ArrayRef = Arc::new(StringArray::from(vec![
            Some("a"),
            None,
            Some("b"),
            Some("a"),
        ]));
        let keys = Int32Array::from(vec![Some(1), None, Some(0), Some(1)]);
        let texts = Arc::new(StringArray::from(vec!["b", "a"]));
        let interned: ArrayRef = Arc::new(DictionaryArray::<Int32Type>::new(keys, texts));
        assert_eq!(hash(std::slice::from_ref(&plain)), hash(&[interned]));
        let other: ArrayRef = Arc::new(StringArray::from(vec![
            Some("a"),
            Some(""),
            Some("b"),
            Some("a"),
        ]));
        assert_ne!(hash(&[plain]), hash(&[other]));
    }
}
