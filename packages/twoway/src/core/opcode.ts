/** The opcodes of RFC 6455 §5.2. All other values are reserved. */
export const Opcode = {
  continuation: 0x0,
  text: 0x1,
  binary: 0x2,
  close: 0x8,
  ping: 0x9,
  pong: 0xa,
} as const

export type Opcode = (typeof Opcode)[keyof typeof Opcode]

/** A bit set of the opcodes that are not reserved. */
export const definedOpcodes = Object.values(Opcode).reduce<number>((bits, opcode) => bits | (1 << opcode), 0)

/** Whether a frame is a control frame, RFC 6455 §5.5. */
export function isControl(opcode: number): boolean {
  return opcode >= 0x8
}
