import { availableParallelism } from 'node:os'
import type { ResourcesSettings } from '../config/sections/resources.ts'
import type { Work } from '../disk/work.ts'
import type { CommandContext } from './command.ts'

/** Threads that the settings mean: 0 is every core of the machine. */
export const threadsOf = ({ threads }: ResourcesSettings): number => threads || availableParallelism()

/** The work of a command: stopped and watched as the command is, on databases as the settings say. */
export const workOf = ({ work }: Pick<CommandContext, 'work'>, resources: ResourcesSettings): Work => ({
  ...work,
  database: {
    threads: threadsOf(resources),
    memoryLimit: resources.memory_limit,
    tempDirectory: resources.temp_directory,
  },
})
