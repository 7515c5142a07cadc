import { randomContract } from '../../ports/random.contract.js'
import { nodeRandom } from './random.js'

randomContract('node', nodeRandom)
