; What compiled code takes for granted and has to give up: procedures that are defined anew while they are hot, and primitives with another meaning.
(define (step x) (+ x 1))
(define (run count x) (if (= count 0) x (run (- count 1) (step x))))
(define (run-slowly count x) (if (= count 0) x (step (run-slowly (- count 1) x))))

(display (run 5000 0)) (newline)
(display (run-slowly 5000 0)) (newline)
(define (step x) (+ x 2))
(display (run 5000 0)) (newline)
(display (run-slowly 5000 0)) (newline)
(set! step (lambda (x) (- x 1)))
(display (run 5000 0)) (newline)
(display (run-slowly 5000 0)) (newline)

; A procedure that replaces itself while its callers are running.
(define (stage) (set! stage (lambda () 'second)) 'first)
(define (repeat n last) (if (= n 0) last (repeat (- n 1) (stage))))
(display (list (stage) (stage))) (newline)
(display (repeat 2000 'none)) (newline)

(define (change n)
  (cond ((= n 0) '())
        ((= n 1500) (set! weight (lambda (x) 100)) (cons (weight n) (change (- n 1))))
        (else (cons (weight n) (change (- n 1))))))
(define (weight x) 1)
(display (fold-left + 0 (change 3000))) (newline)

; Names of primitives as variables.
(define (shadow car) (+ car 1))
(display (shadow 4)) (newline)
(define (square x) (* x x))
(display (let ((+ *)) (+ 3 4))) (newline)
(define (list . elements) (cons 'mine elements))
(display (list 1 2 3)) (newline)

; Assignments to parameters and to captured variables, in loops.
(define (sum-squares n)
  (let ((sum 0))
    (do ((i 1 (+ i 1))) ((> i n) sum)
      (set! sum (+ sum (square i))))))
(display (sum-squares 1000)) (newline)
(define (countdown n) (let loop () (if (> n 0) (begin (set! n (- n 1)) (loop)) n)))
(display (countdown 3000)) (newline)
(define (accumulate)
  (define total 0)
  (define (add! x) (set! total (+ total x)))
  (for-each add! (iota 100))
  total)
(display (accumulate)) (newline)

; Mutual recursion inside, and definitions that need each other.
(define (parity n)
  (letrec ((even? (lambda (n) (if (= n 0) 'even (odd? (- n 1)))))
           (odd? (lambda (n) (if (= n 0) 'odd (even? (- n 1))))))
    (even? n)))
(display (map parity '(0 1 1000 5001))) (newline)
