//! Format files as kernels print them.

use super::{FieldStorage, TracepointFormat};

const COMMON: &str = "ID: 365
format:
\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;
\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;
\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;
\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;

";

fn parse(fields: &str) -> Option<TracepointFormat> {
    TracepointFormat::parse(&format!("name: event\n{COMMON}{fields}\nprint fmt: \"field:%s\", REC->field"))
}

/// Name, type and storage of the single field after the common ones.
fn field(line: &str) -> (String, String, FieldStorage) {
    let format = parse(line).expect(line);
    let field = format.fields.last().expect(line).clone();
    (field.name, field.type_name, field.storage)
}

#[test]
fn syscall_enter() {
    let format = parse(
        "\tfield:int __syscall_nr;\toffset:8;\tsize:4;\tsigned:1;
\tfield:int dfd;\toffset:16;\tsize:8;\tsigned:0;
\tfield:const char * filename;\toffset:24;\tsize:8;\tsigned:0;
\tfield:umode_t mode;\toffset:40;\tsize:8;\tsigned:0;",
    )
    .expect("a format");
    assert_eq!(format.id, 365);
    assert_eq!(format.fields.len(), 8);
    let filename = format.field("filename").expect("the field");
    assert_eq!((filename.type_name.as_str(), filename.offset, filename.size), ("const char *", 24, 8));
    assert_eq!(filename.storage, FieldStorage::Scalar);
    assert!(format.field("common_pid").expect("the field").signed);
    assert!(!filename.signed);
}

#[test]
fn arrays_and_dynamic_fields() {
    for (line, name, type_name, storage) in [
        ("field:char prev_comm[16];\toffset:8;\tsize:16;\tsigned:0;", "prev_comm", "char", FieldStorage::Array(16)),
        ("field:unsigned long args[6]; offset:16; size:48; signed:0;", "args", "unsigned long", FieldStorage::Array(6)),
        ("field:unsigned long args[]; offset:24; size:0; signed:0;", "args", "unsigned long", FieldStorage::Array(0)),
        ("field:char comm[TASK_COMM_LEN]; offset:8; size:16; signed:1;", "comm", "char", FieldStorage::Array(16)),
        ("field:u32 grid[2][8]; offset:8; size:64; signed:0;", "grid", "u32", FieldStorage::Array(16)),
        ("field:__data_loc char[] name; offset:8; size:4; signed:0;", "name", "__data_loc char", FieldStorage::DataLoc),
        ("field:__data_loc u64[] dma; offset:8; size:4; signed:0;", "dma", "__data_loc u64", FieldStorage::DataLoc),
        ("field:__rel_loc char[] msg; offset:8; size:4; signed:0;", "msg", "__rel_loc char", FieldStorage::RelativeLoc),
    ] {
        assert_eq!(field(line), (name.to_owned(), type_name.to_owned(), storage), "{line}");
    }
}

#[test]
fn unusual_types() {
    for (declaration, name, type_name) in [
        ("const char *const * argv", "argv", "const char *const *"),
        ("const void* ip", "ip", "const void*"),
        ("struct iocb * * iocbpp", "iocbpp", "struct iocb * *"),
        ("const struct landlock_ruleset_attr *const attr", "attr", "const struct landlock_ruleset_attr *const"),
        ("void __seg_gs * ptr", "ptr", "void __seg_gs *"),
        ("enum dma_data_direction dir", "dir", "enum dma_data_direction"),
        ("void (*func)(struct rcu_head *)", "func", "void (*)(struct rcu_head *)"),
    ] {
        let line = format!("\tfield:{declaration};\toffset:8;\tsize:8;\tsigned:0;");
        assert_eq!(field(&line), (name.to_owned(), type_name.to_owned(), FieldStorage::Scalar), "{declaration}");
    }
}

#[test]
fn what_is_no_format_is_refused() {
    assert_eq!(TracepointFormat::parse(""), None);
    assert_eq!(TracepointFormat::parse("name: x\nformat:\n"), None);
    for line in [
        "field:int;\toffset:8;\tsize:4;\tsigned:1;",
        "field:int x;\toffset:eight;\tsize:4;\tsigned:1;",
        "field:int x;\toffset:8;\tsigned:1;",
        "field:int x[99999][99999];\toffset:8;\tsize:4;\tsigned:1;",
        "field:[];\toffset:8;\tsize:4;\tsigned:1;",
    ] {
        assert_eq!(parse(line), None, "{line}");
    }
}
