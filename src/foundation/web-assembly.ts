/** What the project uses of WebAssembly: the types of Node 20 do not describe it. */
export interface WasmMemory {
  readonly buffer: SharedArrayBuffer
}

export type WasmExports = Readonly<Record<string, (...values: readonly number[]) => number>>

/** A compiled module; it can be instantiated on any number of memories. */
export interface WasmModule {
  readonly kind?: 'module'
}

interface WebAssemblyGlobal {
  readonly Memory: new (size: {
    readonly initial: number
    readonly maximum: number
    readonly shared: true
  }) => WasmMemory
  readonly Module: new (bytes: Uint8Array) => WasmModule
  readonly Instance: new (
    module: WasmModule,
    imports: Readonly<Record<string, Readonly<Record<string, WasmMemory>>>>,
  ) => { readonly exports: WasmExports }
}

const { Memory, Module, Instance } = (globalThis as unknown as { readonly WebAssembly: WebAssemblyGlobal })
  .WebAssembly

/** Zeroed memory of so many pages of 65,536 bytes that threads can share. */
export const createWasmMemory = (pages: number): WasmMemory =>
  new Memory({ initial: pages, maximum: pages, shared: true })

export const compileWasm = (bytes: Uint8Array): WasmModule => new Module(bytes)

/** The functions of a module that imports `shared.memory`. */
export const openWasm = (module: WasmModule, memory: WasmMemory): WasmExports =>
  new Instance(module, { shared: { memory } }).exports
