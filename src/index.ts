/**
 * The public table of contents of Vigía: every name that other packages may rely on, by subject.
 */

// Command line
export type {
  Command,
  CommandArgument,
  CommandContext,
  CommandInput,
  CommandOption,
  ExitCode,
  Output,
} from './cli/command.ts'
export type { Host } from './cli/host.ts'
export { runProgram } from './cli/program.ts'
// Configuration
export {
  type ConfigInput,
  ConfigManager,
  type EffectiveSetting,
  loadServingConfig,
  loadTrainingConfig,
} from './config/config-manager.ts'
export { describeOrigin, type Origin } from './config/origin.ts'
export { ServingConfigSchema, type ServingSettings } from './config/serving-config.ts'
export { TrainingConfigSchema, type TrainingSettings } from './config/training-config.ts'
// Errors
export { ERRORS, type ErrorCode, type ErrorDefinition, type ErrorDetails, VigiaError } from './errors.ts'
// Foundation
export { formatDuration, parseDuration } from './foundation/duration.ts'
export type { ProgressUpdate, ReportProgress } from './foundation/progress.ts'
