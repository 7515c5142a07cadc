/** One group of bars with a scale of its own. */
export interface BarGroup {
  readonly title: string
  readonly bars: readonly Bar[]
}

export interface Bar {
  readonly name: string
  readonly value: number
  readonly label: string
  readonly isOurs: boolean
}

const columns = 2
const columnWidth = 460
const gap = 32
const nameWidth = 170
const labelWidth = 80
const barHeight = 18
const titleHeight = 32

/** Colours that follow the reader's theme. An image cannot read the theme of the page around it. */
const style = `
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600 }
  .bar { fill: #afb8c1 }
  .ours { fill: #0969da }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .bar { fill: #57606a }
    .ours { fill: #4493f8 }
  }`

/** Horizontal bars in groups, as an SVG. In each group the longest fills the width. */
export function barChart(title: string, groups: readonly BarGroup[]): string {
  const height = Math.max(...groups.map(({ bars }) => titleHeight + bars.length * barHeight)) + 12
  const width = columns * columnWidth + (columns - 1) * gap
  const total = Math.ceil(groups.length / columns) * height
  const drawn = groups.map((group, index) => {
    const x = (index % columns) * (columnWidth + gap)
    const y = Math.floor(index / columns) * height
    return `<g transform="translate(${x} ${y})">\n${drawGroup(group)}\n</g>`
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${total}" role="img">`,
    `<title>${escapeXml(title)}</title>`,
    `<style>${style}\n</style>`,
    ...drawn,
    '</svg>\n',
  ].join('\n')
}

function drawGroup({ title, bars }: BarGroup): string {
  const longest = Math.max(...bars.map(({ value }) => value))
  const room = columnWidth - nameWidth - labelWidth
  const lines = bars.flatMap(({ name, value, label, isOurs }, index) => {
    const y = titleHeight + index * barHeight
    const length = Math.max(1, Math.round((room * value) / longest))
    return [
      `<text x="${nameWidth - 8}" y="${y + 12}" text-anchor="end">${escapeXml(name)}</text>`,
      `<rect class="${isOurs ? 'ours' : 'bar'}" x="${nameWidth}" y="${y}" width="${length}" height="${barHeight - 4}" rx="2"/>`,
      `<text x="${nameWidth + length + 6}" y="${y + 12}">${escapeXml(label)}</text>`,
    ]
  })
  return [`<text class="title" y="20">${escapeXml(title)}</text>`, ...lines].join('\n')
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
