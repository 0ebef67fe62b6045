import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const EXAMPLES = fileURLToPath(new URL('../../examples/public/', import.meta.url))

/** What `examples/public/<set>/invent.mjs` says of itself. */
export interface PublicSet {
  /** Name of the kept file. */
  readonly file: string
  /** Where the knowledge of its frauds may lie. */
  readonly knowledge: readonly Knowledge[]
}

/** Where the knowledge of invented frauds lies. */
export type Knowledge = 'attributes' | 'histories' | 'both'

/** What `examples/public/generate.mjs` offers, which is plain JavaScript. */
interface Generator {
  readonly SETS: readonly string[]
  loadSet(name: string): Promise<PublicSet>
  inventText(name: string, options?: Readonly<Record<string, number | string>>): Promise<string>
}

const generator = (await import(join(EXAMPLES, 'generate.mjs'))) as Generator

/** The folders of `examples/public`. */
export const PUBLIC_SETS = generator.SETS
export const { loadSet, inventText } = generator

/** Where a set's configuration and file are. */
export const publicFolder = (name: string): string => join(EXAMPLES, name)
