//! The functions that the language can say itself: macros in `stdlib/bt`, one file for each family.

use lancet_compiler::library::LibraryFile;

/// All of them. A file is read when a script names one of its macros.
pub static LIBRARY: &[LibraryFile] = &[
    LibraryFile { name: "stdlib/bt/kernel.bt", macros: &["percpu_kaddr"], text: include_str!("../bt/kernel.bt") },
    LibraryFile {
        name: "stdlib/bt/process.bt",
        macros: &["ppid", "pcomm", "leader_tid", "leader_comm"],
        text: include_str!("../bt/process.bt"),
    },
    LibraryFile {
        name: "stdlib/bt/string.bt",
        macros: &["default_str_length", "assert_str"],
        text: include_str!("../bt/string.bt"),
    },
];
