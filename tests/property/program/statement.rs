//! Random statements.

use super::Generator;
use super::expression::INTEGERS;
use super::scope::{Content, Key, MapShape, Shape, Variable};

/// How deep blocks nest.
const DEPTH: usize = 3;

const AGGREGATIONS: &[(&str, &str)] = &[
    ("count(", ")"),
    ("sum(", ")"),
    ("avg(", ")"),
    ("min(", ")"),
    ("max(", ")"),
    ("stats(", ")"),
    ("hist(", ")"),
    ("hist(", ", 3)"),
    ("lhist(", ", 0, 100, 10)"),
];

/// Those whose value is a number: loops and expressions can read them.
pub const NUMBERS: &[&str] = &["count(", "sum(", "avg(", "min(", "max("];

impl Generator<'_> {
    pub fn statement(&mut self, depth: usize) -> String {
        match self.choices.below(100) {
            0..=13 => self.printed(),
            14..=24 => self.formatted(),
            25..=39 => self.assignment(),
            40..=48 => self.new_variable(),
            49..=69 => self.map_assignment(),
            70..=76 if depth < DEPTH => self.branch(depth),
            77..=80 if depth < DEPTH && self.loops < 2 => self.range_loop(depth),
            81..=83 if depth < DEPTH && self.loops < 1 => self.map_loop(depth),
            84..=85 if depth < DEPTH && self.loops < 2 => self.while_loop(depth),
            86..=88 if depth < DEPTH && self.loops < 2 => {
                let times = 1 + self.choices.below(4);
                format!("unroll ({times}) {}", self.block(depth + 1))
            }
            89 if self.loops > 0 => {
                format!("if ({}) {{ {} }}", self.condition_to_find_out(), self.choices.pick(&["break;", "continue;"]))
            }
            90 => format!("if ({}) {{ return; }}", self.condition_to_find_out()),
            91..=97 => self.of_map(),
            98 => "time(\"%H:%M\\n\");".to_owned(),
            _ => "{ }".to_owned(),
        }
    }

    /// One statement or more. Each is chosen for itself, so that a smaller script can do without it.
    pub fn statements(&mut self, most: usize, depth: usize) -> Vec<String> {
        let mut statements = vec![self.statement(depth)];
        while statements.len() < most && self.choices.below(most) > 0 {
            statements.push(self.statement(depth));
        }
        statements
    }

    fn block(&mut self, depth: usize) -> String {
        self.scopes.push(Vec::new());
        let statements = self.statements(4, depth);
        self.scopes.pop();
        format!("{{ {} }}", statements.join(" "))
    }

    fn new_variable(&mut self) -> String {
        let shape = self.shape(0);
        let name = self.name("$v");
        let value = self.value(&shape, 0);
        let cast = self.choices.pick(INTEGERS);
        self.declare(Variable { name: name.clone(), shape: shape.clone(), cast: Some(cast) });
        match (shape, self.choices.below(3)) {
            (Shape::Integer, 0) => format!("let {name}: {cast} = ({cast})({value});"),
            (Shape::Integer, 1) => format!("let {name} = ({cast})({value});"),
            (Shape::Integer, _) => format!("{name} = ({cast})({value});"),
            (_, 0) => format!("let {name} = {value};"),
            _ => format!("{name} = {value};"),
        }
    }

    fn assignment(&mut self) -> String {
        let variables = self.assignable(|_| true);
        if variables.is_empty() {
            return self.new_variable();
        }
        let variable = self.choices.pick(&variables);
        let name = &variable.name;
        match (&variable.shape, variable.cast) {
            (Shape::Integer, Some(cast)) => match self.choices.below(4) {
                0 => format!("{name} = ({cast})({});", self.integer(0)),
                1 => format!("{name}{};", self.choices.pick(&["++", "--"])),
                2 => {
                    let operator = self.choices.pick(&["/=", "%="]);
                    format!("{name} {operator} (({})({}) | 1);", self.choices.pick(INTEGERS), self.integer(0))
                }
                _ => {
                    let operator = self.choices.pick(&["+=", "-=", "*=", "&=", "|=", "^="]);
                    format!("{name} {operator} ({})({});", self.choices.pick(INTEGERS), self.integer(0))
                }
            },
            (shape, _) => format!("{name} = {};", self.value(shape, 0)),
        }
    }

    fn map_assignment(&mut self) -> String {
        if self.maps.is_empty() || !self.choices.percent(60) {
            let map = self.new_map();
            let statement = self.assignment_to(&map);
            // Not before it is assigned: a map that only its own value reads is one that nothing assigns.
            self.maps.push(map);
            return statement;
        }
        let known = self.maps.clone();
        let map = self.choices.pick(&known);
        self.assignment_to(&map)
    }

    fn assignment_to(&mut self, map: &MapShape) -> String {
        let element = self.element(map, 0);
        match &map.content {
            Content::Plain(Shape::Integer) => match self.choices.below(5) {
                0 => format!("{element}{};", self.choices.pick(&["++", "--"])),
                1 => {
                    let operator = self.choices.pick(&["+=", "-=", "*=", "|=", "^="]);
                    format!("{element} {operator} (int64)({});", self.integer(0))
                }
                _ => format!("{element} = (int64)({});", self.integer(0)),
            },
            Content::Plain(shape) => format!("{element} = {};", self.value(shape, 0)),
            Content::Aggregation("count(", _) => format!("{element} = count();"),
            Content::Aggregation(start, end) => format!("{element} = {start}(int64)({}){end};", self.integer(0)),
        }
    }

    fn new_map(&mut self) -> MapShape {
        let key = match self.choices.below(10) {
            0..=2 => Key::None,
            3 => Key::Stack(self.choices.pick(&["kstack(3)", "kstack", "ustack(2)"])),
            4..=6 => Key::Of(Shape::Integer),
            _ => Key::Of(self.shape(0)),
        };
        let content = if self.choices.percent(45) {
            let (start, end) = self.choices.pick(AGGREGATIONS);
            Content::Aggregation(start, end)
        } else {
            Content::Plain(self.shape(0))
        };
        let declared = key != Key::None && matches!(content, Content::Plain(_)) && self.choices.percent(10);
        let kind = declared.then(|| self.choices.pick(&["hash(64)", "lruhash(64)"]));
        MapShape { name: self.name("@m"), key, content, kind }
    }

    fn branch(&mut self, depth: usize) -> String {
        let condition = self.condition_to_find_out();
        let then = self.block(depth + 1);
        match self.choices.below(5) {
            0..=2 => format!("if ({condition}) {then}"),
            3 => format!("if ({condition}) {then} else {}", self.block(depth + 1)),
            _ => {
                let other = self.condition_to_find_out();
                format!(
                    "if ({condition}) {then} else if ({other}) {} else {}",
                    self.block(depth + 1),
                    self.block(depth + 1)
                )
            }
        }
    }

    fn range_loop(&mut self, depth: usize) -> String {
        let start = match self.choices.below(3) {
            0 => "0".to_owned(),
            1 => "-2".to_owned(),
            _ => format!("(int64)({} % 3)", self.choices.pick(&["pid", "cpu", "(int64)nsecs"])),
        };
        let end = match self.choices.below(3) {
            0 => "3".to_owned(),
            1 => "5".to_owned(),
            _ => format!("(int64)(({}) & 7)", self.choices.pick(&["pid", "cpu", "nsecs"])),
        };
        let name = self.name("$i");
        let body = self.loop_body(Variable::fixed(name.clone(), Shape::Integer), depth, "");
        format!("for ({name} : {start}..{end}) {body}")
    }

    fn map_loop(&mut self, depth: usize) -> String {
        let is_looked_at = |map: &MapShape| match map.content {
            Content::Plain(_) => true,
            Content::Aggregation(start, _) => NUMBERS.contains(&start),
        };
        let maps = self.maps_that(|map| map.key != Key::None && is_looked_at(map));
        if maps.is_empty() {
            return self.map_assignment();
        }
        let map = self.choices.pick(&maps);
        let name = self.name("$p");
        let (shape, start) = match (map.key, map.content) {
            (Key::Of(key), Content::Plain(value)) => (Shape::Tuple(vec![key, value]), format!("print({name}); ")),
            (Key::Of(key), Content::Aggregation(..)) => (Shape::Tuple(vec![key]), format!("print({name}.0); ")),
            // A stack is nothing to calculate with.
            (Key::None | Key::Stack(_), _) => (Shape::Tuple(Vec::new()), format!("print({name}.0); ")),
        };
        let body = self.loop_body(Variable::fixed(name.clone(), shape), depth, &start);
        format!("for ({name} : {}) {body}", map.name)
    }

    fn while_loop(&mut self, depth: usize) -> String {
        let name = self.name("$w");
        let limit = 1 + self.choices.below(5);
        let body = self.loop_body(Variable::fixed(name.clone(), Shape::Integer), depth, &format!("{name}++; "));
        format!("{{ let {name} = 0; while ({name} < {limit}) {body} }}")
    }

    fn loop_body(&mut self, variable: Variable, depth: usize, start: &str) -> String {
        self.loops += 1;
        self.scopes.push(vec![variable]);
        let body = self.block(depth + 1);
        self.scopes.pop();
        self.loops -= 1;
        format!("{{ {start}{}", &body[2..])
    }

    fn formatted(&mut self) -> String {
        let (mut format, mut arguments) = (Vec::new(), String::new());
        for _ in 0..self.choices.below(5) {
            let value = if self.choices.percent(40) {
                format.push(self.choices.pick(&["%s", "%10s", "%-8s"]));
                self.text(0)
            } else {
                format.push(self.choices.pick(&["%d", "%u", "%x", "%lld", "%5d", "%-6lx", "%llu"]));
                self.integer(0)
            };
            arguments.push_str(", ");
            arguments.push_str(&value);
        }
        format!("printf(\"{}\\n\"{arguments});", format.join(" "))
    }

    fn printed(&mut self) -> String {
        let value = match self.choices.below(12) {
            0..=4 => {
                let shape = self.shape(0);
                self.value(&shape, 0)
            }
            5 => self.condition(0),
            6 => self.choices.pick(&["kstack(3)", "ustack(2)", "kstack(perf, 2)"]).to_owned(),
            7 => "*curtask.cred".to_owned(),
            8 => "strftime(\"%H\", nsecs)".to_owned(),
            9 => format!("buf({}, {})", self.text(0), 1 + self.choices.below(20)),
            10 => format!("ntop((uint32)({}))", self.integer(0)),
            _ => format!("ksym((uint64)({}))", self.integer(0)),
        };
        format!("print({value});")
    }

    /// What is done with a map as a whole, or with one of its elements.
    fn of_map(&mut self) -> String {
        if self.maps.is_empty() {
            return self.map_assignment();
        }
        let known = self.maps.clone();
        let map = self.choices.pick(&known);
        let name = &map.name;
        match (self.choices.below(7), &map.key) {
            (0, Key::Of(shape)) => format!("delete({name}, {});", self.value(shape, 0)),
            (1, Key::Of(_) | Key::Stack(_)) => format!("print(len({name}));"),
            (2, Key::Of(_) | Key::Stack(_)) => format!("print({name}, 3);"),
            (3, _) => format!("clear({name});"),
            (4, _) => format!("zero({name});"),
            (5, Key::Of(_)) if matches!(map.content, Content::Plain(_)) => format!("print({});", self.element(&map, 0)),
            _ => format!("print({name});"),
        }
    }
}
