//! What is defined before the first line of a script.

use super::Preprocessor;
use crate::span::FileId;

/// What C headers ask about the compiler and the machine; the sizes are those of every 64-bit Linux.
const COMPILER: &str = "\
#define BPFTRACE_HAVE_BTF 1
#define __STDC__ 1
#define __STDC_VERSION__ 201710L
#define __STDC_HOSTED__ 0
#define __GNUC__ 4
#define __GNUC_MINOR__ 2
#define __linux__ 1
#define __linux 1
#define __unix__ 1
#define __LP64__ 1
#define _LP64 1
#define __BITS_PER_LONG 64
#define __CHAR_BIT__ 8
#define __SIZEOF_SHORT__ 2
#define __SIZEOF_INT__ 4
#define __SIZEOF_LONG__ 8
#define __SIZEOF_LONG_LONG__ 8
#define __SIZEOF_POINTER__ 8
#define __INT_MAX__ 2147483647
#define __LONG_MAX__ 9223372036854775807L
#define __SIZE_TYPE__ unsigned long
#define __PTRDIFF_TYPE__ long
#define __ORDER_LITTLE_ENDIAN__ 1234
#define __ORDER_BIG_ENDIAN__ 4321
#define __BYTE_ORDER__ __ORDER_LITTLE_ENDIAN__
#define __extension__
#define NULL 0
";

#[cfg(target_arch = "aarch64")]
const MACHINE: &str = "#define __aarch64__ 1\n";
#[cfg(not(target_arch = "aarch64"))]
const MACHINE: &str = "#define __x86_64__ 1\n#define __x86_64 1\n";

/// In each of the names above there is one of these.
const MARKS: [&str; 4] = ["__", "_LP64", "BPFTRACE_HAVE_BTF", "NULL"];

/// Whether a script may ask for what is defined: by a directive, or by a name. Few do.
fn may_ask(script: &str) -> bool {
    let shebang = if script.starts_with("#!") { script.find('\n').unwrap_or(script.len()) } else { 0 };
    let behind = &script[shebang..];
    behind.contains('#') || MARKS.iter().any(|mark| behind.contains(mark))
}

impl Preprocessor<'_> {
    /// Reads the definitions that come before a script.
    pub(super) fn predefine(&mut self, script: FileId) {
        let prelude = self.loader.prelude();
        if prelude.is_empty() && !may_ask(&self.sources.file(script).text) {
            return;
        }
        let compiler = format!("{COMPILER}{MACHINE}");
        for (name, text) in [("<built-in>", compiler), ("<command line>", prelude)] {
            if !text.is_empty() {
                let file = self.sources.add(name, text);
                self.header(file);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_that_name_a_definition_get_all() {
        let names = COMPILER.lines().chain(MACHINE.lines()).filter_map(|line| line.split(' ').nth(1));
        assert!(names.map(|name| format!("BEGIN {{ print({name}); }}")).all(|script| may_ask(&script)));
        assert!(may_ask("#!/usr/bin/lancet\n#if 1\n#endif\n"));
        assert!(!may_ask("#!/usr/bin/lancet\nBEGIN { exit(); }\n"));
    }
}
