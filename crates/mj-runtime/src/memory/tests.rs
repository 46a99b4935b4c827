use std::fs;

use super::*;

const PAGE: u64 = mj_abi::WASM_PAGE;

/// The permissions of the mapping around `address`, as /proc/self/maps has them.
fn permissions(address: *const u8) -> String {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let line = maps.lines().find(|line| {
        let (start, end) = line.split_once(' ').unwrap().0.split_once('-').unwrap();
        let contains = |start: &str, end: &str| {
            let parse = |text| usize::from_str_radix(text, 16).unwrap();
            (parse(start)..parse(end)).contains(&(address as usize))
        };
        contains(start, end)
    });
    line.map(|line| line.split(' ').nth(1).unwrap().to_string()).unwrap_or_default()
}

/// Compares pages, which an interpreter does at once.
fn is_zero(bytes: &[u8]) -> bool {
    bytes.chunks(PAGE as usize).all(|page| page == &[0; PAGE as usize][..page.len()])
}

#[test]
fn growing_keeps_the_base_and_the_contents() {
    let mut memory = LinearMemory::new(&MemoryPlan::guarded(PAGE, Some(3 * PAGE))).unwrap();
    let base = memory.base();
    memory.bytes_mut()[PAGE as usize - 1] = 9;
    assert_eq!(memory.grow(2 * PAGE), Some(PAGE));
    assert_eq!(memory.base(), base);
    assert_eq!(memory.bytes()[PAGE as usize - 1], 9);
    assert!(is_zero(&memory.bytes()[PAGE as usize..]));
    assert_eq!(memory.grow(PAGE), None, "beyond the maximum");
    assert_eq!(memory.grow(u64::MAX), None);
    assert_eq!(memory.len() as u64, 3 * PAGE);
    // SAFETY: the memory is alive.
    assert_eq!(unsafe { ((*memory.definition()).base, (*memory.definition()).length) }, (base, 3 * PAGE as usize));
}

#[test]
#[cfg_attr(miri, ignore = "asks the kernel about pages")]
fn in_guard_mode_exactly_the_memory_is_accessible() {
    let mut memory = LinearMemory::new(&MemoryPlan::guarded(PAGE, None)).unwrap();
    memory.grow(PAGE).unwrap();
    let base = memory.base();
    assert_eq!(permissions(base), "rw-p");
    assert_eq!(permissions(base.wrapping_add(2 * PAGE as usize - 1)), "rw-p");
    assert_eq!(permissions(base.wrapping_add(2 * PAGE as usize)), "---p");
    assert_eq!(permissions(base.wrapping_add(GUARDED_REACH - 1)), "---p");
    assert_eq!(permissions(base.wrapping_sub(1)), "---p");
    assert!(is_reserved(base as usize + GUARDED_REACH - 1));
    assert!(is_reserved(base as usize - (2 << 30)));
}

#[test]
fn a_dropped_memory_is_not_reserved_any_more() {
    let is_free_after_drop = || {
        let memory = LinearMemory::new(&MemoryPlan::guarded(PAGE, None)).unwrap();
        let address = memory.base() as usize + 12345;
        assert!(is_reserved(address));
        drop(memory);
        !is_reserved(address)
    };
    // A memory of another test may come to be at the same place at once, but not every time.
    assert!((0..100).any(|_| is_free_after_drop()));
}

#[test]
fn explicit_memories_grow_up_to_their_reservation() {
    let mut memory = LinearMemory::new(&MemoryPlan::explicit(100, None, 3 * PAGE)).unwrap();
    assert_eq!(memory.bytes().len(), 100);
    assert_eq!(memory.grow(1), Some(100));
    assert_eq!(memory.grow(3 * PAGE - 101), Some(101));
    assert_eq!(memory.grow(1), None);
    assert!(is_zero(memory.bytes()));
}

