//! Code that belongs to an engine: stubs, and the trampolines and shims of function types, made when they are first needed.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use mj_abi::{CodePointer, Helper, HelperPointers, Site};
use mj_codegen::StubFunctions;
use mj_codegen::host::{entry_trampoline, host_shim, stubs};
use mj_decode::{FuncType, ValType};
use mj_runtime::{CodeError, CodeInfo, CodeRegion, PcKind, Stubs, runtime_functions};

use crate::error::Result;

/// Room for trampolines, a few hundred bytes each; there are more rooms when it is used up.
const ROOM: usize = 1 << 20;

/// Code of an engine.
#[derive(Debug)]
pub(super) struct EngineCode {
    _region: CodeRegion,
    /// Where the signal handler diverts to.
    pub stubs: Stubs,
    /// Where functions without code go.
    pub lazy: usize,
    /// Where compiled code finds the helpers.
    pub helpers: Box<HelperTable>,
    pub entry_trampolines: Transitions,
    pub host_shims: Transitions,
}

pub(super) type HelperTable = HelperPointers;

// SAFETY: the pointers are addresses of code that lives as long as the engine and is never written.
unsafe impl Send for EngineCode {}
// SAFETY: as above.
unsafe impl Sync for EngineCode {}

impl EngineCode {
    pub fn new() -> Result<Self> {
        let functions = runtime_functions();
        let made = stubs(&StubFunctions {
            helpers: functions.helpers,
            interrupted: functions.interrupted,
            compile_lazily: functions.compile_lazily,
        });
        let mut base = 0;
        let region = CodeRegion::image(0, made.code.len(), |bytes, address, _| {
            bytes.copy_from_slice(&made.code);
            base = address;
        })?;
        region.register(Arc::new(NoSites { is_entry: false }));
        let at = |offset: u32| base + offset as usize;
        let mut helpers: Box<HelperTable> = Box::new([std::ptr::null(); Helper::ALL.len()]);
        for (pointer, offset) in helpers.iter_mut().zip(made.helpers) {
            *pointer = at(offset) as CodePointer;
        }
        Ok(Self {
            _region: region,
            stubs: Stubs { unwind: at(made.unwind), interrupt: at(made.interrupt) },
            lazy: at(made.lazy),
            helpers,
            entry_trampolines: Transitions::new(entry_trampoline, true),
            host_shims: Transitions::new(host_shim, false),
        })
    }
}

/// Pieces of code that depend on a function's type only.
pub(super) struct Transitions {
    make: fn(&FuncType) -> Vec<u8>,
    is_entry: bool,
    made: Mutex<Made>,
}

#[derive(Default)]
struct Made {
    rooms: Vec<CodeRegion>,
    by_shape: HashMap<FuncType, usize>,
}

impl Transitions {
    fn new(make: fn(&FuncType) -> Vec<u8>, is_entry: bool) -> Self {
        Self { make, is_entry, made: Mutex::default() }
    }

    /// The piece for a type.
    pub fn get(&self, ty: &FuncType) -> Result<CodePointer> {
        let shape = shape(ty);
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(&address) = made.by_shape.get(&shape) {
            return Ok(address as CodePointer);
        }
        let address = self.publish(&mut made.rooms, &(self.make)(&shape))?;
        made.by_shape.insert(shape, address);
        Ok(address as CodePointer)
    }

    fn publish(&self, rooms: &mut Vec<CodeRegion>, code: &[u8]) -> Result<usize> {
        if let Some(room) = rooms.last() {
            match room.publish(code, |_, _| ()) {
                Err(CodeError::Full { .. }) => {}
                outcome => return Ok(outcome?),
            }
        }
        let room = CodeRegion::reserve(0, ROOM.max(code.len()))?;
        room.register(Arc::new(NoSites { is_entry: self.is_entry }));
        let address = room.publish(code, |_, _| ())?;
        rooms.push(room);
        Ok(address)
    }
}

impl fmt::Debug for Transitions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transitions").field("is_entry", &self.is_entry).finish_non_exhaustive()
    }
}

/// Types that are passed alike have one shape: references are passed like 64-bit integers.
fn shape(ty: &FuncType) -> FuncType {
    let pass = |ty: &ValType| if ty.is_reference() { ValType::I64 } else { *ty };
    FuncType::new(ty.params().iter().map(pass), ty.results().iter().map(pass))
}

/// Code in which nothing traps.
struct NoSites {
    is_entry: bool,
}

impl CodeInfo for NoSites {
    fn site(&self, _: usize, _: PcKind) -> Option<Site> {
        None
    }

    fn is_entry(&self, _: usize) -> bool {
        self.is_entry
    }
}
