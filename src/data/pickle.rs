//! A reader for the few kinds of Python pickles that CIFAR's "python version" is made of: dictionaries, lists, texts, numbers
//! and numpy arrays of bytes. It runs nothing: a call of anything but numpy's own constructors is refused.

use std::collections::HashMap;

/// A value in a pickle, by its place in [`Pickle`].
pub(super) type Id = usize;

/// A value.
#[derive(Clone, Debug)]
pub(super) enum Value<'a> {
    /// None, True or False.
    Plain,
    /// A whole number.
    Number(i64),
    /// A text or bytes.
    Text(&'a [u8]),
    /// A list or tuple.
    List(Vec<Id>),
    /// A dictionary.
    Pairs(Vec<(Id, Id)>),
    /// The name of a function or class: module, name.
    Global(&'a [u8], &'a [u8]),
    /// What a constructor of numpy gives: its name, then the state that is put into it.
    Built(&'static str, Vec<Id>, Option<Id>),
}

/// A whole pickle: values that refer to each other by number, so that none is copied and nothing recurses.
#[derive(Debug, Default)]
pub(super) struct Pickle<'a> {
    values: Vec<Value<'a>>,
    root: Id,
}

type Outcome<T> = Result<T, String>;

impl<'a> Pickle<'a> {
    /// Reads a pickle of protocol 2 to 5.
    pub(super) fn parse(bytes: &'a [u8]) -> Outcome<Self> {
        let mut machine = Machine {
            bytes,
            at: 0,
            pickle: Self::default(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
        };
        while machine.step()? {}
        machine.pickle.root = machine.pop()?;
        Ok(machine.pickle)
    }

    /// The value at the top.
    pub(super) fn root(&self) -> Id {
        self.root
    }

    fn get(&self, id: Id) -> &Value<'a> {
        &self.values[id]
    }

    /// The entry of a dictionary whose key is this text.
    pub(super) fn entry(&self, dictionary: Id, key: &str) -> Outcome<Id> {
        let Value::Pairs(pairs) = self.get(dictionary) else { return Err("it is no dictionary".into()) };
        let is = |id: Id| matches!(self.get(id), Value::Text(text) if *text == key.as_bytes());
        pairs
            .iter()
            .find(|(k, _)| is(*k))
            .map(|(_, value)| *value)
            .ok_or_else(|| format!("it has no entry {key:?}"))
    }

    /// A list of numbers.
    pub(super) fn numbers(&self, list: Id) -> Outcome<Vec<i64>> {
        let Value::List(items) = self.get(list) else { return Err("expected a list of numbers".into()) };
        let number = |id: &Id| match self.get(*id) {
            Value::Number(number) => Ok(*number),
            _ => Err("expected a list of numbers".to_owned()),
        };
        items.iter().map(number).collect()
    }

    /// A list of texts.
    pub(super) fn texts(&self, list: Id) -> Outcome<Vec<String>> {
        let Value::List(items) = self.get(list) else { return Err("expected a list of texts".into()) };
        let text = |id: &Id| match self.get(*id) {
            Value::Text(text) => Ok(String::from_utf8_lossy(text).into_owned()),
            _ => Err("expected a list of texts".to_owned()),
        };
        items.iter().map(text).collect()
    }

