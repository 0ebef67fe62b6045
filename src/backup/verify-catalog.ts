import type { CatalogEntry, CatalogFault, ReadCatalog } from '../decisions/log/archive-catalog.ts'
import type { LogProblem } from './log-problem.ts'

const FILE = 'archive.jsonl'

/**
 * Lines that have been whole and are not. The log loses a segment only when its line is on the disk, so what
 * a process was killed over is of a segment that the log still has, or that has a later line.
 *
 * @param isLogged whether the log has a segment, by its name without the ending
 */
export const faultsOfCatalog = (
  { entries, faults }: ReadCatalog,
  isLogged: (segment: string) => boolean,
): LogProblem[] => {
  const isWritten = new Set(
    entries
      .filter(({ files }) => files.every(({ sha256 }) => sha256 !== undefined))
      .map(({ segment }) => segment),
  )
  const isCut = ({ text }: CatalogFault): boolean => {
    if (text.endsWith(END)) return false
    if (BEGINNING.startsWith(text)) return true
    const [, segment, more] = /^\{"segment":"(\d*)(.?)/.exec(text) ?? []
    // Cut within the name of the segment.
    if (segment !== undefined && more === '') return true
    if (segment === undefined) return false
    // A line of files that are older than the catalog has no check sums to lose.
    const isOlder = !text.includes('"sha256"') && entries.some((entry) => entry.segment === segment)
    return isOlder || isLogged(segment) || isWritten.has(segment)
  }
  return [
    ...faults
      .filter((fault) => !isCut(fault))
      .map(({ line, offset, reason }) => ({ file: FILE, offset, reason: `line ${line}: ${reason}` })),
    ...entries.flatMap(unknownIn).map((name) => ({
      file: FILE,
      reason: `it has ${JSON.stringify(name)}, which this version does not know`,
    })),
    ...entries.filter(isWrongCount).map(({ segment, first, last, records }) => ({
      file: FILE,
      reason: `segment ${segment} has ${records} records, with numbers ${first} to ${last}`,
    })),
  ]
}

/** How a line begins and ends. */
const BEGINNING = '{"segment":"'
const END = ']}'

/** Names of fields that no line has. */
const unknownIn = (entry: CatalogEntry): string[] => [
  ...Object.keys(entry).filter((name) => !FIELDS.includes(name)),
  ...entry.files.flatMap((file) => Object.keys(file).filter((name) => !FILE_FIELDS.includes(name))),
]
const FIELDS = ['segment', 'first', 'last', 'records', 'lacks', 'files']
const FILE_FIELDS = ['name', 'bytes', 'sha256']

const isWrongCount = ({ first, last, records, lacks = [] }: CatalogEntry): boolean =>
  records !== last - first + 1 - lacks.reduce((sum, lack) => sum + lack.last - lack.first + 1, 0)

/** Lines that are gone: at its start a server writes those of files that are older than the catalog. */
export const linesThatAreGone = ({ exists }: ReadCatalog, older: readonly CatalogEntry[]): LogProblem[] =>
  exists
    ? older.map(({ segment }) => ({
        file: FILE,
        reason: `it has no line for segment ${segment}, whose files are there and cannot be checked`,
      }))
    : []
