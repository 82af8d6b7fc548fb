//! Top-level items.

use super::Printer;
use super::literal::quoted;
use crate::ast::{
    AttachPoint, ConfigBlock, ConfigSetting, ConfigValue, Directive, FunctionDefinition, Item, Macro, MacroParameter,
    MapDeclaration, Probe, Program,
};
use crate::ast::{CDefinition, CDefinitionKind, IntegerLiteral};
use crate::span::Span;

impl Printer<'_> {
    pub(super) fn program(&mut self, program: &Program) {
        if let Some(shebang) = &program.shebang {
            self.push(shebang);
            self.last_line = 1;
            self.opened = false;
        }
        let mut previous = None;
        for item in &program.items {
            let span = item_span(item);
            self.comments_before(span);
            let line = self.sources_line(span);
            let apart = previous.is_some_and(|previous| stands_apart(previous) || stands_apart(item));
            // Two lines down leaves one blank line, however near they were.
            let near = apart && line <= self.last_line + 1 && !self.behind_comment();
            self.new_line(if near { self.last_line + 2 } else { line });
            self.item(item);
            self.finish(span);
            previous = Some(item);
        }
        self.comments_until(u32::MAX);
        if !self.out.is_empty() {
            self.push("\n");
        }
    }

    /// True when the last line holds nothing but a comment, which then belongs to the next item.
    fn behind_comment(&self) -> bool {
        let line = self.out.rsplit('\n').next().unwrap_or("").trim_start();
        line.starts_with("//") || line.starts_with("/*") || line.ends_with("*/")
    }

    fn item(&mut self, item: &Item) {
        match item {
            Item::Directive(directive) => self.directive(directive),
            Item::CDefinition(definition) => self.c_definition(definition),
            Item::Config(config) => self.config(config),
            Item::Import(import) => self.push(&format!("import {};", quoted(import.path.as_bytes()))),
            Item::MapDeclaration(declaration) => self.map_declaration(declaration),
            Item::Macro(definition) => self.macro_definition(definition),
            Item::Function(function) => self.function(function),
            Item::Probe(probe) => self.probe(probe),
        }
    }

    /// A directive keeps its own lines.
    fn directive(&mut self, directive: &Directive) {
        let written = self.written(directive.span).trim_end();
        let text = if written.starts_with('#') { written } else { &directive.text };
        if text.starts_with("#!") && self.out.is_empty() {
            // In the first column it would name an interpreter.
            self.push(" ");
        }
        self.push(&text.replace("\r\n", "\n"));
    }

    fn config(&mut self, config: &ConfigBlock) {
        self.push("config = ");
        self.open(config.span);
        for setting in &config.settings {
            self.start(setting.span);
            self.setting(setting);
            self.finish(setting.span);
        }
        self.close(config.span);
    }

    fn setting(&mut self, setting: &ConfigSetting) {
        self.push(&format!("{} = ", setting.name.text));
        match &setting.value {
            ConfigValue::Integer(value) => {
                self.integer(IntegerLiteral { value: *value, suffix: None }, setting.value_span);
            }
            ConfigValue::Bool(value) => self.push(if *value { "true" } else { "false" }),
            ConfigValue::String(bytes) => self.string(bytes, setting.value_span),
            ConfigValue::Word(word) => self.push(word),
        }
        self.push(";");
    }

    fn map_declaration(&mut self, declaration: &MapDeclaration) {
        self.push(&format!("let @{}", declaration.map.text));
        if let Some(ty) = &declaration.ty {
            self.push(": ");
            self.type_expr(ty);
        }
        if let Some((kind, arguments)) = &declaration.kind {
            self.push(&format!(" = {}(", kind.text));
            self.list(arguments);
            self.push(")");
        }
        self.push(";");
    }

    fn macro_definition(&mut self, definition: &Macro) {
        let parameters: Vec<String> = definition
            .parameters
            .iter()
            .map(|parameter| match parameter {
                MacroParameter::Expression(name) => name.text.clone(),
                MacroParameter::Variable(name) => format!("${}", name.text),
                MacroParameter::Map(name) => format!("@{}", name.text),
            })
            .collect();
        self.push(&format!("macro {}({}) ", definition.name.text, parameters.join(", ")));
        self.block(&definition.body);
    }

    fn function(&mut self, function: &FunctionDefinition) {
        self.push(&format!("fn {}(", function.name.text));
        for (index, (name, ty)) in function.parameters.iter().enumerate() {
            self.push(&format!("{}${}: ", if index > 0 { ", " } else { "" }, name.text));
            self.type_expr(ty);
        }
        self.push(")");
        if let Some(returns) = &function.returns {
            self.push(": ");
            self.type_expr(returns);
        }
        self.push(" ");
        self.block(&function.body);
    }

    fn probe(&mut self, probe: &Probe) {
        for (index, attach_point) in probe.attach_points.iter().enumerate() {
            if index > 0 {
                self.push(",");
                self.start(attach_point.span);
            }
            self.attach_point(attach_point);
            self.finish(attach_point.span);
        }
        if let Some(predicate) = &probe.predicate {
            self.comments_before(predicate.span);
            self.end_comment_line();
            let before = self.out.len();
            self.push("/");
            self.at_statement_start(predicate);
            // `/*` would begin a comment.
            if self.out[before..].starts_with("/*") {
                self.out.insert(before + 1, ' ');
            }
            self.push("/");
            self.finish(predicate.span);
        }
        self.before_body(probe.body.span);
        self.block(&probe.body);
    }

    /// Keeps comments between a probe and its body where they are.
    fn before_body(&mut self, body: Span) {
        if self.has_comments_before(body) {
            self.comments_before(body);
            self.end_comment_line();
        } else {
            self.push(" ");
        }
    }

    fn attach_point(&mut self, attach_point: &AttachPoint) {
        if let Some(name) = &attach_point.name {
            self.push(&format!("{}=", name.text));
        }
        for (index, part) in attach_point.parts.iter().enumerate() {
            if index > 0 {
                self.push(":");
            }
            self.part(part);
        }
    }
}

fn item_span(item: &Item) -> Span {
    match item {
        Item::Directive(directive) => directive.span,
        Item::CDefinition(definition) => definition.span,
        Item::Config(config) => config.span,
        Item::Import(import) => import.span,
        Item::MapDeclaration(declaration) => declaration.span,
        Item::Macro(definition) => definition.span,
        Item::Function(function) => function.span,
        Item::Probe(probe) => probe.span,
    }
}

/// True for items of several lines, which blank lines set apart.
fn stands_apart(item: &Item) -> bool {
    match item {
        Item::Directive(_) | Item::Import(_) | Item::MapDeclaration(_) => false,
        Item::CDefinition(CDefinition { kind: CDefinitionKind::Typedef(_), .. }) => false,
        Item::CDefinition(_) | Item::Config(_) | Item::Macro(_) | Item::Function(_) | Item::Probe(_) => true,
    }
}
