import { isMap, isScalar, isSeq, LineCounter, type Node, parse, parseDocument } from 'yaml'
import { VigiaError } from '../errors.ts'
import { pointerOf } from './pointer.ts'

/** A place in a text, both counted from 1. */
export interface Position {
  readonly line: number
  readonly column: number
}

export interface YamlContent {
  /** `{}` for an empty file. */
  readonly value: unknown
  /** Where each key and list item stands, by JSON pointer. */
  readonly positions: ReadonlyMap<string, Position>
}

/**
 * Reads YAML 1.2 and remembers where each value stands.
 *
 * @throws CONFIG_YAML_INVALID naming line and column, also for a key written twice
 */
export const readYaml = (text: string, file: string): YamlContent => {
  const lineCounter = new LineCounter()
  const document = parseDocument(text, { lineCounter, prettyErrors: false })
  const error = document.errors[0]
  if (error !== undefined) {
    const { line, col } = lineCounter.linePos(error.pos[0])
    throw new VigiaError('CONFIG_YAML_INVALID', { file, line, column: col, reason: error.message })
  }
  const positions = new Map<string, Position>()
  collectPositions(document.contents, [], lineCounter, positions)
  return { value: document.toJS() ?? {}, positions }
}

/** The value that `text` would have in a YAML file; the text itself when it is no YAML. */
export const readYamlValue = (text: string): unknown => {
  try {
    return parse(text)
  } catch {
    return text
  }
}

const collectPositions = (
  node: Node | null,
  path: readonly string[],
  lineCounter: LineCounter,
  positions: Map<string, Position>,
): void => {
  const remember = (key: string, at: Node | null | undefined, child: Node | null): void => {
    const { line, col } = lineCounter.linePos(at?.range?.[0] ?? 0)
    positions.set(pointerOf([...path, key]), { line, column: col })
    collectPositions(child, [...path, key], lineCounter, positions)
  }
  if (isMap<Node, Node | null>(node)) {
    for (const { key, value } of node.items)
      remember(isScalar(key) ? String(key.value) : String(key), key, value)
  } else if (isSeq<Node>(node)) {
    for (const [index, item] of node.items.entries()) remember(String(index), item, item)
  }
}
