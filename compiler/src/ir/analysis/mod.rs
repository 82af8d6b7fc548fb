//! What can be known of a function without changing it. Each analysis is computed afresh from the function and is valid
//! until the function changes.

pub mod byte_set;
pub mod control_flow;
pub mod dominators;
pub mod known_bits;
pub mod liveness;
pub mod slot_access;
pub mod slot_liveness;
pub mod uses;

pub use byte_set::ByteSet;
pub use control_flow::ControlFlow;
pub use dominators::Dominators;
pub use known_bits::KnownBits;
pub use liveness::Liveness;
pub use slot_access::{Access, AccessKind, SlotAccesses};
pub use slot_liveness::SlotLiveness;
pub use uses::Uses;
