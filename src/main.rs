//! The program: everything is in the library, see `cli`.

#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    huixin::cli::main()
}
