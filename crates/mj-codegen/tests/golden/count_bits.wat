;; Leading, trailing and all ones, and rotations by a variable.
(module (func (param i64 i32) (result i64)
  (i64.add (i64.add (i64.clz (local.get 0)) (i64.ctz (local.get 0)))
    (i64.add (i64.popcnt (local.get 0)) (i64.extend_i32_u (i32.rotl (local.get 1) (i32.rotr (local.get 1) (i32.const 3))))))))
;; -- x64, baseline: 17 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 58h
;;   lzcnt rdx, rax
;;   tzcnt rsi, rax
;;   add rdx, rsi
;;   popcnt rsi, rax
;;   rorx edi, ecx, 3
;;   mov r8, rcx
;;   mov rcx, rdi
;;   mov edi, r8d
;;   rol edi, cl
;;   add rsi, rdi
;;   add rdx, rsi
;;   mov rax, rdx
;;   leave
;;   ret
;; -- x64, optimizing: 14 instructions
;;   push rbp
;;   mov rbp, rsp
;;   lzcnt rsi, rax
;;   tzcnt rdi, rax
;;   add rsi, rdi
;;   popcnt rax, rax
;;   rorx edi, ecx, 3
;;   mov r8, rcx
;;   mov rcx, rdi
;;   rol r8d, cl
;;   add rax, r8
;;   add rax, rsi
;;   leave
;;   ret
;; -- aarch64, baseline: 20 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   sub sp, sp, #0x80
;;   clz x2, x0
;;   rbit x3, x0
;;   clz x3, x3
;;   add x2, x2, x3
;;   fmov d31, x0
;;   cnt v31.8b, v31.8b
;;   addv b31, v31.8b
;;   fmov w3, s31
;;   ror w4, w1, #0x3
;;   neg w17, w4
;;   ror w4, w1, w17
;;   add x3, x3, x4
;;   add x2, x2, x3
;;   mov x0, x2
;;   mov sp, x29
;;   ldp x29, x30, [sp], #0x10
;;   ret
;; -- aarch64, optimizing: 17 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   clz x2, x0
;;   rbit x3, x0
;;   clz x3, x3
;;   add x2, x2, x3
;;   fmov d31, x0
;;   cnt v31.8b, v31.8b
;;   addv b31, v31.8b
;;   fmov w0, s31
;;   ror w3, w1, #0x3
;;   neg w17, w3
;;   ror w1, w1, w17
;;   add x0, x0, x1
;;   add x0, x2, x0
;;   ldp x29, x30, [sp], #0x10
;;   ret