#[test]
fn an_explicit_reservation_is_halved_until_it_can_be_had() {
    let mut memory = LinearMemory::new(&MemoryPlan::explicit(PAGE, None, 1 << 60)).unwrap();
    assert!(memory.limit() >= 1 << 30, "{}", memory.limit());
    assert_eq!(memory.grow(PAGE), Some(PAGE));
    let error = LinearMemory::new(&MemoryPlan::explicit(1 << 60, None, 1 << 60)).unwrap_err();
    assert!(matches!(error, MemoryError::Reservation(_)), "{error}");
}

#[test]
fn plans_that_cannot_be_met_are_errors() {
    let plan = |bounds, minimum, maximum| MemoryPlan { bounds, ..MemoryPlan::explicit(minimum, maximum, 0) };
    for plan in [
        plan(Bounds::Guard, 1, None),
        plan(Bounds::Guard, 5 << 30, None),
        plan(Bounds::Explicit, 2, Some(1)),
        plan(Bounds::Explicit, u64::MAX, None),
    ] {
        assert!(matches!(LinearMemory::new(&plan), Err(MemoryError::Plan(_))), "{plan:?}");
    }
}

#[test]
fn empty_memories_can_be_made_and_grown() {
    for plan in [MemoryPlan::guarded(0, None), MemoryPlan::explicit(0, None, 2 * PAGE), MemoryPlan::explicit(0, Some(0), PAGE)] {
        let mut memory = LinearMemory::new(&plan).unwrap();
        assert!(memory.bytes().is_empty());
        assert_eq!(memory.grow(PAGE).is_some(), plan.maximum != Some(0));
    }
}

#[test]
fn a_pooled_memory_shows_nothing_of_the_one_before() {
    let pool = MemoryPool::new(4);
    for (first, grown, second) in [(1, 0, 1), (1, 40, 1), (3, 0, 1), (1, 0, 3), (2, 1, 0), (0, 5, 9)] {
        let mut memory = pool.allocate(&MemoryPlan::guarded(first * PAGE, None)).unwrap();
        memory.grow(grown * PAGE).unwrap();
        memory.bytes_mut().fill(0xee);
        let base = memory.base();
        drop(memory);
        assert_eq!(pool.unused(), 1);

        let mut memory = pool.allocate(&MemoryPlan::guarded(second * PAGE, None)).unwrap();
        assert_eq!(memory.base(), base, "the reservation is reused");
        assert_eq!(memory.len() as u64, second * PAGE);
        if !cfg!(miri) {
            assert_eq!(permissions(base.wrapping_add(memory.len())), "---p", "{first} {grown} {second}");
        }
        memory.grow(64 * PAGE).unwrap();
        assert!(is_zero(memory.bytes()), "{first} {grown} {second}");
        drop(memory);
    }
}

#[test]
fn a_pool_keeps_no_more_than_it_may() {
    let pool = MemoryPool::new(2);
    let plan = MemoryPlan::guarded(PAGE, None);
    let memories: Vec<_> = (0..5).map(|_| pool.allocate(&plan).unwrap()).collect();
    drop(memories);
    assert_eq!(pool.unused(), 2);
    assert!(pool.clear());
    assert!(!pool.clear());
}

#[test]
fn memories_of_other_shapes_do_not_share_slots() {
    let pool = MemoryPool::new(8);
    drop(pool.allocate(&MemoryPlan::explicit(PAGE, None, 4 * PAGE)).unwrap());
    let memory = pool.allocate(&MemoryPlan::explicit(PAGE, None, 8 * PAGE)).unwrap();
    assert_eq!(memory.limit() as u64, 8 * PAGE);
    assert_eq!(pool.unused(), 1);
    let narrower = pool.allocate(&MemoryPlan::explicit(PAGE, Some(4 * PAGE), 8 * PAGE)).unwrap();
    assert_eq!(pool.unused(), 0);
    assert_eq!(narrower.limit() as u64, 4 * PAGE);
}
