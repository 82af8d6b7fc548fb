//! Instructions and terminators.

use super::{Block, FunctionId, GlobalId, MapId, Slot, Value};
use smallvec::{SmallVec, smallvec};

/// How wide arithmetic and comparisons are. 32-bit results are zero-extended to 64 bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Width {
    /// 32 bits.
    W32,
    /// 64 bits.
    W64,
}

/// How many bytes a load or store moves.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum MemorySize {
    /// One byte.
    B1,
    /// Two bytes.
    B2,
    /// Four bytes.
    B4,
    /// Eight bytes.
    B8,
}

impl MemorySize {
    /// Number of bytes.
    pub const fn bytes(self) -> u32 {
        match self {
            Self::B1 => 1,
            Self::B2 => 2,
            Self::B4 => 4,
            Self::B8 => 8,
        }
    }

    /// The largest of which one fits into that many bytes.
    pub fn largest_within(bytes: u32) -> Self {
        match bytes {
            8.. => Self::B8,
            4..=7 => Self::B4,
            2..=3 => Self::B2,
            _ => Self::B1,
        }
    }

    /// The size of that many bytes, if there is one.
    pub fn from_bytes(bytes: u32) -> Option<Self> {
        match bytes {
            1 => Some(Self::B1),
            2 => Some(Self::B2),
            4 => Some(Self::B4),
            8 => Some(Self::B8),
            _ => None,
        }
    }
}

/// Where memory is accessed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Address {
    /// Bytes into a slot.
    Slot(Slot, u32),
    /// Bytes from a pointer: context, map value, ring-buffer record, BTF-typed kernel pointer.
    Pointer(Value, i32),
}

/// Two-operand arithmetic. Division by zero gives 0 and modulo by zero the dividend, as the machine has it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs)]
pub enum BinaryOp {
    Add,
    Sub,
    Mul,
    UnsignedDiv,
    UnsignedMod,
    /// Truncates toward zero; the code generator expands it where the target has no signed division.
    SignedDiv,
    /// Sign of the dividend.
    SignedMod,
    And,
    Or,
    Xor,
    /// The shift amount is taken modulo the width.
    ShiftLeft,
    /// Logical.
    ShiftRight,
    /// Arithmetic.
    SignedShiftRight,
}

/// One-operand arithmetic.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum UnaryOp {
    /// Two's complement negation.
    Negate,
    /// Bitwise not.
    Not,
    /// Zero-extends the low 1, 2 or 4 bytes.
    ZeroExtend(MemorySize),
    /// Sign-extends the low 1, 2 or 4 bytes to 64 bits.
    SignExtend(MemorySize),
    /// Swaps the low 2, 4 or 8 bytes; the rest becomes 0.
    ByteSwap(MemorySize),
}

/// Comparisons; they give 0 or 1.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs)]
pub enum Comparison {
    Equal,
    NotEqual,
    UnsignedLess,
    UnsignedLessEqual,
    UnsignedGreater,
    UnsignedGreaterEqual,
    SignedLess,
    SignedLessEqual,
    SignedGreater,
    SignedGreaterEqual,
}

/// A helper by its number in `enum bpf_func_id` (include/uapi/linux/bpf.h).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Helper(pub u32);

macro_rules! helpers {
    ($($constant:ident = $number:literal $name:literal $effect:ident;)*) => {
        impl Helper {
            $(#[doc = concat!("`bpf_", $name, "`")] pub const $constant: Helper = Helper($number);)*

            /// The helper's name without `bpf_`.
            pub fn name(self) -> &'static str { match self.0 { $($number => $name,)* _ => "unknown" } }

            /// What a call may do besides giving a result.
            pub fn effect(self) -> HelperEffect { match self.0 { $($number => HelperEffect::$effect,)* _ => HelperEffect::Writes } }
        }
    };
}

/// What a helper call may do besides giving a result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HelperEffect {
    /// Nothing, and it gives the same result each time within one event.
    Pure,
    /// Nothing, but the result differs from call to call (time, random numbers).
    Reads,
    /// It writes memory or has another effect.
    Writes,
}

