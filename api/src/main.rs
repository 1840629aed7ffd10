//! The binary `uitpas`.

use std::process::ExitCode;

fn main() -> ExitCode {
    uitpas_api::cli::main()
}
