//! The program `netcap`: everything it does is in the library.

use std::process::ExitCode;

/// Batches are made in one thread and dropped in another, which suits it better than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    netcap::cli::main()
}
