/** The door for gRPC; it opens when it is told to listen. */
export interface GrpcServer {
  /** @returns the port */
  listen(host: string, port: number): Promise<number>
  /** For connections from now on; only where TLS is spoken. */
  setSecureContext(options: object): void
  /** Takes no further call, and resolves when those that were taken are answered or cut off. */
  close(graceMs: number): Promise<void>
}
