//! Backtraces of WebAssembly code.

use std::fmt;

use mj_runtime::{Origin, code_info};

use crate::module::{Position, code_map};
use crate::store::StoreInner;
use crate::{AsContext, Module};

/// The WebAssembly functions that were running, innermost first.
///
/// The error of a failed call has one as context: find it with `downcast_ref`.
#[derive(Debug)]
pub struct WasmBacktrace {
    frames: Vec<FrameInfo>,
}

impl WasmBacktrace {
    /// The functions that wait for the host function which calls this; none if backtraces are turned off.
    pub fn capture(store: impl AsContext) -> WasmBacktrace {
        Self::collect(store.as_context().0.inner(), None).unwrap_or(WasmBacktrace { frames: Vec::new() })
    }

    /// As [`WasmBacktrace::capture`], even if backtraces are turned off.
    pub fn force_capture(store: impl AsContext) -> WasmBacktrace {
        let store = store.as_context().0.inner();
        let limit = store.engine().get_wasm_backtrace_max_frames();
        Self::with_limit(store, None, if limit == 0 { usize::MAX } else { limit })
    }

    /// The frames.
    #[must_use]
    pub fn frames(&self) -> &[FrameInfo] {
        &self.frames
    }

    /// The frames from `origin` outwards; `None` if there are none, or if they are not wanted.
    pub(crate) fn collect(store: &StoreInner, origin: Option<Origin>) -> Option<Self> {
        let limit = store.engine().get_wasm_backtrace_max_frames();
        if !store.engine().config().backtrace || limit == 0 {
            return None;
        }
        let backtrace = Self::with_limit(store, origin, limit);
        (!backtrace.frames.is_empty()).then_some(backtrace)
    }

    fn with_limit(store: &StoreInner, origin: Option<Origin>, limit: usize) -> Self {
        let frames = store.state().backtrace(origin, limit);
        let frames = frames.iter().filter_map(|pc| {
            let info = code_info(pc.address)?;
            code_map(&info)?.position(pc.address, pc.kind).map(FrameInfo::new)
        });
        WasmBacktrace { frames: frames.collect() }
    }
}

impl fmt::Display for WasmBacktrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("error while executing at wasm backtrace:")?;
        for (number, frame) in self.frames.iter().enumerate() {
            write!(f, "\n  {number:>3}: ")?;
            if let Some(offset) = frame.module_offset() {
                write!(f, "{offset:#8x} - ")?;
            }
            write!(f, "{}!", frame.module().name().unwrap_or("<unknown>"))?;
            match frame.func_name() {
                Some(name) => f.write_str(name)?,
                None => write!(f, "<wasm function {}>", frame.func_index())?,
            }
        }
        Ok(())
    }
}

/// A WebAssembly function that was running.
#[derive(Debug)]
pub struct FrameInfo {
    module: Module,
    function: u32,
    name: Option<String>,
    function_start: usize,
    offset: Option<usize>,
    symbols: Vec<FrameSymbol>,
}

impl FrameInfo {
    fn new(position: Position) -> Self {
        let env = &position.module.env;
        let function = env.imported_functions + position.own;
        let function_start = env.bodies[position.own as usize].start as usize;
        let name = position.module.function_name(function).map(str::to_owned);
        let offset = Some(position.wasm as usize);
        FrameInfo { function, name, function_start, offset, symbols: Vec::new(), module: Module::from_inner(position.module) }
    }

    /// Its index in the module.
    #[must_use]
    pub fn func_index(&self) -> u32 {
        self.function
    }

    /// The module it is defined in.
    #[must_use]
    pub fn module(&self) -> &Module {
        &self.module
    }

    /// Its name, from the name section.
    #[must_use]
    pub fn func_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Where in the module the operator is that was running.
    #[must_use]
    pub fn module_offset(&self) -> Option<usize> {
        self.offset
    }

    /// Where in the function the operator is that was running.
    #[must_use]
    pub fn func_offset(&self) -> Option<usize> {
        Some(self.offset?.saturating_sub(self.function_start))
    }

    /// What debug information says about the place. It is not read yet, so this is empty.
    #[must_use]
    pub fn symbols(&self) -> &[FrameSymbol] {
        &self.symbols
    }
}

/// A function as debug information describes it.
#[derive(Debug)]
pub struct FrameSymbol {
    name: Option<String>,
    file: Option<String>,
    line: Option<u32>,
    column: Option<u32>,
}

impl FrameSymbol {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The source file.
    #[must_use]
    pub fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    /// The line in the file, from 1.
    #[must_use]
    pub fn line(&self) -> Option<u32> {
        self.line
    }

    /// The column in the line, from 1.
    #[must_use]
    pub fn column(&self) -> Option<u32> {
        self.column
    }
}
