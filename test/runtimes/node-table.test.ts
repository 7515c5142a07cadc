import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import report from './file-reporter.js'
import { hasNodeFailure, type NodeResults, nodeTable } from './node-table.js'

const results = (exitCode: number | null, files: NodeResults['files']): NodeResults => ({
  exitCode,
  summary: '',
  files,
})
const well = results(0, { 'a.test.js': { passed: 2, failed: 0, skipped: 0 } })
const badly = results(1, { 'a.test.js': { passed: 1, failed: 1, skipped: 0 }, b: { passed: 0, failed: 0, skipped: 1 } })

describe('the table of test:nodes', () => {
  it('has a row for each file and one for all', () => {
    assert.equal(
      nodeTable(
        new Map([
          ['Node 20', well],
          ['Node 22', badly],
        ]),
      ),
      [
        '           Node 20   Node 22',
        'a.test.js  2 passed  1 FAILED, 1 passed',
        'b          none      0 passed, 1 skipped',
        'all        2 passed  1 FAILED, 1 passed, 1 skipped',
      ].join('\n'),
    )
  })

  it('reports failure for a failed test, a runner with a non-zero exit code, and a run without tests', () => {
    const isFailure = (result: NodeResults): boolean => hasNodeFailure(new Map([['Node 20', result]]))
    assert.deepEqual(
      [well, badly, results(1, well.files), results(null, well.files), results(0, badly.files), results(0, {})].map(
        isFailure,
      ),
      [false, true, true, true, true, true],
    )
  })
})

describe('the reporter of files', () => {
  it('counts tests, and groups only if they fail by themselves', async () => {
    async function* events() {
      const file = 'a.test.js'
      yield { type: 'test:pass', data: { file } }
      yield { type: 'test:pass', data: { file, details: { type: 'suite' } } }
      yield { type: 'test:fail', data: { file, details: { type: 'suite', error: { failureType: 'subtestsFailed' } } } }
      yield { type: 'test:fail', data: { file, details: { type: 'suite', error: { failureType: 'hookFailed' } } } }
      yield { type: 'test:fail', data: { file } }
      yield { type: 'test:pass', data: { file, skip: 'why' } }
      yield { type: 'test:pass', data: { file, skip: true } }
      yield { type: 'test:diagnostic', data: {} }
    }
    let line = ''
    for await (const text of report(events())) line += text
    assert.deepEqual(JSON.parse(line), { 'a.test.js': { passed: 1, failed: 2, skipped: 2 } })
  })
})
