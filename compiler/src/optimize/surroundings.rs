//! What passes may know besides their function: the module's maps, and analyses of the function, which are made when a pass
//! first asks for one and serve all passes until one of them has changed something.

use crate::ir::analysis::{ControlFlow, Dominators, SlotAccesses, Uses};
use crate::ir::{Arena, Function, MapData, MapId};
use std::cell::OnceCell;
use std::rc::Rc;

/// Analyses of a function as it is now.
#[derive(Default)]
pub(super) struct Analyses {
    control_flow: OnceCell<Rc<ControlFlow>>,
    dominators: OnceCell<Rc<Dominators>>,
    uses: OnceCell<Rc<Uses>>,
    escaped: OnceCell<Rc<[bool]>>,
}

/// What a pass may know besides its function.
pub(super) struct Surroundings<'a> {
    pub(super) maps: &'a Arena<MapId, MapData>,
    pub(super) analyses: &'a Analyses,
}

/// These hold at the start of a pass; what it has changed it has to analyse itself.
impl<'a> Surroundings<'a> {
    pub(super) fn control_flow(&self, function: &Function) -> Rc<ControlFlow> {
        self.analyses.control_flow.get_or_init(|| Rc::new(ControlFlow::new(function))).clone()
    }

    pub(super) fn dominators(&self, function: &Function) -> Rc<Dominators> {
        let new = || Rc::new(Dominators::new(&self.control_flow(function)));
        self.analyses.dominators.get_or_init(new).clone()
    }

    pub(super) fn uses(&self, function: &Function) -> Rc<Uses> {
        let new = || Rc::new(Uses::new(function, &self.control_flow(function)));
        self.analyses.uses.get_or_init(new).clone()
    }

    pub(super) fn accesses(&self, function: &Function) -> SlotAccesses<'a> {
        let new = || SlotAccesses::escaped_slots(function, &self.control_flow(function));
        SlotAccesses::with_escaped(self.maps, self.analyses.escaped.get_or_init(new).clone())
    }
}
