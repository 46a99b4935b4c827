//! What every instance of a module has in common, worked out once.

use mj_abi::CodePointer;
use mj_decode::{DataMode, ElementMode, Module as Environment};

use super::ModuleCode;

/// What instantiation copies instead of looking it up.
#[derive(Debug)]
pub(crate) struct InstanceLayout {
    /// The functions that can become references, in the context's order.
    pub func_refs: Box<[FuncRefPlan]>,
    /// Some element segment is passive.
    pub has_passive_elements: bool,
    /// Some data segment is passive.
    pub has_passive_data: bool,
}

/// How a function reference is filled in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FuncRefPlan {
    /// Address of the slot with the entry address; 0 if the function is imported.
    slot: usize,
    /// Engine-wide number of the function's type.
    pub type_id: u32,
    /// Index in the module.
    pub function: u32,
}

impl FuncRefPlan {
    /// The slot of a function of the module's own.
    #[inline]
    pub fn slot(self) -> Option<*const CodePointer> {
        (self.slot != 0).then_some(self.slot as *const CodePointer)
    }
}

impl InstanceLayout {
    pub fn new(env: &Environment, type_ids: &[u32], code: &ModuleCode) -> Self {
        let plan = |&function: &u32| FuncRefPlan {
            slot: env.defined_function(function).map_or(0, |own| code.slot(own) as usize),
            type_id: type_ids[env.functions[function as usize] as usize],
            function,
        };
        Self {
            func_refs: env.func_refs.iter().map(plan).collect(),
            has_passive_elements: env.elements.iter().any(|segment| segment.mode == ElementMode::Passive),
            has_passive_data: env.data.iter().any(|segment| segment.mode == DataMode::Passive),
        }
    }
}
