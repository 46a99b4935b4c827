//! The index spaces of the new module, and where each part's things are in them.
//!
//! Functions: imports that stay, the program's own, those of generated modules in order, and stubs for imports that go. Tables, memories and globals:
//! the program's, then those of generated modules. What a generated module imports is found by identity, so names play no part: whatever it was linked with is
//! what its code uses in the new module. Constant globals of the host are taken over like own ones, for they cannot change.

use std::collections::{HashMap, HashSet};

use mj_jit::{AsContext, AsContextMut, Extern, Func, Identity, Instance, Mutability};
use wasm_encoder::reencode::{self, Reencode};
use wasm_encoder::{ExportSection, Function};
use wasmparser::ExternalKind;

use crate::error::{Reason, SnapshotError};
use crate::parts::{ByKind, Part, name_of};
use crate::types::Types;

/// See the module's documentation.
pub(crate) struct Layout<'a> {
    /// Functions that are imported.
    pub imports: Vec<Import<'a>>,
    /// Functions that take the place of imports.
    pub stubs: Vec<Stub<'a>>,
    /// By new index: where a table, memory or global is described.
    items: ByKind<Vec<Item>>,
    /// By part: new indices by old ones.
    maps: Vec<Map>,
    /// Functions that are not part of the snapshot but have an index in it.
    others: HashMap<Identity, u32>,
    parts: HashMap<Instance, usize>,
}

/// A function that the new module imports.
#[derive(PartialEq, Eq)]
pub(crate) struct Import<'a> {
    pub module: &'a str,
    pub name: &'a str,
    /// New type index.
    pub ty: u32,
}

/// A function of the new module's own that was an import of `mj:link`.
#[derive(PartialEq, Eq)]
pub(crate) struct Stub<'a> {
    name: &'a str,
    /// New type index.
    pub ty: u32,
}

/// A thing of a part.
#[derive(Clone, Copy)]
pub(crate) struct Item {
    pub part: usize,
    pub index: u32,
}

/// New indices by old ones.
type Map = ByKind<Vec<u32>>;

/// The module of late linking.
const LATE_LINKING: &str = "mj:link";

impl Stub<'_> {
    /// What it does: `instantiate` returns the number of the error that a limit forbids it, `error` writes no text.
    pub fn function(&self) -> Function {
        let mut function = Function::new([]);
        match self.name {
            "instantiate" => function.instructions().i32_const(3),
            "error" => function.instructions().i32_const(0),
            _ => function.instructions().unreachable(),
        };
        function.instructions().end();
        function
    }
}

impl<'a> Layout<'a> {
    /// Lays everything out; refuses what belongs to others and cannot be imported again.
    pub fn new(
        store: &mut impl AsContextMut,
        parts: &[Part<'a>],
        types: &Types,
        keeps_late_linking: bool,
    ) -> Result<Layout<'a>, SnapshotError> {
        let mut layout = Layout {
            imports: Vec::new(),
            stubs: Vec::new(),
            items: ByKind::default(),
            maps: vec![Map::default(); parts.len()],
            others: HashMap::new(),
            parts: parts.iter().enumerate().map(|(index, part)| (part.instance, index)).collect(),
        };
        layout.lay_out_functions(store, parts, types, keeps_late_linking);
        for kind in [ExternalKind::Table, ExternalKind::Memory, ExternalKind::Global] {
            layout.lay_out(kind, store, parts)?;
        }
        Ok(layout)
    }

    fn lay_out_functions(&mut self, store: &mut impl AsContextMut, parts: &[Part<'a>], types: &Types, keeps_late_linking: bool) {
        let mut others = HashMap::new();
        let mut targets: Vec<Vec<Target>> = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            let mut of_part = Vec::new();
            for (function, import) in (0..).zip(part.imported(ExternalKind::Func)) {
                let value = part.instance.debug_function(&mut *store, function).expect("modules have what they import");
                let (identity, origin) = (Extern::from(value).identity(&*store), value.origin(&*store));
                let inside = origin.and_then(|(instance, function)| Some(Target::Own(*self.parts.get(&instance)?, function)));
                let target = inside.or_else(|| others.get(&identity).copied()).unwrap_or_else(|| {
                    let ty = types.map(index)[part.functions[function as usize] as usize];
                    if import.module == LATE_LINKING && !keeps_late_linking {
                        Target::Stub(place(&mut self.stubs, Stub { name: import.name, ty }, true))
                    } else {
                        // The program's imports stay one for one, for they may have been given by position.
                        Target::Import(place(&mut self.imports, Import { module: import.module, name: import.name, ty }, index > 0))
                    }
                });
                if !matches!(target, Target::Own(..)) {
                    others.insert(identity, target);
                }
                of_part.push(target);
            }
            targets.push(of_part);
        }
        let numbering = Numbering::new(self.imports.len() as u32, parts);
        for (index, part) in parts.iter().enumerate() {
            let imported = targets[index].iter().copied();
            let all = imported.chain(part.own(ExternalKind::Func).map(|function| Target::Own(index, function)));
            *self.maps[index].of_mut(ExternalKind::Func) = all.map(|target| numbering.index(target)).collect();
        }
        self.others = others.into_iter().map(|(identity, target)| (identity, numbering.index(target))).collect();
    }

