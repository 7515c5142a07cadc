import { echoOfBoth } from '../../../both.mjs'

export const dynamic = 'force-static'

/** Next.js calls this when it builds. */
export async function GET() {
  return new Response(await echoOfBoth())
}
