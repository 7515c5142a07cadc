import { randomContract } from '../../ports/random.contract.js'
import { webRandom } from './random.js'

randomContract('web', webRandom)
