import { channel } from 'node:diagnostics_channel'
import type { Diagnostics } from '../../ports/diagnostics.js'

/** Diagnostics through node:diagnostics_channel, which Bun and Deno have too. */
export const nodeDiagnostics: Diagnostics = { channel }
