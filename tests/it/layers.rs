//! The plan of the house (src/lib.rs) is true: no module uses a floor below its own or a neighbour.
