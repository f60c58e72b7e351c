//! The program: everything is in the library, see `cli`.

fn main() -> std::process::ExitCode {
    huixin::cli::main()
}
