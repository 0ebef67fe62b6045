import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { VigiaError } from '../errors.ts'
import type { CommandContext, CommandInput } from './command.ts'

/** `--out` of this command is a file; the run folder is the configuration's. */
export const withoutOut = (input: CommandInput): CommandInput => {
  const { out: _, ...options } = input.options
  return { ...input, options }
}

/** Where to write. @throws DATASET_OUTPUT_EXISTS unless `--force` */
export const freeOutput = async (context: CommandContext, input: CommandInput): Promise<string> => {
  const out = resolve(context.workingDirectory, String(input.options['out']))
  const existing = await stat(out).catch(() => undefined)
  if (existing !== undefined && input.options['force'] !== true) {
    throw new VigiaError('DATASET_OUTPUT_EXISTS', { path: out })
  }
  return out
}
