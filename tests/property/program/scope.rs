//! What a statement of a random script may use: variables, maps and macros, with the shapes of their values.

use super::Generator;

/// The shape of a value. Widths and signedness are left to the checker.
#[derive(Clone, PartialEq, Eq)]
pub enum Shape {
    Integer,
    Text,
    Tuple(Vec<Shape>),
    Record(Vec<(String, Shape)>),
}

/// A variable, a loop variable or a macro's parameter.
#[derive(Clone)]
pub struct Variable {
    pub name: String,
    pub shape: Shape,
    /// May be assigned; integers are cast to this type first.
    pub cast: Option<&'static str>,
}

/// The key of a map.
#[derive(Clone, PartialEq, Eq)]
pub enum Key {
    None,
    Of(Shape),
    /// A stack, as it is written.
    Stack(&'static str),
}

/// What a map holds.
#[derive(Clone, PartialEq, Eq)]
pub enum Content {
    Plain(Shape),
    /// An aggregation: what stands before the number, and after it.
    Aggregation(&'static str, &'static str),
}

/// A map of the script.
#[derive(Clone)]
pub struct MapShape {
    pub name: String,
    pub key: Key,
    pub content: Content,
    pub kind: Option<&'static str>,
}

/// A macro of integers.
#[derive(Clone)]
pub struct Macro {
    pub name: String,
    pub parameters: usize,
}

impl Variable {
    /// One that is not assigned again.
    pub fn fixed(name: String, shape: Shape) -> Variable {
        Variable { name, shape, cast: None }
    }
}

impl MapShape {
    pub fn declaration(&self) -> Option<String> {
        Some(format!("let {} = {};", self.name, self.kind?))
    }
}

impl Generator<'_> {
    pub fn declare(&mut self, variable: Variable) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.push(variable);
        }
    }

    /// Every way to write a value of that shape that a variable or a part of one holds.
    pub fn held(&self, shape: &Shape) -> Vec<String> {
        let mut found = Vec::new();
        for variable in self.scopes.iter().flatten() {
            parts(&variable.name, &variable.shape, shape, &mut found);
        }
        found
    }

    /// Variables of a shape that may be assigned.
    pub fn assignable(&self, wanted: impl Fn(&Shape) -> bool) -> Vec<Variable> {
        let all = self.scopes.iter().flatten();
        all.filter(|variable| variable.cast.is_some() && wanted(&variable.shape)).cloned().collect()
    }

    pub fn maps_that(&self, wanted: impl Fn(&MapShape) -> bool) -> Vec<MapShape> {
        self.maps.iter().filter(|map| wanted(map)).cloned().collect()
    }

    /// A shape for a variable, a key or a value.
    pub fn shape(&mut self, depth: usize) -> Shape {
        match self.choices.below(if depth > 1 { 8 } else { 12 }) {
            0..=4 => Shape::Integer,
            5..=7 => Shape::Text,
            8..=10 => Shape::Tuple((0..2 + self.choices.below(2)).map(|_| self.shape(depth + 1)).collect()),
            _ => {
                let fields = ["left", "right", "more"];
                let count = 2 + self.choices.below(2);
                Shape::Record(
                    fields.iter().take(count).map(|name| ((*name).to_owned(), self.shape(depth + 1))).collect(),
                )
            }
        }
    }
}

fn parts(path: &str, shape: &Shape, wanted: &Shape, found: &mut Vec<String>) {
    if shape == wanted {
        found.push(path.to_owned());
    }
    match shape {
        Shape::Integer | Shape::Text => {}
        Shape::Tuple(elements) => {
            for (index, element) in elements.iter().enumerate() {
                parts(&format!("{path}.{index}"), element, wanted, found);
            }
        }
        Shape::Record(fields) => {
            for (name, field) in fields {
                parts(&format!("{path}.{name}"), field, wanted, found);
            }
        }
    }
}
