import { describeDeflateCodec } from 'twoway-testing/contracts/deflate-codec.contract.js'
import { webDeflateCodec } from './deflate-codec.js'

describeDeflateCodec('webDeflateCodec', webDeflateCodec)
