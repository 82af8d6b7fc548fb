//! Typed tree to intermediate representation, and the manifest that goes with it.
//!
//! Invariants that hold in all memory this stage makes: strings are zero behind their NUL, and padding between fields is
//! zero, so that keys hash alike and strings compare by words. Scalars are kept extended to 64 bits by their type.

mod aggregate;
mod aggregation;
mod cast;
mod emit;
mod expression;
mod flow;
mod globals;
mod join;
mod kernel_function;
mod load;
mod locals;
mod loops;
mod map;
mod operator;
mod own_memory;
mod packet;
mod scan;
mod search;
mod session;
mod shared;
mod short_key;
mod stack;
mod statement;
mod string;
mod system_call;
mod text_record;
mod unwind;
mod value_type;

use crate::hir::{self, AttachPoint, ContextKind, ProbeProgram};
use crate::ir::{
    Address, BinaryOp, Comparison, FunctionBuilder, FunctionId, FunctionKind, Helper, Instruction, MapId, MemorySize,
    Module, Slot, Value, Width,
};
use crate::settings::Settings;
use crate::types::{StructLayouts, Type};
use globals::Globals;
use lancet_kernel::{Features, Kernel};
use lancet_manifest::{
    self as manifest, Attachment, Counter, InitialValue, Location, Manifest, Outcome, ProbeName, Program,
};
use lancet_syntax::span::{SourceMap, Span};
use locals::{Home, Kept};
use loops::Frame;
pub use search::{LONGEST_SEARCHED, can_search};
use short_key::KernelMaps;
pub use stack::StackSource;
use system_call::Called;
pub use value_type::value_type;

/// What lowering needs to know besides the program.
pub struct Target<'a> {
    /// What the kernel can do.
    pub features: &'a Features,
    /// Layouts of structs.
    pub structs: &'a dyn StructLayouts,
    /// For places in messages.
    pub sources: &'a SourceMap,
    /// Number of possible CPUs.
    pub possible_cpus: u32,
    /// What the user set.
    pub settings: &'a Settings,
    /// The kernel, for numbers of its functions.
    pub kernel: &'a dyn Kernel,
}

/// Lowers a program to a module and its manifest.
pub fn lower(program: &hir::Program, target: &Target<'_>) -> (Module, Manifest) {
    let mut lowerer = Lowerer::new(program, target);
    lowerer.make_maps();
    let mut probes = program.probes.iter().peekable();
    while let Some(probe) = probes.next() {
        let session = probes.peek().and_then(|next| lowerer.as_session(probe, next));
        if let Some(session) = session {
            probes.next();
            lowerer.session(session);
            continue;
        }
        for part in &probe.programs {
            lowerer.program(probe, part);
        }
    }
    lowerer.finish()
}

/// Whether events run the program, rather than this tool.
fn is_fired(part: &ProbeProgram) -> bool {
    use manifest::Target as To;
    let own = |point: &AttachPoint| {
        matches!(point.target, To::Begin | To::End | To::Test { .. } | To::Bench { .. } | To::Signal { .. })
    };
    !part.attach_points.iter().any(own)
}

/// Whether the program is run by the clock.
fn is_timer(part: &ProbeProgram) -> bool {
    use manifest::Target as To;
    part.attach_points.iter().any(|point| matches!(point.target, To::Interval { .. } | To::Profile { .. }))
}

/// True for probes of the kernel, which `-p` limits by a test; others are limited where they are attached, or are none of
/// a process's business.
fn fires_for_any_process(part: &ProbeProgram) -> bool {
    part.attach_points.iter().any(|point| {
        matches!(
            point.target,
            manifest::Target::Tracepoint { .. }
                | manifest::Target::RawTracepoint { .. }
                | manifest::Target::SystemCall { .. }
                | manifest::Target::KernelFunction { .. }
                | manifest::Target::Trampoline { .. }
                | manifest::Target::BpfFunction { .. }
        )
    })
}

/// The state of lowering; builtins make their code through its public methods.
pub struct Lowerer<'a> {
    target: &'a Target<'a>,
    program: &'a hir::Program,
    module: Module,
    manifest: Manifest,
    globals: Globals,
    maps: Vec<KernelMaps>,
    ring_buffer: Option<MapId>,
    packets: Option<MapId>,
    stacks: Option<MapId>,
    unwinder: Option<unwind::Unwinder>,
    builder: FunctionBuilder,
    part: Option<&'a ProbeProgram>,
    probe: Option<&'a hir::Probe>,
    /// Functions that programs share, by name.
    shared: Vec<(String, FunctionId)>,
    /// Index in the manifest of the first probe name of this program.
    first_probe: u32,
    /// How much higher than the attach cookie the number of the probe is: in the second half of a session.
    behind_cookie: u32,
    /// The kernel's functions that were asked for.
    kernel_functions: Vec<kernel_function::Known>,
    /// Which system call the program runs for, where it serves many.
    called: Option<Called>,
    locals: Vec<Kept>,
    local_types: &'a [hir::Local],
    loops: Vec<flow::Loop>,
    frame: Option<Frame>,
    off_stack: Option<locals::OffStack>,
    /// Some event ends the script.
    ends: bool,
    functions: u32,
    /// Hashes frames of a stack trace.
    hashing_callback: Option<crate::ir::FunctionId>,
}

