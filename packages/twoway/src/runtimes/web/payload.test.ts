import { payloadContract } from 'twoway-testing/contracts/payload.contract.js'
import { webPayload } from './payload.js'

payloadContract('web', webPayload)
