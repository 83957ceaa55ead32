//! The program `netcap`: everything it does is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    netcap::cli::main()
}
