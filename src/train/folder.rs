//! A run's folder and the names of the files in it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::RunConfig;
use crate::kernels::Activation;
use crate::nn::models;
use crate::{Error, Result};

/// What a process that trains the run holds.
const LOCK: &str = "checkpoints/.lock";

/// `config.toml`, `metrics.jsonl`, `checkpoints/`, `summary.json`, `curves.svg` and `report.html` of a run.
#[derive(Clone, Debug)]
pub struct RunFolder {
    root: PathBuf,
    /// What [`RunFolder::create`] made, a folder before what lies in it.
    made: Vec<PathBuf>,
}

impl RunFolder {
    /// Makes the folder of a new run, with its configuration.
    ///
    /// # Errors
    /// A folder that holds a run already, or one that cannot be written.
    pub fn create(root: &Path, config: &RunConfig) -> Result<Self> {
        let mut folder = Self::at(root);
        if folder.config().exists() {
            return Err(Error::usage(format!(
                "folder {} holds a run already: go on with --resume {}, or choose another --out",
                root.display(),
                root.display()
            )));
        }
        let checkpoints = root.join("checkpoints");
        folder.made = match root.exists() {
            false => vec![root.to_path_buf()],
            true => [checkpoints.clone(), folder.activation(), folder.model(), folder.config()]
                .into_iter()
                .filter(|path| !path.exists())
                .collect(),
        };
        std::fs::create_dir_all(&checkpoints).map_err(Error::io("create", &checkpoints))?;
        folder.set_config(config)?;
        Ok(folder)
    }

    /// The names of the files of the run in `root`, whether they are there or not.
    pub fn at(root: &Path) -> Self {
        Self { root: root.to_path_buf(), made: Vec::new() }
    }

    /// Takes away what [`RunFolder::create`] made, of a run that never began.
    pub(super) fn discard(&self) {
        for path in &self.made {
            // What cannot be removed stays: the error that ended the run is what matters.
            let _ = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
        }
    }

    /// The user's own files that a configuration names: what each is, where the run keeps a copy, its text.
    fn users_files(&self, config: &RunConfig) -> Vec<(String, PathBuf, Result<String>)> {
        let activation =
            Activation::file(&config.activation).map(|file| file.map(|(_, text)| text)).transpose();
        let activation =
            activation.map(|text| (format!("activation {}", config.activation), self.activation(), text));
        let model = models::file(&config.model).transpose();
        let model = model.map(|text| (format!("model {}", config.model), self.model(), text));
        activation.into_iter().chain(model).collect()
    }

    /// A run with an activation or a model of the user's is that of the file as it was.
    fn check_users_files(&self, config: &RunConfig) -> Result<()> {
        for (what, copy, text) in self.users_files(config) {
            if !copy.is_file() {
                continue;
            }
            let kept = std::fs::read_to_string(&copy).map_err(Error::io("read", &copy))?;
            let how = match text {
                Ok(text) if text == kept => continue,
                Ok(_) => "has changed since the run began",
                Err(_) => "cannot be read",
            };
            let copy = copy.display();
            return Err(Error::usage(format!(
                "{what} {how}: the run's own copy is {copy}, put it back there"
            )));
        }
        Ok(())
    }

    /// Opens the folder of a run and reads its configuration.
    ///
    /// # Errors
    /// No run there.
    pub fn open(root: &Path) -> Result<(Self, RunConfig)> {
        let folder = Self::at(root);
        if !folder.config().is_file() {
            return Err(Error::usage(format!("{}: no run there (it has no config.toml)", root.display())));
        }
        let config = RunConfig::from_file(&folder.config())?;
        folder.check_users_files(&config)?;
        Ok((folder, config))
    }

    /// The first of `base/NAME-1`, `base/NAME-2`, ... that is not there yet.
    pub fn unused(base: &Path, name: &str) -> PathBuf {
        let path = |n: u32| base.join(format!("{name}-{n}"));
        (1..).map(path).find(|path| !path.exists()).unwrap_or_else(|| path(0))
    }

