import { diagnosticsContract } from '../../ports/diagnostics.contract.js'
import { webDiagnostics } from './diagnostics.js'

diagnosticsContract('web', webDiagnostics)
