import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** A local file, or all files of a folder, by their paths below `artifactPath`. */
export const readFiles = async (
  localPath: string,
  artifactPath: string,
): Promise<readonly (readonly [path: string, content: Uint8Array])[]> => {
  if (!(await stat(localPath)).isDirectory()) return [[artifactPath, await readFile(localPath)]]
  const files: (readonly [string, Uint8Array])[] = []
  for (const name of (await readdir(localPath)).sort())
    files.push(...(await readFiles(join(localPath, name), `${artifactPath}/${name}`)))
  return files
}

/**
 * Writes the artifact of that path, or all below it, to a local path. @returns how many files there were
 */
export const writeFiles = async (
  artifacts: ReadonlyMap<string, Uint8Array>,
  artifactPath: string,
  localPath: string,
): Promise<number> => {
  const found = [...artifacts].filter(
    ([path]) => path === artifactPath || path.startsWith(`${artifactPath}/`),
  )
  for (const [path, content] of found) {
    const target = join(localPath, path.slice(artifactPath.length))
    await mkdir(dirname(target), { recursive: true })
    await writeFile(target, content)
  }
  return found.length
}
