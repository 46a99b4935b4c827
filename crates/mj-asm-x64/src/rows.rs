//! The instruction table: what the manual prints in the opcode column, by operand shape.

macro_rules! rows {
    ($($(#[$doc:meta])* $kind:ident { $($field:ident: $type:ty),* } { $($name:ident $mnemonic:literal $($value:literal)*;)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub struct $kind {
            /// As the manual spells it.
            pub mnemonic: &'static str,
            $(pub(crate) $field: $type,)*
        }

        impl $kind {
            /// All rows of this shape.
            pub const ALL: &'static [$kind] = &[$($name),*];

            #[allow(dead_code)]
            const fn new(mnemonic: &'static str, $($field: $type),*) -> Self {
                Self { mnemonic, $($field),* }
            }
        }

        $(#[doc = concat!("`", $mnemonic, "`")]
        pub const $name: $kind = $kind::new($mnemonic, $($value),*);)*
    )*};
}

rows! {
    /// Two-operand arithmetic: opcodes `digit * 8 + 0..=5`, and `80/81/83 /digit` with an immediate.
    Alu { digit: u8 } {
        ADD "add" 0;
        OR "or" 1;
        ADC "adc" 2;
        SBB "sbb" 3;
        AND "and" 4;
        SUB "sub" 5;
        XOR "xor" 6;
        CMP "cmp" 7;
    }

    /// Shifts and rotations: `C0/C1 /digit ib`, `D0/D1 /digit` by one, `D2/D3 /digit` by `cl`.
    Shift { digit: u8 } {
        ROL "rol" 0;
        ROR "ror" 1;
        SHL "shl" 4;
        SHR "shr" 5;
        SAR "sar" 7;
    }

    /// One operand: `F6/F7 /digit`. The multiplications and divisions work on `rdx:rax`.
    Unary { digit: u8 } {
        NOT "not" 2;
        NEG "neg" 3;
        MUL "mul" 4;
        IMUL "imul" 5;
        DIV "div" 6;
        IDIV "idiv" 7;
    }

    /// `reg, r/m` behind `0F`: mandatory prefix, opcode. 16, 32 and 64 bits wide.
    RegRm { prefix: u8, opcode: u8 } {
        IMUL_R "imul" 0x00 0xaf;
        BSF "bsf" 0x00 0xbc;
        BSR "bsr" 0x00 0xbd;
        POPCNT "popcnt" 0xf3 0xb8;
        TZCNT "tzcnt" 0xf3 0xbc;
        LZCNT "lzcnt" 0xf3 0xbd;
    }

    /// BMI2 shifts by a register, flags untouched: VEX `0F38 F7 /r` with this `pp`.
    FreeShift { pp: u8 } {
        SHLX "shlx" 1;
        SARX "sarx" 2;
        SHRX "shrx" 3;
    }

    /// Scalar float `xmm, xmm/m`: `0F opcode` behind `F3` (single) or `F2` (double); VEX with three operands.
    Scalar { opcode: u8 } {
        SQRT "sqrts" 0x51;
        FADD "adds" 0x58;
        FMUL "muls" 0x59;
        FSUB "subs" 0x5c;
        FMIN "mins" 0x5d;
        FDIV "divs" 0x5e;
        FMAX "maxs" 0x5f;
    }

    /// Vector `xmm, xmm/m128`: mandatory prefix, opcode behind `0F`.
    Packed { prefix: u8, opcode: u8 } {
        MOVUPS "movups" 0x00 0x10;
        MOVAPS "movaps" 0x00 0x28;
        MOVDQA "movdqa" 0x66 0x6f;
        MOVDQU "movdqu" 0xf3 0x6f;
        ANDPS "andps" 0x00 0x54;
        ANDNPS "andnps" 0x00 0x55;
        ORPS "orps" 0x00 0x56;
        XORPS "xorps" 0x00 0x57;
        ANDPD "andpd" 0x66 0x54;
        ANDNPD "andnpd" 0x66 0x55;
        ORPD "orpd" 0x66 0x56;
        XORPD "xorpd" 0x66 0x57;
        UNPCKLPS "unpcklps" 0x00 0x14;
        ADDPS "addps" 0x00 0x58;
        ADDPD "addpd" 0x66 0x58;
        SUBPS "subps" 0x00 0x5c;
        SUBPD "subpd" 0x66 0x5c;
        PUNPCKLDQ "punpckldq" 0x66 0x62;
        PCMPEQD "pcmpeqd" 0x66 0x76;
        PADDD "paddd" 0x66 0xfe;
        PADDQ "paddq" 0x66 0xd4;
        PSUBD "psubd" 0x66 0xfa;
        PSUBQ "psubq" 0x66 0xfb;
        PAND "pand" 0x66 0xdb;
        PANDN "pandn" 0x66 0xdf;
        POR "por" 0x66 0xeb;
        PXOR "pxor" 0x66 0xef;
    }

    /// Vector shifts by an immediate: `66 0F opcode /digit ib`.
    PackedShift { opcode: u8, digit: u8 } {
        PSRLD "psrld" 0x72 2;
        PSLLD "pslld" 0x72 6;
        PSRLQ "psrlq" 0x73 2;
        PSLLQ "psllq" 0x73 6;
    }
}
