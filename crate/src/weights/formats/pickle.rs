//! Pickles as data: what `torch.save` writes, read without running anything.
//!
//! A pickle is a program for a stack machine that builds Python objects; calling a function is one
//! of its instructions, which is why opening one in Python can do anything. Here a call is only
//! recorded: an [`Object::Call`] of a name with its arguments. The caller looks for the few calls
//! that rebuild a tensor and ignores all others.
//!
//! Objects live in one list and refer to each other by index, so that neither sharing, nor a cycle,
//! nor any depth costs more than the file's own bytes. (candle's reader copies what is referred to,
//! trusts the length of a string, and does not check its indices.)
//!
//! Instructions: Python's Lib/pickletools.py, protocols 2 to 5 without buffers out of band.

use std::collections::HashMap;

/// The most objects, and the most entries of the memo: v1.4's pickle has 20 000 of them.
const OBJECTS_MAX: usize = 1 << 20;

/// The index of an object in the list.
pub(in crate::weights) type Id = usize;

/// A Python object.
pub(in crate::weights) enum Object {
    Int(i64),
    Text(String),
    /// Also for sets.
    Tuple(Vec<Id>),
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    /// A function or class by its name, such as `torch._utils._rebuild_tensor_v2`.
    Global(String),
    /// A function and its arguments (a tuple).
    Call(Id, Id),
    /// A reference to something outside of the pickle: a storage.
    Persistent(Id),
    False,
    /// None, True, a float, bytes: nothing that is needed to find a tensor.
    Other,
}

/// All objects of a pickle.
pub(in crate::weights) struct Objects {
    list: Vec<Object>,
    states: HashMap<Id, Id>,
    root: Id,
}

impl Objects {
    /// The object at an index that this list has given out.
    pub(crate) fn get(&self, id: Id) -> &Object {
        &self.list[id]
    }

    /// All objects, in the order in which they were made.
    pub(crate) fn all(&self) -> &[Object] {
        &self.list
    }

    /// The object that the pickle returns.
    pub(crate) fn root(&self) -> &Object {
        self.get(self.root)
    }

    /// The attribute `name` of the object of a class, if the pickle sets its attributes.
    pub(crate) fn attribute(&self, id: Id, name: &str) -> Option<&Object> {
        let Object::Dict(state) = self.get(*self.states.get(&id)?) else { return None };
        let (_, value) = state.iter().rev().find(|(key, _)| self.text(*key) == Some(name))?;
        Some(self.get(*value))
    }

    /// The text at an index.
    pub(crate) fn text(&self, id: Id) -> Option<&str> {
        match self.get(id) {
            Object::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number at an index.
    pub(crate) fn int(&self, id: Id) -> Option<i64> {
        match self.get(id) {
            Object::Int(int) => Some(*int),
            _ => None,
        }
    }

    /// The members of the tuple or list at an index.
    pub(crate) fn members(&self, id: Id) -> Option<&[Id]> {
        match self.get(id) {
            Object::Tuple(members) | Object::List(members) => Some(members),
            _ => None,
        }
    }
}

/// The error of a pickle whose bytes end too early.
pub(in crate::weights) const CUT: &str = "it ends too early";

/// Reads the pickle at the beginning of `bytes`, and returns it with its length in bytes.
///
/// # Errors
/// What is wrong with it, as the end of a sentence.
pub(in crate::weights) fn read(bytes: &[u8]) -> Result<(Objects, usize), String> {
    let (list, states, stack, marks, memo) = Default::default();
    let mut machine = Machine { bytes, at: 0, list, states, stack, marks, memo };
    while !machine.step()? {
        if machine.list.len().max(machine.memo.len()) > OBJECTS_MAX {
            return Err(format!("it has more than {OBJECTS_MAX} objects"));
        }
    }
    let root = machine.pop()?;
    Ok((Objects { list: machine.list, states: machine.states, root }, machine.at))
}

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    list: Vec<Object>,
    /// The states that BUILD gives to objects of classes: their attributes.
    states: HashMap<Id, Id>,
    stack: Vec<Id>,
    /// The heights of the stack at the MARKs that are open.
    marks: Vec<usize>,
    memo: HashMap<u64, Id>,
}

type Step<T = ()> = Result<T, String>;

impl Machine<'_> {
    /// Runs one instruction; true at STOP.
    fn step(&mut self) -> Step<bool> {
        let code = self.number(1)? as u8;
        match code {
            b'.' => return Ok(true),
            // PROTO, FRAME
            0x80 => drop(self.take(1)?),
            0x95 => drop(self.take(8)?),
            // MARK, POP, DUP, POP_MARK
            b'(' => self.marks.push(self.stack.len()),
            b'0' => drop(self.pop()?),
            b'2' => {
                let top = self.top()?;
                self.stack.push(top);
            }
            b'1' => drop(self.pop_mark()?),
            // NONE, NEWTRUE, NEWFALSE, BINFLOAT
            b'N' | 0x88 => self.push(Object::Other),
            0x89 => self.push(Object::False),
            b'G' => {
                self.take(8)?;
                self.push(Object::Other);
            }
            b'J' | b'K' | b'M' | 0x8a | 0x8b => self.int(code)?,
            b'X' | 0x8c | 0x8d | b'T' | b'U' | b'B' | b'C' | 0x8e => self.text(code)?,
            b']' | b')' | b'}' | 0x8f | b't' | 0x85..=0x87 | b'l' | b'd' | 0x91 => {
                self.collection(code)?;
            }
            b'a' | b'e' | b's' | b'u' | 0x90 => self.add(code)?,
            b'q' | b'r' | 0x94 | b'h' | b'j' => self.memo(code)?,
            b'c' | 0x93 | b'R' | 0x81 | 0x92 | b'b' | b'Q' => self.call(code)?,
            _ => return Err(format!("the instruction {code:#04x} is not known")),
        }
        Ok(false)
    }

