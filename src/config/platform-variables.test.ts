import { describe, expect, it } from 'vitest'
import { loadServingConfig } from './config-manager.ts'
import { describeOrigin } from './origin.ts'

const load = (
  environment: Readonly<Record<string, string>>,
  { text, assignments = [] }: { readonly text?: string; readonly assignments?: readonly string[] } = {},
) =>
  loadServingConfig({
    environment,
    assignments,
    workingDirectory: '/work',
    ...(text !== undefined && { file: { name: 'serving.yaml', directory: '/work', text } }),
  })

describe('variables of platforms', () => {
  it.each(['PORT', 'SERVER_PORT', 'SAGEMAKER_BIND_TO_PORT', 'AIP_HTTP_PORT'])('tell the port: %s', (name) => {
    const config = load({ [name]: '8080' })
    expect(config.settings.api.port).toBe(8080)
    expect(describeOrigin(config.originOf('api.port'))).toBe(`environment ${name}`)
  })

  it('tell the routes of Vertex AI', () => {
    const route = '/v1/endpoints/17/deployedModels/4:predict'
    const { api } = load({ AIP_PREDICT_ROUTE: route, AIP_HEALTH_ROUTE: '/v1/health' }).settings
    expect(api).toMatchObject({ predict_route: route, health_route: '/v1/health' })
  })

  it('win over the file, and yield to the variable of the setting and to --set', () => {
    const text = 'api:\n  port: 9000\n'
    expect(load({ PORT: '8080' }, { text }).settings.api.port).toBe(8080)
    expect(load({ PORT: '8080', VIGIA_API__PORT: '8081' }, { text }).settings.api.port).toBe(8081)
    expect(load({ PORT: '8080' }, { text, assignments: ['api.port=8082'] }).settings.api.port).toBe(8082)
  })

  it('yield to the one that is more of a platform: AIP_HTTP_PORT to none', () => {
    expect(load({ AIP_HTTP_PORT: '1', SAGEMAKER_BIND_TO_PORT: '2', PORT: '3' }).settings.api.port).toBe(1)
    expect(load({ SERVER_PORT: '4', PORT: '3' }).settings.api.port).toBe(4)
  })

  it('are passed over where they are empty, or an address that a cluster sets for a service', () => {
    const environment = { PORT: '', SERVER_PORT: 'tcp://10.0.0.1:80' }
    expect(load(environment).settings.api.port).toBe(8000)
  })

  it('are named where they are no port, or no route', () => {
    expect(() => load({ PORT: 'web' })).toThrow('environment PORT')
    expect(() => load({ AIP_PREDICT_ROUTE: 'predict me' })).toThrow('environment AIP_PREDICT_ROUTE')
  })
})
