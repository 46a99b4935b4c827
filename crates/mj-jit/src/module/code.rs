//! A module's machine code: where it is, and what stands where in it.
//!
//! Functions are published in pieces ("units"), each after the one before, so that the list of placements is in the order of addresses. The list
//! is also what the signal handler and backtraces look into; it is locked for the moment in which a piece is added, by a thread that does not run
//! compiled code then.
//!
//! Invariant: a function is in the list before its slot in the jump table points to it.

mod stored;

use std::any::Any;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::ops::Range;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, RwLockReadGuard, Weak};

use mj_abi::{CodePointer, Site, TrapCode};
use mj_codegen::{Arch, Compiler, Entry, FunctionCode, ModulePlan, Relocation, Watch};
use mj_decode::Module as Environment;
use mj_runtime::{CODE_ALIGN, CodeArena, CodeInfo, CodeRegion, PcKind};

pub(super) use stored::Choice;

use super::artefact::put_offsets;
use super::sites::{pack, unpack};
use super::{ModuleInner, compile, profile};
use crate::error::Result;
use crate::{CompilationMode, Engine};

/// A module's code.
pub(crate) struct ModuleCode {
    pub map: Arc<CodeMap>,
    pub plan: ModulePlan,
    arch: Arch,
    region: CodeRegion,
    /// The stubs of functions that have no code; empty if all have.
    lazy_stubs: Range<usize>,
    /// Held while code is added lazily.
    adding: Mutex<()>,
}

/// Compiled functions on their way to their place.
#[derive(Clone, Copy)]
pub(super) struct Piece<'a> {
    pub code: &'a [u8],
    pub relocations: &'a [Relocation],
    pub sites: &'a [Site],
    pub functions: &'a [FunctionCode],
}

/// Room for code, in bytes for each byte of the code section; only address space.
const EXPANSION: usize = 32;

/// The least room for code.
const LEAST_ROOM: usize = 64 << 20;

/// The least room for code that is added while a module runs.
const LEAST_ROOM_BEHIND: usize = 1 << 20;

/// The same where address space is shared by many modules.
const LEAST_ROOM_AMONG_OTHERS: usize = 4 << 10;

/// The most room that code and jump table may take: all of it is reached by 32-bit displacements.
const MOST_ROOM: usize = 0x7ff0_0000;

impl<'a> Piece<'a> {
    /// What `compiler` holds.
    pub fn of(compiler: &'a Compiler, functions: &'a [FunctionCode]) -> Self {
        Self { code: compiler.code(), relocations: compiler.relocations(), sites: compiler.sites(), functions }
    }
}

impl ModuleCode {
    /// Code as the engine wants it before the module runs.
    pub fn compile(engine: &Engine, env: &Environment, bytes: &[u8]) -> Result<Self> {
        match engine.config().mode {
            CompilationMode::Eager => Self::eager(engine, env, bytes),
            CompilationMode::Lazy => Self::lazy(engine, env),
        }
    }

    /// Code of all functions.
    fn eager(engine: &Engine, env: &Environment, bytes: &[u8]) -> Result<Self> {
        if env.code_section.len() < compile::SMALL {
            return Self::small(engine, env, bytes, None);
        }
        let plan = ModulePlan::new(env);
        let region = CodeRegion::reserve(env.defined_functions() as usize, room(env, 0))?;
        let map = CodeMap::new();
        map.set_base(region.addresses().start);
        compile::stream(engine, env, &plan, bytes, |piece| place(engine.arch(), &region, &map, piece).map(drop))?;
        Ok(Self::new(engine.arch(), region, map, plan, 0..0))
    }

    /// Code of all functions, among that of other modules that come and go.
    pub fn among_others(engine: &Engine, env: &Environment, bytes: &[u8]) -> Result<Self> {
        Self::small(engine, env, bytes, Some(engine.code_arena()))
    }

