; Closures: counters, composition, and state that several procedures share.
(define (make-counter)
  (let ((count 0))
    (lambda ()
      (set! count (+ count 1))
      count)))

(define (make-account balance)
  (define (deposit! amount) (set! balance (+ balance amount)) balance)
  (define (withdraw! amount)
    (if (> amount balance)
        'insufficient
        (begin (set! balance (- balance amount)) balance)))
  (lambda (message . arguments)
    (case message
      ((deposit) (apply deposit! arguments))
      ((withdraw) (apply withdraw! arguments))
      ((balance) balance)
      (else 'unknown))))

(define (compose . procedures)
  (if (null? procedures)
      (lambda (x) x)
      (let ((f (car procedures)) (g (apply compose (cdr procedures))))
        (lambda (x) (f (g x))))))

(define (add n) (lambda (x) (+ x n)))
(define (times n) (lambda (x) (* x n)))

(define (curry f) (lambda (a) (lambda (b) (f a b))))

(define a (make-counter))
(define b (make-counter))
(do ((i 0 (+ i 1))) ((= i 1000)) (a))
(b)
(display (list (a) (b))) (newline)

(define account (make-account 100))
(display (list (account 'deposit 50) (account 'withdraw 70) (account 'withdraw 500) (account 'balance) (account 'close)))
(newline)

(display ((compose (add 1) (times 2) (add 10)) 5)) (newline)
(display (map ((curry -) 100) '(1 2 3))) (newline)

; Each turn of a loop has variables of its own.
(define procedures
  (let loop ((i 0) (result '()))
    (if (= i 5)
        (reverse result)
        (loop (+ i 1) (cons (lambda () (* i i)) result)))))
(display (map (lambda (procedure) (procedure)) procedures)) (newline)

(define (sum-of-adders n)
  (let loop ((i 0) (sum 0))
    (if (= i n) sum (loop (+ i 1) ((add i) sum)))))
(display (sum-of-adders 20000)) (newline)

(define shared
  (let ((value 0))
    (cons (lambda (x) (set! value x)) (lambda () value))))
((car shared) 'changed)
(display ((cdr shared))) (newline)
