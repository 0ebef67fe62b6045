import { parseSync } from '@swc/core'
import type { SourceFile } from './shape.ts'

/**
 * Members of `Math` whose results ECMAScript fixes to the bit. All others are "implementation-approximated":
 * engines, and versions of one engine, differ in their last bits. `random` is no matter of bits: it gives
 * something else each time.
 */
const FIXED = new Set(
  'abs ceil clz32 floor fround imul max min random round sign sqrt trunc E LN10 LN2 LOG10E LOG2E PI SQRT1_2 SQRT2'.split(
    ' ',
  ),
)

/** Of a power of two numbers that stand there: a double holds it exactly, or it is a power of two. */
const LARGEST_EXPONENT = 1074

/**
 * Where a source computes what another JavaScript engine computes otherwise: a member of `Math` that is not
 * fixed, `Math` handed on whole, `**` of anything but two small whole numbers that stand there, or of whole
 * numbers of any size (`2n ** x`).
 */
export const engineBitsIn = ({ path, text }: SourceFile): readonly string[] => {
  const program = parseSync(text, { syntax: 'typescript', target: 'es2022' })
  const base = program.span.end - Buffer.byteLength(text.trimEnd())
  const bytes = Buffer.from(text)
  const found: string[] = []
  const say = (node: AstNode, what: string): void => {
    const before = bytes.subarray(0, (node.span?.start ?? base) - base).toString()
    found.push(`${path}:${before.split('\n').length}: ${what}`)
  }
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) for (const each of node) visit(each)
    if (typeof node !== 'object' || node === null || Array.isArray(node)) return
    const here = node as AstNode
    if (here.type === 'MemberExpression' && isMath(here.object)) {
      const { property } = here
      if (property?.type === 'Identifier' && FIXED.has(String(property.value))) return
      say(here, `Math.${property?.type === 'Identifier' ? property.value : '[...]'} ${ADVICE}`)
      return
    }
    if (isMath(here)) say(here, `Math as a whole ${ADVICE}`)
    const isPower = here.operator === '**' || here.operator === '**='
    if (isPower && !isWholePower(here.left, here.right)) say(here, `** ${ADVICE}`)
    for (const [member, value] of Object.entries(here)) if (member !== 'span') visit(value)
  }
  visit(program.body)
  return found
}

const ADVICE = 'has other bits in other engines: use src/foundation/elementary'

interface AstNode {
  readonly type?: string
  readonly span?: { readonly start: number; readonly end: number }
  readonly value?: unknown
  readonly operator?: string
  readonly object?: AstNode
  readonly property?: AstNode
  readonly left?: AstNode
  readonly right?: AstNode
  readonly argument?: AstNode
}

const isMath = (node: AstNode | undefined): boolean => node?.type === 'Identifier' && node.value === 'Math'

const isWholePower = (base: AstNode | undefined, exponent: AstNode | undefined): boolean => {
  if (base?.type === 'BigIntLiteral') return true
  const [x, y] = [literalOf(base), literalOf(exponent)]
  return Number.isInteger(x) && Number.isInteger(y) && isExact(x, y)
}

const isExact = (x: number, y: number): boolean =>
  x === 2
    ? Math.abs(y) <= LARGEST_EXPONENT
    : y >= 0 && y <= 64 && BigInt(Number(BigInt(x) ** BigInt(y))) === BigInt(x) ** BigInt(y)

const literalOf = (node: AstNode | undefined): number => {
  if (node?.type === 'UnaryExpression' && node.operator === '-') return -literalOf(node.argument)
  return node?.type === 'NumericLiteral' ? Number(node.value) : Number.NaN
}
