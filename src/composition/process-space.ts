import { readFileSync, readlinkSync } from 'node:fs'

/**
 * Names the space in which the ids of this machine's processes are unique, containers told apart: the boot of
 * the kernel and the namespace of process ids. Undefined where the system does not say: nothing but Linux
 * does.
 */
export const processSpace = (): string | undefined => {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return boot === '' ? undefined : `${boot} ${readlinkSync('/proc/self/ns/pid')}`
  } catch {
    return undefined
  }
}
