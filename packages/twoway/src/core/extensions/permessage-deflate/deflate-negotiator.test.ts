import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FakeClock } from 'twoway-testing/harnesses/fake-clock.js'
import type { DeflateCodec } from '../../../ports/deflate-codec.js'
import { webPayload } from '../../../runtimes/web/payload.js'
import { HandshakeError, UsageError } from '../../errors.js'
import { ScratchPool } from '../../sending/scratch-pool.js'
import { formatExtensions, parseExtensions } from '../extension-header.js'
import { acceptExtension, confirmExtension } from '../negotiation.js'
import { DeflateNegotiator } from './deflate-negotiator.js'
import { type PerMessageDeflateOption, settleDeflate } from './deflate-options.js'

interface Asked {
  own: string | undefined
  peer: string
}

/** A codec that records the requested contexts as `bits/takeover`. */
function notingCodec(asked: Asked, abilities: Partial<DeflateCodec> = {}): DeflateCodec {
  const note = ({ windowBits, takeover }: { windowBits: number; takeover: boolean }): string =>
    `${windowBits}${takeover ? ' takeover' : ''}`
  const source = {
    take: () => {
      throw new Error('nothing is compressed here')
    },
  }
  return {
    keepsHistory: true,
    compressesPieces: true,
    smallestWindowBits: 9,
    compressors(parameters) {
      asked.own = note(parameters)
      return source
    },
    inflaters(parameters) {
      asked.peer = note(parameters)
      return source
    },
    ...abilities,
  }
}

function negotiate(role: 'client' | 'server', option: PerMessageDeflateOption, abilities?: Partial<DeflateCodec>) {
  const asked: Asked = { own: undefined, peer: '' }
  const ports = {
    codec: notingCodec(asked, abilities),
    clock: new FakeClock(),
    scratchPool: new ScratchPool(webPayload),
  }
  return { asked, negotiator: new DeflateNegotiator(settleDeflate(option, role), ports) }
}

/** [offer, the server's option, its answer or undefined if it declines, its contexts: compressor, inflater] */
const accepted: readonly (readonly [string, PerMessageDeflateOption, string | undefined, string?, string?])[] = [
  ['', true, '; server_no_context_takeover; client_no_context_takeover', '15', '15'],
  ['; client_max_window_bits', true, '; server_no_context_takeover; client_no_context_takeover', '15', '15'],
  // §7.1.1.1, §7.1.1.2
  ['', { serverNoContextTakeover: false, clientNoContextTakeover: false }, '', '15 takeover', '15 takeover'],
  ['', { serverNoContextTakeover: false }, '; client_no_context_takeover', '15 takeover', '15'],
  ['', { clientNoContextTakeover: false }, '; server_no_context_takeover', '15', '15 takeover'],
  [
    '; server_no_context_takeover; client_no_context_takeover',
    { serverNoContextTakeover: false, clientNoContextTakeover: false },
    '; server_no_context_takeover; client_no_context_takeover',
    '15',
    '15',
  ],
  // §7.1.2.1
  ...['9', '10', '15', '"10"'].map(
    (bits) =>
      [
        `; server_max_window_bits=${bits}`,
        { serverNoContextTakeover: false, clientNoContextTakeover: false },
        `; server_max_window_bits=${bits.replaceAll('"', '')}`,
        `${bits.replaceAll('"', '')} takeover`,
        '15 takeover',
      ] as const,
  ),
  [
    '; server_max_window_bits=12',
    { serverMaxWindowBits: 10, clientNoContextTakeover: false },
    '; server_no_context_takeover; server_max_window_bits=10',
    '10',
    '15 takeover',
  ],
  [
    '; server_max_window_bits=9',
    { serverMaxWindowBits: 10 },
    '; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9',
    '9',
    '15',
  ],
  [
    '',
    { serverMaxWindowBits: 11 },
    '; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=11',
    '11',
    '15',
  ],
  // zlib does not support raw DEFLATE with a window of 8 bits.
  ['; server_max_window_bits=8', true, undefined],
  // §7.1.2.2
  [
    '; client_max_window_bits',
    { clientMaxWindowBits: 10, clientNoContextTakeover: false },
    '; server_no_context_takeover; client_max_window_bits=10',
    '15',
    '10 takeover',
  ],
  [
    '; client_max_window_bits=8',
    { clientMaxWindowBits: 10, clientNoContextTakeover: false },
    '; server_no_context_takeover; client_max_window_bits=8',
    '15',
    '8 takeover',
  ],
  [
    '; client_max_window_bits=12',
    { clientNoContextTakeover: false },
    '; server_no_context_takeover; client_max_window_bits=12',
    '15',
    '12 takeover',
  ],
  ['', { clientMaxWindowBits: 10 }, undefined],
  ['', { clientMaxWindowBits: 15 }, '; server_no_context_takeover; client_no_context_takeover', '15', '15'],
  // §7.1: unknown, repeated or invalid
  ...[
    '; unknown',
    '; server_no_context_takeover; server_no_context_takeover',
    '; client_no_context_takeover; client_no_context_takeover',
    '; server_max_window_bits=10; server_max_window_bits=10',
    '; client_max_window_bits; client_max_window_bits=10',
    '; server_no_context_takeover=true',
    '; client_no_context_takeover=1',
    '; server_max_window_bits',
    ...['7', '16', '08', '010', '1e1', '+9', '-9', '9.0', 'x', '99'].flatMap((bits) => [
      `; server_max_window_bits=${bits}`,
      `; client_max_window_bits=${bits}`,
    ]),
    '; Server_no_context_takeover',
    '; constructor',
  ].map((offer) => [offer, true, undefined] as const),
]

