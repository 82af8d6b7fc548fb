//! The options of a script on the command line: from the words behind `--` to names and values, what is wrong with them, and
//! the script's `--help`. What values they take is the compiler's to check.

use lancet_compiler::option::{OptionValue, ScriptOption};

/// An option's name and its value, if it was given one.
pub type Named = (String, Option<String>);

/// What stands behind `--`: `--name=value` and `--name` are options, the rest are parameters.
pub fn named(words: &[String]) -> (Vec<Named>, Vec<String>) {
    let (mut named, mut parameters) = (Vec::new(), Vec::new());
    for word in words {
        match word.strip_prefix("--").filter(|name| !name.is_empty()) {
            Some(name) => named.push(match name.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (name.to_owned(), None),
            }),
            None => parameters.push(word.clone()),
        }
    }
    (named, parameters)
}

/// Whether the script is asked what options it has; one that has an option of that name is not.
pub fn asks_for_help(given: &[Named], options: &[ScriptOption]) -> bool {
    given.iter().any(|(name, value)| name == "help" && value.is_none()) && !knows(options, "help")
}

/// What is wrong with the options that no getopt() reads, one line each.
pub fn unknown(given: &[Named], options: &[ScriptOption]) -> Vec<String> {
    let known = options.iter().map(|option| format!("--{}", option.name)).collect::<Vec<_>>().join(", ");
    let mistake = |name: &str| {
        let names = options.iter().map(|option| option.name.as_str());
        let help = match lancet_kernel::nearest(name, names) {
            Some(nearest) => format!("did you mean --{nearest}?"),
            None if known.is_empty() => "it has none".to_owned(),
            None => format!("its options are {known}"),
        };
        format!("the script has no option --{name}; {help}")
    };
    given.iter().filter(|(name, _)| !knows(options, name)).map(|(name, _)| mistake(name)).collect()
}

fn knows(options: &[ScriptOption], name: &str) -> bool {
    options.iter().any(|option| option.name == name)
}

/// The text of a script's `--help`. `script` is how the command names it.
pub fn help(script: &str, options: &[ScriptOption]) -> String {
    let mut text = match options {
        [] => format!("Usage: lancet {script} [ARGUMENTS]...\n\nThe script has no options of its own.\n"),
        _ => format!("Usage: lancet {script} [ARGUMENTS]... -- [OPTIONS]\n\nOptions of the script:\n"),
    };
    let spelled: Vec<String> = options.iter().map(spelling).collect();
    let width = spelled.iter().map(|spelling| spelling.chars().count()).max().unwrap_or(0);
    for (option, spelling) in options.iter().zip(&spelled) {
        let description = option.description.iter().cloned();
        let default = (option.default != OptionValue::Bool(false)).then(|| format!("[default: {}]", option.default));
        let said = description.chain(default).collect::<Vec<_>>().join(" ");
        text.push_str(format!("  {spelling:width$}  {said}").trim_end());
        text.push('\n');
    }
    text.push_str("\n`lancet --help` tells the options of lancet itself.\n");
    text
}

fn spelling(option: &ScriptOption) -> String {
    let name = &option.name;
    match option.default {
        OptionValue::Bool(false) => format!("--{name}"),
        OptionValue::Bool(true) => format!("--{name}=BOOL"),
        OptionValue::Number(_) => format!("--{name}=NUMBER"),
        OptionValue::Text(_) => format!("--{name}=TEXT"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lancet_syntax::span::Span;

    fn option(name: &str, default: OptionValue, description: Option<&str>) -> ScriptOption {
        let description = description.map(str::to_owned);
        ScriptOption { name: name.into(), default, description, span: Span::default() }
    }

    #[test]
    fn words_behind_the_dashes_are_options_or_parameters() {
        let words = ["--n=1", "x", "--flag", "-v", "--", "--s=a=b"].map(str::to_owned);
        let (named, parameters) = named(&words);
        assert_eq!(
            named,
            [("n".into(), Some("1".into())), ("flag".into(), None), ("s".into(), Some("a=b".into()))] as [Named; 3]
        );
        assert_eq!(parameters, ["x", "-v", "--"]);
    }

    #[test]
    fn help_tells_names_values_and_descriptions() {
        let options = [
            option("count", OptionValue::Number("5".into()), Some("how many")),
            option("quiet", OptionValue::Bool(false), None),
            option("who", OptionValue::Text("you".into()), None),
        ];
        let text = help("hello.bt", &options);
        assert!(text.starts_with("Usage: lancet hello.bt [ARGUMENTS]... -- [OPTIONS]\n"), "{text}");
        let lines = "  --count=NUMBER  how many [default: 5]\n  --quiet\n  --who=TEXT      [default: \"you\"]\n";
        assert!(text.contains(lines), "{text}");
    }

    #[test]
    fn an_option_of_the_script_is_not_its_help() {
        let given = [("help".to_owned(), None)];
        assert!(asks_for_help(&given, &[]));
        assert!(!asks_for_help(&given, &[option("help", OptionValue::Bool(false), None)]));
    }

    #[test]
    fn an_unknown_option_is_told_what_is_near() {
        let given = [("cuont".to_owned(), None)];
        let options = [option("count", OptionValue::Bool(false), None)];
        assert_eq!(unknown(&given, &options), ["the script has no option --cuont; did you mean --count?"]);
        assert_eq!(unknown(&given, &[]), ["the script has no option --cuont; it has none"]);
    }
}
