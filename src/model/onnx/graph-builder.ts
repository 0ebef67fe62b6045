import type { OnnxAttribute, OnnxElement, OnnxNode, OnnxTensor } from './onnx-file.ts'

/** Collects the nodes of a graph in the order in which they are computed, and its constants. */
export class GraphBuilder {
  readonly nodes: OnnxNode[] = []
  readonly constants: OnnxTensor[] = []
  readonly element: OnnxElement

  /** @param element what constants are written in */
  constructor(element: OnnxElement) {
    this.element = element
  }

  /** A constant row of numbers, or a single one; returns its name. */
  row(values: readonly number[]): string {
    return this.constant([1, values.length], this.numbers(values))
  }

  /** A constant list of numbers, for `Gather`. */
  list(values: readonly number[]): string {
    return this.constant([values.length], this.numbers(values))
  }

  /** A constant list of whole numbers, for axes. */
  integers(values: readonly number[]): string {
    return this.constant([values.length], BigInt64Array.from(values.map(BigInt)))
  }

  /** A constant column of numbers. */
  column(values: readonly number[]): string {
    return this.constant([values.length, 1], this.numbers(values))
  }

  /** Adds an operation on named values; returns the name of its result. */
  add(
    operator: string,
    inputs: readonly string[],
    attributes: readonly OnnxAttribute[] = [],
    domain?: string,
  ): string {
    const name = `${operator.toLowerCase()}_${this.nodes.length}`
    const node = { operator, inputs, outputs: [name], attributes }
    this.nodes.push(domain === undefined ? node : { ...node, domain })
    return name
  }

  /** Gives the last result the name that the graph's output has. */
  finish(result: string, output: string): void {
    this.nodes.push({ operator: 'Identity', inputs: [result], outputs: [output] })
  }

  private numbers(values: readonly number[]): Float64Array | Float32Array {
    return this.element === 'double' ? Float64Array.from(values) : Float32Array.from(values)
  }

  private constant(dimensions: readonly number[], values: OnnxTensor['values']): string {
    const name = `constant_${this.constants.length}`
    this.constants.push({ name, dimensions, values })
    return name
  }
}
