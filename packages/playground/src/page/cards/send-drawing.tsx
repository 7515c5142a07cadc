import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { formatCount } from '../../format.js'
import { binaryBytes, equalBytes } from '../../payload.js'
import { fill } from '../../words/fill.js'
import { isOpen, lastAction, session } from '../model.js'
import { language, words } from '../preferences.js'
import { drawingBytes, drawingHeight, drawingWidth, drawSample, type Point, paperOf, stroke } from './drawing-board.js'

const colours = ['#16181d', '#4f46e5', '#0f766e', '#dc2626', '#f59e0b'] as const
/** The distance in pixels that an arrow key moves the pen. */
const keyStep = 8
const keySteps: Readonly<Record<string, Point>> = {
  ArrowLeft: { x: -keyStep, y: 0 },
  ArrowRight: { x: keyStep, y: 0 },
  ArrowUp: { x: 0, y: -keyStep },
  ArrowDown: { x: 0, y: keyStep },
}

/** A drawing that is sent as pixels, and beside it the drawing that comes back. */
export function SendDrawing(): JSX.Element {
  const w = words.value
  const canvas = useRef<HTMLCanvasElement>(null)
  const returned = useRef<HTMLCanvasElement>(null)
  const context = useRef<CanvasRenderingContext2D>(undefined)
  const sent = useRef<Uint8Array>(undefined)
  const colour = useSignal<string>(colours[1])
  const isBlank = useSignal(true)
  const pen = useSignal<Point & { readonly isDown: boolean; readonly isShown: boolean }>({
    x: drawingWidth / 2,
    y: drawingHeight / 2,
    isDown: false,
    isShown: false,
  })
  const equal = useSignal<number | undefined>(undefined)

  useEffect(() => {
    context.current = paperOf(canvas.current!)
    const paper = paperOf(returned.current!)
    return session.onReceived((data) => {
      if (typeof data === 'string' || (data instanceof Blob ? data.size : data.byteLength) !== drawingBytes)
        return false
      binaryBytes(data).then((bytes) => {
        const pixels = new Uint8ClampedArray(bytes!.buffer as ArrayBuffer)
        paper.putImageData(new ImageData(pixels, drawingWidth, drawingHeight), 0, 0)
        if (sent.current) equal.value = equalBytes(bytes!, sent.current)
      })
      return false
    })
  }, [])

  const drawTo = (from: Point, to: Point): void => {
    stroke(context.current!, from, to, colour.value)
    isBlank.value = false
  }
  const pointIn = (event: PointerEvent): Point => {
    const { left, top, width, height } = canvas.current!.getBoundingClientRect()
    return {
      x: ((event.clientX - left) * drawingWidth) / width,
      y: ((event.clientY - top) * drawingHeight) / height,
    }
  }
  const startStroke = (event: PointerEvent): void => {
    if (event.button !== 0) return
    canvas.current!.setPointerCapture(event.pointerId)
    const point = pointIn(event)
    pen.value = { ...point, isDown: true, isShown: false }
    drawTo(point, point)
  }
  const goOn = (event: PointerEvent): void => {
    if (!pen.value.isDown || !canvas.current!.hasPointerCapture(event.pointerId)) return
    const point = pointIn(event)
    drawTo(pen.value, point)
    pen.value = { ...point, isDown: true, isShown: false }
  }
  const endStroke = (): void => {
    pen.value = { ...pen.value, isDown: false }
  }
  const onKey = (event: KeyboardEvent): void => {
    const before = pen.value
    const step = keySteps[event.key]
    if (event.key !== ' ' && !step) return
    event.preventDefault()
    const after = {
      x: clamp(before.x + (step?.x ?? 0), drawingWidth),
      y: clamp(before.y + (step?.y ?? 0), drawingHeight),
      isDown: event.key === ' ' ? !before.isDown : before.isDown,
      isShown: true,
    }
    if (after.isDown) drawTo(before, after)
    pen.value = after
  }
  const clear = (): void => {
    context.current = paperOf(canvas.current!)
    isBlank.value = true
  }
  const send = (event: Event): void => {
    event.preventDefault()
    const { buffer } = context.current!.getImageData(0, 0, drawingWidth, drawingHeight).data
    sent.current = new Uint8Array(buffer.slice(0))
    equal.value = undefined
    if (session.send(buffer as ArrayBuffer)) lastAction.value = { kind: 'drawing' }
  }

  return (
    <form class="send-drawing" onSubmit={send}>
      <div class="papers">
        <figure>
          <figcaption class="small-label">{w.original}</figcaption>
          <div
            class="paper"
            id="board"
            role="application"
            // biome-ignore lint/a11y/noNoninteractiveTabindex: it can be drawn on with the keyboard
            tabIndex={0}
            aria-label={w.canvasLabel}
            onPointerDown={startStroke}
            onPointerMove={goOn}
            onPointerUp={endStroke}
            onPointerCancel={endStroke}
            onKeyDown={onKey}
            onBlur={() => {
              pen.value = { ...pen.value, isDown: false, isShown: false }
            }}
          >
            <canvas id="drawing" ref={canvas} width={drawingWidth} height={drawingHeight} />
            {isBlank.value && !pen.value.isShown && <p class="paper-hint">{w.canvasEmpty}</p>}
            {pen.value.isShown && (
              <span
                class={`pen ${pen.value.isDown ? 'is-down' : ''}`}
                style={{
                  left: `${(pen.value.x / drawingWidth) * 100}%`,
                  top: `${(pen.value.y / drawingHeight) * 100}%`,
                  color: colour.value,
                }}
              />
            )}
          </div>
        </figure>
        <figure>
          <figcaption class="small-label">{w.returned}</figcaption>
          <div class="paper">
            <canvas
              id="returned"
              ref={returned}
              width={drawingWidth}
              height={drawingHeight}
              role="img"
              aria-label={w.returnedLabel}
            />
            {equal.value === undefined && <p class="paper-hint">{w.returnedEmpty}</p>}
          </div>
        </figure>
      </div>
      <div class="drawing-tools">
        <div class="swatches">
          {colours.map((choice, index) => (
            <button
              key={choice}
              type="button"
              class="swatch"
              style={{ background: choice }}
              aria-label={fill(w.colour, { name: index + 1 })}
              aria-pressed={colour.value === choice}
              onClick={() => {
                colour.value = choice
              }}
            />
          ))}
        </div>
        <button
          type="button"
          class="chip"
          id="sample"
          onClick={() => {
            drawSample(context.current!)
            isBlank.value = false
          }}
        >
          {w.sample}
        </button>
        <button type="button" class="chip" id="clear-drawing" onClick={clear}>
          {w.clear}
        </button>
      </div>
      <div class="form-foot">
        <p class="hint" role="status" id="drawing-outcome">
          {isOpen.value ? outcomeWords(equal.value) : w.notOpen}
        </p>
        <button type="submit" class="button button-primary" id="send-drawing" disabled={!isOpen.value}>
          {w.send}
        </button>
      </div>
    </form>
  )
}

function outcomeWords(equal: number | undefined): string {
  const w = words.value
  if (equal === undefined) return w.drawingHint
  return equal === drawingBytes
    ? fill(w.drawingSame, { count: formatCount(equal, language.value) })
    : fill(w.drawingOther, { at: equal })
}

function clamp(value: number, most: number): number {
  return Math.min(most, Math.max(0, value))
}
