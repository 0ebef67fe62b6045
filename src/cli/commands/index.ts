import type { Command } from '../command.ts'
import { configCommand } from './config.ts'
import { doctorCommand } from './doctor.ts'
import { generateCommand } from './generate.ts'

/** Every command of `vigia`, in the order of its help. */
export const COMMANDS: readonly Command[] = [generateCommand, configCommand, doctorCommand]
