import { refuse } from '../imported/parts.ts'
import { DOUBLE, FLOAT, type OnnxModel, type OnnxNode } from './onnx-graph.ts'

/** What the trees are fed with. */
export interface Question {
  /** Whether values are floats when they are compared. */
  readonly isFloat: boolean
  /** Of the matrix; undefined where the file leaves it open. */
  readonly columns: number | undefined
  /** Names of the features; empty: the file has none. */
  readonly names: readonly string[]
}

/**
 * Follows the input of the trees back to those of the graph: one matrix, or one column a feature, joined. On
 * the way nothing may be done to the values but to change their type.
 *
 * @throws LEARNING_IMPORT_REFUSED where more is done
 */
export const readQuestion = (model: OnnxModel, trees: OnnxNode): Question => {
  const found = follow(model, trees.inputs[0] ?? '', new Set())
  const own = model.metadata.get('feature_names')
  const isJoined = found.inputs.length > 1
  const columns = isJoined
    ? found.inputs.length
    : model.inputs.find(({ name }) => name === found.inputs[0])?.columns
  return {
    isFloat: found.isFloat,
    columns: columns !== undefined && columns > 0 ? columns : undefined,
    names: isJoined ? found.inputs : own === undefined ? [] : namesIn(own),
  }
}

interface Followed {
  /** Names of inputs of the graph, in the order of the columns. */
  readonly inputs: readonly string[]
  readonly isFloat: boolean
}

const follow = (model: OnnxModel, value: string, passed: Set<string>): Followed => {
  const input = model.inputs.find(({ name }) => name === value)
  if (input !== undefined) return { inputs: [value], isFloat: isFloat(input.elementType, value) }
  if (passed.has(value)) return refuse('graph', `needs ${value} to make ${value}`)
  passed.add(value)
  const node = model.nodes.find(({ outputs }) => outputs.includes(value))
  if (node === undefined)
    return refuse('graph', `has nothing that makes ${value || 'the input of the trees'}`)
  if (node.operator === 'Concat' && node.domain === '') {
    const parts = node.inputs.map((name) => follow(model, name, passed))
    if (new Set(parts.map((part) => part.isFloat)).size > 1) refuse('Concat', 'joins floats and doubles')
    for (const name of parts.flatMap(({ inputs }) => inputs))
      if ((model.inputs.find((one) => one.name === name)?.columns ?? 1) !== 1)
        refuse('Concat', `joins ${name}, which has several columns; allowed: one column each`)
    return { inputs: parts.flatMap(({ inputs }) => inputs), isFloat: parts[0]?.isFloat ?? true }
  }
  if (node.operator === 'Identity') return follow(model, node.inputs[0] ?? '', passed)
  if (node.operator === 'Cast') {
    const found = follow(model, node.inputs[0] ?? '', passed)
    const to = node.attributes.get('to')?.integer
    // What has been a float stays one.
    return { ...found, isFloat: found.isFloat || isFloat(to ?? 0, value) }
  }
  return refuse(
    node.operator,
    `changes the features before the trees; allowed: trees that are fed with the features as they are. Convert the trees alone, and let what prepares their input be features of Vigía`,
  )
}

const isFloat = (type: number, name: string): boolean => {
  if (type === FLOAT) return true
  // Whole numbers are cast before they are compared.
  if (type === DOUBLE || WHOLE.includes(type)) return false
  return refuse(
    `graph.input ${name}`,
    `has elements of type ${type}; allowed: float, double and whole numbers`,
  )
}

/** uint8, int8, uint16, int16, int32, int64, bool. */
const WHOLE = [2, 3, 4, 5, 6, 7, 9]

const namesIn = (text: string): readonly string[] => {
  try {
    const names: unknown = JSON.parse(text)
    if (Array.isArray(names)) return names.map(String)
  } catch {
    // Told below.
  }
  return refuse('metadata_props.feature_names', 'is no JSON list')
}
