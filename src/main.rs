//! The `wgrad` program: reads the command line, runs one command, prints errors in one place.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    widen_software_vectors();
    cli::main()
}

/// Mesa's software driver uses 256-bit vectors unless told otherwise; where the processor has AVX-512, twice the width is
/// 1.3 to 2 times faster. The variable means nothing to other drivers, and a value that is set already stays.
fn widen_software_vectors() {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx512f") && std::env::var_os("LP_NATIVE_VECTOR_WIDTH").is_none()
    {
        // SAFETY: no other thread runs yet.
        unsafe { std::env::set_var("LP_NATIVE_VECTOR_WIDTH", "512") };
    }
}
