//! Values of an array that are not null.

use arrow::array::Array;

/// Where those that are not null lie: from the first to after the last of each run. Many are gone through faster with
/// `for_each` than in a loop, which asks at each step in which part of the chain it is.
pub(super) fn valid_runs(array: &dyn Array) -> impl Iterator<Item = (usize, usize)> {
    let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0);
    let all = nulls.is_none().then_some((0, array.len()));
    nulls
        .map(|nulls| nulls.valid_slices())
        .into_iter()
        .flatten()
        .chain(all)
}
