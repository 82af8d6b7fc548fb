//! Random scripts that are well typed: they use of the language what works on every machine, and the checker has to accept
//! each of them. What they do makes no sense.

mod expression;
mod scope;
mod statement;

use crate::choices::Choices;
use scope::{Macro, MapShape, Shape, Variable};

/// A script that ends by itself soon. Larger `size` gives longer probes.
pub fn script(choices: &mut Choices, size: usize) -> String {
    let mut generator = Generator {
        choices,
        scopes: Vec::new(),
        maps: Vec::new(),
        macros: Vec::new(),
        names: 0,
        loops: 0,
        probe: BEGIN,
    };
    let mut items = generator.head();
    let count = 1 + generator.choices.below(3);
    let mut left = PROBES.to_vec();
    for _ in 0..count {
        let chosen = generator.choices.below(left.len());
        let probe = left.remove(chosen);
        items.push(generator.probe(probe, size));
    }
    let declarations = generator.maps.iter().filter_map(MapShape::declaration);
    let mut lines: Vec<String> = declarations.collect();
    // Macros and maps may be declared anywhere: after their use too.
    let place = generator.choices.below(2) * items.len();
    lines.extend(items.drain(place..).collect::<Vec<_>>());
    items.extend(lines);
    items.push("interval:ms:20 { exit(); }".to_owned());
    items.join("\n") + "\n"
}

/// Makes one script.
struct Generator<'a> {
    choices: &'a mut Choices,
    scopes: Vec<Vec<Variable>>,
    maps: Vec<MapShape>,
    macros: Vec<Macro>,
    /// How many names are taken.
    names: usize,
    /// How many loops are around the statement.
    loops: usize,
    probe: Probe,
}

/// A probe that every machine has, with integers and strings that only it knows.
#[derive(Clone, Copy)]
struct Probe {
    attach_point: &'static str,
    integers: &'static [&'static str],
    texts: &'static [&'static str],
    /// Fires all the time: a few runs are enough, or reading what they print takes minutes.
    is_frequent: bool,
}

const BEGIN: Probe = Probe { attach_point: "begin", integers: &[], texts: &[], is_frequent: false };

const PROBES: &[Probe] = &[
    BEGIN,
    Probe { attach_point: "end", ..BEGIN },
    Probe { attach_point: "interval:ms:5", ..BEGIN },
    Probe {
        attach_point: "tracepoint:sched:sched_switch",
        integers: &["args.next_pid", "args.prev_prio", "args.prev_state"],
        texts: &["args.next_comm", "args.prev_comm"],
        is_frequent: true,
    },
    Probe {
        attach_point: "tracepoint:syscalls:sys_enter_openat",
        integers: &["args.dfd", "args.flags", "(uint64)args.filename"],
        texts: &["str(args.filename)", "str(args.filename, 9)"],
        is_frequent: true,
    },
    Probe { attach_point: "rawtracepoint:sched_switch", integers: &["arg0", "arg1"], is_frequent: true, ..BEGIN },
    Probe { attach_point: "software:cpu-clock:100000000", ..BEGIN },
    Probe { attach_point: "profile:hz:10", ..BEGIN },
    Probe { attach_point: "begin, end", ..BEGIN },
    Probe { attach_point: "tracepoint:syscalls:sys_enter_getppid, tracepoint:syscalls:sys_exit_getppid", ..BEGIN },
];

impl Generator<'_> {
    /// What stands before the probes.
    fn head(&mut self) -> Vec<String> {
        let mut items = Vec::new();
        if self.choices.percent(15) {
            let setting = self.choices.pick(&[
                "max_strlen = 32",
                "on_stack_limit = 8",
                "on_stack_limit = 200",
                "max_strlen = 200; max_map_keys = 100",
                "stack_mode = perf",
            ]);
            items.push(format!("config = {{ {setting} }}"));
        }
        for _ in 0..self.choices.below(6).saturating_sub(3) {
            items.push(self.definition());
        }
        items
    }

    /// A macro on integers. It sees nothing but its parameters, and no macro that comes later.
    fn definition(&mut self) -> String {
        let name = self.name("m");
        let parameters: Vec<String> = (0..self.choices.below(3)).map(|_| self.name("a")).collect();
        let known = parameters.iter().map(|name| Variable::fixed(name.clone(), Shape::Integer)).collect();
        self.scopes = vec![known];
        let body = if self.choices.percent(40) {
            let local = self.name("$l");
            let value = self.integer(2);
            self.declare(Variable::fixed(local.clone(), Shape::Integer));
            format!("let {local} = (int64)({value}); {}", self.integer(2))
        } else {
            self.integer(2)
        };
        self.scopes.clear();
        self.macros.push(Macro { name: name.clone(), parameters: parameters.len() });
        format!("macro {name}({}) {{ {body} }}", parameters.join(", "))
    }

    fn probe(&mut self, probe: Probe, size: usize) -> String {
        self.probe = probe;
        self.scopes = vec![Vec::new()];
        let mut conditions = Vec::new();
        if probe.is_frequent {
            conditions.push("@runs++ < 20".to_owned());
        }
        if self.choices.percent(20) {
            conditions.push(self.condition_to_find_out());
        }
        let predicate = match conditions.join(" && ") {
            none if none.is_empty() => String::new(),
            all => format!(" /{all}/"),
        };
        let statements = self.statements(8 * size, 0);
        format!("{}{predicate} {{\n  {}\n}}", probe.attach_point, statements.join("\n  "))
    }

    /// A name that nothing else has.
    fn name(&mut self, start: &str) -> String {
        self.names += 1;
        format!("{start}{}", self.names)
    }
}
