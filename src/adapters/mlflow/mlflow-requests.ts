import { VigiaError } from '../../errors.ts'
import type { MlflowClient, MlflowRefusal, MlflowRequest } from './mlflow-client.ts'

export const get = (path: string, query: NonNullable<MlflowRequest['query']>): MlflowRequest => ({
  method: 'GET',
  path: `/api/2.0/mlflow/${path}`,
  query,
})

export const post = (path: string, body: object): MlflowRequest => ({
  method: 'POST',
  path: `/api/2.0/mlflow/${path}`,
  body,
})

/** The error for what is not there. */
export const notFound = (client: MlflowClient, what: string): VigiaError =>
  new VigiaError('TRACKING_NOT_FOUND', { location: client.location, what })

/** The error of a refusal, which may say that `what` is not there. */
export const orNotFound = (client: MlflowClient, refusal: MlflowRefusal, what: string): VigiaError =>
  isMissing(refusal) ? notFound(client, what) : client.refused(refusal)

/** Asks for what may not be there; undefined then. */
export const find = async <Body>(client: MlflowClient, request: MlflowRequest): Promise<Body | undefined> => {
  const answer = await client.call(request)
  if (!('refusal' in answer)) return answer.body as Body
  if (isMissing(answer.refusal)) return undefined
  throw client.refused(answer.refusal)
}

/** Changes `what`. @throws TRACKING_NOT_FOUND */
export const write = async (client: MlflowClient, request: MlflowRequest, what: string): Promise<void> => {
  const answer = await client.call(request)
  if ('refusal' in answer) throw orNotFound(client, answer.refusal, what)
}

const isMissing = ({ errorCode }: MlflowRefusal): boolean => errorCode === 'RESOURCE_DOES_NOT_EXIST'
