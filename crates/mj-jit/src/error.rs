//! The error type of the whole API: any cause, with context added on the way up, found again by type.
//!
//! An [`Error`] is one box holding a `Cause`: a std error, a message, or context around another error. Lookups by type
//! (`is`, `downcast_ref`, `downcast`) walk from the outermost context inwards.

mod cause;
mod chain;
mod context;
mod macros;
mod memory;

use std::any::TypeId;
use std::error::Error as StdError;
use std::fmt::{self, Debug, Display};
use std::ops::Deref;

use cause::{Boxed, Cause, Contextual, Foreign, Message};

pub use chain::Chain;
pub use context::Context;
#[doc(hidden)]
pub use macros::choose;
pub use memory::OutOfMemory;

pub use crate::{bail, ensure, format_err};

/// Result of nearly everything here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// `Ok` with the error type fixed to [`Error`], for closures whose type the compiler cannot see.
#[expect(non_snake_case, reason = "stands for the variant of the same name")]
#[inline]
pub fn Ok<T>(value: T) -> Result<T> {
    Result::Ok(value)
}

/// Why something failed.
///
/// `{}` prints the outermost message, `{:#}` the whole chain on one line, `{:?}` the chain as a list.
pub struct Error {
    cause: Box<dyn Cause>,
}

impl Error {
    /// Wraps a std error.
    pub fn new<E>(error: E) -> Self
    where
        E: StdError + Send + Sync + 'static,
    {
        Self { cause: Box::new(Foreign(error)) }
    }

    /// An error that is only a message.
    pub fn msg<M>(message: M) -> Self
    where
        M: Debug + Display + Send + Sync + 'static,
    {
        Self { cause: Box::new(Message(message)) }
    }

    /// Wraps a boxed std error; `downcast` to the box's type gives it back.
    #[must_use]
    pub fn from_boxed(error: Box<dyn StdError + Send + Sync + 'static>) -> Self {
        Self { cause: Box::new(Boxed(error)) }
    }

    /// Wraps an error of the `anyhow` crate; `downcast` finds what that one finds.
    #[cfg(feature = "anyhow")]
    #[must_use]
    pub fn from_anyhow(error: anyhow::Error) -> Self {
        Self { cause: Box::new(cause::Anyhow(error)) }
    }

    /// Puts `context` around this error: it becomes the message, and this error its source.
    #[must_use]
    pub fn context<C>(self, context: C) -> Self
    where
        C: Display + Send + Sync + 'static,
    {
        Self { cause: Box::new(Contextual { context, source: Some(self) }) }
    }

