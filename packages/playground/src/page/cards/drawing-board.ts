/** The size of the drawing in pixels, of four bytes each. */
export const drawingWidth = 400
export const drawingHeight = 320
export const drawingBytes = drawingWidth * drawingHeight * 4

/** A 2d context for frequent reads, filled with white: opaque pixels are read back exactly as they were written. */
export function paperOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const context = canvas.getContext('2d', { willReadFrequently: true })!
  context.fillStyle = '#fff'
  context.fillRect(0, 0, drawingWidth, drawingHeight)
  return context
}

/** Draws a line from one point to the next. */
export function stroke(context: CanvasRenderingContext2D, from: Point, to: Point, colour: string): void {
  context.strokeStyle = colour
  context.lineWidth = 6
  context.lineCap = 'round'
  context.beginPath()
  context.moveTo(from.x, from.y)
  context.lineTo(to.x, to.y)
  context.stroke()
}

export interface Point {
  readonly x: number
  readonly y: number
}

/** Draws a sample to send: two arrows, there and back, over soft hills. */
export function drawSample(context: CanvasRenderingContext2D): void {
  const sky = context.createLinearGradient(0, 0, 0, drawingHeight)
  for (const [at, colour] of [
    [0, '#fef3c7'],
    [0.55, '#fbcfe8'],
    [1, '#c7d2fe'],
  ] as const)
    sky.addColorStop(at, colour)
  context.fillStyle = sky
  context.fillRect(0, 0, drawingWidth, drawingHeight)
  context.fillStyle = '#f59e0b'
  disc(context, 306, 92, 40)
  for (const [base, height, colour] of [
    [236, 26, '#a5b4fc'],
    [262, 20, '#818cf8'],
    [288, 14, '#4f46e5'],
  ] as const) {
    context.fillStyle = colour
    context.beginPath()
    context.moveTo(0, drawingHeight)
    for (let x = 0; x <= drawingWidth; x += 4) context.lineTo(x, base - height * Math.sin(x / (32 + height) + base))
    context.lineTo(drawingWidth, drawingHeight)
    context.fill()
  }
  arrow(context, { x: 60, y: 110 }, { x: 200, y: 110 }, '#4f46e5')
  arrow(context, { x: 200, y: 160 }, { x: 60, y: 160 }, '#0f766e')
}

function arrow(context: CanvasRenderingContext2D, from: Point, to: Point, colour: string): void {
  const back = Math.sign(from.x - to.x) * 26
  context.lineWidth = 12
  context.lineCap = 'round'
  context.lineJoin = 'round'
  context.strokeStyle = colour
  context.beginPath()
  context.moveTo(from.x, from.y)
  context.lineTo(to.x, to.y)
  context.moveTo(to.x + back, to.y - 26)
  context.lineTo(to.x, to.y)
  context.lineTo(to.x + back, to.y + 26)
  context.stroke()
}

function disc(context: CanvasRenderingContext2D, x: number, y: number, radius: number): void {
  context.beginPath()
  context.arc(x, y, radius, 0, 2 * Math.PI)
  context.fill()
}
