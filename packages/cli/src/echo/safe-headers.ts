/**
 * What each answer carries, so that no browser takes it for more than it is: no script, no frame around it, no other
 * type, no copy kept of what the next start may answer otherwise, no address told to where a link leads.
 */
export const safeHeaders = {
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store',
} as const
