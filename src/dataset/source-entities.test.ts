import { Value } from 'typebox/value'
import { describe, expect, it } from 'vitest'
import { EntitiesSchema, type EntitiesSettings } from '../config/sections/entities.ts'
import { SourceSchema, type SourceSettings } from '../config/sections/source.ts'
import type { VigiaError } from '../errors.ts'
import { SOURCE_FIELDS, type SourceField } from '../transaction/fields.ts'
import { assertEntitiesMapped, declareEntities } from './source-entities.ts'

const DEFAULTS = { windows: ['7d', '1h'], risk_windows: ['30d', '1d'] }

describe('entities and the fields that the source has', () => {
  const mapping = Object.fromEntries(
    SOURCE_FIELDS.map(({ wire }) => [wire, ['device_id', 'merchant_category'].includes(wire) ? null : wire]),
  ) as Readonly<Record<SourceField, string | null>>
  const problem = (entities: EntitiesSettings): unknown => {
    try {
      assertEntitiesMapped(declared(entities).entities, mapping)
      return undefined
    } catch (error) {
      return (error as VigiaError).message
    }
  }

  it('go together: ids, what is counted and what is compared', () => {
    expect(
      problem({ pair: { id: ['user_id', 'ip'], distinct: ['merchant'], habits: ['location'] } }),
    ).toBeUndefined()
    expect(problem({ pair: { id: ['user_id', 'device_id'] } })).toMatch(
      /^entities.pair.id is "device_id"; .*map it in source.fields.device_id/,
    )
    expect(problem({ ip: { id: 'ip', distinct: ['category'] } })).toMatch(
      /^entities.ip.distinct is "category"; .*nothing is mapped to merchant_category/,
    )
    expect(problem({ ip: { id: 'ip', habits: ['device'] } })).toMatch(/^entities.ip.habits is "device"/)
    expect(problem({ account: { roles: { sender: 'user_id', receiver: 'device_id' } } })).toMatch(
      /^entities.account.roles.receiver is "device_id"; .*source.fields.device_id/,
    )
    expect(problem({ account: { roles: { sender: 'user_id', receiver: 'x' }, habits: ['device'] } })).toMatch(
      /^entities.account.habits is "device"/,
    )
    expect(problem({ ip: { id: 'ip' }, device: { habits: ['ip'] } })).toMatch(
      /^entities.device is "device_id"/,
    )
    expect(() =>
      assertEntitiesMapped([], mapping, { mean: { of: 'balance', by: 'device', compute: 'mean' } }),
    ).toThrow(/^features.aggregates.mean.by is "device"; .*source.fields.device_id/)
  })
})

