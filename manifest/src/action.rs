//! What the runtime does when a record arrives.

use crate::ValueType;
use serde::{Deserialize, Serialize};

/// A place in the script, ready to be printed.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Location {
    /// File name as shown (`stdin` for -e).
    pub file: String,
    /// Line from 1.
    pub line: u32,
    /// First column from 1.
    pub column: u32,
    /// One past the last column.
    pub end_column: u32,
}

/// A field of a record.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Argument {
    /// Byte offset from the start of the record (8 or more).
    pub offset: u32,
    /// How it reads.
    pub ty: ValueType,
}

/// What a record asks for.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Action {
    /// Formats the arguments and writes the text.
    Text {
        /// Where it goes.
        sink: TextSink,
        /// The format.
        format: Format,
        /// Its arguments in order.
        arguments: Vec<Argument>,
    },
    /// `print(value)`: the value and a newline.
    Value(Argument),
    /// `print(@map)`: u64 top and u64 div at offsets 8 and 16.
    PrintMap {
        /// Index in the manifest's maps.
        map: u32,
    },
    /// `print(@map[key])` of an aggregation: the key at offset 8, u64 div behind it (at the next multiple of 8; 0: none).
    PrintElement {
        /// Index in the manifest's maps.
        map: u32,
    },
    /// `clear(@map)`.
    ClearMap {
        /// Index in the manifest's maps.
        map: u32,
    },
    /// `zero(@map)`.
    ZeroMap {
        /// Index in the manifest's maps.
        map: u32,
    },
    /// `time(format)`: the wall clock when the record is read, through strftime.
    Time {
        /// strftime format.
        format: String,
    },
    /// `join(array, delimiter)`: the strings up to the first empty one, then a newline.
    Join {
        /// Between the strings.
        delimiter: String,
        /// The strings.
        arguments: Vec<Argument>,
    },
    /// `exit(code)`: u64 code at offset 8.
    Exit,
    /// A helper failed (reported with -k): i64 code at offset 8.
    HelperError {
        /// The helper's name, `probe_read_user`.
        helper: String,
        /// Where in the script.
        location: Location,
    },
    /// `skboutput(path, …)`: a packet, which comes by [`crate::Manifest::packets`].
    Packet {
        /// The pcap file.
        path: String,
        /// Bytes of the packet that are left out.
        offset: u32,
    },
    /// Something went wrong that is worth a warning: division by zero, a failed assertion …
    RuntimeError {
        /// What.
        message: String,
        /// Where in the script.
        location: Location,
    },
}

/// Where formatted text goes.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum TextSink {
    /// `printf`: standard output.
    Output,
    /// `errorf`: standard error, with location.
    Error(Location),
    /// `warnf`: standard error, with location.
    Warning(Location),
    /// `system`: run by the shell.
    System,
    /// `cat`: the file of that name is copied to the output.
    Cat,
}

/// A parsed printf format.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Format {
    /// Text and conversions in order; the n-th conversion takes the n-th argument.
    pub pieces: Vec<Piece>,
}

/// A part of a format.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Piece {
    /// Bytes to copy (`%%` is already `%`).
    Text(Vec<u8>),
    /// An argument to convert.
    Conversion(Conversion),
}

/// A conversion such as `%-08.3lld`, as C has it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Conversion {
    /// `-`.
    pub left: bool,
    /// `0`.
    pub zero: bool,
    /// `+`.
    pub plus: bool,
    /// A space.
    pub space: bool,
    /// `#`.
    pub alternate: bool,
    /// Minimum width.
    pub width: Option<u32>,
    /// Precision.
    pub precision: Option<u32>,
    /// Bytes of the integer that are looked at: 1 (`hh`), 2 (`h`), 4 (none), 8 (`l ll j z t`).
    pub integer_size: u8,
    /// What to make of the argument.
    pub kind: ConversionKind,
}

/// The letter of a conversion.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum ConversionKind {
    /// `d`, `i`.
    Signed,
    /// `u`.
    Unsigned,
    /// `o`.
    Octal,
    /// `x`.
    Hex,
    /// `X`.
    UpperHex,
    /// `c`.
    Character,
    /// `p`.
    Pointer,
    /// `s`: anything, as print shows it.
    Text,
    /// `r`: buffer with escapes.
    Escaped,
    /// `rx`: buffer, every byte as \xNN.
    EscapedHex,
    /// `rh`: buffer, bytes in hex separated by spaces.
    HexDump,
    /// `gr`: an allocation's flags by name, `GFP_KERNEL`.
    AllocationFlags,
}
