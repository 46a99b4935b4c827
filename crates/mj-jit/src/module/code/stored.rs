//! A module's code on its way to an artefact, and back.
//!
//! Code is position independent but for its references to the jump table, whose distance differs from run to run. In an artefact each holds
//! the index of the function instead.

use std::sync::PoisonError;

use mj_codegen::{Arch, Entry, ModulePlan};
use mj_decode::Module as Environment;
use mj_runtime::CodeRegion;

use super::super::artefact::{ALIGN, Stored, StoredFunction, offsets, part};
use super::{CodeMap, ModuleCode, Placed, Placement, room_behind};
use crate::Engine;
use crate::error::Result;

/// Which versions of functions are stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Choice {
    /// The best of each function, and loops of functions whose whole was not optimized.
    All,
    /// As [`Choice::All`], of what was optimized while the module ran.
    Optimized,
}

impl ModuleCode {
    /// Code of all functions, from an artefact that has it.
    pub fn from_stored(engine: &Engine, env: &Environment, stored: &Stored<'_>) -> Result<Self> {
        let slots = env.defined_functions() as usize;
        let later = if engine.tier_up_period().is_some() { room_behind(env, stored.code.len()) } else { 0 };
        let region = CodeRegion::image_with_room(slots, stored.code.len(), later, |image, address, table| {
            image.copy_from_slice(&stored.code);
            link(engine.arch(), image, stored, address, table);
        })?;
        let map = CodeMap::new();
        let address = region.addresses().start;
        map.set_base(address);
        map.add_stored(stored, address);
        point_slots(&region, stored, address);
        Ok(Self::new(engine.arch(), region, map, ModulePlan::new(env), 0..0))
    }

    /// Adds functions from an artefact, and lets calls go there; for each, what it is a version of, and where it is entered.
    pub fn add_stored(&self, stored: &Stored<'_>) -> Result<Vec<(u32, Entry, usize)>> {
        let _adding = self.adding.lock().unwrap_or_else(PoisonError::into_inner);
        let table = self.region.table_address();
        let address = self.region.publish(&stored.code, |code, address| link(self.arch, code, stored, address, table))?;
        self.map.add_stored(stored, address);
        point_slots(&self.region, stored, address);
        let entered = |function: &StoredFunction| {
            (function.own, function.tier.unwrap_or(Entry::Function), address + (function.code.start + function.entry) as usize)
        };
        Ok(stored.functions.iter().map(entered).collect())
    }

    /// Functions that have code, for an artefact.
    pub fn stored(&self, choice: Choice) -> Stored<'static> {
        let placed = self.map.placed();
        let mut stored = Stored::default();
        for placement in placed.chosen(choice) {
            let mut code = self.bytes(placement.start as usize, placement.length as usize).to_vec();
            let start = self.region.addresses().start + placement.start as usize;
            let relocations = &placed.relocations[placement.relocations as usize..placement.relocations_end as usize];
            for at in offsets(relocations) {
                let (at, table) = (at as usize, self.region.table_address());
                let function = self.arch.referred(&code[at..], start + at, table);
                self.arch.put_number(&mut code[at..], function);
            }
            let sites = &placed.sites[placement.sites as usize..placement.sites_end as usize];
            let tier = match placement.tier {
                // Where all is stored, this is what is there first.
                Some(Entry::Function) if choice == Choice::All => None,
                tier => tier,
            };
            stored.push(placement.function, tier, placement.entry, &code, sites, relocations);
        }
        stored
    }

    /// Number of functions that [`stored`](Self::stored) would give.
    pub fn count_stored(&self, choice: Choice) -> usize {
        self.map.placed().chosen(choice).len()
    }
}

impl Placed {
    /// The versions to store, in the order of artefacts.
    fn chosen(&self, choice: Choice) -> Vec<Placement> {
        let mut chosen: Vec<Placement> = match choice {
            Choice::All => self.functions.clone(),
            Choice::Optimized => self.functions.iter().copied().filter(|placement| placement.tier.is_some()).collect(),
        };
        let loop_of = |placement: &Placement| match placement.tier {
            Some(Entry::Loop(at)) => Some(at),
            _ => None,
        };
        // Of several versions of a whole function, the last is the best.
        chosen.sort_by_key(|placement| (placement.function, loop_of(placement), u32::MAX - placement.start));
        chosen.dedup_by_key(|placement| (placement.function, loop_of(placement)));
        let optimized = |function: u32| self.optimized.contains_key(&function);
        chosen.retain(|placement| loop_of(placement).is_none() || !optimized(placement.function));
        chosen
    }
}

impl CodeMap {
    /// Functions of an artefact were placed at `address`.
    fn add_stored(&self, stored: &Stored<'_>, address: usize) {
        let base = (address - self.base.get().expect("the base is set")) as u32;
        let mut placed = self.placed.write().unwrap_or_else(PoisonError::into_inner);
        let Placed { functions, sites, relocations, optimized } = &mut *placed;
        functions.reserve(stored.functions.len());
        for function in &stored.functions {
            if function.tier == Some(Entry::Function) {
                optimized.insert(function.own, functions.len());
            }
            functions.push(Placement {
                start: base + function.code.start,
                length: function.code.len() as u32,
                function: function.own,
                tier: function.tier,
                entry: function.entry,
                sites: sites.len() as u32,
                sites_end: (sites.len() + function.sites.len()) as u32,
                relocations: relocations.len() as u32,
                relocations_end: (relocations.len() + function.relocations.len()) as u32,
            });
            sites.extend_from_slice(part(&stored.sites, &function.sites));
            relocations.extend_from_slice(part(&stored.relocations, &function.relocations));
        }
    }
}

/// Fills in the references to the jump table at `table`, in code that is to run at `address`.
fn link(arch: Arch, code: &mut [u8], stored: &Stored<'_>, address: usize, table: usize) {
    debug_assert_eq!(address % ALIGN, 0);
    for at in stored.references() {
        let function = arch.number(&code[at..]);
        arch.refer(&mut code[at..], address + at, table, function);
    }
}

fn point_slots(region: &CodeRegion, stored: &Stored<'_>, address: usize) {
    for function in stored.functions.iter().filter(|function| function.version().1.is_none()) {
        region.set_slot(function.own as usize, address + (function.code.start + function.entry) as usize);
    }
}
