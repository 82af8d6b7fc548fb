//! The builtins, functions and aggregations of the lancet language, one file each.
