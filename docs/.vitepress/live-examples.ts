import type { MarkdownRenderer } from 'vitepress'

/** Turns blocks of code with the language `html live` into examples that the reader can run and edit. */
export function liveExamples(markdown: MarkdownRenderer): void {
  const fence = markdown.renderer.rules.fence!
  markdown.renderer.rules.fence = (tokens, index, options, env, self) => {
    const { info, content } = tokens[index]!
    if (!/^html live\b/.test(info)) return fence(tokens, index, options, env, self)
    return `<LiveExample source="${encodeURIComponent(content)}" />`
  }
}
