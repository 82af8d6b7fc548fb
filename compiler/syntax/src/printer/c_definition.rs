//! C definitions.

use super::Printer;
use super::types::keyword;
use crate::ast::{CAggregate, CDeclaration, CDefinition, CDefinitionKind, CEnum, CType};

impl Printer<'_> {
    pub(super) fn c_definition(&mut self, definition: &CDefinition) {
        match &definition.kind {
            CDefinitionKind::Aggregate(aggregate) => self.aggregate(aggregate),
            CDefinitionKind::Enum(definition) => self.enumeration(definition),
            CDefinitionKind::Typedef(declaration) => {
                self.push("typedef ");
                self.declaration(declaration);
            }
        }
        self.push(";");
    }

    fn aggregate(&mut self, aggregate: &CAggregate) {
        self.push(if aggregate.is_union { "union" } else { "struct" });
        if let Some(name) = &aggregate.name {
            self.push(&format!(" {}", name.text));
        }
        let Some(members) = &aggregate.members else { return };
        self.push(" ");
        self.open(aggregate.span);
        for member in members {
            self.start(member.span);
            self.declaration(member);
            self.push(";");
            self.finish(member.span);
        }
        self.close(aggregate.span);
        let aligned = aggregate.aligned.map(|bytes| format!("aligned({bytes})"));
        let packed = aggregate.packed.then(|| "packed".to_string());
        let attributes: Vec<String> = packed.into_iter().chain(aligned).collect();
        if !attributes.is_empty() {
            self.push(&format!(" __attribute__(({}))", attributes.join(", ")));
        }
    }

    fn enumeration(&mut self, definition: &CEnum) {
        self.push("enum");
        if let Some(name) = &definition.name {
            self.push(&format!(" {}", name.text));
        }
        self.push(" ");
        self.open(definition.span);
        for (name, value) in &definition.variants {
            self.start(name.span);
            self.push(&name.text);
            if let Some(value) = value {
                self.push(" = ");
                self.expression(value);
            }
            self.push(",");
            self.finish(value.as_ref().map_or(name.span, |value| value.span));
        }
        self.close(definition.span);
    }

    fn declaration(&mut self, declaration: &CDeclaration) {
        if let Some(bytes) = declaration.aligned {
            self.push(&format!("__attribute__((aligned({bytes}))) "));
        }
        let base = self.base(&declaration.ty);
        let anonymous = declaration.name.is_none() && std::ptr::eq(base, &declaration.ty);
        if !anonymous || declaration.bits.is_some() {
            self.push(" ");
        }
        let name = declaration.name.as_ref().map_or("", |name| &name.text);
        self.declarator(&declaration.ty, name);
        if let Some(bits) = &declaration.bits {
            self.push(if name.is_empty() { ": " } else { " : " });
            self.expression(bits);
        }
    }

    /// Prints the type that a declaration begins with, and gives it.
    fn base<'t>(&mut self, ty: &'t CType) -> &'t CType {
        let mut base = ty;
        loop {
            match base {
                CType::Pointer(target) => base = target,
                CType::Array(element, _) => base = element,
                CType::Named(name) => {
                    self.push(name);
                    return base;
                }
                CType::Tagged(tag, name) => {
                    self.push(&format!("{} {name}", keyword(*tag)));
                    return base;
                }
                CType::Aggregate(aggregate) => {
                    self.aggregate(aggregate);
                    return base;
                }
                CType::Enum(definition) => {
                    self.enumeration(definition);
                    return base;
                }
                // What a function returns is not known; it does not matter for layout.
                CType::Function => {
                    self.push("void");
                    return base;
                }
            }
        }
    }

    /// Prints a name with the stars and brackets of its type around it.
    fn declarator(&mut self, ty: &CType, name: &str) {
        let mut before = String::new();
        let mut steps = Vec::new();
        let mut current = ty;
        // From the name outwards; a star before brackets needs parentheses.
        loop {
            match current {
                CType::Pointer(target) => {
                    let grouped = matches!(**target, CType::Array(..) | CType::Function);
                    before.insert_str(0, if grouped { "(*" } else { "*" });
                    if grouped {
                        steps.push(None);
                    }
                    current = target;
                }
                CType::Array(element, length) => {
                    steps.push(Some(length.as_deref()));
                    current = element;
                }
                CType::Function => break,
                CType::Named(_) | CType::Tagged(..) | CType::Aggregate(_) | CType::Enum(_) => break,
            }
        }
        self.push(&before);
        self.push(name);
        for step in steps {
            match step {
                None => self.push(")"),
                Some(length) => {
                    self.push("[");
                    if let Some(length) = length {
                        self.expression(length);
                    }
                    self.push("]");
                }
            }
        }
        if matches!(current, CType::Function) {
            self.push("(void)");
        }
    }
}
