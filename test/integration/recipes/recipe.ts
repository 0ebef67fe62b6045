/**
 * A recipe of CONTRIBUTING, followed for something invented: what is written into which file by hand.
 * Everything else of it (documents, schemas, tests that find it) must follow from that.
 */
export interface Recipe {
  /** First cell of its row in CONTRIBUTING's table: `a feature`. */
  readonly adds: string
  readonly changes: readonly Change[]
  /** A test that finds what was added where it is used, written into the copy; absent where `laws` do. */
  readonly proof?: string
  /** Test files of the project that must hold with it, by path. */
  readonly laws?: readonly string[]
  /** A file of it that is easily forgotten, and who says so, in which words. */
  readonly forgotten?: {
    readonly path: string
    readonly saidBy: 'compiler' | 'tests'
    readonly words: RegExp
  }
  /** What `npm run docs` writes of it: a file, and a text in it. */
  readonly documented?: readonly [path: string, text: string]
}

/** What is done to one file. */
export interface Change {
  readonly path: string
  /**
   * The new contents; `text` is undefined when the file is not there. Throws when it does not find its place.
   */
  readonly edit: (text: string | undefined) => string
}

/** A file that was not there. */
export const written = (path: string, contents: string): Change => ({
  path,
  edit: (text) => {
    if (text !== undefined) throw new Error(`${path} is there already`)
    return contents.trimStart()
  },
})

/** Texts that are put into a file, each before the one place where `anchor` stands, or after it. */
export const inserted = (
  path: string,
  ...insertions: readonly {
    readonly before?: string
    readonly after?: string
    readonly text: string
  }[]
): Change => ({
  path,
  edit: (text) => {
    if (text === undefined) throw new Error(`there is no ${path}`)
    return insertions.reduce((all, { before, after, text: added }) => {
      const anchor = before ?? after ?? ''
      const found = all.split(anchor).length - 1
      if (anchor === '' || found !== 1) {
        throw new Error(`${path} has \`${anchor}\` ${found} times, expected once`)
      }
      return all.replace(anchor, () => (before === undefined ? anchor + added : added + anchor))
    }, text)
  },
})

/** A text that is put before the end of the list or object which `opening` begins: `const LIST = [`. */
export const appended = (path: string, opening: string, text: string): Change => ({
  path,
  edit: (contents) => {
    if (contents === undefined) throw new Error(`there is no ${path}`)
    const start = contents.indexOf(opening)
    if (start < 0) throw new Error(`${path} has no \`${opening}\``)
    const open = opening.at(-1)!
    const close = open === '[' ? ']' : '}'
    let depth = 1
    for (let at = start + opening.length; at < contents.length; at++) {
      if (contents[at] === open) depth++
      else if (contents[at] === close && --depth === 0) {
        return contents.slice(0, at) + text + contents.slice(at)
      }
    }
    throw new Error(`${path} does not end what \`${opening}\` begins`)
  },
})

/** A row of CONTRIBUTING's table of what is written by hand. */
export interface RecipeRow {
  readonly adds: string
  /** Paths with `<name>` where it is up to who adds. */
  readonly files: readonly string[]
  /** As the table says it. */
  readonly count: number
  /** Whether the last cell says that a test follows it. */
  readonly isFollowed: boolean
}

/** The rows below "## To add…". */
export const readTable = (contributing: string): readonly RecipeRow[] => {
  const section = contributing.split('## To add…')[1]?.split('\n### ')[0] ?? ''
  return [...section.matchAll(/^\| (an? [^|]+?) \| ([^|]+) \| (\d+) \|[^|]*\| ([^|]*) \|$/gm)].map(
    ([, adds = '', files = '', count = '', followed = '']) => ({
      adds: adds.trim(),
      files: [...files.matchAll(/`([^`]+)`/g)].map(([, path = '']) => path),
      count: Number(count),
      isFollowed: followed.trim() === 'yes',
    }),
  )
}

/** Whether a path is one that the table means: `<name>` stands for a part of a path, without `/`. */
export const isMeantBy = (pattern: string, path: string): boolean =>
  new RegExp(
    `^${pattern
      .split(/<[^>]+>/)
      .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      .join('[^/]+')}$`,
  ).test(path)
