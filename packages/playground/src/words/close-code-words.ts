import { describeCloseCode } from 'twoway'
import type { Language } from './language.js'

/** RFC 6455 §7.4.1 and the IANA registry of §11.7, in Chinese; English is the library's own. */
export const chineseMeanings: Readonly<Record<number, string>> = {
  1000: '正常关闭',
  1001: '离开：服务器停止，或网页被关掉',
  1002: '协议错误',
  1003: '对方不接受这类数据',
  1004: '保留',
  1005: '关闭时没有给出状态码',
  1006: '没有关闭握手就断开',
  1007: '数据与消息类型不符，例如文本不是 UTF-8',
  1008: '违反对方的策略',
  1009: '消息太大，无法处理',
  1010: '服务器没有协商客户端需要的扩展',
  1011: '对方内部错误',
  1012: '服务正在重启：请稍后再来',
  1013: '过载：请稍后重试',
  1014: '网关从后面的服务器得到了无效的应答',
  1015: 'TLS 握手失败',
  3000: '未授权：对方要知道连接者是谁',
  3003: '禁止：连接者没有权限',
  3008: '超时：另一方太慢',
}

/** The ranges by their first code, largest first, §7.4.2. */
const chineseRanges: readonly (readonly [number, string])[] = [
  [5000, '不是关闭状态码'],
  [4000, '应用自定的状态码'],
  [3000, '库或框架自定的状态码'],
  [1000, '为标准的后续版本保留的状态码'],
  [Number.NEGATIVE_INFINITY, '不是关闭状态码'],
]

/** Describes a close code in words. */
export function closeCodeWords(code: number, language: Language): string {
  if (language === 'en') return describeCloseCode(code)
  return chineseMeanings[code] ?? chineseRanges.find(([from]) => code >= from)![1]
}