    /// BININT, BININT1, BININT2, LONG1, LONG4
    fn int(&mut self, code: u8) -> Step {
        let int = match code {
            b'J' => i64::from(self.number(4)? as u32 as i32),
            b'K' => self.number(1)? as i64,
            b'M' => self.number(2)? as i64,
            _ => {
                let length = self.number(if code == 0x8a { 1 } else { 4 })?;
                let bytes = self.take(length)?;
                // A larger integer is no size of a tensor.
                let Some(bytes) = bytes.get(..8.min(bytes.len())).filter(|_| length <= 8) else {
                    self.push(Object::Other);
                    return Ok(());
                };
                let negative = bytes.last().is_some_and(|byte| *byte >= 0x80);
                let filled = if negative { -1 } else { 0 };
                bytes.iter().rev().fold(filled, |int, byte| int << 8 | i64::from(*byte))
            }
        };
        self.push(Object::Int(int));
        Ok(())
    }

    /// BINUNICODE and its shorter and longer forms; Python 2's strings; bytes.
    fn text(&mut self, code: u8) -> Step {
        let width = match code {
            0x8c | b'U' | b'C' => 1,
            0x8d | 0x8e => 8,
            _ => 4,
        };
        let length = self.number(width)?;
        let bytes = self.take(length)?;
        let object = match code {
            b'B' | b'C' | 0x8e => Object::Other,
            _ => Object::Text(String::from_utf8_lossy(bytes).into_owned()),
        };
        self.push(object);
        Ok(())
    }

    /// EMPTY_LIST, EMPTY_TUPLE, EMPTY_DICT, EMPTY_SET, TUPLE, TUPLE1 to 3, LIST, DICT, FROZENSET
    fn collection(&mut self, code: u8) -> Step {
        let object = match code {
            b']' => Object::List(Vec::new()),
            b')' => Object::Tuple(Vec::new()),
            b'}' => Object::Dict(Vec::new()),
            0x8f => Object::List(Vec::new()),
            b't' | 0x91 => Object::Tuple(self.pop_mark()?),
            b'l' => Object::List(self.pop_mark()?),
            b'd' => Object::Dict(pairs(&self.pop_mark()?)?),
            _ => {
                let count = usize::from(code - 0x84);
                let start = self.stack.len().checked_sub(count).ok_or("its stack is empty")?;
                if self.marks.last().is_some_and(|mark| *mark > start) {
                    return Err("a tuple reaches below a mark".into());
                }
                Object::Tuple(self.stack.split_off(start))
            }
        };
        self.push(object);
        Ok(())
    }

