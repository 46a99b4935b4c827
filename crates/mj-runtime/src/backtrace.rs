//! The compiled frames of a store, innermost first.
//!
//! Compiled frames are linked by frame pointers: `[fp]` is the caller's frame pointer and `[fp + 8]` the return address. The outermost frame
//! of an activation returns into an entry trampoline; further out lies the frame that called the host, which the activation has saved.
//! After an unwind the frames are still in memory until the store is entered again, so nothing is collected while code runs.
//!
//! Invariant: only words inside the store's own stack are read, each frame above the one before, so that a broken chain ends the walk and nothing else.

use std::ops::Range;
use std::ptr;
use std::sync::Arc;

use crate::entry::Activation;
use crate::registry::{CodeInfo, PcKind, code_around};
use crate::store::{Origin, StoreBlock, StoreState};
use crate::thread;

/// A program counter in a compiled frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pc {
    /// The address.
    pub address: usize,
    /// Which kind of site to look for there.
    pub kind: PcKind,
}

impl StoreState {
    /// The innermost `limit` compiled frames of this store on this thread.
    ///
    /// After an [`Unwind`](crate::Unwind), and before the store is entered again, `origin` is the unwind's. In a host function or a hook it is
    /// `None`: the frames are those that wait for its return.
    #[must_use]
    pub fn backtrace(&self, origin: Option<Origin>, limit: usize) -> Vec<Pc> {
        // SAFETY: the block is alive, and compiled code of this store does not run: this thread has the store and is here.
        let block = unsafe { &*self.block() };
        let mut walk = Walk { block, code: None, frames: Vec::new(), limit };
        if let Some(origin) = origin {
            walk.segment(origin);
        }
        walk.segment(block.exit(block.context.wasm_sp));
        for wasm_sp in outer_exits(block) {
            walk.segment(block.exit(wasm_sp));
        }
        walk.frames
    }
}

/// Where on the stack the activations of `block` on this thread began, innermost first.
fn outer_exits(block: *const StoreBlock) -> impl Iterator<Item = usize> {
    // SAFETY: the thread is this one.
    let mut next = unsafe { (*thread::current()).innermost.get() };
    std::iter::from_fn(move || {
        // SAFETY: activations are in frames of this thread that have not returned.
        let activation: &Activation = unsafe { next.as_ref() }?;
        next = activation.outer;
        Some(activation)
    })
    .filter(move |activation| ptr::eq(activation.store, block))
    .map(|activation| activation.saved.wasm_sp)
}

struct Walk<'a> {
    block: &'a StoreBlock,
    /// The region that the last frame was in: the next is likely to be there, too.
    code: Option<(Range<usize>, Arc<dyn CodeInfo>)>,
    frames: Vec<Pc>,
    limit: usize,
}

impl Walk<'_> {
    /// Walks one activation, from `origin` out to its entry.
    fn segment(&mut self, origin: Origin) {
        let Origin { mut pc, mut fp, fault } = origin;
        // An interrupted frame has called out without a call: then only the other kind of site is there.
        let has_call_site = !fault && self.info(pc).is_some_and(|info| info.site(pc, PcKind::Return).is_some());
        let mut kind = if has_call_site { PcKind::Return } else { PcKind::Fault };
        while self.frames.len() < self.limit {
            match self.info(pc) {
                Some(info) if !info.is_entry(pc) => self.frames.push(Pc { address: pc, kind }),
                _ => return,
            }
            let Some([caller_fp, return_pc]) = self.block.frame(fp) else { return };
            if caller_fp <= fp {
                // The next frame cannot be below: the chain ends here, but the return address may still be good.
                self.last(return_pc);
                return;
            }
            (pc, fp, kind) = (return_pc, caller_fp, PcKind::Return);
        }
    }

    fn last(&mut self, pc: usize) {
        if self.frames.len() < self.limit && self.info(pc).is_some_and(|info| !info.is_entry(pc)) {
            self.frames.push(Pc { address: pc, kind: PcKind::Return });
        }
    }

    fn info(&mut self, pc: usize) -> Option<&Arc<dyn CodeInfo>> {
        if !self.code.as_ref().is_some_and(|(range, _)| range.contains(&pc)) {
            self.code = Some(code_around(pc)?);
        }
        self.code.as_ref().map(|(_, info)| info)
    }
}
