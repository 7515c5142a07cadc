import { diagnosticsContract } from 'twoway-testing/contracts/diagnostics.contract.js'
import { webDiagnostics } from './diagnostics.js'

diagnosticsContract('web', webDiagnostics)
