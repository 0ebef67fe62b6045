import type { Episode, EpisodeRecord, RecordFigure } from '../retraining/episode.ts'

/** An absolute path, of POSIX or Windows, or an address; `models:/fraud/4` is none. */
const PATHS =
  /(?<![\w:/.])(?:\.{0,2}\/[^\s'",;()]+|[A-Za-z]:\\[^\s'",;()]+)|\b[a-z][a-z\d+.-]*:\/\/[^\s'",;()]+/g
const FAILED = /^it failed (once|\d+ times): /
const MODEL = /^models:\//

const withoutPaths = (text: string): string => text.replace(PATHS, '(path)')

/** What an error says is for whoever runs the server: others get its code. */
const publicWhy = (why: string, code: string | undefined): string => {
  const [failed] = FAILED.exec(why) ?? []
  if (failed === undefined) return withoutPaths(why)
  return code === undefined ? failed.slice(0, -2) : `${failed}${code}`
}

/** An episode without folders, paths and texts of errors. */
export const publicEpisode = (episode: Episode): Episode => ({
  ...episode,
  why: publicWhy(episode.why, undefined),
})

/** Where a challenger is loaded from, unless it is a folder. */
export const publicSource = (source: string): string | null => (MODEL.test(source) ? source : null)

/** A record without folders, paths and texts of errors. */
export const publicRecord = ({ run: _, ...record }: EpisodeRecord): EpisodeRecord => ({
  ...record,
  why: publicWhy(record.why, record.code),
  ...(record.figures !== undefined && { figures: publicFigures(record.figures) }),
})

const publicFigures = (
  figures: Readonly<Record<string, RecordFigure>>,
): Readonly<Record<string, RecordFigure>> =>
  Object.fromEntries(
    Object.entries(figures).map(([name, figure]) => [
      name,
      typeof figure === 'string' ? publicFigure(name, figure) : figure,
    ]),
  )

const publicFigure = (name: string, figure: string): string | null =>
  name === 'source' ? publicSource(figure) : withoutPaths(figure)
