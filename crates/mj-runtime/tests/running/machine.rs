//! An instance of the test code: one store, one context, one memory, one table, one host function.

use std::cell::{Cell, RefCell};
use std::ffi::c_void;
use std::ptr::{self, NonNull};
use std::rc::Rc;
use std::sync::Arc;

use mj_abi::{CodePointer, ContextCounts, ContextHeader, ContextLayout, HostContext, RawValue, Site, TrapCode};
use mj_runtime::{
    CodeInfo, CodeRegion, ContextBox, ContextPointers, HostContextBox, InstanceHooks, LinearMemory, MemoryPlan, PcKind, StackPool, Stop,
    StoreState, Stubs, Table, Unwind, catch, enter, runtime_functions,
};

use crate::code::{DIVISIONS, Label, bytes, sites};

struct Sites {
    start: usize,
    sites: Vec<Site>,
}

impl CodeInfo for Sites {
    fn site(&self, pc: usize, kind: PcKind) -> Option<Site> {
        let is_call = kind == PcKind::Return;
        let code = (pc - self.start) as u32;
        self.sites.iter().copied().find(|site| site.code == code && (site.trap() == TrapCode::Call) == is_call)
    }

    fn is_entry(&self, pc: usize) -> bool {
        (Label::trampoline.offset()..Label::entry_end.offset()).contains(&(pc - self.start))
    }
}

/// The test code in executable memory, one copy for all machines.
struct Code {
    region: CodeRegion,
}

impl Code {
    fn new() -> Self {
        let code = bytes();
        let region = CodeRegion::image(0, code.len(), |copy, _, _| copy.copy_from_slice(code)).unwrap();
        let mut sites: Vec<_> = sites().map(|(label, trap)| Site::new(label.offset() as u32, label.offset() as u32, trap)).collect();
        sites.extend(DIVISIONS.iter().map(|&(label, register, is_64)| {
            let offset = label.offset() as u32;
            Site::division(offset, offset, register, is_64)
        }));
        let start = region.addresses().start;
        region.register(Arc::new(Sites { start, sites }));
        Self { region }
    }
}

/// What a test makes the host do when compiled code calls it.
type Reaction = Rc<dyn Fn(&Machine, u64) -> Result<u64, Stop>>;

/// What the hooks and the host function do, and what happened.
pub struct Reactions {
    pub host: RefCell<Reaction>,
    pub interrupted: RefCell<Reaction>,
    pub compile: RefCell<Reaction>,
    pub grow: RefCell<Reaction>,
    pub fuel: RefCell<Reaction>,
    pub dropped_data: Cell<bool>,
    pub dropped_elements: Cell<bool>,
}

/// Bytes of data segment 0, and words of element segment 0.
pub const DATA: &[u8] = b"segment";
pub const ELEMENTS: &[usize] = &[10, 20, 30];

struct Hooks {
    machine: *const Machine,
}

impl Hooks {
    fn machine(&self) -> &Machine {
        // SAFETY: the machine owns the hooks, and does not move.
        unsafe { &*self.machine }
    }

    fn react(&self, reaction: &RefCell<Reaction>, argument: u64) -> Result<u64, Stop> {
        let reaction = reaction.borrow().clone();
        reaction(self.machine(), argument)
    }
}

impl InstanceHooks for Hooks {
    fn memory_grow(&self, memory: u32, delta: u64) -> Result<Option<u64>, Stop> {
        let old = self.react(&self.machine().reactions.grow, u64::from(memory) << 32 | delta)?;
        Ok((old != 404).then_some(old))
    }

    fn table_grow(&self, table: u32, initial: usize, delta: u64) -> Result<Option<u64>, Stop> {
        let old = self.react(&self.machine().reactions.grow, u64::from(table) << 32 | (initial as u64) << 16 | delta)?;
        Ok((old != 404).then_some(old))
    }

    fn data_segment(&self, segment: u32) -> &[u8] {
        assert_eq!(segment, 0);
        if self.machine().reactions.dropped_data.get() { &[] } else { DATA }
    }

    fn data_drop(&self, segment: u32) {
        assert_eq!(segment, 0);
        self.machine().reactions.dropped_data.set(true);
    }

    fn element_segment(&self, segment: u32) -> &[usize] {
        assert_eq!(segment, 0);
        if self.machine().reactions.dropped_elements.get() { &[] } else { ELEMENTS }
    }

    fn elem_drop(&self, segment: u32) {
        assert_eq!(segment, 0);
        self.machine().reactions.dropped_elements.set(true);
    }

    fn out_of_fuel(&self) -> Result<(), Stop> {
        self.react(&self.machine().reactions.fuel, 0).map(drop)
    }

    fn interrupted(&self) -> Result<(), Stop> {
        self.react(&self.machine().reactions.interrupted, 0).map(drop)
    }

    fn compile_lazily(&self, function: u32) -> Result<CodePointer, Stop> {
        self.react(&self.machine().reactions.compile, function.into()).map(|address| address as CodePointer)
    }

    fn tier_up(&self, _: u32, _: u32) -> Option<std::ptr::NonNull<u8>> {
        None
    }
}

