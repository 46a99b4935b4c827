//! Function bodies validated on several threads while one walks the sections.
//!
//! Bodies go to the threads in batches, in order. A batch that is taken is finished, and batches before it were taken before, so that of all
//! errors found the one with the lowest offset is the one that a single thread would have found.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Mutex, PoisonError};

use wasmparser::{FuncToValidate, FuncValidatorAllocations, FunctionBody, ValidatorResources, WasmFeatures};

use super::{each_payload, validate_body};
use crate::{DecodeError, Module};

/// Bytes of bodies in a batch.
const BATCH: usize = 128 << 10;

type Batch<'a> = Vec<(FuncToValidate<ValidatorResources>, FunctionBody<'a>)>;

/// Validates everything, and adds sections to `module`.
pub(super) fn check(bytes: &[u8], flags: WasmFeatures, module: &mut Module, threads: usize) -> Result<(), DecodeError> {
    let (send, receive) = sync_channel::<Batch<'_>>(2 * threads);
    let receive = Mutex::new(receive);
    let failed = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(|| work(&receive, &failed))).collect();
        let mut batch = Batch::new();
        let mut size = 0;
        let walked = each_payload(bytes, flags, |payload, function| {
            if let Some((function, body)) = function {
                size += body.as_bytes().len();
                batch.push((function, body.clone()));
                if size >= BATCH {
                    size = 0;
                    // The threads listen until this one is done.
                    let _ = send.send(std::mem::take(&mut batch));
                }
            }
            if failed.load(Ordering::Relaxed) {
                // Any error will do, behind all others: the thread that failed has the right one.
                return Err(DecodeError::new("stopped", u64::MAX));
            }
            module.add(payload)
        });
        let _ = send.send(batch);
        drop(send);
        let outcomes = workers.into_iter().map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        let errors = outcomes.chain([walked]).filter_map(Result::err);
        errors.min_by_key(|error| error.offset).map_or(Ok(()), Err)
    })
}

/// Validates batches until there are no more, or one is wrong.
fn work(batches: &Mutex<Receiver<Batch<'_>>>, failed: &AtomicBool) -> Result<(), DecodeError> {
    let mut allocations = FuncValidatorAllocations::default();
    let mut outcome = Ok(());
    loop {
        let received = batches.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(batch) = received else { return outcome };
        // After a failure batches are only taken out of the way.
        if failed.load(Ordering::Relaxed) {
            continue;
        }
        for (function, body) in batch {
            if let Err(error) = validate_body(function, &body, &mut allocations) {
                outcome = Err(error);
                failed.store(true, Ordering::Relaxed);
                break;
            }
        }
    }
}
