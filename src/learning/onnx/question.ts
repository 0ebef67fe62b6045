import { MAX_FEATURES } from '../imported/feature-names.ts'
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
  const found = follow(model, trees.inputs[0] ?? '', { left: 2 * MAX_FEATURES }, 0)
  const own = model.metadata.get('feature_names')
  const isJoined = found.inputs.length > 1
  const columns = isJoined ? found.inputs.length : model.inputs.get(found.inputs[0]!)?.columns
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

/** Columns that are joined of columns that are joined at most, and operators in a row. */
const MAX_JOINED = 10
const MAX_ROW = 100

/** @param budget values that may still be followed: joins of joins could be any number */
const follow = (model: OnnxModel, from: string, budget: { left: number }, depth: number): Followed => {
  if (--budget.left < 0) refuse('Concat', `joins more than ${MAX_FEATURES} columns`)
  let value = from
  // What has been a float stays one.
  let wasFloat = false
  for (let passed = 0; passed < MAX_ROW; passed++) {
    const input = model.inputs.get(value)
    if (input !== undefined)
      return { inputs: [value], isFloat: isFloat(input.elementType, value) || wasFloat }
    const node = model.makers.get(value)
    if (node === undefined)
      return refuse('graph', `has nothing that makes ${value || 'the input of the trees'}`)
    const { operator, domain } = node
    if (operator === 'Concat' && domain === '' && depth < MAX_JOINED) {
      const joined = join(model, node, budget, depth)
      return { ...joined, isFloat: joined.isFloat || wasFloat }
    }
    if (operator === 'Cast') wasFloat ||= isFloat(node.attributes.get('to')?.integer ?? 0, value)
    else if (operator !== 'Identity')
      return refuse(
        operator,
        'changes the features before the trees; allowed: trees that are fed with the features as they are. Convert the trees alone, and let what prepares their input be features of Vigía',
      )
    value = node.inputs[0] ?? ''
  }
  return refuse('graph', `has ${MAX_ROW} operators before the trees that change nothing but types`)
}

const join = (
  model: OnnxModel,
  { inputs: joined }: OnnxNode,
  budget: { left: number },
  depth: number,
): Followed => {
  const parts = joined.map((name) => follow(model, name, budget, depth + 1))
  const inputs = parts.flatMap((part) => part.inputs)
  if (inputs.length === 0 || inputs.length > MAX_FEATURES)
    refuse('Concat', `joins ${inputs.length} columns; allowed: 1 to ${MAX_FEATURES}`)
  if (new Set(parts.map((part) => part.isFloat)).size > 1) refuse('Concat', 'joins floats and doubles')
  for (const name of inputs)
    if ((model.inputs.get(name)?.columns ?? 1) !== 1)
      refuse('Concat', `joins ${name}, which has several columns; allowed: one column each`)
  return { inputs, isFloat: parts[0]!.isFloat }
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