    /// The rows and bytes of a numpy array of unsigned bytes with `columns` columns, in C order.
    pub(super) fn array(&self, id: Id, columns: usize) -> Outcome<(usize, &'a [u8])> {
        let wrong = || "expected a numpy array of bytes".to_owned();
        let Value::Built("array", _, Some(state)) = self.get(id) else { return Err(wrong()) };
        // (version, shape, dtype, whether in Fortran order, bytes)
        let Value::List(state) = self.get(*state) else { return Err(wrong()) };
        let [_, shape, dtype, order, data] = state.as_slice() else { return Err(wrong()) };
        let Value::Built("dtype", arguments, _) = self.get(*dtype) else { return Err(wrong()) };
        let kind = arguments.first().map(|id| self.get(*id));
        if !matches!(kind, Some(Value::Text(b"u1" | b"|u1"))) {
            return Err("the array's elements are no unsigned bytes (u1)".into());
        }
        if !matches!(self.get(*order), Value::Plain | Value::Number(0)) {
            return Err("the array lies in an order that is not read".into());
        }
        let Value::Text(data) = self.get(*data) else { return Err(wrong()) };
        let shape = self.numbers(*shape)?;
        match shape.as_slice() {
            &[rows, width] if rows >= 0 && width == columns as i64 => {
                let rows = usize::try_from(rows).map_err(|_| wrong())?;
                if rows.checked_mul(columns) != Some(data.len()) {
                    return Err(format!("the array of {rows} x {columns} has {} bytes", data.len()));
                }
                Ok((rows, data))
            }
            other => Err(format!("the array has shape {other:?}, expected N x {columns}")),
        }
    }
}

/// The stack machine that a pickle is a program of (CPython, Lib/pickle.py).
struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    pickle: Pickle<'a>,
    stack: Vec<Id>,
    marks: Vec<usize>,
    memo: HashMap<u64, Id>,
}

const TOO_SHORT: &str = "it is cut off";

impl<'a> Machine<'a> {
    fn take(&mut self, count: usize) -> Outcome<&'a [u8]> {
        let end = self.at.checked_add(count).filter(|end| *end <= self.bytes.len()).ok_or(TOO_SHORT)?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    /// A little-endian number of so many bytes, at most 8.
    fn unsigned(&mut self, count: usize) -> Outcome<u64> {
        Ok(self.take(count)?.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn line(&mut self) -> Outcome<&'a [u8]> {
        let length = self.bytes[self.at..].iter().position(|byte| *byte == b'\n').ok_or(TOO_SHORT)?;
        let line = self.take(length)?;
        self.at += 1;
        Ok(line)
    }

    fn push(&mut self, value: Value<'a>) {
        self.pickle.values.push(value);
        self.stack.push(self.pickle.values.len() - 1);
    }

    fn pop(&mut self) -> Outcome<Id> {
        // What lies below a mark is not for the operations above it.
        let floor = self.marks.last().copied().unwrap_or(0);
        if self.stack.len() <= floor {
            return Err("it takes a value where there is none".into());
        }
        self.stack.pop().ok_or_else(|| TOO_SHORT.into())
    }

    fn pop_to_mark(&mut self) -> Outcome<Vec<Id>> {
        let mark = self.marks.pop().ok_or("it goes back to a mark that is not there")?;
        Ok(self.stack.split_off(mark))
    }

    fn top(&mut self) -> Outcome<Id> {
        let top = self.pop()?;
        self.stack.push(top);
        Ok(top)
    }

    fn text(&mut self, size_bytes: usize) -> Outcome<()> {
        let size = self.unsigned(size_bytes)?;
        let text = self.take(usize::try_from(size).map_err(|_| TOO_SHORT)?)?;
        self.push(Value::Text(text));
        Ok(())
    }

    /// One operation; false after the last.
    fn step(&mut self) -> Outcome<bool> {
        let code = self.take(1)?[0];
        match code {
            b'.' => return Ok(false),
            0x80 => drop(self.take(1)?),
            0x95 => drop(self.take(8)?),
            b'(' => self.marks.push(self.stack.len()),
            b'N' | 0x89 => self.push(Value::Plain),
            0x88 => self.push(Value::Number(1)),
            b'K' | b'M' => {
                let number = self.unsigned(if code == b'K' { 1 } else { 2 })?;
                self.push(Value::Number(number as i64));
            }
            b'J' => {
                let number = self.unsigned(4)? as u32;
                self.push(Value::Number(i64::from(number as i32)));
            }
            0x8a => {
                let count = usize::from(self.take(1)?[0]);
                if count > 7 {
                    return Err("it has a number of more than 7 bytes".into());
                }
                let (number, bits) = (self.unsigned(count)? as i64, 8 * count as u32);
                let sign = if bits > 0 && number >> (bits - 1) & 1 == 1 { 1i64 << bits } else { 0 };
                self.push(Value::Number(number - sign));
            }
            b'U' | b'C' | 0x8c => self.text(1)?,
            b'T' | b'B' | b'X' => self.text(4)?,
            0x8d | 0x8e => self.text(8)?,
            b'h' | b'j' | b'q' | b'r' | 0x94 => self.memory(code)?,
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.push(Value::Global(module, name));
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let (Value::Text(module), Value::Text(name)) =
                    (self.pickle.get(module), self.pickle.get(name))
                else {
                    return Err("it names a function by something that is no text".into());
                };
                let global = Value::Global(module, name);
                self.push(global);
            }
            _ => self.collection(code)?,
        }
        Ok(true)
    }

