import { pinnedVersion } from '../artifacts/model-source.ts'
import type { ModelControl } from '../decisions/model-control.ts'
import type { ServedSourcesNow, ServingControl } from '../retraining/retraining-works.ts'

/** A model in service, as a server tells of it. */
export interface ToldModel {
  readonly role: string
  readonly name: string
  readonly version: string
  readonly source: string
}

/** Sources by role; of registered models by version. */
export const sourcesByRole = (models: readonly ToldModel[]): ServedSourcesNow => {
  const of = (role: string): string | null => {
    const model = models.find((each) => each.role === role)
    return model === undefined ? null : pinnedVersion(model)
  }
  const canary = of('canary')
  return {
    champion: of('champion') ?? '',
    shadow: of('shadow'),
    canary: canary === null ? null : { source: canary, share: null },
  }
}

/** The models of this process's own service. */
export const controlOfService = (control: ModelControl): ServingControl => ({
  serving: async () => sourcesByRole(control.list()),
  switchTo: async (source) => {
    await control.switchTo(source)
  },
  setShadow: async (source) => {
    await control.setShadow(source)
  },
  setCanary: async (source, share) => {
    await control.setCanary(source, share)
  },
})

/** What a process that serves nothing asks of the one that does: plain data. */
export type ControlQuestion =
  | { readonly act: 'serving' }
  | { readonly act: 'switchTo'; readonly source: string }
  | { readonly act: 'setShadow'; readonly source: string | null }
  | { readonly act: 'setCanary'; readonly source: string | null; readonly share: number }

/** The models of the process that answers questions. */
export const controlByQuestions = (ask: (question: ControlQuestion) => Promise<unknown>): ServingControl => ({
  serving: async () => (await ask({ act: 'serving' })) as ServedSourcesNow,
  switchTo: async (source) => {
    await ask({ act: 'switchTo', source })
  },
  setShadow: async (source) => {
    await ask({ act: 'setShadow', source })
  },
  setCanary: async (source, share) => {
    await ask({ act: 'setCanary', source, share })
  },
})

/** The other side: does what is asked. */
export const answerControl = async (
  control: ServingControl,
  question: ControlQuestion,
): Promise<ServedSourcesNow | undefined> => {
  switch (question.act) {
    case 'serving':
      return control.serving()
    case 'switchTo':
      await control.switchTo(question.source)
      return undefined
    case 'setShadow':
      await control.setShadow(question.source)
      return undefined
    case 'setCanary':
      await control.setCanary(question.source, question.share)
      return undefined
  }
}
