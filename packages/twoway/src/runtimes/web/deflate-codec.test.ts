import { describeDeflateCodec } from '../../ports/deflate-codec.contract.js'
import { webDeflateCodec } from './deflate-codec.js'

describeDeflateCodec('webDeflateCodec', webDeflateCodec)
