; The Mandelbrot set in letters: floating-point arithmetic.
(define (iterations cr ci limit)
  (let loop ((zr 0.0) (zi 0.0) (n 0))
    (let ((zr2 (* zr zr)) (zi2 (* zi zi)))
      (if (or (= n limit) (> (+ zr2 zi2) 4.0))
          n
          (loop (+ (- zr2 zi2) cr) (+ (* 2.0 zr zi) ci) (+ n 1))))))

(define letters " .,:;+*%@#")

(define (show width height limit)
  (do ((y 0 (+ y 1))) ((= y height))
    (do ((x 0 (+ x 1))) ((= x width))
      (let* ((cr (- (* 3.0 (/ (inexact x) width)) 2.25))
             (ci (- (* 2.5 (/ (inexact y) height)) 1.25))
             (n (iterations cr ci limit)))
        (display (string-ref letters (if (= n limit) 9 (modulo n 9))))))
    (newline)))

(define (total width height limit)
  (let rows ((y 0) (sum 0))
    (if (= y height)
        sum
        (let columns ((x 0) (sum sum))
          (if (= x width)
              (rows (+ y 1) sum)
              (columns (+ x 1)
                       (+ sum (iterations (- (* 3.0 (/ (inexact x) width)) 2.25)
                                          (- (* 2.5 (/ (inexact y) height)) 1.25)
                                          limit))))))))

(show 72 24 60)
(display (total 100 80 100))
(newline)