    /// Code of all functions of a module, kept in memory until its size is known; in a region of its own if there is no `arena`.
    fn small(engine: &Engine, env: &Environment, bytes: &[u8], arena: Option<&CodeArena>) -> Result<Self> {
        let (plan, map) = (ModulePlan::new(env), CodeMap::new());
        let place = |pieces: &[Piece<'_>]| {
            let length = pieces.iter().map(|piece| piece.code.len().next_multiple_of(CODE_ALIGN)).sum();
            let later = match arena {
                _ if engine.tier_up_period().is_none() => 0,
                Some(_) => env.code_section.len().saturating_mul(EXPANSION).saturating_add(LEAST_ROOM_AMONG_OTHERS),
                None => room_behind(env, length),
            };
            let write = |image: &mut [u8], address: usize, table: usize| {
                let mut at = 0;
                for piece in pieces {
                    let code = &mut image[at..at + piece.code.len()];
                    code.copy_from_slice(piece.code);
                    engine.arch().relocate(code, 0, piece.relocations, address + at, table);
                    at += piece.code.len().next_multiple_of(CODE_ALIGN);
                }
            };
            let slots = env.defined_functions() as usize;
            let region = match arena {
                Some(arena) => CodeRegion::leased_image(arena, slots, length, later, write),
                None => CodeRegion::image_with_room(slots, length, later, write),
            }?;
            let mut address = region.addresses().start;
            map.set_base(address);
            for &piece in pieces {
                map.add(piece, address, None);
                point_slots(&region, piece, address);
                address += piece.code.len().next_multiple_of(CODE_ALIGN);
            }
            Ok(region)
        };
        let region = compile::collect(engine, env, &plan, bytes, place)?;
        Ok(Self::new(engine.arch(), region, map, plan, 0..0))
    }

    /// Code of no function yet.
    fn lazy(engine: &Engine, env: &Environment) -> Result<Self> {
        let count = env.defined_functions();
        let stubs = mj_codegen::host::lazy_stubs(0, count, engine.lazy_stub());
        let region = CodeRegion::reserve(count as usize, room(env, stubs.len()))?;
        let map = CodeMap::new();
        map.set_base(region.addresses().start);
        let address = region.publish(&stubs, |_, _| ())?;
        for function in 0..count as usize {
            region.set_slot(function, address + mj_codegen::host::LAZY_HEAD_SIZE + function * mj_codegen::host::LAZY_STUB_SIZE);
        }
        Ok(Self::new(engine.arch(), region, map, ModulePlan::new(env), address..address + stubs.len()))
    }

    fn new(arch: Arch, region: CodeRegion, map: Arc<CodeMap>, plan: ModulePlan, lazy_stubs: Range<usize>) -> Self {
        region.register(Arc::clone(&map) as Arc<dyn CodeInfo>);
        Self { map, plan, arch, region, lazy_stubs, adding: Mutex::new(()) }
    }

    /// Where the entry address of an own function is stored.
    pub fn slot(&self, own: u32) -> *const CodePointer {
        self.region.slot(own as usize)
    }

    /// The own function whose entry address is stored there.
    pub fn function_of_slot(&self, slot: *const CodePointer) -> Option<u32> {
        let slots = self.region.slots().as_ptr_range();
        let is_ours = (slots.start as usize..slots.end as usize).contains(&(slot as usize));
        is_ours.then(|| ((slot as usize - slots.start as usize) / size_of::<CodePointer>()) as u32)
    }

    /// Gives a function code if it has none; its entry address.
    pub fn compile_lazily(&self, module: &ModuleInner, own: u32) -> Result<usize> {
        let entry = || self.region.slots()[own as usize].load(Ordering::Acquire) as usize;
        if !self.lazy_stubs.contains(&entry()) {
            return Ok(entry());
        }
        module.engine.with_compiler(|compiler| {
            let function = compile::one(compiler, module, &self.plan, own)?;
            let _adding = self.adding.lock().unwrap_or_else(PoisonError::into_inner);
            // Another thread may have been faster.
            if self.lazy_stubs.contains(&entry()) {
                let functions = [function];
                place(self.arch, &self.region, &self.map, Piece::of(compiler, &functions))?;
                profile::code_added(module, own, None, self.bytes_of(own).expect("just placed"));
            }
            Ok(entry())
        })?
    }

