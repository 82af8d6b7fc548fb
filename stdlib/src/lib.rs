//! The builtins, functions and aggregations of the language: one file for each, or for a family that differs in a number
//! only. Each says its signature, its documentation, its rules and its code; [`all`] is the only list of them.

mod addresses;
mod arguments;
mod assert;
mod average;
mod bswap;
mod buf;
mod cat;
mod cgroup_id;
mod change;
mod clear;
mod comm;
mod config;
mod count;
mod ctx;
mod curtask;
mod delete;
pub mod documentation;
mod exit;
mod extreme;
mod find;
mod format;
mod getopt;
mod has_key;
mod hist;
mod inet;
mod is_err;
mod join;
mod kernel_function;
mod len;
mod lhist;
mod library;
mod memcmp;
mod named;
mod path;
mod pid;
mod print;
mod printf;
mod probe;
mod question;
mod reader;
mod shown;
mod signal;
mod skboutput;
mod socket_cookie;
mod stack;
mod str;
mod str_concat;
mod strcap;
mod strlen;
mod strncmp;
mod strstr;
mod sum;
mod symbol;
mod time;
mod tseries;
mod uaddr;
mod unstable;
mod usermode;

use lancet_compiler::builtin::Builtin;

pub use library::LIBRARY;

/// The header that stands for those of the kernel and the C library where a machine lacks them.
pub const CONSTANTS: &str = include_str!("../include/constants.h");

/// Every builtin of the language.
pub fn all() -> Vec<&'static dyn Builtin> {
    let mut all: Vec<&'static dyn Builtin> = vec![
        &assert::Assert,
        &assert::Fail,
        &assert::StaticAssert,
        &average::Average,
        &average::Stats,
        &bswap::Bswap,
        &buf::Buf,
        &cat::Cat,
        &cat::System,
        &cgroup_id::CgroupId,
        &change::Override,
        &change::WriteUser,
        &clear::Clear,
        &clear::Zero,
        &comm::Comm,
        &config::Config,
        &count::Count,
        &ctx::Context,
        &curtask::Curtask,
        &delete::Delete,
        &exit::Exit,
        &extreme::MIN,
        &extreme::MAX,
        &find::Find,
        &getopt::Getopt,
        &has_key::HasKey,
        &hist::Hist,
        &inet::Macaddr,
        &inet::Ntop,
        &inet::Pton,
        &is_err::IsErr,
        &join::Join,
        &len::Len,
        &memcmp::Memcmp,
        &lhist::Lhist,
        &path::Path,
        &pid::PID,
        &pid::TID,
        &print::Print,
        &printf::PRINTF,
        &printf::ERRORF,
        &printf::WARNF,
        &probe::Probe,
        &probe::ProbeType,
        &probe::Func,
        &shown::CgroupPath,
        &shown::Username,
        &signal::SIGNAL,
        &signal::SIGNAL_THREAD,
        &skboutput::SkbOutput,
        &socket_cookie::SocketCookie,
        &stack::KSTACK,
        &stack::USTACK,
        &stack::DW_USTACK,
        &str::Str,
        &str_concat::StrConcat,
        &strcap::Strcap,
        &strlen::Strlen,
        &strncmp::Strncmp,
        &strstr::STRSTR,
        &strstr::STRCONTAINS,
        &sum::Sum,
        &symbol::KSYM,
        &symbol::USYM,
        &time::Time,
        &time::Strftime,
        &tseries::Tseries,
        &usermode::Usermode,
        &uaddr::Uaddr,
    ];
    all.extend(reader::ALL.iter().map(|reader| reader as &dyn Builtin));
    all.extend(question::ALL.iter().map(|question| question as &dyn Builtin));
    all.extend(kernel_function::ALL.iter().map(|question| question as &dyn Builtin));
    all.extend(named::ALL.iter().map(|named| named as &dyn Builtin));
    all.extend(arguments::ALL.iter().map(|argument| argument as &dyn Builtin));
    all.extend(addresses::ALL.iter().copied());
    all
}
