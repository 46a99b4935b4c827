use std::fs;

use super::*;
use crate::registry::{PcKind, code_info};

/// A function that returns a number: `mov eax, NUMBER; ret`.
#[cfg(target_arch = "x86_64")]
fn returning(number: u32) -> Vec<u8> {
    let mut code = vec![0xb8];
    code.extend(number.to_le_bytes());
    code.push(0xc3);
    code
}

/// A function that returns a number: `movz w0, LOW; movk w0, HIGH, lsl 16; ret`.
#[cfg(target_arch = "aarch64")]
fn returning(number: u32) -> Vec<u8> {
    let moves = [0x5280_0000 | (number & 0xffff) << 5, 0x72a0_0000 | (number >> 16) << 5, 0xd65f_03c0];
    moves.into_iter().flat_map(u32::to_le_bytes).collect()
}

fn run(address: usize) -> u32 {
    // SAFETY: every caller passes code from `returning`, which follows the C convention.
    unsafe { std::mem::transmute::<usize, extern "C" fn() -> u32>(address)() }
}

/// Address range and permissions of every mapping of this process.
fn maps() -> Vec<(Range<usize>, String)> {
    let parse = |text: &str| usize::from_str_radix(text, 16).unwrap();
    let line = |line: &str| {
        let mut words = line.split(' ');
        let (start, end) = words.next().unwrap().split_once('-').unwrap();
        (parse(start)..parse(end), words.next().unwrap().to_string())
    };
    fs::read_to_string("/proc/self/maps").unwrap().lines().map(line).collect()
}

fn permissions(address: usize) -> String {
    maps().into_iter().find(|(range, _)| range.contains(&address)).expect("a mapped address").1
}

fn assert_nothing_is_writable_and_executable() {
    for (range, permissions) in maps() {
        assert!(!(permissions.contains('w') && permissions.contains('x')), "{range:x?} is {permissions}");
    }
}

#[test]
fn pieces_run_while_more_are_published() {
    let capacity = 100 * page_size();
    for region in [CodeRegion::reserve(3, capacity).unwrap(), CodeRegion::reserve_without_alias(3, capacity).unwrap()] {
        let mut pieces = Vec::new();
        for number in 0..100 {
            let address = region.publish(&returning(0), |code, address| {
                assert!(address.is_multiple_of(CODE_ALIGN));
                code.copy_from_slice(&returning(number));
            });
            pieces.push(address.unwrap());
            region.set_slot(1, *pieces.last().unwrap());
            assert_eq!(run(region.slots()[1].load(Ordering::Acquire) as usize), number);
            // SAFETY: slots are readable.
            assert_eq!(unsafe { region.slot(1).read() } as usize, pieces[number as usize]);
        }
        for (number, &address) in pieces.iter().enumerate() {
            assert_eq!(run(address), number as u32);
            assert!(region.addresses().contains(&address));
        }
        assert!(region.slots()[0].load(Ordering::Relaxed).is_null());
    }
}

#[test]
fn no_mapping_is_ever_writable_and_executable() {
    let published = CodeRegion::reserve(1000, 4 << 20).unwrap();
    let flipped = CodeRegion::reserve_without_alias(1000, 4 << 20).unwrap();
    let image = CodeRegion::image(1000, 4 << 20, |code, address, _| {
        assert_eq!(permissions(address), "rw-p");
        code[..returning(5).len()].copy_from_slice(&returning(5));
        assert_nothing_is_writable_and_executable();
    })
    .unwrap();
    for region in [&published, &flipped] {
        for _ in 0..3 {
            region.publish(&returning(7), |_, _| assert_nothing_is_writable_and_executable()).unwrap();
            assert_nothing_is_writable_and_executable();
        }
    }
    assert_eq!(run(image.addresses().start), 5);
    for (region, code) in [(&published, "r-xs"), (&flipped, "r-xp"), (&image, "r-xp")] {
        assert_eq!(permissions(region.addresses().start), code);
        assert_eq!(permissions(region.table_address()), "rw-p");
        assert!(region.addresses().end - region.table_address() <= i32::MAX as usize);
    }
}

