//! The program `netcap`: everything it does is in the library.

mod allocator;

use std::process::ExitCode;

fn main() -> ExitCode {
    allocator::keep_free_memory();
    netcap::cli::main()
}
