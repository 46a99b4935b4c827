; Ackermann's function: deep recursion and calls in tail position.
(define (ack m n)
  (cond ((= m 0) (+ n 1))
        ((= n 0) (ack (- m 1) 1))
        (else (ack (- m 1) (ack m (- n 1))))))

(do ((m 0 (+ m 1))) ((> m 3))
  (do ((n 0 (+ n 1))) ((> n 6))
    (display (ack m n))
    (display (if (= n 6) "\n" " "))))
