import { join } from 'node:path'
import { codeVersionOf } from './code-version.ts'
import type { Step } from './step.ts'
import { readManifest } from './step-manifest.ts'
import { changedSettings, flattenSettings } from './why-outdated.ts'

/**
 * What keeps a finished run from being run over: the first difference between the settings of `steps` and
 * those that the outputs in `folder` were made with. Undefined when there is none, and while the run was
 * never finished. Steps that never finished have none, nor do settings that an earlier version of the code
 * did not know. Other data and other code of the same configuration are no difference: that is what a run
 * folder is for.
 *
 * @param last the step that finishes a run
 */
export const otherConfiguration = async (
  steps: readonly Step[],
  last: string,
  { folder, runtime }: { readonly folder: string; readonly runtime: string },
): Promise<string | undefined> => {
  if ((await readManifest(join(folder, last))) === undefined) return undefined
  for (const step of steps) {
    const made = await readManifest(join(folder, step.name))
    if (made === undefined) continue
    const identities = (await step.identities?.()) ?? {}
    const now = flattenSettings({ ...step.settings, ...identities })
    const isSameCode = made.code === (await codeVersionOf(step.module, runtime))
    const isCompared = (path: string): boolean =>
      !(path.split('.', 1)[0]! in identities) && (isSameCode || (path in made.settings && path in now))
    const changed = changedSettings(only(made.settings, isCompared), only(now, isCompared))
    if (changed.length > 0) return changed.join('; ')
  }
  return undefined
}

const only = (
  settings: Readonly<Record<string, unknown>>,
  isKept: (path: string) => boolean,
): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(settings).filter(([path]) => isKept(path)))
