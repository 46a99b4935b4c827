//! `format_err!`, `bail!` and `ensure!`, and how `format_err!(value)` finds out what `value` is.

/// Makes an [`Error`](crate::Error) from a format string with arguments, or from one value: a std error or a message.
#[macro_export]
macro_rules! format_err {
    ($message:literal $(,)?) => {
        $crate::Error::from_format_args(::core::format_args!($message))
    };
    ($message:literal, $($argument:tt)*) => {
        $crate::Error::from_format_args(::core::format_args!($message, $($argument)*))
    };
    ($value:expr $(,)?) => {{
        #[allow(unused_imports)]
        use $crate::error::choose::{ViaAnyhow as _, ViaMessage as _, ViaStd as _};
        let value = $value;
        (&&&$crate::error::choose::Given(&value)).way().make(value)
    }};
}

/// Returns an error made as by [`format_err!`](crate::format_err) from the function around it.
#[macro_export]
macro_rules! bail {
    ($($argument:tt)*) => {
        return ::core::result::Result::Err($crate::format_err!($($argument)*))
    };
}

/// Returns an error made as by [`format_err!`](crate::format_err) if a condition does not hold.
#[macro_export]
macro_rules! ensure {
    ($condition:expr $(,)?) => {
        $crate::ensure!($condition, ::core::concat!("Condition failed: `", ::core::stringify!($condition), "`"))
    };
    ($condition:expr, $($argument:tt)*) => {
        if !$condition {
            $crate::bail!($($argument)*);
        }
    };
}

/// Method lookup tries the fewest dereferences last: the first trait below that fits the value's type wins.
#[doc(hidden)]
#[allow(missing_docs, missing_debug_implementations)]
pub mod choose {
    use std::error::Error as StdError;
    use std::fmt::{Debug, Display};

    use crate::Error;

    pub struct Given<'a, T>(pub &'a T);

    #[cfg(feature = "anyhow")]
    pub trait ViaAnyhow {
        fn way(&self) -> AnyhowWay {
            AnyhowWay
        }
    }
    #[cfg(feature = "anyhow")]
    impl ViaAnyhow for &&Given<'_, anyhow::Error> {}
    #[cfg(feature = "anyhow")]
    pub struct AnyhowWay;
    #[cfg(feature = "anyhow")]
    impl AnyhowWay {
        pub fn make(self, error: anyhow::Error) -> Error {
            Error::from_anyhow(error)
        }
    }
    #[cfg(not(feature = "anyhow"))]
    pub trait ViaAnyhow {}

    pub trait ViaStd {
        fn way(&self) -> StdWay {
            StdWay
        }
    }
    impl<E: StdError + Send + Sync + 'static> ViaStd for &Given<'_, E> {}
    pub struct StdWay;
    impl StdWay {
        pub fn make<E: StdError + Send + Sync + 'static>(self, error: E) -> Error {
            Error::new(error)
        }
    }

    pub trait ViaMessage {
        fn way(&self) -> MessageWay {
            MessageWay
        }
    }
    impl<M: Debug + Display + Send + Sync + 'static> ViaMessage for Given<'_, M> {}
    pub struct MessageWay;
    impl MessageWay {
        pub fn make<M: Debug + Display + Send + Sync + 'static>(self, message: M) -> Error {
            Error::msg(message)
        }
    }
}