describe('DeflateNegotiator: a server, RFC 7692 §7.1', () => {
  for (const [offer, option, answer, own, peer] of accepted) {
    it(`${answer === undefined ? 'declines' : 'accepts'} "${offer}" with ${JSON.stringify(option)}`, () => {
      const { negotiator, asked } = negotiate('server', option)
      const agreed = acceptExtension(parseExtensions(`permessage-deflate${offer}`)!, [negotiator])
      assert.equal(agreed?.answer, answer === undefined ? undefined : `permessage-deflate${answer}`)
      if (answer !== undefined) assert.deepEqual(asked, { own, peer })
    })
  }

  it('accepts the first offer that it can meet, §5.1', () => {
    const { negotiator } = negotiate('server', true)
    const answerTo = (header: string): string | undefined => {
      const agreed = acceptExtension(parseExtensions(header)!, [negotiator])
      return agreed?.answer
    }
    const plain = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover'
    assert.equal(
      answerTo(
        'permessage-deflate; server_max_window_bits=8, x-other; a="b", permessage-deflate; client_max_window_bits',
      ),
      plain,
    )
    assert.equal(
      answerTo('permessage-deflate; server_max_window_bits=10, permessage-deflate'),
      `${plain}; server_max_window_bits=10`,
    )
    assert.equal(answerTo('permessage-bzip2, x-webkit-deflate-frame'), undefined)
  })

  it('negotiates no context takeover for a codec without history', () => {
    const { negotiator } = negotiate(
      'server',
      { serverNoContextTakeover: false, clientNoContextTakeover: false },
      { keepsHistory: false, smallestWindowBits: 15 },
    )
    assert.equal(
      negotiator.accept({ name: 'permessage-deflate', parameters: [] })!.answer,
      'permessage-deflate; server_no_context_takeover; client_no_context_takeover',
    )
    const smaller = parseExtensions('permessage-deflate; server_max_window_bits=14')![0]!
    assert.equal(negotiator.accept(smaller), undefined)
  })
})

const hello = 'permessage-deflate; client_max_window_bits'

/**
 * [the client's option, its offer, an answer, its contexts; the compressor is undefined if messages go out
 * uncompressed]
 */
const confirmed: readonly (readonly [PerMessageDeflateOption, string, string, string | undefined, string])[] = [
  [true, hello, '', '15 takeover', '15 takeover'],
  [true, hello, '; server_no_context_takeover; client_no_context_takeover', '15', '15'],
  [true, hello, '; server_max_window_bits=10', '15 takeover', '10 takeover'],
  [true, hello, '; server_max_window_bits=8', '15 takeover', '8 takeover'],
  [true, hello, '; client_max_window_bits=9', '9 takeover', '15 takeover'],
  [true, hello, '; client_max_window_bits="12"', '12 takeover', '15 takeover'],
  [true, hello, '; client_max_window_bits=8', undefined, '15 takeover'],
  [
    { clientNoContextTakeover: true },
    `permessage-deflate; client_no_context_takeover; client_max_window_bits`,
    '',
    '15',
    '15 takeover',
  ],
  [{ clientMaxWindowBits: 10 }, 'permessage-deflate; client_max_window_bits=10', '', '10 takeover', '15 takeover'],
  [
    { clientMaxWindowBits: 12 },
    'permessage-deflate; client_max_window_bits=12',
    '; client_max_window_bits=11',
    '11 takeover',
    '15 takeover',
  ],
  [
    { serverMaxWindowBits: 12, serverNoContextTakeover: true },
    'permessage-deflate; server_no_context_takeover; server_max_window_bits=12; client_max_window_bits',
    '; server_no_context_takeover; server_max_window_bits=11',
    '15 takeover',
    '15',
  ],
  [
    [{ serverMaxWindowBits: 10 }, {}],
    'permessage-deflate; server_max_window_bits=10; client_max_window_bits, permessage-deflate; client_max_window_bits',
    '',
    '15 takeover',
    '15 takeover',
  ],
]