    /// Compiles a function, or a loop of it, with the optimizing compiler, and lets calls go there; where it is entered, and its size.
    pub fn optimize(&self, module: &ModuleInner, own: u32, entry: Entry) -> Result<(usize, usize)> {
        module.engine.with_compiler(|compiler| {
            compiler.clear();
            let functions = [compile::optimized(compiler, &module.env, &self.plan, own, &module.bytes, entry)?];
            let piece = Piece::of(compiler, &functions);
            let _adding = self.adding.lock().unwrap_or_else(PoisonError::into_inner);
            let address = publish(self.arch, &self.region, piece)?;
            self.map.add(piece, address, Some(entry));
            if entry == Entry::Function {
                point_slots(&self.region, piece, address);
            }
            let [FunctionCode { start, end, entry: offset, .. }] = functions;
            let start_offset = address + start as usize - self.region.addresses().start;
            profile::code_added(module, own, Some(entry), self.bytes(start_offset, (end - start) as usize));
            Ok((address + offset as usize, (end - start) as usize))
        })?
    }

    /// Compiles a function with the optimizing compiler for nothing but what `watch` is told.
    pub fn watch(&self, module: &ModuleInner, own: u32, watch: &mut Watch<'_>) -> Result<()> {
        module.engine.with_compiler(|compiler| {
            compiler.clear();
            compiler.optimize_watched(&module.env, &self.plan, own, &module.bytes, Entry::Function, watch)?;
            Ok(())
        })?
    }

    /// The code of an own function that calls reach.
    pub fn bytes_of(&self, own: u32) -> Option<&[u8]> {
        let placement = self.map.placed().by_function(own)?;
        Some(self.bytes(placement.start as usize, placement.length as usize))
    }

    /// Addresses that its code takes or may come to take.
    pub fn addresses(&self) -> Range<usize> {
        self.region.addresses()
    }

    /// All code, stubs and gaps included.
    pub fn text(&self) -> &[u8] {
        self.bytes(0, self.region.used())
    }

    fn bytes(&self, offset: usize, length: usize) -> &[u8] {
        assert!(offset + length <= self.region.used());
        let start = self.region.addresses().start + offset;
        // SAFETY: these bytes were published or sealed: they are readable as long as the region lives, and nobody writes them again.
        unsafe { std::slice::from_raw_parts(start as *const u8, length) }
    }

    /// Sites of an own function: offset in its code, and in the module.
    pub fn sites_of(&self, own: u32) -> Vec<(usize, usize)> {
        let placed = self.map.placed();
        let Some(placement) = placed.by_function(own) else { return Vec::new() };
        placed.sites(placement).map(|site| (site.code as usize, site.wasm as usize)).collect()
    }

    /// All functions that have code.
    pub fn functions(&self, module: &ModuleInner) -> Vec<ModuleFunction> {
        let describe = |placement: &Placement| {
            let index = module.env.imported_functions + placement.function;
            let name = module.function_name(index).map(str::to_owned);
            ModuleFunction { index: FuncIndex(index), name, offset: placement.start as usize, len: placement.length as usize }
        };
        let placed = self.map.placed();
        let mut first: Vec<&Placement> = placed.functions.iter().filter(|placement| placement.tier.is_none()).collect();
        if !placed.optimized.is_empty() {
            // What came optimized from the cache has nothing in front of it.
            let known: HashSet<u32> = first.iter().map(|placement| placement.function).collect();
            let whole = placed.optimized.values().map(|&index| &placed.functions[index]);
            first.extend(whole.filter(|placement| !known.contains(&placement.function)));
            first.sort_by_key(|placement| placement.start);
        }
        first.into_iter().map(describe).collect()
    }
}

