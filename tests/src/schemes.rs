//! Random Scheme programs for `examples/scheme`: procedures that compute with numbers of both kinds in loops, closures and recursion of all sorts, and end.

/// Seeds give programs; the same seed always the same.
///
/// All numbers that occur are near places where compiled code changes its ways: the ends of the fixnums, zero, and flonums. A few programs have
/// an error.
#[must_use]
pub fn random_program(seed: u64) -> String {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let procedures: Vec<usize> = (0..2 + random.below(3)).map(|_| random.below(4)).collect();
    let mut generator = Generator { random, procedures, names: 0 };
    let mut text = String::from(
        "(define global 0)\n(define (nonzero x) (if (= x 0) 1 x))\n(define (whole x) (if (integer? x) (if (< (abs x) 1e9) (exact x) 3) 5))\n",
    );
    for index in 0..generator.procedures.len() {
        text += &generator.procedure(index);
    }
    for index in 0..generator.procedures.len() {
        for _ in 0..3 {
            let arguments = (0..generator.procedures[index]).map(|_| format!(" {}", generator.literal())).collect::<String>();
            text += &format!("(write (try{index} 3{arguments})) (newline)\n");
        }
    }
    text
}

/// Marsaglia's xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 11) % limit as u64) as usize
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

struct Generator {
    random: Random,
    /// How many parameters each procedure has, besides how deep it may still call.
    procedures: Vec<usize>,
    names: usize,
}

/// What is visible, innermost last.
type Names = Vec<String>;

fn with(names: &Names, more: &[&str]) -> Names {
    names.iter().cloned().chain(more.iter().map(|&name| name.to_owned())).collect()
}

impl Generator {
    /// Two definitions: the procedure, and what calls it as long as there is fuel.
    fn procedure(&mut self, index: usize) -> String {
        let parameters: Names = (0..self.procedures[index]).map(|i| format!("p{i}")).collect();
        let list = parameters.iter().map(|name| format!(" {name}")).collect::<String>();
        let visible = with(&parameters, &["fuel"]);
        let (inner, body) = (self.number(&with(&visible, &["x", "y"]), 3), self.number(&visible, 4));
        format!(
            "(define (try{index} fuel{list}) (if (<= fuel 0) 1 (f{index} (- fuel 1){list})))\n\
             (define (f{index} fuel{list})\n  (define (h x y) {inner})\n  (+ {body} (h {} {})))\n",
            self.number(&visible, 1),
            self.number(&visible, 1),
        )
    }

    fn name(&mut self) -> String {
        self.names += 1;
        format!("v{}", self.names)
    }

