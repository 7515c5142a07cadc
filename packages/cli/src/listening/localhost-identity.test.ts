import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, describe, it } from 'node:test'
import { generate } from 'selfsigned'
import { localhostIdentity } from './localhost-identity.js'

const root = mkdtempSync(join(tmpdir(), 'twoway-identity-'))
const day = 24 * 60 * 60 * 1000
let count = 0
let folder: string
let certFile: string
let keyFile: string

beforeEach(() => {
  folder = join(root, String(++count))
  certFile = join(folder, 'localhost-cert.pem')
  keyFile = join(folder, 'localhost-key.pem')
  process.env.TWOWAY_HOME = folder
})

after(() => rmSync(root, { recursive: true }))

async function pairUntil(notAfterDate: Date, notBeforeDate = new Date()): Promise<{ cert: string; private: string }> {
  const options = { keyType: 'ec', algorithm: 'sha256', notBeforeDate, notAfterDate } as const
  return generate([{ name: 'commonName', value: 'localhost' }], options)
}

function put(cert: string, key: string): void {
  mkdirSync(folder, { recursive: true })
  writeFileSync(certFile, cert)
  writeFileSync(keyFile, key, { mode: 0o600 })
}

/** Asks for a pair, which must not be the one that was there, must fit and be good, and be kept for the user alone. */
async function isMadeAnew(before: { readonly cert: string; readonly key: string }): Promise<void> {
  const { cert, key, file } = await localhostIdentity()
  assert.equal(file, certFile)
  assert.notEqual(cert, before.cert)
  assert.notEqual(key, before.key)
  const parsed = new X509Certificate(String(cert))
  assert.ok(parsed.checkPrivateKey(createPrivateKey(String(key))))
  assert.ok(Date.parse(parsed.validTo) > Date.now() + 300 * day)
  assert.deepEqual([readFileSync(certFile, 'utf8'), readFileSync(keyFile, 'utf8')], [cert, key])
  for (const kept of [certFile, keyFile]) assert.ok(lstatSync(kept).isFile())
  assert.equal(lstatSync(keyFile).mode & 0o777, 0o600)
  assert.deepEqual(readdirSync(folder).sort(), ['localhost-cert.pem', 'localhost-key.pem'])
}

describe('the certificate for localhost', () => {
  it('is generated once and kept, with a key that only the user can read', async () => {
    const first = await localhostIdentity()
    assert.equal(lstatSync(keyFile).mode & 0o777, 0o600)
    assert.equal(lstatSync(folder).mode & 0o777, 0o700)
    assert.deepEqual(await localhostIdentity(), first)
  })

  for (const mode of [0o666, 0o644, 0o640, 0o602]) {
    it(`is generated again if others may read or write the key: mode ${mode.toString(8)}`, async () => {
      const before = await localhostIdentity()
      chmodSync(keyFile, mode)
      await isMadeAnew({ cert: String(before.cert), key: String(before.key) })
    })
  }

  it('is generated again if others may write the certificate', async () => {
    const before = await localhostIdentity()
    chmodSync(certFile, 0o666)
    await isMadeAnew({ cert: String(before.cert), key: String(before.key) })
  })

  for (const which of ['key', 'certificate'] as const) {
    it(`is generated again if the ${which} is a link, and the target of the link is unchanged`, async () => {
      const before = await localhostIdentity()
      const file = which === 'key' ? keyFile : certFile
      const elsewhere = join(root, `${which}-elsewhere.pem`)
      renameSync(file, elsewhere)
      symlinkSync(elsewhere, file)
      await isMadeAnew({ cert: String(before.cert), key: String(before.key) })
      assert.equal(readFileSync(elsewhere, 'utf8'), String(which === 'key' ? before.key : before.cert))
    })
  }

  it('is generated again if the key is a pipe without a writer', async () => {
    mkdirSync(folder)
    writeFileSync(certFile, 'text')
    execFileSync('mkfifo', ['-m', '600', keyFile])
    await isMadeAnew({ cert: '', key: '' })
  })

  it('does not create the missing target of a link', async () => {
    mkdirSync(folder)
    symlinkSync(join(root, 'planted-key.pem'), keyFile)
    symlinkSync(join(root, 'planted-cert.pem'), certFile)
    await isMadeAnew({ cert: '', key: '' })
    assert.ok(!existsSync(join(root, 'planted-key.pem')) && !existsSync(join(root, 'planted-cert.pem')))
  })

  it('is generated again if the key does not match the certificate', async () => {
    const [one, other] = [await pairUntil(new Date(Date.now() + 90 * day)), await pairUntil(new Date(Date.now() + day))]
    put(one.cert, other.private)
    await isMadeAnew({ cert: one.cert, key: other.private })
  })

  for (const [what, start, end] of [
    ['has expired', -2 * day, -day],
    ['is about to', -day, day / 2],
    ['is not good yet', day, 90 * day],
  ] as const) {
    it(`is generated again if it ${what}`, async () => {
      const pair = await pairUntil(new Date(Date.now() + end), new Date(Date.now() + start))
      put(pair.cert, pair.private)
      await isMadeAnew({ cert: pair.cert, key: pair.private })
    })
  }

  for (const [what, cert, key] of [
    ['certificate', 'text', undefined],
    ['key', undefined, 'text'],
    ['key', undefined, ''],
  ] as const) {
    it(`is generated again if the ${what} is invalid: ${JSON.stringify(cert ?? key)}`, async () => {
      const pair = await pairUntil(new Date(Date.now() + 90 * day))
      put(cert ?? pair.cert, key ?? pair.private)
      await isMadeAnew({ cert: cert ?? pair.cert, key: key ?? pair.private })
    })
  }

  it("says what to do if it can't be stored", async () => {
    writeFileSync(folder, 'a file')
    await assert.rejects(localhostIdentity, /can't store a certificate for localhost: .*; set TWOWAY_HOME/)
  })
})