const refused: readonly (readonly [PerMessageDeflateOption, string])[] = [
  [true, '; unknown'],
  [true, '; server_no_context_takeover; server_no_context_takeover'],
  [true, '; server_no_context_takeover=1'],
  [true, '; client_max_window_bits'],
  [true, '; client_max_window_bits=16'],
  [true, '; server_max_window_bits=7'],
  [true, '; server_max_window_bits=010'],
  [true, '; server_max_window_bits'],
  [{ clientMaxWindowBits: 10 }, '; client_max_window_bits=11'],
  [{ serverNoContextTakeover: true }, ''],
  [{ serverMaxWindowBits: 10 }, ''],
  [{ serverMaxWindowBits: 10 }, '; server_max_window_bits=11'],
]

describe('DeflateNegotiator: a client, RFC 7692 §7.1', () => {
  for (const [option, offer, answer, own, peer] of confirmed) {
    it(`offers "${offer}" and takes "${answer}"`, () => {
      const { negotiator, asked } = negotiate('client', option)
      assert.equal(formatExtensions(negotiator.offers), offer)
      const extension = confirmExtension(parseExtensions(`permessage-deflate${answer}`)!, [negotiator])!
      assert.deepEqual(asked, { own, peer })
      assert.equal(extension.wants(1 << 20, undefined), own !== undefined)
      assert.equal(extension.wants(1, true), own !== undefined)
    })
  }

  for (const [option, answer] of refused) {
    it(`refuses "${answer}" with ${JSON.stringify(option)}`, () => {
      const { negotiator } = negotiate('client', option)
      assert.throws(
        () => confirmExtension(parseExtensions(`permessage-deflate${answer}`)!, [negotiator]),
        (error) => error instanceof HandshakeError && error.code === 'extensionNotOffered',
      )
    })
  }

  it('offers no takeover and no window limit for a codec without history and window sizes', () => {
    const { negotiator } = negotiate('client', true, { keepsHistory: false, smallestWindowBits: 15 })
    assert.equal(formatExtensions(negotiator.offers), 'permessage-deflate; server_no_context_takeover')
    const limited = parseExtensions('permessage-deflate; server_no_context_takeover; client_max_window_bits=15')![0]!
    assert.equal(negotiator.confirm(limited), undefined)
  })
})

describe('settleDeflate', () => {
  it('offers nothing if it is off', () => {
    assert.deepEqual(settleDeflate(false, 'server'), [])
    assert.deepEqual(settleDeflate(false, 'client'), [])
  })

  it('compresses messages of 1 KiB or more, without context takeover on a server', () => {
    const shared = {
      serverMaxWindowBits: undefined,
      clientMaxWindowBits: undefined,
      level: 6,
      memLevel: 8,
      thresholdBytes: 1024,
    }
    assert.deepEqual(settleDeflate(true, 'server'), [
      { ...shared, serverNoContextTakeover: true, clientNoContextTakeover: true },
    ])
    assert.deepEqual(settleDeflate(true, 'client'), [
      { ...shared, serverNoContextTakeover: false, clientNoContextTakeover: false },
    ])
  })

  it('accepts each value at its bounds and none beyond, and names the invalid one', () => {
    const bounds = {
      serverMaxWindowBits: [9, 15],
      clientMaxWindowBits: [9, 15],
      level: [0, 9],
      memLevel: [1, 9],
      thresholdBytes: [0, Number.MAX_SAFE_INTEGER],
    }
    for (const [name, [least, most]] of Object.entries(bounds) as [string, [number, number]][]) {
      for (const value of [least, most]) {
        assert.equal(settleDeflate({ [name]: value }, 'server')[0]![name as 'level'], value)
      }
      for (const value of [least - 1, most + 1, least + 0.5, '9', null, Number.NaN]) {
        assert.throws(
          () => settleDeflate({ [name]: value }, 'client'),
          (error) => error instanceof UsageError && error.code === 'optionInvalid' && error.message.includes(name),
        )
      }
    }
    for (const name of ['serverNoContextTakeover', 'clientNoContextTakeover'] as const) {
      assert.equal(settleDeflate({ [name]: false }, 'server')[0]![name], false)
      assert.throws(() => settleDeflate({ [name]: 1 as never }, 'server'), /must be true or false/)
    }
    assert.throws(
      () => settleDeflate({ treshold: 1 } as never, 'server'),
      /no option "treshold" of perMessageDeflate: did you mean thresholdBytes\?$/,
    )
  })

  it('accepts a list on a client only, and never an empty one', () => {
    assert.equal(settleDeflate([{ level: 1 }, {}], 'client').length, 2)
    for (const wrong of [[], [true], [undefined], 'true', null, 1]) {
      assert.throws(() => settleDeflate(wrong as never, 'client'), /must be true, false, an object or a non-empty list/)
    }
    assert.throws(() => settleDeflate([{}], 'server'), /must be true, false or an object$/)
  })
})
