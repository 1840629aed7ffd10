//! Cuts a file of JSON into the texts of its records: one object, a list, one object a line, or a
//! search answer `{"member": [...]}`, whose members are the records.
//!
//! It reads as a stream and keeps one record at a time. It looks at brackets, strings and commas
//! only, without recursion; what a record says is for others to read.

use std::io::{BufRead, ErrorKind};

/// A record may be this long. Source: our choice, ten times a record with a thousand occurrences.
pub(super) const BYTES_MAX: usize = 4 << 20;

/// How deep a record may be nested. Source: the limit of our JSON reader.
pub(super) const DEPTH_MAX: usize = 128;

/// The text of one value of the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cut {
    /// Where it begins, from 1.
    pub line: u64,
    pub text: Result<Vec<u8>, Uncut>,
}

/// Why there is no text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Uncut {
    #[error("the record is longer than {BYTES_MAX} bytes")]
    TooLong,
    #[error("the record is nested deeper than {DEPTH_MAX} levels")]
    TooDeep,
    #[error("this is not JSON, from line {0} on")]
    NotJson(u64),
    #[error("the file ends within a record")]
    Ended,
    #[error("the file cannot be read: {0}")]
    Unreadable(ErrorKind),
}

pub(super) struct Records<R> {
    input: Input<R>,
    place: Place,
}

/// Where in the file the next record is looked for.
enum Place {
    Start,
    /// Between values that stand by themselves, usually one a line.
    Top,
    /// In a list of records, before its first.
    First(List),
    /// In a list of records, after one of them.
    Next(List),
    End,
}

#[derive(Clone, Copy)]
enum List {
    Bare,
    OfSearchAnswer,
}

/// What stands where a value was expected.
enum Found {
    Value,
    /// The value is a search answer and its list of members has just been opened.
    Members,
}

/// What may come next within a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expected {
    Value,
    ItemOrEnd,
    Key,
    KeyOrEnd,
    Colon,
    CommaOrEnd,
}

impl<R: BufRead> Records<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { input: Input::new(reader), place: Place::Start }
    }

    /// A value at the top that is broken costs itself only: we go on at the next line that begins
    /// with an object. Within a list nothing says where the next record begins, so that is the end.
    fn broken(&mut self, line: u64, why: Uncut) -> Cut {
        let gone = matches!(why, Uncut::Unreadable(_));
        if gone || !matches!(self.place, Place::Top) {
            self.place = Place::End;
        } else if let Err(error) = self.input.skip_to_next_object(line) {
            self.place = Place::End;
            return Cut { line, text: Err(error) };
        }
        Cut { line, text: Err(why) }
    }

    /// The next record, or nothing where a list was just opened or closed.
    fn step(&mut self) -> Result<Option<Cut>, (u64, Uncut)> {
        let input = &mut self.input;
        if let Place::Start = self.place {
            input.skip_byte_order_mark().map_err(|why| (1, why))?;
            self.place = Place::Top;
        }
        input.skip_blanks().map_err(|why| (input.line, why))?;
        let mut line = input.line;
        let byte = input.peek().map_err(|why| (line, why))?;
        let list = match (&self.place, byte) {
            (Place::Start | Place::Top | Place::End, None) => {
                self.place = Place::End;
                return Ok(None);
            }
            (Place::First(_) | Place::Next(_), None) => return Err((line, Uncut::Ended)),
            (Place::First(list) | Place::Next(list), Some(b']')) => {
                let list = *list;
                input.bump();
                if let List::OfSearchAnswer = list {
                    // What stands behind the members: the answer itself is nobody's record.
                    input.value(vec![b'}'], Expected::CommaOrEnd).map_err(|why| (line, why))?;
                }
                self.place = Place::Top;
                return Ok(None);
            }
            (Place::Next(list), Some(b',')) => {
                let list = *list;
                input.bump();
                input.skip_blanks().map_err(|why| (line, why))?;
                line = input.line;
                Some(list)
            }
            (Place::Next(_), Some(_)) => return Err((line, Uncut::NotJson(line))),
            (Place::First(list), Some(_)) => Some(*list),
            (_, Some(b'[')) => {
                input.bump();
                self.place = Place::First(List::Bare);
                return Ok(None);
            }
            (_, Some(b'{')) => None,
            (_, Some(_)) => {
                input.forget_text();
                return Err((line, Uncut::NotJson(line)));
            }
        };
        input.finds_members = list.is_none();
        match input.value(vec![], Expected::Value).map_err(|why| (line, why))? {
            Found::Members => {
                self.place = Place::First(List::OfSearchAnswer);
                Ok(None)
            }
            Found::Value => {
                if let Some(list) = list {
                    self.place = Place::Next(list);
                }
                let text = input.take_text().ok_or(Uncut::TooLong);
                Ok(Some(Cut { line, text }))
            }
        }
    }
}