impl fmt::Debug for ModuleCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModuleCode").field("region", &self.region).finish_non_exhaustive()
    }
}

/// A function with code; see [`Module::functions`](crate::Module::functions).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleFunction {
    /// Index in the module.
    pub index: FuncIndex,
    /// Name, from the name section.
    pub name: Option<String>,
    /// Where its code begins in [`Module::text`](crate::Module::text).
    pub offset: usize,
    /// Bytes of its code.
    pub len: usize,
}

/// Index of a function in its module, imported ones first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FuncIndex(u32);

impl FuncIndex {
    /// The index.
    #[must_use]
    pub fn as_u32(self) -> u32 {
        self.0
    }

    /// The index.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Room to reserve for a module's code.
fn room(env: &Environment, stubs: usize) -> usize {
    let most = MOST_ROOM - size_of::<usize>() * env.defined_functions() as usize;
    (env.code_section.len().saturating_mul(EXPANSION).max(LEAST_ROOM) + stubs).min(most)
}

/// Room to reserve behind an image of `length` bytes for code that is added while it runs.
fn room_behind(env: &Environment, length: usize) -> usize {
    let taken = length + size_of::<usize>() * env.defined_functions() as usize;
    env.code_section.len().saturating_mul(EXPANSION).max(LEAST_ROOM_BEHIND).min(MOST_ROOM.saturating_sub(taken))
}

/// Publishes a piece and makes its functions callable; its address.
fn place(arch: Arch, region: &CodeRegion, map: &CodeMap, piece: Piece<'_>) -> Result<usize> {
    let address = publish(arch, region, piece)?;
    map.add(piece, address, None);
    point_slots(region, piece, address);
    Ok(address)
}

/// Publishes a piece; its address.
fn publish(arch: Arch, region: &CodeRegion, piece: Piece<'_>) -> Result<usize> {
    let table = region.table_address();
    Ok(region.publish(piece.code, |code, address| arch.relocate(code, 0, piece.relocations, address, table))?)
}

fn point_slots(region: &CodeRegion, piece: Piece<'_>, address: usize) {
    for function in piece.functions {
        region.set_slot(function.function as usize, address + function.entry as usize);
    }
}

/// What stands where in a module's code.
pub(crate) struct CodeMap {
    base: OnceLock<usize>,
    module: OnceLock<Weak<ModuleInner>>,
    placed: RwLock<Placed>,
}

#[derive(Default)]
struct Placed {
    /// In the order of their addresses.
    functions: Vec<Placement>,
    /// Packed sites, in the same order.
    sites: Vec<u8>,
    /// Packed offsets of references to the jump table, in the same order.
    relocations: Vec<u8>,
    /// Of functions that calls reach in a later tier: where in `functions`.
    optimized: HashMap<u32, usize>,
}

#[derive(Clone, Copy)]
struct Placement {
    /// From the start of the code.
    start: u32,
    length: u32,
    /// Index among the module's own functions.
    function: u32,
    /// What was optimized while the module ran; `None` for what was there first.
    tier: Option<Entry>,
    /// Where it is entered, from its start.
    entry: u32,
    /// Where its sites begin.
    sites: u32,
    sites_end: u32,
    /// Where its relocations begin.
    relocations: u32,
    relocations_end: u32,
}

impl Placed {
    fn by_function(&self, own: u32) -> Option<Placement> {
        if let Some(&index) = self.optimized.get(&own) {
            return self.functions.get(index).copied();
        }
        // Compiled eagerly, functions stand in the order of their indices.
        let is_it = |placement: &&Placement| placement.function == own && placement.tier.is_none();
        let guess = self.functions.get(own as usize).filter(is_it);
        guess.or_else(|| self.functions.iter().find(is_it)).copied()
    }

    fn around(&self, offset: u32) -> Option<Placement> {
        let behind = self.functions.partition_point(|placement| placement.start <= offset);
        let placement = self.functions[..behind].last()?;
        (offset - placement.start <= placement.length).then_some(*placement)
    }

