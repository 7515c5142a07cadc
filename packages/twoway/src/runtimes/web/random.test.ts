import { randomContract } from 'twoway-testing/contracts/random.contract.js'
import { webRandom } from './random.js'

randomContract('web', webRandom)