helpers! {
    MAP_LOOKUP_ELEM = 1 "map_lookup_elem" Reads;
    MAP_UPDATE_ELEM = 2 "map_update_elem" Writes;
    MAP_DELETE_ELEM = 3 "map_delete_elem" Writes;
    PROBE_READ = 4 "probe_read" Writes;
    KTIME_GET_NS = 5 "ktime_get_ns" Reads;
    GET_PRANDOM_U32 = 7 "get_prandom_u32" Reads;
    GET_SMP_PROCESSOR_ID = 8 "get_smp_processor_id" Pure;
    GET_CURRENT_PID_TGID = 14 "get_current_pid_tgid" Pure;
    GET_CURRENT_UID_GID = 15 "get_current_uid_gid" Pure;
    GET_CURRENT_COMM = 16 "get_current_comm" Writes;
    GET_STACKID = 27 "get_stackid" Writes;
    GET_CURRENT_TASK = 35 "get_current_task" Pure;
    GET_NUMA_NODE_ID = 42 "get_numa_node_id" Pure;
    PROBE_WRITE_USER = 36 "probe_write_user" Writes;
    GET_SOCKET_COOKIE = 46 "get_socket_cookie" Pure;
    PROBE_READ_STR = 45 "probe_read_str" Writes;
    PERF_PROG_READ_VALUE = 56 "perf_prog_read_value" Writes;
    OVERRIDE_RETURN = 58 "override_return" Writes;
    GET_STACK = 67 "get_stack" Writes;
    GET_CURRENT_CGROUP_ID = 80 "get_current_cgroup_id" Pure;
    STRTOL = 105 "strtol" Writes;
    SEND_SIGNAL = 109 "send_signal" Writes;
    SKB_OUTPUT = 111 "skb_output" Writes;
    PROBE_READ_USER = 112 "probe_read_user" Writes;
    PROBE_READ_KERNEL = 113 "probe_read_kernel" Writes;
    PROBE_READ_USER_STR = 114 "probe_read_user_str" Writes;
    PROBE_READ_KERNEL_STR = 115 "probe_read_kernel_str" Writes;
    SEND_SIGNAL_THREAD = 117 "send_signal_thread" Writes;
    JIFFIES64 = 118 "jiffies64" Reads;
    GET_NS_CURRENT_PID_TGID = 120 "get_ns_current_pid_tgid" Writes;
    KTIME_GET_BOOT_NS = 125 "ktime_get_boot_ns" Reads;
    SEQ_WRITE = 127 "seq_write" Writes;
    RINGBUF_OUTPUT = 130 "ringbuf_output" Writes;
    RINGBUF_RESERVE = 131 "ringbuf_reserve" Writes;
    RINGBUF_SUBMIT = 132 "ringbuf_submit" Writes;
    RINGBUF_DISCARD = 133 "ringbuf_discard" Writes;
    D_PATH = 147 "d_path" Writes;
    THIS_CPU_PTR = 154 "this_cpu_ptr" Pure;
    PER_CPU_PTR = 153 "per_cpu_ptr" Pure;
    GET_CURRENT_TASK_BTF = 158 "get_current_task_btf" Pure;
    KTIME_GET_COARSE_NS = 160 "ktime_get_coarse_ns" Reads;
    FOR_EACH_MAP_ELEM = 164 "for_each_map_elem" Writes;
    GET_FUNC_IP = 173 "get_func_ip" Pure;
    GET_ATTACH_COOKIE = 174 "get_attach_cookie" Pure;
    TASK_PT_REGS = 175 "task_pt_regs" Pure;
    LOOP = 181 "loop" Writes;
    STRNCMP = 182 "strncmp" Reads;
    MAP_LOOKUP_PERCPU_ELEM = 195 "map_lookup_percpu_elem" Reads;
    KTIME_GET_TAI_NS = 208 "ktime_get_tai_ns" Reads;
}

