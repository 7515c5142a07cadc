import { randomContract } from 'twoway-testing/contracts/random.contract.js'
import { nodeRandom } from './random.js'

randomContract('node', nodeRandom)
