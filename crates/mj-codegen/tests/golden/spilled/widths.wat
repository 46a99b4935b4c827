;; Values live in the frame: each is stored where it is made and loaded where it is used, by its own width.
(module (func (param $a i32) (param $b i64) (param $c f32) (param $d f64) (result f64) (local $e i32) (local $f i64)
  (local.set $e (i32.sub (local.get $a) (i32.const 5)))
  (local.set $f (i64.mul (local.get $b) (i64.extend_i32_u (local.get $e))))
  (f64.add (f64.mul (local.get $d) (f64.promote_f32 (local.get $c))) (f64.convert_i64_s (local.get $f)))))
;; -- x64, baseline: 39 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 60h
;;   mov [rbp-28h], eax
;;   mov [rbp-30h], rcx
;;   movss [rbp-38h], xmm0
;;   movsd [rbp-40h], xmm1
;;   mov eax, [rbp-28h]
;;   add eax, 0FFFFFFFBh
;;   mov [rbp-58h], eax
;;   mov eax, [rbp-58h]
;;   mov [rbp-48h], eax
;;   mov eax, [rbp-48h]
;;   mov eax, eax
;;   mov [rbp-60h], rax
;;   mov rax, [rbp-30h]
;;   mov rcx, [rbp-60h]
;;   imul rcx, rax
;;   mov [rbp-58h], rcx
;;   mov rax, [rbp-58h]
;;   mov [rbp-50h], rax
;;   movss xmm0, [rbp-38h]
;;   cvtss2sd xmm0, xmm0
;;   movsd [rbp-60h], xmm0
;;   movsd xmm0, [rbp-40h]
;;   movsd xmm1, [rbp-60h]
;;   vmulsd xmm0, xmm0, xmm1
;;   movsd [rbp-58h], xmm0
;;   mov rax, [rbp-50h]
;;   xorps xmm0, xmm0
;;   cvtsi2sd xmm0, rax
;;   movsd [rbp-60h], xmm0
;;   movsd xmm0, [rbp-58h]
;;   movsd xmm1, [rbp-60h]
;;   vaddsd xmm0, xmm0, xmm1
;;   movsd [rbp-58h], xmm0
;;   movsd xmm0, [rbp-58h]
;;   leave
;;   ret
;; -- x64, optimizing: 32 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 70h
;;   mov [rbp-28h], rax
;;   mov [rbp-30h], rcx
;;   movsd [rbp-38h], xmm0
;;   movsd [rbp-40h], xmm1
;;   mov rsi, [rbp-28h]
;;   add esi, 0FFFFFFFBh
;;   mov [rbp-48h], rsi
;;   mov rsi, [rbp-30h]
;;   mov rdi, [rbp-48h]
;;   imul rsi, rdi
;;   mov [rbp-50h], rsi
;;   movsd xmm0, [rbp-38h]
;;   cvtss2sd xmm0, xmm0
;;   movsd [rbp-58h], xmm0
;;   movsd xmm0, [rbp-40h]
;;   movsd xmm1, [rbp-58h]
;;   vmulsd xmm0, xmm0, xmm1
;;   movsd [rbp-60h], xmm0
;;   mov rsi, [rbp-50h]
;;   xorps xmm0, xmm0
;;   cvtsi2sd xmm0, rsi
;;   movsd [rbp-68h], xmm0
;;   movsd xmm0, [rbp-60h]
;;   movsd xmm1, [rbp-68h]
;;   vaddsd xmm0, xmm0, xmm1
;;   movsd [rbp-70h], xmm0
;;   movsd xmm0, [rbp-70h]
;;   leave
;;   ret
;; -- aarch64, baseline: 36 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   sub sp, sp, #0x90
;;   stp x1, x0, [x29, #-0x58]
;;   stp d1, d0, [x29, #-0x68]
;;   ldur w0, [x29, #-0x50]
;;   sub w0, w0, #0x5
;;   stur x0, [x29, #-0x80]
;;   ldur w0, [x29, #-0x80]
;;   stur x0, [x29, #-0x70]
;;   ldur w0, [x29, #-0x70]
;;   mov w0, w0
;;   stur x0, [x29, #-0x88]
;;   ldur x0, [x29, #-0x58]
;;   ldur x1, [x29, #-0x88]
;;   mul x0, x0, x1
;;   stur x0, [x29, #-0x80]
;;   ldur x0, [x29, #-0x80]
;;   stur x0, [x29, #-0x78]
;;   ldur s0, [x29, #-0x60]
;;   fcvt d0, s0
;;   stur d0, [x29, #-0x88]
;;   ldur d0, [x29, #-0x68]
;;   ldur d1, [x29, #-0x88]
;;   fmul d0, d0, d1
;;   stur d0, [x29, #-0x80]
;;   ldur x0, [x29, #-0x78]
;;   scvtf d0, x0
;;   stur d0, [x29, #-0x88]
;;   ldp d1, d0, [x29, #-0x88]
;;   fadd d0, d0, d1
;;   stur d0, [x29, #-0x80]
;;   ldur d0, [x29, #-0x80]
;;   mov sp, x29
;;   ldp x29, x30, [sp], #0x10
;;   ret
;; -- aarch64, optimizing: 29 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   sub sp, sp, #0xa0
;;   stp x1, x0, [x29, #-0x58]
;;   stp d1, d0, [x29, #-0x68]
;;   ldur x0, [x29, #-0x50]
;;   sub w0, w0, #0x5
;;   stur x0, [x29, #-0x70]
;;   ldur x0, [x29, #-0x58]
;;   ldur x1, [x29, #-0x70]
;;   mul x0, x0, x1
;;   stur x0, [x29, #-0x78]
;;   ldur d0, [x29, #-0x60]
;;   fcvt d0, s0
;;   stur d0, [x29, #-0x80]
;;   ldur d0, [x29, #-0x68]
;;   ldur d1, [x29, #-0x80]
;;   fmul d0, d0, d1
;;   stur d0, [x29, #-0x88]
;;   ldur x0, [x29, #-0x78]
;;   scvtf d0, x0
;;   stur d0, [x29, #-0x90]
;;   ldp d1, d0, [x29, #-0x90]
;;   fadd d0, d0, d1
;;   stur d0, [x29, #-0x98]
;;   ldur d0, [x29, #-0x98]
;;   mov sp, x29
;;   ldp x29, x30, [sp], #0x10
;;   ret
