//! The allocator of the program, and the one setting of it that is not its default.
//!
//! This is the only module with `unsafe`: the setting can be made by a C function or by an
//! environment variable alone, and the latter would have to be there before the program starts.
#![expect(
    unsafe_code,
    reason = "mimalloc's options are set by a C function; see the comment there"
)]

use libmimalloc_sys::{mi_option_set, mi_option_t};

/// Batches are made in one thread and dropped in another, which suits it better than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_purge_delay` of `mimalloc.h`, which the crate does not name; its neighbour is 16 there.
const PURGE_DELAY: mi_option_t = libmimalloc_sys::mi_option_use_numa_nodes - 1;

/// Keeps memory that is free for the next batch, which needs as much: giving it back to the system
/// and getting it again took a tenth of the time of a run.
pub(crate) fn keep_free_memory() {
    // SAFETY: it stores a number in mimalloc's table of options, atomically, and takes no pointers.
    unsafe { mi_option_set(PURGE_DELAY, -1) }
}