impl<'a> Lowerer<'a> {
    fn new(program: &'a hir::Program, target: &'a Target<'a>) -> Self {
        let manifest = Manifest {
            version: manifest::VERSION,
            accounts: target.settings.account,
            config: target.settings.config.runtime.clone(),
            ..Manifest::default()
        };
        Self {
            target,
            program,
            module: Module::default(),
            manifest,
            globals: Globals::default(),
            maps: Vec::new(),
            ring_buffer: None,
            packets: None,
            stacks: None,
            unwinder: None,
            builder: FunctionBuilder::new("", FunctionKind::Subprogram, 0),
            part: None,
            probe: None,
            shared: Vec::new(),
            first_probe: 0,
            behind_cookie: 0,
            kernel_functions: Vec::new(),
            called: None,
            locals: Vec::new(),
            local_types: &[],
            loops: Vec::new(),
            frame: None,
            off_stack: None,
            ends: program.probes.iter().any(|probe| hir::calls("exit", probe)),
            functions: 0,
            hashing_callback: None,
        }
    }

    fn finish(mut self) -> (Module, Manifest) {
        self.finish_globals();
        (self.module, self.manifest)
    }

    /// One eBPF program: predicate, action, return 0.
    fn program(&mut self, probe: &'a hir::Probe, part: &'a ProbeProgram) {
        let symbol = self.symbol(part);
        self.first_probe = self.describe(part, &symbol);
        self.begin(symbol, part.section.clone(), probe.span);
        self.whole_action(probe, part);
        self.end();
    }

    fn begin(&mut self, symbol: String, section: String, span: Span) {
        self.builder = FunctionBuilder::new(symbol, FunctionKind::Program { section }, 1);
        self.builder.set_span(span);
    }

    fn end(&mut self) {
        let built = std::mem::replace(&mut self.builder, FunctionBuilder::new("", FunctionKind::Subprogram, 0));
        self.module.functions.push(built.finish());
    }

    /// What runs when the probe fires.
    fn whole_action(&mut self, probe: &'a hir::Probe, part: &'a ProbeProgram) {
        self.part = Some(part);
        self.probe = Some(probe);
        self.make_locals(probe);
        if let ContextKind::Iterator { object: Some(offset) } = part.context {
            let context = self.context();
            let object = self.load8(Address::Pointer(context, offset as i32));
            self.go_on_if(object);
        }
        if let ContextKind::SystemCall { moment, status } = part.context {
            self.go_on_if_called(moment, status);
        }
        // What has ended is not counted on, however long the runtime takes to hear of it.
        if is_fired(part) && (hir::calls("exit", probe) || (is_timer(part) && self.ends)) {
            let running = self.initial(InitialValue::Running);
            self.go_on_if(running);
        }
        if let Some(process) = self.target.settings.pid.filter(|_| fires_for_any_process(part)) {
            let (current, wanted) = (self.process_id(), self.constant(i64::from(process)));
            let same = self.compare(Comparison::Equal, current, wanted);
            self.go_on_if(same);
        }
        if let Some(predicate) = &probe.predicate {
            let holds = self.scalar(predicate);
            self.go_on_if_or(holds, |lowerer| lowerer.account(Outcome::Filtered));
        }
        self.statements(&probe.body);
        self.return_zero();
        (self.part, self.probe, self.called) = (None, None, None);
    }

    /// Ends the program unless the condition holds.
    fn go_on_if(&mut self, condition: Value) {
        self.go_on_if_or(condition, |_| {});
    }

    fn go_on_if_or(&mut self, condition: Value, otherwise: impl FnOnce(&mut Self)) {
        let (action, skip) = (self.builder.block(), self.builder.block());
        self.builder.branch(condition, action, skip);
        self.builder.seal(action);
        self.builder.seal(skip);
        self.builder.switch_to(skip);
        otherwise(self);
        self.return_zero();
        self.builder.switch_to(action);
    }

    /// Counts what became of the program's event, where that is asked for.
    fn account(&mut self, outcome: Outcome) {
        if self.target.settings.account
            && let Some(program) = self.manifest.programs.len().checked_sub(1)
        {
            self.count(Counter::Outcome(program as u32, outcome));
        }
    }

