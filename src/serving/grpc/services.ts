import { createFileRegistry, type DescService, fromBinary } from '@bufbuild/protobuf'
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt'
import { DESCRIPTORS } from './descriptors.ts'

const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, Buffer.from(DESCRIPTORS, 'base64')))

const serviceOf = (name: string): DescService => {
  const service = registry.getService(name)
  if (service === undefined) throw new Error(`protos/ have no ${name}`)
  return service
}

/** `inference.GRPCInferenceService`, the Open Inference Protocol. */
export const INFERENCE = serviceOf('inference.GRPCInferenceService')

/** `grpc.health.v1.Health`. */
export const HEALTH = serviceOf('grpc.health.v1.Health')

/** A parameter of a request, a tensor or an output. Whole numbers are bigint. */
export interface Parameter {
  readonly parameterChoice: { readonly case: string | undefined; readonly value?: unknown }
}

export type Parameters = Readonly<Record<string, Parameter>>

/** The elements of a tensor, in the one list that is of its type; the others are empty. */
export type Contents = Readonly<Record<string, readonly unknown[]>>

/** `inference.ModelInferRequest`, as far as it is read. */
export interface ModelInferRequest {
  readonly modelName: string
  /** Empty: any. */
  readonly modelVersion: string
  readonly id: string
  readonly parameters: Parameters
  readonly inputs: readonly {
    readonly name: string
    readonly datatype: string
    readonly shape: readonly bigint[]
    readonly parameters: Parameters
    readonly contents?: Contents
  }[]
  readonly outputs: readonly { readonly name: string; readonly parameters: Parameters }[]
  /** The bytes of each input; empty when they have contents. */
  readonly rawInputContents: readonly Uint8Array[]
}
