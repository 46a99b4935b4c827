//! The stages of compilation by their names on the command line.

use mj_jit::Module;

/// What to show of each function, in the order in which it comes to be.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    pub operators: bool,
    /// Stages of the optimizing compiler, by name.
    pub stages: Vec<&'static str>,
    pub machine_code: bool,
}

/// One name of the list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stage {
    Operators,
    Named(&'static str),
    MachineCode,
    All,
}

/// The stage behind which the SSA form is what instructions are chosen from.
const FORM: &str = "bounds";

impl Stage {
    /// The stage with this name.
    pub(crate) fn parse(name: &str) -> Result<Stage, String> {
        Ok(match name {
            "ops" => Stage::Operators,
            "asm" => Stage::MachineCode,
            "all" => Stage::All,
            "ir" => Stage::Named(FORM),
            _ => {
                let stage = Module::optimizer_stages().find(|stage| stage.name == name);
                Stage::Named(stage.map(|stage| stage.name).ok_or_else(|| unknown(name))?)
            }
        })
    }
}

fn unknown(name: &str) -> String {
    let stages: Vec<&str> = Module::optimizer_stages().map(|stage| stage.name).collect();
    format!("no stage is called `{name}`: there are ops, ir, asm, those of the optimizing compiler ({}), and all", stages.join(", "))
}

impl Wanted {
    /// What a list of stages asks for; operators and machine code, if it is empty.
    pub(crate) fn new(list: &[Stage]) -> Wanted {
        let has = |stage: Stage| list.contains(&stage) || list.contains(&Stage::All);
        Wanted {
            operators: list.is_empty() || has(Stage::Operators),
            stages: Module::optimizer_stages().map(|stage| stage.name).filter(|name| has(Stage::Named(name))).collect(),
            machine_code: list.is_empty() || has(Stage::MachineCode),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_come_in_the_order_of_compilation() {
        let list: Vec<Stage> = ["asm", "allocate", "ir", "ops"].iter().map(|name| Stage::parse(name).unwrap()).collect();
        let wanted = Wanted::new(&list);
        assert!(wanted.operators && wanted.machine_code);
        assert_eq!(wanted.stages, [FORM, "allocate"]);
    }

    #[test]
    fn the_form_that_is_shown_is_a_stage() {
        assert!(Module::optimizer_stages().any(|stage| stage.name == FORM));
    }
}
