; The primes below a limit, by Eratosthenes.
(define (make-sieve limit)
  (let ((sieve (make-vector limit #t)))
    (vector-set! sieve 0 #f)
    (vector-set! sieve 1 #f)
    (let next ((i 2))
      (if (< (* i i) limit)
          (begin
            (if (vector-ref sieve i)
                (do ((j (* i i) (+ j i))) ((>= j limit))
                  (vector-set! sieve j #f)))
            (next (+ i 1)))))
    sieve))

(define (primes-of sieve)
  (let loop ((i (- (vector-length sieve) 1)) (primes '()))
    (cond ((< i 0) primes)
          ((vector-ref sieve i) (loop (- i 1) (cons i primes)))
          (else (loop (- i 1) primes)))))

(define primes (primes-of (make-sieve 200000)))

(display (length primes))
(newline)
(display (list-tail primes (- (length primes) 5)))
(newline)
(display (let loop ((i 10) (l primes)) (if (= i 0) '() (cons (car l) (loop (- i 1) (cdr l))))))
(newline)
