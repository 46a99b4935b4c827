//! One script under way: its store, the modules it has named, and what each directive does with them.
//!
//! Traps are compared by message, because the scripts name them so; errors of decoding, validation and linking only
//! have to happen, in the right phase: their wording is every engine's own.

use std::collections::HashMap;

use mj_jit::{Engine, Error, Extern, Instance, Linker, Module, Store, Trap, Val};
use wast::core::{WastArgCore, WastRetCore};
use wast::token::Id;
use wast::{QuoteWat, WastArg, WastDirective, WastExecute, WastInvoke, WastRet, Wat};

use crate::{spectest, values};

/// What became of a directive.
pub(crate) enum Verdict {
    Passed,
    Skipped,
    Failed(String),
}

/// Why something did not work: the script's own mistake or limits of the runner are `Other`.
enum Problem {
    /// The text or binary is not a valid module.
    Module(String),
    /// It is, but its imports do not fit, or instantiation ended with an error that is no trap.
    Link(String),
    /// Execution trapped.
    Trap(Trap, String),
    Other(String),
}

impl Problem {
    fn of_execution(error: &Error) -> Self {
        match error.downcast_ref::<Trap>() {
            Some(trap) => Self::Trap(*trap, format!("{trap}")),
            None => Self::Link(format!("{error:#}")),
        }
    }

    fn text(self) -> String {
        match self {
            Self::Module(text) | Self::Link(text) | Self::Trap(_, text) | Self::Other(text) => text,
        }
    }
}

pub(crate) struct Script {
    store: Store<()>,
    linker: Linker<()>,
    /// The instance that directives without a name mean: the last one made.
    current: Option<Instance>,
    instances: HashMap<String, Instance>,
    definitions: HashMap<String, Module>,
    last_definition: Option<Module>,
}

impl Script {
    pub(crate) fn new(engine: &Engine, print: bool) -> Result<Self, Error> {
        let mut store = Store::new(engine, ());
        // Fails where the engine does not count fuel, which is then as good as plenty.
        let _ = store.set_fuel(u64::MAX / 4);
        store.set_epoch_deadline(1 << 40);
        let mut linker = Linker::new(engine);
        linker.allow_shadowing(true);
        spectest::define(&mut linker, &mut store, print)?;
        Ok(Self { store, linker, current: None, instances: HashMap::new(), definitions: HashMap::new(), last_definition: None })
    }

    pub(crate) fn directive(&mut self, directive: WastDirective<'_>) -> Verdict {
        use WastDirective as D;
        match directive {
            D::Module(module) => done(self.module(module)),
            D::ModuleDefinition(module) => done(self.define(module)),
            D::ModuleInstance { instance, module, .. } => done(self.instantiate_definition(instance, module)),
            D::Register { name, module, .. } => done(self.register(name, module)),
            D::Invoke(invoke) => done(self.invoke(invoke).map(drop)),
            D::AssertReturn { exec, results, .. } => done(self.assert_return(exec, &results)),
            D::AssertTrap { exec, message, .. } => self.assert_trap(exec, message),
            D::AssertExhaustion { call, message, .. } => self.assert_trap(WastExecute::Invoke(call), message),
            D::AssertUnlinkable { module, message, .. } => self.assert_unlinkable(module, message),
            D::AssertMalformed { module, message, .. } => self.assert_rejected("malformed", module, message),
            D::AssertInvalid { module, message, .. } => self.assert_rejected("invalid", module, message),
            // Custom sections never make a module malformed for an engine, and threads and exceptions are not there yet.
            D::AssertMalformedCustom { .. }
            | D::AssertInvalidCustom { .. }
            | D::AssertException { .. }
            | D::AssertSuspension { .. }
            | D::Thread(_)
            | D::Wait { .. } => Verdict::Skipped,
        }
    }

    fn module(&mut self, mut module: QuoteWat<'_>) -> Result<(), Problem> {
        self.current = None;
        let name = module.name().map(|id| id.name().to_owned());
        let module = self.compile(&mut module)?;
        let instance = self.instantiate(&module)?;
        self.remember(name, instance);
        Ok(())
    }

    fn remember(&mut self, name: Option<String>, instance: Instance) {
        self.current = Some(instance);
        if let Some(name) = name {
            self.instances.insert(name, instance);
        }
    }

    fn define(&mut self, mut module: QuoteWat<'_>) -> Result<(), Problem> {
        let name = module.name().map(|id| id.name().to_owned());
        let module = self.compile(&mut module)?;
        if let Some(name) = name {
            self.definitions.insert(name, module.clone());
        }
        self.last_definition = Some(module);
        Ok(())
    }

    fn instantiate_definition(&mut self, name: Option<Id<'_>>, module: Option<Id<'_>>) -> Result<(), Problem> {
        let module = match module {
            Some(id) => self.definitions.get(id.name()),
            None => self.last_definition.as_ref(),
        };
        let module = module.cloned().ok_or_else(|| Problem::Other("no such module definition".to_owned()))?;
        let instance = self.instantiate(&module)?;
        self.remember(name.map(|id| id.name().to_owned()), instance);
        Ok(())
    }

    fn register(&mut self, name: &str, module: Option<Id<'_>>) -> Result<(), Problem> {
        let instance = self.instance(module)?;
        self.linker.instance(&mut self.store, name, instance).map_err(|error| Problem::Link(format!("{error:#}")))?;
        Ok(())
    }

    fn instance(&self, id: Option<Id<'_>>) -> Result<Instance, Problem> {
        match id {
            Some(id) => self.instances.get(id.name()).copied().ok_or_else(|| format!("no instance is called `${}`", id.name())),
            None => self.current.ok_or_else(|| "the last module was not instantiated".to_owned()),
        }
        .map_err(Problem::Other)
    }

