//! What an error can hold.

use std::any::{Any, TypeId};
use std::error::Error as StdError;
use std::fmt::{self, Debug, Display};

use super::Error;

/// The contents of an [`Error`]. `take` is called only with a type that `find` finds.
pub(super) trait Cause: Send + Sync + 'static {
    fn as_std(&self) -> &(dyn StdError + Send + Sync + 'static);
    fn into_std(self: Box<Self>) -> Box<dyn StdError + Send + Sync + 'static>;
    fn find(&self, id: TypeId) -> Option<&dyn Any>;
    fn find_mut(&mut self, id: TypeId) -> Option<&mut dyn Any>;
    fn take(self: Box<Self>, id: TypeId) -> Box<dyn Any>;

    /// The `anyhow` error at the innermost place, which can be searched only with the type in hand.
    #[cfg(feature = "anyhow")]
    fn anyhow(&self) -> Option<&anyhow::Error> {
        None
    }

    #[cfg(feature = "anyhow")]
    fn anyhow_mut(&mut self) -> Option<&mut anyhow::Error> {
        None
    }

    /// The same as an `anyhow` error, in which types are found as they are here.
    #[cfg(feature = "anyhow")]
    fn into_anyhow(self: Box<Self>) -> anyhow::Error;
}

/// A std error.
pub(super) struct Foreign<E>(pub E);

impl<E: StdError + Send + Sync + 'static> Cause for Foreign<E> {
    fn as_std(&self) -> &(dyn StdError + Send + Sync + 'static) {
        &self.0
    }

    fn into_std(self: Box<Self>) -> Box<dyn StdError + Send + Sync + 'static> {
        Box::new(self.0)
    }

    fn find(&self, id: TypeId) -> Option<&dyn Any> {
        (id == TypeId::of::<E>()).then_some(&self.0)
    }

    fn find_mut(&mut self, id: TypeId) -> Option<&mut dyn Any> {
        (id == TypeId::of::<E>()).then_some(&mut self.0)
    }

    fn take(self: Box<Self>, _: TypeId) -> Box<dyn Any> {
        Box::new(self.0)
    }

    #[cfg(feature = "anyhow")]
    fn into_anyhow(self: Box<Self>) -> anyhow::Error {
        anyhow::Error::new(self.0)
    }
}

/// A message.
pub(super) struct Message<M>(pub M);

impl<M: Debug> Debug for Message<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<M: Display> Display for Message<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<M: Debug + Display> StdError for Message<M> {}

impl<M: Debug + Display + Send + Sync + 'static> Cause for Message<M> {
    fn as_std(&self) -> &(dyn StdError + Send + Sync + 'static) {
        self
    }

    fn into_std(self: Box<Self>) -> Box<dyn StdError + Send + Sync + 'static> {
        self
    }

    fn find(&self, id: TypeId) -> Option<&dyn Any> {
        (id == TypeId::of::<M>()).then_some(&self.0)
    }

    fn find_mut(&mut self, id: TypeId) -> Option<&mut dyn Any> {
        (id == TypeId::of::<M>()).then_some(&mut self.0)
    }

    fn take(self: Box<Self>, _: TypeId) -> Box<dyn Any> {
        Box::new(self.0)
    }

    #[cfg(feature = "anyhow")]
    fn into_anyhow(self: Box<Self>) -> anyhow::Error {
        anyhow::Error::msg(self.0)
    }
}

/// Context around another error, or in place of one.
pub(super) struct Contextual<C> {
    pub context: C,
    pub source: Option<Error>,
}

impl<C: Display> Debug for Contextual<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error").field("context", &format_args!("{}", self.context)).field("source", &self.source).finish()
    }
}

impl<C: Display> Display for Contextual<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.context.fmt(f)
    }
}

impl<C: Display> StdError for Contextual<C> {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(self.source.as_ref()?.cause.as_std())
    }
}

