import type { ProtocolError } from 'twoway/streams'

interface Row {
  readonly kind: typeof Error
  readonly code: string
  readonly message: string
}

const frame = (code: string, message: string, kind: typeof Error = RangeError): Row => ({
  kind,
  code,
  message: `Invalid WebSocket frame: ${message}`,
})

const invalidUtf8 = frame('WS_ERR_INVALID_UTF8', 'invalid UTF-8 sequence', Error)

const unsupportedLength: Row = {
  kind: RangeError,
  code: 'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH',
  message: 'Unsupported WebSocket frame: payload length > 2^53 - 1',
}

/** The errors of ws for the rules that both check. */
const rows: { readonly [code: string]: (reason: string) => Row } = {
  reservedBits: (reason) =>
    /RSV[23]/.test(reason)
      ? frame('WS_ERR_UNEXPECTED_RSV_2_3', 'RSV2 and RSV3 must be clear')
      : frame('WS_ERR_UNEXPECTED_RSV_1', 'RSV1 must be clear'),
  reservedOpcode: (reason) =>
    frame('WS_ERR_INVALID_OPCODE', `invalid opcode ${Number(/0x[0-9a-f]+/.exec(reason)?.[0])}`),
  continuationWithoutMessage: () => frame('WS_ERR_INVALID_OPCODE', 'invalid opcode 0'),
  messageWithinMessage: (reason) =>
    frame('WS_ERR_INVALID_OPCODE', `invalid opcode ${/opcode (\d)/.exec(reason)?.[1] ?? 1}`),
  controlFragmented: () => frame('WS_ERR_EXPECTED_FIN', 'FIN must be set'),
  controlTooLong: (reason) =>
    frame('WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH', `invalid payload length ${/length (\d+)/.exec(reason)?.[1] ?? 126}`),
  closePayloadTooShort: () => frame('WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH', 'invalid payload length 1'),
  frameNotMasked: () => frame('WS_ERR_EXPECTED_MASK', 'MASK must be set'),
  frameMasked: () => frame('WS_ERR_UNEXPECTED_MASK', 'MASK must be clear'),
  closeCodeInvalid: (reason) =>
    frame('WS_ERR_INVALID_CLOSE_CODE', `invalid status code ${/: (\d+)/.exec(reason)?.[1]}`),
  closeReasonNotUtf8: () => invalidUtf8,
  textNotUtf8: () => invalidUtf8,
  lengthOver63Bits: () => unsupportedLength,
  messageTooBig: (reason) =>
    Number(/([\d.e+]+) bytes, at most/.exec(reason)?.[1]) > Number.MAX_SAFE_INTEGER
      ? unsupportedLength
      : { kind: RangeError, code: 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH', message: 'Max payload size exceeded' },
  compressionMalformed: () => ({ kind: Error, code: 'Z_DATA_ERROR', message: 'invalid compressed data' }),
}

/** The error of ws for a rule that the peer broke. A rule that ws does not check keeps its own words. */
export function translate(error: ProtocolError): Error {
  const { kind: Kind, code, message } = rows[error.code]?.(error.reason) ?? frame(error.code, error.reason)
  return Object.assign(new Kind(message, { cause: error }), { code })
}
