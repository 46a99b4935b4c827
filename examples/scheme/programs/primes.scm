; Primes by trial division, factors, perfect numbers.
(define (prime? n)
  (and (> n 1)
       (let loop ((d 2))
         (cond ((> (* d d) n) #t)
               ((= (remainder n d) 0) #f)
               (else (loop (+ d 1)))))))

(define (factors n)
  (let loop ((n n) (d 2) (result '()))
    (cond ((= n 1) (reverse result))
          ((> (* d d) n) (reverse (cons n result)))
          ((= (modulo n d) 0) (loop (quotient n d) d (cons d result)))
          (else (loop n (+ d 1) result)))))

(define (divisor-sum n)
  (do ((d 1 (+ d 1))
       (sum 0 (if (= (remainder n d) 0) (+ sum d) sum)))
      ((> (* 2 d) n) sum)))

(define (count-primes limit)
  (let loop ((n 2) (count 0))
    (if (> n limit) count (loop (+ n 1) (if (prime? n) (+ count 1) count)))))

(display (count-primes 20000)) (newline)
(for-each (lambda (n) (write (cons n (factors n))) (newline))
          '(2 60 97 1001 65536 999999937 720720))
(display (filter (lambda (n) (= (divisor-sum n) n)) (iota 1000 1))) (newline)
