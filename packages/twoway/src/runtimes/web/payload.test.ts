import { payloadContract } from '../../ports/payload.contract.js'
import { webPayload } from './payload.js'

payloadContract('web', webPayload)
