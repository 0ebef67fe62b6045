import { type Static, type TObject, Type } from 'typebox'
import type { BranchStatus } from '../../decisions/branch-status.ts'
import { layoutName } from '../../decisions/log/log-layouts.ts'
import type { ErrorCode } from '../../errors.ts'
import type { App } from '../dependencies.ts'
import { BranchesAnswer } from '../schemas/branches.ts'
import { refTo } from '../schemas/named.ts'
import type { RouteContext } from './route-context.ts'
import { runAudited } from './run-audited.ts'

const AdoptBody = Type.Object(
  {
    source: Type.String({
      minLength: 1,
      maxLength: 1024,
      description: 'The model that `vigia state migrate` has made them for, as model.source names it.',
    }),
  },
  { additionalProperties: false },
)
const DropBody = Type.Object(
  {
    layout: Type.String({
      minLength: 1,
      maxLength: 64,
      description: 'Their layout, or its first characters.',
    }),
  },
  { additionalProperties: false },
)

/** GET /admin/state/branches and what operators do to states of other layouts. */
export const addBranches = (app: App, context: RouteContext): void => {
  const { branches } = context
  app.get(
    '/admin/state/branches',
    {
      config: { scope: 'admin' },
      schema: {
        tags: ['administration'],
        operationId: 'listBranches',
        summary: 'States of other layouts that follow the log',
        response: { 200: refTo(BranchesAnswer) },
      },
    },
    async () => branchesAnswer(context, branches.list()),
  )
  addAct<Static<typeof AdoptBody>>(app, context, {
    act: 'adopt',
    summary: 'Let states follow that were made for a model of another layout',
    errors: [
      'SERVING_BRANCH_UNKNOWN',
      'SERVING_BRANCH_REFUSED',
      'SERVING_BRANCH_FAILED',
      'SERVING_BRANCHES_UNSUPPORTED',
      'SERVING_FOLDER_IN_USE',
      'MODEL_ARTIFACT_REFUSED',
      'SERVING_MODEL_MISSING',
      'SERVING_MODEL_SOURCE_INVALID',
      'REGISTRY_VERSION_UNKNOWN',
    ],
    body: AdoptBody,
    details: ({ source }) => ({ source }),
    work: async ({ source }) => {
      await branches.adopt(source)
      return branches.list()
    },
  })
  addAct<Static<typeof DropBody>>(app, context, {
    act: 'drop',
    summary: 'End states that follow, and free their disk',
    errors: ['SERVING_BRANCH_UNKNOWN', 'SERVING_BRANCH_SHADOWED', 'SERVING_BRANCHES_UNSUPPORTED'],
    body: DropBody,
    details: ({ layout }) => ({ layout }),
    work: ({ layout }) => branches.drop(layout),
  })
}

interface Act<Body> {
  readonly act: string
  readonly summary: string
  readonly errors: readonly ErrorCode[]
  readonly body: TObject
  readonly details: (body: Body) => Readonly<Record<string, string>>
  readonly work: (body: Body) => Promise<readonly BranchStatus[]>
}

const addAct = <Body>(app: App, context: RouteContext, act: Act<Body>): void => {
  app.post(
    `/admin/state/branches/${act.act}`,
    {
      config: { scope: 'admin', errors: act.errors },
      schema: {
        tags: ['administration'],
        operationId: `${act.act}Branch`,
        summary: act.summary,
        body: act.body,
        response: { 200: refTo(BranchesAnswer) },
      },
    },
    async (request) => {
      const wanted = request.body as Body
      const work = () => act.work(wanted)
      return branchesAnswer(
        context,
        await runAudited(context, request, `branches.${act.act}`, act.details(wanted), work),
      )
    },
  )
}

const branchesAnswer = (
  { pipeline, cacheBytes }: Pick<RouteContext, 'pipeline' | 'cacheBytes'>,
  branches: readonly BranchStatus[],
) => ({
  branches: branches.map((one) => ({
    layout: layoutName(one.layoutKey),
    model: one.model,
    shadow: one.shadow ?? null,
    source: one.source ?? null,
    decided_through: one.decidedThrough ?? null,
    created_at: new Date(one.createdAtMs).toISOString(),
    last_sequence: one.through,
    records_behind: one.behind,
    bytes: one.bytes,
    failure: one.failure,
  })),
  ...(cacheBytes !== undefined && {
    unfilled_cache_bytes: Math.max(0, Math.floor(cacheBytes - pipeline.status().store.cachedBytes)),
  }),
})
