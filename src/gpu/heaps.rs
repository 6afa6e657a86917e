//! How much memory an adapter has for buffers, as its driver says.

use serde::Serialize;

/// Memory for buffers, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct AdapterMemory {
    /// All that there is: of a discrete adapter its own, of others all that they can reach.
    pub total: u64,
    /// What this process may take without disturbing others, where the driver says (VK_EXT_memory_budget).
    pub free: Option<u64>,
}

impl AdapterMemory {
    /// What a run may count on.
    pub fn offered(&self) -> u64 {
        self.free.unwrap_or(self.total)
    }
}

/// The adapter's memory; `None` where its backend has no way to ask that is used here (only Vulkan has).
#[cfg(not(target_vendor = "apple"))]
pub(super) fn adapter_memory(adapter: &wgpu::Adapter) -> Option<AdapterMemory> {
    use ash::vk;

    let discrete = adapter.get_info().device_type == wgpu::DeviceType::DiscreteGpu;
    // SAFETY: the adapter is only asked, and outlives the guard.
    let own = unsafe { adapter.as_hal::<wgpu::hal::api::Vulkan>() }?;
    let capabilities = own.physical_device_capabilities();
    let version = own.shared_instance().instance_api_version().min(capabilities.properties().api_version);
    if version < vk::API_VERSION_1_1 {
        return None;
    }
    let budgets = capabilities.supports_extension(vk::EXT_MEMORY_BUDGET_NAME);
    let mut budget = vk::PhysicalDeviceMemoryBudgetPropertiesEXT::default();
    let mut properties = vk::PhysicalDeviceMemoryProperties2::default();
    if budgets {
        properties = properties.push_next(&mut budget);
    }
    // SAFETY: handles of the live instance that wgpu opened, and a function that Vulkan 1.1 has.
    unsafe {
        own.shared_instance()
            .raw_instance()
            .get_physical_device_memory_properties2(own.raw_physical_device(), &mut properties);
    }
    let memory = properties.memory_properties;
    let counts = |heap: &vk::MemoryHeap| !discrete || heap.flags.contains(vk::MemoryHeapFlags::DEVICE_LOCAL);
    let heaps = || memory.memory_heaps_as_slice().iter().enumerate().filter(|(_, heap)| counts(heap));
    let left = |index: usize| budget.heap_budget[index].saturating_sub(budget.heap_usage[index]);
    Some(AdapterMemory {
        total: heaps().map(|(_, heap)| heap.size).sum(),
        free: budgets.then(|| heaps().map(|(index, heap)| left(index).min(heap.size)).sum()),
    })
}

/// As above: Metal has no such question in wgpu.
#[cfg(target_vendor = "apple")]
pub(super) fn adapter_memory(_: &wgpu::Adapter) -> Option<AdapterMemory> {
    None
}
