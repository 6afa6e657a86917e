//! What a row of the table says.

/// What a parameter of an activation may be.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A number in this closed range.
    Number {
        /// Least value.
        min: f32,
        /// Greatest value.
        max: f32,
        /// Value where none is given.
        default: f32,
    },
    /// A whole number in this closed range; the shader gets it as u32.
    Count {
        /// Least value.
        min: u32,
        /// Greatest value.
        max: u32,
        /// Value where none is given.
        default: u32,
    },
    /// One of these words; the first is the default, the shader gets the position as u32.
    Choice(&'static [&'static str]),
    /// The name of an activation that draws nothing, learns nothing and keeps the channels; it is used with its own defaults. This one
    /// where none is given.
    Function(&'static str),
}

/// A parameter of an activation.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Name in a SPEC string.
    pub name: &'static str,
    /// Name of the shader's constant.
    pub constant: &'static str,
    /// Range and default.
    pub kind: Kind,
}

/// What an activation draws for each element in training; it has a form of its own in evaluation then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Draws {
    /// Nothing.
    Nothing,
    /// A uniform in [0, 1).
    Uniform,
    /// A standard normal.
    Normal,
}

/// How the functions of a row make a tensor of another: what a layer does with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// y = value(x), element by element; fused into the kernels that give x.
    Elementwise,
    /// The same with a learned number, `learned` in the shader, for each channel or for all; the first parameter is what it
    /// starts with, the file has a `learned_gradient` too.
    Learned,
    /// y = (value(x), value(-x)): twice the channels.
    Doubled,
    /// y = value(max over PIECES channels that follow each other): a PIECES-th of the channels.
    Pieces,
}

/// A row of the table.
#[derive(Debug)]
pub struct Row {
    /// Name in a SPEC string and of the file in `shaders/activation/functions`.
    pub name: &'static str,
    /// The file's text.
    pub source: &'static str,
    /// Library texts that it uses.
    pub libraries: &'static [&'static str],
    /// Training form, for listings.
    pub formula: &'static str,
    /// Who published it.
    pub origin: &'static str,
    /// Parameters, in the order of the shader's constants.
    pub parameters: &'static [Parameter],
    /// What the training form draws.
    pub draws: Draws,
    /// What a layer does with it.
    pub form: Form,
    /// Keys that users could mean wrongly, with the sentence that they get.
    pub refused: &'static [(&'static str, &'static str)],
    /// Whether it comes from a user's file; the name is the file's path then.
    pub custom: bool,
}

impl Row {
    /// Whether the training form draws random numbers.
    pub fn stochastic(&self) -> bool {
        self.draws != Draws::Nothing
    }

    /// Whether another activation may name it as its function.
    pub fn plain(&self) -> bool {
        !self.stochastic() && self.form == Form::Elementwise
    }
}

/// A row without parameters, libraries or randomness: the start of the others.
pub(super) const PLAIN: Row = Row {
    name: "",
    source: "",
    libraries: &[],
    formula: "",
    origin: "",
    parameters: &[],
    draws: Draws::Nothing,
    form: Form::Elementwise,
    refused: &[],
    custom: false,
};

pub(super) const fn number(
    name: &'static str,
    constant: &'static str,
    range: [f32; 2],
    default: f32,
) -> Parameter {
    Parameter { name, constant, kind: Kind::Number { min: range[0], max: range[1], default } }
}

pub(super) const fn count(
    name: &'static str,
    constant: &'static str,
    range: [u32; 2],
    default: u32,
) -> Parameter {
    Parameter { name, constant, kind: Kind::Count { min: range[0], max: range[1], default } }
}

pub(super) const fn choice(
    name: &'static str,
    constant: &'static str,
    words: &'static [&'static str],
) -> Parameter {
    Parameter { name, constant, kind: Kind::Choice(words) }
}

pub(super) const fn function(name: &'static str, default: &'static str) -> Parameter {
    Parameter { name, constant: "", kind: Kind::Function(default) }
}
