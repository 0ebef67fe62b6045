// What the page about alerts does in the browser: it fetches what is to be told, with the reader's key, and
// sends what the reader does. It makes no HTML of texts: the server has escaped them all.

/** Milliseconds between two fetches, where the reader wants them. */
const EVERY_MS = 30_000

const byId = (id) => document.getElementById(id)
const content = byId('content')
const status = byId('status')
const keyForm = byId('key-form')
const person = byId('person')

const KEY = 'vigia-key'
const PERSON = 'vigia-person'
person.value = sessionStorage.getItem(PERSON) ?? ''

const tell = (text, isBad = false) => {
  status.textContent = text
  status.className = isBad ? 'bad' : ''
}

const ask = (path, body) => {
  const key = sessionStorage.getItem(KEY)
  return fetch(new URL(path, location.href), {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      ...(key === null ? {} : { 'x-api-key': key }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
}

/** What went wrong, and what to do next, as the server says it. */
const reasonOf = async (response) => {
  const { error } = await response.json().catch(() => ({}))
  if (error === undefined) return `The server answered ${response.status}.`
  const problems = (error.problems ?? []).map(
    ({ field, what, allowed, got }) => `${field} ${what}; allowed: ${allowed}; got ${got}`,
  )
  return [error.message, ...problems, error.fix].join(' ')
}

const load = async () => {
  const response = await ask('page/content').catch(() => undefined)
  if (response === undefined) return tell('The server cannot be reached.', true)
  keyForm.hidden = response.status !== 401 && response.status !== 403
  if (!response.ok) return tell(await reasonOf(response), true)
  const open = [...content.querySelectorAll('details[open]')].map(({ id }) => id)
  const focused = document.activeElement?.id ?? ''
  const { body } = new DOMParser().parseFromString(await response.text(), 'text/html')
  content.replaceChildren(...body.childNodes)
  for (const id of open) byId(id)?.setAttribute('open', '')
  if (focused !== '') byId(focused)?.focus()
}

/** The fields of a form as the API takes them: times of the reader get their zone. */
const valuesOf = (form) => {
  const values = Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ''))
  for (const name of ['from', 'until']) {
    const at = values[`${name}_at`]
    if (at !== undefined) values[name] = new Date(at).toISOString()
    delete values[`${name}_at`]
  }
  return person.value.trim() === '' ? values : { ...values, by: person.value.trim() }
}

const act = async (form) => {
  const button = form.querySelector('button')
  button.disabled = true
  const response = await ask(`../admin/alerts/${form.dataset.act}`, valuesOf(form)).catch(() => undefined)
  button.disabled = false
  if (response === undefined) return tell('The server cannot be reached. Nothing was done.', true)
  if (response.status === 401 || response.status === 403) keyForm.hidden = false
  if (!response.ok) return tell(await reasonOf(response), true)
  form.closest('details')?.removeAttribute('open')
  await load()
  tell(`Done: ${form.dataset.act}.`)
  status.focus()
}

document.addEventListener('submit', (event) => {
  event.preventDefault()
  if (event.target === keyForm) {
    sessionStorage.setItem(KEY, byId('key').value)
    byId('key').value = ''
    tell('')
    load().then(() => (keyForm.hidden ? content : byId('key')).focus())
  } else void act(event.target)
})
byId('refresh').addEventListener('click', () => {
  tell('')
  void load().then(() => status.textContent === '' && tell('Refreshed.'))
})
person.addEventListener('change', () => sessionStorage.setItem(PERSON, person.value))

setInterval(() => {
  const isWriting = document.activeElement?.closest('#content form, #content details[open]') !== null
  if (byId('auto').checked && !document.hidden && !isWriting && keyForm.hidden) void load()
}, EVERY_MS)
void load()