    /// APPEND, APPENDS, SETITEM, SETITEMS, ADDITEMS
    fn add(&mut self, code: u8) -> Step {
        let added = match code {
            b'a' => vec![self.pop()?],
            b's' => {
                let value = self.pop()?;
                vec![self.pop()?, value]
            }
            _ => self.pop_mark()?,
        };
        let top = self.top()?;
        match (code, &mut self.list[top]) {
            (b's' | b'u', Object::Dict(dict)) => dict.extend(pairs(&added)?),
            (b'a' | b'e' | 0x90, Object::List(list)) => list.extend(added),
            // An object of some other class: its items are not needed.
            (_, Object::Call(..)) => {}
            _ => return Err("items are added to what takes none".into()),
        }
        Ok(())
    }

    /// BINPUT, LONG_BINPUT, MEMOIZE, BINGET, LONG_BINGET
    fn memo(&mut self, code: u8) -> Step {
        let key = match code {
            b'q' | b'h' => self.number(1)?,
            b'r' | b'j' => self.number(4)?,
            _ => self.memo.len() as u64,
        };
        if matches!(code, b'h' | b'j') {
            let id = *self.memo.get(&key).ok_or("it refers to an object that is not there")?;
            self.stack.push(id);
        } else {
            let top = self.top()?;
            self.memo.insert(key, top);
        }
        Ok(())
    }

    /// GLOBAL, STACK_GLOBAL, REDUCE, NEWOBJ, NEWOBJ_EX, BUILD, BINPERSID
    fn call(&mut self, code: u8) -> Step {
        let object = match code {
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                Object::Global(format!("{module}.{name}"))
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let text = |id: Id| match &self.list[id] {
                    Object::Text(text) => Ok(text.as_str()),
                    _ => Err("a name is not a text".to_owned()),
                };
                // A name built from names must not grow without bound.
                let (module, name) = (text(module)?, text(name)?);
                if module.len() + name.len() > 128 {
                    return Err("a name is too long".into());
                }
                Object::Global(format!("{module}.{name}"))
            }
            b'Q' => Object::Persistent(self.pop()?),
            b'b' => return self.build(),
            _ => {
                if code == 0x92 {
                    self.pop()?;
                }
                let (arguments, function) = (self.pop()?, self.pop()?);
                match &self.list[function] {
                    Object::Global(name) if name == "collections.OrderedDict" => {
                        Object::Dict(Vec::new())
                    }
                    _ => Object::Call(function, arguments),
                }
            }
        };
        self.push(object);
        Ok(())
    }

    /// BUILD. The state of any other object is ignored: the attributes of an OrderedDict are not
    /// its items.
    fn build(&mut self) -> Step {
        let (state, object) = (self.pop()?, self.top()?);
        if matches!(self.list[object], Object::Call(..)) {
            self.states.insert(object, state);
        }
        Ok(())
    }

    fn push(&mut self, object: Object) {
        self.stack.push(self.list.len());
        self.list.push(object);
    }

    fn top(&self) -> Step<Id> {
        self.stack.last().copied().ok_or_else(|| "its stack is empty".to_owned())
    }

    fn pop(&mut self) -> Step<Id> {
        let floor = self.marks.last().copied().unwrap_or(0);
        if self.stack.len() <= floor {
            return Err("its stack is empty".into());
        }
        self.stack.pop().ok_or_else(|| "its stack is empty".to_owned())
    }

    /// Pops all objects above the last mark.
    fn pop_mark(&mut self) -> Step<Vec<Id>> {
        let mark = self.marks.pop().ok_or("it lacks a mark")?;
        if mark > self.stack.len() {
            return Err("a mark stands above its stack".into());
        }
        Ok(self.stack.split_off(mark))
    }

    fn line(&mut self) -> Step<String> {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|byte| *byte == b'\n').ok_or(CUT)?;
        self.at += length + 1;
        Ok(String::from_utf8_lossy(&rest[..length]).into_owned())
    }

    fn number(&mut self, bytes: u64) -> Step<u64> {
        let bytes = self.take(bytes)?;
        Ok(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn take(&mut self, count: u64) -> Step<&[u8]> {
        let end = usize::try_from(count).ok().and_then(|count| self.at.checked_add(count));
        let bytes = end.and_then(|end| self.bytes.get(self.at..end)).ok_or(CUT)?;
        self.at += bytes.len();
        Ok(bytes)
    }
}

/// Pairs of key and value, from a list in which they alternate.
fn pairs(items: &[Id]) -> Step<Vec<(Id, Id)>> {
    let (pairs, rest) = items.as_chunks();
    if !rest.is_empty() {
        return Err("a key has no value".into());
    }
    Ok(pairs.iter().map(|[key, value]| (*key, *value)).collect())
}
