//! Tests of what only a process without threads may do. Each runs in a child of its own, made by `fork_child`.
//! Those that need root say so and are passed over elsewhere.

#[cfg(test)]
mod confined;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod inherited;
#[cfg(test)]
mod processes;

fn main() -> std::process::ExitCode {
    harness::main()
}
