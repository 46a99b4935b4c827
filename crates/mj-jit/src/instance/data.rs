//! What belongs to one instance.

use std::cell::Cell;
use std::fmt;
use std::ptr::NonNull;
use std::sync::Arc;

use mj_decode::ConstEnvironment;
use mj_runtime::ContextBox;
use smallvec::SmallVec;

use crate::module::ModuleInner;
use crate::store::StoreId;
use crate::{Func, Global, Memory, Table};

/// An instance. After it was made it changes only through cells and raw pointers, because hooks use it while its code waits.
pub(crate) struct InstanceData {
    /// Its store, or itself if it may go before the store does.
    pub store: StoreId,
    /// Its place in the store's list.
    pub index: u32,
    pub context: ContextBox,
    pub module: Arc<ModuleInner>,
    /// By memory index.
    pub memories: SmallVec<[Memory; 1]>,
    /// By table index.
    pub tables: SmallVec<[Table; 2]>,
    /// Words of passive element segments by segment index; empty if there are none.
    pub elements: Box<[ElementWords]>,
    /// Data segments that are left, by segment index; empty if there are none.
    pub data: Box<[Cell<bool>]>,
}

/// An element segment as `table.init` sees it.
#[derive(Default)]
pub(crate) struct ElementWords {
    pub words: Box<[usize]>,
    pub dropped: Cell<bool>,
}

impl InstanceData {
    /// A function that can become a reference, by function index.
    pub fn function(&self, function: u32) -> Func {
        let pointer = NonNull::new(self.func_ref_word(function) as *mut _).expect("contexts are not at address zero");
        Func::from_pointer(self.store, pointer)
    }

    /// The word that refers to a function.
    pub fn func_ref_word(&self, function: u32) -> usize {
        let index = self.module.env.func_ref(function).expect("the function was found to become a reference");
        self.context.func_ref(index) as usize
    }

    /// A global, by global index.
    pub fn global(&self, global: u32) -> Global {
        Global::new_handle(self.store, self.global_cell(global), self.module.env.globals[global as usize])
    }

    /// What is left of a data segment.
    pub fn data_segment_bytes(&self, segment: u32) -> &[u8] {
        match self.data.get(segment as usize) {
            Some(left) if left.get() => {
                let range = &self.module.env.data[segment as usize].range;
                &self.module.bytes[range.start as usize..range.end as usize]
            }
            _ => &[],
        }
    }

    /// What is left of an element segment, as words.
    pub fn element_segment_words(&self, segment: u32) -> &[usize] {
        match self.elements.get(segment as usize) {
            Some(segment) if !segment.dropped.get() => &segment.words,
            _ => &[],
        }
    }

    pub fn global_cell(&self, global: u32) -> *mut mj_abi::GlobalCell {
        match self.module.env.own_global(global) {
            Some(own) => self.context.own_global(own),
            None => self.context.imported_global(global),
        }
    }
}

impl fmt::Debug for InstanceData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InstanceData").field("context", &self.context).finish_non_exhaustive()
    }
}

/// Constant expressions ask an instance whose imports, function references and earlier globals are filled in.
impl ConstEnvironment for &InstanceData {
    fn global(&mut self, global: u32) -> u64 {
        // SAFETY: the cell lives as long as the store, and compiled code does not run.
        unsafe { (*self.global_cell(global)).value.low }
    }

    fn function(&mut self, function: u32) -> u64 {
        self.func_ref_word(function) as u64
    }
}
