; Procedures of the language that call procedures, so that the interpreter never calls itself.
; They use nothing that a program may define anew: names with % are their own.

(define %apply apply)

(define (map f list . more)
  (if (null? more)
      (%map f list)
      (let loop ((lists (cons list more)) (result '()))
        (if (%any-null? lists)
            (reverse result)
            (loop (%map cdr lists) (cons (%apply f (%map car lists)) result))))))

(define (%map f list)
  (let loop ((list list) (result '()))
    (if (null? list)
        (reverse result)
        (loop (cdr list) (cons (f (car list)) result)))))

(define (%any-null? lists)
  (and (pair? lists) (or (null? (car lists)) (%any-null? (cdr lists)))))

(define (for-each f list . more)
  (if (null? more)
      (let loop ((list list))
        (if (pair? list)
            (begin (f (car list)) (loop (cdr list)))))
      (let loop ((lists (cons list more)))
        (if (not (%any-null? lists))
            (begin (%apply f (%map car lists)) (loop (%map cdr lists)))))))

(define (filter keep? list)
  (let loop ((list list) (result '()))
    (cond ((null? list) (reverse result))
          ((keep? (car list)) (loop (cdr list) (cons (car list) result)))
          (else (loop (cdr list) result)))))

(define (%fold-left f start list)
  (let loop ((result start) (list list))
    (if (null? list) result (loop (f result (car list)) (cdr list)))))

(define fold-left %fold-left)

(define (fold-right f start list)
  (%fold-left (lambda (result element) (f element result)) start (reverse list)))

(define (reduce f start list)
  (if (null? list) start (%fold-left (lambda (result element) (f element result)) (car list) (cdr list))))

(define (vector-map f vector)
  (let* ((count (vector-length vector)) (result (make-vector count)))
    (do ((i 0 (+ i 1))) ((= i count) result)
      (vector-set! result i (f (vector-ref vector i))))))

(define (vector-for-each f vector)
  (do ((i 0 (+ i 1))) ((= i (vector-length vector)))
    (f (vector-ref vector i))))

(define (iota count . options)
  (let ((start (if (pair? options) (car options) 0))
        (step (if (and (pair? options) (pair? (cdr options))) (cadr options) 1)))
    (let loop ((i (- count 1)) (result '()))
      (if (< i 0) result (loop (- i 1) (cons (+ start (* i step)) result))))))

(define (list-copy list) (%map (lambda (element) element) list))

(define (%gcd a b) (if (= b 0) (abs a) (%gcd b (remainder a b))))
(define (gcd . numbers) (%fold-left %gcd 0 numbers))

(define (%lcm a b) (if (or (= a 0) (= b 0)) 0 (abs (* a (quotient b (%gcd a b))))))
(define (lcm . numbers) (%fold-left %lcm 1 numbers))

; A stable merge sort.
(define (sort list less?)
  (define (merge a b result)
    (cond ((null? a) (append-reverse result b))
          ((null? b) (append-reverse result a))
          ((less? (car b) (car a)) (merge a (cdr b) (cons (car b) result)))
          (else (merge (cdr a) b (cons (car a) result)))))
  (define (append-reverse reversed tail)
    (if (null? reversed) tail (append-reverse (cdr reversed) (cons (car reversed) tail))))
  (define (sort-first count list)
    (if (= count 1)
        (cons (car list) '())
        (let ((half (quotient count 2)))
          (merge (sort-first half list) (sort-first (- count half) (list-tail list half)) '()))))
  (if (null? list) '() (sort-first (length list) list)))
