// The one script of the payment pages. Everything that takes money also works without it, except passkeys, which need a
// browser's script by their nature. It writes text with textContent only, so Trusted Types have nothing to allow.
(() => {
  'use strict';
  const all = (selector) => Array.from(document.querySelectorAll(selector));
  const one = (selector) => document.querySelector(selector);
  const show = (element, on) => { if (element) element.hidden = !on; };

  // base64url without padding, as the server reads and writes it.
  const encode = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
  const decode = (text) => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0));

  // Elements that only make sense with a script, or with passkeys.
  const passkeys = typeof window.PublicKeyCredential === 'function' && !!navigator.credentials;
  all('[data-needs="script"]').forEach((element) => show(element, true));
  all('[data-needs="passkey"]').forEach((element) => show(element, passkeys));
  all('[data-lacks="passkey"]').forEach((element) => show(element, !passkeys));
  all('[data-print]').forEach((button) => button.addEventListener('click', () => window.print()));

  // A form is sent once. The server keeps the promise; this only keeps the button honest.
  const busy = (form, on) => {
    const button = form.querySelector('button[type="submit"]');
    form.dataset.sent = on ? '1' : '';
    if (!button) return;
    button.dataset.text = button.dataset.text || button.textContent;
    button.textContent = on && button.dataset.busy ? button.dataset.busy : button.dataset.text;
    if (on) button.setAttribute('aria-disabled', 'true'); else button.removeAttribute('aria-disabled');
  };
  all('form[data-once]').forEach((form) => form.addEventListener('submit', (event) => {
    if (form.dataset.sent) { event.preventDefault(); return; }
    if (!form.dataset.ceremony) busy(form, true);
  }));
  // Back from the history: the page is as it was left, so its forms must be usable again.
  window.addEventListener('pageshow', (event) => { if (event.persisted) all('form[data-once]').forEach((form) => busy(form, false)); });

  // Errors take the focus, so that they are seen and heard first.
  const problem = one('#problem');
  if (problem) problem.focus();

  // Card number: grouped when the field is left, its brand named while it is typed. Nothing is refused here.
  const number = one('#cardnumber');
  if (number) {
    const brand = one('#card-brand');
    const code = one('#cvc-hint');
    const narrow = (text) => text.replace(/[０-９]/g, (c) => String.fromCharCode(c.charCodeAt(0) - 0xfee0)).replace(/[^0-9]/g, '');
    const table = [
      [/^3[47]/, 'American Express'], [/^(5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/, 'Mastercard'], [/^4/, 'Visa'],
      [/^35(2[89]|[3-8])/, 'JCB'], [/^(30[0-5]|3095|36|38|39)/, 'Diners Club'], [/^(6011|64[4-9]|65)/, 'Discover'], [/^(62|81)/, '银联 UnionPay'],
    ];
    const name = () => {
      const digits = narrow(number.value);
      const row = table.find(([start]) => start.test(digits));
      if (brand) brand.textContent = row ? row[1] : '';
      if (code) code.textContent = row && row[1] === 'American Express' ? code.dataset.amex : code.dataset.other;
    };
    number.addEventListener('input', name);
    number.addEventListener('blur', () => {
      const digits = narrow(number.value);
      if (digits.length < 12 || digits.length > 19 || digits.length !== number.value.replace(/[\s-]/g, '').length) return;
      number.value = /^3[47]/.test(digits)
        ? digits.replace(/^(.{4})(.{6})(.*)$/, '$1 $2 $3')
        : digits.replace(/(.{4})(?=.)/g, '$1 ');
    });
    name();
  }

  // Asks the server for JSON. Anything but a 200 is a failure that the page words itself.
  const ask = async (path, body) => {
    const answer = await fetch(path, {
      method: 'POST', credentials: 'same-origin', cache: 'no-store', redirect: 'error',
      headers: { 'content-type': 'application/json', accept: 'application/json' }, body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error('refused');
    return answer.json();
  };
  const descriptors = (ids) => (ids || []).map((id) => ({ type: 'public-key', id: decode(id) }));
  const assertion = async (options) => {
    const found = await navigator.credentials.get({ publicKey: {
      challenge: decode(options.challenge), rpId: options.rp_id, allowCredentials: descriptors(options.credentials),
      userVerification: 'required', timeout: 120000,
    } });
    return {
      user: found.response.userHandle ? encode(found.response.userHandle) : '',
      answer: JSON.stringify({
        credential_id: encode(found.rawId), client_data_json: encode(found.response.clientDataJSON),
        authenticator_data: encode(found.response.authenticatorData), signature: encode(found.response.signature),
      }),
    };
  };
  const registration = async (options) => {
    const made = await navigator.credentials.create({ publicKey: {
      challenge: decode(options.challenge), rp: { id: options.rp_id, name: options.rp_name },
      user: { id: decode(options.user_id), name: options.user_name, displayName: options.user_name },
      pubKeyCredParams: [{ type: 'public-key', alg: -7 }], attestation: 'none', timeout: 120000,
      authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification: 'required' },
    } });
    return {
      client_data_json: encode(made.response.clientDataJSON), attestation_object: encode(made.response.attestationObject),
    };
  };

  // Each ceremony ends by sending its form the ordinary way, so that the answer is an ordinary page.
  const ceremonies = {
    // Consent: the challenge is the hash of what is agreed to, made by the server at this moment.
    async pay(form) {
      const chosen = form.querySelector('input[name="card"]:checked, input[name="card"][type="hidden"]');
      const options = await ask(form.dataset.options, { form: form.elements.form.value, card: chosen ? chosen.value : '' });
      form.elements.consent.value = options.ticket;
      form.elements.assertion.value = (await assertion(options)).answer;
    },
    async enter(form) {
      const options = await ask(form.dataset.options, {});
      const { user, answer } = await assertion(options);
      form.elements.ticket.value = options.ticket;
      form.elements.user.value = user;
      form.elements.assertion.value = answer;
    },
    // A new passkey, then a signature by it: the proof that lets its certificate be issued.
    async enrol(form) {
      const options = await ask(form.dataset.options, {});
      const proof = await ask(form.dataset.proof, { ticket: options.ticket, registration: await registration(options) });
      form.elements.ticket.value = proof.ticket;
      form.elements.assertion.value = (await assertion(proof)).answer;
    },
  };
  all('form[data-ceremony]').forEach((form) => form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (form.dataset.sent || !passkeys) return;
    const failed = form.querySelector('[data-failed]');
    show(failed, false);
    busy(form, true);
    try {
      await ceremonies[form.dataset.ceremony](form);
      form.submit();
    } catch {
      // Cancelled, timed out or refused: nothing was sent that moves money.
      busy(form, false);
      show(failed, true);
      if (failed) failed.focus();
    }
  }));

  // A payment whose outcome is not known: look again, more and more slowly, and load the page when there is news.
  const waiting = one('[data-status]');
  if (waiting) {
    let pause = 1500;
    const look = async () => {
      try {
        const answer = await fetch(waiting.dataset.status, { credentials: 'same-origin', cache: 'no-store', headers: { accept: 'application/json' } });
        if (answer.ok && !(await answer.json()).pending) { window.location.reload(); return; }
      } catch { /* The network comes back; the next look will tell. */ }
      pause = Math.min(pause * 1.4, 15000);
      window.setTimeout(look, pause);
    };
    window.setTimeout(look, pause);
  }

  // The page says before it closes that it is about to.
  const closing = one('[data-closes-in]');
  if (closing) {
    const left = Number(closing.dataset.closesIn) * 1000;
    if (left > 0 && left < 86400000) {
      window.setTimeout(() => show(closing, true), Math.max(left - 120000, 0));
      window.setTimeout(() => window.location.reload(), left + 1000);
    }
  }
})();
