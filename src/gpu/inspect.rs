//! What WGSL text of a user holds, read by naga: declarations, the first error at its place, and how long its loops run.

use std::collections::HashMap;

use wgpu::naga::valid::{Capabilities, ValidationFlags, Validator};
use wgpu::naga::{
    self, BinaryOperator, Block, Expression, Function, Handle, Literal, LocalVariable, Module, ScalarKind,
    Span, Statement, TypeInner,
};

/// Most iterations of all loops of a call.
const MOST_ITERATIONS: u64 = 4096;

/// Something wrong at a place of the text, both from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
    /// What is wrong.
    pub message: String,
}

/// A function of the text: its parameters and whether all of them and the result are f32.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The name.
    pub name: String,
    /// Number of parameters.
    pub parameters: usize,
    /// Whether parameters and result are f32.
    pub floats: bool,
}

/// Parses functions and constants, validates them, and bounds their loops. Only the core of WGSL is taken.
///
/// # Errors
/// The first fault with its place.
pub fn inspect(text: &str) -> Result<Vec<Signature>, Fault> {
    let module = naga::front::wgsl::parse_str(text)
        .map_err(|e| fault(text, e.labels().next().map(|label| label.0), e.message()))?;
    Validator::new(ValidationFlags::all(), Capabilities::empty()).validate(&module).map_err(|e| {
        // The narrowest: the others are the functions around it.
        let ranges = e.spans().map(|(span, _)| *span).filter(|span| span.is_defined());
        let span = ranges.min_by_key(|span| span.to_range().map_or(usize::MAX, |range| range.len()));
        let mut message = e.as_inner().to_string();
        let mut source = std::error::Error::source(e.as_inner());
        while let Some(cause) = source {
            message = format!("{message}: {cause}");
            source = cause.source();
        }
        fault(text, span, &message)
    })?;
    if let Some((handle, variable)) = module.global_variables.iter().next() {
        let name = variable.name.as_deref().unwrap_or_default();
        let message =
            format!("variable {name} of the module: an activation has functions and constants only");
        return Err(fault(text, Some(module.global_variables.get_span(handle)), &message));
    }
    if let Some(entry) = module.entry_points.first() {
        let message = format!("{} is an entry point: an activation has plain functions only", entry.name);
        return Err(fault(text, None, &message));
    }
    let mut loops = Loops { module: &module, known: HashMap::new() };
    for (handle, _) in module.functions.iter() {
        loops.of_function(handle).map_err(|(span, message)| fault(text, Some(span), &message))?;
    }
    Ok(module.functions.iter().map(|(_, function)| signature(&module, function)).collect())
}

fn fault(text: &str, span: Option<Span>, message: &str) -> Fault {
    let place = span.filter(|span| span.to_range().is_some_and(|range| range.start <= text.len()));
    let (line, column) = place.map_or((1, 1), |span| {
        let at = span.location(text);
        (at.line_number, at.line_position)
    });
    Fault { line, column, message: message.replace('\n', " ").replace('`', "\"") }
}

fn signature(module: &Module, function: &Function) -> Signature {
    let float = |ty: Handle<naga::Type>| matches!(module.types[ty].inner, TypeInner::Scalar(scalar) if scalar == naga::Scalar::F32);
    let arguments = function.arguments.iter().all(|argument| float(argument.ty));
    let result = function.result.as_ref().is_some_and(|result| float(result.ty));
    Signature {
        name: function.name.clone().unwrap_or_default(),
        parameters: function.arguments.len(),
        floats: arguments && result,
    }
}

/// A fault at its place.
type Placed = (Span, String);

/// Bounds of the iterations of functions: each loop must count a local whole number up to a constant.
struct Loops<'a> {
    module: &'a Module,
    known: HashMap<Handle<Function>, u64>,
}

impl Loops<'_> {
    /// Iterations of a call; functions stand in the order of their calls, so that it ends.
    fn of_function(&mut self, handle: Handle<Function>) -> Result<u64, Placed> {
        if let Some(&known) = self.known.get(&handle) {
            return Ok(known);
        }
        let function = &self.module.functions[handle];
        let count = self.of_block(function, &function.body)?;
        self.known.insert(handle, count);
        Ok(count)
    }

    fn of_block(&mut self, function: &Function, block: &Block) -> Result<u64, Placed> {
        let mut total: u64 = 0;
        for (statement, span) in block.span_iter() {
            let own = match statement {
                Statement::Block(inner) => self.of_block(function, inner)?,
                Statement::If { accept, reject, .. } => {
                    self.of_block(function, accept)?.saturating_add(self.of_block(function, reject)?)
                }
                Statement::Switch { cases, .. } => {
                    let mut sum: u64 = 0;
                    for case in cases {
                        sum = sum.saturating_add(self.of_block(function, &case.body)?);
                    }
                    sum
                }
                Statement::Call { function: callee, .. } => self.of_function(*callee)?,
                Statement::Loop { body, continuing, break_if } => {
                    let times = Counter { module: self.module, function, body, continuing }
                        .iterations()
                        .filter(|_| break_if.is_none())
                        .ok_or_else(|| (*span, NO_END.to_owned()))?;
                    times.saturating_mul(1 + self.of_block(function, body)?)
                }
                _ => 0,
            };
            total = total.saturating_add(own);
            if total > MOST_ITERATIONS {
                return Err((
                    *span,
                    format!("loops of {total} iterations: at most {MOST_ITERATIONS} are taken"),
                ));
            }
        }
        Ok(total)
    }
}

const NO_END: &str = "this loop is not known to end: write for (var i = 0u; i < N; i++) with a constant N, and assign \
     to i nowhere else";