    fn symbol(&mut self, part: &ProbeProgram) -> String {
        let name = part.attach_points.first().map_or("", |point| point.name.as_str());
        let mangled: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).take(48).collect();
        self.functions += 1;
        format!("p{}_{mangled}", self.functions - 1)
    }

    /// Adds the program to the manifest; the index of its first probe.
    fn describe(&mut self, part: &ProbeProgram, symbol: &str) -> u32 {
        let mut attachments = Vec::new();
        for point in &part.attach_points {
            attachments.push(Attachment { probe: self.name_probe(point), target: point.target.clone() });
        }
        let first = attachments.first().map_or(0, |attachment| attachment.probe);
        let program = Program { symbol: symbol.to_owned(), attachments, multi: part.multi, session: false };
        self.manifest.programs.push(program);
        first
    }

    /// The index of a probe's name in the manifest. Programs for different places of one USDT probe share it.
    fn name_probe(&mut self, point: &hir::AttachPoint) -> u32 {
        let (name, provider) = (point.name.clone(), point.provider.clone());
        let probe = ProbeName { name, provider, location: self.location(point.span) };
        let is_usdt = matches!(point.target, manifest::Target::Usdt { .. });
        let known = self.manifest.probes.iter().position(|known| is_usdt && *known == probe);
        let index = known.unwrap_or(self.manifest.probes.len());
        if known.is_none() {
            self.manifest.probes.push(probe);
        }
        index as u32
    }

    fn return_zero(&mut self) {
        if !self.builder.is_terminated() {
            let zero = self.constant(0);
            self.builder.terminate(crate::ir::Terminator::Return(zero));
        }
    }

    /// Bytes of a type.
    pub fn size_of(&self, ty: &Type) -> u32 {
        ty.size(self.target.structs)
    }

    /// What the target's kernel can do.
    pub fn features(&self) -> &'a Features {
        self.target.features
    }

    /// Number of CPUs that the target's kernel can have.
    pub fn possible_cpus(&self) -> u32 {
        self.target.possible_cpus
    }

    /// What the program's context points to.
    pub fn context_kind(&self) -> ContextKind {
        self.part.map_or(ContextKind::None, |part| part.context)
    }

    /// The place of a part of the script, for messages at run time.
    pub fn location(&self, span: Span) -> Location {
        let (start, end) = (self.target.sources.start(span), self.target.sources.end(span));
        let end_column = if end.line == start.line { end.column } else { start.column };
        Location {
            file: self.target.sources.file(span.file).name.clone(),
            line: start.line,
            column: start.column,
            end_column,
        }
    }

    /// Appends an instruction that has a result.
    pub fn value(&mut self, instruction: Instruction) -> Value {
        self.builder.value(instruction)
    }

    /// Appends an instruction for its effect.
    pub fn push(&mut self, instruction: Instruction) {
        let empty = matches!(&instruction, Instruction::Zero { size: 0, .. } | Instruction::Copy { size: 0, .. });
        if !empty {
            self.builder.push(instruction);
        }
    }

    /// A constant.
    pub fn constant(&mut self, value: i64) -> Value {
        self.value(Instruction::Const(value))
    }

    /// Whether a value is this number, whatever happens.
    pub(super) fn is_constant(&self, value: Value, number: i64) -> bool {
        matches!(self.builder.function().definition(value), Some(Instruction::Const(known)) if *known == number)
    }

    /// 64-bit arithmetic.
    pub fn binary(&mut self, op: BinaryOp, a: Value, b: Value) -> Value {
        self.value(Instruction::Binary(op, Width::W64, a, b))
    }

    /// Adds a constant.
    pub fn add_constant(&mut self, value: Value, number: i64) -> Value {
        if number == 0 {
            return value;
        }
        let number = self.constant(number);
        self.binary(BinaryOp::Add, value, number)
    }

    /// A 64-bit comparison: 0 or 1.
    pub fn compare(&mut self, comparison: Comparison, a: Value, b: Value) -> Value {
        self.value(Instruction::Compare(comparison, Width::W64, a, b))
    }

    /// A helper call.
    pub fn call(&mut self, helper: Helper, arguments: &[Value]) -> Value {
        self.value(Instruction::Call(helper, arguments.to_vec()))
    }

    /// Loads 8 bytes.
    pub fn load8(&mut self, address: Address) -> Value {
        self.value(Instruction::Load { address, size: MemorySize::B8, signed: false })
    }

    /// Stores 8 bytes.
    pub fn store8(&mut self, address: Address, value: Value) {
        self.push(Instruction::Store { address, size: MemorySize::B8, value });
    }

    /// Adds to 8 bytes of a map's value, whoever else does.
    pub fn atomic_add(&mut self, address: Address, value: Value) {
        self.push(Instruction::AtomicAdd { address, size: MemorySize::B8, value, fetch: false });
    }

    /// New memory with undefined contents.
    pub fn slot(&mut self, size: u32, align: u32, name: &str) -> Slot {
        self.builder.slot(size.max(1), align, name)
    }

    /// An address as a helper's argument.
    pub fn address_of(&mut self, address: Address) -> Value {
        match address {
            Address::Slot(slot, offset) => self.value(Instruction::SlotAddress(slot, offset)),
            Address::Pointer(pointer, offset) => self.add_constant(pointer, i64::from(offset)),
        }
    }

    /// An address some bytes on.
    pub fn offset_address(&mut self, address: Address, bytes: u32) -> Address {
        match address {
            Address::Slot(slot, offset) => Address::Slot(slot, offset + bytes),
            Address::Pointer(pointer, offset) => Address::Pointer(pointer, offset + bytes as i32),
        }
    }

    /// Shifts and masks: the low 32 bits.
    fn low_half(&mut self, value: Value) -> Value {
        let mask = self.constant(0xffff_ffff);
        self.binary(BinaryOp::And, value, mask)
    }

    /// The process id as this tool's pid namespace sees it.
    pub fn process_id(&mut self) -> Value {
        if self.target.settings.nested_pid_namespace {
            return self.namespace_id(4);
        }
        self.initial_process_id()
    }

    /// The process id as the initial pid namespace sees it.
    pub fn initial_process_id(&mut self) -> Value {
        let both = self.call(Helper::GET_CURRENT_PID_TGID, &[]);
        let bits = self.constant(32);
        self.binary(BinaryOp::ShiftRight, both, bits)
    }

    /// The thread id as this tool's pid namespace sees it.
    pub fn thread_id(&mut self) -> Value {
        if self.target.settings.nested_pid_namespace {
            return self.namespace_id(0);
        }
        self.initial_thread_id()
    }

    /// The thread id as the initial pid namespace sees it.
    pub fn initial_thread_id(&mut self) -> Value {
        let both = self.call(Helper::GET_CURRENT_PID_TGID, &[]);
        self.low_half(both)
    }

    /// A field of struct bpf_pidns_info: pid at 0, tgid at 4.
    fn namespace_id(&mut self, offset: u32) -> Value {
        let info = self.slot(8, 8, "namespace_ids");
        self.push(Instruction::Zero { address: Address::Slot(info, 0), size: 8 });
        let device = self.initial(manifest::InitialValue::PidNamespaceDevice);
        let inode = self.initial(manifest::InitialValue::PidNamespaceInode);
        let (address, size) = (self.address_of(Address::Slot(info, 0)), self.constant(8));
        self.call(Helper::GET_NS_CURRENT_PID_TGID, &[device, inode, address, size]);
        self.value(Instruction::Load { address: Address::Slot(info, offset), size: MemorySize::B4, signed: false })
    }

    /// The index of the probe that fired, in the manifest's list.
    pub fn probe_index(&mut self) -> Value {
        match self.part {
            Some(part) if part.attach_points.len() > 1 => {
                if let ContextKind::SystemCall { moment, .. } = part.context {
                    return self.called_probe(moment);
                }
                let cookie = self.attach_cookie();
                let has_variants =
                    part.attach_points.iter().any(|point| matches!(point.target, manifest::Target::Usdt { .. }));
                if !has_variants {
                    return self.add_constant(cookie, i64::from(self.behind_cookie));
                }
                let low = self.constant(i64::from(u32::MAX));
                self.binary(BinaryOp::And, cookie, low)
            }
            _ => self.constant(i64::from(self.first_probe)),
        }
    }

    /// Which description of its arguments holds at the place of a USDT probe that fired.
    pub fn usdt_variant(&mut self) -> Value {
        let (cookie, half) = (self.attach_cookie(), self.constant(32));
        self.binary(BinaryOp::ShiftRight, cookie, half)
    }

    fn attach_cookie(&mut self) -> Value {
        let context = self.context();
        self.call(Helper::GET_ATTACH_COOKIE, &[context])
    }

    /// The address of the function that is traced.
    pub fn function_address(&mut self) -> Value {
        const INSTRUCTION_POINTER: i32 = 128; // struct pt_regs
        let context = self.context();
        let in_program_entry = self.part.is_some_and(|part| part.section.starts_with("uprobe"));
        if self.target.features.func_ip && !in_program_entry {
            return self.call(Helper::GET_FUNC_IP, &[context]);
        }
        let ip = self.load8(Address::Pointer(context, INSTRUCTION_POINTER));
        // Handlers of kprobes see it one byte behind the breakpoint, those of uprobes on it.
        if in_program_entry { ip } else { self.add_constant(ip, -1) }
    }
}
