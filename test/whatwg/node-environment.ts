import process from 'node:process'
import type { Capability } from './rule.js'

/** As Node's column in the table is called. */
export const nodeName = `Node ${process.versions.node.split('.')[0]}`

export const nodeCapabilities: ReadonlySet<Capability> = new Set(['noBaseUrl', 'sharedMemory', 'resizableBuffers'])
