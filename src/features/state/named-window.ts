/** A duration with the name it has in feature names: `{ name: '7d', ms: 604800000 }`. */
export interface NamedWindow {
  readonly name: string
  readonly ms: number
}
