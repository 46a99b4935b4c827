//! Instances that were linked while a program runs, and go when nobody can reach them any more.
//!
//! Each has an identity of its own ([`StoreId`]), which is that of all that belongs to it: so a handle tells, for the price of a comparison that handles are
//! checked with anyway, whether its thing is still there. A collection marks from the roots:
//!
//! - instances that the host holds ([`LateRoot`]), and those of which the host got a reference through a table, a global, a call or
//!   [`Caller`](crate::Caller): such handles have no end that could be noticed, so they keep their instance for ever;
//! - what the tables, globals, imports and segments of all other instances, and the host's tables and globals, refer to;
//! - what frames on the WebAssembly stack hold. These are looked through word by word: whatever looks like an address of an instance's code or context keeps
//!   the instance. Compiled code has every reference that it needs behind a call in its frame, and its context and return address anyway.
//!
//! Linear memories are not looked at: they hold indices of tables, not addresses.
//!
//! A collection runs before a module is linked, when enough came since the last one: as much as was left then, or a few megabytes, or an amount that pays
//! for looking through the roots; or when the store may not have more instances.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mj_decode::ValType;

use super::{StoreId, StoreInner};
use crate::func::HostFunc;
use crate::instance::InstanceData;
use crate::{Func, Instance, Memory, Table};

/// Bytes that come before a collection is worth it.
const LEAST_FRESH: usize = 4 << 20;

/// What an instance takes besides its code and its module, in bytes, about.
const OVERHEAD: usize = 8 << 10;

/// Looking at a root is worth this many bytes.
const BYTES_A_ROOT: usize = 64;

/// Keeps a late-linked instance until it is dropped.
#[derive(Clone, Debug)]
pub(crate) struct LateRoot {
    id: StoreId,
    /// For which program it is linked.
    program: u32,
    handles: Arc<()>,
}

impl LateRoot {
    /// For a program of this store.
    pub fn new(program: Instance, store: &StoreInner) -> Self {
        let program = store.program_of(program.data(store)).data(store).index;
        Self { id: StoreId::next(), program, handles: Arc::new(()) }
    }

    pub fn id(&self) -> StoreId {
        self.id
    }
}

/// The late-linked instances of a store that are alive.
#[derive(Debug, Default)]
pub(crate) struct Late {
    /// In the order of linking.
    linked: BTreeMap<StoreId, Linked>,
    /// Contexts, and code.
    areas: [Areas; 2],
    /// Bytes that came since the last collection, and those that were left by it.
    fresh: usize,
    left: usize,
    /// Roots that the last collection looked at.
    roots: usize,
    /// Host functions that generated modules import, as this store has them.
    host_functions: HashMap<*const HostFunc, Func>,
    /// Why the last module could not be linked.
    pub failure: String,
}

/// Disjoint ranges of addresses, and whose they are.
#[derive(Debug, Default)]
struct Areas {
    /// The end of a range and whose it is.
    by_start: BTreeMap<usize, (usize, StoreId)>,
    /// All of them are in here: most words are not, which is told at once.
    span: Range<usize>,
}

impl Areas {
    fn add(&mut self, range: Range<usize>, id: StoreId) {
        let is_first = self.by_start.is_empty();
        self.span.start = if is_first { range.start } else { self.span.start.min(range.start) };
        self.span.end = if is_first { range.end } else { self.span.end.max(range.end) };
        self.by_start.insert(range.start, (range.end, id));
    }

    fn at(&self, address: usize) -> Option<StoreId> {
        if !self.span.contains(&address) {
            return None;
        }
        let (_, &(end, id)) = self.by_start.range(..=address).next_back()?;
        (address < end).then_some(id)
    }
}

#[derive(Debug)]
struct Linked {
    /// Its place in the store's list of instances.
    index: u32,
    /// That of the instance which has generated it, and which is not linked late itself.
    program: u32,
    /// Shared with the roots.
    handles: Arc<()>,
    is_pinned: AtomicBool,
}