    /// This error and its sources, outermost first.
    #[must_use]
    pub fn chain(&self) -> Chain<'_> {
        Chain::new(&**self)
    }

    /// The innermost source.
    #[must_use]
    pub fn root_cause(&self) -> &(dyn StdError + 'static) {
        self.chain().last().expect("a chain begins with the error itself")
    }

    /// Whether this error, a context around it or its innermost error is an `E`.
    #[must_use]
    pub fn is<E>(&self) -> bool
    where
        E: Display + Debug + Send + Sync + 'static,
    {
        self.downcast_ref::<E>().is_some()
    }

    /// This error as an `E`, if [`is`](Error::is) says so; outer context is dropped.
    ///
    /// # Errors
    ///
    /// The unchanged error, if it is no `E`.
    pub fn downcast<E>(self) -> Result<E, Self>
    where
        E: Display + Debug + Send + Sync + 'static,
    {
        if self.cause.find(TypeId::of::<E>()).is_some() {
            let found = self.cause.take(TypeId::of::<E>()).downcast::<E>();
            return Result::Ok(*found.expect("`find` found the type"));
        }
        #[cfg(feature = "anyhow")]
        if self.is::<E>() {
            return Result::Ok(self.cause.into_anyhow().downcast::<E>().expect("`is` found the type"));
        }
        Err(self)
    }

    /// Reference to the `E` in this error.
    #[must_use]
    pub fn downcast_ref<E>(&self) -> Option<&E>
    where
        E: Display + Debug + Send + Sync + 'static,
    {
        if let Some(found) = self.cause.find(TypeId::of::<E>()) {
            return found.downcast_ref();
        }
        #[cfg(feature = "anyhow")]
        if let Some(inner) = self.cause.anyhow() {
            return inner.downcast_ref();
        }
        None
    }

    /// Reference to the `E` in this error, to change it.
    #[must_use]
    pub fn downcast_mut<E>(&mut self) -> Option<&mut E>
    where
        E: Display + Debug + Send + Sync + 'static,
    {
        if self.cause.find(TypeId::of::<E>()).is_some() {
            return self.cause.find_mut(TypeId::of::<E>())?.downcast_mut();
        }
        #[cfg(feature = "anyhow")]
        if let Some(inner) = self.cause.anyhow_mut() {
            return inner.downcast_mut();
        }
        None
    }

    /// This error as a boxed std error.
    #[must_use]
    pub fn into_boxed_dyn_error(self) -> Box<dyn StdError + Send + Sync + 'static> {
        self.cause.into_std()
    }

    /// Context with nothing inside.
    fn from_context<C>(context: C) -> Self
    where
        C: Display + Send + Sync + 'static,
    {
        Self { cause: Box::new(Contextual { context, source: None }) }
    }

    #[doc(hidden)]
    #[must_use]
    pub fn from_format_args(message: fmt::Arguments<'_>) -> Self {
        match message.as_str() {
            Some(text) => Self::msg(text),
            None => Self::msg(message.to_string()),
        }
    }
}

impl Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        chain::fmt_debug(self, f)
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        chain::fmt_display(self, f)
    }
}

impl<E> From<E> for Error
where
    E: StdError + Send + Sync + 'static,
{
    #[cold]
    fn from(error: E) -> Self {
        Self::new(error)
    }
}

impl Deref for Error {
    type Target = dyn StdError + Send + Sync + 'static;

    fn deref(&self) -> &Self::Target {
        self.cause.as_std()
    }
}

impl AsRef<dyn StdError + Send + Sync> for Error {
    fn as_ref(&self) -> &(dyn StdError + Send + Sync + 'static) {
        &**self
    }
}

impl AsRef<dyn StdError> for Error {
    fn as_ref(&self) -> &(dyn StdError + 'static) {
        &**self
    }
}

macro_rules! into_boxes {
    ($($target:ty),*) => {
        $(impl From<Error> for Box<$target> {
            fn from(error: Error) -> Self {
                error.into_boxed_dyn_error()
            }
        })*
    };
}