    fn compile(&self, module: &mut QuoteWat<'_>) -> Result<Module, Problem> {
        let bytes = module.encode().map_err(|error| Problem::Module(error.message()))?;
        let compile = || Module::from_binary(self.store.engine(), &bytes).map_err(|error| Problem::Module(format!("{error:#}")));
        let module = compile()?;
        match self.store.engine().get_cache() {
            // The first only wrote it.
            Some(_) if !module.was_cached() => compile(),
            _ => Ok(module),
        }
    }

    fn instantiate(&mut self, module: &Module) -> Result<Instance, Problem> {
        self.linker.instantiate(&mut self.store, module).map_err(|error| Problem::of_execution(&error))
    }

    fn export(&mut self, module: Option<Id<'_>>, name: &str) -> Result<Extern, Problem> {
        let instance = self.instance(module)?;
        instance.get_export(&mut self.store, name).ok_or_else(|| Problem::Other(format!("no export is called `{name}`")))
    }

    fn invoke(&mut self, invoke: WastInvoke<'_>) -> Result<Vec<Val>, Problem> {
        let Extern::Func(function) = self.export(invoke.module, invoke.name)? else {
            return Err(Problem::Other(format!("export `{}` is not a function", invoke.name)));
        };
        let arguments = invoke.args.iter().map(|argument| self.argument(argument)).collect::<Result<Vec<_>, _>>()?;
        let mut results = vec![Val::I32(0); function.ty(&self.store).results().len()];
        function.call(&mut self.store, &arguments, &mut results).map_err(|error| Problem::of_execution(&error))?;
        Ok(results)
    }

    fn argument(&mut self, argument: &WastArg<'_>) -> Result<Val, Problem> {
        match argument {
            WastArg::Core(WastArgCore::RefExtern(number)) => values::external(&mut self.store, *number),
            WastArg::Core(argument) => values::argument(argument),
            #[allow(unreachable_patterns, reason = "the other kind of argument exists only with the component model")]
            _ => Err("arguments of components are not supported".to_owned()),
        }
        .map_err(Problem::Other)
    }

    fn execute(&mut self, execute: WastExecute<'_>) -> Result<Vec<Val>, Problem> {
        match execute {
            WastExecute::Invoke(invoke) => self.invoke(invoke),
            WastExecute::Wat(module) => {
                let module = self.compile(&mut QuoteWat::Wat(module))?;
                self.instantiate(&module).map(|_| Vec::new())
            }
            WastExecute::Get { module, global, .. } => match self.export(module, global)? {
                Extern::Global(global) => Ok(vec![global.get(&mut self.store)]),
                _ => Err(Problem::Other(format!("export `{global}` is not a global"))),
            },
        }
    }

    fn assert_return(&mut self, execute: WastExecute<'_>, expected: &[WastRet<'_>]) -> Result<(), Problem> {
        let results = self.execute(execute)?;
        let expected: Vec<&WastRetCore<'_>> = expected
            .iter()
            .map(|result| match result {
                WastRet::Core(result) => Ok(result),
                #[allow(unreachable_patterns, reason = "the other kind of result exists only with the component model")]
                _ => Err(Problem::Other("results of components are not supported".to_owned())),
            })
            .collect::<Result<_, _>>()?;
        let fits = results.len() == expected.len()
            && results.iter().zip(&expected).all(|(result, expected)| values::fits(&self.store, result, expected));
        if fits { Ok(()) } else { Err(Problem::Other(format!("expected {expected:?}, got {results:?}"))) }
    }

    fn assert_trap(&mut self, execute: WastExecute<'_>, expected: &str) -> Verdict {
        match self.execute(execute) {
            Err(Problem::Trap(trap, _)) if same_trap(trap, expected) => Verdict::Passed,
            Err(problem) => Verdict::Failed(format!("expected the trap `{expected}`, got `{}`", problem.text())),
            Ok(results) => Verdict::Failed(format!("expected the trap `{expected}`, got {results:?}")),
        }
    }

    fn assert_unlinkable(&mut self, module: Wat<'_>, expected: &str) -> Verdict {
        let result = self.compile(&mut QuoteWat::Wat(module)).and_then(|module| self.instantiate(&module));
        match result {
            Err(Problem::Link(_)) => Verdict::Passed,
            Err(problem) => Verdict::Failed(format!("expected the link error `{expected}`, got `{}`", problem.text())),
            Ok(_) => Verdict::Failed(format!("expected the link error `{expected}`, but the module was instantiated")),
        }
    }

    fn assert_rejected(&mut self, kind: &str, mut module: QuoteWat<'_>, expected: &str) -> Verdict {
        match self.compile(&mut module) {
            Err(Problem::Module(_)) => Verdict::Passed,
            Err(problem) => Verdict::Failed(format!("expected a {kind} module (`{expected}`), got `{}`", problem.text())),
            Ok(_) => Verdict::Failed(format!("expected a {kind} module (`{expected}`), but it was accepted")),
        }
    }
}

fn done(result: Result<(), Problem>) -> Verdict {
    match result {
        Ok(()) => Verdict::Passed,
        Err(problem) => Verdict::Failed(problem.text()),
    }
}

/// Scripts shorten messages ("undefined") or add to them ("uninitialized element 2").
fn same_trap(trap: Trap, expected: &str) -> bool {
    let message = trap.to_string();
    let message = message.trim_start_matches("wasm trap: ");
    message.contains(expected) || expected.contains(message)
}
