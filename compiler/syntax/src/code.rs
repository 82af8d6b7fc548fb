//! The stable codes of diagnostics. Each has a page in docs/errors.

macro_rules! codes {
    ($($name:ident = $number:literal, $title:literal;)*) => {
        /// The stable code of a kind of diagnostic.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        pub enum Code { $(#[doc = $title] $name,)* }

        impl Code {
            /// All codes in order.
            pub const ALL: &'static [Code] = &[$(Code::$name,)*];

            /// How it is written: `E0203`.
            pub fn as_str(self) -> &'static str { match self { $(Code::$name => concat!("E", stringify!($number)),)* } }

            /// What kind of mistake it is, in a few words.
            pub fn title(self) -> &'static str { match self { $(Code::$name => $title,)* } }
        }
    };
}

impl Code {
    /// True for what may be right elsewhere: this machine lacks the program, function, tracepoint, header or feature.
    pub fn is_of_the_machine(self) -> bool {
        matches!(self, Self::NoSuchProbe | Self::NotOnThisKernel | Self::BadInclude)
    }
}

codes! {
    // Lexing
    UnknownCharacter = 0101, "a character that starts no token";
    UnterminatedString = 0102, "a string without its closing quote";
    UnterminatedComment = 0103, "a comment without its end";
    BadNumber = 0104, "a number that cannot be read";
    BadEscape = 0105, "an unknown escape sequence";
    NotText = 0106, "input that is not UTF-8 text";
    // Parsing
    UnexpectedToken = 0201, "a token that does not fit here";
    NestedTooDeep = 0202, "an expression nested too deep";
    EmptyProgram = 0203, "a script without probes";
    BadAttachPoint = 0204, "an attach point that is not well-formed";
    BadCDefinition = 0205, "a C definition that makes no sense";
    BadDirective = 0206, "a preprocessor line that cannot be read";
    // Expansion
    UnknownProvider = 0301, "an unknown probe type";
    NoSuchProbe = 0302, "no probe matches";
    TooManyProbes = 0303, "more probes than max_probes";
    BadProbeArgument = 0304, "a probe argument out of range or of the wrong form";
    NotOnThisKernel = 0305, "something that this kernel cannot do";
    Recursion = 0306, "a macro that calls itself";
    BadMacroCall = 0307, "a macro called with the wrong arguments";
    BadImport = 0308, "an import that cannot be followed";
    BadConfig = 0309, "an unknown or wrong setting";
    BadInclude = 0310, "an include that cannot be followed";
    // Names
    UnknownVariable = 0401, "a variable that nothing defines";
    UnknownFunction = 0402, "an unknown function";
    UnknownIdentifier = 0403, "an unknown name";
    UnknownField = 0404, "no such field";
    UnknownType = 0405, "an unknown type";
    UnknownMap = 0406, "a map that nothing assigns";
    Duplicate = 0407, "a name defined twice";
    NotHere = 0408, "something this probe does not have";
    // Types
    TypeMismatch = 0501, "types that do not agree";
    BadOperand = 0502, "an operand of the wrong type";
    BadArgument = 0503, "an argument of the wrong type or value";
    BadArgumentCount = 0504, "the wrong number of arguments";
    BadCast = 0505, "a cast that cannot be made";
    BadAssignment = 0506, "something that cannot be assigned";
    BadFormat = 0507, "a format string that does not fit its arguments";
    BadKey = 0508, "a map key of the wrong shape";
    BadIndex = 0509, "an index that does not fit";
    NotConstant = 0510, "a value that must be known at compile time";
    BadAggregation = 0511, "an aggregation used the wrong way";
    OutsideLoop = 0512, "break or continue outside a loop";
    UnsafeFunction = 0513, "an unsafe function without --unsafe";
    TooLarge = 0514, "something larger than its limit";
    BadDereference = 0515, "a dereference of something that is no pointer";
    StaticAssertion = 0516, "a static assertion that failed";
    // Warnings
    Unused = 0601, "a result that is thrown away";
    OldSpelling = 0602, "an old spelling";
    DivisionByZero = 0603, "a division by zero";
    AlwaysSame = 0604, "a condition that is always the same";
    Suspicious = 0605, "something that is probably not meant";
}
