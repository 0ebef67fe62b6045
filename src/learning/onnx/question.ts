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
  /**
   * Columns behind those of the features where one of them stands again, moved by a whole number: so Vigía
   * writes codes whose sets hold 0. Empty in files of others.
   */
  readonly moved: readonly MovedColumn[]
}

export interface MovedColumn {
  readonly feature: number
  readonly by: number
}

/**
 * Follows the input of the trees back to those of the graph: one matrix, or one column a feature, joined. On
 * the way nothing may be done to the values but to change their type.
 *
 * @throws LEARNING_IMPORT_REFUSED where more is done
 */
export const readQuestion = (model: OnnxModel, trees: OnnxNode): Question => {
  const { features, moved } = readMoved(model, trees.inputs[0] ?? '')
  const found = follow(model, features, { left: 2 * MAX_FEATURES }, 0)
  const own = model.metadata.get('feature_names')
  const isJoined = found.inputs.length > 1
  const columns = isJoined ? found.inputs.length : model.inputs.get(found.inputs[0]!)?.columns
  if (moved.length > 0 && !(columns !== undefined && columns > 0))
    refuse('graph.input', 'leaves its columns open, and columns of codes stand behind them')
  return {
    isFloat: found.isFloat,
    columns: columns !== undefined && columns > 0 ? columns : undefined,
    names: isJoined ? found.inputs : own === undefined ? [] : namesIn(own),
    moved,
  }
}

/** `Concat(X, Add(Gather(X, features), number))`, as `encodeOnnx` writes it; else nothing is moved. */
const readMoved = (
  model: OnnxModel,
  value: string,
): { readonly features: string; readonly moved: readonly MovedColumn[] } => {
  const none = { features: value, moved: [] }
  const made = (name: string | undefined, operator: string): OnnxNode | undefined => {
    const node = model.makers.get(name ?? '')
    return node?.operator === operator && node.domain === '' && node.inputs.length === 2 ? node : undefined
  }
  const concat = made(value, 'Concat')
  const add = made(concat?.inputs[1], 'Add')
  const gather = made(add?.inputs[0], 'Gather')
  if (concat === undefined || add === undefined || gather === undefined) return none
  const [features = ''] = concat.inputs
  const chosen = model.constants.get(gather.inputs[1] ?? '')
  const numbers = model.constants.get(add.inputs[1] ?? '')
  const by = numbers?.length === 1 ? Number(numbers[0]) : Number.NaN
  if (gather.inputs[0] !== features || chosen === undefined || !Number.isInteger(by)) return none
  if ([concat, gather].some(({ attributes }) => attributes.get('axis')?.integer !== 1)) return none
  return { features, moved: Array.from(chosen, (feature) => ({ feature: Number(feature), by })) }
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