/// `for (var i = START; i < N; i += STEP)` with constants, as naga writes it down.
struct Counter<'a> {
    module: &'a Module,
    function: &'a Function,
    body: &'a Block,
    continuing: &'a Block,
}

impl Counter<'_> {
    fn iterations(&self) -> Option<u64> {
        // Nothing may come before the condition that could go around it.
        let first = self.body.iter().find(|statement| !matches!(statement, Statement::Emit(_)))?;
        let Statement::If { condition, accept, reject } = first else { return None };
        if !accept.is_empty() || !matches!(reject.first(), Some(Statement::Break)) {
            return None;
        }
        let condition = *condition;
        let Expression::Binary { op, left, right } = self.function.expressions[condition] else {
            return None;
        };
        let counter = self.loaded(left)?;
        let limit = match op {
            BinaryOperator::Less => self.literal(right)?,
            BinaryOperator::LessEqual => self.literal(right)?.checked_add(1)?,
            _ => return None,
        };
        let (sum, step) = self.step(counter)?;
        let first = self.first(counter, sum)?;
        let whole = self.only_counted_here(counter)
            && step > 0
            && limit <= i64::from(u16::MAX)
            && step <= limit.max(1);
        whole.then(|| (limit - first).max(0) as u64 / step as u64 + 1)
    }

    /// The local variable that this expression loads.
    fn loaded(&self, expression: Handle<Expression>) -> Option<Handle<LocalVariable>> {
        let Expression::Load { pointer } = self.function.expressions[expression] else { return None };
        self.variable(pointer)
    }

    fn variable(&self, pointer: Handle<Expression>) -> Option<Handle<LocalVariable>> {
        match self.function.expressions[pointer] {
            Expression::LocalVariable(variable) => Some(variable),
            _ => None,
        }
    }

    /// A whole number that is known when the shader is compiled.
    fn literal(&self, expression: Handle<Expression>) -> Option<i64> {
        let of = |expression: &Expression| match expression {
            Expression::Literal(Literal::U32(value)) => Some(i64::from(*value)),
            Expression::Literal(Literal::I32(value)) => Some(i64::from(*value)),
            _ => None,
        };
        match &self.function.expressions[expression] {
            Expression::Constant(constant) => {
                of(&self.module.global_expressions[self.module.constants[*constant].init])
            }
            expression => of(expression),
        }
    }

    /// The sum that the end of each iteration stores in the counter, and what it adds.
    fn step(&self, counter: Handle<LocalVariable>) -> Option<(Handle<Expression>, i64)> {
        self.continuing.iter().find_map(|statement| match statement {
            Statement::Store { pointer, value } if self.variable(*pointer) == Some(counter) => {
                let Expression::Binary { op: BinaryOperator::Add, left, right } =
                    self.function.expressions[*value]
                else {
                    return None;
                };
                if self.loaded(left) == Some(counter) { Some((*value, self.literal(right)?)) } else { None }
            }
            _ => None,
        })
    }

    /// The least number that the counter may start with: 0, or that of its constants where it can be negative.
    fn first(&self, counter: Handle<LocalVariable>, sum: Handle<Expression>) -> Option<i64> {
        let variable = &self.function.local_variables[counter];
        let TypeInner::Scalar(scalar) = self.module.types[variable.ty].inner else { return None };
        if scalar.kind == ScalarKind::Uint {
            return Some(0);
        }
        let mut values: Vec<Option<i64>> = variable.init.iter().map(|init| self.literal(*init)).collect();
        stores(&self.function.body, &mut |pointer, value| {
            if self.variable(pointer) == Some(counter) && value != sum {
                values.push(self.literal(value));
            }
        });
        let least = values.into_iter().collect::<Option<Vec<_>>>()?.into_iter().min()?;
        (scalar.kind == ScalarKind::Sint).then_some(least.min(0))
    }

    /// Whether the loop assigns to the counter at its end only, and lends it to no call.
    fn only_counted_here(&self, counter: Handle<LocalVariable>) -> bool {
        let mut assigned = 0;
        stores(self.body, &mut |pointer, _| assigned += usize::from(self.variable(pointer) == Some(counter)));
        stores(self.continuing, &mut |pointer, _| {
            assigned += usize::from(self.variable(pointer) == Some(counter))
        });
        let mut lent = false;
        calls(&self.function.body, &mut |arguments| {
            lent |= arguments.iter().any(|argument| self.variable(*argument) == Some(counter));
        });
        assigned == 1 && !lent
    }
}

/// Calls `see` with pointer and value of every store of a block.
fn stores(block: &Block, see: &mut impl FnMut(Handle<Expression>, Handle<Expression>)) {
    walk(block, &mut |statement| {
        if let Statement::Store { pointer, value } = statement {
            see(*pointer, *value);
        }
    });
}

/// Calls `see` with the arguments of every call of a block.
fn calls(block: &Block, see: &mut impl FnMut(&[Handle<Expression>])) {
    walk(block, &mut |statement| {
        if let Statement::Call { arguments, .. } = statement {
            see(arguments);
        }
    });
}

fn walk(block: &Block, see: &mut dyn FnMut(&Statement)) {
    for statement in block {
        see(statement);
        match statement {
            Statement::Block(inner) => walk(inner, see),
            Statement::If { accept, reject, .. } => {
                walk(accept, see);
                walk(reject, see);
            }
            Statement::Switch { cases, .. } => cases.iter().for_each(|case| walk(&case.body, see)),
            Statement::Loop { body, continuing, .. } => {
                walk(body, see);
                walk(continuing, see);
            }
            _ => {}
        }
    }
}
