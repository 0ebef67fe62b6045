import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseSync } from '@swc/core'

/** A source file of a project, by its path from the root, with slashes. */
export interface SourceFile {
  readonly path: string
  readonly text: string
}

/** A function by its name, its file, and how many lines it has from its first to its last. */
export interface FoundFunction {
  readonly name: string
  readonly path: string
  readonly lines: number
}

/**
 * All .ts and .mjs files of some folders, in the order of their paths. A folder that is not there has none.
 */
export const readSources = (root: string, folders: readonly string[]): readonly SourceFile[] => {
  const visit = (folder: string): readonly SourceFile[] =>
    entriesOf(join(root, folder)).flatMap((entry) => {
      const path = `${folder}/${entry.name}`
      if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : visit(path)
      return /\.(ts|mjs)$/.test(entry.name) ? [{ path, text: readFileSync(join(root, path), 'utf8') }] : []
    })
  return folders.flatMap(visit).sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** Neither a test nor a kit for tests: what is shipped. */
export const isShipped = ({ path }: SourceFile): boolean => !/\.(test|test-kit)\.ts$/.test(path)

export const linesOf = ({ text }: SourceFile): number =>
  text.split('\n').length - (text.endsWith('\n') ? 1 : 0)

/**
 * Every function, also those within others. One without a name bears that of what it is given to: the
 * variable, the member, or the function around it.
 */
export const functionsIn = ({ path, text }: SourceFile): readonly FoundFunction[] => {
  const program = parseSync(text, { syntax: 'typescript', target: 'es2022' })
  const bytes = Buffer.from(text)
  // Spans are places in bytes, counted over all files that were parsed so far; the first statement's comments
  // are not part of the program's span.
  const base = program.span.end - Buffer.byteLength(text.trimEnd())
  const found: FoundFunction[] = []
  const visit = (node: unknown, around: string): void => {
    if (Array.isArray(node)) for (const each of node) visit(each, around)
    if (typeof node !== 'object' || node === null || Array.isArray(node)) return
    const here = node as AstNode
    const name = here.identifier?.value ?? here.key?.value ?? here.id?.value ?? around
    if (FUNCTIONS.has(here.type ?? '')) {
      const { start, end } = here.span ?? here.function!.span!
      let lines = 1
      for (let at = start - base; at < end - base; at++) if (bytes[at] === LINE_END) lines++
      found.push({ name, path, lines })
    }
    for (const [member, value] of Object.entries(here)) if (member !== 'span') visit(value, name)
  }
  visit(program.body, '(top level)')
  return found
}

interface AstNode {
  readonly type?: string
  readonly span?: { readonly start: number; readonly end: number }
  readonly function?: AstNode
  readonly identifier?: { readonly value?: string } | null
  readonly key?: { readonly value?: string } | null
  readonly id?: { readonly value?: string } | null
}

const LINE_END = 0x0a

const FUNCTIONS = new Set([
  'FunctionDeclaration',
  'FunctionExpression',
  'ArrowFunctionExpression',
  'ClassMethod',
  'PrivateMethod',
  'Constructor',
  'MethodProperty',
  'GetterProperty',
  'SetterProperty',
])

const entriesOf = (folder: string) => {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch {
    return []
  }
}