// SAFETY: the addresses are compared only.
unsafe impl Send for Late {}
// SAFETY: as above.
unsafe impl Sync for Late {}

impl Late {
    pub fn has(&self, id: StoreId) -> bool {
        self.linked.contains_key(&id)
    }

    /// Places in the store's list of instances, in the order of linking.
    fn indices(&self) -> impl ExactSizeIterator<Item = (StoreId, u32)> + '_ {
        self.linked.iter().map(|(&id, linked)| (id, linked.index))
    }

    /// Takes an instance in, which takes so many bytes.
    fn add(&mut self, root: &LateRoot, index: u32, instance: &InstanceData, bytes: usize) {
        let handles = Arc::clone(&root.handles);
        self.linked.insert(root.id, Linked { index, program: root.program, handles, is_pinned: AtomicBool::new(false) });
        for (areas, range) in self.areas.iter_mut().zip(ranges(instance)) {
            areas.add(range, root.id);
        }
        self.fresh += bytes;
    }

    /// Whose context or code is at an address.
    fn at(&self, address: usize) -> Option<StoreId> {
        self.areas.iter().find_map(|areas| areas.at(address))
    }

    /// Keeps the instance at an address, if there is one, for as long as the store.
    pub fn pin_at(&self, address: usize) {
        if let Some(id) = self.at(address) {
            self.pin(id);
        }
    }

    /// Keeps an instance for as long as the store.
    pub fn pin(&self, id: StoreId) {
        if let Some(linked) = self.linked.get(&id) {
            linked.is_pinned.store(true, Ordering::Relaxed);
        }
    }

    /// Bytes of all that are alive, as far as is known.
    pub fn bytes(&self) -> usize {
        self.fresh + self.left
    }

    /// Whether it is time for a collection.
    fn is_due(&self) -> bool {
        self.fresh > LEAST_FRESH.max(self.left).max(BYTES_A_ROOT * self.roots)
    }
}

/// Addresses of an instance's context and of its code.
fn ranges(instance: &InstanceData) -> [Range<usize>; 2] {
    [instance.context.addresses(), instance.module.code.addresses()]
}

impl StoreInner {
    pub(crate) fn late_mut(&mut self) -> &mut Late {
        self.late.get_or_insert_default()
    }

    /// Takes a late-linked instance in.
    pub(crate) fn add_late(&mut self, root: &LateRoot, index: u32, instance: &InstanceData) {
        let bytes = self.size_of_late(root.id, instance);
        self.late_mut().add(root, index, instance, bytes);
    }

    /// A memory or a table takes more bytes. Whose it is comes out with the next collection.
    pub(crate) fn note_growth(&mut self, bytes: usize) {
        if let Some(late) = &mut self.late {
            late.fresh = late.fresh.saturating_add(bytes);
        }
    }

    /// Bytes that are free when the late-linked instance is, about: its memories and tables are those that it owns.
    fn size_of_late(&self, id: StoreId, instance: &InstanceData) -> usize {
        let memories = instance.memories.iter().filter(|memory| memory.owner() == id);
        let tables = instance.tables.iter().filter(|table| table.owner() == id);
        let memories: usize = memories.map(|memory| self.memories[memory.place_unchecked()].memory.len()).sum();
        let tables: usize = tables.map(|table| self.tables[table.place_unchecked()].table.len() * size_of::<usize>()).sum();
        instance.module.code.text().len() + instance.module.bytes.len() + memories + tables + OVERHEAD
    }

    /// The function of this store for one that any store can have: the same for all late-linked instances.
    pub(crate) fn late_host_function(&mut self, function: &Arc<HostFunc>) -> Func {
        let key = Arc::as_ptr(function);
        if let Some(&known) = self.late_mut().host_functions.get(&key) {
            return known;
        }
        // The store keeps the function, so that its address will not be another's.
        let made = Func::from_host(self, function);
        self.late_mut().host_functions.insert(key, made);
        made
    }

