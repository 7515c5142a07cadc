import { useData } from 'vitepress'
import { computed } from 'vue'

/**
 * Replaces the theme's `composables/langs`, whose links lead to pages that have no translation. Here such a page leads to the
 * front page of the other language.
 */
export function useLangs({ correspondingLink = false } = {}) {
  const { site, localeIndex, page, theme } = useData<{ readonly translatedPages: readonly string[] }>()
  const link = (key: string) => site.value.locales[key]?.link ?? (key === 'root' ? '/' : `/${key}/`)
  const currentLang = computed(() => ({
    label: site.value.locales[localeIndex.value]?.label,
    link: link(localeIndex.value),
  }))
  const localeLinks = computed(() => {
    const file = page.value.relativePath.replace(/^zh\//, '')
    const path = theme.value.translatedPages.includes(file)
      ? file.replace(/(^|\/)index\.md$/, '$1').replace('.md', '')
      : ''
    return Object.entries(site.value.locales)
      .filter(([key]) => key !== localeIndex.value)
      .map(([key, { label }]) => ({ text: label, link: link(key) + (correspondingLink ? path : '') }))
  })
  return { localeLinks, currentLang }
}
