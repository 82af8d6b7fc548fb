//! What can be known of a function without changing it. Each analysis is computed afresh from the function and is valid
//! until the function changes.

pub mod control_flow;
pub mod dominators;
pub mod liveness;
pub mod uses;

pub use control_flow::ControlFlow;
pub use dominators::Dominators;
pub use liveness::Liveness;
pub use uses::Uses;