    /// Those that are alive, in the order of linking.
    pub(super) fn late_instances(&self) -> impl ExactSizeIterator<Item = Instance> + '_ {
        let all = self.late.as_ref().map(|late| late.indices());
        all.into_iter().flatten().map(|(id, index)| Instance::from_parts(id, index)).collect::<Vec<_>>().into_iter()
    }

    /// The instance itself, or if it is linked late the program that it was linked for.
    pub(crate) fn program_of(&self, instance: &InstanceData) -> Instance {
        let linked = self.late.as_ref().and_then(|late| late.linked.get(&instance.store));
        Instance::from_parts(self.id(), linked.map_or(instance.index, |linked| linked.program))
    }

    /// Frees the late-linked instances that nobody can reach, if enough code came since that was done last.
    pub(crate) fn collect_late_if_due(&mut self) {
        if self.late.as_ref().is_some_and(|late| late.is_due()) {
            self.collect_late();
        }
    }

    /// Frees the late-linked instances that nobody can reach. Does nothing while a hook of the host runs, which may hold values that were not looked at yet.
    pub(crate) fn collect_late(&mut self) {
        if self.hooks_running > 0 {
            return;
        }
        let Some(late) = self.late.take() else { return };
        let mut marking = Marking { store: self, late: &late, marked: BTreeSet::new(), queue: Vec::new(), roots: 0 };
        marking.mark();
        let Marking { marked, roots, .. } = marking;
        let late = self.late.insert(late);
        late.roots = roots;
        let dead: Vec<_> = late.indices().filter(|(id, _)| !marked.contains(id)).collect();
        for (id, index) in dead {
            self.free(id, index);
        }
        let alive: Vec<_> = self.late_mut().indices().collect();
        let left = alive.into_iter().map(|(id, index)| self.size_of_late(id, self.instance(index))).sum();
        let late = self.late_mut();
        (late.fresh, late.left) = (0, left);
    }

    /// Frees an instance, and the memories and tables that are its own.
    fn free(&mut self, id: StoreId, index: u32) {
        // SAFETY: from `Box::leak` in `add_instance`, and taken out once. Nobody can reach it: compiled code by marking, handles by their owner's identity.
        let instance = unsafe { Box::from_raw(self.instances.remove(index).as_ptr()) };
        let late = self.late_mut();
        late.linked.remove(&id);
        for (areas, Range { start, .. }) in late.areas.iter_mut().zip(ranges(&instance)) {
            areas.by_start.remove(&start);
        }
        self.free_owned(id, &instance.tables, &instance.memories);
        drop(instance);
    }

    /// Frees those of these tables and memories that belong to a late-linked instance.
    pub(crate) fn free_owned(&mut self, id: StoreId, tables: &[Table], memories: &[Memory]) {
        for table in tables.iter().filter(|table| table.owner() == id) {
            drop(self.tables.remove(table.place_unchecked()));
        }
        for memory in memories.iter().filter(|memory| memory.owner() == id) {
            drop(self.memories.remove(memory.place_unchecked()));
        }
    }
}

/// A collection that looks for what can be reached.
struct Marking<'a> {
    store: &'a mut StoreInner,
    late: &'a Late,
    marked: BTreeSet<StoreId>,
    /// Marked, but not looked through yet.
    queue: Vec<StoreId>,
    roots: usize,
}

