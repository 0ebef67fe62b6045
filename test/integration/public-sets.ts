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
  inventFiles(name: string): Promise<Readonly<Record<string, string>>>
}

const generator = (await import(join(EXAMPLES, 'generate.mjs'))) as Generator

/** The folders of `examples/public`. */
export const PUBLIC_SETS = generator.SETS
export const { loadSet, inventText, inventFiles } = generator

/** One configuration of a set, and the file that is its source. */
export interface PublicShape {
  readonly set: string
  readonly config: string
  readonly file: string
  /** The files of its `source.tables`, by the name of the table. */
  readonly tables: Readonly<Record<string, string>>
}

/** Every set with its one file; those that come in two, also with the second as a table beside the first. */
export const PUBLIC_SHAPES: readonly PublicShape[] = [
  ...(await Promise.all(
    PUBLIC_SETS.map(async (set) => ({
      set,
      config: 'training_config.yaml',
      file: (await generator.loadSet(set)).file,
      tables: {},
    })),
  )),
  {
    set: 'ieee-cis',
    config: 'two_files.yaml',
    file: 'train_transaction.csv.gz',
    tables: { identity: 'train_identity.csv.gz' },
  },
  {
    set: 'fraudecom',
    config: 'with_countries.yaml',
    file: 'fraudecom.csv.gz',
    tables: { countries: 'IpAddress_to_Country.csv.gz' },
  },
]

/** Where a set's configuration and file are. */
export const publicFolder = (name: string): string => join(EXAMPLES, name)
