import type { Command } from '../command.ts'
import { type AlertsTools, alertsCommand } from './alerts.ts'
import { type BackupTools, backupCommand } from './backup.ts'
import { configCommand } from './config.ts'
import { doctorCommand } from './doctor.ts'
import { featuresCommand } from './features.ts'
import { generateCommand } from './generate.ts'
import { type LogTools, logCommand } from './log.ts'
import { type ModelsTools, modelsCommand } from './models.ts'
import { type MonitorTools, monitorCommand } from './monitor.ts'
import { type ParityTools, parityCommand } from './parity.ts'
import { predictCommand } from './predict.ts'
import { type RestoreTools, restoreCommand } from './restore-backup.ts'
import { type RetrainTools, retrainCommand } from './retrain.ts'
import { type PipelineTools, runCommand } from './run.ts'
import { runsCommand } from './runs.ts'
import { type ServeTools, serveCommand } from './serve.ts'
import { type StateTools, stateCommand } from './state.ts'
import { trackingCommand } from './tracking.ts'
import { validateCommand } from './validate.ts'

/** Every command of `vigia`, in the order of its help, on what the composition root hands in. */
export const createCommands = (
  tools: PipelineTools &
    ModelsTools &
    ServeTools &
    StateTools &
    ParityTools &
    MonitorTools &
    LogTools &
    BackupTools &
    RestoreTools &
    AlertsTools &
    RetrainTools,
): readonly Command[] => [
  generateCommand,
  validateCommand({ renderReport: tools.renderers.validation }),
  featuresCommand(tools),
  runCommand(tools),
  predictCommand(tools),
  serveCommand(tools),
  stateCommand(tools),
  parityCommand(tools),
  monitorCommand(tools),
  retrainCommand(tools),
  logCommand(tools),
  backupCommand(tools),
  restoreCommand(tools),
  alertsCommand(tools),
  modelsCommand(tools),
  runsCommand(tools),
  trackingCommand(tools),
  configCommand(tools),
  doctorCommand,
]