impl<C: Display + Send + Sync + 'static> Cause for Contextual<C> {
    fn as_std(&self) -> &(dyn StdError + Send + Sync + 'static) {
        self
    }

    fn into_std(self: Box<Self>) -> Box<dyn StdError + Send + Sync + 'static> {
        self
    }

    fn find(&self, id: TypeId) -> Option<&dyn Any> {
        if id == TypeId::of::<C>() { Some(&self.context) } else { self.source.as_ref()?.cause.find(id) }
    }

    fn find_mut(&mut self, id: TypeId) -> Option<&mut dyn Any> {
        if id == TypeId::of::<C>() { Some(&mut self.context) } else { self.source.as_mut()?.cause.find_mut(id) }
    }

    fn take(self: Box<Self>, id: TypeId) -> Box<dyn Any> {
        match self.source {
            Some(source) if id != TypeId::of::<C>() => source.cause.take(id),
            _ => Box::new(self.context),
        }
    }

    #[cfg(feature = "anyhow")]
    fn anyhow(&self) -> Option<&anyhow::Error> {
        self.source.as_ref()?.cause.anyhow()
    }

    #[cfg(feature = "anyhow")]
    fn anyhow_mut(&mut self) -> Option<&mut anyhow::Error> {
        self.source.as_mut()?.cause.anyhow_mut()
    }

    #[cfg(feature = "anyhow")]
    fn into_anyhow(self: Box<Self>) -> anyhow::Error {
        match self.source {
            Some(source) => source.cause.into_anyhow().context(self.context),
            None => anyhow::Error::msg(self.context.to_string()),
        }
    }
}

/// A std error in a box. It can be found as the box, not as what is inside: std looks inside for std errors only, and
/// lookups here are not limited to those.
pub(super) struct Boxed(pub Box<dyn StdError + Send + Sync + 'static>);

impl Cause for Boxed {
    fn as_std(&self) -> &(dyn StdError + Send + Sync + 'static) {
        &*self.0
    }

    fn into_std(self: Box<Self>) -> Box<dyn StdError + Send + Sync + 'static> {
        self.0
    }

    fn find(&self, id: TypeId) -> Option<&dyn Any> {
        (id == TypeId::of::<Box<dyn StdError + Send + Sync + 'static>>()).then_some(&self.0)
    }

    fn find_mut(&mut self, id: TypeId) -> Option<&mut dyn Any> {
        (id == TypeId::of::<Box<dyn StdError + Send + Sync + 'static>>()).then_some(&mut self.0)
    }

    fn take(self: Box<Self>, _: TypeId) -> Box<dyn Any> {
        Box::new(self.0)
    }

    #[cfg(feature = "anyhow")]
    fn into_anyhow(self: Box<Self>) -> anyhow::Error {
        anyhow::Error::from_boxed(self.0)
    }
}

/// An error of the `anyhow` crate. It does its own lookups, see [`Cause::anyhow`].
#[cfg(feature = "anyhow")]
pub(super) struct Anyhow(pub anyhow::Error);

#[cfg(feature = "anyhow")]
impl Cause for Anyhow {
    fn as_std(&self) -> &(dyn StdError + Send + Sync + 'static) {
        self.0.as_ref()
    }

    fn into_std(self: Box<Self>) -> Box<dyn StdError + Send + Sync + 'static> {
        self.0.into()
    }

    fn find(&self, _: TypeId) -> Option<&dyn Any> {
        None
    }

    fn find_mut(&mut self, _: TypeId) -> Option<&mut dyn Any> {
        None
    }

    fn take(self: Box<Self>, _: TypeId) -> Box<dyn Any> {
        unreachable!("`find` finds nothing")
    }

    fn anyhow(&self) -> Option<&anyhow::Error> {
        Some(&self.0)
    }

    fn anyhow_mut(&mut self) -> Option<&mut anyhow::Error> {
        Some(&mut self.0)
    }

    fn into_anyhow(self: Box<Self>) -> anyhow::Error {
        self.0
    }
}
