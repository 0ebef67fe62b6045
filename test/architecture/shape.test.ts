import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { functionsIn, isShipped, linesOf, readSources, type SourceFile } from './shape.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/**
 * How the source may look. The lists are ratchets: what stands in them is true, and they only get shorter.
 */
interface Shape {
  /** A function of more lines stands in `longFunctions`. */
  readonly functionLines: number
  /** No function has more, listed or not. */
  readonly longestFunction: number
  /** `file name`, and how many lines it may have at most. */
  readonly longFunctions: Readonly<Record<string, number>>
  readonly mostLongFunctions: number
  /** A file of src/ with more lines stands in `longFiles`, with the reason. */
  readonly fileLines: number
  readonly longFiles: Readonly<Record<string, string>>
  /** Columns of a comment. */
  readonly commentWidth: number
  /** Files whose comments are aligned with the code beside them. */
  readonly drawnFiles: readonly string[]
  /**
   * Lines of a folder of src/, counted in .ts files without tests and test kits, blank lines and comments
   * too.
   */
  readonly folderLines: Readonly<Record<string, number>>
  /** The largest folder's share of src/, counted in the same way. */
  readonly largestShare: number
}

const SHAPE: Shape = {
  functionLines: 70,
  longestFunction: 150,
  longFunctions: {
    'src/features/families/user-behaviour.ts inWindow': 96,
    'src/features/families/temporal.ts features': 91,
    'src/learning/trees/tree-shap.ts createTreeShap': 83,
  },
  mostLongFunctions: 3,
  fileLines: 400,
  longFiles: { 'src/error-table.ts': 'the table of all errors' },
  commentWidth: formatterWidth(),
  drawnFiles: ['src/pipelines/training-pipeline.ts'],
  folderLines: { pipelines: 6500 },
  largestShare: 0.12,
}

describe('the shape of the source', () => {
  it('holds: short functions, short files, comments as wide as code, folders of a size', () => {
    expect(shapeProblems(ROOT, SHAPE)).toEqual([])
  })
})