    /// Gives tables, memories or globals their new indices.
    fn lay_out(&mut self, kind: ExternalKind, store: &impl AsContext, parts: &[Part<'_>]) -> Result<(), SnapshotError> {
        let identity = |part: &Part<'_>, index| thing(store, kind, part, index).identity(store);
        let own: HashSet<Identity> = parts.iter().flat_map(|part| part.own(kind).map(move |index| identity(part, index))).collect();
        let items = self.items.of_mut(kind);
        let mut indices: HashMap<Identity, u32> = HashMap::new();
        for (place, part) in parts.iter().enumerate() {
            for index in part.all(kind) {
                let thing = thing(store, kind, part, index);
                let identity = thing.identity(store);
                let is_others = !own.contains(&identity) && !indices.contains_key(&identity);
                if part.own(kind).contains(&index) || is_others && is_taken_over(store, &thing) {
                    indices.insert(identity, items.len() as u32);
                    items.push(Item { part: place, index });
                }
            }
        }
        for (map, part) in self.maps.iter_mut().zip(parts) {
            let new = |index| indices.get(&identity(part, index)).copied().ok_or_else(|| unowned(kind, part, index));
            *map.of_mut(kind) = part.all(kind).map(new).collect::<Result<_, _>>()?;
        }
        Ok(())
    }

    /// Index of a function in the new module.
    ///
    /// # Errors
    ///
    /// Says whose it is, if it is not there.
    pub fn function(&self, store: &impl AsContext, function: Func) -> Result<u32, &'static str> {
        if let Some(&index) = self.others.get(&Extern::from(function).identity(store)) {
            return Ok(index);
        }
        let Some((instance, index)) = function.origin(store) else {
            return Err("a function of the host that no module of the snapshot imports");
        };
        match self.parts.get(&instance) {
            Some(&part) => Ok(self.map(part, ExternalKind::Func)[index as usize]),
            None => Err("a function of an instance that is not part of the snapshot"),
        }
    }

    /// The new module's exports: the program's, without some.
    pub fn exports(&self, program: &Part<'_>, without: &[String]) -> Result<ExportSection, SnapshotError> {
        let mut section = ExportSection::new();
        let mut indices = Indices(&self.maps[0]);
        for export in program.exports.iter().filter(|export| !without.iter().any(|name| name == export.name)) {
            let kind = indices.export_kind(export.kind)?;
            section.export(export.name, kind, indices.external_index(export.kind, export.index)?);
        }
        Ok(section)
    }

    /// New indices of a part's things of a kind.
    pub fn map(&self, part: usize, kind: ExternalKind) -> &[u32] {
        self.maps[part].of(kind)
    }

    /// Where the tables, memories or globals are described, by new index.
    pub fn items(&self, kind: ExternalKind) -> &[Item] {
        self.items.of(kind)
    }

    /// Translates a part's indices.
    pub fn of_part(&self, part: usize) -> Indices<'_> {
        Indices(&self.maps[part])
    }
}

/// New indices of a part's functions, tables, memories and globals.
#[derive(Clone, Copy)]
pub(crate) struct Indices<'a>(&'a Map);

macro_rules! translate {
    ($($method:ident $kind:ident;)*) => {
        impl Reencode for Indices<'_> {
            type Error = std::convert::Infallible;

            $(fn $method(&mut self, index: u32) -> Result<u32, reencode::Error> {
                Ok(self.0.of(ExternalKind::$kind)[index as usize])
            })*
        }
    };
}

translate! {
    function_index Func;
    table_index Table;
    memory_index Memory;
    global_index Global;
}

/// What a function index of a part means.
#[derive(Clone, Copy)]
enum Target {
    Import(u32),
    /// A part and its own index.
    Own(usize, u32),
    Stub(u32),
}

/// Where functions begin in the new module.
struct Numbering {
    /// By part: the new index of function 0, if all were its own.
    parts: Vec<i64>,
    stubs: u32,
}

impl Numbering {
    fn new(imports: u32, parts: &[Part<'_>]) -> Self {
        let mut next = imports;
        let mut first_of = |part: &Part<'_>| {
            let own = part.own(ExternalKind::Func);
            let first = i64::from(next) - i64::from(own.start);
            next += own.len() as u32;
            first
        };
        Self { parts: parts.iter().map(&mut first_of).collect(), stubs: next }
    }

    fn index(&self, target: Target) -> u32 {
        match target {
            Target::Import(place) => place,
            Target::Own(part, function) => (self.parts[part] + i64::from(function)) as u32,
            Target::Stub(place) => self.stubs + place,
        }
    }
}

/// Place of a thing in a list, at whose end it is put if it is not there or may not be shared.
fn place<T: PartialEq>(list: &mut Vec<T>, thing: T, is_shared: bool) -> u32 {
    let found = if is_shared { list.iter().position(|other| *other == thing) } else { None };
    found.unwrap_or_else(|| {
        list.push(thing);
        list.len() - 1
    }) as u32
}

/// A table, memory or global of an instance.
fn thing(store: &impl AsContext, kind: ExternalKind, part: &Part<'_>, index: u32) -> Extern {
    let thing = match kind {
        ExternalKind::Table => part.instance.debug_table(store, index).map(Extern::from),
        ExternalKind::Memory => part.instance.debug_memory(store, index).map(Extern::from),
        _ => part.instance.debug_global(store, index).map(Extern::from),
    };
    thing.expect("an instance has what its module describes")
}

/// Whether something that no part defines becomes one of the new module's own.
fn is_taken_over(store: &impl AsContext, thing: &Extern) -> bool {
    matches!(thing, Extern::Global(global) if global.ty(store).mutability() == Mutability::Const)
}

/// The error that something belongs to others.
fn unowned(kind: ExternalKind, part: &Part<'_>, index: u32) -> SnapshotError {
    let import = part.imported(kind).nth(index as usize).expect("what is not a part's own is imported");
    let message = format!(
        "{} imports the {} `{}.{}` from the host, or from an instance that is not part of the snapshot, which cannot be kept: \
        let the program define and export it",
        part.label,
        if kind == ExternalKind::Global { "mutable global" } else { name_of(kind) },
        import.module,
        import.name
    );
    SnapshotError::new(Reason::Import, message)
}
