//! One line an instruction: what is asked for, its word, and how another disassembler reads it.

mod disassembly;

use disassembly::{assemble, text};
use mj_asm_aarch64::Extend;
use mj_asm_aarch64::Width::{W32, W64};
use mj_asm_aarch64::*;

/// What a line asks for, its word, its text.
type Line = (fn(&mut Asm), u32, &'static str);

#[rustfmt::skip]
const LINES: &[Line] = &[
    // Additions and subtractions.
    (|a| a.add_rrr(ADD, W64, X0, X1, X2), 0x8b02_0020, "add x0, x1, x2"),
    (|a| a.add_rrr(SUBS, W32, XZR, X1, X2), 0x6b02_003f, "cmp w1, w2"),
    (|a| a.add_rrr(SUB, W64, X0, XZR, X2), 0xcb02_03e0, "neg x0, x2"),
    (|a| a.add_rrs(SUBS, W64, X1, X2, X3, Shift::Asr, 7), 0xeb83_1c41, "subs x1, x2, x3, asr #7"),
    (|a| a.add_rre(ADD, W64, SP, SP, X3, Extend::Sxtw, 2), 0x8b23_cbff, "add sp, sp, w3, sxtw #2"),
    (|a| a.add_rre(SUBS, W64, XZR, X16, X3, Extend::Sxtw, 0), 0xeb23_c21f, "cmp x16, w3, sxtw"),
    (|a| a.add_rri(ADDS, W32, X1, X3, 0x123000), 0x3144_8c61, "adds w1, w3, #0x123, lsl #12"),
    (|a| a.add_rri(SUB, W64, SP, SP, 4095), 0xd13f_ffff, "sub sp, sp, #0xfff"),
    (|a| a.cmp_rr(W64, X1, X2), 0xeb02_003f, "cmp x1, x2"),
    (|a| a.cmp_ri(W32, X1, 7), 0x7100_1c3f, "cmp w1, #0x7"),
    (|a| a.cmn_ri(W64, X1, 1), 0xb100_043f, "cmn x1, #0x1"),
    (|a| a.neg_rr(W32, X1, X2), 0x4b02_03e1, "neg w1, w2"),
    // Logic.
    (|a| a.logic_rrr(AND, W32, X1, X2, X3), 0x0a03_0041, "and w1, w2, w3"),
    (|a| a.logic_rrr(BIC, W32, X1, X2, X3), 0x0a23_0041, "bic w1, w2, w3"),
    (|a| a.logic_rrr(ORR, W64, X1, X2, X3), 0xaa03_0041, "orr x1, x2, x3"),
    (|a| a.logic_rrs(ORN, W64, X1, X2, X3, Shift::Lsl, 63), 0xaa23_fc41, "orn x1, x2, x3, lsl #63"),
    (|a| a.logic_rrs(EOR, W32, X1, X2, X3, Shift::Ror, 9), 0x4ac3_2441, "eor w1, w2, w3, ror #9"),
    (|a| a.logic_rrr(EON, W64, X1, X2, X3), 0xca23_0041, "eon x1, x2, x3"),
    (|a| a.logic_rrr(ANDS, W64, X1, X2, X3), 0xea03_0041, "ands x1, x2, x3"),
    (|a| a.logic_rrr(BICS, W64, X1, X2, X3), 0xea23_0041, "bics x1, x2, x3"),
    (|a| a.logic_rri(AND, W64, X1, X2, 0x0f0f_0f0f_0f0f_0f0f), 0x9200_cc41, "and x1, x2, #0xf0f0f0f0f0f0f0f"),
    (|a| a.logic_rri(ORR, W64, X1, X2, 0xffff_ffff_0000_0000), 0xb260_7c41, "orr x1, x2, #0xffffffff00000000"),
    (|a| a.logic_rri(EOR, W32, X1, X2, 0x8000_0001), 0x5201_0441, "eor w1, w2, #0x80000001"),
    (|a| a.tst_rr(W64, X1, X2), 0xea02_003f, "tst x1, x2"),
    (|a| a.tst_ri(W32, X1, 8), 0x721d_003f, "tst w1, #0x8"),
    // Moves and constants.
    (|a| a.mov_rr(W32, X1, X2), 0x2a02_03e1, "mov w1, w2"),
    (|a| a.mov_rr(W64, X1, XZR), 0xaa1f_03e1, "mov x1, xzr"),
    (|a| a.mov_sp(X29, SP), 0x9100_03fd, "mov x29, sp"),
    (|a| a.mvn_rr(W64, X1, X2), 0xaa22_03e1, "mvn x1, x2"),
    (|a| a.move_wide(MOVZ, W64, X1, 0x1234, 48), 0xd2e2_4681, "mov x1, #0x1234000000000000"),
    (|a| a.move_wide(MOVN, W32, X1, 0x1234, 16), 0x12a2_4681, "mov w1, #0xedcbffff"),
    (|a| a.move_wide(MOVK, W64, X1, 0x1234, 32), 0xf2c2_4681, "movk x1, #0x1234, lsl #32"),
    (|a| a.mov_ri(W32, X1, 0xffff), 0x529f_ffe1, "mov w1, #0xffff"),
    (|a| a.mov_ri(W64, X1, -2), 0x9280_0021, "mov x1, #0xfffffffffffffffe"),
    (|a| a.mov_ri(W32, X1, -2), 0x1280_0021, "mov w1, #0xfffffffe"),
    (|a| a.mov_ri(W64, X1, 0x5555_5555_5555_5555), 0xb200_f3e1, "mov x1, #0x5555555555555555"),
    // Bit fields and shifts.
    (|a| a.bitfield_rri(SBFM, W64, X1, X2, 0, 31), 0x9340_7c41, "sxtw x1, w2"),
    (|a| a.bitfield_rri(BFM, W32, X1, X2, 4, 9), 0x3304_2441, "bfxil w1, w2, #0x4, #0x6"),
    (|a| a.bitfield_rri(UBFM, W32, X1, X2, 0, 7), 0x5300_1c41, "uxtb w1, w2"),
    (|a| a.lsl_rri(W32, X1, X2, 3), 0x531d_7041, "lsl w1, w2, #0x3"),
    (|a| a.lsl_rri(W64, X1, X2, 0), 0xd340_fc41, "lsr x1, x2, #0x0"),
    (|a| a.lsr_rri(W64, X1, X2, 3), 0xd343_fc41, "lsr x1, x2, #0x3"),
    (|a| a.asr_rri(W32, X1, X2, 31), 0x131f_7c41, "asr w1, w2, #0x1f"),
    (|a| a.ror_rri(W64, X1, X2, 3), 0x93c2_0c41, "ror x1, x2, #0x3"),
    (|a| a.extract_field(UBFM, W64, X1, X2, 3, 9), 0xd343_2c41, "ubfx x1, x2, #0x3, #0x9"),
    (|a| a.insert_field(SBFM, W32, X1, X2, 3, 9), 0x131d_2041, "sbfiz w1, w2, #0x3, #0x9"),
    (|a| a.insert_field(BFM, W32, X1, X2, 3, 9), 0x331d_2041, "bfi w1, w2, #0x3, #0x9"),
    (|a| a.bfxil(W64, X1, X2, 3, 9), 0xb343_2c41, "bfxil x1, x2, #0x3, #0x9"),
    (|a| a.sign_extend(W32, X1, X2, 8), 0x1300_1c41, "sxtb w1, w2"),
    (|a| a.sign_extend(W64, X1, X2, 16), 0x9340_3c41, "sxth x1, w2"),
    (|a| a.extr_rrri(W64, X1, X2, X3, 63), 0x93c3_fc41, "extr x1, x2, x3, #0x3f"),
    // Sources.
    (|a| a.two_source(UDIV, W32, X1, X2, X3), 0x1ac3_0841, "udiv w1, w2, w3"),
    (|a| a.two_source(SDIV, W64, X1, X2, X3), 0x9ac3_0c41, "sdiv x1, x2, x3"),
    (|a| a.lsl_rrr(W32, X1, X2, X3), 0x1ac3_2041, "lsl w1, w2, w3"),
    (|a| a.lsr_rrr(W64, X1, X2, X3), 0x9ac3_2441, "lsr x1, x2, x3"),
    (|a| a.asr_rrr(W32, X1, X2, X3), 0x1ac3_2841, "asr w1, w2, w3"),
    (|a| a.ror_rrr(W64, X1, X2, X3), 0x9ac3_2c41, "ror x1, x2, x3"),
    (|a| a.one_source(RBIT, W32, X1, X2), 0x5ac0_0041, "rbit w1, w2"),
    (|a| a.one_source(REV16, W64, X1, X2), 0xdac0_0441, "rev16 x1, x2"),
    (|a| a.one_source(CLZ, W64, X1, X2), 0xdac0_1041, "clz x1, x2"),
    (|a| a.one_source(CLS, W32, X1, X2), 0x5ac0_1441, "cls w1, w2"),
    (|a| a.rev(W32, X1, X2), 0x5ac0_0841, "rev w1, w2"),
    (|a| a.rev(W64, X1, X2), 0xdac0_0c41, "rev x1, x2"),
    (|a| a.mul_add(MADD, W64, X1, X2, X3, X4), 0x9b03_1041, "madd x1, x2, x3, x4"),
    (|a| a.mul_add(MSUB, W32, X1, X2, X3, X4), 0x1b03_9041, "msub w1, w2, w3, w4"),
    (|a| a.mul_rrr(W32, X1, X2, X3), 0x1b03_7c41, "mul w1, w2, w3"),
    (|a| a.mul_add_long(SMADDL, X1, X2, X3, X4), 0x9b23_1041, "smaddl x1, w2, w3, x4"),
    (|a| a.mul_add_long(SMSUBL, X1, X2, X3, X4), 0x9b23_9041, "smsubl x1, w2, w3, x4"),
    (|a| a.mul_add_long(UMADDL, X1, X2, X3, XZR), 0x9ba3_7c41, "umull x1, w2, w3"),
    (|a| a.mul_add_long(UMSUBL, X1, X2, X3, X4), 0x9ba3_9041, "umsubl x1, w2, w3, x4"),
    (|a| a.mul_high(SMULH, X1, X2, X3), 0x9b43_7c41, "smulh x1, x2, x3"),
    (|a| a.mul_high(UMULH, X1, X2, X3), 0x9bc3_7c41, "umulh x1, x2, x3"),
    // Conditions.
    (|a| a.select(CSEL, W64, X1, X2, X3, Cc::Gt), 0x9a83_c041, "csel x1, x2, x3, gt"),
    (|a| a.select(CSINC, W32, X1, X2, X3, Cc::Hs), 0x1a83_2441, "csinc w1, w2, w3, hs"),
    (|a| a.select(CSINV, W64, X1, X2, X3, Cc::Mi), 0xda83_4041, "csinv x1, x2, x3, mi"),
    (|a| a.select(CSNEG, W64, X1, X2, X3, Cc::Vc), 0xda83_7441, "csneg x1, x2, x3, vc"),
    (|a| a.csel(W32, X1, X2, X3, Cc::Ls), 0x1a83_9041, "csel w1, w2, w3, ls"),
    (|a| a.cset(W32, X1, Cc::Lo), 0x1a9f_27e1, "cset w1, lo"),
    (|a| a.csetm(W64, X1, Cc::Eq), 0xda9f_13e1, "csetm x1, eq"),
    (|a| a.cond_compare_rr(CCMP, W64, X1, X2, 4, Cc::Ne), 0xfa42_1024, "ccmp x1, x2, #0x4, ne"),
    (|a| a.cond_compare_ri(CCMN, W32, X1, 17, 4, Cc::Ne), 0x3a51_1824, "ccmn w1, #0x11, #0x4, ne"),
    // Memory.
    (|a| a.store_mr(STRB, Mem::base(SP, 8), X9), 0x3900_23e9, "strb w9, [sp, #0x8]"),
    (|a| a.load_rm(LDRB, X9, Mem::base(X1, -8)), 0x385f_8029, "ldurb w9, [x1, #-0x8]"),
    (|a| a.load_rm(LDRSB_X, X9, Mem::Pre(X2, 16)), 0x3881_0c49, "ldrsb x9, [x2, #0x10]!"),
    (|a| a.load_rm(LDRSB_W, X9, Mem::Post(X3, -16)), 0x38df_0469, "ldrsb w9, [x3], #-0x10"),
    (|a| a.store_mr(STRH, Mem::indexed(X4, X5, Extend::Uxtw), X9), 0x7825_4889, "strh w9, [x4, w5, uxtw]"),
    (|a| a.load_rm(LDRH, X9, Mem::Indexed(X4, X5, Extend::Uxtx, true)), 0x7865_7889, "ldrh w9, [x4, x5, lsl #1]"),
    (|a| a.load_rm(LDRSH_X, X9, Mem::Indexed(X4, X5, Extend::Sxtw, true)), 0x78a5_d889, "ldrsh x9, [x4, w5, sxtw #1]"),
    (|a| a.load_rm(LDRSH_W, X9, Mem::base(X4, 8190)), 0x79ff_fc89, "ldrsh w9, [x4, #0x1ffe]"),
    (|a| a.store_mr(STR_W, Mem::base(X4, 2), XZR), 0xb800_209f, "stur wzr, [x4, #0x2]"),
    (|a| a.load_rm(LDR_W, X9, Mem::base(X4, 16380)), 0xb97f_fc89, "ldr w9, [x4, #0x3ffc]"),
    (|a| a.load_rm(LDRSW, X9, Mem::indexed(X4, X5, Extend::Sxtx)), 0xb8a5_e889, "ldrsw x9, [x4, x5, sxtx #0]"),
    (|a| a.store_mr(STR_X, Mem::base(SP, 32760), X9), 0xf93f_ffe9, "str x9, [sp, #0x7ff8]"),
    (|a| a.load_rm(LDR_X, X9, Mem::Indexed(X4, X5, Extend::Uxtw, true)), 0xf865_5889, "ldr x9, [x4, w5, uxtw #3]"),
    (|a| a.store_mv(STR_S, Mem::base(X1, -256), V9), 0xbc10_0029, "stur s9, [x1, #-0x100]"),
    (|a| a.load_vm(LDR_S, V9, Mem::base(SP, 4)), 0xbd40_07e9, "ldr s9, [sp, #0x4]"),
    (|a| a.store_mv(STR_D, Mem::indexed(X4, X5, Extend::Uxtw), V9), 0xfc25_4889, "str d9, [x4, w5, uxtw]"),
    (|a| a.load_vm(LDR_D, V9, Mem::base(X4, 8)), 0xfd40_0489, "ldr d9, [x4, #0x8]"),
    (|a| a.store_mv(STR_Q, Mem::Pre(SP, -16), V9), 0x3c9f_0fe9, "str q9, [sp, #-0x10]!"),
    (|a| a.load_vm(LDR_Q, V9, Mem::base(SP, 65520)), 0x3dff_ffe9, "ldr q9, [sp, #0xfff0]"),
    (|a| a.store_pair(STP_W, Mem::base(X2, -8), X9, X10), 0x293f_2849, "stp w9, w10, [x2, #-0x8]"),
    (|a| a.load_pair(LDP_W, X9, X10, Mem::base(X2, 252)), 0x295f_a849, "ldp w9, w10, [x2, #0xfc]"),
    (|a| a.store_pair(STP_X, Mem::Pre(SP, -16), X29, X30), 0xa9bf_7bfd, "stp x29, x30, [sp, #-0x10]!"),
    (|a| a.load_pair(LDP_X, X29, X30, Mem::Post(SP, 16)), 0xa8c1_7bfd, "ldp x29, x30, [sp], #0x10"),
    (|a| a.store_pair_v(STP_S, Mem::base(X2, -8), V9, V10), 0x2d3f_2849, "stp s9, s10, [x2, #-0x8]"),
    (|a| a.load_pair_v(LDP_S, V9, V10, Mem::base(X2, 8)), 0x2d41_2849, "ldp s9, s10, [x2, #0x8]"),
    (|a| a.store_pair_v(STP_D, Mem::base(X2, -8), V9, V10), 0x6d3f_a849, "stp d9, d10, [x2, #-0x8]"),
    (|a| a.load_pair_v(LDP_D, V9, V10, Mem::base(X2, 8)), 0x6d40_a849, "ldp d9, d10, [x2, #0x8]"),
    (|a| a.store_pair_v(STP_Q, Mem::base(X2, -16), V9, V10), 0xad3f_a849, "stp q9, q10, [x2, #-0x10]"),
    (|a| a.load_pair_v(LDP_Q, V9, V10, Mem::base(X2, 1008)), 0xad5f_a849, "ldp q9, q10, [x2, #0x3f0]"),
    // Control flow.
    (|a| a.br(X1), 0xd61f_0020, "br x1"),
    (|a| a.blr(X30), 0xd63f_03c0, "blr x30"),
    (|a| a.ret(), 0xd65f_03c0, "ret"),
    (|a| a.udf(7), 0x0000_0007, "udf #0x7"),
    (|a| a.brk(9), 0xd420_0120, "brk #0x9"),
    (|a| a.nop(), 0xd503_201f, "nop"),
    // Scalar floats.
    (|a| a.float_vvv(FMUL, W32, V1, V2, V3), 0x1e23_0841, "fmul s1, s2, s3"),
    (|a| a.float_vvv(FDIV, W64, V1, V2, V3), 0x1e63_1841, "fdiv d1, d2, d3"),
    (|a| a.float_vvv(FADD, W32, V1, V2, V3), 0x1e23_2841, "fadd s1, s2, s3"),
    (|a| a.float_vvv(FSUB, W64, V1, V2, V3), 0x1e63_3841, "fsub d1, d2, d3"),
    (|a| a.float_vvv(FMAX, W32, V1, V2, V3), 0x1e23_4841, "fmax s1, s2, s3"),
    (|a| a.float_vvv(FMIN, W64, V1, V2, V3), 0x1e63_5841, "fmin d1, d2, d3"),
    (|a| a.float_vvv(FMAXNM, W32, V1, V2, V3), 0x1e23_6841, "fmaxnm s1, s2, s3"),
    (|a| a.float_vvv(FMINNM, W64, V1, V2, V3), 0x1e63_7841, "fminnm d1, d2, d3"),
    (|a| a.float_vvv(FNMUL, W32, V1, V2, V3), 0x1e23_8841, "fnmul s1, s2, s3"),
    (|a| a.float_vv(FABS, W32, V1, V2), 0x1e20_c041, "fabs s1, s2"),
    (|a| a.float_vv(FNEG, W64, V1, V2), 0x1e61_4041, "fneg d1, d2"),
    (|a| a.float_vv(FSQRT, W32, V1, V2), 0x1e21_c041, "fsqrt s1, s2"),
    (|a| a.float_vv(FRINTN, W64, V1, V2), 0x1e64_4041, "frintn d1, d2"),
    (|a| a.float_vv(FRINTP, W32, V1, V2), 0x1e24_c041, "frintp s1, s2"),
    (|a| a.float_vv(FRINTM, W64, V1, V2), 0x1e65_4041, "frintm d1, d2"),
    (|a| a.float_vv(FRINTZ, W32, V1, V2), 0x1e25_c041, "frintz s1, s2"),
    (|a| a.float_vv(FRINTA, W64, V1, V2), 0x1e66_4041, "frinta d1, d2"),
    (|a| a.float_vv(FRINTX, W32, V1, V2), 0x1e27_4041, "frintx s1, s2"),
    (|a| a.float_vv(FRINTI, W64, V1, V2), 0x1e67_c041, "frinti d1, d2"),
    (|a| a.fmov_vv(W64, V1, V2), 0x1e60_4041, "fmov d1, d2"),
    (|a| a.fcvt(W32, V1, V2), 0x1e22_c041, "fcvt d1, s2"),
    (|a| a.fcvt(W64, V1, V2), 0x1e62_4041, "fcvt s1, d2"),
    (|a| a.fmov_vi(W64, V1, (-1f64).to_bits()), 0x1e7e_1001, "fmov d1, #-1.0"),
    (|a| a.fmov_vi(W32, V1, u64::from(1.5f32.to_bits())), 0x1e2f_1001, "fmov s1, #1.5"),
    (|a| a.fmov_vr(W32, V1, X2), 0x1e27_0041, "fmov s1, w2"),
    (|a| a.fmov_vr(W64, V1, X2), 0x9e67_0041, "fmov d1, x2"),
    (|a| a.fmov_rv(W32, X1, V2), 0x1e26_0041, "fmov w1, s2"),
    (|a| a.fmov_rv(W64, X1, V2), 0x9e66_0041, "fmov x1, d2"),
    (|a| a.fcmp(FCMP, W32, V1, V2), 0x1e22_2020, "fcmp s1, s2"),
    (|a| a.fcmp(FCMPE, W64, V1, V2), 0x1e62_2030, "fcmpe d1, d2"),
    (|a| a.fcmp_zero(FCMP, W64, V1), 0x1e60_2028, "fcmp d1, #0.0"),
    (|a| a.fccmp(W32, V1, V2, 1, Cc::Eq), 0x1e22_0421, "fccmp s1, s2, #0x1, eq"),
    (|a| a.fcsel(W64, V1, V2, V3, Cc::Vs), 0x1e63_6c41, "fcsel d1, d2, d3, vs"),
    (|a| a.float_to_int(FCVTNS, W64, W32, X1, V2), 0x9e20_0041, "fcvtns x1, s2"),
    (|a| a.float_to_int(FCVTNU, W32, W64, X1, V2), 0x1e61_0041, "fcvtnu w1, d2"),
    (|a| a.float_to_int(FCVTAS, W64, W64, X1, V2), 0x9e64_0041, "fcvtas x1, d2"),
    (|a| a.float_to_int(FCVTAU, W32, W32, X1, V2), 0x1e25_0041, "fcvtau w1, s2"),
    (|a| a.float_to_int(FCVTPS, W64, W32, X1, V2), 0x9e28_0041, "fcvtps x1, s2"),
    (|a| a.float_to_int(FCVTPU, W32, W64, X1, V2), 0x1e69_0041, "fcvtpu w1, d2"),
    (|a| a.float_to_int(FCVTMS, W64, W64, X1, V2), 0x9e70_0041, "fcvtms x1, d2"),
    (|a| a.float_to_int(FCVTMU, W32, W32, X1, V2), 0x1e31_0041, "fcvtmu w1, s2"),
    (|a| a.float_to_int(FCVTZS, W64, W32, X1, V2), 0x9e38_0041, "fcvtzs x1, s2"),
    (|a| a.float_to_int(FCVTZU, W32, W64, X1, V2), 0x1e79_0041, "fcvtzu w1, d2"),
    (|a| a.int_to_float(SCVTF, W64, W32, V1, X2), 0x1e62_0041, "scvtf d1, w2"),
    (|a| a.int_to_float(UCVTF, W32, W64, V1, X2), 0x9e23_0041, "ucvtf s1, x2"),
    // Vectors.
    (|a| a.vector_vvv(VAND, V1, V2, V3), 0x4e23_1c41, "and v1.16b, v2.16b, v3.16b"),
    (|a| a.vector_vvv(VBIC, V1, V2, V3), 0x4e63_1c41, "bic v1.16b, v2.16b, v3.16b"),
    (|a| a.vector_vvv(VORR, V1, V2, V3), 0x4ea3_1c41, "orr v1.16b, v2.16b, v3.16b"),
    (|a| a.vector_vvv(VORN, V1, V2, V3), 0x4ee3_1c41, "orn v1.16b, v2.16b, v3.16b"),
    (|a| a.vector_vvv(VEOR, V1, V2, V3), 0x6e23_1c41, "eor v1.16b, v2.16b, v3.16b"),
    (|a| a.vector_vvv(BSL, V1, V2, V3), 0x6e63_1c41, "bsl v1.16b, v2.16b, v3.16b"),
    (|a| a.vector_vvv(BIT, V1, V2, V3), 0x6ea3_1c41, "bit v1.16b, v2.16b, v3.16b"),
    (|a| a.vector_vvv(BIF, V1, V2, V3), 0x6ee3_1c41, "bif v1.16b, v2.16b, v3.16b"),
    (|a| a.mov_vv(V1, V2), 0x4ea2_1c41, "mov v1.16b, v2.16b"),
    (|a| a.vector_shift(SSHR, W32, V1, V2, 31), 0x0f21_0441, "sshr v1.2s, v2.2s, #0x1f"),
    (|a| a.vector_shift(USHR, W64, V1, V2, 63), 0x7f41_0441, "ushr d1, d2, #0x3f"),
    (|a| a.vector_shift(SRI, W32, V1, V2, 32), 0x2f20_4441, "sri v1.2s, v2.2s, #0x20"),
    (|a| a.vector_shift(SHL, W64, V1, V2, 63), 0x5f7f_5441, "shl d1, d2, #0x3f"),
    (|a| a.vector_shift(SLI, W32, V1, V2, 31), 0x2f3f_5441, "sli v1.2s, v2.2s, #0x1f"),
    (|a| a.vector_sign(VFABS, W32, V1, V2), 0x4ea0_f841, "fabs v1.4s, v2.4s"),
    (|a| a.vector_sign(VFNEG, W64, V1, V2), 0x6ee0_f841, "fneg v1.2d, v2.2d"),
    (|a| a.cnt(V1, V2), 0x0e20_5841, "cnt v1.8b, v2.8b"),
    (|a| a.across(ADDV, V1, V2), 0x0e31_b841, "addv b1, v2.8b"),
    (|a| a.across(UADDLV, V1, V2), 0x2e30_3841, "uaddlv h1, v2.8b"),
    (|a| a.movi_bytes(V1, 0x81), 0x2f04_e421, "movi d1, #0xff000000000000ff"),
    (|a| a.movi_words(V1, 0x80, 24), 0x0f04_6401, "movi v1.2s, #0x80, lsl #24"),
    // The system.
    (|a| a.barrier(DSB_ISH), 0xd503_3b9f, "dsb ish"),
    (|a| a.barrier(DMB_ISH), 0xd503_3bbf, "dmb ish"),
    (|a| a.barrier(ISB), 0xd503_3fdf, "isb"),
    (|a| a.hint(20), 0xd503_229f, "csdb"),
    (|a| a.hint(34), 0xd503_245f, "hint #0x22"),
    (|a| a.mrs(X1, NZCV), 0xd53b_4201, "mrs x1, s3_3_c4_c2_0"),
    (|a| a.msr(NZCV, X2), 0xd51b_4202, "msr s3_3_c4_c2_0, x2"),
    (|a| a.mrs(X1, FPCR), 0xd53b_4401, "mrs x1, s3_3_c4_c4_0"),
    (|a| a.msr(FPSR, X2), 0xd51b_4422, "msr s3_3_c4_c4_1, x2"),
    (|a| a.mrs(X1, TPIDR_EL0), 0xd53b_d041, "mrs x1, tpidr_el0"),
    (|a| a.mrs(X1, CTR_EL0), 0xd53b_0021, "mrs x1, s3_3_c0_c0_1"),
];

#[test]
fn every_line_gives_its_word_and_its_text() {
    for &(write, word, expected) in LINES {
        let code = assemble(write);
        assert_eq!(code, word.to_le_bytes(), "{expected}");
        assert_eq!(text(&code), expected);
    }
}

#[test]
fn every_row_has_a_line() {
    let source = include_str!("lines.rs");
    let rows = include_str!("../src/rows.rs").lines().filter_map(|line| line.trim().split_once(" \"")).map(|(name, _)| name);
    for name in rows.filter(|name| name.chars().all(|one| one.is_ascii_uppercase() || one.is_ascii_digit() || one == '_')) {
        // `fmov` between registers, and shifts by a register, have methods of their own names.
        let has_method = ["FMOV", "LSLV", "LSRV", "ASRV", "RORV"].contains(&name);
        assert!(
            has_method
                || source.contains(&format!("({name},"))
                || source.contains(&format!(", {name})"))
                || source.contains(&format!("({name})")),
            "{name}"
        );
    }
}
