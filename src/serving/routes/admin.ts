import { type Static, type TObject, Type } from 'typebox'
import type { ServedModel } from '../../decisions/inference-pipeline.ts'
import type { ErrorCode } from '../../errors.ts'
import { modelsAnswer } from '../answers.ts'
import type { App } from '../dependencies.ts'
import { refTo, withDefault } from '../schemas/named.ts'
import { ModelsAnswer } from '../schemas/service.ts'
import type { RouteContext } from './route-context.ts'
import { runAudited } from './run-audited.ts'

const SOURCE = 'models:/name@alias or models:/name/3 of the registry, or a folder of a run or an artifact.'
const source = Type.String({ minLength: 1, maxLength: 1024, description: SOURCE })
const sourceOrNone = Type.Unsafe<string | null>({
  type: ['string', 'null'],
  minLength: 1,
  maxLength: 1024,
  description: `${SOURCE} Null: none.`,
})

const SwitchBody = Type.Object({ source }, { additionalProperties: false })
const ShadowBody = Type.Object({ source: sourceOrNone }, { additionalProperties: false })
const CanaryBody = Type.Object(
  {
    source: sourceOrNone,
    share: withDefault(
      Type.Number({
        minimum: 0,
        maximum: 1,
        default: 0.05,
        description: 'Share of the users that it decides for.',
      }),
    ),
  },
  { additionalProperties: false },
)

const REFUSALS: readonly ErrorCode[] = [
  'MODEL_ARTIFACT_REFUSED',
  'SERVING_MODEL_MISSING',
  'SERVING_MODEL_SOURCE_INVALID',
  'SERVING_STATES_FOREIGN',
  'SERVING_TABLES_DIFFER',
  'SERVING_LOOKUPS_DIFFER',
  'SERVING_TABLE_UNREADABLE',
  'REGISTRY_VERSION_UNKNOWN',
  'TRACKING_NOT_FOUND',
  'TRACKING_UNREACHABLE',
  'TRACKING_UNAUTHORIZED',
]

/** GET /admin/models and the acts that change them. Each answers with the models that are then in service. */
export const addAdmin = (app: App, context: RouteContext): void => {
  const { control } = context
  app.get(
    '/admin/models',
    {
      config: { scope: 'admin' },
      schema: {
        tags: ['administration'],
        operationId: 'listServedModels',
        summary: 'The models in service',
        response: { 200: refTo(ModelsAnswer) },
      },
    },
    async () => modelsAnswer(control.list()),
  )
  addAct(app, context, {
    act: 'reload',
    summary: "Load what the champion's source stands for by now",
    errors: REFUSALS,
    details: () => ({}),
    work: () => control.reload(),
  })
  addAct<Static<typeof SwitchBody>>(app, context, {
    act: 'switch',
    summary: 'Let another model decide',
    errors: REFUSALS,
    body: SwitchBody,
    details: (body) => ({ source: body.source }),
    work: (body) => control.switchTo(body.source),
  })
  addAct(app, context, {
    act: 'rollback',
    summary: 'Let the champion before this one decide again',
    errors: ['SERVING_NO_EARLIER_MODEL'],
    details: () => ({}),
    work: () => control.rollBack(),
  })
  addAct<Static<typeof ShadowBody>>(app, context, {
    act: 'shadow',
    summary: 'Score every transaction with a second model that never answers',
    errors: REFUSALS,
    body: ShadowBody,
    details: (body) => ({ source: body.source }),
    work: (body) => control.setShadow(body.source),
  })
  addAct<Static<typeof CanaryBody>>(app, context, {
    act: 'canary',
    summary: 'Let another model decide for some users',
    errors: REFUSALS,
    body: CanaryBody,
    details: (body) => ({ source: body.source, share: body.share }),
    work: (body) => control.setCanary(body.source, body.share),
  })
}

/** One way to change which models are in service. */
interface Act<Body> {
  /** Last part of its address. */
  readonly act: string
  readonly summary: string
  readonly errors: readonly ErrorCode[]
  /** Absent when it takes none. */
  readonly body?: TObject
  /** What is kept about it in the audit log. */
  readonly details: (body: Body) => Readonly<Record<string, string | number | null>>
  readonly work: (body: Body) => Promise<readonly ServedModel[]>
}

const addAct = <Body>(app: App, context: RouteContext, act: Act<Body>): void => {
  app.post(
    `/admin/models/${act.act}`,
    {
      config: { scope: 'admin', errors: act.errors },
      schema: {
        tags: ['administration'],
        operationId: `${act.act}Models`,
        summary: act.summary,
        ...(act.body && { body: act.body }),
        response: { 200: refTo(ModelsAnswer) },
      },
    },
    async (request) => {
      const wanted = request.body as Body
      const work = () => act.work(wanted)
      const before = context.pipeline.status().layoutPauses
      const models = await runAudited(context, request, `models.${act.act}`, act.details(wanted), work)
      const after = context.pipeline.status().layoutPauses
      return modelsAnswer(models, after?.count === before?.count ? undefined : after?.lastMs)
    },
  )
}
