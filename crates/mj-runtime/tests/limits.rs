//! What happens when the operating system refuses. Each test runs in a process of its own, since limits are for whole processes.

mod child;

use mj_runtime::{CodeRegion, LinearMemory, MemoryError, MemoryPlan, MemoryPool, StackPool, Table};

use child::{CHILD, again, is_emulated};

/// Runs `body` in a process of its own, with the resource limited to this many bytes (or files).
fn limited(test: &str, resource: libc::__rlimit_resource_t, limit: u64, body: impl FnOnce()) {
    if std::env::var_os(CHILD).is_none() {
        if is_emulated() {
            println!("emulators do not limit address space");
            return;
        }
        let output = again(test).output().unwrap();
        assert!(output.status.success(), "{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        return;
    }
    let limits = libc::rlimit { rlim_cur: limit, rlim_max: limit };
    // SAFETY: passes a structure of ours.
    assert_eq!(unsafe { libc::setrlimit(resource, &raw const limits) }, 0);
    body();
}

const PAGE: u64 = 65536;

#[test]
fn without_address_space_guarded_memories_fail_and_explicit_ones_are_smaller() {
    limited("without_address_space_guarded_memories_fail_and_explicit_ones_are_smaller", libc::RLIMIT_AS, 1 << 30, || {
        let error = LinearMemory::new(&MemoryPlan::guarded(PAGE, None)).unwrap_err();
        assert!(matches!(error, MemoryError::Reservation(_)), "{error}");
        assert!(error.to_string().contains("address space"), "{error}");
        assert!(matches!(MemoryPool::new(4).allocate(&MemoryPlan::guarded(PAGE, None)), Err(MemoryError::Reservation(_))));

        let mut memory = LinearMemory::new(&MemoryPlan::explicit(PAGE, None, 4 << 30)).unwrap();
        assert!((128 << 20..1 << 30).contains(&memory.limit()), "{}", memory.limit());
        assert_eq!(memory.grow(PAGE), Some(PAGE));
        memory.bytes_mut().fill(1);
        assert!(LinearMemory::new(&MemoryPlan::explicit(2 << 30, None, 4 << 30)).is_err());

        let table = Table::new(10, None, 1 << 40).unwrap();
        assert!(table.limit() < 1 << 27);
        assert!(CodeRegion::reserve(10, 1 << 30).is_err());
        assert!(CodeRegion::image(10, 1 << 30, |_, _, _| panic!("there is nothing to write to")).is_err());
        let _ = StackPool::new(4 << 30, 1);
    });
}

#[test]
fn without_memory_growing_fails_and_changes_nothing() {
    limited("without_memory_growing_fails_and_changes_nothing", libc::RLIMIT_DATA, 64 << 20, || {
        let mut memory = LinearMemory::new(&MemoryPlan::guarded(PAGE, None)).unwrap();
        memory.bytes_mut()[7] = 7;
        assert_eq!(memory.grow(1 << 30), None);
        assert_eq!(memory.len() as u64, PAGE);
        assert_eq!(memory.grow(1 << 20), Some(PAGE));
        assert_eq!(memory.bytes()[7], 7);
        let error = LinearMemory::new(&MemoryPlan::guarded(1 << 30, None)).unwrap_err();
        assert!(matches!(error, MemoryError::Commit(_)), "{error}");
    });
}

/// Returns 5.
#[cfg(target_arch = "x86_64")]
const FIVE: [u8; 6] = [0xb8, 5, 0, 0, 0, 0xc3];
/// Returns 5.
#[cfg(target_arch = "aarch64")]
const FIVE: [u8; 8] = [0xa0, 0, 0x80, 0x52, 0xc0, 3, 0x5f, 0xd6];

fn code_is_published_and_runs() {
    let region = CodeRegion::reserve(1, 1 << 20).unwrap();
    for _ in 0..3 {
        let address = region.publish(&FIVE, |_, _| {}).unwrap();
        // SAFETY: that is what the code does.
        assert_eq!(unsafe { std::mem::transmute::<usize, extern "C" fn() -> u32>(address)() }, 5);
    }
}

#[test]
fn where_no_file_can_be_opened_code_is_published_without() {
    limited("where_no_file_can_be_opened_code_is_published_without", libc::RLIMIT_NOFILE, 0, code_is_published_and_runs);
}

#[test]
fn where_files_must_be_small_code_is_published_without() {
    limited("where_files_must_be_small_code_is_published_without", libc::RLIMIT_FSIZE, 4096, code_is_published_and_runs);
}
