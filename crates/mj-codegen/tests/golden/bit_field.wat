;; Shifts and masks that move a field are one instruction where there is one.
(module (func (param i32 i64) (result i64)
  (i64.add
    (i64.shl (i64.extend_i32_s (local.get 0)) (i64.const 3))
    (i64.add
      (i64.and (i64.shr_u (local.get 1) (i64.const 12)) (i64.const 0xff))
      (i64.extend_i32_u (i32.shr_s (i32.shl (local.get 0) (i32.const 20)) (i32.const 24)))))))
;; -- x64, baseline: 16 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 50h
;;   movsxd rdx, eax
;;   shl rdx, 3
;;   mov rsi, rcx
;;   shr rsi, 0Ch
;;   movzx esi, sil
;;   mov edi, eax
;;   shl edi, 14h
;;   sar edi, 18h
;;   add rsi, rdi
;;   add rdx, rsi
;;   mov rax, rdx
;;   leave
;;   ret
;; -- x64, optimizing: 11 instructions
;;   push rbp
;;   mov rbp, rsp
;;   movsxd rsi, eax
;;   shr rcx, 0Ch
;;   movzx ecx, cl
;;   shl eax, 14h
;;   sar eax, 18h
;;   add rax, rcx
;;   lea rax, [rax+rsi*8]
;;   leave
;;   ret
;; -- aarch64, baseline: 15 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   sub sp, sp, #0x80
;;   sxtw x2, w0
;;   lsl x2, x2, #0x3
;;   lsr x3, x1, #0xc
;;   and x3, x3, #0xff
;;   lsl w4, w0, #0x14
;;   asr w4, w4, #0x18
;;   add x3, x3, x4
;;   add x2, x2, x3
;;   mov x0, x2
;;   mov sp, x29
;;   ldp x29, x30, [sp], #0x10
;;   ret
;; -- aarch64, optimizing: 9 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   sxtw x2, w0
;;   ubfx x1, x1, #0xc, #0x8
;;   sbfx w0, w0, #0x4, #0x8
;;   add x0, x1, x0
;;   add x0, x0, x2, lsl #3
;;   ldp x29, x30, [sp], #0x10
;;   ret