impl<R: BufRead> Iterator for Records<R> {
    type Item = Cut;

    fn next(&mut self) -> Option<Cut> {
        while !matches!(self.place, Place::End) {
            match self.step() {
                Ok(Some(cut)) => return Some(cut),
                Ok(None) => {}
                Err((line, why)) => return Some(self.broken(line, why)),
            }
        }
        None
    }
}

/// The bytes of the file, with the text of the value under way.
struct Input<R> {
    reader: R,
    /// Bytes to be read again before those of the reader, from `again_at` on.
    again: Vec<u8>,
    again_at: usize,
    line: u64,
    text: Vec<u8>,
    /// Whether the text is longer than we keep.
    overflown: bool,
    /// Whether a value may turn out to be a search answer.
    finds_members: bool,
}

impl<R: BufRead> Input<R> {
    fn new(reader: R) -> Self {
        Self {
            reader,
            again: vec![],
            again_at: 0,
            line: 1,
            text: vec![],
            overflown: false,
            finds_members: false,
        }
    }

    fn peek(&mut self) -> Result<Option<u8>, Uncut> {
        if let Some(byte) = self.again.get(self.again_at) {
            return Ok(Some(*byte));
        }
        loop {
            match self.reader.fill_buf() {
                Ok(bytes) => return Ok(bytes.first().copied()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(Uncut::Unreadable(error.kind())),
            }
        }
    }

    /// Goes past the byte that was peeked at.
    fn bump(&mut self) {
        let Ok(Some(byte)) = self.peek() else { return };
        if self.again.is_empty() {
            self.reader.consume(1);
        } else {
            self.again_at += 1;
            if self.again_at == self.again.len() {
                self.again.clear();
                self.again_at = 0;
            }
        }
        if byte == b'\n' {
            self.line += 1;
        }
    }

    /// Goes past the byte that was peeked at, and keeps it as text of the value.
    fn keep(&mut self, byte: u8) {
        self.bump();
        if self.text.len() < BYTES_MAX {
            self.text.push(byte);
        } else {
            self.overflown = true;
        }
    }

    fn forget_text(&mut self) {
        self.text.clear();
        self.overflown = false;
    }

    fn take_text(&mut self) -> Option<Vec<u8>> {
        let text = std::mem::take(&mut self.text);
        (!self.overflown).then_some(text)
    }

    fn skip_byte_order_mark(&mut self) -> Result<(), Uncut> {
        for byte in *b"\xef\xbb\xbf" {
            if self.peek()? == Some(byte) {
                self.bump();
            }
        }
        Ok(())
    }

    fn skip_blanks(&mut self) -> Result<(), Uncut> {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.peek()? {
            self.bump();
        }
        Ok(())
    }

    /// Goes to the next line after this one that begins with an object, also where the broken value
    /// has already swallowed it.
    fn skip_to_next_object(&mut self, line: u64) -> Result<(), Uncut> {
        if !self.overflown {
            // The text was read last: from what is read again, or beyond its end from the reader.
            if self.text.len() <= self.again_at {
                self.again_at -= self.text.len();
            } else {
                self.again = std::mem::take(&mut self.text);
                self.again_at = 0;
            }
            self.line = line;
        }
        loop {
            let line = self.line;
            while self.line == line {
                if self.peek()?.is_none() {
                    return Ok(());
                }
                self.bump();
            }
            if let None | Some(b'{') = self.peek()? {
                return Ok(());
            }
        }
    }

    /// Goes past a value, or the rest of one of which these brackets are still to be closed.
    fn value(&mut self, mut open: Vec<u8>, mut expected: Expected) -> Result<Found, Uncut> {
        self.forget_text();
        let mut key = 0..0;
        loop {
            let byte = self.peek()?.ok_or(Uncut::Ended)?;
            match (byte, expected) {
                (b' ' | b'\t' | b'\r' | b'\n', _) => self.keep(byte),
                (b'{', Expected::Value | Expected::ItemOrEnd) => {
                    self.keep(byte);
                    open.push(b'}');
                    expected = Expected::KeyOrEnd;
                }
                (b'[', Expected::Value | Expected::ItemOrEnd) => {
                    let members = self.finds_members && open.len() == 1 && open[0] == b'}';
                    if members && self.text.get(key.clone()) == Some(b"\"member\"") {
                        self.bump();
                        return Ok(Found::Members);
                    }
                    self.keep(byte);
                    open.push(b']');
                    expected = Expected::ItemOrEnd;
                }
                (b'}', Expected::KeyOrEnd | Expected::CommaOrEnd)
                | (b']', Expected::ItemOrEnd | Expected::CommaOrEnd)
                    if open.last() == Some(&byte) =>
                {
                    self.keep(byte);
                    open.pop();
                    expected = Expected::CommaOrEnd;
                }
                (b'"', Expected::Key | Expected::KeyOrEnd) => {
                    let start = self.text.len();
                    self.string()?;
                    key = start..self.text.len();
                    expected = Expected::Colon;
                }
                (b'"', Expected::Value | Expected::ItemOrEnd) => {
                    self.string()?;
                    expected = Expected::CommaOrEnd;
                }
                (b':', Expected::Colon) => {
                    self.keep(byte);
                    expected = Expected::Value;
                }
                (b',', Expected::CommaOrEnd) => {
                    self.keep(byte);
                    let in_object = open.last() == Some(&b'}');
                    expected = if in_object { Expected::Key } else { Expected::Value };
                }
                (b'-' | b'0'..=b'9' | b'a'..=b'z', Expected::Value | Expected::ItemOrEnd) => {
                    self.word()?;
                    expected = Expected::CommaOrEnd;
                }
                _ => return Err(Uncut::NotJson(self.line)),
            }
            if open.len() > DEPTH_MAX {
                return Err(Uncut::TooDeep);
            }
            if open.is_empty() && expected == Expected::CommaOrEnd {
                return Ok(Found::Value);
            }
        }
    }

    fn string(&mut self) -> Result<(), Uncut> {
        self.keep(b'"');
        loop {
            let byte = self.peek()?.ok_or(Uncut::Ended)?;
            if byte < b' ' {
                return Err(Uncut::NotJson(self.line));
            }
            self.keep(byte);
            match byte {
                b'"' => return Ok(()),
                b'\\' => match self.peek()?.ok_or(Uncut::Ended)? {
                    escaped @ b' '.. => self.keep(escaped),
                    _ => return Err(Uncut::NotJson(self.line)),
                },
                _ => {}
            }
        }
    }

    /// A number, `true`, `false` or `null`, or what looks like one of them.
    fn word(&mut self) -> Result<(), Uncut> {
        while let Some(byte @ (b'+' | b'-' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z')) =
            self.peek()?
        {
            self.keep(byte);
        }
        Ok(())
    }
}
