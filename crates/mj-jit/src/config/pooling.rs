//! Limits of a pool.

use super::Enabled;

macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident $get:ident: $ty:ty = $default:expr;)*) => {
        /// Limits of a pool that instances get their memory from.
        #[derive(Clone, Debug)]
        pub struct PoolingAllocationConfig {
            $(pub(crate) $name: $ty),*
        }

        impl Default for PoolingAllocationConfig {
            fn default() -> Self {
                Self { $($name: $default),* }
            }
        }

        impl PoolingAllocationConfig {
            /// The default limits.
            #[must_use]
            pub fn new() -> Self {
                Self::default()
            }

            $(
                $(#[$doc])*
                pub fn $name(&mut self, $name: $ty) -> &mut Self {
                    self.$name = $name;
                    self
                }

                #[doc = concat!("What [`", stringify!($name), "`](Self::", stringify!($name), ") was set to.")]
                #[must_use]
                pub fn $get(&self) -> $ty {
                    self.$name
                }
            )*
        }
    };
}

limits! {
    /// Reservations for memories, and stacks, that are kept though nobody uses them.
    max_unused_warm_slots get_max_unused_warm_slots: u32 = 100;
    /// Memories to give back to the system at once. Each is given back alone.
    decommit_batch_size get_decommit_batch_size: usize = 1;
    /// Bytes of a stack of asynchronous calls to keep. There are none.
    async_stack_keep_resident get_async_stack_keep_resident: usize = 0;
    /// Bytes of a memory to keep when it is given back. The engine's choice.
    linear_memory_keep_resident get_memory_keep_resident: usize = 0;
    /// Bytes of a table to keep when it is given back. None.
    table_keep_resident get_table_keep_resident: usize = 0;
    /// Most component instances. There are none.
    total_component_instances get_total_component_instances: u32 = 1000;
    /// Most bytes of a component instance. There are none.
    max_component_instance_size get_max_component_instance_size: usize = 1 << 20;
    /// Most instances in a component. There are none.
    max_core_instances_per_component get_max_core_instances_per_component: u32 = u32::MAX;
    /// Most memories in a component. There are none.
    max_memories_per_component get_max_memories_per_component: u32 = u32::MAX;
    /// Most tables in a component. There are none.
    max_tables_per_component get_max_tables_per_component: u32 = u32::MAX;
    /// Most memories at once. Not limited.
    total_memories get_total_memories: u32 = 1000;
    /// Most tables at once. Not limited.
    total_tables get_total_tables: u32 = 1000;
    /// Most stacks at once. Not limited.
    total_stacks get_total_stacks: u32 = 1000;
    /// Most instances at once. Not limited.
    total_core_instances get_total_core_instances: u32 = 1000;
    /// Most bytes of an instance. Not limited.
    max_core_instance_size get_max_core_instance_size: usize = 1 << 20;
    /// Most tables in a module.
    max_tables_per_module get_max_tables_per_module: u32 = 1;
    /// Most elements of a table.
    table_elements get_table_elements: usize = 20_000;
    /// Most memories in a module.
    max_memories_per_module get_max_memories_per_module: u32 = 1;
    /// Most bytes of a memory.
    max_memory_size get_max_memory_size: usize = 4 << 30;
    /// Heaps of garbage collectors at once. There are none.
    total_gc_heaps get_total_gc_heaps: u32 = 1000;
    /// Whether memories are isolated by protection keys. They are not.
    memory_protection_keys get_memory_protection_keys: Enabled = Enabled::No;
    /// Most protection keys. None are used.
    max_memory_protection_keys get_max_memory_protection_keys: usize = 16;
    /// Whether the kernel is asked which pages were touched. It is not.
    pagemap_scan get_pagemap_scan: Enabled = Enabled::No;
}

impl PoolingAllocationConfig {
    /// Whether this machine has protection keys that the engine uses. It uses none.
    #[must_use]
    pub fn are_memory_protection_keys_available() -> bool {
        false
    }
}
