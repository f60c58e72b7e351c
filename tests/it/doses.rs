//! How much of a fault is tried: a short dose with the other tests, the long one by `make soak`, which sets
//! `HUIXIN_DOSE=long` and shows the rows that [`report`] prints as a table.

pub fn is_long() -> bool {
    std::env::var("HUIXIN_DOSE").is_ok_and(|dose| dose == "long")
}

pub fn dose<T>(short: T, long: T) -> T {
    if is_long() { long } else { short }
}

/// One row of the table: which fault, how much of it, what came of it.
pub fn report(fault: &str, dose: impl std::fmt::Display, result: impl std::fmt::Display) {
    println!("\nrow | {fault} | {dose} | {result}");
}