impl Marking<'_> {
    fn mark(&mut self) {
        self.mark_held();
        self.mark_from_tables();
        self.mark_from_globals_of_the_host();
        self.mark_from_frames();
        self.mark_from_lasting_instances();
        while let Some(id) = self.queue.pop() {
            let index = self.late.linked[&id].index;
            self.mark_from_instance(index);
        }
    }

    fn reach(&mut self, id: StoreId) {
        if self.marked.insert(id) {
            self.queue.push(id);
        }
    }

    /// Marks the instance whose address a word is, if it is one.
    fn see(&mut self, word: usize) {
        self.roots += 1;
        if word != 0
            && let Some(id) = self.late.at(word)
        {
            self.reach(id);
        }
    }

    /// Marks the owner of something.
    fn see_owner(&mut self, owner: StoreId) {
        if self.late.has(owner) {
            self.reach(owner);
        }
    }

    fn mark_held(&mut self) {
        for (&id, linked) in &self.late.linked {
            if linked.is_pinned.load(Ordering::Relaxed) || Arc::strong_count(&linked.handles) > 1 {
                self.reach(id);
            }
        }
    }

    /// Tables of late-linked instances are looked at with these.
    fn mark_from_tables(&mut self) {
        let of_instances: BTreeSet<u32> =
            self.late.linked.values().flat_map(|linked| own_tables(self.store.instance(linked.index))).collect();
        let places: Vec<u32> = self.store.tables.iter().map(|(place, _)| place).filter(|place| !of_instances.contains(place)).collect();
        for place in places {
            self.mark_from_table(place);
        }
    }

    fn mark_from_table(&mut self, place: u32) {
        if self.store.tables[place].ty.element != ValType::FuncRef {
            return;
        }
        for index in 0..self.store.tables[place].table.len() {
            let word = self.store.tables[place].table.words()[index];
            self.see(word);
        }
    }

    fn mark_from_globals_of_the_host(&mut self) {
        for index in 0..self.store.host_globals.len() {
            // SAFETY: the cell is the store's, and no code runs.
            let word = unsafe { (*self.store.host_globals[index].cell()).value.low };
            self.see(word as usize);
        }
    }

    fn mark_from_frames(&mut self) {
        let mut words = Vec::new();
        let late = self.late;
        let mut seen = 0;
        self.store.state_mut().each_word_of_frames(|word| {
            seen += 1;
            words.extend(late.at(word));
        });
        self.roots += seen;
        words.into_iter().for_each(|id| self.reach(id));
    }

    fn mark_from_lasting_instances(&mut self) {
        let late: BTreeSet<u32> = self.late.linked.values().map(|linked| linked.index).collect();
        let lasting: Vec<u32> = self.store.instances.iter().map(|(index, _)| index).filter(|index| !late.contains(index)).collect();
        for index in lasting {
            self.mark_from_instance(index);
        }
    }

    /// Marks what an instance refers to.
    fn mark_from_instance(&mut self, index: u32) {
        // SAFETY: instances are alive as long as they are in the list, and nothing is taken out while this runs.
        let instance = unsafe { self.store.instances[index].as_ref() };
        let (counts, context) = (instance.context.layout().counts(), &instance.context);
        for function in 0..counts.imported_functions {
            self.see(context.imported_function(function).1 as usize);
        }
        for global in 0..counts.imported_globals {
            self.see(context.imported_global(global) as usize);
        }
        for global in 0..counts.own_globals {
            // SAFETY: the cell is the instance's, and no code runs.
            let word = unsafe { (*context.own_global(global)).value.low };
            self.see(word as usize);
        }
        instance.memories.iter().for_each(|memory| self.see_owner(memory.owner()));
        instance.tables.iter().for_each(|table| self.see_owner(table.owner()));
        if self.late.has(instance.store) {
            own_tables(instance).for_each(|place| self.mark_from_table(place));
        }
        for segment in instance.elements.iter().filter(|segment| !segment.dropped.get()) {
            segment.words.iter().for_each(|&word| self.see(word));
        }
    }
}

/// Places of an instance's own tables.
fn own_tables(instance: &InstanceData) -> impl Iterator<Item = u32> + '_ {
    instance.tables.iter().filter(|table| table.owner() == instance.store).map(Table::place_unchecked)
}
