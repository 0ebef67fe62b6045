import { realpath } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, relative, sep } from 'node:path'

/** Whether a folder is another one or lies below it, links followed; neither need exist. Both absolute. */
export const liesIn = async (folder: string, outer: string): Promise<boolean> => {
  const way = relative(await realFolder(outer), await realFolder(folder))
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way)
}

/** Where a path leads: what there is of it by its links, the rest as it is. */
const realFolder = async (path: string): Promise<string> => {
  try {
    return await realpath(path)
  } catch {
    const above = dirname(path)
    return above === path ? path : join(await realFolder(above), basename(path))
  }
}
