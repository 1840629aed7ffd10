//! The fields of a JSON record, each with the path that leads to it, so that what is wrong can be
//! named. Numbers stay the digits that were written: money is never a float.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use serde::Deserialize;
use serde_json::value::RawValue;

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {why}")]
pub struct Wrong {
    /// From the record down: `priceInfo[1].price`.
    pub path: String,
    pub why: String,
}

pub(super) struct Object<'a> {
    path: String,
    fields: BTreeMap<String, &'a RawValue>,
}

pub(super) struct Field<'a> {
    path: String,
    raw: &'a RawValue,
}

fn wrong(path: &str, why: impl Display) -> Wrong {
    Wrong { path: path.to_owned(), why: why.to_string() }
}

impl<'a> Object<'a> {
    /// The record itself.
    pub fn record(text: &'a str) -> Result<Self, serde_json::Error> {
        Ok(Self { path: String::new(), fields: serde_json::from_str(text)? })
    }

    fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// The field; `null` is as good as absent.
    pub fn get(&self, name: &str) -> Option<Field<'a>> {
        let raw = *self.fields.get(name)?;
        (raw.get() != "null").then(|| Field { path: self.path_of(name), raw })
    }

    pub fn must(&self, name: &str) -> Result<Field<'a>, Wrong> {
        self.get(name).ok_or_else(|| wrong(&self.path_of(name), "is missing"))
    }

    /// A field within an object within this object.
    pub fn get_in(&self, outer: &str, inner: &str) -> Result<Option<Field<'a>>, Wrong> {
        match self.get(outer) {
            Some(outer) => Ok(outer.object()?.get(inner)),
            None => Ok(None),
        }
    }

    /// The values per language of which this object consists: the one in the main language first,
    /// then the Dutch one, then the others by language code.
    pub fn by_preference(&self, main: &str) -> Vec<Field<'a>> {
        let mut languages: Vec<&str> = self.fields.keys().map(String::as_str).collect();
        languages.sort_by_key(|language| (*language != main, *language != "nl"));
        languages.into_iter().filter_map(|language| self.get(language)).collect()
    }
}

impl<'a> Field<'a> {
    pub fn wrong(&self, why: impl Display) -> Wrong {
        wrong(&self.path, why)
    }

    fn read<T: Deserialize<'a>>(&self, why: &str) -> Result<T, Wrong> {
        serde_json::from_str(self.raw.get()).map_err(|_| self.wrong(why))
    }

    pub fn object(&self) -> Result<Object<'a>, Wrong> {
        Ok(Object { path: self.path.clone(), fields: self.read("is not an object")? })
    }

    pub fn items(&self) -> Result<Vec<Field<'a>>, Wrong> {
        let items: Vec<&RawValue> = self.read("is not a list")?;
        let item = |(index, raw)| Field { path: format!("{}[{index}]", self.path), raw };
        Ok(items.into_iter().enumerate().map(item).collect())
    }

    pub fn text(&self) -> Result<String, Wrong> {
        self.read("is not a text")
    }

    /// The number, as it is written.
    pub fn number(&self) -> Result<&'a str, Wrong> {
        let digits = self.raw.get();
        if digits.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
            Ok(digits)
        } else {
            Err(self.wrong("is not a number"))
        }
    }

    pub fn parse<T: FromStr<Err: Display>>(&self) -> Result<T, Wrong> {
        self.text()?.parse().map_err(|why| self.wrong(why))
    }

    /// The text in the language that is preferred, of those that are not blank.
    pub fn in_language<T: FromStr<Err: Display>>(&self, main: &str) -> Result<T, Wrong> {
        for field in self.object()?.by_preference(main) {
            if !field.text()?.trim().is_empty() {
                return field.parse();
            }
        }
        Err(self.wrong("has no text in any language"))
    }

    /// What a word of a fixed list stands for.
    pub fn one_of<T: Copy>(&self, words: &[(&str, T)]) -> Result<T, Wrong> {
        let text = self.text()?;
        let known = words.iter().find(|(word, _)| *word == text);
        known.map(|(_, meaning)| *meaning).ok_or_else(|| {
            let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.wrong(format_args!("is none of {}", words.join(", ")))
        })
    }

    /// The last part of the path of a URL.
    pub fn last_path_part<T: FromStr<Err: Display>>(&self) -> Result<T, Wrong> {
        let url = self.text()?;
        let url = url.split(['?', '#']).next().unwrap_or_default();
        let path = match url.split_once("://") {
            Some((_, rest)) => rest.split_once('/').map_or("", |(_, path)| path),
            None => url,
        };
        let part = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        part.parse().map_err(|why| self.wrong(why))
    }
}
