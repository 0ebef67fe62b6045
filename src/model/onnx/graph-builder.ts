import type { OnnxAttribute, OnnxNode, OnnxTensor } from './onnx-file.ts'

/** Collects the nodes of a graph in the order in which they are computed, and its constants. */
export class GraphBuilder {
  readonly nodes: OnnxNode[] = []
  readonly constants: OnnxTensor[] = []

  /** A constant row of doubles, or a single one; returns its name. */
  row(values: readonly number[]): string {
    return this.constant([1, values.length], Float64Array.from(values))
  }

  /** A constant list of doubles, for `Gather`. */
  list(values: readonly number[]): string {
    return this.constant([values.length], Float64Array.from(values))
  }

  /** A constant list of whole numbers, for axes. */
  integers(values: readonly number[]): string {
    return this.constant([values.length], BigInt64Array.from(values.map(BigInt)))
  }

  /** A constant column of doubles. */
  column(values: readonly number[]): string {
    return this.constant([values.length, 1], Float64Array.from(values))
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

  private constant(dimensions: readonly number[], values: OnnxTensor['values']): string {
    const name = `constant_${this.constants.length}`
    this.constants.push({ name, dimensions, values })
    return name
  }
}
