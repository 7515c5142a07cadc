import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { echoSettings, settingIn, switchSetting, withoutSettings, withSetting } from './echo-settings.js'

const url = 'ws://127.0.0.1:8080/'
const setting = (name: string) => echoSettings.find((one) => one.name === name)!

describe('the settings in a URL', () => {
  for (const one of echoSettings) {
    it(`switches ${one.name} on and off again`, () => {
      const on = switchSetting(url, one)
      assert.equal(settingIn(on, one.name), one.initial)
      assert.equal(withoutSettings(on), url)
      assert.equal(settingIn(switchSetting(on, one), one.name), undefined)
    })
  }

  it('switches on required settings, and off those whose required setting is missing', () => {
    assert.equal(switchSetting(url, setting('after')), `${url}?close=1012&after=3`)
    assert.equal(switchSetting(`${url}?abort`, setting('after')), `${url}?abort&after=3`)
    assert.equal(switchSetting(`${url}?close=1012&after=3&reason=x`, setting('close')), url)
  })

  it('has either a close or an abort', () => {
    assert.equal(switchSetting(`${url}?close=1012&reason=x&after=2`, setting('abort')), `${url}?after=2&abort`)
    assert.equal(switchSetting(`${url}?abort`, setting('close')), `${url}?close=1012`)
  })

  it('keeps the rest of the query and its order', () => {
    assert.equal(withSetting(`${url}a?x=1&delay=5&y=%26`, 'delay', '7'), `${url}a?x=1&delay=7&y=%26`)
    assert.equal(withSetting(`${url}?x=1`, 'delay', undefined), `${url}?x=1`)
    assert.equal(settingIn(withSetting(url, 'reason', 'a b&c=ü'), 'reason'), 'a b&c=ü')
  })

  it('leaves text that is not a URL unchanged', () => {
    assert.equal(withSetting('nonsense', 'delay', '5'), 'nonsense')
    assert.equal(settingIn('nonsense', 'delay'), undefined)
  })
})
