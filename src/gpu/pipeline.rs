//! Compiled pipelines, one for each distinct shader text, compiled in parallel.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rayon::prelude::*;

use super::cache::DiskCache;
use super::{Access, Dispatch, Kernel, Substitute, substitute};
use crate::{Error, Result};

/// A compiled kernel with fixed constants.
pub(super) struct Pipeline {
    pub(super) raw: wgpu::ComputePipeline,
    pub(super) layout: wgpu::BindGroupLayout,
}

/// All pipelines of a device, by shader text.
pub(super) struct Pipelines {
    known: Mutex<HashMap<String, Arc<Pipeline>>>,
    disk: DiskCache,
    substitutes: Vec<Substitute>,
    mutation: Mutex<Option<Mutation>>,
    mutated: AtomicUsize,
}

/// A fault in a kernel's text, put there to see whether the checks find it: for nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutation {
    /// The kernel's name in the registry.
    pub kernel: String,
    /// A part of its whole text, with its libraries or those that take their place.
    pub from: String,
    /// What stands in its place, wherever it is found.
    pub to: String,
}

impl Mutation {
    fn apply(&self, text: &str) -> String {
        text.replace(&self.from, &self.to)
    }
}

impl Pipelines {
    /// With library texts that suit the device.
    pub(super) fn new(disk: DiskCache, substitutes: Vec<Substitute>) -> Self {
        Self {
            known: Mutex::default(),
            disk,
            substitutes,
            mutation: Mutex::default(),
            mutated: AtomicUsize::new(0),
        }
    }

    /// Pipelines that are asked for from now on have this fault, or none.
    pub(super) fn set_mutation(&self, mutation: Option<Mutation>) {
        *self.mutation.lock().unwrap_or_else(|e| e.into_inner()) = mutation;
        self.mutated.store(0, Ordering::Relaxed);
    }

    /// How many texts the fault has changed since it was set.
    pub(super) fn mutated(&self) -> usize {
        self.mutated.load(Ordering::Relaxed)
    }

    /// The whole shader of a dispatch: with a fault in the text that the registry has, or where it is not there, in the one that
    /// takes its place on this device.
    fn text(&self, dispatch: &Dispatch) -> String {
        let plain = dispatch.kernel.text(&dispatch.constants, dispatch.activation.as_deref());
        let mutation = self.mutation.lock().unwrap_or_else(|e| e.into_inner());
        let Some(mutation) = mutation.as_ref().filter(|mutation| mutation.kernel == dispatch.kernel.name)
        else {
            return substitute(plain, &self.substitutes);
        };
        let usual = substitute(plain.clone(), &self.substitutes);
        let text = match mutation.apply(&plain) {
            changed if changed != plain => substitute(changed, &self.substitutes),
            _ => mutation.apply(&usual),
        };
        self.mutated.fetch_add(usize::from(text != usual), Ordering::Relaxed);
        text
    }

    pub(super) fn save(&self) {
        self.disk.save();
    }

    /// The pipelines of all `dispatches`, in order; those not yet known are compiled, several at a time.
    pub(super) fn get(&self, device: &wgpu::Device, dispatches: &[Dispatch]) -> Result<Vec<Arc<Pipeline>>> {
        let texts: Vec<String> = dispatches.iter().map(|dispatch| self.text(dispatch)).collect();
        let mut found: HashMap<&str, Arc<Pipeline>> = HashMap::new();
        let mut missing: HashMap<&str, &Dispatch> = HashMap::new();
        {
            let known = self.known.lock().unwrap_or_else(|e| e.into_inner());
            for (text, dispatch) in texts.iter().zip(dispatches) {
                match known.get(text) {
                    Some(pipeline) => drop(found.insert(text, Arc::clone(pipeline))),
                    None => drop(missing.insert(text, dispatch)),
                }
            }
        }
        let compiled: Vec<(&str, Arc<Pipeline>)> = missing
            .into_par_iter()
            .map(|(text, dispatch)| {
                Ok((text, Arc::new(compile(device, dispatch, text, self.disk.cache.as_ref())?)))
            })
            .collect::<Result<_>>()?;
        let mut known = self.known.lock().unwrap_or_else(|e| e.into_inner());
        known.extend(compiled.iter().map(|(text, pipeline)| ((*text).to_owned(), Arc::clone(pipeline))));
        found.extend(compiled);
        Ok(texts.iter().map(|text| Arc::clone(&found[text.as_str()])).collect())
    }

    /// Drops those that no plan holds.
    pub(super) fn forget_unused(&self) {
        let mut known = self.known.lock().unwrap_or_else(|e| e.into_inner());
        known.retain(|_, pipeline| Arc::strong_count(pipeline) > 1);
    }
}

fn compile(
    device: &wgpu::Device,
    dispatch: &Dispatch,
    text: &str,
    cache: Option<&wgpu::PipelineCache>,
) -> Result<Pipeline> {
    let kernel = dispatch.kernel;
    let scope = device.push_error_scope(wgpu::ErrorFilter::Validation);
    let descriptor = wgpu::ShaderModuleDescriptor {
        label: Some(kernel.name),
        source: wgpu::ShaderSource::Wgsl(text.into()),
    };
    let module = if dispatch.activation.as_ref().is_none_or(|activation| activation.trusted) {
        // SAFETY: every kernel of the registry guards its own indices and ends its loops; the device tests run each with the
        // checks' absence on odd sizes between poisoned neighbours.
        unsafe { device.create_shader_module_trusted(descriptor, wgpu::ShaderRuntimeChecks::unchecked()) }
    } else {
        device.create_shader_module(descriptor)
    };
    let layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: Some(kernel.name),
        entries: &layout_entries(kernel),
    });
    let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: Some(kernel.name),
        bind_group_layouts: &[Some(&layout)],
        immediate_size: 0,
    });
    let raw = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: Some(kernel.name),
        layout: Some(&pipeline_layout),
        module: &module,
        entry_point: Some("main"),
        compilation_options: wgpu::PipelineCompilationOptions {
            zero_initialize_workgroup_memory: false,
            ..Default::default()
        },
        cache,
    });
    match pollster::block_on(scope.pop()) {
        None => Ok(Pipeline { raw, layout }),
        Some(error) => Err(Error::kernel(kernel.name, format!("does not compile: {error}"))),
    }
}

fn layout_entries(kernel: &Kernel) -> Vec<wgpu::BindGroupLayoutEntry> {
    let entry = |binding: usize, ty| wgpu::BindGroupLayoutEntry {
        binding: binding as u32,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None },
        count: None,
    };
    let storage = kernel.bindings.iter().enumerate().map(|(binding, (_, access))| {
        entry(binding, wgpu::BufferBindingType::Storage { read_only: *access == Access::Read })
    });
    let uniform =
        (kernel.params_bytes > 0).then(|| entry(kernel.bindings.len(), wgpu::BufferBindingType::Uniform));
    storage.chain(uniform).collect()
}
