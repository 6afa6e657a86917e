//! Compiled pipelines on disk, where the adapter lets its driver's cache be stored.

use std::path::{Path, PathBuf};

/// The driver's pipeline cache and the file it came from.
pub(super) struct DiskCache {
    pub(super) cache: Option<wgpu::PipelineCache>,
    file: Option<PathBuf>,
}

impl DiskCache {
    /// Opens the cache file of this adapter in the user's cache folder; without one, or without the feature, pipelines are
    /// compiled anew each start.
    pub(super) fn open(device: &wgpu::Device, info: &wgpu::AdapterInfo) -> Self {
        if !device.features().contains(wgpu::Features::PIPELINE_CACHE) {
            return Self { cache: None, file: None };
        }
        let file = wgpu::util::pipeline_cache_key(info)
            .and_then(|key| Some(cache_folder()?.join(format!("{key}_{}", env!("CARGO_PKG_VERSION")))));
        let data = file.as_ref().and_then(|path| std::fs::read(path).ok());
        // SAFETY: the data was written by `save` from `get_data` of the same adapter; with `fallback`, data that the
        // driver's own header check refuses is ignored.
        let cache = unsafe {
            device.create_pipeline_cache(&wgpu::PipelineCacheDescriptor {
                label: Some("wgrad"),
                data: data.as_deref(),
                fallback: true,
            })
        };
        Self { cache: Some(cache), file }
    }

    /// Keeps what was compiled for the next start.
    pub(super) fn save(&self) {
        let (Some(cache), Some(file)) = (&self.cache, &self.file) else { return };
        let Some(data) = cache.get_data() else { return };
        keep(file, &data);
    }
}

/// Writes a file of the cache folder beside its place and renames it; a failure costs only time at the next start.
pub(crate) fn keep(file: &Path, data: &[u8]) {
    let Some(folder) = file.parent() else { return };
    let written = std::fs::create_dir_all(folder)
        .and_then(|()| tempfile::NamedTempFile::new_in(folder))
        .and_then(|temporary| {
            std::fs::write(temporary.path(), data)?;
            temporary.persist(file).map(|_| ()).map_err(|e| e.error)
        });
    if let Err(error) = written {
        tracing::debug!("{} not written: {error}", file.display());
    }
}

/// The platform's folder for files that can be made again.
pub(crate) fn cache_folder() -> Option<PathBuf> {
    let var = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = if cfg!(windows) {
        var("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        var("HOME").map(|home| home.join("Library/Caches"))
    } else {
        var("XDG_CACHE_HOME").or_else(|| var("HOME").map(|home| home.join(".cache")))
    };
    base.map(|base| base.join("wgrad"))
}
