/** A rule that a runtime itself breaks, whatever class is on it. */
export interface KnownFault {
  readonly rule: string
  /** As the columns of the table are called. */
  readonly runtimes: readonly string[]
  /** The fault, in words. */
  readonly fault: string
  /** The shortest program that shows it without any WebSocket. */
  readonly reproduction: string
}

/** The faults of runtimes that were met so far. A test notices when one is gone. */
export const knownFaults: readonly KnownFault[] = [
  {
    rule: 'target-capture',
    runtimes: ['Node 20', 'Node 22', 'Node 24'],
    fault: "Node's removeEventListener takes a third argument of true for no capture; fixed in Node 26",
    reproduction: [
      'const target = new EventTarget()',
      "const listener = () => console.log('called, though it was removed')",
      "target.addEventListener('x', listener, true)",
      "target.removeEventListener('x', listener, true)",
      "target.dispatchEvent(new Event('x'))",
    ].join('\n'),
  },
  {
    rule: 'close-event-shape',
    runtimes: ['Deno 2.9'],
    fault: "Deno's CloseEvent has no Symbol.toStringTag",
    reproduction: "console.log(String(new CloseEvent('close'))) // [object Event]",
  },
  {
    rule: 'close-event-attributes',
    runtimes: ['Deno 2.9'],
    fault: "the attributes of Deno's CloseEvent can't be enumerated",
    reproduction: "console.log(Object.getOwnPropertyDescriptor(CloseEvent.prototype, 'code').enumerable) // false",
  },
  {
    rule: 'close-event-constructor',
    runtimes: ['Deno 2.9'],
    fault: "Deno's CloseEvent can be made without a type",
    reproduction: 'new CloseEvent() // throws nothing',
  },
  {
    rule: 'close-event-init',
    runtimes: ['Deno 2.9'],
    fault: "Deno's CloseEvent does not convert what it is given",
    reproduction: "console.log(new CloseEvent('close', { code: 66536, wasClean: 1 }).code) // 66536 in place of 1000",
  },
]

export function isKnownFault(rule: string, runtime: string): boolean {
  return knownFaults.some((fault) => fault.rule === rule && fault.runtimes.includes(runtime))
}