    fn literal(&mut self) -> &'static str {
        self.random.pick(&["0", "1", "2", "-1", "3", "10", "1073741823", "-1073741824", "65536", "0.5", "2.0", "-1.5"])
    }

    fn leaf(&mut self, names: &Names) -> String {
        if names.is_empty() || self.random.below(3) == 0 {
            return self.literal().to_owned();
        }
        names[self.random.below(names.len())].clone()
    }

    /// An expression whose value is a number, unless it is one of the few wrong ones.
    fn number(&mut self, names: &Names, depth: usize) -> String {
        if depth == 0 || self.random.below(6) == 0 {
            return self.leaf(names);
        }
        let depth = depth - 1;
        match self.random.below(500) {
            0 => self.random.pick(&["'symbol", "#t", "\"text\"", "'(1 2)", "car"]).to_owned(),
            1..=200 => self.operation(names, depth),
            201..=350 => self.control(names, depth),
            _ => self.binding(names, depth),
        }
    }

    fn operation(&mut self, names: &Names, depth: usize) -> String {
        let (a, b) = (self.number(names, depth), self.number(names, depth));
        match self.random.below(12) {
            0..=2 => format!("(+ {a} {b})"),
            3..=4 => format!("(- {a} {b})"),
            5 => format!("(* {a} {b})"),
            6 => format!("(- {a})"),
            7 => format!("(quotient (whole {a}) (nonzero (whole {b})))"),
            8 => format!("(modulo (whole {a}) (nonzero (whole {b})))"),
            9 => format!("(/ {a} 4)"),
            10 => format!("(max {a} (sqrt (abs {b})))"),
            _ => format!("(vector-ref (vector {a} {b}) (remainder (whole (abs {a})) 2))"),
        }
    }

    fn control(&mut self, names: &Names, depth: usize) -> String {
        let (a, b) = (self.number(names, depth), self.number(names, depth));
        match self.random.below(8) {
            0..=2 => format!("(if {} {a} {b})", self.test(names, depth)),
            3 => format!("(case (whole {a}) ((0 1 2) {b}) ((7 -1) 7) (else {}))", self.leaf(names)),
            4 => format!("(begin (set! global {a}) (+ global {b}))"),
            5 => format!("(apply + {a} (list {b} {}))", self.leaf(names)),
            6 => format!("(car (cons {a} {b}))"),
            _ => {
                let index = self.random.below(self.procedures.len());
                let arguments = (0..self.procedures[index]).map(|_| format!(" {}", self.number(names, depth / 2))).collect::<String>();
                format!("(try{index} fuel{arguments})")
            }
        }
    }

    fn test(&mut self, names: &Names, depth: usize) -> String {
        let (a, b) = (self.number(names, depth / 2), self.number(names, depth / 2));
        match self.random.below(8) {
            0..=3 => format!("({} {a} {b})", self.random.pick(&["<", ">", "<=", ">=", "="])),
            4 if depth > 0 => format!("(and {} {})", self.test(names, depth - 1), self.test(names, depth - 1)),
            5 if depth > 0 => format!("(or {} {})", self.test(names, depth - 1), self.test(names, depth - 1)),
            6 if depth > 0 => format!("(not {})", self.test(names, depth - 1)),
            _ => format!("({} {a})", self.random.pick(&["zero?", "pair?", "integer?", "negative?"])),
        }
    }

    fn binding(&mut self, names: &Names, depth: usize) -> String {
        let (v, w, f) = (self.name(), self.name(), self.name());
        let (one, both) = (with(names, &[&v]), with(names, &[&v, &w]));
        let (start, few) = (self.number(names, depth), self.random.below(7));
        match self.random.below(10) {
            0 => format!("(let (({v} {start})) {})", self.number(&one, depth)),
            1 => format!("(let (({v} {start})) (set! {v} {}) {})", self.number(&one, depth), self.number(&one, depth)),
            2 => format!("((lambda ({v}) {}) {start})", self.number(&one, depth)),
            3 => format!(
                "(let* (({v} {start}) ({f} (lambda ({w}) (set! {v} (+ {v} {w})) {v}))) ({f} {}) (+ {v} ({f} 1)))",
                self.number(&one, depth)
            ),
            4 => format!(
                "(let {f} (({v} {start}) ({w} 0)) (if (or (>= {w} {few}) {}) {v} ({f} {} (+ {w} 1))))",
                self.test(&both, depth),
                self.number(&both, depth)
            ),
            5 => format!("(let {f} (({v} {few})) (if (<= {v} 0) {start} (+ {v} ({f} (- {v} 1)))))"),
            6 => format!(
                "(do (({w} 0 (+ {w} 1)) ({v} 1.5 (* {v} {}))) ((= {w} {few}) (+ {v} {start})) (set! global (+ {w} 1)))",
                self.leaf(&both)
            ),
            7 => format!(
                "(let {f} (({v} 0)) (if (> {v} 4) {start} (let inner (({w} 0)) (if (> {w} 3) ({f} (+ {v} 1)) (if {} (inner (+ {w} 2)) (inner (+ {w} 1)))))))",
                self.test(&both, depth)
            ),
            8 => format!(
                "(letrec (({v} (lambda (n) (if (<= n 0) {start} ({w} (- n 1))))) ({w} (lambda (n) (if (<= n 0) {} ({v} (- n 2)))))) ({v} {few}))",
                self.number(names, depth / 2)
            ),
            _ => format!("(fold-left + {start} (map (lambda ({v}) {}) (list {} 1)))", self.number(&one, depth / 2), self.leaf(names)),
        }
    }
}
