import { type Static, type TObject, Type } from 'typebox'
import type { ServedModel } from '../../decisions/inference-pipeline.ts'
import type { ErrorCode } from '../../errors.ts'
import { modelsAnswer } from '../answers.ts'
import type { App } from '../dependencies.ts'
import { refTo, withDefault } from '../schemas/named.ts'
import { ModelsAnswer } from '../schemas/service.ts'
import { actBy } from './act.ts'
import type { RouteContext } from './route-context.ts'

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
  const add = <Body>(
    act: string,
    summary: string,
    errors: readonly ErrorCode[],
    body: TObject | undefined,
    details: (body: Body) => Readonly<Record<string, string | number | null>>,
    work: (body: Body) => Promise<readonly ServedModel[]>,
  ): void => {
    app.post(
      `/admin/models/${act}`,
      {
        config: { scope: 'admin', errors },
        schema: {
          tags: ['administration'],
          operationId: `${act}Models`,
          summary,
          ...(body && { body }),
          response: { 200: refTo(ModelsAnswer) },
        },
      },
      async (request) => {
        const wanted = request.body as Body
        return modelsAnswer(
          await actBy(context, request, `models.${act}`, details(wanted), () => work(wanted)),
        )
      },
    )
  }
  add(
    'reload',
    "Load what the champion's source stands for by now",
    REFUSALS,
    undefined,
    () => ({}),
    () => control.reload(),
  )
  add<Static<typeof SwitchBody>>(
    'switch',
    'Let another model decide',
    REFUSALS,
    SwitchBody,
    (body) => ({ source: body.source }),
    (body) => control.switchTo(body.source),
  )
  add(
    'rollback',
    'Let the champion before this one decide again',
    ['SERVING_NO_EARLIER_MODEL'],
    undefined,
    () => ({}),
    () => control.rollBack(),
  )
  add<Static<typeof ShadowBody>>(
    'shadow',
    'Score every transaction with a second model that never answers',
    REFUSALS,
    ShadowBody,
    (body) => ({ source: body.source }),
    (body) => control.setShadow(body.source),
  )
  add<Static<typeof CanaryBody>>(
    'canary',
    'Let another model decide for some users',
    REFUSALS,
    CanaryBody,
    (body) => ({ source: body.source, share: body.share }),
    (body) => control.setCanary(body.source, body.share),
  )
}
