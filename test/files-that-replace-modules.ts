import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** Tests beside their source that replace a module for themselves: paths from the root of the project. */
export const filesThatReplaceModules = (): string[] =>
  readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .map((path) => `src/${path.replaceAll('\\', '/')}`)
    .filter(
      (path) => path.endsWith('.test.ts') && /^vi\.mock\(/m.test(readFileSync(join(ROOT, path), 'utf8')),
    )
    .sort()