describe('entities of a configuration', () => {
  it('have everything that they leave out: five kinds of features, the windows of all, their name as word', () => {
    expect(declared({ ip_address: { id: 'merchant_id' } }).entities).toEqual([
      {
        name: 'ip_address',
        id: ['merchant_id'],
        word: 'ip address',
        features: ['counts', 'amounts', 'life', 'time', 'risk'],
        windows: ['1h', '7d'],
        riskWindows: ['1d', '30d'],
        distinct: [],
        habits: [],
        transactions: 4096,
      },
    ])
  })

  it('are named by fields, attributes, columns and SQL; the last two become attributes of kind text', () => {
    const { entities, source } = declared(
      {
        card: { id: ['user_id', 'number'] },
        ip: { id: 'IP' },
        domain: { id: "split_part(email, '@', 2)" },
        pair: { id: ['"Zip Code"', 'lower(city)'] },
      },
      { number: { kind: 'text', from: 'card number' } },
    )
    expect(entities.map(({ id }) => id)).toEqual([
      ['user_id', 'number'],
      ['IP'],
      ['domain_id'],
      ['pair_id_1', 'pair_id_2'],
    ])
    expect(source.attributes).toEqual({
      number: { kind: 'text', from: 'card number' },
      IP: { kind: 'text', from: 'IP' },
      domain_id: { kind: 'text', from: "split_part(email, '@', 2)" },
      pair_id_1: { kind: 'text', from: '"Zip Code"' },
      pair_id_2: { kind: 'text', from: 'lower(city)' },
    })
  })

  it('keep what a pattern says of a category that names them, which a number cannot', () => {
    const { source } = declared(
      { card: { id: 'id_02' }, place: { id: 'city_code' }, other: { id: 'id_12' }, balance: { id: 'V1' } },
      {
        'id_01..id_11': { kind: 'category', from: 'trim({})', means: 'identity {}', missing: 'mode' },
        '*_code': { kind: 'category' },
        'V*': { kind: 'number' },
      },
    )
    expect(source.attributes).toMatchObject({
      id_02: { kind: 'category', from: 'trim("id_02")', means: 'identity id_02', missing: 'mode' },
      city_code: { kind: 'category', from: 'city_code' },
      id_12: { kind: 'text', from: 'id_12' },
      V1: { kind: 'text', from: 'V1' },
    })
  })

  it('are two that share states where they have roles, with what only two sides can tell', () => {
    const { entities, source } = declared({
      account: { roles: { sender: ['bank', 'acct'], receiver: ['bank', 'lower(to)'] }, habits: ['device'] },
      ip: { id: 'IP', distinct: ['account_receiver'] },
    })
    const common = {
      features: ['flow', 'fan', 'counterparty', 'life', 'time', 'risk'],
      windows: ['1h', '7d'],
      riskWindows: ['1d', '30d'],
      distinct: [],
      habits: ['device'],
      transactions: 4096,
    }
    const [sender, receiver] = [
      ['bank', 'acct'],
      ['bank', 'account_receiver_id_2'],
    ] as const
    expect(entities.slice(0, 2)).toEqual([
      {
        ...common,
        name: 'account_sender',
        id: sender,
        word: 'sending account',
        side: { of: 'account', is: 'sender', other: 'account_receiver', otherId: receiver },
      },
      {
        ...common,
        name: 'account_receiver',
        id: receiver,
        word: 'receiving account',
        side: { of: 'account', is: 'receiver', other: 'account_sender', otherId: sender },
      },
    ])
    expect(Object.keys(source.attributes)).toEqual(['bank', 'acct', 'account_receiver_id_2', 'IP'])
  })

  it('say of user, merchant and device what they have to do with the others', () => {
    const { entities } = declared({ ip: { id: 'IP' }, user: { habits: ['ip'], windows: ['1d'] } })
    expect(entities[1]).toMatchObject({ name: 'user', id: ['user_id'], features: [], habits: ['ip'] })
  })

  it.each([
    ['a name that is taken', { location: { id: 'x' } }, 'entities.location'],
    ['a name that is none', { 'My IP': { id: 'x' } }, 'entities.My IP'],
    ['no id', { ip: {} }, 'entities.ip.id'],
    ['a field that is no text as id', { ip: { id: 'amount' } }, 'entities.ip.id'],
    ['an id of what has one', { user: { id: 'IP' } }, 'entities.user.id'],
    ['features of what has its own', { merchant: { features: ['risk'] } }, 'entities.merchant.features'],
    ['a number as id', { ip: { id: 'age' } }, 'entities.ip.id'],
    ['an unknown other', { ip: { id: 'x', distinct: ['card'] } }, 'entities.ip.distinct'],
    ['itself', { ip: { id: 'x', habits: ['ip'] } }, 'entities.ip.habits'],
    ['one role', { account: { roles: { sender: 'a' } } }, 'entities.account.roles.receiver'],
    [
      'roles and an id',
      { account: { id: 'a', roles: { sender: 'a', receiver: 'b' } } },
      'entities.account.id',
    ],
    ['what only sides have', { ip: { id: 'x', features: ['fan'] } }, 'entities.ip.features'],
    [
      'its own other side',
      { account: { roles: { sender: 'a', receiver: 'b' }, distinct: ['account_sender'] } },
      'entities.account.distinct',
    ],
    [
      'the name of a side',
      { account: { roles: { sender: 'a', receiver: 'b' } }, account_sender: { id: 'x' } },
      'entities.account_sender',
    ],
    [
      'a name that is too long with a role behind it',
      { ['a'.repeat(23)]: { roles: { sender: 'a', receiver: 'b' } } },
      'at most 22 characters',
    ],
    ['roles of users', { user: { roles: { sender: 'a', receiver: 'b' } } }, 'entities.user.roles'],
    ['what the families of users have', { user: { habits: ['device'] } }, 'entities.user.habits'],
  ])('are refused with %s', (_, entities, setting) => {
    expect(() => declared(entities as EntitiesSettings, { age: { kind: 'number' } })).toThrow(
      expect.objectContaining({ code: 'DATASET_SETTING_INVALID', message: expect.stringContaining(setting) }),
    )
  })

  it('law: the configuration takes what the section describes', () => {
    const all = {
      ip: { id: ['a', 'b'], word: 'w', features: ['risk'], windows: ['1h'], transactions: 8 },
      user: { distinct: ['ip'] },
    }
    expect(Value.Check(EntitiesSchema, all)).toBe(true)
    expect(Value.Check(EntitiesSchema, { a: { roles: { sender: 'x', receiver: ['y', 'z'] } } })).toBe(true)
    expect(Value.Check(EntitiesSchema, { a: { roles: { payer: 'x', payee: 'y' } } })).toBe(false)
    expect(Value.Check(EntitiesSchema, { ip: { id: [] } })).toBe(false)
    expect(Value.Check(EntitiesSchema, { ip: { id: 'x', features: ['all'] } })).toBe(false)
  })
})

const declared = (entities: EntitiesSettings, attributes: SourceSettings['attributes'] = {}) =>
  declareEntities(entities, Value.Default(SourceSchema, { attributes }) as SourceSettings, DEFAULTS)