    fn sites(&self, placement: Placement) -> impl Iterator<Item = Site> + '_ {
        unpack(&self.sites[placement.sites as usize..placement.sites_end as usize])
    }
}

/// Where a program counter is.
#[derive(Clone, Debug)]
pub(crate) struct Position {
    pub module: Arc<ModuleInner>,
    /// Index among the module's own functions.
    pub own: u32,
    /// Offset of the operator in the module.
    pub wasm: u32,
}

impl CodeMap {
    fn new() -> Arc<Self> {
        Arc::new(Self { base: OnceLock::new(), module: OnceLock::new(), placed: RwLock::default() })
    }

    fn set_base(&self, base: usize) {
        self.base.set(base).expect("the base is set once");
    }

    pub fn set_module(&self, module: &Arc<ModuleInner>) {
        self.module.set(Arc::downgrade(module)).expect("the module is set once");
    }

    fn placed(&self) -> RwLockReadGuard<'_, Placed> {
        self.placed.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, piece: Piece<'_>, address: usize, tier: Option<Entry>) {
        let base = (address - self.base.get().expect("the base is set")) as u32;
        let mut placed = self.placed.write().unwrap_or_else(PoisonError::into_inner);
        let Placed { functions, sites, relocations, optimized } = &mut *placed;
        for function in piece.functions {
            if tier == Some(Entry::Function) {
                optimized.insert(function.function, functions.len());
            }
            let first = sites.len() as u32;
            pack(&piece.sites[function.sites.start as usize..function.sites.end as usize], function.start, sites);
            let first_relocation = relocations.len() as u32;
            let references = &piece.relocations[function.relocations.start as usize..function.relocations.end as usize];
            put_offsets(references.iter().map(|relocation| relocation.at - function.start), relocations);
            functions.push(Placement {
                start: base + function.start,
                length: function.end - function.start,
                function: function.function,
                tier,
                entry: function.entry - function.start,
                sites: first,
                sites_end: sites.len() as u32,
                relocations: first_relocation,
                relocations_end: relocations.len() as u32,
            });
        }
    }

    fn offset(&self, pc: usize) -> Option<u32> {
        u32::try_from(pc.checked_sub(*self.base.get()?)?).ok()
    }

    /// Where a program counter of compiled code is; `None` if it is not in this module's functions.
    pub fn position(&self, pc: usize, kind: PcKind) -> Option<Position> {
        let module = self.module.get()?.upgrade()?;
        // A return address may be the first byte of the next function.
        let inside = if kind == PcKind::Return { pc - 1 } else { pc };
        let placement = self.placed().around(self.offset(inside)?)?;
        // Where there is no site the function was just beginning: its frame did not fit the stack.
        let beginning = module.env.bodies[placement.function as usize].start;
        let wasm = self.site(pc, kind).map_or(beginning, |site| site.wasm);
        Some(Position { module, own: placement.function, wasm })
    }
}

impl CodeInfo for CodeMap {
    fn site(&self, pc: usize, kind: PcKind) -> Option<Site> {
        let offset = self.offset(pc)?;
        let placed = self.placed();
        let placement = placed.around(if kind == PcKind::Return { offset.checked_sub(1)? } else { offset })?;
        let wanted = offset - placement.start;
        let is_call = |site: &Site| site.trap() == TrapCode::Call;
        placed
            .sites(placement)
            .skip_while(|site| site.code < wanted)
            .take_while(|site| site.code == wanted)
            .find(|site| is_call(site) == (kind == PcKind::Return))
            .map(|site| site.moved(placement.start))
    }

    fn is_entry(&self, _: usize) -> bool {
        false
    }
}

/// The map behind what the registry of code knows.
pub(crate) fn code_map(info: &Arc<dyn CodeInfo>) -> Option<&CodeMap> {
    (&**info as &dyn Any).downcast_ref()
}
