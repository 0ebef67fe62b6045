import { hostname } from 'node:os'
import type { FolderOwner } from '../disk/folder-lock.ts'
import { processSpace } from './process-space.ts'

/** This process as an owner of folders. */
export const thisProcess = (): Pick<FolderOwner, 'processId' | 'host' | 'processSpace' | 'isAlive'> => {
  const space = processSpace()
  return {
    processId: process.pid,
    host: hostname(),
    ...(space !== undefined && { processSpace: space }),
    isAlive,
  }
}

const isAlive = (processId: number): boolean => {
  try {
    return process.kill(processId, 0)
  } catch (error) {
    // Somebody else's process is alive too.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
