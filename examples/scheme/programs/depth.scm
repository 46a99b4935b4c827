; Recursion through everything: procedures with many variables, apply, map, closures, and compiled and interpreted code in turn.
(define (wide a b c d e f g h)
  (if (= a 0)
      (+ b c d e f g h)
      (let* ((i (+ a b)) (j (cons i c)) (k (vector d e)) (l (car j)) (m (vector-ref k 0)) (n (list f g h)) (o (+ l 1)) (p (- m 1)))
        (let ((rest (wide (- a 1) b c d e f g h)))
          (+ rest (- i l) (length n) (- o l) (- p m) (- (vector-length k) 2) (- (cdr j) c))))))

(define (by-apply n) (if (= n 0) 0 (+ 1 (apply by-apply (list (- n 1))))))

(define (by-map n) (if (= n 0) 0 (+ 1 (car (map (lambda (x) (by-map (- n x))) '(1))))))

(define (by-each n)
  (let ((sum 0))
    (for-each (lambda (x) (if (> n 0) (set! sum (+ 1 (by-each (- n x)))))) '(1))
    sum))

(define (by-closure n) (if (= n 0) (lambda () 0) (let ((inner (by-closure (- n 1)))) (lambda () (+ 1 (inner))))))

; Nine parameters are too many for the compiler.
(define (nine a b c d e f g h i) (if (= a 0) i (+ 1 (eight (- a 1) b c d e f g h))))
(define (eight a b c d e f g h) (if (= a 0) b (+ 1 (nine (- a 1) b c d e f g h b))))

; Numbers that the collector need not know of, but that take room on the stack.
(define (numbers n x)
  (if (= n 0)
      x
      (let* ((a (* 1.5 n)) (b (+ a 1.0)) (c (- b 0.5)) (d (* c 2.0)) (e (+ a b)) (f (- d 3.0)) (g (* a 0.5)) (h (+ g 0.25))
             (i (- h 4.0)) (j (+ i a)) (k (- j b)) (l (* 2.0 c)) (m (+ l d)) (o (- m e)) (p (+ o f)) (q (- p g)))
        (let ((rest (numbers (- n 1) x)))
          (+ rest (- a a) (- b b) (- c c) (- d d) (- e e) (- f f) (- g g) (- h h) (- i i) (- j j) (- k k) (- l l) (- m m) (- o o) (- p p) (- q q))))))

(define (leaves tree)
  (cond ((null? tree) 0)
        ((pair? tree) (+ (leaves (car tree)) (leaves (cdr tree))))
        (else 1)))
(define (left-deep n) (let loop ((i 0) (tree '())) (if (= i n) tree (loop (+ i 1) (cons tree i)))))

(define (nested n)
  (if (= n 0)
      0
      (+ 1 (* 1 (- (+ (* 1 (- (+ (* 1 (- (+ (* 1 (- (+ 0 (nested (- n 1))) 0)) 0) 0)) 0) 0)) 0) 0)))))

(display (wide 20000 1 2 3 4 5 6 7)) (newline)
(display (by-apply 20000)) (newline)
(display (by-map 20000)) (newline)
(display (by-each 20000)) (newline)
(display ((by-closure 20000))) (newline)
(display (nine 20000 1 2 3 4 5 6 7 8)) (newline)
(display (leaves (left-deep 50000))) (newline)
(display (nested 20000)) (newline)
(display (numbers 20000 1)) (newline)
