import { execFile } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/**
 * What else can run Vigía, pinned. The packages hold the programs themselves: the packages `node` and `deno`
 * fetch just these by an install script, which this test does not run.
 */
export interface Runtime {
  readonly name: string
  readonly packageName: string
  readonly version: string
  /** The program within the package, and what it is given before the script. */
  readonly program: string
  readonly words: readonly string[]
}

/** Node.js of that version, which the package `node` would install. */
export const node = (version: string): Runtime => {
  const system = process.platform === 'win32' ? 'win' : process.platform
  const program = process.platform === 'win32' ? 'bin/node.exe' : 'bin/node'
  return {
    name: `Node ${version}`,
    packageName: `node-${system}-${process.arch}`,
    version,
    program,
    words: [],
  }
}

/**
 * Where the program of a runtime stands once its package is below `folder`; where there is none, why the test
 * is skipped.
 */
export const installed = async (
  { packageName, version, program }: Runtime,
  folder: string,
  skip: (reason: string) => never,
): Promise<string> => {
  const into = join(folder, `${packageName}-${version}`)
  mkdirSync(into, { recursive: true })
  const words = ['install', '--prefix', into, '--ignore-scripts', '--no-audit', '--no-fund', '--no-save']
  await run('npm', [...words, `${packageName}@${version}`], {
    cwd: into,
    shell: process.platform === 'win32',
  }).catch((error: Error & { readonly stderr?: string }) => {
    const reason = (error.stderr ?? error.message).split('\n').find((line) => /\S/.test(line))
    return skip(`${packageName}@${version} cannot be installed here: ${reason}`)
  })
  return join(into, 'node_modules', packageName, program)
}
