import type { Diagnostics, DiagnosticsChannel } from '../../ports/diagnostics.js'

const silent: DiagnosticsChannel = { hasSubscribers: false, publish() {} }

/** Diagnostics for platforms without any: no channel has subscribers. */
export const webDiagnostics: Diagnostics = { channel: () => silent }