    /// Storing a value under a number, and getting it back.
    fn memory(&mut self, code: u8) -> Outcome<()> {
        let key = match code {
            b'h' | b'q' => self.unsigned(1)?,
            b'j' | b'r' => self.unsigned(4)?,
            _ => self.memo.len() as u64,
        };
        if matches!(code, b'h' | b'j') {
            let id = *self.memo.get(&key).ok_or("it takes a value that it has not stored")?;
            self.stack.push(id);
        } else {
            let top = self.top()?;
            self.memo.insert(key, top);
        }
        Ok(())
    }

    fn collection(&mut self, code: u8) -> Outcome<()> {
        match code {
            b']' | b')' => self.push(Value::List(Vec::new())),
            b'}' => self.push(Value::Pairs(Vec::new())),
            b't' | b'l' => {
                let items = self.pop_to_mark()?;
                self.push(Value::List(items));
            }
            0x85..=0x87 => {
                let mut items = Vec::new();
                for _ in 0..code - 0x84 {
                    items.insert(0, self.pop()?);
                }
                self.push(Value::List(items));
            }
            b'a' | b'e' => {
                let items = if code == b'a' { vec![self.pop()?] } else { self.pop_to_mark()? };
                let list = self.top()?;
                match &mut self.pickle.values[list] {
                    Value::List(list) => list.extend(items),
                    _ => return Err("it appends to something that is no list".into()),
                }
            }
            b's' | b'u' => {
                let items = if code == b's' {
                    let value = self.pop()?;
                    vec![self.pop()?, value]
                } else {
                    self.pop_to_mark()?
                };
                let pairs = self.top()?;
                match &mut self.pickle.values[pairs] {
                    Value::Pairs(pairs) => pairs.extend(items.chunks_exact(2).map(|pair| (pair[0], pair[1]))),
                    _ => return Err("it sets an entry of something that is no dictionary".into()),
                }
            }
            b'R' => {
                let (arguments, function) = (self.pop()?, self.pop()?);
                let built = self.call(function, arguments)?;
                self.push(built);
            }
            b'b' => {
                let (state, object) = (self.pop()?, self.top()?);
                match &mut self.pickle.values[object] {
                    Value::Built(_, _, own) => *own = Some(state),
                    _ => return Err("it builds something that is no numpy array".into()),
                }
            }
            _ => return Err(format!("it has an operation 0x{code:02x}, which CIFAR's files have not")),
        }
        Ok(())
    }

    /// Numpy's own constructors, and nothing else.
    fn call(&self, function: Id, arguments: Id) -> Outcome<Value<'a>> {
        let Value::Global(module, name) = self.pickle.get(function) else {
            return Err("it calls something that is no function".into());
        };
        let Value::List(arguments) = self.pickle.get(arguments) else {
            return Err("it calls a function without a list of arguments".into());
        };
        let kind = match (*module, *name) {
            (b"numpy.core.multiarray" | b"numpy._core.multiarray", b"_reconstruct") => "array",
            (b"numpy", b"dtype") => "dtype",
            _ => {
                let [module, name] =
                    [module, name].map(|text| String::from_utf8_lossy(&text[..text.len().min(60)]));
                return Err(format!("it wants to run {module}.{name}, which is not done"));
            }
        };
        Ok(Value::Built(kind, arguments.clone(), None))
    }
}