describe('the shape test', () => {
  it('finds a function that is too long, wherever it stands', () => {
    const long = `{\n${'  call()\n'.repeat(5)}}`
    const problems = shapeProblems(
      project({
        'src/a.ts': `// é\nexport const outer = () => ${long}\nexport function named() ${long}\n`,
        'src/b.ts': `export class Kept {\n  method() ${long}\n  get value() ${long}\n}\n`,
        'src/c.ts': `export const short = () => {\n  call()\n}\n`,
        'src/d.test.ts': `export const inTest = () => ${long}\n`,
      }),
      { ...NONE, functionLines: 6 },
    )
    expect(problems).toEqual([
      'src/a.ts: outer has 7 lines, 6 are allowed: carve it by what it does',
      'src/a.ts: named has 7 lines, 6 are allowed: carve it by what it does',
      'src/b.ts: method has 7 lines, 6 are allowed: carve it by what it does',
      'src/b.ts: value has 7 lines, 6 are allowed: carve it by what it does',
    ])
  })

  it('holds its list to the code: an entry that is gone, has become short, or has grown is refused', () => {
    const body = (lines: number) => `{\n${'  call()\n'.repeat(lines - 2)}}`
    const files = {
      'src/a.ts': `export const same = () => ${body(8)}\nexport const grown = () => ${body(9)}\n`,
      'src/b.ts': `export const short = () => ${body(6)}\nexport const giant = () => ${body(11)}\n`,
    }
    const longFunctions = {
      'src/a.ts same': 8,
      'src/a.ts grown': 8,
      'src/a.ts gone': 8,
      'src/b.ts short': 8,
      'src/b.ts giant': 11,
    }
    const shape = { ...NONE, functionLines: 6, longestFunction: 10, longFunctions, mostLongFunctions: 4 }
    expect(shapeProblems(project(files), shape)).toEqual([
      'src/a.ts: grown has grown to 9 lines, its entry says 8: carve it by what it does',
      'src/b.ts: giant has 11 lines, 10 are the most for any: carve it by what it does',
      'src/a.ts gone: there is no such function any more: take it off the list',
      'src/b.ts short: it has 6 lines by now: take it off the list',
      '5 functions are on the list, 4 are allowed',
    ])
  })

  it('finds a file that is too long, and an entry without its reason to be', () => {
    const files = {
      'src/long.ts': 'export {}\n'.repeat(11),
      'src/table.ts': 'export {}\n'.repeat(11),
      'src/short.ts': 'export {}\n'.repeat(10),
      'src/long.test-kit.ts': 'export {}\n'.repeat(11),
    }
    const longFiles = { 'src/table.ts': 'a table', 'src/short.ts': 'a table' }
    expect(shapeProblems(project(files), { ...NONE, fileLines: 10, longFiles })).toEqual([
      'src/long.ts: it has 11 lines, 10 are allowed: it does more than one thing',
      'src/short.ts: it is not too long any more: take it off the list',
    ])
  })

  it('finds a comment wider than the formatter writes, but not a table, a drawing or an address', () => {
    const wide = 'word '.repeat(10)
    const files = {
      'src/a.ts': `/** ${wide} */\n//  | a table | ${wide} |\n//     drawn    ${wide}\n// https://example.org/${wide}\n`,
      'test/a.test.ts': `call() // ${wide}\nconst text = 'a // ${wide}'\nconst sum = \`a // ${wide}\`\n`,
      'scripts/a.mjs': `/*\n * ${wide}\n */\n`,
      'bench/a.mjs': `// é${'é'.repeat(39)}\n`,
    }
    const shape = { ...NONE, commentWidth: 43 }
    expect(shapeProblems(project(files), shape)).toEqual([
      'scripts/a.mjs:2: a comment of 53 columns, 43 are allowed: break the line',
      'src/a.ts:1: a comment of 57 columns, 43 are allowed: break the line',
      'test/a.test.ts:1: a comment of 60 columns, 43 are allowed: break the line',
    ])
  })

  it('finds a folder that is too large, by its lines or by its share', () => {
    const files = {
      'src/pipelines/a.ts': 'export {}\n'.repeat(30),
      'src/pipelines/a.test.ts': 'export {}\n'.repeat(500),
      'src/dataset/a.ts': 'export {}\n'.repeat(70),
    }
    const shape = { ...NONE, folderLines: { pipelines: 29 }, largestShare: 0.69 }
    expect(shapeProblems(project(files), shape)).toEqual([
      'src/pipelines: it has 30 lines, 29 are allowed: what in it is no use case?',
      'src/dataset: it is 70.0 % of src/, 69.0 % are allowed: is there a room within it?',
    ])
  })

  it('finds members that are grouped by a spread', () => {
    const grouped = `export const a = { ${'...'}{ b: 1 }, ...(c && { d: 2 }), ...e }\n`
    expect(shapeProblems(project({ 'src/a.ts': grouped, 'test/b.ts': '\n' }), NONE)).toEqual([
      'src/a.ts:1: members grouped by a spread, which no compiler checks for excess: write them one by one',
    ])
  })
})

/** What is wrong with the project in a folder. */
function shapeProblems(root: string, shape: Shape): readonly string[] {
  const all = readSources(root, ['bench', 'examples', 'scripts', 'src', 'test'])
  const shipped = all.filter((file) => file.path.startsWith('src/') && isShipped(file))
  return [
    ...functionProblems(shipped, shape),
    ...fileProblems(shipped, shape),
    ...all
      .filter(({ path }) => !path.startsWith('examples/'))
      .flatMap((file) => commentProblems(file, shape)),
    ...folderProblems(shipped, shape),
    ...all.flatMap(spreadProblems),
  ]
}

function functionProblems(files: readonly SourceFile[], shape: Shape): readonly string[] {
  const { functionLines, longestFunction, longFunctions, mostLongFunctions } = shape
  const found = files.flatMap(functionsIn)
  const tooLong = found.flatMap(({ path, name, lines }) => {
    const listed = longFunctions[`${path} ${name}`]
    const advice = 'carve it by what it does'
    if (lines <= functionLines) return []
    if (listed === undefined)
      return [`${path}: ${name} has ${lines} lines, ${functionLines} are allowed: ${advice}`]
    if (lines > listed)
      return [`${path}: ${name} has grown to ${lines} lines, its entry says ${listed}: ${advice}`]
    return lines > longestFunction
      ? [`${path}: ${name} has ${lines} lines, ${longestFunction} are the most for any: ${advice}`]
      : []
  })
  const untrue = Object.keys(longFunctions).flatMap((entry) => {
    const lines = found.flatMap(({ path, name, lines }) => (`${path} ${name}` === entry ? [lines] : []))
    if (lines.length === 0) return [`${entry}: there is no such function any more: take it off the list`]
    const longest = Math.max(...lines)
    return longest > functionLines ? [] : [`${entry}: it has ${longest} lines by now: take it off the list`]
  })
  const listed = Object.keys(longFunctions).length
  const isFull = listed > mostLongFunctions
  const full = isFull ? [`${listed} functions are on the list, ${mostLongFunctions} are allowed`] : []
  return [...tooLong, ...untrue, ...full]
}

