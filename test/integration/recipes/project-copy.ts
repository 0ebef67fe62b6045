import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Recipe } from './recipe.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

/** What the compiler, the generator of documents and the tests need of the project. */
const COPIED = [
  'src',
  'test',
  'scripts',
  'docs',
  'configs',
  'schemas',
  'examples',
  'package.json',
  'tsconfig.json',
  'vitest.config.ts',
  '.dependency-cruiser.mjs',
]

/** What a program answered: all that it wrote, and whether it was content. */
export interface Answer {
  readonly isContent: boolean
  readonly text: string
}

/** The project in a temporary folder, where recipes are followed; packages are those of the project. */
export interface ProjectCopy {
  /** @throws when a place that the recipe names is not there: CONTRIBUTING or the fake is out of date */
  follow(recipe: Recipe): void
  /** Puts a file back as the project has it, without what recipes wrote. */
  forget(path: string): void
  write(path: string, text: string): void
  read(path: string): string
  types(): Answer
  docs(): Answer
  layers(): Answer
  /** Unit tests by path; `named` are those whose titles match. */
  tests(paths: readonly string[], named?: string): Answer
  remove(): void
}

export const copyProject = (): ProjectCopy => {
  const folder = mkdtempSync(join(tmpdir(), 'vigia-recipes-'))
  const at = (path: string): string => join(folder, path)
  for (const path of COPIED) cpSync(join(ROOT, path), at(path), { recursive: true })
  symlinkSync(join(ROOT, 'node_modules'), at('node_modules'))
  const read = (path: string): string => readFileSync(at(path), 'utf8')
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(at(path)), { recursive: true })
    writeFileSync(at(path), text)
  }
  const run = (program: string, ...words: readonly string[]): Answer => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [at(program), ...words], {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0', npm_lifecycle_event: '' },
      maxBuffer: 1 << 28,
    })
    return { isContent: status === 0, text: `${stdout}${stderr}` }
  }
  return {
    follow: ({ adds, changes }) => {
      for (const { path, edit } of changes) {
        try {
          write(path, edit(existsSync(at(path)) ? read(path) : undefined))
        } catch (error) {
          throw new Error(
            `CONTRIBUTING's recipe "${adds}" is out of date, or what test/integration/recipes/ writes for it: ${(error as Error).message}`,
          )
        }
      }
    },
    forget: (path) => {
      if (existsSync(join(ROOT, path))) cpSync(join(ROOT, path), at(path))
      else rmSync(at(path))
    },
    write,
    read,
    types: () => run('node_modules/typescript/bin/tsc', '--noEmit', '--pretty', 'false'),
    docs: () => run('scripts/generate-docs.mjs'),
    layers: () =>
      run(
        'node_modules/dependency-cruiser/bin/dependency-cruise.mjs',
        'src',
        'test',
        '--config',
        '.dependency-cruiser.mjs',
      ),
    tests: (paths, named) =>
      run(
        'node_modules/vitest/vitest.mjs',
        'run',
        '--project=unit',
        ...(named === undefined ? [] : ['-t', named]),
        ...paths,
      ),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