into_boxes!(dyn StdError + Send + Sync + 'static, dyn StdError + Send + 'static, dyn StdError + 'static);

#[cfg(feature = "anyhow")]
impl From<Error> for anyhow::Error {
    fn from(error: Error) -> Self {
        error.cause.into_anyhow()
    }
}

/// Turns results of other error types that cannot be converted by `?` into this crate's.
pub trait ToWasmtimeResult<T> {
    /// The same result with this crate's error.
    ///
    /// # Errors
    ///
    /// If it was one before.
    fn to_wasmtime_result(self) -> Result<T>;
}

impl<T> ToWasmtimeResult<T> for Result<T> {
    fn to_wasmtime_result(self) -> Result<T> {
        self
    }
}

#[cfg(feature = "anyhow")]
impl<T> ToWasmtimeResult<T> for anyhow::Result<T> {
    fn to_wasmtime_result(self) -> Result<T> {
        self.map_err(Error::from_anyhow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Code(i32);

    impl Display for Code {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "code {}", self.0)
        }
    }

    impl StdError for Code {}

    fn nested() -> Error {
        Error::new(Code(3)).context("while counting").context(format!("at {}", "noon"))
    }

    #[test]
    fn lookups_by_type_reach_through_context() {
        let mut error = nested();
        assert_eq!(error.downcast_ref::<Code>(), Some(&Code(3)));
        assert_eq!(error.downcast_ref::<&str>(), Some(&"while counting"));
        assert!(error.is::<String>() && !error.is::<u8>());
        error.downcast_mut::<Code>().unwrap().0 = 4;
        let error = error.downcast::<u8>().unwrap_err();
        assert_eq!(error.downcast::<Code>().unwrap(), Code(4));
    }

    #[test]
    fn all_ways_to_print() {
        assert_eq!(nested().to_string(), "at noon");
        assert_eq!(format!("{:#}", nested()), "at noon: while counting: code 3");
        assert_eq!(format!("{:?}", nested()), "at noon\n\nCaused by:\n    0: while counting\n    1: code 3");
        assert_eq!(format!("{:?}", Error::new(Code(1)).context("a\nb")), "a\nb\n\nCaused by:\n    code 1");
        assert_eq!(format!("{:?}", Error::msg("two\nlines").context("x")), "x\n\nCaused by:\n    two\n    lines");
        assert_eq!(format!("{:?}", Error::msg("alone")), "alone");
    }

    #[test]
    fn boxes_keep_what_they_hold() {
        let boxed: Box<dyn StdError + Send + Sync> = nested().into();
        assert_eq!(boxed.to_string(), "at noon");
        assert_eq!(boxed.source().unwrap().to_string(), "while counting");
        let boxed: Box<dyn StdError + Send + Sync> = Error::new(Code(9)).into();
        let again = Error::from_boxed(boxed).downcast::<Box<dyn StdError + Send + Sync>>().unwrap();
        assert_eq!(again.downcast_ref::<Code>(), Some(&Code(9)));
        assert_eq!(nested().root_cause().to_string(), "code 3");
        assert_eq!(nested().chain().count(), 3);
    }

    #[test]
    fn macros_choose_by_what_they_are_given() {
        fn fails(how: u8) -> Result<()> {
            ensure!(how != 0, "how is {how}");
            ensure!(how != 1);
            match how {
                2 => bail!(Code(2)),
                3 => bail!("formatted {}", 3),
                _ => Err(format_err!(String::from("text"))),
            }
        }
        assert_eq!(fails(0).unwrap_err().to_string(), "how is 0");
        assert_eq!(fails(1).unwrap_err().to_string(), "Condition failed: `how != 1`");
        assert!(fails(2).unwrap_err().is::<Code>());
        assert_eq!(fails(3).unwrap_err().to_string(), "formatted 3");
        assert_eq!(fails(4).unwrap_err().to_string(), "text");
    }

    #[test]
    fn results_and_options_take_context() {
        let error = Err::<(), _>(Code(1)).context("outer").unwrap_err();
        assert_eq!(format!("{error:#}"), "outer: code 1");
        let error = None::<u8>.with_context(|| format!("no {}", "value")).unwrap_err();
        assert_eq!(error.to_string(), "no value");
        let error = Err::<(), Error>(nested()).context("outermost").unwrap_err();
        assert_eq!(error.chain().count(), 4);
    }

    #[cfg(feature = "anyhow")]
    #[test]
    fn anyhow_goes_there_and_back() {
        let error = Error::from_anyhow(anyhow::Error::new(Code(5)).context("outer"));
        assert_eq!(error.downcast_ref::<Code>(), Some(&Code(5)));
        assert_eq!(format!("{error:#}"), "outer: code 5");
        let back: anyhow::Error = nested().into();
        assert_eq!(back.downcast_ref::<Code>(), Some(&Code(3)));
        assert_eq!(format!("{back:#}"), "at noon: while counting: code 3");
        assert_eq!(Error::from_anyhow(back).downcast::<Code>().unwrap(), Code(3));
    }
}