/// Everything that the test code needs.
pub struct Machine {
    pub store: StoreState,
    pub context: ContextBox,
    pub memory: LinearMemory,
    pub table: Table,
    pub reactions: Reactions,
    pub host: Option<HostContextBox>,
    hooks: Option<Box<Hooks>>,
    code: Code,
    /// What the host function's slot holds.
    pub shim: CodePointer,
}

const POINTERS: ContextPointers = ContextPointers { type_ids: ptr::null(), helpers: ptr::null() };

unsafe extern "C" fn host(callee: *mut HostContext, _: *mut ContextHeader, values: *mut RawValue) -> usize {
    // SAFETY: the closure is the machine, which is alive while its code runs; the shim passes room for one value.
    unsafe {
        let machine = &*(*callee).closure.cast::<Machine>();
        let reaction = machine.reactions.host.borrow().clone();
        catch(machine.store.context(), || {
            (*values).low = reaction(machine, (*values).low)?;
            Ok::<(), Stop>(())
        })
    }
}

impl Machine {
    pub fn new() -> Box<Self> {
        Self::with_stacks(&StackPool::new(1 << 20, 0))
    }

    pub fn with_stacks(stacks: &StackPool) -> Box<Self> {
        let code = Code::new();
        let at = |label: Label| code.region.addresses().start + label.offset();
        let store = StoreState::new(stacks, Stubs { unwind: at(Label::unwind), interrupt: at(Label::interrupt) }).unwrap();
        let layout = ContextLayout::new(ContextCounts { memories: 1, tables: 1, own_globals: 6, ..Default::default() });
        let mut context = ContextBox::new(layout, &store, POINTERS);
        let memory = LinearMemory::new(&MemoryPlan::guarded(1 << 16, None)).unwrap();
        let table = Table::new(4, Some(8), 100).unwrap();
        context.set_memory(0, &memory);
        context.set_table(0, &table);
        let unexpected = || RefCell::new(Rc::new(|_: &Machine, _| -> Result<u64, Stop> { panic!("not expected") }) as Reaction);
        let reactions = Reactions {
            host: unexpected(),
            interrupted: unexpected(),
            compile: unexpected(),
            grow: unexpected(),
            fuel: unexpected(),
            dropped_data: false.into(),
            dropped_elements: false.into(),
        };
        let shim = at(Label::shim) as CodePointer;
        let mut machine = Box::new(Self { store, context, memory, table, reactions, host: None, hooks: None, code, shim });
        let this = &raw const *machine;
        let mut hooks = Box::new(Hooks { machine: this });
        // SAFETY: the hooks and the machine they point to outlive the context's use.
        unsafe { machine.context.set_hooks(NonNull::new(&raw mut *hooks as *mut dyn InstanceHooks).unwrap()) };
        machine.hooks = Some(hooks);
        // SAFETY: the closure is the machine, which owns the box.
        let host = unsafe { HostContextBox::borrowing(&machine.store, POINTERS, shim, 0, host, this.cast_mut().cast::<c_void>()) };
        machine.set_global(0, &raw const machine.shim as u64);
        machine.set_global(1, host.context() as u64);
        machine.host = Some(host);
        machine.set_global(4, runtime_functions().interrupted as u64);
        machine.set_global(5, runtime_functions().compile_lazily as u64);
        machine
    }

    /// Address of a place in this machine's code.
    pub fn at(&self, label: Label) -> usize {
        self.code.region.addresses().start + label.offset()
    }

    pub fn set_global(&self, index: u32, word: u64) {
        // SAFETY: the context is alive, and its code does not run.
        unsafe { (*self.context.own_global(index)).value = RawValue::new(word) };
    }

    pub fn on_host_call(&self, reaction: impl Fn(&Machine, u64) -> Result<u64, Stop> + 'static) {
        *self.reactions.host.borrow_mut() = Rc::new(reaction);
    }

    /// Calls `function` with arguments 0 and 1.
    pub fn call(&self, function: Label, first: u64, second: u64) -> Result<u64, Unwind> {
        let mut values = [RawValue::new(first), RawValue::new(second)];
        let code = |label| self.at(label) as CodePointer;
        // SAFETY: the trampoline fits all test functions, whose context is complete; nothing refers to what they change.
        unsafe { enter(&self.store, code(Label::trampoline), self.context.header(), code(function), values.as_mut_ptr()) }?;
        Ok(values[0].low)
    }

    /// The stubs of this machine's code.
    pub fn stubs(&self) -> Stubs {
        Stubs { unwind: self.at(Label::unwind), interrupt: self.at(Label::interrupt) }
    }

    /// Calls a function that needs no context in another store.
    pub fn enter_other(&self, store: &StoreState) -> Result<u64, Unwind> {
        let mut values = [RawValue::new(3), RawValue::new(2)];
        let code = |label| self.at(label) as CodePointer;
        // SAFETY: as in `call`; the function uses nothing of its context.
        unsafe { enter(store, code(Label::trampoline), self.context.header(), code(Label::subtract), values.as_mut_ptr()) }?;
        Ok(values[0].low)
    }

    /// The trap with which a call ends.
    pub fn trap(&self, function: Label, first: u64, second: u64) -> TrapCode {
        match self.call(function, first, second) {
            Err(Unwind::Trap { code, .. }) => code,
            other => panic!("{function:?} does not trap: {other:?}"),
        }
    }
}
