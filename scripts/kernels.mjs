/**
 * The innermost loops of growing trees, in WebAssembly text. Two adjacent doubles (gradient and Hessian, or
 * weight of fraud and of all) are one vector, so that a histogram is updated by one load, one addition and
 * one store; JavaScript needs two of each, and a bounds check for every one of them. The sums are those of
 * the same additions in the same order: bit for bit what the plain loop gives.
 *
 * Each loop exists for bin numbers of one byte and of two. Addresses are bytes; `order` holds 4 bytes a row,
 * `pairs` 16.
 */
const loops = ({ suffix, load, shift }) => {
  const bin = (column) =>
    `(${load} (i32.add (local.get ${column}) ${shift === 0 ? '(local.get $row)' : `(i32.shl (local.get $row) (i32.const ${shift}))`}))`
  const place = (sums, column) => `(i32.add (local.get ${sums}) (i32.shl ${bin(column)} (i32.const 4)))`
  const add = (place) =>
    `(v128.store (local.get ${place}) (f64x2.add (v128.load (local.get ${place})) (local.get $pair)))`
  const nextRow = `
      (local.set $order (i32.add (local.get $order) (i32.const 4)))
      (local.set $pairs (i32.add (local.get $pairs) (i32.const 16)))
      (br_if $next (i32.lt_u (local.get $order) (local.get $end)))`
  return `
  ;; Adds the pairs of all rows from $order to $end to the histograms of four features.
  (func (export "addFour${suffix}")
    (param $a i32) (param $b i32) (param $c i32) (param $d i32)
    (param $order i32) (param $end i32) (param $pairs i32)
    (param $sumsA i32) (param $sumsB i32) (param $sumsC i32) (param $sumsD i32)
    (local $row i32) (local $pair v128) (local $inA i32) (local $inB i32) (local $inC i32) (local $inD i32)
    (if (i32.ge_u (local.get $order) (local.get $end)) (then return))
    (loop $next
      (local.set $row (i32.load (local.get $order)))
      (local.set $pair (v128.load (local.get $pairs)))
      (local.set $inA ${place('$sumsA', '$a')})
      (local.set $inB ${place('$sumsB', '$b')})
      (local.set $inC ${place('$sumsC', '$c')})
      (local.set $inD ${place('$sumsD', '$d')})
      ${['$inA', '$inB', '$inC', '$inD'].map(add).join('\n      ')}
      ${nextRow}))

  ;; The same for one feature.
  (func (export "addOne${suffix}")
    (param $a i32) (param $order i32) (param $end i32) (param $pairs i32) (param $sumsA i32)
    (local $row i32) (local $pair v128) (local $inA i32)
    (if (i32.ge_u (local.get $order) (local.get $end)) (then return))
    (loop $next
      (local.set $row (i32.load (local.get $order)))
      (local.set $pair (v128.load (local.get $pairs)))
      (local.set $inA ${place('$sumsA', '$a')})
      ${add('$inA')}
      ${nextRow}))

  ;; Parts rows and their pairs: those whose bin has a 1 in $goesLeft go to the places from $left up, the others to those from $right
  ;; down. Returns the place after the last that went left. Without $withPairs only the rows are moved.
  (func (export "partRows${suffix}")
    (param $a i32) (param $goesLeft i32) (param $order i32) (param $end i32) (param $pairs i32)
    (param $intoOrder i32) (param $intoPairs i32) (param $left i32) (param $right i32) (param $withPairs i32) (result i32)
    (local $row i32) (local $isLeft i32) (local $place i32)
    (if (i32.ge_u (local.get $order) (local.get $end)) (then (return (local.get $left))))
    (loop $next
      (local.set $row (i32.load (local.get $order)))
      (local.set $isLeft (i32.load8_u (i32.add (local.get $goesLeft) ${bin('$a')})))
      (local.set $place (select (local.get $left) (local.get $right) (local.get $isLeft)))
      (local.set $left (i32.add (local.get $left) (local.get $isLeft)))
      (local.set $right (i32.add (i32.sub (local.get $right) (i32.const 1)) (local.get $isLeft)))
      (i32.store (i32.add (local.get $intoOrder) (i32.shl (local.get $place) (i32.const 2))) (local.get $row))
      (if (local.get $withPairs) (then
        (v128.store (i32.add (local.get $intoPairs) (i32.shl (local.get $place) (i32.const 4)))
          (v128.load (local.get $pairs)))))
      ${nextRow})
    (local.get $left))`
}

/** The whole module, as WebAssembly text. It works in memory that it is given. */
export const KERNELS = `(module
  (import "shared" "memory" (memory 1 65536 shared))
  ${[
    { suffix: '8', load: 'i32.load8_u', shift: 0 },
    { suffix: '16', load: 'i32.load16_u', shift: 1 },
  ]
    .map(loops)
    .join('\n')})`
