import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PENDING_FILE, snapshotFile, writeEntries } from '../artifacts/state-snapshot.ts'
import { publishStates } from '../artifacts/states-manifest.ts'
import { createDecider } from '../decisions/decider.ts'
import type { LoadedModel } from '../decisions/loaded-model.ts'
import { encodeState } from '../features/state/encoding.ts'
import { stateKindsOf } from '../transaction/entity-kind.ts'

/** More than are written at a time. */
export const USERS = 2500

/** States of a model as a training leaves them, below a folder. @returns where they are */
export const trainedStates = async (folder: string, model: LoadedModel): Promise<string> => {
  const [drafts, run] = [join(folder, 'drafts'), join(folder, 'run', 'states')]
  for (const place of [drafts, run]) mkdirSync(place, { recursive: true })
  const { engineer } = createDecider({ champion: model })
  const kinds = stateKindsOf(model.settings.options.entities)
  for (const kind of kinds) {
    const keeper = engineer.keeperOf(kind)!
    const bytes = encodeState(keeper.layout, keeper.create())
    const tokens = Array.from({ length: kind === 'user' ? USERS : 1 }, (_, token) => token)
    writeEntries(
      snapshotFile(drafts, kind),
      tokens.map((token) => ({ token, bytes })),
    )
  }
  writeFileSync(
    join(drafts, PENDING_FILE),
    new Uint8Array(new Float64Array([Number.NEGATIVE_INFINITY]).buffer),
  )
  await publishStates(drafts, run, model.identity, null, kinds)
  return run
}
