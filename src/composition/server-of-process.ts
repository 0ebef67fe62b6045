import type { ServeTools } from '../cli/commands/serve.ts'
import type { FolderOwner } from '../disk/folder-lock.ts'
import { withAlerts } from './keep-alerting.ts'
import { withLooks } from './keep-looking.ts'
import { withRetraining } from './keep-retraining.ts'
import { type ServerParts, serverStarter } from './start-server.ts'

/** A server with all that it does beside its decisions: looks at them, trains again, and alerts. */
export const serverOfProcess = (
  parts: ServerParts & { readonly owner: FolderOwner },
): ServeTools['startServer'] =>
  withAlerts(withRetraining(withLooks(serverStarter(parts), parts), parts), parts)