/// Code is never changed where the engine runs; it is here, so that a cache which was not told would be seen to have the old code. (QEMU from version
/// 10 on is such a cache, but only where memory is mapped twice.)
#[test]
fn leased_regions_run_grow_and_leave_nothing_behind() {
    let arena = CodeArena::default();
    for round in 0..3 {
        let regions: Vec<_> = (0..50)
            .map(|number| {
                let image = |code: &mut [u8], address: usize, table: usize| {
                    assert!(address.abs_diff(table) <= i32::MAX as usize);
                    assert_eq!(permissions(address), "r-xs");
                    code.copy_from_slice(&returning(number));
                };
                CodeRegion::leased_image(&arena, 2, returning(number).len(), 100, image).unwrap()
            })
            .collect();
        for (number, region) in regions.iter().enumerate() {
            let number = number as u32;
            region.set_slot(0, region.addresses().start);
            region.set_slot(1, region.publish(&returning(1000 + number), |_, _| assert_nothing_is_writable_and_executable()).unwrap());
            let entry = |slot: usize| region.slots()[slot].load(Ordering::Acquire) as usize;
            assert_eq!([run(entry(0)), run(entry(1))], [number, 1000 + number], "round {round}");
            assert!(matches!(region.publish(&[0; 200], |_, _| {}), Err(CodeError::Full { .. })));
        }
        let (address, used) = (regions[7].addresses().start, regions[7].used());
        regions[7].register(Arc::new(Anything));
        drop(regions);
        assert!(code_info(address).is_none());
        // SAFETY: the arena keeps the chunk, which is readable.
        assert!(unsafe { std::slice::from_raw_parts(address as *const u8, used) }.iter().all(|&byte| byte == BREAKPOINT));
    }
    let large =
        CodeRegion::leased_image(&arena, 1, 64 << 20, 0, |code, _, _| code[..returning(1).len()].copy_from_slice(&returning(1))).unwrap();
    assert_eq!(permissions(large.addresses().start), "r-xp", "a mapping of its own");
    assert_eq!(run(large.addresses().start), 1);
}

#[test]
fn what_was_written_last_runs() {
    let region = CodeRegion::reserve(0, 1 << 16).unwrap();
    let address = region.publish(&returning(0), |_, _| {}).unwrap();
    let publisher = region.publisher();
    let Way::Alias(alias) = &publisher.way else { panic!("memory can be mapped twice where tests run") };
    for number in 0..1000 {
        let code = returning(number);
        // SAFETY: the alias is writable, its first bytes are the code at `address`, and only this thread runs that.
        unsafe {
            std::slice::from_raw_parts_mut(alias.base(), code.len()).copy_from_slice(&code);
            make_executable(alias.base() as usize, address, code.len());
        }
        assert_eq!(run(address), number);
    }
}

#[test]
fn large_amounts_of_code_survive_leaving_the_writable_view() {
    let region = CodeRegion::reserve(0, 4 << 20).unwrap();
    let filler = vec![0x90; 100_000];
    let pieces: Vec<_> = (0..30)
        .map(|number| {
            region.publish(&filler, |_, _| {}).unwrap();
            region.publish(&returning(number), |_, _| {}).unwrap()
        })
        .collect();
    for (number, address) in pieces.into_iter().enumerate() {
        assert_eq!(run(address), number as u32);
    }
    // SAFETY: executable memory is readable, and this much is published.
    let code = unsafe { std::slice::from_raw_parts(region.addresses().start as *const u8, region.used()) };
    assert_eq!(code.iter().filter(|&&byte| byte == 0x90).count(), 30 * filler.len());
}