    /// The checkpoint that a path names: of a run folder the best one, or the last where there is no best yet.
    pub fn checkpoint(path: &Path) -> PathBuf {
        let folder = Self::at(path);
        match (path.is_dir(), folder.best().exists()) {
            (false, _) => folder.root,
            (true, true) => folder.best(),
            (true, false) => folder.last(),
        }
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The resolved configuration.
    pub fn config(&self) -> PathBuf {
        self.root.join("config.toml")
    }

    /// A copy of the user's activation, where the run has one.
    pub fn activation(&self) -> PathBuf {
        self.root.join("activation.wgsl")
    }

    /// A copy of the user's model, where the run has one.
    pub fn model(&self) -> PathBuf {
        self.root.join("model.toml")
    }

    /// One line per epoch.
    pub fn metrics(&self) -> PathBuf {
        self.root.join("metrics.jsonl")
    }

    /// The result.
    pub fn summary(&self) -> PathBuf {
        self.root.join("summary.json")
    }

    /// The checkpoint before the newest one.
    pub fn previous(&self) -> PathBuf {
        self.root.join("checkpoints/previous.safetensors")
    }

    /// Keeps other processes from writing the run for as long as the file is held; the system gives it free when the process
    /// ends, however it ends.
    ///
    /// # Errors
    /// Another process holds it, or the folder cannot be written.
    pub fn lock(&self) -> Result<File> {
        let path = self.root.join(LOCK);
        let mut options = OpenOptions::new();
        let file = options.create(true).truncate(false).read(true).write(true).open(&path);
        let mut file = file.map_err(Error::io("open", &path))?;
        let mut locked = file.try_lock();
        // Whoever asks `is_training` holds it for a moment.
        for _ in 0..3 {
            if matches!(locked, Err(TryLockError::WouldBlock)) {
                std::thread::sleep(Duration::from_millis(20));
                locked = file.try_lock();
            }
        }
        match locked {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let root = self.root.display();
                return Err(Error::usage(format!(
                    "{root}: another wgrad is training this run; wait for it, or stop it"
                )));
            }
            // A file system without locks is no reason not to train.
            Err(TryLockError::Error(error)) => tracing::warn!("{}: no lock ({error})", path.display()),
        }
        let written = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        written.map_err(Error::io("write", &path))?;
        Ok(file)
    }

    /// Whether a process trains the run in `root` now; `None` where nothing tells.
    pub fn is_training(root: &Path) -> Option<bool> {
        match File::open(root.join(LOCK)).ok()?.try_lock_shared() {
            Ok(()) => Some(false),
            Err(TryLockError::WouldBlock) => Some(true),
            Err(TryLockError::Error(_)) => None,
        }
    }

    /// Takes away what tells of the end of a run that goes on.
    pub(super) fn forget_summary(&self) {
        // One that stays is written over at the end.
        let _ = std::fs::remove_file(self.summary());
    }

    /// Writes the configuration that the run goes on with, and copies of the user's files that it names.
    ///
    /// # Errors
    /// A file of the user's that cannot be read, or a folder that cannot be written.
    pub fn set_config(&self, config: &RunConfig) -> Result<()> {
        for (_, copy, text) in self.users_files(config) {
            super::checkpoint::write_whole(&copy, text?.as_bytes())?;
        }
        super::checkpoint::write_whole(&self.config(), config.to_toml().as_bytes())
    }

    /// Where events for TensorBoard go.
    pub fn tensorboard(&self) -> PathBuf {
        self.root.join("tensorboard")
    }

    /// The newest checkpoint.
    pub fn last(&self) -> PathBuf {
        self.root.join("checkpoints/last.safetensors")
    }

    /// The checkpoint of the best validation accuracy.
    pub fn best(&self) -> PathBuf {
        self.root.join("checkpoints/best.safetensors")
    }
}
