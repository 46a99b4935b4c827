//! The instruction table: the bits that the manual prints for an instruction, by operand shape.

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

            const fn new(mnemonic: &'static str, $($field: $type),*) -> Self {
                Self { mnemonic, $($field),* }
            }
        }

        $(#[doc = concat!("`", $mnemonic, "`")]
        pub const $name: $kind = $kind::new($mnemonic, $($value),*);)*
    )*};
}

rows! {
    /// Addition and subtraction, with a register, a shifted or an extended one, or an immediate: `op` and `S` (bits 30 and 29).
    AddSub { op_s: u32 } {
        ADD "add" 0b00;
        ADDS "adds" 0b01;
        SUB "sub" 0b10;
        SUBS "subs" 0b11;
    }

    /// Logical, with a register or a shifted one: `opc` (30:29) and `N` (21). With an immediate, those whose `N` is 0.
    Logical { opc: u32, n: u32 } {
        AND "and" 0b00 0;
        BIC "bic" 0b00 1;
        ORR "orr" 0b01 0;
        ORN "orn" 0b01 1;
        EOR "eor" 0b10 0;
        EON "eon" 0b10 1;
        ANDS "ands" 0b11 0;
        BICS "bics" 0b11 1;
    }

    /// Move wide: `opc` (30:29).
    MoveWide { opc: u32 } {
        MOVN "movn" 0b00;
        MOVZ "movz" 0b10;
        MOVK "movk" 0b11;
    }

    /// Bitfield move: `opc` (30:29).
    Bitfield { opc: u32 } {
        SBFM "sbfm" 0b00;
        BFM "bfm" 0b01;
        UBFM "ubfm" 0b10;
    }

    /// Two sources: opcode (15:10).
    TwoSource { opcode: u32 } {
        UDIV "udiv" 0b000010;
        SDIV "sdiv" 0b000011;
        LSLV "lslv" 0b001000;
        LSRV "lsrv" 0b001001;
        ASRV "asrv" 0b001010;
        RORV "rorv" 0b001011;
    }

    /// One source: opcode (15:10).
    OneSource { opcode: u32 } {
        RBIT "rbit" 0b000000;
        REV16 "rev16" 0b000001;
        CLZ "clz" 0b000100;
        CLS "cls" 0b000101;
    }

    /// Three sources of one width, `dst := c ± a * b`: `o0` (15).
    MulAdd { o0: u32 } {
        MADD "madd" 0;
        MSUB "msub" 1;
    }

    /// Three sources, `dst := c ± a * b` with 32-bit factors: `op31` (23:21) and `o0` (15).
    MulAddLong { op31: u32, o0: u32 } {
        SMADDL "smaddl" 0b001 0;
        SMSUBL "smsubl" 0b001 1;
        UMADDL "umaddl" 0b101 0;
        UMSUBL "umsubl" 0b101 1;
    }

    /// The high half of a product: `op31` (23:21).
    MulHigh { op31: u32 } {
        SMULH "smulh" 0b010;
        UMULH "umulh" 0b110;
    }

    /// Conditional select: `op` (30) and `op2` (11:10).
    Select { op: u32, op2: u32 } {
        CSEL "csel" 0 0b00;
        CSINC "csinc" 0 0b01;
        CSINV "csinv" 1 0b00;
        CSNEG "csneg" 1 0b01;
    }

    /// Conditional compare, with a register or an immediate: `op` (30).
    CondCompare { op: u32 } {
        CCMN "ccmn" 0;
        CCMP "ccmp" 1;
    }

    /// Loads and stores of general registers: `size` (31:30) and `opc` (23:22).
    Access { size: u32, opc: u32 } {
        STRB "strb" 0b00 0b00;
        LDRB "ldrb" 0b00 0b01;
        LDRSB_X "ldrsb" 0b00 0b10;
        LDRSB_W "ldrsb" 0b00 0b11;
        STRH "strh" 0b01 0b00;
        LDRH "ldrh" 0b01 0b01;
        LDRSH_X "ldrsh" 0b01 0b10;
        LDRSH_W "ldrsh" 0b01 0b11;
        STR_W "str" 0b10 0b00;
        LDR_W "ldr" 0b10 0b01;
        LDRSW "ldrsw" 0b10 0b10;
        STR_X "str" 0b11 0b00;
        LDR_X "ldr" 0b11 0b01;
    }

    /// Loads and stores of vector registers: `size` (31:30) and `opc` (23:22).
    FloatAccess { size: u32, opc: u32 } {
        STR_S "str" 0b10 0b00;
        LDR_S "ldr" 0b10 0b01;
        STR_D "str" 0b11 0b00;
        LDR_D "ldr" 0b11 0b01;
        STR_Q "str" 0b00 0b10;
        LDR_Q "ldr" 0b00 0b11;
    }

    /// Loads and stores of two general registers: `opc` (31:30) and `L` (22).
    Pair { opc: u32, l: u32 } {
        STP_W "stp" 0b00 0;
        LDP_W "ldp" 0b00 1;
        STP_X "stp" 0b10 0;
        LDP_X "ldp" 0b10 1;
    }

    /// Loads and stores of two vector registers: `opc` (31:30) and `L` (22).
    FloatPair { opc: u32, l: u32 } {
        STP_S "stp" 0b00 0;
        LDP_S "ldp" 0b00 1;
        STP_D "stp" 0b01 0;
        LDP_D "ldp" 0b01 1;
        STP_Q "stp" 0b10 0;
        LDP_Q "ldp" 0b10 1;
    }

    /// Scalar float arithmetic with two sources: opcode (15:12).
    FloatTwoSource { opcode: u32 } {
        FMUL "fmul" 0b0000;
        FDIV "fdiv" 0b0001;
        FADD "fadd" 0b0010;
        FSUB "fsub" 0b0011;
        FMAX "fmax" 0b0100;
        FMIN "fmin" 0b0101;
        FMAXNM "fmaxnm" 0b0110;
        FMINNM "fminnm" 0b0111;
        FNMUL "fnmul" 0b1000;
    }

    /// Scalar float arithmetic with one source: opcode (20:15).
    FloatOneSource { opcode: u32 } {
        FMOV "fmov" 0b000000;
        FABS "fabs" 0b000001;
        FNEG "fneg" 0b000010;
        FSQRT "fsqrt" 0b000011;
        FRINTN "frintn" 0b001000;
        FRINTP "frintp" 0b001001;
        FRINTM "frintm" 0b001010;
        FRINTZ "frintz" 0b001011;
        FRINTA "frinta" 0b001100;
        FRINTX "frintx" 0b001110;
        FRINTI "frinti" 0b001111;
    }

    /// Float comparison: `op` (4), which raises exceptions for quiet NaNs too.
    FloatCompare { op: u32 } {
        FCMP "fcmp" 0;
        FCMPE "fcmpe" 1;
    }

    /// Scalar float to integer: `rmode` (20:19) and opcode (18:16).
    FloatToInt { rmode: u32, opcode: u32 } {
        FCVTNS "fcvtns" 0b00 0b000;
        FCVTNU "fcvtnu" 0b00 0b001;
        FCVTAS "fcvtas" 0b00 0b100;
        FCVTAU "fcvtau" 0b00 0b101;
        FCVTPS "fcvtps" 0b01 0b000;
        FCVTPU "fcvtpu" 0b01 0b001;
        FCVTMS "fcvtms" 0b10 0b000;
        FCVTMU "fcvtmu" 0b10 0b001;
        FCVTZS "fcvtzs" 0b11 0b000;
        FCVTZU "fcvtzu" 0b11 0b001;
    }

    /// Integer to scalar float: opcode (18:16).
    IntToFloat { opcode: u32 } {
        SCVTF "scvtf" 0b010;
        UCVTF "ucvtf" 0b011;
    }

    /// Bitwise, on 64 or 128 bits: `U` (29) and `size` (23:22).
    VectorLogical { u: u32, size: u32 } {
        VAND "and" 0 0b00;
        VBIC "bic" 0 0b01;
        VORR "orr" 0 0b10;
        VORN "orn" 0 0b11;
        VEOR "eor" 1 0b00;
        BSL "bsl" 1 0b01;
        BIT "bit" 1 0b10;
        BIF "bif" 1 0b11;
    }

    /// Vector shifts by an immediate: `U` (29), opcode (15:11), and 1 if to the right.
    VectorShift { u: u32, opcode: u32, right: u32 } {
        SSHR "sshr" 0 0b00000 1;
        USHR "ushr" 1 0b00000 1;
        SRI "sri" 1 0b01000 1;
        SHL "shl" 0 0b01010 0;
        SLI "sli" 1 0b01010 0;
    }

    /// Vector float signs: `U` (29) and opcode (16:12).
    VectorSign { u: u32, opcode: u32 } {
        VFABS "fabs" 0 0b01111;
        VFNEG "fneg" 1 0b01111;
    }

    /// Reductions of bytes: `U` (29) and opcode (16:12).
    Across { u: u32, opcode: u32 } {
        ADDV "addv" 0 0b11011;
        UADDLV "uaddlv" 1 0b00011;
    }

    /// Barriers: opcode (7:5); all with option `ish` but `isb`, which takes `sy`.
    Barrier { crm: u32, opcode: u32 } {
        DSB_ISH "dsb" 0b1011 0b100;
        DMB_ISH "dmb" 0b1011 0b101;
        ISB "isb" 0b1111 0b110;
    }

    /// System registers: `o0:op1:CRn:CRm:op2` (19:5), with `op0` 3.
    SystemRegister { field: u32 } {
        NZCV "nzcv" 0b1_011_0100_0010_000;
        FPCR "fpcr" 0b1_011_0100_0100_000;
        FPSR "fpsr" 0b1_011_0100_0100_001;
        TPIDR_EL0 "tpidr_el0" 0b1_011_1101_0000_010;
        CTR_EL0 "ctr_el0" 0b1_011_0000_0000_001;
    }
}