#[test]
fn full_and_oversized_regions_are_errors() {
    for region in [CodeRegion::reserve(0, 100).unwrap(), CodeRegion::reserve_without_alias(0, 100).unwrap()] {
        let error = region.publish(&vec![0; page_size() + 1], |_, _| panic!("there is nothing to relocate")).unwrap_err();
        assert!(matches!(error, CodeError::Full { wanted, left } if wanted == left + 1), "{error}");
        region.publish(&vec![0xc3; page_size()], |_, _| {}).unwrap();
        let error = region.publish(&[0xc3], |_, _| {}).unwrap_err();
        assert!(matches!(error, CodeError::Full { wanted: 1, left: 0 }), "{error}");
    }
    for (slots, capacity) in [(0, LARGEST + 1), (LARGEST / 8, page_size()), (usize::MAX, 0), (0, usize::MAX)] {
        assert!(matches!(CodeRegion::reserve(slots, capacity), Err(CodeError::TooLarge(_))), "{slots} {capacity}");
    }
    let image = CodeRegion::image(0, 0, |code, _, _| assert!(code.is_empty())).unwrap();
    assert!(matches!(image.publish(&[0xc3], |_, _| {}), Err(CodeError::Full { .. })));
}

#[test]
fn a_piece_whose_relocation_panics_leaves_no_trace() {
    for region in [CodeRegion::reserve(0, 1 << 16).unwrap(), CodeRegion::reserve_without_alias(0, 1 << 16).unwrap()] {
        let publish = || region.publish(&returning(1), |_, _| panic!("no"));
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(publish)).is_err());
        assert_eq!(region.used(), 0);
        assert_eq!(run(region.publish(&returning(2), |_, _| {}).unwrap()), 2);
        assert_nothing_is_writable_and_executable();
    }
}

#[test]
fn threads_may_publish_together() {
    let region = CodeRegion::reserve(64, 1 << 20).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let region = &region;
            scope.spawn(move || {
                for index in 0..16 {
                    let number = thread * 16 + index;
                    region.set_slot(number, region.publish(&returning(number as u32), |_, _| {}).unwrap());
                }
            });
        }
    });
    for (number, slot) in region.slots().iter().enumerate() {
        assert_eq!(run(slot.load(Ordering::Acquire) as usize), number as u32);
    }
}

struct Anything;

impl CodeInfo for Anything {
    fn site(&self, _: usize, _: PcKind) -> Option<mj_abi::Site> {
        None
    }

    fn is_entry(&self, _: usize) -> bool {
        false
    }
}

#[test]
fn code_is_registered_until_its_region_is_dropped() {
    let info = Arc::new(Anything);
    let region = CodeRegion::reserve(10, 100).unwrap();
    let code = region.addresses();
    assert!(code_info(code.start).is_none());
    region.register(info.clone());
    assert!(code_info(code.start).is_some() && code_info(code.end - 1).is_some());
    assert!(code_info(region.table_address()).is_none());
    assert_eq!(Arc::strong_count(&info), 2);
    let again = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| region.register(Arc::new(Anything))));
    assert!(again.is_err());
    drop(region);
    assert_eq!(Arc::strong_count(&info), 1);
}

#[test]
fn an_image_with_room_takes_more_code_later() {
    let image = returning(5);
    let region = CodeRegion::image_with_room(1, image.len(), 1 << 20, |bytes, _, _| bytes.copy_from_slice(&image)).unwrap();
    let first = region.addresses().start;
    assert_eq!((run(first), region.used()), (5, image.len()));
    assert_nothing_is_writable_and_executable();
    for number in 6..40 {
        let address = region.publish(&returning(number), |_, _| ()).unwrap();
        assert!(address >= first + page_size() && region.addresses().contains(&address));
        assert_eq!((run(address), run(first)), (number, 5));
    }
    assert_nothing_is_writable_and_executable();
    let error = region.publish(&vec![0; 1 << 20], |_, _| ()).unwrap_err();
    assert!(matches!(error, CodeError::Full { .. }), "{error}");
    let full = CodeRegion::image(1, image.len(), |bytes, _, _| bytes.copy_from_slice(&image)).unwrap();
    assert!(full.publish(&image, |_, _| ()).is_err());
}
