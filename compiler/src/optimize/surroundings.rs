//! What passes may know besides their function: the module's maps, and analyses of the function, which are made when a pass
//! first asks for one and serve all passes until one of them has changed something.

use super::slot_contents::{Contents, OnEntry, contents_on_entry};
use crate::ir::analysis::{ControlFlow, Dominators, SlotAccesses, Uses};
use crate::ir::{Arena, Function, MapData, MapId};
use std::cell::{Cell, OnceCell};
use std::rc::Rc;

/// Analyses of a function as it is now.
#[derive(Default)]
pub(super) struct Analyses {
    control_flow: OnceCell<Rc<ControlFlow>>,
    dominators: OnceCell<Rc<Dominators>>,
    uses: OnceCell<Rc<Uses>>,
    accesses: OnceCell<Rc<SlotAccesses>>,
    contents: OnceCell<Rc<OnEntry<Contents>>>,
    /// The control flow that a pass has left, which may be new.
    left: Cell<Option<Rc<ControlFlow>>>,
}

impl Analyses {
    /// The function has changed; its blocks and the edges between them may have with `flow`.
    pub(super) fn forget(&mut self, flow: bool) {
        let left = self.left.take();
        let kept = std::mem::take(self);
        if let Some(left) = left {
            self.control_flow = OnceCell::from(left);
        } else if !flow {
            *self = Self { control_flow: kept.control_flow, dominators: kept.dominators, ..Self::default() };
        }
    }

    /// Panics when a pass has changed the control flow and did not say so.
    pub(super) fn assert_valid(&self, function: &Function, pass: &str) {
        if let Some(control_flow) = self.control_flow.get() {
            assert!(**control_flow == ControlFlow::new(function), "{pass} has changed the control flow");
        }
    }
}

/// What a pass may know besides its function.
pub(super) struct Surroundings<'a> {
    pub(super) maps: &'a Arena<MapId, MapData>,
    pub(super) analyses: &'a Analyses,
}

/// These hold at the start of a pass; what it has changed it has to analyse itself.
impl Surroundings<'_> {
    pub(super) fn control_flow(&self, function: &Function) -> Rc<ControlFlow> {
        self.analyses.control_flow.get_or_init(|| Rc::new(ControlFlow::new(function))).clone()
    }

    /// A pass that changes the control flow has this in the end.
    pub(super) fn leave_control_flow(&self, control_flow: Rc<ControlFlow>) {
        self.analyses.left.set(Some(control_flow));
    }

    pub(super) fn dominators(&self, function: &Function) -> Rc<Dominators> {
        let new = || Rc::new(Dominators::new(&self.control_flow(function)));
        self.analyses.dominators.get_or_init(new).clone()
    }

    pub(super) fn uses(&self, function: &Function) -> Rc<Uses> {
        let new = || Rc::new(Uses::new(function, &self.control_flow(function)));
        self.analyses.uses.get_or_init(new).clone()
    }

    pub(super) fn accesses(&self, function: &Function) -> Rc<SlotAccesses> {
        let new = || Rc::new(SlotAccesses::new(function, &self.control_flow(function), self.maps));
        self.analyses.accesses.get_or_init(new).clone()
    }

    /// What slots hold at the start of each block.
    pub(super) fn contents(&self, function: &Function) -> Rc<OnEntry<Contents>> {
        let new = || Rc::new(contents_on_entry(function, &self.control_flow(function), &self.accesses(function)));
        self.analyses.contents.get_or_init(new).clone()
    }
}
