//! Random expressions of a given shape. Operators on two written numbers are left out: those have to fit 64 bits.

use super::Generator;
use super::scope::{Content, Key, MapShape, Shape};
use super::statement::NUMBERS;

pub const INTEGERS: &[&str] = &["int64", "int8", "int16", "int32", "uint8", "uint16", "uint32", "uint64"];

/// Beyond it everything is a literal or a variable.
const DEPTH: usize = 4;

impl Generator<'_> {
    /// An expression of that shape.
    pub fn value(&mut self, shape: &Shape, depth: usize) -> String {
        match shape {
            Shape::Integer => self.integer(depth),
            Shape::Text => self.text(depth),
            Shape::Tuple(_) | Shape::Record(_) if self.choices.percent(20) && !self.held(shape).is_empty() => {
                let held = self.held(shape);
                self.choices.pick(&held)
            }
            Shape::Tuple(elements) => {
                let elements: Vec<String> = elements.iter().map(|element| self.value(element, depth + 1)).collect();
                format!("({})", elements.join(", "))
            }
            Shape::Record(fields) => {
                let fields = fields.iter().map(|(name, field)| format!("{name} = {}", self.value(field, depth + 1)));
                format!("({})", fields.collect::<Vec<_>>().join(", "))
            }
        }
    }

    pub fn integer(&mut self, depth: usize) -> String {
        let inner = depth + 1;
        match self.choices.below(if depth >= DEPTH { 40 } else { 100 }) {
            0..=14 => self.number(),
            15..=29 => self.integer_to_find_out(),
            30..=39 => self.held_or(&Shape::Integer, "cpu"),
            40..=57 => {
                let operator = self.choices.pick(&["+", "-", "*", "&", "|", "^"]);
                self.binary(operator, inner)
            }
            58..=62 => {
                let operator = self.choices.pick(&["/", "%"]);
                format!("({} {operator} ({} | 1))", self.computed(inner), self.computed(inner))
            }
            63..=67 => {
                let operator = self.choices.pick(&["<<", ">>"]);
                let distance = match self.choices.below(3) {
                    0 => self.choices.pick(&["1", "3", "8", "31", "63"]).to_owned(),
                    _ => format!("({} & 63)", self.computed(inner)),
                };
                format!("({} {operator} {distance})", self.computed(inner))
            }
            68..=73 => format!("({}){}", self.choices.pick(INTEGERS), self.operand(inner)),
            74..=78 => format!("({} ? {} : {})", self.condition(inner), self.integer(inner), self.integer(inner)),
            79..=82 => format!("{}({})", self.choices.pick(&["-", "~", "+"]), self.computed(inner)),
            83..=86 => self.element_of_shape(&Shape::Integer, inner).unwrap_or_else(|| self.number()),
            87..=88 => self.of_text(inner),
            89 => format!("bswap(({}){})", self.choices.pick(&["uint16", "uint32", "uint64"]), self.operand(inner)),
            90..=94 => self.macro_call(inner),
            95..=96 => self.block_value(inner),
            97 => format!("(int64){}", self.condition(inner)),
            98 => format!("sizeof({})", self.choices.pick(&["int32", "uint8", "struct task_struct"])),
            _ => self.aggregate(inner),
        }
    }

    /// A string.
    pub fn text(&mut self, depth: usize) -> String {
        let inner = depth + 1;
        match self.choices.below(if depth >= DEPTH { 60 } else { 100 }) {
            0..=34 => self.quoted(),
            35..=49 => self.held_or(&Shape::Text, "comm"),
            50..=59 => {
                self.choices.pick(&["comm", "pcomm", "curtask.comm", "str(curtask.comm)", "str(comm, 5)"]).to_owned()
            }
            60..=69 if !self.probe.texts.is_empty() => self.choices.pick(self.probe.texts).to_owned(),
            60..=76 => format!("({} ? {} : {})", self.condition(inner), self.text(inner), self.text(inner)),
            77..=88 => self.element_of_shape(&Shape::Text, inner).unwrap_or_else(|| self.quoted()),
            _ if self.loops == 0 => format!("str_concat({}, {})", self.text(depth + 2), self.text(depth + 2)),
            _ => self.quoted(),
        }
    }

    /// A condition, maybe one that is decided when compiling.
    pub fn condition(&mut self, depth: usize) -> String {
        let inner = depth + 1;
        match self.choices.below(if depth >= DEPTH { 50 } else { 100 }) {
            0..=49 => {
                let operator = self.choices.pick(&["==", "!=", "<", ">", "<=", ">="]);
                self.binary(operator, inner)
            }
            50..=64 => {
                format!("({} {} {})", self.text(inner), self.choices.pick(&["==", "!="]), self.text(inner))
            }
            65..=79 => {
                format!("({} {} {})", self.condition(inner), self.choices.pick(&["&&", "||"]), self.condition(inner))
            }
            80..=84 => format!("!{}", self.condition(inner)),
            85..=92 => match self.keyed_map() {
                Some((map, key)) => format!("has_key({}, {})", map.name, self.value(&key, inner)),
                None => "true".to_owned(),
            },
            93..=96 => format!("strcontains({}, {})", self.text(inner), self.quoted()),
            _ => "true".to_owned(),
        }
    }

    /// A condition that is not decided when compiling: what is known not to run is not looked at, so a map that is
    /// assigned there alone would be one that nothing assigns.
    pub fn condition_to_find_out(&mut self) -> String {
        let operator = self.choices.pick(&["==", "!=", "<", ">", "<=", ">="]);
        let first = format!("({} {operator} {})", self.integer_to_find_out(), self.integer(1));
        match self.choices.below(4) {
            0 => format!("({first} {} {})", self.choices.pick(&["&&", "||"]), self.condition(1)),
            _ => first,
        }
    }

    /// An element of a map, if there is a map of such.
    fn element_of_shape(&mut self, shape: &Shape, depth: usize) -> Option<String> {
        let content = Content::Plain(shape.clone());
        let maps = self.maps_that(|map| map.content == content);
        if maps.is_empty() {
            return None;
        }
        let map = self.choices.pick(&maps);
        Some(self.element(&map, depth))
    }

    /// `@map` or `@map[key]`.
    pub fn element(&mut self, map: &MapShape, depth: usize) -> String {
        match &map.key {
            Key::None => map.name.clone(),
            Key::Stack(stack) => format!("{}[{stack}]", map.name),
            Key::Of(Shape::Tuple(elements)) if self.choices.percent(70) => {
                let keys: Vec<String> = elements.iter().map(|element| self.value(element, depth + 1)).collect();
                format!("{}[{}]", map.name, keys.join(", "))
            }
            Key::Of(shape) => format!("{}[{}]", map.name, self.value(shape, depth + 1)),
        }
    }

    /// A map with a key that can be written as an expression.
    pub fn keyed_map(&mut self) -> Option<(MapShape, Shape)> {
        let maps = self.maps_that(|map| matches!(map.key, Key::Of(_)));
        if maps.is_empty() {
            return None;
        }
        let map = self.choices.pick(&maps);
        match map.key.clone() {
            Key::Of(shape) => Some((map, shape)),
            Key::None | Key::Stack(_) => None,
        }
    }

    fn binary(&mut self, operator: &str, depth: usize) -> String {
        let (left, mut right) = (self.integer(depth), self.integer(depth));
        if is_written(&left) && is_written(&right) {
            right = format!("(int64)({right})");
        }
        format!("({left} {operator} {right})")
    }

    /// An integer that is no written number.
    fn computed(&mut self, depth: usize) -> String {
        let value = self.integer(depth);
        if is_written(&value) { format!("({})({value})", self.choices.pick(INTEGERS)) } else { value }
    }

    /// What a cast may stand before.
    fn operand(&mut self, depth: usize) -> String {
        let value = self.integer(depth);
        if value.starts_with('(') { value } else { format!("({value})") }
    }

    fn integer_to_find_out(&mut self) -> String {
        let held = self.held(&Shape::Integer);
        let held: Vec<String> = held.into_iter().filter(|name| name.starts_with('$')).collect();
        if !held.is_empty() && self.choices.percent(60) {
            return self.choices.pick(&held);
        }
        if !self.probe.integers.is_empty() && self.choices.percent(40) {
            return self.choices.pick(self.probe.integers).to_owned();
        }
        let everywhere = [
            "pid",
            "tid",
            "uid",
            "gid",
            "cpu",
            "nsecs",
            "elapsed",
            "rand",
            "jiffies",
            "numaid",
            "ppid",
            "curtask.pid",
            "curtask->prio",
            "(uint64)curtask.utime",
            "curtask.parent.tgid",
            "cgroup",
        ];
        self.choices.pick(&everywhere).to_owned()
    }

    fn held_or(&mut self, shape: &Shape, otherwise: &str) -> String {
        let held = self.held(shape);
        if held.is_empty() { otherwise.to_owned() } else { self.choices.pick(&held) }
    }

    fn number(&mut self) -> String {
        match self.choices.below(10) {
            0..=4 => self.choices.below(11).to_string(),
            5..=6 => self.choices.below(70000).to_string(),
            7 => format!("{:#x}", self.choices.bits()),
            8 => format!("-{}", 1 + self.choices.below(200)),
            _ => {
                let edges = [
                    "255",
                    "256",
                    "65535",
                    "4294967295",
                    "4294967296",
                    "2147483648",
                    "9223372036854775807",
                    "18446744073709551615",
                    "-9223372036854775807",
                    "1ms",
                    "2s",
                    "1e3",
                    "7ULL",
                    "'x'",
                ];
                self.choices.pick(&edges).to_owned()
            }
        }
    }

    pub fn quoted(&mut self) -> String {
        let pieces = ["a", "b", "xyz", " ", "%d", "\\n", "\\\"", "é", "0", "/proc/"];
        let text: String = (0..self.choices.below(7)).map(|_| self.choices.pick(&pieces)).collect();
        format!("\"{text}\"")
    }

    fn of_text(&mut self, depth: usize) -> String {
        match self.choices.below(3) {
            0 => format!("strlen({})", self.text(depth)),
            1 => {
                let length = 1 + self.choices.below(20);
                format!("strncmp({}, {}, {length})", self.text(depth), self.text(depth))
            }
            _ => format!("(int64)strcontains({}, {})", self.text(depth), self.quoted()),
        }
    }

    fn macro_call(&mut self, depth: usize) -> String {
        if self.macros.is_empty() {
            return self.number();
        }
        let known = self.macros.clone();
        let called = self.choices.pick(&known);
        // Arguments are put in wherever they are used: short ones keep scripts from growing without end.
        let arguments: Vec<String> = (0..called.parameters).map(|_| self.integer(depth.max(DEPTH - 1))).collect();
        format!("{}({})", called.name, arguments.join(", "))
    }

    /// `{ let $x = …; … }`.
    fn block_value(&mut self, depth: usize) -> String {
        let name = self.name("$b");
        let first = self.integer(depth);
        self.scopes.push(Vec::new());
        self.declare(super::Variable::fixed(name.clone(), Shape::Integer));
        let last = self.integer(depth);
        self.scopes.pop();
        format!("({{ let {name} = (int64)({first}); {last} }})")
    }

    /// The value of an aggregation.
    fn aggregate(&mut self, depth: usize) -> String {
        let maps = self.maps_that(|map| match map.content {
            Content::Plain(_) => false,
            Content::Aggregation(start, _) => NUMBERS.contains(&start),
        });
        if maps.is_empty() {
            return self.number();
        }
        let map = self.choices.pick(&maps);
        format!("(int64){}", self.element(&map, depth))
    }
}

/// A number that is written out, with or without a sign.
fn is_written(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit() || "+-~'".contains(first))
}