function fileProblems(files: readonly SourceFile[], { fileLines, longFiles }: Shape): readonly string[] {
  const long = files.filter((file) => linesOf(file) > fileLines)
  return [
    ...long
      .filter(({ path }) => longFiles[path] === undefined)
      .map(
        (file) =>
          `${file.path}: it has ${linesOf(file)} lines, ${fileLines} are allowed: it does more than one thing`,
      ),
    ...Object.keys(longFiles)
      .filter((path) => !long.some((file) => file.path === path))
      .map((path) => `${path}: it is not too long any more: take it off the list`),
  ]
}

function commentProblems({ path, text }: SourceFile, { commentWidth, drawnFiles }: Shape): readonly string[] {
  if (drawnFiles.includes(path)) return []
  return text.split('\n').flatMap((line, index) => {
    const columns = [...line].length
    return columns > commentWidth && isProse(line)
      ? [`${path}:${index + 1}: a comment of ${columns} columns, ${commentWidth} are allowed: break the line`]
      : []
  })
}

/**
 * A comment, alone or after code, that is no row of a table, no drawing (indented four or more) and no
 * address.
 */
function isProse(line: string): boolean {
  const comment = /^\s*(?:\/\/|\/?\*+)(.*)$/.exec(line)?.[1] ?? /\/\/(.*)$/.exec(withoutTexts(line))?.[1]
  return comment !== undefined && !/^\s*\||^ {4}|https?:\/\//.test(comment)
}

function withoutTexts(line: string): string {
  return line.replace(/'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*(?:`|$)/g, '')
}

function folderProblems(
  files: readonly SourceFile[],
  { folderLines, largestShare }: Shape,
): readonly string[] {
  const sizes = new Map<string, number>()
  for (const file of files) {
    const [, folder = '', ...below] = file.path.split('/')
    if (below.length > 0) sizes.set(folder, (sizes.get(folder) ?? 0) + linesOf(file))
  }
  const total = files.reduce((sum, file) => sum + linesOf(file), 0)
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`
  return [
    ...Object.entries(folderLines)
      .filter(([folder, most]) => (sizes.get(folder) ?? 0) > most)
      .map(
        ([folder, most]) =>
          `src/${folder}: it has ${sizes.get(folder)} lines, ${most} are allowed: what in it is no use case?`,
      ),
    ...[...sizes]
      .filter(([, lines]) => lines > largestShare * total)
      .map(
        ([folder, lines]) =>
          `src/${folder}: it is ${percent(lines / total)} of src/, ${percent(largestShare)} are allowed: is there a room within it?`,
      ),
  ]
}

/** `exactOptionalPropertyTypes` and the check for excess members do not see what stands in such a group. */
function spreadProblems({ path, text }: SourceFile): readonly string[] {
  return text
    .split('\n')
    .flatMap((line, index) =>
      /\.\.\.\s*\{/.test(line)
        ? [
            `${path}:${index + 1}: members grouped by a spread, which no compiler checks for excess: write them one by one`,
          ]
        : [],
    )
}

/** Nothing is too much: the shapes of tests differ from it in what they are about. */
const NONE: Shape = {
  functionLines: 1e9,
  longestFunction: 1e9,
  longFunctions: {},
  mostLongFunctions: 1e9,
  fileLines: 1e9,
  longFiles: {},
  commentWidth: 1e9,
  drawnFiles: [],
  folderLines: {},
  largestShare: 1,
}

const made: string[] = []

afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** A project of the given files, removed after the test. */
const project = (files: Readonly<Record<string, string>>): string => {
  const folder = mkdtempSync(join(tmpdir(), 'vigia-shape-'))
  made.push(folder)
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), content)
  }
  return folder
}

function formatterWidth(): number {
  const settings = JSON.parse(readFileSync(join(ROOT, 'biome.json'), 'utf8')) as {
    readonly formatter: { readonly lineWidth: number }
  }
  return settings.formatter.lineWidth
}
