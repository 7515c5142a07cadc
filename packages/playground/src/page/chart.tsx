import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import { isDark } from './preferences.js'

/** A line of the chart; its colour is the name of a CSS custom property. */
export interface Curve {
  readonly colour: string
  readonly values: readonly number[]
  readonly isFilled?: boolean
  readonly isDashed?: boolean
  readonly arePoints?: boolean
}

interface ChartProps {
  /** A description of the chart for screen readers. */
  readonly label: string
  readonly x: readonly number[]
  readonly curves: readonly Curve[]
  readonly formatX: (value: number) => string
  readonly formatY: (value: number) => string
}

const height = 170

/** Lines over one x axis. The number of lines must not change while the chart is shown. */
export function Chart({ label, x, curves, formatX, formatY }: ChartProps): JSX.Element {
  const container = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot>(undefined)
  const data = [x, ...curves.map(({ values }) => values)] as uPlot.AlignedData
  const dark = isDark.value

  useEffect(() => {
    const element = container.current!
    const { fontFamily } = getComputedStyle(element)
    const colour = (name: string): string => colourOf(element, name)
    const axis: uPlot.Axis = {
      stroke: colour('--soft'),
      font: `11px ${fontFamily}`,
      grid: { stroke: colour('--line'), width: 1 },
      ticks: { show: false },
    }
    const chart = new uPlot(
      {
        width: element.clientWidth,
        height,
        padding: [10, 20, 0, 0],
        legend: { show: false },
        cursor: { show: false },
        scales: { x: { time: false }, y: { range: (_, __, most) => [0, (most || 1) * 1.08] } },
        axes: [
          { ...axis, size: 28, gap: 6, grid: { show: false }, values: (_, at) => at.map(formatX) },
          { ...axis, size: 58, gap: 8, space: 34, values: (_, at) => at.map(formatY) },
        ],
        series: [
          {},
          ...curves.map(({ colour: name, isFilled, isDashed, arePoints }) => ({
            stroke: colour(name),
            width: arePoints ? 0 : 2,
            ...(isFilled && { fill: colour(`${name}-fill`) }),
            ...(isDashed && { dash: [5, 4] }),
            points: { show: arePoints === true, size: 5, fill: colour(name), width: 0 },
          })),
        ],
      },
      data,
      element,
    )
    plot.current = chart
    const observer = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height }))
    observer.observe(element)
    return () => {
      observer.disconnect()
      chart.destroy()
    }
    // Created again when the colours change; new data is set below.
  }, [dark, curves.length])

  useEffect(() => plot.current?.setData(data), [data])

  return <div class="chart" ref={container} role="img" aria-label={label} />
}

/** The current value of a custom property: a canvas supports neither `var` nor `light-dark`. */
function colourOf(element: HTMLElement, name: string): string {
  const before = element.style.color
  element.style.color = `var(${name})`
  const { color } = getComputedStyle(element)
  element.style.color = before
  return color
}
