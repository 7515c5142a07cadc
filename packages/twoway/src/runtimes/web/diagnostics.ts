import type { Diagnostics, DiagnosticsChannel } from '../../ports/diagnostics.js'

const silent: DiagnosticsChannel = { hasSubscribers: false, publish() {} }

/** Diagnostics where the platform has none: nobody ever listens. */
export const webDiagnostics: Diagnostics = { channel: () => silent }
