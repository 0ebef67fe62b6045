import type { ServingSettings } from '../config/serving-config.ts'
import { VigiaError } from '../errors.ts'
import type { App } from './dependencies.ts'

type Routes = Pick<ServingSettings['api'], 'predict_route' | 'health_route'>

/** What the routes of a platform are here, by its path. */
const aliasesOf = ({ predict_route, health_route }: Routes): ReadonlyMap<string, string> =>
  new Map(
    (
      [
        [predict_route, '/invocations'],
        [health_route, '/ping'],
      ] as const
    ).filter(([path, own]) => path !== '' && path !== own),
  )

/** Fastify's option that reads the routes of a platform as our own; none where there are no such routes. */
export const rewritingOf = (routes: Routes) => {
  const aliases = aliasesOf(routes)
  if (aliases.size === 0) return {}
  return {
    rewriteUrl: ({ url = '' }: { readonly url?: string }): string => {
      const mark = url.indexOf('?')
      const path = mark < 0 ? url : url.slice(0, mark)
      const own = aliases.get(path)
      return own === undefined ? url : own + url.slice(path.length)
    },
  }
}

/** Refuses a platform's route that would hide one of our own. @throws SERVING_ROUTE_TAKEN */
export const requireFree = (app: App, { predict_route, health_route }: Routes): void => {
  for (const [setting, route, own] of [
    ['api.predict_route', predict_route, '/invocations'],
    ['api.health_route', health_route, '/ping'],
  ] as const)
    if (route !== '' && route !== own && isRoute(app, route))
      throw new VigiaError('SERVING_ROUTE_TAKEN', { setting, route })
  if (predict_route !== '' && predict_route === health_route)
    throw new VigiaError('SERVING_ROUTE_TAKEN', { setting: 'api.health_route', route: health_route })
}

const isRoute = (app: App, path: string): boolean =>
  !OF_ONE_MODEL.test(path) &&
  (['GET', 'POST'] as const).some((method) => app.findRoute({ method, url: path }) !== null)

/** KServe's routes of one model, of whatever name: Vertex AI is often told of them. */
const OF_ONE_MODEL = /^\/v1\/models\/[^/]+$/