/// What an instruction does. The result, if any, is an integer or address in a [`Value`].
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Instruction {
    /// A constant.
    Const(i64),
    /// Arithmetic.
    Binary(BinaryOp, Width, Value, Value),
    /// Arithmetic on one operand.
    Unary(UnaryOp, Value),
    /// 0 or 1.
    Compare(Comparison, Width, Value, Value),
    /// Memory to value, zero-extended or sign-extended.
    Load {
        /// From where.
        address: Address,
        /// How many bytes.
        size: MemorySize,
        /// Sign-extend.
        signed: bool,
    },
    /// Value to memory; no result.
    Store {
        /// To where.
        address: Address,
        /// How many bytes.
        size: MemorySize,
        /// The value; its high bits are ignored.
        value: Value,
    },
    /// Atomic addition to memory of 4 or 8 bytes; the result, the old value, exists only with `fetch`.
    AtomicAdd {
        /// To where (never a slot).
        address: Address,
        /// 4 or 8 bytes.
        size: MemorySize,
        /// What is added.
        value: Value,
        /// The old value is wanted (target feature atomic_fetch).
        fetch: bool,
    },
    /// Bytes from one place to another; they do not overlap. No result.
    Copy {
        /// To.
        to: Address,
        /// From.
        from: Address,
        /// Bytes.
        size: u32,
    },
    /// Zeroes memory. No result.
    Zero {
        /// Where.
        address: Address,
        /// Bytes.
        size: u32,
    },
    /// Writes constant bytes. No result.
    StoreBytes {
        /// Where.
        address: Address,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// The address of a slot's byte: for helper arguments.
    SlotAddress(Slot, u32),
    /// The map itself as a helper argument.
    MapReference(MapId),
    /// The address of a byte of a one-element array map's value (kernel 5.2).
    MapValueAddress(MapId, u32),
    /// The address of constant bytes.
    GlobalAddress(GlobalId),
    /// The context argument of the program.
    Context,
    /// A helper call; the result is r0.
    Call(Helper, Vec<Value>),
    /// A call of a sub-program.
    CallFunction(FunctionId, Vec<Value>),
    /// A kernel function by name, with its BTF id on the target.
    CallKernel {
        /// Name, for other targets.
        name: String,
        /// Type id in the target's BTF.
        btf_id: u32,
        /// Arguments.
        arguments: Vec<Value>,
    },
    /// The address of a callback.
    FunctionAddress(FunctionId),
}

/// The kernel's function that makes a pointer one that is only read from (Linux 6.2). It does nothing else,
/// and costs nothing: the verifier makes a move of it.
pub const READ_ONLY_CAST: &str = "bpf_rdonly_cast";

impl Instruction {
    /// True when it calls a function of the kernel that only gives a value, the same for the same arguments.
    pub fn is_cast(&self) -> bool {
        matches!(self, Self::CallKernel { name, .. } if name == READ_ONLY_CAST)
    }

    /// True when it defines a value.
    pub fn has_result(&self) -> bool {
        !matches!(
            self,
            Self::Store { .. }
                | Self::AtomicAdd { fetch: false, .. }
                | Self::Copy { .. }
                | Self::Zero { .. }
                | Self::StoreBytes { .. }
        )
    }
}

/// How a block ends.
#[derive(Clone, PartialEq, Debug)]
pub enum Terminator {
    /// To a block, with values for its parameters.
    Jump(Block, Vec<Value>),
    /// On a value: not zero or zero.
    Branch {
        /// The condition.
        condition: Value,
        /// When not zero.
        then: (Block, Vec<Value>),
        /// When zero.
        otherwise: (Block, Vec<Value>),
    },
    /// Ends the function with r0.
    Return(Value),
}

impl Terminator {
    /// The blocks it may go to, with arguments.
    pub fn targets(&self) -> SmallVec<[(Block, &[Value]); 2]> {
        match self {
            Self::Jump(block, arguments) => smallvec![(*block, arguments.as_slice())],
            Self::Branch { then, otherwise, .. } => {
                smallvec![(then.0, then.1.as_slice()), (otherwise.0, otherwise.1.as_slice())]
            }
            Self::Return(_) => SmallVec::new(),
        }
    }
}
