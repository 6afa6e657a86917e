//! What a kernel is, and one use of it in a plan.

use super::{Constants, ShaderText, View, compose};
use crate::{Error, Result};

/// How a kernel uses a storage buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// `var<storage, read>`
    Read,
    /// `var<storage, read_write>`
    Write,
}

/// A storage buffer of a kernel: its name in the shader and its use.
pub type Binding = (&'static str, Access);

/// A kernel as the registry lists it. The name is the shader's path under `shaders/`, the pipeline's label, the
/// profile's row, the bench's argument and the reference's name.
#[derive(Debug)]
pub struct Kernel {
    /// Path under `shaders/` without the extension.
    pub name: &'static str,
    /// The shader file's text.
    pub source: &'static str,
    /// Library texts that it uses.
    pub libraries: &'static [&'static str],
    /// Storage buffers, at group 0, bindings 0, 1, ... in this order.
    pub bindings: &'static [Binding],
    /// Size of the uniform `Params`, which is bound after the storage buffers; a multiple of 16.
    pub params_bytes: usize,
    /// Invocations of a workgroup, in the shader's own `@workgroup_size` (x, or the constant WORKGROUP).
    pub workgroup: u32,
    /// Constants that the host appends for every use, besides WORKGROUP.
    pub constants: &'static [&'static str],
    /// Whether the text of an activation's functions, with its own constants, is appended.
    pub activation: bool,
}

impl Kernel {
    /// The language extensions that its text enables: none, where every device can run it.
    pub fn enables(&self) -> impl Iterator<Item = &'static str> {
        self.source.lines().filter_map(|line| line.strip_prefix("enable ")?.strip_suffix(';'))
    }

    /// The whole shader: this kernel's text, its libraries, the activation's functions where it takes one, WORKGROUP and
    /// `constants`, which may replace WORKGROUP.
    pub fn text(&self, constants: &Constants, activation: Option<&str>) -> String {
        let libraries: Vec<&str> = self.libraries.iter().copied().chain(activation).collect();
        let own = match constants.names().any(|name| name == "WORKGROUP") {
            true => Constants::new(),
            false => Constants::new().u32("WORKGROUP", self.workgroup),
        };
        compose(self.source, &libraries, &own.with(constants))
    }
}

/// Number of workgroups of a dispatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Groups(pub [u32; 3]);

impl Groups {
    /// `count` workgroups in one line, split over x and y beyond WebGPU's 65,535 a dimension; the shader finds its number
    /// by `flat_group` of lib/index.wgsl and must ignore numbers from `count` on.
    pub fn line(count: u64) -> Self {
        const LIMIT: u64 = 65_535;
        if count <= LIMIT {
            return Self([count as u32, 1, 1]);
        }
        let y = count.div_ceil(LIMIT);
        Self([count.div_ceil(y) as u32, y as u32, 1])
    }

    /// Enough workgroups of `size` invocations for `items`, in one line.
    pub fn cover(items: u64, size: u32) -> Self {
        Self::line(items.div_ceil(u64::from(size)))
    }

    /// A line of `x` workgroups times `z` (in the third dimension).
    pub fn line_by(x: u64, z: u32) -> Self {
        let Self([x, y, _]) = Self::line(x);
        Self([x, y, z])
    }

    /// All workgroups.
    pub fn total(self) -> u64 {
        self.0.iter().map(|&n| u64::from(n)).product()
    }
}

/// One use of a kernel: with which constants, on which buffers, how many workgroups.
#[derive(Clone, Debug)]
pub struct Dispatch {
    /// The kernel.
    pub kernel: &'static Kernel,
    /// Constants appended to its text.
    pub constants: Constants,
    /// Text of the activation's functions, where the kernel takes one.
    pub activation: Option<ShaderText>,
    /// One view for each of the kernel's bindings.
    pub bindings: Vec<View>,
    /// The bytes of Params.
    pub params: Vec<u8>,
    /// How many workgroups.
    pub groups: Groups,
    /// Which layer this is for.
    pub label: String,
    /// Floating-point operations that the mathematics needs (a multiply-add counts two), for benches.
    pub flops: u64,
}

impl Dispatch {
    /// A use on these buffers, in the order of the kernel's bindings, with `params` as its Params (`()` where it has none), no
    /// constants, activation or label, and no operations counted.
    pub fn new(
        kernel: &'static Kernel,
        bindings: &[&View],
        params: impl bytemuck::NoUninit,
        groups: Groups,
    ) -> Self {
        Self {
            kernel,
            constants: Constants::new(),
            activation: None,
            bindings: bindings.iter().map(|&view| view.clone()).collect(),
            params: bytemuck::bytes_of(&params).to_vec(),
            groups,
            label: String::new(),
            flops: 0,
        }
    }

    /// With further constants.
    pub fn constants(mut self, constants: Constants) -> Self {
        self.constants = self.constants.with(&constants);
        self
    }

    /// With the text of an activation's functions.
    pub fn activation(mut self, source: ShaderText) -> Self {
        self.activation = Some(source);
        self
    }

    /// With its count of floating-point operations.
    pub fn flops(mut self, flops: u64) -> Self {
        self.flops = flops;
        self
    }

    /// Checks this use against the kernel's declaration and WebGPU's rules.
    ///
    /// # Errors
    /// Names the kernel and what does not fit.
    pub fn validate(&self, limits: &wgpu::Limits) -> Result<()> {
        let label = if self.label.is_empty() { String::new() } else { format!("{}: ", self.label) };
        let fail = |reason: String| Err(Error::kernel(self.kernel.name, format!("{label}{reason}")));
        if self.bindings.len() != self.kernel.bindings.len() {
            let (want, got) = (self.kernel.bindings.len(), self.bindings.len());
            return fail(format!("expected {want} buffers, got {got}"));
        }
        if self.params.len() != self.kernel.params_bytes {
            let (want, got) = (self.kernel.params_bytes, self.params.len());
            return fail(format!("expected {want} bytes of Params, got {got}"));
        }
        let given: Vec<_> = self.constants.names().collect();
        if let Some(name) = self.kernel.constants.iter().find(|name| !given.contains(name)) {
            return fail(format!("expected constant {name}, got {}", given.join(", ")));
        }
        if self.groups.total() == 0 {
            return fail("an empty dispatch (a tensor without elements)".to_owned());
        }
        let most = limits.max_compute_workgroups_per_dimension;
        if self.groups.0.iter().any(|&n| n > most) {
            return fail(format!("{:?} workgroups, the device takes {most} a dimension", self.groups.0));
        }
        for (view, (name, _)) in self.bindings.iter().zip(self.kernel.bindings) {
            if view.bytes > limits.max_storage_buffer_binding_size {
                let (got, most) = (view.bytes, limits.max_storage_buffer_binding_size);
                return fail(format!(
                    "buffer {name} has {got} bytes, the device binds at most {most}: use a smaller batch"
                ));
            }
        }
        Ok(())
    }
}
